import os
from collections.abc import AsyncIterator

import pytest

from nearfield.core.constraints import Constraints, Preferences
from nearfield.core.errors import EngineDied
from nearfield.core.geo import Position
from nearfield.core.inference import ChatPrompt, Message, Sampling, TextPrompt
from nearfield.local import state
from nearfield.local.processes import ProcessId
from nearfield.local.state import FleetState
from tests.support.cli import Cli
from tests.support.nearfield_builders import delta, finished, first_delta
from tests.support.nearfield_servers import FakeNode, FakePlane, serve_node, serve_plane

ANSWER = (first_delta("[Time] "), delta(1, "to"), finished())


@pytest.fixture
async def node() -> AsyncIterator[FakeNode]:
    async with serve_node(*ANSWER) as served:
        yield served


@pytest.fixture
async def plane(node: FakeNode) -> AsyncIterator[FakePlane]:
    async with serve_plane(node.candidate()) as served:
        yield served


async def test_an_answer_is_printed_with_where_its_time_went(cli: Cli, plane: FakePlane) -> None:
    done = await cli("generate", "What is TTFT?", "--target", plane.address)
    text, footer = done.out.splitlines()
    assert text == "[Time] to"
    assert footer.startswith("— fra1 (fra1-a, pop): first token after ")
    assert "queue 250, prefill 500; predicted " in footer
    assert "emulated" not in footer


async def test_an_answer_for_programs_has_every_part(cli: Cli, plane: FakePlane) -> None:
    done = await cli("generate", "What is TTFT?", "--target", plane.address, "-o", "json")
    assert set(done.json) == {
        "text",
        "finish_reason",
        "usage",
        "provenance",
        "ttft",
        "predicted_ttft",
        "tier",
        "distance_emulated",
    }
    assert (done.json["text"], done.json["finish_reason"]) == ("[Time] to", "stop")
    assert done.json["usage"]["completion_tokens"] == 2
    assert done.json["provenance"]["node"] == "fra1-a"
    assert done.json["ttft"]["queue"] == 0.25
    assert done.json["tier"] == "pop"
    assert done.json["predicted_ttft"] > 0
    assert done.json["distance_emulated"] is False


@pytest.mark.parametrize("verb", ["generate", "chat"])
async def test_what_is_asked_of_the_place_reaches_the_control_plane(
    cli: Cli, plane: FakePlane, verb: str
) -> None:
    allowed = ("--jurisdiction", "eu", "--jurisdiction", "uk", "--provider", "aws")
    wanted = ("--cost-most", "2.5", "--prefer-provider", "hetzner", "--target", plane.address)
    assert (await cli(verb, "hi", *allowed, *wanted)).status == 0
    (query,) = plane.queries
    assert query.constraints == Constraints(("eu", "uk"), ("aws",), 2.5)
    assert query.preferences == Preferences(("hetzner",))


async def test_a_cost_that_is_none_is_an_error(cli: Cli, plane: FakePlane) -> None:
    done = await cli("generate", "hi", "--cost-most", "-1", "--target", plane.address)
    assert (done.status, done.out) == (1, "")
    assert "constraints.cost_per_hour_most" in done.err


async def test_the_options_reach_the_node(cli: Cli, plane: FakePlane, node: FakeNode) -> None:
    options = ("--max-tokens", "8", "--temperature", "0", "--seed", "7", "--near", "48.86,2.35")
    await cli("generate", "hi", *options, "--target", plane.address)
    (sent,) = node.requests
    assert sent.prompt == TextPrompt("hi")
    assert sent.sampling == Sampling(max_tokens=8, temperature=0.0, seed=7)
    assert sent.origin == Position(48.86, 2.35)


async def test_a_chat_sends_instructions_before_the_message(
    cli: Cli, plane: FakePlane, node: FakeNode
) -> None:
    await cli("chat", "hi", "--system", "be brief", "--target", plane.address)
    await cli("chat", "hi", "--target", plane.address)
    user = Message("user", "hi")
    assert [sent.prompt for sent in node.requests] == [
        ChatPrompt((Message("system", "be brief"), user)),
        ChatPrompt((user,)),
    ]


async def test_a_local_fleet_is_asked_over_an_emulated_distance(cli: Cli, plane: FakePlane) -> None:
    here, position = ProcessId.of(os.getpid()), Position(52.37, 4.90)
    state.save(FleetState(plane.address, "", "", True, position, "", (here,), "", "", ""))
    done = await cli("generate", "hi", "--near", "48.86,2.35", "-o", "json")
    assert done.json["distance_emulated"] is True
    # A cold connection over 480 km and more: a handshake and a round trip of 16 ms each.
    assert done.json["ttft"]["round_trip"] >= 2 * 0.016 - 0.001
    near = await cli("generate", "hi", "--near", "48.86,2.35", "--no-wan", "-o", "json")
    assert near.json["distance_emulated"] is False


@pytest.mark.parametrize(
    ("near", "word"), [("Paris", "LAT,LON"), ("91,0", "-90 to 90"), ("1,2,3", "LAT,LON")]
)
@pytest.mark.parametrize("verb", ["generate", "chat"])
async def test_a_place_that_is_none_is_an_error(cli: Cli, verb: str, near: str, word: str) -> None:
    done = await cli(verb, "hi", "--near", near)
    assert (done.status, done.out) == (1, "")
    assert done.err.startswith("error: ")
    assert word in done.err


async def test_an_answer_that_breaks_off_is_an_error_in_a_line_of_its_own(
    cli: Cli, plane: FakePlane, node: FakeNode
) -> None:
    node.steps = [first_delta("Time"), EngineDied("the engine died")]
    done = await cli("generate", "hi", "--target", plane.address)
    assert done.status == 1
    assert done.out.startswith("Time")
    assert done.err == "error: the engine died\n"


async def test_an_answer_that_breaks_off_is_one_json_document(
    cli: Cli, plane: FakePlane, node: FakeNode
) -> None:
    node.steps = [first_delta("Time"), EngineDied("the engine died")]
    done = await cli("generate", "hi", "--target", plane.address, "-o", "json")
    assert done.json["error"]["kind"] == "EngineDied"
    assert done.json["error"]["outcome"] == "EVICTED"
