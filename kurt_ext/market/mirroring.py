"""Copy a marketplace from wherever it lies into a folder, so that it can be served from there.

Everything is compared with its digest before it is written, and the index is written
last: a mirror that was cut short is the mirror that it was before.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

from ..atomic import write_atomically
from ..errors import IntegrityError, MarketError, StaleIndexError
from . import digests, interop, reading, tuf_layer
from .books import Books
from .documents.base import Pointer
from .documents.index import Index
from .documents.release import Wheel
from .holding import held, leave, make
from .layout import INDEX, INDEX_LIMIT
from .reading import FolderReader, Reader
from .signing import verify_index
from .times import check_fresh
from .verifying import FILE_LIMIT, SIGNATURES_LIMIT, files_of

__all__ = ["Mirrored", "mirror"]


#: Publications that may come while the metadata of one index is read.
_TRIES = 5


class Mirrored(NamedTuple):
    """What a mirroring has done.

    :param skills: how many skills the mirror has.
    :param copied: files that were fetched.
    :param kept: files that were there before, by their digest.
    :param size: bytes that were fetched.
    """

    snapshot: int
    skills: int
    copied: int
    kept: int
    size: int
    signed: str | None


def mirror(
    reader: Reader,
    target: str,
    *,
    trusted: Iterable[bytes] = (),
    only: Sequence[str] = (),
    allow_stale: bool = False,
    root: bytes | None = None,
    state: str = "",
    done: Callable[[str, int, int], None] = lambda name, came, total: None,
) -> Mirrored:
    """Copy a marketplace into a folder; return what was done.

    The index is copied byte for byte, so that its signature stays one: with ``only``, it lists
    skills that the mirror does not have.

    :param trusted: raw public keys, one of which must have signed the index, if any is given.
    :param only: the ids of the skills whose files are copied; all if empty.
    :param allow_stale: copy one that has expired.
    :param root: a root of The Update Framework, by which the index must be believed.
    :param state: the folder that keeps what was believed by that root.
    :param done: is told the name of each skill, how many were copied, and of how many.
    :raises StaleIndexError: when it has expired, or the mirror has a newer one.
    :raises SignatureError: when no trusted key has signed it.
    :raises IntegrityError: when a file is not what was promised.
    """
    is_new = not os.path.lexists(target)
    make(target)
    try:
        with held(target):
            return _Mirroring(reader, target, root, state).run(
                list(trusted), only, allow_stale, done
            )
    except BaseException:
        if is_new:
            leave(target)
        raise


class _Mirroring:
    """One mirroring."""

    def __init__(self, reader: Reader, target: str, root: bytes | None, state: str) -> None:
        self._reader = reader
        self._here = FolderReader(target)
        self._root, self._state = root, state
        self._copied = self._kept = self._size = 0
        self._done: set[str] = set()

    def run(
        self,
        trusted: list[bytes],
        only: Sequence[str],
        allow_stale: bool,
        done: Callable[[str, int, int], None],
    ) -> Mirrored:
        index, data, layer = self._present()
        check_fresh(index, seen=self._seen(index), allow_stale=allow_stale)
        signatures = index.meta.signatures
        told = None
        if signatures is not None:
            told = self._reader.read(signatures, SIGNATURES_LIMIT)
        signed = verify_index(data, told, trusted) if trusted else None
        missing = sorted(set(only) - {row.id for row in index.skills})
        if missing:
            raise MarketError(f"there is no {', '.join(missing)} in {self._reader.location}")
        rows = [row for row in index.skills if not only or row.id in only]
        for number, row in enumerate(rows, 1):
            document = reading.skill(self._reader, row)
            for release in document.releases:
                for pointer in files_of(release):
                    self._copy(pointer)
            self._copy(row.detail)
            done(row.id, number, len(rows))
        for pointer in index.publishers.values():
            self._copy(pointer)
        if index.meta.advisories is not None:
            self._copy(index.meta.advisories)
        self._claude()
        if signatures is not None and told is not None:
            self._write(signatures, told)
        for reference, content in layer.items():
            if not tuf_layer.is_entry(reference):
                self._write(reference, content)
        self._write(INDEX, data)
        for reference, content in layer.items():
            if tuf_layer.is_entry(reference):
                self._write(reference, content)
        if not only:
            interop.write_derived(Books(self._here.location))
        return Mirrored(
            index.meta.snapshot, len(rows), self._copied, self._kept, self._size, signed
        )

    def _present(self) -> tuple[Index, bytes, dict[str, bytes]]:
        """Return the index, its bytes, and the metadata of The Update Framework that is of it.

        Where there is such metadata, the index is the one that it names: another may be published
        meanwhile, and its metadata be of that one.

        :raises IntegrityError: when it is not what is believed by the root that was given.
        """
        for _ in range(_TRIES):
            believed = None
            if self._root is not None:
                believed = tuf_layer.index(self._reader, self._root, self._state)
            layer = tuf_layer.files(self._reader)
            data = tuf_layer.target_of(layer)
            if believed is None and data is None:
                return *reading.index(self._reader), layer
            if data is not None and believed in (None, data):
                return Index.read(data, f"the index of {self._reader.location}"), data, layer
        raise IntegrityError(f"the index of {self._reader.location} is not what was signed")

    def _seen(self, index: Index) -> int | None:
        """Return the number of the index that the mirror has.

        :raises StaleIndexError: when it is another marketplace's.
        """
        if not os.path.lexists(self._here.path(INDEX)):
            return None
        here = Index.read(self._here.read(INDEX, INDEX_LIMIT), "the index of the mirror")
        if here.meta.name != index.meta.name:
            raise StaleIndexError(
                f"{self._here.location} is a mirror of {here.meta.name}, not of {index.meta.name}",
                hint="give another folder",
            )
        return here.meta.snapshot

    def _copy(self, pointer: Pointer | Wheel) -> None:
        if pointer.url in self._done:
            return  # several releases have it
        self._done.add(pointer.url)
        path = self._here.path(pointer.url)
        try:
            digest, size = digests.of_file(path, pointer.size)
        except (OSError, MarketError):
            digest, size = "", -1
        if (digest, size) == (pointer.digest, pointer.size):
            self._kept += 1
            return
        if pointer.size > FILE_LIMIT:
            raise IntegrityError(f"{pointer.url} has more than {FILE_LIMIT:,} bytes")
        data = self._reader.read(pointer.url, pointer.size)
        digests.check(data, pointer.digest, pointer.url, pointer.size)
        self._write(pointer.url, data)
        self._copied += 1
        self._size += len(data)

    def _claude(self) -> None:
        """Copy what depends on how the marketplace was made; kurt itself believes none of it."""
        try:
            data = self._reader.read(interop.CLAUDE, INDEX_LIMIT)
        except MarketError:
            return
        self._write(interop.CLAUDE, data)

    def _write(self, reference: str, data: bytes) -> None:
        path = self._here.path(reference)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        write_atomically(path, data)
