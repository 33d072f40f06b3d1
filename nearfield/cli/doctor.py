"""`nearfield doctor`: what is wrong with this machine or fleet, and the fix."""

import asyncio
import sys
from dataclasses import asdict

from nearfield.cli.output import Format, Output, console, print_json, table
from nearfield.cli.targets import AdminTarget, Target, admin, control_plane
from nearfield.local import checks
from nearfield.local.checks import Check, Verdict

MARKS = {Verdict.GOOD: "ok", Verdict.NOTE: "note", Verdict.BAD: "WRONG"}


def doctor(
    target: Target = "", admin_target: AdminTarget = "", output: Output = Format.TEXT
) -> None:
    """Check this machine and the fleet; status 1 where something is wrong."""
    found = [
        *checks.machine(),
        *asyncio.run(checks.fleet(control_plane(target), admin(admin_target))),
    ]
    if output is Format.JSON:
        print_json([asdict(one) for one in found])
    else:
        console.print(table("", ("", "what", "found", "fix"), [_row(one) for one in found]))
    if any(one.verdict is Verdict.BAD for one in found):
        sys.exit(1)


def _row(check: Check) -> tuple[str, ...]:
    return MARKS[check.verdict], check.what, check.found, check.fix
