"""Where a running host listens: a Unix socket per project, for its own user alone.

The socket lies in ``<data>/run``, a folder of mode 0700, and is itself of mode
0600. Whoever connects is asked for its user id as well, where the system tells
it. A socket whose host has died refuses every connection; it is taken away by
the next one who comes by. On Windows there is none.
"""

from __future__ import annotations

import os
import socket
import stat
import struct
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from shlex import quote
from typing import TYPE_CHECKING, NamedTuple

from .errors import KurtError, LockedError, StorageError
from .locks import lock
from .places import digest

if TYPE_CHECKING:
    from .places import Places

__all__ = ["Peer", "connect", "is_supported", "is_welcome", "listen", "peer", "remove", "run_path"]

_LONGEST = 103  # bytes of a socket's path: sun_path of macOS, less its NUL (unix(4))
_WAITING = 64  # connections that the system holds for the host until it has time
_PROBE = 0.5  # seconds in which a living host's system accepts a connection
_PATIENCE = 5.0  # seconds to wait for another process that is at it in the same folder


class Peer(NamedTuple):
    """Who is at the other end; None where the system does not tell."""

    pid: int | None = None
    uid: int | None = None


def is_supported() -> bool:
    """Return whether this system has what a host needs to be asked."""
    return sys.platform != "win32" and hasattr(socket, "AF_UNIX")


def run_path(places: Places) -> str:
    """Return where the host of a project listens; keyed by the project's real path."""
    key = digest(os.fsencode(os.path.realpath(places.project)))
    return os.path.join(places.data, "run", key + ".sock")


def listen(path: str) -> socket.socket:
    """Return a socket that listens at ``path``; sockets of dead hosts beside it are removed.

    :raises LockedError: when a living host listens there.
    :raises StorageError: when the folder cannot be written or is not ours alone.
    """
    folder = os.path.dirname(path)
    try:
        _own(folder)
        with lock(os.path.join(folder, ".lock"), _PATIENCE):
            _sweep(folder)
            if os.path.lexists(path):
                _refuse_living(path)
                os.unlink(path)  # it died in this moment
            return _bound(path)
    except OSError as error:
        raise StorageError(
            "the socket by which a host is asked cannot be made",
            cause=str(error),
            at=path,
            hint="set KURT_DATA to a folder that you may write to",
        ) from error


def connect(path: str, timeout: float) -> socket.socket | None:
    """Return a socket to the host that listens at ``path``; None where none does.

    :param timeout: seconds, for this and for what the socket does next.
    :raises KurtError: when something is there and cannot be asked.
    """
    if not is_supported():
        return None
    try:
        found = _reached(path, timeout)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except ConnectionRefusedError:
        with suppress(OSError, KurtError), lock(_lock_of(path), _PATIENCE):
            _sweep(os.path.dirname(path))
        return None
    except OSError as error:
        raise KurtError(
            "the host of this project cannot be asked", cause=str(error), at=path
        ) from error
    who = peer(found)
    if not is_welcome(who):
        found.close()
        raise StorageError(
            "the host of this project is another user's",
            cause=f"the process {who.pid} that listens runs as uid {who.uid}",
            at=path,
            hint="set KURT_DATA to a folder of your own",
        )
    return found


def remove(path: str, inode: int) -> None:
    """Take a socket away, unless another one has taken its place."""
    with suppress(OSError, KurtError), lock(_lock_of(path), _PATIENCE):
        if os.lstat(path).st_ino == inode:
            os.unlink(path)


def is_welcome(who: Peer) -> bool:
    """Return whether a peer may ask, and be believed: our own user, and root."""
    if who.uid is None or sys.platform == "win32":
        return True  # the folder's mode is what keeps others away there
    return who.uid in (0, os.geteuid())


