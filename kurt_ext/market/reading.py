"""Read what a marketplace holds, piece by piece, from wherever it lies."""

from __future__ import annotations

import os
from shlex import quote
from typing import Protocol

from ..errors import IntegrityError, MarketError
from ..plainfiles import NotPlain, read_plain
from . import digests
from .documents.advisory import Advisories
from .documents.base import Pointer
from .documents.index import Index, Listing
from .documents.publisher import PublisherDocument
from .documents.skill import SkillDocument
from .layout import ADVISORIES_LIMIT, BLOBS, INDEX, INDEX_LIMIT, PUBLISHER_LIMIT, SKILL_LIMIT
from .paths import fault

__all__ = [
    "FolderReader",
    "Reader",
    "advisories",
    "fetch",
    "folder_of",
    "index",
    "publisher",
    "reader_of",
    "skill",
]


_BLOBS = f"{BLOBS}/"
#: Where the digits begin in ``files/sha256/ab/ab12…``.
_DIGITS = len(_BLOBS) + 3


class Reader(Protocol):
    """What gives the bytes of a reference.

    :ivar location: the root of the marketplace, as a person writes it.
    """

    location: str

    def read(self, reference: str, limit: int) -> bytes:
        """Return the bytes of a reference.

        :param reference: a path below the root.
        :param limit: so many bytes and no more.
        :raises MarketError: when there is no such file, or it has more.
        """
        ...


class FolderReader:
    """Read a marketplace that is a folder here; nothing outside is read, and no link followed.

    :param root: the folder that holds ``kurt/``.
    """

    def __init__(self, root: str) -> None:
        self.location = root

    def path(self, reference: str) -> str:
        """Return the path of a reference.

        :raises MarketError: when it is none.
        """
        word = reference[_DIGITS:]
        if digests.is_digest(f"sha256:{word}") and reference == f"{_BLOBS}{word[:2]}/{word}":
            return os.path.join(self.location, reference)  # nearly all that is asked for
        found = fault(reference)
        if found is not None:
            raise MarketError(f"{reference[:80]!r} is no reference: {found[1]}")
        return os.path.join(self.location, *reference.split("/"))

    def read(self, reference: str, limit: int) -> bytes:
        """Return the bytes of a file below the root."""
        path = self.path(reference)
        try:
            data = read_plain(path, limit)
        except NotPlain:
            raise MarketError(f"{reference} is no plain file", at=path) from None
        except OSError as error:
            reason = error.strerror or type(error).__name__
            raise MarketError(f"{reference} cannot be read", cause=reason, at=path) from error
        if len(data) > limit:
            raise MarketError(f"{reference} has more than {limit:,} bytes", at=path)
        return data


def reader_of(location: str, *, allow_http: bool = False) -> Reader:
    """Return what reads a marketplace: a folder, or a server.

    :param location: a path, or an address ``file:``, ``https:`` or ``http:``.
    :param allow_http: whether a server may be asked without encryption.
    :raises MarketError: when the address may not be asked.
    """
    if not location.strip():
        raise MarketError("that is no place", hint="give a folder, or https://…")
    folder = folder_of(location)
    if folder is not None:
        return FolderReader(folder)
    from .fetching import HttpReader

    return HttpReader(location, allow_http=allow_http)


def folder_of(url: str) -> str | None:
    """Return the folder that an address names; None where it is on a server.

    :raises MarketError: for a file: address with a host, or one that is none.
    """
    from urllib.parse import unquote, urlsplit
    from urllib.request import url2pathname

    if url[:5].lower() != "file:":
        return None if "://" in url else os.path.abspath(url)
    try:
        parts = urlsplit(url)
    except ValueError as error:
        raise MarketError(f"{url[:200]!r} is no address", cause=str(error)) from None
    if parts.netloc not in ("", "localhost"):
        raise MarketError(f"{url} is on another machine", hint="write it like file:///path")
    return url2pathname(parts.path) if os.name == "nt" else unquote(parts.path)


def fetch(reader: Reader, pointer: Pointer, limit: int) -> bytes:
    """Return the bytes that a pointer promises.

    :raises IntegrityError: when they are others, or more than ``limit`` were promised.
    :raises MarketError: when they cannot be read.
    """
    if pointer.size > limit:
        raise IntegrityError(
            f"{pointer.url} is too large: {pointer.size:,} bytes, and {limit:,} are allowed"
        )
    data = reader.read(pointer.url, pointer.size)
    return digests.check(data, pointer.digest, pointer.url, pointer.size)


def index(reader: Reader) -> tuple[Index, bytes]:
    """Return the index and the bytes that it was read from, which a signature is over.

    :raises MarketError: when there is none, or it cannot be understood.
    """
    try:
        data = reader.read(INDEX, INDEX_LIMIT)
    except MarketError as error:
        if isinstance(error.__cause__, FileNotFoundError):
            where, there = reader.location, os.path.isdir(reader.location)
            reason = f"it has no {INDEX}" if there else "there is no such folder"
            hint = f"kurt market build {quote(where)}" if there else None
            raise MarketError(
                f"{where} is no marketplace", cause=reason, at=where, hint=hint
            ) from error
        raise
    return Index.read(data, f"the index of {reader.location}"), data


def skill(reader: Reader, row: Listing) -> SkillDocument:
    """Return the document of a skill that is listed.

    :raises IntegrityError: when it is not the one that the index promises.
    :raises MarketError: when it cannot be read, or is another skill's.
    """
    data = fetch(reader, row.detail, SKILL_LIMIT)
    found = SkillDocument.read(data, f"the document of {row.id}")
    if (found.id, found.publisher) != (row.id, row.publisher):
        raise IntegrityError(
            f"the document of {row.id} is another one",
            cause=f"it is of {found.publisher}/{found.id}, listed is {row.publisher}/{row.id}",
            at=row.detail.url,
        )
    return found


def publisher(reader: Reader, found: Index, name: str) -> PublisherDocument:
    """Return the document of a publisher.

    :raises MarketError: when there is none of that name, or it cannot be read.
    """
    pointer = found.publishers.get(name)
    if pointer is None:
        raise MarketError(f"{name} is not among the publishers of {found.meta.name}")
    data = fetch(reader, pointer, PUBLISHER_LIMIT)
    document = PublisherDocument.read(data, f"the document of {name}")
    if document.name != name:
        raise IntegrityError(f"the document of {name} is that of {document.name}", at=pointer.url)
    return document


def advisories(reader: Reader, found: Index) -> Advisories | None:
    """Return all advisories, None where the marketplace has none.

    :raises MarketError: when they cannot be read.
    """
    if found.meta.advisories is None:
        return None
    data = fetch(reader, found.meta.advisories, ADVISORIES_LIMIT)
    return Advisories.read(data, f"the advisories of {found.meta.name}")
