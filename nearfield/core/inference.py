"""A request and the pieces of its answer: frozen values, free of any engine."""

from dataclasses import dataclass, field
from enum import StrEnum

from nearfield.core.constraints import Constraints, Preferences
from nearfield.core.geo import Position
from nearfield.core.node import NodeLoad


@dataclass(frozen=True, slots=True)
class Message:
    """One turn of a conversation; `role` is system, user or assistant."""

    role: str
    content: str


@dataclass(frozen=True, slots=True)
class TextPrompt:
    """Text to go on from, as it stands."""

    text: str


@dataclass(frozen=True, slots=True)
class ChatPrompt:
    """A conversation, put through the model's own chat template."""

    messages: tuple[Message, ...]


@dataclass(frozen=True, slots=True)
class TokenPrompt:
    """Token ids, taken as they are."""

    token_ids: tuple[int, ...]


Prompt = TextPrompt | ChatPrompt | TokenPrompt


@dataclass(frozen=True, slots=True)
class Sampling:
    """How tokens are chosen; None takes the model's own default.

    Without `max_tokens` an answer may run to the end of the context.
    """

    temperature: float | None = None
    top_p: float | None = None
    top_k: int | None = None
    min_p: float | None = None
    presence_penalty: float | None = None
    frequency_penalty: float | None = None
    repetition_penalty: float | None = None
    seed: int | None = None
    max_tokens: int | None = None
    min_tokens: int | None = None
    logprobs: int | None = None
    stop: tuple[str, ...] = ()
    ignore_eos: bool | None = None


class AttemptKind(StrEnum):
    """Why this attempt is made."""

    FIRST = "first"
    RETRY = "retry"


@dataclass(frozen=True, slots=True)
class Request:
    """One generation. `request_id` stays the same over all its attempts.

    `prefix_secret` is for the node alone: with it the node makes the prompt's prefix keys.
    """

    request_id: str
    model: str
    prompt: Prompt
    sampling: Sampling = field(default_factory=Sampling)
    attempt: int = 0
    attempt_kind: AttemptKind = AttemptKind.FIRST
    model_digest: str | None = None
    first_token_budget: float | None = None
    constraints: Constraints = field(default_factory=Constraints)
    preferences: Preferences = field(default_factory=Preferences)
    origin: Position | None = None
    ticket: str = field(default="", repr=False)
    prefix_secret: bytes = field(default=b"", repr=False)


class FinishReason(StrEnum):
    """Why an answer ended."""

    STOP = "stop"
    LENGTH = "length"


@dataclass(frozen=True, slots=True)
class Alternative:
    """A token that might have stood here, with its natural-log probability."""

    token_id: int
    logprob: float
    text: str


@dataclass(frozen=True, slots=True)
class TokenLogprobs:
    """The chosen token's log probability and the best alternatives."""

    logprob: float
    alternatives: tuple[Alternative, ...] = ()


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens read and written; `cached_prompt_tokens` needed no prefill."""

    prompt_tokens: int = 0
    cached_prompt_tokens: int = 0
    completion_tokens: int = 0


@dataclass(frozen=True, slots=True)
class Timings:
    """Seconds inside the node; `node` runs from arrival to first token, all included."""

    queue: float = 0.0
    prefill: float = 0.0
    decode: float = 0.0
    node: float = 0.0


@dataclass(frozen=True, slots=True)
class Provenance:
    """Where an answer was made, and by what."""

    pop: str
    node: str
    jurisdiction: str
    model: str
    model_digest: str
    prompt_tokens: int
    cached_prompt_tokens: int


@dataclass(frozen=True, slots=True)
class Delta:
    """A piece of the answer; `seq` is the index of its first token id.

    Text may lag behind the token ids while a character is incomplete.
    Provenance and timings come with the first piece.
    """

    seq: int
    token_ids: tuple[int, ...]
    text: str
    logprobs: tuple[TokenLogprobs, ...] = ()
    provenance: Provenance | None = None
    timings: Timings | None = None


@dataclass(frozen=True, slots=True)
class Finished:
    """The end of an answer."""

    reason: FinishReason
    usage: Usage
    timings: Timings
    load: NodeLoad = field(default_factory=NodeLoad)
    stop: str = ""


Event = Delta | Finished
