import re

import grpc
import pytest

from nearfield.core import errors
from nearfield.core.errors import NearfieldError, Outcome
from tests.support.error_tree import ALL

DRAWN = re.findall(r"[├└]── (\w+)", errors.__doc__ or "")
DRAWN_WITH_STATUS = re.findall(r"[├└]── (\w+) +([A-Z_]{2,})\b", errors.__doc__ or "")


def test_the_drawing_shows_every_error_and_no_other() -> None:
    assert sorted(DRAWN) == sorted(kind.__name__ for kind in ALL if kind is not NearfieldError)


@pytest.mark.parametrize(("name", "status"), DRAWN_WITH_STATUS)
def test_the_drawing_shows_the_status_each_error_has(name: str, status: str) -> None:
    assert getattr(errors, name).status == status


@pytest.mark.parametrize("kind", ALL)
def test_every_error_has_a_status_that_grpc_knows(kind: type[NearfieldError]) -> None:
    assert grpc.StatusCode[kind.status] is not grpc.StatusCode.OK


@pytest.mark.parametrize("kind", ALL)
def test_only_what_was_running_is_evicted_and_can_be_resumed(kind: type[NearfieldError]) -> None:
    was_running = issubclass(kind, errors.Evicted)
    assert (kind.outcome is Outcome.EVICTED) is was_running
    assert kind.resumable is was_running


def test_an_error_carries_its_message_and_its_fields() -> None:
    error = errors.Overloaded("full", field="queue", limit="64", retry_after=0.5)
    assert str(error) == error.message == "full"
    assert (error.field, error.limit, error.retry_after) == ("queue", "64", 0.5)


def test_without_a_hint_there_is_no_time_to_retry_after() -> None:
    assert errors.Overloaded("full").retry_after is None


def test_what_who_asks_may_not_have_is_never_tried_elsewhere_as_it_stands() -> None:
    access = [kind for kind in ALL if issubclass(kind, errors.AccessError)]
    assert {kind.__name__ for kind in access} == {
        "AccessError",
        "TenantUnknown",
        "TicketInvalid",
        "TicketExpired",
        "TicketRevoked",
        "TicketRefused",
    }
    assert not any(issubclass(kind, errors.Rejected | errors.Evicted) for kind in access)


def test_only_a_good_ticket_for_something_else_is_permission_denied() -> None:
    denied = {kind for kind in ALL if kind.status == "PERMISSION_DENIED"}
    assert denied == {errors.JoinError, errors.TicketRefused}


def test_a_slow_reader_was_running_and_can_go_on() -> None:
    error = errors.SlowReader("4096 tokens lie unread", field="window_tokens", limit="4096 tokens")
    assert isinstance(error, errors.Evicted)
    assert (error.status, error.resumable) == ("RESOURCE_EXHAUSTED", True)
