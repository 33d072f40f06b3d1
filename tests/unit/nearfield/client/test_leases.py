import asyncio
import random
from collections.abc import AsyncIterator, Callable
from dataclasses import replace

import pytest

from nearfield.client import leases as module
from nearfield.client.leases import LeaseKey, Leases
from nearfield.core.constraints import Constraints, Preferences
from nearfield.core.errors import (
    DirectoryUnavailable,
    NearfieldError,
    NoCandidate,
    TimedOut,
    Unreachable,
)
from nearfield.core.geo import Position
from nearfield.core.prediction import RoundTrip, RoundTripSource
from nearfield.core.route import Lease, RouteQuery
from tests.support.records import FRANKFURT
from tests.support.routes import ScriptedRoutes
from tests.support.turned_time import TurnedTime, settle

PARIS = Position(48.86, 2.35)
QUERY = RouteQuery("m", FRANKFURT)
Make = Callable[..., tuple[Leases, ScriptedRoutes, TurnedTime]]


@pytest.fixture
async def make() -> AsyncIterator[Make]:
    opened: list[Leases] = []

    def made(**changes: object) -> tuple[Leases, ScriptedRoutes, TurnedTime]:
        """Return leases of 30 s that are renewed between 15 and 22.5 s."""
        routes, time = ScriptedRoutes(**{"renew_after": 15.0, **changes}), TurnedTime()
        opened.append(Leases(routes.route, time, time.sleep, random.Random(1)))
        return opened[-1], routes, time

    yield made
    for leases in opened:
        await leases.aclose()


async def get(leases: Leases, query: RouteQuery = QUERY) -> Lease:
    return (await leases.get(query, {})).lease


async def test_a_lease_that_is_not_used_is_not_renewed_and_ends(make: Make) -> None:
    leases, routes, time = make()
    await get(leases)
    await time.turn(30.0)
    assert len(routes.asked) == 1
    assert (await get(leases)).lease_id == "lease-2"
    assert leases.awaited == 2


async def test_a_lease_in_use_is_renewed_in_the_background(make: Make) -> None:
    leases, routes, time = make()
    await get(leases)
    await get(leases)
    await time.turn(14.9)
    assert len(routes.asked) == 1
    await time.turn(7.6)
    assert len(routes.asked) == 2
    assert await leases.get(QUERY, {}) == module.Grant(
        replace(await get(leases), lease_id="lease-2"), awaited=False
    )
    assert leases.awaited == 1


async def test_in_steady_state_no_request_waits_for_the_control_plane(make: Make) -> None:
    leases, routes, time = make()
    for _ in range(600):
        await get(leases)
        await time.turn(1.0)
    assert leases.awaited == 1
    assert 600 / 22.5 <= len(routes.asked) <= 600 / 15 + 1


async def test_a_request_does_not_wait_for_a_renewal_that_is_slow(make: Make) -> None:
    leases, routes, time = make()
    await get(leases)
    await get(leases)
    routes.open.clear()
    await time.turn(29.9)
    assert len(routes.asked) == 2
    assert (await get(leases)).lease_id == "lease-1"
    assert leases.awaited == 1


async def test_one_who_finds_the_lease_over_waits_for_the_renewal_under_way(make: Make) -> None:
    leases, routes, time = make()
    await get(leases)
    await get(leases)
    routes.open.clear()
    await time.turn(30.0)
    waiting = asyncio.create_task(leases.get(QUERY, {}))
    await settle()
    routes.open.set()
    assert (await waiting).lease.lease_id == "lease-2"
    assert (len(routes.asked), leases.awaited) == (2, 2)


async def test_a_use_after_the_moment_of_renewal_still_renews_in_time(make: Make) -> None:
    leases, routes, time = make()
    await get(leases)
    await time.turn(29.0)
    assert len(routes.asked) == 1
    assert (await get(leases)).lease_id == "lease-1"
    await settle()
    assert (await get(leases)).lease_id == "lease-2"
    assert leases.awaited == 1


