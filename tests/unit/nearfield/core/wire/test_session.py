import pytest

from nearfield.core.errors import (
    EngineDied,
    InternalError,
    NotTakingWork,
    SlowReader,
)
from nearfield.core.inference import Delta
from nearfield.core.node import NodeLoad
from nearfield.core.session import WINDOW_TOKENS, Admitted, Reply
from nearfield.core.wire.session import (
    cancel_to_wire,
    replies_to_wire,
    reply_from_wire,
    start_to_wire,
    window_of,
    window_to_wire,
)
from protos.nearfield.v1 import inference_pb2 as pb
from tests.support.nearfield_builders import LOAD, delta, finished, first_delta, request

EVENTS: list[Reply] = [
    Admitted(LOAD),
    Admitted(NodeLoad()),
    first_delta(),
    delta(1, "to"),
    Delta(0, (), ""),
    finished(),
]


def there_and_back(reply: Reply) -> tuple[int, Reply | None]:
    message = pb.SessionReplies.FromString(replies_to_wire([(7, reply)]).SerializeToString())
    (frame,) = message.replies
    return frame.stream, reply_from_wire(frame)


@pytest.mark.parametrize("reply", EVENTS, ids=lambda reply: type(reply).__name__)
def test_a_reply_comes_back_as_it_went(reply: Reply) -> None:
    assert there_and_back(reply) == (7, reply)


@pytest.mark.parametrize(
    "error",
    [
        NotTakingWork("draining", field="node", limit="draining", retry_after=3.0),
        SlowReader("too slow", field="window_tokens", limit="4096 tokens"),
        EngineDied("gone"),
    ],
)
def test_an_error_comes_back_with_all_its_fields(error: NotTakingWork) -> None:
    stream, back = there_and_back(error)
    assert stream == 7
    assert type(back) is type(error)
    assert vars(back) == vars(error)


def test_replies_keep_their_order() -> None:
    message = replies_to_wire([(2, first_delta()), (1, finished()), (2, finished())])
    assert [frame.stream for frame in message.replies] == [2, 1, 2]


@pytest.mark.parametrize("data", [b"\xff\xff", b"\x08\x0d"])
def test_an_error_of_nobody_s_is_internal(data: bytes) -> None:
    assert isinstance(reply_from_wire(pb.SessionReply(stream=1, error=data)), InternalError)


def test_a_kind_of_a_newer_node_is_ignored() -> None:
    progress = pb.GenerateEvent(progress=pb.Progress(waiting_ahead=3))
    assert reply_from_wire(pb.SessionReply(stream=1, event=progress)) is None
    assert reply_from_wire(pb.SessionReply(stream=1)) is None


def test_a_start_says_all_that_its_request_takes() -> None:
    call = start_to_wire(5, request(), {"traceparent": "00-ab"}, 2.5, 64)
    assert call.stream == 5
    assert call.start.request.text == "What is TTFT?"
    assert call.start.timeout_seconds == 2.5
    assert dict(call.start.trace) == {"traceparent": "00-ab"}
    assert window_of(call.start) == 64


def test_what_a_start_leaves_out_has_a_meaning() -> None:
    call = start_to_wire(5, request(), {}, None, 0)
    assert not call.start.HasField("timeout_seconds")
    assert window_of(call.start) == WINDOW_TOKENS


def test_cancels_and_windows_name_their_stream() -> None:
    assert cancel_to_wire(4).WhichOneof("call") == "cancel"
    window = window_to_wire(4, 12)
    assert (window.stream, window.window.tokens) == (4, 12)
