"""The index of a market as a client sees it: asked for, believed or not, and kept.

Is it *fresh*: by its signature, by its number, which never goes back, and by the end of its
life. What was last found to be good is kept, and used with its age where the market
cannot be asked.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Sequence
from shlex import quote
from typing import TYPE_CHECKING, Any

from ..atomic import write_atomically
from ..errors import (
    IntegrityError,
    LockedError,
    MarketError,
    NetworkError,
    SignatureError,
    StaleIndexError,
)
from ..findings import Finding
from ..jsontext import dumps
from ..locks import lock
from . import digests, reading
from .documents.index import Index, IndexMeta
from .fetching import Copy, HttpReader
from .kept_catalogues import KeptCatalogues
from .layout import INDEX, INDEX_LIMIT
from .noted_folders import NotedFolder
from .searching import Catalogue
from .signing import key_id, parse_public, verify_index
from .standing import Standing
from .times import age_in_words, check_fresh

if TYPE_CHECKING:
    from ..places import Places

__all__ = ["IndexClient", "key_of"]

_SIGNATURES_LIMIT = 1 << 20
_SCHEMA = "kurt.market-seen/1"


class IndexClient:
    """The index of one marketplace, as ``kurt.toml`` names it.

    :param places: where copies and what was seen are kept.
    :param name: what it is called here.
    :param url: https://…, http://…, file:///…, or a folder.
    :param keys: public keys, one of which must have signed the index.
    :param hosts: other hosts that it may send us on to.
    :param tuf_root: the file of a root of The Update Framework, by which the index is believed.
    :raises MarketError: when the address may not be asked.
    :raises SignatureError: when a key is none.
    """

    def __init__(
        self,
        places: Places,
        name: str,
        url: str,
        *,
        keys: Sequence[str] = (),
        allow_http: bool = False,
        hosts: Sequence[str] = (),
        tuf_root: str | None = None,
    ) -> None:
        self.name = name
        self.tuf_root = tuf_root
        self._places = places
        self.url = url
        self.keys = [parse_public(key) for key in keys]
        tag = digests.of_bytes(f"{name}\0{url}".encode())[7:23]
        self._cache = os.path.join(places.cache, "markets", f"{name[:40]}-{tag}")
        self._seen = os.path.join(places.data, "markets", f"{name[:40]}-{tag}.json")
        folder = reading.folder_of(url)
        self._reader: NotedFolder | HttpReader
        if folder is not None:
            self._reader = NotedFolder(folder, name, self._cache, self.asked_where)
        else:
            self._reader = HttpReader(
                url,
                allow_http=allow_http,
                hosts=hosts,
                cache=self._cache,
                token=os.environ.get("KURT_TOKEN"),
            )
        # What was believed with other keys is asked about again.
        trusted = ",".join(sorted(key_id(raw) for raw in self.keys)) + f"\0{self.tuf_root or ''}"
        self._catalogues = KeptCatalogues(self._cache, trusted)
        self._catalogue: Catalogue | None = None
        self._standing: Standing | None = None

    @property
    def reader(self) -> reading.Reader:
        """What gives the bytes of a reference."""
        return self._reader

    def close(self) -> None:
        """Let go of the catalogue."""
        if self._catalogue is not None:
            self._catalogue.close()
        self._catalogue = self._standing = None

    # -- the index -------------------------------------------------------------------

    def refresh(self, *, offline: bool = False, allow_stale: bool = False) -> Standing:
        """Ask for the present index, believe it or not, and return how it stands.

        :param offline: ask nobody, now or later, and take the last good copy.
        :param allow_stale: take an index that has expired, and say so.
        :raises NetworkError: when the market cannot be asked and no copy was kept.
        :raises SignatureError: when no trusted key has signed it.
        :raises StaleIndexError: when it has expired, or is older than one seen before.
        :raises MarketError: when it cannot be understood.
        """
        # Before anything is asked: another process may come to see a newer index meanwhile.
        seen = self._remembered()
        copy = self._current(offline)
        try:
            catalogue, key, digest = self._opened(copy)
        except MarketError as error:
            # Somebody else may answer in its place, as networks do before one has signed in.
            kept = isinstance(self._reader, HttpReader) and self._reader.offline(INDEX)
            if kept and copy.data is not None:
                error.hint = error.hint or "add --offline to take the copy that was kept"
            raise
        meta = IndexMeta.of(catalogue.meta, f"the index of {self.name}")
        warnings = []
        whole = Index(meta=meta, publishers={}, skills=[])
        try:
            age = check_fresh(whole, seen=seen.get("snapshot"))
        except StaleIndexError as error:
            if meta.snapshot < seen.get("snapshot", 0):
                error.hint = self._ask_whoever
                raise
            if not allow_stale:
                error.hint = f"{error.hint}; to take it all the same: --allow-stale"
                raise
            age = check_fresh(whole, seen=seen.get("snapshot"), allow_stale=True)
            warnings.append(Finding("index-stale", "warning", error.message, path=self.name))
        if seen.get("snapshot") == meta.snapshot and seen.get("digest") not in (None, digest):
            raise IntegrityError(
                f"the market {self.name} has two indexes of one number, {meta.snapshot}",
                cause="one of them is not the one that was published",
                hint=self._ask_whoever,
            )
        try:
            self._remember(meta.snapshot, digest, accept=digest == copy.digest)
        except (OSError, LockedError) as error:
            reason = (error.strerror or error) if isinstance(error, OSError) else error.cause
            text = f"what was seen of the market {self.name} cannot be noted: an older index would "
            text += f"not be noticed ({reason})"
            warnings.append(Finding("market-not-noted", "warning", text, path=self._seen))
        checked = max(0.0, time.time() - copy.seen)
        if copy.trouble is not None:
            warnings.append(
                Finding(
                    "market-unreachable",
                    "warning",
                    f"the market {self.name} cannot be asked ({copy.trouble.cause}); "
                    f"the copy of {age_in_words(checked)} ago is used",
                    fix=self.asked_where,
                )
            )
        if self._catalogue is not None and self._catalogue is not catalogue:
            self._catalogue.close()
        self._catalogue = catalogue
        self._standing = Standing(meta.snapshot, meta.generated, age, checked, key, tuple(warnings))
        return self._standing

    @property
    def _ask_whoever(self) -> str:
        return f"ask whoever runs it; to take this one: rm {quote(self._seen)}"

    @property
    def standing(self) -> Standing:
        """How the index stands, refreshed once."""
        if self._standing is None:
            self.refresh()
        assert self._standing is not None
        return self._standing

    @property
    def catalogue(self) -> Catalogue:
        """The index, to be searched; refreshed once."""
        if self._catalogue is None:
            self.refresh()
        assert self._catalogue is not None
        return self._catalogue

    @property
    def own_name(self) -> str:
        """What the market calls itself, which advisories name it by."""
        return str(self.catalogue.meta["name"])

    def _current(self, offline: bool) -> Copy:
        if isinstance(self._reader, HttpReader):
            self._reader.silent = offline
            if not offline:
                return self._reader.current(INDEX, INDEX_LIMIT)
            found = self._reader.offline(INDEX)
            if found is None:
                raise NetworkError(
                    f"no copy of the market {self.name} was kept",
                    hint=f"ask it once: kurt search --market {self.name}",
                )
            return found
        return self._reader.current()

    @property
    def asked_where(self) -> str:
        """The command that says where the address of the market is written."""
        return f"kurt config explain {key_of(self.name, 'url')}"

    def _opened(self, copy: Copy) -> tuple[Catalogue, str | None, str]:
        """Return the catalogue of an index, made where there is none, and who has signed it.

        :returns: besides, the digest of the index: what is believed may be another than came.
        """
        found = None if copy.data is not None else self._catalogues.find(copy.digest)
        if found is not None:
            return found, found.about.get("key") or None, copy.digest
        data = copy.data if copy.data is not None else self._bytes(copy)
        data = self._believed(data)
        digest = digests.of_bytes(data)
        with self._catalogues.turn():
            found = self._catalogues.find(digest)  # another process was first
            if found is not None:
                return found, found.about.get("key") or None, digest
            index = Index.read(data, f"the index of {self.name}")
            key = self._signer(index, data)
            return self._catalogues.make(index, digest, key or ""), key, digest

    def _bytes(self, copy: Copy) -> bytes:
        """Return the index; a newer one where another has replaced it since it was asked for."""
        if isinstance(self._reader, HttpReader):
            return self._reader.kept(INDEX, INDEX_LIMIT)
        if copy.trouble is not None:
            raise copy.trouble
        return self._reader.read(INDEX, INDEX_LIMIT)

    def _signer(self, index: Index, data: bytes) -> str | None:
        if not self.keys:
            return None
        named = index.meta.signatures
        signatures = None if named is None else self._reader.read(named, _SIGNATURES_LIMIT)
        try:
            return verify_index(data, signatures, self.keys)
        except SignatureError as error:
            error.hint = f"kurt config explain {key_of(self.name, 'key')}"
            raise

    def _believed(self, data: bytes) -> bytes:
        """Return the index that the root in ``kurt.toml`` believes; what came without one.

        What is believed becomes another one an instant after the index, or later, where a
        publication was cut off: until then it is the index before.

        :raises SignatureError: when the keys that count have not signed it.
        :raises StaleIndexError: when it is older than what was believed before, or expired.
        :raises IntegrityError: when it is another one.
        """
        if self.tuf_root is None:
            return data
        from . import tuf_layer
        from .roots import read_root, state_of

        state = state_of(self._places, self.url)
        return tuf_layer.index(self._reader, read_root(self.tuf_root), state)

    def _remembered(self) -> dict[str, Any]:
        try:
            with open(self._seen, "rb") as stream:
                row = json.loads(stream.read(4096))
            if row["schema"] == _SCHEMA and isinstance(row["snapshot"], int):
                return dict(row)
        except (FileNotFoundError, NotADirectoryError):
            return {}
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise MarketError(
                f"what was seen of the market {self.name} cannot be read",
                cause=str(error),
                at=self._seen,
                hint=f"rm {self._seen}",
            ) from error
        return {}

    def _remember(self, snapshot: int, digest: str, *, accept: bool) -> None:
        """Note what was seen, and keep it, unless another process has seen a newer one.

        :param accept: it is what the market has given just now.
        """
        row = {"schema": _SCHEMA, "url": self.url, "snapshot": snapshot, "digest": digest}
        reader = self._reader if accept and isinstance(self._reader, HttpReader) else None
        came = reader is not None and reader.pending
        if not came and self._remembered() == row:
            return
        try:
            os.makedirs(os.path.dirname(self._seen), mode=0o700, exist_ok=True)
            with lock(f"{self._seen}.lock"):
                noted = self._remembered()
                if noted.get("snapshot", 0) > snapshot:
                    return
                if reader is not None:
                    reader.accept()
                if noted != row:
                    write_atomically(self._seen, json.dumps(row).encode(), mode=0o600)
        except (OSError, LockedError):
            if reader is not None:
                reader.accept()
            raise


def key_of(name: str, word: str) -> str:
    """Return a key of a market as a person pastes it: quoted for TOML, and for a shell."""
    bare = name.isascii() and name.replace("-", "").replace("_", "").isalnum()
    part = name if bare else dumps(name)
    return quote(f"market.{part}.{word}")
