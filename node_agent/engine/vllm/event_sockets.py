"""The two local sockets of an engine's KV events, and the files that they leave."""

import os
import re
import tempfile
from pathlib import Path

from nearfield.core.identity import new_id

_NAME = re.compile(r"nearfield-kv-(\d+)-[0-9a-f]+\.(?:events|replay)")


class EventSockets:
    """Names nobody else has; they carry this process's id, which tells whose they were."""

    def __init__(self) -> None:
        name = f"nearfield-{new_id(f'kv-{os.getpid()}')}"
        self._events = Path(tempfile.gettempdir()) / f"{name}.events"
        self._replay = self._events.with_suffix(".replay")

    @property
    def events(self) -> str:
        """Where batches are published."""
        return f"ipc://{self._events}"

    @property
    def replay(self) -> str:
        """Where past batches are asked for."""
        return f"ipc://{self._replay}"

    def remove(self) -> None:
        """Take both files away; twice is once."""
        self._events.unlink(missing_ok=True)
        self._replay.unlink(missing_ok=True)


def remove_stale() -> None:
    """Take away what processes left that were killed before they could."""
    for path in Path(tempfile.gettempdir()).iterdir():
        name = _NAME.fullmatch(path.name)
        if name and not _runs(int(name[1])):
            path.unlink(missing_ok=True)


def _runs(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except PermissionError:
        return True
    return True
