"""From what a name stands for to a loaded extension: imported once, judged, and made ready once."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Mapping
from importlib.metadata import Distribution, EntryPoint
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

from .contract import Extension
from .errors import ContractError, KurtError, PluginLoadError
from .failure import load_error
from .importer import importing, refuse
from .instances import build_object, build_plugin, check_python, hooks_of, plugin_config, settled
from .managers import All, Driver, Enabled, Named, Ordered, Outcome
from .portal import Once
from .registering import Registrar, Registry

if TYPE_CHECKING:
    from collections.abc import Awaitable

    from .candidates import Candidate
    from .lookup import Found

__all__ = ["Loading"]


class Loading:
    """What one manager has loaded.

    :param registry: where decorators put what they decorate.
    :param settings: gives the resolved ``[skill.NAME]`` table of a skill.
    :param options: gives the resolved options of an extension, by kind and name.
    :param words: gives the words that manifests use for namespaces.
    """

    def __init__(
        self,
        registry: Registry,
        settings: Callable[[str], Mapping[str, Any]],
        options: Callable[[str, str], Mapping[str, Any]],
        words: Callable[[], Mapping[str, tuple[str, str]]],
    ) -> None:
        self.registry = registry
        self.outcomes: dict[str, Outcome] = {}
        self._settings = settings
        self._options = options
        self._words = words
        self._extensions: dict[tuple[str, str, str], Extension] = {}
        self._registered: set[str] = set()
        self._locks: dict[str, threading.RLock] = {}
        self._records: dict[str, dict[str, Any]] = {}
        self._once: dict[Extension, Once] = {}
        self._pending: dict[Extension, Awaitable[Any]] = {}
        self._live: list[Extension] = []

    def load(self, found: Found) -> Extension:
        """Return the extension, imported and built on first use.

        :raises PluginLoadError: when its code cannot be imported, or its object
            does not keep the contract; it may be tried again once it is mended.
        """
        known = self._extensions.get(_key(found))
        if known is not None:
            return known
        points = [self._point(found)]
        manager = Driver(found.kind.namespace, points, self._maker([found]), found.reference)
        self._note(manager.outcomes)
        return manager.driver

    def load_all(self, kind: Any, found: Iterable[Found]) -> list[Extension]:
        """Return the extensions of a kind that load, by the kind's pattern; note the others."""
        items = list(found)
        points = [self._point(item) for item in items]
        make = self._maker(items)
        names = [item.reference for item in items]
        manager: Named | Enabled | All
        if kind.pattern == "ordered":
            manager = Ordered(kind.namespace, points, make, names)
        elif kind.pattern == "enabled":
            manager = Enabled(kind.namespace, points, make, lambda point: point.name in names)
        elif kind.pattern == "all":
            manager = All(kind.namespace, points, make)
        else:
            manager = Named(kind.namespace, points, make, names)
        self._note(manager.outcomes)
        return manager.loaded()

    def ask(self, candidate: Candidate, value: str) -> None:
        """Run the code of a skill that registers what it offers; a failure is an outcome.

        :param value: ``module``, or ``module:register`` of a function to call.
        """
        with self._lock(candidate):
            if candidate.slug in self._registered:
                return
            point = EntryPoint(name=candidate.name, value=value, group="")
            outcome = _timed(candidate.name, lambda: self._register(candidate, point))
            if outcome.error is None:
                self._registered.add(candidate.slug)  # never before it succeeded
            self.outcomes[candidate.name] = outcome

    def _register(self, candidate: Candidate, point: EntryPoint) -> None:
        refuse(candidate)
        check_python(self.record(candidate), candidate.name)
        registrar = Registrar(self.registry, candidate.name)
        with registrar.collecting(), importing(self, candidate):
            plugin = point.load()
            if not isinstance(plugin, ModuleType):
                plugin()

    def record(self, candidate: Candidate) -> dict[str, Any]:
        """Return a candidate's manifest, read once."""
        found = self._records.get(candidate.location)
        if found is None:
            found = self._records[candidate.location] = candidate.record()
        return found

    def retain(self, keep: Callable[[str], bool]) -> None:
        """Forget the manifests, and the extensions whose skill is not to be kept."""
        self._records.clear()
        for key, extension in list(self._extensions.items()):
            if not keep(extension.skill):
                del self._extensions[key]

    def _note(self, outcomes: Mapping[str, Outcome]) -> None:
        self.outcomes.update(outcomes)

    def _lock(self, candidate: Candidate) -> threading.RLock:
        return self._locks.setdefault(candidate.slug, threading.RLock())

    def _maker(self, items: Iterable[Found]) -> Callable[[EntryPoint], Extension]:
        by_reference = {item.reference: item for item in items}

        def make(point: EntryPoint) -> Extension:
            found = by_reference[point.name]
            with self._lock(found.candidate):
                known = self._extensions.get(_key(found))
                if known is not None:
                    return known
                try:
                    extension = self._make(found, point)
                except KeyboardInterrupt:
                    raise
                except BaseException as error:
                    raise load_error(found.candidate, error, found.name) from error
                self._extensions[_key(found)] = extension
                return extension

        return make

    def _make(self, found: Found, point: EntryPoint) -> Extension:
        candidate = found.candidate
        root = candidate.location if candidate.is_folder else None
        if found.obj is not None:
            plugin, obj = found.obj, self._built(found, found.obj)
        else:
            record = self.record(candidate)
            check_python(record, candidate.name)
            self._judge(found, record)
            registrar = Registrar(self.registry, candidate.name)
            with registrar.collecting(), importing(self, candidate):
                plugin = point.load()
                if isinstance(plugin, ModuleType) and record["type"] is not None:
                    config = plugin_config(record, self._settings(candidate.name), candidate.name)
                    obj = build_plugin(plugin, record, config)
                else:
                    obj = self._built(found, plugin)
        extension = Extension(
            found.kind,
            candidate.name,
            found.name,
            obj,
            plugin=plugin,
            candidate=candidate,
            entry_point=point,
            root=root,
        )
        if hasattr(obj, "__await__"):  # an async factory; finished by ready()
            self._pending[extension] = obj
            self._once[extension] = Once()
        else:
            _check(extension)
            if hooks_of(obj) and not isinstance(obj, (type, ModuleType)):
                self._once[extension] = Once()
        return extension

    def _built(self, found: Found, plugin: Any) -> Any:
        """Return the object of what an entry point names: a class is called, with its options."""
        build = found.kind.facet("build")
        if build is not None:
            return build(plugin)
        options = self._options(found.kind.name, found.name)
        return build_object(plugin, options, found.kind.name, found.name)

    def _judge(self, found: Found, record: dict[str, Any]) -> None:
        """Look at the winner's own file once more: what an index says may be forged or stale."""
        candidate = found.candidate
        offer = (found.kind.namespace, found.value)
        if candidate.is_folder:
            from .distinfo import offers

            offered = [
                (group, value) for group, _, value in offers(record, self._words(), candidate.code)
            ]
        else:
            from .distinfo import parse_entry_points

            path = Path(candidate.dist_info, "entry_points.txt")
            groups = parse_entry_points(path.read_bytes())
            offered = [(group, value) for group in groups for _, value in groups[group]]
        if offer not in offered:
            raise PluginLoadError(
                f"{found.reference} is no longer what was discovered",
                cause=f"its own files do not offer {found.value} in {found.kind.namespace}",
                at=candidate.location,
                hint="run the command again, or call refresh()",
                skill=candidate.name,
            )

    def _point(self, found: Found) -> EntryPoint:
        # The reference as name: unique, so that stevedore never sees a conflict.
        value = found.value.split(" [")[0] or "registered"
        point = EntryPoint(name=found.reference, value=value, group=found.kind.namespace)
        if found.candidate.dist_info:
            distribution = Distribution.at(Path(found.candidate.dist_info))
            # The only way to a distribution that the standard library offers.
            point = point._for(distribution)  # type: ignore[attr-defined]
        return point

    @property
    def is_idle(self) -> bool:
        """Whether nothing that was loaded has a hook to be called at the end."""
        return not self._live and not self._pending

    def is_waiting(self, extension: Extension) -> bool:
        """Whether :meth:`ready` still has something to do for an extension."""
        once = self._once.get(extension)
        return once is not None and not once.done

    async def ready(self, extension: Extension) -> Extension:
        """Finish an async factory and call ``initialize`` and ``activate``, once for everybody.

        :raises PluginLoadError: when one of them fails; ``cleanup`` was called then.
        """
        once = self._once.get(extension)
        if once is not None and not once.done:
            await once.run(lambda: self._start(extension))
        return extension

    async def _start(self, extension: Extension) -> None:
        try:
            if extension in self._pending:
                extension.obj = await self._pending.pop(extension)
                _check(extension)
            for hook in hooks_of(extension.obj, ("initialize", "activate")):
                await settled(hook())
        except BaseException as error:
            self._forget(extension)
            for hook in hooks_of(extension.obj, ("cleanup",)):
                await _quietly(hook)
            if isinstance(error, (KeyboardInterrupt, GeneratorExit)) or _is_cancelled(error):
                raise
            raised = load_error(extension.candidate, error, extension.name)
            self.outcomes[extension.reference] = Outcome(
                extension.reference, "failed", error=raised
            )
            raise raised from error
        self._live.append(extension)

    def _forget(self, extension: Extension) -> None:
        for key, known in list(self._extensions.items()):
            if known is extension:
                del self._extensions[key]
        self._once.pop(extension, None)
        self._pending.pop(extension, None)

    async def close(self) -> None:
        """Call ``deactivate`` and ``cleanup`` of what was made ready, the last one first."""
        for extension in self._pending:
            close = getattr(self._pending[extension], "close", None)
            if close is not None:  # a coroutine that nobody will await
                close()
        self._pending.clear()
        while self._live:
            extension = self._live.pop()
            for hook in hooks_of(extension.obj, ("deactivate", "cleanup")):
                error = await _quietly(hook)
                if error is not None:
                    reference = extension.reference
                    self.outcomes[reference] = Outcome(reference, "failed", error=error)
        self._extensions.clear()
        self._once.clear()


