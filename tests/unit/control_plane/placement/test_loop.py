"""The planner at work: what it decides becomes a node's desired state."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from control_plane.fleet.desired import DesiredStates
from control_plane.fleet.policies import Policies
from control_plane.fleet.registry import Registry
from control_plane.placement import loop
from control_plane.placement.demand import Demand
from control_plane.placement.loop import Placement
from nearfield.core.node import Desired, Intake, NodeLoad, NodeState
from nearfield.core.policy import ModelPolicy
from tests.support.plane_builders import FakeClock, TroubledDirectory
from tests.support.records import MODEL, node_info
from tests.support.waiting import until_true

LOCAL = (MODEL.name, "other")


@pytest.fixture
async def directory() -> AsyncIterator[TroubledDirectory]:
    async with TroubledDirectory() as opened:
        yield opened


class Replica:
    """A registry of two nodes in two PoPs, and what plans for them."""

    def __init__(self, directory: TroubledDirectory) -> None:
        self.clock = FakeClock()
        self.registry = Registry(self.clock)
        self.desired = DesiredStates(directory, self.registry)
        self.policies = Policies(directory)
        self.demand = Demand(self.clock)
        self.placement = Placement(
            self.registry, self.desired, self.policies, self.demand, self.clock
        )
        for name, pop in (("fra1-a", "fra1"), ("nrt1-a", "nrt1")):
            self.join(name, pop)

    def join(self, name: str, pop: str, model: str = MODEL.name) -> None:
        served = (replace(MODEL, name=model),)
        info = node_info(name, pop=pop, local_models=LOCAL, models=served)
        self.registry.join(info, NodeState.READY)
        self.registry.set_desired(name, self.desired.of(name))
        self.registry.report(name, NodeState.READY, "", NodeLoad(slots=4), applied_revision=0)


@pytest.fixture
def replica(directory: TroubledDirectory) -> Replica:
    return Replica(directory)


async def test_a_decision_becomes_the_nodes_desired_model_with_its_reason(
    replica: Replica, directory: TroubledDirectory
) -> None:
    await replica.policies.change(lambda one: one.with_model(ModelPolicy("other", ("nrt1",))))
    (made,) = await replica.placement.step()
    desired = replica.registry.get("nrt1-a").desired
    assert (made.node, desired.model, desired.intake) == ("nrt1-a", "other", Intake.OPEN)
    assert desired.reason == made.reason == "other is to have at least 1 nodes in nrt1, it has 0"
    assert await directory.desired() == {"nrt1-a": desired}
    assert await replica.placement.step() == ()


async def test_requests_that_found_no_node_bring_a_model_one(replica: Replica) -> None:
    for _ in range(60):
        replica.demand.note("other", "fra1")
    (made,) = await replica.placement.step()
    assert (made.node, made.model) == ("fra1-a", "other")


async def test_a_node_that_is_away_to_switch_is_waited_for(replica: Replica) -> None:
    await replica.policies.change(lambda one: one.with_model(ModelPolicy("other")))
    (made,) = await replica.placement.step()
    replica.registry.goodbye(made.node)
    replica.registry.forget(made.node)
    assert await replica.placement.step() == ()
    replica.join(made.node, "fra1", "other")
    assert await replica.placement.step() == ()


async def test_without_the_directory_decisions_hold_in_memory(
    replica: Replica, directory: TroubledDirectory
) -> None:
    await replica.policies.change(lambda one: one.with_model(ModelPolicy("other")))
    directory.away = True
    (made,) = await replica.placement.step()
    assert replica.registry.get(made.node).desired.model == "other"


async def test_an_operator_who_closes_the_node_meanwhile_keeps_the_last_word(
    replica: Replica, monkeypatch: pytest.MonkeyPatch
) -> None:
    await replica.policies.change(lambda one: one.with_model(ModelPolicy("other", ("nrt1",))))

    def with_an_operator(*asked: object) -> object:
        made = plan(*asked)
        before = replica.registry.get("nrt1-a").desired
        closed = replace(before, intake=Intake.DRAINED, reason="new disk", revision=1)
        replica.desired._line("nrt1-a").load(closed)
        return made

    plan = loop.plan
    monkeypatch.setattr(loop, "plan", with_an_operator)
    await replica.placement.step()
    desired: Desired = replica.registry.get("nrt1-a").desired
    assert (desired.intake, desired.reason, desired.model) == (Intake.DRAINED, "new disk", "other")


async def test_it_plans_again_and_again_until_it_is_cancelled(
    replica: Replica, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(loop, "INTERVAL_SECONDS", 0.01)
    running = asyncio.create_task(replica.placement.run())
    await asyncio.sleep(0)
    await replica.policies.change(lambda one: one.with_model(ModelPolicy("other", ("nrt1",))))

    async def model() -> str:
        return replica.registry.get("nrt1-a").desired.model

    await until_true(model, lambda name: name == "other")
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
