"""Bytes to text, as a browser would read them (WHATWG Encoding Standard, section 4.2)."""

from __future__ import annotations

import codecs
import re

__all__ = ["decode"]

_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),  # before UTF-16: it begins with the same two bytes
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_DECLARED = re.compile(rb"""(?:charset|encoding)\s*=\s*["']?\s*([A-Za-z0-9_:.-]{1,40})""", re.I)
_LOOK_AT = 1024  # bytes in which a page must declare its encoding (HTML Standard, 13.2.3.2)


def _names(text: str) -> list[str]:
    return text.split()


#: What a page may ask for. Others that Python knows are no encodings of the web:
#: `idna` and `unicode_escape` would do more than decode.
_KNOWN = frozenset(
    codecs.lookup(name).name
    for name in _names(
        "big5 cp1250 cp1251 cp1252 cp1253 cp1254 cp1255 cp1256 cp1257 cp1258 cp866 cp874 cp949 "
        "euc_jp euc_kr gb18030 gb2312 gbk iso2022_jp iso8859_2 iso8859_3 iso8859_4 iso8859_5 "
        "iso8859_6 iso8859_7 iso8859_8 iso8859_10 iso8859_13 iso8859_14 iso8859_15 iso8859_16 "
        "koi8_r koi8_u mac_roman mac_cyrillic shift_jis utf_8"
    )
)
#: The web reads Latin-1 and ASCII as the superset that its authors meant.
_READ_AS = {"iso8859-1": "cp1252", "ascii": "cp1252", "iso8859-9": "cp1254"}


def decode(data: bytes, markup: bool = True) -> str:
    """Return the text of a document; a byte that fits nowhere becomes U+FFFD, never an error.

    :param markup: whether it can declare its encoding, as HTML does.
    """
    for mark, name in _MARKS:
        if data.startswith(mark):
            return data[len(mark) :].decode(name, "replace")
    declared = _declared(data[:_LOOK_AT]) if markup else None
    if declared is not None:
        return data.decode(declared, "replace")
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        return data.decode("cp1252", "replace")


def _declared(head: bytes) -> str | None:
    found = _DECLARED.search(head)
    if found is None:
        return None
    try:
        name = codecs.lookup(found[1].decode("ascii")).name
    except LookupError:
        return None
    if name.startswith("utf-16"):  # readable as ASCII so far, so it cannot be true
        return "utf-8"
    name = _READ_AS.get(name, name)
    return name if name in _KNOWN else None
