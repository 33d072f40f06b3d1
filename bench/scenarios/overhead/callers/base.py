"""What the three callers share."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from bench.sample import Sample
from nearfield.core.clock import monotonic
from nearfield.core.errors import StreamBroken
from nearfield.core.inference import Sampling

Call = Callable[[str, int], Awaitable[Sample]]
"""Sends a prompt for so many tokens and tells what came; raises a NearfieldError."""


def sampling(max_tokens: int) -> Sampling:
    """Return how every system has to answer: greedy, and of a fixed length."""
    return Sampling(temperature=0.0, max_tokens=max_tokens, ignore_eos=True)


@dataclass(slots=True)
class Heard:
    """One answer as it comes."""

    asked_tokens: int
    first_text: float | None = None
    prompt_tokens: int = 0
    cached_prompt_tokens: int = 0
    completion_tokens: int = 0

    def take(self, text: str) -> None:
        """Note a piece; one without text is no token that a reader could see."""
        if text and self.first_text is None:
            self.first_text = monotonic()

    def sample(self) -> Sample:
        """Return the whole; raises StreamBroken for an answer that was cut short."""
        if self.completion_tokens != self.asked_tokens:
            raise StreamBroken(
                f"{self.completion_tokens} tokens came where {self.asked_tokens} were asked for"
            )
        return Sample(
            first_token=self.first_text,
            finished=monotonic(),
            completion_tokens=self.completion_tokens,
            prompt_tokens=self.prompt_tokens,
            cached_prompt_tokens=self.cached_prompt_tokens,
        )