def _key(found: Found) -> tuple[str, str, str]:
    # A plugin's capabilities share the one object of the plugin.
    name = found.value if found.value and ":" not in found.value else found.name
    return found.candidate.slug, found.kind.namespace, name


def _check(extension: Extension) -> None:
    """Raise unless the object keeps its kind's contract.

    A plugin.json's object in a kind that is called answers to its capabilities instead.
    """
    if extension.kind.call and isinstance(extension.plugin, ModuleType):
        return
    broken = extension.kind.broken_by(extension.obj)
    if broken:
        contract = extension.kind.contract_type()
        obj = extension.obj
        if contract in (obj if isinstance(obj, type) else type(obj)).__mro__:
            contract = None  # it is derived already, and lacks something else
        raise ContractError(
            f"{extension.reference} does not keep the contract of {extension.kind.namespace}",
            cause="\n".join(broken),
            hint=f"derive it from {contract.__module__}.{contract.__name__}" if contract else None,
            skill=extension.skill,
        )


def _timed(reference: str, work: Callable[[], None]) -> Outcome:
    from time import perf_counter

    start = perf_counter()
    error: BaseException | None = None
    try:
        work()
    except KeyboardInterrupt:
        raise
    except BaseException as raised:
        error = raised
    ms = (perf_counter() - start) * 1000
    return Outcome(reference, "failed" if error else "loaded", ms, error)


async def _quietly(hook: Callable[[], Any]) -> Exception | None:
    try:
        await settled(hook())
    except Exception as error:  # told by the outcome; the others must be called too
        return error
    return None


def _is_cancelled(error: BaseException) -> bool:
    import asyncio

    return isinstance(error, asyncio.CancelledError) and not isinstance(error, KurtError)
