"""PluginLoader: take plugins through their lives while the host runs.

A plugin is a skill as the loader sees it: a folder with a plugin.json or a
SKILL.md, or an installed distribution. What is found, enabled and trusted is
decided where it always is; the loader adds *when*: it loads, activates,
reloads and unloads, and it says of each plugin what became of it.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from time import perf_counter
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from . import stages
from .admission import Admission
from .audience import Audience, Handler
from .autoload import AutoLoad, auto_load
from .dependencies import Dependencies
from .errors import KurtError, SkillNotFoundError
from .flights import Flight, Wish
from .freshness import Freshness
from .hooks import Late, bounded, unbroken
from .lifecycle import PluginEvent, PluginStatus, require
from .manager import SkillManager
from .models import PluginConfig, PluginMetadata, PluginState, PluginType
from .names import slug
from .places import Places
from .portal import in_thread
from .reloading import Reload
from .states import ALIVE, States, kinds_of
from .telemetry import traced
from .transitions import Transitions

if TYPE_CHECKING:
    from .candidates import Candidate
    from .leaks import Leak
    from .life import Life, Timing
    from .plugin_validator import PluginValidator

__all__ = ["PluginLoader"]

#: The distribution that this program is; its own extensions are nobody's plugins.
_OURS = "kurt-ext"
_LOADED = (PluginStatus.LOADED, PluginStatus.ACTIVE)


class PluginLoader:
    """Load, activate, reload and unload plugins at run time.

    ::

        async with PluginLoader(plugin_directory="plugins") as loader:
            state = await loader.load_plugin("com.example.calculator")
            await loader.activate_plugin("com.example.calculator")
            result = await state.instance.arithmetic("2 + 2")

    Each plugin has one lock: what is asked of it at one time happens in turn,
    and five loads at once make one instance. A failure leaves it FAILED with
    its reason, and harms no other.

    :param plugin_directory: the folder of plugin folders; a program that names it
        trusts it. None = the skills of the project, the user and the environment.
    :param validator: judges a plugin before its code is imported; None = the default one.
    :param enable_auto_load: whether :meth:`auto_load_plugins` loads anything.
    :param skills: the front door to work through; one of its own if None.
    :param runtime_version: the host's version, SemVer, that manifests ask for.
    :param hook_timeout: seconds that a hook is given where nothing else is configured.
    :param drain_timeout: seconds that calls under way are given to end before the
        code that they run in is cleaned up.
    :param concurrency: how many plugins are loaded at one time by auto-load.
    :param quarantine: whether a plugin that fails again and again is held back; a
        trial neither holds back nor counts.
    """

    def __init__(
        self,
        plugin_directory: str | os.PathLike[str] | None = None,
        validator: PluginValidator | None = None,
        enable_auto_load: bool = True,
        *,
        skills: SkillManager | None = None,
        runtime_version: str = "1.0.0",
        hook_timeout: float = stages.LIMIT,
        drain_timeout: float = 5.0,
        concurrency: int = 8,
        quarantine: bool = True,
    ) -> None:
        self.plugin_directory = Path(plugin_directory) if plugin_directory is not None else None
        self.enable_auto_load = enable_auto_load
        self.runtime_version = runtime_version
        self.hook_timeout = hook_timeout
        self.drain_timeout = drain_timeout
        self.concurrency = concurrency
        self._owns = skills is None
        if skills is None:
            folder = os.path.abspath(plugin_directory) if plugin_directory is not None else None
            skills = SkillManager(places=Places(skills=folder) if folder else None)
        self.skills = skills
        self._loading = skills.loading
        self.admission = Admission(skills, validator, runtime_version, quarantine=quarantine)
        self.dependencies = Dependencies(self)
        self._states = States(self.admission)
        self.freshness = Freshness(skills)
        self.transitions = Transitions(self, self._states)
        self._flights: dict[str, Flight] = {}
        #: Who is told of events, and what runs beside.
        self.audience = Audience()
        self._loading.listeners.append(self._hear)
        skills.calls.count()

    # -- what there is ---------------------------------------------------------

    async def discover_plugins(self) -> list[PluginMetadata]:
        """Look again and return the manifests of the plugins that there are; nothing is imported.

        With a plugin directory, those that lie in it; a manifest that cannot be
        read is told by :attr:`problems`.
        """
        return await asyncio.to_thread(self._discover)

    def _discover(self) -> list[PluginMetadata]:
        self.skills.look()
        found = []
        for candidate in self._own():
            try:
                found.append(self.admission.metadata(candidate))
            except (KurtError, ValueError, OSError):
                continue  # its findings are among the problems
        return found

    def _own(self) -> list[Candidate]:
        """Return the candidates that this loader lists: with code, or broken."""
        folder = os.path.abspath(self.plugin_directory) if self.plugin_directory else None
        return [
            candidate
            for candidate in self.skills.discover().winners
            if (candidate.code or candidate.state == "broken")
            and candidate.distribution != _OURS
            and (candidate.offers or candidate.is_folder)
            and (folder is None or _lies_in(candidate.location, folder))
        ]

    @property
    def problems(self) -> dict[str, str]:
        """Why a plugin that was found cannot be used, by its name."""
        return {
            candidate.name: candidate.reason or ""
            for candidate in self._own()
            if candidate.state in ("broken", "untrusted")
        }

    def candidate(self, plugin_id: str) -> Candidate:
        """Return the copy of a plugin that counts; looks again where it is not known yet.

        :raises SkillNotFoundError: when there is none of that id, with the nearest ones.
        """
        try:
            return self.skills.discover().skill(plugin_id)
        except SkillNotFoundError:
            return self.skills.look().skill(plugin_id)

    async def _life(self, plugin_id: str) -> Life:
        """Return the life of a plugin; what must be read for it is read in a thread."""
        known = self._loading.lives.get(slug(plugin_id)) if plugin_id else None
        if known is not None and known.candidate.location:
            return known
        return self._loading.life(await unbroken(in_thread(self.candidate, plugin_id)))

    def get_plugin_state(self, plugin_id: str) -> PluginState:
        """Return what has become of a plugin; UNLOADED where nothing has.

        The object is kept true while the plugin lives.

        :raises SkillNotFoundError: when nothing has the id.
        :raises ManifestError: when its manifest cannot be used.
        """
        life = self._loading.lives.get(slug(plugin_id)) if plugin_id else None
        if life is not None and life.status != PluginStatus.UNLOADED:
            return self._state(life.candidate)  # its folder may be gone
        return self._state(self.candidate(plugin_id))

    def _state(self, candidate: Candidate) -> PluginState:
        return self._states.of(self._loading.life(candidate), candidate)

    def printed(self, plugin_id: str) -> str:
        """Return the end of what an isolated plugin printed and logged, without its secrets.

        A worker's output goes nowhere else. What runs in this process prints here; of that,
        and of a worker that has ended, nothing is kept.
        """
        life = self._loading.lives.get(slug(plugin_id))
        generation = life.generation if life is not None else None
        housing = generation.housing if generation is not None else None
        return housing.printed() if housing and housing is not ... else ""

    def whereabouts(self, plugin_id: str) -> dict[str, Any]:
        """Return where the code of a plugin runs, and what holds it there.

        :raises SkillNotFoundError: when there is none of that name.
        """
        from .whereabouts import present

        life = self._loading.lives.get(slug(plugin_id))
        candidate = self.candidate(plugin_id) if life is None else life.candidate
        return present(self._loading.isolation, life, candidate, self._loading.record(candidate))

    def list_plugins(
        self,
        status_filter: PluginStatus | str | None = None,
        type_filter: PluginType | str | None = None,
    ) -> list[PluginState]:
        """Return the states of the plugins that were found, in the order of discovery.

        :param status_filter: those in one state only.
        :param type_filter: those of one kind only, by its word.
        """
        slugs = {candidate.slug: candidate for candidate in self._own()}
        for key, life in self._loading.lives.items():
            is_used = life.status != PluginStatus.UNLOADED and life.candidate.location
            if is_used and life.candidate.distribution != _OURS:
                slugs.setdefault(key, life.candidate)
        found = []
        for candidate in slugs.values():
            try:
                state = self._state(candidate)
            except (KurtError, ValueError, OSError):
                continue
            if status_filter is not None and state.status != status_filter:
                continue
            if type_filter is not None and type_filter not in kinds_of(candidate, state):
                continue
            found.append(state)
        return found

    # -- a life ----------------------------------------------------------------

    @traced("kurt.load")
    async def load_plugin(
        self,
        plugin_id: str,
        config: PluginConfig | Mapping[str, Any] | None = None,
        validate: bool = True,
        *,
        force: bool = False,
        isolation: str | None = None,
    ) -> PluginState:
        """Import a plugin, make its object and call ``initialize``; what it needs is loaded first.

        A plugin that is LOADED or ACTIVE stays as it is.

        :param config: has the last word over config.json and ``kurt.toml``.
        :param validate: judge it before anything of it is imported.
        :param force: load it although it is held back after repeated failures.
        :param isolation: ``strict``, ``auto`` or ``none``, before what is configured; kept
            for its reloads. See :mod:`kurt_ext.isolation`.
        :raises TransitionError: when it is INACTIVE, UNLOADING, or loading itself.
        :raises PluginValidationError: when the validator finds errors.
        :raises PluginLoadError: when it, or a plugin that it needs, cannot be loaded.
        :raises ConfigError: when its configuration does not fit its schema.
        :raises PolicyError: when it is not trusted, not enabled, or held back.
        :raises IsolationError: when it is to be strictly isolated, and cannot be.
        """
        life = await self._life(plugin_id)
        candidate, wish = life.candidate, Wish(config, validate, force, isolation)
        flight = self._flights.get(candidate.slug)
        if flight is None or flight.task.get_loop() is not asyncio.get_running_loop():
            flight = Flight(asyncio.ensure_future(self._load_in_turn(life, wish)))
            self._flights[candidate.slug] = flight
        flight.waiting += 1
        try:
            return await life.turn.join(flight.task)
        finally:
            flight.waiting -= 1
            if self._flights.get(candidate.slug) is flight and not flight.waiting:
                del self._flights[candidate.slug]
            if not flight.waiting and not flight.task.done():
                await flight.cancel()  # nobody wants it any more

    async def _load_in_turn(self, life: Life, wish: Wish) -> PluginState:
        async with life.turn:
            await self._after_first_use(life)
            if life.status in _LOADED:
                return self._state(life.candidate)
            require(life.name, life.status, "load")
            await self.transitions.load(life, wish)
            return self._state(life.candidate)

    async def _after_first_use(self, life: Life) -> None:
        """Wait for a first use by name that was under way when the turn was taken."""
        if life.status == PluginStatus.LOADING:
            with suppress(Late):
                limit = life.limit or self.hook_timeout
                await bounded(self._loading.settle, life.candidate, limit=limit)

    def loadable_candidates(self) -> list[Candidate]:
        """Return the candidates that this loader may load by itself."""
        return self._own()

    def switches(self, candidate: Candidate) -> PluginConfig:
        """Return how a plugin is to be loaded: ``enabled``, ``auto_load``, ``priority``.

        :raises KurtError: when that cannot be read.
        """
        record = self.skills.loading.record(candidate)
        return self.admission.settings(candidate, record).config

    async def activate_plugin(self, plugin_id: str) -> None:
        """Call ``activate``: a plugin that is LOADED or INACTIVE becomes ACTIVE.

        What it needs is activated first.

        :raises TransitionError: from any other state.
        :raises HookError: when the hook fails; the plugin is cleaned up and FAILED then.
        """
        life = await self._life(plugin_id)
        await self.dependencies.activate_for(life)
        async with life.turn:
            await self._after_first_use(life)
            require(life.name, life.status, "activate")
            await self.transitions.activate(life)

    async def deactivate_plugin(self, plugin_id: str) -> None:
        """Call ``deactivate``: a plugin that is ACTIVE or LOADED becomes INACTIVE.

        Calls of it are refused from then on; those under way end as they began.

        :raises TransitionError: from any other state.
        :raises HookError: when the hook fails; the plugin is cleaned up and FAILED then.
        """
        life = await self._life(plugin_id)
        async with life.turn:
            await self._after_first_use(life)
            require(life.name, life.status, "deactivate")
            await self.transitions.deactivate(life)

    async def unload_plugin(self, plugin_id: str) -> None:
        """Deactivate a plugin where it is ACTIVE, call ``cleanup``, and forget its code.

        Calls under way are waited for, as long as ``drain_timeout``. What the plugin
        started or changed in this process is undone; what cannot be is reported
        by the event ``left-behind``.

        :raises TransitionError: when it is not loaded, or a loaded plugin needs it.
        :raises HookError: when a hook fails; its code is forgotten nonetheless, and
            the plugin is FAILED.
        """
        life = await self._life(plugin_id)
        async with life.turn:
            await self._after_first_use(life)
            require(life.name, life.status, "unload")
            self.dependencies.refuse_needed(life)
            await self.transitions.unload(life)

    @traced("kurt.reload")
    async def reload_plugin(self, plugin_id: str, validate: bool = True) -> PluginState:
        """Put new code in the place of the old, with the same configuration.

        The new code is imported beside the old one, checked, initialized and, where
        the old one is ACTIVE, activated; then it takes its place in one step. Calls
        under way end on the old code, which is then deactivated and cleaned up. If
        anything fails, the old code runs on as if nothing had happened.

        :param validate: judge the new code before it is imported.
        :raises TransitionError: when the plugin is not loaded.
        :raises KurtError: why the new code does not run; the old one still does.
        """
        life = await self._life(plugin_id)
        async with life.turn:
            await self._after_first_use(life)
            require(life.name, life.status, "reload")
            wish = Wish(life.given, validate, True)
            if life.status == PluginStatus.FAILED:
                await self.transitions.load(life, wish)
            else:
                await Reload(self, life).run(wish)
            return self._state(life.candidate)

    async def auto_load_plugins(self) -> AutoLoad:
        """Load every plugin that is enabled and to be loaded at start; return those that were.

        What they need is loaded before them, a lower ``priority`` begins before a
        higher one, and what does not depend on each other loads at one time. One that
        fails harms no other: ``failed`` and ``skipped`` of the answer say what
        became of the rest.
        """
        return await auto_load(self)

    async def close(self, limit: float | None = None) -> None:
        """Unload every plugin, the last one first; a failure is told by its event.

        :param limit: seconds for all of it; None = each hook's own time.
        """
        until = perf_counter() + limit if limit is not None else None
        if limit is not None:
            for life in self._loading.lives.values():
                life.limit = min(life.limit or self.hook_timeout, limit)
        for flight in list(self._flights.values()):
            await flight.cancel()
        await self._settled(until)
        alive = [life for life in self._loading.lives.values() if life.status in ALIVE]
        for life in sorted(alive, key=lambda life: life.order, reverse=True):
            if until is not None:
                left = max(0.05, until - perf_counter())
                life.limit = min(life.limit or self.hook_timeout, left)
            try:
                async with life.turn:
                    if life.status in ALIVE:
                        await self.transitions.unload(life, thorough=False)
            except KurtError:
                continue  # told by its event
        await self._settled(until)
        if self._hear in self._loading.listeners:
            self._loading.listeners.remove(self._hear)
        if self._owns:
            await self.skills.aclose()

    async def _settled(self, until: float | None) -> None:
        working = self.drain_timeout + self.hook_timeout
        await self.audience.settle(until, telling=self.hook_timeout, working=working)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.close()

    # -- what is told ------------------------------------------------------------

    def subscribe(self, handler: Handler) -> Callable[[], None]:
        """Call ``handler`` with every event; return the function that ends it.

        An async handler runs in a task. What a handler raises is logged and harms nobody.
        """
        return self.audience.subscribe(handler)

    def _hear(self, event: PluginEvent) -> None:
        life = self._loading.lives.get(slug(event.plugin_id))
        if life is not None:
            self._states.show(life)
        self.audience.tell(event)

    def leaks(self, plugin_id: str | None = None) -> list[Leak]:
        """Return old code that is still alive after a reload or an unload, and who holds it.

        Garbage is collected for it, which takes from some milliseconds on.

        :param plugin_id: of one plugin only.
        """
        from .leaks import leaks_of

        lives = [life for life in self._loading.lives.values() if plugin_id in (None, life.name)]
        return [leak for life in lives for leak in leaks_of(life.name, life.relics)]

    def timings(self) -> list[Timing]:
        """Return how long each step of each plugin took, the slowest first."""
        rows = [timing for life in self._loading.lives.values() for timing in life.timings]
        return sorted(rows, key=lambda timing: -timing.ms)


def _lies_in(path: str, folder: str) -> bool:
    real, base = os.path.realpath(path), os.path.realpath(folder)
    return real == base or real.startswith(base.rstrip(os.sep) + os.sep)
