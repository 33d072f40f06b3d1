import os
from pathlib import Path

import pytest

from nearfield.cli import targets
from nearfield.client.client import Client
from nearfield.core.errors import InvalidRequest
from nearfield.core.geo import Position
from nearfield.local import state
from nearfield.local.processes import ProcessId
from nearfield.local.state import FleetState

PARIS = Position(48.86, 2.35)
LOCAL = "127.0.0.1:9000"


def save_fleet(home: Path, *, wan: bool = True) -> None:
    here = ProcessId.of(os.getpid())
    position = Position(52.37, 4.90)
    state.save(
        FleetState(LOCAL, "127.0.0.1:9001", "127.0.0.1:9002", wan, position, "", (here,), "")
    )


def test_with_no_word_at_all_it_is_the_usual_port() -> None:
    assert (targets.control_plane(""), targets.admin("")) == ("127.0.0.1:7700", "127.0.0.1:7701")


def test_a_local_fleet_is_found(home: Path) -> None:
    save_fleet(home)
    assert (targets.control_plane(""), targets.admin("")) == (LOCAL, "127.0.0.1:9001")


def test_the_environment_wins_over_a_local_fleet_and_an_option_over_both(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    save_fleet(home)
    monkeypatch.setenv("NEARFIELD_CONTROL_PLANE", "env:1")
    monkeypatch.setenv("NEARFIELD_ADMIN", "env:2")
    assert (targets.control_plane(""), targets.admin("")) == ("env:1", "env:2")
    assert (targets.control_plane("opt:1"), targets.admin("opt:2")) == ("opt:1", "opt:2")


def test_no_place_is_nowhere_and_a_wrong_one_is_refused() -> None:
    assert targets.origin("") is None
    assert targets.origin("48.86,2.35") == PARIS
    with pytest.raises(InvalidRequest):
        targets.origin("Paris")


def test_distance_is_emulated_for_a_place_and_the_local_fleet(home: Path) -> None:
    assert not targets.emulates_distance(LOCAL, PARIS, no_wan=False)
    save_fleet(home)
    assert targets.emulates_distance(LOCAL, PARIS, no_wan=False)
    assert not targets.emulates_distance(LOCAL, PARIS, no_wan=True)
    assert not targets.emulates_distance(LOCAL, None, no_wan=False)
    assert not targets.emulates_distance("elsewhere:1", PARIS, no_wan=False)


def test_distance_is_not_emulated_where_the_fleet_was_started_without(home: Path) -> None:
    save_fleet(home, wan=False)
    assert not targets.emulates_distance(LOCAL, PARIS, no_wan=False)


@pytest.mark.parametrize("no_wan", [True, False])
async def test_a_client_is_opened_near_or_far(home: Path, no_wan: bool) -> None:
    save_fleet(home)
    async with targets.open_client(LOCAL, PARIS, no_wan) as client:
        assert isinstance(client, Client)
