"""What a running host can be asked to do with its plugins, by name."""

from __future__ import annotations

import os
import platform
from collections.abc import Awaitable, Callable, Mapping
from time import time
from typing import TYPE_CHECKING, Any

from .errors import KurtError, UsageError
from .wire import error_to, plain

if TYPE_CHECKING:
    from .lifecycle import PluginEvent
    from .loader import PluginLoader
    from .models import PluginState

__all__ = ["VERBS", "act", "event_row", "hello", "state_row", "timing_rows"]

_STARTED = time()


def state_row(state: PluginState) -> dict[str, Any]:
    """Return what a host tells of a plugin, as JSON values; no setting is among them."""

    def when(value: Any) -> str | None:
        return value.isoformat(timespec="milliseconds") if value is not None else None

    return {
        "plugin_id": state.metadata.plugin_id,
        "version": state.metadata.version,
        "status": str(state.status),
        "generation": state.generation,
        "loaded_at": when(state.loaded_at),
        "load_ms": round(state.load_ms, 3),
        "usage_count": state.usage_count,
        "last_used": when(state.last_used),
        "error": state.error_message,
        "way_back": state.way_back,
    }


def event_row(event: PluginEvent) -> dict[str, Any]:
    """Return an event of a plugin's life as JSON values."""
    error = event.error
    return {
        "name": event.name,
        "plugin_id": event.plugin_id,
        "before": str(event.before),
        "after": str(event.after),
        "ms": round(event.ms, 3),
        "generation": event.generation,
        "detail": list(event.detail),
        "error": None if error is None else error_to(error),
        "at": event.at.isoformat(timespec="milliseconds"),
    }


def timing_rows(loader: PluginLoader) -> list[dict[str, Any]]:
    """Return how long each phase of each plugin took, in milliseconds, the slowest first."""
    return [
        {"plugin_id": item.plugin_id, "phase": item.phase, "ms": round(item.ms, 3)}
        for item in loader.timings()
    ]


def hello(loader: PluginLoader, project: str) -> dict[str, Any]:
    """Return who answers: this process."""
    from . import __version__

    return {
        "pid": os.getpid(),
        "project": project,
        "version": __version__,
        "python": platform.python_version(),
        "started": round(_STARTED, 3),
        "runtime_version": loader.runtime_version,
        "plugin_directory": loader.skills.places.own_skills,
    }


async def act(loader: PluginLoader, verb: str, arguments: Mapping[str, Any]) -> Any:
    """Do what a verb says and return its answer.

    :raises UsageError: when there is no such verb, or its arguments do not fit.
    :raises KurtError: what the loader raises.
    """
    found = VERBS.get(verb)
    if found is None:
        raise UsageError(
            f"a host cannot be asked to {verb}", hint="it can be asked to " + ", ".join(VERBS)
        )
    takes, function = found
    for name, value in arguments.items():
        if name not in takes or not isinstance(value, takes[name]):
            raise UsageError(f"{verb} takes no {name!r} of {type(value).__name__}")
    missing = [name for name in takes if name == "plugin_id" and name not in arguments]
    if missing:
        raise UsageError(f"{verb} needs a plugin_id")
    return await function(loader, **arguments)


async def _list(loader: PluginLoader) -> list[dict[str, Any]]:
    return [state_row(state) for state in loader.list_plugins()]


async def _info(loader: PluginLoader, plugin_id: str) -> dict[str, Any]:
    state = state_row(loader.get_plugin_state(plugin_id))
    return {"state": state, "events": [], "runs": loader.whereabouts(plugin_id)}


async def _timing(loader: PluginLoader) -> list[dict[str, Any]]:
    return timing_rows(loader)


async def _config(loader: PluginLoader, plugin_id: str) -> dict[str, Any]:
    from .settings import hide

    state = loader.get_plugin_state(plugin_id)
    config = state.config
    values: dict[str, Any] = plain(
        {**config.model_dump(exclude={"config"}), "config": hide(config.config)}
    )
    return values


def _changing(work: Callable[..., Awaitable[Any]]) -> Callable[..., Awaitable[Any]]:
    """Make a verb of what changes a plugin: its answer tells the state, and what happened."""

    async def function(loader: PluginLoader, plugin_id: str, **more: Any) -> dict[str, Any]:
        events: list[dict[str, Any]] = []
        leave = loader.subscribe(lambda event: events.append(event_row(event)))
        try:
            await work(loader, plugin_id, **more)
        except KurtError as error:
            error.skill = error.skill or plugin_id
            raise
        finally:
            leave()
        return {"state": state_row(loader.get_plugin_state(plugin_id)), "events": events}

    return function


async def _load(loader: PluginLoader, plugin_id: str, **more: Any) -> None:
    await loader.discover_plugins()  # a person who asks means what is on disk now
    await loader.load_plugin(plugin_id, **more)


async def _reload(loader: PluginLoader, plugin_id: str, **more: Any) -> None:
    await loader.discover_plugins()
    await loader.reload_plugin(plugin_id, **more)


async def _activate(loader: PluginLoader, plugin_id: str) -> None:
    await loader.activate_plugin(plugin_id)


async def _deactivate(loader: PluginLoader, plugin_id: str) -> None:
    await loader.deactivate_plugin(plugin_id)


async def _unload(loader: PluginLoader, plugin_id: str) -> None:
    await loader.unload_plugin(plugin_id)


_ONE: dict[str, type] = {"plugin_id": str}
#: Verb → (argument → its type, what is done). ``hello`` comes besides.
VERBS: dict[str, tuple[dict[str, type], Callable[..., Awaitable[Any]]]] = {
    "list": ({}, _list),
    "info": (_ONE, _info),
    "config": (_ONE, _config),
    "load": ({**_ONE, "validate": bool, "force": bool}, _changing(_load)),
    "reload": ({**_ONE, "validate": bool}, _changing(_reload)),
    "activate": (_ONE, _changing(_activate)),
    "deactivate": (_ONE, _changing(_deactivate)),
    "unload": (_ONE, _changing(_unload)),
    "timing": ({}, _timing),
}
