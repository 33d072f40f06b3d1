"""Nodes for tests, each one thought long."""

from typing import Any

from control_plane.directory.base import Check, NodeRecord
from nearfield.core.geo import Position
from nearfield.core.node import Hardware, Model, NodeInfo

FRANKFURT = Position(50.11, 8.68)
MODEL = Model("qwen3-8b", "sha256:" + "5e" * 32, 32768, "bfloat16")


def node_info(name: str = "fra1-a", **changes: Any) -> NodeInfo:
    """Return a whole NodeInfo; `changes` replace its fields."""
    fields: dict[str, Any] = {
        "name": name,
        "incarnation": "inc-1",
        "endpoint": "10.0.0.1:7001",
        "pop": "fra1",
        "position": FRANKFURT,
        "jurisdiction": "eu",
        "models": (MODEL,),
        "provider": "acme",
        "hardware": Hardware("NVIDIA H200", 8, 150_754_820_096, "AMD EPYC 9554", 64),
        "version": "0.1.0",
    }
    return NodeInfo(**{**fields, **changes})


def record(
    name: str = "fra1-a", check: Check = Check.PASSING, note: str = "", **changes: Any
) -> NodeRecord:
    """Return a NodeRecord; `changes` replace fields of its NodeInfo."""
    return NodeRecord(node_info(name, **changes), check, note)
