"""Which models the fleet serves."""

from dataclasses import replace

from control_plane.fleet.models import served_models
from nearfield.core.node import Health, NodeState
from nearfield.core.policy import ModelPolicy
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


def test_a_model_on_a_disk_is_listed_with_who_could_serve_it() -> None:
    local = (MODEL.name, "another")
    views = [view("a", local_models=local), view("b", models=(OTHER,), local_models=local)]
    another, model = served_models(views)
    assert (another.nodes, another.could_serve) == (("b",), ("a",))
    assert (model.nodes, model.could_serve) == (("a",), ("b",))


def test_a_model_that_nobody_serves_is_listed_without_a_digest() -> None:
    policy = ModelPolicy("wanted", minimum=2)
    left = view("c", health=Health.LEFT, local_models=("forgotten",))
    models = served_models([view("a", local_models=("idle",)), left], (policy,))
    assert [(one.name, one.digest, one.nodes) for one in models] == [
        ("idle", "", ()),
        (MODEL.name, MODEL.digest, ("a",)),
        ("wanted", "", ()),
    ]
    assert (models[0].could_serve, models[0].policy) == (("a",), None)
    assert models[2].policy == policy


def test_a_models_policy_goes_with_each_of_its_digests() -> None:
    policy = ModelPolicy(MODEL.name)
    retrained = replace(MODEL, digest="sha256:" + "00" * 32)
    models = served_models([view("a"), view("b", models=(retrained,))], (policy,))
    assert [one.policy for one in models] == [policy, policy]


def test_a_node_that_left_serves_nothing_any_more() -> None:
    assert served_models([view(health=Health.LEFT)]) == ()
