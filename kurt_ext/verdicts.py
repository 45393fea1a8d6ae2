"""Remember verdicts, so that a skill that has not changed is not judged again.

A verdict is kept under the SHA-256 of all that it depends on: names, rights and
bytes of every file of the skill, the rules (checks, their versions and sources,
kurt's and Python's), the facts of the host, and the profile. Another byte or another
rule is another key: nothing is ever answered from what was found of something else.

Bytes need not be read where nothing can have changed them: the times, inodes and
sizes of all files are as they were, and clearly older than the note of them. The
index trusts a manifest for the same reason.

What lies in ``<cache>/verdicts`` is the user's own, mode 0600, bounded, and
replaced whole; a file that is damaged, foreign or of another shape counts as missing.
"""

from __future__ import annotations

import json
import os
import stat
import sys
import time
from collections.abc import Callable, Iterable, Mapping
from hashlib import sha256
from typing import TYPE_CHECKING, Any, NamedTuple

from . import __version__
from .index import RACY_NS
from .jsontext import dumps
from .plainfiles import READING
from .surveys import Survey, is_own_file, survey

if TYPE_CHECKING:
    from .hostfacts import HostFacts
    from .places import Places
    from .report import Report
    from .validator import Check

__all__ = [
    "Mark",
    "Survey",
    "Verdicts",
    "is_own_file",
    "plain",
    "rules_version",
    "survey",
    "tree_digest",
]

_SCHEMA = "kurt.verdict/1"
#: Files of verdicts and of notes that are kept, the latest; some kilobytes each.
KEEP = 4096
_MAX_BYTES = 2 << 20
#: Of what is larger, no verdict is kept: to read it costs as much as to judge it.
_MAX_TREE = 256 << 20
_MAX_SOURCES = 5000
#: What is said of a judge that failed, not of what it judged.
_PASSING = frozenset(("check-failed", "judge-died"))


def _contents(folder: str, seen: Survey) -> tuple[str, dict[str, str]] | None:
    """Return the digest of a tree and those of its files; None where it cannot be read."""
    if sum(row[2] for row in seen.rows if stat.S_ISREG(row[1])) > _MAX_TREE:
        return None
    files: dict[str, str] = {}
    whole = sha256(os.fsencode(os.path.basename(folder)) + b"\0")
    if any(row[6] for row in seen.rows):
        # Whether a link leads out of the folder depends on where the folder is.
        whole.update(os.fsencode(os.path.realpath(folder)) + b"\0")
    for path, mode, size, *_, target in seen.rows:
        digest = ""
        if stat.S_ISREG(mode):
            try:
                opened = os.open(os.path.join(folder, path), READING)
                with os.fdopen(opened, "rb") as file:
                    data = file.read(_MAX_TREE)
            except OSError:
                return None
            if len(data) != size:
                return None  # it is being written
            digest = files[path] = sha256(data).hexdigest()
        whole.update(repr((path, mode, digest, target)).encode("utf-8", "surrogateescape"))
    return whole.hexdigest(), files


def tree_digest(folder: str) -> str | None:
    """Return the SHA-256 of a folder: names, rights and bytes of all files; None if unreadable."""
    seen = survey(folder)
    read = None if seen is None else _contents(folder, seen)
    return None if read is None else read[0]


def rules_version(checks: Iterable[Check], more: Iterable[str] = ()) -> str:
    """Return what is another whenever a verdict may be another for the same files.

    The names, values, distributions and versions of the checks, the sources they and
    this package are made of (an editable installation changes without a version), and
    Python's version, which decides what parses.

    :param more: what else the verdict depends on.
    """
    from importlib.metadata import PackageNotFoundError, version

    parts: list[object] = [__version__, sys.version, sys.platform]
    roots = {__name__.partition(".")[0]}
    distributions = {"pydantic", "PyYAML", "jsonschema-rs"}
    for check in sorted(checks):
        parts.append(tuple(check))
        distributions.add(check.distribution)
        roots.add(check.value.partition(":")[0].partition(".")[0])
    for distribution in sorted(distributions):
        try:
            parts.append((distribution, version(distribution)))
        except (PackageNotFoundError, ValueError):
            parts.append((distribution, ""))
    for root in sorted(roots):
        parts.append((root, _sources(root)))
    return sha256(repr([*parts, *more]).encode("utf-8", "surrogateescape")).hexdigest()