async def test_clients_with_the_same_lease_renew_at_different_moments() -> None:
    moments = set()
    for seed in range(20):
        routes, time = ScriptedRoutes(renew_after=15.0), TurnedTime()
        leases = Leases(routes.route, time, time.sleep, random.Random(seed))
        await get(leases)
        await get(leases)
        while len(routes.asked) < 2:
            await time.turn(0.25)
        moments.add(time.now)
        await leases.aclose()
    assert len(moments) > 10


async def test_a_lease_without_a_moment_for_it_is_renewed_after_half_its_time(make: Make) -> None:
    leases, routes, time = make(renew_after=0.0)
    await get(leases)
    await get(leases)
    await time.turn(14.9)
    assert len(routes.asked) == 1
    await time.turn(7.7)
    assert len(routes.asked) == 2


async def test_the_background_question_is_plain(make: Make) -> None:
    leases, routes, time = make()
    asked = replace(QUERY, prompt_size=9000, constraints=Constraints(("eu",)))
    await get(leases, asked)
    await get(leases, asked)
    await time.turn(22.5)
    assert routes.asked == [asked, RouteQuery("m", FRANKFURT, Constraints(("eu",)))]


async def test_many_requests_at_once_ask_one_question(make: Make) -> None:
    leases, routes, _ = make()
    routes.open.clear()
    waiting = [asyncio.create_task(get(leases)) for _ in range(100)]
    await settle()
    routes.open.set()
    assert {one.lease_id for one in await asyncio.gather(*waiting)} == {"lease-1"}
    assert (len(routes.asked), leases.awaited) == (1, 1)


async def test_all_who_wait_for_a_question_that_fails_learn_why(make: Make) -> None:
    leases, routes, _ = make()
    routes.failures.append(NoCandidate("nobody"))
    got = await asyncio.gather(*(get(leases) for _ in range(5)), return_exceptions=True)
    assert [type(one) for one in got] == [NoCandidate] * 5
    assert len(routes.asked) == 1
    assert (await get(leases)).lease_id == "lease-2"


async def test_one_that_gives_up_while_asking_leaves_the_others_its_answer(make: Make) -> None:
    leases, routes, _ = make()
    routes.open.clear()
    first, second = (asyncio.create_task(get(leases)) for _ in range(2))
    await settle()
    first.cancel()
    await settle()
    routes.open.set()
    assert (await second).lease_id == "lease-1"
    assert first.cancelled()


async def test_a_question_that_all_gave_up_fails_in_silence(make: Make) -> None:
    leases, routes, _ = make()
    routes.open.clear()
    routes.failures.append(NoCandidate("nobody"))
    only = asyncio.create_task(get(leases))
    await settle()
    only.cancel()
    routes.open.set()
    await settle()
    assert (await get(leases)).lease_id == "lease-2"


@pytest.mark.parametrize(
    "other",
    [
        RouteQuery("other", FRANKFURT),
        RouteQuery("m", PARIS),
        RouteQuery("m", FRANKFURT, Constraints(("eu",))),
        RouteQuery("m", FRANKFURT, preferences=Preferences(("aws",))),
    ],
    ids=["model", "origin", "constraints", "preferences"],
)
async def test_requests_that_differ_do_not_share_a_lease(make: Make, other: RouteQuery) -> None:
    leases, routes, _ = make()
    assert await get(leases) != await get(leases, other)
    assert routes.asked == [QUERY, other]


async def test_what_is_known_of_prompts_and_nodes_does_not_end_a_lease(make: Make) -> None:
    leases, routes, _ = make()
    measured = {"fra1-a": RoundTrip(0.01, RoundTripSource.MEASURED)}
    later = replace(QUERY, round_trips=measured, prompt_size=9, excluded_nodes=frozenset({"b"}))
    assert await get(leases) is await get(leases, later)
    assert LeaseKey.of(QUERY) == LeaseKey.of(later)
    assert len(routes.asked) == 1


