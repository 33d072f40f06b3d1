import pytest

from nearfield.core.node import Desired, NodeState
from nearfield.core.node import Intake as Asked
from node_agent.admission.intake import Event
from node_agent.intake import Intake
from node_agent.switching import ModelSwitch
from node_agent.workload import Workload


class Cache:
    def __init__(self) -> None:
        self.clearings = 0

    async def clear(self) -> None:
        self.clearings += 1


class Node:
    def __init__(self) -> None:
        self.workload, self.cache = Workload(), Cache()
        switch = ModelSwitch("demo", {"demo": "demo", "demo-2": "demo"})
        self.intake = Intake(self.workload, self.cache.clear, switch=switch)

    async def asked(self, revision: int, intake: Asked = Asked.OPEN, **rest: object) -> NodeState:
        fields = {"directory_id": "dir", **rest}
        await self.intake.apply(Desired(revision, intake, **fields))  # type: ignore[arg-type]
        return self.intake.state


async def test_a_node_starts_ready_and_follows_what_is_asked() -> None:
    node = Node()
    assert node.intake.state is NodeState.READY
    assert await node.asked(1, Asked.CORDONED, reason="disk swap") is NodeState.CORDONED
    assert node.intake.reason == "disk swap"
    assert await node.asked(2) is NodeState.READY
    assert node.intake.reason == ""


async def test_an_older_or_repeated_revision_changes_nothing() -> None:
    node = Node()
    await node.asked(5, Asked.CORDONED)
    changes = node.intake.changes
    assert await node.asked(5) is NodeState.CORDONED
    assert await node.asked(4) is NodeState.CORDONED
    assert node.intake.applied.revision == 5
    assert node.intake.changes == changes


async def test_a_new_directory_counts_its_revisions_anew() -> None:
    node = Node()
    await node.asked(9, Asked.CORDONED)
    assert await node.asked(1, directory_id="another") is NodeState.READY
    assert node.intake.applied.revision == 1


async def test_a_higher_generation_clears_the_cache_once() -> None:
    node = Node()
    await node.asked(1, cache_generation=1)
    await node.asked(2, cache_generation=1)
    assert node.cache.clearings == 1
    await node.asked(3, cache_generation=2)
    assert node.cache.clearings == 2


async def test_a_drain_ends_when_the_last_request_does() -> None:
    node = Node()
    with node.workload.admit(1):
        assert await node.asked(1, Asked.DRAINED, reason="upgrade") is NodeState.DRAINING
        node.intake.settle()
        assert node.intake.state is NodeState.DRAINING
    changes = node.intake.changes
    node.intake.settle()
    assert node.intake.state is NodeState.DRAINED
    assert node.intake.reason == "upgrade"
    assert node.intake.changes > changes


async def test_a_drain_of_an_idle_node_is_done_at_once() -> None:
    assert await Node().asked(1, Asked.DRAINED) is NodeState.DRAINED


async def test_a_failed_node_notes_a_wish_but_stays_failed() -> None:
    node = Node()
    node.intake.happen(Event.ENGINE_DIED, "its engine died")
    assert await node.asked(1, cache_generation=1) is NodeState.FAILED
    assert node.intake.applied.revision == 1
    assert node.cache.clearings == 0
    assert node.intake.reason == "its engine died"


async def test_what_cannot_happen_raises_and_changes_nothing() -> None:
    node = Node()
    with pytest.raises(ValueError, match="cannot happen"):
        node.intake.happen(Event.EMPTIED)
    assert node.intake.state is NodeState.READY


async def test_a_node_that_is_to_serve_another_model_drains_before_it_reports_the_wish() -> None:
    node = Node()
    with node.workload.admit(1):
        assert await node.asked(1, model="demo-2") is NodeState.DRAINING
        assert node.intake.reason == "switching to demo-2"
        # what comes meanwhile does not open it again
        assert await node.asked(2, model="demo-2", reason="more demand") is NodeState.DRAINING
        assert await node.asked(3, model="") is NodeState.DRAINING
    assert node.intake.switch.asked.is_set()
    assert node.intake.switch.model == "demo"


async def test_a_model_the_node_does_not_have_is_the_reason_it_shows() -> None:
    node = Node()
    assert await node.asked(1, model="llama", reason="more demand") is NodeState.READY
    assert node.intake.reason == "cannot serve 'llama', its models are demo, demo-2"
    assert node.intake.applied.revision == 1
    assert not node.intake.switch.asked.is_set()


async def test_a_directory_that_has_forgotten_the_node_moves_it_to_no_other_model() -> None:
    node = Node()
    node.intake.switch = ModelSwitch("demo-2", {"demo": "demo", "demo-2": "demo"})
    await node.asked(0)
    assert not node.intake.switch.asked.is_set()
