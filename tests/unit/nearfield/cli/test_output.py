import json

import pytest

from nearfield.cli.output import console, fail, milliseconds, print_json, table, to_json
from nearfield.core.errors import Overloaded
from nearfield.core.inference import Provenance
from nearfield.core.node import Intake
from nearfield.core.prediction import Prompt, RoundTrip, RoundTripSource
from tests.support.nearfield_builders import view

FULL = Overloaded("the queue is full", field="queue", limit="64", retry_after=0.5)


@pytest.mark.parametrize(
    ("seconds", "words"), [(0.0, "0.0"), (0.00949, "9.5"), (0.0123, "12"), (1.5, "1500")]
)
def test_milliseconds_are_finer_below_ten(seconds: float, words: str) -> None:
    assert milliseconds(seconds) == words


def test_values_become_plain_json() -> None:
    where = Provenance("fra1", "fra1-a", "eu", "m", "sha", 4, 0)
    assert to_json({"where": where, "tags": ("a", frozenset({"b"}))}) == {
        "where": {
            "pop": "fra1",
            "node": "fra1-a",
            "jurisdiction": "eu",
            "model": "m",
            "model_digest": "sha",
            "prompt_tokens": 4,
            "cached_prompt_tokens": 0,
        },
        "tags": ["a", ["b"]],
    }


def test_a_whole_view_goes_through_json_and_back(capsys: pytest.CaptureFixture[str]) -> None:
    print_json([view()])
    (read,) = json.loads(capsys.readouterr().out)
    assert read["info"]["position"] == {"latitude": 50.11, "longitude": 8.68}
    assert (read["state"], read["desired"]["intake"]) == ("ready", Intake.OPEN.value)


def test_letters_of_any_script_are_written_as_they_are(
    capsys: pytest.CaptureFixture[str],
) -> None:
    print_json({"city": "São Paulo"})
    assert "São Paulo" in capsys.readouterr().out


def test_numbers_stand_to_the_right_and_words_to_the_left(
    capsys: pytest.CaptureFixture[str],
) -> None:
    console.print(table("", ("node", "wait"), [("a", "1"), ("bbb", "12345")]))
    _, first, _ = capsys.readouterr().out.splitlines()
    assert first.split() == ["a", "1"]
    assert first.startswith(("a", " a"))
    assert first.rstrip().endswith("    1")


@pytest.mark.parametrize("text", ["[/b]", "[red]red", ":smile:", "[link=x]"])
def test_what_others_wrote_is_printed_as_it_is(
    capsys: pytest.CaptureFixture[str], text: str
) -> None:
    console.print(table("", ("answer",), [(text,)]))
    console.print(f"node is failed: {text}")
    assert capsys.readouterr().out.count(text) == 2


def test_a_named_tuple_becomes_an_object_as_a_dataclass_does() -> None:
    trip = RoundTrip(0.02, RoundTripSource.MEASURED, 0.001)
    told = {"seconds": 0.02, "source": "measured", "spread": 0.001}
    assert to_json([Prompt(9), trip]) == [{"size": 9, "resident_tokens": 0}, told]


def test_a_failure_says_its_limit(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        fail(FULL, as_json=False)
    assert caught.value.code == 1
    assert capsys.readouterr().err == "error: the queue is full (limit: 64)\n"


def test_a_failure_in_json_has_every_field(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        fail(FULL, as_json=True)
    assert json.loads(capsys.readouterr().out) == {
        "error": {
            "kind": "Overloaded",
            "message": "the queue is full",
            "field": "queue",
            "limit": "64",
            "outcome": "REJECTED",
            "retry_after": 0.5,
        }
    }
