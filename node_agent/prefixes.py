"""Which prompts this node could answer sooner, as it sees them come and the cache change."""

import secrets
from collections.abc import Mapping

from nearfield.core.inference import Prompt
from nearfield.core.prefix import STEP_BYTES, PrefixKeys, PrefixSecret, canonical, continued
from node_agent.kv_cache.blocks import KvEvent, block_chain
from node_agent.kv_cache.residency import Residency
from node_agent.kv_cache.resident import ResidentBlocks
from node_agent.kv_cache.salt import cache_salt

_SALT_SECRET_BYTES = 32


class Prefixes:
    """Joins prefix keys with the engine's own account of its blocks.

    `block_tokens` of 0 is an engine that caches no prefixes: then nothing is resident.
    `byte_budget` bounds what is reported of the hot keys.
    """

    def __init__(self, block_tokens: int, byte_budget: int) -> None:
        self._block_tokens = block_tokens
        self._salt_secret = secrets.token_bytes(_SALT_SECRET_BYTES)
        self._resident = ResidentBlocks()
        self._residency = Residency(block_tokens or 1, self._resident, byte_budget)

    @property
    def enabled(self) -> bool:
        """Whether the engine caches prefixes at all."""
        return self._block_tokens > 0

    def salt(self, tenant: str, group: str) -> str:
        """Return the salt under which a tenant's, or a trust group's, blocks are cached."""
        return cache_salt(self._salt_secret, tenant, group)

    def take(self, event: KvEvent) -> None:
        """Follow the engine's cache."""
        self._resident.take(event)

    def lost(self) -> None:
        """Forget what is held of the cache: some of its events will never come."""
        self._resident.clear()

    def note_prompt(
        self, secret: bytes, prompt: Prompt, ids: tuple[int, ...], salt: str
    ) -> PrefixKeys | None:
        """Learn which blocks a prompt's keys stand for, when it is admitted; returns the keys.

        None where there are none: a short prompt, no secret, or no cache.
        """
        data = canonical(prompt)
        keys = self._keys(secret, data)
        if keys is not None:
            chain = block_chain(salt, ids, self._block_tokens)
            self._residency.note_prompt(keys, len(data), chain, len(ids))
        return keys

    def note_answer(
        self, secret: bytes, prompt: Prompt, answer: str, ids: tuple[int, ...], salt: str
    ) -> None:
        """Go on over the answer, so that a conversation's next turn is known.

        `ids` are those of the prompt and of the answer behind it.
        """
        data = continued(prompt, answer, ids)
        if keys := self._keys(secret, data):
            chain = block_chain(salt, ids, self._block_tokens)
            self._residency.note_answer(keys, len(data), chain, len(ids))

    def correct(self, keys: PrefixKeys, cached_tokens: int) -> None:
        """Learn what the engine found cached of a prompt that was noted under these keys."""
        self._residency.correct(keys, cached_tokens)

    def resident_tokens(self, ids: tuple[int, ...], salt: str) -> int:
        """Return how many of these leading tokens need no prefill now."""
        if not self.enabled:
            return 0
        chain = block_chain(salt, ids, self._block_tokens)
        return self._resident.leading(chain) * self._block_tokens

    def covers(self, ids: tuple[int, ...], salt: str) -> bool:
        """Whether all full blocks of these tokens are resident."""
        chain = block_chain(salt, ids, self._block_tokens)
        return self._resident.leading(chain) == len(chain)

    def hot(self) -> Mapping[int, int]:
        """Return resident tokens by key, for the keys worth a report, hottest first."""
        return self._residency.hot()

    def _keys(self, secret: bytes, data: bytes) -> PrefixKeys | None:
        if not (secret and self.enabled and len(data) >= STEP_BYTES):
            return None
        return PrefixSecret(secret).keys(data)
