"""Keeps Python's garbage collector off the links, which live as long as their nodes."""

import gc

_THRESHOLDS = (50_000, 20, 50)
"""Objects made before a collection; a route makes some hundred, nearly all freed by count."""
_LINKS_AT_FIRST = 64
_GROWN = 1.5
"""Times the links at the last freeze, while nodes go on joining."""
_LEFT_OUT = 1.02
"""The same once they have stopped: what a freeze leaves out, the collector walks."""


class LongLived:
    """Freezes what has come to stay: each time the fleet has grown by half, and once it rests.

    Walking 4,300 links stops routes for 50 ms; frozen, they are walked no more, and the
    slowest of a hundred routes takes 1 to 2 ms.
    """

    def __init__(self) -> None:
        self._next = float(_LINKS_AT_FIRST)
        self._frozen = self._seen = 0
        gc.set_threshold(*_THRESHOLDS)

    def grown_to(self, nodes: int) -> None:
        """Note how many nodes there are; it may pause for some milliseconds."""
        rests = nodes == self._seen and nodes > max(_LINKS_AT_FIRST, _LEFT_OUT * self._frozen)
        self._seen = nodes
        if rests or nodes >= self._next:
            self._next, self._frozen = _GROWN * nodes, nodes
            gc.collect()
            gc.freeze()
