"""The time for which a file that no index names any more is still somebody's.

Whoever has read an index follows it for as long as an installation or a mirror takes. Until
then what it leads to is there, however many indexes come after it.
"""

from __future__ import annotations

import os
import time
from contextlib import suppress

__all__ = ["GRACE", "is_over", "put_away"]

#: Seconds for which a file that no index names is somebody's.
GRACE = 3600.0


def is_over(status: os.stat_result, now: float) -> bool:
    """Return whether a file is nobody's any more.

    :param now: seconds since 1970.
    """
    return status.st_mtime <= now - GRACE


def put_away(path: str, *, now: bool) -> None:
    """Take a file away that was put away long ago, or begin with it.

    :param now: it was needed until now: from here on its time is counted.
    """
    with suppress(OSError):
        if now:
            os.utime(path)
        elif is_over(os.lstat(path), time.time()):
            os.unlink(path)
