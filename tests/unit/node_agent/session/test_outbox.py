from collections.abc import Callable
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nearfield.core.errors import EngineDied, SlowReader
from nearfield.core.inference import (
    Alternative,
    Delta,
    Finished,
    FinishReason,
    Timings,
    TokenLogprobs,
    Usage,
)
from nearfield.core.node import NodeLoad
from nearfield.core.session import Admitted, Reply
from node_agent.session.outbox import (
    MESSAGE_WEIGHT_MOST,
    UNREAD_TOKENS_MOST,
    Outbox,
    merge,
)
from tests.support.nearfield_builders import first_delta

END = Finished(FinishReason.STOP, Usage(), Timings())
ADMITTED = Admitted(NodeLoad(running=3))


def piece(seq: int, tokens: int = 1) -> Delta:
    return Delta(seq, tuple(range(seq, seq + tokens)), "x" * tokens)


@pytest.fixture
def outbox() -> Outbox:
    made = Outbox()
    for stream in (1, 2, 3):
        made.open(stream, 10)
    return made


def test_nothing_waits_at_first(outbox: Outbox) -> None:
    assert outbox.take() == []
    assert len(outbox) == 3


def test_all_that_waits_for_all_streams_goes_together(outbox: Outbox) -> None:
    outbox.put(2, ADMITTED)
    outbox.put(1, piece(0))
    outbox.put(2, piece(0))
    assert outbox.take() == [(2, ADMITTED), (2, piece(0)), (1, piece(0))]
    assert outbox.take() == []


def test_pieces_of_one_answer_come_as_one(outbox: Outbox) -> None:
    for seq in range(3):
        outbox.put(1, piece(seq))
    outbox.put(1, END)
    assert outbox.take() == [(1, piece(0, 3)), (1, END)]
    assert 1 not in outbox


def test_merging_keeps_what_the_first_piece_says_and_every_token_s_log_probability() -> None:
    first = first_delta("a")
    second = Delta(1, (2, 3), "bc", (TokenLogprobs(-1.0), TokenLogprobs(-2.0)))
    merged = merge([first, second])
    assert merged == Delta(0, (1, 2, 3), "abc", second.logprobs, first.provenance, first.timings)


def test_tokens_beyond_the_window_wait_for_the_reader(outbox: Outbox) -> None:
    for seq in range(12):
        outbox.put(1, piece(seq))
    outbox.put(1, END)
    assert outbox.take() == [(1, piece(0, 10))]
    assert outbox.take() == []
    outbox.grant(1, 1)
    assert outbox.take() == [(1, piece(10))]
    outbox.grant(1, 1)
    assert outbox.take() == [(1, piece(11)), (1, END)]


def test_a_piece_larger_than_the_window_goes_whole_and_is_owed(outbox: Outbox) -> None:
    outbox.put(1, piece(0, 13))
    outbox.put(1, piece(13))
    assert outbox.take() == [(1, piece(0, 13))]
    outbox.grant(1, 3)
    assert outbox.take() == []
    outbox.grant(1, 1)
    assert outbox.take() == [(1, piece(13))]


def test_a_full_window_holds_no_other_stream_up(outbox: Outbox) -> None:
    outbox.put(1, piece(0, 10))
    outbox.take()
    outbox.put(1, piece(10))
    outbox.put(2, piece(0))
    assert outbox.take() == [(2, piece(0))]


def test_an_end_without_tokens_before_it_needs_no_window(outbox: Outbox) -> None:
    outbox.put(1, piece(0, 10))
    outbox.take()
    outbox.put(1, END)
    assert outbox.take() == [(1, END)]


def test_an_error_does_not_wait_for_the_reader(outbox: Outbox) -> None:
    died = EngineDied("gone")
    outbox.put(1, piece(0, 10))
    outbox.take()
    outbox.put(1, piece(10))
    outbox.put(1, died)
    assert outbox.take() == [(1, died)]
    assert 1 not in outbox


def test_what_was_in_the_window_goes_before_the_error(outbox: Outbox) -> None:
    died = EngineDied("gone")
    outbox.put(1, piece(0))
    outbox.put(1, died)
    assert outbox.take() == [(1, piece(0)), (1, died)]


def test_a_reader_that_leaves_too_much_unread_is_too_slow_and_others_go_on(outbox: Outbox) -> None:
    outbox.put(1, piece(0, UNREAD_TOKENS_MOST))
    with pytest.raises(SlowReader) as caught:
        outbox.put(1, piece(UNREAD_TOKENS_MOST))
    assert (caught.value.field, caught.value.resumable) == ("window_tokens", True)
    outbox.put(2, piece(0))
    assert (2, piece(0)) in outbox.take()


def test_what_was_taken_makes_room_again(outbox: Outbox) -> None:
    for round_ in range(4):
        outbox.put(1, piece(round_ * UNREAD_TOKENS_MOST, UNREAD_TOKENS_MOST))
        outbox.grant(1, UNREAD_TOKENS_MOST)
        assert len(outbox.take()) == 1


@pytest.mark.parametrize(
    "word",
    [lambda box: box.put(1, piece(1)), lambda box: box.put(1, END), lambda box: box.grant(1, 5)],
)
def test_a_closed_stream_says_nothing_more(outbox: Outbox, word: Callable[[Outbox], None]) -> None:
    outbox.put(1, piece(0))
    outbox.close(1)
    word(outbox)
    assert outbox.take() == []
    assert 1 not in outbox


