"""The scores of many nodes are the prediction of each."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from control_plane.routing.filters import exclusion
from control_plane.routing.networks import Learned
from control_plane.routing.scoring import Asked, Scorer
from nearfield.core.geo import expected_round_trip
from nearfield.core.node import NodeView
from nearfield.core.prediction import UNKNOWN_ROUND_TRIP
from nearfield.core.route import RouteQuery
from tests.support.plane_builders import query, view
from tests.support.routing_builders import fleet_of, fleets, measured, queries, residents

learned = st.dictionaries(
    st.sampled_from(["a1", "b1", "elsewhere"]),
    st.builds(Learned, st.floats(0, 0.5), st.floats(0, 0.1), st.sampled_from([0.5, 1.0])),
)


@settings(deadline=None)
@given(fleets(), queries, learned, residents, st.floats(0, 20))
def test_the_score_is_the_predicted_rank_of_every_node_that_may_be_asked(
    nodes: list[NodeView],
    asked_for: RouteQuery,
    learned: dict[str, Learned],
    resident: dict[str, int],
    sent: float,
) -> None:
    fleet = fleet_of(*nodes)
    for one in nodes[:3]:
        fleet.sent(one.info.name, sent)
    asked = Asked(asked_for, learned, resident)
    slots = list(fleet.places)
    guesses = [
        expected_round_trip(asked_for.origin, fleet.places[slot].info.position)
        if asked_for.origin
        else UNKNOWN_ROUND_TRIP
        for slot in slots
    ]
    scorer = Scorer(fleet)
    scorer.note(asked)
    scores = scorer.scores(np.array(slots, np.intp), np.array(guesses), asked)
    may = [slot for slot in slots if exclusion(fleet.places[slot], asked_for) is None]
    assert scores.usable == len(may)
    for slot, rank, trip in zip(slots, scores.ranks, scores.round_trips, strict=True):
        if slot not in may:
            assert not rank < math.inf
            continue
        prediction = scorer.prediction(slot, asked, now=1000.0)
        assert rank == pytest.approx(prediction.rank, rel=1e-9, abs=1e-9)
        assert trip == pytest.approx(prediction.round_trip.seconds)
    assert {slot for _, slot in scores.best(99)} == set(may)


def test_what_one_query_knows_is_forgotten_before_the_next() -> None:
    fleet = fleet_of(view("a"), view("b"))
    scorer = Scorer(fleet)
    slots, guesses = np.array([0, 1], np.intp), np.array([0.02, 0.03])
    knowing = query(
        round_trips={"b": measured(0.001)}, excluded_nodes=frozenset({"a"}), prompt_size=1000
    )
    noted = scorer.note(Asked(knowing, {}, {"b": 100}))
    assert set(noted.tolist()) == {0, 1}
    assert scorer.scores(slots, guesses, Asked(knowing)).usable == 1
    scorer.forget(noted)
    plain = Asked(query(prompt_size=1000))
    assert not len(scorer.note(plain))
    scores = scorer.scores(slots, guesses, plain)
    assert scores.round_trips.tolist() == [0.02, 0.03]
    assert scores.ranks[1] - scores.ranks[0] == pytest.approx(0.01)


def test_an_old_report_widens_the_spread() -> None:
    fleet = fleet_of(view("a"), heard_at=1000.0)
    scorer, asked = Scorer(fleet), Asked(query(prompt_size=8000))
    spreads = [scorer.prediction(0, asked, now).spread for now in (1000.0, 1002.0, 1005.0)]
    assert spreads == sorted(set(spreads))


def test_the_nearest_is_of_those_who_may_be_asked() -> None:
    fleet = fleet_of(view("a", jurisdiction="us"), view("b"), view("c"))
    asked = Asked(query(excluded_nodes=frozenset({"b"})))
    scorer = Scorer(fleet)
    scorer.note(asked)
    scores = scorer.scores(np.arange(3), np.array([0.03, 0.01, 0.02]), asked)
    assert scores.nearest() == 2
