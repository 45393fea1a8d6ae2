"""Two layers: one that lies where the configuration puts it, one that wants to be outside."""

from __future__ import annotations

from time import perf_counter
from typing import Any

from kurt_middleware import Invocation, Middleware, Proceed


class Clock(Middleware):
    """Adds the duration of each pass, in ms, to the result's metadata as a list.

    Inside `again` there is one for each attempt, outside of it one for all.
    """

    key = "clock"

    async def around(self, invocation: Invocation, proceed: Proceed) -> Any:
        start = perf_counter()
        try:
            return await proceed(invocation)
        finally:
            passes = invocation.metadata.setdefault(self.key, [])
            passes.append(round((perf_counter() - start) * 1000, 3))


class Stopwatch(Clock):
    """Times the call as its caller sees it: wherever it stands in the list, `again` is inside."""

    key = "stopwatch"
    before = ("again",)
