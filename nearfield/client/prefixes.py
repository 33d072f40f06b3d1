"""Which nodes hold the start of which prompts, as far as this client can know."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from nearfield.client.recent import Recent
from nearfield.core.clock import Clock, monotonic
from nearfield.core.prediction import UNKNOWN_BYTES_PER_TOKEN
from nearfield.core.prefix import STEP_BYTES

KEYS_REMEMBERED = 16_384
"""Four MiB of different prompts; half a kilobyte of memory each."""
NODES_A_KEY = 16
CLAIM_SECONDS = 300.0
"""A node's cache turns over; what was sent longer ago than this is not counted on."""
MISSED_SHARE = 0.5
"""Keys and tokens do not end together and the last block is never cached, so that a claim
counts as missed when less than half of it was found."""


@dataclass(slots=True)
class Claim:
    """That a node holds some keys' tokens; `ready` once it has answered or said so."""

    node: str
    keys: Sequence[int]
    when: float
    promised: int = 0
    ready: bool = False


class Prefixes:
    """Resident tokens by prefix key and node, of the keys met last."""

    def __init__(self, clock: Clock = monotonic) -> None:
        self._clock = clock
        self._nodes: Recent[int, Recent[str, tuple[int, Claim]]] = Recent(KEYS_REMEMBERED)

    def hint(self, node: str, hints: Mapping[int, int]) -> None:
        """Take what the control plane knows: resident tokens by key."""
        claim = Claim(node, tuple(hints), self._clock(), ready=True)
        for key, tokens in hints.items():
            self._claim(key, node, tokens, claim)

    def sent(self, keys: Sequence[int], node: str, bytes_per_token: float = 0.0) -> Claim:
        """Note that a prompt leaves for a node, which will hold it once it has answered.

        Noted before that, so that siblings of one burst land together.
        """
        promised = self._residency(keys, (node,), ready=True).get(node, 0)
        claim = Claim(node, keys, self._clock(), promised)
        per_token = bytes_per_token or UNKNOWN_BYTES_PER_TOKEN
        # Deepest first: the shallow keys, which more prompts share, are forgotten last.
        for depth in range(len(keys), 0, -1):
            self._claim(keys[depth - 1], node, int(depth * STEP_BYTES / per_token), claim)
        return claim

    def answered(self, claim: Claim, cached_tokens: int) -> None:
        """Take what the engine found cached of a prompt: the claim is good, or it goes."""
        claim.ready = True
        if cached_tokens >= claim.promised * MISSED_SHARE:
            return
        for key in claim.keys:
            nodes = self._nodes.get(key)
            if nodes is not None and nodes.get(claim.node, (0, claim))[0] > cached_tokens:
                del nodes[claim.node]

    def refused(self, claim: Claim) -> None:
        """Take back what was noted of a prompt that its node did not answer."""
        for key in claim.keys:
            nodes = self._nodes.get(key)
            held = nodes.get(claim.node) if nodes is not None else None
            if nodes is not None and held is not None and held[1] is claim:
                del nodes[claim.node]

    def resident(self, keys: Sequence[int], node: str) -> int:
        """Return the tokens of a prompt that a node holds."""
        return self.residency(keys, (node,)).get(node, 0)

    def residency(self, keys: Sequence[int], nodes: Sequence[str]) -> Mapping[str, int]:
        """Return the tokens of a prompt that each node holds; without those that hold none."""
        return self._residency(keys, nodes, ready=False)

    def deepest_common(self, keys: Sequence[int]) -> int | None:
        """Return the deepest key that was met before, else the first; None without keys."""
        known = next((key for key in reversed(keys) if key in self._nodes), None)
        return known if known is not None else next(iter(keys), None)

    def knows(self, keys: Sequence[int]) -> bool:
        """Whether any of the keys was met before."""
        return any(key in self._nodes for key in keys)

    def _claim(self, key: int, node: str, tokens: int, claim: Claim) -> None:
        nodes = self._nodes.get(key)
        if nodes is None:
            nodes = Recent(NODES_A_KEY)
        nodes.put(node, (tokens, claim))
        self._nodes.put(key, nodes)

    def _residency(
        self, keys: Sequence[int], nodes: Sequence[str], *, ready: bool
    ) -> dict[str, int]:
        oldest = self._clock() - CLAIM_SECONDS
        found: dict[str, int] = {}
        wanted = set(nodes)
        for key in reversed(keys):
            for node, (tokens, claim) in (self._nodes.get(key) or {}).items():
                good = claim.when >= oldest and (claim.ready or not ready)
                if good and node in wanted:
                    found[node] = tokens
                    wanted.discard(node)
            if not wanted:
                break
        return found
