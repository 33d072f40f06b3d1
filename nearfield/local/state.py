"""What is known of the local fleet between two commands, in one file."""

import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path

from nearfield.core.errors import ConfigError
from nearfield.core.geo import Position
from nearfield.core.rpc.tls import ClientSecurity, client_security
from nearfield.local.processes import ProcessId


@dataclass(frozen=True, slots=True)
class FleetState:
    """Addresses and processes of the fleet that `nearfield up` started.

    `wan` says that distance is emulated, `position` where the control plane pretends to be,
    `authority` is the PEM file that clients trust, `token` proves the tenant `local`.
    """

    control_plane: str
    admin: str
    gateway: str
    wan: bool
    position: Position
    consul: str
    processes: tuple[ProcessId, ...]
    logs: str
    authority: str
    token: str

    @property
    def trust(self) -> ClientSecurity:
        """What its clients trust; raises ConfigError where the file cannot be read."""
        return client_security(Path(self.authority))


def home() -> Path:
    """Return the folder for state and logs: NEARFIELD_HOME, else the user's state folder."""
    if own := os.environ.get("NEARFIELD_HOME"):
        return Path(own)
    state = os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state"
    return Path(state) / "nearfield"


def save(state: FleetState) -> None:
    """Write the state for later commands, all of it or nothing."""
    home().mkdir(parents=True, exist_ok=True)
    new = _file().with_suffix(".new")
    new.touch(0o600)
    new.chmod(0o600)  # before it holds the token
    new.write_text(json.dumps(asdict(state), indent=2), encoding="utf-8")
    new.replace(_file())


def load() -> FleetState | None:
    """Return the state of a fleet that still runs; None where there is none.

    Raises ConfigError where the file is not of this version's making.
    """
    try:
        values = json.loads(_file().read_text(encoding="utf-8"))
        values["position"] = Position(**values["position"])
        values["processes"] = tuple(ProcessId(**one) for one in values["processes"])
        state = FleetState(**values)
    except FileNotFoundError:
        return None
    except (ValueError, TypeError, KeyError):
        raise ConfigError(
            f"{_file()} is no state of a fleet; end what it names, and delete it", field="state"
        ) from None
    return state if any(one.find() for one in state.processes) else None


def clear() -> None:
    """Forget the fleet."""
    _file().unlink(missing_ok=True)


def _file() -> Path:
    return home() / "fleet.json"
