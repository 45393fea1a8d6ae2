"""Make calls of targets: check, layers, execution, timeout, and errors of one taxonomy.

A call is composed once, on its first use, into one function without branches
for what it does not need; what is dear (a timeout, a thread) is paid by those
who ask for it.
"""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Awaitable, Callable, Iterable, Sequence
from time import time
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias
from weakref import WeakSet

from .contract import Invocation, OnProgress, Result, Target, Usage
from .errors import InvalidInputError, KurtError
from .portal import in_thread

if TYPE_CHECKING:
    from .contract import Around, Context, Executor, Extension, Proceed

__all__ = ["Bound", "Call", "FanOut", "Surroundings"]

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
        function = _awaitable(target.run)
        # Wrapped only where somebody wants to know: counting costs a tenth of a call.
        self.function = function if usage is None else _counted(function, usage)
        self.context: Any = None
        self.surroundings: Surroundings | None = None
        # Taken in place of the fast way: before the first call, and where there
        # are layers or an executor.
        self.detour: Invoke | None = detour


class Call:
    """One extension, ready to be called any number of times, also concurrently.

    ``await call(arguments)`` is the whole thing: arguments checked, layers
    around it, result checked. ``await call.direct(params)`` is the extension's
    own function with its context and nothing else: no check, no layer.

    A call outlives a reload of its skill: whoever keeps it calls the new code next.

    :param extension: what is called.
    :param name: the name it is called by; the extension's, or a capability's.
    :param target: what its kind says about calling it.
    :param surround: gives the surroundings of an extension, before the first call.
    :param usage: counts the calls; None = nobody wants to know.
    :param veil: takes the skill's secrets out of an error, in its place.
    """

    __slots__ = ("__weakref__", "_bound", "_schema", "_surround", "direct", "fans", "name", "veil")

    #: ``direct(params, on_progress=None)``: the extension's function, prebound.
    direct: Invoke

    def __init__(
        self,
        extension: Extension,
        name: str,
        target: Target,
        surround: Callable[[Extension, Target], Awaitable[Surroundings]],
        usage: Usage | None = None,
        veil: Callable[[BaseException], BaseException] | None = None,
    ) -> None:
        self.name = name
        self.veil = veil
        #: What is to be told when the call is bound anew.
        self.fans: WeakSet[FanOut] = WeakSet()
        self._surround = surround
        self.bind(extension, target, usage)

    def bind(self, extension: Extension, target: Target, usage: Usage | None = None) -> None:
        """Call another extension from now on; calls that are under way end as they began."""
        self._schema: dict[str, Any] | None = None
        self.direct = self._first_direct
        self._bound = Bound(extension, target, usage, self._first)
        self._tell()

    def refuse(self, error: KurtError) -> None:
        """Raise an error for every call from now on, until :meth:`bind`."""
        old = self._bound
        self._turn_away(old.extension, old.target, old.usage, error)

    def loose(self, error: KurtError) -> None:
        """Refuse calls, and hold nothing any more of what was called."""
        old = self._bound.extension
        empty = type(old)(old.kind, old.skill, old.name, None)
        self._turn_away(empty, Target(_nothing, schema=dict), self._bound.usage, error)

    def _turn_away(
        self, extension: Extension, target: Target, usage: Usage | None, error: KurtError
    ) -> None:
        async def refused(*_: Any, **__: Any) -> Any:
            raise error.with_traceback(None)

        self._schema = None
        self.direct = refused
        self._bound = Bound(extension, target, usage, refused)
        self._tell()

    def _tell(self) -> None:
        for fan in list(self.fans):
            fan.unbind()

    @property
    def extension(self) -> Extension:
        """What is called."""
        return self._bound.extension

    @property
    def target(self) -> Target:
        """What its kind says about calling it."""
        return self._bound.target

    @property
    def function(self) -> Callable[..., Awaitable[Any]]:
        """The extension's own function, async: ``function(params, context, on_progress)``."""
        return self._bound.function

    @property
    def reference(self) -> str:
        """The full name, ``SKILL:EXTENSION``."""
        return f"{self.extension.skill}:{self.name}"

    @property
    def summary(self) -> str:
        """One line for a listing."""
        return self.target.summary

    @property
    def schema(self) -> dict[str, Any]:
        """The JSON Schema of the arguments."""
        if self._schema is None:
            self._schema = self.target.schema()
        return self._schema

    async def invoke(self, arguments: Any = None, on_progress: OnProgress | None = None) -> Any:
        """Call the extension and return its result; ``await call(arguments)`` is the same.

        :param arguments: a mapping, or a ready instance of the input model.
        :param on_progress: called with each :class:`Progress`.
        :raises InvalidInputError: when the arguments do not fit.
        :raises InvalidOutputError: when what came back is no result.
        :raises CallError: when the extension raised something; its ``__cause__``.
        """
        # Written out: each function call saved here is a twentieth of a call.
        bound = self._bound
        if bound.detour is not None:
            return await bound.detour(arguments, on_progress)
        if type(arguments) is bound.ready:
            params = arguments
        else:
            try:
                params = bound.check({} if arguments is None else arguments)
            except KurtError:
                raise
            except Exception as error:
                raise _refusal(bound.target, error) from error
        try:
            value = await bound.function(params, bound.context, on_progress)
        except KurtError:
            raise
        except (Exception, SystemExit) as error:
            raise _failure(self, bound, error) from error
        if type(value) is Result and bound.output is not None and value.success:
            data = value.data
            if type(data) is dict:
                try:
                    value.data = bound.output(data)
                except Exception:
                    return bound.finish(value)  # which says what is wrong
                return value
        return bound.finish(value)

    #: The same function: CPython calls a method faster than an instance.
    __call__ = invoke

    async def run(
        self,
        arguments: Any = None,
        on_progress: OnProgress | None = None,
        timeout: float | None = None,
    ) -> Any:
        """Call the extension, for at most ``timeout`` seconds.

        A sync function is then run in a thread of its own; Python cannot stop
        it, so that it may go on after the timeout.

        :raises CallTimeoutError: when it did not end in time.
        """
        if timeout is None:
            return await self.invoke(arguments, on_progress)
        limit = asyncio.timeout(timeout)
        try:
            async with limit:
                around = await self.prepare()
                bound = self._bound
                if around.executor or inspect.iscoroutinefunction(bound.target.run):
                    return await self.invoke(arguments, on_progress)
                threaded = _layered(self, bound, around._replace(executor=in_thread))
                return await threaded(arguments, on_progress)
        except TimeoutError as error:
            if not limit.expired():
                raise
            raise self.timed_out(timeout) from error

    def timed_out(self, timeout: float) -> KurtError:
        """Return the error for a call that did not end in time."""
        return self.target.failures.timed_out(
            f"{self.reference} did not end within {timeout:g} s",
            hint="give it more time with --timeout",
            skill=self.extension.skill,
        )

    async def prepare(self) -> Surroundings:
        """Start the services it uses and compose it; done by the first call otherwise."""
        while True:
            bound = self._bound
            if bound.surroundings is not None:
                return bound.surroundings
            if bound.detour is not None and bound.detour != self._first:
                await bound.detour()  # it refuses
            surroundings = await self._surround(bound.extension, bound.target)
            bound.context = _lent(bound.target, surroundings)
            is_layered = surroundings.layers or surroundings.executor or surroundings.limit
            bound.detour = _layered(self, bound, surroundings) if is_layered else None
            bound.surroundings = surroundings
            if bound is self._bound:
                self.direct = _direct(bound.function, bound.context)

    async def _first(self, arguments: Any = None, on_progress: OnProgress | None = None) -> Any:
        await self.prepare()
        return await self.invoke(arguments, on_progress)

    async def _first_direct(self, params: Any = None, on_progress: OnProgress | None = None) -> Any:
        await self.prepare()
        return await self.direct(params, on_progress)

    def __repr__(self) -> str:
        return f"<Call {self.reference}>"


