"""`python -m nearfield.local.bound PARENT COMMAND…`: becomes COMMAND, which dies with PARENT.

The kernel is asked here, after the start, and not between fork and exec: to run code there,
Python forks in the plain way, and gRPC's own fork handlers may abort the child of a process
that uses gRPC.
"""

import os
import sys

from nearfield.core.lifecycle import die_with_parent


def main() -> None:
    """Ask the kernel, then be the command; process id and session stay."""
    parent, *command = sys.argv[1:]
    die_with_parent(int(parent))
    os.execvp(command[0], command)


if __name__ == "__main__":
    main()
