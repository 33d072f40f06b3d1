import asyncio
import gc
from collections.abc import Mapping
from types import FunctionType, MethodType, ModuleType

import pytest

from nearfield.client.leases import LeaseKey, Leases
from nearfield.core.errors import NoCandidate
from nearfield.core.geo import Position
from nearfield.core.route import Lease, RouteQuery
from tests.support.nearfield_builders import FakeClock, candidate, lease
from tests.support.records import FRANKFURT

PARIS = Position(48.86, 2.35)
QUERY = RouteQuery("m", FRANKFURT)


class Plane:
    """Answers each question with a new lease, once it is let."""

    def __init__(self, ttl: float = 30.0) -> None:
        self.ttl = ttl
        self.asked: list[RouteQuery] = []
        self.traces: list[Mapping[str, str]] = []
        self.failures: list[Exception] = []
        self.open = asyncio.Event()
        self.open.set()

    async def route(self, query: RouteQuery, trace: Mapping[str, str]) -> Lease:
        self.asked.append(query)
        self.traces.append(trace)
        await self.open.wait()
        if self.failures:
            raise self.failures.pop()
        return lease(candidate(), lease_id=f"lease-{len(self.asked)}", ttl=self.ttl)


@pytest.fixture
def plane() -> Plane:
    return Plane()


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def leases(plane: Plane, clock: FakeClock) -> Leases:
    return Leases(plane.route, clock)


async def test_a_lease_answers_until_its_time_is_over(
    leases: Leases, plane: Plane, clock: FakeClock
) -> None:
    first = await leases.get(QUERY, {})
    clock.advance(29.9)
    assert await leases.get(QUERY, {}) is first
    clock.advance(0.1)
    assert (await leases.get(QUERY, {})).lease_id == "lease-2"
    assert len(plane.asked) == 2


async def test_many_requests_at_once_ask_one_question(leases: Leases, plane: Plane) -> None:
    plane.open.clear()
    waiting = [asyncio.create_task(leases.get(QUERY, {})) for _ in range(100)]
    await asyncio.sleep(0)
    plane.open.set()
    got = await asyncio.gather(*waiting)
    assert {one.lease_id for one in got} == {"lease-1"}
    assert len(plane.asked) == 1


async def test_the_next_one_asks_where_the_first_one_failed(leases: Leases, plane: Plane) -> None:
    plane.open.clear()
    plane.failures.append(NoCandidate("nobody"))
    waiting = [asyncio.create_task(leases.get(QUERY, {})) for _ in range(5)]
    await asyncio.sleep(0)
    plane.open.set()
    got = await asyncio.gather(*waiting, return_exceptions=True)
    assert [isinstance(one, NoCandidate) for one in got] == [True, False, False, False, False]
    assert len(plane.asked) == 2


async def test_one_that_gives_up_while_asking_leaves_the_others_a_turn(
    leases: Leases, plane: Plane
) -> None:
    plane.open.clear()
    first, second = (asyncio.create_task(leases.get(QUERY, {})) for _ in range(2))
    await asyncio.sleep(0)
    first.cancel()
    plane.open.set()
    assert (await second).lease_id == "lease-2"


@pytest.mark.parametrize(
    "other",
    [RouteQuery("other", FRANKFURT), RouteQuery("m", PARIS), RouteQuery("m", FRANKFURT, ("eu",))],
    ids=["model", "origin", "jurisdictions"],
)
async def test_requests_that_differ_do_not_share_a_lease(
    leases: Leases, plane: Plane, other: RouteQuery
) -> None:
    assert await leases.get(QUERY, {}) is not await leases.get(other, {})
    assert plane.asked == [QUERY, other]


async def test_what_was_measured_since_does_not_end_a_lease(leases: Leases) -> None:
    later = RouteQuery("m", FRANKFURT, (), {"fra1-a": 0.01}, frozenset({"fra1-b"}))
    assert await leases.get(QUERY, {}) is await leases.get(later, {})
    assert LeaseKey.of(QUERY) == LeaseKey.of(later)


async def test_a_dropped_lease_is_asked_for_anew(leases: Leases, plane: Plane) -> None:
    await leases.get(QUERY, {})
    leases.drop(QUERY)
    assert (await leases.get(QUERY, {})).lease_id == "lease-2"


async def test_dropping_what_is_not_held_is_nothing(leases: Leases) -> None:
    leases.drop(QUERY)
    assert (await leases.get(QUERY, {})).lease_id == "lease-1"


async def test_the_question_carries_the_trace_it_is_asked_under(
    leases: Leases, plane: Plane
) -> None:
    await leases.get(QUERY, {"traceparent": "00-ab"})
    assert plane.traces == [{"traceparent": "00-ab"}]


async def test_asking_from_ever_new_places_gathers_no_memory(
    leases: Leases, clock: FakeClock
) -> None:
    for step in range(200):
        await leases.get(RouteQuery("m", Position(0.0, step / 2)), {})
        clock.advance(10.0)
    # Those of the last 30 seconds, and locks no longer than the leases they guard.
    assert reachable(leases, Lease) <= 4
    assert reachable(leases, asyncio.Lock) <= 4


def reachable(root: object, kind: type) -> int:
    """Return how many objects of a kind `root` keeps alive in its own containers."""
    found, waiting, seen = 0, [root], set[int]()
    while waiting:
        one = waiting.pop()
        if id(one) in seen or isinstance(one, type | ModuleType | FunctionType | MethodType):
            continue
        seen.add(id(one))
        found += isinstance(one, kind)
        waiting.extend(gc.get_referents(one))
    return found