class FanOut:
    """Several calls as one: ``await fan(params)`` gives their returned values, in order.

    Each is the extension's own function, as :attr:`Call.direct`, one after the
    other. An exception ends it; :meth:`settled` goes on and returns it instead.
    """

    __slots__ = ("__weakref__", "_bound", "calls")

    def __init__(self, calls: Iterable[Call]) -> None:
        self.calls = tuple(calls)
        self._bound: tuple[tuple[Callable[..., Any], Any], ...] = ()
        for call in self.calls:
            call.fans.add(self)

    def unbind(self) -> None:
        """Bind the calls anew before they are called next."""
        self._bound = ()

    async def __call__(
        self, params: Any = None, on_progress: OnProgress | None = None
    ) -> list[Any]:
        """Call them all with the same params."""
        bound = self._bound or await self._bind()
        return [await run(params, context, on_progress) for run, context in bound]

    async def settled(
        self, params: Any = None, on_progress: OnProgress | None = None
    ) -> list[Any | Exception]:
        """Call them all; where one raises, its exception stands in its place."""
        found: list[Any | Exception] = []
        for run, context in self._bound or await self._bind():
            try:
                found.append(await run(params, context, on_progress))
            except Exception as error:
                found.append(error)
        return found

    async def _bind(self) -> tuple[tuple[Callable[..., Any], Any], ...]:
        for call in self.calls:
            await call.prepare()
        # Nothing is awaited from here on: a call that was bound anew while another one was
        # prepared would stay what it was, and nobody would tell us.
        bound = []
        for call in self.calls:
            one = call._bound
            if one.surroundings is None:
                return await self._bind()
            bound.append((one.function, _lent(one.target, one.surroundings)))
        self._bound = tuple(bound)
        return self._bound

    def __len__(self) -> int:
        return len(self.calls)


