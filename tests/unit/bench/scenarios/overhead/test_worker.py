from bench.sample import SampleOutcome
from bench.scenarios.overhead.callers.engine import caller
from bench.scenarios.overhead.job import Job
from bench.scenarios.overhead.worker import do
from node_agent.engine.simulated import SimulatedEngine


def job(**changes: int) -> Job:
    values = {"concurrency": 2, "count": 5, "words": 6, "max_tokens": 7, "seed": 1}
    return Job(**{**values, **changes}, path="unused")


async def test_a_job_is_done_as_it_is_told() -> None:
    engine = SimulatedEngine(context_tokens=4096)
    samples = await do(job(), caller(engine))
    assert len(samples) == 5
    assert all(one.outcome is SampleOutcome.OK for one in samples)
    assert [one.completion_tokens for one in samples] == [7] * 5
    assert all(one.prompt_tokens > 6 for one in samples)


async def test_time_counts_from_the_sending_to_the_first_text() -> None:
    (one,) = await do(job(concurrency=1, count=1), caller(SimulatedEngine(step_seconds=0.02)))
    assert one.ttft is not None
    assert one.ttft >= 0.02
    assert one.e2e is not None
    assert one.e2e >= 7 * 0.02


async def test_a_dead_engine_makes_failed_samples() -> None:
    engine = SimulatedEngine()
    engine.die()
    samples = await do(job(), caller(engine))
    assert {one.outcome for one in samples} == {SampleOutcome.FAILED}
    assert samples[0].error == "EngineDied: the engine died"
