from nearfield.cli.output import milliseconds
from nearfield.core.constraints import Constraints, Preferences
from nearfield.core.geo import Position
from nearfield.core.node import NodeLoad
from nearfield.core.prediction import Prompt, RoundTrip, RoundTripSource, predict
from nearfield.core.route import Explanation, Tier
from tests.support.cli import Cli
from tests.support.nearfield_builders import candidate, explained
from tests.support.nearfield_servers import serve_plane

FAR = predict(
    RoundTrip(0.04, RoundTripSource.NETWORK, 0.04),
    NodeLoad(prefill_tokens_per_second=2000.0),
    Prompt(4000),
    warm=False,
    penalty=0.05,
)
DECISION = Explanation(
    "qwen3-8b",
    (
        explained(candidate("fra1-a", prediction=FAR, tier=Tier.CORE), 1, reason="soonest"),
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
    connect, ttft = milliseconds(FAR.connect), milliseconds(FAR.ttft)
    assert " ".join(lines[2].split()) == (
        f"1 fra1-a fra1 core 478 {connect} 40 network 0.0 0.0 500 {ttft} 40 50 soonest"
    )
    assert lines[3].split()[:5] == ["-", "iad1-b", "fra1", "-", "478"]
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
        allowed = ("--jurisdiction", "eu", "--jurisdiction", "uk", "--provider", "aws")
        wanted = ("--cost-most", "2.5", "--prefer-provider", "hetzner", "--prompt-bytes", "4096")
        where = ("--model", "m", "--near", "48.86,2.35", "--target", plane.address)
        await cli("route", "explain", *allowed, *wanted, *where)
        (query,) = plane.queries
    assert query.constraints == Constraints(("eu", "uk"), ("aws",), 2.5)
    assert query.preferences == Preferences(("hetzner",))
    assert (query.model, query.origin, query.prompt_size) == ("m", Position(48.86, 2.35), 4096)


async def test_a_question_without_an_answer_is_an_error(cli: Cli) -> None:
    async with serve_plane() as plane:
        done = await cli("route", "explain", "--target", plane.address)
    assert (done.status, done.err) == (1, "error: no node has joined\n")
