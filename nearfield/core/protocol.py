"""The version both ends of a link speak, with its history.

1  2026-11  Hello, Report, Goodbye; Welcome, Desired. Route without tickets.
"""

from nearfield.core.errors import ProtocolMismatch

VERSION = 1
OLDEST = 1
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
