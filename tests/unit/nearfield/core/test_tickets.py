import pytest
from hypothesis import given
from hypothesis import strategies as st

from nearfield.core.constraints import Constraints
from nearfield.core.errors import InvalidRequest, TicketExpired, TicketInvalid
from nearfield.core.tickets import (
    LEEWAY,
    TICKET_CHARACTERS_MOST,
    TTL,
    Ticket,
    opened,
    sign,
    verify,
)
from tests.support.tickets import (
    KEY,
    KEYS,
    NOW,
    OTHER_KEY,
    joined,
    parts_of,
    raw_public,
    signed_by_secret,
    ticket,
    token,
    token_of,
)

NAMES = st.lists(st.text(min_size=1, max_size=8), max_size=3).map(tuple)
TICKETS = st.builds(
    Ticket,
    tenant=st.text(min_size=1, max_size=12),
    model=st.text(min_size=1, max_size=12),
    group=st.text(max_size=12),
    constraints=st.builds(
        Constraints,
        NAMES,
        NAMES,
        st.none() | st.floats(min_value=0, exclude_min=True, allow_infinity=False),
        NAMES,
    ),
    tokens_most=st.integers(0, 2**31),
    epoch=st.integers(0, 2**64 - 1),
)


def refused(forged: str, now: float = NOW) -> TicketInvalid:
    with pytest.raises(TicketInvalid) as caught:
        verify(forged, KEYS, now)
    return caught.value


@given(TICKETS, st.floats(0, 4e9))
def test_a_ticket_says_what_was_signed(signed: Ticket, now: float) -> None:
    assert verify(sign(signed, "key-1", KEY, now), KEYS, now) == signed


def test_a_usual_ticket_is_short_and_names_its_key() -> None:
    signed = token(constraints=Constraints(jurisdictions=("eu",)), epoch=3)
    header, claims, _ = parts_of(signed)
    assert header == {"alg": "EdDSA", "kid": "key-1", "typ": "JWT"}
    assert claims == {
        "sub": "acme",
        "model": "qwen3-8b",
        "constraints": {"jurisdictions": ["eu"]},
        "epoch": 3,
        "iat": NOW,
        "exp": NOW + TTL,
    }
    assert len(signed) < 400


def test_a_ticket_longer_than_nodes_read_is_never_signed() -> None:
    names = tuple(f"{count:064}" for count in range(64))
    with pytest.raises(InvalidRequest) as caught:
        token(constraints=Constraints(jurisdictions=names, providers=names))
    assert caught.value.field == "constraints"
    assert str(TICKET_CHARACTERS_MOST) in caught.value.limit


def test_no_ticket_is_told_apart_from_a_forged_one() -> None:
    error = refused("")
    assert error.field == "ticket"
    assert "there is none" in error.message


@pytest.mark.parametrize("alg", ["none", "None", "NONE", ""])
def test_a_ticket_that_nobody_signed_is_refused(alg: str) -> None:
    header, claims, _ = parts_of(token())
    refused(joined({**header, "alg": alg}, claims, ""))


def test_a_ticket_without_an_algorithm_is_refused() -> None:
    header, claims, signature = parts_of(token())
    del header["alg"]
    refused(joined(header, claims, signature))


def test_the_public_key_as_a_shared_secret_signs_nothing() -> None:
    header, claims, _ = parts_of(token())
    refused(signed_by_secret({**header, "alg": "HS256"}, claims, raw_public(KEY)))


@pytest.mark.parametrize("alg", ["HS256", "ES256", "RS256", "EdDSA2"])
def test_another_algorithm_over_a_good_signature_is_refused(alg: str) -> None:
    header, claims, signature = parts_of(token())
    refused(joined({**header, "alg": alg}, claims, signature))


@pytest.mark.parametrize(
    "change", [{"sub": "other"}, {"exp": int(NOW) + 2 * TTL}, {"epoch": 9}, {"model": "other"}]
)
def test_a_claim_that_was_changed_is_found(change: dict[str, object]) -> None:
    header, claims, signature = parts_of(token())
    refused(joined(header, {**claims, **change}, signature))


def test_a_ticket_of_another_fleets_key_is_refused() -> None:
    error = refused(sign(ticket(), "key-1", OTHER_KEY, NOW))
    assert error.field == "ticket"


def test_a_key_id_that_is_not_known_is_refused_by_name() -> None:
    assert refused(sign(ticket(), "key-2", KEY, NOW)).field == "ticket.kid"


def test_another_known_keys_id_does_not_fit_the_signature() -> None:
    keys = {**KEYS, "key-2": OTHER_KEY.public_key()}
    header, claims, signature = parts_of(token())
    swapped = joined({**header, "kid": "key-2"}, claims, signature)
    with pytest.raises(TicketInvalid):
        verify(swapped, keys, NOW)


