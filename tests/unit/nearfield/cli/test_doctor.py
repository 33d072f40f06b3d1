from tests.support.cli import Cli
from tests.support.nearfield_builders import candidate, view
from tests.support.nearfield_servers import serve_admin, serve_plane


async def test_the_machine_and_the_fleet_are_checked_together(cli: Cli) -> None:
    async with serve_admin(view("fra1-a")) as admin, serve_plane(candidate()) as plane:
        where = ("--target", plane.address, "--admin", admin.address)
        done = await cli("doctor", *where, "-o", "json")
    assert {"what", "verdict", "found", "fix"} == set(done.json[0])
    whats = [one["what"] for one in done.json]
    assert whats[-3:] == ["fleet", "node fra1-a", "routing"]
    assert "processor" in whats
    assert done.status == (1 if any(one["verdict"] == "bad" for one in done.json) else 0)


async def test_something_wrong_is_status_1_and_marked(cli: Cli) -> None:
    async with serve_admin(view("fra1-a")) as admin:
        done = await cli("doctor", "--target", "127.0.0.1:1", "--admin", admin.address)
    assert done.status == 1
    (line,) = [line for line in done.out.splitlines() if "routing" in line]
    assert line.split()[0] == "WRONG"


async def test_no_fleet_is_only_noted(cli: Cli) -> None:
    nobody = ("--target", "127.0.0.1:1", "--admin", "127.0.0.1:1")
    (only,) = [
        one for one in (await cli("doctor", *nobody, "-o", "json")).json if one["what"] == "fleet"
    ]
    assert only["verdict"] == "note"