def _sources(package: str) -> list[tuple[str, int, int]]:
    """Return path, mtime and size of the sources of a top-level package, without importing it."""
    from importlib.machinery import PathFinder

    try:
        spec = PathFinder.find_spec(package)
    except (ImportError, ValueError):
        return []
    if spec is None:
        return []
    if spec.submodule_search_locations is None:
        return [_stamp(spec.origin or "")]
    found: list[tuple[str, int, int]] = []
    for location in spec.submodule_search_locations:
        for folder, folders, names in os.walk(location):
            folders[:] = [name for name in folders if name != "__pycache__"]
            found += [_stamp(os.path.join(folder, name)) for name in names if _is_code(name)]
            if len(found) > _MAX_SOURCES:
                break
    return sorted(found)


def _is_code(name: str) -> bool:
    return name.endswith((".py", ".so", ".pyd", ".json", ".txt", ".toml"))


def _stamp(path: str) -> tuple[str, int, int]:
    try:
        status = os.stat(path)
    except OSError:
        return (path, 0, 0)
    return (path, status.st_mtime_ns, status.st_size)


class Verdicts:
    """The verdicts that are remembered, for one set of rules, facts and profile.

    :param places: where the cache lies.
    :param rules: see :func:`rules_version`.
    :param facts: what is known of the host.
    :param profile: what is judged for.
    :param folder: where they lie; ``verdicts`` in the cache if None.
    """

    def __init__(
        self,
        places: Places,
        rules: str,
        facts: HostFacts | None = None,
        profile: str = "load",
        *,
        folder: str | None = None,
    ) -> None:
        self._folder = folder or os.path.join(places.cache, "verdicts")
        known = "" if facts is None else dumps(plain(facts._asdict()))
        self._world = sha256("\0".join((_SCHEMA, rules, known, profile)).encode()).hexdigest()
        self._written = 0
        #: How often a verdict was there, was not, and how often no byte was read for it.
        self.hits = self.misses = self.unread = 0
        #: Paths of the files that :meth:`of_tree` has found and :meth:`keep_tree` has written.
        self.touched: list[str] = []

    def find(self, folder: str) -> tuple[dict[str, Any] | None, Mark | None]:
        """Return the report that is remembered of a folder as it is now, and what names it.

        :param folder: its whole path.
        :returns: the row that was kept, or None; and the mark to keep one under, or None
            where none is to be kept.
        """
        started = time.time_ns()
        seen = survey(folder)
        if seen is None:
            self.misses += 1
            return None, None
        tree = self._noted(folder, seen)
        files: dict[str, str] | None = None
        if tree is None:
            read = _contents(folder, seen)
            if read is None or survey(folder) != seen:
                self.misses += 1
                return None, None
            tree, files = read
            self._note(folder, seen, tree, started)
        mark = Mark(tree, files, seen)
        kept = self._read(self._path(tree), self._key(tree))
        if kept is None:
            self.misses += 1
            return None, mark
        self.hits += 1
        self.unread += files is None
        return kept, mark

    def keep(self, folder: str, mark: Mark, row: Mapping[str, Any]) -> bool:
        """Remember a report, if it is of the very bytes that the mark names.

        :param mark: what :meth:`find` has given before the folder was judged.
        :param row: JSON values, with ``digests``: path → SHA-256 of what was judged.
        """
        if survey(folder) != mark.seen:
            return False  # it was changed while it was judged
        files = mark.files
        if files is None:
            read = _contents(folder, mark.seen)
            if read is None or read[0] != mark.tree:
                return False
            files = read[1]
        judged = row.get("digests") or {}
        if any(files.get(path) != digest for path, digest in judged.items()):
            return False  # and changed back
        return self._write(self._path(mark.tree), self._key(mark.tree), row)

    def report(self, folder: str, judge: Callable[[], Report]) -> Report:
        """Return the report that is remembered of a folder; judge it, and remember, if none is.

        :param folder: its whole path.
        :param judge: returns the report on the folder.
        """
        from .report import Report

        kept, mark = self.find(folder)
        if kept is not None:
            try:
                return Report.from_dict(kept | {"path": folder})
            except (KeyError, TypeError, ValueError):
                pass  # of another shape: judged anew, and replaced
        report = judge()
        if mark is not None:
            self.remember(folder, mark, report.as_dict())
        return report

    def remember(self, folder: str, mark: Mark, row: Mapping[str, Any]) -> bool:
        """Keep a report as :meth:`keep` does, unless what failed may do better the next time."""
        if any(finding["rule"] in _PASSING for finding in row["findings"]):
            return False
        return self.keep(folder, mark, row)

    def of_tree(self, tree: str) -> dict[str, Any] | None:
        """Return the report that is kept under a caller's own name of a tree."""
        path = self._path(tree)
        found = self._read(path, self._key(tree))
        if found is not None:
            self.touched.append(path)
        return found

    def keep_tree(self, tree: str, row: Mapping[str, Any]) -> bool:
        """Keep a report under a caller's own name of a tree, as :meth:`remember` does."""
        if any(finding["rule"] in _PASSING for finding in row["findings"]):
            return False
        path = self._path(tree)
        self.touched.append(path)
        return self._write(path, self._key(tree), row)

    def close(self) -> None:
        """Remove what was written longest ago, past :data:`KEEP`, if anything was written."""
        if not self._written:
            return
        self._written = 0
        try:
            with os.scandir(self._folder) as entries:
                aged = sorted([(entry.stat().st_mtime_ns, entry.path) for entry in entries])
            for _, path in aged[: max(0, len(aged) - KEEP)]:
                os.unlink(path)
        except OSError:
            pass

    def _key(self, tree: str) -> str:
        return f"{self._world}:{tree}"

    def _path(self, tree: str) -> str:
        name = sha256(self._key(tree).encode()).hexdigest()
        return os.path.join(self._folder, f"{name}.json")

    def _noted(self, folder: str, seen: Survey) -> str | None:
        """Return the digest of a tree of which nothing can have changed since it was read."""
        path = self._note_path(folder)
        row = self._read(path, seen.signature)
        if row is None:
            return None
        tree, written = row.get("tree"), row.get("written")
        if not isinstance(tree, str) or not isinstance(written, int):
            return None
        try:
            # Two clocks: that of the file system, and ours. The earlier one is safe.
            written = min(written, os.stat(path).st_mtime_ns)
        except OSError:
            return None
        return tree if seen.newest < written - RACY_NS else None

    def _note(self, folder: str, seen: Survey, tree: str, started: int) -> None:
        row = {"tree": tree, "written": started}
        self._write(self._note_path(folder), seen.signature, row)

    def _note_path(self, folder: str) -> str:
        name = sha256(os.fsencode(os.path.realpath(folder))).hexdigest()
        return os.path.join(self._folder, f"{name}.seen")

    def _read(self, path: str, key: str) -> dict[str, Any] | None:
        """Return the row of a file of ours, if it is whole and was kept under the key."""
        try:
            descriptor = os.open(path, READING)
        except OSError:
            return None
        with os.fdopen(descriptor, "rb") as file:
            if not is_own_file(os.fstat(descriptor), _MAX_BYTES):
                return None
            data = file.read(_MAX_BYTES + 1)
        head, _, body = data.partition(b"\n")
        if head != _head(key, body):
            return None
        try:
            row = json.loads(body)
        except (ValueError, RecursionError):
            return None
        return row if isinstance(row, dict) else None

    def _write(self, path: str, key: str, row: Mapping[str, Any]) -> bool:
        try:
            body = dumps(row).encode()
        except (TypeError, ValueError, RecursionError):
            return False
        data = _head(key, body) + b"\n" + body
        if len(data) > _MAX_BYTES:
            return False
        try:
            os.makedirs(self._folder, mode=0o700, exist_ok=True)
            _replace(path, data)
        except OSError:
            return False  # a cache that cannot be written costs time, and nothing else
        self._written += 1
        return True


class Mark(NamedTuple):
    """What names the content of a folder.

    :param tree: the digest of all of it.
    :param files: SHA-256 by path, where the files were read for it.
    :param seen: how the folder was then.
    """

    tree: str
    files: dict[str, str] | None
    seen: Survey


def _replace(path: str, data: bytes) -> None:
    """Replace a file whole, without waiting for the disk: a torn file fails its checksum."""
    temporary = f"{path}.{os.getpid()}.{os.urandom(4).hex()}.tmp"
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)
    descriptor = os.open(temporary, flags, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
        os.replace(temporary, path)
    except BaseException:
        try:
            os.unlink(temporary)
        except OSError:
            pass
        raise


def _head(key: str, body: bytes) -> bytes:
    return f"{_SCHEMA} {key} {sha256(key.encode() + body).hexdigest()}".encode()


def plain(value: object) -> Any:
    """Return JSON values that are alike for what is alike."""
    if isinstance(value, Mapping):
        return {str(key): plain(one) for key, one in sorted(value.items())}
    if isinstance(value, (set, frozenset)):
        return sorted([str(one) for one in value])
    if isinstance(value, (list, tuple)):
        return [plain(one) for one in value]
    return value
