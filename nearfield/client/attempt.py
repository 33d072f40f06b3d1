"""One attempt of one request at one node."""

from collections.abc import AsyncGenerator, Mapping
from dataclasses import dataclass

from nearfield.client.connections import Connection
from nearfield.core.inference import Event, Finished, Request
from nearfield.core.node import NodeLoad


@dataclass(slots=True)
class Trip:
    """Seconds from sending to admission, and the node's load by then.

    `sample` is the round trip to the node, None where a handshake or other traffic of this
    client may have been a part of the time.
    """

    warm: bool = False
    seconds: float = 0.0
    sample: float | None = None
    load: NodeLoad | None = None


async def attempt(
    connection: Connection,
    request: Request,
    trip: Trip,
    *,
    metadata: Mapping[str, str],
    timeout: float | None,
) -> AsyncGenerator[Event]:
    """Stream the answer and fill in `trip`.

    Raises what the node answered: Rejected before admission, Evicted after it.
    """
    trip.warm = connection.warm
    exchange = connection.session.start(request, trace=metadata, timeout=timeout)
    try:
        await exchange.admission()
        if exchange.admitted is not None:
            trip.seconds = exchange.seconds
            trip.sample = exchange.seconds if exchange.sampled else None
            trip.load = exchange.admitted.load
        while True:
            event = await exchange.next()
            yield event
            if isinstance(event, Finished):
                return
    finally:
        exchange.close()  # left early or not, the node frees its slot at once
