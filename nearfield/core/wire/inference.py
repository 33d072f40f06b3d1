"""Requests and answers."""

from collections.abc import Iterable

from nearfield.core.constraints import NO_CONSTRAINTS, NO_PREFERENCES
from nearfield.core.errors import InvalidRequest, Unsupported
from nearfield.core.inference import (
    Alternative,
    Delta,
    Event,
    Finished,
    Provenance,
    Request,
    Timings,
    TokenLogprobs,
    Usage,
)
from nearfield.core.prefix import PrefixSecret
from nearfield.core.wire.constraints import (
    constraints_from_wire,
    constraints_to_wire,
    preferences_from_wire,
    preferences_to_wire,
)
from nearfield.core.wire.enums import ATTEMPT_KINDS, FINISH_REASONS, from_number
from nearfield.core.wire.held import held
from nearfield.core.wire.node import (
    load_from_wire,
    load_to_wire,
    position_from_wire,
    position_to_wire,
)
from nearfield.core.wire.prompts import (
    prompt_from_wire,
    sampling_from_wire,
    sampling_to_wire,
    set_prompt,
)
from protos.nearfield.v1 import inference_pb2 as pb

_NOT_YET = ("response_format", "resume", "session_key")
TICKET_MOST = 8192
"""Characters; a usual one has 300."""


def request_to_wire(request: Request) -> pb.GenerateRequest:
    """Write a request; raises InvalidRequest for what the protocol's types cannot hold."""
    message = pb.GenerateRequest(
        attempt=request.attempt,
        attempt_kind=ATTEMPT_KINDS[request.attempt_kind],
        model_digest=request.model_digest,
        sampling=sampling_to_wire(request.sampling),
        first_token_budget_seconds=request.first_token_budget,
        ticket=request.ticket,
        prefix_secret=request.prefix_secret,
    )
    if request.constraints != NO_CONSTRAINTS:
        message.constraints.CopyFrom(constraints_to_wire(request.constraints))
    if request.preferences != NO_PREFERENCES:
        message.preferences.CopyFrom(preferences_to_wire(request.preferences))
    if request.origin is not None:
        message.origin.CopyFrom(position_to_wire(request.origin))
    with held("request_id"):
        message.request_id = request.request_id
    with held("model"):
        message.model = request.model
    set_prompt(message, request.prompt)
    return message


def request_from_wire(message: pb.GenerateRequest) -> Request:
    """Read a request; raises InvalidRequest, or Unsupported for a part not offered yet."""
    _refuse_what_is_not_offered(message)
    kind = message.attempt_kind or pb.ATTEMPT_KIND_FIRST
    return Request(
        request_id=message.request_id,
        model=message.model,
        prompt=prompt_from_wire(message),
        sampling=sampling_from_wire(message.sampling),
        attempt=message.attempt,
        attempt_kind=from_number(ATTEMPT_KINDS, kind, "attempt_kind"),
        model_digest=message.model_digest if message.HasField("model_digest") else None,
        first_token_budget=(
            message.first_token_budget_seconds
            if message.HasField("first_token_budget_seconds")
            else None
        ),
        constraints=constraints_from_wire(message.constraints),
        preferences=preferences_from_wire(message.preferences),
        origin=position_from_wire(message.origin) if message.HasField("origin") else None,
        ticket=_ticket(message.ticket),
        prefix_secret=message.prefix_secret and PrefixSecret(message.prefix_secret).value,
    )


def event_to_wire(event: Event) -> pb.GenerateEvent:
    message = pb.GenerateEvent()
    write_event(message, event)
    return message


def write_event(message: pb.GenerateEvent, event: Event) -> None:
    """Write an event into an empty message where it stands: copies would cost more than it."""
    if isinstance(event, Delta):
        _write_delta(message.delta, event)
    else:
        message.finished.CopyFrom(_finished_to_wire(event))


def event_from_wire(message: pb.GenerateEvent) -> Event | None:
    """Read an event; None for a kind that a newer side may send and this one can ignore."""
    kind = message.WhichOneof("event")
    if kind == "delta":
        return _delta_from_wire(message.delta)
    if kind == "finished":
        return _finished_from_wire(message.finished)
    return None


def _ticket(ticket: str) -> str:
    if len(ticket) > TICKET_MOST:
        limit = f"at most {TICKET_MOST} characters"
        raise InvalidRequest(f"a ticket of {len(ticket)} characters", field="ticket", limit=limit)
    return ticket


def _refuse_what_is_not_offered(message: pb.GenerateRequest) -> None:
    present = {field.name for field, _ in message.ListFields()}
    for field in _NOT_YET:
        if field in present:
            raise Unsupported(f"{field} is not offered by this node", field=field)
    if message.attempt_kind in (pb.ATTEMPT_KIND_HEDGE, pb.ATTEMPT_KIND_RESUME):
        raise Unsupported("hedges and resumes are not offered", field="attempt_kind")


def _write_delta(message: pb.Delta, delta: Delta) -> None:
    message.SetInParent()
    message.seq = delta.seq
    message.token_ids.extend(delta.token_ids)
    message.text = delta.text
    if delta.logprobs:
        message.logprobs.extend(map(_logprobs_to_wire, delta.logprobs))
    if delta.provenance is not None:
        message.provenance.CopyFrom(_provenance_to_wire(delta.provenance))
    if delta.timings is not None:
        message.timings.CopyFrom(_timings_to_wire(delta.timings))


def _delta_from_wire(message: pb.Delta) -> Delta:
    logprobs = message.logprobs
    return Delta(
        message.seq,
        tuple(message.token_ids),
        message.text,
        _logprobs_from_wire(logprobs) if logprobs else (),
        _provenance_from_wire(message.provenance) if message.HasField("provenance") else None,
        _timings_from_wire(message.timings) if message.HasField("timings") else None,
    )


def _finished_to_wire(finished: Finished) -> pb.Finished:
    return pb.Finished(
        reason=FINISH_REASONS[finished.reason],
        usage=pb.Usage(
            prompt_tokens=finished.usage.prompt_tokens,
            cached_prompt_tokens=finished.usage.cached_prompt_tokens,
            completion_tokens=finished.usage.completion_tokens,
        ),
        timings=_timings_to_wire(finished.timings),
        load=load_to_wire(finished.load),
        stop=finished.stop,
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
