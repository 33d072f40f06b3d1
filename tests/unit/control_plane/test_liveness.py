"""What is held of a node, by the table."""

from itertools import product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from control_plane.fleet.liveness import (
    STRETCHED_HEARTBEAT,
    TRANSITIONS,
    Sign,
    next_health,
    sign_of_silence,
)
from nearfield.core.node import Health

PAIRS = list(product(Health, Sign))
IMPOSSIBLE = {(Health.LEFT, Sign.BROKEN), (Health.LEFT, Sign.GOODBYE)}
"""A node that left has no link which could break or say more."""


def _worse_or_equal(before: Health, after: Health) -> bool:
    order = [Health.ALIVE, Health.SUSPECT, Health.LOST, Health.LEFT]
    return order.index(after) >= order.index(before)


@pytest.mark.parametrize(("health", "sign"), PAIRS)
def test_every_pair_is_in_the_table_or_an_error(health: Health, sign: Sign) -> None:
    if (health, sign) in IMPOSSIBLE:
        with pytest.raises(ValueError, match=f"'{sign}' cannot come from a node that is {health}"):
            next_health(health, sign)
    else:
        assert next_health(health, sign) is TRANSITIONS[health, sign]


@pytest.mark.parametrize("health", Health)
def test_a_node_that_is_heard_is_alive_whatever_was_held_of_it(health: Health) -> None:
    assert next_health(health, Sign.HEARD) is Health.ALIVE


@pytest.mark.parametrize(
    ("health", "sign", "after"),
    [
        (Health.ALIVE, Sign.QUIET, Health.SUSPECT),
        (Health.ALIVE, Sign.SILENT, Health.LOST),
        (Health.SUSPECT, Sign.SILENT, Health.LOST),
        (Health.ALIVE, Sign.BROKEN, Health.LOST),
        (Health.ALIVE, Sign.GOODBYE, Health.LEFT),
        (Health.LOST, Sign.GOODBYE, Health.LEFT),
    ],
)
def test_the_signs_mean_what_they_say(health: Health, sign: Sign, after: Health) -> None:
    assert next_health(health, sign) is after


@settings(deadline=None)
@given(st.lists(st.sampled_from(Sign)))
def test_only_a_word_from_the_node_makes_it_better(signs: list[Sign]) -> None:
    health = Health.ALIVE
    for sign in signs:
        if (health, sign) in IMPOSSIBLE:
            continue
        after = next_health(health, sign)
        assert sign is Sign.HEARD or _worse_or_equal(health, after)
        assert (after is Health.LEFT) == (
            sign is Sign.GOODBYE or (health is Health.LEFT and sign is not Sign.HEARD)
        )
        health = after


@pytest.mark.parametrize(
    ("seconds", "sign"),
    [
        (0.0, None),
        (3.0, None),
        (3.01, Sign.QUIET),
        (10.0, Sign.QUIET),
        (10.01, Sign.SILENT),
    ],
)
def test_a_silence_says_more_the_longer_it_is(seconds: float, sign: Sign | None) -> None:
    assert sign_of_silence(seconds) is sign


def test_a_stretched_heartbeat_stretches_what_a_silence_says() -> None:
    assert sign_of_silence(9.0, STRETCHED_HEARTBEAT) is None
    assert sign_of_silence(9.1, STRETCHED_HEARTBEAT) is Sign.QUIET
    assert sign_of_silence(12.0, STRETCHED_HEARTBEAT) is Sign.QUIET
    assert sign_of_silence(12.1, STRETCHED_HEARTBEAT) is Sign.SILENT
