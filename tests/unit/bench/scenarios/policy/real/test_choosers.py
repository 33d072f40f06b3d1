from collections import Counter
from collections.abc import Mapping

import pytest

from bench.scenarios.policy.real.choosers import (
    AFFINITY,
    LEAST_LOADED,
    NEAREST,
    ROUND_ROBIN,
    Board,
    Site,
    Wanted,
    choosers,
)
from nearfield.core.geo import Position
from nearfield.core.node import NodeLoad, NodeState
from tests.support.nearfield_builders import view

FRANKFURT, ASHBURN, TOKYO = Position(50, 9), Position(39, -77), Position(36, 140)
SITES = (
    Site("fra1-1", "127.0.0.1:1", "fra1", FRANKFURT),
    Site("iad1-1", "127.0.0.1:2", "iad1", ASHBURN),
    Site("nrt1-1", "127.0.0.1:3", "nrt1", TOKYO),
)
MADRID = Position(40, -4)


def board(running: Mapping[str, int], away: str = "") -> Board:
    made = Board(SITES)
    made.report(
        view(
            site.name,
            state=NodeState.DRAINED if site.name == away else NodeState.READY,
            load=NodeLoad(running=running.get(site.name, 0)),
        )
        for site in SITES
    )
    return made


def asked(policy: str, seen: Board, count: int = 1, **changes: object) -> list[str]:
    chooser = choosers(seed=1)[policy]
    wanted = Wanted(**{"place": MADRID, "key": 7, **changes})
    chosen = [chooser.choose(wanted, seen) for _ in range(count)]
    return [site.name if site else "" for site in chosen]


def test_the_map_takes_the_nearest_then_the_next_one() -> None:
    seen = board({"fra1-1": 50})
    assert asked(NEAREST, seen) == ["fra1-1"]
    assert asked(NEAREST, seen, tried=frozenset({"fra1-1"})) == ["iad1-1"]
    assert asked(NEAREST, board({}, away="fra1-1")) == ["iad1-1"]


def test_turns_go_round_and_leave_out_who_is_away() -> None:
    assert asked(ROUND_ROBIN, board({}), 4) == ["fra1-1", "iad1-1", "nrt1-1", "fra1-1"]
    assert asked(ROUND_ROBIN, board({}, away="iad1-1"), 3) == ["fra1-1", "nrt1-1", "fra1-1"]


def test_the_least_loaded_one_is_taken_and_equals_by_lot() -> None:
    assert asked(LEAST_LOADED, board({"fra1-1": 2, "iad1-1": 1, "nrt1-1": 3})) == ["iad1-1"]
    drawn = Counter(asked(LEAST_LOADED, board({"fra1-1": 9}), 200))
    assert set(drawn) == {"iad1-1", "nrt1-1"}
    assert min(drawn.values()) > 50


def test_what_was_sent_since_the_report_counts() -> None:
    seen = board({"fra1-1": 1, "iad1-1": 0, "nrt1-1": 3})
    seen.sent("iad1-1")
    seen.sent("iad1-1")
    assert asked(LEAST_LOADED, seen) == ["fra1-1"]
    seen.report([])
    assert [seen.load(site) for site in SITES] == [0, 0, 0]


def test_a_key_stays_with_one_node_and_keys_spread() -> None:
    seen = board({})
    assert len(set(asked(AFFINITY, seen, 20))) == 1
    taken = Counter(asked(AFFINITY, seen, key=key)[0] for key in range(300))
    assert set(taken) == {site.name for site in SITES}
    assert min(taken.values()) > 60


def test_a_key_leaves_a_node_above_the_bound_and_comes_back() -> None:
    home = asked(AFFINITY, board({}))[0]
    assert asked(AFFINITY, board({home: 5}))[0] != home
    even = {site.name: 5 for site in SITES}
    assert asked(AFFINITY, board(even))[0] == home


@pytest.mark.parametrize("policy", [NEAREST, LEAST_LOADED, ROUND_ROBIN, AFFINITY])
def test_nobody_is_asked_twice_or_while_away(policy: str) -> None:
    tried = frozenset({"fra1-1", "iad1-1"})
    assert asked(policy, board({}), tried=tried) == ["nrt1-1"]
    assert asked(policy, board({}, away="nrt1-1"), tried=tried) == [""]
