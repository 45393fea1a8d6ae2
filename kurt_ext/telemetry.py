"""Tell the outside what plugins do: spans where OpenTelemetry is configured, and log records.

Spans are named ``kurt.load``, ``kurt.call`` and ``kurt.reload``. They exist where
the program, or the environment variable ``OTEL_PYTHON_TRACER_PROVIDER``, has
configured a tracer provider; otherwise nothing is imported, and no call is a
step longer. Nothing is sent anywhere but by that provider. A span holds names,
versions and outcomes; arguments, results and tracebacks, which may hold secrets,
it does not.

=========================  =====================================================
attribute                  meaning
=========================  =====================================================
kurt.plugin.id             which plugin
kurt.plugin.version        as its manifest spells it
kurt.plugin.generation     the import of its code, from 1
kurt.extension             ``SKILL:EXTENSION``, of a call
kurt.outcome               ``ok``, ``failed``, ``rolled-back``, ``cancelled``
error.type                 the class of the error, where there was one
=========================  =====================================================
"""

from __future__ import annotations

import asyncio
import logging
import os
import sys
from collections.abc import Callable, Coroutine
from functools import wraps
from typing import TYPE_CHECKING, Any, Protocol, TypeVar, cast

from .contract import Result
from .errors import KurtError

if TYPE_CHECKING:
    from opentelemetry.trace import Span, Tracer

    from .contract import Around, Extension, Invocation, Proceed
    from .lifecycle import PluginEvent

__all__ = ["LOGGER", "around", "log_events", "traced", "tracer"]

#: The logger of the events of plugins.
LOGGER = "kurt_ext.plugins"
_API = "opentelemetry.trace"
_VARIABLE = "OTEL_PYTHON_TRACER_PROVIDER"
_LEVELS = {
    "failed": logging.ERROR,
    "rolled-back": logging.ERROR,
    "left-behind": logging.WARNING,
    "loading": logging.DEBUG,
    "reloading": logging.DEBUG,
    "unloading": logging.DEBUG,
}

F = TypeVar("F", bound=Callable[..., Coroutine[Any, Any, Any]])


class _Lives(Protocol):
    """Whose methods are traced: a loader."""

    def get_plugin_state(self, plugin_id: str) -> Any:
        """Return the state of a plugin."""


class _Tells(Protocol):
    """Who has events to tell: a loader."""

    def subscribe(self, handler: Callable[[PluginEvent], Any]) -> Callable[[], None]:
        """Call the handler with each event, until the function that is returned is called."""
        ...


def tracer() -> Tracer | None:
    """Return the tracer for our spans, or None where no tracer provider is configured.

    A program that has configured one has imported the API; where it has not, and
    no environment variable asks for it, neither do we.
    """
    api = sys.modules.get(_API)
    if api is None:
        if not os.environ.get(_VARIABLE):
            return None
        try:
            __import__(_API)
        except ImportError:
            return None
        api = sys.modules[_API]
    provider = api.get_tracer_provider()
    if type(provider).__module__ == _API:  # the API's own stand-ins, which record nothing
        return None
    from . import __version__

    made: Tracer = provider.get_tracer("kurt_ext", __version__)
    return made


def traced(name: str) -> Callable[[F], F]:
    """Make each run of a loader's method a span.

    The method takes the id of a plugin and returns its state. A failure is
    ``rolled-back`` where the plugin is not FAILED after it.

    :param name: the span's name.
    """

    def decorate(method: F) -> F:
        @wraps(method)
        async def run(loader: _Lives, plugin_id: str, *args: Any, **kwargs: Any) -> Any:
            chosen = tracer()
            if chosen is None:
                return await method(loader, plugin_id, *args, **kwargs)
            with _span(chosen, name) as span:
                span.set_attribute("kurt.plugin.id", plugin_id)
                try:
                    state = await method(loader, plugin_id, *args, **kwargs)
                except BaseException as error:
                    _failed(span, error, "rolled-back" if _lives_on(loader, plugin_id) else None)
                    raise
                finally:
                    _describe(span, loader, plugin_id)
                span.set_attribute("kurt.outcome", "ok")
                return state

        return cast("F", run)

    return decorate


