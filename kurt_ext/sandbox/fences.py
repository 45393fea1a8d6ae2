"""Which files a worker may touch, asked thousands of times: answers are kept by folder.

A path is resolved once for each folder it is seen in. Below a folder that may be read, only the
last name of a path is new; that is looked at where nothing but this module checks it.
"""

from __future__ import annotations

import os
import stat
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["DENIED", "FREE", "GRANTED", "Fence", "resolve"]

#: What a question is answered with: no; yes, as every worker may; yes, by a permission.
DENIED, FREE, GRANTED = 0, 1, 2
#: Folders, and files, whose answers are kept.
_KEPT = 4096
#: Path → where it really leads; of what is the same for every worker.
_REAL: dict[str, str] = {}
_IS_WINDOWS = sys.platform == "win32"


class Fence:
    """What may be read, written and started, by real paths.

    :param free: what every worker may read.
    :param own: folders that it may write without permission: its scratch folder.
    :param read: what a permission lets it read.
    :param write: what one lets it write.
    :param execute: what it may start, and so read.
    :param links: look at the last name of each path for a link, since no kernel will.
    """

    __slots__ = ("_execute", "_files", "_folders", "_links", "_read", "_write")

    def __init__(
        self,
        free: Iterable[str],
        own: Iterable[str],
        read: Iterable[str],
        write: Iterable[str],
        execute: Iterable[str] = (),
        *,
        links: bool = False,
    ) -> None:
        own, write, execute = tuple(own), tuple(write), tuple(execute)
        self._links = links
        self._read = _rights((read, GRANTED), (write, GRANTED), (execute, FREE), (free, FREE))
        self._read |= _rights((own, FREE))
        self._write = _rights((write, GRANTED), (own, FREE), (("/dev/null",), FREE))
        self._execute = _rights((execute, GRANTED))
        self._folders: dict[str, tuple[int, int]] = {}
        self._files: dict[tuple[str, bool], int] = {}

    def judge(self, path: str, writes: bool) -> int:
        """Return whether a path may be read, or written.

        :param path: as it was written; a relative one begins at the working directory.
        :raises OSError: when there is no working directory.
        :raises ValueError: for what is no path.
        """
        at = path.rfind("/") + 1
        known = self._folders.get(path[:at])
        if known is not None and path[at:] != "..":
            found = known[writes]
            if found and not (self._links and _is_link(path)):
                return found
        elif not at or path[0] != "/" or _IS_WINDOWS:
            return self._slow(path, writes, keep=False)
        return self._slow(path, writes, keep=known is None)

    def _slow(self, path: str, writes: bool, *, keep: bool) -> int:
        answer = self._files.get((path, writes))
        if answer is not None:
            return answer
        if keep:
            folder = path[: path.rfind("/") + 1]
            real = os.path.realpath(folder)
            if len(self._folders) >= _KEPT:
                self._folders.clear()
            self._folders[folder] = (_covering(self._read, real), _covering(self._write, real))
        real = os.path.realpath(path)
        answer = _covering(self._write if writes else self._read, real)
        if answer and not self._links and path[:1] == "/":
            if len(self._files) >= _KEPT:
                self._files.clear()
            self._files[path, writes] = answer
        return answer

    def changes(self, folder: str) -> int:
        """Return whether names may be made in a folder, and taken away."""
        return _covering(self._write, os.path.realpath(folder))

    def starts(self, path: str) -> bool:
        """Return whether a program may be started."""
        return bool(_covering(self._execute, os.path.realpath(path)))


def _rights(*groups: tuple[Iterable[str], int]) -> dict[str, int]:
    found: dict[str, int] = {}
    for paths, right in groups:
        for path in paths:
            real = _REAL.get(path)
            found[_named(os.path.realpath(path) if real is None else real)] = right
    return found


def resolve(paths: Iterable[str]) -> None:
    """Resolve paths beforehand: a process that others are forked from does it for all of them."""
    _REAL.update((path, os.path.realpath(path)) for path in paths)


def _named(real: str) -> str:
    return os.path.normcase(real).replace("\\", "/") if _IS_WINDOWS else real


def _covering(rights: dict[str, int], real: str) -> int:
    """Return the right of the nearest entry that a real path is, or lies beneath."""
    path = _named(real)
    while True:
        found = rights.get(path)
        if found is not None:
            return found
        above = path.rpartition("/")[0]
        if not above or above == path:
            return rights.get("/", DENIED)
        path = above


def _is_link(path: str) -> bool:
    try:
        return stat.S_ISLNK(os.lstat(path).st_mode)
    except OSError:
        return False
