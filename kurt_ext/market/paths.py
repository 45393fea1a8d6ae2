"""Which paths a release, an archive and a reference may hold; every other is refused, not mended.

A path that is fine here and means another place on another machine is how an
archive gets out of its folder, or how the file that was judged is not the one that
is run. So it must be plain on Linux, macOS and Windows alike.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable
from functools import lru_cache

__all__ = ["MAX_COMPONENT", "MAX_DEPTH", "MAX_PATH", "clash", "fault", "folded", "is_device"]

#: Bytes of a path, of a name in it, and names in it; 255 is what most file systems take.
MAX_PATH = 1024
MAX_COMPONENT = 255
MAX_DEPTH = 20
#: Characters that Windows reserves in names; a colon also opens a stream of NTFS.
_RESERVED = frozenset('<>:"|?*')
#: Names of devices on Windows, whatever extension they bear.
_DEVICES = frozenset(
    (
        *("con", "prn", "aux", "nul", "conin$", "conout$", "clock$"),
        *(f"{word}{digit}" for word in ("com", "lpt") for digit in "0123456789¹²³"),
    )
)
#: Control and format characters, surrogates, private and unassigned ones, line separators.
_UNSEEN = frozenset(("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"))


def fault(path: str) -> tuple[str, str] | None:
    """Return ``(rule, reason)`` why a path is refused; None where it is fine.

    :param path: relative, ``/`` between names, no ``/`` at its end.
    """
    if not path:
        return "empty-path", "it has no name"
    if "\\" in path:
        return "backslash", "it has a backslash, which parts folders on Windows"
    if path.startswith("/"):
        return "absolute-path", "it is absolute"
    if path[1:2] == ":" and path[0].isalpha():
        return "drive-path", "it names a drive of Windows"
    if len(path.encode("utf-8", "surrogatepass")) > MAX_PATH:
        return "long-path", f"it has more than {MAX_PATH} bytes"
    names = path.split("/")
    if len(names) > MAX_DEPTH:
        return "deep-path", f"it lies more than {MAX_DEPTH} folders deep"
    for name in names:
        found = _fault(name)
        if found is not None:
            return found
    return None


@lru_cache(maxsize=1024)
def _fault(name: str) -> tuple[str, str] | None:
    """Return why one name in a path is refused; asked again and again for the same folders."""
    if name == "..":
        return "parent-path", "it leads upwards by '..'"
    if name in ("", "."):
        return "odd-path", f"it has an {'empty name' if not name else 'odd name'} between slashes"
    if not name.isascii():
        if any(unicodedata.category(char) in _UNSEEN for char in name):
            return "unseen-character", "it has a character that cannot be seen"
        if unicodedata.normalize("NFC", name) != name:
            return "not-nfc", "it is not in the normal form NFC, so that others see another name"
        if len(name.encode()) > MAX_COMPONENT:
            return "long-path", f"a name in it has more than {MAX_COMPONENT} bytes"
    elif not name.isprintable():
        return "unseen-character", "it has a character that cannot be seen"
    elif len(name) > MAX_COMPONENT:
        return "long-path", f"a name in it has more than {MAX_COMPONENT} bytes"
    if not _RESERVED.isdisjoint(name):
        return "reserved-character", 'it has one of <>:"|?*, which Windows reserves'
    if name[-1] in " ." or name[0] == " ":
        return "edge-of-name", "a name in it begins with a blank, or ends with a blank or dot"
    if is_device(name):
        return "device-name", "it is the name of a device on Windows"
    return None


def is_device(name: str) -> bool:
    """Return whether a name is that of a device on Windows."""
    return name.partition(".")[0].rstrip(" ").lower() in _DEVICES


def folded(path: str) -> str:
    """Return what two paths share that some file system takes for one."""
    if path.isascii():
        return path.lower()
    return unicodedata.normalize("NFC", unicodedata.normalize("NFD", path).casefold())


def clash(paths: Iterable[str]) -> tuple[str, str, str] | None:
    """Return ``(rule, path, other path)`` for the first two that cannot both be files.

    Two that are the same, or the same to a file system that folds case or
    composes characters; and a file where another path has a folder.
    """
    files: dict[str, str] = {}
    folders: dict[str, str] = {}
    for path in paths:
        key = folded(path)
        if key in files:
            if files[key] == path:
                return "duplicate-path", path, path
            return "case-collision", path, files[key]
        if key in folders:
            return "file-and-folder", path, folders[key]
        files[key] = path
        end = path.rfind("/")
        while end > 0:
            above = path[:end]
            key = folded(above)
            if key in files:
                return "file-and-folder", path, files[key]
            seen = folders.setdefault(key, above)
            if seen != above:
                return "case-collision", above, seen
            end = path.rfind("/", 0, end)
    return None
