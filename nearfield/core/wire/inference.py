"""Requests and answers."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from nearfield.core.errors import InvalidRequest, Unsupported
from nearfield.core.inference import (
    Alternative,
    ChatPrompt,
    Delta,
    Event,
    Finished,
    Message,
    Prompt,
    Provenance,
    Request,
    Sampling,
    TextPrompt,
    Timings,
    TokenLogprobs,
    TokenPrompt,
    Usage,
)
from nearfield.core.wire.enums import ATTEMPT_KINDS, FINISH_REASONS, from_number
from nearfield.core.wire.node import (
    load_from_wire,
    load_to_wire,
    position_from_wire,
    position_to_wire,
)
from protos.nearfield.v1 import inference_pb2 as pb

_SCALARS = tuple(field.name for field in pb.Sampling.DESCRIPTOR.fields if field.name != "stop")
_NOT_YET = ("response_format", "prefix", "resume", "session_key")


def request_to_wire(request: Request) -> pb.GenerateRequest:
    """Write a request; raises InvalidRequest for what the protocol's types cannot hold."""
    message = pb.GenerateRequest(
        request_id=request.request_id,
        attempt=request.attempt,
        attempt_kind=ATTEMPT_KINDS[request.attempt_kind],
        model=request.model,
        model_digest=request.model_digest,
        sampling=_sampling_to_wire(request.sampling),
        first_token_budget_seconds=request.first_token_budget,
    )
    if request.jurisdictions:
        message.constraints.jurisdictions.extend(request.jurisdictions)
    if request.origin is not None:
        message.origin.CopyFrom(position_to_wire(request.origin))
    with _held("prompt"):
        _set_prompt(message, request.prompt)
    return message


def request_from_wire(message: pb.GenerateRequest) -> Request:
    """Read a request; raises InvalidRequest, or Unsupported for a part not offered yet."""
    _refuse_what_is_not_offered(message)
    kind = message.attempt_kind or pb.ATTEMPT_KIND_FIRST
    return Request(
        request_id=message.request_id,
        model=message.model,
        prompt=_prompt_from_wire(message),
        sampling=_sampling_from_wire(message.sampling),
        attempt=message.attempt,
        attempt_kind=from_number(ATTEMPT_KINDS, kind, "attempt_kind"),
        model_digest=message.model_digest if message.HasField("model_digest") else None,
        first_token_budget=(
            message.first_token_budget_seconds
            if message.HasField("first_token_budget_seconds")
            else None
        ),
        jurisdictions=tuple(message.constraints.jurisdictions),
        origin=position_from_wire(message.origin) if message.HasField("origin") else None,
    )


def event_to_wire(event: Event) -> pb.GenerateEvent:
    if isinstance(event, Delta):
        return pb.GenerateEvent(delta=_delta_to_wire(event))
    finished = pb.Finished(
        reason=FINISH_REASONS[event.reason],
        usage=pb.Usage(
            prompt_tokens=event.usage.prompt_tokens,
            cached_prompt_tokens=event.usage.cached_prompt_tokens,
            completion_tokens=event.usage.completion_tokens,
        ),
        timings=_timings_to_wire(event.timings),
        load=load_to_wire(event.load),
        stop=event.stop,
    )
    return pb.GenerateEvent(finished=finished)


def event_from_wire(message: pb.GenerateEvent) -> Event | None:
    """Read an event; None for a kind that a newer side may send and this one can ignore."""
    kind = message.WhichOneof("event")
    if kind == "delta":
        return _delta_from_wire(message.delta)
    if kind == "finished":
        return _finished_from_wire(message.finished)
    return None


@contextmanager
def _held(field: str) -> Iterator[None]:
    """Numbers of more than 32 bits and text that is no UTF-8 raise ValueErrors in protobuf."""
    try:
        yield
    except ValueError as error:
        raise InvalidRequest(
            f"{field}: {error}", field=field, limit="the protocol's types"
        ) from None


def _refuse_what_is_not_offered(message: pb.GenerateRequest) -> None:
    present = {field.name for field, _ in message.ListFields()}
    for field in _NOT_YET:
        if field in present:
            raise Unsupported(f"{field} is not offered by this node", field=field)
    if message.attempt_kind in (pb.ATTEMPT_KIND_HEDGE, pb.ATTEMPT_KIND_RESUME):
        raise Unsupported("hedges and resumes are not offered", field="attempt_kind")


