"""Find out what keeps the code of a plugin alive after it was unloaded, and name it.

Python frees code when nothing refers to it. A class that the host has kept in a
registry, a function that is some callback: each keeps all the globals of its
module. Who holds it is asked of the garbage collector.
"""

from __future__ import annotations

import gc
import sys
from collections.abc import Iterable, Iterator, Mapping
from types import FrameType, FunctionType, ModuleType
from typing import Any, NamedTuple
from weakref import ReferenceType, ref

__all__ = ["Leak", "Relic", "leaks_of", "relics_of"]

#: How many steps are gone from what is held to a name that a person knows.
_DEPTH = 4


class Relic(NamedTuple):
    """Something that a module had made, and that should be dead.

    :param number: the generation of the code.
    :param name: ``MODULE`` or ``MODULE.NAME``.
    """

    number: int
    name: str
    subject: ReferenceType[Any]


class Leak(NamedTuple):
    """Old code that is still alive.

    :param plugin_id: whose it is.
    :param generation: the number of the import of the code.
    :param name: the module, class or function.
    :param held_by: who holds it, as far as that can be told.
    """

    plugin_id: str
    generation: int
    name: str
    held_by: tuple[str, ...]

    def __str__(self) -> str:
        held = f", held by {', '.join(self.held_by)}" if self.held_by else ""
        return f"{self.name} of generation {self.generation}{held}"


def relics_of(number: int, modules: Iterable[ModuleType]) -> list[Relic]:
    """Return the modules of a generation, their classes and their functions, held weakly."""
    found = []
    for module in modules:
        found.append(Relic(number, module.__name__, ref(module)))
        inside = vars(module)
        for name, value in inside.items():
            own = (
                value.__globals__ is inside
                if isinstance(value, FunctionType)
                else isinstance(value, type) and value.__module__ == inside.get("__name__")
            )
            if own:
                found.append(Relic(number, f"{module.__name__}.{name}", ref(value)))
    return found


def leaks_of(plugin_id: str, relics: Iterable[Relic]) -> list[Leak]:
    """Return what of a plugin's old code is alive, after a collection of garbage.

    It takes as long as that takes: from some milliseconds in a small process.
    """
    gc.collect()
    alive = [(relic, subject) for relic in relics if (subject := relic.subject()) is not None]
    own = {id(subject) for _, subject in alive} | {id(alive)}
    for _, subject in alive:
        if isinstance(subject, (ModuleType, type)):
            own.add(id(vars(subject)))
        if isinstance(subject, FunctionType):
            own.add(id(subject.__globals__))
    found = []
    for relic, subject in alive:
        held = tuple(sorted(set(_holders(subject, own, 0))))
        # What only the other old code holds is told there.
        if held or not isinstance(subject, (type, FunctionType)):
            found.append(Leak(plugin_id, relic.number, relic.name, held))
    return [leak for leak in found if leak.held_by] or found


def _holders(subject: Any, own: set[int], depth: int) -> Iterator[str]:
    """Yield the names of what refers to an object, past what is the plugin's own."""
    referrers = gc.get_referrers(subject)
    skipped = {*own, id(referrers)}
    for holder in referrers:
        if id(holder) in skipped or isinstance(holder, FrameType) or _is_ours(holder):
            continue
        name = _name(holder, subject)
        if name is not None:
            yield name
        elif depth < _DEPTH:
            yield from _holders(holder, {*skipped, id(holder)}, depth + 1)


def _is_ours(holder: Any) -> bool:
    # The tuple of a pair in `leaks_of`, and an iterator over such.
    return type(holder) is tuple and any(isinstance(item, Relic) for item in holder)


def _name(holder: Any, subject: Any) -> str | None:
    """Return a holder's name, where it is the namespace of a module."""
    if isinstance(holder, dict):
        module = sys.modules.get(str(holder.get("__name__")))
        if module is not None and vars(module) is holder:
            return f"{module.__name__}.{_key(holder, subject)}"
    return None


def _key(holder: Mapping[Any, Any], subject: Any) -> str:
    return next((str(key) for key, value in holder.items() if value is subject), "?")
