"""From what callers write to values."""

from collections.abc import Mapping, Sequence

from nearfield.core.errors import InvalidRequest
from nearfield.core.geo import Position
from nearfield.core.inference import Message, Prompt, TextPrompt, TokenPrompt


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


def _from_mapping(message: Mapping[str, str]) -> Message:
    try:
        return Message(message["role"], message["content"])
    except KeyError as error:
        raise InvalidRequest(
            f"a message has no {error}", field="messages", limit="role and content"
        ) from None
