"""Find what a plugin has put into modules and classes of others, and put the original back.

The original of a function that was replaced is nowhere to be found afterwards, unless
its replacement calls it. So the functions and classes of all modules are noted once in
a process, before the first plugin runs, and those of further modules as they appear.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterable, Iterator
from functools import partial
from types import BuiltinFunctionType, FunctionType, MethodType, ModuleType
from typing import Any
from weakref import ref

from .names import PACKAGE
from .origins import Origin, label
from .traces import MISSING, CannotUndo, Place, Slot, Trace, attribute_place, covered

__all__ = ["BASELINE", "Baseline", "Patch", "Reference", "patches", "relink"]

_BENEATH = PACKAGE + "."
_HEAP_TYPE = 1 << 9  # Py_TPFLAGS_HEAPTYPE: the attributes of other types cannot be set
_FUNCTIONS = (FunctionType, BuiltinFunctionType, MethodType)
_DESCRIPTORS = (FunctionType, staticmethod, classmethod, property)

#: What may be replaced: functions, and classes; in a class, methods. None where a plugin
#: had done so before it was seen.
_Names = dict[str, Any]


class Baseline:
    """The functions and classes of modules, as they were before a plugin could change them."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._seen = (-1, "")
        self._modules: dict[str, tuple[ref[ModuleType], _Names]] = {}
        self._classes: dict[int, tuple[ref[type], _Names]] = {}

    def take(self) -> None:
        """Note the modules that have come since the last call."""
        # One may have gone where another has come, which is the last one then.
        seen = len(sys.modules), next(reversed(sys.modules))
        if seen == self._seen:
            return
        with self._lock:
            names = list(sys.modules)
            for name in reversed(names):
                known = self._modules.get(name)
                if known is not None and known[0]() is sys.modules.get(name):
                    break
                if name != PACKAGE and not name.startswith(_BENEATH):
                    self._note(name, sys.modules.get(name))
            self._seen = seen

    def _note(self, name: str, module: Any) -> None:
        # cffi's libraries say that they are modules, and are not quite.
        if not isinstance(module, ModuleType) or not type(module).__weakrefoffset__:
            return
        found: _Names = {}
        for key, value in vars(module).copy().items():
            if isinstance(value, type):
                if value.__module__ == name and value.__flags__ & _HEAP_TYPE:
                    self._note_class(value)
            elif type(value) not in _FUNCTIONS:
                continue
            found[key] = None if _is_guests(value) else value
        self._modules[name] = (ref(module), found)

    def _note_class(self, cls: type) -> None:
        key = id(cls)
        found = {
            name: None if _is_guests(value) else value
            for name, value in vars(cls).copy().items()
            if type(value) in _DESCRIPTORS
        }
        self._classes[key] = (ref(cls), found)

    def classes(self) -> Iterator[type]:
        """Yield the classes that are noted and still there."""
        for kept, _ in list(self._classes.values()):
            cls = kept()
            if cls is not None:
                yield cls

    def original(self, holder: Any, attribute: str) -> Any:
        """Return what an attribute was, MISSING if there was none, None if that is not known."""
        found: tuple[ref[Any], _Names] | None
        if isinstance(holder, ModuleType):
            found = self._modules.get(holder.__name__)
        else:
            found = self._classes.get(id(holder))
        if found is None or found[0]() is not holder:
            return None
        return found[1].get(attribute, MISSING)


def _is_guests(value: Any) -> bool:
    # What a module has when it is seen first may be a plugin's already.
    if isinstance(value, FunctionType) and _is_beneath(value.__globals__.get("__name__")):
        return True
    return _is_beneath(getattr(value, "__module__", None))


def _is_beneath(name: Any) -> bool:
    return isinstance(name, str) and name.startswith(_BENEATH)


#: The one of the process.
BASELINE = Baseline()


class Patch(Slot):
    """An attribute of somebody else's module or class that a plugin has replaced."""

    __slots__ = ()

    def undo(self) -> None:
        """Put the original back.

        :raises CannotUndo: when nobody knows it any more.
        """
        if self.previous is None:
            raise CannotUndo("what was there before is not known")
        super().undo()


class Reference(Trace):
    """An attribute of somebody else's, new since the plugin came, that holds an object of its."""

    __slots__ = ("place",)

    def __init__(self, where: Place) -> None:
        super().__init__("reference", where.name)
        self.place = where

    @property
    def subject(self) -> Any:
        """The object."""
        return self.place.read()

    def stands(self) -> bool:
        """Return whether the attribute is there."""
        return self.place.read() is not MISSING

    def undo(self) -> None:
        """Leave it: the host may have set it itself.

        :raises CannotUndo: always.
        """
        raise CannotUndo("it keeps the code alive; its own code or the host has set it")


