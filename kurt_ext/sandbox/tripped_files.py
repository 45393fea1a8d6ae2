"""The part of the tripwires that sees files."""

from __future__ import annotations

import errno
import os
import sys

from .fences import DENIED, FREE, GRANTED, Fence, resolve
from .readables import own_grants
from .sightings import MOST, Sightings, absolute, text_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from .sightings import Table

__all__ = ["Files", "fence_of"]

_WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
_DOES = {"filesystem_read": "read", "filesystem_write": "write"}
#: What a worker may read in any case where the kernel does not say so.
_ELSEWHERE = {
    "darwin": ("/System", "/Library/Frameworks", "/usr/lib", "/usr/share", "/private/etc/ssl"),
    "win32": (os.environ.get("SYSTEMROOT", r"C:\Windows"),),
}


resolve(place for place, _ in own_grants(()))


def fence_of(policy: Mapping[str, Any]) -> Fence:
    """Return what a policy lets a worker read, write and start."""
    alone = policy["tier"] == "process"
    free = [place for place, _ in own_grants(policy["path"])]
    if alone:
        free += [*_ELSEWHERE.get(sys.platform, ()), sys.prefix, sys.base_prefix]
    own = os.path.realpath(policy["cwd"]), os.path.realpath(policy["scratch"])
    return Fence(
        [*free, own[0]],
        [own[1]],
        [one for one in policy["read"] if one not in own],
        [one for one in policy["write"] if one not in own],
        policy["execute"] if policy["processes"] > 1 else (),
        links=alone,
    )


class Files:
    """Judges what is opened, listed, made and taken away.

    :param seen: notes uses, and makes errors.
    :param tier: that of the policy: what else checks.
    """

    def __init__(self, seen: Sightings, fence: Fence, tier: str) -> None:
        self._seen = seen
        self._fence = fence
        self._alone = tier == "process"
        self._hidden = tier == "strong"
        self._told: set[tuple[str, bool]] = set()

    def table(self) -> Table:
        """Return audit event → what is done about it."""
        found: Table = {
            "open": self._on_open,
            "os.listdir": self._on_list,
            "os.scandir": self._on_list,
            "os.mkdir": self._on_make,
            "os.remove": self._on_remove,
            "os.rmdir": self._on_remove,
            "os.rename": self._on_rename,
            "os.link": self._on_rename,
            "os.symlink": self._on_symlink,
            "os.truncate": self._on_change,
            "sqlite3.connect": self._on_database,
        }
        if self._alone:  # the kernel lets these pass without doing them, since copying needs that
            changed = ("os.chmod", "os.chown", "os.utime", "os.setxattr", "os.removexattr")
            found.update(dict.fromkeys(changed, self._on_change))
        return found

    def _file(self, path: Any, writes: bool, exists: bool = True) -> None:
        """Judge a path.

        :param exists: without it nothing happens: of a file that is not there the system says
            just that, whatever may be read, and programs count on it.
        :raises AccessDenied: where it will be refused.
        """
        if path.__class__ is not str:
            path = text_of(path)
            if path is None:
                return
        try:
            answer = self._fence.judge(path, writes)
        except (OSError, ValueError):
            return  # the system will say what is wrong with it
        if answer == FREE or (writes and "__pycache__" in path):  # of compiled code nobody asks
            return
        permission = "filesystem_write" if writes else "filesystem_read"
        if answer == GRANTED:
            use = (path, writes)
            if use not in self._told and len(self._told) < MOST:
                self._told.add(use)
                self._seen.note(permission, absolute(path), True)
            return
        self._refuse(path, permission, exists)

    def _refuse(self, path: str, permission: str, exists: bool) -> None:
        there = os.path.lexists(path) or (
            not exists and os.path.isdir(os.path.dirname(absolute(path)))
        )
        if not there and not self._hidden:
            return
        real = os.path.realpath(path)
        does = f"{_DOES[permission]} this"
        if real != absolute(path):
            does += f", which leads to {real}"
        error = self._seen.deny(permission, real, does, filename=path, line=real)
        if there or not exists:
            raise error
        # To a worker with a root of its own it is not there, and has to be so to the plugin.
        missing = FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), path)
        missing.add_note(error.strerror or "")
        raise missing

    def _on_open(self, args: tuple[Any, ...]) -> None:
        path, mode, flags = args
        writes = bool(flags & _WRITING)
        if mode is None and path.__class__ is str and path[:1] != "/" and not self._alone:
            return  # os.open, perhaps beneath a descriptor that is not told of
        self._file(path, writes, not flags & os.O_CREAT)

    def _on_list(self, args: tuple[Any, ...]) -> None:
        self._file("." if args[0] is None else args[0], False)

    def _on_make(self, args: tuple[Any, ...]) -> None:
        self._place(args[0], args[2], there=False)

    def _on_remove(self, args: tuple[Any, ...]) -> None:
        self._place(args[0], args[1], there=True)

    def _on_rename(self, args: tuple[Any, ...]) -> None:
        self._place(args[0], args[2], there=True)
        self._place(args[1], args[3])

    def _on_symlink(self, args: tuple[Any, ...]) -> None:
        self._place(args[1], args[2], there=False)

    def _on_change(self, args: tuple[Any, ...]) -> None:
        self._file(args[0], True)

    def _place(self, path: Any, number: int, *, there: bool | None = None) -> None:
        """Judge that a name is made or taken away: it takes a permission for its folder.

        :param number: of the descriptor that the path begins at, -1 for none.
        :param there: whether the name must be there, or must not, for anything to happen.
        """
        text = text_of(path)
        if text is None:
            return
        if number != -1 and not os.path.isabs(text):
            base = _folder_of(number)
            if base is None:
                return
            text = os.path.join(base, text)
        text = text.rstrip("/") or "/"
        folder = os.path.realpath(os.path.dirname(text) or ".")
        answer = self._fence.changes(folder)
        if answer == FREE:
            return
        if answer == GRANTED:
            self._seen.note("filesystem_write", absolute(text), True)
        elif (there is None or os.path.lexists(text) == there) and os.path.isdir(folder):
            does = "take this away" if there else "make this"
            raise self._seen.deny(
                "filesystem_write", absolute(text), does, filename=text, line=folder
            )

    def _on_database(self, args: tuple[Any, ...]) -> None:
        path = text_of(args[0])
        if path is None or path in ("", ":memory:") or path.startswith("file:"):
            return  # what a URI leads to, SQLite opens where only the kernel sees it
        if self._fence.judge(path, False) == DENIED or not os.path.exists(path):
            self._file(path, not os.path.exists(path), os.path.exists(path))
        self.note_written(path)

    def note_written(self, path: str) -> None:
        """Note that a file may be written, where a permission allows it."""
        if self._fence.judge(path, True) == GRANTED:
            self._seen.note("filesystem_write", absolute(path), True)


def _folder_of(number: int) -> str | None:
    """Return the folder that a descriptor is open on, where the system tells."""
    try:
        return os.readlink(f"/proc/self/fd/{number}")
    except OSError:
        return None
