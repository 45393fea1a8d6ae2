"""Take stock of a folder: every name in it, by what lies there, with nothing followed or run.

What is counted is accounted for: a file is read and has a digest, or it is in
``unread`` with the reason. Links are not followed, pipes and devices not
opened, and what is put in a file's place between the look and the reading
neither blocks nor leads out.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from hashlib import sha256
from typing import IO, NamedTuple

from ..plainfiles import READING

__all__ = ["LIMITS", "Entry", "Inventory", "Limits", "take"]

#: Folders that version control, environments and caches make beside the code of an author.
_ASIDE = frozenset(
    (
        *(".git", ".hg", ".svn", ".bzr", ".tox", ".nox", ".venv", "node_modules", ".eggs"),
        *(".mypy_cache", ".ruff_cache", ".pytest_cache", ".hypothesis", ".pyright"),
    )
)
_CHUNK = 1 << 20


class Limits(NamedTuple):
    """How much is looked at; what is beyond is counted and said to be unread.

    :param depth: folders above a file, the skill's own not counted.
    :param entries: files, links and folders.
    :param listed: names that are listed at all before counting stops.
    :param file: bytes of a file that is kept in memory.
    :param kept: bytes of all that are.
    :param digested: bytes of all files that a digest is made of.
    """

    depth: int = 20
    entries: int = 2_000
    listed: int = 50_000
    file: int = 8 << 20
    kept: int = 64 << 20
    digested: int = 512 << 20


LIMITS = Limits()


class Entry(NamedTuple):
    """One name in the folder, as `os.lstat` tells it.

    :param path: ``sub/name``; undecodable bytes are surrogates.
    :param kind: ``file``, ``link``, ``folder`` or ``special``.
    :param size: bytes.
    :param target: what a link says, unresolved.
    """

    path: str
    kind: str
    size: int
    mode: int
    mtime: float
    target: str = ""


class Inventory:
    """The names below a folder, sorted, and the content of the files among them.

    :param folder: its path.
    :param limits: how much is looked at.
    """

    def __init__(self, folder: str, limits: Limits = LIMITS) -> None:
        self.folder = folder
        self.limits = limits
        #: Path → sha256 in hexadecimal of each file that was read.
        self.digests: dict[str, str] = {}
        #: Path of each file, link or special file that was not read → why.
        self.unread: dict[str, str] = {}
        #: Folder that was not looked into → why.
        self.aside: dict[str, str] = {}
        #: Names that were seen and are no entries, since there are too many.
        self.beyond = 0
        #: Whether a folder lies deeper than the limit.
        self.too_deep = False
        self._kept: dict[str, bytes] = {}
        self._kept_bytes = 0
        self._digested = 0
        self.entries = tuple(sorted(self._walk()))
        self.by_path = {entry.path: entry for entry in self.entries}

    def _walk(self) -> Iterator[Entry]:
        """Yield entries, the shallow first: what a limit cuts off is what lies deepest."""
        found = listed = 0
        level = [""]
        for depth in range(self.limits.depth + 2):
            if depth > self.limits.depth and level:
                self.too_deep = True
                self.aside.update((path, "it lies too deep") for path in level)
                return
            below: list[str] = []
            for base in level:
                if listed >= self.limits.listed:
                    self.aside[base] = "there are too many names"
                    continue
                names = self._list(base)
                listed += len(names)
                for name in names:
                    if found >= self.limits.entries:
                        self.beyond += 1
                        continue
                    entry = self._entry(f"{base}/{name}" if base else name)
                    if entry is None:
                        continue
                    found += 1
                    yield entry
                    if entry.kind == "folder" and not self._set_aside(entry, name):
                        below.append(entry.path)
            level = below

    def _list(self, base: str) -> list[str]:
        try:
            with os.scandir(os.path.join(self.folder, base)) as scan:
                names = []
                for entry in scan:
                    names.append(entry.name)
                    if len(names) >= self.limits.listed:
                        break
        except (OSError, ValueError) as error:
            self.aside[base] = f"it cannot be listed: {_reason(error)}"
            return []
        return sorted(names)

    def _entry(self, path: str) -> Entry | None:
        full = os.path.join(self.folder, path)
        target = ""
        try:
            status = os.lstat(full)
            mode = status.st_mode
            if stat.S_ISLNK(mode):
                target = os.readlink(full)
        except (OSError, ValueError) as error:
            self.unread[path] = f"it cannot be looked at: {_reason(error)}"
            return Entry(path, "special", 0, 0, 0.0)
        if stat.S_ISREG(mode):
            kind = "file"
        elif stat.S_ISDIR(mode):
            kind = "folder"
        else:
            kind = "link" if stat.S_ISLNK(mode) else "special"
            self.unread[path] = "it is a link" if kind == "link" else "it is no plain file"
        return Entry(path, kind, status.st_size, mode, status.st_mtime, target)

    def _set_aside(self, entry: Entry, name: str) -> bool:
        if name in _ASIDE:
            self.aside[entry.path] = "it is a folder for those who work on the skill"
            return True
        if os.path.lexists(os.path.join(self.folder, entry.path, "pyvenv.cfg")):
            self.aside[entry.path] = "it is a virtual environment"
            return True
        return False

    @property
    def complete(self) -> bool:
        """Whether every name is an entry, apart from folders of those who work on the skill."""
        return not self.beyond and not self.too_deep

    @property
    def files_seen(self) -> int:
        """The number of files, links and special files."""
        return sum(entry.kind != "folder" for entry in self.entries)

    @property
    def files_accounted_for(self) -> int:
        """The number of those that were read or are said not to have been; see `account`."""
        return len(self.digests.keys() | self.unread.keys())

    def read(self, path: str) -> bytes | None:
        """Return a file's bytes, read once; None where it was not read, see ``unread``."""
        data = self._kept.get(path)
        if data is None and path not in self.unread:
            data = self._read(path)
        return data

    def _read(self, path: str) -> bytes | None:
        entry = self.by_path.get(path)
        if entry is None or entry.kind != "file":
            return None
        if entry.size > self.limits.file:
            return None  # `account` makes its digest
        if self._kept_bytes + entry.size > self.limits.kept:
            self.unread[path] = "all files together are too large"
            return None
        stream = self.open(path)
        if stream is None:
            return None
        with stream:
            try:
                data = stream.read(self.limits.file + 1)
            except OSError as error:
                self.unread[path] = f"it cannot be read: {_reason(error)}"
                return None
        if len(data) > self.limits.file:
            self.unread[path] = "it grew while it was read"
            return None
        self._kept[path] = data
        self._kept_bytes += len(data)
        self._digested += len(data)
        self.digests[path] = sha256(data).hexdigest()
        return data

    def open(self, path: str) -> IO[bytes] | None:
        """Return an open file; None where it is none any more, see ``unread``."""
        try:
            descriptor = os.open(os.path.join(self.folder, path), READING)
            if stat.S_ISREG(os.fstat(descriptor).st_mode):
                return os.fdopen(descriptor, "rb", buffering=0)
            os.close(descriptor)
            self.unread[path] = "it is no plain file any more"
        except (OSError, ValueError) as error:
            self.unread[path] = f"it cannot be read: {_reason(error)}"
        return None

    def head(self, path: str, size: int = 4096) -> bytes:
        """Return the first bytes of a file of any size; none where it cannot be read."""
        if path in self._kept:
            return self._kept[path][:size]
        entry = self.by_path.get(path)
        if entry is not None and entry.kind == "file" and entry.size <= self.limits.file:
            return (self.read(path) or b"")[:size]
        stream = self.open(path) if entry is not None and entry.kind == "file" else None
        if stream is None:
            return b""
        with stream:
            try:
                return stream.read(size) or b""
            except OSError:
                return b""

    def account(self) -> None:
        """Make a digest of each file that was not read yet, or say why there is none."""
        for entry in self.entries:
            if entry.kind != "file" or entry.path in self.digests or entry.path in self.unread:
                continue
            if self.read(entry.path) is None:
                self._digest(entry)

    def _digest(self, entry: Entry) -> None:
        path = entry.path
        if self._digested + entry.size > self.limits.digested:
            self.unread.setdefault(path, "all files together are too large")
        stream = None if path in self.unread else self.open(path)
        if stream is None:
            return
        whole, left = sha256(), self.limits.digested - self._digested
        with stream:
            try:
                while left > 0 and (data := stream.read(min(_CHUNK, left))):
                    whole.update(data)
                    left -= len(data)
            except OSError as error:
                self.unread[path] = f"it cannot be read: {_reason(error)}"
                return
        self._digested = self.limits.digested - left
        if left:
            self.digests[path] = whole.hexdigest()
        else:
            self.unread[path] = "it grew while it was read"


def _reason(error: Exception) -> str:
    return getattr(error, "strerror", None) or type(error).__name__


def take(folder: str, limits: Limits = LIMITS) -> Inventory:
    """Return the inventory of a folder; whatever lies there, nothing is raised."""
    return Inventory(folder, limits)
