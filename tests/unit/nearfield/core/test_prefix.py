import os
import struct

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from nearfield.core.errors import InvalidRequest
from nearfield.core.inference import ChatPrompt, Message, Prompt, TextPrompt, TokenPrompt
from nearfield.core.prefix import (
    KEYS_MOST,
    SECRET_BYTES_LEAST,
    SECRET_BYTES_MOST,
    STEP_BYTES,
    PrefixKeys,
    PrefixSecret,
    canonical,
    continued,
)
from tests.support import nearfield_strategies as some

SECRET = PrefixSecret(b"a secret of acme's")
steps = st.lists(st.sampled_from([b"a", b"b"]), max_size=6)
tails = st.binary(max_size=STEP_BYTES - 1)
turns = st.lists(st.builds(Message, some.text, some.text), max_size=4).map(tuple)
tokens = st.lists(some.u32, max_size=9).map(tuple)


def bytes_of(drawn: list[bytes]) -> bytes:
    return b"".join(letter * STEP_BYTES for letter in drawn)


def shared(one: tuple[object, ...], other: tuple[object, ...]) -> int:
    """Return how many of the first items are alike."""
    alike = [left == right for left, right in zip(one, other, strict=False)]
    return [*alike, False].index(False)


@given(steps, steps, tails, tails)
def test_two_prompts_share_their_first_steps_exactly_if_they_share_their_first_keys(
    one: list[bytes], other: list[bytes], tail: bytes, other_tail: bytes
) -> None:
    first, second = SECRET.keys(bytes_of(one) + tail), SECRET.keys(bytes_of(other) + other_tail)
    assert shared(first.keys, second.keys) == shared(tuple(one), tuple(other))
    assert len(first.keys) == len(one)


@given(steps)
def test_a_key_covers_all_before_it_so_that_none_comes_twice(drawn: list[bytes]) -> None:
    keys = SECRET.keys(bytes_of(drawn)).keys
    assert len(set(keys)) == len(keys)


def test_a_different_start_changes_every_key_after_it() -> None:
    data = bytes(10 * STEP_BYTES)
    one, other = SECRET.keys(data), SECRET.keys(b"\x01" + data[1:])
    assert not set(one.keys) & set(other.keys)


@given(steps.filter(bool), some.secrets, some.secrets)
def test_two_secrets_share_no_key(drawn: list[bytes], one: bytes, other: bytes) -> None:
    assume(one != other)
    first = PrefixSecret(one).keys(bytes_of(drawn))
    second = PrefixSecret(other).keys(bytes_of(drawn))
    assert not set(first.keys) & set(second.keys)
    assert first.key_id != second.key_id


@given(some.secrets, steps)
def test_clients_of_one_secret_agree(value: bytes, drawn: list[bytes]) -> None:
    assert PrefixSecret(value).keys(bytes_of(drawn)) == PrefixSecret(value).keys(bytes_of(drawn))


@given(some.secrets)
def test_the_name_of_a_secret_and_its_repr_do_not_hold_it(value: bytes) -> None:
    secret = PrefixSecret(value)
    assert len(secret.key_id) == 16
    assert value not in bytes.fromhex(secret.key_id)
    assert repr(secret) == "PrefixSecret()"


def test_the_name_of_a_secret_is_no_key_of_the_text_that_makes_it() -> None:
    name = int.from_bytes(bytes.fromhex(SECRET.key_id), "little")
    assert name not in SECRET.keys(b"key id".ljust(STEP_BYTES, b"\0")).keys


def test_a_fresh_secret_is_nobody_elses() -> None:
    made = {PrefixSecret.fresh().value for _ in range(100)}
    assert len(made) == 100
    assert {len(value) for value in made} == {32}


