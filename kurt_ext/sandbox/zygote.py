"""The process that workers are forked from: clean, small, of one thread, and warm.

It is started anew and never forked from the host, so that nothing of the
host's memory is in it. It has imported this package and what the host names,
and no plugin. It is the parent of all workers of a host: it reaps them, kills
what they leave behind, and ends when the host does, which ends them.

The control socket is fd 3, and keeps messages apart. A message is JSON with
descriptors beside it; about a worker its own status socket is told, in
records of ``>iii``: (BORN, pid, 0) with a pidfd, (ENDED, wait status, milliseconds of
processor time), (FAILED, errno, 0).
"""

from __future__ import annotations

import errno
import os
import select
import signal
import socket
import struct
import sys
from json import loads
from typing import Any, NoReturn

from .booting import PARENT

__all__ = ["BORN", "ENDED", "FAILED", "MAX_MESSAGE", "RECORD", "above", "main", "spawn"]

RECORD = struct.Struct(">iii")
BORN, ENDED, FAILED = 1, 2, 3
MAX_MESSAGE = 1 << 16

_CONTROL = 3
_ABOVE = 16  # descriptors are moved up to here before they are put in their places
_SUBREAPER = 36  # prctl(2)
_SWEEP = 5.0  # seconds after which it looks for what workers have left, where they may start any


class Zygote:
    """What the process does.

    :param packages: the finder of the packages that every worker can import.
    """

    def __init__(self, packages: Any) -> None:
        self._packages = packages
        self._control = socket.socket(fileno=_CONTROL)
        self._status: dict[int, int] = {}  # pid → the descriptor that is told of it
        self._wanted: list[str] = []
        self._path: list[str] = []
        self._woken, wake = os.pipe()
        for fd in (self._woken, wake):
            os.set_blocking(fd, False)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.set_wakeup_fd(wake, warn_on_full_buffer=False)
        self._wake = wake

    def run(self) -> NoReturn:
        """Serve until the host is gone."""
        poller = select.poll()
        poller.register(_CONTROL, select.POLLIN)
        poller.register(self._woken, select.POLLIN)
        while True:
            # What is wanted is imported when there is nothing else to do, or by the first fork.
            ready = dict(poller.poll(0 if self._wanted else None))
            if not ready and self._wanted:
                self._preload()
            if self._woken in ready:
                self._drain()
                self._reap()
            if _CONTROL in ready:
                self._obey()

    def _drain(self) -> None:
        try:
            while os.read(self._woken, 512):
                continue
        except BlockingIOError:
            return

    # -- orders -------------------------------------------------------------------

    def _obey(self) -> None:
        try:
            data, fds, flags, _ = socket.recv_fds(self._control, MAX_MESSAGE, 8)
        except OSError:
            os._exit(1)
        if not data or flags & (socket.MSG_TRUNC | socket.MSG_CTRUNC):
            os._exit(0)  # the host is gone
        message = loads(data)
        if message["do"] == "preload":
            self._packages.places.update(message["packages"])
            self._path = message["path"]
            self._wanted += message["modules"]
            return
        held = [above(fd) for fd in fds]
        for fd in fds:
            os.close(fd)
        try:
            self._start(message, held)
        finally:
            for fd in held[1:]:  # the first is kept until the worker ends
                os.close(fd)

    def _start(self, message: dict[str, Any], fds: list[int]) -> None:
        """Start a worker; the descriptors are status, channel, output and perhaps broker."""
        status = fds[0]
        try:
            if message["do"] == "fork":
                self._preload()
                pid = self._fork(fds)
            else:
                own = str(os.getpid())
                pid = spawn([word.replace(PARENT, own) for word in message["argv"]], fds)
            handle = os.pidfd_open(pid)
        except OSError as error:
            _tell(status, FAILED, error.errno or errno.EIO, 0)
            os.close(status)
            return
        self._status[pid] = status
        _tell(status, BORN, pid, 0, handle)
        os.close(handle)

    def _fork(self, fds: list[int]) -> int:
        parent = os.getpid()
        pid = os.fork()
        if pid:
            return pid
        try:
            signal.set_wakeup_fd(-1)
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            self._control.detach()  # else its end would close the channel
            _place(fds)
            import gc

            from . import worker

            gc.enable()
            worker.main(parent, self._packages)
        finally:
            os._exit(70)

    def _preload(self) -> None:
        import gc
        from importlib import import_module

        wanted, self._wanted = self._wanted, []
        if not wanted:
            return
        own = list(sys.path)
        sys.path += [folder for folder in self._path if folder not in own]
        for name in wanted:
            try:
                import_module(name)
            except Exception:  # the worker will say so, where it matters
                continue
        sys.path[:] = own  # a worker's own follows from its policy
        try:
            from .confining import warm

            warm()
        except OSError:  # again, the worker will say so
            pass
        gc.disable()
        gc.collect()
        gc.freeze()  # so that no collection in a worker copies what all of them share

    # -- ends -----------------------------------------------------------------------

    def _reap(self) -> None:
        """Reap who has ended. Its group is killed before: its number is still taken then."""
        while True:
            try:
                found = os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
            except ChildProcessError:
                return
            if found is None:
                return
            pid = found.si_pid
            if pid in self._status:
                try:
                    os.killpg(pid, signal.SIGKILL)
                except (ProcessLookupError, PermissionError):
                    pass
            _, code, used = os.wait4(pid, 0)
            status = self._status.pop(pid, None)
            if status is not None:
                self._kill_strays()
                _tell(status, ENDED, code, int((used.ru_utime + used.ru_stime) * 1000))
                os.close(status)

    def _kill_strays(self) -> None:
        """Kill what has left the group of its worker: without a parent it became a child here."""
        try:
            with open(f"/proc/self/task/{os.getpid()}/children") as file:
                children = [int(pid) for pid in file.read().split()]
        except OSError:
            return
        for pid in children:
            try:
                if pid not in self._status and os.getpgid(pid) not in self._status:
                    os.kill(pid, signal.SIGKILL)
            except (ProcessLookupError, PermissionError):
                continue


