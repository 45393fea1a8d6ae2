"""Private folders of workers: made before they start, gone when they have ended."""

from __future__ import annotations

import os
import re
import shutil
import sys
import tempfile
import threading

__all__ = ["Scratch", "sweep"]

#: The folders of this program's hosts, by the number of the process that made them.
_NAME = re.compile(r"kurt-(\d+)-")
_swept = threading.Event()


class Scratch:
    """The folder of one worker, in which it may write what it likes.

    :ivar path: where it lies; a real path.
    """

    def __init__(self) -> None:
        sweep()
        made = os.path.realpath(tempfile.mkdtemp(prefix="kurt-new-"))
        self._held = _hold(made)
        # Only now: what has a number and is not held may be deleted by whoever comes by.
        self.path = made.replace("kurt-new-", f"kurt-{os.getpid()}-")
        os.rename(made, self.path)
        self._gone = threading.Event()
        self._lock = threading.Lock()
        self._removing = False

    @property
    def is_gone(self) -> bool:
        """Whether it was deleted."""
        return self._gone.is_set()

    def remove(self) -> None:
        """Delete it with all that is in it, however much that is; another thread does it."""
        with self._lock:
            if self._removing:
                return
            self._removing = True
        try:
            threading.Thread(target=self._remove, name="kurt_ext-scratch").start()
        except RuntimeError:  # Python 3.12 starts no thread while its process exits
            self._remove()

    def _remove(self) -> None:
        try:
            _delete(self.path)
        finally:
            held, self._held = self._held, None
            if held is not None:
                os.close(held)
            self._gone.set()


def sweep() -> None:
    """Delete the folders of hosts that were killed; once in each process."""
    if _swept.is_set():
        return
    _swept.set()
    base = os.path.realpath(tempfile.gettempdir())
    try:
        names = os.listdir(base)
    except OSError:
        return
    for name in names:
        found = _NAME.match(name)
        if found is None or _lives(int(found[1])):
            continue
        path = os.path.join(base, name)
        try:
            if os.lstat(path).st_uid != os.getuid():
                continue
        except (OSError, AttributeError):  # Windows has no users of this kind
            continue
        # In another container, with the same folder of temporary files, its number says nothing.
        held = _hold(path)
        if held is not None:
            _delete(path)
            os.close(held)


def _hold(path: str) -> int | None:
    """Hold a folder for as long as this process lives; None where another does, or none can."""
    if sys.platform == "win32":
        return None
    from fcntl import LOCK_EX, LOCK_NB, flock

    try:
        held = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except OSError:
        return None
    try:
        flock(held, LOCK_EX | LOCK_NB)
    except BlockingIOError:
        os.close(held)
        return None
    except OSError:
        pass  # a file system without locks
    return held


def _lives(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except (OSError, OverflowError):
        return True
    return True


def _delete(path: str) -> None:
    # A link in it is deleted, and never followed: shutil goes by descriptors where it can.
    try:
        shutil.rmtree(path, ignore_errors=True)
    except RecursionError:  # folders in folders, deeper than it goes
        _delete_deep(path)


def _delete_deep(path: str) -> None:
    """Delete a folder of any depth, with one descriptor at a time; its owner has ended."""
    flags = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW
    above: list[str] = []
    try:
        here = os.open(path, flags)
        try:
            while True:
                inner = _first_folder(here)
                if inner is None and not above:
                    break
                there = os.open(inner or "..", flags, dir_fd=here)
                os.close(here)
                here = there
                if inner is None:
                    os.rmdir(above.pop(), dir_fd=here)
                else:
                    above.append(inner)
        finally:
            os.close(here)
        os.rmdir(path)
    except OSError:
        return  # what is left is what nobody could delete


def _first_folder(here: int) -> str | None:
    """Return the name of a folder in a folder; what comes before it is deleted."""
    with os.scandir(here) as entries:
        for entry in entries:
            if entry.is_dir(follow_symlinks=False):
                return entry.name
            os.unlink(entry.name, dir_fd=here)
    return None
