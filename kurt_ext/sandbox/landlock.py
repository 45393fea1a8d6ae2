"""Landlock: which files this process may touch from now on, for good (landlock(7)).

A ruleset handles every right that the kernel knows; what no rule allows is
refused with EACCES. From version 4 of the interface TCP is handled too, from
version 6 signals and abstract sockets that lead out; there are no rules for
those, so they are refused altogether.
"""

from __future__ import annotations

import errno
import os
import stat
import struct

from .kernel import Unconfined, syscall

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["EXECUTE", "KNOWN", "READ", "WRITE", "open_declared", "probe", "restrict", "rights"]

#: The newest version of the interface whose rights are known here.
KNOWN = 7

# linux/landlock.h, LANDLOCK_ACCESS_FS_*
_EXECUTE, _WRITE_FILE, _READ_FILE, _READ_DIR, _REMOVE_DIR, _REMOVE_FILE = (1 << i for i in range(6))
_MAKE_DIR, _MAKE_REG, _MAKE_SYM = 1 << 7, 1 << 8, 1 << 12
_REFER, _TRUNCATE, _IOCTL_DEV = 1 << 13, 1 << 14, 1 << 15
#: Version → every right on files that it handles.
_HANDLED = {1: (1 << 13) - 1, 2: (1 << 14) - 1, 3: (1 << 15) - 1, 4: (1 << 15) - 1}
#: Rights that a rule on a file, and not a folder, may give.
_OF_FILES = _EXECUTE | _WRITE_FILE | _READ_FILE | _TRUNCATE | _IOCTL_DEV

READ = _READ_FILE | _READ_DIR
#: All but making sockets, pipes and devices, which no skill may.
WRITE = (READ | _WRITE_FILE | _REMOVE_DIR | _REMOVE_FILE | _MAKE_DIR | _MAKE_REG | _MAKE_SYM) | (
    _REFER | _TRUNCATE
)
EXECUTE = READ | _EXECUTE

_BENEATH = 1  # LANDLOCK_RULE_PATH_BENEATH
_ASK_VERSION, _ASK_ERRATA = 1, 2  # flags of landlock_create_ruleset
_TCP = 3  # bind and connect
_SCOPES = 3  # abstract sockets and signals
_NO_LINKS = 0x04  # RESOLVE_NO_SYMLINKS


def probe() -> tuple[int, int]:
    """Return the interface's version and the set of errata mended; (0, 0) where there is none."""
    try:
        version = syscall("landlock_create_ruleset", 0, 0, _ASK_VERSION)
    except OSError:
        return 0, 0
    try:
        return version, syscall("landlock_create_ruleset", 0, 0, _ASK_ERRATA)
    except OSError:
        return version, 0


def rights(version: int) -> int:
    """Return every right on files that a version of the interface handles."""
    return _HANDLED.get(version, (1 << 16) - 1) if version > 0 else 0


def restrict(
    grants: Iterable[tuple[str, int]], own: Iterable[tuple[str, int]], version: int
) -> None:
    """Hold the calling thread, and what it starts, to some files; no_new_privs must be set.

    :param grants: declared paths and their rights; they must be there, and lead through no link.
    :param own: paths of the interpreter and their rights; what is missing is passed by.
    :param version: of the interface, as :func:`probe` says, or lower.
    :raises Unconfined: when a step fails.
    """
    handled = rights(version)
    tcp = _TCP if version >= 4 else 0
    scopes = _SCOPES if version >= 6 else 0
    try:
        attributes = struct.pack("=QQQ", handled, tcp, scopes)
        ruleset = syscall("landlock_create_ruleset", attributes, len(attributes), 0)
    except OSError as error:
        raise Unconfined(f"Landlock gives no ruleset: {error.strerror}", "landlock") from error
    try:
        for path, allowed in _widest(own):
            try:
                opened = os.open(path, os.O_PATH | os.O_CLOEXEC)
            except OSError:
                continue
            _allow(ruleset, path, opened, allowed & handled)
        for path, allowed in _widest(grants):
            _allow(ruleset, path, open_declared(path), allowed & handled)
        syscall("landlock_restrict_self", ruleset, 0)
    except Unconfined:
        raise
    except OSError as error:
        raise Unconfined(f"Landlock does not hold: {error.strerror}", "landlock") from error
    finally:
        os.close(ruleset)


def open_declared(path: str) -> int:
    """Open a declared path for a rule, without following any link on the way.

    :raises Unconfined: when it is gone, or a link has taken the place of any part of it.
    """
    how = struct.pack("=QQQ", os.O_PATH | os.O_CLOEXEC, 0, _NO_LINKS)
    try:
        return syscall("openat2", -100, os.fsencode(path), how, len(how))
    except OSError as error:
        if error.errno in (errno.ENOSYS, errno.EPERM):
            raise Unconfined(
                "links on the way to a path cannot be refused (openat2)", "files"
            ) from error
        reason = "a link has taken its place" if error.errno == errno.ELOOP else error.strerror
        raise Unconfined(f"{path} cannot be granted: {reason}", "files") from error


def _widest(pairs: Iterable[tuple[str, int]]) -> Iterable[tuple[str, int]]:
    """Return each path once, with every right that is asked for it."""
    found: dict[str, int] = {}
    for path, allowed in pairs:
        found[path] = found.get(path, 0) | allowed
    return found.items()


def _allow(ruleset: int, path: str, opened: int, allowed: int) -> None:
    """Add a rule; takes the descriptor over."""
    try:
        if not stat.S_ISDIR(os.fstat(opened).st_mode):
            allowed &= _OF_FILES
        rule = struct.pack("=Qi", allowed, opened)
        syscall("landlock_add_rule", ruleset, _BENEATH, rule, 0)
    except OSError as error:
        raise Unconfined(f"{path} cannot be granted: {error.strerror}", "files") from error
    finally:
        os.close(opened)
