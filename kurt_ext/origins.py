"""Tell which generation of a plugin an object was made by.

Two generations of one plugin have equal names: their classes and functions say the
same ``__module__``. What tells them apart is the globals of a function: those are
the namespace of one module object, whose ``__spec__`` the importer renames when a
generation is set aside.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from functools import partial
from types import (
    AsyncGeneratorType,
    BuiltinFunctionType,
    CoroutineType,
    FunctionType,
    GeneratorType,
    MethodType,
    MethodWrapperType,
    ModuleType,
)
from typing import Any
from weakref import WeakSet, ref

from .names import PACKAGE

__all__ = ["Origin", "label", "place"]

_GUESTS = PACKAGE + "."

#: Root packages that have a ledger; a failed import leaves another one's behind.
_CLAIMED: WeakSet[ModuleType] = WeakSet()

_DEPTH = 3  # how far an object is looked into: a decorator around a partial around a method


class Origin:
    """One generation of the code of a package.

    :param package: the name it is imported under, ``kurt_skills.SLUG``.
    """

    __slots__ = ("_root", "package")

    def __init__(self, package: str) -> None:
        self.package = package
        self._root: ref[ModuleType] | None = None

    def claim(self) -> None:
        """Take the package that lies under the name now, unless it is another generation's."""
        if self._root is None:
            root = sys.modules.get(self.package)
            if root is not None and root not in _CLAIMED:
                _CLAIMED.add(root)
                self._root = ref(root)

    def release(self) -> None:
        """Give the package back."""
        root = self._root() if self._root is not None else None
        if root is not None:
            _CLAIMED.discard(root)
        self._root = None

    @property
    def prefix(self) -> str:
        """The name that the package has now: the importer renames what it sets aside."""
        root = self._root() if self._root is not None else None
        spec = root.__spec__ if root is not None else None
        return spec.name if spec is not None else self.package

    def modules(self) -> list[ModuleType]:
        """Return the modules of this generation that are in ``sys.modules``."""
        if not self._is_registered():
            return []
        prefix, inside = self.prefix, self.prefix + "."
        return [
            module
            for name, module in sys.modules.copy().items()
            if (name == prefix or name.startswith(inside)) and isinstance(module, ModuleType)
        ]

    def made(self, obj: Any, depth: int = _DEPTH) -> bool:
        """Return whether an object is this generation's: its function, class, or instance of one.

        A wrapper around one counts: a decorator's closure, a partial, a bound method.
        """
        if isinstance(obj, FunctionType):
            if self._holds(obj.__globals__):
                return True
            if str(obj.__globals__.get("__name__")).startswith(_GUESTS):
                return False  # another plugin's, or another generation's, whatever it wraps
            return depth > 0 and any(self.made(inner, depth - 1) for inner in _wrapped(obj))
        if isinstance(obj, (MethodType, BuiltinFunctionType, MethodWrapperType)):
            inner = (getattr(obj, "__self__", None), getattr(obj, "__func__", None))
            return depth > 0 and any(
                self.made(each, depth - 1) for each in inner if each is not None
            )
        if isinstance(obj, partial):
            return depth > 0 and self.made(obj.func, depth - 1)
        if isinstance(obj, (staticmethod, classmethod)):
            return self.made(obj.__func__, depth)
        if isinstance(obj, property):
            return any(self.made(each, depth) for each in (obj.fget, obj.fset) if each)
        if isinstance(obj, ModuleType):
            return self._holds(vars(obj))
        if isinstance(obj, type):
            return self._made_class(obj)
        frame = frame_of(obj)
        if frame is not None:
            return self._holds(frame.f_globals)
        return self._made_class(type(obj))

    def _is_registered(self) -> bool:
        root = self._root() if self._root is not None else None
        return root is not None and sys.modules.get(self.prefix) is root

    def _holds(self, namespace: Mapping[str, Any]) -> bool:
        spec = namespace.get("__spec__")
        name = getattr(spec, "name", None) or namespace.get("__name__")
        prefix = self.prefix
        if not isinstance(name, str) or not (name == prefix or name.startswith(prefix + ".")):
            return False
        module = sys.modules.get(name)
        # What a failed import left is in no module that is registered, while the
        # generation that was put back has the same name again.
        is_there = module is not None and vars(module) is namespace
        return is_there == self._is_registered()

    def _made_class(self, cls: type) -> bool:
        name = cls.__module__
        if not isinstance(name, str) or not (
            name == self.package or name.startswith(self.package + ".")
        ):
            return False
        for value in list(vars(cls).values()):
            function = getattr(value, "__func__", value)
            if isinstance(function, FunctionType) and function.__module__ == name:
                return self._holds(function.__globals__)
        module = sys.modules.get(self.prefix + name[len(self.package) :])
        there = module is not None and vars(module).get(cls.__qualname__) is cls
        return there == self._is_registered()


def _wrapped(function: FunctionType) -> list[Any]:
    found = []
    for cell in function.__closure__ or ():
        try:
            value = cell.cell_contents
        except ValueError:  # not filled yet
            continue
        if isinstance(value, (FunctionType, MethodType, partial)) and value is not function:
            found.append(value)
    return found


def frame_of(obj: Any) -> Any:
    """Return the suspended frame of a coroutine or a generator; None for anything else."""
    if isinstance(obj, CoroutineType):
        return obj.cr_frame
    if isinstance(obj, GeneratorType):
        return obj.gi_frame
    if isinstance(obj, AsyncGeneratorType):
        return obj.ag_frame
    return None


def label(obj: Any) -> str:
    """Return a name that a person knows an object by: its qualified name, or its class's."""
    if isinstance(obj, partial):
        return f"partial({label(obj.func)})"
    owner = getattr(obj, "__self__", None)
    if isinstance(obj, MethodType) or (
        isinstance(obj, BuiltinFunctionType)
        and owner is not None
        and not isinstance(owner, ModuleType)
    ):
        return f"{label(type(owner))}.{obj.__name__}"
    name = getattr(obj, "__qualname__", None)
    if isinstance(name, str):
        return name
    made: type[Any] = type(obj)
    return made.__qualname__


def place(obj: Any) -> str | None:
    """Return where a function was written, as ``path:line``; None where that is not known."""
    obj = getattr(obj, "__func__", obj)
    if isinstance(obj, partial):
        return place(obj.func)
    code = getattr(obj, "__code__", None)
    return f"{code.co_filename}:{code.co_firstlineno}" if code is not None else None
