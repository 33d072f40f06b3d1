import asyncio
from dataclasses import replace

import pytest

from nearfield.client.client import Client
from nearfield.core.constraints import Constraints, Preferences
from nearfield.core.errors import InvalidRequest, NoCandidate
from nearfield.core.geo import Position
from nearfield.core.inference import (
    ChatPrompt,
    FinishReason,
    Message,
    Sampling,
    TextPrompt,
    TokenPrompt,
)
from nearfield.core.prefix import PrefixSecret
from nearfield.core.route import Explanation, RouteQuery, Tier
from nearfield.core.rpc.tls import PLAINTEXT
from tests.support.nearfield_builders import (
    candidate,
    eventually,
    explained,
    first_delta,
    lease,
    request,
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
    assert len(fleet.plane.queries) == fleet.client.routes_asked == fleet.client.routes_awaited == 1
    assert second.split.warm
    assert second.split.route < first.split.route


async def test_in_steady_state_no_request_waits_for_the_control_plane(opened: Open) -> None:
    fleet = await opened.fleet(ANSWER, ttl=4.0)
    fleet.plane.terms = {"renew_after": 0.1}
    while len(fleet.plane.queries) < 3:
        await fleet.client.generate("hi").text()
    assert fleet.client.routes_awaited == 1


async def test_many_first_requests_at_once_ask_one_question(opened: Open) -> None:
    fleet = await opened.fleet(ANSWER)
    texts = await asyncio.gather(*(fleet.client.generate("hi").text() for _ in range(20)))
    assert set(texts) == {"Time to"}
    assert len(fleet.plane.queries) == 1


async def test_questions_carry_what_was_measured_and_foretold(opened: Open) -> None:
    fleet = await opened.fleet(ANSWER, ttl=0.0)
    answer = fleet.client.generate("hi")
    await answer.text()
    await fleet.client.generate("hi").text()
    first, second = fleet.plane.queries
    assert (first.round_trips, first.outcomes) == ({}, ())
    (outcome,) = second.outcomes
    assert (outcome.node, outcome.tier) == ("node-0", Tier.POP)
    assert (outcome.predicted, outcome.actual) == (answer.record.predicted, answer.record.actual)
    assert answer.tier is Tier.POP
    while not fleet.plane.queries[-1].round_trips:
        await fleet.client.generate("hi").text()
    assert fleet.plane.queries[-1].round_trips["node-0"].seconds > 0


async def test_outcomes_that_could_not_be_told_are_told_later(opened: Open) -> None:
    fleet = await opened.fleet(ANSWER, ttl=0.0)
    await fleet.client.generate("hi").text()
    fleet.plane.error = NoCandidate("nobody")
    with pytest.raises(NoCandidate):
        await fleet.client.generate("hi").text()
    fleet.plane.error = None
    await fleet.client.generate("hi").text()
    first, failed, later = (query.outcomes for query in fleet.plane.queries)
    assert (len(first), len(failed)) == (0, 1)
    assert later == failed


async def test_a_prefix_that_a_lease_says_is_resident_decides(opened: Open) -> None:
    fleet = await opened.fleet(ANSWER, ANSWER)
    text, secret = "x" * 20_000, b"s" * 32
    near, far = fleet.plane.candidates
    deepest = PrefixSecret(secret).keys(text.encode()).keys[-1]
    fleet.plane.candidates = (near, replace(far, prefix_hints={deepest: 5000}))
    async for _ in fleet.client.stream(request(prompt=TextPrompt(text), prefix_secret=secret)):
        pass
    assert [len(node.requests) for node in fleet.nodes] == [0, 1]


async def test_wishes_reach_the_control_plane_and_the_node(opened: Open) -> None:
    fleet = await opened.fleet(ANSWER)
    constraints, preferences = Constraints(("eu",)), Preferences(("aws",), worth=0.2)
    await fleet.client.chat(
        "hi", constraints=constraints, preferences=preferences, first_token_budget=0.5
    ).text()
    (query,), (sent,) = fleet.plane.queries, fleet.nodes[0].requests
    assert (query.constraints, query.preferences) == (constraints, preferences)
    assert (sent.constraints, sent.preferences) == (constraints, preferences)
    assert sent.first_token_budget == 0.5


async def test_the_node_gets_the_secret_and_the_control_plane_the_keys_alone(
    opened: Open,
) -> None:
    fleet = await opened.fleet(ANSWER)
    await fleet.client.generate("x" * 600).text()
    (query,), (sent,) = fleet.plane.queries, fleet.nodes[0].requests
    assert query.prefix == PrefixSecret(sent.prefix_secret).keys(b"x" * 600)
    assert (len(query.prefix.keys), query.prompt_size) == (2, 600)


async def test_clients_share_keys_by_sharing_a_secret(opened: Open) -> None:
    fleet = await opened.fleet(ANSWER)
    for secret in (b"s" * 32, b"s" * 32, None, None):
        async with Client(fleet.plane.address, security=PLAINTEXT, prefix_secret=secret) as client:
            await client.generate("x" * 600).text()
    prefixes = [query.prefix for query in fleet.plane.queries]
    assert prefixes[0] == prefixes[1]
    assert len({one.key_id for one in prefixes if one}) == 3


def test_a_secret_out_of_bounds_is_refused_by_name() -> None:
    with pytest.raises(InvalidRequest) as caught:
        Client("127.0.0.1:1", security=PLAINTEXT, prefix_secret=b"short")
    assert caught.value.field == "prefix.secret"


async def test_a_requests_own_secret_goes_before_the_clients(opened: Open) -> None:
    fleet = await opened.fleet(ANSWER)
    own = request(prompt=TextPrompt("x" * 600), prefix_secret=b"o" * 32)
    async for _ in fleet.client.stream(own):
        pass
    assert fleet.nodes[0].requests[0].prefix_secret == b"o" * 32
    assert fleet.plane.queries[0].prefix == PrefixSecret(b"o" * 32).keys(b"x" * 600)


async def test_the_question_proves_the_tenant_and_the_request_carries_the_ticket(
    opened: Open,
) -> None:
    fleet = await opened.fleet(ANSWER)
    fleet.plane.terms = {"ticket": "signed", "ticket_ttl": 900.0}
    fleet.plane.explained = Explanation("m", (), 7)
    async with Client(fleet.plane.address, security=PLAINTEXT, token="tenant") as client:
        await client.generate("hi").text()
        await client.route(RouteQuery(""))
        await client.explain(RouteQuery(""))
    assert [query.token for query in fleet.plane.queries] == ["tenant"] * 3
    assert fleet.nodes[0].requests[0].ticket == "signed"


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
    assert (
        await fleet.client.explain(RouteQuery("m", None, Constraints(("eu",))))
        == fleet.plane.explained
    )
    assert fleet.plane.queries[-1].constraints == Constraints(("eu",))
    fleet.plane.explained = None
    with pytest.raises(NoCandidate):
        await fleet.client.explain(RouteQuery("m"))


async def test_closing_twice_is_once(opened: Open) -> None:
    fleet = await opened.fleet(ANSWER)
    await fleet.client.generate("hi").text()
    await fleet.client.aclose()
    await fleet.client.aclose()
