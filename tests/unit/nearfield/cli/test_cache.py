from tests.support.cli import Cli
from tests.support.nearfield_builders import view
from tests.support.nearfield_servers import serve_admin


async def test_clearing_asks_for_the_next_generation(cli: Cli) -> None:
    async with serve_admin(view("fra1-a")) as admin:
        done = await cli("clear-cache", "fra1-a", "--admin", admin.address, "-o", "json")
        assert admin.views["fra1-a"].desired.cache_generation == 1
    assert set(done.json) == {"name", "desired", "durable"}
    assert done.json["desired"]["cache_generation"] == 1


async def test_people_hear_which_revision_it_is(cli: Cli) -> None:
    async with serve_admin(view("fra1-a")) as admin:
        done = await cli("clear-cache", "fra1-a", "--admin", admin.address)
    assert "revision 1" in done.out
