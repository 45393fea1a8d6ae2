"""What must be executable so that one program starts: itself, and what the system loads it by."""

from __future__ import annotations

import os
from shutil import which

__all__ = ["executables"]

_MOST = 16  # a script whose program is a script whose …


def executables(program: str, path: str | None = None) -> list[str]:
    """Return the real paths that starting a program executes.

    That is the program, for a script what its first line names (and, of
    ``env NAME``, that program too), and the loader of dynamic programs.

    :param program: its path.
    :param path: the search path, for ``env``.
    """
    found: list[str] = []
    waiting = [program]
    while waiting and len(found) < _MOST:
        real = os.path.realpath(waiting.pop())
        if real in found:
            continue
        found.append(real)
        try:
            with open(real, "rb") as stream:
                head = stream.read(4096)
        except OSError:
            continue
        if head.startswith(b"#!"):
            waiting += _named(head, path)
        elif head.startswith(b"\x7fELF"):
            waiting += [one for one in (_loader(real, head),) if one]
    return found


def _named(head: bytes, path: str | None) -> list[str]:
    words = os.fsdecode(head[2:].split(b"\n", 1)[0]).split()
    if not words:
        return []
    found = [words[0]]
    if os.path.basename(words[0]) == "env":
        name = next(
            (word for word in words[1:] if not word.startswith("-") and "=" not in word), ""
        )
        place = which(name, path=path) if name else None
        found += [place] if place else []
    return found


def _loader(path: str, head: bytes) -> str | None:
    """Return the loader that an ELF file names (its PT_INTERP segment), None where it is static."""
    from struct import error, unpack_from

    if head[4:5] not in (b"\x01", b"\x02") or head[5:6] not in (b"\x01", b"\x02"):
        return None
    wide, order = head[4] == 2, "<" if head[5] == 1 else ">"
    try:
        start = unpack_from(order + ("Q" if wide else "I"), head, 0x20 if wide else 0x1C)[0]
        size, count = unpack_from(order + "HH", head, 0x36 if wide else 0x2A)
        with open(path, "rb") as stream:
            for number in range(min(count, 64)):
                stream.seek(start + number * size)
                entry = stream.read(size)
                if unpack_from(order + "I", entry)[0] != 3:  # PT_INTERP
                    continue
                at = unpack_from(order + ("Q" if wide else "I"), entry, 8 if wide else 4)[0]
                length = unpack_from(order + ("Q" if wide else "I"), entry, 32 if wide else 16)[0]
                stream.seek(at)
                return os.fsdecode(stream.read(min(length, 4096)).rstrip(b"\0"))
    except (OSError, error):
        return None
    return None
