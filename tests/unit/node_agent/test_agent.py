import asyncio
import time
from dataclasses import replace

import pytest

from nearfield.core.errors import (
    EngineDied,
    JoinTokenInvalid,
    NotTakingWork,
    Overloaded,
    StreamBroken,
    TicketInvalid,
    Unsupported,
)
from nearfield.core.inference import Event, Sampling
from nearfield.core.node import Desired, Intake, NodeState
from nearfield.core.wire.enums import NODE_STATES
from nearfield.core.wire.inference import request_to_wire
from nearfield.core.wire.trust import trust_to_wire
from node_agent.engine.simulated import SimulatedEngine
from protos.nearfield.v1 import fleet_pb2 as pb
from protos.nearfield.v1 import types_pb2
from tests.support.caching_engine import CachingEngine
from tests.support.node_builders import (
    Caller,
    end_of,
    eventually,
    request,
    running_agent,
    text_of,
    whole,
)
from tests.support.node_fleet import ScriptedFleet, scripted_fleet
from tests.support.tickets import token, trust
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


async def test_a_node_that_is_to_serve_another_model_leaves_with_its_name() -> None:
    models = {"model": {"path": "simulated"}, "models": [{"path": "demo"}]}
    async with scripted_fleet() as fleet:
        async with running_agent(
            SimulatedEngine(), control_planes=[fleet.address], **models
        ) as agent:
            await eventually(lambda: fleet.reports)
            await fleet.push(Desired(3, directory_id="dir", model="demo"))
            assert await asyncio.wait_for(agent.ended, 30) == "demo"
        assert fleet.reports[-1].state == NODE_STATES[NodeState.DRAINED]
        assert fleet.reports[-1].reason == "switching to demo"
        assert fleet.goodbyes


async def test_a_node_that_is_stopped_while_it_switches_does_not_come_back() -> None:
    models = {"model": {"path": "simulated"}, "models": [{"path": "demo"}]}
    wanted = replace(LONG, ticket=token(time.time(), model="simulated"))
    async with (
        scripted_fleet() as fleet,
        running_agent(
            SimulatedEngine(step_seconds=60),
            control_planes=[fleet.address],
            drain_seconds=1.0,
            **models,
        ) as agent,
    ):
        await opened(fleet)
        call = agent.caller.start(wanted)
        await call.initial_metadata()
        await fleet.push(Desired(3, directory_id="dir", model="demo"))
        await eventually(lambda: fleet.reports[-1].state == NODE_STATES[NodeState.DRAINING])
        agent.stop.set()
        assert await asyncio.wait_for(agent.ended, 30) == ""


async def test_a_node_of_a_fleet_opens_once_its_prefixes_are_warm() -> None:
    engine = CachingEngine()
    terms = types_pb2.DeclaredPrefix(
        name="terms", model="simulated", text="These are the terms.", tenant="acme"
    )
    async with (
        scripted_fleet() as fleet,
        running_agent(engine, control_planes=[fleet.address]) as agent,
    ):
        await eventually(lambda: fleet.reports)
        assert fleet.hellos[0].state == NODE_STATES[NodeState.STARTING]
        with pytest.raises(NotTakingWork, match="starting"):
            await agent.caller.ask(request())
        await fleet.send(pb.PlaneFrame(declarations=pb.Declarations(prefixes=[terms])))
        await eventually(lambda: fleet.reports[-1].state == NODE_STATES[NodeState.READY])
    assert [bytes(one.prompt) for one in engine.asked] == [b"These are the terms."]


async def test_a_node_of_a_fleet_serves_good_tickets_alone_and_reports_what_it_holds() -> None:
    engine = CachingEngine(context_tokens=1024)
    async with (
        scripted_fleet() as fleet,
        running_agent(engine, control_planes=[fleet.address]) as agent,
    ):
        await opened(fleet)
        with pytest.raises(TicketInvalid):
            await agent.caller.ask(request())
        ticket = token(now=time.time(), model="simulated")
        wanted = request("x" * 300, ticket=ticket, prefix_secret=b"a secret of its own")
        assert text_of(await agent.caller.ask(wanted)) == "x" * 300
        fleet.cut()  # the next link tells the whole picture
        await eventually(lambda: fleet.summaries and fleet.summaries[-1].keys)


async def opened(fleet: ScriptedFleet) -> None:
    """Return once a node that has nothing to warm, and knows who signs tickets, takes work."""
    await eventually(lambda: fleet.reports)
    await fleet.send(pb.PlaneFrame(trust=trust_to_wire(trust())))
    await fleet.send(pb.PlaneFrame(declarations=pb.Declarations()))
    await eventually(lambda: fleet.reports[-1].state == NODE_STATES[NodeState.READY])


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
