"""Methods of texts, lists, dicts and paths that are known."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from . import folding, members
from .known import environment
from .values import (
    NOTHING,
    UNKNOWN,
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
    join,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .evaluator import Evaluator
    from .scopes import Scope

__all__ = ["method", "method_call"]

_SAME_PATH = frozenset(("resolve", "absolute", "expanduser", "__enter__"))
_REF_METHODS = frozenset(("os.environ", "os.environb", "sys.modules", "builtins"))


def method_call(
    ev: Evaluator, function: ast.Attribute, node: ast.Call, scope: Scope, frame: Frame | None
) -> Values | None:
    """Return what a method of a text, list or dict gives; None where it is of something else."""
    receivers = ev.values(function.value, scope, frame)
    if not receivers or not all(
        isinstance(value, (Const, Text, Seq, Map, Namespace))
        or (isinstance(value, Ref) and (value.text or value.name in _REF_METHODS))
        for value in receivers
    ):
        return None
    sets = []
    for value in receivers:
        arguments = [ev.values(one, scope, frame) for one in node.args]
        sets.append(method(ev, value, function.attr, arguments, node, scope, frame))
    return join(*sets)


def method(
    ev: Evaluator,
    value: Value,
    name: str,
    arguments: Sequence[Values],
    node: ast.Call,
    scope: Scope,
    frame: Frame | None,
) -> Values:
    """Return what a method of one value gives."""
    first = arguments[0][0] if arguments and arguments[0] else None
    if isinstance(value, Ref):
        return method_of_ref(ev, value, name, arguments, node)
    if isinstance(value, Namespace):
        if name in ("get", "pop", "__getitem__", "setdefault") and first is not None:
            return members.named(ev, value, first)
        return UNKNOWN
    if isinstance(value, Map):
        if name in ("get", "pop", "setdefault", "__getitem__") and first is not None:
            default = arguments[1] if len(arguments) > 1 else NOTHING
            return join(members.item(ev, (value,), first), default)
        if name == "values":
            return (Seq((join(*[*value.entries.values(), value.rest]),)),)
        if name == "items":
            pairs = [
                (Seq(((Const(key),), inner)),) for key, inner in list(value.entries.items())[:64]
            ]
            return (Seq(tuple(pairs)),)
        if name == "keys":
            return (Seq(tuple([(Const(key),) for key in list(value.entries)[:64]])),)
        return (value,) if name == "copy" else UNKNOWN
    if isinstance(value, Seq):
        if name in ("pop", "__getitem__"):
            return members.item(ev, (value,), first or Const(-1))
        return (value,) if name == "copy" else UNKNOWN
    whole = None
    if name == "join" and arguments:
        whole = joined(ev, value, node.args[0], arguments[0], scope, frame)
    return ev.charge(whole or folding.method(value, name, arguments))


def joined(
    ev: Evaluator, glue: Value, node: ast.expr, values: Values, scope: Scope, frame: Frame | None
) -> Values | None:
    if not isinstance(glue, Const):
        return None
    for value in values:
        parts = None
        if isinstance(value, Seq):
            parts = [one[0] if len(one) == 1 else Unknown() for one in value.items]
        if parts is not None:
            return folding.joined(glue.value, parts)
    return None


def method_of_ref(
    ev: Evaluator, value: Ref, name: str, arguments: Sequence[Values], node: ast.Call
) -> Values:
    if value.name in ("os.environ", "os.environb"):
        if name == "get" and arguments:
            first = arguments[0][0] if arguments[0] else None
            known = first.value if isinstance(first, Const) else None
            return join(environment(known), *arguments[1:2])
        return (Ref(f"{value.name}.{name}()", node),)
    if value.name == "sys.modules":
        if name in ("get", "pop", "__getitem__") and arguments:
            return join(*[members.item_of_ref(ev, value, key) for key in arguments[0]])
        return (Ref("sys.modules[]"),)
    if value.name == "builtins" or value.name.endswith(".__dict__"):
        if arguments and name in ("get", "__getitem__"):
            return join(*[members.item_of_ref(ev, value, key) for key in arguments[0]])
        return (Ref(f"{value.name}.{name}()", node),)
    if name in _SAME_PATH:
        return (Ref(value.name, node, value.text),)
    if name == "joinpath":
        text: Values = value.text
        for one in arguments:
            text = folding.path_join(text, ev.as_text(one))
        return (members.path(ev, text),)
    if name in ("with_name", "with_suffix", "with_stem") and arguments:
        text = folding.path_join(
            folding.path_parent(value.text),
            ev.as_text(arguments[0]) if name == "with_name" else (Text("", ""),),
        )
        return (members.path(ev, text),)
    if name in ("as_posix", "__str__", "__fspath__", "as_uri"):
        return value.text
    if name in ("iterdir", "glob", "rglob"):
        return (Seq(((members.path(ev, folding.path_join(value.text, (Text("", ""),))),),)),)
    return (ev.ref(f"{value.name}.{name}()", node),)
