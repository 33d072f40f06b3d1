"""How much of each model is asked for, and near which PoP: rates that decay."""

import math

from nearfield.core.clock import Clock, monotonic

HALF_LIFE_SECONDS = 60.0
PAIRS_MOST = 1024
"""Of model and PoP; when one more comes, that with the lowest rate makes room."""
_ONE = math.log(2) / HALF_LIFE_SECONDS
"""What a single request is, as a rate: a steady stream adds up to its requests a second."""
_FORGOTTEN = _ONE / 1024


class Demand:
    """Requests a second for each model and PoP, those that found no node among them.

    Half of a rate is gone after 60 s without a request.
    """

    def __init__(self, clock: Clock = monotonic) -> None:
        self._clock = clock
        self._rates: dict[tuple[str, str], tuple[float, float]] = {}

    def note(self, model: str, pop: str, requests: int = 1) -> None:
        """Count requests; an empty `pop` is anywhere."""
        key, now = (model, pop), self._clock()
        if key not in self._rates and len(self._rates) >= PAIRS_MOST:
            del self._rates[min(self._rates, key=lambda one: self._rate(one, now))]
        self._rates[key] = (self._rate(key, now) + requests * _ONE, now)

    def snapshot(self) -> dict[tuple[str, str], float]:
        """Return the rates, and forget what has not been asked for in ten minutes."""
        now = self._clock()
        rates = {key: self._rate(key, now) for key in self._rates}
        for key, rate in rates.items():
            if rate < _FORGOTTEN:
                del self._rates[key]
        return {key: rate for key, rate in rates.items() if rate >= _FORGOTTEN}

    def _rate(self, key: tuple[str, str], now: float) -> float:
        rate, at = self._rates.get(key, (0.0, now))
        return rate * math.exp2((at - now) / HALF_LIFE_SECONDS)
