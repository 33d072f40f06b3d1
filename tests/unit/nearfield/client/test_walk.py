from collections.abc import Mapping

import pytest

from nearfield.client.answer import Record
from nearfield.client.leases import Leases
from nearfield.client.round_trips import RoundTrips
from nearfield.client.walk import Walk
from nearfield.core.errors import (
    EngineDied,
    NearfieldError,
    NoCandidate,
    NotTakingWork,
    TimedOut,
    Unreachable,
)
from nearfield.core.inference import AttemptKind, Request
from nearfield.core.route import Candidate, Lease, RouteQuery
from tests.support.nearfield_builders import candidate, first_delta, lease, request

A, B, C = candidate("a"), candidate("b"), candidate("c")


class Scene:
    """A walk over the leases it is given, one a question."""

    def __init__(self, *leases: list[Candidate] | NearfieldError) -> None:
        self.answers = list(leases)
        self.queries: list[RouteQuery] = []
        self.record = Record()
        self.trips = RoundTrips()
        self.sent: list[Request] = []
        self.walk = Walk(request(model=""), Leases(self._route), self.trips, self.record)

    async def _route(self, query: RouteQuery, trace: Mapping[str, str]) -> Lease:
        self.queries.append(query)
        answer = self.answers.pop(0)
        if isinstance(answer, NearfieldError):
            raise answer
        return lease(*answer)

    async def go(self, error: NearfieldError | None = None) -> list[str]:
        """Walk on while every candidate fails with `error`."""
        asked = []
        async for one, sent in self.walk.candidates({}):
            asked.append(one.node)
            self.sent.append(sent)
            if error is not None:
                self.walk.go_on_after(one, error)
        return asked


async def test_candidates_come_soonest_first() -> None:
    scene = Scene([C, A, B], [A])
    scene.trips.observe("c", 0.001)
    scene.trips.observe("b", 0.002)
    scene.trips.observe("a", 0.003)
    async for one, _ in scene.walk.candidates({}):
        assert one.node == "c"
        break
    assert scene.record.prediction is not None
    assert scene.record.prediction.round_trip.seconds == 0.001


async def test_after_the_last_failure_a_new_lease_leaves_out_who_failed() -> None:
    scene = Scene([A, B], [C])
    with pytest.raises(Unreachable):
        await scene.go(Unreachable("refused"))
    assert [query.excluded_nodes for query in scene.queries] == [frozenset(), frozenset({"a", "b"})]


async def test_each_node_is_asked_once_even_where_a_new_lease_names_it_again() -> None:
    scene = Scene([A, B], [B, A, C])
    with pytest.raises(NotTakingWork):
        await scene.go(NotTakingWork("draining"))
    assert [sent.attempt for sent in scene.sent] == [0, 1, 2]


async def test_with_nobody_left_the_last_failure_is_raised() -> None:
    error = Unreachable("refused")
    with pytest.raises(Unreachable) as caught:
        await Scene([A], [A]).go(error)
    assert caught.value is error


async def test_what_the_control_plane_answers_is_raised() -> None:
    with pytest.raises(NoCandidate, match="nobody"):
        await Scene([A], NoCandidate("nobody")).go(Unreachable("refused"))


async def test_a_lease_without_candidates_is_not_taken_for_an_answer() -> None:
    with pytest.raises(NoCandidate):
        await Scene([], []).go()


async def test_attempts_are_numbered_and_say_why_they_are_made() -> None:
    scene = Scene([A, B], [])
    with pytest.raises(EngineDied):
        await scene.go(EngineDied("gone"))
    assert [sent.attempt_kind for sent in scene.sent] == [AttemptKind.FIRST, AttemptKind.RETRY]
    assert {sent.request_id for sent in scene.sent} == {"req-1"}
    assert scene.record.attempts == 2


async def test_the_model_is_the_one_that_the_lease_is_for() -> None:
    scene = Scene([A], [])
    with pytest.raises(Unreachable):
        await scene.go(Unreachable("refused"))
    assert scene.sent[0].model == lease().model


async def test_an_answer_that_has_begun_is_not_begun_again() -> None:
    scene = Scene([A, B])
    scene.record.note(first_delta(), 0.1)
    error = EngineDied("gone")
    with pytest.raises(EngineDied) as caught:
        await scene.go(error)
    assert caught.value is error
    assert len(scene.sent) == 1


async def test_a_deadline_that_has_passed_has_passed_everywhere() -> None:
    scene = Scene([A, B])
    with pytest.raises(TimedOut):
        await scene.go(TimedOut("too late"))
    assert len(scene.sent) == 1


async def test_time_spent_asking_is_the_routes_share() -> None:
    scene = Scene([A], [])
    with pytest.raises(Unreachable):
        await scene.go(Unreachable("refused"))
    assert scene.record.split.route > 0
