"""A lock between processes, on a file."""

from __future__ import annotations

import errno
import os
import sys
import time

from .errors import LockedError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import TracebackType
    from typing import Any

__all__ = ["lock"]

_FIRST_PAUSE = 0.001
_LONGEST_PAUSE = 0.05


class lock:
    """Hold the file at ``path`` locked against every other process and thread.

    The system lets go of the lock when its holder dies, so that no lock is
    ever stale. The file stays; it holds the process id of the last holder.
    Not reentrant: a holder that asks again waits for itself.

    :param path: a file of its own, created with mode 0600 in a folder that exists.
    :param timeout: seconds to wait; 0 asks once.
    :param shared: hold it together with others who share it, and against those who do not;
        on Windows it is held alone.
    :raises LockedError: when another held it all that time.
    :raises OSError: when the file cannot be created or the file system has no locks.
    """

    __slots__ = ("_held", "path", "shared", "timeout")

    def __init__(self, path: str, timeout: float = 30.0, *, shared: bool = False) -> None:
        self.path = path
        self.timeout = timeout
        self.shared = shared
        self._held: Any = None

    @property
    def descriptor(self) -> int | None:
        """The open file that holds it, which a child may inherit and hold on; None without."""
        return self._held if isinstance(self._held, int) else None

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        held, self._held = self._held, None
        if sys.platform == "win32":
            held.release()
            return
        from fcntl import LOCK_UN, flock

        try:
            flock(held, LOCK_UN)  # a fork of this process may have the file open too
        finally:
            os.close(held)

    if sys.platform == "win32":

        def __enter__(self) -> lock:
            from filelock import FileLock, Timeout

            held = FileLock(self.path, timeout=self.timeout)
            try:
                held.acquire()
            except Timeout:
                raise self._locked(b"") from None
            self._held = held
            return self

    else:

        def __enter__(self) -> lock:
            # Not at the top: a process that finds nothing to write needs no lock.
            from fcntl import LOCK_EX, LOCK_NB, LOCK_SH, flock

            # A link laid here by somebody else must not make us open another file.
            descriptor = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)
            try:
                deadline = time.monotonic() + self.timeout
                pause = _FIRST_PAUSE
                while True:
                    try:
                        flock(descriptor, (LOCK_SH if self.shared else LOCK_EX) | LOCK_NB)
                        break
                    except OSError as error:
                        if error.errno not in (errno.EAGAIN, errno.EACCES):
                            raise
                    left = deadline - time.monotonic()
                    if left <= 0:
                        raise self._locked(os.pread(descriptor, 32, 0))
                    time.sleep(min(pause, left))
                    pause = min(pause * 2, _LONGEST_PAUSE)
                os.pwrite(descriptor, b"%-20d\n" % os.getpid(), 0)
            except BaseException:
                os.close(descriptor)
                raise
            self._held = descriptor
            return self

    def _locked(self, holder: bytes) -> LockedError:
        number = holder.strip()
        who = f"process {int(number)}" if number.isdigit() else "another process"
        return LockedError(
            f"{self.path} is locked",
            cause=f"{who} still held it after {self.timeout:g} seconds",
            at=self.path,
            hint=f"wait until {who} has finished, or end it; then try again",
        )
