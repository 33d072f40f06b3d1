import pytest

from bench.scenarios.policy.policies.base import Wait
from nearfield.core.route import Lease
from tests.support.policy_builders import fleet
from tests.support.policy_process import PROMPT, Played


def test_all_who_ask_while_a_question_is_under_way_wait_for_its_answer() -> None:
    played = Played(fleet(("London", 2)))
    query = played.process.query(PROMPT, frozenset())
    first = played.process.lease(query, 0.0)
    second = played.process.lease(query, played.process.route_seconds / 2)
    assert first == second == Wait(played.process.route_seconds)


def test_a_lease_in_use_is_renewed_before_it_ends() -> None:
    played = Played(fleet(("London", 1)))
    lease = played.leased()
    played.until(lease.ttl - 0.1)
    renewed = played.process.lease(played.process.query(PROMPT, frozenset()), played.clock.now)
    assert isinstance(renewed, Lease)
    assert renewed is not lease


def test_the_best_candidates_are_measured_and_kept_warm() -> None:
    played = Played(fleet(("London", 1), ("Tokyo", 1)))
    played.leased()
    trip = played.process.knowledge.round_trips.get("Tokyo-0")
    assert trip is not None
    assert trip.seconds == pytest.approx(float(played.where.distances.row(0)[1]))
    assert played.process.links.is_warm("Tokyo-0", played.clock.now)


def test_an_open_session_hears_of_a_load_half_a_round_trip_later() -> None:
    played = Played(fleet(("London", 1), ("Tokyo", 1)))
    lease = played.leased()
    told, trip = played.clock.now, float(played.where.distances.row(0)[1])
    for _ in range(3):
        played.where.nodes[1].admit(told, (), 100, 1001)
    played.plane.report(1, told)

    def in_flight(now: float) -> int:
        played.until(now)
        played.process.order(lease.candidates, PROMPT, now)
        known = played.process.knowledge.loads.get("Tokyo-0")
        assert known is not None
        return known.load.running + known.load.waiting

    assert in_flight(told + 0.4 * trip) == 0
    assert in_flight(told + 0.6 * trip) == 3
