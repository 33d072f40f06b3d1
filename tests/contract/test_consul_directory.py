"""What Consul's own tools see of us, and how we live beside others in one Consul."""

import asyncio
import contextlib
import json

import pytest

from control_plane.directory.base import Check
from control_plane.directory.consul import ConsulDirectory
from nearfield.core.errors import (
    ConfigError,
    DirectoryUnavailable,
    InvalidRequest,
    LimitExceeded,
    NameTaken,
)
from nearfield.core.node import Desired
from nearfield.core.policy import FleetPolicy
from tests.support.consul import ConsulAgent
from tests.support.records import MODEL, record


@pytest.fixture
async def directory(consul):
    async with ConsulDirectory(consul.address) as opened:
        yield opened


async def test_the_consul_command_lists_the_service_with_its_tags(consul, directory):
    await directory.put([record()])
    listed = consul.cli("catalog", "services", "-tags")
    (row,) = (line for line in listed.splitlines() if line.startswith("nearfield-node"))
    assert set(row.split()[1].split(",")) == {"pop:fra1", "jurisdiction:eu", "model:qwen3-8b"}


async def test_the_consul_command_lists_the_nodes(consul, directory):
    await directory.put([record(), record("ams1-a", endpoint="node.example.net:7001")])
    rows = consul.cli("catalog", "nodes", "-service=nearfield-node").splitlines()[1:]
    # they have no node id, so that column is blank
    assert [row.split()[:2] for row in rows] == [
        ["ams1-a", "node.example.net"],
        ["fra1-a", "10.0.0.1"],
    ]


async def test_health_queries_find_only_nodes_that_take_work(consul, directory):
    await directory.put([record("a"), record("b", Check.WARNING), record("c", Check.CRITICAL)])
    passing = consul.get("/v1/health/service/nearfield-node?passing")
    assert [entry["Node"]["Node"] for entry in passing] == ["a"]
    assert passing[0]["Service"]["Port"] == 7001


async def test_a_node_is_marked_as_one_that_no_agent_probes(consul, directory):
    await directory.put([record()])
    meta = consul.get("/v1/catalog/node/fra1-a")["Node"]["Meta"]
    assert meta == {"external-node": "true", "external-probe": "false", "nearfield": "true"}


async def test_removal_leaves_nothing_behind(consul, directory):
    await directory.put([record()])
    await directory.remove(["fra1-a"])
    assert consul.get("/v1/catalog/node/fra1-a") is None
    assert consul.get("/v1/health/node/fra1-a") == []


async def test_desired_state_is_readable_json_under_its_key(consul, directory):
    await directory.put_desired("fra1-a", Desired(4, reason="disk failing"))
    stored = json.loads(consul.cli("kv", "get", "nearfield/desired/fra1-a"))
    assert (stored["revision"], stored["intake"], stored["reason"]) == (4, "open", "disk failing")


async def test_another_replica_that_puts_the_same_fleet_moves_no_index(consul, directory):
    fleet = [record(f"node-{index:02}") for index in range(50)]
    await directory.put(fleet)
    _, before = consul.request("GET", "/v1/health/service/nearfield-node")
    async with ConsulDirectory(consul.address) as other:
        await other.put(fleet)
    assert consul.request("GET", "/v1/health/service/nearfield-node")[1] == before


async def test_two_replicas_that_start_at_once_agree_on_the_id(consul):
    async with contextlib.AsyncExitStack() as stack:
        replicas = [ConsulDirectory(consul.address) for _ in range(4)]
        await asyncio.gather(*(stack.enter_async_context(replica) for replica in replicas))
        assert len({replica.directory_id for replica in replicas}) == 1


async def test_of_two_replicas_with_one_revision_one_wins(consul, directory):
    async with ConsulDirectory(consul.address) as other:
        won = await asyncio.gather(
            directory.put_desired("a", Desired(1, reason="here")),
            other.put_desired("a", Desired(1, reason="there")),
        )
        assert sorted(won) == [False, True]


