"""Find where a name of a module is defined, and what a class is derived from, by reading.

The answers are those that a reader gives who follows ``from .models import X``
through the skill's files. Where only running the code would tell, they say so.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from .subject import Subject

__all__ = ["Definition", "ancestry", "defined_names", "find", "relative_module", "spelled"]

_MAX_HOPS = 16


class Definition(NamedTuple):
    """Where a name leads.

    :param path: the file of the skill; empty for what lies outside.
    :param node: the class, function, assignment or import there; None where only running
        the module would tell.
    :param outside: the dotted place of what lies outside of the skill, ``package.Name``.
    """

    path: str
    node: ast.AST | None
    outside: str = ""


def find(subject: Subject, module: str, name: str, hops: int = _MAX_HOPS) -> Definition | None:
    """Return the definition of a dotted name of a module; None where there surely is none.

    :param module: the dotted module within the skill.
    """
    path = subject.module_file(module)
    tree = subject.tree(path) if path else None
    if path is None or tree is None or hops <= 0:
        return Definition(path or "", None)
    return _in_body(subject, path, tree.body, name, hops)


def _in_body(
    subject: Subject, path: str, body: list[ast.stmt], name: str, hops: int
) -> Definition | None:
    first, _, rest = name.partition(".")
    found: Definition | None = None
    for bound, node in _bindings(body):
        if bound in ("*", "__getattr__") and found is None:
            found = _star(subject, path, node, first, hops)
        elif bound == first:
            found = _followed(subject, path, node, first, hops)
    if found is None or not rest:
        return found
    if isinstance(found.node, ast.ClassDef):
        return _in_body(subject, found.path, found.node.body, rest, hops)
    return Definition(found.path, None, f"{found.outside}.{rest}" if found.outside else "")


def _bindings(body: Iterable[ast.stmt]) -> Iterator[tuple[str, ast.AST]]:
    """Yield the names that statements bind, also within ``if``, ``try`` and ``with``."""
    pending = list(body)[::-1]
    while pending:  # and no recursion: an `elif` lies in the `if` before it, hundreds deep
        node = pending.pop()
        if isinstance(node, (ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)):
            yield node.name, node
        elif isinstance(node, ast.Import):
            for alias in node.names:
                yield alias.asname or alias.name.partition(".")[0], node
        elif isinstance(node, ast.ImportFrom):
            for alias in node.names:
                yield alias.asname or alias.name, node
        elif isinstance(node, (ast.Assign, ast.AnnAssign)):
            for target in node.targets if isinstance(node, ast.Assign) else [node.target]:
                for inner in ast.walk(target):
                    if isinstance(inner, ast.Name):
                        yield inner.id, node
        else:
            inside = list(getattr(node, "body", ()))
            for handler in getattr(node, "handlers", ()):
                inside += handler.body
            inside += [*getattr(node, "orelse", ()), *getattr(node, "finalbody", ())]
            pending += inside[::-1]


def _followed(
    subject: Subject, path: str, node: ast.AST, name: str, hops: int
) -> Definition | None:
    if isinstance(node, ast.ImportFrom):
        alias = next(alias for alias in node.names if (alias.asname or alias.name) == name)
        module = relative_module(path, node)
        if module is None:
            return Definition("", node, f"{node.module}.{alias.name}")
        inside = f"{module}.{alias.name}" if module else alias.name
        if subject.module_file(module) or not subject.module_file(inside):
            return find(subject, module, alias.name, hops - 1)
        return Definition("", None)
    if isinstance(node, ast.Import):
        alias = next(
            alias for alias in node.names if (alias.asname or alias.name.partition(".")[0]) == name
        )
        return Definition("", node, alias.name if alias.asname else name)
    if isinstance(node, ast.Assign) and isinstance(node.value, ast.Name) and hops > 0:
        tree = subject.tree(path)
        if tree is not None and node.value.id != name:
            return _in_body(subject, path, tree.body, node.value.id, hops - 1)
    return Definition(path, node)


def _star(subject: Subject, path: str, node: ast.AST, name: str, hops: int) -> Definition | None:
    """Return what a star import, or a module's own ``__getattr__``, gives for a name."""
    if isinstance(node, ast.ImportFrom):
        module = relative_module(path, node)
        if module is not None:
            return find(subject, module, name, hops - 1)
    return Definition(path, None)


def relative_module(path: str, node: ast.ImportFrom) -> str | None:
    """Return the skill's module that a relative import names; None for an absolute one."""
    if not node.level:
        return None
    package = path.split("/")[:-1]
    up = node.level - 1
    if up > len(package):
        return "\0"  # above the skill: there is no such module
    parts = package[: len(package) - up]
    return ".".join([*parts, *([node.module] if node.module else [])])


def ancestry(subject: Subject, definition: Definition) -> tuple[list[str], list[Definition]]:
    """Return what a class is derived from: dotted names outside, and the classes inside.

    An outside name is ``?`` where only running the code would tell. The first
    class inside is the class itself.
    """
    outside: list[str] = []
    inside = [definition]
    at = 0
    while at < len(inside) and at < _MAX_HOPS:
        current = inside[at]
        at += 1
        if not isinstance(current.node, ast.ClassDef):
            continue
        for base in current.node.bases:
            found = _base(subject, current.path, base)
            if isinstance(found.node, ast.ClassDef) and found.path:
                if found not in inside:
                    inside.append(found)
            else:
                outside.append(found.outside or "?")
    return outside, inside


def _base(subject: Subject, path: str, expression: ast.expr) -> Definition:
    if isinstance(expression, ast.Subscript):
        expression = expression.value
    name = spelled(expression)
    if not all(part.isidentifier() for part in name.split(".")):
        return Definition("", None)
    tree = subject.tree(path)
    found = _in_body(subject, path, tree.body, name, _MAX_HOPS) if tree is not None else None
    # What the module does not bind is a builtin.
    return found or Definition("", None, f"builtins.{name}")


def spelled(node: ast.AST) -> str:
    """Return an expression as it is written; ``""`` for one that is nested too deeply."""
    try:
        return ast.unparse(node)
    except (ValueError, RecursionError):
        return ""


def defined_names(subject: Subject, module: str) -> list[str]:
    """Return the classes and functions that a module defines itself."""
    path = subject.module_file(module)
    tree = subject.tree(path) if path else None
    nodes = _bindings(tree.body) if tree is not None else ()
    kinds = (ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
    return [name for name, node in nodes if isinstance(node, kinds) and not name.startswith("_")]
