"""The marketplace as it is now: its index, to be searched, and its documents.

An *edition* is one index. When another takes its place, requests go on with the old one
until the catalogue of the new is written, or wait for it where that is a matter of
moments.
"""

from __future__ import annotations

import asyncio
import os
from collections import OrderedDict
from contextlib import suppress
from typing import Any, TypeVar

from ..errors import KurtError, MarketError, NotFoundError
from ..locks import lock
from ..market import digests, reading
from ..market.documents.advisory import Advisories, Advisory
from ..market.documents.base import Document, Pointer
from ..market.documents.index import Index, IndexMeta
from ..market.documents.publisher import PublisherDocument
from ..market.documents.skill import SkillDocument
from ..market.layout import ADVISORIES_LIMIT, INDEX, INDEX_LIMIT, PUBLISHER_LIMIT, SKILL_LIMIT
from ..market.searching import Catalogue, build

__all__ = ["Edition", "Shelf", "whole"]

_D = TypeVar("_D", bound=Document)
Mark = tuple[int, int, int, int]
#: An index of so many bytes is read in a fraction of a second, and waited for.
_SMALL = 4 << 20
_DOCUMENTS = 256
#: Seconds that a worker waits for another to write a catalogue.
_WRITING = 120.0
#: What the row of a skill may lack, where there is nothing to say.
_LEFT_OUT: dict[str, Any] = {
    **dict.fromkeys(("type", "latest", "score", "downloads", "rating")),
    "summary": "",
    "kinds": [],
    "tags": [],
    "status": "active",
    "permissions": [],
}


def whole(row: dict[str, Any]) -> dict[str, Any]:
    """Return a row of an index with what may be left out of it."""
    return {**_LEFT_OUT, **row}


class Edition:
    """One index of a marketplace.

    :param digest: of its bytes.
    :param mark: time, inode and size of its file.
    :param catalogue: to be asked by one thread at a time.
    :param advisories: that hold at its time.
    """

    __slots__ = (
        *("advisories", "catalogue", "digest", "kinds", "mark"),
        *("meta", "publishers", "skills"),
    )

    def __init__(
        self, digest: str, mark: Mark, catalogue: Catalogue, advisories: tuple[Advisory, ...]
    ) -> None:
        self.digest = digest
        self.mark = mark
        self.catalogue = catalogue
        self.advisories = advisories
        self.meta = IndexMeta.of(catalogue.meta)
        self.publishers = catalogue.publishers
        self.skills = len(catalogue)
        self.kinds = [kind for kind in catalogue.values("kind") if kind]

    def row(self, id: str) -> dict[str, Any]:
        """Return the row of a skill.

        :raises NotFoundError: when there is none of that id.
        """
        found = self.catalogue.listing(id)
        if found is None:
            raise NotFoundError(f"no skill is called {id[:128]}")
        return whole(found)


