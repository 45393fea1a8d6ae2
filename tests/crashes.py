"""Die at the n-th change that a process makes to the file system."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable

__all__ = ["die_at"]

#: Audit events before which something on the disk is as it was, and after which it is not.
_CHANGES = frozenset(
    (
        *("os.rename", "os.mkdir", "os.remove", "os.rmdir", "os.link", "os.symlink"),
        *("os.chmod", "os.truncate", "os.utime", "ctypes.dlsym"),
    )
)


def _is_change(event: str, arguments: tuple[object, ...]) -> bool:
    if event == "open":
        flags = arguments[2]
        return isinstance(flags, int) and bool(flags & (os.O_WRONLY | os.O_RDWR))
    return event in _CHANGES


def _forked(work: Callable[[], object], hook: Callable[[str, tuple[object, ...]], None]) -> int:
    """Run the work in a process of its own, under an audit hook; return how it ended."""
    pid = os.fork()
    if pid == 0:
        code = 1
        try:
            sys.addaudithook(hook)
            work()
            code = 0
        except BaseException:
            sys.excepthook(*sys.exc_info())
        finally:
            os._exit(code)
    return os.waitpid(pid, 0)[1]


def die_at(work: Callable[[], object], number: int) -> bool:
    """Run the work and kill it just before its n-th change; return whether it came that far."""
    seen = 0

    def hook(event: str, arguments: tuple[object, ...]) -> None:
        nonlocal seen
        if _is_change(event, arguments):
            seen += 1
            if seen == number:
                os.kill(os.getpid(), signal.SIGKILL)

    ended = _forked(work, hook)
    if os.WIFSIGNALED(ended):
        return True
    assert ended == 0
    return False
