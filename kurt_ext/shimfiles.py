"""Write, compare and delete the directories of a shim, each step whole by itself."""

from __future__ import annotations

import marshal
import os
import stat
import sys

from .errors import StorageError
from .places import digest

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

__all__ = [
    "TEMPORARY",
    "delete",
    "is_folder",
    "list_folder",
    "make_folder",
    "put",
    "put_folder",
    "refresh_folder",
    "require_ours",
    "sign",
    "storage_error",
    "temporary",
    "unwrap",
    "wrap",
]

#: What begins so is being written or deleted; after a crash it is garbage.
TEMPORARY = ".tmp-"
DIST_INFO = ".dist-info"
_MAGIC = b"kurt-state/1 "
_FLAGS = (
    os.O_WRONLY
    | os.O_CREAT
    | os.O_TRUNC
    | getattr(os, "O_NOFOLLOW", 0)  # absent on Windows
    | getattr(os, "O_BINARY", 0)  # present there alone
)


def sign(value: Any) -> str:
    """Return a short text that differs where ``value``, made of JSON values, differs."""
    # Version 2: from 3 on the bytes depend on who else refers to a value.
    return digest(marshal.dumps(value, 2))


def wrap(value: Any) -> bytes:
    """Return ``value`` as a file's content that :func:`unwrap` can tell from a damaged one."""
    body = marshal.dumps(value, 2)
    return b"%b%b\n%b" % (_MAGIC, digest(body).encode("ascii"), body)


def unwrap(data: bytes) -> Any:
    """Return what :func:`wrap` was given, or None for anything else.

    A damaged file may crash the interpreter when `marshal` reads it, hence
    the digest before it.
    """
    head, _, body = data.partition(b"\n")
    if head != _MAGIC + digest(body).encode("ascii"):
        return None
    try:
        return marshal.loads(body)
    except (EOFError, ValueError, TypeError):
        return None


def list_folder(path: str) -> list[str]:
    """Return the names in a directory; none where it does not exist."""
    try:
        return os.listdir(path)
    except FileNotFoundError:
        return []


def make_folder(path: str) -> None:
    """Make a directory, and those above it that are missing, for the user alone."""
    try:
        os.mkdir(path, 0o700)
    except FileExistsError:
        pass
    except FileNotFoundError:
        make_folder(os.path.dirname(path))
        # Not again by way of this function: in /proc nothing can be made, ever.
        try:
            os.mkdir(path, 0o700)
        except FileExistsError:
            pass


def require_ours(path: str) -> bool:
    """Tell whether a directory exists, and refuse one that others could write into.

    What lies in it is put on ``sys.path``.

    :raises StorageError: when it is no directory, is a link, belongs to
        another user, or is writable for the group or the world.
    """
    try:
        found = os.lstat(path)
    except FileNotFoundError:
        return False
    reason = fix = None
    if not stat.S_ISDIR(found.st_mode):
        reason, fix = "it is not a directory", f"rm {path}"
    elif sys.platform != "win32":
        if found.st_uid != os.geteuid():
            reason = f"user {found.st_uid} owns it, and this process runs as {os.geteuid()}"
            fix = "run as the user that owns it, or set KURT_DATA to a folder of your own"
        elif found.st_mode & 0o022:
            reason, fix = "others may write into it", f"chmod go-w {path}"
    if reason:
        raise StorageError(f"{path} is not safe to use", cause=reason, at=path, hint=fix)
    return True


def storage_error(root: str, error: OSError) -> StorageError:
    """Return the error of the system as one that says what to do."""
    path = error.filename if isinstance(error.filename, str) else root
    return StorageError(
        f"{root} cannot be written",
        cause=f"{path}: {error.strerror or error}",
        at=path,
        hint="make it writable, or set KURT_DATA to a folder that is",
    )


def put(path: str, data: bytes) -> None:
    """Write a file for the user alone."""
    descriptor = os.open(path, _FLAGS, 0o600)
    try:
        while True:
            written = os.write(descriptor, data)
            if written == len(data):
                return
            data = data[written:]
    finally:
        os.close(descriptor)


def temporary(parent: str, name: str) -> str:
    """Return the path under which an entry of ``parent`` is written or deleted.

    Half a dist-info would hide a whole one later on ``sys.path``, so that it
    must not be called one.
    """
    return os.path.join(parent, TEMPORARY + name.removesuffix(DIST_INFO))


def put_folder(parent: str, name: str, content: Mapping[str, bytes]) -> None:
    """Write a new directory under a temporary name, then give it its own."""
    hidden = temporary(parent, name)
    try:
        os.mkdir(hidden, 0o700)
    except FileExistsError:
        delete(hidden)
        os.mkdir(hidden, 0o700)
    prefix = hidden + os.sep
    for file, data in content.items():
        put(prefix + file, data)
    os.rename(hidden, os.path.join(parent, name))


def is_folder(path: str) -> bool:
    """Tell whether a directory is there; a file or link of that name is deleted."""
    try:
        if stat.S_ISDIR(os.lstat(path).st_mode):
            return True
    except FileNotFoundError:
        return False
    os.unlink(path)
    return False


def refresh_folder(path: str, content: Mapping[str, bytes], last: str = "") -> bool:
    """Replace those files of a directory that differ, one by one; tell whether any did.

    :param last: the file that is replaced after all others.
    """
    changed = False
    for name in sorted(content, key=lambda name: name == last):
        file = os.path.join(path, name)
        if _differs(file, content[name]):
            hidden = temporary(path, name)
            put(hidden, content[name])
            os.replace(hidden, file)
            changed = True
    return changed


def _differs(path: str, data: bytes) -> bool:
    try:
        if stat.S_ISDIR(os.lstat(path).st_mode):
            delete(path)
            return True
        with open(path, "rb", buffering=0) as stream:
            return stream.read() != data
    except FileNotFoundError:
        return True


def delete(path: str) -> None:
    """Delete a file, a link or a directory with all that is in it; absence is no error."""
    try:
        if not stat.S_ISDIR(os.lstat(path).st_mode):
            os.unlink(path)
            return
        for name in os.listdir(path):
            delete(os.path.join(path, name))
        os.rmdir(path)
    except FileNotFoundError:
        return
