"""Keeps declared prefixes resident: before the first request, and again once they were evicted."""

import asyncio
import logging
from collections.abc import Sequence
from contextlib import aclosing

from nearfield.core.clock import Clock, monotonic
from nearfield.core.errors import NearfieldError
from nearfield.core.identity import new_id
from nearfield.core.inference import ChatPrompt, Message, Sampling, TextPrompt
from nearfield.core.node import NodeInfo
from nearfield.core.policy import DeclaredPrefix
from node_agent.engine.base import Engine
from node_agent.prefixes import Prefixes
from node_agent.workload import Workload

_log = logging.getLogger(__name__)
CHECK_SECONDS = 1.0
"""Between two looks at whether all is still resident."""
AGAIN_SECONDS = 5.0
"""A prefix that is evicted faster than this does not fit beside the node's work."""


class Prewarm:
    """Prefills what is declared for this node, in the declared order, while slots are free."""

    def __init__(
        self,
        engine: Engine,
        node: NodeInfo,
        prefixes: Prefixes,
        workload: Workload,
        clock: Clock = monotonic,
    ) -> None:
        self._engine = engine
        self._node = node
        self._prefixes = prefixes
        self._workload = workload
        self._clock = clock
        self._declared: tuple[DeclaredPrefix, ...] = ()
        self._tokens: dict[DeclaredPrefix, tuple[int, ...]] = {}
        self._warmed_at: dict[DeclaredPrefix, float] = {}
        self._changed = asyncio.Event()
        self.told = asyncio.Event()
        self.warmed = 0

    def declare(self, prefixes: Sequence[DeclaredPrefix]) -> None:
        """Take the whole list; `told` is set once any list was taken."""
        self._declared = tuple(one for one in prefixes if self._concerns(one))
        self._tokens = {one: ids for one, ids in self._tokens.items() if one in self._declared}
        self._warmed_at = {one: at for one, at in self._warmed_at.items() if one in self._declared}
        self.told.set()
        self._changed.set()

    async def run(self) -> None:
        """Look again and again, until cancelled."""
        while True:
            await self.warm()
            self._changed.clear()
            try:
                async with asyncio.timeout(CHECK_SECONDS):
                    await self._changed.wait()
            except TimeoutError:
                continue

    async def warm(self) -> None:
        """Prefill what is declared and not resident; a prefix the engine refuses is left out."""
        for declared in self._declared:
            try:
                await self._keep(declared)
            except NearfieldError as error:
                self._tokens[declared] = ()  # nothing to keep, so it is not tried every second
                _log.warning("prefix '%s' is not warmed: %s", declared.name, error.message)

    async def _keep(self, declared: DeclaredPrefix) -> None:
        salt = self._prefixes.salt(declared.tenant, declared.group)
        tokens = await self._tokens_of(declared)
        if not self._prefixes.covers(tokens, salt) and self._may(declared):
            await self._prefill(tokens, salt)
            self._warmed_at[declared] = self._clock()

    async def _prefill(self, tokens: tuple[int, ...], salt: str) -> None:
        outputs = self._engine.generate(
            new_id("warm"), tokens, Sampling(max_tokens=1), cache_salt=salt
        )
        async with aclosing(outputs):
            async for _ in outputs:
                pass
        self.warmed += 1

    async def _tokens_of(self, declared: DeclaredPrefix) -> tuple[int, ...]:
        if declared not in self._tokens:
            room = self._engine.info.model.context_tokens - 1
            self._tokens[declared] = (await self._render(declared))[:room]
        return self._tokens[declared]

    async def _render(self, declared: DeclaredPrefix) -> tuple[int, ...]:
        """A system message is what two conversations with it have in common."""
        if not declared.system:
            return await self._engine.tokenize(TextPrompt(declared.text))
        one, other = [
            await self._engine.tokenize(
                ChatPrompt((Message("system", declared.text), Message("user", said)))
            )
            for said in ("a", "1")
        ]
        same = 0
        while same < min(len(one), len(other)) and one[same] == other[same]:
            same += 1
        return one[:same]

    def _may(self, declared: DeclaredPrefix) -> bool:
        """Whether a prefill takes no slot from anybody, and is not done over and over."""
        last = self._warmed_at.get(declared)
        rested = last is None or self._clock() - last >= AGAIN_SECONDS
        return rested and self._workload.in_flight < self._engine.info.slots

    def _concerns(self, declared: DeclaredPrefix) -> bool:
        here = not declared.pops or self._node.pop in declared.pops
        return here and self._prefixes.enabled and self._node.model(declared.model) is not None
