"""The fleet's policy over the wire of a real replica: set, shown, refused and kept."""

from pathlib import Path

import pytest

from nearfield.core.errors import InvalidRequest
from nearfield.core.policy import DeclaredPrefix, ModelPolicy
from tests.support.plane_builders import hello
from tests.support.records import MODEL, node_info
from tests.support.running_plane import RunningPlane, running_plane

PREFIX = DeclaredPrefix("brief", MODEL.name, "Be brief.", tenant="acme")


async def test_a_models_policy_is_shown_with_who_serves_and_who_could(plane: RunningPlane) -> None:
    local = (MODEL.name, "other")
    await plane.link().join(hello(node_info(local_models=local)))
    policy = ModelPolicy("other", ("fra1",), 0, 2)
    assert await plane.admin.set_model(policy) == (1, True)
    served, other = sorted(await plane.admin.models(), key=lambda one: one.name != MODEL.name)
    assert (served.nodes, served.policy) == (("fra1-a",), None)
    assert (other.name, other.nodes, other.could_serve) == ("other", (), ("fra1-a",))
    assert other.policy == policy


async def test_prefixes_are_declared_listed_and_withdrawn(plane: RunningPlane) -> None:
    assert await plane.admin.declare_prefix(PREFIX) == (1, True)
    assert await plane.admin.prefixes() == (PREFIX,)
    assert await plane.admin.withdraw_prefix("brief") == (2, True)
    assert await plane.admin.prefixes() == ()


async def test_what_cannot_be_is_refused_and_changes_nothing(plane: RunningPlane) -> None:
    with pytest.raises(InvalidRequest) as no_pop:
        await plane.admin.set_model(ModelPolicy("m", ("Frankfurt am Main",)))
    assert no_pop.value.field == "policy.pops"
    with pytest.raises(InvalidRequest) as no_prefix:
        await plane.admin.withdraw_prefix("nothing")
    assert no_prefix.value.field == "name"
    assert await plane.admin.revoke_tickets() == (1, True)


async def test_the_policy_outlives_the_replica(tmp_path: Path) -> None:
    kept = {"directory": {"file": tmp_path / "directory.json"}}
    async with running_plane(**kept) as first:
        await first.admin.declare_prefix(PREFIX)
        await first.admin.revoke_tickets()
    async with running_plane(**kept) as second:
        assert await second.admin.prefixes() == (PREFIX,)
        assert await second.admin.revoke_tickets() == (3, True)
