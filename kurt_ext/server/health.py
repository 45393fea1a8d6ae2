"""Say whether a server can do its work, for whoever sends it callers."""

from __future__ import annotations

import asyncio
import time

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from .database import Database
from .desk import Desk
from .shelf import Shelf

__all__ = ["Health"]

#: Seconds for which an answer of the database holds, and that it may take.
_HOLDS, _PATIENCE = 1.0, 5.0


class Health:
    """Answers ``/healthz``: 200 where all is well, 503 where nothing can be published.

    Reading goes on without the database, so that a 503 is a reason to call, not to restart.
    """

    def __init__(self, shelf: Shelf, database: Database, desk: Desk) -> None:
        self._shelf = shelf
        self._database = database
        self._desk = desk
        self._asked = -_HOLDS
        self._well = True

    async def answer(self, request: Request) -> Response:
        """Answer a request."""
        if time.monotonic() - self._asked >= _HOLDS:
            self._asked = time.monotonic()
            self._well = await self._ask()
        edition = await self._shelf.current()
        row = {
            "status": "ok" if self._well else "degraded",
            "database": "ok" if self._well else "out of reach",
            "snapshot": edition.meta.snapshot,
            "skills": edition.skills,
        }
        return JSONResponse(row, 200 if self._well else 503, {"Cache-Control": "no-store"})

    async def _ask(self) -> bool:
        try:
            async with asyncio.timeout(_PATIENCE):
                await self._desk.ask(self._database.read, "SELECT 1")
        except (HTTPException, TimeoutError):
            return False
        return True
