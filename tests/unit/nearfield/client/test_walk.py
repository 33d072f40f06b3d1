import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import aclosing
from dataclasses import replace
from typing import Any

import pytest

from nearfield.client.answer import Record
from nearfield.client.budget import FIELD
from nearfield.client.knowledge import Knowledge
from nearfield.client.leases import Leases
from nearfield.client.prompts import Fingerprint, fingerprint
from nearfield.client.round_trips import RoundTrips
from nearfield.client.walk import Walk
from nearfield.core.constraints import Constraints, Preferences
from nearfield.core.errors import (
    EngineDied,
    NearfieldError,
    NoCandidate,
    NotTakingWork,
    Overloaded,
    TicketExpired,
    TicketInvalid,
    TicketRevoked,
    TimedOut,
    Unreachable,
)
from nearfield.core.inference import AttemptKind, Request, TextPrompt
from nearfield.core.node import NodeLoad
from nearfield.core.prediction import RoundTrip, RoundTripSource, predict
from nearfield.core.route import Candidate, Tier
from tests.support.nearfield_builders import candidate, first_delta, request
from tests.support.routes import ScriptedRoutes
from tests.support.turned_time import TurnedTime, settle

SECRET = b"s" * 32
SIBLINGS = [f"node-{number}" for number in range(5)]


def at(node: str, milliseconds: float, **changes: Any) -> Candidate:
    told = predict(RoundTrip(milliseconds / 1000, RoundTripSource.GEOGRAPHY), candidate().load)
    return candidate(node, **{"prediction": told, **changes})


A, B, C = at("a", 10), at("b", 50), at("c", 250)


class Scene:
    """Walks of one client over what a control plane without a network answers."""

    def __init__(self, *candidates: Candidate, **changes: Any) -> None:
        self.routes, self.time = ScriptedRoutes(*candidates, **changes), TurnedTime()
        self.leases = Leases(self.routes.route, self.time, self.time.sleep, random.Random(1))
        trips = RoundTrips(self.time)
        self.knowledge = Knowledge(trips, lambda _: True, self.time, random.Random(1))
        self.sent: list[Request] = []
        self.walk, self.record = self.new_walk(), Record()

    def new_walk(self, prompt: Fingerprint | None = None, **changes: Any) -> Walk:
        self.record = Record()
        asked = request(
            model="", constraints=Constraints(("eu",)), preferences=Preferences(("aws",))
        )
        self.walk = Walk(
            asked,
            prompt or Fingerprint(13),
            self.leases,
            self.knowledge,
            self.record,
            **{"route_seconds": 0.1, **changes},
        )
        return self.walk

    async def go(self, *errors: NearfieldError) -> list[str]:
        """Walk on while each candidate fails with the next of some errors, then with the last."""
        left, nodes = list(errors), []
        async with aclosing(self.walk.sendings({})) as sendings:
            async for sending in sendings:
                nodes.append(sending.candidate.node)
                self.sent.append(sending.request)
                await settle()  # what is asked in the background is answered by then
                if not left:
                    break
                self.walk.go_on_after(sending, left.pop(0) if len(left) > 1 else left[0])
        return nodes

    async def ask(self, text: str, **changes: Any) -> str:
        """Answer one prompt from what is cached, and return the node that was chosen."""
        prompt = fingerprint(TextPrompt(text), SECRET)
        held = self.knowledge.prefixes.residency(prompt.keys, list("abc") + SIBLINGS)
        async with aclosing(self.new_walk(prompt, **changes).sendings({})) as sendings:
            sending = await anext(sendings)
            first = first_delta()
            assert first.provenance is not None
            cached = held.get(sending.candidate.node, 0)
            found = replace(first.provenance, cached_prompt_tokens=cached)
            sending.note(replace(first, provenance=found))
        return sending.candidate.node


@pytest.fixture
async def scenes() -> AsyncIterator[Any]:
    made: list[Scene] = []

    def make(*candidates: Candidate, **changes: Any) -> Scene:
        made.append(Scene(*candidates, **changes))
        made[-1].new_walk()
        return made[-1]

    yield make
    for scene in made:
        await scene.leases.aclose()


async def test_candidates_come_soonest_first_by_what_was_measured(scenes: Any) -> None:
    scene = scenes(A, B, C)
    for node, seconds in (("c", 0.001), ("b", 0.2), ("a", 0.3)):
        scene.knowledge.round_trips.observe(node, seconds)
    assert await scene.go() == ["c"]
    assert scene.record.candidate == C
    assert scene.record.prediction is not None
    assert scene.record.prediction.round_trip.seconds == 0.001
    assert scene.record.predicted == scene.record.prediction.ttft


