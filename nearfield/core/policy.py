"""What the fleet as a whole should be: one revisioned value, kept by the directory."""

from dataclasses import dataclass, replace

from nearfield.core.errors import InvalidRequest

PREFIX_CHARACTERS_MOST = 65_536
PREFIXES_MOST = 64
"""Together they fit a directory's entry, of which Consul takes half a megabyte, in most
cases; a policy that does not is refused by its size."""


@dataclass(frozen=True, slots=True)
class ModelPolicy:
    """How many nodes are to serve a model, and where: an empty `pops` is anywhere.

    A `maximum` of 0 sets no limit.
    """

    model: str
    pops: tuple[str, ...] = ()
    minimum: int = 1
    maximum: int = 0

    def __post_init__(self) -> None:
        if self.maximum and self.maximum < self.minimum:
            raise InvalidRequest(
                f"maximum {self.maximum} is below minimum {self.minimum}",
                field="policy.maximum",
                limit=f"0 or at least {self.minimum}",
            )


@dataclass(frozen=True, slots=True)
class DeclaredPrefix:
    """A prefix that is to be resident before it is asked for.

    It lies in the cache of a `tenant`, or of a trust `group`; `pops` empty is everywhere.
    `system` says that the text is the system message of a conversation.
    """

    name: str
    model: str
    text: str
    tenant: str = ""
    group: str = ""
    pops: tuple[str, ...] = ()
    system: bool = False

    def __post_init__(self) -> None:
        if not 1 <= len(self.text) <= PREFIX_CHARACTERS_MOST:
            limit = f"1 to {PREFIX_CHARACTERS_MOST} characters"
            raise InvalidRequest(
                f"a prefix of {len(self.text)} characters is not {limit}",
                field="prefix.text",
                limit=limit,
            )
        if bool(self.tenant) == bool(self.group):
            raise InvalidRequest(
                "a prefix belongs to a tenant or to a group",
                field="prefix.tenant",
                limit="one of tenant, group",
            )


@dataclass(frozen=True, slots=True)
class FleetPolicy:
    """Of two, the higher revision holds. Tickets of an epoch before `ticket_epoch` are void."""

    revision: int = 0
    directory_id: str = ""
    ticket_epoch: int = 0
    models: tuple[ModelPolicy, ...] = ()
    prefixes: tuple[DeclaredPrefix, ...] = ()

    def model(self, name: str) -> ModelPolicy | None:
        """Return what is asked for a model."""
        return next((one for one in self.models if one.model == name), None)

    def with_model(self, policy: ModelPolicy) -> "FleetPolicy":
        """Return this with one model's policy set."""
        others = tuple(one for one in self.models if one.model != policy.model)
        return replace(self, models=(*others, policy))

    def with_prefix(self, prefix: DeclaredPrefix) -> "FleetPolicy":
        """Return this with a prefix declared; raises InvalidRequest where there are too many."""
        others = tuple(one for one in self.prefixes if one.name != prefix.name)
        if len(others) >= PREFIXES_MOST:
            limit = f"at most {PREFIXES_MOST}"
            raise InvalidRequest(
                f"{len(others)} prefixes are declared", field="prefixes", limit=limit
            )
        return replace(self, prefixes=(*others, prefix))

    def without_prefix(self, name: str) -> "FleetPolicy":
        """Return this with a prefix withdrawn; raises InvalidRequest where none has the name."""
        left = tuple(one for one in self.prefixes if one.name != name)
        if len(left) == len(self.prefixes):
            known = ", ".join(one.name for one in self.prefixes)
            raise InvalidRequest(f"no prefix is named '{name[:80]}'", field="name", limit=known)
        return replace(self, prefixes=left)

    def revoked(self) -> "FleetPolicy":
        """Return this with every ticket signed so far void."""
        return replace(self, ticket_epoch=self.ticket_epoch + 1)