def test_room_for_all_lets_every_stream_go_on(outbox: Outbox) -> None:
    for stream in (1, 2):
        outbox.put(stream, piece(0, 10))
        outbox.put(stream, piece(10))
    outbox.take()
    outbox.grant_all(1)
    assert outbox.take() == [(1, piece(10)), (2, piece(10))]


def test_a_message_is_bounded_and_who_was_cut_short_comes_last_next_time() -> None:
    outbox = Outbox()
    rich = TokenLogprobs(-1.0, tuple(Alternative(i, -1.0, "t") for i in range(20)))
    count = MESSAGE_WEIGHT_MOST // 20 + 1
    outbox.open(1, 10**6)
    outbox.open(2, 10**6)
    for seq in range(count):
        outbox.put(1, Delta(seq, (seq,), "x", (rich,)))
    outbox.put(2, piece(0))
    ((stream, cut),) = outbox.take()
    assert (stream, isinstance(cut, Delta)) == (1, True)
    rest = outbox.take()
    assert [stream for stream, _ in rest] == [2, 1]


def test_ends_of_many_streams_are_spread_over_messages() -> None:
    outbox = Outbox()
    for stream in range(4096):
        outbox.open(stream, 1)
        outbox.put(stream, EngineDied("gone"))
    messages = []
    while replies := outbox.take():
        messages.append(len(replies))
    assert sum(messages) == 4096
    assert max(messages) * 4096 <= 4 * 1024 * 1024


STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("put"), st.integers(1, 3), st.integers(1, 6)),
        st.tuples(st.just("grant"), st.integers(1, 3), st.integers(1, 6)),
        st.tuples(st.just("take"), st.just(0), st.just(0)),
    ),
    max_size=60,
)


@given(STEPS, st.integers(1, 8))
def test_whatever_the_order_every_token_comes_once_and_within_the_window(
    steps: list[tuple[str, int, int]], window: int
) -> None:
    outbox = Outbox()
    written = dict.fromkeys((1, 2, 3), 0)
    room = dict.fromkeys((1, 2, 3), window)
    got: dict[int, list[int]] = {1: [], 2: [], 3: []}
    for stream in written:
        outbox.open(stream, window)

    def collect(replies: list[tuple[int, Reply]]) -> None:
        for stream, reply in replies:
            if isinstance(reply, Delta):
                assert reply.seq == len(got[stream])
                assert room[stream] > 0
                got[stream] += reply.token_ids
                room[stream] -= len(reply.token_ids)
                assert room[stream] > -6  # by less than one piece

    for what, stream, tokens in steps:
        if what == "put":
            outbox.put(stream, piece(written[stream], tokens))
            written[stream] += tokens
        elif what == "grant":
            outbox.grant(stream, tokens)
            room[stream] += tokens
        else:
            collect(outbox.take())
    for stream in written:
        outbox.put(stream, END)
        outbox.grant(stream, 1000)
        room[stream] += 1000
    collect(outbox.take())
    assert got == {stream: list(range(count)) for stream, count in written.items()}
    assert len(outbox) == 0


def loads(replies: list[tuple[int, Reply | NodeLoad]]) -> list[NodeLoad]:
    return [reply for stream, reply in replies if isinstance(reply, NodeLoad) and stream == 0]


def test_a_load_goes_with_what_else_is_to_be_said(outbox: Outbox) -> None:
    outbox.put(1, piece(0))
    assert outbox.tell(NodeLoad(running=1))
    assert outbox.take() == [(0, NodeLoad(running=1)), (1, piece(0))]
    assert outbox.take() == []


@pytest.mark.parametrize(
    ("load", "told"),
    [
        (NodeLoad(running=1, waiting=2), False),
        (NodeLoad(running=1, waiting=2, steps=9, base_seconds=0.1), False),
        (NodeLoad(running=2, waiting=2), True),
        (NodeLoad(running=1, waiting=1), True),
    ],
)
def test_only_a_load_of_other_requests_is_told(
    outbox: Outbox, load: NodeLoad, *, told: bool
) -> None:
    outbox.tell(NodeLoad(running=1, waiting=2))
    outbox.take()
    assert outbox.tell(load) is told
    assert loads(outbox.take()) == [load] * told


def test_of_loads_that_nobody_has_taken_the_last_holds(outbox: Outbox) -> None:
    outbox.tell(NodeLoad(running=1))
    outbox.tell(NodeLoad(running=2))
    assert loads(outbox.take()) == [NodeLoad(running=2)]
    outbox.tell(NodeLoad(running=3))
    assert not outbox.tell(NodeLoad(running=2))
    assert loads(outbox.take()) == []


@pytest.mark.parametrize("reply", [ADMITTED, replace(END, load=NodeLoad(running=3))])
def test_what_an_answer_has_told_is_not_told_again(outbox: Outbox, reply: Reply) -> None:
    outbox.put(1, reply)
    outbox.take()
    assert not outbox.tell(NodeLoad(running=3))
    assert outbox.tell(NodeLoad(running=2))
