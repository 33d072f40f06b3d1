"""What a run asks: prompts by index, the same for the same seed.

Each prompt carries its own tag before its own words, so that no two prompts of any two seeds
are alike and a prefix cache finds only what a workload means it to find. Building a prompt
takes time: build them before the run, not while it is measured.
"""

import random
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol

from bench.arrivals import Arrival
from nearfield.core.errors import InvalidRequest

# Short and common, so that most tokenizers spend one token on each.
_WORDS = (
    "the river was long and cold but they had to find a way over before night so one man went "
    "down to look for a boat while others sat by fire with some bread and told old stories of "
    "when this land had kings who built great walls from white stone that still stand today "
    "near open sea where ships come home"
)
VOCABULARY = tuple(dict.fromkeys(_WORDS.split()))


class Item(NamedTuple):
    """One prompt, and the most tokens its answer may have."""

    prompt: str
    max_tokens: int


class Workload(Protocol):
    """A pure function of the index: the same item for the same index, unlike any other's."""

    def item(self, index: int) -> Item:
        """Return what request `index` asks, from 0."""


@dataclass(frozen=True, slots=True)
class Questions:
    """Questions picked at random, each behind its tag.

    `shared_prefix` is the share (0 up to 1) of the average prompt's words, the same for all,
    that each prompt begins with.
    """

    questions: tuple[str, ...]
    max_tokens: int
    seed: int
    shared_prefix: float = 0.0

    def __post_init__(self) -> None:
        _check_count("questions", len(self.questions))
        _check_count("max_tokens", self.max_tokens)
        _check_share(self.shared_prefix)

    def item(self, index: int) -> Item:
        """Return request `index`'s question."""
        question = _rng(self.seed, index).choice(self.questions)
        return Item(_prompt(self._prefix(), self.seed, index, question), self.max_tokens)

    def _prefix(self) -> list[str]:
        own = 1 + sum(len(text.split()) for text in self.questions) / len(self.questions)
        return _shared_words(self.seed, round(own * self.shared_prefix / (1 - self.shared_prefix)))


@dataclass(frozen=True, slots=True)
class Synthetic:
    """Prompts of exactly `words` random words, about as many tokens.

    `shared_prefix` is the share (0 up to 1) of those words, the same for all, that each
    prompt begins with.
    """

    words: int
    max_tokens: int
    seed: int
    shared_prefix: float = 0.0

    def __post_init__(self) -> None:
        _check_count("words", self.words)
        _check_count("max_tokens", self.max_tokens)
        _check_share(self.shared_prefix)

    def item(self, index: int) -> Item:
        """Return request `index`'s random words."""
        shared = _shared_words(self.seed, int(self.words * self.shared_prefix))
        own = _random_words(_rng(self.seed, index), self.words - len(shared) - 1)
        return Item(_prompt(shared, self.seed, index, *own), self.max_tokens)


@dataclass(frozen=True, slots=True)
class Replayed:
    """Random words in the lengths of a trace; indices run over its arrivals."""

    arrivals: Sequence[Arrival]
    seed: int

    def item(self, index: int) -> Item:
        """Return a prompt as long as arrival `index`'s."""
        arrival = self.arrivals[index]
        own = _random_words(_rng(self.seed, index), arrival.input - 1)
        return Item(_prompt([], self.seed, index, *own), arrival.output)


def _prompt(shared: Sequence[str], seed: int, index: int, *own: str) -> str:
    # The index comes first so that two tags differ as early as can be.
    return " ".join([*shared, f"{index}.{seed}", *own])


def _rng(seed: int, index: int) -> random.Random:
    return random.Random(f"{index}.{seed}")


def _shared_words(seed: int, count: int) -> list[str]:
    return _random_words(random.Random(f"shared.{seed}"), count)


def _random_words(rng: random.Random, count: int) -> list[str]:
    return rng.choices(VOCABULARY, k=count)


def _check_count(field: str, value: int) -> None:
    if value < 1:
        raise InvalidRequest(f"{field} {value} is below 1", field=field, limit="1 or more")


def _check_share(value: float) -> None:
    if not 0 <= value < 1:  # true for NaN as well
        raise InvalidRequest(
            f"shared_prefix {value} is not a share from 0 up to 1",
            field="shared_prefix",
            limit="0 to below 1",
        )
