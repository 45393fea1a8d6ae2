"""A market as a client sees it: refreshed, believed or not, searched, and taken from.

Four questions have four answers. Is it *intact*: each file by its digest. Is it *fresh*:
the index by its signature, its snapshot, which never goes back, and the end of its life.
*Who* published: the publisher, and the key that signed the release. Is it *dangerous*:
the score, the advisories, and whether it was yanked. What was last found to be good is
kept, and used with its age where the market cannot be asked.
"""

from __future__ import annotations

import io
import json
import os
import time
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import unquote, urlsplit
from urllib.request import url2pathname

from ..atomic import write_atomically
from ..errors import (
    ConfigError,
    IntegrityError,
    KurtError,
    MarketError,
    NetworkError,
    SignatureError,
    StaleIndexError,
)
from ..findings import Finding
from . import digests, reading
from .documents import (
    ADVISORIES_LIMIT,
    INDEX,
    INDEX_LIMIT,
    PUBLISHER_LIMIT,
    SKILL_LIMIT,
    Advisories,
    Advisory,
    FilesSource,
    Index,
    IndexMeta,
    Listing,
    Pointer,
    PublisherDocument,
    Release,
    SkillDocument,
    Wheel,
)
from .fetching import Copy, HttpReader
from .searching import Catalogue, build
from .signing import key_id, parse_public, verify_index, verify_release
from .times import age_in_words, check_fresh

if TYPE_CHECKING:
    from ..config import Config
    from ..places import Places

__all__ = ["Market", "Standing", "markets", "the_market"]

_SIGNATURES_LIMIT = 1 << 20
_SCHEMA = "kurt.market-seen/1"
_RACY_NS = 2_100_000_000


class Standing(NamedTuple):
    """How a market's index stands.

    :param snapshot: its number.
    :param generated: when it was made.
    :param age: seconds since then.
    :param checked: seconds since it was last known to be the present one.
    :param key: the id of the trusted key that has signed it; None where none was asked for.
    :param warnings: what is to be said of it.
    """

    snapshot: int
    generated: str
    age: float
    checked: float
    key: str | None
    warnings: tuple[Finding, ...] = ()

    def as_dict(self) -> dict[str, Any]:
        """Return the fields for JSON output."""
        return {
            "snapshot": self.snapshot,
            "generated": self.generated,
            "age_seconds": round(self.age),
            "checked_seconds": round(self.checked),
            "key": self.key,
        }


