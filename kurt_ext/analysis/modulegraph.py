"""The modules of a skill, which of them import which, and what its entry points reach."""

from __future__ import annotations

import ast
import sys
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

from ..names import PACKAGE
from .scopes import Module

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["Graph"]


class Graph:
    """The modules of one skill.

    :param paths: the paths of all Python files of the skill, as ``pkg/mod.py``.
    :param tree: gives the syntax tree of a path; None where it is no Python.
    """

    def __init__(self, paths: Iterable[str], tree: Callable[[str], ast.Module | None]) -> None:
        self.modules: dict[str, Module] = {}
        for path in paths:
            parsed = tree(path)
            if parsed is not None:
                self.modules[path] = Module(path, parsed)
        self._by_name: dict[str, Module] = {}
        for module in self.modules.values():
            self._by_name.setdefault(module.name, module)
            if module.is_package:
                self._by_name[module.name] = module
        #: Modules by their last word: what a changed ``sys.path`` may bring.
        self._by_word: dict[str, Module] = {}
        for module in self.modules.values():
            self._by_word.setdefault(module.name.rpartition(".")[2], module)
        self.changes_path = False
        self._importing: dict[str, tuple[Module, ...]] | None = None

    def resolve(self, name: str, level: int, module: Module | None) -> Module | None:
        """Return the skill's module that an import of a name brings; None for one from outside."""
        if level and module is not None:
            package = module.package
            if level - 1 > len(package):
                return None
            base = package[: len(package) - level + 1]
            return self._by_name.get(".".join([*base, *([name] if name else [])]))
        if not name:
            return None
        parts = name.split(".")
        if parts[0] in sys.stdlib_module_names:
            return None  # a skill's folder is not on the search path
        if parts[0] == PACKAGE and len(parts) > 2:
            name = ".".join(parts[2:])
        found = self._by_name.get(name)
        if found is None and module is not None and module.package:
            found = self._by_name.get(".".join([*module.package, name]))
        if found is None and self.changes_path:
            found = self._by_word.get(name.rpartition(".")[2])
        return found

    def imports(self, module: Module) -> Iterator[tuple[Module, ast.AST, bool]]:
        """Yield the skill's modules that one imports, where, and whether at once."""
        for node, base, name, level, now in module.imports:
            whole = f"{base}.{name}" if base and name else base or name or ""
            for one in (whole, base):
                found = self.resolve(one, level, module)
                if found is not None:
                    yield found, node, now
                    # Its packages are imported before it.
                    for package in _packages(found.name):
                        outer = self._by_name.get(package)
                        if outer is not None and outer is not module:
                            yield outer, node, now
                    break

    def reached(
        self, entries: Iterable[str], more: Callable[[Module], Iterable[Module]]
    ) -> set[str]:
        """Return the paths of what modules import, directly or not.

        :param entries: dotted names to begin from.
        :param more: gives what a module imports in other ways than by a statement.
        """
        waiting = [found for name in entries if (found := self.resolve(name, 0, None)) is not None]
        root = self._by_name.get("")
        if root is not None:
            waiting.append(root)
        for found in list(waiting):
            waiting += [
                outer for name in _packages(found.name) if (outer := self._by_name.get(name))
            ]
        reached: set[str] = set()
        while waiting:
            module = waiting.pop()
            if module.path in reached:
                continue
            reached.add(module.path)
            waiting += [found for found, _, _ in self.imports(module)]
            waiting += more(module)
        return reached

    def importing(self, module: Module) -> tuple[Module, ...]:
        """Return the other modules that import one, at most 16."""
        if self._importing is None:
            found: dict[str, list[Module]] = {}
            for one in self.modules.values():
                for target, _, _ in self.imports(one):
                    if target is not one:
                        found.setdefault(target.path, []).append(one)
            self._importing = {
                path: tuple(dict.fromkeys(ones))[:16] for path, ones in found.items()
            }
        return self._importing.get(module.path, ())


def _packages(name: str) -> list[str]:
    parts = name.split(".")
    return [".".join(parts[:end]) for end in range(1, len(parts))]
