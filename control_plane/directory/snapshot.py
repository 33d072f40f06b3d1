"""The embedded directory's file: all of it or none, and for one process alone."""

import fcntl
import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO, Self

from pydantic import TypeAdapter

from control_plane.directory.base import NodeRecord
from nearfield.core.errors import ConfigError, DirectoryUnavailable, InvalidRequest
from nearfield.core.node import Desired
from nearfield.core.policy import FleetPolicy


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Everything a directory holds."""

    directory_id: str
    nodes: dict[str, NodeRecord] = field(default_factory=dict)
    desired: dict[str, Desired] = field(default_factory=dict)
    policy: FleetPolicy = field(default_factory=FleetPolicy)


_adapter = TypeAdapter(Snapshot)


class SnapshotFile:
    """A JSON file of one snapshot, locked from `open` to `close`."""

    def __init__(self, path: Path, lock: BinaryIO) -> None:
        self._path = path
        self._lock = lock

    @classmethod
    def open(cls, path: Path) -> Self:
        """Lock the file, which need not exist; raises ConfigError where another process has it."""
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            lock = path.with_name(f"{path.name}.lock").open("ab")
        except OSError as error:
            raise ConfigError(f"cannot open {path}: {error}", field="directory") from None
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            lock.close()
            raise ConfigError(
                f"{path} is in use by another control plane; the embedded directory serves"
                " exactly one replica, several need Consul",
                field="directory",
            ) from None
        return cls(path, lock)

    def read(self) -> Snapshot | None:
        """Return what was written last, None if nothing was; raises ConfigError if damaged."""
        try:
            return _adapter.validate_json(self._path.read_bytes())
        except FileNotFoundError:
            return None
        except (OSError, ValueError, InvalidRequest) as error:
            raise ConfigError(
                f"{self._path} is not a readable directory; restore it, or remove it to start"
                f" an empty one: {error}",
                field="directory",
            ) from None

    def write(self, snapshot: Snapshot) -> None:
        """Replace the file and wait for the disk; raises DirectoryUnavailable, the old one stays.

        Blocks for as long as the disk takes.
        """
        if self._lock.closed:
            # another process may hold the file by now
            raise DirectoryUnavailable(f"{self._path} is closed")
        part = self._path.with_name(f"{self._path.name}.part")
        try:
            with part.open("wb") as file:
                file.write(_adapter.dump_json(snapshot, indent=1))
                file.flush()
                os.fsync(file.fileno())
            part.replace(self._path)
            _sync_folder(self._path.parent)
        except OSError as error:
            raise DirectoryUnavailable(f"cannot write {self._path}: {error}") from None

    def close(self) -> None:
        """Let go of the lock; twice is once."""
        self._lock.close()


def _sync_folder(folder: Path) -> None:
    # without this the rename itself may be lost with the power
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
