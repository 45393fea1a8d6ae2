"""Start workers: on Linux all of them are children of a zygote, elsewhere of this process."""

from __future__ import annotations

import asyncio
import os
import socket
import sys
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from ..errors import IsolationError, WorkerError
from ..partings import last
from . import zygote as zygotes
from .booting import PARENT, arguments, packages
from .breaches import Event
from .keeper import Keeper
from .limits import DEFAULTS
from .nursery import NURSERY, has_zygote
from .processes import End, Worker
from .questions import Answer

__all__ = ["PRELOAD", "End", "Spawner", "Worker"]

#: What every worker needs; more is named by the host.
PRELOAD = (
    "kurt_ext.sandbox.worker",
    "kurt_ext.sandbox.confining",
    "kurt_ext.sandbox.loops",
    "kurt_ext.contract",
    "kurt_ext.errors",
    "asyncio",
    "pydantic",
)
_START = 60.0  # seconds that a worker may take to be confined
_BUFFER = 1 << 21  # bytes that may be under way; what fits goes without a second turn of the loop


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
        if has_zygote():
            NURSERY.want(self._preload, self.places)
            NURSERY.tell({"do": "preload", "modules": [], "packages": {}, "path": []}, [])

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
            if has_zygote():
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
        NURSERY.want(self._preload, self.places)
        mine, its = socket.socketpair()
        try:
            NURSERY.tell(order, [its.fileno(), *fds])
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
    NURSERY.forget()
    for worker in list(Worker._all):
        worker._forget()
    Worker._all.clear()


@last
def _leave() -> None:
    """End what still runs: it would end as well, but only when it sees that nobody is there."""
    for worker in list(Worker._all):
        worker.kill("its host ends")
        worker.channel.close()
    NURSERY.leave()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget)
