"""What a name is bound to: values, parameters, what is unpacked, run through or defined."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from . import members
from .known import ARGUMENT, ELEMENTS
from .values import (
    NOTHING,
    UNKNOWN,
    Code,
    Const,
    Instance,
    Map,
    Ref,
    Seq,
    Text,
    Unknown,
    Value,
    Values,
    all_origins,
    join,
)

if TYPE_CHECKING:
    from .evaluator import Evaluator
    from .scopes import Binding, Scope

__all__ = ["elements", "given", "values_of"]

_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)
_NO_ARGUMENTS = ast.Call(func=ast.Constant(value=None), args=[], keywords=[])


def values_of(ev: Evaluator, binding: Binding) -> Values:
    """Return what one way of binding a name gives it."""
    how = binding.how
    if how == "value":
        return ev.values(binding.expression, binding.scope)
    if how == "import":
        return ev.imported(binding.detail, binding.scope.module)
    if how == "from":
        module, name, level = binding.detail
        return ev.from_(module, name, level, binding.scope.module)
    if how == "define":
        return defined(ev, binding)
    if how == "parameter":
        return parameter(ev, binding)
    if how == "enter":
        return entered(ev, ev.values(binding.expression, binding.scope))
    if how == "iter":
        return elements(ev, ev.values(binding.expression, binding.scope))
    if how == "item":
        return unpacked(ev, binding)
    if how == "add":
        return added(ev, binding)
    if how == "annotated":
        return annotated(ev, binding)
    return ARGUMENT if how in ("rest", "words") else UNKNOWN


def defined(ev: Evaluator, binding: Binding) -> Values:
    node = binding.expression
    found: Values = (Code(node, binding.scope, binding.scope.module),)
    for decorator in reversed(binding.detail):
        made = ev.values(decorator, binding.scope)
        # What is called with a function gives the function, as most do, or what it gives.
        given: list[Values] = [found]
        for value in made:
            if isinstance(value, Ref) and value.name.startswith("builtins."):
                given = [] if value.name in ("builtins.eval", "builtins.exec") else given
                given.append(found)
        found = join(*given) or found
    return found


def parameter(ev: Evaluator, binding: Binding) -> Values:
    number, argument = binding.detail
    scope = binding.scope
    function = binding.expression
    if number == 0 and scope.owner is not None and scope.parent is scope.owner:
        decorators = getattr(function, "decorator_list", ())
        names = {getattr(one, "id", "") for one in decorators}
        code = Code(scope.owner.node, scope.owner.parent or scope.owner, scope.module)
        if "classmethod" in names or argument.arg in ("cls", "mcs"):
            return (code,)
        if "staticmethod" not in names:
            return (Instance(code),)
    sets = [annotation(ev, argument.annotation, scope)]
    name = getattr(function, "name", None)
    for call, where in scope.module.calls.get(name, ())[:16] if name else ():
        one = given(call, number, argument.arg, scope)
        if one is not None:
            sets.append(ev.values(one, where))
    for module in ev.graph.importing(scope.module):
        for call, where in module.calls.get(name, ())[:16] if name else ():
            one = given(call, number, argument.arg, scope)
            if one is not None:
                sets.append(ev.values(one, where))
    return join(*sets, ARGUMENT)


def given(call: ast.Call, number: int | None, name: str, scope: Scope) -> ast.expr | None:
    """Return what a call gives for a parameter; None where it cannot be told."""
    for word in call.keywords:
        if word.arg == name:
            return word.value
    if number is None:
        return None
    bound = scope.owner is not None and scope.parent is scope.owner
    place = number - 1 if bound else number
    if 0 <= place < len(call.args) and not any(
        isinstance(one, ast.Starred) for one in call.args[: place + 1]
    ):
        return call.args[place]
    return None


def annotated(ev: Evaluator, binding: Binding) -> Values:
    return annotation(ev, binding.expression, binding.scope) or UNKNOWN


def annotation(ev: Evaluator, node: ast.expr | None, scope: Scope) -> Values:
    """Return objects of the class that an annotation names, as far as it is one."""
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.BitOr):
        return join(annotation(ev, node.left, scope), annotation(ev, node.right, scope))
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return NOTHING
    if not isinstance(node, (ast.Name, ast.Attribute)):
        return NOTHING
    found: list[Value] = []
    for value in ev.values(node, scope):
        if isinstance(value, Ref) and not value.name.startswith(("builtins.", "typing.")):
            found.append(Ref(f"{value.name}()"))
        elif isinstance(value, Code) and isinstance(value.node, ast.ClassDef):
            found.append(Instance(value))
    return tuple(found)


def entered(ev: Evaluator, values: Values) -> Values:
    sets: list[Values] = []
    for value in values:
        if isinstance(value, Instance):
            for one in ev.field(value.code, "__enter__", set()):
                if isinstance(one, Code) and isinstance(one.node, _FUNCTIONS):
                    sets.append(ev.returned(one, _NO_ARGUMENTS, one.scope, None))
        sets.append((value,))
    return join(*sets)


def elements(ev: Evaluator, values: Values) -> Values:
    """Return what running through a value gives."""
    sets: list[Values] = []
    for value in values:
        if isinstance(value, Seq):
            sets += value.items[:64]
        elif isinstance(value, Map):
            sets.append(tuple([Const(key) for key in list(value.entries)[:64]]))
        elif isinstance(value, Const) and isinstance(value.value, str):
            sets.append(tuple([Const(one) for one in dict.fromkeys(value.value[:64])]))
        elif isinstance(value, Unknown):
            sets.append((value,))
        elif isinstance(value, Ref):
            sets.append((Ref(ELEMENTS.get(value.name, f"{value.name}[]")),))
    return join(*sets) if sets else UNKNOWN


def unpacked(ev: Evaluator, binding: Binding) -> Values:
    whole = values_of(ev, binding.expression)
    return members.item(ev, whole, Const(binding.detail))


def added(ev: Evaluator, binding: Binding) -> Values:
    # Only that something is added is known: the flow is not followed.
    right = ev.values(binding.expression, binding.scope)
    kept = [value for value in right if isinstance(value, (Seq, Map))]
    return (*kept, Text("", "", all_origins(right) | {"built"}))
