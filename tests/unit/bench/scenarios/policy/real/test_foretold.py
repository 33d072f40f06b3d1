import pytest

from bench.scenarios.policy.real.foretold import foretold, median_error, median_terms
from nearfield.client.answer import Record, Split
from nearfield.core.errors import InvalidRequest
from nearfield.core.inference import Finished, FinishReason, Timings, Usage
from nearfield.core.prediction import Prediction, RoundTrip, RoundTripSource


def record(actual: float | None = 0.1) -> Record:
    trip = RoundTrip(0.04, RoundTripSource.MEASURED)
    return Record(
        split=Split(round_trip=0.05, queue=0.01, prefill=0.02),
        finished=Finished(FinishReason.STOP, Usage(300, 64, 9), Timings(node=0.045)),
        prediction=Prediction(trip, queue=0.0, base=0.01, prefill=0.02, connect=0.01),
        actual=actual,
        attempts=1,
    )


def test_terms_stand_beside_what_was_measured() -> None:
    seen = foretold(record())
    assert seen is not None
    assert (seen.connect, seen.round_trip, seen.base, seen.prefill) == (0.01, 0.04, 0.01, 0.02)
    assert seen.predicted == pytest.approx(0.08)
    assert (seen.actual, seen.admission, seen.node, seen.cached_tokens) == (0.1, 0.05, 0.045, 64)
    assert seen.error == pytest.approx(0.2)


def test_an_answer_that_did_not_come_foretells_nothing() -> None:
    assert foretold(record(actual=None)) is None
    assert foretold(Record()) is None


def test_the_error_is_the_median_of_both_directions() -> None:
    seen = [foretold(record(actual)) for actual in (0.08, 0.1, 0.04)]
    assert median_error(one for one in seen if one) == pytest.approx(0.2)


def test_no_prediction_has_no_error() -> None:
    with pytest.raises(InvalidRequest):
        median_error([])


def test_terms_are_told_in_milliseconds() -> None:
    seen = foretold(record())
    assert seen is not None
    terms = median_terms([seen])
    assert (terms["round_trip"], terms["actual"], terms["node"]) == (40.0, 100.0, 45.0)
