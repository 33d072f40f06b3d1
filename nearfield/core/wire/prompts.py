"""What a request asks, and how its tokens are to be chosen."""

from nearfield.core.errors import InvalidRequest
from nearfield.core.inference import (
    ChatPrompt,
    Message,
    Prompt,
    Sampling,
    TextPrompt,
    TokenPrompt,
)
from nearfield.core.wire.held import held
from protos.nearfield.v1 import inference_pb2 as pb

_SCALARS = tuple(field.name for field in pb.Sampling.DESCRIPTOR.fields if field.name != "stop")


def set_prompt(message: pb.GenerateRequest, prompt: Prompt) -> None:
    """Write a prompt into a message; raises InvalidRequest for what its types cannot hold."""
    with held("prompt"):
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


def prompt_from_wire(message: pb.GenerateRequest) -> Prompt:
    """Read a prompt; raises InvalidRequest where there is none."""
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


def sampling_to_wire(sampling: Sampling) -> pb.Sampling:
    """Write sampling; raises InvalidRequest for numbers that the protocol's types cannot hold."""
    scalars = {name: getattr(sampling, name) for name in _SCALARS}
    with held("sampling"):
        return pb.Sampling(stop=sampling.stop, **scalars)


def sampling_from_wire(message: pb.Sampling) -> Sampling:
    scalars = {name: getattr(message, name) for name in _SCALARS if message.HasField(name)}
    return Sampling(stop=tuple(message.stop), **scalars)
