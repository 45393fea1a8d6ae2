# ruff: noqa
# fmt: off
import asyncio

from documents.supplied import connect_to_database

class Plugin:
    async def initialize(self) -> None:
        """Setup resources."""
        self.connection = await connect_to_database()

    async def activate(self) -> None:
        """Start services."""
        self.background_task = asyncio.create_task(self.monitor())

    async def deactivate(self) -> None:
        """Stop services."""
        if self.background_task:
            self.background_task.cancel()

    async def cleanup(self) -> None:
        """Release resources."""
        await self.connection.close()
