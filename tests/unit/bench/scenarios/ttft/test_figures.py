import pytest

from bench.report.figures import Figure
from bench.sample import Sample, SampleOutcome
from bench.scenarios.ttft.figures import counted, figures, plots
from bench.scenarios.ttft.run import Run
from bench.statistics import Slo
from nearfield.core.errors import InternalError
from nearfield.core.geo import Position
from tests.support.bench_builders import sample

SLO = Slo(ttft=0.5, tpot=0.03)
REJECTED = Sample(index=9, scheduled=9, sent=9, outcome=SampleOutcome.REJECTED, error="full")


BEYOND = "awaited questions beyond a client's first"


def by_name(
    *samples: Sample,
    asked: int = 1,
    awaited: int = 1,
    early: int = 0,
    clients: int = 1,
    warm_up: float = 0.0,
) -> dict[str, Figure]:
    run = Run("demo", samples, asked, awaited, early, clients)
    found = figures(run, SLO, warm_up)
    return {figure.name: figure for figure in found}


def test_latencies_are_in_milliseconds_against_the_slo() -> None:
    found = by_name(*(sample(index, ttft=0.1) for index in range(9)), sample(9, ttft=0.9))
    assert found["TTFT p50"].value == pytest.approx(100)
    assert found["TTFT p99"].value > 500
    assert (found["TTFT p99"].target, found["TTFT p99"].holds) == ("≤ 500", False)
    assert found["TPOT p99"].value == pytest.approx(10)
    assert (found["TPOT p99"].target, found["TPOT p99"].holds) == ("≤ 30", True)
    assert found["goodput over offered"].value == pytest.approx(90)


def test_what_was_turned_away_lowers_goodput_over_offered_alone() -> None:
    found = by_name(*(sample(index) for index in range(9)), REJECTED)
    assert found["goodput over offered"].value == pytest.approx(90)
    assert found["goodput over successful"].value == pytest.approx(100)
    assert (found["rejected"].value, found["rejected"].holds) == (1, False)


def test_a_generator_that_falls_behind_is_a_figure_that_does_not_hold() -> None:
    on_time = by_name(*(sample(index) for index in range(5)))
    late = by_name(*(sample(index, sent=index * 1.5, ttft=3.0) for index in range(5)))
    assert on_time["achieved over requested rate"].holds is True
    assert late["achieved over requested rate"].value == pytest.approx(1 / 1.5)
    assert late["achieved over requested rate"].holds is False


def test_route_questions_are_counted_over_all_requests() -> None:
    found = by_name(*(sample(index) for index in range(4)), asked=2, warm_up=2.0)
    assert found["route questions a request"].value == 0.5
    assert found["offered"].value == 2


def test_a_single_answer_still_makes_figures() -> None:
    assert "achieved over requested rate" not in by_name(sample())


def test_a_run_without_any_first_token_says_why() -> None:
    with pytest.raises(InternalError, match="none of 1 requests had a first token: full"):
        counted([sample(0), REJECTED], warm_up=5.0)


@pytest.mark.parametrize(
    ("asked", "beyond"),
    [
        ({"awaited": 1}, 0),
        ({"awaited": 3}, 2),
        ({"awaited": 1, "asked": 9}, 0),
        ({"awaited": 3, "early": 2}, 0),
        ({"awaited": 2, "clients": 2}, 0),
        ({"awaited": 3, "clients": 2}, 1),
    ],
)
def test_a_client_waits_for_its_first_question_and_for_early_ones_alone(
    asked: dict[str, int], beyond: int
) -> None:
    found = by_name(*(sample(index) for index in range(4)), **asked)
    assert (found[BEYOND].value, found[BEYOND].holds) == (beyond, beyond == 0)
    assert found["early route questions"].value == asked.get("early", 0)


def test_after_a_pause_as_long_as_a_lease_a_client_may_wait_anew() -> None:
    meant = [0.0, 29.9, 59.9]
    samples = [sample(index, scheduled=at, sent=at) for index, at in enumerate(meant)]
    assert by_name(*samples, awaited=2)[BEYOND].holds
    assert not by_name(*samples, awaited=3)[BEYOND].holds
    # Each of two clients in turn pauses for as long as the other does not ask.
    assert by_name(*samples, awaited=3, clients=2)[BEYOND].holds
    assert not by_name(*samples, awaited=4, clients=2)[BEYOND].holds


def test_the_prediction_is_judged_by_its_median_error_after_the_warm_up() -> None:
    foretold = [(9.0, 1.0), (0.1, 0.2), (0.3, 0.2), (0.8, 1.0), (None, None)]
    samples = [
        sample(index, predicted=predicted, actual=actual)
        for index, (predicted, actual) in enumerate(foretold)
    ]
    found = by_name(*samples, warm_up=1.0)
    assert found["prediction error p50"].value == pytest.approx(100)
    assert found["prediction error p50, of the actual TTFT"].value == pytest.approx(50)


def test_without_predictions_there_is_no_error_to_tell() -> None:
    assert not [name for name in by_name(sample()) if name.startswith("prediction")]


def test_the_plots_show_each_client_that_asked() -> None:
    places = [Position(48.86, 2.35), Position(35.68, 139.69), Position(0, 0)]
    shown = plots(Run("demo", [sample(0), sample(1)], 1, 1), places, SLO, warm_up=0.0)
    cumulative = next(iter(shown.values()))
    assert "48.86,2.35" in cumulative
    assert "35.68,139.69" in cumulative
    assert "0,0" not in cumulative
    assert all(svg.startswith("<svg") for svg in shown.values())