class Market:
    """One marketplace, as ``kurt.toml`` names it.

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
        folder = _folder(url)
        self._reader: reading.FolderReader | HttpReader
        if folder is not None:
            self._reader = reading.FolderReader(folder)
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
        self._documents: dict[str, SkillDocument] = {}
        self._publishers: dict[str, PublisherDocument] = {}
        self._advisories: tuple[Advisory, ...] | None = None

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

        :param offline: ask nobody, and take the last good copy.
        :param allow_stale: take an index that has expired, and say so.
        :raises NetworkError: when the market cannot be asked and no copy was kept.
        :raises SignatureError: when no trusted key has signed it.
        :raises StaleIndexError: when it has expired, or is older than one seen before.
        :raises MarketError: when it cannot be understood.
        """
        copy = self._current(offline)
        catalogue, key = self._opened(copy)
        meta = IndexMeta.of(catalogue.meta, f"the index of {self.name}")
        seen = self._remembered()
        warnings = []
        whole = Index(meta=meta, publishers={}, skills=[])
        try:
            age = check_fresh(whole, seen=seen.get("snapshot"))
        except StaleIndexError as error:
            if not allow_stale:
                error.hint = error.hint or "kurt update, or add --allow-stale"
                raise
            age = check_fresh(whole, seen=seen.get("snapshot"), allow_stale=True)
            warnings.append(Finding("index-stale", "warning", error.message, path=self.name))
        if seen.get("snapshot") == meta.snapshot and seen.get("digest") not in (None, copy.digest):
            raise IntegrityError(
                f"the market {self.name} has two indexes of one number, {meta.snapshot}",
                cause="one of them is not the one that was published",
                hint=f"ask whoever runs it; to take this one: rm {self._seen}",
            )
        if isinstance(self._reader, HttpReader):
            self._reader.accept()
        self._remember(seen, meta.snapshot, copy.digest)
        checked = max(0.0, time.time() - copy.seen)
        if copy.trouble is not None:
            warnings.append(
                Finding(
                    "market-unreachable",
                    "warning",
                    f"the market {self.name} cannot be asked ({copy.trouble.cause}); "
                    f"the copy of {age_in_words(checked)} ago is used",
                )
            )
        if self._catalogue is not None and self._catalogue is not catalogue:
            self._catalogue.close()
        self._catalogue = catalogue
        self._standing = Standing(meta.snapshot, meta.generated, age, checked, key, tuple(warnings))
        self._advisories = None
        return self._standing

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
            if not offline:
                return self._reader.current(INDEX, INDEX_LIMIT)
            found = self._reader.offline(INDEX)
            if found is None:
                raise NetworkError(
                    f"no copy of the market {self.name} was kept",
                    hint=f"ask it once: kurt search --market {self.name}",
                )
            return found
        return self._of_folder(self._reader)

    def _of_folder(self, reader: reading.FolderReader) -> Copy:
        """Return the index of a folder; one that nothing can have changed is not read."""
        path = reader.path(INDEX)
        note = os.path.join(self._cache, "index.seen")
        try:
            status = os.stat(path)
            mark = [status.st_mtime_ns, status.st_ctime_ns, status.st_ino, status.st_size]
            with open(note, "rb") as stream:
                row = json.loads(stream.read(4096))
            if row["mark"] == mark and max(mark[:2]) < row["written"] - _RACY_NS:
                return Copy(str(row["digest"]), time.time())
        except (OSError, ValueError, KeyError, TypeError):
            mark = []
        started = time.time_ns()
        data = reader.read(INDEX, INDEX_LIMIT)
        digest = digests.of_bytes(data)
        try:
            status = os.stat(path)
            mark = [status.st_mtime_ns, status.st_ctime_ns, status.st_ino, status.st_size]
            os.makedirs(self._cache, mode=0o700, exist_ok=True)
            row = {"mark": mark, "written": started, "digest": digest}
            write_atomically(note, json.dumps(row).encode(), mode=0o600)
        except OSError:
            pass
        return Copy(digest, time.time(), data)

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
        build(path, index, copy.digest, key=key or "")
        self._forget_catalogues(path)
        return Catalogue(path), key

    def _bytes(self, copy: Copy) -> bytes:
        if isinstance(self._reader, HttpReader):
            return self._reader.kept(INDEX, INDEX_LIMIT)
        return digests.check(self._reader.read(INDEX, INDEX_LIMIT), copy.digest, INDEX)

    def _signer(self, index: Index, data: bytes) -> str | None:
        if not self.keys:
            return None
        named = index.meta.signatures
        signatures = None if named is None else self._reader.read(named, _SIGNATURES_LIMIT)
        return verify_index(data, signatures, self.keys)

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
        except FileNotFoundError:
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

    # -- what it has -----------------------------------------------------------------

    def listing(self, id: str) -> Listing | None:
        """Return the row of a skill; None where the market has none of that id."""
        row = self.catalogue.listing(id)
        return None if row is None else Listing.of(row, f"the row of {id}")

    def document(self, listing: Listing) -> SkillDocument:
        """Return all that the market knows of a skill.

        :raises IntegrityError: when it is not what the index promises.
        :raises MarketError: when it cannot be had or understood.
        """
        found = self._documents.get(listing.detail.digest)
        if found is None:
            data = self._pointed(listing.detail, SKILL_LIMIT)
            found = SkillDocument.read(data, f"the document of {listing.id}")
            if (found.id, found.publisher) != (listing.id, listing.publisher):
                raise IntegrityError(
                    f"the document of {listing.id} is another one",
                    cause=f"it is that of {found.publisher}/{found.id}",
                    at=listing.detail.url,
                    skill=listing.id,
                )
            self._documents[listing.detail.digest] = found
        return found

    def publisher(self, name: str) -> PublisherDocument:
        """Return the document of a publisher.

        :raises MarketError: when there is none of that name, or it cannot be had.
        """
        found = self._publishers.get(name)
        if found is None:
            row = self.catalogue.publishers.get(name)
            if row is None:
                raise MarketError(f"{name} is not among the publishers of {self.name}")
            data = self._pointed(Pointer.of(row), PUBLISHER_LIMIT)
            found = PublisherDocument.read(data, f"the document of {name}")
            if found.name != name:
                raise IntegrityError(f"the document of {name} is that of {found.name}")
            self._publishers[name] = found
        return found

    def advisories(self) -> tuple[Advisory, ...]:
        """Return all advisories of the market.

        :raises MarketError: when they cannot be had or understood.
        """
        if self._advisories is None:
            row = self.catalogue.meta.get("advisories")
            if row is None:
                self._advisories = ()
            else:
                data = self._pointed(Pointer.of(row), ADVISORIES_LIMIT)
                document = Advisories.read(data, f"the advisories of {self.name}")
                self._advisories = tuple(document.advisories)
        return self._advisories

    def signer(self, name: str, release: Release) -> str | None:
        """Return the id of the publisher's key that has signed a release; None where none has.

        :raises SignatureError: when a signature is there and wrong.
        """
        if not release.attestations:
            return None
        publisher = self.publisher(release.publisher)
        return verify_release(name, release, publisher)

    def content(self, name: str, release: Release) -> dict[str, bytes]:
        """Return the files of a release that is a folder: path → bytes, every one checked.

        :raises IntegrityError: when one is not what was promised.
        :raises ArchiveError: when they come in an archive that holds what is never unpacked.
        :raises NetworkError: when they cannot be had.
        """
        source = release.source
        if not isinstance(source, FilesSource):
            raise MarketError(f"{name} {release.version} is a distribution, and no folder")
        if source.archive is not None and isinstance(self._reader, HttpReader):
            return self._unpacked(name, source)
        from .documents import blob

        found = {}
        for file in source.files:
            data = self._reader.read(blob(file.digest), file.size)
            found[file.path] = digests.check(data, file.digest, f"{file.path} of {name}", file.size)
        return found

    def _unpacked(self, name: str, source: FilesSource) -> dict[str, bytes]:
        import tempfile

        from .extracting import Budget, extract

        assert source.archive is not None
        data = self._pointed(source.archive, source.size + (1 << 20), keep=False)
        expected = {file.path: (file.digest, file.size) for file in source.files}
        budget = Budget(files=len(expected), size=source.size)
        with tempfile.TemporaryDirectory(prefix="kurt-") as folder:
            target = os.path.join(folder, name)
            extract(io.BytesIO(data), target, budget=budget, expected=expected)
            found = {}
            for file in source.files:
                with open(os.path.join(target, file.path), "rb") as stream:
                    content = stream.read(file.size + 1)
                found[file.path] = digests.check(content, file.digest, file.path, file.size)
        return found

    def wheel(self, wheel: Wheel) -> bytes:
        """Return the bytes of a wheel, checked.

        :raises IntegrityError: when they are not what was promised.
        """
        data = self._reader.read(wheel.url, wheel.size)
        return digests.check(data, wheel.digest, wheel.filename, wheel.size)

    def _pointed(self, pointer: Pointer, limit: int, *, keep: bool = True) -> bytes:
        """Return what a pointer names; over HTTP from memory where it came before."""
        if pointer.size > limit:
            raise IntegrityError(f"{pointer.url} has more than {limit:,} bytes")
        path = os.path.join(self._cache, "documents", digests.to_hex(pointer.digest))
        remote = isinstance(self._reader, HttpReader) and keep
        if remote:
            try:
                with open(path, "rb") as stream:
                    return digests.check(
                        stream.read(limit + 1), pointer.digest, pointer.url, pointer.size
                    )
            except (OSError, IntegrityError):
                pass
        data = reading.fetch(self._reader, pointer, limit)
        if remote:
            try:
                os.makedirs(os.path.dirname(path), mode=0o700, exist_ok=True)
                write_atomically(path, data, mode=0o600)
            except OSError:
                pass
        return data


