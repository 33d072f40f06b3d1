from bench.generator import drive
from bench.sample import SampleOutcome
from bench.scenarios.ttft.load import Load
from bench.scenarios.ttft.run import Aim, Sender, as_sample, measure
from bench.workload import Item
from nearfield.client.answer import Record
from nearfield.client.client import Client
from nearfield.core.clock import monotonic
from nearfield.core.errors import Overloaded
from nearfield.core.geo import Position
from nearfield.core.rpc.tls import PLAINTEXT
from tests.support.nearfield_builders import candidate, finished, first_delta
from tests.support.nearfield_servers import serve_node, serve_plane

PARIS, TOKYO = Position(48.86, 2.35), Position(35.68, 139.69)
LOAD = Load([0.0, 0.01, 0.02], [Item(f"question {index}", 5) for index in range(3)], chat=False)


async def test_a_run_goes_through_the_client_from_each_place_in_turn() -> None:
    async with (
        serve_node(first_delta(), finished(7)) as node,
        serve_plane(node.candidate()) as plane,
    ):
        run = await measure(Aim(plane.address, places=(PARIS, TOKYO)), LOAD)
    assert run.model == "qwen3-8b"
    by_prompt = sorted(node.requests, key=lambda request: request.prompt.text)
    assert [request.origin for request in by_prompt] == [PARIS, TOKYO, PARIS]
    assert [request.model for request in by_prompt] == ["qwen3-8b"] * 3
    assert [one.pop for one in run.samples] == ["fra1"] * 3
    assert [one.completion_tokens for one in run.samples] == [7] * 3
    assert all(one.ttft is not None and one.ttft > 0 for one in run.samples)
    assert (run.clients, run.routes_awaited) == (2, 2)


async def test_what_was_predicted_stands_beside_what_came() -> None:
    async with (
        serve_node(first_delta(), finished()) as node,
        serve_plane(node.candidate()) as plane,
    ):
        run = await measure(Aim(plane.address), LOAD)
    for one in run.samples:
        assert one.predicted is not None
        assert one.ttft is not None
        assert one.actual is not None
        assert 0 < one.actual <= one.ttft


async def test_the_question_before_the_run_does_not_count() -> None:
    async with (
        serve_node(first_delta(), finished()) as node,
        serve_plane(node.candidate()) as plane,
    ):
        run = await measure(Aim(plane.address), LOAD)
    assert len(plane.queries) == 2
    assert (run.routes_asked, run.routes_awaited, run.early_routes) == (1, 1, 0)


async def test_a_rejected_request_is_a_sample_that_says_why() -> None:
    async with (
        serve_node(Overloaded("64 requests wait already")) as node,
        serve_plane(node.candidate()) as plane,
    ):
        run = await measure(Aim(plane.address), LOAD)
    assert [one.outcome for one in run.samples] == [SampleOutcome.REJECTED] * 3
    assert run.samples[0].error


async def test_a_piece_without_text_is_no_first_token() -> None:
    async with (
        serve_node(first_delta(text=""), finished()) as node,
        serve_plane(node.candidate()) as plane,
        Client(plane.address, security=PLAINTEXT) as client,
    ):
        sender = Sender([client], [None], "", LOAD, monotonic())
        (sample,) = await drive([0.0], sender.send)
    assert sample.outcome is SampleOutcome.OK
    assert sample.first_token is None
    assert sample.completion_tokens == 2


def test_a_sample_says_where_the_time_went() -> None:
    record = Record()
    record.split.route, record.split.round_trip = 0.25, 0.125
    record.note(first_delta(node="fra1-b"), 1.0)
    record.note(finished(), 2.0)
    record.prediction = candidate().prediction
    record.actual = 0.75
    sample = as_sample(record, [10.0, 10.5, 12.0], 13.0)
    assert (sample.predicted, sample.actual) == (candidate().prediction.ttft, 0.75)
    assert (sample.first_token, sample.finished) == (10.0, 13.0)
    assert sample.chunk_gaps == (0.5, 1.5)
    assert (sample.node, sample.pop, sample.prompt_tokens) == ("fra1-b", "fra1", 4)
    split = sample.split
    assert (split.route, split.round_trip, split.queue, split.prefill) == (0.25, 0.125, 0.25, 0.5)
