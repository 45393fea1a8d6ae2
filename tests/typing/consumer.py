"""What an author writes, as mypy --strict and pyright must see it: no errors."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, assert_type

from pydantic import BaseModel

from kurt_engine import BaseFetcher, FetchResult, register_fetcher
from kurt_ext import KurtError, Result, SkillManager
from kurt_integration import Integration
from kurt_middleware import Invocation, Middleware, Proceed
from kurt_tool import OnProgress, Tool, ToolContext, ToolProgress, ToolResult, register_tool


class Words(BaseModel):
    text: str


class Shouted(BaseModel):
    text: str


@register_tool
class Shout(Tool[Words, Shouted]):
    """An async one, with a result."""

    name = "shout"

    async def run(
        self, params: Words, context: ToolContext, on_progress: OnProgress | None = None
    ) -> ToolResult[Shouted]:
        assert_type(params.text, str)
        assert_type(context.settings, Mapping[str, Any])
        if on_progress is not None:
            on_progress(ToolProgress("half", 1, 2))
        return ToolResult(success=True, data=Shouted(text=params.text.upper()))


@register_tool(name="whisper")
class Whisper(Tool[Words, Shouted]):
    """A sync one that returns its model."""

    InputModel = Words
    OutputModel = Shouted

    def run(self, params: Words, context: ToolContext, on_progress: OnProgress | None) -> Shouted:
        return Shouted(text=params.text.lower())


@register_fetcher
class Memory(BaseFetcher):
    name = "memory"

    def fetch(self, url: str) -> FetchResult:
        return FetchResult(url=url, content="")


class Shield(Middleware):
    async def around(self, invocation: Invocation, proceed: Proceed) -> Any:
        assert_type(invocation.reference, str)
        return await proceed(invocation)


class Clock(Integration):
    provides = "clock"

    async def start(self, settings: Mapping[str, Any]) -> float:
        return 0.0


async def use() -> None:
    assert_type(Shout(), Shout)
    result = await Shout().run(Words(text="a"), ToolContext())
    assert_type(result, Result[Shouted])
    assert_type(result.data, Shouted | None)
    async with SkillManager() as skills:
        assert_type(skills, SkillManager)
        try:
            await skills.arun("shout", {"text": "a"}, timeout=1)
        except KurtError as error:
            assert_type(error.candidates, tuple[str, ...])
