import pytest

from nearfield.client.outcomes import OUTCOMES_MOST, Outcomes
from nearfield.core.route import Outcome, Tier


def outcome(number: float) -> Outcome:
    return Outcome("fra1-a", 0.1, number, Tier.POP)


def test_the_latest_are_told_once() -> None:
    outcomes = Outcomes()
    for number in range(OUTCOMES_MOST + 2):
        outcomes.add(outcome(number))
    told = outcomes.take()
    assert (len(told), told[0].actual, told[-1].actual) == (OUTCOMES_MOST, 2, OUTCOMES_MOST + 1)
    assert outcomes.take() == ()


def test_what_could_not_be_told_is_kept_before_what_came_since() -> None:
    outcomes = Outcomes()
    outcomes.add(outcome(1))
    taken = outcomes.take()
    outcomes.add(outcome(2))
    outcomes.put_back(taken)
    assert outcomes.take() == (outcome(1), outcome(2))


@pytest.mark.parametrize("wrong", [-1.0, 3601.0, float("inf"), float("nan")])
def test_what_the_control_plane_would_refuse_is_left_out(wrong: float) -> None:
    outcomes = Outcomes()
    outcomes.add(outcome(wrong))
    outcomes.add(Outcome("fra1-a", wrong, 0.1, Tier.POP))
    assert outcomes.take() == ()
