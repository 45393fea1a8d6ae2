"""What is loaded: the code of each skill imported once, and what has become of the skill."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from importlib import import_module
from importlib.metadata import EntryPoint
from time import perf_counter
from types import ModuleType
from typing import TYPE_CHECKING, Any

from .contract import Extension
from .environments import check_isolation
from .errors import KurtError
from .factory import Factory, point_of
from .failure import load_error
from .importer import importing, is_stale, modules_of, refuse, unload
from .instances import check_python
from .life import Generation, Life, Listener
from .lifecycle import PluginEvent, PluginStatus
from .managers import All, Driver, Enabled, Named, Ordered, Outcome
from .masking import Masker
from .registering import Registered, Registrar, Registry
from .sandbox.remote import Offered
from .settings import hide

if TYPE_CHECKING:
    from .candidates import Candidate
    from .housing import Housing
    from .isolation import Isolation
    from .lookup import Found

__all__ = ["LOG", "Loading"]

#: Where everything about lives is logged.
LOG = logging.getLogger("kurt_ext.plugins")


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
        #: Told of every event of every life; what one raises is logged.
        self.listeners: list[Listener] = []
        #: What has become of each skill that something was asked of, by slug.
        self.lives: dict[str, Life] = {}
        #: Decides where code lives; None = in this process.
        self.isolation: Isolation | None = None
        self._settings = settings
        self._factory = Factory(self, settings, options, words)
        self._locks: dict[str, threading.RLock] = {}
        self._building = threading.RLock()
        self._records: dict[str, dict[str, Any]] = {}

    def life(self, candidate: Candidate) -> Life:
        """Return what has become of a skill in this process."""
        found = self.lives.get(candidate.slug)
        if found is None:
            made = Life(candidate, self._tell)
            found = self.lives.setdefault(candidate.slug, made)
        return found

    def _tell(self, event: PluginEvent) -> None:
        for listener in tuple(self.listeners):
            try:
                listener(event)
            except Exception:
                LOG.exception("a listener to the event %s failed", event.name)

    def load(self, found: Found) -> Extension:
        """Return the extension, imported and built on first use.

        :raises PluginLoadError: when its code cannot be imported, or its object
            does not keep the contract; it may be tried again once it is mended.
        """
        life = self.life(found.candidate)
        if life.generation is not None:
            known = life.generation.extensions.get(_key(found))
            if known is not None:
                life.refuse_inactive()
                return known
        return self.build(found)

    def build(self, found: Found, generation: Generation | None = None) -> Extension:
        """Return the extension, imported and built in a generation of its skill.

        :param generation: None = the current one, whose state then tells of it.
        :raises PluginLoadError: as :meth:`load`.
        """
        points = [point_of(found)]
        make = self._maker([found], generation)
        manager = Driver(found.kind.namespace, points, make, found.reference)
        self._note(manager.outcomes)
        return manager.driver

    def import_all(
        self, candidate: Candidate, found: Iterable[Found], life: Life, generation: Generation
    ) -> None:
        """Import the modules of a skill's extensions, and no more; may run in any thread.

        The caller has asked :func:`kurt_ext.importer.refuse`.
        What decorators register meanwhile is handed over when all of it succeeded.
        """
        start = perf_counter()
        life.refuse_stuck()
        registrar = Registrar(generation.registry or self.registry, candidate.name)
        imported = importing(self, candidate, judged=True)
        try:
            with self.lock(candidate), registrar.collecting(), imported:
                for item in found:
                    if item.obj is None:
                        import_module(item.value.partition(":")[0].partition("[")[0].strip())
        finally:
            # It ends long after everybody has left; what runs meanwhile is not its.
            if life.unstick(generation) and life.generation is None:
                unload(candidate.slug)
        life.timed("import", start)

    def load_all(self, kind: Any, found: Iterable[Found]) -> list[Extension]:
        """Return the extensions of a kind that load, by the kind's pattern; note the others."""
        items = list(found)
        points = [point_of(item) for item in items]
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
        with self.lock(candidate):
            generation = self.begun(self.life(candidate), candidate)
            if generation.asked:
                return
            point = EntryPoint(name=candidate.name, value=value, group="")
            outcome = _timed(candidate.name, lambda: self.register(candidate, point, generation))
            self.outcomes[candidate.name] = outcome

    def housing(self, life: Life, generation: Generation) -> Housing | None:
        """Return the worker that a generation's code lives in; None = this process.

        Decided once; nothing is started for it.

        :raises IsolationError: when it is to be isolated in a way that cannot be had here.
        """
        if generation.housing is ...:
            candidate = generation.candidate
            made = None
            if self.isolation is not None and candidate.location:
                record = self.record(candidate)
                decision = self.isolation.decide(candidate, record, life.isolation)
                if not decision.isolated:
                    check_isolation(self.isolation.config, candidate.name, "none")
                if decision.isolated:
                    from .housing import house

                    made = house(self.isolation, decision, life, candidate, record)
            generation.housing = made
        return generation.housing

    def register(self, candidate: Candidate, point: EntryPoint, generation: Generation) -> None:
        """Run the code of a skill that registers what it offers; raises whatever it raises."""
        refuse(candidate)
        check_python(self.record(candidate), candidate.name)
        housing = self.housing(self.life(candidate), generation)
        if housing is not None:
            registry = generation.registry or self.registry
            rows = housing.wait(housing.register(point.value))
            for namespace, name in rows:
                offered = Offered(namespace, name)
                registry.replace(Registered(namespace, name, candidate.name, offered))
            generation.asked = True
            return
        registrar = Registrar(generation.registry or self.registry, candidate.name)
        with (
            registrar.collecting(),
            generation.ledger.watching(),
            importing(self, candidate),
        ):
            plugin = point.load()
            if not isinstance(plugin, ModuleType):
                plugin()
        generation.asked = True  # never before it succeeded

    def record(self, candidate: Candidate) -> dict[str, Any]:
        """Return a candidate's manifest, read once."""
        found = self._records.get(candidate.location)
        if found is not None:
            return found
        life = self.lives.get(candidate.slug)
        kept = life.generation.record if life is not None and life.generation is not None else None
        try:
            found = candidate.record()
        except (KurtError, ValueError, OSError):
            if kept is None:
                raise
            found = kept  # what is loaded goes on with the manifest that it was loaded by
        self._records[candidate.location] = found
        return found

    def forget_record(self, candidate: Candidate) -> None:
        """Read a candidate's manifest anew when it is asked for next."""
        self._records.pop(candidate.location, None)

    def forget_records(self) -> None:
        """Read every manifest anew when it is asked for next."""
        self._records.clear()

    def retain(self, keep: Callable[[str], bool]) -> None:
        """Forget the manifests, and the extensions whose skill is not to be kept."""
        self._records.clear()
        for slug, life in list(self.lives.items()):
            if life.generation is None or life.is_ruled:
                continue
            if not keep(life.name) or is_stale(slug):
                if life.generation.housing and life.generation.housing is not ...:
                    life.generation.housing.kill()
                life.take(None)  # what has hooks is ended by close() nonetheless
                unload(slug)

    def _note(self, outcomes: Mapping[str, Outcome]) -> None:
        self.outcomes.update(outcomes)

    def lock(self, candidate: Candidate) -> threading.RLock:
        """Return what whoever loads or forgets code of a skill holds."""
        return self._locks.setdefault(candidate.slug, threading.RLock())

    def settle(self, candidate: Candidate) -> None:
        """Wait until whoever loads something of a skill in another thread has ended."""
        with self.lock(candidate):
            return

    def is_current(self, extension: Extension) -> bool:
        """Return whether an extension is of the code that counts now."""
        life = self.lives.get(extension.candidate.slug)
        return life is not None and life.generation is extension.generation

    def _maker(
        self, items: Iterable[Found], generation: Generation | None = None
    ) -> Callable[[EntryPoint], Extension]:
        by_reference = {item.reference: item for item in items}

        def make(point: EntryPoint) -> Extension:
            found = by_reference[point.name]
            life = self.life(found.candidate)
            life.refuse_stuck()
            # What is registered needs no import, and waits for none: not for a reload's.
            is_there = found.obj is not None and life.generation is not None
            with self._building if is_there else self.lock(found.candidate):
                mine = generation or self.begun(life, found.candidate)
                known = mine.extensions.get(_key(found))
                if known is not None:
                    return known
                lazily = generation is None and not life.turn.is_taken
                with self._told(life, found) if lazily else _nothing():
                    return self._made(life, mine, found, point)

        return make

    @staticmethod
    def begun(life: Life, candidate: Candidate) -> Generation:
        """Return the current generation; a new one never begins with stale modules."""
        if life.generation is None:
            life.candidate = candidate
            if is_stale(candidate.slug):
                unload(candidate.slug)
        return life.current()

    def _made(
        self, life: Life, generation: Generation, found: Found, point: EntryPoint
    ) -> Extension:
        try:
            with generation.ledger.watching():
                extension = self._factory.make(life, generation, found, point)
        except KeyboardInterrupt:
            raise
        except BaseException as error:
            raise load_error(found.candidate, error, found.name) from error
        generation.extensions[_key(found)] = extension
        return extension

    @contextmanager
    def _told(self, life: Life, found: Found) -> Iterator[None]:
        """Let the state of a skill tell of what is loaded on its first use, in a ``with``."""
        is_first = life.status in (PluginStatus.UNLOADED, PluginStatus.FAILED)
        start = perf_counter()
        if is_first:
            life.move("load", "loading")
        try:
            yield
        except BaseException as error:
            if is_first:
                life.move("fail", "failed", error=self.veiled(life, error))
            raise
        if is_first:
            life.move("loaded", "loaded", ms=life.timed("load", start))

    def veiled(self, life: Life, error: BaseException) -> BaseException:
        """Return an error without the secrets of a skill that no loader has let in."""
        if life.admitted is not None:
            return life.masked(error)
        try:
            settings = self._settings(life.name)
        except KurtError:  # it had none, then
            return error
        return Masker(_secrets(settings, hide(settings))).error(error)

    def forget(self, life: Life) -> None:
        """Forget the code of a skill: its modules, and what it registered."""
        generation = life.take(None)
        self.registry.drop(life.name)
        modules = modules_of(life.candidate.slug)
        unload(life.candidate.slug)
        self.forget_record(life.candidate)
        if generation is not None:
            life.retire(generation.number, modules.values())


def _key(found: Found) -> tuple[str, str]:
    # A plugin's capabilities share the one object of the plugin.
    name = found.value if found.value and ":" not in found.value else found.name
    return found.kind.namespace, name


def _secrets(value: Any, shown: Any) -> Iterator[str]:
    """Yield the texts of a setting that are hidden where it is shown."""
    if isinstance(value, Mapping) and isinstance(shown, Mapping):
        for key in value:
            yield from _secrets(value[key], shown[key])
    elif isinstance(value, list) and isinstance(shown, list):
        for one, other in zip(value, shown, strict=True):
            yield from _secrets(one, other)
    elif isinstance(value, str) and value != shown:
        yield value


@contextmanager
def _nothing() -> Iterator[None]:
    yield


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
