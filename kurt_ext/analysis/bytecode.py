"""Tell the cache that the interpreter made of a source from code that nobody can read.

A cache is a pickle of sorts that Python runs in place of the source beside it
wherever its header allows that. Its names are read here, without loading it:
code that was compiled from the source uses names that the source has.
"""

from __future__ import annotations

import re
import struct
from typing import NamedTuple

__all__ = ["Cache", "foreign", "header", "is_code", "names"]

_MAX_STEPS = 400_000
_MAX_DEPTH = 200
#: Names that the compiler adds.
_ADDED = frozenset(
    (
        *("__module__", "__qualname__", "__name__", "__doc__", "__annotations__", "__classcell__"),
        *("__firstlineno__", "__static_attributes__", "__type_params__", "__classdict__"),
        *("__annotate__", "__annotate_func__", "__conditional_annotations__", "__class__"),
        *("AssertionError", "annotations", "__future__", "__file__", "__builtins__", "__debug__"),
        *("__match_args__", "__orig_bases__", "__static_attributes__", "format"),
        # pytest compiles tests with these of its own.
        *("_pytest", "assertion", "rewrite", "builtins", "py_builtins", "pytest_ar"),
        *("_rewrite_asserts", "_saferepr", "_call_reprcompare", "_format_explanation"),
        *("_should_repr_global_name", "_format_assertmsg", "_format_boolop"),
    )
)
_WORD = re.compile(r"\w+")


class Cache(NamedTuple):
    """The header of a ``.pyc`` (PEP 552).

    :param magic: of the interpreter that made it.
    :param flags: 0 by time and size, 1 by hash and never checked, 3 by hash and checked.
    :param mtime: of the source, in seconds, where it goes by time.
    """

    magic: int
    flags: int
    mtime: int
    size: int
    hash: bytes


def header(data: bytes) -> Cache | None:
    """Return the header of compiled Python; None for anything else."""
    if len(data) < 16 or data[2:4] != b"\r\n":
        return None
    magic, flags, mtime, size = struct.unpack_from("<H2xIII", data)
    # 3379 is 3.7, the first with flags; each release since has used the numbers above.
    if not 3379 <= magic < 5000 or flags > 3:
        return None
    return Cache(magic, flags, mtime, size, data[8:16])


def is_code(data: bytes) -> bool:
    """Return whether bytes are compiled Python: a cache, one of old, or a bare code object."""
    if header(data) is not None and data[16:17] in (b"c", b"\xe3"):
        return True
    if data[2:4] == b"\r\n" and data[8:9] in (b"c", b"\xe3") and data[1:2] in (b"\xf3", b"\x0c"):
        return True
    return data[:5] in (b"\xe3\0\0\0\0", b"c\0\0\0\0") and len(data) > 64


def foreign(data: bytes, source: bytes) -> list[str] | None:
    """Return the names of a cache that its source has not; None where it cannot be read."""
    used = names(data)
    if used is None:
        return None
    known: set[str] = set(_WORD.findall(source.decode("utf-8", "replace"))) | _ADDED
    parts = {part for name in used for part in _WORD.findall(name)} - known
    return sorted([part for part in parts if not _compiled(part, known)])


def _compiled(part: str, known: set[str]) -> bool:
    """Return whether a compiler writes a name: ``_Class__name``, or pytest's ``@py_assert1``."""
    if part.isdigit() or re.fullmatch(r"py_(?:assert|format)\d+", part):
        return True
    return part.startswith("_") and any(
        part[at:] in known and any(lead + part[1:at] in known for lead in ("", "_", "__"))
        for at in range(2, len(part))
        if part.startswith("__", at)
    )


def names(data: bytes) -> set[str] | None:
    """Return the names that a cache's code uses; None where it cannot be read."""
    cache = header(data)
    if cache is None:
        return None
    try:
        return _Reader(data, 16, cache.magic).run()
    except (IndexError, struct.error, ValueError, RecursionError, TypeError):
        return None


class _Reader:
    """Reads marshal's format; no object but strings and tuples is made."""

    def __init__(self, data: bytes, at: int, magic: int) -> None:
        self.data, self.at, self.magic = data, at, magic
        self.refs: list[object] = []
        self.names: set[str] = set()
        self.steps = 0

    def run(self) -> set[str]:
        self.value(0)
        return self.names

    def take(self, size: int) -> bytes:
        if size < 0 or self.at + size > len(self.data):
            raise ValueError("it ends too early")
        self.at += size
        return self.data[self.at - size : self.at]

    def number(self, size: int = 4) -> int:
        return int.from_bytes(self.take(size), "little", signed=size > 1)

    def value(self, depth: int) -> object:
        self.steps += 1
        if depth > _MAX_DEPTH or self.steps > _MAX_STEPS:
            raise ValueError("it is nested too deeply, or too long")
        byte = self.number(1)
        kind, flagged = chr(byte & 0x7F), byte & 0x80
        index = len(self.refs)
        if flagged:
            self.refs.append("")
        found = self.body(kind, depth)
        if flagged:
            self.refs[index] = found
        return found

    def body(self, kind: str, depth: int) -> object:
        if kind in "NTFS.0":
            return None
        if kind == "i":
            return self.take(4) and None
        if kind in "gI":
            return self.take(8) and None
        if kind == "y":
            return self.take(16) and None
        if kind == "l":
            return self.take(abs(self.number()) * 2) and None
        if kind in "zZ":
            return self.take(self.number(1)).decode("latin-1")
        if kind in "aAtu":
            return self.take(self.number()).decode("utf-8", "surrogatepass")
        if kind == "s":
            return self.take(self.number()) and None
        if kind == "r":
            return self.refs[self.number()]
        if kind in ")([<>":
            size = self.number(1) if kind == ")" else self.number()
            return [self.value(depth + 1) for _ in range(size)]
        if kind == "{":
            while self.data[self.at] & 0x7F != ord("0"):
                self.value(depth + 1)
            return self.take(1) and None
        if kind == ":":
            return [self.value(depth + 1) for _ in range(3)] and None
        if kind == "c":
            self.code(depth)
            return None
        raise ValueError(f"{kind!r} is no type")

    def code(self, depth: int) -> None:
        """Read a code object; its names are the third of its objects in every layout."""
        modern = self.magic >= 3450  # 3.11
        self.take(4 * (6 if 3400 <= self.magic < 3450 else 5))
        for number in range(8):
            found = self.value(depth + 1)
            if number == 2 and isinstance(found, list):
                self.names.update(name for name in found if isinstance(name, str))
        self.take(4)
        for _ in range(2 if modern else 1):
            self.value(depth + 1)
