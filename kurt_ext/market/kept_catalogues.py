"""The catalogues that were made of a market's indexes, and are kept until there is another."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from tempfile import TemporaryDirectory

from ..errors import KurtError, LockedError, StorageError
from ..locks import lock
from . import digests
from .documents.index import Index
from .searching import Catalogue, build

__all__ = ["KeptCatalogues"]

#: Seconds after which what a process has left half-written is nobody's any more.
_ABANDONED = 3600.0


class KeptCatalogues:
    """The catalogues of one market, in a folder of the cache.

    :param folder: where they lie.
    :param trusted: by whose keys the indexes were believed, in a word.
    """

    def __init__(self, folder: str, trusted: str) -> None:
        self._folder = folder
        self._trusted = trusted

    def find(self, digest: str) -> Catalogue | None:
        """Return the catalogue of an index that was made before; None where there is none."""
        path = self._path_of(digest)
        if not os.path.exists(path):
            return None
        try:
            catalogue = Catalogue(path)
        except KurtError:
            return None  # made anew
        if catalogue.digest == digest:
            return catalogue
        catalogue.close()
        return None

    @contextmanager
    def turn(self) -> Iterator[None]:
        """Have one process make a catalogue while others wait for it, and none take it away."""
        with ExitStack() as stack:
            # Where there are no locks, or one has it for ever, each makes its own.
            with suppress(OSError, LockedError):
                os.makedirs(self._folder, mode=0o700, exist_ok=True)
                stack.enter_context(lock(os.path.join(self._folder, ".lock")))
            yield

    def make(self, index: Index, digest: str, key: str) -> Catalogue:
        """Return the catalogue of an index, written anew, and remove those of others.

        :param digest: of the bytes of the index.
        :param key: the id of who has signed it; "" for nobody.
        :raises StorageError: when there is no room for it anywhere.
        """
        path = self._path_of(digest)
        try:
            build(path, index, digest, key=key)
            self._forget(path)
            return Catalogue(path)
        except StorageError as error:
            return self._unkept(index, digest, error)

    def _path_of(self, digest: str) -> str:
        """Return where the catalogue of an index lies, or would."""
        tag = digests.of_bytes(f"{digest}\0{self._trusted}".encode())[7:39]
        return os.path.join(self._folder, f"catalogue-{tag}.sqlite")

    def _unkept(self, index: Index, digest: str, error: StorageError) -> Catalogue:
        """Return a catalogue that is gone with this process, the cache being what it is.

        :raises StorageError: when there is no room for that either.
        """
        try:
            # It stays readable while it is open, where the system lets it be removed at once.
            with TemporaryDirectory(prefix="kurt-", ignore_cleanup_errors=True) as folder:
                path = os.path.join(folder, "catalogue.sqlite")
                build(path, index, digest)
                return Catalogue(path)
        except (OSError, StorageError):
            error.hint = error.hint or "export KURT_CACHE=DIR"
            raise error from None

    def _forget(self, kept: str) -> None:
        """Remove the catalogues of other indexes, and what processes that died have left."""
        with suppress(OSError):
            for entry in list(os.scandir(self._folder)):
                unfinished = entry.name.endswith(".tmp")
                if unfinished and entry.stat().st_mtime > time.time() - _ABANDONED:
                    continue
                if unfinished or (entry.name.startswith("catalogue-") and entry.path != kept):
                    with suppress(OSError):
                        os.unlink(entry.path)
