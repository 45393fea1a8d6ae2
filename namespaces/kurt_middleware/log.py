"""``log``: a line per call, to the standard library's logging."""

from __future__ import annotations

import logging
from time import perf_counter
from typing import Any, ClassVar, Literal

from pydantic import BaseModel, ConfigDict, Field

from .contract import Invocation, Middleware, Proceed

__all__ = ["Log", "LogOptions"]


class LogOptions(BaseModel):
    """Options under ``[middleware.log]``."""

    model_config = ConfigDict(extra="forbid")

    level: Literal["debug", "info", "warning"] = Field(
        default="info", description="of calls that succeed; failures are warnings"
    )
    logger: str = "kurt.calls"


class Log(Middleware):
    """Logs the reference, the outcome and the time of each call; never its arguments.

    Arguments may hold secrets.
    """

    Options: ClassVar[type[BaseModel]] = LogOptions

    def __init__(self, options: LogOptions | None = None) -> None:
        chosen = options or LogOptions()
        self._logger = logging.getLogger(chosen.logger)
        self._level = logging.getLevelNamesMapping()[chosen.level.upper()]

    async def around(self, invocation: Invocation, proceed: Proceed) -> Any:
        """Log a line when the call has ended."""
        start = perf_counter()
        try:
            result = await proceed(invocation)
        except BaseException as error:
            name, ms = type(error).__name__, (perf_counter() - start) * 1000
            self._logger.warning("%s raised %s after %.1f ms", invocation.reference, name, ms)
            raise
        ms = (perf_counter() - start) * 1000
        if getattr(result, "success", True):
            self._logger.log(self._level, "%s succeeded in %.1f ms", invocation.reference, ms)
        else:
            self._logger.warning("%s gave no success in %.1f ms", invocation.reference, ms)
        return result
