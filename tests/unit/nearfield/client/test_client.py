import asyncio

import pytest

from nearfield.core.errors import (
    NoCandidate,
)
from nearfield.core.geo import Position
from nearfield.core.inference import (
    ChatPrompt,
    FinishReason,
    Message,
    Sampling,
    TextPrompt,
    TokenPrompt,
)
from nearfield.core.route import Explanation, RouteQuery
from tests.support.nearfield_builders import (
    candidate,
    eventually,
    explained,
    first_delta,
    lease,
)
from tests.support.nearfield_fleet import ANSWER, Open


async def test_an_answer_streams_from_the_node(opened: Open) -> None:
    fleet = await opened.fleet(ANSWER)
    answer = fleet.client.generate("What is TTFT?", max_tokens=8)
    assert [chunk.text async for chunk in answer] == ["Time ", "to"]
    assert answer.finish_reason is FinishReason.STOP
    assert answer.usage is not None
    assert answer.usage.completion_tokens == 2
    assert answer.provenance is not None
    assert answer.split.total > 0
    assert answer.split.route > 0


async def test_the_node_gets_the_request_as_the_caller_wrote_it(opened: Open) -> None:
    fleet = await opened.fleet(ANSWER)
    sampling = Sampling(temperature=0.0, max_tokens=4)
    await fleet.client.generate("hi", near=(48.86, 2.35), sampling=sampling, max_tokens=8).text()
    (sent,) = fleet.nodes[0].requests
    assert sent.prompt == TextPrompt("hi")
    assert sent.sampling == Sampling(temperature=0.0, max_tokens=8)
    assert sent.origin == fleet.plane.queries[0].origin == Position(48.86, 2.35)
    assert sent.model == lease().model
    assert sent.request_id.startswith("req-")


async def test_token_ids_and_conversations_are_prompts_too(opened: Open) -> None:
    fleet = await opened.fleet(ANSWER)
    await fleet.client.generate([1, 2]).text()
    await fleet.client.chat([{"role": "user", "content": "hi"}]).text()
    assert [sent.prompt for sent in fleet.nodes[0].requests] == [
        TokenPrompt((1, 2)),
        ChatPrompt((Message("user", "hi"),)),
    ]


async def test_a_value_that_sampling_does_not_have_is_the_callers_mistake(opened: Open) -> None:
    fleet = await opened.fleet(ANSWER)
    with pytest.raises(TypeError, match="max_token"):
        fleet.client.generate("hi", max_token=8)


async def test_within_a_lease_the_control_plane_is_asked_once(opened: Open) -> None:
    fleet = await opened.fleet(ANSWER)
    first, second = fleet.client.generate("one"), fleet.client.generate("two")
    await first.text()
    await second.text()
    assert len(fleet.plane.queries) == fleet.client.routes_asked == 1
    assert (first.split.warm, second.split.warm) == (False, True)


async def test_many_first_requests_at_once_ask_one_question(opened: Open) -> None:
    fleet = await opened.fleet(ANSWER)
    texts = await asyncio.gather(*(fleet.client.generate("hi").text() for _ in range(20)))
    assert set(texts) == {"Time to"}
    assert len(fleet.plane.queries) == 1


async def test_once_a_lease_is_over_the_next_question_carries_what_was_measured(
    opened: Open,
) -> None:
    fleet = await opened.fleet(ANSWER, ttl=0.0)
    for _ in range(3):
        await fleet.client.generate("hi").text()
    first, second, third = (query.round_trips for query in fleet.plane.queries)
    assert (first, second) == ({}, {})  # a handshake is no round trip
    assert third["node-0"] > 0


async def test_leaving_the_loop_early_cancels_the_call_at_the_node(opened: Open) -> None:
    fleet = await opened.fleet([first_delta(), asyncio.Event()])
    async for chunk in fleet.client.generate("hi"):
        assert chunk.text == "Time"
        break
    await eventually(lambda: fleet.nodes[0].cancelled == 1)


async def test_cancelling_the_caller_cancels_the_call_at_the_node(opened: Open) -> None:
    fleet = await opened.fleet([asyncio.Event()])
    task = asyncio.create_task(fleet.client.generate("hi").text())
    await eventually(lambda: fleet.nodes[0].requests)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await eventually(lambda: fleet.nodes[0].cancelled == 1)


async def test_a_lease_and_its_reasons_can_be_seen(opened: Open) -> None:
    fleet = await opened.fleet(ANSWER)
    seen = await fleet.client.route(RouteQuery(""))
    assert [one.node for one in seen.candidates] == ["node-0"]
    fleet.plane.explained = Explanation("m", (explained(candidate(), 1),), 7)
    assert await fleet.client.explain(RouteQuery("m", None, ("eu",))) == fleet.plane.explained
    assert fleet.plane.queries[-1].jurisdictions == ("eu",)
    fleet.plane.explained = None
    with pytest.raises(NoCandidate):
        await fleet.client.explain(RouteQuery("m"))


async def test_closing_twice_is_once(opened: Open) -> None:
    fleet = await opened.fleet(ANSWER)
    await fleet.client.generate("hi").text()
    await fleet.client.aclose()
    await fleet.client.aclose()
