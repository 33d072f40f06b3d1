from dataclasses import replace
from typing import Any

import pytest

from nearfield.core.constraints import Constraints
from nearfield.core.errors import (
    AccessError,
    TicketExpired,
    TicketInvalid,
    TicketRefused,
    TicketRevoked,
)
from nearfield.core.inference import Request, Sampling, TextPrompt
from nearfield.core.tickets import LEEWAY, TTL, Ticket, sign
from nearfield.core.trust import KEYS_MOST, Trust
from node_agent.admission import tickets as module
from node_agent.admission.tickets import REPLICAS_MOST, RETRY_SECONDS, TicketGate, TrustStore
from tests.support.nearfield_builders import FakeClock
from tests.support.records import MODEL, node_info
from tests.support.tickets import KEY, NOW, OTHER_KEY, ticket, token, trust

NODE = node_info(cost_per_hour=2.0)


class Door:
    """A gate, what it knows and both its clocks."""

    def __init__(self, required: bool = True) -> None:
        self.clock, self.wall = FakeClock(), FakeClock()
        self.wall.now = NOW
        self.store = TrustStore(self.clock)
        self.gate = TicketGate(self.store, required, self.wall)

    def check(self, signed: str, request: Request | None = None) -> Ticket:
        return self.gate.check(signed, request or asked(), NODE)

    def refused(self, signed: str, request: Request | None = None) -> AccessError:
        with pytest.raises(AccessError) as caught:
            self.check(signed, request)
        return caught.value


def asked(model: str = MODEL.name, max_tokens: int | None = 16) -> Request:
    return Request("r", model, TextPrompt("hello"), Sampling(max_tokens=max_tokens))


@pytest.fixture
def door() -> Door:
    door = Door()
    door.store.learn("plane-1", trust())
    return door


