"""Where environments lie, which of them are whole, and which are to go.

They lie in ``<cache>/environments``, each under the digest of everything that it was
made from: the requirements in their normal form, hashes, the interpreter's path and
version, the platform, what our worker needs, and where the distributions came from.
Plugins that ask for the same share one. None is ever changed::

    <cache>/environments/<digest>.lock             held while it is made or removed
    <cache>/environments/<digest>/…                the environment
    <cache>/environments/<digest>/kurt.json        written last; without it, there is none
    <cache>/environments/<digest>/used             its time is the last use; a host that runs
                                                   workers from it holds a lock on it
    <cache>/environments/.<digest>.<random>.new    being made, or left by a crash

An environment is made under the last of these names and renamed when it is whole. That
leaves every path that is used right: ``pyvenv.cfg`` holds that of the interpreter that
it stands on alone, the marker's paths are relative, and scripts, which would hold the
old one, are never run.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
import time
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from .atomic import write_atomically
from .errors import LockedError
from .locks import lock
from .shimfiles import require_ours

if TYPE_CHECKING:
    from .places import Places

__all__ = [
    "DAYS",
    "Environment",
    "environments",
    "finish",
    "is_held",
    "leftovers",
    "load",
    "prune",
    "remove",
    "require_root",
    "root_of",
    "unused",
]

#: Days without use after which `prune` removes an environment, where nobody says another.
DAYS = 30.0
_SCHEMA = "kurt.environment/1"
_MARKER = "kurt.json"
_USED = "used"
_MAX_MARKER = 1 << 20
#: Digest → a descriptor that holds the lock; closed by the system when this process ends.
_HELD: dict[str, int] = {}


class Environment:
    """An environment that is whole.

    :param path: its folder.
    :param digest: the folder's name: what it was made from.
    :param python: the interpreter to run.
    :param site_packages: what to put on ``sys.path`` of a process started with ``-I -S``.
    :param created: when it was made, in seconds since 1970.
    :param size: bytes of its files; those that it shares with uv's cache count as well.
    :param requires: what it was made from, as PEP 508 has it.
    :param packages: what is in it, as ``NAME==VERSION``.
    :param version: of its Python.
    """

    __slots__ = (
        "created", "digest", "packages", "path", "python", "requires", "site_packages", "size",
        "version",
    )  # fmt: skip

    def __init__(self, path: str, marker: dict[str, Any]) -> None:
        self.path = path
        self.digest: str = marker["digest"]
        self.python = os.path.join(path, marker["python"])
        self.site_packages = tuple([os.path.join(path, one) for one in marker["site_packages"]])
        self.created = float(marker["created"])
        self.size = int(marker["size"])
        self.requires = tuple(map(str, marker["requires"]))
        self.packages = tuple(map(str, marker["packages"]))
        self.version = str(marker["version"])

    @property
    def used(self) -> float:
        """When it was last used, in seconds since 1970."""
        try:
            return os.stat(os.path.join(self.path, _USED)).st_mtime
        except OSError:
            return self.created

    def touch(self) -> None:
        """Say that it is used now, so that :func:`prune` leaves it; never fails."""
        try:
            os.utime(os.path.join(self.path, _USED))
        except OSError:
            pass

    def hold(self) -> bool:
        """Keep it from being removed or replaced for as long as this process lives.

        Waits for one who is removing it. Not on Windows, where files that are open cannot be
        removed anyway.

        :returns: False where it was removed or replaced before it could be held.
        """
        self.touch()
        if sys.platform == "win32":
            return True
        path = os.path.join(self.path, _USED)
        before = _HELD.get(self.digest)
        if before is not None and _is_at(before, path):
            return True
        try:
            descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        except OSError:
            return False
        from fcntl import LOCK_SH, flock

        try:
            flock(descriptor, LOCK_SH)
        except OSError:  # the file system has no locks
            os.close(descriptor)
            return True
        if not _is_at(descriptor, path):
            os.close(descriptor)
            return False
        _HELD[self.digest] = descriptor
        if before is not None:  # somebody has removed what it held, by hand
            os.close(before)
        return True

    def as_dict(self) -> dict[str, Any]:
        """Return the fields for JSON output."""
        return {
            **{name: getattr(self, name) for name in self.__slots__},
            "site_packages": list(self.site_packages),
            "requires": list(self.requires),
            "packages": list(self.packages),
            "used": self.used,
        }

    def __repr__(self) -> str:
        return f"<Environment {self.digest[:12]} Python {self.version} {list(self.requires)}>"


def environments(places: Places) -> list[Environment]:
    """Return every environment that is whole, the one used last first."""
    root = root_of(places)
    found = [load(os.path.join(root, name)) for name in _names(root) if _is_digest(name)]
    return sorted([one for one in found if one], key=lambda one: one.used, reverse=True)


def prune(
    places: Places, *, keep: Collection[str] = (), days: float = DAYS, now: float | None = None
) -> list[tuple[str, int]]:
    """Remove environments that nobody has used for a while, and what crashes have left.

    What another process is making or removing, or runs workers from, is left alone.

    :param keep: digests, or the beginnings of them, of environments to leave.
    :param days: how long an environment must have been without use.
    :param now: the time, in seconds since 1970.
    :returns: pairs (name, bytes) of what is gone.
    """
    root = root_of(places)
    before = (time.time() if now is None else now) - days * 86400
    gone: list[tuple[str, int]] = []
    for digest in sorted({name.strip(".").partition(".")[0] for name in _names(root)}):
        if not _is_digest(digest):
            continue
        try:
            with lock(os.path.join(root, f"{digest}.lock"), timeout=0):
                for path in leftovers(root, digest):
                    gone.append((os.path.basename(path), remove(path)))
                path = os.path.join(root, digest)
                with unused(path) as free:
                    found = load(path)
                    spared = found is not None and (
                        found.used > before or digest.startswith(tuple(keep))
                    )
                    if free and not spared and os.path.isdir(path):
                        gone.append((digest, remove(path)))
        except LockedError:
            continue
    return gone


def is_held(path: str) -> bool:
    """Return whether a process runs workers from the environment in a folder."""
    with unused(path) as free:
        return not free


@contextmanager
def unused(path: str) -> Iterator[bool]:
    """Give whether no process runs workers from the environment in a folder.

    Where none does, none begins to before the block ends: :meth:`Environment.hold` waits.
    Only for who holds the environment's ``.lock``; two at once would take each other for one
    that runs workers.
    """
    if sys.platform == "win32":
        yield True
        return
    from fcntl import LOCK_EX, LOCK_NB, flock

    try:
        descriptor = os.open(os.path.join(path, _USED), os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        yield True
        return
    try:
        free = True
        try:
            flock(descriptor, LOCK_EX | LOCK_NB)
        except BlockingIOError:
            free = False
        except OSError:
            pass  # the file system has no locks
        yield free
    finally:
        os.close(descriptor)


def _is_at(descriptor: int, path: str) -> bool:
    """Return whether an open file is the one at a path."""
    try:
        return os.path.samestat(os.fstat(descriptor), os.stat(path))
    except OSError:
        return False


def finish(folder: str, marker: dict[str, Any]) -> None:
    """Say of a folder that it is whole; the last thing that is written into it.

    :param marker: the fields of an `Environment`, paths relative to the folder.
    """
    facts = {"schema": _SCHEMA, **marker, "created": time.time(), "size": _size(folder)}
    write_atomically(os.path.join(folder, _USED), b"")
    write_atomically(os.path.join(folder, _MARKER), json.dumps(facts, indent=1).encode())


def load(path: str) -> Environment | None:
    """Return the environment in a folder; None where it is not whole."""
    file = os.path.join(path, _MARKER)
    try:
        if os.stat(file).st_size > _MAX_MARKER:
            return None
        with open(file, "rb") as stream:
            marker = json.loads(stream.read(_MAX_MARKER))
        if marker["schema"] != _SCHEMA or marker["digest"] != os.path.basename(path):
            return None
        found = Environment(path, marker)
        # The interpreter that it stands on may have been removed since.
        whole = os.access(found.python, os.X_OK) and all(map(os.path.isdir, found.site_packages))
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return None
    return found if whole else None


def root_of(places: Places) -> str:
    """Return the folder that all environments lie in."""
    return os.path.join(places.cache, "environments")


def require_root(root: str) -> None:
    """Make the folder of environments; refuse one that others could put code into.

    :raises StorageError: when another user owns it, or may write into it.
    """
    os.makedirs(root, mode=0o700, exist_ok=True)
    require_ours(root)


def _names(root: str) -> list[str]:
    try:
        return os.listdir(root)
    except OSError:
        return []


def _is_digest(name: str) -> bool:
    return len(name) == 32 and all(c in "0123456789abcdef" for c in name)


def leftovers(root: str, digest: str) -> Iterator[str]:
    """Yield what an attempt that was killed has left; whoever holds the lock may remove it."""
    for name in _names(root):
        if name.startswith(f".{digest}."):
            yield os.path.join(root, name)


def remove(path: str) -> int:
    """Remove a folder or a file whole; it is no environment from the first moment on."""
    if not os.path.isdir(path) or os.path.islink(path):
        if os.path.lexists(path):
            os.unlink(path)
        return 0
    size = _size(path)
    name = os.path.basename(path).strip(".").partition(".")[0]
    aside = os.path.join(os.path.dirname(path), f".{name}.{os.urandom(4).hex()}.gone")
    os.rename(path, aside)
    shutil.rmtree(aside, ignore_errors=True)
    return size


def _size(path: str) -> int:
    total = 0
    for parent, _, files in os.walk(path):
        for name in files:
            try:
                total += os.lstat(os.path.join(parent, name)).st_size
            except OSError:
                continue
    return total
