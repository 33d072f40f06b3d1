"""`nearfield doctor`: what is wrong with this machine or fleet, and the fix."""

import asyncio
import sys
from dataclasses import asdict

from nearfield.cli.output import Format, Output, console, print_json, table
from nearfield.cli.targets import AdminTarget, Target, access, admin, control_plane
from nearfield.local import checks
from nearfield.local.checks import Check, Verdict

MARKS = {Verdict.GOOD: "ok", Verdict.NOTE: "note", Verdict.BAD: "WRONG"}


def doctor(
    target: Target = "", admin_target: AdminTarget = "", output: Output = Format.TEXT
) -> None:
    """Check this machine and the fleet; status 1 where something is wrong."""
    address = control_plane(target)
    found = access(address)
    looked = [
        *checks.machine(),
        checks.trust(found.security),
        *asyncio.run(checks.fleet(address, admin(admin_target), found.security, token=found.token)),
    ]
    if output is Format.JSON:
        print_json([asdict(one) for one in looked])
    else:
        console.print(table("", ("", "what", "found", "fix"), [_row(one) for one in looked]))
    if any(one.verdict is Verdict.BAD for one in looked):
        sys.exit(1)


def _row(check: Check) -> tuple[str, ...]:
    return MARKS[check.verdict], check.what, check.found, check.fix
