from __future__ import annotations

from pydantic import BaseModel

from kurt_ext import Tool, ToolContext, ToolResult
from kurt_tool import OnProgress


class Sentence(BaseModel):
    text: str


class Turned(BaseModel):
    text: str


class MySkillTool(Tool[Sentence, Turned]):
    """Turn the words of a sentence around."""

    name = "turn"
    InputModel = Sentence
    OutputModel = Turned

    async def run(
        self, params: Sentence, context: ToolContext, on_progress: OnProgress | None
    ) -> ToolResult[Turned]:
        return ToolResult(success=True, data=Turned(text=" ".join(params.text.split()[::-1])))
