"""Die, or stop, at the n-th change that a process makes to the file system."""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

__all__ = ["die_at", "stop_at"]

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


def _is_look(event: str, arguments: tuple[object, ...], folder: str) -> bool:
    if event not in ("open", "os.listdir", "os.scandir"):
        return False
    path = arguments[0]
    return isinstance(path, str) and f"{path}/".startswith(f"{folder}/")


def _start(
    work: Callable[[], object], number: int, what: signal.Signals, looked_at: str = ""
) -> int:
    """Run the work in a process of its own, which gets a signal before its n-th step."""
    seen = 0

    def hook(event: str, arguments: tuple[object, ...]) -> None:
        nonlocal seen
        found = _is_look(event, arguments, looked_at) if looked_at else _is_change(event, arguments)
        if found:
            seen += 1
            if seen == number:
                os.kill(os.getpid(), what)

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
    return pid


def die_at(work: Callable[[], object], number: int) -> bool:
    """Run the work and kill it just before its n-th change; return whether it came that far."""
    _, ended = os.waitpid(_start(work, number, signal.SIGKILL), 0)
    if os.WIFSIGNALED(ended):
        return True
    assert ended == 0
    return False


@contextmanager
def stop_at(
    work: Callable[[], object], number: int, seconds: float = 0.08, *, looked_at: str = ""
) -> Iterator[bool]:
    """Run the work and stop it just before its n-th change; yield whether it came that far.

    :param seconds: how long it stands still.
    :param looked_at: stop it before its n-th look into this folder instead.
    """
    pid = _start(work, number, signal.SIGSTOP, looked_at)
    _, ended = os.waitpid(pid, os.WUNTRACED)
    if not os.WIFSTOPPED(ended):
        assert ended == 0
        yield False
        return
    alarm = threading.Timer(seconds, os.kill, (pid, signal.SIGCONT))
    alarm.start()
    try:
        yield True
    finally:
        alarm.join()
        assert os.waitpid(pid, 0)[1] == 0
