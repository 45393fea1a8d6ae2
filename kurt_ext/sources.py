"""Take the bytes of a manifest from the disk, and text from the bytes, whatever lies there.

A manifest's path may be a directory, a named pipe, a link to itself or a
device; its content may be anything. Each is a finding: nothing here blocks,
reads without a limit, or raises for what it meets.
"""

from __future__ import annotations

import os
import stat

from .findings import Finding

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    Pointer = tuple[str | int, ...]
    Marks = dict[Pointer, tuple[int, int]]

__all__ = ["MAX_DEPTH", "MAX_MANIFEST", "Refused", "fetch", "mark", "show", "spell", "to_text"]

#: Bytes of a manifest file; a larger one is refused unread.
MAX_MANIFEST = 1024 * 1024
#: Levels of lists and mappings. PyYAML's C loader crashes the process at 30,000,
#: and what is read here is later written by functions that recurse.
MAX_DEPTH = 32
_BOM = b"\xef\xbb\xbf"
_FLAGS = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_CLOEXEC", 0)
_KINDS = (
    (stat.S_ISDIR, "a directory"),
    (stat.S_ISFIFO, "a named pipe"),
    (stat.S_ISSOCK, "a socket"),
    (stat.S_ISCHR, "a device"),
    (stat.S_ISBLK, "a device"),
)


class Refused(Exception):
    """A text that its format forbids, with the finding that says so."""

    def __init__(self, finding: Finding) -> None:
        super().__init__(str(finding))
        self.finding = finding


def show(text: str, limit: int = 60) -> str:
    """Return ``text`` quoted for a message: shortened, and no control character left in it."""
    return repr(text if len(text) <= limit else text[: limit - 1] + "…")


def spell(pointer: Pointer) -> str:
    """Return a pointer as people write it: ``implements[0].class``."""
    text = ""
    for step in pointer:
        if isinstance(step, int):
            text += f"[{step}]"
        else:
            word = step if step.isprintable() and len(step) <= 60 else show(step)
            text += f".{word}" if text else word
    return text


def mark(marks: Mapping[Pointer, tuple[int, int]], pointer: Pointer) -> tuple[int, int]:
    """Return the line and column of a pointer, or of the nearest one above it; else (0, 0)."""
    while pointer not in marks:
        if not pointer:
            return 0, 0
        pointer = pointer[:-1]
    return marks[pointer]


def position(text: str, index: int) -> tuple[int, int]:
    """Return the line and column, both from 1, of a character."""
    start = text.rfind("\n", 0, index) + 1
    return text.count("\n", 0, index) + 1, index - start + 1


def fetch(path: str, name: str) -> bytes | Finding:
    """Return the content of the file, or the finding that says why it cannot be read.

    :param name: the file as the finding is to call it.
    """
    try:
        found = os.stat(path)
        if not stat.S_ISREG(found.st_mode):
            kind = next((word for test, word in _KINDS if test(found.st_mode)), "no file")
            return Finding("manifest-not-a-file", "error", f"{name} is {kind}", path=name)
        if found.st_size > MAX_MANIFEST:
            return _too_large(name, found.st_size)
        # Without O_NONBLOCK, a pipe put there since the stat would hold us for ever.
        descriptor = os.open(path, _FLAGS)
        try:
            data = os.read(descriptor, found.st_size + 1)
            if len(data) != found.st_size:
                data = _rest(descriptor, data)
        finally:
            os.close(descriptor)
    except OSError as error:
        return _unreadable(path, name, error)
    return data if len(data) <= MAX_MANIFEST else _too_large(name, len(data))


def _rest(descriptor: int, data: bytes) -> bytes:
    """Read on: the file has grown or shrunk, or its file system does not know its size."""
    while len(data) <= MAX_MANIFEST:
        more = os.read(descriptor, 65536)
        if not more:
            break
        data += more
    return data


def _too_large(name: str, size: int) -> Finding:
    return Finding(
        "manifest-too-large",
        "error",
        f"{name} has {size:,} bytes; a manifest has at most {MAX_MANIFEST:,}",
        path=name,
        fix="move what is not needed to list the skill into files beside it",
    )


def _unreadable(path: str, name: str, error: OSError) -> Finding:
    reason = error.strerror or type(error).__name__
    fix = ""
    if os.path.islink(path):
        reason = f"it is a symbolic link that leads nowhere: {reason}"
        fix = "replace the link by the file"
    elif isinstance(error, PermissionError):
        fix = "make the file readable"
    return Finding(
        "manifest-unreadable", "error", f"{name} cannot be read: {reason}", path=name, fix=fix
    )


def to_text(data: bytes, name: str, findings: list[Finding]) -> str | None:
    """Return ``data`` as text without a byte order mark, or None after an error finding."""
    if data.startswith(_BOM):
        findings.append(
            Finding(
                "byte-order-mark",
                "warning",
                "the file begins with a byte order mark",
                path=name,
                line=1,
                column=1,
                fix="save the file as UTF-8 without BOM",
            )
        )
        data = data[3:]
    try:
        text = data.decode()
    except UnicodeDecodeError as error:
        findings.append(_not_utf8(data, name, error.start))
        return None
    if "\0" in text:
        line, column = position(text, text.index("\0"))
        findings.append(
            Finding(
                "nul-character",
                "error",
                "a NUL character; this is no text file",
                path=name,
                line=line,
                column=column,
                fix="save the file as UTF-8",
            )
        )
        return None
    return text


def _not_utf8(data: bytes, name: str, start: int) -> Finding:
    if data[:2] in (b"\xff\xfe", b"\xfe\xff"):
        message, line, column = "the file is UTF-16, not UTF-8", 1, 1
    else:
        message = f"byte 0x{data[start]:02x} is not UTF-8"
        line, column = position(data[:start].decode(), start)
        column = len(data[data.rfind(b"\n", 0, start) + 1 : start].decode()) + 1
    return Finding(
        "not-utf-8",
        "error",
        message,
        path=name,
        line=line,
        column=column,
        fix="save the file as UTF-8",
    )


def has_surrogate(value: Any) -> bool:
    """Return whether a text holds half a character, which no file can hold."""
    try:
        value.encode()
    except UnicodeEncodeError:
        return True
    return False
