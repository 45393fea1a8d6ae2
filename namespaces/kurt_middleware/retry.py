"""``retry``: try a failed call again, a little later each time."""

from __future__ import annotations

import asyncio
import random
from typing import Any, ClassVar

from pydantic import BaseModel, ConfigDict, Field

from kurt_ext.errors import CallError, CallTimeoutError, InvalidInputError, InvalidOutputError

from .contract import Invocation, Middleware, Proceed

__all__ = ["Retry", "RetryOptions"]


class RetryOptions(BaseModel):
    """Options under ``[middleware.retry]``."""

    model_config = ConfigDict(extra="forbid")

    attempts: int = Field(default=3, ge=1, le=20, description="calls in all, the first included")
    delay: float = Field(default=0.2, ge=0, description="seconds before the second; then doubled")
    max_delay: float = Field(default=10.0, ge=0, description="seconds that no pause exceeds")


class Retry(Middleware):
    """Calls again what raised an exception; input that does not fit and time-outs are final.

    A result without success is an answer and is not tried again.
    """

    after = ("log", "timing")
    Options: ClassVar[type[BaseModel]] = RetryOptions

    def __init__(self, options: RetryOptions | None = None) -> None:
        self._options = options or RetryOptions()

    async def around(self, invocation: Invocation, proceed: Proceed) -> Any:
        """Call up to ``attempts`` times; ``metadata["attempts"]`` tells how often."""
        for attempt in range(1, self._options.attempts + 1):
            invocation.metadata["attempts"] = attempt
            try:
                return await proceed(invocation)
            except (InvalidInputError, InvalidOutputError, CallTimeoutError):
                raise
            except CallError:
                if attempt == self._options.attempts:
                    raise
            pause = min(self._options.delay * 2 ** (attempt - 1), self._options.max_delay)
            # Spread out, so that calls that failed together do not return together.
            await asyncio.sleep(pause * random.uniform(0.5, 1.0))
        raise AssertionError("unreachable: attempts is at least 1")
