import pytest
from hypothesis import given
from hypothesis import strategies as st

from control_plane.fleet import residency
from control_plane.fleet.residency import TOKENS_MOST, PrefixIndex
from nearfield.core.prefix import PrefixSummary

HIGH = 2**64 - 1


def snapshot(*entries: tuple[int, int], epoch: int = 1, seq: int = 0) -> PrefixSummary:
    return PrefixSummary(epoch, seq, snapshot=True, entries=entries)


def delta(seq: int, *entries: tuple[int, int], epoch: int = 1) -> PrefixSummary:
    return PrefixSummary(epoch, seq, snapshot=False, entries=entries)


def held(index: PrefixIndex, node: str, *keys: int) -> dict[int, int]:
    """What the index believes of one node, asked key by key."""
    answers = {key: index.match([key]).get(node) for key in keys}
    return {key: tokens for key, tokens in answers.items() if tokens is not None}


def test_each_node_answers_with_its_deepest_key() -> None:
    index = PrefixIndex()
    index.take("a", snapshot((1, 256), (2, 512)))
    index.take("b", snapshot((1, 300), (9, 900)))
    assert index.match([1, 2, 3]) == {"a": 512, "b": 300}
    assert index.match([3]) == {}
    assert index.match([]) == {}


def test_one_node_can_be_asked_for_its_claim() -> None:
    index = PrefixIndex()
    index.take("a", snapshot((1, 256), (2, 512)))
    assert [index.claim("a", keys) for keys in ([1, 2, 3], [1, 3], [3], [])] == [512, 256, 0, 0]
    assert index.claim("unknown", [1]) == 0


def test_keys_alike_in_one_half_are_not_confused() -> None:
    index = PrefixIndex()
    index.take("a", snapshot((HIGH, 1), (HIGH - 2**63, 2), (HIGH - 1, 3), (0, 4)))
    near = [2**63, 2**46, 2**47, HIGH - 2**47, HIGH - 2**46]
    assert held(index, "a", HIGH, HIGH - 2**63, HIGH - 1, 0, *near) == {
        HIGH: 1,
        HIGH - 2**63: 2,
        HIGH - 1: 3,
        0: 4,
    }


def test_a_delta_changes_adds_and_takes_away() -> None:
    index = PrefixIndex()
    index.take("a", snapshot((1, 10), (2, 20)))
    assert index.take("a", delta(1, (1, 0), (2, 21), (3, 30), (4, 0)))
    assert held(index, "a", 1, 2, 3, 4) == {2: 21, 3: 30}
    assert len(index) == 2


def test_a_missing_delta_drops_the_node_until_a_snapshot_comes() -> None:
    index = PrefixIndex()
    index.take("a", snapshot((1, 10)))
    index.take("b", snapshot((1, 11)))
    assert not index.take("a", delta(2, (2, 20)))
    assert index.match([1]) == {"b": 11}
    assert not index.take("a", delta(3))
    assert index.take("a", snapshot((1, 12), seq=4))
    assert index.match([1]) == {"a": 12, "b": 11}


def test_a_delta_of_another_epoch_is_refused() -> None:
    index = PrefixIndex()
    index.take("a", snapshot((1, 10), epoch=5))
    assert not index.take("a", delta(1, (2, 20), epoch=6))
    assert len(index) == 0
    assert not index.take("new", delta(1, (2, 20)))


def test_a_repeated_or_old_frame_changes_nothing() -> None:
    index = PrefixIndex()
    index.take("a", snapshot((1, 10)))
    index.take("a", delta(1, (1, 11)))
    assert index.take("a", delta(1, (1, 99)))
    assert index.take("a", delta(0, (1, 0)))
    assert index.take("a", snapshot((7, 70)))
    assert held(index, "a", 1, 7) == {1: 11}


def test_a_snapshot_replaces_what_was_there() -> None:
    index = PrefixIndex()
    index.take("a", snapshot((1, 10), (2, 20)))
    index.take("a", snapshot((2, 21), seq=1))
    index.take("a", snapshot((3, 30), epoch=2))
    assert held(index, "a", 1, 2, 3) == {3: 30}
    assert len(index) == 1


def test_an_overflowing_summary_is_cut_where_the_hottest_end() -> None:
    index = PrefixIndex(keys_most=2)
    index.take("a", snapshot((1, 10), (2, 20), (3, 30)))
    assert held(index, "a", 1, 2, 3) == {1: 10, 2: 20}
    index.take("a", delta(1, (4, 40), (2, 22)))
    assert held(index, "a", 1, 2, 4) == {1: 10, 2: 22}
    index.take("a", delta(2, (1, 0), (4, 40)))
    assert held(index, "a", 1, 2, 4) == {2: 22, 4: 40}


