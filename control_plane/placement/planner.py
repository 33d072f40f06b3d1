"""Which nodes should switch to which of their models: pure decisions, with their reasons.

First what operators have set is met: minimum, maximum and places of each model. Then a
model that is asked for more than its nodes can bear gets one from the model that can best
do without. A switch costs a drain and the loading of a model, so it must be worth that.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from control_plane.placement.fleet import Demand, Fleet, History, Place, read_places
from nearfield.core.node import NodeView
from nearfield.core.policy import ModelPolicy

DWELL_SECONDS = 120.0
"""A node that has switched stays so long: a switch takes some 10 to 60 s of its work."""
IMBALANCE = 2.0
"""Demand per slot must differ by this factor, the giving model's taken as after the switch."""
WAITING_LEAST = 1.0
"""Slots' worth of demand beyond the slots that there are."""
UNDERWAY_MOST = 3
"""Nodes that may be switching at once in the fleet; in one PoP it is one."""


@dataclass(frozen=True, slots=True)
class Assignment:
    """A node that should serve another of its local models, and why in words."""

    node: str
    model: str
    reason: str


def plan(
    views: Sequence[NodeView],
    policies: Sequence[ModelPolicy],
    demand: Demand,
    now: float,
    history: History,
    dwell: float = DWELL_SECONDS,
) -> tuple[Assignment, ...]:
    """Return the switches to make now, few at a time.

    `demand` is in requests a second; `now`, `history` and `dwell` are seconds of one clock.
    Never takes the last node that works from a model that has demand, a minimum or no
    policy, and leaves alone nodes that are not ready or that an operator has closed.
    Planning again before these are done returns nothing.
    """
    fleet = Fleet(read_places(views, now, history, dwell), policies, demand)
    made: list[Assignment] = []
    while _underway(fleet) < UNDERWAY_MOST and (next_one := _next(fleet)):
        made.append(next_one)
        fleet.move(next_one.node, next_one.model)
    return tuple(made)


def _next(fleet: Fleet) -> Assignment | None:
    movable = _movable(fleet)
    for rule in (_meet_minimum, _leave_wrong_place, _meet_demand):
        if found := rule(fleet, movable):
            return found
    return None


def _underway(fleet: Fleet) -> int:
    return sum(not place.settled for place in fleet.places.values())


def _movable(fleet: Fleet) -> list[Place]:
    busy = {place.pop for place in fleet.places.values() if not place.settled}
    return [
        place
        for place in fleet.places.values()
        if place.may_serve and place.pop not in busy and fleet.can_give(place)
    ]


def _meet_minimum(fleet: Fleet, movable: Sequence[Place]) -> Assignment | None:
    for policy in sorted(fleet.policies.values(), key=lambda one: one.model):
        has = fleet.count(policy.model, in_place=True)
        takers = [one for one in movable if _may_take(fleet, one, policy.model)]
        if has < policy.minimum and takers:
            chosen = min(takers, key=lambda one: _order(fleet, one, policy.model))
            where = f" in {', '.join(policy.pops)}" if policy.pops else ""
            reason = f"{policy.model} is to have at least {policy.minimum} nodes{where}, it has"
            return Assignment(chosen.node, policy.model, f"{reason} {has}")
    return None


def _leave_wrong_place(fleet: Fleet, movable: Sequence[Place]) -> Assignment | None:
    """A node too many of a model, or one where it should not be, goes to the most wanted."""
    for place in movable:
        policy = fleet.policies.get(place.model)
        if policy is None:
            continue
        has = fleet.count(place.model)
        if not fleet.in_its_place(place.model, place.pop):
            reason = f"{place.model} is to be in {', '.join(policy.pops)} alone"
        elif policy.maximum and has > policy.maximum:
            reason = f"{place.model} is to have at most {policy.maximum} nodes, it has {has}"
        else:
            continue
        models = [one for one in place.may_serve if _may_take(fleet, place, one)]
        if models:
            model = min(models, key=lambda one: (-_pressure(fleet, one), one))
            return Assignment(place.node, model, reason)
    return None


def _meet_demand(fleet: Fleet, movable: Sequence[Place]) -> Assignment | None:
    """The model with the highest demand per slot first, in a PoP of its own or in all."""
    offers = [
        (-_pressure(fleet, model, scope), _order(fleet, place, model), place, model, scope)
        for place in movable
        for model in place.may_serve
        if _may_take(fleet, place, model)
        for scope in (place.pop, "")
        if _worth(fleet, place, model, scope) and not _regretted(fleet, place, model)
    ]
    if not offers:
        return None
    *_, place, model, scope = min(offers, key=lambda offer: (*offer[:2], offer[3], not offer[4]))
    return Assignment(place.node, model, _reason(fleet, place, model, scope))


def _may_take(fleet: Fleet, place: Place, model: str) -> bool:
    return model in place.may_serve and fleet.allows(model, place.pop)


def _order(fleet: Fleet, place: Place, model: str) -> tuple[float, float, str]:
    """First of the model that is wanted least, then where the new one is wanted most."""
    left = _pressure(fleet, place.model, without=place)
    return left, -fleet.load(model, place.pop), place.node


def _worth(fleet: Fleet, place: Place, model: str, scope: str) -> bool:
    """Whether a switch levels demand well enough to pay for itself, in a PoP or in all."""
    waiting = fleet.load(model, scope) - fleet.slots(model, scope)
    left = _pressure(fleet, place.model, scope, without=place)
    return _pays(waiting, _pressure(fleet, model, scope), left)


def _regretted(fleet: Fleet, place: Place, model: str) -> bool:
    """Whether the switch back would look worth its cost at once: then neither is made."""
    for scope in (place.pop, ""):
        left = _pressure(fleet, place.model, scope, without=place)
        slots = fleet.slots(place.model, scope) - place.slots
        waiting = fleet.load(place.model, scope) - slots
        if _pays(waiting, left, _pressure(fleet, model, scope)):
            return True
    return False


def _pays(waiting: float, wanted: float, left: float) -> bool:
    return waiting >= WAITING_LEAST and left < math.inf and wanted >= IMBALANCE * left


def _pressure(fleet: Fleet, model: str, scope: str = "", without: Place | None = None) -> float:
    """Demand per slot: 0 without demand, infinite with demand and no slot."""
    load = fleet.load(model, scope)
    slots = fleet.slots(model, scope) - (without.slots if without else 0)
    if load <= 0:
        return 0.0
    return load / slots if slots > 0 else math.inf


def _reason(fleet: Fleet, place: Place, model: str, scope: str) -> str:
    where = f"in {scope}" if scope else "in all"
    has, others = fleet.slots(model, scope), fleet.slots(place.model, scope)
    wanted = f"{model} is asked for {fleet.load(model, scope):.1f} slots {where} and has {has}"
    return f"{wanted}, {place.model} for {fleet.load(place.model, scope):.1f} of its {others}"
