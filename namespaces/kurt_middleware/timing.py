"""``timing``: how long each call took, in its result's metadata."""

from __future__ import annotations

from time import perf_counter
from typing import Any

from .contract import Invocation, Middleware, Proceed

__all__ = ["Timing"]


class Timing(Middleware):
    """Writes ``ms``, the wall time of what lies further in, into the result's metadata."""

    async def around(self, invocation: Invocation, proceed: Proceed) -> Any:
        """Measure, also where the call fails and a layer further out makes a result of it."""
        start = perf_counter()
        try:
            return await proceed(invocation)
        finally:
            invocation.metadata["ms"] = round((perf_counter() - start) * 1000, 3)
