"""Keep one plugin's worker: start it when it is needed, queue what needs it, replace it.

A worker that crashed is started again by the next who needs it, later and
later where it crashes at once; one that has served long, or nobody for long,
is replaced. Sync code is queued here, in the host, so that whatever ends a
call that blocks its worker ends no other.
"""

from __future__ import annotations

import asyncio
import threading
from collections import deque
from collections.abc import Awaitable, Callable, Mapping
from time import monotonic
from typing import Any

from ..errors import CallTimeoutError, QuarantinedError, WorkerError
from ..portal import Once
from .breaches import Event
from .keeper import Keeper
from .limits import DEFAULTS
from .meters import memory
from .spawning import End, Worker
from .turn import Turn

__all__ = ["Cell", "Rules"]

_PERIOD = 0.5  # seconds between two looks at what a worker's group uses
_FIRST, _LONGEST = 0.1, 30.0  # seconds of the first and of the longest pause before a restart
_MIB = 1 << 20


class Rules:
    """When a worker is replaced, and when it is held back.

    :param calls: after how many it is replaced.
    :param idle: seconds without a call after which it is ended.
    :param crashes: how many crashes hold it back, within ``within`` seconds.
    :param proven: calls after which a crash is no sign of a plugin that cannot work: it is
        started again at once, and the crash does not count.
    """

    __slots__ = ("calls", "crashes", "idle", "proven", "within")

    def __init__(
        self,
        calls: int = 10_000,
        idle: float = 300.0,
        crashes: int = 5,
        within: float = 60.0,
        proven: int = 20,
    ) -> None:
        self.calls = calls
        self.idle = idle
        self.crashes = crashes
        self.within = within
        self.proven = proven


