"""Find and remove what builds that were cut off have left in the folder of a marketplace.

A build writes what has a digest in its name first and the index last, so that whoever is
killed leaves files that no index names. Releases are never taken out of an index, and so
everything that a release was made of stays; so does whatever is younger than an hour, for
those who read the index before this one, or are making a mirror.
"""

from __future__ import annotations

import os
import re
import time
from collections.abc import Iterator
from typing import Any, NamedTuple

from ..errors import MarketError
from .books import Books
from .graces import is_over
from .holding import held
from .layout import ADVISORIES_LIMIT, BLOBS
from .market_toml import FILE

__all__ = ["Leftover", "find", "remove"]

_FILES = "files"
#: What PEP 658 has beside a wheel.
_BESIDE = ".metadata"
#: What is made below ``files/``: blobs, archives and wheels by their digest, nothing else.
_MADE = re.compile(
    r"files/(?:sha256/[0-9a-f]{2}/[0-9a-f]{64}|(?:archives|wheels)/[0-9a-f]{16}/[^/]+)"
)
#: What is being written, until it is renamed.
_UNFINISHED = re.compile(r"(?P<path>.+)\.[0-9]+\.[0-9a-f]{8}\.tmp")


class Leftover(NamedTuple):
    """A file that no index names.

    :param path: below the root, ``/`` between names.
    :param size: bytes.
    """

    path: str
    size: int


def find(root: str, *, now: float | None = None) -> list[Leftover]:
    """Return what is in the folder of a marketplace and in no index, sorted by path.

    :param now: the time, in seconds since 1970.
    :raises MarketError: when what lies there is no marketplace, or a damaged one: nothing is
        told of what cannot be read whole.
    """
    with held(root):
        return list(_unnamed(root, time.time() if now is None else now))


def remove(root: str, *, now: float | None = None) -> list[Leftover]:
    """Remove what :func:`find` returns, and return it; nobody builds meanwhile.

    :raises MarketError: as :func:`find` does; nothing is removed then.
    """
    with held(root):
        gone = list(_unnamed(root, time.time() if now is None else now))
        for one in gone:
            path = os.path.join(root, *one.path.split("/"))
            _unlink(path)
            try:
                os.rmdir(os.path.dirname(path))  # unless it holds anything else
            except OSError:
                pass
    return gone


def _unlink(path: str) -> None:
    try:
        os.unlink(path)
    except FileNotFoundError:
        pass


def _unnamed(root: str, now: float) -> Iterator[Leftover]:
    books = Books(root)
    if books.index is None and not os.path.lexists(os.path.join(root, FILE)):
        raise MarketError(f"{root} is no marketplace", at=root, hint="kurt market build FOLDER")
    named = _named(books)
    for path, status in sorted(_walk(root)):
        unfinished = _UNFINISHED.fullmatch(path)
        made = unfinished["path"] if unfinished is not None else path
        if _MADE.fullmatch(made) is None or not is_over(status, now):
            continue
        if unfinished is not None or made not in named:
            yield Leftover(path, status.st_size)


def _walk(root: str) -> Iterator[tuple[str, os.stat_result]]:
    """Yield the plain files below ``files/``; no link is followed."""
    ahead = [_FILES]
    while ahead:
        folder = ahead.pop()
        try:
            entries = list(os.scandir(os.path.join(root, *folder.split("/"))))
        except (FileNotFoundError, NotADirectoryError):
            continue
        for entry in entries:
            path = f"{folder}/{entry.name}"
            if entry.is_dir(follow_symlinks=False):
                ahead.append(path)
            elif entry.is_file(follow_symlinks=False):
                yield path, entry.stat(follow_symlinks=False)


def _named(books: Books) -> set[str]:
    """Return every path that any document of the index may mean: too many rather than too few."""
    found: set[str] = set()
    if books.index is None:
        return found
    _collect(books.index, found)
    for name in books.rows:
        _collect(books.document(name), found)
    for name in books.publishers:
        _collect(books.publisher(name), found)
    pointer = books.index["meta"].get("advisories")
    if pointer is not None:
        books.reader.read(pointer["url"], ADVISORIES_LIMIT)  # it is there, or nothing is told
    return found


def _collect(value: Any, found: set[str]) -> None:
    """Add each text that is a path or a digest, wherever it stands."""
    ahead = [value]
    while ahead:
        one = ahead.pop()
        if isinstance(one, dict):
            ahead += one.values()
        elif isinstance(one, list):
            ahead += one
        elif isinstance(one, str):
            if one.startswith(f"{_FILES}/"):
                found |= {one, one + _BESIDE}
            elif one.startswith("sha256:"):
                word = one[7:]
                found.add(f"{BLOBS}/{word[:2]}/{word}")