def main(packages: Any) -> NoReturn:
    """Be a zygote, on the control socket that is fd 3."""
    import ctypes

    os.chdir("/")
    os.set_inheritable(_CONTROL, False)
    ctypes.CDLL(None).prctl(_SUBREAPER, 1, 0, 0, 0)
    try:
        Zygote(packages).run()
    finally:
        os._exit(1)


def above(fd: int) -> int:
    """Return a copy of a descriptor that is in no place of a worker's, nor of a standard stream."""
    import fcntl

    copy: int = fcntl.fcntl(fd, fcntl.F_DUPFD_CLOEXEC, _ABOVE)
    return copy


def _place(fds: list[int]) -> None:
    """Put the descriptors of a worker in their places, in the child."""
    null = os.open(os.devnull, os.O_RDONLY)
    os.dup2(null, 0)
    os.dup2(fds[2], 1)
    os.dup2(fds[2], 2)
    os.dup2(fds[1], 3, inheritable=False)
    if len(fds) > 3:
        os.dup2(fds[3], 4, inheritable=False)
    else:
        os.closerange(4, 5)
    os.closerange(5, 1 << 20)


def spawn(argv: list[str], fds: list[int]) -> int:
    """Start another interpreter as a worker, in a group of its own; return its number.

    :param fds: a status socket, which it does not get, its channel, its output and perhaps
        its socket to the broker; none of them below 5, or it could be in the others' way.
    """
    actions: list[Any] = [
        (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
        (os.POSIX_SPAWN_DUP2, fds[2], 1),
        (os.POSIX_SPAWN_DUP2, fds[2], 2),
        (os.POSIX_SPAWN_DUP2, fds[1], 3),
    ]
    if len(fds) > 3:
        actions.append((os.POSIX_SPAWN_DUP2, fds[3], 4))
    default = [signal.SIGCHLD, signal.SIGPIPE, signal.SIGXFSZ]
    return os.posix_spawn(argv[0], argv, {}, file_actions=actions, setpgroup=0, setsigdef=default)


def _tell(status: int, kind: int, value: int, more: int, handle: int | None = None) -> None:
    held = socket.socket(fileno=status)
    try:
        data = RECORD.pack(kind, value, more)
        if handle is None:
            held.send(data)
        else:
            socket.send_fds(held, [data], [handle])
    except OSError:
        pass  # nobody is interested any more
    finally:
        held.detach()
