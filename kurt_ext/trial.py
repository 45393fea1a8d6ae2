"""Take a plugin through its whole life in this process, and tell each step.

It is what an author does before a host runs: does it load, does it start, does
it let go of everything?
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from time import perf_counter
from typing import TYPE_CHECKING, Any, TypeVar

from .control_verbs import event_row, timing_rows
from .errors import KurtError

if TYPE_CHECKING:
    from .lifecycle import PluginEvent
    from .loader import PluginLoader
    from .session import Session

__all__ = ["LIFE", "PHASES", "Step", "Trial", "run", "run_all"]

T = TypeVar("T")

_LONG = 2.0  # seconds after which a person wants to know what is waited for

#: The steps of a life, in order.
LIFE = ("load", "activate", "deactivate", "unload")
#: The parts of a load and the hooks, in the order in which they come.
PHASES: tuple[str, ...] = (
    "check",
    "worker",
    "import",
    "construct",
    "initialize",
    "activate",
    "deactivate",
    "cleanup",
)


@dataclass(slots=True)
class Step:
    """One step of the life.

    :param name: ``load``, ``activate``, ``reload``, ``deactivate`` or ``unload``.
    :param ms: milliseconds.
    :param phases: what it consisted of, each in milliseconds.
    :param events: what happened meanwhile, to other plugins too.
    :param leaks: code that is still alive after an unload, and who holds it.
    """

    name: str
    ms: float = 0.0
    error: KurtError | None = None
    phases: dict[str, float] = field(default_factory=dict)
    events: list[dict[str, Any]] = field(default_factory=list)
    leaks: list[str] = field(default_factory=list)

    def as_dict(self) -> dict[str, Any]:
        """Return the fields for JSON output."""
        return {
            "step": self.name,
            "ok": self.error is None,
            "ms": round(self.ms, 3),
            "phases": self.phases,
            "events": self.events,
        }


@dataclass(slots=True)
class Trial:
    """What became of a plugin."""

    plugin_id: str
    steps: list[Step] = field(default_factory=list)

    @property
    def error(self) -> KurtError | None:
        """The first failure; None where it works."""
        return next((step.error for step in self.steps if step.error is not None), None)

    @property
    def left_behind(self) -> list[str]:
        """What the plugins left in the process that could not be undone."""
        return [
            f"{event['plugin_id']}: {text}"
            for step in self.steps
            for event in step.events
            if event["name"] == "left-behind"
            for text in event["detail"]
        ] + [f"{self.plugin_id}: {text}" for step in self.steps for text in step.leaks]


def run(session: Session, plugin_id: str, steps: Sequence[str] = LIFE, **wishes: Any) -> Trial:
    """Take a plugin through the steps; after a failure it is only unloaded.

    :param wishes: ``validate`` and ``force`` of the load.
    """

    async def work(loader: PluginLoader) -> Trial:
        trial = Trial(plugin_id)
        for name in steps:
            with _patient(session, f"{plugin_id}: {name}"):
                step = await _step(loader, plugin_id, name, _of(name, wishes))
            trial.steps.append(step)
            if step.error is not None:
                break
        return trial

    return _with_loader(session, work)


def run_all(
    session: Session, names: Sequence[str]
) -> tuple[list[dict[str, Any]], dict[str, KurtError]]:
    """Load and activate plugins one after the other; return the times, and who failed."""

    async def work(loader: PluginLoader) -> tuple[list[dict[str, Any]], dict[str, KurtError]]:
        failed: dict[str, KurtError] = {}
        for name in names:
            for step in ("load", "activate"):
                # What another one needs may be active already.
                if str(loader.get_plugin_state(name).status) == "active":
                    break
                with _patient(session, f"{name}: {step}"):
                    done = await _step(loader, name, step, {})
                if done.error is not None:
                    failed[name] = done.error
                    break
        return timing_rows(loader), failed

    return _with_loader(session, work)


def _with_loader(session: Session, work: Callable[[PluginLoader], Awaitable[T]]) -> T:
    async def main() -> T:
        from .loader import PluginLoader

        async with session.manager() as skills:
            loader = PluginLoader(skills=skills, quarantine=False)
            try:
                return await work(loader)
            finally:
                await loader.close()

    return asyncio.run(main())


@contextmanager
def _patient(session: Session, what: str) -> Iterator[None]:
    """Say on stderr what is waited for, where it takes long."""
    text = f"{what} takes its time; Ctrl-C ends the wait"
    handle = asyncio.get_running_loop().call_later(_LONG, session.note, text)
    try:
        yield
    finally:
        handle.cancel()


def _of(step: str, wishes: dict[str, Any]) -> dict[str, Any]:
    """Return the wishes that a step knows."""
    known = {"load": ("validate", "force"), "reload": ("validate",)}.get(step, ())
    return {key: value for key, value in wishes.items() if key in known}


async def _step(loader: PluginLoader, plugin_id: str, name: str, wishes: dict[str, Any]) -> Step:
    step = Step(name)
    before = _phases(loader, plugin_id)

    def hear(event: PluginEvent) -> None:
        step.events.append(event_row(event))

    leave = loader.subscribe(hear)
    start = perf_counter()
    try:
        await getattr(loader, f"{name}_plugin")(plugin_id, **wishes)
    except KurtError as error:
        step.error = error
    finally:
        step.ms = (perf_counter() - start) * 1000
        leave()
    if name == "unload" and step.error is None:  # an error's own traceback holds the code
        step.leaks = [str(leak) for leak in loader.leaks(plugin_id)]
    step.phases = {
        phase: round(ms - before.get(phase, 0.0), 3)
        for phase, ms in _phases(loader, plugin_id).items()
        if ms > before.get(phase, 0.0)
    }
    return step


def _phases(loader: PluginLoader, plugin_id: str) -> dict[str, float]:
    """Return how long each phase of a plugin took so far in all, in the order of a life."""
    found = dict.fromkeys(PHASES, 0.0)
    for item in loader.timings():
        if item.plugin_id == plugin_id and item.phase in found:
            found[item.phase] += item.ms
    return found
