"""Limits and privileges of this process: what Unix has had for long, and binds children as well."""

from __future__ import annotations

import os
import struct
import sys

from .kernel import Unconfined, libc, syscall

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["calm", "drop_privileges", "limit", "warm"]

# linux/prctl.h
_SET_DUMPABLE, _GET_DUMPABLE, _BOUNDING_DROP = 4, 3, 24
_SET_NO_NEW_PRIVS, _GET_NO_NEW_PRIVS, _AMBIENT, _AMBIENT_CLEAR = 38, 39, 47, 4
_CAPABILITIES_3 = 0x20080522  # _LINUX_CAPABILITY_VERSION_3
_ARENA_MAX = -8  # M_ARENA_MAX of malloc.h: each arena of glibc reserves 64 MiB of address space
_STACK = 1 << 20  # bytes of address space for each thread's stack, instead of 8 MiB
_MIB = 1 << 20
_COUNT_AT = 80  # offset of the number of processes in struct sysinfo of 64-bit machines


def warm() -> None:
    """Import what setting limits takes."""
    try:
        import resource  # noqa: F401
    except ImportError:  # Windows
        return


def calm() -> None:
    """Keep threads from reserving the address space that is all the memory a worker has."""
    import _thread

    malloc = getattr(libc(), "mallopt", None)  # glibc alone has it
    if malloc is not None:
        malloc(_ARENA_MAX, 1)
    _thread.stack_size(_STACK)


def limit(limits: Mapping[str, float], *, starts: bool = False, apart: bool = False) -> list[str]:
    """Set the limits of this process, and return the names of those that hold.

    :param limits: as in a policy; one that is missing is not set.
    :param starts: whether it may start others.
    :param apart: whether it is the only one of its user namespace.
    :raises Unconfined: when Linux refuses one.
    """
    try:
        import resource
    except ImportError:  # Windows
        return []
    held = []
    for name, (constant, soft, hard) in _wanted(limits, starts, apart).items():
        kind = getattr(resource, constant, None)
        if kind is None:
            continue
        most = resource.getrlimit(kind)[1]
        if most != resource.RLIM_INFINITY:
            soft, hard = min(soft, most), min(hard, most)
        try:
            resource.setrlimit(kind, (soft, hard))
        except (OSError, ValueError) as error:
            if sys.platform == "linux":
                raise Unconfined(f"the limit of {name} is refused: {error}", "limits") from error
            continue
        held.append(name)
    return held


def _wanted(
    limits: Mapping[str, float], starts: bool, apart: bool
) -> dict[str, tuple[str, int, int]]:
    """Return name → (constant, soft, hard)."""
    wanted = {
        "core dumps": ("RLIMIT_CORE", 0, 0),
        "locked memory": ("RLIMIT_MEMLOCK", 0, 0),
        "message queues": ("RLIMIT_MSGQUEUE", 0, 0),
    }
    for name, constant, key, unit, more in (
        ("memory", "RLIMIT_AS", "memory_mb", _MIB, 0),
        ("processor", "RLIMIT_CPU", "cpu_seconds", 1, 1),  # SIGXCPU a second before SIGKILL
        ("open files", "RLIMIT_NOFILE", "open_files", 1, 0),
        ("file size", "RLIMIT_FSIZE", "file_size_mb", _MIB, 0),
    ):
        if key in limits:
            most = max(1, int(limits[key] * unit))
            wanted[name] = (constant, most, most + more)
    if starts and "processes" in limits:
        # The kernel counts all of a user's in one namespace: those that run anyway come on top.
        most = int(limits["processes"]) + (0 if apart else _running())
        wanted["processes"] = ("RLIMIT_NPROC", most, most)
    return wanted


def _running() -> int:
    """Return how many processes and threads this machine runs."""
    import ctypes

    told = ctypes.create_string_buffer(256)
    if libc().sysinfo(told):
        raise Unconfined("the processes of this machine cannot be counted", "limits")
    found: int = struct.unpack_from("=H", told.raw, _COUNT_AT)[0]
    return found


def drop_privileges() -> None:
    """Give up every capability, and what programs could give back; nobody may look inside.

    :raises Unconfined: when any is left.
    """
    ask = libc().prctl
    if ask(_SET_NO_NEW_PRIVS, 1, 0, 0, 0) or ask(_GET_NO_NEW_PRIVS, 0, 0, 0, 0) != 1:
        raise Unconfined("programs could still give privileges (no_new_privs)", "privileges")
    if os.geteuid() == 0 or _capabilities() != bytes(24):
        number = 0
        while number < 64 and not ask(_BOUNDING_DROP, number, 0, 0, 0):
            number += 1  # until the first that this kernel does not know
    ask(_AMBIENT, _AMBIENT_CLEAR, 0, 0, 0)
    try:
        syscall("capset", struct.pack("=Ii", _CAPABILITIES_3, 0), bytes(24))
        left = _capabilities()
    except OSError as error:
        raise Unconfined(f"capabilities stay: {error.strerror}", "privileges") from error
    if left != bytes(24):
        raise Unconfined("capabilities stay", "privileges")
    if ask(_SET_DUMPABLE, 0, 0, 0, 0) or ask(_GET_DUMPABLE, 0, 0, 0, 0):
        raise Unconfined("other processes could look inside", "privileges")


def _capabilities() -> bytes:
    """Return the effective, permitted and inheritable capabilities of this thread."""
    import ctypes

    found = ctypes.create_string_buffer(24)
    syscall("capget", struct.pack("=Ii", _CAPABILITIES_3, 0), found)
    return found.raw
