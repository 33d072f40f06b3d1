"""Whatever a client sends, it gets one typed error, and the node lives on."""

import asyncio
import math
import os
from collections.abc import AsyncIterator, Callable

import grpc
import pytest

from nearfield.core.errors import (
    InternalError,
    InvalidRequest,
    LimitExceeded,
    NearfieldError,
    UnknownModel,
    Unsupported,
)
from nearfield.core.rpc.options import MESSAGE_BYTES_MOST
from nearfield.core.rpc.status import from_rpc_error
from protos.nearfield.v1 import inference_pb2 as pb
from protos.nearfield.v1 import inference_pb2_grpc
from protos.nearfield.v1.types_pb2 import Constraints
from tests.support.node_builders import Caller, end_of

pytestmark = pytest.mark.engine


def generate(**fields: object) -> pb.GenerateRequest:
    return pb.GenerateRequest(**{"model": "demo", "text": "Hello!", **fields})  # type: ignore[arg-type]


def chat(*turns: tuple[str, str]) -> pb.GenerateRequest:
    messages = [pb.Message(role=role, content=content) for role, content in turns]
    return pb.GenerateRequest(model="demo", conversation=pb.Conversation(messages=messages))


def tokens(*ids: int) -> pb.GenerateRequest:
    return pb.GenerateRequest(model="demo", token_ids=pb.TokenIds(ids=ids))


def sampled(**values: object) -> pb.GenerateRequest:
    return generate(sampling=pb.Sampling(**values))  # type: ignore[arg-type]


INVALID: dict[str, tuple[pb.GenerateRequest, str]] = {
    "no prompt": (pb.GenerateRequest(model="demo"), "prompt"),
    "empty text": (generate(text=""), "text"),
    "no messages": (chat(), "conversation"),
    "empty messages": (chat(("user", "")), "conversation"),
    "a role of its own": (chat(("user", "hi"), ("tool", "hi")), "conversation.role"),
    "no role": (chat(("", "hi")), "conversation.role"),
    "no token ids": (tokens(), "token_ids"),
    "a token id out of the vocabulary": (tokens(5, 2**32 - 1), "token_ids"),
    "too many token ids": (tokens(*[5] * 2048), "prompt"),
    "a text over the context": (generate(text="word " * 20_000), "prompt"),
    "a text far over the context": (generate(text="word " * 700_000), "prompt"),
    "a chat over the context": (chat(("user", "word " * 20_000)), "prompt"),
    "a negative temperature": (sampled(temperature=-1), "sampling.temperature"),
    "an endless temperature": (sampled(temperature=math.inf), "sampling.temperature"),
    "an absurd temperature": (sampled(temperature=1e308), "sampling.temperature"),
    "no number for a temperature": (sampled(temperature=math.nan), "sampling.temperature"),
    "no number for top_p": (sampled(top_p=math.nan), "sampling.top_p"),
    "top_p of nothing": (sampled(top_p=0), "sampling.top_p"),
    "a negative top_k": (sampled(top_k=-1), "sampling.top_k"),
    "an absurd top_k": (sampled(top_k=2**31 - 1), "sampling.top_k"),
    "a negative min_p": (sampled(min_p=-0.1), "sampling.min_p"),
    "an absurd penalty": (sampled(presence_penalty=1e9), "sampling.presence_penalty"),
    "a negative penalty": (sampled(frequency_penalty=-9), "sampling.frequency_penalty"),
    "a repetition of nothing": (sampled(repetition_penalty=0), "sampling.repetition_penalty"),
    "no tokens": (sampled(max_tokens=0), "sampling.max_tokens"),
    "negative tokens": (sampled(max_tokens=-(2**31)), "sampling.max_tokens"),
    "absurd tokens": (sampled(max_tokens=2**31 - 1), "sampling.max_tokens"),
    "more at least than at most": (sampled(max_tokens=2, min_tokens=3), "sampling.min_tokens"),
    "more at least than fit": (sampled(min_tokens=2048), "sampling"),
    "too many logprobs": (sampled(logprobs=1000), "sampling.logprobs"),
    "too many stops": (sampled(stop=["x"] * 17), "sampling.stop"),
    "too long a stop": (sampled(stop=["x" * 257]), "sampling.stop"),
    "an empty stop": (sampled(stop=[""]), "sampling.stop"),
    "no budget": (generate(first_token_budget_seconds=0), "first_token_budget_seconds"),
    "a negative budget": (generate(first_token_budget_seconds=-1), "first_token_budget_seconds"),
    "no number of a budget": (
        generate(first_token_budget_seconds=math.nan),
        "first_token_budget_seconds",
    ),
    "another jurisdiction": (
        generate(constraints=Constraints(jurisdictions=["us"])),
        "constraints.jurisdictions",
    ),
    "another provider": (
        generate(constraints=Constraints(providers=["other"])),
        "constraints.providers",
    ),
    "a cost that nobody states": (
        generate(constraints=Constraints(cost_per_hour_most=1.0)),
        "constraints.cost_per_hour_most",
    ),
    "no number for a cost": (
        generate(constraints=Constraints(cost_per_hour_most=math.nan)),
        "constraints.cost_per_hour_most",
    ),
    "another accelerator": (
        generate(constraints=Constraints(accelerators=["Z80"])),
        "constraints.accelerators",
    ),
    "a long ticket": (generate(ticket="x" * 100_000), "ticket"),
    "a short prefix secret": (generate(prefix_secret=b"secret"), "prefix.secret"),
    "a long name": (generate(request_id="r" * 129), "request_id"),
    "an unknown kind of attempt": (generate(attempt_kind=99), "attempt_kind"),
}
UNSUPPORTED: dict[str, Callable[[], pb.GenerateRequest]] = {
    "resume": lambda: generate(resume=pb.Resume(token_ids=[1])),
    "response_format": lambda: generate(response_format=pb.ResponseFormat(regex="a*")),
    "session_key": lambda: generate(session_key="mine"),
    "attempt_kind": lambda: generate(attempt_kind=pb.ATTEMPT_KIND_RESUME),
}


