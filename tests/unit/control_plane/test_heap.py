"""The collector is kept off links that have come to stay."""

import gc
from collections.abc import Iterator

import pytest

from control_plane.fleet.heap import LongLived


@pytest.fixture(autouse=True)
def _collector_as_it_was() -> Iterator[None]:
    thresholds = gc.get_threshold()
    yield
    gc.unfreeze()
    gc.set_threshold(*thresholds)


def frozen_at(sizes: list[int]) -> list[int]:
    """Return the sizes of a fleet at which its links were frozen."""
    links, frozen = LongLived(), []
    for nodes in sizes:
        gc.unfreeze()
        links.grown_to(nodes)
        if gc.get_freeze_count():
            frozen.append(nodes)
    return frozen


def test_links_are_frozen_each_time_the_fleet_has_grown_by_half() -> None:
    assert frozen_at(list(range(1, 257))) == [64, 96, 144, 216]


def test_a_fleet_that_shrinks_and_comes_back_is_not_frozen_again() -> None:
    assert frozen_at([64, 10, 64, 90]) == [64]


def test_a_fleet_that_has_stopped_growing_is_frozen_whole() -> None:
    assert frozen_at([70, 100, 100, 100, 101, 101]) == [70, 100]


def test_a_small_fleet_is_left_to_the_collector() -> None:
    assert frozen_at([10, 10, 10]) == []