def around(extension: Extension) -> Around | None:
    """Return the layer that makes a span of every call of an extension; None for no tracing.

    It is asked for once, when a call is composed. What refuses the arguments, and
    ``Call.direct``, lie outside of every layer, and so outside of the span.
    """
    chosen = tracer()
    if chosen is None:
        return None
    attributes: dict[str, Any] = {"kurt.plugin.id": extension.skill}
    if extension.candidate is not None and extension.candidate.version:
        attributes["kurt.plugin.version"] = extension.candidate.version
    if extension.generation is not None:
        attributes["kurt.plugin.generation"] = extension.generation.number

    async def layer(invocation: Invocation, proceed: Proceed) -> Any:
        with _span(chosen, "kurt.call", attributes) as span:
            span.set_attribute("kurt.extension", invocation.reference)
            try:
                result = await proceed(invocation)
            except BaseException as error:
                _failed(span, error)
                raise
            if isinstance(result, Result) and not result.success:
                _failed(span, None)
            else:
                span.set_attribute("kurt.outcome", "ok")
            return result

    return layer


def _span(chosen: Tracer, name: str, attributes: dict[str, Any] | None = None) -> Any:
    return chosen.start_as_current_span(
        name, attributes=attributes, record_exception=False, set_status_on_exception=False
    )


def _failed(span: Span, error: BaseException | None, outcome: str | None = None) -> None:
    from opentelemetry.trace import Status, StatusCode

    if error is not None:
        span.set_attribute("error.type", type(error).__qualname__)
    if isinstance(error, asyncio.CancelledError):
        span.set_attribute("kurt.outcome", "cancelled")
        return
    span.set_attribute("kurt.outcome", outcome or "failed")
    # Our own sentence; what a guest's exception says may hold anything.
    said = error.message if isinstance(error, KurtError) else None
    span.set_status(Status(StatusCode.ERROR, said))


def _lives_on(loader: _Lives, plugin_id: str) -> bool:
    try:
        return str(loader.get_plugin_state(plugin_id).status) in ("loaded", "active", "inactive")
    except KurtError:
        return False


def _describe(span: Span, loader: _Lives, plugin_id: str) -> None:
    try:
        state = loader.get_plugin_state(plugin_id)
    except KurtError:  # there is no such plugin
        return
    span.set_attribute("kurt.plugin.version", state.metadata.version)
    span.set_attribute("kurt.plugin.generation", state.generation)


def log_events(loader: _Tells, logger: logging.Logger | None = None) -> Callable[[], None]:
    """Write a log record for each event of a loader's plugins; return what ends it.

    A record has the attributes ``event``, ``plugin_id``, ``before``, ``after``,
    ``ms``, ``generation``, ``error`` (text or None) and ``detail`` (a list), for
    formatters that write them as fields. Failures are errors, what was left behind
    is a warning, the beginning of something is only for debugging.

    :param logger: :data:`LOGGER` if None.
    """
    chosen = logger or logging.getLogger(LOGGER)

    def write(event: PluginEvent) -> None:
        level = _LEVELS.get(event.name, logging.INFO)
        if not chosen.isEnabledFor(level):
            return
        error = None if event.error is None else str(event.error)
        fields = {
            "event": event.name,
            "plugin_id": event.plugin_id,
            "before": str(event.before),
            "after": str(event.after),
            "ms": round(event.ms, 3),
            "generation": event.generation,
            "error": error,
            "detail": list(event.detail),
        }
        message = f"{event.plugin_id} {event.name}"
        if event.ms:
            message += f" in {event.ms:.1f} ms"
        if event.detail:
            message += f": {', '.join(event.detail)}"
        if error:
            message += f": {error}"
        chosen.log(level, "%s", message, extra=fields)

    return loader.subscribe(write)
