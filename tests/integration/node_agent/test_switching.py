"""A real node that is told to serve another of its models, by `python -m node_agent` and forked."""

import os
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import psutil
import pytest

from nearfield.core.errors import NotTakingWork
from nearfield.core.inference import ChatPrompt, FinishReason, Message, Request, Sampling
from nearfield.core.node import Desired, NodeState
from nearfield.core.wire.enums import NODE_STATES
from nearfield.core.wire.trust import trust_to_wire
from protos.nearfield.v1 import fleet_pb2 as pb
from protos.nearfield.v1 import types_pb2
from tests.support.node_builders import Caller, end_of, eventually, request, whole
from tests.support.node_fleet import ScriptedFleet, scripted_fleet
from tests.support.node_process import (
    START_SECONDS,
    Process,
    calling,
    engine_of,
    free_ports,
    gone,
    serving,
    write_config,
)
from tests.support.tickets import token, trust

pytestmark = pytest.mark.engine
HELLO = ChatPrompt((Message("user", "Hello!"),))
TOKENS = 1200
OTHER = {"path": "demo", "name": "demo-2"}


@asynccontextmanager
async def fleet_with_node(
    folder: Path, module: str = "node_agent", **changes: Any
) -> AsyncIterator[tuple[ScriptedFleet, Process, Caller]]:
    """Run a node with the demo model under two names, joined to a replica that plays a script."""
    (port,) = free_ports(1)
    async with scripted_fleet() as fleet, calling(port) as caller:
        config = write_config(
            folder,
            "fra1-a",
            port,
            control_planes=[fleet.address],
            **{"drain_seconds": 120.0, "models": [OTHER], **changes},
        )
        arguments = ["--config", str(config)] if module == "node_agent" else [str(config)]
        process = Process(module, arguments, folder / "node.log")
        try:
            await serving(process, caller)
            await joined(fleet, 1)
            yield fleet, process, caller
        finally:
            process.kill()


async def joined(fleet: ScriptedFleet, times: int) -> types_pb2.NodeInfo:
    """Wait until the node has joined so often and takes work; returns what it said of itself."""
    await eventually(lambda: len(fleet.hellos) == times, START_SECONDS)
    frame = pb.PlaneFrame(trust=trust_to_wire(trust()))
    await eventually(lambda: fleet.frames[-1].HasField("report"), START_SECONDS)
    await fleet._call.write(frame)
    ready = NODE_STATES[NodeState.READY]
    await eventually(
        lambda: fleet.frames[-1].HasField("report") and fleet.reports[-1].state == ready,
        START_SECONDS,
    )
    return fleet.hellos[-1].node


def asked(model: str, tokens: int = 2) -> Request:
    sampling = Sampling(temperature=0.0, max_tokens=tokens, ignore_eos=True)
    return request(HELLO, model=model, sampling=sampling, ticket=token(time.time(), model=model))


def models_of(node: types_pb2.NodeInfo) -> list[str]:
    return [model.name for model in node.models]


def wish(revision: int, model: str) -> Desired:
    return Desired(revision, directory_id="dir", model=model)


async def test_a_node_drains_and_comes_back_with_the_model_it_was_told_to_serve(
    tmp_path: Path,
) -> None:
    async with fleet_with_node(tmp_path) as (fleet, process, caller):
        before = fleet.hellos[0].node
        assert (models_of(before), list(before.local_models)) == (["demo"], ["demo", "demo-2"])
        engine, priority = engine_of(process), os.getpriority(os.PRIO_PROCESS, process.popen.pid)
        call = caller.start(asked("demo", TOKENS))
        await call.initial_metadata()
        await fleet.push(wish(1, "demo-2"))
        await eventually(lambda: fleet.reports[-1].applied_revision == 1)
        assert fleet.reports[-1].state == NODE_STATES[NodeState.DRAINING]
        assert fleet.reports[-1].reason == "switching to demo-2"
        with pytest.raises(NotTakingWork, match="switching to demo-2"):
            await caller.ask(asked("demo"))
        end = end_of(await whole(call))
        assert (end.reason, end.usage.completion_tokens) == (FinishReason.LENGTH, TOKENS)

        after = await joined(fleet, 2)
        assert (models_of(after), list(after.local_models)) == (["demo-2"], ["demo", "demo-2"])
        assert (after.name, after.endpoint) == (before.name, before.endpoint)
        assert after.incarnation != before.incarnation
        assert len(fleet.goodbyes) == 1
        assert (await caller.ask(asked("demo-2")))[0].provenance.model == "demo-2"
        assert gone([engine])
        # the engine runs at the priority the first one did, the agent's threads below it
        assert os.getpriority(os.PRIO_PROCESS, engine_of(process).pid) == engine_priority()
        assert os.getpriority(os.PRIO_PROCESS, process.popen.pid) == priority

        await fleet.push(wish(1, "demo-2"))
        await fleet.push(wish(2, ""))
        assert models_of(await joined(fleet, 3)) == ["demo"]
        process.popen.terminate()
        assert await process.ended() == 0
        assert "Traceback" not in process.log


def engine_priority() -> int:
    """What a process begins with that nobody lowered."""
    return os.getpriority(os.PRIO_PROCESS, 0)


async def test_a_model_the_node_does_not_have_is_refused_with_a_reason_and_it_goes_on(
    tmp_path: Path,
) -> None:
    missing = {"path": str(tmp_path / "nowhere"), "name": "gone"}
    async with fleet_with_node(tmp_path, models=[OTHER, missing]) as (fleet, process, caller):
        pid = process.popen.pid
        for revision, model, why in [
            (1, "llama", "cannot serve 'llama', its models are demo, demo-2, gone"),
            (2, "gone", f"cannot serve 'gone', there is nothing at {tmp_path / 'nowhere'}"),
        ]:
            await fleet.push(wish(revision, model))
            await eventually(lambda: fleet.reports[-1].applied_revision == revision)  # noqa: B023
            assert fleet.reports[-1].reason == why
            assert fleet.reports[-1].state == NODE_STATES[NodeState.READY]
            assert why in process.log
        assert (await caller.ask(asked("demo")))[0].provenance.model == "demo"
        assert (process.popen.pid, len(fleet.hellos)) == (pid, 1)


async def test_a_forked_node_is_forked_anew_with_the_other_model(tmp_path: Path) -> None:
    async with fleet_with_node(tmp_path, "node_agent.zygote") as (fleet, process, caller):
        (node,) = psutil.Process(process.popen.pid).children()
        await fleet.push(wish(1, "demo-2"))
        assert models_of(await joined(fleet, 2)) == ["demo-2"]
        assert (await caller.ask(asked("demo-2")))[0].provenance.model == "demo-2"
        assert gone([node])
        family = process.family()
        process.popen.terminate()
        assert await process.ended() == 0
        await eventually(lambda: gone(family))
        assert "ended with" not in process.log
