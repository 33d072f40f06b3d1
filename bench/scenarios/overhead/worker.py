"""`python -m bench.scenarios.overhead.worker SYSTEM TARGET`: loads one system on command.

Each line on standard input is a job, each line on standard output its end. Every system is
loaded from a process like this one, so that none pays for another's generator.
"""

import asyncio
import os
import sys
from importlib import import_module
from pathlib import Path
from typing import TextIO

from bench.generator import closed_loop
from bench.sample import Sample, write_samples
from bench.scenarios.overhead.callers.base import Call
from bench.scenarios.overhead.job import Job
from bench.workload import Synthetic

READY = "ready"
DONE = "done"


def main() -> None:
    """Serve jobs until standard input ends."""
    system, target = sys.argv[1:]
    asyncio.run(_serve(system, target, _take_standard_output()))


def _take_standard_output() -> TextIO:
    """Keep standard output for answers; what libraries print goes to standard error."""
    answers = os.fdopen(os.dup(1), "w", buffering=1, encoding="utf-8")
    os.dup2(2, 1)
    return answers


async def _serve(system: str, target: str, answers: TextIO) -> None:
    # By name, since the engine has to fork before anything of gRPC is used.
    callers = import_module(f"bench.scenarios.overhead.callers.{system}")
    async with callers.open_caller(target) as call:
        print(READY, file=answers)
        while line := await asyncio.to_thread(sys.stdin.readline):
            job = Job.from_line(line)
            write_samples(Path(job.path), await do(job, call))
            print(DONE, file=answers)


async def do(job: Job, call: Call) -> list[Sample]:
    """Do one job; the prompts are made before it starts."""
    workload = Synthetic(job.words, job.max_tokens, job.seed)
    items = [workload.item(index) for index in range(job.count)]
    return await closed_loop(job.concurrency, job.count, lambda index: call(*items[index]))


if __name__ == "__main__":
    main()
