"""Ask whether everything could be looked into, and nothing costs more than it is worth.

What is too large, too many or too deep to be judged was not judged: a verdict
that leaves it out says nothing. A constant like ``9**9**9`` stops the process
that works it out.

Bad::

    LIMIT = 9**9**9
    TABLE = -(-(-(…60,000 times…)))

Good::

    LIMIT = 10**9
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import Any

from ..analysis.magnitude import bombs, may_hold_bombs
from ..findings import Finding
from .subject import Subject

__all__ = ["CATEGORY", "RULES", "check"]

CATEGORY = {
    "constant-bomb": "resource_exhaustion",
    "many-files": "resource_exhaustion",
    "module-not-parsed": "resource_exhaustion",
    "module-unread": "resource_exhaustion",
    "folders-too-deep": "resource_exhaustion",
    "nested-too-deeply": "resource_exhaustion",
    "large-literal": "opaque_binary",
    "too-large": "resource_exhaustion",
}
RULES = tuple(CATEGORY)
#: Levels of an expression; a visitor that recurses ends at 1,000 frames.
_MAX_LEVELS = 400
_LARGE = 256 << 10  # bytes of a literal


def check(subject: Subject) -> Iterator[Finding]:
    """Yield what was not looked into, and what is dear to run."""
    yield from _folder(subject)
    for path in subject.all_modules:
        tree = subject.tree(path)
        if tree is None:
            yield from _unseen(subject, path)
            continue
        data = subject.source(path) or b""
        if may_hold_bombs(data):
            yield from _bombs(subject, path, tree)
        if len(data) > 2 * _MAX_LEVELS:
            yield from _nesting(subject, path, tree)
        if len(data) > _LARGE:
            yield from _literals(subject, path, tree)


def _folder(subject: Subject) -> Iterator[Finding]:
    inventory = subject.inventory
    limits = inventory.limits
    if inventory.beyond:
        message = f"there are more than {limits.entries:,} names; the others were not looked at"
        yield subject.finding("many-files", "medium", message, fix="ship what is needed alone")
    if inventory.too_deep:
        path = next(path for path, why in inventory.aside.items() if why == "it lies too deep")
        message = f"there are more than {limits.depth} folders in one another"
        yield subject.finding("folders-too-deep", "high", message, path[:200], fix="make it flat")
    for path, why in sorted(inventory.aside.items()):
        if why.startswith(("it cannot be listed", "there are too many")):
            yield subject.finding("module-unread", "high", f"the folder: {why}", path)
    inventory.account()
    for path, why in sorted(inventory.unread.items()):
        if why == "all files together are too large":
            yield subject.finding("too-large", "medium", why, path)
        elif why not in ("it is a link", "it is no plain file") and not path.endswith(".py"):
            yield subject.finding("module-unread", "high", why, path, fix="make it readable")


def _unseen(subject: Subject, path: str) -> Iterator[Finding]:
    why = subject.unread_modules.get(path)
    if why == "it is a link":
        return  # the check of the folder's structure tells of links
    if why is not None:
        message = f"this module was not judged: {why}"
        yield subject.finding("module-unread", "high", message, path)
        return
    line, column, reason = subject.unparsed.get(path, (0, 0, "it is gone"))
    at = (path, line, column)
    if path in subject.exhausted:
        message = f"this module was not judged: {reason}"
        yield subject.finding("module-not-parsed", "high", message, at, fix="write it plainly")
        return
    message = f"this module was not judged, since it is no Python: {reason}"
    yield subject.finding(
        *("module-not-parsed", "high", message, at), category="structure", fix="mend or delete it"
    )


def _nesting(subject: Subject, path: str, tree: ast.Module) -> Iterator[Finding]:
    """Yield the first expression that nests too deeply for what walks trees by recursion."""
    node = _deepest(tree)
    if node is not None:
        message = f"an expression has more than {_MAX_LEVELS} levels, as no person writes it"
        fix = "use a list and join() or sum()"
        yield subject.finding(*("nested-too-deeply", "medium", message, node), path=path, fix=fix)


def _deepest(tree: ast.Module) -> ast.AST | None:
    """Return an expression at the last level that is allowed, or None."""
    blocks: list[list[ast.stmt]] = [tree.body]
    stack: list[tuple[ast.AST, int]] = []
    while blocks or stack:
        if stack:
            node, level = stack.pop()
            if level > _MAX_LEVELS:
                return node
            for child in ast.iter_child_nodes(node):
                if _long(child, _MAX_LEVELS - level):
                    stack.append((child, level + 1))
            continue
        for statement in blocks.pop():
            inner = [getattr(statement, name, None) for name in _BLOCKS]
            held = [block for block in inner if block]
            if not held:
                if _long(statement):
                    stack.append((statement, 0))
                continue
            for block in held:
                parts = [getattr(part, "body", None) for part in block]
                nested = isinstance(block[0], ast.ExceptHandler | ast.match_case)
                blocks += [part for part in parts if part] if nested else [block]
            # What stands before the colon: a condition, defaults, decorators.
            stack += [(child, 0) for child in _heads(statement) if _long(child)]
    return None


def _heads(statement: ast.stmt) -> Iterator[ast.AST]:
    for name in ("test", "iter", "target", "subject", "returns", "type"):
        child = getattr(statement, name, None)
        if isinstance(child, ast.AST):
            yield child
    for name in ("decorator_list", "bases", "keywords", "items"):
        yield from getattr(statement, name, ())
    arguments = getattr(statement, "args", None)
    if isinstance(arguments, ast.arguments):
        yield from (one for one in (*arguments.defaults, *arguments.kw_defaults) if one)


_BLOCKS = ("body", "orelse", "finalbody", "handlers", "cases")


def _long(node: Any, levels: int = _MAX_LEVELS) -> bool:
    """Return whether a node has the room for so many levels, at a byte each."""
    first = getattr(node, "lineno", None)
    if first is None:
        return not isinstance(node, _WORDS)
    if (node.end_lineno or first) > first:
        return True
    width: int = (node.end_col_offset or 0) - node.col_offset
    return width >= levels


_WORDS = (ast.expr_context, ast.operator, ast.boolop, ast.unaryop, ast.cmpop)


def _literals(subject: Subject, path: str, tree: ast.Module) -> Iterator[Finding]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, (str, bytes)):
            size = len(node.value)
            if size > _LARGE:
                severity = "medium" if size > 4 * _LARGE else "warning"
                message = f"a literal has {size:,} characters, which nobody reads"
                fix = "put it into a data file"
                yield subject.finding("large-literal", severity, message, node, path=path, fix=fix)


def _bombs(subject: Subject, path: str, tree: ast.Module) -> Iterator[Finding]:
    node = next(bombs(tree), None)
    if node is not None:
        message = "working out this constant takes all the time or memory there is"
        yield subject.finding("constant-bomb", "high", message, node, path=path)
