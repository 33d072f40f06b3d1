"""One play: a scene through one policy, every request on its own schedule."""

from collections.abc import Sequence
from contextlib import aclosing
from dataclasses import dataclass

from bench.generator import drive
from bench.sample import Sample
from bench.scenarios.policy.real.foretold import Foretold, foretold
from bench.scenarios.policy.real.scenes import ANSWER_TOKENS, Scene
from bench.scenarios.policy.real.senders import Sender
from bench.scenarios.ttft.run import as_sample
from nearfield.client.answer import Record
from nearfield.core.clock import monotonic
from nearfield.core.geo import Position
from nearfield.core.identity import new_id
from nearfield.core.inference import Delta, Request, Sampling


@dataclass(frozen=True, slots=True)
class Row:
    """One request of the run: whose it was, and what came of it."""

    policy: str
    scene: str
    round: int
    place: int
    sample: Sample
    foretold: Foretold | None = None


@dataclass(frozen=True, slots=True)
class Play:
    """A scene for one policy; `senders` are one for each of `places`."""

    policy: str
    round: int
    scene: Scene
    places: Sequence[Position]
    senders: Sequence[Sender]
    secret: bytes

    async def run(self) -> list[Row]:
        """Send every request when it is meant to be; a row for each, in order."""
        seen: dict[int, Foretold] = {}
        start = monotonic()

        async def send(index: int) -> Sample:
            record, pieces = Record(), []
            ask = self.scene.asks[index]
            stream = self.senders[ask.place].stream(self._request(index), record, start + ask.at)
            async with aclosing(stream) as events:
                async for event in events:
                    if isinstance(event, Delta) and event.text:
                        pieces.append(monotonic())
            if (known := foretold(record)) is not None:
                seen[index] = known
            return as_sample(record, pieces, monotonic())

        samples = await drive([ask.at for ask in self.scene.asks], send)
        return [self._row(one, seen.get(one.index)) for one in samples]

    def _request(self, index: int) -> Request:
        ask = self.scene.asks[index]
        return Request(
            request_id=new_id("req"),
            model="",
            prompt=ask.prompt,
            sampling=Sampling(temperature=0.0, max_tokens=ANSWER_TOKENS, ignore_eos=True),
            origin=self.places[ask.place],
            prefix_secret=self.secret,
        )

    def _row(self, sample: Sample, known: Foretold | None) -> Row:
        place = self.scene.asks[sample.index].place
        return Row(self.policy, self.scene.name, self.round, place, sample, known)
