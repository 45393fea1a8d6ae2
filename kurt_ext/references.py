"""Which dotted names a module refers to, by reading it.

Names are followed through imports, aliases, ``getattr`` with a text that can be
worked out, ``__import__``, ``importlib.import_module``, ``vars`` and ``sys.modules``; a
name that a module defines itself is no builtin. What flows through calls,
containers and classes is not followed.
"""

from __future__ import annotations

import ast
import builtins
from collections import Counter
from collections.abc import Iterator

__all__ = ["Expression", "Scope", "references"]

Expression = ast.Name | ast.Attribute | ast.Call | ast.Subscript

_MAX_FOLD = 4096


def references(tree: ast.Module) -> Iterator[tuple[str, ast.AST]]:
    """Yield each dotted name that a module imports or names, and where; builtins by their name."""
    scope = Scope(tree)
    for node, name in scope.expressions(tree):
        if name:
            yield name.removeprefix("builtins."), node
    for one in ast.walk(tree):
        if isinstance(one, ast.Import):
            yield from ((alias.name, one) for alias in one.names)
        elif isinstance(one, ast.ImportFrom) and one.module and not one.level:
            yield from ((f"{one.module}.{alias.name}", one) for alias in one.names)


class Scope:
    """What the names of a module stand for.

    One table for the whole module: a name that means something of interest anywhere is
    taken to mean it everywhere.
    """

    def __init__(self, tree: ast.Module) -> None:
        self.names: dict[str, str] = {}
        self._constants: dict[str, ast.expr] = {}
        bound: set[str] = set()
        assigned: list[tuple[str, ast.expr]] = []
        for node in ast.walk(tree):
            if isinstance(node, ast.Import):
                for alias in node.names:
                    whole = alias.name if alias.asname else alias.name.partition(".")[0]
                    self.names[alias.asname or whole] = whole
            elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                for alias in node.names:
                    self.names[alias.asname or alias.name] = f"{node.module}.{alias.name}"
            elif isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
                bound.add(node.name)
            elif isinstance(node, ast.arg):
                bound.add(node.arg)
            elif isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Load):
                bound.add(node.id)
            if isinstance(node, ast.Assign):
                assigned += [(t.id, node.value) for t in node.targets if isinstance(t, ast.Name)]
            elif (
                isinstance(node, (ast.AnnAssign, ast.NamedExpr))
                and isinstance(node.target, ast.Name)
                and node.value is not None
            ):
                assigned.append((node.target.id, node.value))
        self._bound = bound
        times = Counter(name for name, _ in assigned)
        self._constants = {name: value for name, value in assigned if times[name] == 1}
        for _ in range(4):  # aliases of aliases
            for name, value in assigned:
                meant = self.dotted(value) if name not in self.names else None
                if meant is not None:
                    self.names[name] = meant

    def expressions(self, tree: ast.Module) -> Iterator[tuple[Expression, str | None]]:
        """Yield what may be a name, with the name; None where a longer one contains it."""
        # Of os.environ["X"] and os.environ.get the longest name tells the most.
        parts = {
            id(node.value)
            for node in ast.walk(tree)
            if isinstance(node, ast.Attribute)
            or (isinstance(node, ast.Subscript) and self.dotted(node) is not None)
        }
        for node in ast.walk(tree):
            if isinstance(node, (ast.Name, ast.Attribute, ast.Call, ast.Subscript)):
                yield node, None if id(node) in parts else self.dotted(node)

    def dotted(self, node: ast.AST, depth: int = 32) -> str | None:
        """Return the dotted name that an expression stands for; None where it is no name."""
        if depth <= 0:
            return None
        if isinstance(node, ast.Name):
            if node.id in self.names:
                return self.names[node.id]
            known = node.id not in self._bound and hasattr(builtins, node.id)
            return f"builtins.{node.id}" if known else _BUILTINS.get(node.id)
        if isinstance(node, ast.Attribute):
            base = self.dotted(node.value, depth - 1)
            return self._member(base, node.attr)
        if isinstance(node, ast.Call):
            return self._made(node, depth - 1)
        if isinstance(node, ast.Subscript):
            base, key = self.dotted(node.value, depth - 1), self.text(node.slice)
            if base == "sys.modules":
                return key
            if base == "builtins.globals()":
                return _BUILTINS.get(key or "")
            if base is not None and key and (base == "builtins" or base.endswith(".__dict__")):
                return self._member(base.removesuffix(".__dict__"), key)
            return base if base in ("os.environ", "os.environb") else None
        return None

    def _made(self, node: ast.Call, depth: int) -> str | None:
        """Return the name that a call stands for, of getattr, vars, or of an import."""
        called = self.dotted(node.func, depth)
        first = node.args[0] if node.args else None
        if called in ("builtins.__import__", "importlib.import_module"):
            return self.text(first) if first is not None else None
        if called in ("builtins.globals", "builtins.locals"):
            return "builtins.globals()"
        if called == "builtins.vars" and first is not None:
            return self._member(self.dotted(first, depth), "__dict__")
        if called == "builtins.getattr" and len(node.args) > 1:
            name = self.text(node.args[1])
            base = self.dotted(node.args[0], depth)
            return self._member(base, name) if name else None
        return None

    @staticmethod
    def _member(base: str | None, name: str) -> str | None:
        if base is None:
            return None
        return f"{base}.{name}"

    def text(self, node: ast.AST | None, depth: int = 16) -> str | None:
        """Return the text that an expression surely is; None where only running it tells."""
        if node is None or depth <= 0:
            return None
        if isinstance(node, ast.Constant):
            return node.value if isinstance(node.value, str) else None
        if isinstance(node, ast.Name) and node.id in self._constants:
            return self.text(self._constants[node.id], depth - 1)
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
            left, right = self.text(node.left, depth - 1), self.text(node.right, depth - 1)
            whole = None if left is None or right is None else left + right
            return whole if whole is not None and len(whole) <= _MAX_FOLD else None
        if isinstance(node, ast.JoinedStr):
            parts = [self.text(part, depth - 1) for part in node.values]
            return None if None in parts else "".join([part or "" for part in parts])
        if isinstance(node, ast.FormattedValue) and node.format_spec is None:
            return self.text(node.value, depth - 1)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            return self._method(node, node.func, depth - 1)
        if isinstance(node, ast.Subscript) and isinstance(node.slice, ast.Slice):
            return self._reversed(node, depth - 1)
        return None

    def _method(self, node: ast.Call, func: ast.Attribute, depth: int) -> str | None:
        """Return what ``"".join([…])`` gives for texts that are known."""
        glue = self.text(func.value, depth)
        listed = node.args[0] if len(node.args) == 1 else None
        if func.attr == "join" and glue is not None and isinstance(listed, (ast.List, ast.Tuple)):
            parts = [self.text(item, depth) for item in listed.elts]
            return None if None in parts else glue.join([part or "" for part in parts])
        return None

    def _reversed(self, node: ast.Subscript, depth: int) -> str | None:
        """Return what ``"…"[::-1]`` gives."""
        text = self.text(node.value, depth)
        part = node.slice
        if text is None or not isinstance(part, ast.Slice) or part.lower or part.upper:
            return None
        step = part.step
        if not isinstance(step, ast.UnaryOp) or not isinstance(step.op, ast.USub):
            return None
        one = isinstance(step.operand, ast.Constant) and step.operand.value == 1
        return text[::-1] if one else None


_BUILTINS = {"__builtins__": "builtins", "__import__": "builtins.__import__"}
