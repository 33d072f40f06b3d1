from dataclasses import replace
from pathlib import Path

import pytest

from bench.scenarios.fleet import Fleet
from bench.scenarios.gpu.checks import ANSWER_TOKENS, Reply, judge, run_checks
from nearfield.cli.targets import Access
from nearfield.core.inference import FinishReason, Usage
from nearfield.core.rpc.tls import PLAINTEXT
from node_agent.engine.simulated import SimulatedEngine
from tests.support.running_node import running_node
from tests.support.running_plane import running_plane
from tests.support.waiting import until_true

FRESH = Reply(tuple(range(ANSWER_TOKENS)), FinishReason.LENGTH, Usage(200, 0, ANSWER_TOKENS))
CACHED = replace(FRESH, usage=Usage(200, 192, ANSWER_TOKENS))
SHORT = replace(FRESH, token_ids=FRESH.token_ids[1:])


def failed(first: Reply = FRESH, again: Reply = CACHED, anew: Reply = FRESH) -> set[str]:
    return {check.name for check in judge(first, again, anew) if not check.passed}


def test_a_right_node_passes_every_check() -> None:
    assert failed() == set()


@pytest.mark.parametrize(
    ("replies", "name"),
    [
        ({"first": replace(FRESH, reason=FinishReason.STOP)}, "the stream ends"),
        ({"first": SHORT, "anew": SHORT}, "token counts"),
        ({"again": FRESH}, "a repeated prompt"),
        ({"first": CACHED}, "a repeated prompt"),
        ({"anew": CACHED}, "a cleared prefix cache"),
        ({"anew": replace(FRESH, token_ids=(9, *FRESH.token_ids[1:]))}, "a greedy answer"),
    ],
)
def test_each_fault_fails_the_check_that_is_for_it(replies: dict[str, Reply], name: str) -> None:
    (only,) = failed(**replies)
    assert only.startswith(name)


def test_an_answer_that_parts_says_where() -> None:
    parted = replace(FRESH, token_ids=(*FRESH.token_ids[:10], 99, *FRESH.token_ids[11:]))
    assert f"10 of {ANSWER_TOKENS} tokens" in judge(FRESH, CACHED, parted)[-1].found


async def test_an_engine_without_a_cache_fails_the_cache_check_alone() -> None:
    engine = SimulatedEngine(context_tokens=4096)
    async with running_plane() as plane, running_node(plane.public, engine=engine):
        await until_true(plane.admin.nodes, lambda nodes: any(one.takes_work for one in nodes))
        aim = Fleet(
            plane.public,
            plane.operators,
            node="",
            node_pid=0,
            node_config=Path(),
            authority=Path(),
            access=Access(PLAINTEXT, ""),
        )
        checks = await run_checks(aim, "fra1-1")
    assert [check.name for check in checks if not check.passed] == [
        "a repeated prompt is found in the prefix cache"
    ]
