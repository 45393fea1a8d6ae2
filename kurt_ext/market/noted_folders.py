"""A marketplace that is a folder here, and which index was last read in it.

To read an index of 60 MB and take its digest costs more than a search in it: what nothing
can have changed since is not read again, and where the folder is out of reach what was read
last still counts.
"""

from __future__ import annotations

import errno
import json
import os
import time
from contextlib import suppress
from typing import Any

from ..atomic import write_atomically
from ..errors import MarketError
from . import digests
from .fetching import Copy
from .layout import INDEX, INDEX_LIMIT
from .reading import FolderReader

__all__ = ["NotedFolder"]

#: Within this time a change may leave a file's times as they are.
_RACY_NS = 2_100_000_000


class NotedFolder(FolderReader):
    """Read a marketplace that is a folder, and its index only where it may have changed.

    :param root: the folder that holds ``kurt/``.
    :param name: what the market is called here.
    :param cache: the folder of the note.
    :param hint: what to do where the folder is gone.
    """

    def __init__(self, root: str, name: str, cache: str, hint: str) -> None:
        super().__init__(root)
        self._name = name
        self._cache = cache
        self._hint = hint

    def current(self) -> Copy:
        """Return the index; one that nothing can have changed is not read.

        :raises MarketError: when there is none, and no copy was kept either.
        """
        path = self.path(INDEX)
        note = os.path.join(self._cache, "index.seen")
        noted = _noted(note)
        started = time.time_ns()
        try:
            mark = _mark(path)
            if (
                noted is not None
                and noted["mark"] == mark
                and max(mark[:2]) < noted["written"] - _RACY_NS
            ):
                with suppress(OSError):
                    os.utime(note)
                return Copy(noted["digest"], time.time())
            data = self.read(INDEX, INDEX_LIMIT)
        except (OSError, MarketError) as error:
            cause = error if isinstance(error, OSError) else error.__cause__
            if not isinstance(cause, OSError) or cause.errno == errno.ELOOP:
                raise
            trouble = self._vanished(cause)
            if noted is None:
                raise trouble from cause
            return Copy(noted["digest"], os.stat(note).st_mtime, trouble=trouble)
        digest = digests.of_bytes(data)
        try:
            mark = _mark(path)
            os.makedirs(self._cache, mode=0o700, exist_ok=True)
            row = {"mark": mark, "written": started, "digest": digest}
            write_atomically(note, json.dumps(row).encode(), mode=0o600, durable=False)
        except OSError:
            pass
        return Copy(digest, time.time(), data)

    def _vanished(self, error: OSError) -> MarketError:
        """Return the error for an index that cannot be read."""
        folder = self.location
        reason = error.strerror or str(error)
        if not os.path.isdir(folder):
            reason = f"there is no folder {folder}"
        elif isinstance(error, FileNotFoundError):
            reason = f"{folder} is no marketplace: it has no {INDEX}"
        return MarketError(
            f"the market {self._name} cannot be read", cause=reason, at=folder, hint=self._hint
        )


def _noted(path: str) -> dict[str, Any] | None:
    """Return what was noted of a folder's index; None where nothing can be read."""
    try:
        with open(path, "rb") as stream:
            row = json.loads(stream.read(4096))
        good = isinstance(row["mark"], list) and isinstance(row["written"], int)
        return dict(row) if good and digests.is_digest(row["digest"]) else None
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _mark(path: str) -> list[int]:
    """Return what tells that a file is the one that it was."""
    status = os.stat(path)
    return [status.st_mtime_ns, status.st_ctime_ns, status.st_ino, status.st_size]
