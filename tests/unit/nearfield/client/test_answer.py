from collections.abc import AsyncGenerator

import pytest

from nearfield.client.answer import Answer, Chunk, Record
from nearfield.core.inference import Event, FinishReason
from tests.support.nearfield_builders import delta, finished, first_delta


class Source:
    """Events of an answer, and whether it was let go."""

    def __init__(self, *events: Event) -> None:
        self._events = events
        self.record = Record()
        self.closed = False

    async def play(self) -> AsyncGenerator[Event]:
        try:
            for event in self._events:
                self.record.note(event, elapsed=1.5)
                yield event
        finally:
            self.closed = True


async def test_chunks_come_as_the_pieces_do() -> None:
    source = Source(first_delta("Time "), delta(1, "to"), finished())
    chunks = [chunk async for chunk in Answer(source.play(), source.record)]
    assert chunks == [Chunk("Time ", (1,)), Chunk("to", (2,))]
    assert "".join(map(str, chunks)) == "Time to"


async def test_the_whole_text_is_its_chunks_joined() -> None:
    source = Source(first_delta("Time "), delta(1, "to"), finished())
    assert await Answer(source.play(), source.record).text() == "Time to"


async def test_where_it_is_made_is_known_with_the_first_chunk() -> None:
    source = Source(first_delta(), delta(1, "to"), finished())
    answer = Answer(source.play(), source.record)
    assert answer.provenance is None
    async for _ in answer:
        assert answer.provenance is not None
        assert answer.provenance.node == "fra1-a"
        assert (answer.split.queue, answer.split.prefill, answer.split.total) == (0.25, 0.5, 1.5)
        assert (answer.usage, answer.finish_reason) == (None, None)
        break


async def test_what_it_took_is_known_at_the_end() -> None:
    source = Source(first_delta(), finished(completion_tokens=7))
    answer = Answer(source.play(), source.record)
    await answer.text()
    assert answer.usage is not None
    assert answer.usage.completion_tokens == 7
    assert answer.finish_reason is FinishReason.STOP
    assert answer.record is source.record


async def test_an_answer_that_is_read_lets_its_source_go() -> None:
    source = Source(first_delta(), finished())
    await Answer(source.play(), source.record).text()
    assert source.closed


async def test_closing_the_loop_early_lets_the_source_go() -> None:
    source = Source(first_delta(), delta(1, "to"), finished())
    chunks = Answer(source.play(), source.record).__aiter__()
    await anext(chunks)
    assert not source.closed
    await chunks.aclose()
    assert source.closed


async def test_later_pieces_do_not_change_the_first_tokens_time() -> None:
    record = Record()
    record.note(first_delta(), 1.0)
    record.note(delta(1, "to"), 9.0)
    assert record.split.total == 1.0


@pytest.mark.parametrize("name", ["provenance", "usage", "finish_reason"])
async def test_nothing_is_known_of_an_answer_not_begun(name: str) -> None:
    source = Source()
    assert getattr(Answer(source.play(), source.record), name) is None
