"""Which nodes are to switch: a planner that follows demand and keeps what operators have set."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from control_plane.placement.fleet import SWITCH_SECONDS, Switch
from control_plane.placement.planner import DWELL_SECONDS, UNDERWAY_MOST, Assignment, plan
from nearfield.core.node import Desired, Health, Intake, Model, NodeLoad, NodeState, NodeView
from nearfield.core.policy import ModelPolicy
from tests.support.plane_builders import view

NOW = 10_000.0
BOTH = ("a", "b")
Demand = Mapping[tuple[str, str], float]


def node(
    name: str,
    model: str = "a",
    pop: str = "fra1",
    local: Sequence[str] = BOTH,
    slots: int = 4,
    service: float = 1.0,
    **changes: Any,
) -> NodeView:
    """A node whose requests take a second, so that a request a second holds one slot."""
    load = NodeLoad(slots=slots, service_seconds=service, running=changes.pop("running", 0))
    fields = {"desired": Desired(1, model=model), "applied_revision": 1}
    fields |= {key: changes.pop(key) for key in ("desired", "applied_revision") if key in changes}
    made = view(
        name,
        pop=pop,
        models=(Model(model, f"sha256:{model}", 2048, "bfloat16"),),
        local_models=tuple(local),
        load=load,
        **changes,
    )
    return replace(made, **fields)  # type: ignore[arg-type]


def planned(
    views: Sequence[NodeView],
    demand: Demand | None = None,
    *policies: ModelPolicy,
    history: Mapping[str, Switch] | None = None,
    dwell: float = DWELL_SECONDS,
) -> dict[str, str]:
    made = plan(views, policies, demand or {}, NOW, history or {}, dwell)
    return {one.node: one.model for one in made}


def told(views: Sequence[NodeView], made: Sequence[Assignment]) -> list[NodeView]:
    """The nodes once they have been asked, before they have heard it."""
    to = {one.node: one.model for one in made}
    return [
        replace(one, desired=replace(one.desired, revision=2, model=to[one.info.name]))
        if one.info.name in to
        else one
        for one in views
    ]


def test_a_fleet_without_demand_and_policy_is_left_as_it_is() -> None:
    assert planned([node("n1"), node("n2", "b")]) == {}


def test_the_model_with_more_demand_than_slots_gets_a_node_of_the_other() -> None:
    views = [node("n1"), node("n2"), node("n3", "b")]
    (made,) = plan(views, (), {("b", "fra1"): 6.0, ("a", "fra1"): 1.0}, NOW, {})
    assert (made.node, made.model) == ("n1", "b")
    assert made.reason == "b is asked for 6.0 slots in fra1 and has 4, a for 1.0 of its 8"


def test_a_model_that_nobody_serves_gets_a_node_once_it_is_asked_for() -> None:
    views = [node("n1"), node("n2")]
    assert planned(views, {("b", "fra1"): 0.2}) == {"n1": "b"}
    # 10 s are taken for a request to a model of which none has been seen
    assert planned(views, {("b", "fra1"): 0.09}) == {}


@pytest.mark.parametrize(("wanted", "moves"), [(4.99, False), (5.0, True)])
def test_a_slot_of_demand_must_be_waiting(wanted: float, moves: bool) -> None:
    views = [node("n1"), node("n2"), node("n3", "b")]
    assert bool(planned(views, {("b", "fra1"): wanted})) is moves


@pytest.mark.parametrize(("others", "moves"), [(2.6, False), (2.4, True)])
def test_demand_per_slot_must_differ_by_two_after_the_switch(others: float, moves: bool) -> None:
    views = [node("n1"), node("n2"), node("n3", "b")]
    demand = {("b", "fra1"): 5.0, ("a", "fra1"): others}
    assert bool(planned(views, demand)) is moves


def test_requests_in_hand_count_where_leases_hide_them_from_the_routes() -> None:
    views = [node("n1"), node("n2"), node("n3", "b", running=9)]
    assert planned(views) == {"n1": "b"}


def test_the_model_that_is_wanted_least_gives() -> None:
    every = ("a", "b", "c")
    views = [
        node("n1", "a", local=every, running=2),
        node("n2", "a", local=every),
        node("n3", "c", local=every),
        node("n4", "c", local=every),
        node("n5", "b", local=every),
    ]
    assert planned(views, {("b", "fra1"): 9.0}) == {"n3": "b"}


def test_a_node_where_the_demand_is_gives_first() -> None:
    views = [node("n1", pop="fra1"), node("n2", pop="nrt1"), node("n3", "b", "iad1")]
    assert planned(views, {("b", "nrt1"): 4.0, ("b", "iad1"): 3.0})["n2"] == "b"


def test_one_node_a_pop_and_few_in_all_switch_at_a_time() -> None:
    pops = ("fra1", "nrt1", "iad1", "syd1", "gru1")
    views = [node(f"{pop}-{index}", pop=pop) for pop in pops for index in range(3)]
    made = planned(views, {("b", pop): 50.0 for pop in pops})
    assert len(made) == UNDERWAY_MOST
    assert len({name.partition("-")[0] for name in made}) == UNDERWAY_MOST


def test_the_last_node_stays_with_a_model_that_is_asked_for() -> None:
    views = [node("n1"), node("n2", "b")]
    policy = ModelPolicy("a", minimum=0)
    assert planned(views, {("b", "fra1"): 50.0, ("a", "fra1"): 0.01}, policy) == {}
    assert planned(views, {("b", "fra1"): 50.0}, policy) == {"n1": "b"}


def test_the_last_node_stays_with_a_model_of_which_nothing_is_set() -> None:
    assert planned([node("n1"), node("n2", "b")], {("b", "fra1"): 50.0}) == {}


def test_a_node_on_its_way_does_not_stand_in_for_the_last_one() -> None:
    coming = node("n3", "b", "nrt1", desired=Desired(2, model="a"))
    views = [node("n1"), node("n2", "b"), coming]
    assert planned(views, {("b", "fra1"): 50.0}) == {}


def test_a_minimum_is_met_and_kept() -> None:
    views = [node("n1"), node("n2"), node("n3")]
    assert planned(views, {}, ModelPolicy("b", minimum=1)) == {"n1": "b"}
    kept = [node("n1"), node("n2"), node("n3", "b")]
    demand = {("b", "fra1"): 50.0}
    assert planned(kept, demand, ModelPolicy("a", minimum=2)) == {}
    assert planned(kept, demand, ModelPolicy("a", minimum=1)) == {"n1": "b"}


def test_a_minimum_comes_before_demand() -> None:
    every = ("a", "b", "c")
    views = [node(f"n{index}", local=every) for index in range(3)]
    demand = {("b", "fra1"): 50.0}
    assert planned(views, demand, ModelPolicy("c", minimum=1)) == {"n0": "c"}


def test_a_minimum_is_for_the_places_of_the_policy() -> None:
    views = [node("n1"), node("n2"), node("n3", "b"), node("n4", pop="nrt1")]
    spare = node("n5", pop="nrt1")
    made = planned([*views, spare], {}, ModelPolicy("b", ("nrt1",), minimum=1))
    assert made == {"n4": "b"}


def test_a_maximum_is_not_passed_however_large_the_demand() -> None:
    views = [node("n1"), node("n2"), node("n3", "b")]
    assert planned(views, {("b", "fra1"): 50.0}, ModelPolicy("b", maximum=1)) == {}


def test_a_node_too_many_goes_to_the_model_that_is_wanted_most() -> None:
    every = ("a", "b", "c")
    views = [node("n1", local=every), node("n2", local=every), node("n3", "c", local=every)]
    made = plan(views, (ModelPolicy("a", maximum=1),), {("c", "fra1"): 0.5}, NOW, {})
    assert made == (Assignment("n1", "c", "a is to have at most 1 nodes, it has 2"),)


def test_a_node_in_a_place_that_is_not_its_models_leaves_it() -> None:
    views = [node("n1"), node("n2", pop="nrt1"), node("n3", "b", "nrt1")]
    made = plan(views, (ModelPolicy("a", ("fra1",)),), {}, NOW, {})
    assert made == (Assignment("n2", "b", "a is to be in fra1 alone"),)


def test_a_model_gets_no_node_where_it_is_not_to_be() -> None:
    views = [node("n1"), node("n2"), node("n3", "b", "nrt1")]
    assert planned(views, {("b", "fra1"): 50.0}, ModelPolicy("b", ("nrt1",))) == {}


@pytest.mark.parametrize(
    "changes",
    [
        {"state": NodeState.STARTING},
        {"state": NodeState.DRAINING},
        {"state": NodeState.FAILED},
        {"health": Health.SUSPECT},
        {"health": Health.LOST},
        {"desired": Desired(1, Intake.CORDONED, model="a")},
        {"desired": Desired(1, Intake.DRAINED, model="a")},
        {"local": ()},
        {"local": ("a",)},
    ],
)
def test_a_node_that_is_not_ready_or_closed_or_has_no_choice_is_left_alone(
    changes: dict[str, Any],
) -> None:
    views = [node("n1", **changes), node("n2", local=("a",)), node("n3", "b")]
    assert planned(views, {("b", "fra1"): 50.0}) == {}


def test_a_node_that_has_just_switched_stays_for_its_dwell_time() -> None:
    views = [node("n1"), node("n2", local=("a",)), node("n3", "b")]
    demand = {("b", "fra1"): 50.0}
    recent = {"n1": Switch("a", "fra1", 4, NOW - DWELL_SECONDS + 1)}
    assert planned(views, demand, history=recent) == {}
    assert planned(views, demand, history=recent, dwell=0) == {"n1": "b"}
    past = {"n1": Switch("a", "fra1", 4, NOW - DWELL_SECONDS)}
    assert planned(views, demand, history=past) == {"n1": "b"}


def test_a_node_that_is_away_to_switch_counts_where_it_will_come_back() -> None:
    views = [node("n1"), node("n2"), node("n3", "b")]
    demand = {("b", "fra1"): 7.0}
    away = {"n4": Switch("b", "fra1", 4, NOW - 5)}
    assert planned(views, demand, history=away) == {}
    long_gone = {"n4": Switch("b", "fra1", 4, NOW - SWITCH_SECONDS)}
    assert planned(views, demand, history=long_gone) == {"n1": "b"}


def test_a_node_that_refused_a_model_is_not_asked_for_it_again() -> None:
    refuser = node("n1", desired=Desired(2, model="b"), applied_revision=2)
    views = [refuser, node("n2"), node("n3", "b")]
    assert planned(views, {("b", "fra1"): 50.0}) == {"n2": "b"}


def test_an_empty_wish_means_the_first_of_a_nodes_models() -> None:
    returning = node("n1", "b", desired=Desired(2), applied_revision=1)
    views = [returning, node("n2", "b"), node("n3", "b")]
    # it is on its way back to a, so that a has its minimum already
    assert planned(views, {}, ModelPolicy("a", minimum=1)) == {}


def test_two_models_in_need_do_not_take_the_same_node_from_each_other() -> None:
    views = [node("n1"), node("n2", "b")]
    policies = (ModelPolicy("a", minimum=0), ModelPolicy("b", minimum=0))
    assert planned(views, {("a", "fra1"): 50.0, ("b", "fra1"): 60.0}, *policies) == {}


models = st.sampled_from(["a", "b", "c"])
pops = st.sampled_from(["fra1", "nrt1"])
states = st.sampled_from([NodeState.READY] * 4 + [NodeState.STARTING, NodeState.DRAINED])
intakes = st.sampled_from([Intake.OPEN] * 5 + [Intake.DRAINED])


@st.composite
def fleets(draw: st.DrawFn, busy: bool = True) -> list[NodeView]:
    made = []
    for index in range(draw(st.integers(1, 9))):
        model = draw(models)
        made.append(
            node(
                f"n{index}",
                model,
                draw(pops),
                local=draw(st.sets(models).map(lambda some, own=model: sorted({*some, own}))),
                slots=draw(st.integers(1, 8)),
                service=draw(st.sampled_from([0.0, 0.5, 4.0])) if busy else 0.0,
                running=draw(st.integers(0, 12)) if busy else 0,
                state=draw(states),
                desired=Desired(1, draw(intakes), model=model),
            )
        )
    return made


@st.composite
def policies_of(draw: st.DrawFn) -> list[ModelPolicy]:
    some = []
    for model in draw(st.sets(models)):
        minimum = draw(st.integers(0, 3))
        maximum = draw(st.sampled_from([0, minimum + 1, minimum + 3]))
        some.append(ModelPolicy(model, tuple(sorted(draw(st.sets(pops)))), minimum, maximum))
    return some


demands = st.dictionaries(st.tuples(models, pops), st.floats(0, 40), max_size=6)


def workers(views: Sequence[NodeView], moved: Mapping[str, str], model: str) -> set[str]:
    """Names of those that take work for a model and were not sent away."""
    return {
        one.info.name
        for one in views
        if one.takes_work
        and one.desired.intake is Intake.OPEN
        and one.info.models[0].name == model
        and one.info.name not in moved
    }


@given(fleets(), policies_of(), demands)
def test_no_model_that_is_needed_loses_its_last_node(
    views: list[NodeView], policies: list[ModelPolicy], demand: Demand
) -> None:
    moved = planned(views, demand, *policies)
    by_name = {policy.model: policy for policy in policies}
    for model in ("a", "b", "c"):
        wanted = any(name == model and rate > 0 for (name, _), rate in demand.items())
        policy = by_name.get(model)
        if workers(views, {}, model) and (wanted or policy is None or policy.minimum):
            assert workers(views, moved, model)


@given(fleets(), policies_of(), demands)
def test_no_switch_passes_a_maximum_leaves_a_place_or_takes_what_a_minimum_needs(
    views: list[NodeView], policies: list[ModelPolicy], demand: Demand
) -> None:
    moved = planned(views, demand, *policies)
    where = {one.info.name: one.info for one in views}
    for policy in policies:
        gained = [name for name, model in moved.items() if model == policy.model]
        assert not policy.pops or all(where[name].pop in policy.pops for name in gained)
        stays = workers(views, moved, policy.model)
        assert not policy.maximum or not gained or len(stays) + len(gained) <= policy.maximum
        before = workers(views, {}, policy.model)
        in_place = {name for name in before if not policy.pops or where[name].pop in policy.pops}
        if in_place - stays:
            assert len(in_place & stays) >= policy.minimum


def switched(views: Sequence[NodeView], made: Sequence[Assignment]) -> dict[str, Switch]:
    """The history once they have been asked."""
    by_name = {one.info.name: one for one in views}
    return {
        one.node: Switch(one.model, by_name[one.node].info.pop, by_name[one.node].load.slots, NOW)
        for one in made
    }


@given(fleets(), policies_of(), demands)
def test_planning_again_at_once_gives_nothing_more(
    views: list[NodeView], policies: list[ModelPolicy], demand: Demand
) -> None:
    made = plan(views, policies, demand, NOW, {}, 0.0)
    heard = told(views, made)
    assert plan(heard, policies, demand, NOW, switched(views, made), 0.0) == ()


@given(fleets(busy=False), policies_of(), demands)
def test_nothing_more_is_planned_while_those_that_switch_are_away(
    views: list[NodeView], policies: list[ModelPolicy], demand: Demand
) -> None:
    history = switched(views, plan(views, policies, demand, NOW, {}, 0.0))
    left = [one for one in views if one.info.name not in history]
    assert plan(left, policies, demand, NOW, history, 0.0) == ()


@given(fleets(), policies_of(), demands)
def test_a_switch_is_to_another_local_model_of_a_ready_node_and_says_why(
    views: list[NodeView], policies: list[ModelPolicy], demand: Demand
) -> None:
    made = plan(views, policies, demand, NOW, {}, 0.0)
    by_name = {one.info.name: one for one in views}
    for one in made:
        before = by_name[one.node]
        assert before.takes_work
        assert before.desired.intake is Intake.OPEN
        assert one.model in before.info.local_models
        assert one.model != before.info.models[0].name
        assert one.model in one.reason or before.info.models[0].name in one.reason
    assert len({by_name[one.node].info.pop for one in made}) == len(made) <= UNDERWAY_MOST
