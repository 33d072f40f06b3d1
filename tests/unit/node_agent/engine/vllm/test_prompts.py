from typing import Any

import pytest

from nearfield.core.errors import InvalidRequest
from nearfield.core.inference import ChatPrompt, Message, TextPrompt, TokenPrompt
from node_agent.engine.vllm.prompts import Prompts, is_client_error


class VLLMClientError(Exception):
    """The root of what vLLM 0.32 blames a request for."""


class TooLong(VLLMClientError):
    pass


class Renderer:
    """Stands for vLLM's, which the contract's tests use; raises what it is told to."""

    def __init__(self, error: Exception | None = None) -> None:
        self.error = error
        self.turns: list[list[dict[str, str]]] = []

    async def render_cmpl_async(self, prompts: list[dict[str, str]]) -> Any:
        if self.error is not None:
            raise self.error
        return [{"prompt_token_ids": list(prompts[0]["prompt"].encode())}]

    async def render_chat_async(self, conversations: Any, params: Any) -> Any:
        self.turns += conversations
        assert params.chat_template_kwargs == {"add_generation_prompt": True}
        return conversations, [{"prompt_token_ids": [1, 2]}]


async def test_text_becomes_token_ids() -> None:
    assert await Prompts(Renderer(), 256, 100).tokenize(TextPrompt("ab")) == (97, 98)


async def test_a_conversation_goes_through_the_chat_template() -> None:
    renderer = Renderer()
    prompt = ChatPrompt((Message("system", "be brief"), Message("user", "hi")))
    assert await Prompts(renderer, 256, 100).tokenize(prompt) == (1, 2)
    assert renderer.turns == [
        [{"role": "system", "content": "be brief"}, {"role": "user", "content": "hi"}]
    ]


@pytest.mark.parametrize("error", [ValueError("too long"), TooLong("too long")])
async def test_what_vllm_blames_on_the_request_is_the_callers_error(error: Exception) -> None:
    with pytest.raises(InvalidRequest, match="too long") as caught:
        await Prompts(Renderer(error), 256, 100).tokenize(TextPrompt("ab"))
    assert (caught.value.field, caught.value.limit) == ("prompt", "at most 99 tokens")


async def test_any_other_error_is_a_fault_and_passes_through() -> None:
    with pytest.raises(OSError, match="disk"):
        await Prompts(Renderer(OSError("disk")), 256, 100).tokenize(TextPrompt("ab"))


async def test_token_ids_pass_as_they_are() -> None:
    assert await Prompts(Renderer(), 256, 100).tokenize(TokenPrompt((0, 255))) == (0, 255)


@pytest.mark.parametrize("token_id", [256, 2**32 - 1, -1])
async def test_a_token_id_out_of_the_vocabulary_is_refused(token_id: int) -> None:
    with pytest.raises(InvalidRequest) as caught:
        await Prompts(Renderer(), 256, 100).tokenize(TokenPrompt((1, token_id)))
    assert (caught.value.field, caught.value.limit) == ("token_ids", "0 to 255")


def test_only_errors_of_a_known_kind_are_the_clients() -> None:
    assert is_client_error(UnicodeDecodeError("utf-8", b"", 0, 1, "bad"))
    assert not is_client_error(KeyError("x"))
