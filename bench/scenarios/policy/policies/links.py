"""A client's connections as the product keeps them: those in use, and the last few idle ones."""

from collections import OrderedDict
from dataclasses import dataclass

from nearfield.client.connections import WARM_MOST


@dataclass(slots=True)
class _Link:
    ready: float
    users: int = 0


class Links:
    """Connections by node name; one is warm once its handshakes are done."""

    def __init__(self) -> None:
        self._open: OrderedDict[str, _Link] = OrderedDict()

    def is_warm(self, node: str, now: float) -> bool:
        """Whether a request would pay no handshake."""
        opened = self.opened(node)
        return opened is not None and opened <= now

    def opened(self, node: str) -> float | None:
        """Return the moment from which a connection is open; None where there is none."""
        link = self._open.get(node)
        return None if link is None else link.ready

    def use(self, node: str, now: float, handshakes: float) -> float:
        """Hold a connection until `release`; returns when it is ready, now if it was warm."""
        link = self._open.setdefault(node, _Link(now + handshakes))
        self._open.move_to_end(node)
        link.users += 1
        return max(now, link.ready)

    def release(self, node: str) -> None:
        """Let go of one; of the idle ones those used longest ago are closed."""
        link = self._open.get(node)
        if link is None:
            return
        link.users -= 1
        idle = [name for name, one in self._open.items() if one.users <= 0]
        for name in idle[: max(0, len(idle) - WARM_MOST)]:
            del self._open[name]

    def drop(self, node: str) -> None:
        """Lose one that broke."""
        self._open.pop(node, None)
