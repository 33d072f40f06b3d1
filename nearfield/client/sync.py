"""The client for programs without an event loop."""

import asyncio
import threading
from collections.abc import Coroutine, Iterator, Mapping, Sequence
from typing import Any, Self, TypeVar

from nearfield.client.answer import Answer, Chunk, Split
from nearfield.client.client import Client
from nearfield.core.inference import FinishReason, Message, Provenance, Usage
from nearfield.core.route import Tier

Value = TypeVar("Value")


class SyncClient:
    """The twin of Client: the same arguments, plain `with` and plain loops.

    Runs an event loop on a thread of its own; any thread may use it.
    """

    def __init__(self, target: str, **arguments: Any) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        try:
            self._client = self.wait(_make(target, arguments))
        except BaseException:
            self._end()
            raise

    def generate(self, prompt: str | Sequence[int], **arguments: Any) -> "SyncAnswer":
        """Go on from a text or from token ids; see Client.generate."""
        return SyncAnswer(self, self._client.generate(prompt, **arguments))

    def chat(
        self, messages: str | Sequence[Message | Mapping[str, str]], **arguments: Any
    ) -> "SyncAnswer":
        """Answer a conversation, or one question; see Client.chat."""
        return SyncAnswer(self, self._client.chat(messages, **arguments))

    def wait(self, work: Coroutine[Any, Any, Value]) -> Value:
        """Run a coroutine on the client's loop and return its result."""
        return asyncio.run_coroutine_threadsafe(work, self._loop).result()

    def close(self) -> None:
        """Close every connection and end the thread; twice is once."""
        if self._thread.is_alive():
            self.wait(self._client.aclose())
            self._end()

    def _end(self) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class SyncAnswer:
    """Iterate it for chunks; see Answer. Leaving the loop early ends the answer."""

    def __init__(self, client: SyncClient, answer: Answer) -> None:
        self._client = client
        self._answer = answer

    def __iter__(self) -> Iterator[Chunk]:
        chunks = self._answer.__aiter__()
        try:
            while (chunk := self._client.wait(_next(chunks))) is not None:
                yield chunk
        finally:
            self._client.wait(chunks.aclose())

    def text(self) -> str:
        """Return the whole answer."""
        return "".join(chunk.text for chunk in self)

    @property
    def split(self) -> Split:
        """Where the time to the first token went; known with the first chunk."""
        return self._answer.split

    @property
    def provenance(self) -> Provenance | None:
        """Where the answer is made; known with the first chunk."""
        return self._answer.provenance

    @property
    def tier(self) -> Tier | None:
        """How far from the nearest point of presence it spilled; known with the first chunk."""
        return self._answer.tier

    @property
    def usage(self) -> Usage | None:
        """Tokens read and written; known at the end."""
        return self._answer.usage

    @property
    def finish_reason(self) -> FinishReason | None:
        """Why the answer ended; known at the end."""
        return self._answer.finish_reason


async def _make(target: str, arguments: dict[str, Any]) -> Client:
    """gRPC ties its objects to the loop they are made on."""
    return Client(target, **arguments)


async def _next(chunks: Any) -> Chunk | None:
    chunk: Chunk | None = await anext(chunks, None)
    return chunk
