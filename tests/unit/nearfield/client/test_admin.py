import dataclasses
from collections.abc import AsyncIterator
from contextlib import aclosing

import pytest

from nearfield.client.admin import AdminClient
from nearfield.core.errors import InvalidRequest, UnknownNode, Unreachable
from nearfield.core.node import Desired, Intake, NodeState, ServedModel
from nearfield.core.policy import DeclaredPrefix, ModelPolicy
from nearfield.core.rpc.tls import PLAINTEXT
from tests.support.nearfield_builders import view
from tests.support.nearfield_servers import FakeAdmin, serve_admin

A, B = view("fra1-a"), view("iad1-b", state=NodeState.FAILED, reason="engine died")


@pytest.fixture
async def admin() -> AsyncIterator[FakeAdmin]:
    async with serve_admin(A, B) as served:
        yield served


@pytest.fixture
async def client(admin: FakeAdmin) -> AsyncIterator[AdminClient]:
    async with AdminClient(admin.address, PLAINTEXT) as opened:
        yield opened


async def test_every_node_is_listed_whole(client: AdminClient) -> None:
    assert await client.nodes() == (A, B)


async def test_one_node_is_found_by_its_name(client: AdminClient) -> None:
    assert await client.node("iad1-b") == B


async def test_a_node_that_never_joined_is_unknown(client: AdminClient) -> None:
    with pytest.raises(UnknownNode, match="nowhere"):
        await client.node("nowhere")
    with pytest.raises(UnknownNode, match="nowhere"):
        await client.set_intake("nowhere", Intake.DRAINED)


async def test_watching_shows_all_then_changes_and_farewells(
    admin: FakeAdmin, client: AdminClient
) -> None:
    changed = dataclasses.replace(A, state=NodeState.DRAINING)
    admin.changes.put_nowait((changed, False))
    admin.changes.put_nowait((B, True))
    async with aclosing(client.watch(interval=0.5)) as changes:
        seen = [await anext(changes) for _ in range(4)]
    assert seen == [("fra1-a", A), ("iad1-b", B), ("fra1-a", changed), ("iad1-b", None)]
    assert admin.intervals == [0.5]


async def test_a_watch_that_breaks_is_a_typed_error(admin: FakeAdmin, client: AdminClient) -> None:
    async with aclosing(client.watch()) as changes:
        await anext(changes)
        await anext(changes)
        await admin.server.grpc.stop(None)
        with pytest.raises(Unreachable):
            await anext(changes)


@pytest.mark.parametrize("durable", [True, False])
async def test_asking_for_a_state_says_whether_it_is_durable(
    admin: FakeAdmin, client: AdminClient, durable: bool
) -> None:
    admin.durable = durable
    answer = await client.set_intake("fra1-a", Intake.DRAINED, "kernel update")
    assert answer == (Desired(1, Intake.DRAINED, reason="kernel update"), durable)
    assert (await client.node("fra1-a")).state is NodeState.DRAINED


async def test_clearing_the_prefix_cache_raises_its_generation(client: AdminClient) -> None:
    desired, _ = await client.clear_prefix_cache("fra1-a")
    assert (desired.revision, desired.cache_generation) == (1, 1)


async def test_the_models_of_the_fleet_are_listed(admin: FakeAdmin, client: AdminClient) -> None:
    admin.models = (ServedModel("qwen3-8b", "sha256:5e", 32768, ("fra1-a", "b"), ("b",)),)
    assert await client.models() == admin.models


@pytest.mark.parametrize("durable", [True, False])
async def test_a_change_of_the_policy_tells_its_revision_and_whether_it_is_durable(
    admin: FakeAdmin, client: AdminClient, durable: bool
) -> None:
    admin.durable = durable
    policy = ModelPolicy("qwen3-8b", ("fra1",), 0, 4)
    assert await client.set_model(policy) == (1, durable)
    assert await client.revoke_tickets() == (2, durable)
    assert (admin.policy.models, admin.policy.ticket_epoch) == ((policy,), 1)


async def test_prefixes_are_declared_listed_and_withdrawn(client: AdminClient) -> None:
    one = DeclaredPrefix("brief", "m", "Be brief.", tenant="acme", pops=("fra1",), system=True)
    other = DeclaredPrefix("long", "m", "x" * 65_536, group="lab")
    assert await client.declare_prefix(one) == (1, True)
    assert await client.declare_prefix(other) == (2, True)
    assert await client.prefixes() == (one, other)
    assert await client.withdraw_prefix("brief") == (3, True)
    assert await client.prefixes() == (other,)
    with pytest.raises(InvalidRequest) as caught:
        await client.withdraw_prefix("brief")
    assert (caught.value.field, caught.value.limit) == ("name", "long")


async def test_nobody_at_the_address_is_unreachable() -> None:
    async with AdminClient("127.0.0.1:1", PLAINTEXT) as client:
        with pytest.raises(Unreachable):
            await client.nodes()


async def test_a_closed_client_closes_once_and_opens_again_when_used(admin: FakeAdmin) -> None:
    client = AdminClient(admin.address, PLAINTEXT)
    assert len(await client.nodes()) == 2
    await client.aclose()
    await client.aclose()
    assert len(await client.nodes()) == 2
    await client.aclose()
