"""What `lstat` says of everything in a folder: enough to tell whether it can have changed."""

from __future__ import annotations

import os
import stat
import sys
from hashlib import sha256
from typing import NamedTuple

__all__ = ["Survey", "is_own_file", "survey"]

#: Of what is larger, nothing is remembered: to look at it costs as much as to read it.
_MAX_ENTRIES = 5000
_MAX_DEPTH = 40


class Survey(NamedTuple):
    """What ``lstat`` says of everything in a folder; nothing is opened or followed.

    :param rows: path, mode, size, mtime, ctime, inode and a link's target, sorted by path.
    :param newest: the latest time among them, in ns.
    """

    rows: tuple[tuple[str, int, int, int, int, int, str], ...]
    newest: int

    @property
    def signature(self) -> str:
        """Return what is another when any of it is."""
        return sha256(repr(self.rows).encode("utf-8", "surrogateescape")).hexdigest()


def survey(folder: str) -> Survey | None:
    """Return the survey of a folder; None where it cannot be read, or is too large to remember."""
    rows: list[tuple[str, int, int, int, int, int, str]] = []
    ahead = [("", 0)]
    try:
        rows.append(_row("", os.lstat(folder), ""))
        while ahead:
            prefix, depth = ahead.pop()
            with os.scandir(os.path.join(folder, prefix)) as entries:
                for entry in entries:
                    path = prefix + entry.name
                    status = entry.stat(follow_symlinks=False)
                    link = stat.S_ISLNK(status.st_mode)
                    rows.append(_row(path, status, os.readlink(entry.path) if link else ""))
                    if stat.S_ISDIR(status.st_mode):
                        ahead.append((path + "/", depth + 1))
                    if len(rows) > _MAX_ENTRIES or depth > _MAX_DEPTH:
                        return None
    except (OSError, ValueError):
        return None
    rows.sort()
    return Survey(tuple(rows), max([max(row[3], row[4]) for row in rows]))


def _row(
    path: str, status: os.stat_result, target: str
) -> tuple[str, int, int, int, int, int, str]:
    times = (status.st_mtime_ns, status.st_ctime_ns)
    return (path, status.st_mode, status.st_size, *times, status.st_ino, target)


def is_own_file(status: os.stat_result, largest: int) -> bool:
    """Return whether a file is a plain one that the user owns and nobody else may write."""
    if not stat.S_ISREG(status.st_mode) or status.st_size > largest:
        return False
    if sys.platform == "win32":
        return True
    return status.st_uid == os.getuid() and not status.st_mode & (stat.S_IWGRP | stat.S_IWOTH)
