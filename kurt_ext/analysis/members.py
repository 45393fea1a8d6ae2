"""Items and slices of values, and the parts of paths."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING, Any

from . import folding
from .known import CONSTANTS, SELF, computed, environment
from .scopes import NOWHERE
from .values import (
    UNKNOWN,
    Code,
    Const,
    Frame,
    Map,
    Namespace,
    Ref,
    Seq,
    Text,
    Unknown,
    Value,
    Values,
    hashable,
    join,
    origins,
)

if TYPE_CHECKING:
    from .evaluator import Evaluator
    from .scopes import Scope

__all__ = ["item", "item_of_ref", "named", "path", "path_part", "subscript"]


def path_part(ev: Evaluator, value: Ref, name: str) -> Values:
    """Return a part of a path: parent, name, stem and their like."""
    found: list[Value] = []
    for text in value.text:
        whole = text.value if isinstance(text, Const) else None
        if not isinstance(whole, str):
            found.append(Unknown(origins(text)))
        elif name == "parent":
            found.append(Const(folding.parent(whole)))
        elif name == "parents":
            ups: list[Values] = []
            rest = whole
            while rest != "/" and len(ups) < 16:
                rest = folding.parent(rest)
                ups.append((path(ev, (Const(rest),)),))
            return (Seq(tuple(ups)),)
        elif name == "name":
            return (Const(whole.rpartition("/")[2]),)
        elif name == "stem":
            return (Const(whole.rpartition("/")[2].rpartition(".")[0]),)
        elif name == "suffix":
            return (Const("." + whole.rpartition(".")[2]),)
    if name in ("name", "stem", "suffix"):
        return (Text("", ""),)
    return (path(ev, tuple(found)),)


def path(ev: Evaluator, text: Values) -> Ref:
    """Return a path that a text, or one of several, spells."""
    return Ref("pathlib.Path()", None, text)


def subscript(ev: Evaluator, node: ast.Subscript, scope: Scope, frame: Frame | None) -> Values:
    """Return what an item or slice of something can be."""
    base = ev.values(node.value, scope, frame)
    if isinstance(node.slice, ast.Slice):
        return slice_(ev, base, node.slice, scope, frame)
    found: list[Values] = []
    for key in ev.values(node.slice, scope, frame):
        found.append(item(ev, base, key))
    return join(*found) if found else UNKNOWN


def slice_(
    ev: Evaluator, base: Values, node: ast.Slice, scope: Scope, frame: Frame | None
) -> Values:
    bounds: list[Any] = []
    for part in (node.lower, node.upper, node.step):
        if part is None:
            bounds.append(None)
            continue
        known = ev.values(part, scope, frame)
        number = known[0].value if len(known) == 1 and isinstance(known[0], Const) else "?"
        bounds.append(number if isinstance(number, int) else "?")
    found: list[Value] = []
    for value in base:
        exact = "?" not in bounds
        if isinstance(value, Const) and isinstance(value.value, (str, bytes)) and exact:
            try:
                found.append(Const(value.value[slice(*bounds)], value.decoded))
            except (ValueError, TypeError):
                found.append(Unknown())
        elif isinstance(value, Seq) and exact:
            try:
                found.append(Seq(value.items[slice(*bounds)]))
            except (ValueError, TypeError):
                found.append(Unknown())
        else:
            found.append(Text("", "", origins(value)) if not isinstance(value, Ref) else value)
    return join(tuple(found)) if found else UNKNOWN


def item(ev: Evaluator, base: Values, key: Value) -> Values:
    """Return what an item of something can be."""
    sets: list[Values] = []
    known = key.value if isinstance(key, Const) else None
    for value in base:
        if isinstance(value, Seq):
            if isinstance(known, int) and -len(value.items) <= known < len(value.items):
                sets.append(value.items[known])
            else:
                sets += value.items[:64]
        elif isinstance(value, Map):
            if known is not None and hashable(known) and known in value.entries:
                sets.append(value.entries[known])
            elif isinstance(key, Const):
                sets.append(value.rest)
            else:
                sets += [*list(value.entries.values())[:64], value.rest]
        elif isinstance(value, Namespace):
            sets.append(named(ev, value, key))
        elif isinstance(value, Ref):
            sets.append(item_of_ref(ev, value, key))
        elif isinstance(value, Const) and isinstance(value.value, (str, bytes)):
            if isinstance(known, int) and -len(value.value) <= known < len(value.value):
                sets.append((Const(value.value[known]),))
        elif isinstance(value, Unknown):
            sets.append((value,))
        elif isinstance(value, Code):
            sets.append(ev.member(value, "__class_getitem__"))
            sets.append((value,))
    return join(*sets) if any(sets) else UNKNOWN


def item_of_ref(ev: Evaluator, value: Ref, key: Value) -> Values:
    """Return what an item of something from outside can be."""
    known = key.value if isinstance(key, Const) else None
    if value.name == "sys.modules":
        if isinstance(known, str):
            return ev.imported(known, NOWHERE)
        if isinstance(key, Text) and key.suffix:  # sys.modules[__name__] is the module itself
            return SELF
        return (Ref("sys.modules[]"),)
    if value.name.endswith(".__dict__") or value.name == "builtins":
        owner = value.name.removesuffix(".__dict__")
        if isinstance(known, str):
            return (ev.ref(f"{owner}.{known}"),)
        return (Ref(f"{value.name}[]"),)
    if value.name in ("os.environ", "os.environb"):
        return environment(known)
    listed = CONSTANTS.get(value.name + "[]")
    return listed or (Ref(f"{value.name}[]", value.call),)


def named(ev: Evaluator, space: Namespace, key: Value) -> Values:
    """Return what a name of a namespace stands for."""
    name = key.value if isinstance(key, Const) else None
    if not isinstance(name, str):
        return computed(space.of) if space.of else UNKNOWN
    if space.scope is not None:
        return ev.lookup(name, space.scope)
    return ev.members(space.of, name)
