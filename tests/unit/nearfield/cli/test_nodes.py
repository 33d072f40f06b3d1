import asyncio
import contextlib
import io
import json

from rich.console import Console

from nearfield.cli import nodes
from nearfield.cli.output import Format
from nearfield.core.node import Health, NodeState
from tests.support.cli import Cli
from tests.support.nearfield_builders import eventually, view
from tests.support.nearfield_servers import serve_admin

GOOD = view("fra1-a")
FAILED = view("iad1-b", state=NodeState.FAILED, reason="engine [died]")


def test_a_state_is_told_in_words() -> None:
    assert nodes.state_in_words(GOOD) == "ready"
    assert nodes.state_in_words(FAILED) == "failed: engine [died]"


def test_a_node_that_is_not_heard_is_what_the_plane_holds_of_it() -> None:
    assert nodes.state_in_words(view(health=Health.LOST)) == "lost"
    silent = view(health=Health.SUSPECT, heard=7.2)
    assert nodes.state_in_words(silent) == "suspect: silent for 7 s"


def test_the_table_has_one_line_a_node_with_load_and_cache() -> None:
    out = io.StringIO()
    Console(file=out, width=180, markup=False).print(nodes.nodes_table([GOOD, FAILED]))
    header, first, second = out.getvalue().splitlines()
    assert header.split()[:3] == ["node", "pop", "state"]
    assert first.split()[:7] == ["fra1-a", "fra1", "ready", "2", "0", "25", "25"]
    assert "failed: engine [died]" in second


async def test_nodes_are_listed_for_people(cli: Cli) -> None:
    async with serve_admin(GOOD, FAILED) as admin:
        done = await cli("nodes", "--admin", admin.address)
    assert done.status == 0
    assert [line.split()[0] for line in done.out.splitlines()] == ["node", "fra1-a", "iad1-b"]


async def test_nodes_are_listed_for_programs(cli: Cli) -> None:
    async with serve_admin(GOOD, FAILED) as admin:
        done = await cli("nodes", "--admin", admin.address, "-o", "json")
    assert [(one["info"]["name"], one["state"], one["health"]) for one in done.json] == [
        ("fra1-a", "ready", "alive"),
        ("iad1-b", "failed", "alive"),
    ]
    assert done.json[0]["load"]["kv_cache"]["usage"] == 0.25


async def test_a_fleet_without_nodes_is_an_empty_list(cli: Cli) -> None:
    async with serve_admin() as admin:
        assert (await cli("nodes", "--admin", admin.address, "-o", "json")).json == []


async def test_one_node_is_shown_whole(cli: Cli) -> None:
    async with serve_admin(GOOD) as admin:
        text = await cli("node", "fra1-a", "--admin", admin.address)
        values = await cli("node", "fra1-a", "--admin", admin.address, "-o", "json")
    for words in ("NVIDIA H200", "qwen3-8b", "prefill 4000", "open (revision 0, 0 applied)"):
        assert words in text.out
    assert values.json["info"]["hardware"]["accelerators"] == 8


async def test_a_node_that_never_joined_is_an_error(cli: Cli) -> None:
    async with serve_admin(GOOD) as admin:
        done = await cli("node", "nowhere", "--admin", admin.address, "-o", "json")
    assert done.status == 1
    assert done.json["error"]["kind"] == "UnknownNode"


async def test_watching_for_programs_prints_each_change(capsys) -> None:
    async with serve_admin(GOOD) as admin:
        admin.changes.put_nowait((GOOD, True))
        seen: list[str] = []

        def both() -> bool:
            seen.append(capsys.readouterr().out)
            return "".join(seen).count('"name": "fra1-a",\n  "node"') == 2

        watching = asyncio.create_task(nodes._watch(admin.address, Format.JSON))
        await eventually(both)
        watching.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await watching
    decoder = json.JSONDecoder()
    text = "".join(seen).strip()
    first, end = decoder.raw_decode(text)
    second, _ = decoder.raw_decode(text[end:].strip())
    assert first["node"]["info"]["name"] == "fra1-a"
    assert second == {"name": "fra1-a", "node": None}
