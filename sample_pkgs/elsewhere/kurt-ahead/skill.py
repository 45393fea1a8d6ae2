from __future__ import annotations

from typing import Any

from kurt_tool import OnProgress, Tool, ToolContext, ToolResult


class Ahead(Tool[Any, Any]):
    """Never runs."""

    name = "ahead"

    async def run(
        self, params: Any, context: ToolContext, on_progress: OnProgress | None
    ) -> ToolResult[str]:
        return ToolResult(data="the future is here")
