"""Who may be asked at all."""

from typing import NamedTuple

from nearfield.core.errors import InvalidRequest, NoCandidate, UnknownModel
from nearfield.core.node import Health, NodeState, NodeView
from nearfield.core.route import RouteQuery


class Exclusion(NamedTuple):
    """Which filter took a node out, and why in words."""

    constraint: str
    reason: str


def exclusion(view: NodeView, query: RouteQuery) -> Exclusion | None:
    """Return why a node cannot be asked, or None where it can. Residency fails closed."""
    if view.info.model(query.model) is None:
        return Exclusion("model", f"does not serve {query.model}")
    if query.jurisdictions and view.info.jurisdiction not in query.jurisdictions:
        where = view.info.jurisdiction or "nowhere stated"
        return Exclusion("jurisdiction", f"is in {where}, not in {', '.join(query.jurisdictions)}")
    if view.health is not Health.ALIVE:
        return Exclusion("health", f"is {view.health}: {view.reason}")
    if view.state is not NodeState.READY:
        why = f": {view.reason}" if view.reason else ""
        return Exclusion("state", f"is {view.state}{why}")
    if view.info.name in query.excluded_nodes:
        return Exclusion("excluded", "just failed this client")
    return None


def resolve_model(model: str, views: list[NodeView]) -> str:
    """Return the model asked for; an empty name means the fleet's only one.

    Raises UnknownModel, InvalidRequest where several are served, NoCandidate in an
    empty fleet.
    """
    served = sorted({one.name for view in views for one in view.info.models})
    names = ", ".join(served)
    if model and model in served:
        return model
    if not served:
        raise NoCandidate("no node has joined", field="model")
    if model:
        raise UnknownModel(f"no node serves model '{model[:80]}'", field="model", limit=names)
    if len(served) > 1:
        raise InvalidRequest("several models are served; name one", field="model", limit=names)
    return served[0]
