"""Who may be asked at all."""

from dataclasses import replace

import pytest

from control_plane.routing.filters import exclusion, resolve_model
from nearfield.core.errors import InvalidRequest, NoCandidate, UnknownModel
from nearfield.core.node import Health, NodeState
from tests.support.plane_builders import query, view
from tests.support.records import MODEL

SECOND = replace(MODEL, name="second")


def _out_by(found: object) -> str:
    assert found is not None
    return found.constraint  # type: ignore[attr-defined, no-any-return]


def test_a_live_ready_node_of_the_model_may_be_asked() -> None:
    assert exclusion(view(), query()) is None


@pytest.mark.parametrize("health", set(Health) - {Health.ALIVE})
def test_a_node_that_is_not_alive_may_not(health: Health) -> None:
    found = exclusion(view(health=health, reason="silent for 4 s"), query())
    assert found == ("health", f"is {health}: silent for 4 s")


@pytest.mark.parametrize("state", set(NodeState) - {NodeState.READY})
def test_a_node_that_takes_no_work_may_not(state: NodeState) -> None:
    assert exclusion(view(state=state), query()) == ("state", f"is {state}")
    found = exclusion(view(state=state, reason="new kernel"), query())
    assert found == ("state", f"is {state}: new kernel")


def test_a_node_of_another_model_may_not() -> None:
    assert exclusion(view(), query(model="other")) == ("model", "does not serve other")


def test_a_node_that_just_failed_this_client_may_not() -> None:
    asked = query(excluded_nodes=frozenset({"fra1-a"}))
    assert _out_by(exclusion(view("fra1-a"), asked)) == "excluded"
    assert exclusion(view("fra1-b"), asked) is None


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
    found = exclusion(view(jurisdiction=stated), query(jurisdictions=allowed))
    assert (found is None) is may
    if found is not None:
        assert found.constraint == "jurisdiction"
        assert (stated or "nowhere stated") in found.reason


def test_where_several_things_are_wrong_residency_is_named_before_health() -> None:
    found = exclusion(
        view(jurisdiction="us", health=Health.LOST, state=NodeState.FAILED),
        query(jurisdictions=("eu",)),
    )
    assert _out_by(found) == "jurisdiction"


def test_no_name_means_the_only_model() -> None:
    assert resolve_model("", [view("a"), view("b")]) == MODEL.name


def test_a_name_that_is_served_stands() -> None:
    assert resolve_model("second", [view(models=(MODEL, SECOND))]) == "second"


def test_no_name_and_several_models_is_the_callers_to_mend() -> None:
    with pytest.raises(InvalidRequest) as caught:
        resolve_model("", [view("a"), view("b", models=(SECOND,))])
    assert (caught.value.field, caught.value.limit) == ("model", f"{MODEL.name}, second")


def test_a_name_nobody_serves_is_unknown_and_the_served_ones_are_named() -> None:
    with pytest.raises(UnknownModel) as caught:
        resolve_model("x" * 1000, [view()])
    assert (caught.value.field, caught.value.limit) == ("model", MODEL.name)
    assert len(caught.value.message) < 200


@pytest.mark.parametrize("model", ["", "some"])
def test_an_empty_fleet_has_no_candidate_rather_than_no_such_model(model: str) -> None:
    with pytest.raises(NoCandidate):
        resolve_model(model, [])
