"""What a local fleet consists of: settings files for each process, nothing started."""

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from nearfield.core.errors import ConfigError
from nearfield.local.authority import LocalTls
from nearfield.local.places import find_pop
from nearfield.local.ports import HOST, ports_from

TENANT = "local"
"""In whose name the clients of a local fleet ask."""
NODES_MOST = 16
NODE_CACHE_BYTES = 64 * 1024 * 1024
"""Of KV cache a node: thousands of tokens of the demo model, and little of a laptop's memory."""

NODE_GPU_SHARE = 0.2
"""vLLM starts only where this share of the GPU is free, and several nodes share one."""


@dataclass(frozen=True, slots=True)
class FleetOptions:
    """What the user may say. `base_port` of 0 takes free ports; `consul` is an address or empty."""

    pops: Sequence[str]
    model: str = "demo"
    consul: str = ""
    base_port: int = 0
    wan: bool = True
    stay: bool = False
    telemetry: str = ""


@dataclass(frozen=True, slots=True)
class FleetSecrets:
    """What lets a node join, what proves the tenant, and what every process shows and trusts."""

    join_token: str
    token: str
    tls: LocalTls


@dataclass(frozen=True, slots=True)
class FleetPlan:
    """Settings files written, addresses chosen."""

    plane_config: Path
    gateway_config: Path
    node_configs: tuple[Path, ...]
    nodes: tuple[str, ...]
    control_plane: str
    admin: str
    gateway: str


def write_plan(options: FleetOptions, directory: Path, secrets: FleetSecrets) -> FleetPlan:
    """Write the settings of every process into `directory`; raises ConfigError."""
    if not 1 <= len(options.pops) <= NODES_MOST:
        limit = f"1 to {NODES_MOST}"
        raise ConfigError(f"{len(options.pops)} PoPs are not {limit}", field="pops", limit=limit)
    ports = ports_from(options.base_port, 3 + len(options.pops))
    control_plane, admin, gateway, *nodes = (f"{HOST}:{port}" for port in ports)
    plane: dict[str, object] = {
        "listen": control_plane,
        "admin_listen": admin,
        "join_token": secrets.join_token,
    }
    shared = {"telemetry": _telemetry(options), "tls": _tls(secrets.tls)}
    directory_values: dict[str, object] = {"consul": options.consul} if options.consul else {}
    names = _names(options.pops)
    configs = [
        _write(
            directory / f"node-{name}.toml",
            _node(name, pop, address, control_plane, secrets.join_token),
            {
                "model": {"path": options.model},
                "kv_cache": {
                    "memory_bytes": NODE_CACHE_BYTES,
                    "gpu_memory_share": NODE_GPU_SHARE,
                },
                **shared,
            },
        )
        for name, pop, address in zip(names, options.pops, nodes, strict=True)
    ]
    return FleetPlan(
        plane_config=_write(
            directory / "control-plane.toml",
            plane,
            {
                "directory": directory_values,
                f"tenants.{TENANT}": {"token": secrets.token},
                **shared,
            },
        ),
        gateway_config=_write(
            directory / "gateway.toml",
            {"listen": gateway, "control_plane": control_plane, "token": secrets.token},
            shared,
        ),
        node_configs=tuple(configs),
        nodes=tuple(names),
        control_plane=control_plane,
        admin=admin,
        gateway=gateway,
    )


def _names(pops: Sequence[str]) -> list[str]:
    """The nodes of a PoP are numbered: fra1-1, fra1-2."""
    seen = Counter[str]()
    names = []
    for pop in pops:
        seen[pop] += 1
        names.append(f"{pop}-{seen[pop]}")
    return names


def _node(name: str, pop: str, address: str, control_plane: str, token: str) -> dict[str, object]:
    place = find_pop(pop)
    return {
        "name": name,
        "pop": pop,
        "position": f"{place.position.latitude},{place.position.longitude}",
        "jurisdiction": place.jurisdiction,
        "provider": "local",
        "listen": address,
        "control_planes": [control_plane],
        "join_token": token,
    }


def _telemetry(options: FleetOptions) -> dict[str, object]:
    values: dict[str, object] = {"prometheus_port": 0}
    return values | ({"otlp_endpoint": options.telemetry} if options.telemetry else {})


def _tls(files: LocalTls) -> dict[str, object]:
    return {
        "certificate": str(files.certificate),
        "key": str(files.key),
        "authority": str(files.authority),
    }


def _write(path: Path, values: dict[str, object], tables: dict[str, dict[str, object]]) -> Path:
    lines = [f"{key} = {_toml(value)}" for key, value in values.items()]
    for name, table in tables.items():
        if table:
            lines += [f"\n[{name}]", *(f"{key} = {_toml(value)}" for key, value in table.items())]
    path.touch(0o600)
    path.chmod(0o600)  # before it holds a token
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def _toml(value: object) -> str:
    if isinstance(value, list):
        return "[" + ", ".join(_toml(one) for one in value) + "]"
    if isinstance(value, str):
        # TOML's basic strings are JSON's, but for DEL.
        return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
    return str(value)
