"""Kinds: what a namespace of extensions means, said by a guest and not by the core.

A kind is one frozen :class:`Kind` object that a distribution names in the
entry-point group ``kurt.kind``. The core composes calls from its *facets* and
never asks for its name:

========  ======================================================================
facet     what the extensions of the kind are for
========  ======================================================================
call      each can be called by name
around    all of them wrap every call, in the order of the configuration
provide   each fills the context of calls with a service; started and stopped once
roles     exactly one is chosen for each role: extension ``ROLE.CHOICE``
execute   the chosen one of the role ``run`` runs every call
========  ======================================================================

A facet is a function or, so that importing a kind stays cheap, its place as
``"module:attribute"``.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any, Generic, Literal, TypeAlias, TypeVar, cast, get_args

from .contract import Around, Executor, Extension, Failures, Provider, Target
from .errors import ContractError, UsageError
from .findings import Finding
from .names import suggest

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

__all__ = ["EXECUTING_ROLE", "GROUP", "Kind", "Kinds", "Pattern", "Role", "load_kinds"]

#: The entry-point group that names kinds. Only installed distributions are asked.
GROUP = "kurt.kind"
#: The role whose chosen extension runs the calls.
EXECUTING_ROLE = "run"

Pattern: TypeAlias = Literal["named", "driver", "ordered", "enabled", "all"]

C = TypeVar("C")
F = TypeVar("F")
Lazy: TypeAlias = F | str


@dataclass(frozen=True, slots=True)
class Role:
    """A place that exactly one extension of a kind fills.

    :param name: the key in the kind's table of ``kurt.toml``, and the prefix of
        the names of extensions that can fill it: ``run`` → ``run.inline``.
    :param default: the choice where the configuration makes none.
    :param summary: what the role does, in one line.
    """

    name: str
    default: str | None = None
    summary: str = ""


@dataclass(frozen=True, slots=True)
class Kind(Generic[C]):
    """Say what the extensions of one namespace are and how they are composed.

    :param name: the word, and the table of ``kurt.toml`` that configures it.
    :param namespace: the entry-point group, ``kurt.NAME``.
    :param pattern: the stevedore pattern: ``named`` (each by its name), ``driver``
        (one per role), ``ordered`` (all that are enabled, in configured order),
        ``enabled`` (all that are enabled and available) or ``all``.
    :param summary: one line for a listing.
    :param contract: the class or protocol that an author implements; None for none.
    :param violations: gives the sentences that say how an object breaks the
        contract, empty where it keeps it. Called once, at load, before any use.
    :param build: makes the object from what the entry point names; None = call
        a class, leave anything else as it is.
    :param wraps: for ``around``: gives the names that an object wants to be
        before and after.
    :param isolates: whether its extensions can live in another process: they are
        called by name, and what goes to them and comes back is data.
    :param failures: the exceptions of its calls, for those that come from a worker.
    """

    name: str
    namespace: str
    pattern: Pattern
    summary: str
    contract: type[C] | str | None = None
    violations: Lazy[Callable[[Any], list[str]]] | None = None
    build: Lazy[Callable[[Any], Any]] | None = None
    call: Lazy[Callable[[Extension], Target]] | None = None
    around: Lazy[Callable[[Extension], Around]] | None = None
    wraps: Lazy[Callable[[Extension], tuple[Iterable[str], Iterable[str]]]] | None = None
    provide: Lazy[Callable[[Extension], Provider]] | None = None
    execute: Lazy[Callable[[Extension], Executor | None]] | None = None
    roles: tuple[Role, ...] = ()
    isolates: bool = False
    failures: Lazy[Failures] | None = None

    def __post_init__(self) -> None:
        if self.pattern not in get_args(Pattern):
            known = ", ".join(get_args(Pattern))
            raise ContractError(f"{self.pattern!r} is no pattern of a kind", hint=f"one of {known}")
        if not self.name.isidentifier() or not self.namespace.startswith("kurt."):
            raise ContractError(
                f"the kind {self.name!r} in {self.namespace!r} is misnamed",
                cause="a kind is a Python identifier, its namespace starts with 'kurt.'",
            )

    def contract_type(self) -> type[C] | None:
        """Return the contract, imported where it was given by its place."""
        if isinstance(self.contract, str):
            return cast("type[C]", _locate(self.contract))
        return self.contract

    def facet(self, name: str) -> Any:
        """Return the facet of that name, imported where it was given by its place, or None."""
        value = getattr(self, name)
        return _locate(value) if isinstance(value, str) else value

    def modules(self) -> list[str]:
        """Return the modules that its facets are imported from, where they are given by place."""
        values = [getattr(self, item.name) for item in fields(self)]
        places = [value for value in values if isinstance(value, str) and ":" in value]
        return list(dict.fromkeys(place.partition(":")[0] for place in places))

    def broken_by(self, obj: Any) -> list[str]:
        """Return how ``obj`` breaks the contract, as sentences; empty where it keeps it."""
        check = self.facet("violations")
        return [] if check is None else list(check(obj))

    def role(self, name: str) -> Role:
        """Return the role of that name; UsageError with a suggestion where there is none."""
        for role in self.roles:
            if role.name == name:
                return role
        near = suggest(name, [role.name for role in self.roles])
        raise UsageError(
            f"the kind {self.name} has no role {name!r}",
            hint=f"did you mean {near[0]!r}?" if near else None,
            candidates=[role.name for role in self.roles],
        )


def _locate(place: str) -> Any:
    module, _, attribute = place.partition(":")
    found: Any = importlib.import_module(module)
    for part in attribute.split("."):
        found = getattr(found, part)
    return found


class Kinds(Mapping[str, Kind[Any]]):
    """The kinds of an environment by name, with what is wrong with the others.

    :param kinds: the kinds, of which the first of a name or namespace counts.
    :param problems: a finding for each that could not be had.
    """

    __slots__ = ("_by_name", "_by_namespace", "problems")

    def __init__(self, kinds: Iterable[Kind[Any]], problems: Iterable[Finding] = ()) -> None:
        found = list(problems)
        self._by_name: dict[str, Kind[Any]] = {}
        self._by_namespace: dict[str, Kind[Any]] = {}
        for kind in kinds:
            if kind.name in self._by_name or kind.namespace in self._by_namespace:
                message = (
                    f"a second kind claims {kind.name!r} or {kind.namespace!r}; it is not used"
                )
                found.append(Finding("kind-conflict", "error", message))
                continue
            self._by_name[kind.name] = self._by_namespace[kind.namespace] = kind
        self.problems = tuple(found)

    def __getitem__(self, name: str) -> Kind[Any]:
        return self._by_name[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._by_name)

    def __len__(self) -> int:
        return len(self._by_name)

    def of(self, namespace: str) -> Kind[Any] | None:
        """Return the kind of an entry-point group, or None."""
        return self._by_namespace.get(namespace)

    def with_facet(self, name: str) -> list[Kind[Any]]:
        """Return the kinds that have a facet, in the order of their names."""
        return [kind for _, kind in sorted(self._by_name.items()) if getattr(kind, name)]


def load_kinds(entry_points: Iterable[EntryPoint]) -> Kinds:
    """Return the kinds that the entry points name; one that fails is a problem, not an error.

    :param entry_points: the group :data:`GROUP` of installed distributions.
    """
    kinds: list[Kind[Any]] = []
    problems: list[Finding] = []
    for point in sorted(entry_points, key=lambda point: point.name):
        try:
            kind = point.load()
        except KeyboardInterrupt:
            raise
        except BaseException as error:  # a SystemExit of a guest must not end the host
            reason = f"{type(error).__name__}: {error}"
        else:
            if isinstance(kind, Kind):
                kinds.append(kind)
                continue
            reason = f"it is a {type(kind).__name__}, not a kurt_ext.kinds.Kind"
        message = f"the kind {point.name!r} ({point.value}) cannot be used: {reason}"
        problems.append(Finding("kind-unusable", "error", message))
    return Kinds(kinds, problems)
