from bench.scenarios.policy.policies.blind import (
    LeastLoaded,
    NearestByMap,
    PrefixAffinity,
    RoundRobin,
)
from bench.scenarios.policy.prompts import Segment
from tests.support.policy_builders import call, fleet

SYSTEM = Segment(77, 640)


def test_nearest_takes_the_nodes_of_the_nearest_pop_in_turn_and_then_the_next_pop() -> None:
    policy = NearestByMap(fleet(("Tokyo", 1), ("Paris", 1), ("London", 2)))
    chosen = [policy.choose(call(), 0.0) for _ in range(3)]
    assert [one and one.node for one in chosen] == [3, 2, 3]
    failed = call()
    failed.tried.add(3)
    second = policy.choose(failed, 0.0)
    assert second is not None
    assert second.node == 1


def test_nearest_goes_on_where_a_pop_is_away_and_gives_up_where_all_are() -> None:
    where = fleet(("London", 1), ("Tokyo", 1))
    policy = NearestByMap(where)
    where.fail(0)
    chosen = policy.choose(call(), 0.0)
    assert chosen is not None
    assert chosen.node == 1
    where.fail(1)
    assert policy.choose(call(), 0.0) is None


def test_round_robin_takes_every_node_once_before_any_twice() -> None:
    policy = RoundRobin(fleet(("London", 3), ("Tokyo", 3)), seed=1)
    chosen = [policy.choose(call(), 0.0) for _ in range(12)]
    nodes = [one.node for one in chosen if one]
    assert sorted(nodes[:6]) == list(range(6))
    assert nodes[:6] == nodes[6:]


def test_least_loaded_believes_the_last_report_and_counts_what_it_sent_since() -> None:
    where = fleet(("London", 1), ("Tokyo", 1))
    policy = LeastLoaded(where, seed=1)
    where.nodes[0].admit(0.0, (), 100, 1001)
    where.nodes[0].admit(0.0, (), 100, 1001)
    sent = [policy.choose(call(), 0.0) for _ in range(2)]
    assert sorted(one.node for one in sent if one) == [0, 1]
    policy.reported(0, 0.5)
    policy.reported(1, 0.5)
    after = [policy.choose(call(), 0.6) for _ in range(2)]
    assert [one.node for one in after if one] == [1, 1]


def test_prefix_affinity_brings_siblings_together_until_their_node_is_above_the_bound() -> None:
    policy = PrefixAffinity(fleet(("London", 4), ("Tokyo", 4)))
    chosen = [policy.choose(call(number, "London", SYSTEM), 0.0) for number in range(8)]
    nodes = [one.node for one in chosen if one]
    assert len(nodes) == 8
    assert len(set(nodes)) > 1
    again = PrefixAffinity(fleet(("London", 4), ("Tokyo", 4)))
    first = again.choose(call(99, "Tokyo", SYSTEM), 0.0)
    assert first is not None
    assert first.node == nodes[0]
