import pytest

from nearfield.client.prompts import Fingerprint, as_messages, as_position, as_prompt, fingerprint
from nearfield.core.errors import InvalidRequest
from nearfield.core.geo import Position
from nearfield.core.inference import Message, Prompt, TextPrompt, TokenPrompt
from nearfield.core.prefix import PrefixSecret


def test_text_stays_text_and_numbers_become_tokens() -> None:
    assert as_prompt("hi") == TextPrompt("hi")
    assert as_prompt([1, 2, 3]) == TokenPrompt((1, 2, 3))


def test_a_question_alone_is_the_users() -> None:
    assert as_messages("hi") == (Message("user", "hi"),)


def test_turns_may_be_mappings_and_messages_mixed() -> None:
    turns = [{"role": "system", "content": "be brief"}, Message("user", "hi")]
    assert as_messages(turns) == (Message("system", "be brief"), Message("user", "hi"))


@pytest.mark.parametrize(
    ("turn", "missing"), [({"role": "user"}, "content"), ({"content": "hi"}, "role")]
)
def test_a_turn_without_a_part_is_refused_by_name(turn: dict[str, str], missing: str) -> None:
    with pytest.raises(InvalidRequest, match=missing) as caught:
        as_messages([turn])
    assert caught.value.field == "messages"


def test_a_pair_of_degrees_is_a_position() -> None:
    paris = Position(48.86, 2.35)
    assert as_position((48.86, 2.35)) == paris
    assert as_position(paris) is paris
    assert as_position(None) is None


def test_a_pair_off_the_earth_is_refused_by_name() -> None:
    with pytest.raises(InvalidRequest) as caught:
        as_position((2.35, 480.86))
    assert caught.value.field == "longitude"


def test_a_prompt_is_told_by_its_size_and_keys() -> None:
    secret = b"s" * 32
    told = fingerprint(TextPrompt("x" * 600), secret)
    assert (told.size, told.prefix) == (600, PrefixSecret(secret).keys(b"x" * 600))
    assert told.keys == PrefixSecret(secret).keys(b"x" * 600).keys


def test_a_prompt_shorter_than_a_step_has_no_keys() -> None:
    assert fingerprint(TextPrompt("é" * 127), b"s" * 32) == Fingerprint(254)
    assert Fingerprint(254).keys == ()
    assert len(fingerprint(TextPrompt("é" * 128), b"s" * 32).keys) == 1


@pytest.mark.parametrize(
    "prompt",
    [TextPrompt("\ud800"), TokenPrompt((-1,)), TokenPrompt((2**32,))],
    ids=["lone surrogate", "negative", "too large"],
)
def test_a_prompt_without_an_encoding_is_refused_by_name(prompt: Prompt) -> None:
    with pytest.raises(InvalidRequest) as caught:
        fingerprint(prompt, b"s" * 32)
    assert caught.value.field == "prompt"
