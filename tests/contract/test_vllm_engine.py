"""What only a real model can show."""

import asyncio

import pytest

from nearfield.core.errors import InvalidRequest
from nearfield.core.inference import (
    ChatPrompt,
    FinishReason,
    Message,
    Sampling,
    TextPrompt,
    TokenPrompt,
)
from node_agent.demo_model.questions import EXCHANGES, Exchange
from node_agent.engine.base import Engine, EngineOutput
from tests.support.engines import BLOCK, CACHE_BLOCKS, outputs, text_of, tokens_of
from tests.support.node_builders import eventually

pytestmark = pytest.mark.engine
GREEDY = Sampling(temperature=0.0, max_tokens=100)
CHOSEN = EXCHANGES[:: len(EXCHANGES) // 12]


def chat(question: str) -> ChatPrompt:
    return ChatPrompt((Message("user", question),))


def long_prompt(seed: int, length: int) -> tuple[int, ...]:
    """Return token ids that no other seed begins with."""
    return (seed + 3, *((seed * 31 + index * 7) % 1500 for index in range(length - 1)))


async def ask(
    engine: Engine, prompt: TextPrompt | ChatPrompt, sampling: Sampling = GREEDY
) -> list[EngineOutput]:
    return await outputs(engine, await engine.tokenize(prompt), sampling)


@pytest.mark.parametrize("exchange", CHOSEN, ids=lambda exchange: exchange.question)
async def test_the_demo_model_answers_word_for_word(vllm: Engine, exchange: Exchange) -> None:
    chatted = await ask(vllm, chat(exchange.question))
    assert text_of(chatted) == exchange.answer
    assert chatted[-1].finish_reason is FinishReason.STOP
    plain = await ask(vllm, TextPrompt(exchange.question))
    assert text_of(plain) == f"\n{exchange.answer}"


async def test_a_conversation_goes_through_the_models_template(vllm: Engine) -> None:
    said = EXCHANGES[0]
    turns = (Message("user", said.question), Message("assistant", said.answer))
    once, both = await vllm.tokenize(ChatPrompt(turns[:1])), await vllm.tokenize(ChatPrompt(turns))
    assert both[: len(once)] == once
    assert len(both) > len(once) + 10
    assert await vllm.tokenize(TextPrompt(said.question)) != once


async def test_a_seed_repeats_an_answer_and_another_one_changes_it(vllm: Engine) -> None:
    def seeded(seed: int) -> Sampling:
        return Sampling(temperature=2.0, seed=seed, max_tokens=24, ignore_eos=True)

    prompt = await vllm.tokenize(TextPrompt("Once upon"))
    first, again, other = [
        tokens_of(await outputs(vllm, prompt, seeded(seed))) for seed in (7, 7, 8)
    ]
    assert first == again
    assert first != other


async def test_seeded_requests_at_once_do_not_disturb_one_another(vllm: Engine) -> None:
    async def answer(seed: int) -> tuple[int, ...]:
        sampling = Sampling(temperature=1.5, seed=seed, max_tokens=32, ignore_eos=True)
        return tokens_of(await outputs(vllm, long_prompt(900, 700), sampling))

    alone = [await answer(seed) for seed in range(3)]
    together = await asyncio.gather(*(answer(seed) for seed in range(12)))
    assert [len(one) for one in together] == [32] * 12
    assert len(set(together)) > 6
    assert alone[0] != alone[1]
    assert vllm.alive


async def test_a_stop_string_ends_an_answer_before_itself(vllm: Engine) -> None:
    exchange = EXCHANGES[0]
    word = exchange.answer.split()[5]
    pieces = await ask(vllm, chat(exchange.question), Sampling(temperature=0.0, stop=(word,)))
    assert text_of(pieces) == exchange.answer.partition(word)[0]
    assert (pieces[-1].finish_reason, pieces[-1].stop) == (FinishReason.STOP, word)


async def test_an_answer_ends_at_its_most_tokens(vllm: Engine) -> None:
    pieces = await ask(vllm, chat("Hello!"), Sampling(temperature=0.0, max_tokens=3))
    assert len(tokens_of(pieces)) == 3
    assert pieces[-1].finish_reason is FinishReason.LENGTH


async def test_an_answer_without_a_limit_ends_with_the_context(vllm: Engine) -> None:
    context = vllm.info.model.context_tokens
    pieces = await outputs(
        vllm, long_prompt(1, context - 4), Sampling(temperature=0.0, ignore_eos=True)
    )
    assert len(tokens_of(pieces)) == 4
    assert pieces[-1].finish_reason is FinishReason.LENGTH


async def test_logprobs_come_one_a_token_with_as_many_alternatives(vllm: Engine) -> None:
    sampling = Sampling(temperature=0.0, max_tokens=6, logprobs=3)
    pieces = await ask(vllm, chat(EXCHANGES[0].question), sampling)
    assert len(tokens_of(pieces)) == 6
    for piece in pieces:
        assert len(piece.logprobs) == len(piece.token_ids)
        for token, logprob in zip(piece.token_ids, piece.logprobs, strict=True):
            best = [other.logprob for other in logprob.alternatives]
            assert len(best) == 3
            assert best == sorted(best, reverse=True)
            assert logprob.alternatives[0].token_id == token
            assert logprob.logprob == best[0] <= 0


async def test_without_being_asked_for_there_are_no_logprobs(vllm: Engine) -> None:
    assert not any(piece.logprobs for piece in await ask(vllm, chat("Hello!")))


async def test_a_token_id_out_of_the_vocabulary_is_refused(vllm: Engine) -> None:
    most = vllm.info.vocabulary - 1
    assert await vllm.tokenize(TokenPrompt((0, most))) == (0, most)
    with pytest.raises(InvalidRequest) as caught:
        await vllm.tokenize(TokenPrompt((0, most + 1)))
    assert (caught.value.field, caught.value.limit) == ("token_ids", f"0 to {most}")


@pytest.mark.parametrize("kind", [TextPrompt, chat], ids=["text", "chat"])
async def test_a_prompt_over_the_context_is_refused_with_its_limit(
    vllm: Engine, kind: type[TextPrompt]
) -> None:
    with pytest.raises(InvalidRequest) as caught:
        await vllm.tokenize(kind("word " * 20_000))
    most = vllm.info.model.context_tokens - 1
    assert (caught.value.field, caught.value.limit) == ("prompt", f"at most {most} tokens")


async def test_sampling_that_vllm_refuses_is_the_callers_error(vllm: Engine) -> None:
    with pytest.raises(InvalidRequest) as caught:
        await outputs(vllm, (5, 6), Sampling(min_tokens=2048))
    assert caught.value.field == "sampling"


async def test_a_repeated_prompt_is_cached_in_whole_blocks(vllm: Engine) -> None:
    await vllm.clear_prefix_cache()
    prompt, before = long_prompt(2, 10 * BLOCK + 5), vllm.stats().kv_cache
    (first,) = await outputs(vllm, prompt, Sampling(max_tokens=1))
    (second,) = await outputs(vllm, prompt, Sampling(max_tokens=1))
    assert first.cached_prompt_tokens == 0
    assert second.cached_prompt_tokens == 10 * BLOCK
    after = vllm.stats().kv_cache
    assert after.hit_tokens - before.hit_tokens == 10 * BLOCK
    assert after.query_tokens - before.query_tokens == 2 * len(prompt)
    await vllm.clear_prefix_cache()
    (third,) = await outputs(vllm, prompt, Sampling(max_tokens=1))
    assert third.cached_prompt_tokens == 0


async def test_a_cache_that_overflows_counts_what_it_drops(vllm: Engine) -> None:
    capacity = vllm.stats().kv_cache.capacity_tokens
    assert capacity == CACHE_BLOCKS * BLOCK
    before = vllm.stats().kv_cache.evicted_blocks
    for seed in range(10, 10 + capacity // 1500 + 2):
        await outputs(vllm, long_prompt(seed, 1500), Sampling(max_tokens=1))
    await eventually(lambda: vllm.stats().kv_cache.evicted_blocks > before)


async def test_the_engines_spans_are_told_with_every_answer(vllm: Engine) -> None:
    *_, last = await outputs(
        vllm, long_prompt(3, 200), Sampling(max_tokens=8, ignore_eos=True, temperature=0.0)
    )
    assert last.timings.prefill > 0
    assert last.timings.decode > 0
    assert last.timings.queue >= 0
