"""The index of a market as a client sees it: asked for, believed or not, and kept.

Is it *fresh*: by its signature, by its number, which never goes back, and by the end of its
life. What was last found to be good is kept, and used with its age where the market
cannot be asked.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Mapping, Sequence
from shlex import quote
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from ..atomic import write_atomically
from ..errors import (
    IntegrityError,
    KurtError,
    MarketError,
    NetworkError,
    SignatureError,
    StaleIndexError,
    StorageError,
)
from ..findings import Finding
from ..jsontext import dumps
from . import digests, reading
from .documents.index import Index, IndexMeta
from .fetching import Copy, HttpReader
from .layout import INDEX, INDEX_LIMIT
from .noted_folders import NotedFolder
from .searching import Catalogue, build
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
        copy = self._current(offline)
        try:
            catalogue, key = self._opened(copy)
        except MarketError as error:
            # Somebody else may answer in its place, as networks do before one has signed in.
            kept = isinstance(self._reader, HttpReader) and self._reader.offline(INDEX)
            if kept and copy.data is not None:
                error.hint = error.hint or "add --offline to take the copy that was kept"
            raise
        meta = IndexMeta.of(catalogue.meta, f"the index of {self.name}")
        seen = self._remembered()
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
        if seen.get("snapshot") == meta.snapshot and seen.get("digest") not in (None, copy.digest):
            raise IntegrityError(
                f"the market {self.name} has two indexes of one number, {meta.snapshot}",
                cause="one of them is not the one that was published",
                hint=self._ask_whoever,
            )
        if isinstance(self._reader, HttpReader):
            self._reader.accept()
        try:
            self._remember(seen, meta.snapshot, copy.digest)
        except OSError as error:
            text = f"what was seen of the market {self.name} cannot be noted: an older index would "
            text += f"not be noticed ({error.strerror or error})"
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

    def _opened(self, copy: Copy) -> tuple[Catalogue, str | None]:
        """Return the catalogue of an index, made where there is none, and who has signed it."""
        trusted = ",".join(sorted(key_id(raw) for raw in self.keys)) + f"\0{self.tuf_root or ''}"
        # What was believed with other keys is asked about again.
        tag = digests.of_bytes(f"{copy.digest}\0{trusted}".encode())[7:39]
        path = os.path.join(self._cache, f"catalogue-{tag}.sqlite")
        if copy.data is None and os.path.exists(path):
            try:
                catalogue = Catalogue(path)
                if catalogue.digest == copy.digest:
                    return catalogue, catalogue.about.get("key") or None
                catalogue.close()
            except KurtError:
                pass  # made anew
        data = copy.data
        if data is None:
            data = self._bytes(copy)
        index = Index.read(data, f"the index of {self.name}")
        key = self._signer(index, data)
        self._ask_tuf(data)
        try:
            build(path, index, copy.digest, key=key or "")
        except StorageError as error:
            return self._unkept(index, copy.digest, error), key
        self._forget_catalogues(path)
        return Catalogue(path), key

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

    def _bytes(self, copy: Copy) -> bytes:
        if isinstance(self._reader, HttpReader):
            return self._reader.kept(INDEX, INDEX_LIMIT)
        if copy.trouble is not None:
            raise copy.trouble
        return digests.check(self._reader.read(INDEX, INDEX_LIMIT), copy.digest, INDEX)

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

    def _ask_tuf(self, data: bytes) -> None:
        """Believe an index that is new by the root that ``kurt.toml`` names.

        :raises SignatureError: when the keys that count have not signed it.
        :raises StaleIndexError: when it is older than what was believed before, or expired.
        :raises IntegrityError: when it is another one.
        """
        if self.tuf_root is None:
            return
        from . import tuf_layer
        from .roots import read_root, state_of

        state = state_of(self._places, self.url)
        if tuf_layer.index(self._reader, read_root(self.tuf_root), state) != data:
            raise IntegrityError(
                f"the index of {self.name} is not the one that was signed",
                hint="try again: it may have been replaced just now",
            )

    def _forget_catalogues(self, kept: str) -> None:
        for name in os.listdir(self._cache):
            path = os.path.join(self._cache, name)
            if name.startswith("catalogue-") and path != kept and not name.endswith(".tmp"):
                try:
                    os.unlink(path)
                except OSError:
                    pass

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

    def _remember(self, seen: Mapping[str, Any], snapshot: int, digest: str) -> None:
        row = {"schema": _SCHEMA, "url": self.url, "snapshot": snapshot, "digest": digest}
        if {**seen} == row:
            return
        os.makedirs(os.path.dirname(self._seen), mode=0o700, exist_ok=True)
        write_atomically(self._seen, json.dumps(row).encode(), mode=0o600)


def key_of(name: str, word: str) -> str:
    """Return a key of a market as a person pastes it: quoted for TOML, and for a shell."""
    bare = name.isascii() and name.replace("-", "").replace("_", "").isalnum()
    part = name if bare else dumps(name)
    return quote(f"market.{part}.{word}")
