"""Replace a file whole, so that a reader sees the old bytes or the new, never a part."""

from __future__ import annotations

import os

__all__ = ["write_atomically"]


def write_atomically(
    path: str, data: bytes, *, mode: int | None = None, durable: bool = True
) -> None:
    """Write ``data`` beside ``path``, force it to the disk and rename it into place.

    Where ``path`` is a link, its target is replaced and the link stays: a
    configuration that a person keeps elsewhere and links to goes on being theirs.

    :param mode: permission bits of the file; those of the file there, else 0644, if None.
    :param durable: wait for the disk; where not, a loss of power may leave a torn file.
    :raises OSError: when that fails; the old file is then untouched.
    """
    # Only the last name matters: what leads there leads there for the new file too.
    target = os.path.realpath(path) if os.path.islink(path) else path
    if mode is None:
        try:
            mode = os.stat(target).st_mode & 0o7777
        except FileNotFoundError:
            mode = 0o644
    temporary = f"{target}.{os.getpid()}.{os.urandom(4).hex()}.tmp"
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)
    descriptor = os.open(temporary, flags, 0o600)
    try:
        try:
            with memoryview(data) as rest:
                written = 0
                while written < len(rest):
                    written += os.write(descriptor, rest[written:])
            if hasattr(os, "fchmod"):  # absent on Windows before Python 3.13
                os.fchmod(descriptor, mode)
            if durable:
                os.fsync(descriptor)
        finally:
            os.close(descriptor)
        os.replace(temporary, target)
    except BaseException:
        try:
            os.unlink(temporary)
        except OSError:
            pass
        raise
