"""Time as a dependency, so that tests can turn it by hand."""

import time
from collections.abc import Callable

Clock = Callable[[], float]
"""Returns seconds that only ever grow; differences alone have a meaning."""

monotonic: Clock = time.monotonic
