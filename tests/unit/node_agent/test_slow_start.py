import asyncio

import pytest

from nearfield.core.node import Desired, NodeState
from nearfield.core.node import Intake as Asked
from nearfield.core.policy import DeclaredPrefix
from node_agent import prewarm, slow_start
from node_agent.admission.intake import Event
from node_agent.intake import Intake
from node_agent.ramp import RAMP_LEAST, Ramp
from node_agent.slow_start import SlowStart
from tests.support.caching_engine import CachingEngine, Warmer
from tests.support.node_builders import eventually
from tests.support.node_fleet import background

TERMS = DeclaredPrefix("terms", "simulated", "These are the terms.", tenant="acme")


@pytest.fixture(autouse=True)
def _endless_patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """No time passes in these tests but that which one of them lets pass."""
    monkeypatch.setattr(slow_start, "TOLD_SECONDS", 3600.0)
    monkeypatch.setattr(slow_start, "WARM_SECONDS", 3600.0)
    monkeypatch.setattr(prewarm, "CHECK_SECONDS", 3600.0)


class Starting(Warmer):
    """A node that starts."""

    def __init__(self, engine: CachingEngine | None = None, *, linked: bool = True) -> None:
        super().__init__(engine)
        self.intake = Intake(self.workload, self.engine.clear_prefix_cache, starting=linked)
        self.ramp = Ramp(self.clock)
        self.start = SlowStart(self.prewarm, self.intake, self.ramp, linked=linked)


async def test_a_node_of_a_fleet_opens_once_what_is_declared_is_warm() -> None:
    node = Starting(CachingEngine(step_seconds=0.001))
    states: list[NodeState] = []
    node.engine.follow_cache(Watch(states, node.intake))
    async with background(node.start.run):
        await asyncio.sleep(0)
        assert node.intake.state is NodeState.STARTING
        node.prewarm.declare([TERMS])
        await eventually(lambda: node.intake.state is NodeState.READY)
    assert states == [NodeState.STARTING]
    assert node.ramp.share == RAMP_LEAST


class Watch:
    """Notes the node's state whenever its cache changes."""

    def __init__(self, states: list[NodeState], intake: Intake) -> None:
        self._states, self._intake = states, intake

    def take(self, event: object) -> None:
        self._states.append(self._intake.state)

    def lost(self) -> None:
        pass


async def test_a_node_that_hears_no_control_plane_opens_cold(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(slow_start, "TOLD_SECONDS", 0.001)
    node = Starting()
    async with background(node.start.run):
        await eventually(lambda: node.intake.state is NodeState.READY)
    assert node.engine.asked == []
    assert node.ramp.share == RAMP_LEAST


async def test_a_warm_up_that_takes_too_long_is_given_up_and_gone_on_with_while_open(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(slow_start, "WARM_SECONDS", 0.001)
    node = Starting(CachingEngine(step_seconds=60.0))
    node.prewarm.declare([TERMS])
    async with background(node.start.run):
        await eventually(lambda: node.intake.state is NodeState.READY)
        await eventually(lambda: len(node.engine.asked) == 2)
        assert node.engine.running == 1
    assert "not all declared prefixes were warm" in caplog.text


async def test_a_node_alone_is_open_from_the_start_and_at_its_full_share() -> None:
    node = Starting(linked=False)
    assert node.intake.state is NodeState.READY
    async with background(node.start.run):
        await asyncio.sleep(0)
        assert node.intake.state is NodeState.READY
        assert node.ramp.share == 1.0


async def test_a_node_that_was_cordoned_while_it_started_stays_so_and_keeps_the_reason() -> None:
    node = Starting()
    await node.intake.apply(Desired(1, Asked.CORDONED, reason="disk swap"))
    async with background(node.start.run):
        node.prewarm.declare([TERMS])
        await eventually(lambda: node.ramp.share == RAMP_LEAST)
        assert (node.intake.state, node.intake.reason) == (NodeState.CORDONED, "disk swap")


async def test_what_is_declared_after_the_start_is_warmed_too() -> None:
    node = Starting()
    node.prewarm.declare([])
    async with background(node.start.run):
        await eventually(lambda: node.intake.state is NodeState.READY)
        node.prewarm.declare([TERMS])
        await eventually(lambda: node.prewarm.warmed)


async def test_a_node_whose_engine_died_while_it_started_stays_failed() -> None:
    node = Starting()
    async with background(node.start.run) as start:
        node.intake.happen(Event.ENGINE_DIED, "its engine died")
        node.prewarm.declare([])
        await eventually(lambda: node.ramp.share == RAMP_LEAST)
        assert not start.done()
        assert (node.intake.state, node.intake.reason) == (NodeState.FAILED, "its engine died")
