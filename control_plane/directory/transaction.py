"""Consul's transactions: what one may carry, and packing work into few of them. No I/O."""

import json
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from nearfield.core.errors import LimitExceeded

MAX_OPERATIONS = 64
"""Of one transaction in Consul before 1.14; it is 128 since."""
MAX_BYTES = 512 * 1024
"""Of one transaction's body."""

Operation = dict[str, Any]
"""One step, as the `txn` endpoint takes it."""


def batches(groups: Iterable[Sequence[Operation]]) -> Iterator[bytes]:
    """Pack groups, in order, into bodies for `txn` within its limits; a group is never split.

    Raises LimitExceeded for a group that fits in no transaction.
    """
    batch: list[str] = []
    size = count = 0
    for group in groups:
        steps = [json.dumps(operation) for operation in group]
        # a step brings a comma or, the first one, the brackets around all
        added = sum(map(len, steps)) + len(steps)
        if added + 1 > MAX_BYTES or len(steps) > MAX_OPERATIONS:
            raise LimitExceeded("a node is too large for Consul", field="node", limit="512 KiB")
        if size + added + 1 > MAX_BYTES or count + len(steps) > MAX_OPERATIONS:
            yield _body(batch)
            batch, size, count = [], 0, 0
        batch += steps
        size += added
        count += len(steps)
    if batch:
        yield _body(batch)


def _body(steps: list[str]) -> bytes:
    return f"[{','.join(steps)}]".encode()
