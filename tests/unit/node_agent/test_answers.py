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
    TicketInvalid,
    TicketRefused,
    UnknownModel,
)
from nearfield.core.inference import Delta, Prompt, Sampling, TextPrompt, TokenPrompt, Usage
from nearfield.core.node import NodeState
from nearfield.core.prefix import PrefixSecret, continued
from node_agent.admission.intake import Event
from node_agent.answers import Prepared
from node_agent.engine.base import EngineOutput
from node_agent.engine.simulated import SimulatedEngine
from tests.support.caching_engine import CachingEngine
from tests.support.node_builders import Desk, HandClock, end_of, eventually, request, text_of
from tests.support.tickets import token, trust

SECRET = b"a secret of a tenant's"
ONE = Prepared((1,), 1, "")


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


async def test_the_load_at_the_end_counts_the_others_alone() -> None:
    desk = Desk()
    alone = await desk.answer(request("hello"))
    assert (end_of(alone).load.running, end_of(alone).load.waiting) == (0, 0)
    other = request("hi")
    with desk.answers.admit(other, await desk.answers.read(other), 0.0):
        beside = await desk.answer(request("hello"))
    assert (end_of(beside).load.running, end_of(beside).load.waiting) == (0, 1)


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


async def test_the_load_at_the_end_leaves_out_the_answer_that_ends() -> None:
    desk = Desk()
    with desk.workload.admit(1):
        load = end_of(await desk.answer(request("hello"))).load
    assert (load.running, load.waiting) == (0, 1)


class Clocked(SimulatedEngine):
    """Takes a quarter of a second for each step, by a clock that is turned by hand."""

    def __init__(self, clock: HandClock, **settings: Any) -> None:
        super().__init__(**settings)
        self._clock = clock

    async def _step(self) -> None:
        await super()._step()
        self._clock.now += 0.25


async def test_a_finished_answer_teaches_the_rates() -> None:
    clock = HandClock()
    desk = Desk(Clocked(clock), clock=clock)
    await desk.answer(request("é" * 4, sampling=Sampling(max_tokens=6)))
    await desk.answer(request(TokenPrompt((1, 2))))
    assert desk.rates.base_seconds == 0.25
    assert desk.rates.service_seconds == pytest.approx(1.5 + 0.1 * (0.5 - 1.5))
    assert desk.rates.bytes_per_token == pytest.approx(1.0 + 0.1 * (4.0 - 1.0))


async def test_the_wait_for_a_slot_is_told_and_teaches_no_rate() -> None:
    clock = HandClock()
    desk = Desk(Clocked(clock, slots=1), clock=clock)
    wanted = request("hello")
    prepared = await desk.answers.read(wanted)
    with desk.answers.admit(wanted, prepared, clock()) as admission:
        async with aclosing(desk.answers.run(admission)) as events:
            await anext(events)
            behind = asyncio.create_task(desk.answer(request("hi")))
            await eventually(lambda: desk.workload.in_flight == 2)
            clock.now += 2.0
    first, *_, last = await behind
    assert isinstance(first, Delta)
    assert first.timings is not None
    assert (first.timings.queue, first.timings.node) == (2.0, 2.25)
    assert end_of([last]).timings.queue == 2.0
    assert desk.rates.base_seconds == 0.25
    assert desk.rates.service_seconds == 0.5


async def test_the_engine_never_has_more_than_its_slots_and_the_others_wait_in_order() -> None:
    engine = CachingEngine(slots=2, step_seconds=60.0)
    desk = Desk(engine)
    asked: list[asyncio.Task[Any]] = []
    for prompt in ("one", "two", "three", "four", "five"):
        asked.append(asyncio.create_task(desk.answer(request(prompt))))
        await eventually(lambda: desk.workload.in_flight == len(asked))
    assert (engine.running, desk.meter.read().waiting) == (2, 5)
    for left in range(3):
        asked[left].cancel()
        await eventually(lambda left=left: len(engine.asked) == 3 + left)
    assert [bytes(one.prompt) for one in engine.asked] == [
        b"one",
        b"two",
        b"three",
        b"four",
        b"five",
    ]
    for one in asked:
        one.cancel()
    await asyncio.gather(*asked, return_exceptions=True)
    assert engine.most == 2
    assert desk.workload.in_flight == 0


async def test_one_that_gives_up_while_it_waits_never_reaches_the_engine() -> None:
    engine = CachingEngine(slots=1, step_seconds=60.0)
    desk = Desk(engine)
    asked = [asyncio.create_task(desk.answer(request())) for _ in range(2)]
    await eventually(lambda: desk.workload.in_flight == 2)
    for one in reversed(asked):
        one.cancel()
    await asyncio.gather(*asked, return_exceptions=True)
    assert len(engine.asked) == 1
    assert desk.workload.in_flight == 0


class Deaf(SimulatedEngine):
    """An engine that must not be asked for tokens."""

    async def tokenize(self, prompt: Prompt) -> tuple[int, ...]:
        raise AssertionError("the prompt was tokenized")


