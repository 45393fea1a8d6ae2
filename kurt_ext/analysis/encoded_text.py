"""Find what a text says in another writing: base64, hexadecimal, escapes, rot13, backwards.

What comes out is text again, and judged as such. Sizes are bounded; nothing is
decoded twice over more than two times.
"""

from __future__ import annotations

import base64
import binascii
import codecs
import re
from collections.abc import Iterator
from functools import cache
from typing import NamedTuple

from .confusables import fold

__all__ = ["Revealed", "revealed"]

_MOST = 50  # blobs of a text
_LONGEST = 20_000


class Revealed(NamedTuple):
    """What stood there in another writing."""

    text: str
    line: int
    column: int
    writing: str


@cache
def _blobs() -> re.Pattern[str]:
    return re.compile(
        r"(?P<hex>(?<![0-9A-Za-z])(?:[0-9a-fA-F]{2}[ :]?){16,4000})"
        r"|(?P<b64>[A-Za-z0-9+/_-]{24,20000}={0,2})"
        r"|(?P<esc>(?:\\x[0-9a-fA-F]{2}|\\u[0-9a-fA-F]{4}|%[0-9a-fA-F]{2}){8,4000})"
    )


#: "ignore", "instructions", "previous", "secret", "password" after thirteen letters, and backwards.
_ROT13 = ("vtaber", "vafgehpgvba", "cerivbhf", "frperg", "cnffjbeq", "perqragvny")
_BACKWARDS = ("erongi", "snoitcurtsni", "suoiverp", "terces", "drowssap", "slaitnederc")


def tags(text: str) -> str:
    """Return what a text says in tag characters, which mirror ASCII and are drawn as nothing."""
    return "".join(chr(ord(c) - 0xE0000) for c in text if 0xE0020 <= ord(c) < 0xE007F)


def selectors(text: str) -> str:
    """Return what a text says in variation selectors, of which there is one for each byte."""
    data = bytearray()
    for c in text:
        point = ord(c)
        if 0xFE00 <= point <= 0xFE0F:
            data.append(point - 0xFE00)
        elif 0xE0100 <= point <= 0xE01EF:
            data.append(point - 0xE0100 + 16)
    return _readable(bytes(data)) if len(data) >= 8 else ""


def revealed(text: str) -> Iterator[Revealed]:
    """Yield what the text says in another writing, where that is text."""
    for count, found in enumerate(_blobs().finditer(text)):
        kind = found.lastgroup or ""
        words = _decoded(found[0], kind)
        if count > _MOST * 20:
            break
        if words:
            at = found.start()
            yield Revealed(words, text.count("\n", 0, at) + 1, at - text.rfind("\n", 0, at), kind)
    low = fold(text).lower()
    for marks, turn, kind in ((_ROT13, "rot13", "rot13"), (_BACKWARDS, "", "backwards")):
        if sum(mark in low for mark in marks) >= 2:
            for number, line in enumerate(text.split("\n"), 1):
                if any(mark in line.lower() for mark in marks):
                    words = codecs.decode(line, "rot13") if turn else line[::-1]
                    yield Revealed(words, number, 1, kind)


def _decoded(blob: str, kind: str) -> str:
    try:
        if kind == "hex":
            return _readable(bytes.fromhex(blob.replace(":", " ")))
        if kind == "esc":
            if blob.startswith("%"):
                return _readable(bytes.fromhex(blob.replace("%", "")))
            return fold(codecs.decode(blob, "unicode_escape"))
        plain = blob.rstrip("=").replace("-", "+").replace("_", "/")[:_LONGEST]
        return _readable(base64.b64decode(plain + "=" * (-len(plain) % 4), validate=True))
    except (ValueError, binascii.Error):
        return ""


def _readable(data: bytes) -> str:
    """Return the data as text where it reads as words; else nothing."""
    for encoding in ("utf-8", "utf-16-le"):
        try:
            text = data.decode(encoding)
        except UnicodeDecodeError:
            continue
        letters = sum(c.isalpha() or c == " " for c in text)
        if (
            len(text) >= 8
            and text.isprintable() | ("\n" in text)
            and letters * 10 >= len(text) * 7
            and " " in text.strip()
        ):
            return text
    return ""
