"""Who may be asked at all."""

from dataclasses import replace

import pytest

from control_plane.routing.filters import Exclusion, exclusion, resolve_model
from control_plane.routing.map import Place
from nearfield.core.constraints import Constraints
from nearfield.core.errors import InvalidRequest, NoCandidate, UnknownModel
from nearfield.core.node import Health, NodeState
from nearfield.core.route import RouteQuery
from tests.support.plane_builders import query, view
from tests.support.records import MODEL
from tests.support.routing_builders import fleet_of

SECOND = replace(MODEL, name="second")


def _place(name: str = "fra1-a", **changes: object) -> Place:
    return fleet_of(view(name, **changes)).places[0]  # type: ignore[arg-type]


def _found(asked: RouteQuery | None = None, **changes: object) -> Exclusion | None:
    return exclusion(_place(**changes), asked or query())  # type: ignore[arg-type]


def _out_by(found: object) -> str:
    assert found is not None
    return found.constraint  # type: ignore[attr-defined, no-any-return]


def test_a_live_ready_node_of_the_model_may_be_asked() -> None:
    assert _found() is None


@pytest.mark.parametrize("health", set(Health) - {Health.ALIVE})
def test_a_node_that_is_not_alive_may_not(health: Health) -> None:
    found = _found(health=health, reason="silent for 4 s")
    assert found == ("health", f"is {health}: silent for 4 s")


@pytest.mark.parametrize("state", set(NodeState) - {NodeState.READY})
def test_a_node_that_takes_no_work_may_not(state: NodeState) -> None:
    assert _found(state=state) == ("state", f"is {state}")
    found = _found(state=state, reason="new kernel")
    assert found == ("state", f"is {state}: new kernel")


def test_a_node_of_another_model_may_not() -> None:
    assert _found(query(model="other")) == ("model", "does not serve other")


def test_a_node_that_just_failed_this_client_may_not() -> None:
    asked = query(excluded_nodes=frozenset({"fra1-a"}))
    assert _out_by(exclusion(_place("fra1-a"), asked)) == "excluded"
    assert exclusion(_place("fra1-b"), asked) is None


@pytest.mark.parametrize(
    ("stated", "allowed", "may"),
    [
        ("eu", (), True),
        ("", (), True),
        ("eu", ("eu",), True),
        ("eu", ("uk", "eu"), True),
        ("us", ("eu",), False),
        ("", ("eu",), False),
        ("EU", ("eu",), False),
    ],
)
def test_residency_fails_closed(stated: str, allowed: tuple[str, ...], may: bool) -> None:
    found = _found(query(constraints=Constraints(jurisdictions=allowed)), jurisdiction=stated)
    assert (found is None) is may
    if found is not None:
        assert found.constraint == "jurisdiction"
        assert (stated or "nowhere stated") in found.reason


@pytest.mark.parametrize(
    ("wanted", "constraint", "reason"),
    [
        ({"providers": ("cirrus",)}, "provider", "is of acme, not of cirrus"),
        ({"accelerators": ("cpu",)}, "accelerator", "runs on NVIDIA H200, not on cpu"),
        ({"cost_per_hour_most": 2.0}, "cost", "costs 3 an hour, more than 2 is not allowed"),
    ],
)
def test_what_a_node_is_and_costs_is_said_in_words(
    wanted: dict[str, object], constraint: str, reason: str
) -> None:
    asked = query(constraints=Constraints(**wanted))  # type: ignore[arg-type]
    assert _found(asked, cost_per_hour=3.0) == (constraint, reason)


def test_a_node_that_states_no_cost_is_too_dear() -> None:
    found = _found(query(constraints=Constraints(cost_per_hour_most=2.0)))
    assert found is not None
    assert "not stated" in found.reason


def test_where_several_things_are_wrong_residency_is_named_before_health() -> None:
    asked = query(constraints=Constraints(jurisdictions=("eu",)))
    found = _found(asked, jurisdiction="us", health=Health.LOST, state=NodeState.FAILED)
    assert _out_by(found) == "jurisdiction"


def test_no_name_means_the_only_model() -> None:
    assert resolve_model("", fleet_of(view("a"), view("b"))) == MODEL.name


def test_a_name_that_is_served_stands() -> None:
    assert resolve_model("second", fleet_of(view(models=(MODEL, SECOND)))) == "second"


def test_no_name_and_several_models_is_the_callers_to_mend() -> None:
    with pytest.raises(InvalidRequest) as caught:
        resolve_model("", fleet_of(view("a"), view("b", models=(SECOND,))))
    assert (caught.value.field, caught.value.limit) == ("model", f"{MODEL.name}, second")


def test_a_name_nobody_serves_is_unknown_and_the_served_ones_are_named() -> None:
    with pytest.raises(UnknownModel) as caught:
        resolve_model("x" * 1000, fleet_of(view()))
    assert (caught.value.field, caught.value.limit) == ("model", MODEL.name)
    assert len(caught.value.message) < 200


@pytest.mark.parametrize("model", ["", "some"])
def test_an_empty_fleet_has_no_candidate_rather_than_no_such_model(model: str) -> None:
    with pytest.raises(NoCandidate):
        resolve_model(model, fleet_of())


def test_a_model_that_nodes_could_serve_but_none_does_may_come_yet() -> None:
    fleet = fleet_of(view("a", local_models=("small",)), view("b", local_models=("small",)))
    with pytest.raises(NoCandidate) as caught:
        resolve_model("small", fleet)
    assert caught.value.field == "model"
    assert "2 could" in caught.value.message
    assert caught.value.retry_after is not None
