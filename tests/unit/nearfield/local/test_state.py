import json
import os
import stat
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from nearfield.core.errors import ConfigError
from nearfield.core.geo import Position
from nearfield.core.rpc.tls import ClientTls
from nearfield.local import state
from nearfield.local.authority import prepare_tls
from nearfield.local.processes import ProcessId
from nearfield.local.state import FleetState

HERE = ProcessId.of(os.getpid())


def fleet(*processes: ProcessId) -> FleetState:
    return FleetState(
        control_plane="127.0.0.1:1",
        admin="127.0.0.1:2",
        gateway="127.0.0.1:3",
        wan=True,
        position=Position(52.37, 4.90),
        consul="",
        processes=processes,
        logs="/var/log/nearfield",
        authority="/var/lib/nearfield/authority.pem",
        token="token",
    )


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "home"
    monkeypatch.setenv("NEARFIELD_HOME", str(folder))
    return folder


def test_what_was_saved_is_read_back() -> None:
    state.save(fleet(HERE))
    assert state.load() == fleet(HERE)


def test_without_a_state_there_is_no_fleet() -> None:
    assert state.load() is None


def test_a_cleared_state_is_forgotten_and_clearing_twice_is_once() -> None:
    state.save(fleet(HERE))
    state.clear()
    state.clear()
    assert state.load() is None


def test_a_process_that_has_ended_is_no_fleet() -> None:
    child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    gone = ProcessId.of(child.pid)
    child.communicate(b"\n")
    state.save(fleet(gone))
    assert state.load() is None


def test_a_later_process_of_the_same_number_is_no_fleet() -> None:
    state.save(fleet(ProcessId(HERE.pid, HERE.started - 3600)))
    assert state.load() is None


def test_a_fleet_of_which_one_process_runs_still_runs() -> None:
    state.save(fleet(ProcessId(HERE.pid, 0.0), HERE))
    assert state.load() is not None


def test_the_state_is_json_that_other_tools_can_read(home: Path) -> None:
    state.save(fleet(HERE))
    values = json.loads((home / "fleet.json").read_text())
    assert values["control_plane"] == "127.0.0.1:1"
    assert values["processes"][0]["pid"] == os.getpid()


@pytest.mark.parametrize("text", ["", '{"control_plane": "127', "[]", '{"old": "shape"}'])
def test_a_state_that_cannot_be_read_is_refused_by_its_file(home: Path, text: str) -> None:
    home.mkdir()
    (home / "fleet.json").write_text(text)
    with pytest.raises(ConfigError, match=r"fleet\.json") as caught:
        state.load()
    assert caught.value.field == "state"


def test_a_state_is_replaced_whole(home: Path) -> None:
    state.save(fleet(HERE))
    with (home / "fleet.json").open(encoding="utf-8") as before:
        state.save(fleet(HERE, ProcessId(1, 0.0)))
        assert len(json.load(before)["processes"]) == 1
    assert [path.name for path in home.iterdir()] == ["fleet.json"]


def test_only_the_owner_reads_the_token(home: Path) -> None:
    state.save(fleet(HERE))
    assert stat.S_IMODE((home / "fleet.json").stat().st_mode) == 0o600


def test_clients_trust_the_authority_of_the_fleet(tmp_path: Path) -> None:
    files = prepare_tls(tmp_path)
    started = replace(fleet(HERE), authority=str(files.authority))
    assert started.trust == ClientTls(files.authority.read_bytes())


def test_the_folder_is_where_the_user_says(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert state.home() == home
    monkeypatch.delenv("NEARFIELD_HOME")
    monkeypatch.setenv("XDG_STATE_HOME", "/somewhere")
    assert state.home() == Path("/somewhere/nearfield")
    monkeypatch.delenv("XDG_STATE_HOME")
    assert state.home() == Path.home() / ".local" / "state" / "nearfield"
