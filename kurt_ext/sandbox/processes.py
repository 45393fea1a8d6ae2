"""One worker process as its host has it: a channel, what it prints, and one certain end.

What becomes of it is known from its status socket, or from waiting for it, and
never guessed.
"""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import threading
from collections import deque
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from typing import Any, ClassVar, NamedTuple
from weakref import WeakSet

from ..errors import WorkerCrashedError
from . import zygote as zygotes
from .breaches import Event, reached
from .channel import Channel
from .failures import cleaned
from .keeper import Keeper
from .questions import Answer

__all__ = ["End", "Worker"]

_CHUNK = 1 << 16
_PATIENCE = 1.0  # seconds that the keeper may be busy with others
_SIGKILL, _SIGXCPU = 9, 24  # Windows has no names for them
_PAUSE = 0.005  # seconds between two reads of output of which too much has come already


class End(NamedTuple):
    """How a worker ended.

    :param code: its exit status, or the number of the signal as a negative; None = not known.
    :param reason: the same in words.
    :param limit: the limit that it came to, by its key in ``sandbox_config_override``.
    """

    code: int | None
    reason: str
    limit: str | None = None


class Worker:
    """One worker process.

    :param name: whose it is.
    :param limits: those of its policy.
    """

    _all: ClassVar[WeakSet[Worker]] = WeakSet()

    def __init__(
        self,
        name: str,
        limits: Mapping[str, float],
        channel: socket.socket,
        output: int,
        broker: socket.socket | None,
        answer: Answer | None,
        event: Event | None,
    ) -> None:
        self.name = name
        #: What confinement reported, once it has started.
        self.report: dict[str, Any] = {}
        #: The broker's end of the socket for connections; whoever serves it closes it.
        self.broker_socket = broker
        self.channel = Channel(
            channel,
            limits=limits,
            answer=answer,
            event=event,
            lost=self._lost,
            name=name,
        )
        self._event = event
        self._lock = threading.Lock()
        self._born: Future[int] = Future()
        self._ended: Future[End] = Future()
        self._limits = limits
        self._why: tuple[str, str | None] | None = None
        self._killed = False
        self._handle: int | None = None
        self._status: socket.socket | None = None
        self._child: int | None = None  # where this process is the parent
        self._output: int | None = output
        self._kept: deque[bytes] = deque()
        self._size = self._dropped = 0
        self._most = int(limits["output_kb"] * 1024)
        Worker._all.add(self)
        Keeper.shared().watch(output, self._print)

    @property
    def pid(self) -> int:
        """Its number; that of the program around it, where there is one."""
        return self._born.result(0)

    @property
    def is_alive(self) -> bool:
        """Whether it has not ended."""
        return not self._ended.done()

    async def ended(self) -> End:
        """Return how it ended, when it has."""
        return await asyncio.shield(asyncio.wrap_future(self._ended))

    def on_end(self, action: Callable[[End], object]) -> None:
        """Call something once it has ended, in whatever thread."""
        self._ended.add_done_callback(lambda future: action(future.result()))

    def output(self) -> str:
        """Return the end of what it printed, without what moves a terminal."""
        with self._lock:
            kept, dropped = b"".join(self._kept), self._dropped
        text = cleaned(kept.decode("utf-8", "replace"))
        return f"[{dropped} bytes before]\n{text}" if dropped else text

    def printed(self) -> str:
        """Return :meth:`output` with everything that was printed before; not in the keeper."""
        done = threading.Event()

        def read() -> None:
            self._print()
            done.set()

        Keeper.shared().order(read)
        done.wait(_PATIENCE)
        return self.output()

    def kill(self, reason: str | None = None, limit: str | None = None) -> None:
        """End it and all that it has started, at once.

        :param reason: why, for whoever asks how it ended.
        :param limit: the limit for which, by its key in ``sandbox_config_override``.
        """
        with self._lock:
            if self._why is None and reason is not None:
                self._why = (reason, limit)
            self._killed = True
            if self._handle is not None:
                try:
                    signal.pidfd_send_signal(self._handle, signal.SIGKILL)
                except ProcessLookupError:
                    pass
            elif self._child is not None:
                _kill_group(self._child)

    async def close(self) -> End:
        """End it, and return how it ended."""
        self.channel.close()
        self.kill()
        return await self.ended()

    def cpu(self) -> float:
        """Return the seconds of processor time that it has used; 0 where nobody can tell."""
        try:
            from time import clock_gettime

            return clock_gettime((~self.pid << 3) | 2)  # MAKE_PROCESS_CPUCLOCK of Linux
        except (OSError, ImportError, OverflowError):
            return 0.0

    # -- its birth and end; in the keeper's thread ------------------------------------------

    def _follow(self, status: socket.socket) -> None:
        """Hear of birth and end from a zygote."""
        self._status = status
        status.setblocking(False)
        Keeper.shared().watch(status.fileno(), self._hear)

    def _hear(self) -> None:
        status = self._status
        assert status is not None
        try:
            data, fds, _, _ = socket.recv_fds(status, zygotes.RECORD.size, 1)
        except BlockingIOError:
            return
        except OSError:
            data, fds = b"", []
        if len(data) < zygotes.RECORD.size:
            if not self._born.done():
                self._born.set_exception(ConnectionResetError())
            self._finish(None)
            return
        kind, value, used = zygotes.RECORD.unpack(data)
        if kind == zygotes.BORN:
            with self._lock:
                self._handle = fds[0]
            self._born.set_result(value)
            if self._killed:
                self.kill()
        elif kind == zygotes.FAILED:
            self._born.set_exception(OSError(value, os.strerror(value)))
            self._finish(None)
        else:
            self._finish(os.waitstatus_to_exitcode(value), used / 1000)

    def _own(self, pid: int) -> None:
        """Be the parent of it, where there is no zygote."""
        self._child = pid
        self._born.set_result(pid)

        def wait() -> None:
            code = None
            try:
                if hasattr(os, "waitid"):  # its number is taken as long as nobody has reaped it
                    os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)
                    with self._lock:
                        _kill_group(pid)
                        self._child = None
                code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
            except ChildProcessError:
                pass  # somebody in this process waits for every child there is
            with self._lock:
                self._child = None
            Keeper.shared().order(lambda: self._finish(code))

        threading.Thread(target=wait, name="kurt_ext-wait", daemon=True).start()

    def _finish(self, code: int | None, used: float = 0.0) -> None:
        if self._ended.done():
            return
        self._print(to_the_end=True)
        keeper = Keeper.shared()
        with self._lock:
            handle, self._handle = self._handle, None
            status, self._status = self._status, None
        if handle is not None:
            os.close(handle)
        if status is not None:
            keeper.unwatch(status.fileno())
            status.close()
        end = self._end(code, used)
        self._ended.set_result(end)
        self.channel.drain()
        self.channel.close()
        if self.broker_socket is not None:
            self.broker_socket.close()
        self.channel.fail(lambda: self._crash(end))

    def _end(self, code: int | None, used: float) -> End:
        if self._why is not None:
            return End(code, *self._why)
        # The first of the two it may ignore; the second may be anybody's.
        most = self._limits["cpu_seconds"]
        if code == -_SIGXCPU or (code == -_SIGKILL and used >= 0.8 * most):
            return End(code, "it used up its processor time", "max_cpu_seconds")
        return End(code, _described(code))

    def _crash(self, end: End) -> BaseException:
        if end.limit is not None:
            return reached(self.name, end.limit, self._limits, end.reason, self._event)
        said = self.output().strip().splitlines()
        cause = "\n".join([end.reason, *said[-10:]])
        return WorkerCrashedError(f"the worker of {self.name} ended", cause=cause, skill=self.name)

    def _lost(self, reason: str | None) -> None:
        self.kill(reason)

    # -- what it prints; in the keeper's thread ------------------------------------------------

    def _print(self, to_the_end: bool = False) -> None:
        fd = self._output
        if fd is None:
            return
        keeper = Keeper.shared()
        left = _CHUNK + self._most
        while True:
            try:
                data = os.read(fd, _CHUNK)
            except BlockingIOError:
                data = None
            except OSError:
                data = b""
            if data:
                left -= len(data)
                self._keep(data)
            if not data or not to_the_end or left < 0:
                break
        if data == b"" or to_the_end:
            self._output = None
            keeper.unwatch(fd)
            os.close(fd)
        elif self._dropped:  # somebody prints without end: the keeper has others as well
            keeper.unwatch(fd)
            keeper.later(_PAUSE, lambda: self._watch_again(fd))

    def _watch_again(self, fd: int) -> None:
        if self._output == fd:
            Keeper.shared().watch(fd, self._print)

    def _keep(self, data: bytes) -> None:
        first = False
        with self._lock:
            self._kept.append(data)
            self._size += len(data)
            while self._size > self._most:
                first = first or not self._dropped
                over = self._size - self._most
                oldest = self._kept.popleft()
                if len(oldest) > over:
                    self._kept.appendleft(oldest[over:])
                gone = min(over, len(oldest))
                self._size -= gone
                self._dropped += gone
        if first and self._event is not None:
            allowed = self._most / 1024
            self._event("limit", {"limit": "max_output_kb", "allowed": allowed})

    def _forget(self) -> None:
        """Close what a fork has of it, so that its end is still seen by the other side."""
        self.channel.forget()
        for fd in (self._output, self._handle):
            if fd is not None:
                os.close(fd)
        for held in (self._status, self.broker_socket):
            if held is not None:
                held.close()


def _kill_group(pid: int) -> None:
    for kill in (os.killpg, os.kill):
        try:
            kill(pid, signal.SIGKILL)
        except (ProcessLookupError, PermissionError):
            continue


def _described(code: int | None) -> str:
    if code is None:
        return "it is not known how it ended"
    if code >= 0:
        return f"it ended by itself with the code {code}"
    try:
        name = signal.Signals(-code).name
    except ValueError:
        name = str(-code)
    return f"it was ended by the signal {name}"