class Cell:
    """The worker of one plugin, and whoever takes its place.

    :param name: the plugin's.
    :param start: starts a worker.
    :param prepare: awaited with each worker before it serves anybody: it loads the plugin.
    :param limits: those of the policy.
    :param processes: how many the plugin may have; above 1, the memory of all is watched.
    :param rules: when it is replaced, and when held back.
    :param event: told of ``started``, ``ready``, ``crashed``, ``restarted``, ``recycled``,
        ``quarantined`` and ``closed``, with detail; in whatever thread it happens.
    """

    def __init__(
        self,
        name: str,
        start: Callable[[], Awaitable[Worker]],
        *,
        prepare: Callable[[Worker], Awaitable[object]] | None = None,
        limits: Mapping[str, float] | None = None,
        processes: int = 1,
        rules: Rules | None = None,
        event: Event | None = None,
    ) -> None:
        self.name = name
        self.rules = rules or Rules()
        self._start_one = start
        self._prepare = prepare
        self._limits = {**DEFAULTS, **(limits or {})}
        self._processes = processes
        self._event = event
        self._lock = threading.Lock()
        self._turn = Turn()
        self._once = Once()
        self._worker: Worker | None = None
        self._leaving: set[Worker] = set()  # ended, or about to be, by our own will
        self._served = 0
        self._used = 0.0
        self._starts = 0
        self._crashes: deque[float] = deque(maxlen=self.rules.crashes)
        self._pause = 0.0
        self._overdue = 0  # calls that were given up and have not ended
        self._held_back = self._closed = False

    @property
    def worker(self) -> Worker | None:
        """The worker that is ready, if one is."""
        worker = self._worker
        return worker if worker is not None and worker.channel.is_open else None

    @property
    def quarantined(self) -> bool:
        """Whether it is held back until :meth:`reset`."""
        return self._held_back

    @property
    def starts(self) -> int:
        """How many workers were started so far."""
        return self._starts

    async def request(
        self,
        verb: str,
        body: Any = None,
        *,
        timeout: float | None = None,
        on_progress: Callable[[Any], object] | None = None,
        exclusive: bool = False,
    ) -> Any:
        """Ask the worker for something; see :meth:`kurt_ext.sandbox.channel.Channel.request`.

        :param timeout: seconds for all of it: the wait for its turn, a start, the call.
        :param exclusive: for code that is sync: one at a time. What ends it ends no other.
        :raises QuarantinedError: when it crashed too often.
        """
        deadline = monotonic() + (timeout or 0.0)
        settled = None
        if exclusive or self._overdue:
            # Who comes after a call that was given up and still blocks its worker waits as well:
            # that worker may be about to be killed.
            try:
                await self._turn.take(timeout)
            except TimeoutError:
                raise self._late(timeout) from None
            settled = self._turn.release
            if not exclusive:
                settled = None
                self._turn.release()
        worker = self._worker
        if worker is None or not worker.channel.is_open or self._served >= self.rules.calls:
            try:
                async with asyncio.timeout(None if timeout is None else deadline - monotonic()):
                    worker = await self._ready()
            except TimeoutError:
                if settled is not None:
                    settled()
                raise self._late(timeout) from None
            except BaseException:
                if settled is not None:
                    settled()
                raise
        self._served += 1
        self._used = monotonic()
        if timeout is not None:
            timeout = max(0.0, deadline - self._used)
        if settled is None:
            return await worker.channel.request(
                verb, body, timeout=timeout, on_progress=on_progress
            )
        return await self._alone(worker, settled, verb, body, timeout, on_progress)

    async def _alone(
        self,
        worker: Worker,
        release: Callable[[], None],
        verb: str,
        body: Any,
        timeout: float | None,
        on_progress: Callable[[Any], object] | None,
    ) -> Any:
        """Make a call that nothing else may run beside; note where it outlives its time."""
        state = "under way"

        def settled() -> None:
            nonlocal state
            with self._lock:
                if state == "given up":
                    self._overdue -= 1
                state = "over"
            release()

        try:
            return await worker.channel.request(
                verb, body, timeout=timeout, on_progress=on_progress, settled=settled
            )
        except BaseException:
            with self._lock:
                if state == "under way":
                    state = "given up"
                    self._overdue += 1
            raise

    def _late(self, timeout: float | None) -> CallTimeoutError:
        return CallTimeoutError(f"{self.name} did not answer within {timeout:g} s", skill=self.name)

    # -- starting ------------------------------------------------------------------------

    async def ready(self) -> Worker:
        """Start the worker where none runs, and return it."""
        return await self._ready()

    async def _ready(self) -> Worker:
        while True:
            with self._lock:
                self._refuse()
                worker = self._worker
                if worker is not None:
                    if worker.channel.is_open and self._served < self.rules.calls:
                        return worker
                    self._worker, self._once = None, Once()
                    if worker.channel.is_open:
                        self._leaving.add(worker)
                once = self._once
            if worker is not None and worker in self._leaving:
                self._retire(worker, "it has served enough calls")
            await once.run(self._begin)

    def _refuse(self) -> None:
        if self._closed:
            raise WorkerError(f"the worker of {self.name} was closed", skill=self.name)
        if self._held_back:
            raise QuarantinedError(
                f"{self.name} is held back: its worker crashed too often",
                cause=f"{self.rules.crashes} times within {self.rules.within:g} s",
                skill=self.name,
            )

    async def _begin(self) -> None:
        if self._pause:
            await asyncio.sleep(self._pause)
        worker = await self._start_one()
        self._starts += 1
        again = self._starts > 1
        self._served = 0
        worker.on_end(lambda end: self._on_end(worker, end))
        self._tell("started", pid=worker.pid)
        try:
            if self._prepare is not None:
                await self._prepare(worker)
        except BaseException:
            if worker.channel.is_open:  # else it has crashed, which counts
                self._leaving.add(worker)
            worker.kill("it could not be made ready")
            raise
        with self._lock:
            closed = self._closed
            if not closed:
                self._worker = worker
                self._used = monotonic()
        if closed:
            self._leaving.add(worker)
            worker.kill("it is closed")
            return
        self._tell("restarted" if again else "ready", pid=worker.pid)
        Keeper.shared().later(min(_PERIOD, self.rules.idle), lambda: self._look(worker))

    # -- ending, in the keeper's thread ----------------------------------------------------

    def _on_end(self, worker: Worker, end: End) -> None:
        with self._lock:
            if self._worker is worker:
                self._worker, self._once = None, Once()
            expected = worker in self._leaving or self._closed
            self._leaving.discard(worker)
            held = False
            if not expected and end.limit is None:
                held = self._count_crash()
        if expected:
            return
        self._tell("crashed", reason=end.reason, code=end.code, output=worker.output()[-2000:])
        if held:
            self._tell("quarantined", crashes=self.rules.crashes)

    def _count_crash(self) -> bool:
        """Note a crash; return whether the plugin is held back from now on."""
        if self._served > self.rules.proven:
            self._crashes.clear()
            self._pause = 0.0
            return False
        now = monotonic()
        self._crashes.append(now)
        recent = sum(now - then <= self.rules.within for then in self._crashes)
        self._pause = min(_LONGEST, _FIRST * 2 ** (recent - 1))
        if recent >= self.rules.crashes:
            self._held_back = True
        return self._held_back

    def _look(self, worker: Worker) -> None:
        """See whether a worker is idle, or uses too much; now and then, as long as it lives."""
        if not worker.is_alive or worker is not self._worker:
            return
        if self._processes > 1:
            allowed = self._limits["memory_mb"] * _MIB
            if memory(worker.pid) > allowed:
                worker.kill("its processes used too much memory together", "max_memory_mb")
                return
        reason = None
        if not worker.channel.pending:
            if monotonic() - self._used >= self.rules.idle:
                reason = "nobody has called it for long"
            elif worker.cpu() > 0.8 * self._limits["cpu_seconds"]:
                reason = "most of its processor time is used up"
        if reason is not None:
            with self._lock:
                if self._worker is worker and not worker.channel.pending:
                    self._worker, self._once = None, Once()
                    self._leaving.add(worker)
            if worker in self._leaving:
                self._retire(worker, reason)
                return
        Keeper.shared().later(min(_PERIOD, self.rules.idle), lambda: self._look(worker))

    def _retire(self, worker: Worker, reason: str) -> None:
        """End a worker as soon as the calls that it has are over."""
        if not worker.is_alive:
            return
        if worker.channel.pending:
            Keeper.shared().later(_PERIOD, lambda: self._retire(worker, reason))
            return
        worker.kill(reason)
        self._tell("recycled", reason=reason)

    def reset(self) -> None:
        """Forget its crashes, so that it is started again."""
        with self._lock:
            self._crashes.clear()
            self._pause = 0.0
            self._held_back = False

    async def restart(self, reason: str = "it was asked for") -> None:
        """Have the next call served by a new worker; calls under way end in the old one."""
        with self._lock:
            worker = self._worker
            if worker is None:
                return
            self._worker, self._once = None, Once()
            self._leaving.add(worker)
        self._retire(worker, reason)

    async def close(self) -> None:
        """End the worker, and start none any more; calls under way fail."""
        workers = self._end()
        for worker in workers or ():
            await worker.close()
        if workers is not None:
            self._tell("closed")

    def kill(self) -> None:
        """End the worker as :meth:`close` does, without waiting; from any thread."""
        for worker in self._end() or ():
            worker.kill("it is closed")

    def _end(self) -> list[Worker] | None:
        """Start no worker any more; return those that are to end, None where that was done."""
        with self._lock:
            if self._closed:
                return None
            self._closed = True
            workers = [*self._leaving, *([self._worker] if self._worker else [])]
            self._leaving.update(workers)
            self._worker = None
        return workers

    def _tell(self, name: str, **detail: Any) -> None:
        if self._event is not None:
            self._event(name, {"skill": self.name, **detail})
