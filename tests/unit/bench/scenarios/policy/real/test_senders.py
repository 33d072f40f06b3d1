from contextlib import aclosing

import pytest

from bench.sample import SampleOutcome
from bench.scenarios.policy.real.choosers import Board, NearestByMap, Site
from bench.scenarios.policy.real.plays import Play, Row
from bench.scenarios.policy.real.scenes import SHARED, Demand, Scene, build
from bench.scenarios.policy.real.senders import Doors, Ours, Rival, first_key
from nearfield.client.answer import Record
from nearfield.client.client import Client
from nearfield.client.dialing import direct
from nearfield.core.clock import monotonic
from nearfield.core.errors import NotTakingWork, Overloaded, StreamBroken
from nearfield.core.geo import Position
from nearfield.core.inference import ChatPrompt, Message
from nearfield.core.rpc.tls import PLAINTEXT
from tests.support.nearfield_builders import finished, first_delta, request
from tests.support.nearfield_servers import FakeNode, serve_node, serve_plane

FRANKFURT, ASHBURN = Position(50.11, 8.68), Position(39.04, -77.49)
SECRET = b"s" * 32


def sites(near: FakeNode, far: FakeNode) -> tuple[Site, ...]:
    return (
        Site("fra1-1", near.endpoint, "fra1", FRANKFURT),
        Site("iad1-1", far.endpoint, "iad1", ASHBURN),
    )


async def asked(near: FakeNode, far: FakeNode) -> Record:
    """Ask the nearest of two nodes, from beside it; returns what became of it."""
    record, known = Record(), sites(near, far)
    async with Doors(direct, PLAINTEXT, known) as doors:
        doors.ticket = "let me in"
        rival = Rival(NearestByMap(), Board(known), doors, FRANKFURT)
        stream = rival.stream(request(prefix_secret=SECRET), record, monotonic())
        async with aclosing(stream) as events:
            async for _ in events:
                pass
    return record


async def test_a_rival_asks_the_node_its_policy_names_with_a_ticket() -> None:
    async with (
        serve_node(first_delta(), finished(7)) as near,
        serve_node(first_delta(), finished()) as far,
    ):
        record = await asked(near, far)
    assert [one.ticket for one in near.requests] == ["let me in"]
    assert far.requests == []
    assert record.finished is not None
    assert record.finished.usage.completion_tokens == 7
    assert 0 < record.split.round_trip <= record.split.total


async def test_a_rival_that_is_turned_away_goes_on_to_its_next_choice() -> None:
    async with (
        serve_node(NotTakingWork("drained")) as near,
        serve_node(first_delta(), finished()) as far,
    ):
        record = await asked(near, far)
    assert [one.attempt for one in (*near.requests, *far.requests)] == [0, 1]
    assert record.attempts == 2


async def test_the_last_refusal_comes_out_where_all_nodes_refuse() -> None:
    async with (
        serve_node(NotTakingWork("drained")) as near,
        serve_node(Overloaded("64 requests wait already")) as far,
    ):
        with pytest.raises(Overloaded):
            await asked(near, far)


async def test_an_answer_that_broke_is_not_begun_again() -> None:
    async with (
        serve_node(first_delta(), StreamBroken("gone")) as near,
        serve_node(first_delta(), finished()) as far,
    ):
        with pytest.raises(StreamBroken):
            await asked(near, far)
    assert far.requests == []


def test_prompts_with_one_start_have_one_key_and_short_ones_their_own() -> None:
    def key(text: str) -> int:
        prompt = ChatPrompt((Message("user", text),))
        return first_key(request(prompt=prompt, prefix_secret=SECRET))

    start = "word " * 60
    assert key(start + "one") == key(start + "two")
    assert len({key("one"), key("two"), key(start)}) == 3


async def test_a_play_tells_of_every_request_and_of_predictions_for_ours_alone() -> None:
    scene = build(SHARED, Demand(200.0, 0.1, 1, "1"), "tag")
    async with (
        serve_node(first_delta(), finished()) as node,
        serve_plane(node.candidate()) as plane,
        Client(plane.address, security=PLAINTEXT) as client,
        Doors(direct, PLAINTEXT, (known := sites(node, node))) as doors,
    ):
        ours = await _played("ours", scene, Ours(client))
        rival = Rival(NearestByMap(), Board(known), doors, FRANKFURT)
        theirs = await _played("nearest", scene, rival)
    assert len(ours) == len(theirs) == len(scene.asks) > 0
    assert {row.sample.outcome for row in (*ours, *theirs)} == {SampleOutcome.OK}
    assert all(row.foretold and row.foretold.actual > 0 for row in ours)
    assert all(row.foretold is None for row in theirs)
    assert [row.sample.scheduled for row in ours] == [ask.at for ask in scene.asks]


async def _played(policy: str, scene: Scene, sender: Ours | Rival) -> list[Row]:
    return await Play(policy, 0, scene, (FRANKFURT,), (sender,), SECRET).run()
