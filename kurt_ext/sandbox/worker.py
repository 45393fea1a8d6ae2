"""A worker's life: settle in, hear the policy, be confined, serve.

Nothing of a plugin is imported before the confinement holds. File descriptors
are 0 = nothing, 1 and 2 = captured output, 3 = the channel, 4 = connected
sockets from the host's broker; all others are closed.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from typing import Any, NoReturn

from . import frames
from .failures import failure_to
from .payloads import decode, encode
from .serving import Serving

__all__ = ["BROKER", "CHANNEL", "event", "main", "report"]

CHANNEL, BROKER = 3, 4
_PDEATHSIG = 1  # prctl(2)
_SIGKILL = 9

_serving: Serving | None = None
_report: dict[str, Any] = {}


def report() -> dict[str, Any]:
    """Return what confinement reported of this process; empty where it is no worker."""
    return _report


def event(name: str, detail: Mapping[str, Any]) -> None:
    """Tell the host of something that belongs to no call; nothing where this is no worker."""
    if _serving is not None:
        _serving.event(name, detail)


def main(parent: int, packages: Any = None) -> NoReturn:
    """Be a worker, until the host goes away.

    :param parent: the process that this one must not outlive; 0 = it is seen by EOF alone.
    :param packages: the finder of the packages that every worker can import.
    """
    global _serving, _report
    try:
        _settle(parent)
        _serving = serving = Serving(CHANNEL)
        told = decode(serving.first().text)
        policy = told["policy"]
        os.environ.clear()
        os.environ.update(policy["environment"])
        if packages is not None:
            packages.places.update(told["packages"])
        if hasattr(os, "register_at_fork"):
            os.register_at_fork(after_in_child=_leave)
        serving.reply = int(policy["limits"]["reply_mb"] * (1 << 20))
        factory = _located(told["handler"])
        sys.dont_write_bytecode = True
        _report = _confined(policy, parent, serving, told)
        _move_in(policy)
        # What can be imported can be read, wherever it lies.
        handler = factory({**policy, "path": [*policy["path"], *told["packages"].values()]})
        serving.send(frames.READY, 0, *encode(_report))
    except BaseException as error:
        if _serving is not None:
            _serving.send(frames.ERROR, 0, *encode(failure_to(error)))
        os._exit(70)
    serving.serve(handler.handle)


def _settle(parent: int) -> None:
    """Be in a group of its own, and die with the parent."""
    if sys.platform == "win32":
        return
    for fd in (CHANNEL, BROKER):
        try:
            os.set_inheritable(fd, False)
        except OSError:
            continue  # there is no broker
    os.closerange(BROKER + 1, 1 << 20)
    if os.getpgrp() != os.getpid():
        os.setpgid(0, 0)
    os.umask(0o077)
    for stream in (sys.stdout, sys.stderr):
        # What is printed is to be seen when it is, and not once there is a page of it.
        if stream is not None:
            stream.reconfigure(line_buffering=True)  # type: ignore[union-attr]
    if sys.platform.startswith("linux") and parent:
        import ctypes

        ctypes.CDLL(None, use_errno=True).prctl(_PDEATHSIG, _SIGKILL, 0, 0, 0)
        if os.getppid() != parent:  # it has died before
            os._exit(0)


def _leave() -> None:
    """Let go of the host in a process that the plugin has forked: only the worker answers it."""
    for fd in (CHANNEL, BROKER):
        try:
            os.close(fd)
        except OSError:
            continue  # there is no broker


def _located(place: str) -> Any:
    from importlib import import_module

    module, _, attribute = place.partition(":")
    return getattr(import_module(module), attribute)


def _confined(
    policy: dict[str, Any], parent: int, serving: Serving, told: Mapping[str, Any]
) -> dict[str, Any]:
    """Confine this process; where that fails, say why and end it."""
    from .confining import Unconfined, confine

    path = [*policy["path"], *told["packages"].values()]
    try:
        return confine({**policy, "path": path}, parent=parent, within=told["within"])
    except Unconfined as error:
        said = {"message": str(error), "layer": str(getattr(error, "layer", ""))}
        serving.send(frames.UNCONFINED, 0, *encode(said))
        os._exit(71)


def _move_in(policy: Mapping[str, Any]) -> None:
    for folder in policy["path"]:
        if folder not in sys.path:
            sys.path.append(folder)
    for place in (policy["cwd"], policy["scratch"]):
        try:
            os.chdir(place)
        except OSError:
            continue
        return
