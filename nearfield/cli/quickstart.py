"""`nearfield quickstart`: a fleet, prompts from five cities, and a table of where time went."""

import asyncio
import os
import shutil
from dataclasses import dataclass

from nearfield.cli.nodes import nodes_table
from nearfield.cli.output import Format, Output, console, milliseconds, print_json, table
from nearfield.cli.progress import Steps
from nearfield.cli.targets import NoWan
from nearfield.client.admin import AdminClient
from nearfield.client.answer import Answer, Split
from nearfield.client.client import Client
from nearfield.client.dialing import direct
from nearfield.core.geo import Position
from nearfield.core.inference import Provenance
from nearfield.local import state
from nearfield.local.fleet import running_fleet
from nearfield.local.plan import FleetOptions
from nearfield.local.state import FleetState
from nearfield.local.wan import WanDialer

POPS = ("fra1", "iad1", "sin1")
POSITIONS = {
    "Paris": Position(48.86, 2.35),
    "New York": Position(40.71, -74.01),
    "Jakarta": Position(-6.21, 106.85),
    "São Paulo": Position(-23.55, -46.63),
    "Nairobi": Position(-1.29, 36.82),
}
QUESTIONS = ("What is an edge node?", "What is TTFT?")
COLUMNS = (
    "position",
    "request",
    "PoP",
    "TTFT ms",
    "route ms",
    "round trip ms",
    "queue ms",
    "prefill ms",
    "answer",
)


@dataclass(frozen=True, slots=True)
class Row:
    """One request of the tour."""

    position: str
    request: str
    provenance: Provenance
    split: Split
    answer: str


def quickstart(no_wan: NoWan = False, output: Output = Format.TEXT) -> None:
    """Start three PoPs with real vLLM, ask them from five cities, show the table, and stop."""
    asyncio.run(_quickstart(wan=not no_wan, output=output))


async def _quickstart(*, wan: bool, output: Format) -> None:
    folder = state.home() / f"quickstart-{os.getpid()}"
    with Steps() as progress:
        options = FleetOptions(pops=POPS, wan=wan)
        async with running_fleet(options, folder, progress) as fleet:
            async with AdminClient(fleet.admin, fleet.trust) as admin:
                nodes = await admin.nodes()
            rows = []
            for number, (city, position) in enumerate(POSITIONS.items(), start=1):
                rows += await _ask_from(city, position, fleet)
                progress("asking from cities", number, len(POSITIONS))
            progress("stopping", 0, 1)
    shutil.rmtree(folder)  # its logs are of use only where it failed
    if output is Format.JSON:
        print_json({"distance_emulated": wan, "nodes": nodes, "requests": rows})
        return
    console.print(nodes_table(nodes))
    console.print()
    console.print(table(_title(wan), COLUMNS, [_cells(row) for row in rows]))
    console.print(
        "\nThe first request opens connections and asks the control plane for a route; the second "
        "has both.\nRound trip is from sending to the node's word that it is admitted."
    )


async def _ask_from(city: str, position: Position, fleet: FleetState) -> list[Row]:
    """Ask two questions as one client: the first finds nothing ready, the second does."""
    dialer = WanDialer(position, fleet.position)
    async with (
        dialer,
        Client(
            fleet.control_plane,
            token=fleet.token,
            security=fleet.trust,
            dialer=dialer if fleet.wan else direct,
        ) as client,
    ):
        rows = []
        for request, question in zip(("first", "second"), QUESTIONS, strict=True):
            answer = client.chat(question, near=position, temperature=0.0)
            rows.append(_row(city, request, answer, await answer.text()))
        return rows


def _row(city: str, request: str, answer: Answer, text: str) -> Row:
    assert answer.provenance is not None  # an answer that ended had a first token
    return Row(city, request, answer.provenance, answer.split, text.strip())


def _title(wan: bool) -> str:
    return (
        "Time to first token, with EMULATED distance (relays on this machine delay every byte)"
        if wan
        else "Time to first token, without distance: every process is on this machine"
    )


def _cells(row: Row) -> tuple[str, ...]:
    split = row.split
    numbers = (split.total, split.route, split.round_trip, split.queue, split.prefill)
    return (
        row.position,
        row.request,
        row.provenance.pop,
        *(milliseconds(value) for value in numbers),
        row.answer,
    )
