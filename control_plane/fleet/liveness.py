"""From hearing a node, or not, to what is held of it: a table; an absent transition is an error."""

from enum import StrEnum

from nearfield.core.node import Health

HEARTBEAT = 1.0
"""Seconds between two reports of an idle node."""
STRETCHED_HEARTBEAT = 3.0
"""The same in a large fleet, whose nodes report sooner when their work changes."""
LARGE_FLEET = 5_000
SUSPECT_BEATS = 3
"""Heartbeats missed."""
LOST_AFTER = 10.0
"""Seconds: longer than most paths take to heal by themselves."""
LOST_BEATS = 4
"""Heartbeats missed at least, where they are far apart."""


class Sign(StrEnum):
    """What can be known of a node."""

    HEARD = "heard"
    QUIET = "quiet"  # for several heartbeats
    SILENT = "silent"  # for so long that it is held for lost
    BROKEN = "broken"  # its connection closed without a goodbye: evidence, not silence
    GOODBYE = "goodbye"


TRANSITIONS: dict[tuple[Health, Sign], Health] = {
    **{(health, Sign.HEARD): Health.ALIVE for health in Health},
    (Health.ALIVE, Sign.QUIET): Health.SUSPECT,
    (Health.SUSPECT, Sign.QUIET): Health.SUSPECT,
    (Health.LOST, Sign.QUIET): Health.LOST,
    (Health.LEFT, Sign.QUIET): Health.LEFT,
    (Health.ALIVE, Sign.SILENT): Health.LOST,
    (Health.SUSPECT, Sign.SILENT): Health.LOST,
    (Health.LOST, Sign.SILENT): Health.LOST,
    (Health.LEFT, Sign.SILENT): Health.LEFT,
    (Health.ALIVE, Sign.BROKEN): Health.LOST,
    (Health.SUSPECT, Sign.BROKEN): Health.LOST,
    (Health.LOST, Sign.BROKEN): Health.LOST,
    (Health.ALIVE, Sign.GOODBYE): Health.LEFT,
    (Health.SUSPECT, Sign.GOODBYE): Health.LEFT,
    (Health.LOST, Sign.GOODBYE): Health.LEFT,
}


def next_health(health: Health, sign: Sign) -> Health:
    """Return what is held after `sign`; raises ValueError where it cannot come."""
    try:
        return TRANSITIONS[health, sign]
    except KeyError:
        raise ValueError(f"'{sign}' cannot come from a node that is {health}") from None


def sign_of_silence(seconds: float, heartbeat: float = HEARTBEAT) -> Sign | None:
    """Return what a silence of this length says; None while it is a usual one."""
    if seconds > max(LOST_AFTER, LOST_BEATS * heartbeat):
        return Sign.SILENT
    return Sign.QUIET if seconds > SUSPECT_BEATS * heartbeat else None
