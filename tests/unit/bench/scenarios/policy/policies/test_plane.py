from bench.scenarios.policy.policies.ours import Clock
from bench.scenarios.policy.policies.plane import HOT_KEYS, MODEL, Plane
from nearfield.core.prefix import PrefixKeys
from nearfield.core.route import Lease, RouteQuery
from tests.support.policy_builders import PLACES, fleet


def _route(plane: Plane, keys: tuple[int, ...] = ()) -> Lease:
    prefix = PrefixKeys("bench", keys) if keys else None
    query = RouteQuery(MODEL.name, PLACES["London"], prefix=prefix, prompt_size=4000)
    return plane.router.route(query)


def test_a_lease_tells_the_load_of_the_last_report_and_its_age() -> None:
    where, clock = fleet(("London", 1)), Clock()
    plane = Plane(where, clock, seed=1)
    where.nodes[0].admit(1.0, (), 100, 1001)
    plane.report(0, 1.0)
    where.nodes[0].admit(1.5, (), 100, 1001)
    clock.now = 1.75
    (one,) = _route(plane).candidates
    assert one.load.running + one.load.waiting == 1
    assert one.load_age == 0.75


def test_a_node_tells_open_sessions_its_load_only_when_it_moved() -> None:
    where = fleet(("London", 1))
    plane = Plane(where, Clock(), seed=1)
    plane.report(0, 1.0)
    plane.report(0, 2.0)
    where.nodes[0].admit(2.5, (), 100, 1001)
    plane.report(0, 3.0)
    before, since = plane.pushed(0, 2.9), plane.pushed(0, 3.0)
    assert before is not None
    assert since is not None
    assert (before[0], since[0]) == (1.0, 3.0)
    assert plane.pushed(0, 0.9) is None


def test_noted_keys_are_hints_from_the_next_report_on() -> None:
    plane = Plane(fleet(("London", 1)), Clock(), seed=1)
    plane.note(0, (1, 2, 3))
    assert _route(plane, (1, 2)).candidates[0].prefix_hints == {}
    plane.report(0, 1.0)
    assert _route(plane, (1, 2)).candidates[0].prefix_hints == {2: 128}


def test_a_report_holds_the_keys_that_were_noted_last() -> None:
    plane = Plane(fleet(("London", 1)), Clock(), seed=1)
    plane.note(0, (9,))
    plane.report(0, 1.0)
    for key in range(100, 100 + HOT_KEYS):
        plane.note(0, (key,))
    plane.report(0, 2.0)
    assert _route(plane, (9,)).candidates[0].prefix_hints == {}
    assert _route(plane, (100,)).candidates[0].prefix_hints == {100: 64}


def test_a_node_that_went_is_not_named_and_comes_back_without_keys() -> None:
    where = fleet(("London", 1), ("Paris", 1))
    plane = Plane(where, Clock(), seed=1)
    plane.note(0, (1,))
    plane.report(0, 1.0)
    where.fail(0)
    plane.change(0)
    assert [one.node for one in _route(plane).candidates] == ["Paris-0"]
    where.restart(0)
    plane.change(0)
    both = {one.node: one for one in _route(plane, (1,)).candidates}
    assert both["London-0"].prefix_hints == {}
