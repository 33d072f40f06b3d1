import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Any

import pytest

from nearfield.core.errors import (
    EngineDied,
    InvalidRequest,
    NotTakingWork,
    Overloaded,
    UnknownModel,
)
from nearfield.core.inference import Delta, Sampling, TokenPrompt, Usage
from nearfield.core.node import NodeState
from node_agent.admission.intake import Event
from node_agent.engine.base import EngineOutput
from node_agent.engine.simulated import SimulatedEngine
from tests.support.node_builders import Desk, end_of, eventually, request, text_of


async def test_an_answer_streams_and_ends_with_its_usage() -> None:
    events = await Desk().answer(request("hello"))
    assert text_of(events) == "hello"
    assert end_of(events).usage == Usage(prompt_tokens=5, completion_tokens=5)
    assert [event.seq for event in events if isinstance(event, Delta)] == [0, 1, 2, 3, 4]


async def test_the_first_piece_alone_tells_where_it_was_made() -> None:
    desk = Desk()
    first, second, *_ = await desk.answer(request("hello"))
    assert isinstance(first, Delta)
    assert isinstance(second, Delta)
    assert first.provenance is not None
    assert (first.provenance.pop, first.provenance.node) == ("fra1", "fra1-a")
    assert (first.provenance.jurisdiction, first.provenance.model) == ("eu", "simulated")
    assert (first.provenance.model_digest, first.provenance.prompt_tokens) == ("simulated", 5)
    assert second.provenance is None
    assert second.timings is None


async def test_the_nodes_time_runs_from_arrival_to_the_first_token() -> None:
    desk = Desk()
    wanted = request("hi")
    prompt = await desk.answers.read(wanted)
    with desk.answers.admit(wanted, prompt, arrived=desk.clock()) as admission:
        desk.clock.now += 1.5
        first, *_, last = [event async for event in desk.answers.run(admission)]
    assert isinstance(first, Delta)
    assert first.timings is not None
    assert first.timings.node == 1.5
    assert end_of([last]).timings.node == 1.5


async def test_a_request_waits_until_its_first_token_and_then_runs() -> None:
    desk = Desk()
    wanted = request("hello")
    prompt = await desk.answers.read(wanted)
    with desk.answers.admit(wanted, prompt, 0.0) as admission:
        assert (desk.meter.read().waiting, desk.meter.read().running) == (1, 0)
        async with aclosing(desk.answers.run(admission)) as events:
            await anext(events)
            assert (desk.meter.read().waiting, desk.meter.read().running) == (0, 1)
    assert desk.workload.in_flight == 0


async def test_a_finished_answer_teaches_the_rates() -> None:
    desk = Desk(SimulatedEngine(step_seconds=0.001))
    await desk.answer(request("x" * 20))
    assert desk.rates.prefill_tokens_per_second == pytest.approx(20 / 0.001)
    assert desk.rates.base_seconds == 0.001


async def test_a_prompt_over_the_context_is_refused_before_it_is_admitted() -> None:
    desk = Desk(SimulatedEngine(context_tokens=8))
    with pytest.raises(InvalidRequest) as caught:
        await desk.answers.read(request("x" * 8))
    assert (caught.value.field, caught.value.limit) == ("prompt", "at most 7 tokens")
    assert await desk.answers.read(request("x" * 7))


async def test_a_request_that_makes_no_sense_takes_no_place() -> None:
    desk = Desk()
    with pytest.raises(UnknownModel):
        await desk.answer(request(model="other"))
    with pytest.raises(InvalidRequest):
        await desk.answer(request(TokenPrompt(())))
    assert desk.workload.in_flight == 0


async def test_a_cordoned_node_refuses_before_it_looks_at_the_request() -> None:
    desk = Desk()
    desk.intake.happen(Event.CORDON, "disk swap")
    with pytest.raises(NotTakingWork, match="disk swap"):
        await desk.answers.read(request(model="other"))


async def test_a_node_cordoned_while_a_request_is_read_does_not_admit_it() -> None:
    desk = Desk()
    prompt = await desk.answers.read(request())
    desk.intake.happen(Event.CORDON)
    with pytest.raises(NotTakingWork), desk.answers.admit(request(), prompt, 0.0):
        pass


async def test_a_full_node_rejects_and_counts_nothing_for_it() -> None:
    desk = Desk(SimulatedEngine(slots=1), queue=0)
    with desk.answers.admit(request(), (1,), 0.0):
        with pytest.raises(Overloaded), desk.answers.admit(request(), (1,), 0.0):
            pass
        assert desk.workload.in_flight == 1


async def test_the_last_request_of_a_draining_node_drains_it() -> None:
    desk = Desk()
    with desk.answers.admit(request(), (1,), 0.0):
        desk.intake.happen(Event.DRAIN)
        assert desk.intake.state is NodeState.DRAINING
    assert desk.intake.state is NodeState.DRAINED


async def test_a_dead_engine_rejects_new_requests_and_evicts_running_ones() -> None:
    desk = Desk(SimulatedEngine(step_seconds=60))
    running = asyncio.create_task(desk.answer(request()))
    await eventually(lambda: desk.workload.in_flight)
    desk.engine.die()
    with pytest.raises(EngineDied):
        await running
    with pytest.raises(NotTakingWork, match="engine is dead"):
        await desk.answer(request())
    assert desk.workload.in_flight == 0


class Watched(SimulatedEngine):
    """Keeps every answer, so that none is closed for want of an owner."""

    def generate(self, *arguments: Any, **more: Any) -> AsyncGenerator[EngineOutput]:
        self.answer = super().generate(*arguments, **more)
        return self.answer


async def test_leaving_early_closes_the_engines_answer_at_once() -> None:
    engine = Watched(slots=1)
    desk = Desk(engine)
    wanted = request("hello")
    with desk.answers.admit(wanted, (1, 2, 3), 0.0) as admission:
        async with aclosing(desk.answers.run(admission)) as events:
            await anext(events)
    assert await anext(engine.answer, None) is None
    assert text_of(await desk.answer(wanted)) == "hello"


async def test_two_attempts_of_one_request_may_meet() -> None:
    desk = Desk(SimulatedEngine(step_seconds=0.001))
    wanted = request("hello", sampling=Sampling(max_tokens=10))
    answers = await asyncio.gather(desk.answer(wanted), desk.answer(wanted))
    assert [text_of(events) for events in answers] == ["hellohello"] * 2
