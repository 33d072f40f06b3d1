"""A control plane's Routing without a network: what a client's leases are asked of."""

import asyncio
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from nearfield.core.route import Candidate, Lease, RouteQuery
from tests.support.nearfield_builders import candidate, lease


class ScriptedRoutes:
    """Answers each question with a new lease, once it is let; `failures` come first."""

    def __init__(self, *candidates: Candidate, **changes: Any) -> None:
        self.candidates = candidates or (candidate(),)
        self.changes = {"ttl": 30.0, **changes}
        self.asked: list[RouteQuery] = []
        self.traces: list[Mapping[str, str]] = []
        self.failures: list[Exception] = []
        self.down: Exception | None = None
        self.heeds_exclusions = True
        self.open = asyncio.Event()
        self.open.set()

    async def route(self, query: RouteQuery, trace: Mapping[str, str]) -> Lease:
        """Answer as Routes does."""
        self.asked.append(query)
        self.traces.append(trace)
        number = len(self.asked)
        await self.open.wait()
        if self.failures:
            raise self.failures.pop(0)
        if self.down is not None:
            raise self.down
        out = query.excluded_nodes if self.heeds_exclusions else ()
        left = [one for one in self.candidates if one.node not in out]
        made = replace(lease(*left, lease_id=f"lease-{number}"), **self.changes)
        return replace(made, ticket=f"ticket-{number}")