def _set_prompt(message: pb.GenerateRequest, prompt: Prompt) -> None:
    match prompt:
        case TextPrompt(text):
            message.text = text
        case ChatPrompt(messages):
            message.conversation.messages.extend(
                pb.Message(role=turn.role, content=turn.content) for turn in messages
            )
            message.conversation.SetInParent()
        case TokenPrompt(token_ids):
            message.token_ids.ids.extend(token_ids)
            message.token_ids.SetInParent()


def _prompt_from_wire(message: pb.GenerateRequest) -> Prompt:
    match message.WhichOneof("prompt"):
        case "text":
            return TextPrompt(message.text)
        case "conversation":
            turns = message.conversation.messages
            return ChatPrompt(tuple(Message(turn.role, turn.content) for turn in turns))
        case "token_ids":
            return TokenPrompt(tuple(message.token_ids.ids))
        case _:
            limit = "one of text, conversation, token_ids"
            raise InvalidRequest("the request has no prompt", field="prompt", limit=limit)


def _sampling_to_wire(sampling: Sampling) -> pb.Sampling:
    scalars = {name: getattr(sampling, name) for name in _SCALARS}
    with _held("sampling"):
        return pb.Sampling(stop=sampling.stop, **scalars)


def _sampling_from_wire(message: pb.Sampling) -> Sampling:
    scalars = {name: getattr(message, name) for name in _SCALARS if message.HasField(name)}
    return Sampling(stop=tuple(message.stop), **scalars)


def _delta_to_wire(delta: Delta) -> pb.Delta:
    message = pb.Delta(seq=delta.seq, token_ids=delta.token_ids, text=delta.text)
    message.logprobs.extend(map(_logprobs_to_wire, delta.logprobs))
    if delta.provenance is not None:
        message.provenance.CopyFrom(_provenance_to_wire(delta.provenance))
    if delta.timings is not None:
        message.timings.CopyFrom(_timings_to_wire(delta.timings))
    return message


def _delta_from_wire(message: pb.Delta) -> Delta:
    return Delta(
        seq=message.seq,
        token_ids=tuple(message.token_ids),
        text=message.text,
        logprobs=_logprobs_from_wire(message.logprobs),
        provenance=(
            _provenance_from_wire(message.provenance) if message.HasField("provenance") else None
        ),
        timings=_timings_from_wire(message.timings) if message.HasField("timings") else None,
    )


def _finished_from_wire(message: pb.Finished) -> Finished:
    return Finished(
        reason=from_number(FINISH_REASONS, message.reason, "finished.reason"),
        usage=Usage(
            prompt_tokens=message.usage.prompt_tokens,
            cached_prompt_tokens=message.usage.cached_prompt_tokens,
            completion_tokens=message.usage.completion_tokens,
        ),
        timings=_timings_from_wire(message.timings),
        load=load_from_wire(message.load),
        stop=message.stop,
    )


def _logprobs_to_wire(logprobs: TokenLogprobs) -> pb.TokenLogprobs:
    return pb.TokenLogprobs(
        logprob=logprobs.logprob,
        alternatives=[
            pb.Alternative(token_id=other.token_id, logprob=other.logprob, text=other.text)
            for other in logprobs.alternatives
        ],
    )


def _logprobs_from_wire(messages: Iterable[pb.TokenLogprobs]) -> tuple[TokenLogprobs, ...]:
    return tuple(
        TokenLogprobs(
            message.logprob,
            tuple(Alternative(o.token_id, o.logprob, o.text) for o in message.alternatives),
        )
        for message in messages
    )


def _timings_to_wire(timings: Timings) -> pb.Timings:
    return pb.Timings(
        queue_seconds=timings.queue,
        prefill_seconds=timings.prefill,
        decode_seconds=timings.decode,
        node_seconds=timings.node,
    )


def _timings_from_wire(message: pb.Timings) -> Timings:
    return Timings(
        queue=message.queue_seconds,
        prefill=message.prefill_seconds,
        decode=message.decode_seconds,
        node=message.node_seconds,
    )


def _provenance_to_wire(provenance: Provenance) -> pb.Provenance:
    return pb.Provenance(
        pop=provenance.pop,
        node=provenance.node,
        jurisdiction=provenance.jurisdiction,
        model=provenance.model,
        model_digest=provenance.model_digest,
        prompt_tokens=provenance.prompt_tokens,
        cached_prompt_tokens=provenance.cached_prompt_tokens,
    )


def _provenance_from_wire(message: pb.Provenance) -> Provenance:
    return Provenance(
        pop=message.pop,
        node=message.node,
        jurisdiction=message.jurisdiction,
        model=message.model,
        model_digest=message.model_digest,
        prompt_tokens=message.prompt_tokens,
        cached_prompt_tokens=message.cached_prompt_tokens,
    )
