"""Which models the fleet serves."""

from dataclasses import replace

from control_plane.fleet.models import served_models
from nearfield.core.node import Health, NodeState
from tests.support.plane_builders import view
from tests.support.records import MODEL

OTHER = replace(MODEL, name="another", digest="sha256:" + "aa" * 32)


def test_a_model_names_who_serves_it_and_who_takes_work() -> None:
    views = [view("a"), view("b", state=NodeState.CORDONED), view("c", health=Health.LOST)]
    (model,) = served_models(views)
    assert (model.name, model.digest) == (MODEL.name, MODEL.digest)
    assert model.context_tokens == MODEL.context_tokens
    assert model.nodes == ("a", "b", "c")
    assert model.takes_work == ("a",)


def test_the_same_name_with_other_weights_is_another_model() -> None:
    retrained = replace(MODEL, digest="sha256:" + "00" * 32)
    models = served_models([view("a"), view("b", models=(retrained,))])
    assert [(one.digest, one.nodes) for one in models] == [
        (retrained.digest, ("b",)),
        (MODEL.digest, ("a",)),
    ]


def test_models_come_by_name() -> None:
    models = served_models([view("a", models=(MODEL, OTHER))])
    assert [model.name for model in models] == ["another", MODEL.name]


def test_a_node_that_left_serves_nothing_any_more() -> None:
    assert served_models([view(health=Health.LEFT)]) == ()
