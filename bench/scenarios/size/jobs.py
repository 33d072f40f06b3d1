"""What the bench's workers are told, and what they answer: one line of JSON each."""

import json
from dataclasses import asdict, dataclass
from typing import Self


@dataclass(frozen=True, slots=True)
class Line:
    """Something that is said in one line."""

    def to_line(self) -> str:
        """Return it, the line's end included."""
        return json.dumps(asdict(self)) + "\n"

    @classmethod
    def from_line(cls, line: str | bytes) -> Self:
        """Read it."""
        return cls(**json.loads(line))


@dataclass(frozen=True, slots=True)
class Target(Line):
    """A control plane with `nodes` nodes, and how to be let in; `authority` is a PEM file."""

    address: str
    authority: str
    join_token: str
    token: str
    nodes: int


@dataclass(frozen=True, slots=True)
class Counted(Line):
    """What nodes did since they started, `bytes` they sent; all had joined after `join_seconds`."""

    joined: int
    reports: int
    bytes: int
    lost: int
    join_seconds: float


@dataclass(frozen=True, slots=True)
class Asking(Line):
    """Ask for `seconds`: at a mean `rate` a second, or, where that is 0, `callers` at once.

    Each answer's times go to `path`, a line each.
    """

    seconds: float
    path: str
    rate: float = 0.0
    callers: int = 0
    seed: int = 1


@dataclass(frozen=True, slots=True)
class Asked(Line):
    """What came of it, in seconds. `late` is how late the clients themselves were.

    `failed` got an error or a lease without candidates or ticket, of `asked`.
    """

    asked: int
    failed: int
    rate: float
    p50: float
    p99: float
    late_p99: float
    error: str = ""
