"""Buckets that all workers of a server share, in memory.

A table of fixed size in a file without a name, mapped by each worker. Who calls is looked up
in one row of eight places, by a keyed digest, so that nobody can choose whose place they take.
A row is locked for the microseconds in which it is changed. Of a bucket the moment is kept at
which it would be as empty as it may ever be, as in `KeptBuckets`.
"""

from __future__ import annotations

import mmap
import os
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import blake2b
from struct import Struct
from typing import Any

__all__ = ["SharedBuckets"]

_ROWS, _PLACES = 8192, 8
_ENTRY = Struct("=Qd")
_ROW = _ENTRY.size * _PLACES


class SharedBuckets:
    """A bucket of tokens for each caller; given to a process that is started, it is the same.

    The clock is that of the machine since it was started, which all its processes share.

    :param rate: tokens a second; 0 for no limit.
    :param burst: so many a bucket holds.
    """

    def __init__(self, rate: float, burst: float) -> None:
        self.rate = rate
        self.burst = burst
        self._secret = os.urandom(16)
        descriptor, path = tempfile.mkstemp(prefix="kurt-limits-")
        os.unlink(path)  # so that nothing is left, however the server ends
        os.ftruncate(descriptor, _ROW * _ROWS)
        self._map(descriptor)

    def _map(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._table = mmap.mmap(descriptor, _ROW * _ROWS)

    def __getstate__(self) -> dict[str, object]:
        from multiprocessing import reduction

        known = {"rate": self.rate, "burst": self.burst, "_secret": self._secret}
        return {**known, "descriptor": reduction.DupFd(self._descriptor)}

    def __setstate__(self, state: dict[str, Any]) -> None:
        descriptor = state.pop("descriptor").detach()
        self.__dict__.update(state)
        self._map(descriptor)

    def take(self, caller: str, now: float | None = None) -> float:
        """Take a token; return 0, or the seconds until there is one.

        :param now: the monotonic clock if None.
        """
        if not self.rate:
            return 0.0
        digest = blake2b(caller.encode("utf-8", "replace"), key=self._secret, digest_size=16)
        whole = digest.digest()
        start = int.from_bytes(whole[8:], "big") % _ROWS * _ROW
        key = int.from_bytes(whole[:8], "big") | 1  # 0 is an empty place
        with self._held(start):
            return self._take(start, key, time.monotonic() if now is None else now)

    def _take(self, start: int, key: int, moment: float) -> float:
        offsets = range(start, start + _ROW, _ENTRY.size)
        row = [(*_ENTRY.unpack_from(self._table, offset), offset) for offset in offsets]
        # Its own place, else that of whoever comes nearest to a full bucket.
        found, empty_at, offset = next(
            (one for one in row if one[0] == key), min(row, key=lambda one: one[1])
        )
        base = max(moment, empty_at) if found == key else moment
        wait = base - moment - (self.burst - 1) / self.rate
        if wait > 1e-9:
            return wait
        _ENTRY.pack_into(self._table, offset, key, base + 1 / self.rate)
        return 0.0

    if sys.platform == "win32":

        @contextmanager
        def _held(self, start: int) -> Iterator[None]:
            yield  # one worker alone runs there

    else:

        @contextmanager
        def _held(self, start: int) -> Iterator[None]:
            """Hold a row against the other processes; the system lets go when one dies."""
            from fcntl import LOCK_EX, LOCK_UN, lockf

            lockf(self._descriptor, LOCK_EX, 1, start)
            try:
                yield
            finally:
                lockf(self._descriptor, LOCK_UN, 1, start)

    def close(self) -> None:
        """Let go of the table."""
        self._table.close()
        os.close(self._descriptor)
