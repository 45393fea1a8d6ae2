"""A layer that awaits what lies further in more than once, and a tool that needs it."""

from __future__ import annotations

from typing import Any, ClassVar

from pydantic import BaseModel, Field

from kurt_ext.errors import CallError, InvalidInputError
from kurt_middleware import Invocation, Middleware, Proceed
from kurt_tool import OnProgress, Tool, ToolContext


class Again(Middleware):
    """Tries a call that failed up to three times; the attempts stand in the metadata."""

    attempts: ClassVar[int] = 3

    async def around(self, invocation: Invocation, proceed: Proceed) -> Any:
        for attempt in range(1, self.attempts + 1):
            invocation.metadata["attempts"] = attempt
            try:
                return await proceed(invocation)
            except InvalidInputError:
                raise  # the same words will not fit better next time
            except CallError:
                if attempt == self.attempts:
                    raise
        raise AssertionError("unreachable")


class Bad(BaseModel):
    times: int = Field(default=2, ge=0, description="how often to fail before it works")


class Flaky(Tool[Bad, Bad]):
    """Fail a few times, then work."""

    name = "flaky"

    def __init__(self) -> None:
        self._failed = 0

    async def run(self, params: Bad, context: ToolContext, on_progress: OnProgress | None) -> Bad:
        if self._failed < params.times:
            self._failed += 1
            raise ConnectionError(f"failed {self._failed} of {params.times} times")
        return params