@pytest.mark.parametrize("length", [0, SECRET_BYTES_LEAST - 1, SECRET_BYTES_MOST + 1])
def test_a_secret_too_short_or_too_long_is_refused_and_not_repeated(length: int) -> None:
    value = os.urandom(length)
    with pytest.raises(InvalidRequest, match=f"a prefix secret of {length} bytes") as caught:
        PrefixSecret(value)
    assert (caught.value.field, caught.value.limit) == ("prefix.secret", "16 to 64 bytes")
    assert length == 0 or repr(value) not in caught.value.message


@pytest.mark.parametrize("length", [SECRET_BYTES_LEAST, SECRET_BYTES_MOST])
def test_the_bounds_of_a_secret_are_within(length: int) -> None:
    assert len(PrefixSecret(bytes(length)).value) == length


def test_a_prompt_shorter_than_a_step_has_no_key() -> None:
    assert SECRET.keys(bytes(STEP_BYTES - 1)) == PrefixKeys(SECRET.key_id)


def test_what_lies_deeper_than_the_bound_has_no_key() -> None:
    data = os.urandom((KEYS_MOST + 2) * STEP_BYTES)
    keys = SECRET.keys(data).keys
    assert len(keys) == KEYS_MOST
    assert keys == SECRET.keys(data[: KEYS_MOST * STEP_BYTES]).keys


@given(some.secrets, steps)
def test_a_key_fits_64_bits(value: bytes, drawn: list[bytes]) -> None:
    assert all(0 <= key < 2**64 for key in PrefixSecret(value).keys(bytes_of(drawn)).keys)


@given(turns, turns)
def test_a_longer_conversation_goes_on_where_the_shorter_ended(
    before: tuple[Message, ...], after: tuple[Message, ...]
) -> None:
    whole = canonical(ChatPrompt(before + after))
    assert whole == canonical(ChatPrompt(before)) + canonical(ChatPrompt(after))


@given(some.text, some.text)
def test_a_longer_text_goes_on_where_the_shorter_ended(before: str, after: str) -> None:
    assert canonical(TextPrompt(before + after)).startswith(canonical(TextPrompt(before)))


@given(tokens, tokens)
def test_more_tokens_go_on_where_fewer_ended(
    before: tuple[int, ...], after: tuple[int, ...]
) -> None:
    assert canonical(TokenPrompt(before + after)).startswith(canonical(TokenPrompt(before)))


def test_a_token_takes_four_bytes() -> None:
    assert canonical(TokenPrompt((1, 2**32 - 1))) == struct.pack("<II", 1, 2**32 - 1)


def test_who_says_it_and_where_a_turn_ends_make_another_conversation() -> None:
    made = [
        (Message("user", "ab"),),
        (Message("system", "ab"),),
        (Message("user", "a"), Message("user", "b")),
        (Message("user", "a"), Message("assistant", "b")),
        (Message("userab", ""),),
    ]
    assert len({canonical(ChatPrompt(one)) for one in made}) == len(made)


def test_a_turn_that_says_more_is_another_turn_from_its_end_on() -> None:
    short, longer = (canonical(ChatPrompt((Message("user", text),))) for text in ("Hi", "Hi there"))
    assert not longer.startswith(short)


@given(turns, some.text, turns)
def test_an_answered_conversation_is_what_its_next_turn_starts_with(
    asked: tuple[Message, ...], answer: str, next_turns: tuple[Message, ...]
) -> None:
    later = ChatPrompt((*asked, Message("assistant", answer), *next_turns))
    assert canonical(later).startswith(continued(ChatPrompt(asked), answer, ()))


@pytest.mark.parametrize(
    ("prompt", "later"),
    [
        (TextPrompt("One, "), TextPrompt("One, two")),
        (TokenPrompt((1, 2)), TokenPrompt((1, 2, 3))),
        (
            ChatPrompt((Message("user", "Count."),)),
            ChatPrompt((Message("user", "Count."), Message("assistant", "two"))),
        ),
    ],
)
def test_a_prompt_with_its_answer_is_the_prompt_that_holds_both(
    prompt: Prompt, later: Prompt
) -> None:
    assert continued(prompt, "two", (1, 2, 3)) == canonical(later)
