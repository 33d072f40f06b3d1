"""How many routes one core decides without any network around it."""

import random
import time
from itertools import cycle

from bench.scenarios.policy.cities import load_cities
from bench.scenarios.size.population import SimulatedNode, node_info, node_load
from bench.scenarios.size.questions import queries
from control_plane.fleet.residency import PrefixIndex
from control_plane.routing.map import RoutingMap
from control_plane.routing.networks import Networks
from control_plane.routing.router import Router
from nearfield.core.clock import Clock, monotonic
from nearfield.core.node import Health, NodeState, NodeView
from nearfield.core.wire.prefix import summary_from_wire
from protos.nearfield.v1 import fleet_pb2 as pb

WARM_UP = 4096
"""Decisions before the clock runs: each place's nearest nodes are found once."""


def decisions_per_second(nodes: int, seconds: float, clock: Clock = time.perf_counter) -> float:
    """Decide for `seconds` over a fleet of simulated nodes; returns the mean rate."""
    router = build_router(nodes)
    asked = cycle(list(queries(nodes, load_cities(), "")))
    for _ in range(WARM_UP):
        router.decide(next(asked))
    start, decided = clock(), 0
    while (now := clock()) < start + seconds:
        router.decide(next(asked))
        decided += 1
    return decided / (now - start)


def build_router(nodes: int) -> Router:
    """Return a router over nodes as they join and report in the bench."""
    cities = load_cities()
    fleet, index = RoutingMap(), PrefixIndex()
    for number in range(nodes):
        info = node_info(number, cities)
        load = node_load(number)
        fleet.put(NodeView(info, NodeState.READY, Health.ALIVE, load=load), monotonic())
        snapshot = pb.NodeFrame.FromString(SimulatedNode(number, cities, "").snapshot())
        index.take(info.name, summary_from_wire(snapshot.prefixes))
    return Router(fleet, index, Networks(), monotonic, random.Random(1))
