"""A market as a client sees it: refreshed, believed or not, searched, and taken from.

Four questions have four answers. Is it *intact*: each file by its digest. Is it *fresh*:
the index by its signature, its snapshot, which never goes back, and the end of its life.
*Who* published: the publisher, and the key that signed the release. Is it *dangerous*:
the score, the advisories, and whether it was yanked. What was last found to be good is
kept, and used with its age where the market cannot be asked.
"""

from __future__ import annotations

import io
import os
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from ..atomic import write_atomically
from ..errors import (
    ConfigError,
    IntegrityError,
    MarketError,
    SignatureError,
)
from . import digests, reading
from .attesting import Attested, Attestor, attestor_of
from .documents.advisory import Advisories, Advisory
from .documents.base import Pointer
from .documents.index import Listing
from .documents.publisher import PublisherDocument
from .documents.release import FilesSource, Release, Wheel
from .documents.skill import SkillDocument
from .fetching import HttpReader
from .indexes import IndexClient, key_of
from .layout import ADVISORIES_LIMIT, PUBLISHER_LIMIT, SKILL_LIMIT
from .signing import verify_release
from .standing import Standing
from .trusting import LIMIT, Trust

if TYPE_CHECKING:
    from ..config import Config
    from ..overlooked import Overlooked
    from ..places import Places

__all__ = ["Market", "markets", "the_market"]


class Market(IndexClient):
    """One marketplace: its index, and what that leads to.

    :param attestor: says who has attested a release, and whether that is who is wanted.
    """

    #: Advisories that do not count here, by id.
    overlooked: Mapping[str, Overlooked] = {}

    def __init__(
        self,
        places: Places,
        name: str,
        url: str,
        *,
        attestor: Attestor | None = None,
        **more: Any,
    ) -> None:
        super().__init__(places, name, url, **more)
        self.attestor = attestor or Attestor(Trust())
        self._documents: dict[str, SkillDocument] = {}
        self._publishers: dict[str, PublisherDocument] = {}
        self._advisories: tuple[str, tuple[Advisory, ...]] | None = None

    def refresh(self, *, offline: bool = False, allow_stale: bool = False) -> Standing:
        """Ask for the present index, believe it or not, and return how it stands."""
        self.attestor.trust.offline = offline
        return super().refresh(offline=offline, allow_stale=allow_stale)

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
        row = self.catalogue.publishers.get(name)
        if row is None:
            raise MarketError(f"{name} is not among the publishers of {self.name}")
        pointer = Pointer.of(row)
        found = self._publishers.get(pointer.digest)
        if found is None:
            data = self._pointed(pointer, PUBLISHER_LIMIT)
            found = PublisherDocument.read(data, f"the document of {name}")
            if found.name != name:
                raise IntegrityError(f"the document of {name} is that of {found.name}")
            self._publishers[pointer.digest] = found
        return found

    def advisories(self) -> tuple[Advisory, ...]:
        """Return all advisories of the market.

        :raises MarketError: when they cannot be had or understood.
        """
        row = self.catalogue.meta.get("advisories")
        if row is None:
            return ()
        pointer = Pointer.of(row)
        if self._advisories is None or self._advisories[0] != pointer.digest:
            data = self._pointed(pointer, ADVISORIES_LIMIT)
            document = Advisories.read(data, f"the advisories of {self.name}")
            self._advisories = (pointer.digest, tuple(document.advisories))
        return self._advisories[1]

    def decided(self, advisory: Advisory) -> Overlooked | None:
        """Return what an operator has said of an advisory, run out or not; None for nothing.

        By its id or another name that it goes by; of malware nothing can be said.
        """
        from ..overlooked import decide

        return decide([advisory.id, *advisory.aliases], self.overlooked)

    def signer(self, name: str, release: Release) -> str | None:
        """Return the id of the publisher's key that has signed a release; None where none has.

        :raises SignatureError: when a signature is there and wrong.
        """
        if not release.attestations:
            return None
        publisher = self.publisher(release.publisher)
        return verify_release(name, release, publisher)

    def attested(self, name: str, release: Release, filename: str | None = None) -> Attested:
        """Return who has attested a release.

        :param filename: of the wheel that was chosen.
        :raises AttestationError: when an attestation does not hold, or nobody who is wanted has
            attested.
        :raises MissingExtraError: when that is asked for and cannot be verified.
        """
        return self.attestor.ask(
            name,
            release,
            lambda: self.publisher(release.publisher),
            lambda pointer: self._pointed(pointer, LIMIT),
            filename,
        )

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
        from .layout import blob

        found = {}
        for file in source.files:
            data = self._read(blob(file.digest), file.size)
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
        data = self._read(wheel.url, wheel.size)
        return digests.check(data, wheel.digest, wheel.filename, wheel.size)

    def _read(self, reference: str, limit: int) -> bytes:
        try:
            return self._reader.read(reference, limit)
        except MarketError as error:
            error.hint = error.hint or self.asked_where
            raise

    def _pointed(self, pointer: Pointer, limit: int, *, keep: bool = True) -> bytes:
        """Return what a pointer names, from memory where it came before."""
        if pointer.size > limit:
            raise IntegrityError(f"{pointer.url} has more than {limit:,} bytes")
        if not keep:
            return reading.fetch(self._reader, pointer, limit)
        path = os.path.join(self._cache, "documents", digests.to_hex(pointer.digest))
        try:
            with open(path, "rb") as stream:
                return digests.check(
                    stream.read(limit + 1), pointer.digest, pointer.url, pointer.size
                )
        except (OSError, IntegrityError):
            pass
        data = digests.check(
            self._read(pointer.url, pointer.size), pointer.digest, pointer.url, pointer.size
        )
        try:
            os.makedirs(os.path.dirname(path), mode=0o700, exist_ok=True)
            # Whatever is read from it is compared with its digest: a torn one is asked for anew.
            write_atomically(path, data, mode=0o600, durable=False)
        except OSError:
            pass
        return data


def markets(places: Places, config: Config) -> dict[str, Market]:
    """Return the markets that ``kurt.toml`` names, by name; not its indexes of distributions.

    :raises ConfigError: when one cannot be understood: it might have named a key.
    """
    from ..overlooked import overlooked

    found = {}
    ignored = overlooked(config)
    for name, table in config.markets.items():
        if table.get("kind") == "simple":
            continue
        wrong = table.get("wrong", ())
        if wrong or "url" not in table:
            key = f"market.{name}.{wrong[0] if wrong else 'url'}"
            found_at = [one for one in config.findings if one.message.startswith(f"{key} must be")]
            raise ConfigError(
                f"the market {name} cannot be used: {key} "
                + ("cannot be understood" if wrong else "is missing"),
                cause=found_at[0].message if found_at else None,
                at=found_at[0].at if found_at else None,
                hint=f"kurt config set {key_of(name, wrong[0] if wrong else 'url')} VALUE",
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
                attestor=attestor_of(name, table),
            )
            found[name].overlooked = ignored
        except (MarketError, SignatureError) as error:
            error.hint = error.hint or f"kurt config explain {key_of(name, 'url')}"
            raise
    return found


def no_market(config: Config) -> tuple[str | None, str]:
    """Return why ``kurt.toml`` names no market that counts, and what to do about it."""
    for one in config.findings:
        if one.rule == "untrusted-config" and one.message.startswith("[market."):
            return one.message, one.fix
    return None, "kurt config set market.NAME.url https://…"


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
        hint=f"did you mean {near[0]}?" if near else f"kurt config set {key_of(name, 'url')} URL",
    )
