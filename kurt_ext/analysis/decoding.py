"""Find what Python takes the bytes of a module for, and how that differs from what is shown.

A first or second line can name an encoding (PEP 263), and Python decodes the
rest by it: with ``utf-7`` or ``raw_unicode_escape`` a comment becomes a call. An
editor, a reviewer and an agent see UTF-8.
"""

from __future__ import annotations

import codecs
import re
from typing import NamedTuple

__all__ = ["Decoded", "Oddity", "decode"]

_BOM = codecs.BOM_UTF8
# PEP 263, as CPython reads it: the second line counts where the first is blank or a comment.
_COOKIE = re.compile(rb"^[ \t\f]*#.*?coding[:=][ \t]*([-\w.]+)")
_BLANK = re.compile(rb"^[ \t\f]*(?:#[^\r\n]*)?(?:\r\n|[\r\n]|$)")
_LINE = re.compile(rb"[^\r\n]*(?:\r\n|[\r\n])?")
_UTF8 = frozenset(("utf-8", "utf8", "utf_8", "utf-8-sig", "u8", "utf", "cp65001"))
#: Encodings of one byte in which every byte below 128 is itself.
_TAME = frozenset(("ascii", "us-ascii", "latin-1", "iso-8859-1", "iso-8859-15", "iso-latin-1"))
_TAME_NAMES = frozenset(("ascii", "iso8859-1", "iso8859-15"))
_LONE_CR = re.compile(rb"\r(?!\n)")


class Oddity(NamedTuple):
    """What is strange about a module's bytes.

    :param kind: ``cookie``, ``tame-cookie``, ``unknown-cookie``, ``nul``, ``lone-cr``,
        ``undecodable``, ``bom``, ``bom-and-cookie`` or ``wide``.
    """

    kind: str
    line: int
    column: int
    seen: str


class Decoded(NamedTuple):
    """A module's text.

    :param text: what Python sees; None where it refuses the bytes.
    :param encoding: by which it does.
    """

    text: str | None
    encoding: str
    oddities: tuple[Oddity, ...]


def _cookie(data: bytes) -> tuple[str, int]:
    """Return the encoding that a module names, and the line; ("", 0) where it names none."""
    at = 0
    for line in (1, 2):
        found = _LINE.match(data, at)
        row = found.group() if found else b""
        match = _COOKIE.match(row)
        if match:
            return match.group(1).decode("ascii", "replace"), line
        if not _BLANK.match(row):
            break
        at += len(row)
    return "", 0


def _place(data: bytes, index: int) -> tuple[int, int]:
    start = data.rfind(b"\n", 0, index) + 1
    return data.count(b"\n", 0, index) + 1, index - start + 1


def decode(data: bytes) -> Decoded:
    """Return what Python sees in a module's bytes, and what is strange about them."""
    if data[:2] in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE):
        seen = Oddity("wide", 1, 1, data[:2].hex())
        return Decoded(None, "utf-16", (seen,))
    odd: list[Oddity] = []
    bom = data.startswith(_BOM)
    body = data[len(_BOM) :] if bom else data
    name, line = _cookie(body)
    plain = name.lower().replace("_", "-")
    encoding = "utf-8"
    if bom:
        odd.append(Oddity("bom-and-cookie" if name else "bom", 1, 1, name))
    if name and plain not in _UTF8 and not plain.startswith("utf-8-"):
        kind, encoding = _classify(plain)
        odd.append(Oddity(kind, line, 1, name))
    if (at := body.find(b"\0")) >= 0:
        odd.append(Oddity("nul", *_place(body, at), "\\0"))
    if match := _LONE_CR.search(body):
        odd.append(Oddity("lone-cr", *_place(body, match.start()), _after(body, match.end())))
    try:
        text: str | None = body.decode(encoding) if encoding else None
    except (UnicodeError, LookupError, ValueError) as error:
        place = _place(body, error.start) if isinstance(error, UnicodeDecodeError) else (line, 1)
        odd.append(Oddity("undecodable", *place, encoding))
        text = None
    return Decoded(text, encoding, tuple(odd))


def _after(body: bytes, index: int) -> str:
    return body[index : index + 80].split(b"\n")[0].decode("utf-8", "replace")


def _classify(plain: str) -> tuple[str, str]:
    """Return the kind of oddity of an encoding, and its name for the codec; "" for none."""
    try:
        info = codecs.lookup(plain)
    except (LookupError, ValueError):
        return "unknown-cookie", ""
    if plain in _TAME or info.name in _TAME_NAMES:
        return "tame-cookie", info.name
    if not getattr(info, "_is_text_encoding", True):
        return "unknown-cookie", ""
    return "cookie", info.name
