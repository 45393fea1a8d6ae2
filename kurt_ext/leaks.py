"""Find out what keeps the code of a plugin alive after it was unloaded, and name it.

Python frees code when nothing refers to it. A class that the host has kept in a
registry, a function that is some callback: each keeps all the globals of its
module. Who holds it is asked of the garbage collector.
"""

from __future__ import annotations

import gc
import sys
import typing
from collections.abc import Iterable, Mapping
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

    It takes as long as that takes, and where something is alive up to five looks at all
    objects: from some milliseconds in a small process.
    """
    relics = list(relics)
    if all(relic.subject() is None for relic in relics):
        return []
    for forget in getattr(typing, "_cleanups", ()):  # typing remembers `Box[Item]` for a while
        forget()
    gc.collect()
    alive = [(relic, subject) for relic in relics if (subject := relic.subject()) is not None]
    own = {id(subject) for _, subject in alive} | {id(alive)}
    for _, subject in alive:
        if isinstance(subject, (ModuleType, type)):
            own.add(id(vars(subject)))
        if isinstance(subject, FunctionType):
            own.add(id(subject.__globals__))
    names = _holders([subject for _, subject in alive], own)
    found = []
    for relic, subject in alive:
        held = tuple(sorted(names[id(subject)]))
        # What only the other old code holds is told there.
        if held or not isinstance(subject, (type, FunctionType)):
            found.append(Leak(plugin_id, relic.number, relic.name, held))
    return [leak for leak in found if leak.held_by] or found


def _holders(subjects: list[Any], own: set[int]) -> dict[int, set[str]]:
    """Return the names of what refers to each object, past what is the plugin's own.

    All are followed at one time, since each step is a look at every object there is.

    :returns: names by the id of the object.
    """
    names: dict[int, set[str]] = {id(subject): set() for subject in subjects}
    #: What is held, and of which subjects it is a holder itself, by its id.
    reached = {id(subject): {id(subject)} for subject in subjects}
    held, skipped = subjects, own | {id(subjects)}
    for _ in range(_DEPTH + 1):
        holders = gc.get_referrers(*held) if held else []
        skipped |= {id(held), id(holders)}
        farther: list[Any] = []
        beyond: dict[int, set[int]] = {}
        for holder in holders:
            if id(holder) in skipped or isinstance(holder, FrameType) or _is_ours(holder):
                continue
            inside = [item for item in gc.get_referents(holder) if id(item) in reached]
            whose = {subject for item in inside for subject in reached[id(item)]}
            module = _module(holder)
            if module is None:
                farther.append(holder)
                beyond[id(holder)] = whose
                continue
            for item in inside:
                name = f"{module}.{_key(holder, item)}"
                for subject in reached[id(item)]:
                    names[subject].add(name)
        skipped |= beyond.keys()
        held, reached = farther, beyond
    return names


def _is_ours(holder: Any) -> bool:
    # The tuple of a pair in `leaks_of`, and an iterator over such.
    return type(holder) is tuple and any(isinstance(item, Relic) for item in holder)


def _module(holder: Any) -> str | None:
    """Return the name of the module whose namespace this is."""
    if isinstance(holder, dict):
        module = sys.modules.get(str(holder.get("__name__")))
        if module is not None and vars(module) is holder:
            return module.__name__
    return None


def _key(holder: Mapping[Any, Any], subject: Any) -> str:
    return next((str(key) for key, value in holder.items() if value is subject), "?")
