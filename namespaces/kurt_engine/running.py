"""``run.inline``, ``run.sequential`` and ``run.threads``: where and how calls are executed."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Callable
from contextvars import ContextVar
from typing import Any, ClassVar

from pydantic import BaseModel, ConfigDict, Field

from kurt_ext.portal import in_thread

from .contract import BaseRunner

__all__ = ["Inline", "Sequential", "Threads"]


async def _called(function: Callable[..., Any], args: tuple[Any, ...]) -> Any:
    value = function(*args)
    return await value if inspect.isawaitable(value) else value


class Inline(BaseRunner):
    """Runs each call where it is made; calls overlap as far as they are async."""

    name = "inline"
    #: There is nothing to do around a call, so the core leaves this runner out.
    is_inline: ClassVar[bool] = True

    async def run(self, function: Callable[..., Any], *args: Any) -> Any:
        """Call the function."""
        return await _called(function, args)


class Sequential(BaseRunner):
    """Runs one call at a time, in the order they were made; a call within a call goes through."""

    name = "sequential"

    def __init__(self) -> None:
        self._locks: dict[asyncio.AbstractEventLoop, asyncio.Lock] = {}
        self._inside: ContextVar[bool] = ContextVar("kurt_engine_sequential", default=False)

    async def run(self, function: Callable[..., Any], *args: Any) -> Any:
        """Wait for the calls before this one on the same event loop, then call the function."""
        if self._inside.get():  # it would wait for the call that it is a part of
            return await _called(function, args)
        loop = asyncio.get_running_loop()
        self._locks = {known: lock for known, lock in self._locks.items() if not known.is_closed()}
        async with self._locks.setdefault(loop, asyncio.Lock()):
            token = self._inside.set(True)
            try:
                return await _called(function, args)
            finally:
                self._inside.reset(token)


class ThreadsOptions(BaseModel):
    """Options under ``[engine."run.threads"]``."""

    model_config = ConfigDict(extra="forbid")

    workers: int = Field(default=8, ge=1, le=512, description="calls that run at one time")


class Threads(BaseRunner):
    """Runs sync calls in threads, so that they overlap; async calls stay on the event loop."""

    name = "threads"
    Options: ClassVar[type[BaseModel]] = ThreadsOptions

    def __init__(self, options: ThreadsOptions | None = None) -> None:
        self._workers = (options or ThreadsOptions()).workers
        self._gates: dict[asyncio.AbstractEventLoop, asyncio.Semaphore] = {}

    async def run(self, function: Callable[..., Any], *args: Any) -> Any:
        """Call an async function here, a sync one in a thread once one is free."""
        if inspect.iscoroutinefunction(function):
            return await function(*args)
        loop = asyncio.get_running_loop()
        self._gates = {known: gate for known, gate in self._gates.items() if not known.is_closed()}
        async with self._gates.setdefault(loop, asyncio.Semaphore(self._workers)):
            value = await in_thread(function, *args)
        return await value if inspect.isawaitable(value) else value
