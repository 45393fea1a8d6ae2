"""The host's side of the zygote: started when it is needed, told what to start, replaced.

Nothing here waits for a worker: what is sent is an order, with the descriptors
that the worker is to have.
"""

from __future__ import annotations

import json
import os
import socket
import sys
import threading
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from . import zygote as zygotes
from .booting import arguments
from .keeper import Keeper

__all__ = ["NURSERY", "has_zygote"]

_PATIENCE = 60.0  # seconds that it may take to read an order


class Nursery:
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
        ours.settimeout(_PATIENCE)
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


#: The one of this process.
NURSERY = Nursery()


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


def has_zygote() -> bool:
    """Return whether this system is one that workers are forked on."""
    return sys.platform.startswith("linux") and hasattr(os, "pidfd_open")
