"""An answer as the caller sees it: chunks, then what it took."""

from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass, field

from nearfield.core.inference import (
    Delta,
    Event,
    Finished,
    FinishReason,
    Provenance,
    Timings,
    TokenLogprobs,
    Usage,
)
from nearfield.core.prediction import Prediction
from nearfield.core.route import Candidate, Tier


@dataclass(frozen=True, slots=True)
class Chunk:
    """A piece of an answer; `text` may lag behind `token_ids` by an incomplete character."""

    text: str
    token_ids: tuple[int, ...]
    logprobs: tuple[TokenLogprobs, ...] = ()

    def __str__(self) -> str:
        return self.text


@dataclass(slots=True)
class Split:
    """Where the time to the first token went, in seconds.

    `route` is the question to the control plane (0 with a lease), `round_trip` from sending
    to admission, a connection's handshakes included, `total` all of it.
    """

    route: float = 0.0
    round_trip: float = 0.0
    warm: bool = False
    queue: float = 0.0
    prefill: float = 0.0
    total: float = 0.0


@dataclass(slots=True)
class Record:
    """What became of one request, filled in while it runs.

    `candidate`, `prediction` and what follows from them are those of the latest attempt.
    `actual` is what `predicted` foretold, in seconds: the time from the attempt's sending to
    its first token. `early` says that a question was asked for it within a lease; of the
    `attempts`, `declines` ended at a node that would have taken longer than another.
    """

    split: Split = field(default_factory=Split)
    provenance: Provenance | None = None
    finished: Finished | None = None
    candidate: Candidate | None = None
    prediction: Prediction | None = None
    actual: float | None = None
    early: bool = False
    attempts: int = 0
    declines: int = 0

    @property
    def predicted(self) -> float:
        """Predicted seconds to the first token; 0 before a candidate is chosen."""
        return self.prediction.ttft if self.prediction else 0.0

    @property
    def tier(self) -> Tier | None:
        """How far the request has spilled."""
        return self.candidate.tier if self.candidate else None

    @property
    def endpoint(self) -> str:
        """The node that was asked, as `host:port`."""
        return self.candidate.endpoint if self.candidate else ""

    def note(self, event: Event, elapsed: float) -> None:
        """Take up what an event tells; `elapsed` is seconds since the request was meant."""
        if isinstance(event, Finished):
            self.finished = event
            return
        if event.provenance is not None:
            self.provenance = event.provenance
        if event.timings is not None:
            self._first_token(event.timings, elapsed)

    def _first_token(self, timings: Timings, elapsed: float) -> None:
        self.split.queue = timings.queue
        self.split.prefill = timings.prefill
        self.split.total = elapsed


class Answer:
    """Iterate it for chunks; the rest is known once the answer has ended, or as it says."""

    def __init__(self, events: AsyncGenerator[Event], record: Record) -> None:
        self._events = events
        self._record = record

    async def __aiter__(self) -> AsyncGenerator[Chunk]:
        async with aclosing(self._events) as events:
            async for event in events:
                if isinstance(event, Delta):
                    yield Chunk(event.text, event.token_ids, event.logprobs)

    async def text(self) -> str:
        """Return the whole answer."""
        return "".join([chunk.text async for chunk in self])

    @property
    def record(self) -> Record:
        """All that is known of the request so far."""
        return self._record

    @property
    def split(self) -> Split:
        """Where the time to the first token went; known with the first chunk."""
        return self._record.split

    @property
    def provenance(self) -> Provenance | None:
        """Where the answer is made; known with the first chunk."""
        return self._record.provenance

    @property
    def tier(self) -> Tier | None:
        """How far from the nearest point of presence it spilled; known with the first chunk."""
        return self._record.tier

    @property
    def usage(self) -> Usage | None:
        """Tokens read and written; known at the end."""
        return self._record.finished.usage if self._record.finished else None

    @property
    def finish_reason(self) -> FinishReason | None:
        """Why the answer ended; known at the end."""
        return self._record.finished.reason if self._record.finished else None
