import pytest

from bench.scenarios.policy.demand import Event, Region
from bench.scenarios.policy.fleet import Distances, build_world
from bench.scenarios.policy.policies.base import Call, Choice, Plain
from bench.scenarios.policy.runs import (
    CENTRAL,
    CLAIRVOYANT,
    POLICIES,
    Load,
    bounds,
    play_workload,
    simulate,
)
from bench.scenarios.policy.simulation import ATTEMPTS_MOST, Simulation
from tests.support.policy_builders import CITIES, PLACES, asked, fleet

WORLD = build_world(CITIES, 12, seed=1)


class Always(Plain):
    """Sends to one node, whatever comes of it."""

    def __init__(self, node: int) -> None:
        self.node = node

    def choose(self, call: Call, now: float) -> Choice | None:
        return Choice(self.node)


class InOrder(Plain):
    def __init__(self, nodes: int) -> None:
        self.nodes = nodes

    def choose(self, call: Call, now: float) -> Choice | None:
        left = (node for node in range(self.nodes) if node not in call.tried)
        return next(map(Choice, left), None)


def test_a_first_token_takes_a_round_trip_and_the_nodes_own_time() -> None:
    where = fleet(("Paris", 1))
    (one,) = Simulation(where).run(Always(0), [asked(3.0, "London", 1, 500)])
    trip = float(where.distances.row(0)[0])
    assert one.ttft == pytest.approx(trip + 0.02 + 0.5)
    assert (one.round_trip, one.queue, one.prefill) == pytest.approx((trip, 0.0, 0.52))


def test_a_refusal_costs_one_round_trip_before_the_next_node_is_asked() -> None:
    where = fleet(("Paris", 1), ("Tokyo", 1))
    for _ in range(4):
        where.nodes[0].admit(0.0, (), 100, 100_001)
    (one,) = Simulation(where).run(InOrder(2), [asked(1.0, "London", 1, 500)])
    near, far = (float(trip) for trip in where.distances.row(0))
    assert one.attempts == 2
    assert one.node == 1
    assert one.ttft == pytest.approx(near + far + 0.52)


def test_a_request_that_nobody_takes_ends_without_a_first_token() -> None:
    where = fleet(("Paris", 1))
    where.fail(0)
    (one,) = Simulation(where).run(Always(0), [asked()])
    assert not one.answered
    assert one.attempts == ATTEMPTS_MOST


def test_who_waits_in_a_region_that_fails_is_asked_for_again_elsewhere() -> None:
    where = fleet(("Paris", 1), ("Tokyo", 1))
    outage = Event(Region(PLACES["Paris"]), 0.2, 5.0)
    lost, late = asked(0.1, "London", 1, 500), asked(6.0, "London", 2, 500)
    first, second = Simulation(where, outage).run(InOrder(2), [lost, late])
    near, far = (float(trip) for trip in where.distances.row(0))
    assert (first.node, first.attempts) == (1, 2)
    assert first.ttft == pytest.approx(0.1 + near / 2 + far + 0.52)
    assert (second.node, second.attempts) == (0, 1)


@pytest.mark.parametrize("workload", ["chat", "failure"])
@pytest.mark.parametrize("policy", POLICIES)
def test_every_arrival_ends_once_and_a_seed_decides_how(policy: str, workload: str) -> None:
    played = play_workload(workload, WORLD, Load(requests=300, load=0.9, seed=3))
    distances = Distances(WORLD)
    results = simulate(policy, played, WORLD, distances, 3)
    assert [one.number for one in results] == list(range(len(played.asked)))
    again = simulate(policy, played, WORLD, distances, 3)
    assert repr(results) == repr(again)


@pytest.mark.parametrize("policy", [name for name in POLICIES if name != CENTRAL])
def test_nothing_is_sooner_than_the_lower_bound(policy: str) -> None:
    played = play_workload("shared", WORLD, Load(requests=300, load=0.5, seed=3))
    distances = Distances(WORLD)
    least = bounds(played, WORLD, distances)
    results = simulate(policy, played, WORLD, distances, 3)
    assert all(
        one.ttft >= bound - 1e-9 for one, bound in zip(results, least, strict=True) if one.answered
    )


def test_slots_are_held_for_the_share_of_the_time_that_was_asked_for() -> None:
    played = play_workload("independent", WORLD, Load(requests=3000, load=0.5, seed=1))
    results = simulate(CLAIRVOYANT, played, WORLD, Distances(WORLD), 1)
    answers = [one.arrival.answer_tokens for one in played.asked]
    held = sum(
        one.prefill + one.tpot * (answer - 1)
        for one, answer in zip(results, answers, strict=True)
        if one.answered
    )
    assert held / (WORLD.slots * played.seconds) == pytest.approx(0.5, rel=0.15)
