"""An engine for the role `run`, and a tool that tells which thread it runs in."""

from __future__ import annotations

import asyncio
import contextvars
import inspect
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from pydantic import BaseModel

from kurt_engine import BaseRunner
from kurt_tool import OnProgress, Tool, ToolContext


class Pool(BaseRunner):
    """Runs each call in a thread of a pool, an async one in an event loop of that thread.

    A service that is bound to the loop it was opened on cannot be used there.
    """

    name = "pool"

    def __init__(self) -> None:
        self._pool = ThreadPoolExecutor(4, thread_name_prefix="pool")

    async def run(self, function: Callable[..., Any], *args: Any) -> Any:
        work = contextvars.copy_context().run
        return await asyncio.get_running_loop().run_in_executor(
            self._pool, work, _call, function, args
        )

    def cleanup(self) -> None:
        self._pool.shutdown(wait=False, cancel_futures=True)


def _call(function: Callable[..., Any], args: tuple[Any, ...]) -> Any:
    async def finished(value: Any) -> Any:
        return await value

    value = function(*args)
    return asyncio.run(finished(value)) if inspect.isawaitable(value) else value


class Place(BaseModel):
    thread: str


class Where(Tool[dict[str, Any], Place]):
    """Tell the name of the thread that runs this call."""

    name = "where"

    def run(self, params: Any, context: ToolContext, on_progress: OnProgress | None) -> Place:
        return Place(thread=threading.current_thread().name)
