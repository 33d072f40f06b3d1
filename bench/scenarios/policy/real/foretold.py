"""How far predictions were off, all in seconds: the terms beside what became of them."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from bench.statistics import percentile
from nearfield.client.answer import Record

MEDIAN = 50.0


@dataclass(frozen=True, slots=True)
class Foretold:
    """One answer: terms as predicted, then what was measured.

    `admission` is from sending to admission, `node` from arrival there to the first token,
    `cached_tokens` what the engine found of the prompt.
    """

    connect: float
    round_trip: float
    queue: float
    base: float
    prefill: float
    predicted: float
    actual: float
    admission: float
    waited: float
    computed: float
    node: float
    prompt_tokens: int
    cached_tokens: int
    source: str
    attempts: int

    @property
    def error(self) -> float:
        """The share of the actual time by which the prediction was off."""
        return abs(self.predicted - self.actual) / self.actual


def foretold(record: Record) -> Foretold | None:
    """Return what a record tells; None where no prediction was made or no answer came."""
    made, end = record.prediction, record.finished
    if made is None or end is None or record.actual is None:
        return None
    return Foretold(
        connect=made.connect,
        round_trip=made.round_trip.seconds,
        queue=made.queue,
        base=made.base,
        prefill=made.prefill,
        predicted=record.predicted,
        actual=record.actual,
        admission=record.split.round_trip,
        waited=record.split.queue,
        computed=record.split.prefill,
        node=end.timings.node,
        prompt_tokens=end.usage.prompt_tokens,
        cached_tokens=end.usage.cached_prompt_tokens,
        source=made.round_trip.source,
        attempts=record.attempts,
    )


def median_error(seen: Iterable[Foretold]) -> float:
    """Return the median absolute error as a share; raises InvalidRequest for none."""
    return percentile([one.error for one in seen], MEDIAN)


def median_terms(seen: Sequence[Foretold]) -> dict[str, float]:
    """Return the median of each term and of each measured part, in milliseconds."""
    names = (
        *("connect", "round_trip", "queue", "base", "prefill", "predicted"),
        *("actual", "admission", "waited", "computed", "node"),
    )
    return {
        name: round(1000 * percentile([getattr(one, name) for one in seen], MEDIAN), 2)
        for name in names
    }
