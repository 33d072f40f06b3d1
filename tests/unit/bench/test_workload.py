from collections.abc import Callable

import pytest

from bench.arrivals import Arrival
from bench.workload import Questions, Replayed, Synthetic, Workload
from nearfield.core.errors import InvalidRequest

ASKED = ("What is a cache?", "Why is the sky blue?", "Who are you?")

MAKERS: list[Callable[[int], Workload]] = [
    lambda seed: Questions(ASKED, max_tokens=16, seed=seed),
    lambda seed: Synthetic(words=40, max_tokens=16, seed=seed),
    lambda seed: Replayed([Arrival(0.0, 40, 16)] * 500, seed=seed),
]
every_workload = pytest.mark.parametrize("make", MAKERS, ids=["questions", "synthetic", "replayed"])


@every_workload
def test_the_same_seed_and_index_ask_the_same(make: Callable[[int], Workload]) -> None:
    assert [make(7).item(i) for i in range(20)] == [make(7).item(i) for i in range(20)]


@every_workload
def test_no_two_prompts_begin_alike_even_under_another_seed(
    make: Callable[[int], Workload],
) -> None:
    prompts = [make(seed).item(i).prompt for seed in (1, 2, 11) for i in range(500)]
    first_words = {prompt.split()[0] for prompt in prompts}
    assert len(first_words) == len(prompts)


def test_every_question_gets_asked_whole() -> None:
    workload = Questions(ASKED, max_tokens=16, seed=1)
    asked = {workload.item(i).prompt.partition(" ")[2] for i in range(100)}
    assert asked == set(ASKED)


@pytest.mark.parametrize("share", [0.0, 0.5, 0.9])
def test_a_synthetic_prompt_has_the_length_asked_for(share: float) -> None:
    workload = Synthetic(words=200, max_tokens=16, seed=1, shared_prefix=share)
    assert {len(workload.item(i).prompt.split()) for i in range(20)} == {200}


def test_the_smallest_synthetic_prompt_is_still_unique() -> None:
    workload = Synthetic(words=1, max_tokens=1, seed=1)
    assert len({workload.item(i).prompt for i in range(100)}) == 100


def shared_words(workload: Workload) -> int:
    one, two = (workload.item(i).prompt.split() for i in (3, 4))
    return next(
        place for place, pair in enumerate(zip(one, two, strict=False)) if len(set(pair)) > 1
    )


@pytest.mark.parametrize(("share", "words"), [(0.0, 0), (0.25, 50), (0.9, 180)])
def test_synthetic_prompts_share_just_the_prefix_asked_for(share: float, words: int) -> None:
    workload = Synthetic(words=200, max_tokens=16, seed=1, shared_prefix=share)
    assert shared_words(workload) == words


def test_questions_share_a_prefix_of_the_share_asked_for() -> None:
    workload = Questions(ASKED, max_tokens=16, seed=1, shared_prefix=0.8)
    shared = shared_words(workload)
    lengths = [len(workload.item(i).prompt.split()) for i in range(300)]
    assert shared / (sum(lengths) / len(lengths)) == pytest.approx(0.8, abs=0.02)


def test_a_replayed_prompt_takes_its_lengths_from_the_trace() -> None:
    workload = Replayed([Arrival(0.0, 12, 3), Arrival(1.0, 90, 7)], seed=1)
    items = [workload.item(i) for i in range(2)]
    assert [(len(item.prompt.split()), item.max_tokens) for item in items] == [(12, 3), (90, 7)]


@pytest.mark.parametrize(
    ("make", "field"),
    [
        (lambda: Questions((), max_tokens=1, seed=1), "questions"),
        (lambda: Questions(ASKED, max_tokens=0, seed=1), "max_tokens"),
        (lambda: Synthetic(words=0, max_tokens=1, seed=1), "words"),
        (lambda: Synthetic(words=9, max_tokens=1, seed=1, shared_prefix=1.0), "shared_prefix"),
        (
            lambda: Questions(ASKED, max_tokens=1, seed=1, shared_prefix=float("nan")),
            "shared_prefix",
        ),
    ],
)
def test_a_size_out_of_range_is_named(make: Callable[[], Workload], field: str) -> None:
    with pytest.raises(InvalidRequest) as caught:
        make()
    assert caught.value.field == field
