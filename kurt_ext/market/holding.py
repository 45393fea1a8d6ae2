"""Hold the folder of a marketplace, so that one writes to it at a time."""

from __future__ import annotations

import errno
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from ..errors import MarketError, StorageError
from ..locks import lock

__all__ = ["held", "leave", "make"]

_LOCK = ".market.lock"
#: What a system says that has no room, or lets nobody write.
_UNWRITABLE = frozenset((errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EFBIG, errno.EIO))


def make(root: str) -> None:
    """Make the folder of a marketplace where there is none.

    :raises StorageError: when it cannot be made.
    """
    try:
        os.makedirs(root, exist_ok=True)
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise StorageError(f"{root} cannot be made", cause=reason, at=root) from error


def leave(root: str) -> None:
    """Remove a folder that was made for a marketplace, and has become none."""
    with suppress(OSError):
        if os.listdir(root) == [_LOCK]:
            os.unlink(os.path.join(root, _LOCK))
        os.rmdir(root)


@contextmanager
def held(root: str) -> Iterator[None]:
    """Hold the folder of a marketplace against every other writer.

    :raises MarketError: when there is no such folder.
    :raises LockedError: when another writes to it.
    :raises StorageError: when it cannot be written, or there is no room left.
    """
    if not os.path.isdir(root):
        raise MarketError(
            f"there is no marketplace in {root}", cause="there is no such folder", at=root
        )
    try:
        holding = lock(os.path.join(root, _LOCK))
        holding.__enter__()
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise StorageError(f"{root} cannot be written", cause=reason, at=root) from error
    try:
        yield
    except OSError as error:
        if error.errno not in _UNWRITABLE:
            raise
        reason = error.strerror or type(error).__name__
        at = error.filename if isinstance(error.filename, str) else root
        raise StorageError(f"{root} cannot be written", cause=reason, at=at) from error
    finally:
        holding.__exit__(*sys.exc_info())
