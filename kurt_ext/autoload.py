"""Load at start what is to be loaded at start: in order, at one time, and each by itself."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from time import perf_counter
from typing import TYPE_CHECKING

from .dependencies import failed_with
from .errors import KurtError, QuarantinedError
from .hooks import unbroken
from .models import PluginState
from .portal import in_thread

if TYPE_CHECKING:
    from .candidates import Candidate
    from .loader import PluginLoader

__all__ = ["AutoLoad", "auto_load"]

#: Seconds that a plugin waits for those of a lower priority number to have begun.
_PATIENCE = 0.5


class AutoLoad(list[PluginState]):
    """The states of the plugins that were loaded, in the order of their loading.

    :ivar failed: id → why it could not be loaded; also what waits for such a one.
    :ivar skipped: id → why it was not to be loaded.
    :ivar ms: how long all of it took, in milliseconds.
    """

    def __init__(self) -> None:
        super().__init__()
        self.failed: dict[str, KurtError] = {}
        self.skipped: dict[str, str] = {}
        self.ms = 0.0


class _Plan:
    """What is to be loaded: id → priority, and what each waits for."""

    def __init__(self, loader: PluginLoader, answer: AutoLoad) -> None:
        self.loader = loader
        self.answer = answer
        self.priorities: dict[str, int] = {}
        self.disabled: set[str] = set()
        for candidate in loader.loadable_candidates():
            self._consider(candidate)
        found = loader.dependencies.order_of(list(self.priorities))
        self.needs = found.needs
        for name, error in found.unloadable.items():
            if name in self.priorities:
                answer.failed[name] = error
                del self.priorities[name]
        first = min(self.priorities.values(), default=100)
        for name in self.needs:  # what is needed is loaded, whatever its own auto_load says
            if name in found.unloadable or name in self.disabled or name in self.priorities:
                continue
            self.priorities[name] = first
            answer.skipped.pop(name, None)

    def _consider(self, candidate: Candidate) -> None:
        name = candidate.name
        try:
            chosen = self.loader.switches(candidate)
        except KurtError as error:
            if candidate.state == "broken":  # nothing that it would be asked to load
                self.answer.skipped[name] = candidate.reason or candidate.state
            else:
                self.answer.failed[name] = error
            return
        if not chosen.enabled:
            self.disabled.add(name)
            self.answer.skipped[name] = "it is not enabled"
        elif not chosen.auto_load:
            self.answer.skipped[name] = "auto_load is not set"
        elif candidate.state != "ready":
            self.answer.skipped[name] = candidate.reason or candidate.state
        else:
            self.priorities[name] = chosen.priority

    @property
    def order(self) -> list[str]:
        """The ids by priority, the lowest number first, then by name."""
        return sorted(self.priorities, key=lambda name: (self.priorities[name], name))

    def before(self, name: str) -> list[str]:
        """Return the ids of the next lower number; they have waited for those before them."""
        mine = self.priorities[name]
        lower = [number for number in self.priorities.values() if number < mine]
        if not lower:
            return []
        next_ = max(lower)
        return [
            other
            for other, number in self.priorities.items()
            if number == next_
            and other not in self.needs.get(name, ())
            and name not in self.needs.get(other, ())
        ]


async def auto_load(loader: PluginLoader) -> AutoLoad:
    """Load what is enabled and set to ``auto_load``; see :meth:`PluginLoader.auto_load_plugins`."""
    answer = AutoLoad()
    start = perf_counter()
    await loader.discover_plugins()
    if not loader.enable_auto_load:
        for candidate in loader.loadable_candidates():
            answer.skipped[candidate.name] = "this host loads nothing by itself"
        return answer
    plan = await unbroken(in_thread(_Plan, loader, answer))
    slots = asyncio.Semaphore(loader.concurrency)
    tasks: dict[str, asyncio.Task[PluginState]] = {}
    begun: dict[str, asyncio.Event] = {name: asyncio.Event() for name in plan.order}

    def hear(event: object) -> None:
        name = getattr(event, "plugin_id", "")
        if name in begun and getattr(event, "name", "") in ("initializing", "loaded", "failed"):
            begun[name].set()

    async def one(name: str) -> PluginState:
        others = [tasks[other] for other in plan.needs.get(name, ()) if other in tasks]
        if others:
            await asyncio.wait(others)
        try:
            _refuse_failed(loader, name, tasks)
            await _wait_for_lower(plan, name, begun)
            async with slots:
                return await loader.load_plugin(name)
        finally:
            begun[name].set()

    end = loader.subscribe(hear)
    try:
        for name in plan.order:
            tasks[name] = asyncio.ensure_future(one(name))
        if tasks:
            await asyncio.wait(tasks.values())
    finally:
        end()
        for task in tasks.values():
            task.cancel()
    for name, task in tasks.items():
        if task.cancelled():
            answer.skipped[name] = "it was given up while it was loaded"
            continue
        error = task.exception()
        if error is None:
            answer.append(task.result())
        elif isinstance(error, QuarantinedError):
            answer.skipped[name] = f"{error.message}: {error.cause}"
        elif isinstance(error, KurtError):
            answer.failed[name] = error
        elif error is not None:
            raise error
    answer.sort(key=lambda state: str(state.loaded_at))
    answer.ms = (perf_counter() - start) * 1000
    return answer


def _refuse_failed(
    loader: PluginLoader, name: str, tasks: Mapping[str, asyncio.Task[PluginState]]
) -> None:
    """Raise where what a plugin needs has failed just now: it would only fail once more."""
    for other in loader.dependencies.required(loader.candidate(name)):
        task = tasks.get(other)
        if task is not None and task.done() and not task.cancelled():
            failure = task.exception()
            if isinstance(failure, KurtError):
                raise failed_with(name, other, failure) from failure


async def _wait_for_lower(plan: _Plan, name: str, begun: dict[str, asyncio.Event]) -> None:
    """Wait until those of a lower number have begun, though not for one that hangs."""
    lower = [asyncio.ensure_future(begun[other].wait()) for other in plan.before(name)]
    if lower:
        await asyncio.wait(lower, timeout=_PATIENCE)
        for waiting in lower:
            waiting.cancel()
