import weakref

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from hypothesis import given
from hypothesis import strategies as st

from control_plane.tickets import keyring as module
from control_plane.tickets.keyring import (
    LEAD,
    LIFE,
    ROTATE_LEAST,
    ROTATE_MOST,
    KeyRing,
    SigningKey,
)
from nearfield.core.errors import ConfigError, TicketInvalid
from nearfield.core.tickets import sign, verify
from nearfield.core.trust import KEYS_MOST, Trust
from node_agent.admission.tickets import TrustStore
from tests.support.nearfield_builders import FakeClock
from tests.support.tickets import NOW, ticket

DAY = 86_400.0


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def ring(clock: FakeClock) -> KeyRing:
    return KeyRing(clock)


def ids(ring: KeyRing) -> list[str]:
    return [key.key_id for key in ring.public()]


def rotated(ring: KeyRing, clock: FakeClock) -> str:
    """Turn the clock until the next key signs, and return its id."""
    clock.advance(DAY - LEAD)
    assert ring.rotate_if_due()
    clock.advance(LEAD)
    return ring.current.key_id


def test_a_new_ring_signs_at_once_with_a_key_it_publishes(ring: KeyRing) -> None:
    signed = sign(ticket(), ring.current.key_id, ring.current.private, NOW)
    public = {key.key_id: Ed25519PublicKey.from_public_bytes(key.key) for key in ring.public()}
    assert verify(signed, public, NOW) == ticket()


def test_two_replicas_have_keys_of_their_own(clock: FakeClock) -> None:
    (one,), (other,) = KeyRing(clock).public(), KeyRing(clock).public()
    assert one.key_id != other.key_id
    assert one.key != other.key


def test_a_private_key_does_not_show_in_text(ring: KeyRing) -> None:
    assert "private" not in repr(ring.current)


def test_nothing_changes_before_a_rotation_is_due(ring: KeyRing, clock: FakeClock) -> None:
    before = ids(ring)
    clock.advance(DAY - LEAD - 0.1)
    assert not ring.rotate_if_due()
    assert ids(ring) == before


def test_a_new_key_is_published_before_it_signs(ring: KeyRing, clock: FakeClock) -> None:
    old = ring.current.key_id
    clock.advance(DAY - LEAD)
    assert ring.rotate_if_due()
    first, second = ids(ring)
    assert first == old == ring.current.key_id
    clock.advance(LEAD - 0.1)
    assert not ring.rotate_if_due()
    assert ring.current.key_id == old
    clock.advance(0.1)
    assert ring.current.key_id == second


def test_an_old_key_is_published_while_its_last_ticket_may_live(
    ring: KeyRing, clock: FakeClock
) -> None:
    old = ring.current.key_id
    new = rotated(ring, clock)
    clock.advance(LIFE - 0.1)
    ring.rotate_if_due()
    assert ids(ring) == [old, new]
    assert ring.public()[0].valid == pytest.approx(0.1)
    clock.advance(0.1)
    assert ids(ring) == [new]
    ring.rotate_if_due()
    assert ids(ring) == [new]


def test_a_private_key_is_forgotten_when_its_last_ticket_has_ended(
    clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    class WatchedKey(SigningKey):
        """Without slots of its own it can be referred to weakly."""

    monkeypatch.setattr(module, "SigningKey", WatchedKey)
    ring = KeyRing(clock)
    old = weakref.ref(ring.current)
    rotated(ring, clock)
    clock.advance(LIFE - 0.1)
    ring.rotate_if_due()
    assert old() is not None
    clock.advance(0.1)
    ring.rotate_if_due()
    assert old() is None


def test_a_key_is_to_be_trusted_until_its_last_ticket_ends(ring: KeyRing, clock: FakeClock) -> None:
    assert [key.valid for key in ring.public()] == [DAY + LIFE]
    clock.advance(1000.0)
    assert [key.valid for key in ring.public()] == [DAY - 1000.0 + LIFE]
    clock.advance(DAY - 1000.0 - LEAD)
    ring.rotate_if_due()
    assert [key.valid for key in ring.public()] == [LEAD + LIFE, LEAD + DAY + LIFE]


def test_a_key_whose_rotation_is_late_goes_on_and_is_trusted(
    ring: KeyRing, clock: FakeClock
) -> None:
    old = ring.current.key_id
    clock.advance(3 * DAY)
    assert ring.current.key_id == old
    assert [key.valid for key in ring.public()] == [LIFE]
    assert ring.rotate_if_due()
    assert ring.current.key_id == old
    assert [key.valid for key in ring.public()] == [LEAD + LIFE, LEAD + DAY + LIFE]


@given(st.lists(st.floats(0.5, 40.0), min_size=1, max_size=60))
def test_however_often_it_is_asked_the_ring_stays_small_and_its_key_public(
    pauses: list[float],
) -> None:
    clock = FakeClock()
    ring = KeyRing(clock, ROTATE_LEAST)
    for pause in pauses:
        clock.advance(pause)
        ring.rotate_if_due()
        assert ring.current.key_id in ids(ring)
        assert len(Trust(ring.public()).public_keys) <= LIFE / ROTATE_LEAST + 3 < KEYS_MOST


def test_the_slowest_rotation_fits_what_travels(clock: FakeClock) -> None:
    ring = KeyRing(clock, ROTATE_MOST)
    clock.advance(ROTATE_MOST - LEAD)
    assert ring.rotate_if_due()
    assert max(key.valid for key in ring.public()) == LEAD + ROTATE_MOST + LIFE


@pytest.mark.parametrize("seconds", [0.0, ROTATE_LEAST - 1, ROTATE_MOST + 1, float("nan")])
def test_a_rotation_out_of_range_is_refused_by_name(clock: FakeClock, seconds: float) -> None:
    with pytest.raises(ConfigError) as caught:
        KeyRing(clock, seconds)
    assert caught.value.field == "rotate_seconds"
    assert caught.value.limit == "60 to 604800"


def test_a_ticket_of_the_old_key_lives_on_at_a_node_and_one_of_a_key_long_gone_does_not(
    ring: KeyRing, clock: FakeClock
) -> None:
    store = TrustStore(clock)
    store.learn("plane-1", Trust(ring.public()))
    clock.advance(DAY - LEAD)
    assert ring.rotate_if_due()
    store.learn("plane-1", Trust(ring.public()))
    clock.advance(LEAD - 0.1)
    last = sign(ticket(), ring.current.key_id, ring.current.private, NOW)
    clock.advance(0.1)
    assert verify(last, store.keys(), NOW) == ticket()
    clock.advance(LIFE - 0.2)
    assert verify(last, store.keys(), NOW) == ticket()
    clock.advance(0.2)
    with pytest.raises(TicketInvalid) as caught:
        verify(last, store.keys(), NOW)
    assert caught.value.field == "ticket.kid"
    fresh = sign(ticket(), ring.current.key_id, ring.current.private, NOW)
    assert verify(fresh, store.keys(), NOW) == ticket()