def _lent(target: Target, surroundings: Surroundings) -> Any:
    return target.context(surroundings.context) if target.context else surroundings.context


def _awaitable(function: Callable[..., Any]) -> Callable[..., Awaitable[Any]]:
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


def _direct(function: Callable[..., Awaitable[Any]], context: Any) -> Invoke:
    # A plain function that hands the coroutine on: one coroutine less.
    def direct(params: Any = None, on_progress: OnProgress | None = None) -> Awaitable[Any]:
        return function(params, context, on_progress)

    return direct


def _refusal(target: Target, error: Exception) -> InvalidInputError:
    """Return the error for arguments that were refused."""
    if target.refused is not None:
        return target.refused(error)
    return InvalidInputError("the arguments do not fit", cause=f"{type(error).__name__}: {error}")


def _layered(call: Call, bound: Bound, surroundings: Surroundings) -> Invoke:
    """Return the call with everything that lies around it."""
    target, usage = bound.target, bound.usage
    context = _lent(target, surroundings)
    check = target.check or _as_it_is
    finish = target.finish or _as_it_is
    executor = surroundings.executor
    run: Callable[..., Awaitable[Any]] = _awaitable(target.run)
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
            raise _failure(call, bound, error) from error
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
                raise _refusal(target, error) from error
        invocation = Invocation(call.reference, params, context, on_progress)
        try:
            result = await proceed(invocation)
        except KurtError:
            raise
        except (Exception, SystemExit) as error:  # a layer's own
            raise _failure(call, bound, error) from error
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


def _nothing(*_: Any) -> None:
    return None


def _as_it_is(value: Any) -> Any:
    return value


def _failure(call: Call, bound: Bound, error: Exception | SystemExit) -> KurtError:
    from .failure import place_of, reason_of

    made = bound.target.failures.failed(
        f"{call.reference} failed",
        cause=reason_of(error),
        at=place_of(error, bound.extension.root),
        skill=bound.extension.skill,
    )
    made.__cause__ = error  # so that it is veiled as well
    if call.veil is not None:
        call.veil(made)
    return made