async def test_an_expired_lease_is_asked_for_anew(make: Make) -> None:
    leases, _, _ = make()
    await get(leases)
    leases.expire(QUERY)
    assert (await get(leases)).lease_id == "lease-2"


async def test_what_is_not_held_can_neither_expire_nor_be_dropped(make: Make) -> None:
    leases, _, _ = make()
    leases.expire(QUERY)
    leases.drop(QUERY)
    assert (await get(leases)).lease_id == "lease-1"


async def test_the_question_carries_the_trace_it_is_asked_under(make: Make) -> None:
    leases, routes, _ = make()
    await leases.get(QUERY, {"traceparent": "00-ab"})
    assert routes.traces == [{"traceparent": "00-ab"}]


@pytest.mark.parametrize(
    "away", [Unreachable("gone"), TimedOut("silent"), DirectoryUnavailable("no Consul")]
)
async def test_while_the_control_plane_is_away_a_lease_holds_as_long_as_its_ticket(
    make: Make, away: NearfieldError
) -> None:
    leases, routes, time = make(ticket_ttl=900.0)
    await get(leases)
    await get(leases)
    routes.down = away
    for _ in range(89):
        await time.turn(10.0)
        assert (await get(leases)).lease_id == "lease-1"
    assert leases.awaited == 1
    await time.turn(10.0)
    with pytest.raises(type(away)):
        await get(leases)


async def test_when_the_control_plane_is_back_the_lease_is_renewed_in_the_background(
    make: Make,
) -> None:
    leases, routes, time = make(ticket_ttl=900.0)
    await get(leases)
    await get(leases)
    routes.down = Unreachable("gone")
    await time.turn(60.0)
    await get(leases)
    routes.down = None
    await time.turn(5.0)
    assert (await get(leases)).ticket == f"ticket-{len(routes.asked)}"
    assert leases.awaited == 1


async def test_failing_renewals_are_spaced_out(make: Make) -> None:
    leases, routes, time = make(ticket_ttl=900.0)
    await get(leases)
    await get(leases)
    routes.down = Unreachable("gone")
    await time.turn(100.0)
    assert 15 <= len(routes.asked) <= 45  # the pause grows to 2.5 to 5 seconds


async def test_a_lease_found_over_holds_on_where_nobody_answers_and_is_awaited_once(
    make: Make,
) -> None:
    leases, routes, time = make(ticket_ttl=900.0)
    await get(leases)
    await time.turn(40.0)
    routes.down = Unreachable("gone")
    for _ in range(3):
        assert (await get(leases)).lease_id == "lease-1"
    assert leases.awaited == 2


async def test_an_expired_lease_holds_on_where_nobody_answers(make: Make) -> None:
    leases, routes, _ = make(ticket_ttl=900.0)
    await get(leases)
    leases.expire(QUERY)
    routes.down = Unreachable("gone")
    assert (await get(leases)).lease_id == "lease-1"


async def test_a_node_that_fails_meanwhile_makes_nobody_wait_again(make: Make) -> None:
    leases, routes, time = make(ticket_ttl=900.0)
    await get(leases)
    await get(leases)
    routes.down = Unreachable("gone")
    await time.turn(40.0)
    leases.expire(QUERY)
    assert (await get(leases)).lease_id == "lease-1"
    assert leases.awaited == 1


async def test_a_dropped_lease_does_not_hold_on(make: Make) -> None:
    leases, routes, _ = make(ticket_ttl=900.0)
    await get(leases)
    leases.drop(QUERY)
    routes.down = Unreachable("gone")
    with pytest.raises(Unreachable):
        await get(leases)


async def test_without_a_ticket_a_lease_ends_when_it_ends(make: Make) -> None:
    leases, routes, time = make(ticket_ttl=0.0)
    await get(leases)
    await get(leases)
    routes.down = Unreachable("gone")
    await time.turn(29.9)
    await get(leases)
    await time.turn(0.1)
    with pytest.raises(Unreachable):
        await get(leases)


