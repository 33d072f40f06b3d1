"""The session with one node: any number of requests over one stream."""

from collections.abc import Mapping

import grpc

from nearfield.client.exchange import Exchange
from nearfield.client.link import Hear, Link
from nearfield.core.errors import TimedOut
from nearfield.core.inference import Request
from nearfield.core.session import WINDOW_TOKENS


class NodeSession:
    """Opens its stream with `open` or the first request, and anew with the next after it broke.

    `window_tokens` of one answer may be on their way unread; a reader that is slower than
    the node for longer is evicted there. `hear` takes what the node tells of its load.
    """

    def __init__(
        self, channel: grpc.aio.Channel, hear: Hear, *, window_tokens: int = WINDOW_TOKENS
    ) -> None:
        self._channel = channel
        self._hear = hear
        self._window = window_tokens
        self._links: list[Link] = []

    def open(self) -> None:
        """Open the stream, so that the node tells its load before any request; twice is once."""
        self._link()

    def start(
        self, request: Request, *, trace: Mapping[str, str], timeout: float | None
    ) -> Exchange:
        """Send a request and return what will hold its answer; its reader closes it.

        `trace` holds W3C trace headers; `timeout` is in seconds, None for no end. Raises
        TimedOut where it has passed, InvalidRequest or LimitExceeded for a request that
        cannot be sent.
        """
        if timeout is not None and timeout <= 0:
            raise TimedOut("the deadline passed before the request was sent", field="timeout")
        return self._link().start(request, trace, timeout)

    def _link(self) -> Link:
        """Return the stream that takes requests; one whose numbers are spent ends its own."""
        if not self._links or self._links[-1].spent:
            self._links = [link for link in self._links if not link.broken]
            self._links.append(Link(self._channel, self._window, self._hear))
        return self._links[-1]

    async def aclose(self) -> None:
        """End every request on it; twice is once."""
        while self._links:
            await self._links.pop().aclose()
