import stat
import tomllib
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from control_plane.gateway.settings import GatewaySettings
from control_plane.settings import PlaneSettings
from nearfield.core.errors import ConfigError
from nearfield.core.settings import position
from nearfield.local.authority import LocalTls
from nearfield.local.places import POPS
from nearfield.local.plan import NODES_MOST, FleetOptions, FleetSecrets, write_plan
from node_agent.settings import NodeSettings

SECRETS = FleetSecrets(
    join_token="join-token",
    token="tenant-token-of-a-test",
    tls=LocalTls(Path("/tls/authority.pem"), Path("/tls/server.pem"), Path("/tls/server.key")),
)


def read(path: Path) -> dict[str, Any]:
    return tomllib.loads(path.read_text(encoding="utf-8"))


def test_every_process_understands_its_settings(tmp_path: Path) -> None:
    options = FleetOptions(("fra1", "sin1"), consul="127.0.0.1:8500", telemetry="http://c:4317")
    plan = write_plan(options, tmp_path, SECRETS)
    plane = PlaneSettings.load(plan.plane_config)
    gateway = GatewaySettings.load(plan.gateway_config)
    nodes = [NodeSettings.load(path) for path in plan.node_configs]
    assert (plane.listen, gateway.listen) == (plan.control_plane, plan.gateway)
    assert [node.name for node in nodes] == list(plan.nodes) == ["fra1-1", "sin1-1"]
    assert {plane.telemetry.otlp_endpoint, gateway.telemetry.otlp_endpoint} == {"http://c:4317"}


def test_a_node_stands_where_its_pop_does_and_joins_with_the_token(tmp_path: Path) -> None:
    plan = write_plan(FleetOptions(("sin1",)), tmp_path, SECRETS)
    node = read(plan.node_configs[0])
    assert (node["name"], node["pop"], node["jurisdiction"]) == ("sin1-1", "sin1", "sg")
    assert position(node["position"]) == POPS["sin1"].position
    assert node["control_planes"] == [plan.control_plane]
    assert node["join_token"] == read(plan.plane_config)["join_token"] == "join-token"


def test_every_process_shows_the_certificate_and_trusts_the_authority(tmp_path: Path) -> None:
    plan = write_plan(FleetOptions(("fra1", "sin1")), tmp_path, SECRETS)
    for path in (plan.plane_config, plan.gateway_config, *plan.node_configs):
        assert read(path)["tls"] == {
            "certificate": "/tls/server.pem",
            "key": "/tls/server.key",
            "authority": "/tls/authority.pem",
        }


def test_the_tenant_of_a_local_fleet_and_its_gateway_share_a_token(tmp_path: Path) -> None:
    plan = write_plan(FleetOptions(("fra1",)), tmp_path, SECRETS)
    plane = PlaneSettings.load(plan.plane_config)
    assert {name: one.token for name, one in plane.tenants.items()} == {"local": SECRETS.token}
    assert plane.anonymous == ""
    assert GatewaySettings.load(plan.gateway_config).token == SECRETS.token


def test_nodes_of_one_pop_are_numbered(tmp_path: Path) -> None:
    plan = write_plan(FleetOptions(("fra1", "iad1", "fra1")), tmp_path, SECRETS)
    assert plan.nodes == ("fra1-1", "iad1-1", "fra1-2")
    assert [path.name for path in plan.node_configs] == [
        "node-fra1-1.toml",
        "node-iad1-1.toml",
        "node-fra1-2.toml",
    ]


def test_every_process_has_an_address_of_its_own(tmp_path: Path) -> None:
    plan = write_plan(FleetOptions(("fra1",) * 4), tmp_path, SECRETS)
    addresses = [plan.control_plane, plan.admin, plan.gateway]
    addresses += [read(path)["listen"] for path in plan.node_configs]
    assert len(set(addresses)) == 7


def test_the_directory_is_consul_only_where_one_is_named(tmp_path: Path) -> None:
    without = read(write_plan(FleetOptions(("fra1",)), tmp_path, SECRETS).plane_config)
    named = FleetOptions(("fra1",), consul="127.0.0.1:8500")
    assert "directory" not in without
    assert read(write_plan(named, tmp_path, SECRETS).plane_config)["directory"] == {
        "consul": "127.0.0.1:8500"
    }


def test_nobody_else_may_read_a_token(tmp_path: Path) -> None:
    plan = write_plan(FleetOptions(("fra1",)), tmp_path, SECRETS)
    for path in (plan.plane_config, plan.gateway_config, *plan.node_configs):
        assert stat.S_IMODE(path.stat().st_mode) == 0o600


@settings(
    max_examples=50,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(model=st.text(st.characters(codec="utf-8"), min_size=1))
def test_a_model_of_any_name_comes_back_as_it_was(tmp_path: Path, model: str) -> None:
    plan = write_plan(FleetOptions(("fra1",), model=model), tmp_path, SECRETS)
    assert read(plan.node_configs[0])["model"] == {"path": model}


@pytest.mark.parametrize("count", [0, NODES_MOST + 1])
def test_too_few_or_too_many_pops_are_refused(tmp_path: Path, count: int) -> None:
    with pytest.raises(ConfigError) as caught:
        write_plan(FleetOptions(("fra1",) * count), tmp_path, SECRETS)
    assert (caught.value.field, caught.value.limit) == ("pops", "1 to 16")


def test_as_many_pops_as_are_allowed_are_planned(tmp_path: Path) -> None:
    plan = write_plan(FleetOptions(("fra1",) * NODES_MOST), tmp_path, SECRETS)
    assert len(set(plan.nodes)) == NODES_MOST


def test_a_pop_that_is_nowhere_is_refused_with_those_that_are_known(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="xyz9") as caught:
        write_plan(FleetOptions(("xyz9",)), tmp_path, SECRETS)
    assert "fra1" in caught.value.limit
