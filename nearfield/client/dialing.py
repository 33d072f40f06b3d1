"""Which address is dialled for a process of the fleet."""

from typing import Protocol

from nearfield.core.geo import Position


class Dialer(Protocol):
    """Maps an endpoint to the address to connect to: a tunnel, a relay, an emulated distance."""

    async def __call__(self, endpoint: str, position: Position | None) -> str:
        """Return the `host:port` to dial for `endpoint`.

        `position` is where the process stands; None for the control plane.
        """


async def direct(endpoint: str, position: Position | None) -> str:
    """Dial the endpoint itself."""
    return endpoint
