"""A load that is under way, which everybody who asks for the same one joins."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .models import PluginState

__all__ = ["Flight", "Wish"]


class Wish:
    """How a plugin is to be loaded; see :meth:`kurt_ext.loader.PluginLoader.load_plugin`."""

    __slots__ = ("config", "force", "isolation", "validate")

    def __init__(
        self, config: Any, validate: bool, force: bool, isolation: str | None = None
    ) -> None:
        self.config = config
        self.isolation = isolation
        self.validate = validate
        self.force = force


class Flight:
    """A load that is under way, and how many wait for it."""

    __slots__ = ("task", "waiting")

    def __init__(self, task: asyncio.Task[PluginState]) -> None:
        self.task = task
        self.waiting = 0

    async def cancel(self) -> None:
        """End it, and wait until it has ended."""
        self.task.cancel()
        await asyncio.wait({self.task})
