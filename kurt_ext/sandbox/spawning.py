"""Start workers, and end them: each is a process with a channel, kept output and one certain end.

On Linux all of them are children of a zygote; elsewhere of this process. What
becomes of a worker is known from its status socket, or from waiting for it,
and never guessed.
"""

from __future__ import annotations

import asyncio
import atexit
import json
import os
import signal
import socket
import sys
import threading
from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import Future
from typing import Any, ClassVar, NamedTuple
from weakref import WeakSet

from ..errors import IsolationError, WorkerCrashedError, WorkerError
from . import zygote as zygotes
from .booting import PARENT, arguments, packages
from .channel import Answer, Channel, Event, reached
from .keeper import Keeper
from .limits import DEFAULTS
from .payloads import cleaned

__all__ = ["PRELOAD", "End", "Spawner", "Worker"]

#: What every worker needs; more is named by the host.
PRELOAD = (
    "kurt_ext.sandbox.worker",
    "kurt_ext.sandbox.confining",
    "kurt_ext.contract",
    "kurt_ext.errors",
    "asyncio",
    "pydantic",
)
_START = 60.0  # seconds that a worker may take to be confined
_CHUNK = 1 << 16
_PATIENCE = 1.0  # seconds that the keeper may be busy with others
_BUFFER = 1 << 21  # bytes that may be under way; what fits goes without a second turn of the loop
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


