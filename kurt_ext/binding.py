"""What a call is bound to: one extension, and what lies around it."""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable, Sequence
from time import time
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

from .contract import Target, Usage
from .errors import InvalidInputError, KurtError

if TYPE_CHECKING:
    from .calls import Call
    from .contract import Around, Context, Executor, Extension

__all__ = ["Bound", "Invoke", "Surroundings", "awaitable"]

#: Arguments and progress in, an awaitable result out.
Invoke: TypeAlias = Callable[..., Awaitable[Any]]


class Surroundings(NamedTuple):
    """What a manager puts around a call.

    :param context: lent to the extension.
    :param layers: around every call, the outermost first.
    :param executor: runs the extension's function; None = call it where we are.
    :param limit: seconds that every call may take, by the skill's configuration.
    """

    context: Context
    layers: Sequence[Around] = ()
    executor: Executor | None = None
    limit: float | None = None

    def lent(self, target: Target) -> Any:
        """Return the context in the form that a target wants it in."""
        return target.context(self.context) if target.context else self.context


class Bound:
    """What a call is bound to: one extension of one generation of its code.

    A call reads it once. One that is under way keeps its own when a reload
    binds the call anew, so that no call is begun by old code and ended by new.
    """

    __slots__ = (
        "check",
        "context",
        "detour",
        "extension",
        "finish",
        "function",
        "output",
        "ready",
        "surroundings",
        "target",
        "usage",
    )

    def __init__(
        self, extension: Extension, target: Target, usage: Usage | None, detour: Invoke
    ) -> None:
        self.extension = extension
        self.target = target
        self.usage = usage
        # What the fast way needs, one attribute away each.
        self.check = target.check or _as_it_is
        self.ready = target.ready
        self.output = target.output
        self.finish = target.finish or _as_it_is
        function = awaitable(target.run)
        # Wrapped only where somebody wants to know: counting costs a tenth of a call.
        self.function = function if usage is None else _counted(function, usage)
        self.context: Any = None
        self.surroundings: Surroundings | None = None
        # Taken in place of the fast way: before the first call, and where there
        # are layers or an executor.
        self.detour: Invoke | None = detour

    def refusal(self, error: Exception) -> InvalidInputError:
        """Return the error for arguments that were refused."""
        if self.target.refused is not None:
            return self.target.refused(error)
        cause = f"{type(error).__name__}: {error}"
        return InvalidInputError("the arguments do not fit", cause=cause)

    def failure(self, call: Call, error: Exception | SystemExit) -> KurtError:
        """Return the error for what the extension raised, without the skill's secrets."""
        from .failure import place_of, reason_of

        made = self.target.failures.failed(
            f"{call.reference} failed",
            cause=reason_of(error),
            at=place_of(error, self.extension.root),
            skill=self.extension.skill,
        )
        made.__cause__ = error  # so that it is veiled as well
        if call.veil is not None:
            call.veil(made)
        return made


def awaitable(function: Callable[..., Any]) -> Callable[..., Awaitable[Any]]:
    """Return an async function that calls ``function``; itself where it is async."""
    if inspect.iscoroutinefunction(function):
        return function

    async def call(*args: Any) -> Any:
        value = function(*args)
        return await value if inspect.isawaitable(value) else value

    return call


def _counted(
    function: Callable[..., Awaitable[Any]], usage: Usage
) -> Callable[..., Awaitable[Any]]:
    def counted(*args: Any) -> Awaitable[Any]:
        usage.count += 1
        usage.last = time()
        return function(*args)

    return counted


def _as_it_is(value: Any) -> Any:
    return value
