"""Whether the condition under which a name is dangerous holds for a call.

The language is that of `catalogue`; what cannot be known counts as dangerous.
"""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING, Any

from .values import UNKNOWN, Const, Map, Ref, Seq, Text, Unknown, Values

if TYPE_CHECKING:
    from .evaluator import Evaluator
    from .scopes import Scope

__all__ = ["argument", "holds"]

_READING = frozenset(("O_RDONLY", "O_CLOEXEC", "O_NOFOLLOW", "O_DIRECTORY", "O_NONBLOCK"))


def argument(call: ast.Call, position: int | None, word: str) -> ast.expr | Unknown | None:
    """Return the expression that a call gives for an argument.

    None where it gives none; Unknown where ``*`` or ``**`` may give it.
    """
    if word:
        for keyword in call.keywords:
            if keyword.arg == word:
                return keyword.value
    if position is not None and position >= 0:
        for number, one in enumerate(call.args):
            if isinstance(one, ast.Starred):
                return Unknown()
            if number == position:
                return one
    if word and any(keyword.arg is None for keyword in call.keywords):
        return Unknown()
    return None


def holds(condition: str, call: ast.Call, scope: Scope, evaluator: Evaluator) -> bool:
    """Return whether all parts of a condition hold, or may."""
    return all(_part(part, call, scope, evaluator) for part in condition.split("&"))


def _part(part: str, call: ast.Call, scope: Scope, evaluator: Evaluator) -> bool:
    word, _, rest = part.partition(":")
    spec, _, wanted = rest.partition("=")
    position, _, name = spec.partition("/")
    if position.isdigit():
        given = argument(call, int(position), name)
    else:
        given = argument(call, None, position)
    if given is None:
        return word == "unless"
    if word == "given":
        values = _values(given, scope, evaluator)
        return not all(isinstance(one, Const) and one.value is None for one in values)
    values = _values(given, scope, evaluator)
    if word == "if":
        return any(_may_be(one, wanted.split("|")) for one in values)
    if word == "unless":
        return not all(_surely_is(one, wanted.split("|")) for one in values)
    if word == "mode":
        return any(_writes(one) for one in values)
    if word == "flags":
        return not isinstance(given, ast.AST) or not _only_reads(given)
    if word == "text":
        return any(_names_a_place(one) for one in values)
    if word == "writes":
        return any(_surely_writes(one) for one in values)
    if word == "place":
        return any(not isinstance(one, Unknown) and _names_a_place(one) for one in values)
    if word == "names":
        return any(_names_code(one) for one in values)
    if word == "url":
        return any(
            "://" in (one.value if isinstance(one, Const) and isinstance(one.value, str) else "")
            or (isinstance(one, Text) and "://" in one.prefix)
            for one in values
        )
    return True


def _values(given: Any, scope: Scope, evaluator: Evaluator) -> Values:
    return evaluator.values(given, scope) if isinstance(given, ast.AST) else UNKNOWN


def _spelled(value: Any) -> str:
    if isinstance(value, Const):
        return value.value if isinstance(value.value, str) else _written(value.value)
    if isinstance(value, Ref):
        return value.name.rpartition(".")[2]
    return ""


def _written(value: Any) -> str:
    try:
        return repr(value)
    except ValueError:  # a number of too many digits to be written
        return ""


def _may_be(value: Any, wanted: list[str]) -> bool:
    return not isinstance(value, (Const, Ref)) or _spelled(value) in wanted


def _surely_is(value: Any, wanted: list[str]) -> bool:
    return isinstance(value, (Const, Ref)) and _spelled(value) in wanted


def _writes(value: Any) -> bool:
    if isinstance(value, Const):
        return isinstance(value.value, str) and any(sign in value.value for sign in "wax+")
    return not isinstance(value, Ref)


def _surely_writes(value: Any) -> bool:
    given = value.value if isinstance(value, Const) else None
    return isinstance(given, str) and set(given) <= set("rwxabtU+") and _writes(value)


def _names_code(value: Any, depth: int = 8) -> bool:
    """Return whether a configuration names what is to be called, or may."""
    if isinstance(value, Const):
        text = value.value if isinstance(value.value, str) else ""
        return text.startswith("ext://") and text not in ("ext://sys.stdout", "ext://sys.stderr")
    if isinstance(value, Map) and depth and not value.rest:
        parts = [one for values in value.entries.values() for one in values]
        made = value.entries.get("class", ())
        if "()" in value.entries or not all(_spelled(one).startswith("logging.") for one in made):
            return True
        return any(_names_code(one, depth - 1) for one in parts)
    if isinstance(value, Seq) and depth:
        return any(_names_code(one, depth - 1) for item in value.items for one in item)
    return True


def _only_reads(node: ast.AST) -> bool:
    names = {
        one.attr if isinstance(one, ast.Attribute) else one.id
        for one in ast.walk(node)
        if isinstance(one, (ast.Attribute, ast.Name))
    }
    flags = {name for name in names if name.startswith("O_")}
    return bool(flags) and flags <= _READING


def _names_a_place(value: Any) -> bool:
    if isinstance(value, Const):
        return isinstance(value.value, (str, bytes))
    if isinstance(value, Ref):
        return bool(value.text) or value.name in ("pathlib.Path()", "pathlib.PurePath()")
    return isinstance(value, Text) or (isinstance(value, Unknown) and bool(value.origins))
