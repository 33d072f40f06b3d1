from nearfield.core.node import ServedModel
from nearfield.core.policy import ModelPolicy
from tests.support.cli import Cli
from tests.support.nearfield_servers import serve_admin

MODEL = ServedModel("qwen3-8b", "sha256:5e", 32768, ("a", "b", "c"), ("b",))


async def test_models_are_listed_with_who_takes_work_and_who_does_not(cli: Cli) -> None:
    async with serve_admin() as admin:
        admin.models = (MODEL,)
        done = await cli("models", "--admin", admin.address)
    _, line = done.out.splitlines()
    expected = ["qwen3-8b", "32768", "tokens", "sha256:5e", "b", "a,", "c", "none", "none"]
    assert line.split() == expected


async def test_a_model_that_nobody_serves_now_says_so(cli: Cli) -> None:
    async with serve_admin() as admin:
        policy = ModelPolicy("m", ("fra1", "nrt1"), 1, 3)
        admin.models = (ServedModel("m", "", 0, (), (), policy, ("a", "b")),)
        done = await cli("models", "--admin", admin.address)
    line = " ".join(done.out.splitlines()[1].split())
    assert line == "m none none a, b 1 to 3 nodes in fra1, nrt1"


async def test_models_are_listed_for_programs(cli: Cli) -> None:
    async with serve_admin() as admin:
        admin.models = (MODEL,)
        done = await cli("models", "--admin", admin.address, "-o", "json")
    assert done.json == [
        {
            "name": "qwen3-8b",
            "digest": "sha256:5e",
            "context_tokens": 32768,
            "nodes": ["a", "b", "c"],
            "takes_work": ["b"],
            "policy": None,
            "could_serve": [],
        }
    ]


async def test_how_many_nodes_there_are_to_be_is_set(cli: Cli) -> None:
    async with serve_admin() as admin:
        done = await cli(
            *("models", "set", "m", "--min", "2", "--max", "5"),
            *("--pop", "fra1", "--pop", "nrt1", "--admin", admin.address),
        )
        assert admin.policy.models == (ModelPolicy("m", ("fra1", "nrt1"), 2, 5),)
    assert done.out == "m: 2 to 5 nodes in fra1, nrt1 (revision 1)\n"


async def test_what_is_set_is_told_to_programs(cli: Cli) -> None:
    async with serve_admin() as admin:
        done = await cli("models", "set", "m", "--admin", admin.address, "-o", "json")
    policy = {"model": "m", "pops": [], "minimum": 1, "maximum": 0}
    assert done.json == {"policy": policy, "revision": 1, "durable": True}


async def test_what_is_set_and_not_durable_is_said(cli: Cli) -> None:
    async with serve_admin() as admin:
        admin.durable = False
        done = await cli("models", "set", "m", "--admin", admin.address)
    assert done.out.splitlines() == [
        "m: 1 or more nodes (revision 1)",
        "the directory is away: this holds in memory and is not durable yet",
    ]


async def test_more_at_least_than_at_most_is_an_error(cli: Cli) -> None:
    async with serve_admin() as admin:
        where = ("--admin", admin.address)
        done = await cli("models", "set", "m", "--min", "3", "--max", "2", *where)
    expected = "error: maximum 2 is below minimum 3 (limit: 0 or at least 3)\n"
    assert (done.status, done.err) == (1, expected)