def patches(origin: Origin, *, thorough: bool = True) -> Iterator[Patch | Reference]:
    """Yield what stands of a generation in modules and classes of others.

    :param thorough: look into every module of the process; else into those that the
        generation's own modules have a name for, and those beneath them.
    """
    own = origin.modules()
    holders = _everything() if thorough else _near(own)
    mine = {id(module) for module in own}
    is_candidate = _Candidates(origin.package, {id(vars(module)) for module in own})
    is_function = is_candidate.is_function
    for holder, name in holders:
        if id(holder) in mine:
            continue
        namespace = vars(holder)
        for attribute, value in namespace.copy().items():
            cls = type(value)
            if cls is FunctionType:
                if value.__globals__ is namespace or not is_function(value):
                    continue
            elif not is_candidate[cls] or attribute == "__class__":
                continue
            if origin.made(value):
                where = attribute_place(holder, attribute, f"{name}.{attribute}", "monkeypatch")
                original = _original(origin, holder, attribute, value)
                if original is MISSING:
                    yield Reference(where)
                else:
                    # What another generation has put there, and may have to have back.
                    yield Patch(where, covered(where, original), value)


class _Candidates(dict[type, bool]):
    """Whether the objects of a type may be a plugin's; asked once for each type."""

    def __init__(self, package: str, namespaces: set[int]) -> None:
        super().__init__(dict.fromkeys((*_FUNCTIONS, *_DESCRIPTORS, partial, type), True))
        # One of C has no globals; it is a plugin's as a method of an object of its.
        self[BuiltinFunctionType] = False
        self._package = package
        self._namespaces = namespaces

    def is_function(self, function: FunctionType) -> bool:
        """Return whether a function may be the plugin's: by its globals, or its name's."""
        namespace = function.__globals__
        if id(namespace) in self._namespaces:
            return True
        # A decorator from elsewhere copies the name of the module, and has other globals.
        named = function.__module__ if self._namespaces else namespace.get("__name__")
        return isinstance(named, str) and named.startswith(self._package)

    def __missing__(self, cls: type) -> bool:
        name = cls.__module__
        is_guest = isinstance(name, str) and name.startswith(self._package)
        self[cls] = is_guest or issubclass(cls, type)
        return self[cls]


def _everything() -> Iterator[tuple[Any, str]]:
    BASELINE.take()
    for name, module in sys.modules.copy().items():
        if isinstance(module, ModuleType) and name != PACKAGE and not name.startswith(_BENEATH):
            yield module, name
    for cls in BASELINE.classes():
        yield cls, f"{cls.__module__}.{cls.__qualname__}"


def _near(own: Iterable[ModuleType]) -> Iterator[tuple[Any, str]]:
    """Yield the modules and classes that some modules have a name for."""
    modules: dict[str, ModuleType] = {}
    classes: dict[int, type] = {}
    for module in own:
        for value in list(vars(module).values()):
            if isinstance(value, ModuleType):
                modules[value.__name__] = value
                for inner in list(vars(value).values()):
                    if isinstance(inner, ModuleType):
                        modules[inner.__name__] = inner
            elif isinstance(value, type) and value.__flags__ & _HEAP_TYPE:
                classes[id(value)] = value
                modules.setdefault(value.__module__, sys.modules.get(value.__module__, module))
    for name, module in modules.items():
        if name != PACKAGE and not name.startswith(_BENEATH):
            yield module, name
            for value in list(vars(module).values()):
                if isinstance(value, type) and value.__flags__ & _HEAP_TYPE:
                    classes[id(value)] = value
    for cls in classes.values():
        if not _is_guests(cls):
            yield cls, f"{cls.__module__}.{cls.__qualname__}"


def _original(origin: Origin, holder: Any, attribute: str, value: Any) -> Any:
    known = BASELINE.original(holder, attribute)
    if known is not None:
        return known
    owner = holder.__name__ if isinstance(holder, ModuleType) else holder.__module__
    for kept in _kept_by(origin, value):
        # The replacement calls what it replaced, so it has kept it somewhere.
        is_named = getattr(kept, "__name__", None) == attribute
        if is_named and getattr(kept, "__module__", None) == owner and not origin.made(kept):
            return kept
    return None


def _kept_by(origin: Origin, value: Any) -> Iterator[Any]:
    function = getattr(value, "__func__", value)
    wrapped = getattr(function, "__wrapped__", None)
    if wrapped is not None:
        yield wrapped
    for cell in getattr(function, "__closure__", None) or ():
        try:
            yield cell.cell_contents
        except ValueError:  # not filled yet
            continue
    for module in origin.modules():
        yield from list(vars(module).values())


def relink(value: Any, old: Origin, new: Origin, original: Any, *, alone: bool) -> None:
    """Let a replacement call the original, and not the replacement of a generation that ends.

    The new code has found that one in the original's place, and kept it to call it:
    in a closure, or in a global variable of its own.

    :param alone: whether the new generation has no other replacement, so that there
        can be no doubt which one it has kept.
    """
    function = getattr(value, "__func__", value)
    for cell in getattr(function, "__closure__", None) or ():
        try:
            kept = cell.cell_contents
        except ValueError:  # not filled yet
            continue
        if isinstance(kept, _FUNCTIONS) and old.made(kept):
            cell.cell_contents = original
    for module in new.modules():
        for name, kept in list(vars(module).items()):
            is_meant = alone or label(kept) == label(value)
            if isinstance(kept, _FUNCTIONS) and is_meant and old.made(kept):
                setattr(module, name, original)
    if getattr(function, "__wrapped__", None) is not None and old.made(function.__wrapped__):
        function.__wrapped__ = original
