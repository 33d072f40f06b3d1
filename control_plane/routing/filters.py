"""Who may be asked at all, and what is said where nobody may."""

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np

from control_plane.routing.kinds import FAILURES
from control_plane.routing.map import STANDINGS, Place, RoutingMap
from nearfield.core.constraints import Constraints
from nearfield.core.errors import InvalidRequest, NearfieldError, NoCandidate, UnknownModel
from nearfield.core.node import Health, NodeInfo, NodeState
from nearfield.core.route import RouteQuery

RETRY_SECONDS = 1.0
"""A node that was silent or closed is usually back in the view a report later."""
SWITCH_SECONDS = 10.0
"""What it takes a node to start with another of its models."""
_NAMES_MOST = 20


class Exclusion(NamedTuple):
    """Which filter took a node out, and why in words."""

    constraint: str
    reason: str


def exclusion(node: Place, query: RouteQuery) -> Exclusion | None:
    """Return why a node cannot be asked, or None where it can. Residency fails closed."""
    if node.info.model(query.model) is None:
        return Exclusion("model", f"does not serve {query.model}")
    if failed := query.constraints.failed_by(node.info):
        return Exclusion(failed, _failure(failed, node.info, query.constraints))
    if node.health is not Health.ALIVE:
        return Exclusion("health", f"is {node.health}: {node.reason}")
    if node.state is not NodeState.READY:
        why = f": {node.reason}" if node.reason else ""
        return Exclusion("state", f"is {node.state}{why}")
    if node.info.name in query.excluded_nodes:
        return Exclusion("excluded", "just failed this client")
    return None


def resolve_model(model: str, fleet: RoutingMap) -> str:
    """Return the model asked for; an empty name means the fleet's only one.

    Raises UnknownModel, InvalidRequest where several are served, NoCandidate in an
    empty fleet and where nodes could serve the model but none does.
    """
    if model in fleet.models:
        return model
    if model in fleet.local_models:
        raise NoCandidate(
            f"no node serves '{model[:80]}' now; {fleet.local_models[model]} could",
            field="model",
            retry_after=SWITCH_SECONDS,
        )
    names = ", ".join(sorted(fleet.models)[:_NAMES_MOST])
    if not fleet.models:
        raise NoCandidate("no node has joined", field="model", retry_after=RETRY_SECONDS)
    if model:
        raise UnknownModel(f"no node serves model '{model[:80]}'", field="model", limit=names)
    if len(fleet.models) > 1:
        raise InvalidRequest("several models are served; name one", field="model", limit=names)
    return next(iter(fleet.models))


def refusal(query: RouteQuery, fleet: RoutingMap) -> NearfieldError:
    """Return what to raise where no node may be asked: each filter in turn, with its count."""
    counts = _counts(query, fleet)
    limit = ", ".join(f"{name}: {count}" for name, count in counts.items())
    unknown = [one for one in query.constraints.jurisdictions if one not in fleet.jurisdictions]
    also = f"; the fleet has no node in {', '.join(unknown)[:200]}" if unknown else ""
    return NoCandidate(
        f"no node can take a request for {query.model}: of {len(fleet)} nodes "
        f"{limit.replace(':', '')}{also}",
        field=list(counts)[-1],
        limit=limit,
        retry_after=RETRY_SECONDS,
    )


def _counts(query: RouteQuery, fleet: RoutingMap) -> Mapping[str, int]:
    """How many nodes each filter took out, in the order of the filters."""
    slots = np.flatnonzero(fleet.held)
    failed = fleet.kinds.failed(query.model, query.constraints).take(fleet.kind.take(slots))
    closed = fleet.closed.take(slots)[failed == 0]
    by_failure = np.bincount(failed, minlength=len(FAILURES)).tolist()
    by_standing = np.bincount(closed, minlength=len(STANDINGS)).tolist()
    counts = dict(zip(FAILURES[1:], by_failure[1:], strict=True))
    counts |= dict(zip(STANDINGS[1:], by_standing[1:], strict=True))
    counts["excluded"] = by_standing[0]
    return {name: count for name, count in counts.items() if count}


def _failure(constraint: str, info: NodeInfo, asked: Constraints) -> str:
    match constraint:
        case "jurisdiction":
            where = info.jurisdiction or "nowhere stated"
            return f"is in {where}, not in {', '.join(asked.jurisdictions)}"
        case "provider":
            return f"is of {info.provider or 'nobody stated'}, not of {', '.join(asked.providers)}"
        case "accelerator":
            wanted = ", ".join(asked.accelerators)
            return f"runs on {info.hardware.accelerator}, not on {wanted}"
        case _:
            cost = f"{info.cost_per_hour:g} an hour" if info.cost_per_hour else "what is not stated"
            return f"costs {cost}, more than {asked.cost_per_hour_most:g} is not allowed"
