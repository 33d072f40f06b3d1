"""The newest load known of each node, and what this client has sent there since."""

from collections import deque
from dataclasses import dataclass, field

from nearfield.client.recent import Recent
from nearfield.core.clock import Clock, monotonic
from nearfield.core.node import NodeLoad

NODES_MOST = 256
SENT_MOST = 1024
"""Requests counted a node; with more on their way its queue is past any choice."""


@dataclass(frozen=True, slots=True)
class KnownLoad:
    """A load that is `age` seconds old, and the requests of this client it cannot count.

    `wait_least` are the seconds that are left of the wait for which the node declined.
    """

    load: NodeLoad
    age: float
    routed: int
    wait_least: float = 0.0


@dataclass(slots=True)
class _Node:
    load: NodeLoad | None = None
    read: float = float("-inf")
    sent: deque[float] = field(default_factory=lambda: deque(maxlen=SENT_MOST))
    busy_until: float = float("-inf")


class Loads:
    """Loads by node name: from leases, sessions and answers, the newest one holds."""

    def __init__(self, clock: Clock = monotonic) -> None:
        self._clock = clock
        self._nodes: Recent[str, _Node] = Recent(NODES_MOST)

    def learn(self, node: str, load: NodeLoad, *, age: float = 0.0, unseen: float = 0.0) -> None:
        """Take a load that was read `age` seconds ago, where it is newer than the one known.

        Requests sent up to `unseen` seconds before that had not reached the node by then.
        """
        known = self._nodes.get(node) or _Node()
        read = self._clock() - age
        if read < known.read:
            return
        known.load, known.read = load, read
        while known.sent and known.sent[0] <= read - unseen:
            known.sent.popleft()
        self._nodes.put(node, known)

    def sent(self, node: str) -> float:
        """Count a request that leaves for a node now; return when that is."""
        known, now = self._nodes.get(node) or _Node(), self._clock()
        known.sent.append(now)
        self._nodes.put(node, known)
        return now

    def declined(self, node: str, wait: float, sent: float | None = None) -> None:
        """Take that a request would have waited so many seconds, and so would the next.

        What a node declined it does not hold: what was `sent` then counts no more.
        """
        known = self._nodes.get(node) or _Node()
        known.busy_until = max(known.busy_until, self._clock() + wait)
        if sent is not None and sent in known.sent:
            known.sent.remove(sent)
        self._nodes.put(node, known)

    def get(self, node: str) -> KnownLoad | None:
        """Return what is known of a node, or None."""
        known = self._nodes.get(node)
        if known is None or known.load is None:
            return None
        now = self._clock()
        wait_least = max(0.0, known.busy_until - now)
        return KnownLoad(known.load, now - known.read, len(known.sent), wait_least)
