"""Fleets and routers for tests, each one thought long."""

import random
from collections.abc import Mapping, Sequence
from dataclasses import replace

from hypothesis import strategies as st

from control_plane.routing.map import RoutingMap
from control_plane.routing.networks import Networks
from control_plane.routing.router import Router
from nearfield.core.constraints import Constraints, Preferences
from nearfield.core.geo import Position
from nearfield.core.node import Hardware, Health, NodeLoad, NodeState, NodeView
from nearfield.core.prediction import RoundTrip, RoundTripSource
from nearfield.core.prefix import PrefixKeys
from tests.support.plane_builders import FakeClock, query, view
from tests.support.records import MODEL

NAMES = [f"node-{index}" for index in range(9)]


class Residents:
    """Says of any prompt that these nodes hold so many tokens of it."""

    def __init__(self, tokens: Mapping[str, int] | None = None) -> None:
        self.tokens = dict(tokens or {})

    def match(self, keys: Sequence[int]) -> Mapping[str, int]:
        """Return the tokens by node."""
        return self.tokens


def fleet_of(*views: NodeView, heard_at: float = FakeClock().now) -> RoutingMap:
    """Return the map of a fleet; all were heard just now by a new FakeClock."""
    fleet = RoutingMap()
    for one in views:
        fleet.put(one, heard_at)
    return fleet


def router_of(
    *views: NodeView,
    fleet: RoutingMap | None = None,
    residents: Mapping[str, int] | None = None,
    networks: Networks | None = None,
    clock: FakeClock | None = None,
    seed: int = 1,
) -> Router:
    """Return a router over these nodes."""
    return Router(
        fleet or fleet_of(*views),
        Residents(residents),
        networks or Networks(),
        clock or FakeClock(),
        random.Random(seed),
    )


def measured(seconds: float, spread: float = 0.0) -> RoundTrip:
    """Return a round trip that a client measured."""
    return RoundTrip(seconds, RoundTripSource.MEASURED, spread)


positions = st.builds(Position, st.floats(-90, 90), st.floats(-180, 180))
loads = st.builds(
    NodeLoad,
    running=st.integers(0, 50),
    waiting=st.integers(0, 50),
    waiting_prompt_tokens=st.integers(0, 100_000),
    slots=st.integers(0, 64),
    prefill_tokens_per_second=st.sampled_from([0.0, 500.0, 20_000.0]),
    base_seconds=st.floats(0, 2),
    bytes_per_token=st.sampled_from([0.0, 3.1]),
    service_seconds=st.sampled_from([0.0, 4.0]),
    ramp=st.sampled_from([0.2, 1.0]),
)
OTHER = replace(MODEL, name="other")
views = st.builds(
    view,
    st.just("unnamed"),
    state=st.sampled_from(NodeState) | st.just(NodeState.READY),
    health=st.sampled_from(Health) | st.just(Health.ALIVE),
    load=loads,
    pop=st.sampled_from(["a1", "b1", "c1"]),
    position=positions,
    jurisdiction=st.sampled_from(["eu", "us", ""]),
    models=st.sampled_from([(MODEL,), (MODEL, OTHER), (OTHER,)]),
    provider=st.sampled_from(["acme", "cirrus", ""]),
    cost_per_hour=st.sampled_from([0.0, 1.5, 4.0]),
    hardware=st.sampled_from([Hardware(), Hardware("NVIDIA H200", 1)]),
    core=st.booleans(),
)
constraints = st.builds(
    Constraints,
    jurisdictions=st.sampled_from([(), ("eu",), ("eu", "us"), ("mars",)]),
    providers=st.sampled_from([(), (), ("acme",)]),
    cost_per_hour_most=st.sampled_from([None, None, 2.0]),
    accelerators=st.sampled_from([(), (), ("cpu",)]),
)
preferences = st.builds(
    Preferences,
    providers=st.sampled_from([(), ("cirrus",)]),
    cost_per_hour_most=st.sampled_from([None, 2.0]),
    worth=st.sampled_from([0.0, 0.05, 1.0]),
)


@st.composite
def fleets(draw: st.DrawFn, least: int = 0) -> list[NodeView]:
    """Nodes of distinct names."""
    found = draw(st.lists(views, min_size=least, max_size=len(NAMES)))
    return [
        replace(one, info=replace(one.info, name=name))
        for one, name in zip(found, NAMES, strict=False)
    ]


queries = st.builds(
    query,
    st.none() | positions,
    constraints=constraints,
    preferences=preferences,
    round_trips=st.dictionaries(st.sampled_from(NAMES), st.floats(0, 60).map(measured)),
    excluded_nodes=st.frozensets(st.sampled_from(NAMES), max_size=3),
    prompt_size=st.sampled_from([0, 300, 100_000]),
    prefix=st.none() | st.just(PrefixKeys("id", (1, 2, 3))),
)
residents = st.dictionaries(st.sampled_from(NAMES), st.integers(1, 50_000), max_size=4)
