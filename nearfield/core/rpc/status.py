"""The error tree on the wire: a gRPC status with google.rpc ErrorInfo and RetryInfo."""

import contextlib
from typing import Any, NoReturn

import grpc
from google.protobuf.duration_pb2 import Duration
from google.protobuf.message import DecodeError
from google.rpc import code_pb2, error_details_pb2, status_pb2

from nearfield.core import errors
from nearfield.core.errors import InternalError, NearfieldError, StreamBroken, TimedOut, Unreachable

DOMAIN = "nearfield"
DETAILS_KEY = "grpc-status-details-bin"
MESSAGE_MOST = 400
"""Characters of a message on the wire, where it stands twice: gRPC drops trailers from 8 KiB on."""


def _subclasses(root: type[NearfieldError]) -> dict[str, type[NearfieldError]]:
    found = {root.__name__: root}
    for child in root.__subclasses__():
        found |= _subclasses(child)
    return found


_KINDS = _subclasses(errors.NearfieldError)


async def abort(context: "grpc.aio.ServicerContext[Any, Any]", error: NearfieldError) -> NoReturn:
    """End a call with this error; never returns."""
    await context.abort(
        grpc.StatusCode[error.status],
        error.message[:MESSAGE_MOST],
        ((DETAILS_KEY, to_status(error).SerializeToString()),),
    )
    raise AssertionError("abort raises")


def to_status(error: NearfieldError) -> status_pb2.Status:
    """Return google.rpc.Status with all the error's fields."""
    code, message = code_pb2.Code.Value(error.status), error.message[:MESSAGE_MOST]
    status = status_pb2.Status(code=code, message=message)
    info = error_details_pb2.ErrorInfo(reason=type(error).__name__, domain=DOMAIN)
    info.metadata["outcome"] = error.outcome
    info.metadata["resumable"] = str(error.resumable).lower()
    info.metadata["field"] = error.field
    info.metadata["limit"] = error.limit
    status.details.add().Pack(info)
    if error.retry_after is not None:
        wait = Duration()
        wait.FromNanoseconds(int(error.retry_after * 1e9))
        status.details.add().Pack(error_details_pb2.RetryInfo(retry_delay=wait))
    return status


def from_rpc_error(error: grpc.aio.AioRpcError, *, admitted: bool = False) -> NearfieldError:
    """Return the error a peer raised, or the nearest one where the network raised it.

    `admitted` says whether the request had reached an engine when it ended.
    """
    return _from_details(error) or _from_code(error, admitted=admitted)


def _from_details(error: grpc.aio.AioRpcError) -> NearfieldError | None:
    for key, value in error.trailing_metadata() or ():
        if key == DETAILS_KEY and isinstance(value, bytes):
            with contextlib.suppress(DecodeError):  # a peer that is not ours may send anything
                return from_status(status_pb2.Status.FromString(value))
    return None


def from_status(status: status_pb2.Status) -> NearfieldError | None:
    """Rebuild an error of ours; None where it came from someone else."""
    info, retry = error_details_pb2.ErrorInfo(), error_details_pb2.RetryInfo()
    retry_after = None
    for detail in status.details:
        detail.Unpack(info)
        if detail.Unpack(retry):
            retry_after = retry.retry_delay.ToNanoseconds() / 1e9
    if info.domain != DOMAIN:
        return None
    kind = _KINDS.get(info.reason, InternalError)
    return kind(
        status.message,
        field=info.metadata["field"],
        limit=info.metadata["limit"],
        retry_after=retry_after,
    )


def _from_code(error: grpc.aio.AioRpcError, *, admitted: bool) -> NearfieldError:
    message = error.details() or error.code().name
    match error.code():
        case grpc.StatusCode.DEADLINE_EXCEEDED:
            return TimedOut(message)
        case grpc.StatusCode.UNAVAILABLE | grpc.StatusCode.CANCELLED:
            return StreamBroken(message) if admitted else Unreachable(message)
        case grpc.StatusCode.RESOURCE_EXHAUSTED:
            return errors.LimitExceeded(message, field="message")
        case grpc.StatusCode.UNIMPLEMENTED:
            return errors.Unsupported(message)
        case _:
            return InternalError(f"{error.code().name}: {message}")
