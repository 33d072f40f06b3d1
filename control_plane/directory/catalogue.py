"""Nodes as Consul's catalogue holds them: pure conversion, no I/O.

A Nearfield node is one Consul node of the same name, with one service and one check
of that service. It is an external node: no Consul agent probes or expires it.
Consul holds node names equal that differ in case alone.
"""

import json
import logging
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any
from urllib.parse import urlsplit

from pydantic import TypeAdapter

from control_plane.directory.base import Check, NodeRecord
from control_plane.directory.transaction import Operation
from nearfield.core.errors import InvalidRequest, LimitExceeded
from nearfield.core.node import NodeInfo

SERVICE = "nearfield-node"
MARK = "nearfield"
"""The key in a node's metadata that tells ours from other nodes of the same Consul."""
FOREIGN = f"{MARK} not in Meta"
"""The filter for all nodes that are not ours."""

MAX_META_PAIRS = 64
"""Of one service's metadata; eleven are the node's own, the others one model each."""
MAX_META_BYTES = 512
"""Of one metadata value."""

_log = logging.getLogger(__name__)
_node_info = TypeAdapter(NodeInfo)


def operations(record: NodeRecord, known: NodeRecord | None) -> tuple[Operation, ...]:
    """Return what registers `record` where `known` stands (None: nothing, or not known what).

    Raises InvalidRequest for an endpoint that is not host:port, LimitExceeded for a
    value that is too long for Consul.
    """
    if known is not None and known.info == record.info:
        return (_check(record),)
    return (_node(record.info), _service(record.info), _check(record))


def removal(name: str) -> Operation:
    """Return what takes a node out, with its service and its check."""
    return {"Node": {"Verb": "delete", "Node": {"Node": name}}}


def records(health: bytes) -> dict[str, NodeRecord]:
    """Read the answer of `health/service`, by name.

    Leaves out, with a warning, an entry that others wrote or damaged: it must not hide the rest.
    """
    found = {}
    for entry in json.loads(health):
        try:
            record = parse_record(entry)
        except ValueError as error:
            _log.warning("Consul node %s is not readable: %s", entry["Node"]["Node"], error)
        else:
            found[record.info.name] = record
    return found


def names(nodes: bytes) -> frozenset[str]:
    """Read the answer of `catalog/nodes`: the names, in lower case."""
    return frozenset(node["Node"].lower() for node in json.loads(nodes))


def parse_record(entry: Mapping[str, Any]) -> NodeRecord:
    """Read one instance of our service; raises ValueError."""
    name = entry["Node"]["Node"]
    checks = {check["CheckID"]: check for check in entry["Checks"]}
    check = checks.get(_check_id(name))
    if check is None:
        raise ValueError(f"it has no check {_check_id(name)}")
    info = _parse_meta(name, entry["Service"]["Meta"] or {})
    return NodeRecord(info, Check(check["Status"]), check["Output"])


def _check_id(name: str) -> str:
    return f"nearfield-health-{name}"


def _service_id(name: str) -> str:
    return f"{SERVICE}-{name}"


def _node(info: NodeInfo) -> Operation:
    node = {
        "Node": info.name,
        "Address": _host_and_port(info.endpoint)[0],
        "Meta": {"external-node": "true", "external-probe": "false", MARK: "true"},
    }
    return {"Node": {"Verb": "set", "Node": node}}


def _service(info: NodeInfo) -> Operation:
    models = [f"model:{model.name}" for model in info.models]
    service = {
        "ID": _service_id(info.name),
        "Service": SERVICE,
        "Tags": [f"pop:{info.pop}", f"jurisdiction:{info.jurisdiction}", *models],
        "Port": _host_and_port(info.endpoint)[1],
        "Meta": _meta(info),
    }
    return {"Service": {"Verb": "set", "Node": info.name, "Service": service}}


def _check(record: NodeRecord) -> Operation:
    name = record.info.name
    check = {
        "Node": name,
        "CheckID": _check_id(name),
        "Name": "Nearfield node health",
        "Status": record.check.value,
        "Output": record.note,
        "ServiceID": _service_id(name),
        "ServiceName": SERVICE,
    }
    return {"Check": {"Verb": "set", "Check": check}}


def _meta(info: NodeInfo) -> dict[str, str]:
    fields = asdict(info)
    del fields["name"]
    models = fields.pop("models")
    fields |= {f"model-{index}": model for index, model in enumerate(models)}
    meta = {
        key: value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
        for key, value in fields.items()
    }
    _check_limits(info.name, meta)
    return meta


def _check_limits(name: str, meta: Mapping[str, str]) -> None:
    if len(meta) > MAX_META_PAIRS:
        limit = f"{MAX_META_PAIRS} metadata pairs"
        raise LimitExceeded(
            f"node '{name}' has more models than fit in {limit}", field="models", limit=limit
        )
    for key, value in meta.items():
        if len(value.encode()) > MAX_META_BYTES:
            limit = f"{MAX_META_BYTES} bytes"
            raise LimitExceeded(
                f"node '{name}': {key} is longer than {limit}", field=key, limit=limit
            )


def _parse_meta(name: str, meta: Mapping[str, str]) -> NodeInfo:
    fields: dict[str, Any] = {**meta, "name": name, "models": []}
    while (model := meta.get(f"model-{len(fields['models'])}")) is not None:
        fields["models"].append(json.loads(model))
    for key, empty in (("position", "{}"), ("hardware", "{}"), ("local_models", "[]")):
        fields[key] = json.loads(meta.get(key, empty))
    try:
        return _node_info.validate_python(fields)
    except InvalidRequest as error:
        raise ValueError(error.message) from None


def _host_and_port(endpoint: str) -> tuple[str, int]:
    try:
        parts = urlsplit(f"//{endpoint}")
        host, port = parts.hostname, parts.port
    except ValueError:
        host, port = None, None
    if not host or port is None:
        raise InvalidRequest(
            f"endpoint '{endpoint}' is not HOST:PORT", field="endpoint", limit="HOST:PORT"
        )
    return host, port
