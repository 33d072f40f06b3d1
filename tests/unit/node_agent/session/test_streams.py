import pytest

from nearfield.core.errors import InvalidRequest, Overloaded
from node_agent.session.streams import (
    REFUSALS_MOST,
    STREAMS_MOST,
    StreamNumbers,
    flooded,
)


@pytest.mark.parametrize("stream", [0, 4, 5])
def test_a_number_that_does_not_grow_is_refused(stream: int) -> None:
    numbers = StreamNumbers()
    numbers.take(5, 0)
    with pytest.raises(InvalidRequest) as caught:
        numbers.take(stream, 1)
    assert (caught.value.field, caught.value.limit) == ("stream", "above 5")


def test_numbers_may_be_left_out() -> None:
    numbers = StreamNumbers()
    numbers.take(1, 0)
    numbers.take(7, 1)
    numbers.take(8, STREAMS_MOST - 1)


def test_one_stream_too_many_may_go_elsewhere_and_its_number_is_used() -> None:
    numbers = StreamNumbers()
    with pytest.raises(Overloaded) as caught:
        numbers.take(1, STREAMS_MOST)
    assert caught.value.limit == "4096 open"
    with pytest.raises(InvalidRequest):
        numbers.take(1, 0)


def test_refusals_pile_up_to_a_limit() -> None:
    assert not flooded(STREAMS_MOST + REFUSALS_MOST - 1)
    assert flooded(STREAMS_MOST + REFUSALS_MOST)
