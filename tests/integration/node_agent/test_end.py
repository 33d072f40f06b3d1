"""How a node ends: in good order, or by a kill; it never leaves an engine behind."""

from pathlib import Path

import psutil
import pytest

from nearfield.core.errors import EngineDied, NearfieldError, NotTakingWork, StreamBroken
from nearfield.core.inference import ChatPrompt, FinishReason, Message, Request, Sampling
from tests.support.node_builders import Caller, end_of, eventually, request, whole
from tests.support.node_process import (
    Process,
    calling,
    engine_of,
    free_ports,
    gone,
    is_serving,
    kill,
    node_process,
    serving,
    write_config,
)
from tests.support.waiting import until

pytestmark = pytest.mark.engine
HELLO = ChatPrompt((Message("user", "Hello!"),))
TOKENS = 1900


def long() -> Request:
    sampling = Sampling(temperature=0.0, max_tokens=TOKENS, ignore_eos=True)
    return request(HELLO, model="demo", sampling=sampling)


async def test_sigterm_lets_a_running_answer_finish_and_takes_nothing_new(tmp_path: Path) -> None:
    async with node_process(tmp_path, drain_seconds=120) as (process, caller):
        family = process.family()
        call = caller.start(long())
        await call.initial_metadata()
        process.popen.terminate()
        await until(caller.serving, False)
        with pytest.raises(NotTakingWork, match="the agent is stopping"):
            await caller.ask(request(HELLO, model="demo"))
        end = end_of(await whole(call))
        assert (end.reason, end.usage.completion_tokens) == (FinishReason.LENGTH, TOKENS)
        assert await process.ended() == 0
        await eventually(lambda: gone(family))
        assert "Traceback" not in process.log


async def test_a_second_sigterm_and_a_drain_without_time_end_as_well(tmp_path: Path) -> None:
    async with node_process(tmp_path, drain_seconds=0) as (process, caller):
        call = caller.start(long())
        await call.initial_metadata()
        process.popen.terminate()
        process.popen.terminate()
        with pytest.raises(StreamBroken):
            await whole(call)
        assert await process.ended() == 0


async def test_killing_the_agent_leaves_no_engine(tmp_path: Path) -> None:
    async with node_process(tmp_path) as (process, caller):
        family = process.family()
        engine = engine_of(process)
        assert engine in family
        call = caller.start(long())
        await call.initial_metadata()
        process.popen.kill()
        with pytest.raises(StreamBroken):
            await whole(call)
        await eventually(lambda: gone(family))


async def test_killing_the_engine_evicts_what_runs_and_ends_the_agent(tmp_path: Path) -> None:
    async with node_process(tmp_path) as (process, caller):
        call = caller.start(long())
        await call.initial_metadata()
        kill(engine_of(process))
        with pytest.raises(EngineDied) as caught:
            await whole(call)
        assert caught.value.resumable
        assert await process.ended() == 1
        assert "the engine died" in process.log.splitlines()[-1]


async def nodes_of_one_zygote(folder: Path, ports: list[int]) -> Process:
    configs = [write_config(folder, f"fra1-{port}", port) for port in ports]
    return Process("node_agent.zygote", [str(path) for path in configs], folder / "zygote.log")


async def test_two_nodes_of_one_zygote_live_and_die_on_their_own(tmp_path: Path) -> None:
    first, second = free_ports(2)
    zygote = await nodes_of_one_zygote(tmp_path, [first, second])
    try:
        async with calling(first) as one, calling(second) as other:
            await serving(zygote, one)
            await serving(zygote, other)
            family = zygote.family()
            assert await name_of(one) == f"fra1-{first}"
            assert await name_of(other) == f"fra1-{second}"
            kill(node_on(zygote, first))
            await until(lambda: is_serving(one), False)
            assert await name_of(other) == f"fra1-{second}"
            await eventually(lambda: f"node fra1-{first} ended with SIGKILL" in zygote.log)
            zygote.popen.terminate()
            assert await zygote.ended() == 0
            await eventually(lambda: gone(family))
    finally:
        zygote.kill()


async def test_killing_the_zygote_leaves_no_node_and_no_engine(tmp_path: Path) -> None:
    (port,) = free_ports(1)
    zygote = await nodes_of_one_zygote(tmp_path, [port])
    try:
        async with calling(port) as caller:
            await serving(zygote, caller)
            family = zygote.family()
            zygote.popen.kill()
            await eventually(lambda: gone(family))
            with pytest.raises(NearfieldError):
                await caller.ask(request(HELLO, model="demo"))
    finally:
        zygote.kill()


async def name_of(caller: Caller) -> str:
    first, *_ = await caller.ask(
        request(HELLO, model="demo", sampling=Sampling(temperature=0.0, max_tokens=2))
    )
    return first.provenance.node


def node_on(zygote: Process, port: int) -> psutil.Process:
    (node,) = (
        child
        for child in zygote.family()
        if any(port == one.laddr.port for one in child.net_connections() if one.status == "LISTEN")
    )
    return node
