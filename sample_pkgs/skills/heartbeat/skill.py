"""A tool that works while it is active, and not a moment longer."""

from __future__ import annotations

import asyncio
from contextlib import suppress

from pydantic import BaseModel, Field

from kurt_tool import OnProgress, Tool, ToolContext

_PAUSE = 0.05  # seconds


class Wish(BaseModel):
    beats: int = Field(default=1, ge=0, le=100, description="how many to wait for")


class Beats(BaseModel):
    beats: int


class Heartbeat(Tool[Wish, Beats]):
    """Count while it is active."""

    name = "heartbeat"
    uses = ()

    async def initialize(self) -> None:
        self.beats = 0
        self.beaten = asyncio.Condition()

    async def activate(self) -> None:
        self._task = asyncio.create_task(self._beat(), name="heartbeat")

    async def deactivate(self) -> None:
        self._task.cancel()
        with suppress(asyncio.CancelledError):
            await self._task  # a task that was only cancelled may still run for a moment

    async def cleanup(self) -> None:
        del self.beaten

    async def run(
        self, params: Wish, context: ToolContext, on_progress: OnProgress | None = None
    ) -> Beats:
        until = self.beats + params.beats
        async with self.beaten:
            await self.beaten.wait_for(lambda: self.beats >= until)
        return Beats(beats=self.beats)

    async def _beat(self) -> None:
        while True:
            await asyncio.sleep(_PAUSE)
            async with self.beaten:
                self.beats += 1
                self.beaten.notify_all()
