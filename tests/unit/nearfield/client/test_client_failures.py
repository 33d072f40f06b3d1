import asyncio

import pytest

from nearfield.client.client import Client
from nearfield.core.errors import (
    EngineDied,
    Evicted,
    InvalidRequest,
    NearfieldError,
    NoCandidate,
    NotTakingWork,
    Overloaded,
    StreamBroken,
    TicketExpired,
    TicketRefused,
    TicketRevoked,
    TimedOut,
    Unreachable,
)
from nearfield.core.inference import (
    AttemptKind,
)
from nearfield.core.rpc.tls import PLAINTEXT
from tests.support.nearfield_builders import (
    eventually,
    first_delta,
)
from tests.support.nearfield_fleet import ANSWER, GONE, Open
from tests.support.nearfield_servers import Step


async def test_a_candidate_that_refuses_the_connection_is_passed_over(opened: Open) -> None:
    fleet = await opened.fleet(ANSWER, before=(GONE,))
    answer = fleet.client.generate("hi")
    assert await answer.text() == "Time to"
    (sent,) = fleet.nodes[0].requests
    assert (sent.attempt, sent.attempt_kind) == (1, AttemptKind.RETRY)
    assert answer.record.attempts == 2


@pytest.mark.parametrize(
    "error", [NotTakingWork("draining"), Overloaded("full"), EngineDied("before its first token")]
)
async def test_a_node_that_turns_a_request_away_is_passed_over(
    opened: Open, error: NearfieldError
) -> None:
    fleet = await opened.fleet([error], ANSWER)
    assert await fleet.client.generate("hi").text() == "Time to"
    first, second = (node.requests[0] for node in fleet.nodes)
    assert first.request_id == second.request_id


async def test_an_expired_ticket_is_renewed_and_the_request_goes_on(opened: Open) -> None:
    refuse = asyncio.Event()
    fleet = await opened.fleet([refuse, TicketExpired("over")])
    fleet.plane.terms = {"ticket": "old", "ticket_ttl": 900.0}
    going = asyncio.create_task(fleet.client.generate("hi").text())
    await eventually(lambda: fleet.nodes[0].requests)
    fleet.nodes[0].steps, fleet.plane.terms = ANSWER, {"ticket": "new", "ticket_ttl": 900.0}
    refuse.set()
    assert await going == "Time to"
    assert [sent.ticket for sent in fleet.nodes[0].requests] == ["old", "new"]


async def test_a_ticket_is_renewed_only_once_a_request(opened: Open) -> None:
    fleet = await opened.fleet([TicketRevoked("void")])
    with pytest.raises(TicketRevoked):
        await fleet.client.generate("hi").text()
    assert (len(fleet.nodes[0].requests), len(fleet.plane.queries)) == (2, 2)


async def test_a_ticket_for_something_else_is_not_renewed(opened: Open) -> None:
    fleet = await opened.fleet([TicketRefused("another model")], ANSWER)
    with pytest.raises(TicketRefused):
        await fleet.client.generate("hi").text()
    assert (len(fleet.nodes[1].requests), len(fleet.plane.queries)) == (0, 1)


async def test_answers_go_on_while_the_control_plane_is_gone(opened: Open) -> None:
    fleet = await opened.fleet(ANSWER, ttl=0.05)
    fleet.plane.terms = {"ticket": "signed", "ticket_ttl": 900.0}
    await fleet.client.generate("hi").text()
    await fleet.plane.server.grpc.stop(None)
    for _ in range(20):
        assert await fleet.client.generate("hi").text() == "Time to"
        await asyncio.sleep(0.01)
    assert fleet.client.routes_awaited <= 2


async def test_after_a_failure_the_next_request_asks_anew(opened: Open) -> None:
    fleet = await opened.fleet([NotTakingWork("draining")], ANSWER)
    await fleet.client.generate("one").text()
    await fleet.client.generate("two").text()
    assert len(fleet.plane.queries) == 2


@pytest.mark.parametrize("error", [EngineDied("gone"), StreamBroken("cut"), Evicted("moved")])
async def test_an_answer_that_breaks_off_is_raised_and_not_begun_again(
    opened: Open, error: NearfieldError
) -> None:
    fleet = await opened.fleet([first_delta("Time "), error], ANSWER)
    chunks = fleet.client.generate("hi").__aiter__()
    assert (await anext(chunks)).text == "Time "
    with pytest.raises(type(error)):
        await anext(chunks)
    assert fleet.nodes[1].requests == []


async def test_a_node_cut_off_after_its_first_token_is_a_broken_stream(opened: Open) -> None:
    fleet = await opened.fleet([first_delta(), asyncio.Event()], ANSWER)
    chunks = fleet.client.generate("hi").__aiter__()
    await anext(chunks)
    await fleet.nodes[0].server.grpc.stop(None)
    with pytest.raises(StreamBroken):
        await anext(chunks)
    assert fleet.nodes[1].requests == []


async def test_with_every_candidate_gone_the_control_planes_answer_is_raised(
    opened: Open,
) -> None:
    fleet = await opened.fleet([NotTakingWork("draining")], before=(GONE,))
    with pytest.raises(NoCandidate):
        await fleet.client.generate("hi").text()
    assert fleet.plane.queries[1].excluded_nodes == {"gone", "node-0"}


async def test_a_control_plane_that_is_not_there_is_unreachable() -> None:
    async with Client("127.0.0.1:1", security=PLAINTEXT) as client:
        with pytest.raises(Unreachable):
            await client.generate("hi").text()


async def test_what_the_control_plane_refuses_is_raised(opened: Open) -> None:
    fleet = await opened.fleet(ANSWER)
    fleet.plane.error = InvalidRequest("no such model", field="model")
    with pytest.raises(InvalidRequest) as caught:
        await fleet.client.generate("hi", model="other").text()
    assert caught.value.field == "model"


async def test_a_request_that_no_node_would_take_is_raised_and_not_retried(opened: Open) -> None:
    error = InvalidRequest("temperature -1", field="temperature")
    fleet = await opened.fleet([error], ANSWER)
    with pytest.raises(InvalidRequest) as caught:
        await fleet.client.generate("hi", temperature=-1.0).text()
    assert caught.value.field == "temperature"
    assert fleet.nodes[1].requests == []


@pytest.mark.parametrize("steps", [[asyncio.Event()], [first_delta(), asyncio.Event()]])
async def test_an_answer_that_takes_too_long_is_timed_out_and_not_retried(
    opened: Open, steps: list[Step]
) -> None:
    fleet = await opened.fleet(steps, ANSWER)
    with pytest.raises(TimedOut):
        await fleet.client.generate("hi", timeout=0.3).text()
    assert fleet.nodes[1].requests == []
    await eventually(lambda: fleet.nodes[0].cancelled == 1)


async def test_no_time_at_all_is_timed_out_with_and_without_a_lease(opened: Open) -> None:
    fleet = await opened.fleet(ANSWER)
    with pytest.raises(TimedOut):
        await fleet.client.generate("hi", timeout=0).text()
    await fleet.client.generate("hi").text()
    with pytest.raises(TimedOut):
        await fleet.client.generate("hi", timeout=0).text()


async def test_the_time_limit_covers_the_question_to_the_control_plane(opened: Open) -> None:
    fleet = await opened.fleet(ANSWER)
    fleet.plane.silent = True
    async with asyncio.timeout(5):  # half of what the question alone may take
        with pytest.raises(TimedOut):
            await fleet.client.generate("hi", timeout=0.2).text()
