"""Who asks is proved by a ticket, and what is cached for one tenant is nothing to another."""

import dataclasses
from collections.abc import AsyncIterator

import pytest

from nearfield.client.attempt import Trip, attempt
from nearfield.client.client import Client
from nearfield.client.connections import Connections
from nearfield.client.dialing import direct
from nearfield.core.constraints import Constraints
from nearfield.core.errors import (
    NearfieldError,
    NoCandidate,
    TenantUnknown,
    TicketInvalid,
    TicketRefused,
    TicketRevoked,
)
from nearfield.core.geo import Position
from nearfield.core.identity import new_id
from nearfield.core.inference import Request, Sampling, TextPrompt
from nearfield.core.route import Lease, RouteQuery
from tests.support.whole_fleet import TENANT_TOKENS, WholeFleet

pytestmark = pytest.mark.engine

BERLIN = Position(52.52, 13.41)
LONG = "Which of these many words were cached for whom, and by which node of the fleet? " * 8


@pytest.fixture
async def lease(client: Client) -> Lease:
    """A lease of the local tenant near Frankfurt."""
    return await client.route(RouteQuery("demo", BERLIN))


async def cached(client: Client, prompt: str) -> int:
    answer = client.generate(prompt, constraints=Constraints(("eu",)), max_tokens=2)
    await answer.text()
    assert answer.provenance is not None
    assert answer.provenance.node == "fra1-1"
    assert answer.usage is not None
    return answer.usage.cached_prompt_tokens


async def ask(fleet: WholeFleet, lease: Lease, ticket: str, model: str = "demo") -> None:
    """Send a request with this ticket to the lease's first node, past the client's own care."""
    connections = Connections(direct, fleet.state.trust)
    request = Request(
        new_id("req"), model, TextPrompt("Hello"), Sampling(max_tokens=1), ticket=ticket
    )
    try:
        async with connections.use(lease.candidates[0].endpoint, BERLIN) as connection:
            async for _ in attempt(connection, request, Trip(), metadata={}, timeout=20):
                pass
    finally:
        await connections.aclose()


async def refusal(fleet: WholeFleet, lease: Lease, ticket: str, **changes: str) -> NearfieldError:
    with pytest.raises(NearfieldError) as caught:
        await ask(fleet, lease, ticket, **changes)
    return caught.value


@pytest.fixture
async def tenants(fleet: WholeFleet) -> AsyncIterator[dict[str, Client]]:
    """A client of each tenant, by the tenant's name."""
    clients = {
        name: Client(fleet.state.control_plane, token=token, security=fleet.state.trust)
        for name, token in TENANT_TOKENS.items()
    }
    try:
        yield clients
    finally:
        for client in clients.values():
            await client.aclose()


async def test_tenants_with_the_same_prompt_share_no_cached_block(
    tenants: dict[str, Client],
) -> None:
    assert await cached(tenants["acme"], LONG) == 0
    assert await cached(tenants["acme"], LONG) > 0
    assert await cached(tenants["globex"], LONG) == 0


async def test_members_of_a_trust_group_share_what_is_cached(tenants: dict[str, Client]) -> None:
    prompt = f"In our group. {LONG}"
    assert await cached(tenants["north"], prompt) == 0
    assert await cached(tenants["south"], prompt) > 0


@pytest.mark.parametrize("token", ["", "not-a-token-of-anybody"])
async def test_who_proves_to_be_no_tenant_learns_nothing(fleet: WholeFleet, token: str) -> None:
    state = fleet.state
    async with Client(state.control_plane, token=token, security=state.trust) as stranger:
        with pytest.raises(TenantUnknown) as caught:
            await stranger.generate("Hello", near=BERLIN).text()
        with pytest.raises(TenantUnknown):
            await stranger.explain(RouteQuery("demo", BERLIN))
    assert caught.value.field == "tenant_token"


async def test_a_good_ticket_is_taken_and_a_forged_one_is_not(
    fleet: WholeFleet, lease: Lease
) -> None:
    await ask(fleet, lease, lease.ticket)
    head, claims, signature = lease.ticket.split(".")
    turned = signature[:-2] + ("A" if signature[-2] != "A" else "B") + signature[-1]
    for forged in ("", "nonsense", f"{head}.{claims}.{turned}", f"{head}.{claims}."):
        error = await refusal(fleet, lease, forged)
        assert isinstance(error, TicketInvalid)
        assert error.field.startswith("ticket")


async def test_a_ticket_holds_where_its_constraints_do_and_nowhere_else(
    fleet: WholeFleet, client: Client, lease: Lease
) -> None:
    bound = RouteQuery("demo", BERLIN, Constraints(jurisdictions=("jp",)))
    in_japan = await client.route(bound)
    assert [one.jurisdiction for one in in_japan.candidates] == ["jp"]
    await ask(fleet, in_japan, in_japan.ticket)
    error = await refusal(fleet, lease, in_japan.ticket)
    assert isinstance(error, TicketRefused)
    assert "jurisdiction" in error.field


async def test_a_constraint_that_no_node_meets_is_named(client: Client) -> None:
    nowhere = Constraints(jurisdictions=("atlantis",))
    with pytest.raises(NoCandidate) as caught:
        await client.generate("Hello", near=BERLIN, constraints=nowhere).text()
    assert caught.value.field == "jurisdiction"


async def test_revoked_tickets_are_refused_and_clients_go_on_with_new_ones(
    fleet: WholeFleet, client: Client, lease: Lease
) -> None:
    await client.generate("Hello", near=BERLIN, max_tokens=1).text()
    await fleet.admin.revoke_tickets()
    error = await eventually_refused(fleet, lease)
    assert isinstance(error, TicketRevoked)
    assert await client.generate("Hello", near=BERLIN, max_tokens=1).text()
    renewed = await client.route(RouteQuery("demo", BERLIN))
    await ask(fleet, dataclasses.replace(renewed, candidates=lease.candidates), renewed.ticket)


async def eventually_refused(fleet: WholeFleet, lease: Lease) -> NearfieldError:
    """The word of the revocation takes a moment to the node."""
    for _ in range(200):
        try:
            await ask(fleet, lease, lease.ticket)
        except NearfieldError as error:
            return error
    raise AssertionError("a revoked ticket is still taken")
