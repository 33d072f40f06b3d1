from nearfield.core.node import ServedModel
from tests.support.cli import Cli
from tests.support.nearfield_servers import serve_admin

MODEL = ServedModel("qwen3-8b", "sha256:5e", 32768, ("a", "b", "c"), ("b",))


async def test_models_are_listed_with_who_takes_work_and_who_does_not(cli: Cli) -> None:
    async with serve_admin() as admin:
        admin.models = (MODEL,)
        done = await cli("models", "--admin", admin.address)
    _, line = done.out.splitlines()
    assert line.split() == ["qwen3-8b", "32768", "tokens", "sha256:5e", "b", "a,", "c"]


async def test_a_model_that_nobody_serves_now_says_so(cli: Cli) -> None:
    async with serve_admin() as admin:
        admin.models = (ServedModel("m", "d", 1, (), ()),)
        done = await cli("models", "--admin", admin.address)
    assert done.out.splitlines()[1].split()[-2:] == ["none", "none"]


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
        }
    ]
