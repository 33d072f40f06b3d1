"""What is asked and when: the whole run, drawn before it starts."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from bench.arrivals import gamma, poisson, replay
from bench.workload import Item, Questions, Replayed, Synthetic, Workload
from nearfield.core.errors import InvalidRequest
from nearfield.core.inference import ChatPrompt, Message, Prompt, Sampling, TextPrompt
from node_agent.demo_model.questions import EXCHANGES

BURSTY = 0.5
"""The shape of gamma arrivals where none is given: gaps vary 1.4 times as much as Poisson's."""


class Arrivals(StrEnum):
    """How requests are spread over time."""

    POISSON = "poisson"
    GAMMA = "gamma"
    TRACE = "trace"


class Asked(StrEnum):
    """What requests ask."""

    QUESTIONS = "questions"
    SYNTHETIC = "synthetic"


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadOptions:
    """Seconds, requests a second, words, tokens; the warm-up comes before `duration`."""

    rate: float
    duration: float
    warm_up: float = 0.0
    arrivals: Arrivals = Arrivals.POISSON
    trace: Path | None = None
    burstiness: float | None = None
    workload: Asked = Asked.QUESTIONS
    words: int = 48
    max_tokens: int = 64
    seed: int = 1


@dataclass(frozen=True, slots=True)
class Load:
    """Request i is meant to be sent at `offsets[i]` and asks `items[i]`.

    Questions are chat and end where the model ends them; the rest is text of fixed length.
    """

    offsets: Sequence[float]
    items: Sequence[Item]
    chat: bool

    def prompt(self, index: int) -> Prompt:
        """Return what request `index` asks."""
        text = self.items[index].prompt
        return ChatPrompt((Message("user", text),)) if self.chat else TextPrompt(text)

    def sampling(self, index: int) -> Sampling:
        """Return how request `index` is answered: greedy, so that runs can be compared."""
        most = self.items[index].max_tokens
        return Sampling(temperature=0.0, max_tokens=most, ignore_eos=None if self.chat else True)


def build(options: LoadOptions) -> Load:
    """Draw the schedule and the prompts; raises InvalidRequest."""
    _check(options)
    offsets, workload = _schedule(options)
    if not offsets or offsets[-1] < options.warm_up:
        raise InvalidRequest(
            "no request falls into the measured time; raise --rate or --duration", field="rate"
        )
    chat = isinstance(workload, Questions)
    return Load(offsets, [workload.item(index) for index in range(len(offsets))], chat)


def _check(options: LoadOptions) -> None:
    if not 0 <= options.warm_up < float("inf"):
        raise InvalidRequest(
            f"warm-up {options.warm_up} is below 0", field="warm-up", limit="0 s or more"
        )
    if (options.trace is not None) != (options.arrivals is Arrivals.TRACE):
        raise InvalidRequest("--trace FILE and --arrivals trace go together", field="trace")
    if options.burstiness is not None and options.arrivals is not Arrivals.GAMMA:
        raise InvalidRequest("--burstiness is for --arrivals gamma", field="burstiness")


def _schedule(options: LoadOptions) -> tuple[list[float], Workload]:
    whole = options.warm_up + options.duration
    if options.trace is not None:
        rows = [row for row in replay(options.trace) if row.offset < whole]
        return [row.offset for row in rows], Replayed(rows, options.seed)
    if options.arrivals is Arrivals.GAMMA:
        shape = BURSTY if options.burstiness is None else options.burstiness
        return gamma(options.rate, whole, shape, options.seed), _workload(options)
    return poisson(options.rate, whole, options.seed), _workload(options)


def _workload(options: LoadOptions) -> Workload:
    if options.workload is Asked.SYNTHETIC:
        return Synthetic(options.words, options.max_tokens, options.seed)
    questions = tuple(exchange.question for exchange in EXCHANGES)
    return Questions(questions, options.max_tokens, options.seed)
