"""Drives a fleet through its client, as applications would, from one or several places."""

from collections.abc import Sequence
from contextlib import AsyncExitStack, aclosing
from dataclasses import dataclass
from itertools import pairwise

from bench.generator import drive
from bench.progress import watch
from bench.sample import Sample, Split
from bench.scenarios.ttft.load import Load
from nearfield.cli.targets import Access, open_client
from nearfield.client.answer import Record
from nearfield.client.client import Client
from nearfield.core.clock import monotonic
from nearfield.core.errors import Unreachable
from nearfield.core.geo import Position
from nearfield.core.identity import new_id
from nearfield.core.inference import Delta, Request
from nearfield.core.route import RouteQuery


@dataclass(frozen=True, slots=True)
class Aim:
    """Whom to ask, and from where; requests take the places in turn.

    `access` of None is what the command line would use.
    """

    target: str
    model: str = ""
    places: tuple[Position | None, ...] = (None,)
    no_wan: bool = False
    access: Access | None = None


@dataclass(frozen=True, slots=True)
class Run:
    """What was measured; request i came from place i modulo their number.

    Of all questions to the control plane, requests waited for `routes_awaited`; of those,
    `early_routes` were asked within a lease, for what a cached prefix may save.
    """

    model: str
    samples: Sequence[Sample]
    routes_asked: int
    routes_awaited: int
    early_routes: int = 0
    clients: int = 1


async def measure(aim: Aim, load: Load) -> Run:
    """Send the load; raises a NearfieldError where the target serves no such model."""
    model = await _served_model(aim)
    async with AsyncExitStack() as stack:
        clients = [
            await stack.enter_async_context(open_client(aim.target, where, aim.no_wan, aim.access))
            for where in aim.places
        ]
        with watch(len(load.offsets)) as on_progress:
            sender = Sender(clients, aim.places, model, load, monotonic())
            samples = await drive(load.offsets, sender.send, on_progress=on_progress)
        return Run(
            model,
            samples,
            routes_asked=sum(client.routes_asked for client in clients),
            routes_awaited=sum(client.routes_awaited for client in clients),
            early_routes=sum(client.early_routes for client in clients),
            clients=len(clients),
        )


async def _served_model(aim: Aim) -> str:
    """Ask once where to go: a target that cannot answer is better known before the run."""
    async with open_client(aim.target, None, no_wan=True, known=aim.access) as client:
        try:
            return (await client.route(RouteQuery(aim.model))).model
        except Unreachable as error:
            raise Unreachable(
                f"no control plane answers at {aim.target}: {error.message}"
            ) from None


@dataclass(frozen=True, slots=True)
class Sender:
    """Sends request i as client i modulo their number; `start` is a reading of the clock."""

    clients: Sequence[Client]
    places: Sequence[Position | None]
    model: str
    load: Load
    start: float

    async def send(self, index: int) -> Sample:
        """Send one request and tell what came of it; raises a NearfieldError."""
        record, pieces = Record(), []
        request = Request(
            request_id=new_id("req"),
            model=self.model,
            prompt=self.load.prompt(index),
            sampling=self.load.sampling(index),
            origin=self.places[index % len(self.places)],
        )
        client = self.clients[index % len(self.clients)]
        meant = self.start + self.load.offsets[index]
        async with aclosing(client.stream(request, record, meant=meant)) as events:
            async for event in events:
                if isinstance(event, Delta) and event.text:
                    pieces.append(monotonic())
        return as_sample(record, pieces, monotonic())


def as_sample(record: Record, pieces: Sequence[float], finished: float) -> Sample:
    """Join what the client recorded with when pieces of text came, by the monotonic clock."""
    split, where, end = record.split, record.provenance, record.finished
    return Sample(
        first_token=pieces[0] if pieces else None,
        finished=finished,
        completion_tokens=end.usage.completion_tokens if end else 0,
        prompt_tokens=end.usage.prompt_tokens if end else 0,
        cached_prompt_tokens=end.usage.cached_prompt_tokens if end else 0,
        node=where.node if where else "",
        pop=where.pop if where else "",
        split=Split(split.route, split.round_trip, split.queue, split.prefill),
        chunk_gaps=tuple(later - earlier for earlier, later in pairwise(pieces)),
        predicted=record.prediction.ttft if record.prediction else None,
        actual=record.actual,
    )
