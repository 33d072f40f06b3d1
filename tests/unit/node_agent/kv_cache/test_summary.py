from hypothesis import given
from hypothesis import strategies as st

from node_agent.kv_cache.summary import Summaries

HOT = st.dictionaries(st.integers(0, 20), st.integers(1, 5), max_size=8)


def test_the_first_frame_is_a_snapshot_even_of_nothing() -> None:
    frame = Summaries().next({})
    assert frame is not None
    assert (frame.seq, frame.snapshot, frame.entries) == (0, True, ())


def test_a_delta_tells_what_is_gone_and_then_what_is_new() -> None:
    summaries = Summaries()
    first = summaries.next({1: 10, 2: 20, 3: 30})
    second = summaries.next({4: 40, 1: 10, 3: 31})
    assert first is not None
    assert second is not None
    assert first.entries == ((1, 10), (2, 20), (3, 30))
    assert (second.epoch, second.seq, second.snapshot) == (first.epoch, 1, False)
    assert second.entries == ((2, 0), (4, 40), (3, 31))


def test_no_change_is_no_frame_and_takes_no_number() -> None:
    summaries = Summaries()
    summaries.next({1: 10})
    assert summaries.next({1: 10}) is None
    frame = summaries.next({1: 11})
    assert frame is not None
    assert frame.seq == 1


def test_a_reset_begins_another_epoch_with_a_snapshot() -> None:
    summaries = Summaries()
    before = summaries.next({1: 10})
    summaries.reset()
    after = summaries.next({1: 10})
    assert before is not None
    assert after is not None
    assert after.epoch != before.epoch
    assert (after.seq, after.snapshot, after.entries) == (0, True, ((1, 10),))


def test_what_is_told_is_kept_though_the_caller_changes_its_map() -> None:
    summaries, hot = Summaries(), {1: 10}
    summaries.next(hot)
    hot[1] = 11
    frame = summaries.next(hot)
    assert frame is not None
    assert frame.entries == ((1, 11),)


@given(st.lists(HOT, max_size=10))
def test_no_frame_is_longer_than_the_longer_of_two_maps(maps: list[dict[int, int]]) -> None:
    summaries, before = Summaries(), 0
    for hot in maps:
        frame = summaries.next(hot)
        assert frame is None or len(frame.entries) <= max(before, len(hot))
        before = len(hot)
