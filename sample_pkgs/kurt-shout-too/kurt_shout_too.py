"""Another tool called `shout`: kurt picks neither, and names both."""

from __future__ import annotations

from pydantic import BaseModel

from kurt_tool import OnProgress, Tool, ToolContext


class Words(BaseModel):
    text: str


class Shout(Tool[Words, Words]):
    """Say it louder, and twice."""

    name = "shout"

    def run(self, params: Words, context: ToolContext, on_progress: OnProgress | None) -> Words:
        return Words(text=f"{params.text} {params.text}".upper())
