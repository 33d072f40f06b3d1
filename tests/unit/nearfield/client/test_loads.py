import pytest

from nearfield.client.loads import NODES_MOST, SENT_MOST, Loads
from nearfield.core.node import NodeLoad
from tests.support.nearfield_builders import FakeClock

IDLE, BUSY = NodeLoad(running=0, slots=8), NodeLoad(running=8, slots=8)


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def loads(clock: FakeClock) -> Loads:
    return Loads(clock)


def known(loads: Loads, node: str = "fra1-a") -> tuple[NodeLoad, float, int]:
    found = loads.get(node)
    assert found is not None
    return found.load, found.age, found.routed


def test_a_load_grows_old_from_when_it_was_read(loads: Loads, clock: FakeClock) -> None:
    loads.learn("fra1-a", IDLE, age=0.5)
    clock.advance(2.0)
    assert known(loads) == (IDLE, 2.5, 0)


def test_of_two_the_one_that_was_read_later_holds_whenever_it_comes(
    loads: Loads, clock: FakeClock
) -> None:
    loads.learn("fra1-a", BUSY)
    clock.advance(1.0)
    loads.learn("fra1-a", IDLE, age=3.0)
    assert known(loads) == (BUSY, 1.0, 0)
    loads.learn("fra1-a", IDLE, age=0.5)
    assert known(loads) == (IDLE, 0.5, 0)


def test_what_is_sent_counts_at_once(loads: Loads) -> None:
    loads.learn("fra1-a", IDLE)
    loads.sent("fra1-a")
    loads.sent("fra1-a")
    assert known(loads) == (IDLE, 0.0, 2)


def test_a_newer_load_counts_what_was_sent_before_it_was_read(
    loads: Loads, clock: FakeClock
) -> None:
    loads.sent("fra1-a")
    clock.advance(1.0)
    loads.sent("fra1-a")
    clock.advance(1.0)
    loads.learn("fra1-a", BUSY, age=0.5)
    assert known(loads) == (BUSY, 0.5, 0)
    loads.learn("fra1-a", BUSY)
    loads.sent("fra1-a")
    assert known(loads)[2] == 1


def test_what_was_still_on_its_way_when_a_load_was_read_goes_on_counting(
    loads: Loads, clock: FakeClock
) -> None:
    loads.sent("fra1-a")
    clock.advance(0.3)
    loads.sent("fra1-a")
    clock.advance(0.1)
    loads.learn("fra1-a", BUSY, unseen=0.2)
    assert known(loads)[2] == 1


def test_requests_count_for_the_node_they_went_to(loads: Loads) -> None:
    loads.learn("fra1-a", IDLE)
    loads.sent("fra1-b")
    assert known(loads)[2] == 0
    assert loads.get("fra1-b") is None


def test_what_is_remembered_is_bounded(loads: Loads) -> None:
    for number in range(NODES_MOST + 1):
        loads.learn(f"node-{number}", IDLE)
    assert loads.get("node-0") is None
    for _ in range(SENT_MOST + 5):
        loads.sent("node-9")
    assert known(loads, "node-9")[2] == SENT_MOST


def waiting(loads: Loads) -> float:
    found = loads.get("fra1-a")
    assert found is not None
    return found.wait_least


def test_a_wait_that_was_declined_for_passes_with_time(loads: Loads, clock: FakeClock) -> None:
    loads.learn("fra1-a", IDLE)
    assert waiting(loads) == 0.0
    loads.declined("fra1-a", 2.0)
    assert waiting(loads) == 2.0
    clock.advance(0.5)
    assert waiting(loads) == 1.5
    clock.advance(9.0)
    assert waiting(loads) == 0.0


def test_of_two_waits_the_one_that_ends_later_holds(loads: Loads, clock: FakeClock) -> None:
    loads.learn("fra1-a", IDLE)
    loads.declined("fra1-a", 3.0)
    clock.advance(1.0)
    loads.declined("fra1-a", 0.5)
    assert waiting(loads) == 2.0


def test_what_a_node_declined_is_not_on_its_way_there(loads: Loads, clock: FakeClock) -> None:
    loads.learn("fra1-a", IDLE)
    first = loads.sent("fra1-a")
    clock.advance(0.1)
    loads.sent("fra1-a")
    loads.declined("fra1-a", 1.0, first)
    loads.declined("fra1-a", 1.0, first)
    assert known(loads)[2] == 1
