import asyncio
from dataclasses import replace
from typing import Any

import pytest

from nearfield.core.inference import Sampling
from nearfield.core.policy import DeclaredPrefix
from node_agent import prewarm
from node_agent.prewarm import AGAIN_SECONDS
from tests.support.caching_engine import CachingEngine, Warmer
from tests.support.node_builders import eventually
from tests.support.node_fleet import background

TEXT = "These are the terms of use."
TOKENS = tuple(TEXT.encode())


def declared(name: str = "terms", **changes: Any) -> DeclaredPrefix:
    values: dict[str, Any] = {"model": "simulated", "text": TEXT, "tenant": "acme"}
    return DeclaredPrefix(name, **{**values, **changes})


async def warmed(*prefixes: DeclaredPrefix, **settings: Any) -> Warmer:
    """A node that these were declared to, and that has looked once."""
    node = Warmer(**settings)
    node.prewarm.declare(prefixes)
    await node.prewarm.warm()
    return node


async def test_what_is_declared_and_not_resident_is_prefilled_for_its_tenant() -> None:
    node = await warmed(declared())
    (asked,) = node.engine.asked
    assert asked.prompt == TOKENS
    assert asked.salt == node.prefixes.salt("acme", "")
    assert asked.sampling == Sampling(max_tokens=1)
    assert node.prefixes.covers(TOKENS, asked.salt)
    assert node.prewarm.warmed == 1


async def test_a_groups_prefix_lies_in_the_groups_cache() -> None:
    node = await warmed(declared(tenant="", group="readers"))
    assert [one.salt for one in node.engine.asked] == [node.prefixes.salt("", "readers")]


async def test_what_is_resident_is_not_prefilled_again() -> None:
    node = await warmed(declared())
    node.clock.now += 10 * AGAIN_SECONDS
    await node.prewarm.warm()
    assert len(node.engine.asked) == 1


async def test_what_was_evicted_is_prefilled_again_but_not_within_five_seconds() -> None:
    node = await warmed(declared())
    node.engine.evict(TOKENS, node.prefixes.salt("acme", ""))
    node.clock.now += 4.9
    await node.prewarm.warm()
    assert len(node.engine.asked) == 1
    node.clock.now += 0.1
    await node.prewarm.warm()
    assert len(node.engine.asked) == 2


async def test_an_engine_that_is_slow_to_tell_of_its_cache_is_not_asked_over_and_over() -> None:
    node = Warmer()
    node.engine.quiet = True
    node.prewarm.declare([declared()])
    for _ in range(3):
        await node.prewarm.warm()
    assert len(node.engine.asked) == 1


async def test_a_node_without_a_free_slot_warms_later() -> None:
    node = Warmer(slots=2)
    node.prewarm.declare([declared()])
    with node.workload.admit(1), node.workload.admit(1):
        await node.prewarm.warm()
        assert node.engine.asked == []
    await node.prewarm.warm()
    assert len(node.engine.asked) == 1


async def test_a_refused_prefix_stops_no_other_and_is_not_tried_again(
    caplog: pytest.LogCaptureFixture,
) -> None:
    node = Warmer()
    node.engine.refused.add(tuple(b"no such thing"))
    node.prewarm.declare([declared("bad", text="no such thing"), declared()])
    for _ in range(3):
        await node.prewarm.warm()
        node.clock.now += AGAIN_SECONDS
    assert [one.prompt for one in node.engine.asked] == [tuple(b"no such thing"), TOKENS]
    assert caplog.text.count("prefix 'bad' is not warmed: refused for a test") == 1


async def test_prefixes_are_warmed_in_the_declared_order() -> None:
    node = await warmed(*(declared(name, text=name * 4) for name in ("b", "c", "a")))
    assert [bytes(one.prompt) for one in node.engine.asked] == [b"bbbb", b"cccc", b"aaaa"]


async def test_of_a_system_message_all_that_conversations_share_is_kept() -> None:
    node = await warmed(declared(system=True))
    (asked,) = node.engine.asked
    assert bytes(asked.prompt) == f"<system>{TEXT}<user>".encode()


async def test_a_prefix_longer_than_the_context_is_kept_as_far_as_it_goes() -> None:
    node = await warmed(declared(), context_tokens=9)
    assert [one.prompt for one in node.engine.asked] == [TOKENS[:8]]


async def test_a_prefix_that_fills_no_block_takes_no_prefill() -> None:
    node = await warmed(declared(text="abc"))
    assert node.engine.asked == []


@pytest.mark.parametrize("changes", [{"pops": ("iad1", "nrt1")}, {"model": "another"}])
async def test_what_is_declared_for_others_is_none_of_the_nodes_business(
    changes: dict[str, Any],
) -> None:
    node = await warmed(declared(**changes))
    assert node.engine.asked == []
    assert node.prewarm.told.is_set()


async def test_a_prefix_for_the_nodes_own_pop_is_warmed() -> None:
    node = await warmed(declared(pops=("iad1", "fra1")))
    assert len(node.engine.asked) == 1


async def test_a_prefix_that_was_withdrawn_is_left_to_be_evicted() -> None:
    node = await warmed(declared())
    node.prewarm.declare([])
    node.engine.evict(TOKENS, node.prefixes.salt("acme", ""))
    node.clock.now += AGAIN_SECONDS
    await node.prewarm.warm()
    assert len(node.engine.asked) == 1


async def test_a_text_that_is_declared_anew_waits_for_no_pause_of_the_old_one() -> None:
    node = await warmed(declared())
    node.prewarm.declare([declared(text=TEXT[::-1])])
    await node.prewarm.warm()
    assert [one.prompt for one in node.engine.asked] == [TOKENS, TOKENS[::-1]]


async def test_an_engine_that_caches_nothing_is_left_alone() -> None:
    engine = CachingEngine()
    engine.info = replace(engine.info, block_tokens=0)
    node = Warmer(engine)
    node.prewarm.declare([declared()])
    await node.prewarm.warm()
    assert engine.asked == []


async def test_what_is_declared_while_it_runs_is_warmed_at_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(prewarm, "CHECK_SECONDS", 3600.0)
    node = Warmer()
    async with background(node.prewarm.run):
        await asyncio.sleep(0)  # it has looked once, and waits
        node.prewarm.declare([declared()])
        await eventually(lambda: node.prewarm.warmed)


async def test_what_is_evicted_while_it_runs_is_seen_without_being_told(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(prewarm, "CHECK_SECONDS", 0.001)
    node = Warmer()
    node.prewarm.declare([declared()])
    async with background(node.prewarm.run):
        await eventually(lambda: node.prewarm.warmed == 1)
        node.engine.evict(TOKENS, node.prefixes.salt("acme", ""))
        node.clock.now += AGAIN_SECONDS
        await eventually(lambda: node.prewarm.warmed == 2)
