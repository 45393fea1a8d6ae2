"""Ask whether the skill's modules import each other relatively.

A skill is a package under ``kurt_skills``: its folder is not on the search
path, since two skills with a ``helper.py`` would get each other's. An absolute
import fails there, or brings something else of that name.

Bad::

    import helper
    from helper import fetch

Good::

    from . import helper
    from .helper import fetch
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator

from ..findings import Finding
from ..names import normalize
from .definitions import spelled
from .subject import Subject

__all__ = ["RULES", "check"]

RULES = ("absolute-sibling-import",)


def check(subject: Subject) -> Iterator[Finding]:
    """Yield a warning for each absolute import of a module of the skill's own.

    Not an error: something of that name may be installed where the skill runs.
    """
    required = {
        normalize(_distribution(text)) for text in (subject.record or {}).get("requires", ())
    }
    for path in subject.modules:
        tree = subject.tree(path)
        module = subject.analysis.modules.get(path)
        if tree is None or module is None:
            continue
        names = {name for _, name, _, level, _ in module.imports if not level}
        if not any(_module(subject, path, name) for name in names):
            continue  # as nearly always: nothing to look for
        for node in _imports(tree):
            for name, fix in _own(subject, path, node, required):
                message = f"{name} is imported absolutely, and is a module of the skill"
                yield subject.finding(
                    "absolute-sibling-import", "warning", message, node, path=path, fix=fix
                )


def _imports(tree: ast.Module) -> Iterator[ast.Import | ast.ImportFrom]:
    """Yield the imports that are made when the skill runs, and are not tried first."""
    pending: list[ast.AST] = [tree]
    while pending:
        node = pending.pop()
        if isinstance(node, (ast.Import, ast.ImportFrom)):
            yield node
            continue
        if isinstance(node, ast.If) and spelled(node.test).endswith("TYPE_CHECKING"):
            pending += node.orelse
            continue
        if isinstance(node, ast.Try) and any(_catches(handler) for handler in node.handlers):
            pending += [*node.orelse, *node.finalbody]
            continue
        if isinstance(node, ast.If) and _is_main(node.test):
            continue
        pending += ast.iter_child_nodes(node)


def _catches(handler: ast.ExceptHandler) -> bool:
    caught = "ImportError" if handler.type is None else spelled(handler.type)
    return any(word in caught for word in ("ImportError", "ModuleNotFoundError", "Exception"))


def _is_main(test: ast.expr) -> bool:
    return isinstance(test, ast.Compare) and "__main__" in spelled(test)


def _own(
    subject: Subject, path: str, node: ast.Import | ast.ImportFrom, required: set[str]
) -> Iterator[tuple[str, str]]:
    """Yield the skill's own modules that an import names, with the import to write."""
    if isinstance(node, ast.ImportFrom):
        names = [(node.module, "")] if node.module and not node.level else []
    else:
        names = [(alias.name, alias.asname or "") for alias in node.names]
    for name, renamed in names:
        first = name.partition(".")[0]
        # The standard library and what is required outrank a file of that name.
        if first in sys.stdlib_module_names or normalize(first) in required:
            continue
        target = _module(subject, path, name)
        if target is None:
            continue
        whole = isinstance(node, ast.ImportFrom)
        dots, rest = _relative(path, target, keep=0 if whole else 1)
        if isinstance(node, ast.ImportFrom):
            imported = ", ".join([_spelt(alias) for alias in node.names])
            yield name, f"from {dots}{'.'.join(rest)} import {imported}"
        else:
            package, last = rest[:-1], rest[-1]
            fix = f"from {dots}{'.'.join(package)} import {last}"
            yield name, f"{fix} as {renamed}" if renamed else fix


def _module(subject: Subject, path: str, name: str) -> list[str] | None:
    """Return the parts of the skill's module that an absolute import must mean, or None."""
    package = path.split("/")[:-1]
    for base in ([], package) if package else ([],):
        parts = [*base, *name.split(".")]
        if subject.module_file(".".join(parts)):
            return parts
    return None


def _relative(path: str, target: list[str], keep: int) -> tuple[str, list[str]]:
    """Return dots and rest of the relative name of a module, seen from a file.

    :param keep: how many of the last parts must be written out.
    """
    package = path.split("/")[:-1]
    common = 0
    while common < min(len(package), len(target) - keep) and package[common] == target[common]:
        common += 1
    return "." * (len(package) - common + 1), target[common:]


def _spelt(alias: ast.alias) -> str:
    return f"{alias.name} as {alias.asname}" if alias.asname else alias.name


def _distribution(requirement: str) -> str:
    end = next(
        (i for i, c in enumerate(requirement) if not (c.isalnum() or c in "-_.")), len(requirement)
    )
    return requirement[:end]
