import pytest

from tests.support.cli import Cli
from tests.support.nearfield_servers import serve_admin


@pytest.mark.parametrize("durable", [True, False])
async def test_revoking_makes_all_tickets_void_and_says_so(cli: Cli, durable: bool) -> None:
    async with serve_admin() as admin:
        admin.durable = durable
        done = await cli("tickets", "revoke", "--admin", admin.address)
        assert admin.policy.ticket_epoch == 1
    said = ["all tickets signed so far are void (revision 1)"]
    if not durable:
        said.append("the directory is away: this holds in memory and is not durable yet")
    assert done.out.splitlines() == said


async def test_revoking_is_told_to_programs(cli: Cli) -> None:
    async with serve_admin() as admin:
        done = await cli("tickets", "revoke", "--admin", admin.address, "-o", "json")
    assert done.json == {"revision": 1, "durable": True}
