from pathlib import Path

import pytest

from bench.sample import Sample, SampleOutcome
from bench.scenarios.overhead.job import Job
from bench.scenarios.overhead.rounds import LEVELS, Plan, did, play, turns
from bench.workload import Synthetic
from nearfield.core.errors import InternalError
from tests.support.bench_builders import sample

PLAN = Plan(rounds=3, requests=10, words=8, max_tokens=4, seed=1)
LOST = Sample(index=3, scheduled=3, sent=3, outcome=SampleOutcome.FAILED, error="cut")
SYSTEMS = ("engine", "node", "openai")


class Recorded:
    """Answers every job at once, and notes it under its system's name."""

    def __init__(self, system: str, jobs: list[tuple[str, Job]]) -> None:
        self._system = system
        self._jobs = jobs

    async def run(self, job: Job) -> list[Sample]:
        self._jobs.append((self._system, job))
        return [sample(index) for index in range(job.count)]


async def played_jobs(directory: Path) -> list[tuple[str, Job]]:
    jobs: list[tuple[str, Job]] = []
    await play({system: Recorded(system, jobs) for system in SYSTEMS}, PLAN, directory)
    return jobs


async def test_in_each_round_every_system_is_asked_the_same(tmp_path: Path) -> None:
    jobs = await played_jobs(tmp_path)
    assert len(jobs) == (PLAN.rounds + 1) * len(LEVELS) * len(SYSTEMS)
    for start in range(0, len(jobs), len(SYSTEMS)):
        together = jobs[start : start + len(SYSTEMS)]
        assert {system for system, _ in together} == set(SYSTEMS)
        asked = {(job.concurrency, job.count, job.words, job.seed) for _, job in together}
        assert len(asked) == 1


async def test_no_two_parts_of_a_run_share_prompts_or_files(tmp_path: Path) -> None:
    jobs = await played_jobs(tmp_path)
    of_node = [job for system, job in jobs if system == "node"]
    assert len({job.seed for job in of_node}) == len(of_node)
    assert len({job.path for _, job in jobs}) == len(jobs)


async def test_only_the_warm_up_is_left_out(tmp_path: Path) -> None:
    jobs: list[tuple[str, Job]] = []
    systems = {system: Recorded(system, jobs) for system in SYSTEMS}
    played = await play(systems, PLAN, tmp_path)
    counted = [job.count for _, job in jobs if "round-00" not in job.path]
    assert played.sent == sum(counted) < sum(job.count for _, job in jobs)
    assert {len(rounds) for rounds in played.rounds.values()} == {PLAN.rounds}


async def test_samples_of_an_earlier_run_are_cleared(tmp_path: Path) -> None:
    stale, other = tmp_path / "round-99-at-01-node.jsonl", tmp_path / "notes.txt"
    stale.touch()
    other.touch()
    await played_jobs(tmp_path)
    assert not stale.exists()
    assert other.exists()


def test_each_system_goes_first_as_often_as_the_others() -> None:
    orders = [turns(SYSTEMS, number) for number in range(6)]
    for place in range(3):
        assert sorted(order[place] for order in orders) == sorted(SYSTEMS * 2)


def test_a_level_is_filled_several_times() -> None:
    counts = [PLAN.job(1, level, Path("x")).count for level in LEVELS]
    assert counts == [10, 128, 512]


def test_a_job_survives_its_line_of_json() -> None:
    job = PLAN.job(2, 16, Path("a b.jsonl"))
    assert Job.from_line(job.to_line()) == job


def test_prompts_of_two_parts_differ_from_their_first_word_on() -> None:
    seeds = [PLAN.job(number, level, Path("x")).seed for number in (1, 2) for level in LEVELS]
    firsts = [Synthetic(8, 4, seed).item(0).prompt.split()[0] for seed in seeds]
    assert len(set(firsts)) == len(firsts)


def test_a_part_comes_to_its_median_ttft_and_answers_a_second() -> None:
    one = did("node", [sample(0, 0.1), sample(1, 0.2), sample(2, 0.3), LOST])
    assert one.ttft == pytest.approx(0.2)
    assert one.rate == pytest.approx(3 / (2 + 0.3 + 0.09))


def test_a_system_that_answers_nothing_is_no_measurement() -> None:
    with pytest.raises(InternalError, match="openai answered none of 1 requests: cut"):
        did("openai", [LOST])
