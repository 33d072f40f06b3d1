import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack

import pytest

from nearfield.client.sync import SyncClient
from nearfield.core.errors import ConfigError, NoCandidate, Unreachable
from nearfield.core.inference import ChatPrompt, FinishReason, Message
from nearfield.core.route import Tier
from nearfield.core.rpc.tls import PLAINTEXT
from tests.support.nearfield_builders import delta, eventually, finished, first_delta
from tests.support.nearfield_servers import FakeNode, FakePlane, Step, serve_node, serve_plane

ANSWER: list[Step] = [first_delta("Time "), delta(1, "to"), finished()]


@pytest.fixture
async def stack():
    async with AsyncExitStack() as opened:
        yield opened


async def fleet(stack: AsyncExitStack, *steps: Step) -> tuple[FakePlane, FakeNode]:
    node = await stack.enter_async_context(serve_node(*steps))
    return await stack.enter_async_context(serve_plane(node.candidate())), node


async def test_a_plain_loop_reads_an_answer(stack: AsyncExitStack) -> None:
    plane, _ = await fleet(stack, *ANSWER)

    def program() -> None:
        with SyncClient(plane.address, security=PLAINTEXT) as client:
            answer = client.generate("hi", max_tokens=8)
            assert [chunk.text for chunk in answer] == ["Time ", "to"]
            assert answer.finish_reason is FinishReason.STOP
            assert answer.usage is not None
            assert answer.provenance is not None
            assert answer.tier is Tier.POP
            assert answer.split.total > 0

    await asyncio.to_thread(program)


async def test_a_conversation_is_answered_as_well(stack: AsyncExitStack) -> None:
    plane, node = await fleet(stack, *ANSWER)

    def program() -> str:
        with SyncClient(plane.address, security=PLAINTEXT) as client:
            return client.chat("hi").text()

    assert await asyncio.to_thread(program) == "Time to"
    assert node.requests[0].prompt == ChatPrompt((Message("user", "hi"),))


async def test_any_thread_may_use_it(stack: AsyncExitStack) -> None:
    plane, _ = await fleet(stack, *ANSWER)

    def program() -> list[str]:
        with (
            SyncClient(plane.address, security=PLAINTEXT) as client,
            ThreadPoolExecutor(8) as threads,
        ):
            return list(threads.map(lambda _: client.generate("hi").text(), range(24)))

    assert await asyncio.to_thread(program) == ["Time to"] * 24
    assert len(plane.queries) == 1


async def test_leaving_the_loop_early_cancels_the_call_at_the_node(stack: AsyncExitStack) -> None:
    plane, node = await fleet(stack, first_delta(), asyncio.Event())

    def program() -> None:
        with SyncClient(plane.address, security=PLAINTEXT) as client:
            for chunk in client.generate("hi"):
                assert chunk.text == "Time"
                break

    await asyncio.to_thread(program)
    await eventually(lambda: node.cancelled == 1)


async def test_errors_are_the_same(stack: AsyncExitStack) -> None:
    plane, _ = await fleet(stack, *ANSWER)
    plane.error = NoCandidate("nobody", retry_after=2.0)

    def program() -> None:
        with SyncClient(plane.address, security=PLAINTEXT) as client:
            client.generate("hi").text()

    with pytest.raises(NoCandidate) as caught:
        await asyncio.to_thread(program)
    assert caught.value.retry_after == 2.0


def test_its_thread_ends_with_it_and_closing_twice_is_once() -> None:
    before = threading.active_count()
    client = SyncClient("127.0.0.1:1", security=PLAINTEXT)
    with client, pytest.raises(Unreachable):
        client.generate("hi").text()
    client.close()
    assert threading.active_count() == before


def test_a_client_that_cannot_be_made_leaves_no_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NEARFIELD_AUTHORITY", "/nowhere.pem")
    before = threading.active_count()
    with pytest.raises(ConfigError, match=r"/nowhere\.pem"):
        SyncClient("127.0.0.1:1")
    assert threading.active_count() == before
