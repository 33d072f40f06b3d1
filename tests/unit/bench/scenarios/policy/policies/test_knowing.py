import math
import random

import pytest

from bench.scenarios.policy.node import Service
from bench.scenarios.policy.policies.base import Call, Fleet
from bench.scenarios.policy.policies.knowing import Bound, Clairvoyant
from bench.scenarios.policy.prompts import KEY_TOKENS, Segment
from bench.scenarios.policy.simulation import Simulation
from tests.support.policy_builders import asked, call, fleet

SYSTEMS = [Segment(500 + index, 640) for index in range(3)]


def soonest_by_trying(where: Fleet, one: Call, now: float) -> float:
    """Work out every node's first token by hand."""
    best = math.inf
    for place, node in enumerate(where.nodes):
        half = float(where.distances.row(one.city)[place]) / 2
        if node.refuses(now + half):
            continue
        tokens = one.asked.arrival.prompt_tokens
        cached = min(node.cache.leading(one.asked.keys) * KEY_TOKENS, tokens - 1)
        best = min(best, node.foretell(now + half, tokens - cached) + half - now)
    return best


@pytest.mark.parametrize("seed", range(5))
def test_no_node_is_sooner_than_the_one_the_clairvoyant_takes(seed: int) -> None:
    rng = random.Random(seed)
    where = fleet(("London", 3), ("Paris", 3), ("Tokyo", 3))
    policy = Clairvoyant(where)
    for number in range(60):
        now = number * 0.05
        one = call(number, rng.choice(["London", "Paris", "Tokyo"]), rng.choice(SYSTEMS))
        expected = soonest_by_trying(where, one, now)
        choice = policy.choose(one, now)
        if choice is None:
            assert expected == math.inf
            continue
        assert choice.predicted == pytest.approx(expected)
        arrival, half = one.asked.arrival, float(where.distances.row(one.city)[choice.node]) / 2
        service = where.nodes[choice.node].admit(
            now + half, one.asked.keys, arrival.prompt_tokens, arrival.answer_tokens
        )
        assert isinstance(service, Service)
        where.note(choice.node)
        one.node = choice.node
        policy.admitted(one, service, now)


def test_what_the_clairvoyant_predicts_is_what_comes() -> None:
    where = fleet(("London", 2), ("Tokyo", 2))
    arrivals = [asked(n * 0.03, "London", n, 200, SYSTEMS[n % 3]) for n in range(60)]
    results = Simulation(where).run(Clairvoyant(where), arrivals)
    came = [one for one in results if one.answered]
    assert len(came) > 10
    assert [one.predicted for one in came] == pytest.approx([one.actual for one in came])


def test_the_lower_bound_is_the_shortest_trip_and_what_nobody_sent_before() -> None:
    where = fleet(("Paris", 1), ("Tokyo", 1))
    bound = Bound(where)
    first, second = (bound.seconds(asked(0, "London", n, 100, SYSTEMS[0])) for n in (1, 2))
    trip = float(where.distances.row(0).min())
    assert first == pytest.approx(trip + 0.02 + 740 / 20_000)
    assert second == pytest.approx(trip + 0.02 + 100 / 20_000)
