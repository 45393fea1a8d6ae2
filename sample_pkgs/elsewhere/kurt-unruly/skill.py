from __future__ import annotations

import asyncio
import logging
import threading
import time
from typing import Any

from kurt_tool import OnProgress, Tool, ToolContext, ToolResult

_STUBBORN = 3.0  # seconds; for ever, and this process would never end


class Unruly(Tool[Any, Any]):
    """Starts what nothing stops."""

    name = "unruly"

    def activate(self) -> None:
        threading.Thread(target=time.sleep, args=(3600,), name="sleeper", daemon=True).start()
        logging.getLogger().addHandler(Whisper())

    async def initialize(self) -> None:
        self._task = asyncio.create_task(swallow(), name="stubborn")

    async def run(
        self, params: Any, context: ToolContext, on_progress: OnProgress | None = None
    ) -> ToolResult[str]:
        return ToolResult(data="as if nothing were wrong")


class Whisper(logging.Handler):
    """Hears everything, and says nothing."""

    def emit(self, record: logging.LogRecord) -> None:
        pass


async def swallow() -> None:
    until = None
    while until is None or time.monotonic() < until:
        try:
            await asyncio.sleep(3600 if until is None else _STUBBORN / 10)
        except asyncio.CancelledError:
            until = until or time.monotonic() + _STUBBORN
