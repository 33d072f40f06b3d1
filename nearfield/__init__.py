"""Serves a language model from the node that can answer soonest.

Public names are loaded when first used: a node forks its engine before gRPC may
be imported, and imports this package before that.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from nearfield.client.admin import AdminClient
    from nearfield.client.client import Client
    from nearfield.client.sync import SyncClient
    from nearfield.core.constraints import Constraints, Preferences
    from nearfield.core.errors import NearfieldError
    from nearfield.core.geo import Position
    from nearfield.core.inference import Message, Sampling

__all__ = [
    "AdminClient",
    "Client",
    "Constraints",
    "Message",
    "NearfieldError",
    "Position",
    "Preferences",
    "Sampling",
    "SyncClient",
]

_HOMES = {
    "AdminClient": "nearfield.client.admin",
    "Client": "nearfield.client.client",
    "Constraints": "nearfield.core.constraints",
    "Message": "nearfield.core.inference",
    "NearfieldError": "nearfield.core.errors",
    "Position": "nearfield.core.geo",
    "Preferences": "nearfield.core.constraints",
    "Sampling": "nearfield.core.inference",
    "SyncClient": "nearfield.client.sync",
}


def __getattr__(name: str) -> Any:
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module 'nearfield' has no attribute '{name}'")
    return getattr(import_module(home), name)


def __dir__() -> list[str]:
    return sorted(__all__)
