"""Everything that lies around a call, composed: layers, executor, time limit.

It is one function, without branches for what a call does not need.
"""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

from .binding import awaitable
from .contract import Invocation, Result
from .errors import KurtError
from .portal import in_thread

if TYPE_CHECKING:
    from .binding import Bound, Invoke, Surroundings
    from .calls import Call
    from .contract import Around, Executor, OnProgress, Proceed

__all__ = ["composed"]


def composed(call: Call, bound: Bound, surroundings: Surroundings) -> Invoke:
    """Return the call with everything that lies around it."""
    target, usage = bound.target, bound.usage
    context = surroundings.lent(target)
    check, finish = bound.check, bound.finish
    executor = surroundings.executor
    run: Callable[..., Awaitable[Any]] = awaitable(target.run)
    if surroundings.limit and executor is None and not inspect.iscoroutinefunction(target.run):
        executor = in_thread  # what runs on the loop, no timeout ends
    if executor is not None:
        run = _executed(executor, target.run)
    if surroundings.limit:
        run = _limited(call, run, surroundings.limit)

    async def innermost(invocation: Invocation) -> Any:
        try:
            value = await run(invocation.params, invocation.context, invocation.on_progress)
        except KurtError:
            raise
        except (Exception, SystemExit) as error:
            raise bound.failure(call, error) from error
        return finish(value)

    proceed: Proceed = innermost
    for layer in reversed(surroundings.layers):
        proceed = _wrapped(layer, proceed)

    async def invoke(arguments: Any = None, on_progress: OnProgress | None = None) -> Any:
        if usage is not None:
            usage.note()
        params = arguments
        if type(arguments) is not target.ready:
            try:
                params = check({} if arguments is None else arguments)
            except KurtError:
                raise
            except Exception as error:
                raise bound.refusal(error) from error
        invocation = Invocation(call.reference, params, context, on_progress)
        try:
            result = await proceed(invocation)
        except KurtError:
            raise
        except (Exception, SystemExit) as error:  # a layer's own
            raise bound.failure(call, error) from error
        if isinstance(result, Result) and invocation.metadata:
            result.metadata.update(invocation.metadata)
        return result

    return invoke


def _limited(
    call: Call, run: Callable[..., Awaitable[Any]], limit: float
) -> Callable[..., Awaitable[Any]]:
    async def limited(*args: Any) -> Any:
        timeout = asyncio.timeout(limit)
        try:
            async with timeout:
                return await run(*args)
        except TimeoutError as error:
            if not timeout.expired():
                raise
            late = call.timed_out(limit)
            late.cause = f"its max_execution_time_seconds is {limit:g}"
            late.hint = None
            raise late from error

    return limited


def _executed(executor: Executor, function: Callable[..., Any]) -> Callable[..., Awaitable[Any]]:
    def run(*args: Any) -> Awaitable[Any]:
        return executor(function, *args)

    return run


def _wrapped(layer: Around, proceed: Proceed) -> Proceed:
    def around(invocation: Invocation) -> Awaitable[Any]:
        return layer(invocation, proceed)

    return around
