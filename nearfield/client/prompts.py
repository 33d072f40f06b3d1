"""From what callers write to values, and what may be told of a prompt."""

import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from nearfield.core.errors import InvalidRequest
from nearfield.core.geo import Position
from nearfield.core.inference import Message, Prompt, TextPrompt, TokenPrompt
from nearfield.core.prefix import STEP_BYTES, PrefixKeys, PrefixSecret, canonical


@dataclass(frozen=True, slots=True)
class Fingerprint:
    """A prompt's size in canonical bytes and its prefix keys; None where it is too short."""

    size: int = 0
    prefix: PrefixKeys | None = None

    @property
    def keys(self) -> tuple[int, ...]:
        """The keys, shallowest first."""
        return self.prefix.keys if self.prefix else ()


def as_prompt(prompt: str | Sequence[int]) -> Prompt:
    """Take text or token ids."""
    return TextPrompt(prompt) if isinstance(prompt, str) else TokenPrompt(tuple(prompt))


def as_messages(messages: str | Sequence[Message | Mapping[str, str]]) -> tuple[Message, ...]:
    """Take one question, or a conversation; raises InvalidRequest."""
    if isinstance(messages, str):
        return (Message("user", messages),)
    return tuple(
        message if isinstance(message, Message) else _from_mapping(message) for message in messages
    )


def as_position(near: Position | tuple[float, float] | None) -> Position | None:
    """Take a position or (latitude, longitude); raises InvalidRequest."""
    return near if near is None or isinstance(near, Position) else Position(*near)


def fingerprint(prompt: Prompt, secret: bytes) -> Fingerprint:
    """Return what may be told of a prompt; raises InvalidRequest where it is not encodable."""
    try:
        data = canonical(prompt)
    except (ValueError, struct.error) as error:
        raise InvalidRequest(
            f"prompt: {error}", field="prompt", limit="the protocol's types"
        ) from None
    if len(data) < STEP_BYTES:
        return Fingerprint(len(data))
    return Fingerprint(len(data), PrefixSecret(secret).keys(data))


def _from_mapping(message: Mapping[str, str]) -> Message:
    try:
        return Message(message["role"], message["content"])
    except KeyError as error:
        raise InvalidRequest(
            f"a message has no {error}", field="messages", limit="role and content"
        ) from None
