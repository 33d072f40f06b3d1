"""The contract of a directory, kept by every implementation and tested once for all."""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from types import TracebackType
from typing import Self

from nearfield.core.node import Desired, NodeInfo
from nearfield.core.policy import FleetPolicy


class Check(StrEnum):
    """A node's health in the directory's words: takes work, alive but closed, or gone."""

    PASSING = "passing"
    WARNING = "warning"
    CRITICAL = "critical"


@dataclass(frozen=True, slots=True)
class NodeRecord:
    """One registered node; `note` says in words why its check stands where it does."""

    info: NodeInfo
    check: Check
    note: str = ""


class Directory(ABC):
    """Membership, desired state and the fleet's policy.

    Every call may raise DirectoryUnavailable, has a time limit of its own and
    leaves either the old or the new value behind, never a part of one.
    """

    directory_id: str
    """Names this directory for its whole life: revisions of two directories do not compare."""

    @abstractmethod
    async def nodes(self) -> tuple[NodeRecord, ...]:
        """Return every registered node, by name."""

    @abstractmethod
    async def put(self, records: Sequence[NodeRecord]) -> None:
        """Register nodes or change them; a record equal to what stands is no write."""

    @abstractmethod
    async def remove(self, names: Sequence[str]) -> None:
        """Take nodes out; an absent name is no error. Their desired state stays."""

    @abstractmethod
    async def desired(self) -> Mapping[str, Desired]:
        """Return the desired state of every node that was ever given one."""

    @abstractmethod
    async def put_desired(self, name: str, desired: Desired) -> bool:
        """Write a desired state if its revision is above the one that stands.

        Returns False, and writes nothing, where it is not: another writer was first.
        """

    @abstractmethod
    async def policy(self) -> FleetPolicy:
        """Return the fleet's policy; of revision 0 where none was ever set."""

    @abstractmethod
    async def put_policy(self, policy: FleetPolicy) -> bool:
        """Write the policy if its revision is above the one that stands.

        Returns False, and writes nothing, where it is not: another writer was first.
        Raises InvalidRequest for a policy of more than half a megabyte as JSON.
        """

    @abstractmethod
    async def __aenter__(self) -> Self:
        """Connect, and learn or make the directory's id."""

    @abstractmethod
    async def aclose(self) -> None:
        """Let go of connections, files and locks; twice is once."""

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.aclose()