def _folder(url: str) -> str | None:
    """Return the folder that an address names; None where it is on a server.

    :raises MarketError: for a file: address with a host.
    """
    parts = urlsplit(url)
    if parts.scheme == "file":
        if parts.netloc not in ("", "localhost"):
            raise MarketError(f"{url} is on another machine", hint="write it like file:///path")
        return url2pathname(parts.path) if os.name == "nt" else unquote(parts.path)
    if "://" in url:
        return None
    return os.path.abspath(url)


def markets(places: Places, config: Config) -> dict[str, Market]:
    """Return the markets that ``kurt.toml`` names, by name.

    :raises ConfigError: when one cannot be understood: it might have named a key.
    """
    found = {}
    for name, table in config.markets.items():
        wrong = table.get("wrong", ())
        if wrong or "url" not in table:
            key = f"market.{name}.{wrong[0] if wrong else 'url'}"
            raise ConfigError(
                f"the market {name} cannot be used: {key} "
                + ("cannot be understood" if wrong else "is missing"),
                hint=f"kurt config set {key} VALUE",
            )
        keys = table.get("key", [])
        try:
            found[name] = Market(
                places,
                name,
                table["url"],
                keys=[keys] if isinstance(keys, str) else keys,
                allow_http=table.get("allow_http", False),
                hosts=table.get("hosts", ()),
                tuf_root=table.get("tuf_root"),
            )
        except (MarketError, SignatureError) as error:
            error.hint = error.hint or f"kurt config explain market.{name}.url"
            raise
    return found


def the_market(found: Mapping[str, Market], name: str) -> Market:
    """Return the market of a name.

    :raises ConfigError: when there is none.
    """
    from ..names import suggest

    if name in found:
        return found[name]
    near = suggest(name, found)
    raise ConfigError(
        f"no market is called {name}",
        cause="kurt.toml names " + (", ".join(found) if found else "none"),
        hint=f"did you mean {near[0]}?" if near else f"kurt config set market.{name}.url URL",
    )