@pytest.mark.parametrize("kid", [None, 7, ["key-1"], {}])
def test_a_key_id_that_is_no_text_is_refused(kid: object) -> None:
    header, claims, signature = parts_of(token())
    refused(joined({**header, "kid": kid}, claims, signature))


@pytest.mark.parametrize(
    ("claims", "field"),
    [
        ({"sub": None}, "ticket.sub"),
        ({"sub": ""}, "ticket.sub"),
        ({"model": None}, "ticket.model"),
        ({"model": ["a"]}, "ticket.model"),
        ({"group": 5}, "ticket.group"),
        ({"epoch": -1}, "ticket.epoch"),
        ({"epoch": True}, "ticket.epoch"),
        ({"epoch": 1.5}, "ticket.epoch"),
        ({"tokens_most": -1}, "ticket.tokens_most"),
        ({"tokens_most": "9"}, "ticket.tokens_most"),
        ({"iat": "now"}, "ticket.iat"),
        ({"iat": None}, "ticket.exp"),
        ({"exp": None}, "ticket.exp"),
        ({"exp": int(NOW) + TTL + 1}, "ticket.exp"),
        ({"exp": int(NOW)}, "ticket.exp"),
        ({"constraints": "eu"}, "ticket.constraints"),
        ({"constraints": {"jurisdictions": "eu"}}, "ticket.constraints.jurisdictions"),
        ({"constraints": {"jurisdictions": [5]}}, "ticket.constraints.jurisdictions"),
        ({"constraints": {"jurisdictions": [""]}}, "ticket.constraints"),
        ({"constraints": {"providers": ["a"] * 65}}, "ticket.constraints"),
        ({"constraints": {"cost_per_hour_most": "2"}}, "ticket.constraints.cost_per_hour_most"),
        ({"constraints": {"cost_per_hour_most": -2}}, "ticket.constraints"),
        ({"constraints": {"cost_per_hour_most": 10**400}}, "ticket.constraints"),
    ],
)
def test_a_claim_that_makes_no_sense_is_refused_by_name(
    claims: dict[str, object], field: str
) -> None:
    error = refused(token_of(claims))
    assert error.field == field
    assert error.limit


def test_claims_that_a_later_version_adds_are_passed_over() -> None:
    assert verify(token_of({"colour": "red"}), KEYS, NOW) == ticket()


@given(st.text(max_size=200))
def test_what_is_no_ticket_at_all_is_refused(noise: str) -> None:
    refused(noise)


@pytest.mark.parametrize("noise", ["\ud800", "é.é.é", "\x00.\x00.\x00", "..", "a.b.c.d"])
def test_text_that_is_no_ticket_is_refused(noise: str) -> None:
    refused(noise)


@given(st.data())
def test_any_changed_character_is_found(data: st.DataObject) -> None:
    signed = token()
    place = data.draw(st.integers(0, len(signed) - 1))
    character = data.draw(st.characters().filter(lambda one: one != signed[place]))
    refused(signed[:place] + character + signed[place + 1 :])


@given(st.integers(0, 100))
def test_a_ticket_cut_short_is_refused(length: int) -> None:
    refused(token()[:length])


def test_a_ticket_of_absurd_size_is_refused_by_its_size() -> None:
    error = refused(token() + "A" * TICKET_CHARACTERS_MOST)
    assert error.limit == f"at most {TICKET_CHARACTERS_MOST} characters of ASCII"


def test_deep_nesting_is_refused() -> None:
    _, claims, signature = parts_of(token())
    refused(joined('{"alg":"EdDSA","a":' + "[" * 5000, claims, signature))


def test_a_ticket_lives_for_its_time_and_the_leeway() -> None:
    signed = token()
    assert verify(signed, KEYS, NOW + TTL + LEEWAY - 0.1) == ticket()
    with pytest.raises(TicketExpired) as caught:
        verify(signed, KEYS, NOW + TTL + LEEWAY)
    assert caught.value.field == "ticket.exp"
    assert "900 s" in caught.value.limit


def test_a_signer_whose_clock_is_ahead_is_believed_within_the_leeway() -> None:
    assert verify(token(now=NOW + 30), KEYS, NOW) == ticket()
    assert verify(token(now=NOW + LEEWAY), KEYS, NOW) == ticket()
    assert refused(token(now=NOW + LEEWAY + 1)).field == "ticket.iat"


def test_the_hosts_own_clock_does_not_matter() -> None:
    assert verify(token(now=1000.0), KEYS, 1000.0) == ticket()
    assert verify(token(now=9e9), KEYS, 9e9) == ticket()


def test_an_opened_ticket_tells_its_key_and_times() -> None:
    signed = opened(token(now=NOW + 0.9), KEYS)
    assert (signed.key_id, signed.issued, signed.expires) == ("key-1", NOW, NOW + TTL)
