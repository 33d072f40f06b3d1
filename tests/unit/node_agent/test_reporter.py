import asyncio

import pytest

from nearfield.core.inference import TextPrompt
from nearfield.core.node import Desired, NodeState
from nearfield.core.node import Intake as Asked
from nearfield.core.policy import DeclaredPrefix
from node_agent.admission.tickets import TrustStore
from node_agent.hardware.host import HostProbe
from node_agent.intake import Intake
from node_agent.load import LoadMeter
from node_agent.rates import Rates
from node_agent.reporter import NodeReporter
from tests.support.caching_engine import Warmer
from tests.support.records import node_info
from tests.support.tickets import trust
from tests.support.turned_time import settle


class Node(Warmer):
    """A node and what its links see of it."""

    def __init__(self) -> None:
        super().__init__()
        self.intake = Intake(self.workload, self.engine.clear_prefix_cache)
        self.trust = TrustStore(self.clock)
        meter = LoadMeter(self.engine, self.workload, Rates(), HostProbe())
        self.reporter = NodeReporter(
            node_info(), self.intake, meter, self.prefixes, self.prewarm, self.trust
        )


async def test_what_a_replica_asked_is_reported_as_it_was_applied() -> None:
    node = Node()
    await node.intake.apply(Desired(7, Asked.CORDONED, reason="disk swap"))
    reporter = node.reporter
    assert (reporter.state, reporter.reason) == (NodeState.CORDONED, "disk swap")
    assert reporter.applied_revision == 7


async def test_each_report_reads_the_hardware_anew() -> None:
    reporter = Node().reporter
    assert reporter.load().hardware.memory_total_bytes > 0


async def test_a_replicas_word_reaches_those_whom_it_concerns() -> None:
    node = Node()
    node.reporter.learn("plane:7700", trust(epoch=3))
    assert (list(node.trust.keys()), node.trust.epoch) == (["key-1"], 3)
    node.reporter.declare((DeclaredPrefix("terms", "simulated", "the terms", "acme"),))
    await node.prewarm.warm()
    assert [bytes(one.prompt) for one in node.engine.asked] == [b"the terms"]


async def test_hot_prefixes_are_those_of_the_cache() -> None:
    node = Node()
    ids = tuple(range(256))
    node.prefixes.note_prompt(b"a secret of a tenant's", TextPrompt("x" * 1024), ids, "")
    assert node.reporter.hot_prefixes() == {}
    node.engine.hold(ids, "")
    assert len(node.reporter.hot_prefixes()) == 4


async def test_every_link_that_waits_hears_of_a_change_once() -> None:
    reporter = (node := Node()).reporter
    waiting = [asyncio.create_task(reporter.wait_for_change(0, 30.0)) for _ in range(2)]
    await settle()
    assert not any(one.done() for one in waiting)
    await node.intake.apply(Desired(1, Asked.CORDONED))
    assert await asyncio.gather(*waiting) == [True, True]
    assert await reporter.wait_for_change(reporter.changes, 0.0) is False


async def test_a_change_before_the_wait_is_missed_by_no_link() -> None:
    reporter = (node := Node()).reporter
    seen = reporter.changes
    await node.intake.apply(Desired(1, Asked.CORDONED))
    for _ in range(2):
        assert await asyncio.wait_for(reporter.wait_for_change(seen, 3600.0), 30)


@pytest.mark.parametrize("seconds", [0.0, 0.001])
async def test_without_a_change_the_wait_ends_in_time(seconds: float) -> None:
    assert await Node().reporter.wait_for_change(0, seconds) is False
