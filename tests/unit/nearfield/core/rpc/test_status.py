from typing import Any

import grpc
import pytest
from google.protobuf.any_pb2 import Any as AnyMessage
from google.rpc import code_pb2, error_details_pb2, status_pb2
from grpc.aio import AioRpcError, Metadata
from hypothesis import given
from hypothesis import strategies as st

from nearfield.core import errors
from nearfield.core.errors import NearfieldError
from nearfield.core.rpc.status import DETAILS_KEY, from_rpc_error, from_status, to_status
from tests.support.error_tree import ALL


def rpc_error(
    code: grpc.StatusCode, details: str | None = "as it is", value: Any = None
) -> AioRpcError:
    trailing = Metadata() if value is None else Metadata((DETAILS_KEY, value))
    return AioRpcError(code, Metadata(), trailing, details=details)


def foreign(reason: str = "API_DISABLED", domain: str = "googleapis.com") -> status_pb2.Status:
    status = status_pb2.Status(code=code_pb2.PERMISSION_DENIED, message="no")
    status.details.add().Pack(error_details_pb2.ErrorInfo(reason=reason, domain=domain))
    return status


@pytest.mark.parametrize("kind", ALL)
def test_every_error_of_the_tree_survives_the_wire(kind: type[NearfieldError]) -> None:
    sent = kind("it is full", field="queue", limit="64", retry_after=1.25)
    raw = to_status(sent).SerializeToString()
    got = from_rpc_error(rpc_error(grpc.StatusCode[kind.status], value=raw))
    assert type(got) is kind
    assert vars(got) == vars(sent)


@pytest.mark.parametrize("kind", ALL)
def test_the_details_say_in_words_what_became_of_the_request(kind: type[NearfieldError]) -> None:
    status = to_status(kind("message"))
    info = error_details_pb2.ErrorInfo()
    assert status.details[0].Unpack(info)
    assert (info.reason, info.domain) == (kind.__name__, "nearfield")
    assert info.metadata["outcome"] == kind.outcome.value
    assert info.metadata["resumable"] == ("true" if kind.resumable else "false")
    assert status.code == code_pb2.Code.Value(kind.status)


def test_without_a_hint_no_time_to_retry_is_sent() -> None:
    status = to_status(errors.Overloaded("full"))
    assert len(status.details) == 1
    rebuilt = from_status(status)
    assert rebuilt is not None
    assert rebuilt.retry_after is None


@given(st.floats(0, 1e6), st.text(max_size=50), st.text(max_size=20))
def test_hints_and_words_of_any_kind_survive(wait: float, message: str, field: str) -> None:
    rebuilt = from_status(to_status(errors.Overloaded(message, field=field, retry_after=wait)))
    assert rebuilt is not None
    assert rebuilt.retry_after == pytest.approx(wait, abs=1e-8)
    assert (rebuilt.message, rebuilt.field) == (message, field)


def test_the_time_to_retry_may_come_before_the_error() -> None:
    status = to_status(errors.Overloaded("full", retry_after=2.0))
    status.details.reverse()
    rebuilt = from_status(status)
    assert isinstance(rebuilt, errors.Overloaded)
    assert rebuilt.retry_after == 2.0


def test_an_error_that_only_a_newer_side_knows_is_an_internal_one() -> None:
    rebuilt = from_status(foreign(reason="BrandNewError", domain="nearfield"))
    assert type(rebuilt) is errors.InternalError


@pytest.mark.parametrize("status", [status_pb2.Status(), foreign()])
def test_details_of_other_software_are_not_ours(status: status_pb2.Status) -> None:
    assert from_status(status) is None


MEANING: list[tuple[grpc.StatusCode, type[NearfieldError]]] = [
    (grpc.StatusCode.DEADLINE_EXCEEDED, errors.TimedOut),
    (grpc.StatusCode.UNAVAILABLE, errors.Unreachable),
    (grpc.StatusCode.CANCELLED, errors.Unreachable),
    (grpc.StatusCode.RESOURCE_EXHAUSTED, errors.LimitExceeded),
    (grpc.StatusCode.UNIMPLEMENTED, errors.Unsupported),
    (grpc.StatusCode.INTERNAL, errors.InternalError),
    (grpc.StatusCode.UNKNOWN, errors.InternalError),
    (grpc.StatusCode.PERMISSION_DENIED, errors.InternalError),
]


@pytest.mark.parametrize(("code", "kind"), MEANING)
def test_a_bare_status_becomes_the_nearest_error(
    code: grpc.StatusCode, kind: type[NearfieldError]
) -> None:
    got = from_rpc_error(rpc_error(code))
    assert type(got) is kind
    assert "as it is" in got.message


@pytest.mark.parametrize("code", [grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.CANCELLED])
def test_a_connection_lost_after_admission_is_a_broken_stream(code: grpc.StatusCode) -> None:
    assert type(from_rpc_error(rpc_error(code), admitted=True)) is errors.StreamBroken


def test_an_error_of_ours_says_itself_what_was_running() -> None:
    raw = to_status(errors.Overloaded("full")).SerializeToString()
    error = rpc_error(grpc.StatusCode.UNAVAILABLE, value=raw)
    assert type(from_rpc_error(error, admitted=True)) is errors.Overloaded


def test_a_status_without_words_is_named_by_its_code() -> None:
    assert from_rpc_error(rpc_error(grpc.StatusCode.UNAVAILABLE, None)).message == "UNAVAILABLE"


def test_details_of_another_peer_fall_back_on_its_status() -> None:
    raw = foreign().SerializeToString()
    got = from_rpc_error(rpc_error(grpc.StatusCode.UNAVAILABLE, value=raw))
    assert type(got) is errors.Unreachable


def broken_detail() -> bytes:
    detail = AnyMessage(type_url="type.googleapis.com/google.rpc.ErrorInfo", value=b"\xff\xff")
    return status_pb2.Status(details=[detail]).SerializeToString()


@pytest.mark.parametrize("raw", [b"\xff\xff\xff", broken_detail()], ids=["status", "detail"])
def test_details_that_are_garbage_fall_back_on_the_status(raw: bytes) -> None:
    got = from_rpc_error(rpc_error(grpc.StatusCode.DEADLINE_EXCEEDED, value=raw))
    assert type(got) is errors.TimedOut
