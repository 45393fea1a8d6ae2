"""An extension as a call, and several as one: checked, run, its errors of one taxonomy.

A call is composed once, on its first use; what is dear (a layer, a timeout, a
thread) is paid by those who ask for it.
"""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Awaitable, Callable, Iterable
from typing import TYPE_CHECKING, Any
from weakref import WeakSet

from .binding import Bound
from .composition import composed
from .contract import Result, Target
from .errors import KurtError
from .portal import in_thread

if TYPE_CHECKING:
    from .binding import Invoke, Surroundings
    from .contract import Extension, OnProgress, Usage

__all__ = ["Call", "FanOut"]


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
                raise bound.refusal(error) from error
        try:
            value = await bound.function(params, bound.context, on_progress)
        except KurtError:
            raise
        except (Exception, SystemExit) as error:
            raise bound.failure(self, error) from error
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
                threaded = composed(self, bound, around._replace(executor=in_thread))
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
            bound.context = surroundings.lent(bound.target)
            is_layered = surroundings.layers or surroundings.executor or surroundings.limit
            bound.detour = composed(self, bound, surroundings) if is_layered else None
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
            bound.append((one.function, one.surroundings.lent(one.target)))
        self._bound = tuple(bound)
        return self._bound

    def __len__(self) -> int:
        return len(self.calls)


def _direct(function: Callable[..., Awaitable[Any]], context: Any) -> Invoke:
    # A plain function that hands the coroutine on: one coroutine less.
    def direct(params: Any = None, on_progress: OnProgress | None = None) -> Awaitable[Any]:
        return function(params, context, on_progress)

    return direct


def _nothing(*_: Any) -> None:
    return None
