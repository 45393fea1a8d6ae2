"""What a check is given: the skill's folder, its manifest, its files and their syntax trees."""

from __future__ import annotations

import ast
import os
from collections.abc import Iterator
from functools import cached_property
from typing import TYPE_CHECKING, Any

from ..analysis.columns import in_characters
from ..analysis.inventory import Inventory, take
from ..analysis.parsing import Budget, NotParsed, parse
from ..findings import Finding
from ..hostfacts import RUNTIME_VERSION, HostFacts
from ..manifest import MANIFESTS, Reading
from ..sources import fetch, mark

if TYPE_CHECKING:
    from ..analysis.uses import Analysis
    from ..grants import Grants
    from ..sources import Marks, Pointer

__all__ = ["RUNTIME_VERSION", "Subject"]


class Subject(Reading):
    """A skill as it lies on the disk: what its manifests say, and its files.

    Every answer is made once and kept.

    :param reading: what its manifests say.
    :param profile: what it is judged for; None means to be loaded here.
    :param runtime_version: the SemVer version of the host.
    :param facts: what is known of the host beside that.
    """

    def __init__(
        self,
        reading: Reading,
        profile: str | None = None,
        runtime_version: str = RUNTIME_VERSION,
        facts: HostFacts | None = None,
    ) -> None:
        super().__init__(
            reading.folder,
            reading.record,
            reading.findings,
            reading.files,
            reading.code,
            reading.stated,
        )
        self.profile = profile
        self.facts = facts or HostFacts(runtime_version=runtime_version)
        self.runtime_version = self.facts.runtime_version
        self._trees: dict[str, ast.Module | None] = {}
        #: Modules that are not Python, by path, with line, column and reason.
        self.unparsed: dict[str, tuple[int, int, str]] = {}
        #: Those of them that reached a limit, and may be Python after all.
        self.exhausted: set[str] = set()
        #: Modules that could not be read, with the reason.
        self.unread_modules: dict[str, str] = {}
        self._budget = Budget()

    @cached_property
    def grants(self) -> Grants:
        """What the manifest's permissions allow."""
        from ..grants import Grants

        return Grants.of((self.record or {}).get("permissions") or {})

    @property
    def digests(self) -> dict[str, str]:
        """Path → sha256 in hexadecimal of every file that was read."""
        self.inventory.account()
        return dict(sorted(self.inventory.digests.items()))

    @cached_property
    def stated_permissions(self) -> frozenset[str]:
        """The lists of permissions that a manifest states, if only as empty."""
        return frozenset(
            str(pointer[1])
            for marks in self._marks.values()
            for pointer in marks
            if len(pointer) == 2 and pointer[0] == "permissions"
        )

    @cached_property
    def analysis(self) -> Analysis:
        """What the code uses, by reading it."""
        from ..analysis.uses import analyse

        entries = [self.entry_module, *[module for _, _, module in self.implements()]]
        return analyse(self.all_modules, self.tree, entries)

    @property
    def publishing(self) -> bool:
        """Whether the skill is judged for other machines than this."""
        return self.profile is not None

    @cached_property
    def manifest(self) -> str:
        """The file that says what the skill is, as findings name it."""
        return self.files[0] if self.files else MANIFESTS[0]

    @cached_property
    def inventory(self) -> Inventory:
        """Everything that lies in the folder, links not followed."""
        return take(self.folder)

    @cached_property
    def paths(self) -> tuple[str, ...]:
        """Every file and link, as ``sub/name``, sorted, but for bytecode caches.

        See ``inventory`` for what else lies there, and for the limits.
        """
        return tuple(
            [
                entry.path
                for entry in self.inventory.entries
                if entry.kind != "folder" and "__pycache__" not in entry.path.split("/")
            ]
        )

    @cached_property
    def modules(self) -> tuple[str, ...]:
        """The Python modules among the paths, without tests."""
        return tuple([path for path in self.paths if path.endswith(".py") and not is_test(path)])

    @cached_property
    def all_modules(self) -> tuple[str, ...]:
        """The Python modules wherever they lie, tests too."""
        return tuple(
            [
                entry.path
                for entry in self.inventory.entries
                if entry.kind != "folder" and entry.path.lower().endswith((".py", ".pyw"))
            ]
        )

    def status(self, path: str) -> os.stat_result | None:
        """Return the status of a file, of a link itself; None where it is gone."""
        try:
            return os.lstat(os.path.join(self.folder, path))
        except (OSError, ValueError):
            return None

    def source(self, path: str) -> bytes | None:
        """Return a file's bytes, read once; None where it is no plain file of at most 8 MiB."""
        return self.inventory.read(path)

    def tree(self, path: str) -> ast.Module | None:
        """Return a module's syntax tree; None where it is no Python, see ``unparsed``."""
        if path not in self._trees:
            self._trees[path] = self._parse(path)
        return self._trees[path]

    def _parse(self, path: str) -> ast.Module | None:
        data = self.source(path)
        if data is None:
            reason = self.inventory.unread.get(path, "it is too large to be read")
            self.unread_modules[path] = reason
            return None
        try:
            return in_characters(parse(data, path, self._budget), data)
        except NotParsed as error:
            self.unparsed[path] = (error.line, error.column, error.reason)
            if error.exhausted:
                self.exhausted.add(path)
        return None

    def module_file(self, module: str) -> str | None:
        """Return the file of a module of the skill, as ``pkg/mod.py``; None where none is."""
        base = module.replace(".", "/")
        for path in (f"{base}.py", f"{base}/__init__.py"):
            if path in self._names:
                return path
        return None

    @cached_property
    def _names(self) -> frozenset[str]:
        return frozenset(self.paths)

    @property
    def entry_module(self) -> str:
        """The dotted name of the module that holds the skill's code."""
        entry = (self.record or {}).get("entry_point") or "skill"
        return str(entry).partition(":")[0]

    def implements(self, word: str | None = None) -> Iterator[tuple[int, dict[str, Any], str]]:
        """Yield number, row and module of each ``implements`` of a type, of all if None."""
        for number, row in enumerate((self.record or {}).get("implements", ())):
            if word is None or row["type"] == word:
                yield number, row, row.get("module") or self.entry_module

    @cached_property
    def _marks(self) -> dict[str, Marks]:
        from .. import frontmatter, strictjson

        found: dict[str, Marks] = {}
        for name in self.files:
            data = fetch(os.path.join(self.folder, name), name)
            if isinstance(data, Finding):
                continue
            if name != "SKILL.md":
                found[name] = strictjson.locate(data)
                continue
            front = frontmatter.split(data, name, [])
            if front.text is not None:
                found[name] = frontmatter.locate(front.text, name, front.line)
        return found

    def at(self, *pointers: Pointer) -> tuple[str, int, int]:
        """Return file, line and column of the first of the manifest's fields that is there.

        :param pointers: the field in the spellings it may have, such as
            ``("permissions", "network_hosts", 0)``.
        """
        for pointer in pointers:
            for name, marks in self._marks.items():
                if pointer[:1] in marks and (len(pointer) < 2 or pointer[:2] in marks):
                    return (name, *mark(marks, pointer))
        for pointer in pointers:
            for name, marks in self._marks.items():
                if pointer[:1] in marks:
                    return (name, *mark(marks, pointer))
        return (self.manifest, 0, 0)

    def finding(
        self,
        rule: str,
        severity: str,
        message: str,
        at: str | tuple[str, int, int] | ast.AST = "",
        *,
        path: str = "",
        fix: str = "",
        category: str = "",
        confidence: str = "",
        evidence: str = "",
    ) -> Finding:
        """Return a finding about a file, a field (see :meth:`at`) or a node of ``path``."""
        if isinstance(at, ast.AST):
            line, column = getattr(at, "lineno", 0), getattr(at, "col_offset", -1) + 1
        elif isinstance(at, tuple):
            path, line, column = at
        else:
            path, line, column = at or path, 0, 0
        return Finding(
            *(rule, severity, message),
            path=path,
            line=line,
            column=column,
            fix=fix,
            category=category,
            confidence=confidence,
            evidence=evidence,
        )


def is_test(path: str) -> bool:
    """Return whether a file is a test of the skill, which is not loaded with it."""
    *folders, name = path.split("/")
    if any(folder in ("tests", "test") for folder in folders):
        return True
    return name == "conftest.py" or name.startswith("test_") or name.endswith("_test.py")
