"""Which streams a client may start: pure decisions over the numbers it chooses."""

from nearfield.core.errors import InvalidRequest, Overloaded

STREAMS_MOST = 4096
"""Open at once on one session; ten times what the busiest engine runs."""
REFUSALS_MOST = 1024
"""Unread ones, each of some hundred bytes; a client that reads none is not read further."""


class StreamNumbers:
    """The numbers of one session, which only grow."""

    def __init__(self) -> None:
        self._last = 0

    def take(self, stream: int, streams_open: int) -> None:
        """Note a stream that starts.

        Raises InvalidRequest for a number that does not grow, Overloaded where too many are
        open: another node may have room.
        """
        if stream <= self._last:
            raise InvalidRequest(
                f"stream {stream} is not above {self._last}, the last one started",
                field="stream",
                limit=f"above {self._last}",
            )
        self._last = stream
        if streams_open >= STREAMS_MOST:
            raise Overloaded(
                f"{STREAMS_MOST} answers are open on this session",
                field="stream",
                limit=f"{STREAMS_MOST} open",
            )


def flooded(streams_open: int) -> bool:
    """Whether unread refusals have piled up beside what runs."""
    return streams_open >= STREAMS_MOST + REFUSALS_MOST