async def test_the_question_says_what_is_wanted_and_what_may_be_told(scenes: Any) -> None:
    scene = scenes(A)
    prompt = fingerprint(TextPrompt("x" * 600), SECRET)
    scene.new_walk(prompt)
    await scene.go()
    (query,) = scene.routes.asked
    assert (query.constraints, query.preferences) == (Constraints(("eu",)), Preferences(("aws",)))
    assert (query.prefix, query.prompt_size) == (prompt.prefix, 600)
    assert not query.early


async def test_after_the_last_failure_a_new_lease_leaves_out_who_failed(scenes: Any) -> None:
    scene = scenes(A, B)
    with pytest.raises(Unreachable):
        await scene.go(Unreachable("refused"))
    excluded = [query.excluded_nodes for query in scene.routes.asked]
    assert excluded == [frozenset(), frozenset({"a", "b"})]


async def test_each_node_is_asked_once_even_where_a_new_lease_names_it_again(scenes: Any) -> None:
    scene = scenes(A, B)
    scene.routes.heeds_exclusions = False
    with pytest.raises(NotTakingWork):
        await scene.go(NotTakingWork("draining"))
    assert [sent.attempt for sent in scene.sent] == [0, 1]


async def test_with_nobody_left_the_last_failure_is_raised(scenes: Any) -> None:
    error = Unreachable("refused")
    with pytest.raises(Unreachable) as caught:
        await scenes(A).go(error)
    assert caught.value is error


async def test_what_the_control_plane_answers_is_raised(scenes: Any) -> None:
    scene = scenes(A)
    scene.routes.down = NoCandidate("nobody")
    with pytest.raises(NoCandidate, match="nobody"):
        await scene.go()


async def test_a_lease_without_candidates_is_not_taken_for_an_answer(scenes: Any) -> None:
    scene = scenes(A)
    scene.routes.candidates = ()
    with pytest.raises(NoCandidate):
        await scene.go()


async def test_attempts_are_numbered_and_say_why_they_are_made(scenes: Any) -> None:
    scene = scenes(A, B)
    with pytest.raises(EngineDied):
        await scene.go(EngineDied("gone"))
    assert [sent.attempt_kind for sent in scene.sent] == [AttemptKind.FIRST, AttemptKind.RETRY]
    assert {sent.request_id for sent in scene.sent} == {"req-1"}
    assert scene.record.attempts == 2


async def test_the_request_names_the_leases_model_and_carries_its_ticket(scenes: Any) -> None:
    scene = scenes(A)
    await scene.go()
    (sent,) = scene.sent
    assert (sent.model, sent.ticket) == ("qwen3-8b", "ticket-1")


@pytest.mark.parametrize("error", [EngineDied("gone"), TicketRevoked("void")])
async def test_an_answer_that_has_begun_is_not_begun_again(
    scenes: Any, error: NearfieldError
) -> None:
    scene = scenes(A, B)
    scene.record.note(first_delta(), 0.1)
    with pytest.raises(type(error)) as caught:
        await scene.go(error)
    assert caught.value is error
    assert len(scene.sent) == 1


async def test_a_deadline_that_has_passed_has_passed_everywhere(scenes: Any) -> None:
    scene = scenes(A, B)
    with pytest.raises(TimedOut):
        await scene.go(TimedOut("too late"))
    assert len(scene.sent) == 1


async def test_nobody_is_asked_once_the_deadline_has_passed(scenes: Any) -> None:
    scene = scenes(A)
    scene.new_walk(deadline=scene.time.now)
    with pytest.raises(TimedOut):
        await scene.go()
    assert scene.routes.asked == []


async def test_time_spent_asking_is_the_routes_share(scenes: Any) -> None:
    scene = scenes(A)
    scene.routes.open.clear()
    going = asyncio.create_task(scene.go())
    await settle()
    scene.time.advance(0.2)
    scene.routes.open.set()
    await going
    assert scene.record.split.route == pytest.approx(0.2)
    scene.new_walk()
    await scene.go()
    assert scene.record.split.route == 0.0


@pytest.mark.parametrize(
    "error", [TicketExpired("over"), TicketRevoked("void"), TicketInvalid("what")]
)
async def test_a_ticket_that_is_not_taken_is_renewed_once(
    scenes: Any, error: NearfieldError
) -> None:
    scene = scenes(A, B)
    with pytest.raises(type(error)):
        await scene.go(error)
    assert [sent.ticket for sent in scene.sent] == ["ticket-1", "ticket-2"]
    assert [query.excluded_nodes for query in scene.routes.asked] == [frozenset(), frozenset()]


async def test_a_renewed_ticket_leaves_all_retries_to_the_request(scenes: Any) -> None:
    scene = scenes(A, B)
    with pytest.raises(NotTakingWork):
        await scene.go(TicketExpired("over"), NotTakingWork("draining"))
    assert [sent.ticket for sent in scene.sent] == ["ticket-1", "ticket-2", "ticket-2"]
    assert len(scene.routes.asked) == 3


