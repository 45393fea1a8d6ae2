"""Take turns at what is installed in a scope: one process changes it, or reads it, at a time.

A skill's folder and what is noted of it change one after the other. Whoever reads both while
another process installs may find the folder of one version and the receipt of another.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress

from .locks import lock

__all__ = ["scope_lock", "still"]

_WAIT = 60.0  # seconds that another process may take to install


def scope_lock(folder: str, seconds: float) -> lock:
    """Return the lock of a scope.

    :param folder: ``Receipts.folder``, which must be there to hold it.
    :param seconds: to wait for another process.
    """
    return lock(os.path.join(folder, "lock"), seconds)


@contextmanager
def still(folder: str, seconds: float = _WAIT, *, first: bool = False) -> Iterator[None]:
    """Keep everybody else from installing while what is there is read.

    Where nothing was ever installed there is nobody to wait for; where the folder cannot be
    written, what is read is as it is.

    :param folder: ``Receipts.folder``.
    :param first: others are kept from the very first installation too.
    :raises LockedError: when another process has not finished after so many seconds.
    """
    with ExitStack() as stack:
        with suppress(OSError):
            if first:
                os.makedirs(folder, mode=0o700, exist_ok=True)
            turn = scope_lock(folder, seconds)
            if first or os.path.lexists(turn.path):
                stack.enter_context(turn)
        yield
