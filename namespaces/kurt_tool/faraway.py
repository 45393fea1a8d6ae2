"""A class for a tool whose own class lives in another process."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from kurt_ext.contract import Result
from kurt_ext.sandbox.remote import target
from kurt_ext.services import CallContext, Services

from .calling import FAILURES
from .contract import Tool, ToolContext

if TYPE_CHECKING:
    from kurt_ext.contract import Extension, OnProgress

__all__ = ["faraway"]


def faraway(extension: Extension) -> type[Tool[Any, Any]]:
    """Return a class whose instances run a tool in its worker.

    It has no models: those are classes of the skill's. Arguments and result are
    judged where they are.
    """
    answer = target(extension.obj, FAILURES)

    class Faraway(Tool[Any, Any]):
        name = extension.name
        description = answer.summary

        async def run(
            self,
            params: Any,
            context: ToolContext | None = None,
            on_progress: OnProgress | None = None,
        ) -> Result[Any]:
            lent = _context(extension, context)
            found: Result[Any] = await answer.run(params, lent, on_progress)
            return found

    Faraway.__doc__ = answer.summary
    Faraway.__name__ = Faraway.__qualname__ = "".join(
        part.capitalize() for part in extension.name.replace("_", "-").split("-")
    )
    return Faraway


def _context(extension: Extension, context: ToolContext | None) -> Any:
    if context is not None:
        return context
    return CallContext(extension.skill, extension.root, {}, Services())
