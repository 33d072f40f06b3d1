"""How long a node may keep a request waiting before it is better asked elsewhere.

A node that predicts more declines at once. By then the way there is spent and the way back
is the same for the refusal as for a first token, so that its wait, base and prefill stand
against the whole predicted TTFT of the alternative.
"""

from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import NamedTuple

from nearfield.client.choice import Ranked
from nearfield.core.errors import NearfieldError, Overloaded
from nearfield.core.prediction import Prediction
from nearfield.core.route import Candidate, Lease

FIELD = "first_token_budget_seconds"
"""What a node names that declines."""
OWN_FACTOR = 1.25
OWN_SLACK_SECONDS = 0.010
"""What a node may take beyond what it was chosen for: a decline costs a round trip, and the
next one's prediction is no better known."""
DECLINES_MOST = 2
"""For each list of candidates; after two, what is known of the others is likely as old."""


class Declined(NamedTuple):
    """A candidate that would take the request, `seconds` (round trip and wait) from now."""

    candidate: Candidate
    seconds: float


class Step(NamedTuple):
    """A candidate to be asked under a lease, and the seconds it may take, None for any time."""

    lease: Lease
    ranked: Ranked
    budget: float | None


def first_budgets(ranked: Sequence[Ranked], route_seconds: float | None) -> list[float | None]:
    """Return the seconds that each of a first lease's candidates may take, None for any time.

    What stands against one is the next in the list, against the last a new question of
    `route_seconds` (None: not measured yet) that finds a node as good as the list's best. A
    list of one is all that the fleet offers.
    """
    if len(ranked) < 2:
        return [None] * len(ranked)
    nexts = [
        auto(one.prediction, after.rank - one.prediction.penalty) for one, after in pairwise(ranked)
    ]
    anew = None if route_seconds is None else route_seconds + ranked[0].prediction.ttft
    return [*nexts, auto(ranked[-1].prediction, anew)]


def later_budgets(ranked: Sequence[Ranked], declined: Iterable[Declined]) -> list[float | None]:
    """Return them for the candidates of a new lease: against the least of who declined."""
    least = min((one.seconds for one in declined), default=None)
    return [auto(one.prediction, least) for one in ranked]


def auto(own: Prediction, alternative: float | None) -> float | None:
    """Return the seconds that a node may take against an alternative's, None for any time."""
    if alternative is None:
        return None
    expected = own.queue + own.base + own.prefill
    return max(alternative, OWN_FACTOR * expected + OWN_SLACK_SECONDS)


def within(asked: float | None, budget: float | None) -> float | None:
    """Return the stricter of the caller's own budget and one made here."""
    return min((one for one in (asked, budget) if one is not None), default=None)


def is_late(error: NearfieldError | None) -> bool:
    """Whether a node has room, and not in time."""
    return isinstance(error, Overloaded) and error.field == FIELD


def is_decline(error: NearfieldError, sent: float | None, asked: float | None) -> bool:
    """Whether a node that was sent a budget would have taken the request with the caller's own."""
    return is_late(error) and sent != asked


def soonest_first(declined: Iterable[Declined]) -> list[Declined]:
    """Return who declined in the order in which they are asked again."""
    return sorted(declined, key=lambda one: (one.seconds, one.candidate.node))
