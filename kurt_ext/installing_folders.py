"""Put a skill's folder in its place, or take it away, so that nobody sees a part of it.

The new folder is written beside the old one under a name that discovery passes over,
and then the two change places in one step: `renameat2` on Linux, two renames elsewhere.
A journal says what is going on before it does. Whoever is killed in between leaves the
old skill or the new one, whole; the next command that installs, or ``kurt doctor``,
reads the journal and finishes what was begun or takes it back.

Files are not forced to the disk one by one. After a loss of power a skill may have
torn files; it is then not what its receipt says, does not load, and ``kurt sync`` mends it.
"""

from __future__ import annotations

import ctypes
import errno
import json
import os
import shutil
import stat
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from typing import Any

from .atomic import write_atomically
from .errors import ConfigError, ConflictError, StorageError
from .journal import entries
from .jsontext import dumps
from .lock import Locked, lock_path
from .lock import read as read_lock
from .lock import write as write_lock
from .market.store import Store, Tree
from .names import slug
from .receipts import Receipt, Receipts
from .scope_lock import scope_lock
from .trust import Trust

__all__ = ["held", "place", "recover", "take_away", "unfinished"]

_SCHEMA = "kurt.journal/1"
_STAGE = ".kurt-"
_WAIT = 60.0  # seconds that another process may take to install
_EXCHANGE = 2  # RENAME_EXCHANGE of linux/fs.h
_AT_FDCWD = -100


@contextmanager
def held(receipts: Receipts) -> Iterator[None]:
    """Hold a scope against every other process that installs, what died ones began finished.

    :raises LockedError: when another process does not let go.
    :raises StorageError: when the folder of receipts cannot be written.
    """
    try:
        os.makedirs(receipts.folder, mode=0o700, exist_ok=True)
        holder = scope_lock(receipts.folder, _WAIT)
        holder.__enter__()
    except OSError as error:
        raise StorageError(
            "nothing can be installed, or removed", cause=str(error), at=receipts.folder
        ) from error
    try:
        # What it has must stay there until it is noted that it is needed.
        with Store(receipts.places.store).used():
            _finish_all(receipts)
            yield
    finally:
        holder.__exit__(None, None, None)


def place(
    receipts: Receipts,
    tree: Tree,
    receipt: Receipt,
    *,
    content: Mapping[str, bytes] | None = None,
    keep: bool = False,
) -> None:
    """Put a tree of the store in the place of a skill; the caller holds the scope.

    :param receipt: what is to be noted of it; ``folder`` is where it goes.
    :param content: the tree's bytes, where they are at hand.
    :param keep: put the folder that was there aside, whole, since nobody has another copy.
    :raises ConflictError: when there is something that is no folder.
    :raises StorageError: when it cannot be written; what was there is there.
    """
    target = receipt.folder
    root, name = os.path.split(target)
    if os.path.lexists(target) and not stat.S_ISDIR(os.lstat(target).st_mode):
        raise ConflictError(
            f"{name} cannot be installed: there is something of that name that is no folder",
            at=target,
            hint=f"mv {target} {target}.old",
            skill=receipt.name,
        )
    _refuse_unreadable(receipts)
    stage = os.path.join(root, f"{_STAGE}{os.urandom(6).hex()}")
    journal = _Journal(receipts, "place", receipt.name, target, stage)
    try:
        os.makedirs(root, exist_ok=True)
        journal.write()
        os.mkdir(stage)
        new = os.path.join(stage, name)
        Store(receipts.places.store).lay(tree, new, content)
        journal.write(new=_identity(new), receipt=receipt.as_dict(), keep=keep)
        _swap(new, target, os.path.join(stage, "old"))
    except BaseException as error:
        _take_back(journal)
        if isinstance(error, OSError):
            raise StorageError(
                f"{receipt.name} cannot be installed, and nothing was changed",
                cause=str(error),
                at=target,
                skill=receipt.name,
            ) from error
        raise
    _finish(journal)


