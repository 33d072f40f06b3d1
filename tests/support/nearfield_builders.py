"""Values of `nearfield` for tests, a clock turned by hand, and waiting for a condition."""

import asyncio
import time
from collections.abc import Callable
from typing import Any

from nearfield.core.inference import (
    Delta,
    Finished,
    FinishReason,
    Provenance,
    Request,
    TextPrompt,
    Timings,
    Usage,
)
from nearfield.core.node import Health, KvCacheLoad, NodeLoad, NodeState, NodeView
from nearfield.core.prediction import RoundTrip, RoundTripSource, predict
from nearfield.core.route import Candidate, ExplainedNode, Lease
from tests.support.records import FRANKFURT, MODEL, node_info

WAIT_SECONDS = 20.0
LOAD = NodeLoad(
    running=2,
    slots=8,
    kv_cache=KvCacheLoad(usage=0.25, capacity_tokens=8000, query_tokens=200, hit_tokens=50),
    prefill_tokens_per_second=4000.0,
    decode_tokens_per_second=64.0,
    base_seconds=0.02,
)


class FakeClock:
    """A clock that stands still until it is turned."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now

    def advance(self, seconds: float) -> None:
        self.now += seconds


async def eventually(condition: Callable[[], object]) -> None:
    """Wait until a condition holds; fails the test where it does not."""
    async with asyncio.timeout(WAIT_SECONDS):
        while not condition():  # noqa: ASYNC110
            await asyncio.sleep(0.01)


def eventually_sync(condition: Callable[[], object]) -> None:
    """Do what `eventually` does, without an event loop."""
    end = time.monotonic() + WAIT_SECONDS
    while not condition():
        assert time.monotonic() < end, "the condition never held"
        time.sleep(0.01)


def candidate(node: str = "fra1-a", **changes: Any) -> Candidate:
    """Return a Candidate with an idle node's load; `changes` replace its fields."""
    load = changes.get("load", NodeLoad())
    fields: dict[str, Any] = {
        "node": node,
        "incarnation": "inc-1",
        "endpoint": "127.0.0.1:1",
        "pop": "fra1",
        "jurisdiction": "eu",
        "position": FRANKFURT,
        "model_digest": MODEL.digest,
        "prediction": predict(RoundTrip(0.02, RoundTripSource.GEOGRAPHY), load),
        "load": load,
        "load_age": 0.5,
    }
    return Candidate(**{**fields, **changes})


def lease(*candidates: Candidate, lease_id: str = "lease-1", ttl: float = 30.0) -> Lease:
    """Return a Lease for these candidates."""
    return Lease(lease_id, ttl, MODEL.name, candidates, map_revision=7)


def explained(node: Candidate, rank: int, excluded_by: str = "", reason: str = "") -> ExplainedNode:
    """Return one node's place in a decision."""
    return ExplainedNode(node, rank, excluded_by, reason, distance_km=478.0)


def view(name: str = "fra1-a", **changes: Any) -> NodeView:
    """Return a NodeView of a node that takes work; `changes` replace its fields."""
    fields: dict[str, Any] = {
        "info": node_info(name),
        "state": NodeState.READY,
        "health": Health.ALIVE,
        "load": LOAD,
        "heard": 0.4,
    }
    return NodeView(**{**fields, **changes})


def request(**changes: Any) -> Request:
    """Return a Request for some text; `changes` replace its fields."""
    fields: dict[str, Any] = {
        "request_id": "req-1",
        "model": MODEL.name,
        "prompt": TextPrompt("What is TTFT?"),
    }
    return Request(**{**fields, **changes})


def first_delta(text: str = "Time", node: str = "fra1-a") -> Delta:
    """Return the first piece of an answer, with provenance and timings."""
    return Delta(
        seq=0,
        token_ids=(1,),
        text=text,
        provenance=Provenance("fra1", node, "eu", MODEL.name, MODEL.digest, 4, 0),
        timings=Timings(queue=0.25, prefill=0.5, node=0.75),
    )


def delta(seq: int, text: str) -> Delta:
    """Return a later piece of an answer."""
    return Delta(seq=seq, token_ids=(seq + 1,), text=text)


def finished(completion_tokens: int = 2) -> Finished:
    """Return the end of an answer."""
    return Finished(
        FinishReason.STOP,
        Usage(prompt_tokens=4, cached_prompt_tokens=0, completion_tokens=completion_tokens),
        Timings(queue=0.25, prefill=0.5, decode=1.0, node=0.75),
        LOAD,
    )
