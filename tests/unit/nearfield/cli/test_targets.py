import os
from pathlib import Path

import pytest

from nearfield.cli import targets
from nearfield.cli.targets import Access
from nearfield.client.client import Client
from nearfield.core.errors import ConfigError, InvalidRequest, Unsupported
from nearfield.core.geo import Position
from nearfield.core.rpc.server import RpcServer
from nearfield.core.rpc.tls import CertificateFiles, ClientTls
from nearfield.local import state
from nearfield.local.authority import prepare_tls
from nearfield.local.processes import ProcessId
from nearfield.local.state import FleetState

PARIS = Position(48.86, 2.35)
LOCAL = "127.0.0.1:9000"


def save_fleet(
    home: Path, *, wan: bool = True, address: str = LOCAL, authority: str = "", token: str = ""
) -> None:
    started = FleetState(
        control_plane=address,
        admin="127.0.0.1:9001",
        gateway="127.0.0.1:9002",
        wan=wan,
        position=Position(52.37, 4.90),
        consul="",
        processes=(ProcessId.of(os.getpid()),),
        logs="",
        authority=authority,
        token=token,
    )
    state.save(started)


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


@pytest.fixture
def authority(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.delenv("NEARFIELD_PLAINTEXT")
    return prepare_tls(tmp_path / "tls").authority


@pytest.mark.parametrize("target", [LOCAL, "127.0.0.1:9001", "127.0.0.1:9002"])
def test_a_local_fleet_is_trusted_for_its_authority_and_told_its_token(
    home: Path, authority: Path, target: str
) -> None:
    save_fleet(home, authority=str(authority), token="local token")
    found = targets.access(target)
    assert found == Access(ClientTls(authority.read_bytes()), "local token")


async def test_verbs_reach_a_local_fleet_over_tls_without_a_word(
    home: Path, authority: Path
) -> None:
    files = prepare_tls(authority.parent)
    own = CertificateFiles(files.certificate, files.key).read()
    async with RpcServer("127.0.0.1:0", (), own) as server:
        address = f"127.0.0.1:{server.port}"
        save_fleet(home, authority=str(files.authority), address=address)
        async with targets.open_admin(address) as client:
            with pytest.raises(Unsupported):  # it is reached, and has no Admin service
                await client.nodes()


def test_another_fleet_is_neither_trusted_for_it_nor_told(home: Path, authority: Path) -> None:
    save_fleet(home, authority=str(authority), token="local token")
    assert targets.access("elsewhere:7700") == Access(ClientTls(), "")


def test_the_environment_wins_over_what_a_local_fleet_says(
    home: Path, authority: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    save_fleet(home, authority=str(authority), token="local token")
    other = prepare_tls(tmp_path / "other").authority
    monkeypatch.setenv("NEARFIELD_AUTHORITY", str(other))
    monkeypatch.setenv("NEARFIELD_TOKEN", "mine")
    assert targets.access(LOCAL) == Access(ClientTls(other.read_bytes()), "mine")
    assert targets.access("elsewhere:7700") == Access(ClientTls(other.read_bytes()), "mine")


def test_an_authority_that_is_gone_is_named(
    authority: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NEARFIELD_AUTHORITY", str(authority.with_name("gone.pem")))
    with pytest.raises(ConfigError, match=r"gone\.pem") as caught:
        targets.access(LOCAL)
    assert caught.value.field == "tls.authority"
