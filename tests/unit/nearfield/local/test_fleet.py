from pathlib import Path

import psutil
import pytest

from nearfield.core.errors import ConfigError
from nearfield.local.fleet import LocalFleet, running_fleet
from nearfield.local.plan import FleetOptions


def no_progress(step: str, done: int, total: int) -> None:
    """Say nothing."""


def children() -> set[int]:
    return {one.pid for one in psutil.Process().children(recursive=True)}


async def test_a_fleet_at_no_place_starts_no_process(tmp_path: Path) -> None:
    before = children()
    with pytest.raises(ConfigError, match="xyz9"):
        async with running_fleet(FleetOptions(("xyz9",)), tmp_path, no_progress):
            pass
    assert children() == before


async def test_a_process_that_ends_is_named_with_the_end_of_its_log(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = children()
    # Every process reads its level from the environment, and this is none.
    monkeypatch.setenv("NEARFIELD_PLANE_LOG_LEVEL", "LOUD")
    with pytest.raises(ConfigError, match="control-plane ended with status 2") as caught:
        async with running_fleet(FleetOptions(("fra1",)), tmp_path, no_progress):
            pass
    assert caught.value.field == "control-plane"
    assert "log_level 'LOUD' is not a level" in caught.value.message
    assert children() == before


def test_stopping_a_fleet_that_never_started_is_nothing(tmp_path: Path) -> None:
    fleet = LocalFleet(FleetOptions(("fra1",)), tmp_path)
    fleet.stop()
    fleet.stop()
    assert list(tmp_path.iterdir()) == []
