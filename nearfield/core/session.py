"""What a node says of one generation of a session: frozen values, free of any transport."""

from dataclasses import dataclass, field

from nearfield.core.errors import NearfieldError
from nearfield.core.inference import Event
from nearfield.core.node import NodeLoad

WINDOW_TOKENS = 1024
"""Tokens of one answer that may be on their way unread, where a client names no number."""


@dataclass(frozen=True, slots=True)
class Admitted:
    """The request has its place; `load` is the node's at that moment."""

    load: NodeLoad = field(default_factory=NodeLoad)


Reply = Admitted | Event | NearfieldError
"""In this order; Finished or an error is the last."""
LOAD_STREAM = 0
"""Of no generation: what is said on it is said of the node."""
