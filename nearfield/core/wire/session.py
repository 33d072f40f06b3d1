"""Frames of a session: what a client asks of its generations, and what the node replies."""

from collections.abc import Iterable, Mapping

from google.protobuf.message import DecodeError
from google.rpc import status_pb2

from nearfield.core.errors import InternalError, NearfieldError
from nearfield.core.inference import Request
from nearfield.core.node import NodeLoad
from nearfield.core.rpc.status import from_status, to_status
from nearfield.core.session import WINDOW_TOKENS, Admitted, Reply
from nearfield.core.wire.inference import event_from_wire, request_to_wire, write_event
from nearfield.core.wire.node import load_from_wire, load_to_wire
from protos.nearfield.v1 import inference_pb2 as pb


def start_to_wire(
    stream: int, request: Request, trace: Mapping[str, str], timeout: float | None, window: int
) -> pb.SessionCall:
    """Write a start; raises InvalidRequest for what the protocol's types cannot hold."""
    start = pb.Start(
        request=request_to_wire(request),
        timeout_seconds=timeout,
        trace=trace,
        window_tokens=window,
    )
    return pb.SessionCall(stream=stream, start=start)


def cancel_to_wire(stream: int) -> pb.SessionCall:
    return pb.SessionCall(stream=stream, cancel=pb.Cancel())


def window_to_wire(stream: int, tokens: int) -> pb.SessionCall:
    return pb.SessionCall(stream=stream, window=pb.WindowUpdate(tokens=tokens))


def window_of(start: pb.Start) -> int:
    """Return the tokens that may be on their way unread."""
    return start.window_tokens or WINDOW_TOKENS


def replies_to_wire(replies: Iterable[tuple[int, Reply | NodeLoad]]) -> pb.SessionReplies:
    # In place: a message built apart and copied in costs 2.5 us a reply instead of 1.
    message = pb.SessionReplies()
    add = message.replies.add
    for stream, reply in replies:
        frame = add()
        frame.stream = stream
        if isinstance(reply, NearfieldError):
            frame.error = to_status(reply).SerializeToString()
        elif isinstance(reply, Admitted):
            frame.event.admitted.load.CopyFrom(load_to_wire(reply.load))
        elif isinstance(reply, NodeLoad):
            frame.load.CopyFrom(load_to_wire(reply))
        else:
            write_event(frame.event, reply)
    return message


def told_load(frame: pb.SessionReply) -> NodeLoad | None:
    """Return the load that a frame tells of the node; None where it is of a generation."""
    return load_from_wire(frame.load) if frame.HasField("load") else None


def reply_from_wire(frame: pb.SessionReply) -> Reply | None:
    """Read a reply; None for a kind that a newer node may send and this side can ignore."""
    event = frame.event
    if event.HasField("delta"):
        return event_from_wire(event)
    if event.HasField("admitted"):
        return Admitted(load_from_wire(event.admitted.load))
    if frame.HasField("error"):
        return _error_from_wire(frame.error)
    return event_from_wire(event)


def _error_from_wire(data: bytes) -> NearfieldError:
    try:
        status = status_pb2.Status.FromString(data)
    except DecodeError:
        return InternalError("the node sent an error that is no google.rpc.Status")
    return from_status(status) or InternalError(f"status {status.code}: {status.message}")
