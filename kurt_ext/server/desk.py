"""Ask the database from where others are served meanwhile."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import TypeVar

from starlette.exceptions import HTTPException

from ..errors import StorageError

__all__ = ["Desk"]

_T = TypeVar("_T")
_THREADS = 4


class Desk:
    """Threads that ask the database, and do nothing else: one that hangs holds up no reader."""

    def __init__(self) -> None:
        self._threads = ThreadPoolExecutor(_THREADS, thread_name_prefix="kurt-database")

    async def ask(self, work: Callable[..., _T], *arguments: object) -> _T:
        """Return what work returns.

        :raises HTTPException: 503, when the database cannot be used.
        """
        loop = asyncio.get_running_loop()
        try:
            return await loop.run_in_executor(self._threads, partial(work, *arguments))
        except StorageError as error:
            raise HTTPException(
                503, "the database of the marketplace cannot be used", {"Retry-After": "10"}
            ) from error

    def close(self) -> None:
        """Wait for what was asked already, and end the threads."""
        self._threads.shutdown()
