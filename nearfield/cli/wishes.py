"""What a request asks of the place where it runs, as options of several verbs."""

from typing import Annotated

import typer

from nearfield.core.constraints import Constraints, Preferences

Jurisdictions = Annotated[
    list[str] | None, typer.Option("--jurisdiction", help="allowed one; repeat for more")
]
Providers = Annotated[
    list[str] | None, typer.Option("--provider", help="allowed one; repeat for more")
]
CostMost = Annotated[
    float | None, typer.Option("--cost-most", help="of a node, an hour; one without a cost fails")
]
PreferredProviders = Annotated[
    list[str] | None, typer.Option("--prefer-provider", help="preferred one; repeat for more")
]


def constraints(
    jurisdictions: list[str] | None, providers: list[str] | None, cost_most: float | None
) -> Constraints:
    """Return what must be met; raises InvalidRequest."""
    return Constraints(tuple(jurisdictions or ()), tuple(providers or ()), cost_most)


def preferences(providers: list[str] | None) -> Preferences:
    """Return what should be met; raises InvalidRequest."""
    return Preferences(tuple(providers or ()))