def peer(connection: socket.socket) -> Peer:
    """Return who is at the other end of a Unix socket."""
    if sys.platform == "win32":
        return Peer()
    try:
        if hasattr(socket, "SO_PEERCRED"):  # struct ucred, unix(7)
            raw = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12)
            pid, uid, _ = struct.unpack("iII", raw)
            return Peer(pid, uid)
        if sys.platform == "darwin":  # SOL_LOCAL: LOCAL_PEERCRED, struct xucred; LOCAL_PEERPID
            _, uid = struct.unpack_from("II", connection.getsockopt(0, 1, 76))
            return Peer(connection.getsockopt(0, 2), uid)
    except OSError:
        pass
    return Peer()


@contextmanager
def _address(path: str) -> Iterator[str]:
    """Give the name by which the system takes a path: it has room for some hundred bytes."""
    if len(os.fsencode(path)) <= _LONGEST:
        yield path
        return
    if not sys.platform.startswith("linux"):
        raise StorageError(
            "the path of the socket by which a host is asked is too long for this system",
            cause=f"it has {len(os.fsencode(path))} bytes, and may have {_LONGEST}",
            at=path,
            hint="set KURT_DATA to a shorter folder",
        )
    folder = os.open(os.path.dirname(path), os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        yield f"/proc/self/fd/{folder}/{os.path.basename(path)}"
    finally:
        os.close(folder)


def _own(folder: str) -> None:
    """Make the folder, or see that nobody else can put anything into it."""
    os.makedirs(os.path.dirname(folder), mode=0o700, exist_ok=True)
    with suppress(FileExistsError):
        os.mkdir(folder, 0o700)
    status = os.lstat(folder)
    reason = ""
    if not stat.S_ISDIR(status.st_mode):
        reason = "it is no folder"
    elif status.st_uid != os.geteuid():
        reason = f"it belongs to another user (uid {status.st_uid})"
    if reason:
        raise StorageError(
            "the folder of the sockets by which hosts are asked is not ours",
            cause=reason,
            at=folder,
            hint="move it away, or set KURT_DATA to a folder of your own",
        )
    if status.st_mode & 0o077:
        os.chmod(folder, 0o700)


def _bound(path: str) -> socket.socket:
    made = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        with _address(path) as address:
            made.bind(address)
        os.chmod(path, 0o600)
        made.listen(_WAITING)
        made.setblocking(False)
    except BaseException:
        made.close()
        raise
    return made


def _reached(path: str, timeout: float) -> socket.socket:
    """Return a socket to who listens at ``path``."""
    found = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        found.settimeout(timeout)
        with _address(path) as address:
            found.connect(address)
    except BaseException:
        found.close()
        raise
    return found


def _refuse_living(path: str) -> None:
    """Raise for what lies at ``path``, unless it is the socket of a host that has died."""
    if not stat.S_ISSOCK(os.lstat(path).st_mode):
        raise StorageError(
            "something else lies where the socket of the host is to be",
            at=path,
            hint=f"rm -r {quote(path)}",
        )
    who = Peer()
    try:
        with _reached(path, _PROBE) as found:
            who = peer(found)
    except ConnectionRefusedError:
        return
    except OSError:
        pass  # it has no time, and so it lives
    name = f"the process {who.pid}" if who.pid else "another process"
    raise LockedError(
        "this project has a running host already",
        cause=f"{name} answers for it",
        at=path,
        hint="kurt plugin list",
    )


def _sweep(folder: str) -> None:
    """Remove the sockets whose hosts have died; under the lock, for none is half made then."""
    for name in os.listdir(folder):
        path = os.path.join(folder, name)
        if name.endswith(".sock") and _is_dead(path):
            with suppress(OSError):
                os.unlink(path)


def _is_dead(path: str) -> bool:
    try:
        if not stat.S_ISSOCK(os.lstat(path).st_mode):
            return False
        _reached(path, _PROBE).close()
    except ConnectionRefusedError:
        return True
    except (OSError, StorageError):
        return False
    return False


def _lock_of(path: str) -> str:
    return os.path.join(os.path.dirname(path), ".lock")