async def test_a_prompt_is_not_looked_at_before_its_ticket() -> None:
    desk = Desk(Deaf(), tickets_required=True)
    desk.trust.learn("plane", trust())
    with pytest.raises(TicketInvalid):
        await desk.answers.read(request())
    with pytest.raises(TicketRefused):
        await desk.answers.read(request(ticket=token(model="another")))


async def test_each_tenant_has_a_salt_of_its_own_and_a_group_has_one_for_all() -> None:
    engine = CachingEngine()
    desk = Desk(engine, tickets_required=True)
    desk.trust.learn("plane", trust())
    for tenant, group in [
        ("acme", ""),
        ("acme", ""),
        ("other", ""),
        ("acme", "readers"),
        ("other", "readers"),
    ]:
        ticket = token(tenant=tenant, group=group, model="simulated")
        await desk.answer(request("hello you", ticket=ticket))
    acme, again, other, shared, as_well = [one.salt for one in engine.asked]
    assert acme == again == desk.prefixes.salt("acme", "")
    assert shared == as_well == desk.prefixes.salt("", "readers")
    assert len({acme, other, shared}) == 3


async def test_what_was_cached_is_told_with_the_first_piece_and_the_last() -> None:
    desk = Desk(CachingEngine())
    await desk.answer(request("hello you"))
    first, *_, last = await desk.answer(request("hello you"))
    assert isinstance(first, Delta)
    assert first.provenance is not None
    assert first.provenance.cached_prompt_tokens == 8
    assert end_of([last]).usage == Usage(9, 8, 9)


async def test_a_prefix_secret_makes_prompt_and_answer_known() -> None:
    desk = Desk(CachingEngine(context_tokens=2048))
    prompt = TextPrompt("x" * 300)
    await desk.answer(request(prompt, prefix_secret=SECRET))
    keys = PrefixSecret(SECRET).keys(continued(prompt, "x" * 300, ()))
    assert len(keys.keys) == 2
    assert set(desk.prefixes.hot()) == set(keys.keys)


async def test_what_is_found_evicted_is_claimed_no_more() -> None:
    engine = CachingEngine(context_tokens=2048)
    desk = Desk(engine)
    prompt = request("x" * 300, prefix_secret=SECRET)
    await desk.answer(prompt)
    assert desk.prefixes.hot()
    engine.evict((120,) * 300, desk.prefixes.salt("", ""))
    assert desk.prefixes.hot() == {}


async def test_a_resident_prompt_meets_a_budget_that_a_cold_one_does_not() -> None:
    desk = Desk(CachingEngine(context_tokens=2048))
    wanted = request("x" * 400, first_token_budget=0.3)
    prepared = await desk.answers.read(wanted)
    _learn(desk)
    with pytest.raises(Overloaded) as caught, desk.answers.admit(wanted, prepared, 0.0):
        pass
    assert (caught.value.field, caught.value.limit) == ("first_token_budget_seconds", "0.500")
    await desk.answer(request("x" * 400))
    _learn(desk)
    with desk.answers.admit(wanted, prepared, 0.0):
        assert desk.workload.in_flight == 1


async def test_an_answer_that_would_come_after_its_deadline_is_refused_at_once() -> None:
    desk = Desk()
    wanted = request("x" * 200)
    prepared = await desk.answers.read(wanted)
    _learn(desk)
    late, early = desk.clock() + 0.31, desk.clock() + 0.29
    with desk.answers.admit(wanted, prepared, 0.0, late):
        assert desk.workload.in_flight == 1
    with pytest.raises(Overloaded) as caught, desk.answers.admit(wanted, prepared, 0.0, early):
        pass
    assert caught.value.field == "timeout_seconds"


def _learn(desk: Desk) -> None:
    """A tenth of a second for any first token, and a millisecond for each byte."""
    desk.rates.base_seconds = 0.1
    desk.rates.prefill_tokens_per_second = 1000.0
    desk.rates.bytes_per_token = 1.0


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
    with desk.answers.admit(request(), ONE, 0.0):
        with pytest.raises(Overloaded), desk.answers.admit(request(), ONE, 0.0):
            pass
        assert desk.workload.in_flight == 1


async def test_the_last_request_of_a_draining_node_drains_it() -> None:
    desk = Desk()
    with desk.answers.admit(request(), ONE, 0.0):
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
    with desk.answers.admit(wanted, Prepared((1, 2, 3), 3, ""), 0.0) as admission:
        async with aclosing(desk.answers.run(admission)) as events:
            await anext(events)
    assert await anext(engine.answer, None) is None
    assert text_of(await desk.answer(wanted)) == "hello"


async def test_two_attempts_of_one_request_may_meet() -> None:
    desk = Desk(SimulatedEngine(step_seconds=0.001))
    wanted = request("hello", sampling=Sampling(max_tokens=10))
    answers = await asyncio.gather(desk.answer(wanted), desk.answer(wanted))
    assert [text_of(events) for events in answers] == ["hellohello"] * 2
