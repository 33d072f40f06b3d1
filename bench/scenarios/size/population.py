"""Simulated nodes: what each says, serialised, so that thousands of them cost little."""

import random
from collections.abc import Sequence
from functools import cache

from bench.scenarios.fleet import SERVED_NAME
from bench.scenarios.policy.cities import City
from nearfield.core.node import (
    Hardware,
    KvCacheLoad,
    Model,
    NodeInfo,
    NodeLoad,
    NodeState,
)
from nearfield.core.prefix import PrefixSummary
from nearfield.core.protocol import VERSION
from nearfield.core.wire.enums import NODE_STATES
from nearfield.core.wire.node import info_to_wire, load_to_wire
from nearfield.core.wire.prefix import summary_to_wire
from protos.nearfield.v1 import fleet_pb2 as pb

MODEL = Model(SERVED_NAME, "sha256:" + "5e" * 32, 32_768, "bfloat16")
HARDWARE = Hardware("NVIDIA H100 80GB HBM3", 8, 80 * 2**30, "AMD EPYC 9554", 64)
PROVIDERS = ("alfa", "bravo", "charlie")
SLOTS = 64
PREFIXES = 20_000
"""Distinct prefixes in the fleet, of which each node holds some."""
KEYS_OF_A_NODE = 64
DELTA_KEYS = 4
REPORTS_A_DELTA = 10
"""Every so many reports a node tells that other prefixes became resident."""
_REPORTS = 64


class SimulatedNode:
    """One node of the fleet, by its number; places are dealt out in the order of the cities."""

    def __init__(self, number: int, cities: Sequence[City], join_token: str) -> None:
        self._number = number
        self._reports = 0
        self.hello = _hello(node_info(number, cities), join_token)

    def snapshot(self) -> bytes:
        """Return the frame that tells which prefixes it holds at first."""
        rng = random.Random(self._number)
        entries = [(key, 16 * rng.randrange(1, 128)) for key in _draw(rng, KEYS_OF_A_NODE)]
        return _summary(PrefixSummary(1, 1, True, tuple(entries)))

    def frames(self) -> tuple[bytes, ...]:
        """Return what it says next: a report, now and then with what became resident since."""
        self._reports += 1
        report = reports()[(self._number + self._reports) % _REPORTS]
        deltas, rest = divmod(self._reports, REPORTS_A_DELTA)
        return (report,) if rest else (report, _delta(deltas + 1))


def node_info(number: int, cities: Sequence[City]) -> NodeInfo:
    """Return who node `number` is."""
    place = number % len(cities)
    city = cities[place]
    return NodeInfo(
        name=node_name(number),
        incarnation=f"inc-{number:05}",
        endpoint=f"10.{number >> 16}.{number >> 8 & 255}.{number & 255}:7801",
        pop=f"pop{place:03}",
        position=city.position,
        jurisdiction=city.country.lower(),
        models=(MODEL,),
        provider=PROVIDERS[number % len(PROVIDERS)],
        hardware=HARDWARE,
        version="0.1.0",
        cost_per_hour=2.0 + number % 5,
    )


def node_name(number: int) -> str:
    """Return the name of node `number`."""
    return f"node-{number:05}"


def node_load(number: int) -> NodeLoad:
    """Return one of the loads that nodes report: from idle to all slots taken."""
    rng = random.Random(number)
    running = rng.randrange(SLOTS + 1)
    return NodeLoad(
        running=running,
        waiting=rng.randrange(4) if running == SLOTS else 0,
        slots=SLOTS,
        kv_cache=KvCacheLoad(running / SLOTS, 400_000, 16, 10**7 + number, 4 * 10**6, 1000),
        prefill_tokens_per_second=rng.uniform(6_000, 9_000),
        decode_tokens_per_second=rng.uniform(60, 90),
        base_seconds=rng.uniform(0.015, 0.03),
        bytes_per_token=4.2,
        service_seconds=rng.uniform(2, 6),
        steps=10**6 + number,
    )


@cache
def reports() -> tuple[bytes, ...]:
    """Return the reports that all nodes take turns with: a report does not name its node."""
    return tuple(_report(number) for number in range(_REPORTS))


@cache
def prefix_keys() -> tuple[int, ...]:
    """Return a key for each prefix of the fleet."""
    rng = random.Random(1)
    return tuple(rng.getrandbits(64) for _ in range(PREFIXES))


def _report(number: int) -> bytes:
    load = load_to_wire(node_load(number))
    report = pb.Report(seq=number, state=NODE_STATES[NodeState.READY], load=load)
    return pb.NodeFrame(report=report).SerializeToString()


def _hello(info: NodeInfo, join_token: str) -> bytes:
    hello = pb.Hello(
        protocol_version=VERSION,
        join_token=join_token,
        node=info_to_wire(info),
        state=NODE_STATES[NodeState.READY],
    )
    return pb.NodeFrame(hello=hello).SerializeToString()


@cache
def _delta(seq: int) -> bytes:
    """All nodes count alike, and so may share it."""
    rng = random.Random(seq)
    entries = tuple((key, 16 * rng.randrange(1, 128)) for key in _draw(rng, DELTA_KEYS))
    return _summary(PrefixSummary(1, seq, False, entries))


def _draw(rng: random.Random, count: int) -> list[int]:
    return rng.sample(prefix_keys(), count)


def _summary(summary: PrefixSummary) -> bytes:
    return pb.NodeFrame(prefixes=summary_to_wire(summary)).SerializeToString()
