"""From text and conversations to token ids, off the event loop."""

from typing import Any

from vllm.renderers import ChatParams

from nearfield.core.errors import InvalidRequest
from nearfield.core.inference import ChatPrompt, Prompt, TextPrompt, TokenPrompt


class Prompts:
    """Wraps vLLM's renderer, which holds the tokenizer and the chat template."""

    def __init__(self, renderer: Any, vocabulary: int, context_tokens: int) -> None:
        self._renderer = renderer
        self._vocabulary = vocabulary
        self._limit = f"at most {context_tokens - 1} tokens"

    async def tokenize(self, prompt: Prompt) -> tuple[int, ...]:
        """Return token ids; raises InvalidRequest."""
        match prompt:
            case TextPrompt(text):
                (rendered,) = await self._render(
                    self._renderer.render_cmpl_async([{"prompt": text}])
                )
            case ChatPrompt(messages):
                turns = [{"role": turn.role, "content": turn.content} for turn in messages]
                params = ChatParams(chat_template_kwargs={"add_generation_prompt": True})
                _, (rendered,) = await self._render(
                    self._renderer.render_chat_async([turns], params)
                )
            case TokenPrompt(token_ids):
                return self._checked(token_ids)
        return tuple(rendered["prompt_token_ids"])

    async def _render(self, rendering: Any) -> Any:
        try:
            return await rendering
        except Exception as error:
            if not is_client_error(error):
                raise
            raise InvalidRequest(f"prompt: {error}", field="prompt", limit=self._limit) from None

    def _checked(self, token_ids: tuple[int, ...]) -> tuple[int, ...]:
        for token_id in token_ids:
            if not 0 <= token_id < self._vocabulary:
                raise InvalidRequest(
                    f"token id {token_id} is not in the vocabulary",
                    field="token_ids",
                    limit=f"0 to {self._vocabulary - 1}",
                )
        return token_ids


def is_client_error(error: Exception) -> bool:
    """Whether vLLM blames the request: a ValueError before 0.32, a tree of its own since."""
    names = {kind.__name__ for kind in type(error).__mro__}
    return bool(names & {"ValueError", "VLLMClientError", "TemplateError"})
