"""The version both ends of a link speak, with its history.

1  2026-11  Hello, Report, Goodbye; Welcome, Desired. Route without tickets.
2  2026-11  Tickets and TLS, without which no node answers. Sessions, prefix keys and their
            summaries, measured round trips with a spread, trust, declared prefixes, relays.
"""

from nearfield.core.errors import ProtocolMismatch

VERSION = 2
OLDEST = 2
"""The oldest version still understood."""


def check_version(theirs: int) -> None:
    """Raise ProtocolMismatch unless both sides understand `theirs`."""
    if OLDEST <= theirs <= VERSION:
        return
    limit = f"{OLDEST} to {VERSION}" if OLDEST < VERSION else str(VERSION)
    older = "older" if theirs < OLDEST else "newer"
    raise ProtocolMismatch(
        f"protocol version {theirs} is {older} than this side understands ({limit})",
        field="protocol_version",
        limit=limit,
    )
