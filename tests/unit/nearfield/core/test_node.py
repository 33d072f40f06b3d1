import pytest

from nearfield.core.node import Desired, Health, Intake, KvCacheLoad, Model, NodeLoad, NodeState
from tests.support.nearfield_builders import view
from tests.support.records import MODEL, node_info


def test_a_model_is_found_by_its_name() -> None:
    other = Model("other", "sha256:0", 1024, "float16")
    info = node_info(models=(MODEL, other))
    assert info.model("other") is other
    assert info.model("missing") is None


def test_an_empty_name_is_the_only_model_where_there_is_one() -> None:
    other = Model("other", "sha256:0", 1024, "float16")
    assert node_info().model("") is MODEL
    assert node_info(models=(MODEL, other)).model("") is None
    assert node_info(models=()).model("") is None


def test_a_node_states_no_cost_and_is_at_the_edge_unless_it_says_so() -> None:
    info = node_info()
    assert (info.cost_per_hour, info.core, info.local_models) == (0.0, False, ())


def test_a_load_of_which_nothing_is_known_takes_work_for_all_its_slots() -> None:
    load = NodeLoad()
    assert (load.ramp, load.slots) == (1.0, 1)
    assert (load.prefill_tokens_per_second, load.bytes_per_token, load.service_seconds) == (0, 0, 0)


def test_a_desired_state_names_no_model_unless_a_planner_does() -> None:
    assert (Desired().intake, Desired().model) == (Intake.OPEN, "")


def test_the_hit_rate_is_the_share_of_tokens_found() -> None:
    assert KvCacheLoad(query_tokens=200, hit_tokens=50).hit_rate == 0.25


def test_a_cache_that_was_never_asked_has_hit_nothing() -> None:
    assert KvCacheLoad().hit_rate == 0.0


@pytest.mark.parametrize("health", Health)
@pytest.mark.parametrize("state", NodeState)
def test_only_a_node_that_is_alive_and_ready_takes_work(health: Health, state: NodeState) -> None:
    expected = health is Health.ALIVE and state is NodeState.READY
    assert view(health=health, state=state).takes_work is expected
