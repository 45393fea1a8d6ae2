"""SkillManager: the front door to everything that is found, enabled, loaded and run."""

from __future__ import annotations

import atexit
import threading
from collections.abc import Awaitable, Coroutine, Iterable, Mapping
from concurrent.futures import CancelledError
from types import MappingProxyType, TracebackType
from typing import TYPE_CHECKING, Any, ClassVar, Self, TypeAlias

from .call_table import CallTable
from .calls import Call, FanOut
from .errors import ExtensionNotFoundError, TransitionError, UsageError
from .importer import FINDER
from .isolation import Isolation
from .kinds import GROUP, load_kinds
from .loading import Loading
from .lookup import REGISTERING_GROUP, Lookup
from .managers import Outcome
from .names import PACKAGE
from .partings import part
from .places import Places
from .portal import Blocked, Portal
from .readiness import Readiness
from .registering import LOADING, Registered, Registry
from .surrounding import Surrounding
from .syspath import hold, release

if TYPE_CHECKING:
    from asyncio import AbstractEventLoop

    from .binding import Surroundings
    from .candidates import Candidate
    from .config import Config
    from .contract import Extension, OnProgress, Target
    from .discovery import Discovery
    from .kinds import Kind, Kinds
    from .services import Services

__all__ = ["SkillManager", "register"]

# Named here, since `list` is a method below.
_Rows: TypeAlias = list[dict[str, Any]]


