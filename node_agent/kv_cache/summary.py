"""From what is hot now to the frames that tell it: a snapshot, then what changed."""

import secrets
from collections.abc import Mapping

from nearfield.core.prefix import PrefixSummary

_EPOCH_BITS = 32


class Summaries:
    """The frames for one listener; each says what the one before it left out."""

    def __init__(self) -> None:
        # Random, so that an agent that was started anew does not go on in its forerunner's epoch.
        self._epoch = secrets.randbits(_EPOCH_BITS)
        self._seq = 0
        self._told: Mapping[int, int] | None = None

    def reset(self) -> None:
        """Begin a new epoch, with a snapshot: after a new link, a cleared cache or lost events."""
        self._epoch += 1
        self._seq = 0
        self._told = None

    def next(self, hot: Mapping[int, int]) -> PrefixSummary | None:
        """Return the frame that brings the listener to `hot`; None where it is there already.

        `hot` is key to resident tokens (> 0), hottest first. A frame is never longer than the
        longer of two hot maps, as a change of more is told as a snapshot.
        """
        told = self._told
        if told == hot:
            return None
        changes = () if told is None else _changes(told, hot)
        snapshot = told is None or len(changes) > max(len(hot), len(told))
        entries = tuple(hot.items()) if snapshot else changes
        frame = PrefixSummary(self._epoch, self._seq, snapshot, entries)
        self._seq += 1
        self._told = dict(hot)
        return frame


def _changes(told: Mapping[int, int], hot: Mapping[int, int]) -> tuple[tuple[int, int], ...]:
    # What is gone comes first: it makes room at a listener that is full.
    gone = ((key, 0) for key in told if key not in hot)
    news = ((key, tokens) for key, tokens in hot.items() if told.get(key) != tokens)
    return (*gone, *news)
