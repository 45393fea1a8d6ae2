"""Expressions that are more than names, attributes and calls."""

from __future__ import annotations

import ast
from itertools import islice, product
from typing import TYPE_CHECKING, Any

from . import folding, members
from .known import SKILL
from .values import (
    UNKNOWN,
    Code,
    Const,
    Frame,
    Map,
    Ref,
    Seq,
    Unknown,
    Value,
    Values,
    all_origins,
    hashable,
    join,
)

if TYPE_CHECKING:
    from .evaluator import Evaluator
    from .scopes import Scope

__all__ = [
    "any_",
    "binary",
    "comprehension",
    "constant",
    "dict_of",
    "either",
    "formatted",
    "inner",
    "lambda_",
    "sequence_of",
    "unary",
]

#: Values of one part of a text that are followed.
_CHOICES = 4


def constant(ev: Evaluator, node: ast.Constant, scope: Scope, frame: Frame | None) -> Values:
    """Return a constant."""
    return (Const(node.value),)


def sequence_of(ev: Evaluator, node: Any, scope: Scope, frame: Frame | None) -> Values:
    """Return a list, tuple or set, ``*`` unrolled where it is known."""
    items: list[Values] = []
    for one in node.elts[:4096]:
        if isinstance(one, ast.Starred):
            for value in ev.values(one.value, scope, frame):
                if isinstance(value, Seq):
                    items += value.items
            del items[4096:]
        else:
            items.append(ev.values(one, scope, frame))
    return (Seq(tuple(items)),)


def dict_of(ev: Evaluator, node: ast.Dict, scope: Scope, frame: Frame | None) -> Values:
    """Return a dict by its known keys."""
    entries: dict[Any, Values] = {}
    rest: list[Values] = []
    for key, item in zip(node.keys[:1024], node.values[:1024], strict=False):
        inner = ev.values(item, scope, frame)
        if key is None:
            for value in inner:
                if isinstance(value, Map):
                    entries.update(value.entries)
                    rest.append(value.rest)
            continue
        for one in ev.values(key, scope, frame):
            if isinstance(one, Const) and hashable(one.value):
                entries[one.value] = inner
            else:
                rest.append(inner)
    return (Map(entries, join(*rest) if rest else ()),)


def binary(ev: Evaluator, node: ast.BinOp, scope: Scope, frame: Frame | None) -> Values:
    """Return what a chain of operators gives."""
    # A long chain of + leans to the left: as deep as it is long, unless it is unrolled.
    operands: list[tuple[ast.operator, ast.expr]] = []
    left: ast.expr = node
    while isinstance(left, ast.BinOp):
        operands.append((left.op, left.right))
        left = left.left
    found = ev.values(left, scope, frame)
    for operator, right in reversed(operands):
        found = operated(ev, found, operator, ev.values(right, scope, frame))
    return found


def operated(ev: Evaluator, left: Values, operator: ast.operator, right: Values) -> Values:
    if isinstance(operator, ast.Div):
        for value in left:
            if isinstance(value, Ref) and (value.text or value.name.endswith(".files()")):
                base = value.text or (Const(SKILL),)
                return (members.path(ev, folding.path_join(base, ev.as_text(right))),)
        if any(isinstance(value, Ref) and value.text for value in right):
            return (members.path(ev, folding.path_join(ev.as_text(left), ev.as_text(right))),)
    found: list[Value] = []
    for one in left[:4]:
        for two in right[:4]:
            found.append(folding.operated(one, operator, two))
    return ev.charge(tuple(dict.fromkeys(found))) or UNKNOWN


def formatted(ev: Evaluator, node: ast.JoinedStr, scope: Scope, frame: Frame | None) -> Values:
    """Return the texts that an f-string can be."""
    choices: list[list[Value]] = []
    for part in node.values:
        if isinstance(part, ast.Constant):
            choices.append([Const(part.value)])
            continue
        inner = ev.as_text(ev.values(part.value, scope, frame))  # type: ignore[attr-defined]
        plain = part.format_spec is None  # type: ignore[attr-defined]
        choices.append(list(inner[:_CHOICES]) if plain and inner else [Unknown(all_origins(inner))])
    made = [
        folding.joined("", list(parts)) for parts in islice(product(*choices), _CHOICES * _CHOICES)
    ]
    return ev.charge(join(*made))


def either(ev: Evaluator, node: ast.IfExp, scope: Scope, frame: Frame | None) -> Values:
    """Return what either side of a condition can be."""
    return join(ev.values(node.body, scope, frame), ev.values(node.orelse, scope, frame))


def any_(ev: Evaluator, node: ast.BoolOp, scope: Scope, frame: Frame | None) -> Values:
    """Return what any side of ``and`` or ``or`` can be."""
    return join(*[ev.values(one, scope, frame) for one in node.values[:16]])


def inner(ev: Evaluator, node: Any, scope: Scope, frame: Frame | None) -> Values:
    """Return what stands within: awaited, named or starred."""
    return ev.values(node.value, scope, frame)


def lambda_(ev: Evaluator, node: ast.Lambda, scope: Scope, frame: Frame | None) -> Values:
    """Return a lambda as code of the skill."""
    return (Code(node, scope, scope.module),)


def unary(ev: Evaluator, node: ast.UnaryOp, scope: Scope, frame: Frame | None) -> Values:
    """Return a number with its sign."""
    signs = 0
    inner: ast.expr = node
    while isinstance(inner, ast.UnaryOp):
        if not isinstance(inner.op, ast.USub):
            return UNKNOWN
        signs += 1
        inner = inner.operand
    known = ev.values(inner, scope, frame)
    if len(known) == 1 and isinstance(known[0], Const) and type(known[0].value) in (int, float):
        return (Const(-known[0].value if signs % 2 else known[0].value),)
    return UNKNOWN


def comprehension(ev: Evaluator, node: Any, scope: Scope, frame: Frame | None) -> Values:
    """Return what a comprehension makes, each element in its order where that is known."""
    inner = scope.module.scopes.get(node, scope)
    element = node.value if isinstance(node, ast.DictComp) else node.elt
    if len(node.generators) == 1 and not node.generators[0].ifs:
        worked = worked_through(ev, node, element, inner, frame)
        if worked is not None:
            return worked
    found = ev.values(element, inner, frame)
    if isinstance(node, ast.DictComp):
        return (Map({}, found),)
    return (Seq((found,)),)


def worked_through(
    ev: Evaluator, node: Any, element: ast.expr, inner: Scope, frame: Frame | None
) -> Values | None:
    """Return each element in its order, where what is run through is known."""
    generator = node.generators[0]
    if not isinstance(generator.target, ast.Name) or isinstance(node, ast.DictComp):
        return None
    for value in ev.values(generator.iter, inner, frame):
        items: list[Values] | None = None
        if isinstance(value, Seq):
            items = list(value.items)
        elif isinstance(value, Const) and isinstance(value.value, (str, bytes)):
            items = [(Const(one),) for one in value.value]
        if items is None or len(items) > 4096 or not all(len(one) == 1 for one in items):
            continue
        if not all(isinstance(one[0], (Const, Seq)) for one in items):
            continue
        name = generator.target.id
        out = [ev.values(element, inner, {**(frame or {}), name: one}) for one in items]
        return (Seq(tuple(out)),)
    return None
