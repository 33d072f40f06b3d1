"""Predicted against actual, kept until the control plane is asked next."""

from collections import deque

from nearfield.core.route import Outcome

OUTCOMES_MOST = 64
SECONDS_MOST = 3600.0
"""What the control plane takes for a time to a first token at all."""


class Outcomes:
    """The latest outcomes that were not reported yet."""

    def __init__(self) -> None:
        self._latest: deque[Outcome] = deque(maxlen=OUTCOMES_MOST)

    def add(self, outcome: Outcome) -> None:
        """Take one; what no clock can have measured is left out."""
        if all(0 <= seconds <= SECONDS_MOST for seconds in (outcome.predicted, outcome.actual)):
            self._latest.append(outcome)

    def take(self) -> tuple[Outcome, ...]:
        """Return all, which are then gone."""
        taken = tuple(self._latest)
        self._latest.clear()
        return taken

    def put_back(self, taken: tuple[Outcome, ...]) -> None:
        """Take back what could not be reported."""
        self._latest = deque((*taken, *self._latest), maxlen=OUTCOMES_MOST)
