"""Lay the metadata of a wheel beside it, so that installers need not fetch the wheel (PEP 658)."""

from __future__ import annotations

import io
import zipfile
import zlib
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from ..errors import MarketError
from . import digests

if TYPE_CHECKING:
    from .books import Books

__all__ = ["beside"]

_ENDING = ".metadata"
_LIMIT = 1 << 20
_WRONG = (KeyError, ValueError, OSError, zipfile.BadZipFile, zlib.error, NotImplementedError)


def beside(books: Books, wheel: Mapping[str, Any]) -> str | None:
    """Return the SHA-256, in hexadecimal digits, of the metadata that lies beside a wheel.

    It is written where it is not there yet.

    :param wheel: its row in a document.
    :returns: None where the wheel cannot be read, or has none: then it is not announced.
    """
    reference = wheel["url"] + _ENDING
    try:
        data: bytes | None = books.reader.read(reference, _LIMIT)
    except MarketError:
        data = _taken(books, wheel)
        if data is not None:
            books.files.write(reference, data)
    return None if data is None else digests.to_hex(digests.of_bytes(data))


def _taken(books: Books, wheel: Mapping[str, Any]) -> bytes | None:
    stem = "-".join(str(wheel["filename"]).split("-")[:2])
    try:
        data = books.reader.read(wheel["url"], wheel["size"])
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            info = archive.getinfo(f"{stem}.dist-info/METADATA")
            if info.file_size > _LIMIT:
                return None
            with archive.open(info) as stream:
                found = stream.read(_LIMIT + 1)
    except (MarketError, *_WRONG):
        return None
    return found if len(found) <= _LIMIT else None
