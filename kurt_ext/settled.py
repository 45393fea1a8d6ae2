"""Remember that a scope is as its lock says, so that the next ``kurt sync`` need not read it.

What is kept are the times, inodes and sizes of the lock, of the receipts, and of every file
and folder that was installed. Where all are as they were, and clearly older than the note,
there is nothing to do; anything else, a damaged note too, is looked into.
"""

from __future__ import annotations

import os

from .index import RACY_NS, sweep
from .shimfiles import unwrap, wrap

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    from .places import Places

__all__ = ["answer", "is_settled", "remember"]

_MAGIC = "kurt.settled/1"
_MAX_BYTES = 16 << 20


def _path(places: Places) -> str:
    return os.path.join(places.cache, "settled", os.path.basename(places.shim("project")))


def is_settled(places: Places) -> int | None:
    """Return how many skills are as the project's lock says; None where that is not known."""
    folder = places.installs("project")
    try:
        with open(_path(places), "rb") as stream:
            status = os.fstat(stream.fileno())
            if status.st_size > _MAX_BYTES:
                return None
            # A loss of power may have torn it.
            magic, project, count, written, bases = unwrap(stream.read())
        if magic != _MAGIC or project != os.path.realpath(places.project):
            return None
        horizon = min(written, status.st_mtime_ns) - RACY_NS
        for base, probes, marks in bases:
            found = sweep(base, probes)
            if found != marks:
                return None
            for mark in found:
                if mark is not None and (mark[0] > horizon or mark[1] > horizon):
                    return None
        # What was begun and not finished is not settled.
        if os.path.isdir(os.path.join(folder, "journal")) and os.listdir(
            os.path.join(folder, "journal")
        ):
            return None
    except (OSError, ValueError, EOFError, TypeError):
        return None
    return int(count)


def remember(places: Places, folders: Iterable[str], started: int) -> None:
    """Keep that these folders, and nothing else, are installed as the lock says.

    :param started: when it was begun to look, ns.
    """
    folder = places.installs("project")
    rows = list(folders)
    bases: list[tuple[str, list[str]]] = []
    try:
        names = [name for name in os.listdir(folder) if name.endswith(".json")]
        lock = os.path.join(places.own_skills or places.project, "kurt.lock")
        bases.append((folder, [".", *sorted(names)]))
        bases.append((os.path.dirname(lock), [os.path.basename(lock)]))
        for root in rows:
            probes = ["."]
            for base, inner, files in os.walk(root):
                below = os.path.relpath(base, root)
                probes += [os.path.normpath(os.path.join(below, name)) for name in inner + files]
            bases.append((root, probes))
        noted = [(base, probes, sweep(base, probes)) for base, probes in bases]
        project = os.path.realpath(places.project)
        data = wrap((_MAGIC, project, len(rows), started, noted))
        from .atomic import write_atomically

        path = _path(places)
        os.makedirs(os.path.dirname(path), mode=0o700, exist_ok=True)
        write_atomically(path, data, mode=0o600, durable=False)
    except (OSError, ValueError):
        pass  # the next one looks again


def answer(count: int, as_json: bool) -> bytes:
    """Return what ``kurt sync`` writes where there is nothing to do."""
    if not as_json:
        return f"{count} as locked\n".encode()
    from .output import envelope

    data = {"scope": "project", "dry_run": False, "steps": [], "removed": [], "same": count}
    return envelope("kurt.sync/1", data=data).encode()