async def test_a_node_that_others_took_out_is_written_whole_again(consul, directory):
    await directory.put([record(), record("b")])
    consul.request("PUT", "/v1/catalog/deregister", {"Node": "fra1-a"})
    await directory.put([record(check=Check.WARNING)])
    assert await directory.nodes() == (record("b"), record(check=Check.WARNING))


async def test_what_others_changed_is_mended_after_the_next_reading(consul, directory):
    await directory.put([record()])
    consul.request("PUT", "/v1/catalog/deregister", {"Node": "fra1-a"})
    assert await directory.nodes() == ()
    await directory.put([record()])
    assert await directory.nodes() == (record(),)


async def test_an_entry_that_others_wrote_hides_no_node(consul, directory, caplog):
    await directory.put([record()])
    stranger = {"Node": "x", "Address": "10.9.9.9", "Service": {"Service": "nearfield-node"}}
    consul.request("PUT", "/v1/catalog/register", stranger)
    assert await directory.nodes() == (record(),)
    assert "x is not readable" in caplog.text


async def test_a_node_of_another_owner_is_neither_replaced_nor_removed(consul, directory):
    with pytest.raises(NameTaken, match="Consul-Server"):
        await directory.put([record("Consul-Server")])
    await directory.remove(["consul-server"])
    assert consul.get("/v1/catalog/node/consul-server")["Node"]["Address"] == "127.0.0.1"


async def test_damaged_desired_state_is_an_error_naming_its_key(consul, directory):
    consul.request("PUT", "/v1/kv/nearfield/desired/a", {"revision": "many"})
    with pytest.raises(DirectoryUnavailable, match="nearfield/desired/a"):
        await directory.desired()


async def test_a_damaged_policy_is_an_error_naming_its_key(consul, directory):
    consul.request("PUT", "/v1/kv/nearfield/policy", {"revision": "many"})
    with pytest.raises(DirectoryUnavailable, match="nearfield/policy"):
        await directory.policy()
    with pytest.raises(DirectoryUnavailable, match="nearfield/policy"):
        await directory.put_policy(FleetPolicy(1))


@pytest.mark.parametrize(
    ("changes", "error", "field"),
    [
        ({"endpoint": "nowhere"}, InvalidRequest, "endpoint"),
        ({"provider": "é" * 257}, LimitExceeded, "provider"),
        ({"models": (MODEL,) * 54}, LimitExceeded, "models"),
        ({"local_models": ("m" * 500, "other")}, LimitExceeded, "local_models"),
    ],
)
async def test_what_consul_cannot_hold_is_refused_by_field(directory, changes, error, field):
    with pytest.raises(error) as raised:
        await directory.put([record(**changes)])
    assert raised.value.field == field
    assert await directory.nodes() == ()


@pytest.mark.parametrize("address", ["", "ftp://consul:8500", "http://", "consul:many"])
def test_an_address_that_is_none_is_a_config_error(address):
    with pytest.raises(ConfigError) as raised:
        ConsulDirectory(address)
    assert raised.value.field == "directory"


async def test_a_narrow_token_is_enough_and_none_is_refused(tmp_path):
    root = "6f2a9a3c-2b8b-4d55-9d0e-7a3b3ce5a001"
    acl = {"enabled": True, "default_policy": "deny", "tokens": {"master": root, "agent": root}}
    rules = """
        node_prefix "" { policy = "write" }
        service "nearfield-node" { policy = "write" }
        key_prefix "nearfield/" { policy = "write" }
    """
    with ConsulAgent(tmp_path / "consul", {"acl": acl}, root) as agent:
        agent.request("PUT", "/v1/acl/policy", {"Name": "nearfield", "Rules": rules})
        policies = {"Policies": [{"Name": "nearfield"}]}
        token = agent.request("PUT", "/v1/acl/token", policies)[0]["SecretID"]
        async with ConsulDirectory(agent.address, token) as directory:
            await directory.put([record()])
            assert await directory.put_desired("fra1-a", Desired(1))
            assert await directory.nodes() == (record(),)
            await directory.remove(["fra1-a"])
            assert await directory.nodes() == ()
        with pytest.raises(DirectoryUnavailable, match="Permission denied"):
            async with ConsulDirectory(agent.address):
                pass