async def test_a_failure_ends_the_lease_for_the_next_request(scenes: Any) -> None:
    scene = scenes(A, B)
    async with aclosing(scene.walk.sendings({})) as sendings:
        scene.walk.go_on_after(await anext(sendings), NotTakingWork("draining"))
        await anext(sendings)
    scene.new_walk()
    await scene.go()
    assert len(scene.routes.asked) == 2


async def test_how_far_a_request_has_spilled_is_recorded(scenes: Any) -> None:
    scene = scenes(A, at("core", 90, tier=Tier.CORE))
    assert scene.record.tier is None
    with pytest.raises(NotTakingWork):
        await scene.go(NotTakingWork("full"))
    assert scene.record.tier is Tier.CORE


SYSTEM = "You answer questions about shipping. " * 60
"""2.2 kB: a quarter of a second of prefill at the rate assumed of an unknown node."""


async def test_a_burst_of_siblings_lands_on_one_node(scenes: Any) -> None:
    scene = scenes(*(at(node, 20) for node in SIBLINGS))
    nodes = {await scene.ask(f"{SYSTEM}Where is parcel {number}?") for number in range(8)}
    assert len(nodes) == 1


async def test_a_burst_that_was_not_answered_yet_lands_on_one_node_too(scenes: Any) -> None:
    slots = NodeLoad(slots=64)
    scene = scenes(*(at(node, 20, load=slots) for node in SIBLINGS))
    nodes, open_walks = set(), []
    for number in range(8):
        prompt = fingerprint(TextPrompt(f"{SYSTEM}Where is parcel {number}?"), SECRET)
        sendings = scene.new_walk(prompt).sendings({})
        open_walks.append(sendings)
        nodes.add((await anext(sendings)).candidate.node)
    assert len(nodes) == 1
    for sendings in open_walks:
        await sendings.aclose()


async def test_different_prompts_spread(scenes: Any) -> None:
    slots = NodeLoad(slots=64)
    scene = scenes(*(at(node, 20, load=slots) for node in SIBLINGS))
    nodes = {await scene.ask(f"{number} " * 300, route_seconds=None) for number in range(40)}
    assert len(nodes) == 5


async def test_a_long_unknown_prompt_is_worth_an_early_question(scenes: Any) -> None:
    scene = scenes(A, B)
    await scene.ask("hi")
    await scene.ask(SYSTEM)
    assert [query.early for query in scene.routes.asked] == [False, True]
    assert scene.routes.asked[1].prefix is not None
    assert scene.record.early
    assert scene.leases.early == 1


async def test_what_an_early_question_hints_decides(scenes: Any) -> None:
    scene = scenes(A, B)
    await scene.ask("hi")
    key = fingerprint(TextPrompt(SYSTEM), SECRET).keys[-1]
    scene.knowledge.prefixes.hint("b", {key: 2000})
    assert await scene.ask(SYSTEM) == "b"


@pytest.mark.parametrize(
    ("text", "route_seconds"),
    [("short", 0.1), (SYSTEM, 0.2), (SYSTEM, None)],
    ids=["no keys", "saves too little", "not measured"],
)
async def test_what_does_not_pay_is_not_asked_early(
    scenes: Any, text: str, route_seconds: float | None
) -> None:
    scene = scenes(A)
    await scene.ask("hi")
    await scene.ask(text, route_seconds=route_seconds)
    assert len(scene.routes.asked) == 1
    assert not scene.record.early


async def test_a_prompt_whose_start_is_known_is_not_asked_early(scenes: Any) -> None:
    scene = scenes(A)
    await scene.ask(SYSTEM)
    await scene.ask(SYSTEM + "and more " * 500)
    assert len(scene.routes.asked) == 1


async def test_only_one_early_question_is_asked_in_a_lease(scenes: Any) -> None:
    scene = scenes(A)
    await scene.ask("hi")
    await scene.ask(SYSTEM)
    await scene.ask(SYSTEM[::-1])
    assert [query.early for query in scene.routes.asked] == [False, True]
    assert not scene.record.early


async def test_what_a_request_has_asked_itself_is_not_asked_early_again(scenes: Any) -> None:
    scene = scenes(A)
    await scene.ask(SYSTEM)
    assert [query.early for query in scene.routes.asked] == [False]


def late(wait: float) -> Overloaded:
    return Overloaded("late", field=FIELD, retry_after=wait)


async def test_each_of_a_first_lease_may_take_the_time_of_the_next_and_the_last_of_a_question(
    scenes: Any,
) -> None:
    scene = scenes(A, B, C)
    with pytest.raises(NotTakingWork):
        await scene.go(NotTakingWork("draining"))
    budgets = [sent.first_token_budget for sent in scene.sent]
    assert budgets == pytest.approx([0.051625, 0.251625, 0.111625])


