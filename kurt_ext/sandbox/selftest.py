"""Try out of a confined process what must not work, before anything of a plugin is loaded."""

from __future__ import annotations

import errno
import os

from .kernel import Unconfined, libc, syscall

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from typing import Any

    #: (name, layer, what is tried: returns an errno, 0 = it worked, the errnos that are right)
    Attempt = tuple[str, str, Callable[[], int], tuple[int, ...]]

__all__ = ["attempt", "see_that_it_could_fail"]

#: Something that every process may read of itself, and that no policy grants.
_WITNESS = "/proc/self/status"
_NOT_THERE = "/kurt/no/such/program"
_PR_GET_SECCOMP, _FILTERED = 21, 2


def see_that_it_could_fail(policy: Mapping[str, Any], within: str) -> None:
    """See, before anything is confined, that the attempts would work: else they show nothing.

    :raises Unconfined: when they would not.
    """
    canary = policy["canary"]
    if not canary:
        raise Unconfined("there is no file to try out that files are held back", "files")
    if _lies_in(canary, [*policy["write"], policy["scratch"]]):
        raise Unconfined(f"{canary} may be written, and shows nothing", "files")
    if within:
        if _opening(canary, os.O_RDONLY) != errno.ENOENT:
            raise Unconfined(f"{canary} can be seen from within {within}", "metadata")
        canary = _WITNESS
    code = _opening(canary, os.O_RDONLY)
    if code:
        raise Unconfined(
            f"{canary} cannot be read anyway, and shows nothing: {os.strerror(code)}", "files"
        )


def attempt(
    policy: Mapping[str, Any], namespaces: list[str], parent: int, within: str
) -> list[str]:
    """Return the names of what was tried, and failed as it must.

    :raises Unconfined: when any of it worked, or failed in another way.
    """
    held = []
    for name, layer, tried, right in _attempts(policy, namespaces, parent, within):
        code = tried()
        if code not in right:
            what = f"failed otherwise: {os.strerror(code)}" if code else "worked"
            raise Unconfined(f"confinement does not hold: {name} {what}", layer)
        held.append(name)
    return held


def _attempts(
    policy: Mapping[str, Any], namespaces: list[str], parent: int, within: str
) -> Iterator[Attempt]:
    library = libc()
    refused = (errno.EPERM,)
    hidden = (errno.EACCES, errno.ENOENT) if "mount" in namespaces else (errno.EACCES,)
    if not within:
        # What may be read anyhow is tried with the right that it lacks.
        covered = _lies_in(policy["canary"], policy["read"])
        mode = os.O_WRONLY if covered else os.O_RDONLY
        yield "open", "files", lambda: _opening(policy["canary"], mode), hidden
        if "mount" in namespaces and not covered:
            yield "stat", "metadata", lambda: _looking(policy["canary"]), (errno.ENOENT,)
    if not _lies_in(_WITNESS, policy["read"]):
        yield "proc", "files", lambda: _opening(_WITNESS, os.O_RDONLY), hidden
    yield "filter", "seccomp", lambda: 0 if _mode() == _FILTERED else errno.EPERM, (0,)
    closed = (errno.EACCES,)
    yield "socket", "network", lambda: _socket(2, 1), closed  # AF_INET, SOCK_STREAM
    yield "unix socket", "network", lambda: _socket(1, 1), closed
    yield "netlink", "network", lambda: _socket(16, 3), closed
    yield "connect", "network", lambda: _code(library.connect(-1, None, 0)), refused
    gone = (errno.EPERM, errno.ESRCH) if "pid" in namespaces else refused
    yield "kill", "signals", lambda: _killing(parent), gone
    yield "unshare", "processes", lambda: _code(library.unshare(0)), refused
    yield "ptrace", "processes", lambda: _code(library.ptrace(1, parent, None, None)), refused
    if policy["processes"] <= 1:
        yield "fork", "processes", _forking, refused
        program = os.fsencode(_NOT_THERE)
        yield "execve", "processes", lambda: _code(library.execve(program, None, None)), refused


def _code(result: int) -> int:
    import ctypes

    return ctypes.get_errno() if result == -1 else 0


def _mode() -> int:
    found: int = libc().prctl(_PR_GET_SECCOMP, 0, 0, 0, 0)
    return found


def _opening(path: str, mode: int) -> int:
    try:
        os.close(os.open(path, mode | os.O_CLOEXEC))
    except OSError as error:
        return error.errno or errno.EIO
    return 0


def _looking(path: str) -> int:
    try:
        os.lstat(path)
    except OSError as error:
        return error.errno or errno.EIO
    return 0


def _socket(family: int, kind: int) -> int:
    made = libc().socket(family, kind, 0)
    if made >= 0:
        os.close(made)
    return _code(made)


def _killing(pid: int) -> int:
    try:
        os.kill(pid, 0)
    except OSError as error:
        return error.errno or errno.EIO
    return 0


def _forking() -> int:
    """Fork as the C library does, by clone with SIGCHLD; a child that comes of it ends at once."""
    try:
        child = syscall("clone", 17, 0, 0, 0, 0)
    except OSError as error:
        return error.errno or errno.EIO
    if child == 0:
        os._exit(0)
    os.waitpid(child, 0)
    return 0


def _lies_in(path: str, folders: list[str]) -> bool:
    return any(path == one or path.startswith(one.rstrip("/") + "/") for one in folders)
