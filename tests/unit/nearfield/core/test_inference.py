import dataclasses

import pytest

from nearfield.core.constraints import Constraints, Preferences
from nearfield.core.inference import AttemptKind, Sampling
from tests.support.nearfield_builders import request


def test_sampling_leaves_everything_to_the_model() -> None:
    values = dataclasses.asdict(Sampling())
    assert values.pop("stop") == ()
    assert set(values.values()) == {None}


def test_a_request_is_a_first_attempt_from_nowhere_with_no_limits() -> None:
    made = request()
    assert (made.attempt, made.attempt_kind) == (0, AttemptKind.FIRST)
    assert (made.origin, made.first_token_budget) == (None, None)
    assert (made.constraints, made.preferences) == (Constraints(), Preferences())
    assert (made.ticket, made.prefix_secret) == ("", b"")


def test_a_request_does_not_show_its_ticket_or_its_prefix_secret() -> None:
    shown = repr(request(ticket="eyJ0", prefix_secret=b"sixteen bytes or more"))
    assert "eyJ0" not in shown
    assert "sixteen" not in shown


def test_a_request_cannot_be_changed_under_way() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        request().model = "other"
