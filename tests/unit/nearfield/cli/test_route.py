from nearfield.core.geo import Position
from nearfield.core.route import Explanation
from tests.support.cli import Cli
from tests.support.nearfield_builders import candidate, explained
from tests.support.nearfield_servers import serve_plane

DECISION = Explanation(
    "qwen3-8b",
    (
        explained(candidate("fra1-a"), 1, reason="soonest"),
        explained(candidate("iad1-b"), 0, excluded_by="jurisdiction", reason="us is not [eu]"),
    ),
    7,
)


async def test_a_decision_is_explained_in_milliseconds_and_words(cli: Cli) -> None:
    async with serve_plane() as plane:
        plane.explained = DECISION
        done = await cli("route", "explain", "--near", "48.86,2.35", "--target", plane.address)
    lines = done.out.splitlines()
    assert "qwen3-8b" in lines[0]
    assert lines[2].split() == ["1", "fra1-a", "fra1", "478", "20", "0.0", "0.0", "20", "soonest"]
    assert lines[3].split()[0] == "-"
    assert lines[3].rstrip().endswith("us is not [eu]")


async def test_a_decision_is_explained_to_programs(cli: Cli) -> None:
    async with serve_plane() as plane:
        plane.explained = DECISION
        done = await cli("route", "explain", "--target", plane.address, "-o", "json")
    assert set(done.json) == {"model", "nodes", "map_revision"}
    first, second = done.json["nodes"]
    assert (first["rank"], first["candidate"]["node"]) == (1, "fra1-a")
    assert (second["rank"], second["excluded_by"]) == (0, "jurisdiction")


async def test_the_question_says_where_from_and_what_is_allowed(cli: Cli) -> None:
    async with serve_plane() as plane:
        plane.explained = DECISION
        options = ("--jurisdiction", "eu", "--jurisdiction", "uk", "--model", "m")
        where = ("--near", "48.86,2.35", "--target", plane.address)
        await cli("route", "explain", *options, *where)
        (query,) = plane.queries
    assert query.jurisdictions == ("eu", "uk")
    assert (query.model, query.origin) == ("m", Position(48.86, 2.35))


async def test_a_question_without_an_answer_is_an_error(cli: Cli) -> None:
    async with serve_plane() as plane:
        done = await cli("route", "explain", "--target", plane.address)
    assert (done.status, done.err) == (1, "error: no node has joined\n")
