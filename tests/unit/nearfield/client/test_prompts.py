import pytest

from nearfield.client.prompts import as_messages, as_position, as_prompt
from nearfield.core.errors import InvalidRequest
from nearfield.core.geo import Position
from nearfield.core.inference import Message, TextPrompt, TokenPrompt


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
