"""Clients of the fleet's bench, at calls that are played."""

import asyncio
import json
from itertools import repeat
from pathlib import Path

import grpc
import pytest

from bench.scenarios.size.asking import Answer, Ask, closed_loop, flaw, open_loop, sum_up
from bench.scenarios.size.clients import ask, write
from bench.scenarios.size.jobs import Asking
from protos.nearfield.v1 import routing_pb2 as pb

WHOLE = pb.Lease(ticket="t", candidates=[pb.Candidate(node="a")]).SerializeToString()


async def _answer(question: bytes) -> bytes:
    return WHOLE


async def _refuse(question: bytes) -> bytes:
    raise grpc.aio.AioRpcError(
        grpc.StatusCode.UNAVAILABLE, grpc.aio.Metadata(), grpc.aio.Metadata(), "away"
    )


def _turns(call: Ask) -> "repeat[tuple[Ask, bytes]]":
    return repeat((call, b"question"))


async def test_every_question_is_asked_not_before_it_was_meant() -> None:
    offsets = [0.0, 0.001, 0.001, 0.02]
    answers = await open_loop(_turns(_answer), offsets)
    assert sorted(one.meant for one in answers) == pytest.approx(offsets, abs=1e-6)
    assert all(0 <= one.late <= one.latency for one in answers)


async def test_a_late_answer_holds_up_no_question() -> None:
    asked, all_asked = 0, asyncio.Event()

    async def wait_for_all(question: bytes) -> bytes:
        nonlocal asked
        asked += 1
        if asked == 3:
            all_asked.set()
        await all_asked.wait()
        return WHOLE

    assert len(await open_loop(_turns(wait_for_all), [0.0, 0.001, 0.002])) == 3


async def test_so_many_callers_ask_at_once_and_no_more() -> None:
    running = most = 0

    async def count(question: bytes) -> bytes:
        nonlocal running, most
        running += 1
        most = max(most, running)
        await asyncio.sleep(0)
        running -= 1
        return WHOLE

    answers = await closed_loop(_turns(count), 4, 0.05)
    assert most == 4
    assert len(answers) >= 4


async def test_a_refusal_is_an_answer_that_says_why() -> None:
    (answer,) = await open_loop(_turns(_refuse), [0.0])
    assert answer.error == "StatusCode.UNAVAILABLE: away"


@pytest.mark.parametrize(
    ("lease", "lacks"),
    [
        (pb.Lease(ticket="t"), "a lease without candidates"),
        (pb.Lease(candidates=[pb.Candidate(node="a")]), "a lease without a ticket"),
        (pb.Lease(ticket="t", candidates=[pb.Candidate(node="a")]), ""),
    ],
)
def test_a_lease_needs_candidates_and_a_ticket(lease: pb.Lease, lacks: str) -> None:
    assert flaw(lease.SerializeToString()) == lacks


def test_latencies_are_of_answers_and_the_failed_are_counted() -> None:
    answers = [Answer(0, 0.1, 0.2), Answer(1, 0.1, 0.4), Answer(2, 0.9, 9.0, "away")]
    found = sum_up(answers, 2.0)
    assert (found.asked, found.failed, found.rate, found.error) == (3, 1, 1.0, "away")
    assert found.p50 == pytest.approx(0.3)
    assert found.p99 < 0.5


def test_nothing_answered_is_a_rate_of_zero() -> None:
    assert sum_up([Answer(0, 0, 1, "away")], 1.0).rate == 0


async def test_every_answer_leaves_a_line(tmp_path: Path) -> None:
    path = tmp_path / "answers.jsonl"
    asking = Asking(0.1, str(path), rate=100.0, seed=3)
    found = await ask(asking, [_answer], [b"question"])
    rows = [json.loads(line) for line in path.read_text("utf-8").splitlines()]
    assert len(rows) == found.asked > 0
    assert rows[0].keys() == {"meant", "late", "latency", "error"}


def test_lines_tell_what_went_wrong(tmp_path: Path) -> None:
    write([Answer(1.0, 0.1, 0.2, "away")], tmp_path / "one.jsonl")
    assert json.loads((tmp_path / "one.jsonl").read_text("utf-8"))["error"] == "away"
