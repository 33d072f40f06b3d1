"""The two ends of a prefix summary together: what a node tells, and what is believed of it."""

from hypothesis import given
from hypothesis import strategies as st

from control_plane.fleet.residency import PrefixIndex
from node_agent.kv_cache.summary import Summaries

HOT = st.dictionaries(st.integers(0, 9), st.integers(1, 4), max_size=6)
FATES = st.sampled_from(["comes", "comes twice", "is lost", "comes after a new link"])


def believed(index: PrefixIndex) -> dict[int, int]:
    answers = {key: index.match([key]).get("node") for key in range(10)}
    return {key: tokens for key, tokens in answers.items() if tokens is not None}


def tell(summaries: Summaries, index: PrefixIndex, hot: dict[int, int]) -> None:
    """One report, and a snapshot where the other end asks for one."""
    frame = summaries.next(hot)
    if frame is not None and not index.take("node", frame):
        summaries.reset()
        tell(summaries, index, hot)


@given(st.lists(st.tuples(HOT, FATES), max_size=30), HOT)
def test_the_index_ends_where_the_node_is_whatever_befell_the_frames(
    reports: list[tuple[dict[int, int], str]], last: dict[int, int]
) -> None:
    summaries, index = Summaries(), PrefixIndex()
    for hot, fate in reports:
        match fate:
            case "comes":
                tell(summaries, index, hot)
            case "comes twice":
                frame = summaries.next(hot)
                if frame is not None and index.take("node", frame):
                    assert index.take("node", frame)
            case "is lost":
                summaries.next(hot)
            case "comes after a new link":
                index.forget("node")
                summaries.reset()
                tell(summaries, index, hot)
                assert believed(index) == hot
    # The first may be refused or say nothing new after a lost one; a change always shows it.
    tell(summaries, index, {**last, 0: 5})
    tell(summaries, index, last)
    assert believed(index) == last


@given(st.lists(HOT, min_size=1, max_size=30))
def test_without_losses_the_index_is_right_after_every_report(maps: list[dict[int, int]]) -> None:
    summaries, index = Summaries(), PrefixIndex()
    for hot in maps:
        frame = summaries.next(hot)
        assert frame is None or index.take("node", frame)
        assert believed(index) == hot
