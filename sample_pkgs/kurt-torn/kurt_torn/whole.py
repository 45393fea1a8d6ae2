from __future__ import annotations

from typing import Any

from kurt_tool import OnProgress, Tool, ToolContext, ToolResult


class Whole(Tool[Any, Any]):
    """Work, whatever became of the others."""

    name = "whole"

    async def run(
        self, params: Any, context: ToolContext, on_progress: OnProgress | None
    ) -> ToolResult[str]:
        return ToolResult(data="still in one piece")
