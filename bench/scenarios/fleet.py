"""A control plane and one node, as an operator would start them, for a bench."""

import contextlib
import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from bench.scenarios.stage import Stage
from nearfield.cli.targets import Access
from nearfield.client.admin import AdminClient
from nearfield.core.errors import NearfieldError
from nearfield.core.rpc.tls import client_security
from nearfield.local.authority import LocalTls, prepare_tls
from nearfield.local.places import POPS
from nearfield.local.plan import TENANT
from nearfield.local.ports import HOST, free_ports
from nearfield.local.processes import python

POP = "fra1"
NODE = "bench-1"
SERVED_NAME = "bench"
"""The name under which every system of a bench serves its model."""
MIB = 1024**2


@dataclass(frozen=True, slots=True)
class Served:
    """One model, and how every system that is compared has to run it.

    `gpu_memory_share` is what each may hold, on a GPU that several of them use.
    """

    model: str = "demo"
    random_weights: bool = False
    dtype: str = "bfloat16"
    slots: int = 64
    context_tokens: int = 1024
    block_tokens: int = 32
    cache_bytes: int = 256 * MIB
    gpu_memory_share: float = 0.25


@dataclass(frozen=True, slots=True)
class Fleet:
    """Addresses, the node's process and its settings file, and how to be let in."""

    control_plane: str
    admin: str
    node: str
    node_pid: int
    node_config: Path
    authority: Path
    access: Access


async def start_fleet(stage: Stage, served: Served) -> Fleet:
    """Start both and wait until the node takes work; raises ConfigError with the log to read."""
    control_plane, admin, node = (f"{HOST}:{port}" for port in free_ports(3))
    join_token, token = secrets.token_urlsafe(16), secrets.token_urlsafe(16)
    files = prepare_tls(stage.directory.absolute() / "tls")
    access = Access(client_security(files.authority), token)
    plane_config = write_settings(
        stage.directory / "control-plane.toml",
        {
            "listen": control_plane,
            "admin_listen": admin,
            "join_token": join_token,
            f"tenants.{TENANT}.token": token,
            **tls_settings(files),
        },
    )
    node_config = write_settings(
        stage.directory / "node.toml",
        {
            **node_settings(served, node),
            "control_planes": [control_plane],
            "join_token": join_token,
            **tls_settings(files),
        },
    )
    stage.spawn("control-plane", python("-m", "control_plane", "--config", str(plane_config)))
    pid = stage.spawn("node", python("-m", "node_agent", "--config", str(node_config)))

    async def ready() -> bool:
        with contextlib.suppress(NearfieldError):  # it does not listen yet
            return any(view.takes_work for view in await client.nodes())
        return False

    async with AdminClient(admin, access.security) as client:
        await stage.until(ready, "node")
    return Fleet(control_plane, admin, node, pid, node_config, files.authority, access)


def node_settings(served: Served, listen: str) -> dict[str, object]:
    """Return a node's settings by dotted key."""
    place = POPS[POP]
    return {
        "name": NODE,
        "pop": POP,
        "position": f"{place.position.latitude},{place.position.longitude}",
        "jurisdiction": place.jurisdiction,
        "listen": listen,
        "model.path": served.model,
        "model.name": SERVED_NAME,
        "model.dtype": served.dtype,
        "model.context_tokens": served.context_tokens,
        "model.random_weights": served.random_weights,
        "engine.slots": served.slots,
        "engine.compile": False,
        "kv_cache.memory_bytes": served.cache_bytes,
        "kv_cache.block_tokens": served.block_tokens,
        "kv_cache.gpu_memory_share": served.gpu_memory_share,
    }


def tls_settings(files: LocalTls) -> dict[str, object]:
    """Return what every process shows and trusts, by dotted key."""
    return {
        "tls.certificate": str(files.certificate),
        "tls.key": str(files.key),
        "tls.authority": str(files.authority),
    }


def write_settings(path: Path, values: Mapping[str, object]) -> Path:
    """Write TOML that only its owner reads: it holds the join token."""
    # JSON's strings, numbers, truth values and lists are TOML's as well.
    lines = (f"{key} = {json.dumps(value)}\n" for key, value in values.items())
    path.touch(mode=0o600)
    path.write_text("".join(lines), encoding="utf-8")
    return path
