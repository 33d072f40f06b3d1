"""A whole fleet as its operators see it, in Consul's own words too."""

import pytest

from nearfield.client.client import Client
from nearfield.core.constraints import Constraints
from nearfield.core.errors import NoCandidate
from nearfield.core.geo import Position
from nearfield.core.node import Desired, Intake, NodeState
from nearfield.core.route import RouteQuery
from tests.support.waiting import until, until_true
from tests.support.whole_fleet import WholeFleet

pytestmark = pytest.mark.engine

OSAKA = Position(34.69, 135.50)
TOKYO = "nrt1-1"


async def _ask(fleet: WholeFleet, intake: Intake, reason: str = "") -> Desired:
    """Ask Tokyo for something and wait until it says that it has applied it."""
    desired, durable = await fleet.admin.set_intake(TOKYO, intake, reason)
    assert durable
    await until_true(
        lambda: fleet.node(TOKYO), lambda view: view.applied_revision == desired.revision
    )
    return desired


async def _first(client: Client) -> str:
    return (await client.route(RouteQuery("", OSAKA))).candidates[0].node


async def test_consuls_commands_show_the_nodes_and_what_they_are(fleet: WholeFleet) -> None:
    await until(fleet.checks, {"fra1-1": "passing", TOKYO: "passing"})
    (tags,) = (
        line.split()[1].split(",")
        for line in fleet.consul.cli("catalog", "services", "-tags").splitlines()
        if line.startswith("nearfield-node")
    )
    assert {"pop:fra1", "pop:nrt1", "jurisdiction:eu", "jurisdiction:jp", "model:demo"} == set(tags)
    listed = fleet.consul.cli("catalog", "nodes", "-service=nearfield-node").splitlines()[1:]
    assert {line.split()[0] for line in listed} == {"fra1-1", TOKYO}


async def test_a_cordoned_node_is_not_routed_to_and_consul_warns_until_it_is_resumed(
    fleet: WholeFleet, client: Client
) -> None:
    assert await _first(client) == TOKYO
    await _ask(fleet, Intake.CORDONED, "new kernel")
    assert await _first(client) == "fra1-1"
    await until(lambda: fleet.check(TOKYO), "warning")
    await _ask(fleet, Intake.OPEN)
    assert await _first(client) == TOKYO
    await until(lambda: fleet.check(TOKYO), "passing")


async def test_a_drain_lets_a_running_answer_come_to_its_end(
    fleet: WholeFleet, client: Client
) -> None:
    answer = client.generate("Go on.", near=OSAKA, max_tokens=200, ignore_eos=True)
    chunks = aiter(answer)
    await anext(chunks)
    await _ask(fleet, Intake.DRAINED)
    async for _ in chunks:
        pass
    assert answer.usage is not None
    assert answer.usage.completion_tokens == 200
    await until_true(lambda: fleet.node(TOKYO), lambda view: view.state is NodeState.DRAINED)
    with pytest.raises(NoCandidate) as caught:
        await client.route(RouteQuery("", OSAKA, Constraints(("jp",))))
    assert caught.value.limit == "jurisdiction: 1, state: 1"
    await until(lambda: fleet.check(TOKYO), "warning")
    await _ask(fleet, Intake.OPEN)
    await until(lambda: fleet.check(TOKYO), "passing")


async def test_a_cleared_prefix_cache_is_empty_and_reported(
    fleet: WholeFleet, client: Client
) -> None:
    in_japan = Constraints(("jp",))

    async def cached() -> int:
        answer = client.generate(
            "One and the same long prompt. " * 8, constraints=in_japan, max_tokens=1
        )
        await answer.text()
        assert answer.provenance is not None
        assert answer.provenance.node == TOKYO
        return answer.provenance.cached_prompt_tokens

    await cached()
    assert await cached() > 0
    before = (await fleet.node(TOKYO)).load.kv_cache.cleared
    desired, durable = await fleet.admin.clear_prefix_cache(TOKYO)
    assert durable
    await until_true(
        lambda: fleet.node(TOKYO),
        lambda view: (
            view.applied_revision == desired.revision and view.load.kv_cache.cleared == before + 1
        ),
    )
    assert await cached() == 0


async def test_what_is_desired_is_in_consuls_key_value_store(fleet: WholeFleet) -> None:
    desired = await _ask(fleet, Intake.OPEN, "as it should be")
    stored = fleet.consul.cli("kv", "get", f"nearfield/desired/{TOKYO}")
    assert f'"revision": {desired.revision}' in stored
    assert "as it should be" in stored
