"""`nearfield down`: ends the local fleet."""

from nearfield.cli.output import Format, Output, console, print_json
from nearfield.local import processes, state


def down(output: Output = Format.TEXT) -> None:
    """End the fleet that `nearfield up --detach` started."""
    fleet = state.load()
    if fleet is not None:
        processes.stop_in_turn(fleet.processes)
    state.clear()
    ended = len(fleet.processes) if fleet else 0
    if output is Format.JSON:
        print_json({"ended": ended})
    else:
        console.print(f"{ended} processes ended" if ended else "no local fleet runs")