@pytest.fixture
def openings(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The tokens whose signatures were verified, one entry each time."""
    seen: list[str] = []
    real = module.opened

    def opened(signed: str, *rest: Any) -> Any:
        seen.append(signed)
        return real(signed, *rest)

    monkeypatch.setattr(module, "opened", opened)
    return seen


# What a node knows.


def test_a_store_knows_the_keys_of_all_replicas(door: Door) -> None:
    door.store.learn("plane-2", trust(other=OTHER_KEY))
    assert set(door.store.keys()) == {"key-1", "other"}


def test_a_key_is_kept_for_its_seconds_after_it_was_last_heard(door: Door) -> None:
    door.clock.advance(900.0)
    door.store.learn("plane-1", trust())
    door.clock.advance(959.9)
    assert set(door.store.keys()) == {"key-1"}
    door.clock.advance(0.1)
    assert door.store.keys() == {}


def test_a_key_that_a_replica_no_longer_names_lives_on(door: Door) -> None:
    door.store.learn("plane-1", trust(new=OTHER_KEY))
    assert set(door.store.keys()) == {"key-1", "new"}
    door.clock.advance(960.0)
    door.store.learn("plane-1", trust(new=OTHER_KEY))
    assert set(door.store.keys()) == {"new"}


def test_a_replica_may_shorten_a_keys_life(door: Door) -> None:
    door.store.learn("plane-1", trust(valid=5.0))
    door.clock.advance(5.0)
    assert door.store.keys() == {}


def test_one_replica_cannot_shorten_what_another_says(door: Door) -> None:
    door.store.learn("plane-2", trust(valid=5.0))
    door.clock.advance(5.0)
    assert set(door.store.keys()) == {"key-1"}


def test_the_highest_epoch_heard_holds(door: Door) -> None:
    door.store.learn("plane-1", trust(epoch=4))
    door.store.learn("plane-2", trust(epoch=3))
    assert door.store.epoch == 4


def test_a_replica_with_ever_new_keys_fills_only_its_own_room(door: Door) -> None:
    for count in range(KEYS_MOST + 3):
        door.store.learn("plane-2", trust(**{f"new-{count}": OTHER_KEY}))
    keys = door.store.keys()
    assert len(keys) == KEYS_MOST + 1
    assert "key-1" in keys
    assert "new-2" not in keys
    assert f"new-{KEYS_MOST + 2}" in keys


def test_of_too_many_replicas_the_one_not_heard_for_longest_goes(door: Door) -> None:
    for count in range(REPLICAS_MOST - 1):
        door.store.learn(f"other-{count}", trust(**{f"key-of-{count}": OTHER_KEY}))
    door.store.learn("plane-1", trust())
    door.store.learn("one-more", Trust())
    keys = door.store.keys()
    assert "key-1" in keys
    assert "key-of-0" not in keys
    assert "key-of-1" in keys


# Who is let in.


def test_a_good_ticket_for_what_is_asked_passes(door: Door) -> None:
    assert door.check(token(group="friends", tokens_most=16)) == ticket(
        group="friends", tokens_most=16
    )


def test_without_a_ticket_nobody_passes(door: Door) -> None:
    error = door.refused("")
    assert isinstance(error, TicketInvalid)
    assert error.retry_after is None


def test_a_node_that_stands_alone_lets_all_in_as_nobody() -> None:
    assert Door(required=False).check("") == Ticket(tenant="", model=MODEL.name)


def test_a_node_that_needs_no_tickets_refuses_a_forged_one_still(door: Door) -> None:
    gate = TicketGate(door.store, False, door.wall)
    with pytest.raises(TicketInvalid):
        gate.check(sign(ticket(), "key-1", OTHER_KEY, NOW), asked(), NODE)


def test_a_node_that_knows_no_keys_yet_says_when_to_come_again() -> None:
    door = Door()
    error = door.refused(token())
    assert isinstance(error, TicketInvalid)
    assert error.retry_after == RETRY_SECONDS
    door.store.learn("plane-1", trust())
    assert door.check(token()) == ticket()


def test_coming_again_without_a_ticket_would_not_help() -> None:
    assert Door().refused("").retry_after is None


def test_a_forged_ticket_is_refused_with_no_word_on_when_to_come_again(door: Door) -> None:
    error = door.refused(sign(ticket(), "key-1", OTHER_KEY, NOW))
    assert isinstance(error, TicketInvalid)
    assert error.retry_after is None


def test_a_revoked_ticket_is_refused_at_once_and_a_later_one_passes(door: Door) -> None:
    before, after = token(epoch=3), token(epoch=4)
    assert door.check(before).epoch == 3
    door.store.learn("plane-2", trust(epoch=4))
    error = door.refused(before)
    assert isinstance(error, TicketRevoked)
    assert (error.field, error.limit) == ("ticket.epoch", "4 or above")
    assert door.check(after).epoch == 4


def test_a_ticket_of_an_epoch_that_the_node_has_not_heard_of_passes(door: Door) -> None:
    assert door.check(token(epoch=9)).epoch == 9


def test_a_ticket_for_another_model_is_refused(door: Door) -> None:
    error = door.refused(token(model="other"))
    assert isinstance(error, TicketRefused)
    assert (error.field, error.limit) == ("ticket.model", "other")


def test_a_request_without_a_model_means_the_nodes_only_one(door: Door) -> None:
    assert door.check(token(), asked(model="")) == ticket()
    assert door.refused(token(model="other"), asked(model="")).field == "ticket.model"


def test_a_ticket_does_not_reach_another_model_of_the_same_node(door: Door) -> None:
    node = replace(NODE, models=(MODEL, replace(MODEL, name="big")))
    with pytest.raises(TicketRefused):
        door.gate.check(token(), asked(model="big"), node)


@pytest.mark.parametrize(
    ("constraints", "claim", "limit"),
    [
        (Constraints(jurisdictions=("us", "ch")), "jurisdiction", "us, ch"),
        (Constraints(providers=("bee",)), "provider", "bee"),
        (Constraints(cost_per_hour_most=1.5), "cost", "at most 1.5 an hour"),
        (Constraints(accelerators=("cpu",)), "accelerator", "cpu"),
    ],
)
def test_a_ticket_for_another_place_is_refused_by_the_claim(
    door: Door, constraints: Constraints, claim: str, limit: str
) -> None:
    error = door.refused(token(constraints=constraints))
    assert isinstance(error, TicketRefused)
    assert (error.field, error.limit) == (f"ticket.constraints.{claim}", limit)


def test_a_ticket_whose_constraints_the_node_meets_passes(door: Door) -> None:
    constraints = Constraints(("us", "eu"), ("acme",), 2.0, ("NVIDIA H200",))
    assert door.check(token(constraints=constraints)).constraints == constraints


def test_an_answer_may_be_as_long_as_the_ticket_says(door: Door) -> None:
    capped = token(tokens_most=100)
    assert door.check(capped, asked(max_tokens=100)).tokens_most == 100
    error = door.refused(capped, asked(max_tokens=101))
    assert isinstance(error, TicketRefused)
    assert error.field == "ticket.tokens_most"
    assert "100" in error.limit


def test_an_answer_without_a_bound_counts_as_the_whole_context(door: Door) -> None:
    unbounded = asked(max_tokens=None)
    assert door.refused(token(tokens_most=100), unbounded).field == "ticket.tokens_most"
    whole = MODEL.context_tokens
    assert door.check(token(tokens_most=whole), unbounded).tokens_most == whole


def test_a_ticket_without_a_bound_leaves_it_to_the_node(door: Door) -> None:
    assert door.check(token(), asked(max_tokens=None)) == ticket()


# What is remembered.


def test_a_signature_is_verified_once_a_ticket(door: Door, openings: list[str]) -> None:
    signed = token()
    assert door.check(signed) == door.check(signed) == ticket()
    assert openings == [signed]


def test_a_ticket_that_was_verified_ends_when_its_time_does(door: Door) -> None:
    door.store.learn("plane-1", trust(valid=10_000.0))
    signed = token()
    door.check(signed)
    door.wall.advance(TTL + LEEWAY - 0.1)
    door.check(signed)
    door.wall.advance(0.1)
    assert isinstance(door.refused(signed), TicketExpired)
    assert isinstance(door.refused(signed), TicketExpired)


def test_a_ticket_that_was_verified_ends_with_its_key(door: Door) -> None:
    door.store.learn("plane-2", trust(valid=5000.0, other=OTHER_KEY))
    signed = token()
    door.check(signed)
    door.clock.advance(960.0)
    error = door.refused(signed)
    assert isinstance(error, TicketInvalid)
    assert error.field == "ticket.kid"


def test_a_ticket_that_was_verified_is_held_to_each_request_anew(door: Door) -> None:
    signed = token(tokens_most=16)
    door.check(signed)
    assert door.refused(signed, asked(max_tokens=17)).field == "ticket.tokens_most"


def test_a_ticket_outlives_the_loss_of_the_control_plane(door: Door) -> None:
    signed = token()
    door.clock.advance(TTL)
    door.wall.advance(TTL)
    assert door.check(signed) == ticket()


def test_a_ticket_that_ended_is_forgotten(door: Door, openings: list[str]) -> None:
    signed = token()
    door.check(signed)
    door.wall.advance(TTL + LEEWAY)
    door.refused(signed)
    door.refused(signed)
    assert openings == [signed, signed]


def test_forged_tickets_leave_nothing_behind(door: Door, openings: list[str]) -> None:
    forged = sign(ticket(), "key-1", OTHER_KEY, NOW)
    door.refused(forged)
    door.refused(forged)
    assert openings == [forged, forged]


def test_the_ticket_least_lately_seen_makes_room(
    door: Door, openings: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "VERIFIED_MOST", 2)
    kept, dropped, new = (sign(ticket(tenant=name), "key-1", KEY, NOW) for name in "abc")
    for signed in (kept, dropped, kept, new, kept, dropped):
        door.check(signed)
    assert openings == [kept, dropped, new, dropped]
