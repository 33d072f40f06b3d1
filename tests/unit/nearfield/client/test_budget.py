import pytest

from nearfield.client.budget import (
    FIELD,
    Declined,
    auto,
    first_budgets,
    is_decline,
    later_budgets,
    soonest_first,
    within,
)
from nearfield.client.choice import Ranked
from nearfield.core.errors import NearfieldError, NotTakingWork, Overloaded
from nearfield.core.prediction import Prediction, RoundTrip, RoundTripSource
from tests.support.nearfield_builders import candidate


def predicted(trip: float, queue: float = 0.0, **terms: float) -> Prediction:
    return Prediction(RoundTrip(trip, RoundTripSource.MEASURED), queue, base=0.0, **terms)


def ranked(node: str, trip: float, queue: float = 0.0, **terms: float) -> Ranked:
    prediction = predicted(trip, queue, **terms)
    return Ranked(candidate(node), prediction, prediction.rank)


A, B, C = ranked("a", 0.01), ranked("b", 0.05, connect=0.15), ranked("c", 0.25)


def test_what_stands_against_a_candidate_is_the_next_one_with_its_connect() -> None:
    assert first_budgets([A, B, C], 0.1)[:2] == pytest.approx([0.2, 0.25])


def test_against_the_last_stands_a_new_question_that_finds_a_node_as_good_as_the_best() -> None:
    assert first_budgets([A, B, C], 0.1)[2] == pytest.approx(0.11)
    assert first_budgets([A, B, C], None)[2] is None


@pytest.mark.parametrize("some", [[], [A]])
def test_a_fleet_without_another_node_sets_no_budget(some: list[Ranked]) -> None:
    assert first_budgets(some, 0.1) == [None] * len(some)


def test_a_node_may_take_what_it_was_chosen_for_and_a_quarter_and_ten_milliseconds() -> None:
    own = Prediction(predicted(0.5).round_trip, queue=0.4, base=0.2, prefill=0.2, connect=9.0)
    assert auto(own, 0.1) == pytest.approx(1.01)
    assert auto(own, 1.02) == 1.02
    assert auto(own, None) is None


def test_a_wish_is_worth_as_much_in_a_budget_as_in_the_choice() -> None:
    liked, other = ranked("a", 0.01, penalty=0.05), ranked("b", 0.02, penalty=0.3)
    assert first_budgets([liked, other], None)[0] == pytest.approx(0.27)


def test_against_a_new_lease_stands_the_least_of_who_declined() -> None:
    declined = [Declined(candidate("x"), 3.0), Declined(candidate("y"), 2.0)]
    assert later_budgets([A, ranked("b", 0.01, 4.0)], declined) == pytest.approx([2.0, 5.01])
    assert later_budgets([A, B], []) == [None, None]


def test_who_declined_is_asked_again_soonest_first() -> None:
    late, soon = Declined(candidate("a"), 3.0), Declined(candidate("z"), 2.0)
    alike = Declined(candidate("b"), 3.0)
    assert soonest_first([alike, late, soon]) == [soon, late, alike]


@pytest.mark.parametrize(
    ("asked", "budget", "sent"),
    [(None, None, None), (1.0, None, 1.0), (None, 2.0, 2.0), (1.0, 2.0, 1.0), (3.0, 2.0, 2.0)],
)
def test_the_stricter_budget_is_sent(
    asked: float | None, budget: float | None, sent: float | None
) -> None:
    assert within(asked, budget) == sent


@pytest.mark.parametrize(
    ("error", "sent", "asked", "declined"),
    [
        (Overloaded("late", field=FIELD), 2.0, None, True),
        (Overloaded("late", field=FIELD), 2.0, 3.0, True),
        (Overloaded("late", field=FIELD), 3.0, 3.0, False),
        (Overloaded("late", field=FIELD), None, None, False),
        (Overloaded("full", field="engine.queue"), 2.0, None, False),
        (NotTakingWork("draining", field=FIELD), 2.0, None, False),
    ],
)
def test_only_what_the_callers_own_budget_does_not_ask_for_is_a_decline(
    error: NearfieldError, sent: float | None, asked: float | None, *, declined: bool
) -> None:
    assert is_decline(error, sent, asked) is declined
