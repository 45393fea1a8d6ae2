"""A tool that a package on PyPI offers, by a plain entry point."""

from __future__ import annotations

from pydantic import BaseModel, Field

from kurt_tool import OnProgress, Tool, ToolContext, ToolResult


class Words(BaseModel):
    text: str = Field(description="what to say")
    marks: int = Field(default=0, ge=0, le=10, description="exclamation marks to add")


class Shouted(BaseModel):
    text: str


class Shout(Tool[Words, Shouted]):
    """Say it louder."""

    name = "shout"

    async def run(
        self, params: Words, context: ToolContext, on_progress: OnProgress | None
    ) -> ToolResult[Shouted]:
        return ToolResult(data=Shouted(text=params.text.upper() + "!" * params.marks))
