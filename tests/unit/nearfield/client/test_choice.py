import random
from collections import Counter
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nearfield.client.choice import Known, Ranked, near_ties, order, worth_asking
from nearfield.core.node import NodeLoad
from nearfield.core.prediction import (
    Prediction,
    RoundTrip,
    RoundTripSource,
    predict,
)
from nearfield.core.route import Candidate
from tests.support.nearfield_builders import candidate
from tests.support.nearfield_strategies import candidates

IDLE = NodeLoad(slots=8, base_seconds=0.01, prefill_tokens_per_second=2000.0)
FULL = NodeLoad(running=8, slots=8, base_seconds=0.01, service_seconds=2.0)


def trip(seconds: float, source: RoundTripSource = RoundTripSource.MEASURED) -> RoundTrip:
    return RoundTrip(seconds, source)


def at(node: str, seconds: float, **changes: object) -> Candidate:
    """Return a candidate that the control plane takes to be so far away."""
    told = predict(trip(seconds, RoundTripSource.GEOGRAPHY), IDLE)
    return candidate(node, **{"load": IDLE, "prediction": told, **changes})


def known(load: NodeLoad = IDLE, **changes: object) -> Known:
    return Known(load, **{"warm": True, **changes})  # type: ignore[arg-type]


def chosen(
    pairs: Sequence[tuple[Candidate, Known]],
    size: int = 0,
    key: int | None = None,
    seed: int = 1,
) -> str:
    return order(pairs, size, key, random.Random(seed))[0].candidate.node


def names(ranked: Sequence[Ranked]) -> list[str]:
    return [one.candidate.node for one in ranked]


def test_the_leases_guess_holds_before_anything_is_measured() -> None:
    pairs = [(at("far", 0.2), known()), (at("near", 0.02), known())]
    ranked = order(pairs, 0, None, random.Random(1))
    assert names(ranked) == ["near", "far"]
    assert ranked[0].prediction.round_trip.source is RoundTripSource.GEOGRAPHY


def test_an_own_round_trip_beats_geography() -> None:
    pairs = [
        (at("near", 0.02), known(round_trip=trip(0.3))),
        (at("far", 0.2), known(round_trip=trip(0.05))),
    ]
    ranked = order(pairs, 0, None, random.Random(1))
    assert names(ranked) == ["far", "near"]
    assert ranked[0].prediction.round_trip == trip(0.05)


def test_a_told_round_trip_keeps_its_own_spread() -> None:
    told = RoundTrip(0.05, RoundTripSource.NETWORK, 0.003)
    steady = at("steady", 0.05, prediction=Prediction(told, 0.0, 0.0, spread=0.4))
    (ranked,) = order([(steady, known())], 0, None, random.Random(1))
    assert ranked.prediction.round_trip == told
    assert ranked.prediction.spread == pytest.approx(0.003)


def test_a_full_node_next_door_loses_to_an_idle_one_further_away() -> None:
    pairs = [(at("next-door", 0.002), known(FULL)), (at("away", 0.15), known())]
    assert chosen(pairs) == "away"


def test_what_was_sent_since_counts_at_once() -> None:
    pairs = [(at("near", 0.02), known(routed=9)), (at("far", 0.2), known())]
    assert chosen(pairs) == "far"


def test_an_open_connection_is_worth_its_handshakes() -> None:
    pairs = [(at("cold", 0.04), known(warm=False)), (at("warm", 0.1), known())]
    assert chosen(pairs) == "warm"


def test_a_resident_prefix_is_worth_its_prefill() -> None:
    pairs = [(at("near", 0.02), known()), (at("holder", 0.2), known(resident_tokens=2000))]
    assert chosen(pairs, size=8000) == "holder"
    assert chosen(pairs, size=100) == "near"


def test_an_unmet_wish_counts_though_no_time_passes() -> None:
    told = predict(trip(0.02), IDLE, penalty=0.5)
    pairs = [(at("near", 0.02, prediction=told), known()), (at("far", 0.2), known())]
    ranked = order(pairs, 0, None, random.Random(1))
    assert names(ranked) == ["far", "near"]
    assert ranked[1].prediction.ttft == pytest.approx(0.03)


def prediction(seconds: float, spread: float = 0.0) -> Ranked:
    made = Prediction(RoundTrip(seconds, RoundTripSource.MEASURED), 0.0, 0.0, spread=spread)
    return Ranked(candidate(), made, made.rank)


@pytest.mark.parametrize(
    ("first", "second", "tied"),
    [
        (prediction(0.010), prediction(0.0119), True),  # two milliseconds
        (prediction(0.010), prediction(0.0121), False),
        (prediction(1.0), prediction(1.049), True),  # a twentieth
        (prediction(1.0), prediction(1.051), False),
        (prediction(1.0, 0.06), prediction(1.099, 0.08), True),  # their joint spread, 0.1
        (prediction(1.0, 0.06), prediction(1.101, 0.08), False),
        (prediction(1.0, 3.0), prediction(1.199, 4.0), True),  # which is a fifth at most
        (prediction(1.0, 3.0), prediction(1.201, 4.0), False),
    ],
)
def test_near_ties_are_what_cannot_be_told_apart(first: Ranked, second: Ranked, tied: bool) -> None:
    assert near_ties([first, second]) == ([first, second] if tied else [first])


