"""Round trips as this client measured them."""

_WEIGHT = 0.25
"""Of a new measurement; four or so of them make the value."""


class RoundTrips:
    """Smoothed seconds by node name."""

    def __init__(self) -> None:
        self._seconds: dict[str, float] = {}

    def observe(self, node: str, seconds: float) -> None:
        """Take one measurement, made on a warm connection."""
        before = self._seconds.get(node, seconds)
        self._seconds[node] = before + _WEIGHT * (seconds - before)

    def snapshot(self) -> dict[str, float]:
        """Return all, to be handed to the control plane."""
        return dict(self._seconds)