async def test_without_a_measured_question_the_last_may_take_any_time(scenes: Any) -> None:
    scene = scenes(A, B)
    scene.new_walk(route_seconds=None)
    with pytest.raises(NotTakingWork):
        await scene.go(NotTakingWork("draining"))
    assert [sent.first_token_budget is None for sent in scene.sent] == [False, True]


async def test_one_decline_does_not_end_the_lease(scenes: Any) -> None:
    scene = scenes(A, B, C)
    async with aclosing(scene.walk.sendings({})) as sendings:
        scene.walk.go_on_after(await anext(sendings), late(2.0))
        assert (await anext(sendings)).candidate == B
    scene.new_walk()
    await scene.go()
    assert len(scene.routes.asked) == 1


async def test_after_two_declines_a_new_lease_is_asked_for_without_them(scenes: Any) -> None:
    scene = scenes(A, B, C)
    async with aclosing(scene.walk.sendings({})) as sendings:
        for wait in (5.0, 2.0):
            scene.walk.go_on_after(await anext(sendings), late(wait))
        third = await anext(sendings)
    assert third.candidate == C
    assert third.request.first_token_budget == pytest.approx(2.05)
    assert scene.routes.asked[1].excluded_nodes == {"a", "b"}
    assert (scene.record.attempts, scene.record.declines) == (3, 2)


async def test_the_next_requests_have_those_who_declined_in_their_lease_again(scenes: Any) -> None:
    scene = scenes(A, B, C)
    async with aclosing(scene.walk.sendings({})) as sendings:
        for _ in range(2):
            scene.walk.go_on_after(await anext(sendings), late(5.0))
        await anext(sendings)
        await settle()
    assert [query.excluded_nodes for query in scene.routes.asked] == [
        frozenset(),
        {"a", "b"},
        frozenset(),
    ]
    assert not scene.routes.asked[2].prompt_size


async def test_who_declined_is_asked_again_without_a_budget_by_round_trip_and_wait(
    scenes: Any,
) -> None:
    scene = scenes(A, B, C)
    waits = [late(5.0), late(4.99), late(4.7), Unreachable("gone")]
    with pytest.raises(Unreachable):
        await scene.go(*waits)
    nodes = [sent.first_token_budget for sent in scene.sent[3:]]
    assert nodes == [None, None, None]
    assert scene.record.candidate == B  # 5.04 s, after 5.01 s and 4.95 s
    assert scene.record.attempts == 6


async def test_a_node_that_fails_when_it_is_asked_again_is_not_asked_a_third_time(
    scenes: Any,
) -> None:
    scene = scenes(A, B)
    with pytest.raises(NotTakingWork):
        await scene.go(late(5.0), late(4.0), NotTakingWork("draining"))
    assert len(scene.sent) == 4


async def test_a_ticket_that_ends_when_a_node_is_asked_again_is_renewed(scenes: Any) -> None:
    scene = scenes(A, B)
    draining = NotTakingWork("draining")
    errors = [late(5.0), late(4.0), draining, TicketExpired("over"), draining]
    with pytest.raises(NotTakingWork):
        await scene.go(*errors)
    tickets = [sent.ticket for sent in scene.sent]
    assert tickets[:4] == ["ticket-1", "ticket-1", "ticket-2", "ticket-2"]
    assert len(tickets) == 5
    assert tickets[4] not in tickets[:4]
    # A question of a request's own tells of its prompt; those in the background do not.
    asked = [query.excluded_nodes for query in scene.routes.asked if query.prompt_size]
    assert asked == [frozenset(), {"a", "b"}, {"b"}]


async def test_the_deadline_holds_for_those_who_declined(scenes: Any) -> None:
    scene = scenes(A, B)
    scene.new_walk(deadline=scene.time.now + 1.0)
    scene.routes.heeds_exclusions = False
    async with aclosing(scene.walk.sendings({})) as sendings:
        for wait in (5.0, 4.0):
            scene.walk.go_on_after(await anext(sendings), late(wait))
        scene.time.advance(2.0)
        with pytest.raises(TimedOut):
            await anext(sendings)
    assert scene.record.attempts == 2


async def test_a_budget_of_the_callers_that_is_not_met_is_no_decline(scenes: Any) -> None:
    scene = scenes(A, B)
    scene.walk._request = replace(scene.walk._request, first_token_budget=0.001)
    with pytest.raises(Overloaded):
        await scene.go(late(5.0))
    assert [sent.first_token_budget for sent in scene.sent] == [0.001, 0.001]
    assert scene.record.declines == 0