class Shelf:
    """The folder of a marketplace, and what was read from it.

    :param root: the folder that holds ``kurt/``.
    :param cache: a folder for catalogues, of this marketplace alone.
    """

    def __init__(self, root: str, cache: str) -> None:
        self.root = root
        self.reader = reading.FolderReader(root)
        self._cache = cache
        self._index = self.reader.path(INDEX)
        self._edition: Edition | None = None
        self._coming: asyncio.Task[None] | None = None
        self._documents: OrderedDict[str, Any] = OrderedDict()

    def open(self) -> Edition:
        """Read the index, and return its edition.

        :raises MarketError: when there is none, or it cannot be understood.
        """
        self._take(self._read())
        assert self._edition is not None
        return self._edition

    def close(self) -> None:
        """Let go of the catalogue."""
        if self._edition is not None:
            self._edition.catalogue.close()
            self._edition = None

    @property
    def edition(self) -> Edition:
        """The edition that was read last."""
        if self._edition is None:
            return self.open()
        return self._edition

    async def current(self, *, wait: bool = False) -> Edition:
        """Return the present edition; the one before while a large one is read.

        :param wait: wait for a large one too.
        """
        edition = self.edition
        try:
            mark = self._mark()
        except OSError:
            return edition  # gone, or out of reach: what was read still holds
        if mark == edition.mark:
            return edition
        if self._coming is None or self._coming.done():
            self._coming = asyncio.create_task(self._renew(mark))
        if wait or mark[3] <= _SMALL:
            await asyncio.shield(self._coming)
        return self.edition

    async def _renew(self, mark: Mark) -> None:
        try:
            fresh = await asyncio.to_thread(self._read)
        except MarketError:
            # Not again until the file is another one.
            self.edition.mark = mark
        else:
            self._take(fresh)

    def _take(self, fresh: Edition) -> None:
        before, self._edition = self._edition, fresh
        if before is not None and before.catalogue is not fresh.catalogue:
            before.catalogue.close()
            if before.catalogue.path != fresh.catalogue.path:
                with suppress(OSError):
                    os.unlink(before.catalogue.path)

    def _mark(self) -> Mark:
        status = os.stat(self._index)
        return (status.st_mtime_ns, status.st_ctime_ns, status.st_ino, status.st_size)

    def _read(self) -> Edition:
        try:
            mark = self._mark()
        except OSError as error:
            raise MarketError(
                f"{self.root} is no marketplace",
                cause=f"{INDEX}: {error.strerror}",
                at=self.root,
                hint=f"kurt market build {self.root}",
            ) from error
        data = self.reader.read(INDEX, INDEX_LIMIT)
        digest = digests.of_bytes(data)
        path = os.path.join(self._cache, f"catalogue-{digests.to_hex(digest)[:32]}.sqlite")
        catalogue = self._kept(path, digest) or self._written(path, digest, data)
        meta = IndexMeta.of(catalogue.meta)
        bare = Index(meta=meta, publishers={}, skills=[])
        try:
            told = None if meta.advisories is None else self._advisories(bare)
        except MarketError:
            catalogue.close()
            raise
        advisories = () if told is None else tuple(told.advisories)
        return Edition(digest, mark, catalogue, advisories)

    def _written(self, path: str, digest: str, data: bytes) -> Catalogue:
        """Write the catalogue of an index, unless another worker is quicker."""
        os.makedirs(self._cache, mode=0o700, exist_ok=True)
        with lock(os.path.join(self._cache, ".lock"), timeout=_WRITING):
            found = self._kept(path, digest)
            if found is None:
                build(path, Index.read(data, f"the index of {self.root}"), digest)
                found = Catalogue(path)
            return found

    def _advisories(self, index: Index) -> Advisories:
        assert index.meta.advisories is not None
        return self._pointed(index.meta.advisories, ADVISORIES_LIMIT, Advisories)

    @staticmethod
    def _kept(path: str, digest: str) -> Catalogue | None:
        if not os.path.exists(path):
            return None
        try:
            found = Catalogue(path)
        except KurtError:
            return None  # of another version of this program, or damaged
        if found.digest == digest:
            return found
        found.close()
        return None

    # -- documents: read in threads --------------------------------------------------

    async def document(self, row: dict[str, Any]) -> SkillDocument:
        """Return the document of a skill that is listed.

        :raises MarketError: when it is not what the index promises.
        """
        pointer = Pointer.of(row["detail"])
        found = await asyncio.to_thread(self._pointed, pointer, SKILL_LIMIT, SkillDocument)
        if (found.id, found.publisher) != (row["id"], row["publisher"]):
            raise MarketError(f"the document of {row['id']} is another one")
        return found

    async def publisher(self, edition: Edition, name: str) -> PublisherDocument:
        """Return the document of a publisher.

        :raises NotFoundError: when there is none of that name.
        """
        row = edition.publishers.get(name)
        if row is None:
            raise NotFoundError(f"no publisher is called {name[:64]}")
        pointer = Pointer.of(row)
        return await asyncio.to_thread(self._pointed, pointer, PUBLISHER_LIMIT, PublisherDocument)

    def _pointed(self, pointer: Pointer, limit: int, model: type[_D]) -> _D:
        found: _D | None = self._documents.get(pointer.digest)
        if found is None:
            data = reading.fetch(self.reader, pointer, limit)
            found = model.read(data, pointer.url)
            self._documents[pointer.digest] = found
            while len(self._documents) > _DOCUMENTS:
                with suppress(KeyError):
                    self._documents.popitem(last=False)
        return found

    def bytes_of(self, pointer: Pointer, limit: int) -> bytes:
        """Return what a pointer names, checked.

        :raises MarketError: when it is not there, or something else.
        """
        return reading.fetch(self.reader, pointer, limit)