def test_a_lie_is_clamped_and_stays_the_liars_own() -> None:
    index = PrefixIndex(keys_most=4)
    index.take("honest", snapshot((1, 10)))
    lie = ((1, 2**40), (2, -5), (-1, 10), (2**64, 10))
    assert index.take("liar", snapshot(*lie))
    assert index.match([2, 1]) == {"honest": 10, "liar": TOKENS_MOST}
    index.take("liar", delta(1, (1, -1)))
    assert index.match([1]) == {"honest": 10}
    assert len(index) == 1


def test_of_many_nodes_those_with_the_deepest_match_are_found() -> None:
    index = PrefixIndex()
    for number in range(100):
        index.take(f"shallow-{number}", snapshot((1, 256)))
    for number in range(3):
        index.take(f"deep-{number}", snapshot((1, 256), (2, 512)))
    found = index.match([1, 2], most=10)
    assert len(found) == 10
    assert sorted(node for node, tokens in found.items() if tokens == 512) == [
        "deep-0",
        "deep-1",
        "deep-2",
    ]
    assert len(index.match([1, 2])) == residency.MATCHES_MOST


def test_a_forgotten_node_leaves_nothing_and_its_place_is_used_again() -> None:
    index = PrefixIndex()
    index.take("a", snapshot((1, 10)))
    index.take("b", snapshot((1, 11)))
    index.forget("a")
    index.forget("a")
    index.take("c", snapshot((2, 12)))
    assert index.match([1]) == {"b": 11}
    assert index.match([2]) == {"c": 12}
    assert not index.take("a", delta(1, (1, 13)))


def test_a_node_beyond_the_most_is_refused_until_another_is_forgotten(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(residency, "NODES_MOST", 2)
    index = PrefixIndex()
    taken = [index.take(node, snapshot((1, 10))) for node in "abc"]
    assert taken == [True, True, False]
    assert index.match([1]) == {"a": 10, "b": 10}
    index.forget("a")
    assert index.take("c", snapshot((1, 12)))
    assert index.match([1]) == {"c": 12, "b": 10}


KEYS = st.sampled_from([0, 1, 2**47, 2**47 + 1, HIGH, HIGH - 1, 7])
ENTRIES = st.lists(st.tuples(KEYS, st.integers(-1, 5)), max_size=8).map(tuple)
FRAMES = st.builds(PrefixSummary, st.integers(0, 1), st.integers(0, 4), st.booleans(), ENTRIES)
STEPS = st.lists(st.tuples(st.sampled_from("abc"), st.none() | FRAMES), max_size=40)


@given(STEPS)
def test_the_index_holds_what_a_plain_map_of_maps_would(
    steps: list[tuple[str, PrefixSummary | None]],
) -> None:
    """Any frames in any order, lying, repeated and overflowing ones among them."""
    index, plain = PrefixIndex(keys_most=3), Plain(3)
    for node, frame in steps:
        if frame is None:
            index.forget(node)
            plain.nodes.pop(node, None)
        else:
            assert index.take(node, frame) == plain.take(node, frame)
    keys = (0, 1, 2**47, 2**47 + 1, HIGH, HIGH - 1, 7)
    for key in keys:
        wanted = {node: held[key] for node, (_, _, held) in plain.nodes.items() if key in held}
        assert index.match([key]) == wanted
        assert {node: index.claim(node, [key]) for node in wanted} == wanted
    assert len(index) == sum(len(held) for _, _, held in plain.nodes.values())


class Plain:
    """The rules said with dicts alone."""

    def __init__(self, most: int) -> None:
        self.most = most
        self.nodes: dict[str, tuple[int, int, dict[int, int]]] = {}

    def take(self, node: str, frame: PrefixSummary) -> bool:
        epoch, seq, held = self.nodes.get(node, (-1, -1, {}))
        if (frame.epoch, True) == (epoch, frame.seq <= seq):
            return True
        if not frame.snapshot and (frame.epoch, frame.seq) != (epoch, seq + 1):
            self.nodes.pop(node, None)
            return False
        held = {} if frame.snapshot else held
        for key, tokens in frame.entries[: 2 * self.most]:
            if tokens <= 0:
                held.pop(key, None)
            elif key in held or len(held) < self.most:
                held[key] = tokens
        self.nodes[node] = (frame.epoch, frame.seq, held)
        return True