class SkillManager:
    """Find, enable, load and call extensions; a context manager, sync or async.

    ::

        with SkillManager() as skills:
            result = skills.run("archive", {"url": "https://example.com"})

        async with SkillManager() as skills:
            archive = skills.call("archive")
            result = await archive({"url": "https://example.com"})

    Nothing is read before it is needed, and nothing is imported before it is
    used. A manager may be shared between threads and tasks; a skill that is
    first used by many at once is imported once. Sync methods work with and
    without a running event loop: what is async runs on a loop of the manager's
    own while the caller's thread waits.

    :param project: the folder of the project; found from the working directory if None.
    :param places: the table of places; read from the environment if None.
    """

    _default: ClassVar[SkillManager | None] = None
    _default_lock: ClassVar[threading.Lock] = threading.Lock()

    def __init__(self, project: str | None = None, *, places: Places | None = None) -> None:
        self.places = places or Places(project)
        #: Calls by reference, made on first use: ``await skills.calls["archive"](…)``.
        self.calls = CallTable(self, self._surround)
        self._lock = threading.RLock()
        self._registry = Registry()
        self._portal = Portal()
        self._discovery: Discovery | None = None
        self._anew = False
        self._shims: tuple[str, ...] = ()
        self._kinds: Kinds | None = None
        self._lookup: Lookup | None = None
        self.loading = Loading(
            self._registry, self.settings, self.options, lambda: self.discover().words
        )
        self.readiness = Readiness(self.loading)
        self.isolation = Isolation(self)
        self.loading.isolation = self.isolation
        self._surrounding = Surrounding(self)

    # -- what there is ---------------------------------------------------------

    def discover(self) -> Discovery:
        """Return what was found: every copy of every skill, without importing any."""
        with self._lock:
            if self._discovery is None:
                from .discovery import discover

                self._discovery = discover(self.places, refresh=self._anew)
                self._anew = False
                FINDER.open(self.loading, self._discovery)
                if not self._shims:
                    scopes = ("project", "user", "builtin")
                    self._shims = hold([self.places.shim(scope) for scope in scopes])
            return self._discovery

    def refresh(self) -> Discovery:
        """Look again: what changed on disk or in the configuration counts from now on.

        Everything is read anew, whatever the index says. Extensions that are
        loaded stay loaded where their skill is still the same one, and enabled;
        calls are composed anew.
        """
        with self._lock:
            before = {row.name: (row.location, row.version) for row in self.discover().winners}
            self._discovery = self._kinds = self._lookup = None
            self._anew = True
            now = {row.name: (row.location, row.version) for row in self.discover().winners}
            self.loading.retain(lambda skill: now.get(skill) == before.get(skill))
            self._surrounding.recompose()
            self.calls.clear()
            return self.discover()

    def look(self) -> Discovery:
        """Look again at what there is; whatever is loaded stays as it is.

        Unlike :meth:`refresh` it reads only what has changed.
        """
        with self._lock:
            self._discovery = self._kinds = self._lookup = None
            self.loading.forget_records()
            return self.discover()

    @property
    def config(self) -> Config:
        """The configuration that the skills were found under."""
        return self.discover().config

    @property
    def services(self) -> Services:
        """The services of this manager, those that are started and those that can be."""
        return self._surrounding.services

    @property
    def kinds(self) -> Kinds:
        """The kinds of this environment, by name."""
        with self._lock:
            if self._kinds is None:
                self._kinds = load_kinds(self.discover().entry_points(GROUP))
            return self._kinds

    @property
    def outcomes(self) -> Mapping[str, Outcome]:
        """What became of each extension that was to be loaded, by reference."""
        return MappingProxyType(self.loading.outcomes)

    @property
    def lookup(self) -> Lookup:
        """Names, as this manager sees them."""
        with self._lock:
            if self._lookup is None:
                ask = self.loading.ask
                self._lookup = Lookup(self.discover(), self.kinds, self._registry, ask)
            return self._lookup

    def list(self) -> _Rows:
        """Return a row per copy of a skill, with its extensions and whether each is enabled."""
        from .stories import listed

        return listed(self.discover())

    def info(self, name: str) -> dict[str, Any]:
        """Return the row of a skill with its whole manifest, under ``manifest``.

        :param name: a skill, or an extension of one.
        :raises NotFoundError: when nothing has the name.
        """
        from .stories import info

        return info(self, name)

    def explain(self, name: str) -> dict[str, Any]:
        """Tell the story of a name: each copy, which wins, what is enabled and why, what failed.

        Nothing is imported for it.

        :raises NotFoundError: when nothing has the name.
        """
        from .stories import explain

        return explain(self, name)

    def resolve(self, reference: str) -> tuple[Candidate, Kind[Any], str]:
        """Return the skill, the kind and the extension's name that a reference means.

        :param reference: ``SKILL:EXTENSION``, an extension's name, or a skill's
            where it has one extension that can be called.
        :raises NotFoundError: when nothing has the name.
        :raises AmbiguousNameError: when several have it.
        :raises DisabledError: when the configuration does not enable it.
        :raises UntrustedError: when its skill's folder is not trusted.
        """
        found = self.lookup.find(reference)
        return found.candidate, found.kind, found.name

    # -- what is enabled -------------------------------------------------------

    def enable(self, reference: str, *, scope: str = "project") -> None:
        """Enable an extension, or all that a skill offers, in ``kurt.toml``.

        :param scope: ``project`` or ``user``: the file to write.
        :raises NotFoundError: when nothing has the name.
        :raises ConfigError: when the file cannot be read or written.
        """
        self._switch(reference, scope, on=True)

    def disable(self, reference: str, *, scope: str = "project") -> None:
        """Disable an extension, or all that a skill offers, in ``kurt.toml``.

        :raises NotFoundError: when nothing has the name.
        :raises ConfigError: when the file cannot be read or written.
        """
        self._switch(reference, scope, on=False)

    def _switch(self, reference: str, scope: str, *, on: bool) -> None:
        from .stories import switch

        switch(self, reference, scope, on=on)
        self.refresh()

    # -- what is loaded --------------------------------------------------------

    def load(self, reference: str) -> Extension:
        """Return an extension, imported on first use and ready.

        :raises PluginLoadError: when it cannot be loaded.
        """
        extension = self.loading.load(self.lookup.find(reference))
        if self.readiness.is_waiting(extension):
            self._portal.run(self.readiness.ready(extension))
        self.readiness.use(extension)
        return extension

    async def aload(self, reference: str) -> Extension:
        """Return an extension, as :meth:`load`; its async hooks run on the running loop."""
        return await self.readiness.ready(self.loading.load(self.lookup.find(reference)))

    def load_skill(self, name: str) -> Candidate:
        """Import everything that a skill offers and the configuration enables; return its row.

        :raises SkillNotFoundError: when there is no such skill.
        :raises PluginLoadError: when some of it cannot be loaded.
        """
        candidate = self.discover().skill(name)
        from .importer import refuse

        refuse(candidate)
        for group, offered, value in candidate.offers:
            kind = self.kinds.of(group)
            if group == REGISTERING_GROUP:
                self.loading.ask(candidate, value)
                outcome = self.loading.outcomes[candidate.name]
                if outcome.error is not None:
                    from .failure import load_error

                    raise load_error(candidate, outcome.error)
            elif kind and self.lookup.verdict(kind, candidate.name, offered).enabled:
                self.load(f"{candidate.name}:{offered}")
        return candidate

    def load_all(self, namespace: str) -> tuple[Extension, ...]:
        """Return every enabled extension of a namespace that loads; outcomes tell of the others."""
        kind = self.kind(namespace)
        extensions = self.loading.load_all(kind, self.lookup.enabled(kind))
        for extension in extensions:
            if self.readiness.is_waiting(extension):
                self._portal.run(self.readiness.ready(extension))
        return tuple(extensions)

    def driver(self, namespace: str, role: str) -> Extension:
        """Return the one extension that fills a role: the configured choice, or the default."""
        extension = self._surrounding.driver(self.kind(namespace), role)
        if self.readiness.is_waiting(extension):
            self._portal.run(self.readiness.ready(extension))
        return extension

    def register(self, namespace: str, name: str, obj: Any, *, skill: str | None = None) -> None:
        """Add an extension by hand, under the name of the module that defines it.

        :raises UsageError: when no kind has that namespace, or the name is empty.
        """
        if not isinstance(name, str) or not name:
            raise UsageError(f"{obj!r} cannot be registered without a name")
        owner = skill or _owner(obj)
        self._registry.add(Registered(namespace, name, owner, obj))
        self.calls.clear()

    def kind(self, namespace: str) -> Kind[Any]:
        """Return the kind of a namespace or a kind's word.

        :raises ExtensionNotFoundError: when there is none.
        """
        kind = self.kinds.of(namespace) or self.kinds.get(namespace)
        if kind is None:
            raise ExtensionNotFoundError(
                f"no kind has the namespace {namespace}",
                candidates=[kind.namespace for kind in self.kinds.values()],
            )
        return kind

    # -- what is called --------------------------------------------------------

    def call(self, reference: str) -> Call:
        """Return an extension ready to be called; keep it for the fast way.

        :raises UsageError: when the extension is not of a kind that is called by name.
        """
        found = self.calls.find(reference)
        extension = self.loading.load(found)
        if self.readiness.is_waiting(extension):
            return self._portal.run(self.acall(reference))
        call = self.calls.make(found, extension)
        return (
            call if self.loading.is_current(extension) else self._portal.run(self.acall(reference))
        )

    async def acall(self, reference: str) -> Call:
        """Return an extension ready to be called, as :meth:`call`."""
        for last in (False, False, True):
            found = self.calls.find(reference)
            extension = self.loading.load(found)
            try:
                call = self.calls.make(found, await self.readiness.ready(extension))
            except TransitionError:
                if last or self.loading.is_current(extension):
                    raise
            else:
                # In another thread a reload may have bound all calls before this one was known.
                if last or self.loading.is_current(extension):
                    return call
        raise AssertionError("unreachable")

    async def arun(
        self,
        reference: str,
        arguments: Any = None,
        on_progress: OnProgress | None = None,
        timeout: float | None = None,
    ) -> Any:
        """Call an extension by name and return its result.

        :param arguments: a mapping, or a ready instance of the input model.
        :param timeout: seconds.
        :raises CallError: when the call fails; see :class:`kurt_ext.calls.Call`.
        """
        call = dict.get(self.calls, reference)
        if call is None:
            call = self.calls[reference] = await self.acall(reference)
        return await call.run(arguments, on_progress, timeout)

    def wait(self, coroutine: Coroutine[Any, Any, Any]) -> Any:
        """Return what a coroutine gives; it runs where the sync calls of this manager run.

        :raises UsageError: when called from there.
        """
        return self._portal.run(coroutine)

    def run(
        self,
        reference: str,
        arguments: Any = None,
        on_progress: OnProgress | None = None,
        timeout: float | None = None,
    ) -> Any:
        """Call an extension by name, wait for it, and return its result.

        :raises UsageError: when called from within an extension that runs on
            the manager's own loop.
        :raises CallCancelledError: when it was cancelled.
        """
        try:
            return self._portal.run(self.arun(reference, arguments, on_progress, timeout), timeout)
        except Blocked as error:
            raise self.calls[reference].timed_out(timeout or 0.0) from error
        except CancelledError as error:
            call = dict.get(self.calls, reference)
            if call is None:
                raise
            raise call.target.failures.cancelled(
                f"{reference} was cancelled", skill=call.extension.skill
            ) from error

    def fan_out(self, references: Iterable[str]) -> FanOut:
        """Return several calls as one: ``await skills.fan_out(names)(params)``."""
        return FanOut([self.calls[reference] for reference in references])

    def _surround(self, extension: Extension, target: Target) -> Awaitable[Surroundings]:
        return self._surrounding.of(extension, target.uses)

    def loops(self) -> tuple[AbstractEventLoop, ...]:
        """Return the loops of this manager's own that calls may run on."""
        loop = self._portal.loop
        return (loop,) if loop is not None else ()

    def call_limit(self, extension: Extension) -> float | None:
        """Return the seconds that calls of a skill may take by its configuration, or None.

        That is ``max_execution_time_seconds`` of its ``sandbox_config_override``, in
        config.json or under ``[plugin.NAME]`` (plugin document, "PluginConfig").
        """
        candidate = extension.candidate
        if candidate is None or not candidate.location:
            return None
        admitted = self.loading.life(candidate).admitted
        if admitted is not None:
            override = admitted.config.sandbox_config_override
        else:
            shipped = self.loading.record(candidate).get("config") or {}
            override = {
                **(shipped.get("sandbox_config_override") or {}),
                **(self.config.plugin(candidate.name).get("sandbox_config_override") or {}),
            }
        limit = override.get("max_execution_time_seconds")
        return limit if isinstance(limit, (int, float)) and limit > 0 else None

    def settings(self, skill: str) -> Mapping[str, Any]:
        """Return the settings of a skill, ``env:`` references replaced."""
        resolved: Mapping[str, Any] = self.config.resolve(skill, trusts=self._trusts)
        return resolved

    def options(self, kind: str, extension: str) -> Mapping[str, Any]:
        """Return the options of an extension, ``env:`` references replaced."""
        resolved: Mapping[str, Any] = self.config.resolve_options(
            kind, extension, trusts=self._trusts
        )
        return resolved

    def _trusts(self, path: str) -> bool:
        from .trust import Trust

        return Trust.load(self.places).covers(path)

    # -- a life ----------------------------------------------------------------

    async def aclose(self) -> None:
        """Stop services and extensions, the last one first; the manager may be used again."""
        await self._stop()
        self._release()

    def close(self) -> None:
        """Stop services and extensions, as :meth:`aclose`, on the manager's own loop."""
        if not (self._surrounding.is_idle and self.readiness.is_idle):
            self._portal.run(self._stop())
        self._release()

    async def _stop(self) -> None:
        await self._surrounding.close()
        await self.readiness.close()

    def _release(self) -> None:
        self.calls.clear()
        self._portal.close()
        FINDER.close(self.loading)
        with self._lock:
            release(self._shims)
            self._shims = ()
            self._discovery = self._kinds = self._lookup = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.aclose()

    # -- the one of the process --------------------------------------------------

    @classmethod
    def default(cls) -> Self:
        """Return the manager of this process, made on first use and closed at exit.

        A subclass that asks after a base class made it is given another face
        of the same manager.
        """
        with SkillManager._default_lock:
            found = SkillManager._default
            if not isinstance(found, cls):
                made = cls.__new__(cls)
                if found is None:
                    made.__init__()  # type: ignore[misc]
                    part()
                    atexit.register(SkillManager.close_default)
                else:
                    made.__dict__ = found.__dict__
                found = SkillManager._default = made
            return found

    @staticmethod
    def close_default() -> None:
        """Close the manager of this process; the next :meth:`default` makes a new one."""
        with SkillManager._default_lock:
            found, SkillManager._default = SkillManager._default, None
            atexit.unregister(SkillManager.close_default)
        if found is not None:
            found.close()


def _owner(obj: Any) -> str:
    """Return the name that an object registered by hand goes under: that of its module."""
    module = str(getattr(obj, "__module__", None) or "registered")
    parts = module.split(".")
    top = parts[1] if parts[0] == PACKAGE and len(parts) > 1 else parts[0]
    return top.strip("_").replace("_", "-").lower() or "registered"


def register(namespace: str, name: str, obj: Any) -> None:
    """Register an object with the manager that is loading here, else with the default one."""
    loading = LOADING.get()
    if loading is not None:
        loading.add(namespace, name, obj)
    else:
        SkillManager.default().register(namespace, name, obj)
