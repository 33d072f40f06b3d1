"""Every error the project raises, each with one gRPC status.

NearfieldError
├── RequestError            the caller's to mend; no node would answer otherwise
│   ├── InvalidRequest      INVALID_ARGUMENT
│   ├── LimitExceeded       RESOURCE_EXHAUSTED
│   ├── UnknownModel        NOT_FOUND
│   ├── UnknownNode         NOT_FOUND
│   └── Unsupported         UNIMPLEMENTED
├── JoinError               a node that may not join
│   ├── JoinTokenInvalid    UNAUTHENTICATED
│   ├── NameTaken           ALREADY_EXISTS
│   └── ProtocolMismatch    FAILED_PRECONDITION
├── AccessError             who asks may not have it
│   ├── TenantUnknown       UNAUTHENTICATED: the token proves no tenant
│   ├── TicketInvalid       UNAUTHENTICATED: missing, forged or unreadable
│   ├── TicketExpired       UNAUTHENTICATED
│   ├── TicketRevoked       UNAUTHENTICATED
│   └── TicketRefused       PERMISSION_DENIED: a good ticket, for something else
├── Rejected                never reached an engine: trying elsewhere repeats no work
│   ├── NotTakingWork       UNAVAILABLE
│   ├── Overloaded          UNAVAILABLE
│   ├── NoCandidate         UNAVAILABLE
│   ├── Unreachable         UNAVAILABLE
│   └── TimedOut            DEADLINE_EXCEEDED
├── Evicted                 was running, then killed
│   ├── EngineDied          UNAVAILABLE
│   ├── SlowReader          RESOURCE_EXHAUSTED
│   └── StreamBroken        UNAVAILABLE
├── DirectoryUnavailable    UNAVAILABLE
├── ConfigError             a process that cannot start as configured
└── InternalError           INTERNAL: a fault of ours
"""

from enum import StrEnum
from typing import ClassVar


class Outcome(StrEnum):
    """Whether a failed request had reached an engine."""

    REJECTED = "REJECTED"
    EVICTED = "EVICTED"


class NearfieldError(Exception):
    """The root: a message for people, and fields for programs.

    `field` names what was wrong, `limit` the bound it broke, `retry_after` the
    seconds after which trying again makes sense (None: no hint).
    """

    status: ClassVar[str] = "INTERNAL"
    outcome: ClassVar[Outcome] = Outcome.REJECTED
    resumable: ClassVar[bool] = False

    def __init__(
        self,
        message: str,
        *,
        field: str = "",
        limit: str = "",
        retry_after: float | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.field = field
        self.limit = limit
        self.retry_after = retry_after


class RequestError(NearfieldError):
    """The caller's to mend."""

    status = "INVALID_ARGUMENT"


class InvalidRequest(RequestError):
    """A field outside its range."""


class LimitExceeded(RequestError):
    """More than a stated size."""

    status = "RESOURCE_EXHAUSTED"


class UnknownModel(RequestError):
    """No node serves this model."""

    status = "NOT_FOUND"


class UnknownNode(RequestError):
    """No node of this name has joined."""

    status = "NOT_FOUND"


class Unsupported(RequestError):
    """A part of the protocol that this side does not offer."""

    status = "UNIMPLEMENTED"


class JoinError(NearfieldError):
    """A node that may not join the fleet."""

    status = "PERMISSION_DENIED"


class JoinTokenInvalid(JoinError):
    """The fleet's join token is missing or wrong."""

    status = "UNAUTHENTICATED"


class NameTaken(JoinError):
    """A live node holds this name."""

    status = "ALREADY_EXISTS"


class ProtocolMismatch(JoinError):
    """Both sides share no protocol version."""

    status = "FAILED_PRECONDITION"


class AccessError(NearfieldError):
    """Who asks may not have it."""

    status = "UNAUTHENTICATED"


class TenantUnknown(AccessError):
    """The token proves no tenant of this fleet."""


class TicketInvalid(AccessError):
    """No ticket, or none that a control plane of this fleet has signed."""


class TicketExpired(AccessError):
    """The ticket's time is over; a new lease brings a new one."""


class TicketRevoked(AccessError):
    """All tickets of this age were made void; a new lease brings a new one."""


class TicketRefused(AccessError):
    """A good ticket, for another model, place or size."""

    status = "PERMISSION_DENIED"


class Rejected(NearfieldError):
    """Turned away before any engine saw it."""

    status = "UNAVAILABLE"


class NotTakingWork(Rejected):
    """The node is cordoned, draining or without an engine."""


class Overloaded(Rejected):
    """The node's bounded queue is full."""


class NoCandidate(Rejected):
    """No node can take this request now."""


class Unreachable(Rejected):
    """No connection could be made."""


class TimedOut(Rejected):
    """The deadline passed."""

    status = "DEADLINE_EXCEEDED"


class Evicted(NearfieldError):
    """Was running when it ended; another node may go on from there."""

    status = "UNAVAILABLE"
    outcome = Outcome.EVICTED
    resumable = True


class EngineDied(Evicted):
    """The engine under the request died."""


class SlowReader(Evicted):
    """The reader left more unread than the node holds for one answer."""

    status = "RESOURCE_EXHAUSTED"


class StreamBroken(Evicted):
    """The connection ended before the stream did."""


class DirectoryUnavailable(NearfieldError):
    """The directory could not be read or written."""

    status = "UNAVAILABLE"


class ConfigError(NearfieldError):
    """A process cannot start as it is configured."""

    status = "FAILED_PRECONDITION"


class InternalError(NearfieldError):
    """A fault of ours."""
