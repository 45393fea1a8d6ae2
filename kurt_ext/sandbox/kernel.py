"""Ask the Linux kernel directly: what Python's own modules have no word for.

ctypes is imported with the first question, so that other systems, and a Python
without it, can import what stands on this module.
"""

from __future__ import annotations

import errno
import os
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ctypes import CDLL
    from typing import Any

__all__ = ["MACHINE", "Unconfined", "libc", "number", "syscall"]

#: How this machine's system calls are numbered; "" where that is not known here.
MACHINE = ""
if sys.platform == "linux":
    MACHINE = {"x86_64": "x86_64", "aarch64": "aarch64", "arm64": "aarch64"}.get(
        os.uname().machine, ""
    )
    if sys.maxsize < 2**32:
        MACHINE = ""  # a 32-bit Python on a 64-bit kernel calls by other numbers

#: Name → (x86-64, arm64) of the calls that are made from here, as in asm/unistd.h.
_NUMBERS = {
    "capget": (125, 90),
    "capset": (126, 91),
    "clone": (56, 220),
    "move_mount": (429, 429),
    "open_tree": (428, 428),
    "openat2": (437, 437),
    "pivot_root": (155, 41),
    "seccomp": (317, 277),
    "unshare": (272, 97),
    "landlock_create_ruleset": (444, 444),
    "landlock_add_rule": (445, 445),
    "landlock_restrict_self": (446, 446),
}
_loaded: CDLL | None = None


class Unconfined(OSError):
    """A process could not be held to its policy, and must not run anything.

    :param sentence: what failed.
    :param layer: the name of what does not hold, as in a policy's ``require``, or
        ``landlock``, ``seccomp``, ``namespaces``, ``limits``, ``privileges``.
    """

    def __init__(self, sentence: str, layer: str) -> None:
        super().__init__(sentence)
        self.layer = layer

    def __reduce__(self) -> tuple[type[Unconfined], tuple[str, str]]:
        return type(self), (str(self), self.layer)


def libc() -> CDLL:
    """Return the C library of this process.

    :raises Unconfined: when there is none to be asked.
    """
    global _loaded
    if _loaded is None:
        try:
            import ctypes

            found = ctypes.CDLL(None, use_errno=True)
            found.syscall.restype = ctypes.c_long
        except (ImportError, OSError, TypeError, AttributeError) as error:
            raise Unconfined(f"the C library cannot be asked: {error}", "privileges") from error
        _loaded = found
    return _loaded


def number(name: str) -> int:
    """Return the number of a system call on this machine.

    :raises Unconfined: when the machine is none whose numbers are known.
    """
    if not MACHINE:
        raise Unconfined(
            f"the system calls of {sys.platform} on this machine are not known", "seccomp"
        )
    return _NUMBERS[name][MACHINE == "aarch64"]


def syscall(name: str, *arguments: Any) -> int:
    """Make a system call; integers are passed as 64 bits, buffers of ctypes by reference.

    :raises OSError: what the kernel says.
    """
    wanted = number(name)
    library = libc()
    import ctypes

    passed = [ctypes.c_long(one) if isinstance(one, int) else one for one in arguments]
    result: int = library.syscall(ctypes.c_long(wanted), *passed)
    if result < 0:
        code = ctypes.get_errno()
        raise OSError(code or errno.EIO, os.strerror(code or errno.EIO))
    return result
