"""What one request of a run came to, and its line of JSON.

Times are seconds from the start of the run. TTFT and E2E count from the moment a request was
*meant* to be sent: a generator that falls behind makes them longer, never shorter.
"""

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any

from nearfield.core.errors import InvalidRequest

UNKNOWN_POP = "unknown PoP"


class SampleOutcome(StrEnum):
    """How a request ended; a rejected one never reached an engine."""

    OK = "ok"
    REJECTED = "rejected"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Split:
    """Where the time to first token went, in seconds, as far as it is known."""

    route: float = 0.0
    round_trip: float = 0.0
    queue: float = 0.0
    prefill: float = 0.0

    @property
    def total(self) -> float:
        """The part of the TTFT that is accounted for."""
        return self.route + self.round_trip + self.queue + self.prefill


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """One request: `scheduled` is when it was meant to be sent, `sent` when it was.

    `chunk_gaps` are the seconds between pieces of the answer; a piece may carry several
    tokens, so they are not inter-token latencies. `error` is empty where all went well.
    `actual` is the time to first token that `predicted` foretold, from the last sending on:
    it leaves out what came before, such as a question of where to go.
    """

    index: int = 0
    scheduled: float = 0.0
    sent: float = 0.0
    first_token: float | None = None
    finished: float | None = None
    completion_tokens: int = 0
    prompt_tokens: int = 0
    cached_prompt_tokens: int = 0
    outcome: SampleOutcome = SampleOutcome.OK
    error: str = ""
    node: str = ""
    pop: str = ""
    split: Split = field(default_factory=Split)
    chunk_gaps: tuple[float, ...] = ()
    predicted: float | None = None
    actual: float | None = None

    @property
    def ttft(self) -> float | None:
        """Seconds from the meant sending to the first token."""
        return None if self.first_token is None else self.first_token - self.scheduled

    @property
    def e2e(self) -> float | None:
        """Seconds from the meant sending to the end."""
        return None if self.finished is None else self.finished - self.scheduled

    @property
    def tpot(self) -> float | None:
        """Seconds for each token after the first: (E2E - TTFT) / (n - 1); None below 2 tokens."""
        if self.ttft is None or self.e2e is None or self.completion_tokens < 2:
            return None
        return (self.e2e - self.ttft) / (self.completion_tokens - 1)

    @property
    def prediction_error(self) -> float | None:
        """Seconds between the predicted time to first token and the actual one, either way."""
        if self.predicted is None or self.actual is None:
            return None
        return abs(self.predicted - self.actual)

    @property
    def schedule_delay(self) -> float:
        """Seconds by which the generator itself sent late."""
        return self.sent - self.scheduled


def answered(samples: Iterable[Sample]) -> list[Sample]:
    """Return those that ended well and have a first token."""
    return [
        one for one in samples if one.outcome is SampleOutcome.OK and one.first_token is not None
    ]


def by_pop(samples: Iterable[Sample]) -> dict[str, list[Sample]]:
    """Group samples, the PoPs in alphabetical order."""
    groups: dict[str, list[Sample]] = {}
    for one in sorted(samples, key=lambda sample: sample.pop):
        groups.setdefault(one.pop or UNKNOWN_POP, []).append(one)
    return groups


def write_samples(path: Path, samples: Iterable[Sample]) -> None:
    """Write one line of JSON for each sample."""
    with path.open("w", encoding="utf-8") as file:
        file.writelines(json.dumps(asdict(one), allow_nan=False) + "\n" for one in samples)


def read_samples(path: Path) -> list[Sample]:
    """Read what `write_samples` wrote; raises InvalidRequest, naming the line."""
    with path.open(encoding="utf-8") as file:
        return [_parse(number, line) for number, line in enumerate(file, start=1)]


def _parse(number: int, line: str) -> Sample:
    try:
        row: dict[str, Any] = json.loads(line)
        row["split"] = Split(**row["split"])
        row["outcome"] = SampleOutcome(row["outcome"])
        row["chunk_gaps"] = tuple(row["chunk_gaps"])
        return Sample(**row)
    except (KeyError, TypeError, ValueError) as error:
        raise InvalidRequest(f"line {number} is no sample: {error}", field="samples") from error
