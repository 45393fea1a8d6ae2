"""A tool whose memory outlives its code."""

from __future__ import annotations

from collections import Counter

from pydantic import BaseModel, Field

from kurt_tool import OnProgress, Tool, ToolContext


class Words(BaseModel):
    text: str = Field(default="", description="words to count")


class Counts(BaseModel):
    counts: dict[str, int]


class Tally(Tool[Words, Counts]):
    """Count words, and remember them."""

    name = "tally"
    uses = ()

    def __init__(self) -> None:
        self._counter: Counter[str] = Counter()

    async def run(
        self, params: Words, context: ToolContext, on_progress: OnProgress | None = None
    ) -> Counts:
        self._counter.update(params.text.lower().split())
        return Counts(counts=dict(self._counter.most_common()))

    def __reload_state__(self) -> dict[str, int]:
        return dict(self._counter)

    def __reload_restore__(self, state: dict[str, int]) -> None:
        self._counter = Counter(state)
