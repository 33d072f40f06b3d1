import pytest

from nearfield.core.node import Health, KvCacheLoad, Model, NodeState
from tests.support.nearfield_builders import view
from tests.support.records import MODEL, node_info


def test_a_model_is_found_by_its_name() -> None:
    other = Model("other", "sha256:0", 1024, "float16")
    info = node_info(models=(MODEL, other))
    assert info.model("other") is other
    assert info.model("missing") is None


def test_the_hit_rate_is_the_share_of_tokens_found() -> None:
    assert KvCacheLoad(query_tokens=200, hit_tokens=50).hit_rate == 0.25


def test_a_cache_that_was_never_asked_has_hit_nothing() -> None:
    assert KvCacheLoad().hit_rate == 0.0


@pytest.mark.parametrize("health", Health)
@pytest.mark.parametrize("state", NodeState)
def test_only_a_node_that_is_alive_and_ready_takes_work(health: Health, state: NodeState) -> None:
    expected = health is Health.ALIVE and state is NodeState.READY
    assert view(health=health, state=state).takes_work is expected
