"""From hearing a node, or not, to what is held of it: a table; an absent transition is an error."""

from enum import StrEnum

from nearfield.core.node import Health

SUSPECT_AFTER = 3.0
"""Seconds: three heartbeats missed."""
LOST_AFTER = 10.0
"""Seconds: longer than most paths take to heal by themselves."""


class Sign(StrEnum):
    """What can be known of a node."""

    HEARD = "heard"
    QUIET = "quiet"  # for longer than SUSPECT_AFTER
    SILENT = "silent"  # for longer than LOST_AFTER
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


def sign_of_silence(seconds: float) -> Sign | None:
    """Return what a silence of this length says; None while it is a usual one."""
    if seconds > LOST_AFTER:
        return Sign.SILENT
    return Sign.QUIET if seconds > SUSPECT_AFTER else None
