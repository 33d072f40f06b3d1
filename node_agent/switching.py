"""Which of its models the node serves, and which it is asked to serve instead."""

import asyncio
import os
from collections.abc import Mapping
from types import MappingProxyType
from typing import Self

from node_agent.settings import NodeSettings
from node_agent.weights.source import resolve, served_name

_NONE: Mapping[str, str] = MappingProxyType({})


class ModelSwitch:
    """`asked` is set for good once another model is wanted, and `model` names it.

    `models` are the paths of all local models by name, that which the node is set up with
    first.
    """

    def __init__(self, serving: str = "", models: Mapping[str, str] = _NONE) -> None:
        self.asked = asyncio.Event()
        self.model = serving
        self._serving = serving
        self._models = models

    @classmethod
    def of(cls, settings: NodeSettings) -> Self:
        """Return that of a node."""
        serving = served_name(settings.model.path, settings.model.name)
        return cls(serving, {one.served_name: one.path for one in settings.local_models})

    def follow(self, wanted: str) -> str:
        """Take on a wish, empty for the model of the set-up; returns why it is refused, or nothing.

        A process that is on its way out can still change what it will come back with.
        """
        name = wanted or next(iter(self._models), self._serving)
        if name != self._serving and (refusal := self._refusal(name)):
            return refusal
        if name != self._serving or self.asked.is_set():
            self.model = name
            self.asked.set()
        return ""

    def _refusal(self, name: str) -> str:
        if name not in self._models:
            known = ", ".join(self._models) or self._serving
            return f"cannot serve '{name[:80]}', its models are {known}"
        path = resolve(self._models[name])
        if os.path.isabs(path) and not os.path.isdir(path):
            return f"cannot serve '{name}', there is nothing at {path}"
        return ""
