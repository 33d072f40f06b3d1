from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.scenarios.ttft.load import Arrivals, Asked, Load, LoadOptions, build
from nearfield.core.errors import InvalidRequest
from nearfield.core.inference import ChatPrompt, TextPrompt
from node_agent.demo_model.questions import EXCHANGES


def load(**changes: Any) -> Load:
    return build(LoadOptions(**{"rate": 20.0, "duration": 10.0, **changes}))


@pytest.fixture
def trace(tmp_path: Path) -> Path:
    path = tmp_path / "trace.csv"
    path.write_text("timestamp,input,output\n5,8,3\n7,4,2\n30,4,2\n", encoding="utf-8")
    return path


@given(seed=st.integers(0, 2**32), warm_up=st.floats(0, 5))
def test_a_run_lasts_its_warm_up_and_its_duration(seed: int, warm_up: float) -> None:
    made = load(seed=seed, warm_up=warm_up)
    assert len(made.items) == len(made.offsets)
    assert warm_up <= made.offsets[-1] < warm_up + 10
    assert made == load(seed=seed, warm_up=warm_up)


def test_questions_are_chats_that_end_where_the_model_ends_them() -> None:
    made = load(max_tokens=9)
    prompt, sampling = made.prompt(0), made.sampling(0)
    assert isinstance(prompt, ChatPrompt)
    (message,) = prompt.messages
    assert message.role == "user"
    assert any(message.content.endswith(exchange.question) for exchange in EXCHANGES)
    assert (sampling.temperature, sampling.max_tokens, sampling.ignore_eos) == (0.0, 9, None)


def test_synthetic_prompts_are_text_with_answers_of_fixed_length() -> None:
    made = load(workload=Asked.SYNTHETIC, words=7, max_tokens=9)
    prompt, sampling = made.prompt(3), made.sampling(3)
    assert isinstance(prompt, TextPrompt)
    assert len(prompt.text.split()) == 7
    assert (sampling.temperature, sampling.max_tokens, sampling.ignore_eos) == (0.0, 9, True)


def test_a_trace_brings_its_own_times_and_lengths_as_far_as_the_run_goes(trace: Path) -> None:
    made = load(arrivals=Arrivals.TRACE, trace=trace)
    assert made.offsets == [0.0, 2.0]
    assert [item.max_tokens for item in made.items] == [3, 2]
    assert made.sampling(0).ignore_eos is True


def test_gamma_arrivals_come_in_bursts_unless_told_otherwise() -> None:
    assert load(arrivals=Arrivals.GAMMA) == load(arrivals=Arrivals.GAMMA, burstiness=0.5)
    assert load(arrivals=Arrivals.GAMMA, burstiness=1.0).offsets == load().offsets
    assert load(arrivals=Arrivals.GAMMA).offsets != load().offsets


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"arrivals": Arrivals.TRACE}, "trace"),
        ({"trace": Path("a.csv")}, "trace"),
        ({"burstiness": 2.0}, "burstiness"),
        ({"arrivals": Arrivals.GAMMA, "burstiness": 0.0}, "burstiness"),
        ({"warm_up": -1.0}, "warm-up"),
        ({"warm_up": float("nan")}, "warm-up"),
        ({"rate": 0.0}, "rate"),
        ({"rate": 1e-9}, "rate"),
        ({"words": 0, "workload": Asked.SYNTHETIC}, "words"),
    ],
)
def test_what_cannot_be_run_is_named(changes: dict[str, Any], field: str) -> None:
    with pytest.raises(InvalidRequest) as refused:
        load(**changes)
    assert refused.value.field == field


def test_a_run_whose_requests_all_warm_up_measures_nothing(trace: Path) -> None:
    with pytest.raises(InvalidRequest, match="no request falls into the measured time"):
        load(arrivals=Arrivals.TRACE, trace=trace, warm_up=3.0)