@pytest.fixture(autouse=True)
async def node_lives_on(caller: Caller) -> AsyncIterator[None]:
    yield
    events = await caller.ask(sampled(max_tokens=1))
    assert end_of(events).usage.completion_tokens == 1


async def refused(caller: Caller, wanted: pb.GenerateRequest) -> NearfieldError:
    with pytest.raises(NearfieldError) as caught:
        await caller.ask(wanted)
    assert len(caught.value.message) < 400
    return caught.value


@pytest.mark.parametrize(("wanted", "field"), INVALID.values(), ids=INVALID.keys())
async def test_what_makes_no_sense_is_refused_by_field_and_limit(
    caller: Caller, wanted: pb.GenerateRequest, field: str
) -> None:
    error = await refused(caller, wanted)
    assert type(error) is InvalidRequest
    assert error.field == field
    assert error.limit or field == "sampling"


@pytest.mark.parametrize("field", UNSUPPORTED)
async def test_what_is_not_offered_is_called_so(caller: Caller, field: str) -> None:
    error = await refused(caller, UNSUPPORTED[field]())
    assert type(error) is Unsupported
    assert error.field == field


async def test_an_unknown_model_is_answered_with_the_known_ones(caller: Caller) -> None:
    error = await refused(caller, generate(model="gpt-9"))
    assert type(error) is UnknownModel
    assert (error.field, error.limit) == ("model", "demo")


async def test_another_digest_is_an_unknown_model(caller: Caller) -> None:
    error = await refused(caller, generate(model_digest="blake2b:00"))
    assert type(error) is UnknownModel
    assert error.field == "model_digest"


async def test_a_message_over_the_size_limit_is_refused_by_that_limit(address: str) -> None:
    unlimited = (("grpc.max_send_message_length", -1),)
    async with grpc.aio.insecure_channel(address, options=unlimited) as channel:
        call = inference_pb2_grpc.InferenceStub(channel).Generate(
            generate(text="x" * (MESSAGE_BYTES_MOST + 1))
        )
        error = await failure(call)
    assert isinstance(error, LimitExceeded)
    assert error.field == "message"
    assert f"{MESSAGE_BYTES_MOST}" in error.message


async def test_bytes_that_are_no_message_are_an_error_of_that_call_alone(address: str) -> None:
    async with grpc.aio.insecure_channel(address) as channel:
        call = channel.unary_stream("/nearfield.v1.Inference/Generate")(b"\xff" * 64)
        assert isinstance(await failure(call), InternalError)


async def test_an_unknown_method_is_unsupported(address: str) -> None:
    async with grpc.aio.insecure_channel(address) as channel:
        call = channel.unary_stream("/nearfield.v1.Inference/Guess")(b"")
        assert isinstance(await failure(call), Unsupported)


@pytest.mark.parametrize("garbage", [b"GET / HTTP/1.1\r\n\r\n", b"\x00" * 4096, os.urandom(4096)])
async def test_garbage_on_the_port_only_ends_its_own_connection(
    address: str, garbage: bytes
) -> None:
    host, _, port = address.rpartition(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    writer.write(garbage)
    async with asyncio.timeout(30):
        try:
            while await reader.read(4096):
                pass
        except ConnectionResetError:
            pass
    writer.close()


async def failure(call: object) -> NearfieldError:
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        async for _ in call:  # type: ignore[attr-defined]
            pass
    return from_rpc_error(caught.value)
