"""Read plain files, in as few calls of the system as that takes.

A skill has many small files, and what is read of one is digested: buffers and what else
a stream brings cost more than the bytes. No link is followed, nothing waits for a pipe,
and no more is read than was allowed, whatever a file grows to meanwhile.
"""

from __future__ import annotations

import errno
import os
import stat

__all__ = ["READING", "NotPlain", "read_plain"]

_NO_LINK = getattr(os, "O_NOFOLLOW", 0)
#: How a file is opened that may have become a link or a pipe.
READING = (
    os.O_RDONLY
    | _NO_LINK
    | getattr(os, "O_NONBLOCK", 0)
    | getattr(os, "O_CLOEXEC", 0)
    | getattr(os, "O_BINARY", 0)
)
#: Bytes that are asked for at once: a promised or a noted size is no reason to take more memory.
_AT_ONCE = 16 << 20


class NotPlain(OSError):
    """It is a folder, a pipe or a device."""


def read_plain(path: str, most: int, *, follow: bool = False) -> bytes:
    """Return the bytes of a plain file, at most one more than ``most``.

    :param follow: go where a link leads.
    :raises NotPlain: when it is none.
    :raises OSError: when it is a link, or cannot be read.
    """
    descriptor = os.open(path, READING & ~_NO_LINK if follow else READING)
    try:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            raise NotPlain(errno.EINVAL, "no plain file", path)
        # One more than there is: that it does not come is the end of the file.
        asked = min(status.st_size, most, _AT_ONCE) + 1
        data = os.read(descriptor, asked)
        if len(data) < asked or asked > most:
            return data
        parts, left = [data], most + 1 - len(data)
        while left > 0 and (data := os.read(descriptor, min(left, _AT_ONCE))):
            parts.append(data)
            left -= len(data)
        return b"".join(parts)
    finally:
        os.close(descriptor)