class _Zygote:
    """The host's side of a zygote; one for all spawners of a process."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._control: socket.socket | None = None
        self._handle: int | None = None
        self._wanted: dict[str, Any] = {"modules": {}, "packages": {}, "path": {}}

    def want(self, modules: Iterable[str], places: Mapping[str, str]) -> None:
        """Have modules imported before workers are forked."""
        with self._lock:
            new = [name for name in modules if name not in self._wanted["modules"]]
            self._wanted["modules"].update(dict.fromkeys(new))
            self._wanted["packages"].update(places)
            self._wanted["path"].update(dict.fromkeys(_installed()))
            if new and self._control is not None:
                self._say(self._preload(new), [])

    def _preload(self, modules: Iterable[str]) -> dict[str, Any]:
        return {
            "do": "preload",
            "modules": list(modules),
            "packages": self._wanted["packages"],
            "path": list(self._wanted["path"]),
        }

    def tell(self, message: Mapping[str, Any], fds: Sequence[int]) -> None:
        """Send an order; the zygote is started where it does not run.

        :raises OSError: when it cannot be.
        """
        with self._lock:
            if self._control is not None:
                try:
                    self._say(message, fds)
                    return
                except OSError:  # it has died; nothing of the message was heard
                    self.leave()
            self._start()
            self._say(self._preload(self._wanted["modules"]), [])
            self._say(message, fds)

    def _say(self, message: Mapping[str, Any], fds: Sequence[int]) -> None:
        assert self._control is not None
        socket.send_fds(self._control, [json.dumps(message).encode()], list(fds))

    def _start(self) -> None:
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        ours.settimeout(_START)
        high = zygotes.above(theirs.fileno())
        theirs.close()
        actions: list[Any] = [
            (os.POSIX_SPAWN_OPEN, fd, os.devnull, os.O_RDWR, 0) for fd in (0, 1, 2)
        ]
        actions.append((os.POSIX_SPAWN_DUP2, high, 3))
        argv = arguments(sys.executable, "zygote")
        try:
            # A session of its own: what is typed at a terminal goes to the host alone.
            pid = os.posix_spawn(argv[0], argv, {}, file_actions=actions, setsid=True)
        finally:
            os.close(high)
        self._control = ours
        Keeper.shared().order(lambda: _reaped(pid))

    def leave(self) -> None:
        """Let it end, and with it the workers that it has forked."""
        if self._control is not None:
            self._control.close()
            self._control = None

    def forget(self) -> None:
        """Have none: in a fork."""
        self._lock = threading.Lock()
        self.leave()


_zygote = _Zygote()


def _reaped(pid: int) -> None:
    """Wait for a zygote without waiting: its end is of no interest, its number is."""
    try:
        handle = os.pidfd_open(pid)
    except OSError:
        return
    keeper = Keeper.shared()

    def reap() -> None:
        keeper.unwatch(handle)
        os.close(handle)
        try:
            os.waitpid(pid, 0)
        except ChildProcessError:
            return  # somebody in this process waits for every child there is

    keeper.watch(handle, reap)


def _installed() -> list[str]:
    """Return the folders that installed packages are imported from."""
    names = ("site-packages", "dist-packages")
    return [one for one in sys.path if os.path.isabs(one) and os.path.basename(one) in names]


def _has_zygote() -> bool:
    return sys.platform.startswith("linux") and hasattr(os, "pidfd_open")


class Spawner:
    """Starts workers.

    :param preload: modules, beside :data:`PRELOAD`, that workers of this interpreter need and
        that are no plugin's: imported once, for all of them.
    :param packages: top-level packages that every worker can import, wherever they lie.
    """

    def __init__(self, preload: Iterable[str] = (), packages: Iterable[str] = ()) -> None:
        self._preload = (*PRELOAD, *preload)
        self._names = tuple(packages)
        self._places: dict[str, str] | None = None

    @property
    def places(self) -> dict[str, str]:
        """The packages that every worker can import, and where they lie."""
        if self._places is None:
            self._places = packages(self._names)
        return self._places

    def warm(self) -> None:
        """Start the zygote now, where there is one, so that the first worker need not wait."""
        if _has_zygote():
            _zygote.want(self._preload, self.places)
            _zygote.tell({"do": "preload", "modules": [], "packages": {}, "path": []}, [])

    async def spawn(
        self,
        policy: Mapping[str, Any],
        *,
        handler: str,
        python: str | None = None,
        strong: Sequence[str] | None = None,
        answer: Answer | None = None,
        event: Event | None = None,
        broker: bool = True,
    ) -> Worker:
        """Start a worker and return it confined, with its handler made.

        :param policy: as :meth:`kurt_ext.sandbox.policy.Policy.wire` gives it.
        :param handler: ``module:attribute``; called with the policy, its ``handle`` serves.
        :param python: the interpreter; None = a fork of the zygote of this one.
        :param strong: the words of a program that is put around it, such as bubblewrap.
        :param answer: serves the worker's questions.
        :param event: told of what it says beside its answers.
        :param broker: whether it gets a socket for connections.
        :raises IsolationError: when it could not be confined, or this system has no workers.
        :raises WorkerError: when it could not be started.
        """
        name = str(policy["skill"])
        limits = {**DEFAULTS, **policy["limits"]}
        told = {
            "policy": dict(policy),
            "handler": handler,
            "packages": self.places,
            "within": "bubblewrap" if strong else "",
        }
        for attempt in (1, 2):
            worker = self._launch(name, limits, python, strong, answer, event, broker)
            try:
                worker.report = await worker.channel.start(told, _START)
                await asyncio.wrap_future(worker._born)
                return worker
            except BaseException as error:
                worker.kill("it did not start")
                if isinstance(error, (WorkerError, OSError)):
                    end = await worker.ended()
                    born = worker._born.exception()
                    if attempt == 1 and isinstance(born, ConnectionResetError):
                        continue  # the zygote died with the order in hand
                    raise self._failure(name, worker, end, born) from error
                raise
        raise AssertionError  # pragma: no cover

    def _failure(
        self, name: str, worker: Worker, end: End, born: BaseException | None
    ) -> WorkerError:
        said = worker.output().strip()[-2000:]
        cause = f"{born}" if isinstance(born, OSError) else end.reason
        return WorkerError(
            f"the worker of {name} did not start",
            cause="\n".join(text for text in (cause, said) if text),
            skill=name,
        )

    def _launch(
        self,
        name: str,
        limits: Mapping[str, float],
        python: str | None,
        strong: Sequence[str] | None,
        answer: Answer | None,
        event: Event | None,
        broker: bool,
    ) -> Worker:
        if sys.platform == "win32":
            raise IsolationError(
                f"{name} cannot be isolated here",
                cause="a worker is handed its channel in a way that Windows has not",
                hint="kurt sandbox status",
                skill=name,
            )
        ours, theirs = socket.socketpair()
        for end in (ours, theirs):  # less than it asks for, where the system allows no more
            end.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _BUFFER)
        out, printed = os.pipe()
        os.set_blocking(out, False)
        fds = [theirs.detach(), printed]
        ask: socket.socket | None = None
        if broker:
            ask, served = socket.socketpair()
            fds.append(served.detach())
        worker = Worker(name, limits, ours, out, ask, answer, event)
        try:
            if _has_zygote():
                self._by_zygote(worker, fds, python, strong)
            else:
                self._by_itself(worker, fds, python)
        except OSError as error:
            worker._born.set_exception(error)
            Keeper.shared().order(lambda: worker._finish(None))
        finally:
            for fd in fds:
                os.close(fd)
        return worker

    def _by_zygote(
        self, worker: Worker, fds: list[int], python: str | None, strong: Sequence[str] | None
    ) -> None:
        order: dict[str, Any] = {"do": "fork"}
        if python is not None or strong:
            argv = arguments(python or sys.executable, "worker", "0" if strong else PARENT)
            order = {"do": "spawn", "argv": [*(strong or ()), *argv]}
        _zygote.want(self._preload, self.places)
        mine, its = socket.socketpair()
        try:
            _zygote.tell(order, [its.fileno(), *fds])
        except OSError:
            mine.close()
            raise
        finally:
            its.close()
        worker._follow(mine)

    def _by_itself(self, worker: Worker, fds: list[int], python: str | None) -> None:
        high = [zygotes.above(fd) for fd in fds]
        try:
            # The end of this process is seen by the end of the channel alone.
            worker._own(zygotes.spawn(arguments(python or sys.executable, "worker"), [-1, *high]))
        finally:
            for fd in high:
                os.close(fd)


def _forget() -> None:
    _zygote.forget()
    for worker in list(Worker._all):
        worker._forget()
    Worker._all.clear()


@atexit.register
def _leave() -> None:
    """End what still runs: it would end as well, but only when it sees that nobody is there."""
    for worker in list(Worker._all):
        worker.kill("its host ends")
        worker.channel.close()
    _zygote.leave()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget)