def take_away(receipts: Receipts, receipt: Receipt) -> None:
    """Remove a skill that was installed; the caller holds the scope.

    :raises StorageError: when that fails; it is then there, whole.
    """
    target = receipt.folder
    root, name = os.path.split(target)
    _refuse_unreadable(receipts)
    stage = os.path.join(root, f"{_STAGE}{os.urandom(6).hex()}")
    journal = _Journal(receipts, "remove", receipt.name, target, stage)
    try:
        if os.path.lexists(target):
            journal.write(new=_identity(target))
            os.mkdir(stage)
            os.rename(target, os.path.join(stage, name))
        else:
            journal.write(new=(0, 0))
    except BaseException as error:
        _take_back(journal)
        if isinstance(error, OSError):
            raise StorageError(
                f"{receipt.name} cannot be removed", cause=str(error), at=target, skill=receipt.name
            ) from error
        raise
    _finish(journal)


def _refuse_unreadable(receipts: Receipts) -> None:
    """Raise where what is to be noted at the end could not be.

    :raises ConfigError: when the lock, or the trust file, cannot be believed.
    """
    read_lock(lock_path(receipts.places, receipts.scope))
    findings = Trust.load(receipts.places).findings
    wrong = [finding for finding in findings if finding.fatal]
    if wrong:
        raise ConfigError(
            "the trust file cannot be believed, and is left as it is",
            cause=wrong[0].message,
            at=wrong[0].at,
            hint=wrong[0].fix,
        )


def unfinished(receipts: Receipts) -> list[str]:
    """Return the names of skills whose installation or removal was cut off."""
    return [journal.name for journal in _journals(receipts)]


def recover(receipts: Receipts) -> list[str]:
    """Finish or take back what processes that died have begun; return it in words.

    :raises LockedError: when another process is installing.
    """
    names = unfinished(receipts)
    if names:
        with held(receipts):
            pass
    return names


# -- the journal ---------------------------------------------------------------------


class _Journal:
    """What is being done to one folder, on the disk before it is done."""

    def __init__(self, receipts: Receipts, verb: str, name: str, target: str, stage: str) -> None:
        self.receipts = receipts
        self.verb = verb
        self.name = name
        self.target = target
        self.stage = stage
        self.new: tuple[int, int] | None = None
        self.receipt: dict[str, Any] | None = None
        self.keep = False
        self._begun = False
        base = os.path.basename(stage).removeprefix(_STAGE)
        self.path = os.path.join(receipts.folder, "journal", f"{base}.json")

    def write(
        self,
        *,
        new: tuple[int, int] | None = None,
        receipt: dict[str, Any] | None = None,
        keep: bool = False,
    ) -> None:
        """Write down how far it is: without ``new`` nothing was moved yet."""
        self.new, self.receipt, self.keep = new, receipt, keep
        row = {
            "schema": _SCHEMA,
            "verb": self.verb,
            "name": self.name,
            "target": self.target,
            "stage": self.stage,
            "new": new,
            "receipt": receipt,
            "keep": keep,
        }
        data = dumps(row).encode() + b"\n"
        if new is None or not self._begun:
            os.makedirs(os.path.dirname(self.path), mode=0o700, exist_ok=True)
            write_atomically(self.path, data, mode=0o600, durable=False)
            self._begun = True
            return
        # Added in one call: to replace a file has some file systems write the new one out first.
        descriptor = os.open(self.path, os.O_WRONLY | os.O_APPEND | getattr(os, "O_BINARY", 0))
        try:
            if os.write(descriptor, data) < len(data):
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), self.path)
        finally:
            os.close(descriptor)

    @classmethod
    def read(cls, receipts: Receipts, path: str) -> _Journal | None:
        """Return what a file says; None for one that says nothing that can be believed."""
        try:
            with open(path, "rb") as stream:
                lines = stream.read().split(b"\n")
            # The last line that was finished: what is behind it was cut off.
            row = json.loads(lines[-2] if len(lines) > 1 else lines[0])
            made = cls(receipts, row["verb"], row["name"], row["target"], row["stage"])
            made.new = tuple(row["new"]) if row["new"] else None
            made.receipt, made.keep = row["receipt"], bool(row["keep"])
        except (OSError, ValueError, KeyError, TypeError):
            return None
        # Nothing is deleted that does not look like what is made here.
        beside = os.path.dirname(made.stage) == os.path.dirname(made.target)
        good = row.get("schema") == _SCHEMA and made.path == path and beside
        return made if good and os.path.basename(made.stage).startswith(_STAGE) else None


def _journals(receipts: Receipts) -> list[_Journal]:
    found = [_Journal.read(receipts, path) for path in entries(receipts.folder)]
    return [journal for journal in found if journal is not None]


def _finish_all(receipts: Receipts) -> None:
    for journal in _journals(receipts):
        if _was_moved(journal):
            _finish(journal)
        else:
            _take_back(journal)


