"""What an author may get wrong: each marked line must be reported by mypy and by pyright."""

from __future__ import annotations

from pydantic import BaseModel

import kurt_ext
from kurt_engine import BaseFecther  # WRONG
from kurt_ext import SkillManager, find_skil_for_tool  # WRONG
from kurt_tool import OnProgress, Tool, ToolContext, ToolResult, register_tool


class Words(BaseModel):
    text: str


class Shouted(BaseModel):
    text: str


class Shout(Tool[Words, Shouted]):
    async def run(
        self, params: Words, context: ToolContext, on_progress: OnProgress | None
    ) -> ToolResult[Shouted]:
        print(params.txt)  # WRONG
        context.db = 1  # WRONG
        context.settings["key"] = 1  # WRONG
        return ToolResult(data=Words(text="a"))  # WRONG


class Lost(Tool[Words, Shouted]):
    def run(  # WRONG
        self, params: Words, context: ToolContext, on_progress: OnProgress | None
    ) -> str:
        return ""


class Empty(Tool[Words, Shouted]):
    pass


Empty()  # WRONG
register_tool(Words)  # WRONG
ToolResult(success="yes")  # WRONG
SkillManager(3)  # WRONG
print(kurt_ext.Tol)  # WRONG
print(BaseFecther, find_skil_for_tool)
kurt_ext.parse_skill_manifest(3)  # WRONG
