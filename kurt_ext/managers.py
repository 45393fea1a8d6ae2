"""stevedore's managers over our discovery, with its traps closed.

Each manager is handed the entry points that may load, under names that are
unique because they are whole references (``SKILL:EXTENSION``), so that neither
stevedore's cache nor its notion of a conflict is ever asked. What may load is
decided from metadata before; what happened is recorded after.

Pinned to stevedore >= 5.6: since then ``_load_one_plugin`` has the signature
that is overridden here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from time import perf_counter
from typing import TYPE_CHECKING, Any, ClassVar, TypeAlias

from stevedore import (
    DriverManager,
    EnabledExtensionManager,
    ExtensionManager,
    NamedExtensionManager,
)
from stevedore.extension import Extension as Loaded

from .errors import ExtensionNotFoundError

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

    from .contract import Extension

__all__ = ["All", "Driver", "Enabled", "Make", "Named", "Ordered", "Outcome"]

#: Imports and builds what an entry point names; raises whatever goes wrong.
Make: TypeAlias = "Callable[[EntryPoint], Extension]"


class Outcome:
    """What became of one extension.

    :param reference: ``SKILL:EXTENSION``.
    :param state: ``loaded``, ``failed``, or ``unavailable`` for a service that cannot start.
    :param ms: how long loading took, in milliseconds.
    :param error: what was raised; None where nothing was.
    :param reason: one sentence for people; None where all is well.
    """

    __slots__ = ("error", "ms", "reason", "reference", "state")

    def __init__(
        self,
        reference: str,
        state: str,
        ms: float = 0.0,
        error: BaseException | None = None,
        reason: str | None = None,
    ) -> None:
        self.reference = reference
        self.state = state
        self.ms = ms
        self.error = error
        if reason is None and error is not None:
            reason = f"{type(error).__name__}: {error}"
        self.reason = reason

    @property
    def traceback(self) -> str:
        """The traceback as text; empty where nothing was raised."""
        if self.error is None:
            return ""
        from traceback import format_exception

        return "".join(format_exception(self.error))

    def as_dict(self) -> dict[str, Any]:
        """Return the outcome for JSON output."""
        return {
            "reference": self.reference,
            "state": self.state,
            "ms": round(self.ms, 3),
            "reason": self.reason,
        }

    def __repr__(self) -> str:
        return f"<Outcome {self.reference} {self.state} {self.ms:.1f} ms>"


class _Guarded(ExtensionManager[Any]):
    """The choke points of stevedore, overridden; the mixin of every manager here."""

    _entry_points: Sequence[EntryPoint]
    _make: Make
    outcomes: dict[str, Outcome]

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        # stevedore's is one dict for the whole process that never expires.
        cls.ENTRY_POINT_CACHE = {}

    def _given(self, entry_points: Iterable[EntryPoint], make: Make) -> None:
        self._entry_points = tuple(entry_points)
        self._make = make
        self.outcomes = {}
        names = [point.name for point in self._entry_points]
        if len(set(names)) != len(names):
            raise ValueError(f"names are not unique: {sorted(names)}")

    def list_entry_points(self) -> list[EntryPoint]:
        """Return the entry points this manager was given; nothing is read or cached."""
        return list(self._entry_points)

    def _load_one_plugin(
        self,
        ep: EntryPoint,
        invoke_on_load: bool,
        invoke_args: tuple[Any, ...],
        invoke_kwds: dict[str, Any],
    ) -> Loaded[Any] | None:
        if not self._wanted(ep):
            return None
        start = perf_counter()
        try:
            extension = self._make(ep)
        except KeyboardInterrupt:
            raise
        except BaseException as error:  # stevedore lets SystemExit and AssertionError out
            ms = (perf_counter() - start) * 1000
            self.outcomes[ep.name] = Outcome(ep.name, "failed", ms, error)
            return None
        ms = (perf_counter() - start) * 1000
        self.outcomes[ep.name] = Outcome(ep.name, "loaded", ms)
        return Loaded(ep.name, ep, extension.plugin, extension)

    def _wanted(self, ep: EntryPoint) -> bool:
        return True

    def loaded(self) -> list[Extension]:
        """Return our extensions, in the manager's order."""
        return [item.obj for item in self.extensions if item.obj is not None]


class Named(_Guarded, NamedExtensionManager[Any]):
    """Loads the extensions of the given names, in the order of the entry points."""

    _ordered: ClassVar[bool] = False
    _names: list[str]

    def __init__(
        self, namespace: str, entry_points: Iterable[EntryPoint], make: Make, names: Iterable[str]
    ) -> None:
        self._given(entry_points, make)
        known = {point.name for point in self._entry_points}
        wanted = list(dict.fromkeys(names))
        # Ours alone: stevedore calls a name that failed to load "missing" as well.
        self.missing = [name for name in wanted if name not in known]
        NamedExtensionManager.__init__(
            self,
            namespace,
            [name for name in wanted if name in known],
            name_order=self._ordered,
            on_missing_entrypoints_callback=None,
        )

    def _wanted(self, ep: EntryPoint) -> bool:
        return ep.name in self._names


class Ordered(Named):
    """Loads the extensions of the given names, and keeps them in the order of the names."""

    _ordered = True


class Driver(_Guarded, DriverManager[Any]):
    """Loads exactly one extension."""

    _names: list[str]

    def __init__(
        self, namespace: str, entry_points: Iterable[EntryPoint], make: Make, name: str
    ) -> None:
        self._given(entry_points, make)
        # Past DriverManager's own, which does not hand the callback on.
        NamedExtensionManager.__init__(
            self, namespace, [name], on_missing_entrypoints_callback=None
        )

    def _wanted(self, ep: EntryPoint) -> bool:
        return ep.name in self._names

    def _init_plugins(self, extensions: list[Loaded[Any]]) -> None:
        # Past DriverManager's own, which calls a driver that failed to import "not found".
        NamedExtensionManager._init_plugins(self, extensions)

    @property
    def driver(self) -> Extension:
        """The one extension, whatever its truth value is.

        :raises ExtensionNotFoundError: when no entry point has the name.
        :raises BaseException: what loading it raised.
        """
        name = self._names[0]
        outcome = self.outcomes.get(name)
        if outcome is not None and outcome.error is not None:
            raise outcome.error
        if not self.extensions:
            raise ExtensionNotFoundError(
                f"nothing in {self.namespace} is called {name}",
                candidates=[point.name for point in self._entry_points],
            )
        return self.loaded()[0]


class Enabled(_Guarded, EnabledExtensionManager[Any]):
    """Loads the extensions that a test lets through; the test sees metadata only.

    :param check: given the entry point, before anything of it is imported.
    """

    def __init__(
        self,
        namespace: str,
        entry_points: Iterable[EntryPoint],
        make: Make,
        check: Callable[[EntryPoint], bool],
    ) -> None:
        # stevedore's own check_func is asked after the import.
        self._given([point for point in entry_points if check(point)], make)
        EnabledExtensionManager.__init__(self, namespace, lambda _: True)


class All(_Guarded):
    """Loads every extension it is given."""

    def __init__(self, namespace: str, entry_points: Iterable[EntryPoint], make: Make) -> None:
        self._given(entry_points, make)
        ExtensionManager.__init__(self, namespace)
