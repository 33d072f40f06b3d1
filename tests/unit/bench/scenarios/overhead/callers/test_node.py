from bench.scenarios.overhead.callers.node import open_caller
from node_agent.engine.simulated import SimulatedEngine
from tests.support.nearfield_builders import delta, finished, first_delta
from tests.support.nearfield_servers import serve_node
from tests.support.node_builders import running_agent


async def test_a_node_is_asked_for_greedy_answers_of_a_fixed_length() -> None:
    async with (
        serve_node(first_delta(text=""), delta(1, "x"), finished(2)) as node,
        open_caller(node.endpoint, "demo") as call,
    ):
        sample = await call("some words", 2)
    (request,) = node.requests
    assert (request.model, request.prompt.text) == ("demo", "some words")
    sampling = request.sampling
    assert (sampling.temperature, sampling.max_tokens, sampling.ignore_eos) == (0.0, 2, True)
    assert (sample.prompt_tokens, sample.completion_tokens) == (4, 2)


async def test_a_real_agent_answers_in_full() -> None:
    async with (
        running_agent(SimulatedEngine(step_seconds=0.02)) as agent,
        open_caller(agent.caller.address, "simulated") as call,
    ):
        sample = await call("some words", 3)
    assert sample.completion_tokens == 3
    assert sample.first_token is not None
    assert sample.finished is not None
    assert sample.finished - sample.first_token >= 2 * 0.02
