import asyncio

import pytest

from nearfield.core.errors import (
    EngineDied,
    JoinTokenInvalid,
    NotTakingWork,
    Overloaded,
    StreamBroken,
    Unsupported,
)
from nearfield.core.inference import Event, Sampling
from nearfield.core.node import Desired, Intake, NodeState
from nearfield.core.wire.enums import NODE_STATES
from nearfield.core.wire.inference import request_to_wire
from node_agent.engine.simulated import SimulatedEngine
from tests.support.node_builders import (
    Caller,
    end_of,
    eventually,
    request,
    running_agent,
    text_of,
    whole,
)
from tests.support.node_fleet import scripted_fleet
from tests.support.waiting import until

LONG = request("hello", sampling=Sampling(max_tokens=200))


async def test_an_agent_alone_serves_until_it_is_stopped() -> None:
    async with running_agent(SimulatedEngine()) as agent:
        assert await agent.caller.serving("nearfield.v1.Inference")
        events = await agent.caller.ask(request("hello"))
        assert text_of(events) == "hello"
        assert end_of(events).load.slots == 4
        agent.stop.set()
        await asyncio.wait_for(agent.ended, 30)


async def test_admission_is_told_before_the_first_token() -> None:
    async with running_agent(SimulatedEngine(step_seconds=60)) as agent:
        call = agent.caller.start(request("hello"))
        metadata = dict(await call.initial_metadata())
        assert metadata["nearfield-admitted"] == "1"
        call.cancel()


async def test_a_rejected_request_is_never_called_admitted() -> None:
    async with running_agent(SimulatedEngine(), engine={"slots": 1, "queue": 0}) as agent:
        wanted = request_to_wire(request())
        wanted.session_key = "mine"
        call = agent.caller.start(wanted)
        assert "nearfield-admitted" not in dict(await call.initial_metadata() or ())
        with pytest.raises(Unsupported) as caught:
            await whole(call)
        assert caught.value.field == "session_key"


async def test_a_cancelled_call_gives_its_place_back() -> None:
    engine = SimulatedEngine(slots=1, step_seconds=0.01)
    async with running_agent(engine, engine={"queue": 0}) as agent:
        call = agent.caller.start(LONG)
        await call.initial_metadata()
        with pytest.raises(Overloaded) as caught:
            await agent.caller.ask(request("hi"))
        assert caught.value.field == "engine.queue"
        call.cancel()
        assert text_of(await ask_until_admitted(agent.caller)) == "hi"


async def ask_until_admitted(caller: Caller) -> list[Event]:
    while True:
        try:
            return await caller.ask(request("hi"))
        except Overloaded:
            await asyncio.sleep(0.01)


async def test_a_stopping_agent_finishes_what_runs_and_takes_nothing_new() -> None:
    async with running_agent(SimulatedEngine(step_seconds=0.002)) as agent:
        call = agent.caller.start(LONG)
        await call.initial_metadata()
        agent.stop.set()
        await until(agent.caller.serving, False)
        with pytest.raises(NotTakingWork, match="stopping"):
            await agent.caller.ask(request())
        assert end_of(await whole(call)).usage.completion_tokens == 200
        await asyncio.wait_for(agent.ended, 30)


async def test_a_drain_that_takes_too_long_is_cut_off() -> None:
    async with running_agent(SimulatedEngine(step_seconds=60), drain_seconds=0.05) as agent:
        call = agent.caller.start(LONG)
        await call.initial_metadata()
        agent.stop.set()
        await asyncio.wait_for(agent.ended, 30)
        with pytest.raises(StreamBroken):
            await whole(call)


async def test_a_dead_engine_evicts_what_runs_and_ends_the_agent() -> None:
    engine = SimulatedEngine(step_seconds=60)
    async with running_agent(engine) as agent:
        call = agent.caller.start(LONG)
        await call.initial_metadata()
        engine.die()
        with pytest.raises(EngineDied) as caught:
            await whole(call)
        assert caught.value.resumable
        with pytest.raises(EngineDied):
            await asyncio.wait_for(agent.ended, 30)


async def test_a_node_joins_reports_follows_and_leaves() -> None:
    async with scripted_fleet() as fleet:
        planes = {"control_planes": [fleet.address], "join_token": "secret"}
        async with running_agent(SimulatedEngine(), **planes) as agent:
            await eventually(lambda: fleet.reports)
            assert fleet.hellos[0].join_token == "secret"
            assert fleet.hellos[0].node.models[0].name == "simulated"
            await fleet.push(Desired(3, Intake.CORDONED, reason="disk swap", directory_id="dir"))
            await eventually(lambda: fleet.reports[-1].applied_revision == 3)
            assert fleet.reports[-1].state == NODE_STATES[NodeState.CORDONED]
            with pytest.raises(NotTakingWork, match="disk swap"):
                await agent.caller.ask(request())
            agent.stop.set()
            await asyncio.wait_for(agent.ended, 30)
        assert fleet.reports[-1].state == NODE_STATES[NodeState.DRAINED]
        assert fleet.goodbyes


async def test_a_dead_engine_is_reported_before_the_node_leaves() -> None:
    engine = SimulatedEngine()
    async with scripted_fleet() as fleet:
        async with running_agent(engine, control_planes=[fleet.address]) as agent:
            await eventually(lambda: fleet.reports)
            engine.die()
            with pytest.raises(EngineDied):
                await asyncio.wait_for(agent.ended, 30)
        assert fleet.reports[-1].state == NODE_STATES[NodeState.FAILED]
        assert fleet.reports[-1].reason == "its engine died"


async def test_a_refused_join_ends_the_agent() -> None:
    async with scripted_fleet() as fleet:
        fleet.refusal = JoinTokenInvalid("not this fleet's")
        async with running_agent(SimulatedEngine(), control_planes=[fleet.address]) as agent:
            with pytest.raises(JoinTokenInvalid):
                await asyncio.wait_for(agent.ended, 30)