async def test_what_the_control_plane_refuses_is_raised_once_the_lease_is_over(make: Make) -> None:
    leases, routes, time = make(ticket_ttl=900.0)
    await get(leases)
    await get(leases)
    routes.down = NoCandidate("nobody")
    await time.turn(29.9)
    assert (await get(leases)).lease_id == "lease-1"
    await time.turn(0.1)
    with pytest.raises(NoCandidate):
        await get(leases)


async def test_an_early_question_is_marked_and_asked_once_a_lease(make: Make) -> None:
    leases, routes, _ = make()
    await get(leases)
    early = await leases.get_early(QUERY, {})
    assert early is not None
    assert (early.lease_id, await get(leases)) == ("lease-2", early)
    assert [query.early for query in routes.asked] == [False, True]
    assert await leases.get_early(QUERY, {}) is None
    assert (leases.early, leases.awaited) == (1, 2)


async def test_the_next_lease_allows_another_early_question(make: Make) -> None:
    leases, _, time = make()
    await get(leases)
    await leases.get_early(QUERY, {})
    await get(leases)
    await time.turn(22.5)
    assert await leases.get_early(QUERY, {}) is not None
    assert leases.early == 2


async def test_an_early_question_that_fails_costs_nothing_but_its_time(make: Make) -> None:
    leases, routes, _ = make()
    await get(leases)
    routes.failures.append(NoCandidate("nobody"))
    assert await leases.get_early(QUERY, {}) is None
    assert (await get(leases)).lease_id == "lease-1"


async def test_nothing_is_asked_early_without_a_lease_or_beside_a_question(make: Make) -> None:
    leases, routes, _ = make()
    assert await leases.get_early(QUERY, {}) is None
    await get(leases)
    leases.expire(QUERY)
    routes.open.clear()
    waiting = asyncio.create_task(get(leases))
    await settle()
    assert await leases.get_early(QUERY, {}) is None
    assert (len(routes.asked), leases.early) == (2, 0)
    routes.open.set()
    await waiting


async def test_closing_ends_renewals_and_questions_and_twice_is_once(make: Make) -> None:
    leases, routes, time = make()
    await get(leases)
    await get(leases)
    await settle()
    assert time.sleepers == 1
    routes.open.clear()
    waiting = asyncio.create_task(get(leases, RouteQuery("other")))
    await settle()
    await leases.aclose()
    await leases.aclose()
    assert time.sleepers == 0
    with pytest.raises(Unreachable, match="closed"):
        await waiting


async def test_asking_from_ever_new_places_keeps_a_bounded_number_of_leases(
    make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "KEYS_MOST", 8)
    leases, routes, _ = make(ticket_ttl=900.0)
    for step in range(9):
        await get(leases, RouteQuery("m", Position(0.0, step / 2)))
    await get(leases, RouteQuery("m", Position(0.0, 0.5)))
    assert len(routes.asked) == 9
    await get(leases, RouteQuery("m", Position(0.0, 0.0)))
    assert len(routes.asked) == 10


async def test_leases_that_are_over_are_forgotten(make: Make) -> None:
    leases, _, time = make()
    await get(leases)
    await time.turn(30.0)
    await get(leases, RouteQuery("other"))
    assert list(leases._held) == [LeaseKey.of(RouteQuery("other"))]


async def test_a_lease_is_asked_for_anew_while_the_one_at_hand_holds(make: Make) -> None:
    leases, routes, _ = make()
    await get(leases, replace(QUERY, excluded_nodes=frozenset({"b"}), prompt_size=9))
    leases.refresh(replace(QUERY, excluded_nodes=frozenset({"b"}), prompt_size=9))
    assert (await get(leases)).lease_id == "lease-1"
    await settle()
    assert (await get(leases)).lease_id == "lease-2"
    assert routes.asked[1] == QUERY
    assert leases.awaited == 1


async def test_a_question_in_the_background_that_fails_harms_nobody(make: Make) -> None:
    leases, routes, _ = make()
    await get(leases)
    routes.down = Unreachable("gone")
    leases.refresh(QUERY)
    await settle()
    assert (await get(leases)).lease_id == "lease-1"