def test_an_unsure_one_ties_past_a_sure_one_that_does_not() -> None:
    best, sure, unsure = prediction(1.0), prediction(1.1), prediction(1.15, 0.2)
    assert near_ties([best, sure, unsure]) == [best, unsure]


def test_ten_thousand_clients_with_one_lease_spread_by_its_weights() -> None:
    weights = {"a": 4.0, "b": 3.0, "c": 2.0, "d": 1.0, "e": 0.0}
    pairs = [(at(node, 0.02, weight=weight), known()) for node, weight in weights.items()]
    got = Counter(chosen(pairs, seed=seed) for seed in range(10_000))
    for node, weight in weights.items():
        # Five standard deviations of a share of 10,000 are at most 250.
        assert got[node] == pytest.approx(weight * 1000, abs=250)
    assert got["e"] == 0


def test_ten_thousand_prefixes_spread_by_the_weights_too() -> None:
    weights = {"a": 6.0, "b": 3.0, "c": 1.0}
    pairs = [(at(node, 0.02, weight=weight), known()) for node, weight in weights.items()]
    got = Counter(chosen(pairs, key=key) for key in range(10_000))
    for node, weight in weights.items():
        assert got[node] == pytest.approx(weight * 1000, abs=250)


def test_all_who_share_a_key_land_on_one_node() -> None:
    pairs = [(at(f"node-{number}", 0.02), known()) for number in range(5)]
    assert len({chosen(pairs, key=77, seed=seed) for seed in range(100)}) == 1
    assert len({chosen(pairs[::-1], key=77), chosen(pairs, key=77)}) == 1
    assert len({chosen(pairs, key=key) for key in range(100)}) == 5


def test_when_a_node_leaves_only_its_own_keys_move() -> None:
    pairs = [(at(f"node-{number}", 0.02), known()) for number in range(5)]
    moved = [key for key in range(500) if chosen(pairs, key=key) != chosen(pairs[1:], key=key)]
    assert {chosen(pairs, key=key) for key in moved} == {"node-0"}


def test_a_key_does_not_bring_anyone_to_a_node_that_is_later() -> None:
    pairs = [(at("near", 0.02), known()), (at("far", 0.2), known())]
    assert {chosen(pairs, key=key) for key in range(100)} == {"near"}


def test_with_nothing_but_weights_of_nothing_all_are_alike() -> None:
    pairs = [(at(node, 0.02, weight=0.0), known()) for node in "ab"]
    assert {chosen(pairs, seed=seed) for seed in range(50)} == {"a", "b"}
    assert {chosen(pairs, key=key) for key in range(50)} == {"a", "b"}


def test_nobody_to_choose_from_is_nobody() -> None:
    assert order([], 0, None, random.Random(1)) == []
    assert near_ties([]) == []


@given(
    some=st.lists(candidates, max_size=5, unique_by=lambda one: one.node),
    key=st.none() | st.integers(0, 2**64 - 1),
    size=st.integers(0, 10**6),
)
def test_each_comes_once_the_chosen_is_a_near_tie_and_the_rest_come_by_rank(
    some: list[Candidate], key: int | None, size: int
) -> None:
    pairs = [(one, Known(one.load, one.load_age)) for one in some]
    ranked = order(pairs, size, key, random.Random(1))
    assert sorted(names(ranked)) == sorted(one.node for one in some)
    rest = [one.rank for one in ranked[1:]]
    assert rest == sorted(rest)
    by_rank = sorted(ranked, key=lambda one: (one.rank, one.candidate.node))
    # With a rate of next to nothing the best is infinitely late, and like none.
    assert ranked[:1] == [] or ranked[0] in (near_ties(by_rank) or by_rank[:1])


@pytest.mark.parametrize(
    ("prefill", "route_seconds", "worth"),
    [(0.201, 0.1, True), (0.199, 0.1, False), (9.0, None, False)],
)
def test_an_early_question_must_save_twice_what_it_costs(
    prefill: float, route_seconds: float | None, worth: bool
) -> None:
    best = Prediction(trip(0.02), 0.0, 0.0, prefill=prefill)
    assert worth_asking(best, route_seconds) is worth


def test_a_node_that_declined_is_waited_for_whatever_its_load_says() -> None:
    pairs = [(at("near", 0.02), known(wait_least=1.0)), (at("far", 0.2), known())]
    ranked = order(pairs, 0, None, random.Random(1))
    assert names(ranked) == ["far", "near"]
    assert ranked[1].prediction.queue == 1.0
