from datetime import UTC, datetime
from pathlib import Path

import pytest

from nearfield.core.node import Health, NodeState
from nearfield.core.rpc.tls import PLAINTEXT, ClientTls, client_security
from nearfield.local import checks
from nearfield.local.authority import AUTHORITY_LIFE, prepare_tls
from nearfield.local.checks import Check, Verdict
from tests.support.nearfield_builders import candidate, view
from tests.support.nearfield_servers import serve_admin, serve_plane


def test_the_machine_is_looked_at_from_all_sides() -> None:
    found = checks.machine()
    assert [one.what for one in found] == [
        "processor",
        "memory",
        "disk",
        "vLLM",
        "GPU",
        "Consul",
    ]
    assert all(one.found for one in found)


def test_what_is_wrong_comes_with_its_fix() -> None:
    assert all(one.fix for one in checks.machine() if one.verdict is Verdict.BAD)


@pytest.mark.parametrize(
    ("flags", "verdict"),
    [({"avx512f", "avx2"}, Verdict.GOOD), ({"avx2"}, Verdict.NOTE), (set(), Verdict.BAD)],
)
def test_a_processor_is_judged_by_its_vectors(
    monkeypatch: pytest.MonkeyPatch, flags: set[str], verdict: Verdict
) -> None:
    monkeypatch.setattr(checks.platform, "machine", lambda: "x86_64")
    monkeypatch.setattr(checks, "_cpu_flags", lambda: frozenset(flags))
    assert checks.machine()[0].verdict is verdict


def by_name(found: list[Check]) -> dict[str, Check]:
    return {one.what: one for one in found}


async def test_a_healthy_fleet_is_good() -> None:
    async with serve_admin(view("fra1-a")) as admin, serve_plane(candidate()) as plane:
        found = by_name(await checks.fleet(plane.address, admin.address, PLAINTEXT))
    assert {one.verdict for one in found.values()} == {Verdict.GOOD}
    assert set(found) == {"fleet", "node fra1-a", "routing"}
    assert found["fleet"].found == "1 of 1 nodes take work"
    assert found["routing"].found.startswith("1 candidates")


async def test_a_cordoned_node_is_noted_and_a_lost_one_is_wrong() -> None:
    cordoned = view("fra1-a", state=NodeState.CORDONED, reason="kernel update")
    lost = view("iad1-b", health=Health.LOST)
    async with serve_admin(cordoned, lost) as admin, serve_plane() as plane:
        found = by_name(await checks.fleet(plane.address, admin.address, PLAINTEXT))
    assert found["fleet"].verdict is Verdict.BAD
    assert found["node fra1-a"].verdict is Verdict.NOTE
    assert "kernel update" in found["node fra1-a"].found
    assert "nearfield resume fra1-a" in found["node fra1-a"].fix
    assert found["node iad1-b"].verdict is Verdict.BAD
    assert "lost" in found["node iad1-b"].found


async def test_a_fleet_that_cannot_route_is_wrong() -> None:
    async with serve_admin(view()) as admin:
        found = by_name(await checks.fleet("127.0.0.1:1", admin.address, PLAINTEXT))
    assert found["routing"].verdict is Verdict.BAD


async def test_no_fleet_is_a_note_with_the_way_to_start_one() -> None:
    (only,) = await checks.fleet("127.0.0.1:1", "127.0.0.1:1", PLAINTEXT)
    assert (only.what, only.verdict) == ("fleet", Verdict.NOTE)
    assert "nearfield up" in only.fix


def test_an_authority_is_good_until_its_last_day(tmp_path: Path) -> None:
    start = datetime(2026, 3, 1, tzinfo=UTC)
    security = client_security(prepare_tls(tmp_path, start).authority)
    good = checks.trust(security, start)
    assert (good.verdict, good.found) == (Verdict.GOOD, "the authority is good until 2036-02-27")
    late = checks.trust(security, start + AUTHORITY_LIFE)
    assert (late.verdict, late.found) == (Verdict.BAD, "the authority has expired on 2036-02-27")
    assert "nearfield up" in late.fix


def test_plain_text_is_noted_and_the_systems_authorities_are_good() -> None:
    plain = checks.trust(PLAINTEXT)
    assert (plain.verdict, plain.fix) == (Verdict.NOTE, "unset NEARFIELD_PLAINTEXT")
    assert checks.trust(ClientTls()).verdict is Verdict.GOOD