def _was_moved(journal: _Journal) -> bool:
    """Return whether the step was made after which there is no way back."""
    if journal.new is None:
        return False
    there = _identity(journal.target)
    if journal.verb == "remove":
        return there != journal.new
    if there == journal.new:
        return True
    waiting = os.path.join(journal.stage, os.path.basename(journal.target))
    aside = os.path.lexists(os.path.join(journal.stage, "old"))
    if there is None and aside and _identity(waiting) == journal.new:
        # Killed between the two renames of a system that cannot exchange.
        os.rename(waiting, journal.target)
        return True
    return False


def _take_back(journal: _Journal) -> None:
    """Leave what was there before, and nothing else."""
    if journal.new is not None and _was_moved(journal):
        _finish(journal)
        return
    old = os.path.join(journal.stage, "old")
    if not os.path.lexists(journal.target) and os.path.lexists(old):
        os.rename(old, journal.target)
    shutil.rmtree(journal.stage, ignore_errors=True)
    _unlink(journal.path)


def _finish(journal: _Journal) -> None:
    """Note what is there now, and put away what was there before; may be done again."""
    receipts = journal.receipts
    path = lock_path(receipts.places, receipts.scope)
    if journal.verb == "place":
        receipt = Receipt.from_dict(journal.receipt or {})
        receipts.write(receipt)
        write_lock(path, lambda rows: rows.update({receipt.locked.slug: receipt.locked}))
        if receipts.scope == "project" and receipts.places.own_skills is None:
            Trust(receipts.places.trust).add(journal.target, force=True, durable=False)
        if journal.keep:
            _keep(journal)
    else:
        write_lock(path, lambda rows: _drop(rows, journal.name))
        _distrust(receipts, journal.target)
        receipts.forget(journal.name)
    try:
        os.rmdir(journal.stage)  # empty, unless something was there before
    except OSError:
        shutil.rmtree(journal.stage, ignore_errors=True)
    _unlink(journal.path)


def _drop(rows: dict[str, Locked], name: str) -> None:
    rows.pop(slug(name), None)


def _distrust(receipts: Receipts, target: str) -> None:
    if receipts.scope == "project" and receipts.places.own_skills is None:
        trust = Trust.load(receipts.places)
        if os.path.realpath(target) in trust.paths:
            trust.remove(target)


def _keep(journal: _Journal) -> None:
    """Move the folder that was there to where its owner finds it again."""
    name = os.path.basename(journal.target)
    for waiting in (name, "old"):
        old = os.path.join(journal.stage, waiting)
        if os.path.isdir(old):
            kept = os.path.join(journal.receipts.folder, "kept")
            os.makedirs(kept, mode=0o700, exist_ok=True)
            stamp = time.strftime("%Y%m%dT%H%M%S", time.gmtime())
            shutil.move(old, os.path.join(kept, f"{name}-{stamp}-{os.urandom(2).hex()}"))


def _unlink(path: str) -> None:
    try:
        os.unlink(path)
    except FileNotFoundError:
        pass


def _identity(path: str) -> tuple[int, int] | None:
    try:
        found = os.lstat(path)
    except OSError:
        return None
    return (found.st_dev, found.st_ino)


# -- the step ------------------------------------------------------------------------


def _swap(new: str, target: str, aside: str) -> None:
    """Put a folder in the place of another, or of nothing."""
    if not os.path.lexists(target):
        os.rename(new, target)
        return
    if _exchange(new, target):
        return
    os.rename(target, aside)
    os.rename(new, target)


def _exchange(one: str, other: str) -> bool:
    """Let two names change places in one step; return whether the system can."""
    call = _renameat2()
    if call is None:
        return False
    done = call(_AT_FDCWD, os.fsencode(one), _AT_FDCWD, os.fsencode(other), _EXCHANGE)
    # A file system that cannot (an old NFS) says so; the two renames tell what else is wrong.
    return bool(done == 0)


@cache
def _renameat2() -> Any:
    if not sys.platform.startswith("linux"):
        return None
    try:
        call = ctypes.CDLL(None, use_errno=True).renameat2
    except (AttributeError, OSError):
        return None
    call.argtypes = [ctypes.c_int, ctypes.c_char_p, ctypes.c_int, ctypes.c_char_p, ctypes.c_uint]
    call.restype = ctypes.c_int
    return call
