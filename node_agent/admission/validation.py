"""Whether a request makes sense at all, before anything is spent on it."""

from dataclasses import dataclass

from nearfield.core.constraints import Constraints
from nearfield.core.errors import InvalidRequest, UnknownModel
from nearfield.core.inference import ChatPrompt, Prompt, Request, Sampling, TextPrompt, TokenPrompt
from nearfield.core.node import NodeInfo

REQUEST_ID_MOST = 128
STOPS_MOST = 16
STOP_CHARACTERS_MOST = 256
ROLES = ("system", "user", "assistant")


@dataclass(frozen=True, slots=True)
class Range:
    """Bounds of a number; `open_low` leaves the lower one out."""

    low: float
    high: float
    open_low: bool = False

    def holds(self, value: float) -> bool:
        """False for NaN as well."""
        return (self.low < value if self.open_low else self.low <= value) and value <= self.high

    def __str__(self) -> str:
        return f"{'above ' if self.open_low else ''}{self.low:g} to {self.high:g}"


RANGES = {
    "temperature": Range(0, 2),
    "top_p": Range(0, 1, open_low=True),
    "top_k": Range(0, 1_000_000),
    "min_p": Range(0, 1),
    "presence_penalty": Range(-2, 2),
    "frequency_penalty": Range(-2, 2),
    "repetition_penalty": Range(0, 2, open_low=True),
    "logprobs": Range(0, 20),
}


def check_request(request: Request, node: NodeInfo) -> None:
    """Raise InvalidRequest or UnknownModel, naming the field and its limit."""
    if len(request.request_id) > REQUEST_ID_MOST:
        raise _invalid(
            "request_id",
            f"{len(request.request_id)} characters",
            f"at most {REQUEST_ID_MOST} characters",
        )
    _check_model(request, node)
    _check_prompt(request.prompt)
    model = node.model(request.model)
    _check_sampling(request.sampling, model.context_tokens if model else 0)
    budget = request.first_token_budget
    if budget is not None and not 0 < budget <= 3600:
        raise _invalid("first_token_budget_seconds", budget, "above 0 to 3600")
    _check_place(request.constraints, node)


def check_length(prompt_tokens: int, context_tokens: int) -> None:
    """Raise InvalidRequest unless the prompt leaves room for one token of answer."""
    if prompt_tokens == 0:
        raise _invalid("prompt", "0 tokens", "at least 1 token")
    if prompt_tokens >= context_tokens:
        raise _invalid("prompt", f"{prompt_tokens} tokens", f"at most {context_tokens - 1} tokens")


def _check_model(request: Request, node: NodeInfo) -> None:
    served = ", ".join(model.name for model in node.models)
    model = node.model(request.model)
    if model is None:
        raise UnknownModel(
            f"model '{request.model[:80]}' is not served here", field="model", limit=served
        )
    if request.model_digest is not None and request.model_digest != model.digest:
        raise UnknownModel(
            f"model '{model.name}' is served here with another digest",
            field="model_digest",
            limit=model.digest,
        )


def _check_place(constraints: Constraints, node: NodeInfo) -> None:
    """Residency fails closed at the node too: a request that strayed here is refused."""
    failed = constraints.failed_by(node)
    if failed:
        field, here, allowed = {
            "jurisdiction": ("jurisdictions", node.jurisdiction, constraints.jurisdictions),
            "provider": ("providers", node.provider, constraints.providers),
            "cost": ("cost_per_hour_most", node.cost_per_hour, (constraints.cost_per_hour_most,)),
            "accelerator": ("accelerators", node.hardware.accelerator, constraints.accelerators),
        }[failed]
        raise _invalid(f"constraints.{field}", here or "none", ", ".join(map(str, allowed)))


def _check_prompt(prompt: Prompt) -> None:
    match prompt:
        case TextPrompt(text) if not text:
            raise _invalid("text", "empty", "at least 1 character")
        case TokenPrompt(token_ids) if not token_ids:
            raise _invalid("token_ids", "empty", "at least 1 id")
        case ChatPrompt(messages):
            if not any(turn.content for turn in messages):
                raise _invalid("conversation", "empty", "at least 1 message with content")
            for turn in messages:
                if turn.role not in ROLES:
                    raise _invalid("conversation.role", f"'{turn.role[:80]}'", ", ".join(ROLES))
        case _:
            pass


def _check_sampling(sampling: Sampling, context_tokens: int) -> None:
    for name, bounds in RANGES.items():
        value = getattr(sampling, name)
        if value is not None and not bounds.holds(value):
            raise _invalid(f"sampling.{name}", value, str(bounds))
    most = context_tokens
    if sampling.max_tokens is not None:
        if not 1 <= sampling.max_tokens <= context_tokens:
            raise _invalid("sampling.max_tokens", sampling.max_tokens, f"1 to {context_tokens}")
        most = sampling.max_tokens
    if sampling.min_tokens is not None and not 0 <= sampling.min_tokens <= most:
        raise _invalid("sampling.min_tokens", sampling.min_tokens, f"0 to {most}")
    _check_stops(sampling.stop)


def _check_stops(stops: tuple[str, ...]) -> None:
    if len(stops) > STOPS_MOST:
        raise _invalid("sampling.stop", f"{len(stops)} strings", f"at most {STOPS_MOST}")
    for stop in stops:
        if not 1 <= len(stop) <= STOP_CHARACTERS_MOST:
            raise _invalid(
                "sampling.stop",
                f"{len(stop)} characters",
                f"1 to {STOP_CHARACTERS_MOST} characters",
            )


def _invalid(field: str, value: object, limit: str) -> InvalidRequest:
    return InvalidRequest(f"{field} is {value}; it must be {limit}", field=field, limit=limit)
