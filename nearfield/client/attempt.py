"""One attempt of one request at one node."""

from collections.abc import AsyncGenerator, Mapping
from dataclasses import dataclass

import grpc

from nearfield.client.connections import Connection
from nearfield.core.clock import monotonic
from nearfield.core.errors import StreamBroken
from nearfield.core.inference import Event, Finished, Request
from nearfield.core.rpc.status import from_rpc_error
from nearfield.core.wire.inference import event_from_wire, request_to_wire
from protos.nearfield.v1 import inference_pb2_grpc


@dataclass(slots=True)
class Trip:
    """Seconds from sending to admission; on a warm connection that is one round trip."""

    warm: bool = False
    seconds: float = 0.0


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
    started = monotonic()
    call = inference_pb2_grpc.InferenceStub(connection.channel).Generate(
        request_to_wire(request), metadata=tuple(metadata.items()), timeout=timeout
    )
    admitted = False
    try:
        admitted = bool(await call.initial_metadata())
        trip.seconds = monotonic() - started
        async for message in call:
            event = event_from_wire(message)
            if event is not None:
                yield event
            if isinstance(event, Finished):
                return
    except grpc.aio.AioRpcError as error:
        raise from_rpc_error(error, admitted=admitted) from None
    finally:
        call.cancel()  # left early or not, the node frees its slot at once
    raise StreamBroken("the stream ended before the answer did")
