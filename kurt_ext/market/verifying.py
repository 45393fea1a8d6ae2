"""Verify a marketplace: that all is there which the index promises, and is what it promises."""

from __future__ import annotations

import io
import time
import zipfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import NamedTuple

from ..errors import ArchiveError, IntegrityError, KurtError, MarketError, StaleIndexError
from ..findings import Finding
from . import digests, reading, tuf_layer
from .attesting import Attestor
from .documents.base import Pointer
from .documents.index import Index, Listing
from .documents.publisher import PublisherDocument
from .documents.release import Release, Wheel
from .documents.signatures import SignaturesDocument
from .documents.skill import SkillDocument
from .extracting import Budget, look
from .layout import INDEX, INDEX_LIMIT, blob
from .listings import listing
from .reading import Reader
from .signing import verify_index, verify_release
from .times import check_fresh
from .trusting import LIMIT, Trust

__all__ = ["FILE_LIMIT", "SIGNATURES_LIMIT", "Verified", "files_of", "verify"]

SIGNATURES_LIMIT = 256 << 10
#: Bytes of a file that is verified or mirrored; a wheel may have many.
FILE_LIMIT = 1 << 30
_PRESENT = 1024
#: Seconds that a publication may take from the index to what The Update Framework has of it.
_PAUSES = (0.1, 0.3, 0.6)


class Verified(NamedTuple):
    """What was verified, and what is wrong.

    :param findings: one for each thing that is wrong.
    :param snapshot: the number of the index.
    :param signed: the id of the trusted key that has signed it; None for none.
    :param skills: how many skills were verified.
    :param releases: how many releases.
    :param files: how many files, each compared with its digest.
    :param size: bytes of these.
    :param attested: who has attested → how many releases; "" where that was not checked.
    """

    findings: tuple[Finding, ...]
    snapshot: int
    signed: str | None
    skills: int
    releases: int
    files: int
    size: int
    attested: Mapping[str, int] = MappingProxyType({})


def verify(
    reader: Reader,
    *,
    trusted: Iterable[bytes] = (),
    signed: bool = False,
    quick: bool = False,
    only: Sequence[str] = (),
    root: bytes | None = None,
    state: str = "",
    trust: Trust | None = None,
    now: float | None = None,
) -> Verified:
    """Verify a marketplace, document by document and file by file.

    :param trusted: raw public keys, one of which is to have signed the index, if any is given.
    :param signed: the index must be signed by one of them; else a missing signature is no fault.
    :param quick: the documents alone, and no file.
    :param only: the ids of the skills that are verified; all if empty.
    :param root: a root of The Update Framework, by which the index must be believed.
    :param state: the folder that keeps what was believed by that root.
    :param trust: by which attestations are verified; by Sigstore's public instance if None.
    :raises MarketError: when there is no index, or it cannot be understood.
    """
    work = _Verification(reader, quick, Attestor(trust or Trust()))
    if root is not None:
        work.layer(root, state)
    return work.run(list(trusted), signed, only, now)


class _Verification:
    """One verification, and what it has found."""

    def __init__(self, reader: Reader, quick: bool, attestor: Attestor) -> None:
        self._reader = reader
        self._attestor = attestor
        self._attested: dict[str, int] = {}
        self._quick = quick
        self._findings: list[Finding] = []
        self._seen: dict[str, int] = {}
        self._releases = 0

    def run(
        self, trusted: list[bytes], signed: bool, only: Sequence[str], now: float | None
    ) -> Verified:
        index, data = reading.index(self._reader)
        key = self._signature(index, data, trusted, signed)
        with self._noting("index-stale", "kurt/v1/index.json"):
            check_fresh(index, now=now)
        with self._noting("market-advisories", "kurt/v1/advisories"):
            reading.advisories(self._reader, index)
        publishers = dict(self._publishers(index))
        missing = sorted(set(only) - {row.id for row in index.skills})
        if missing:
            raise MarketError(f"there is no {', '.join(missing)} in {self._reader.location}")
        chosen = [row for row in index.skills if not only or row.id in only]
        for row in chosen:
            self._skill(row, publishers)
        return Verified(
            tuple(self._findings),
            index.meta.snapshot,
            key,
            len(chosen),
            self._releases,
            len(self._seen),
            sum(self._seen.values()),
            self._attested,
        )

    def layer(self, root: bytes, state: str) -> None:
        """Compare the index with the one that The Update Framework believes.

        One is replaced an instant after the other, which is waited for.
        """
        with self._noting("market-tuf", tuf_layer.FOLDER):
            for pause in (*_PAUSES, None):
                if tuf_layer.index(self._reader, root, state) == self._reader.read(
                    INDEX, INDEX_LIMIT
                ):
                    return
                if pause is not None:
                    time.sleep(pause)
            raise IntegrityError("the index is not the one that was signed")

    def _signature(
        self, index: Index, data: bytes, trusted: list[bytes], signed: bool
    ) -> str | None:
        reference = index.meta.signatures
        if reference is None and not signed:
            return None
        with self._noting("market-signature", reference or INDEX):
            told = None if reference is None else self._reader.read(reference, SIGNATURES_LIMIT)
            if trusted or signed:
                return verify_index(data, told, trusted)
            assert told is not None
            named = SignaturesDocument.read(told, "the document of signatures").digest
            digests.check(data, named, "the index that was signed")
        return None

    def _publishers(self, index: Index) -> Iterator[tuple[str, PublisherDocument]]:
        for name, pointer in index.publishers.items():
            with self._noting("market-publisher", pointer.url):
                yield name, reading.publisher(self._reader, index, name)

    def _skill(self, row: Listing, publishers: dict[str, PublisherDocument]) -> None:
        with self._noting("market-skill", row.detail.url):
            document = reading.skill(self._reader, row)
            for release in document.releases:
                self._release(document, release, publishers)
            made = Listing.of(listing(document.as_dict(), row.detail.as_dict()))
            if made != row.model_copy(update={"downloads": None, "rating": None}):
                raise IntegrityError(f"the row of {row.id} is not that of its document")

    def _release(
        self,
        document: SkillDocument,
        release: Release,
        publishers: dict[str, PublisherDocument],
    ) -> None:
        self._releases += 1
        where = f"{document.id} {release.version}"
        if release.attestations:
            with self._noting("market-attestation", where):
                who = publishers.get(release.publisher)
                if who is None:
                    raise MarketError(f"the publisher {release.publisher} is not known")
                verify_release(document.id, release, who)
                if not self._quick:
                    self._attestations(document.id, release, who)
        if self._quick:
            return
        for pointer in files_of(release):
            with self._noting("market-file", pointer.url):
                self._file(pointer, release)

    def _attestations(self, name: str, release: Release, who: PublisherDocument) -> None:
        told = self._attestor.ask(
            name,
            release,
            lambda: who,
            lambda pointer: reading.fetch(self._reader, pointer, LIMIT),
        )
        found = [one.words for one in told.identities] or ["" for _ in told.warnings[:1]]
        for words in found:
            self._attested[words] = self._attested.get(words, 0) + 1

    def _file(self, pointer: Pointer | Wheel, release: Release) -> None:
        if pointer.url in self._seen:
            return
        if pointer.size > FILE_LIMIT:
            raise IntegrityError(f"{pointer.url} is too large")
        data = self._reader.read(pointer.url, pointer.size)
        digests.check(data, pointer.digest, pointer.url, pointer.size)
        self._seen[pointer.url] = pointer.size
        source = release.source
        archive = source.archive if source.type == "files" else None
        if archive is not None and source.type == "files" and pointer.url == archive.url:
            _check_archive(data, {file.path: file.digest for file in source.files})

    def _noting(self, rule: str, path: str) -> _Noting:
        return _Noting(self._findings, rule, path)


def _check_archive(data: bytes, files: dict[str, str]) -> None:
    """Raise where an archive does not hold exactly these files.

    :raises ArchiveError: when it would be refused, or holds others.
    """
    budget = Budget(files=max(len(files), 1), size=FILE_LIMIT, archive=FILE_LIMIT)
    names = look(io.BytesIO(data), budget=budget)
    if names != sorted(files):
        raise ArchiveError("the archive does not hold the files of the release")
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        for name, digest in files.items():
            if digests.of_bytes(archive.read(name)) != digest:
                raise ArchiveError(f"{name} in the archive is another file")


def files_of(release: Release) -> list[Pointer | Wheel]:
    """Return where all files of a release lie: blobs, archive, wheels and report."""
    found: list[Pointer | Wheel] = list(release.wheels)
    source = release.source
    if source.type == "files":
        found += [
            Pointer(url=blob(file.digest), digest=file.digest, size=file.size)
            for file in source.files
        ]
        found += [source.archive] if source.archive is not None else []
    else:
        found += source.wheels
    if release.scan is not None and release.scan.report is not None:
        found.append(release.scan.report)
    return found + [one.evidence for one in release.attestations if one.evidence is not None]


class _Noting:
    """Turn an error into a finding, and go on."""

    def __init__(self, findings: list[Finding], rule: str, path: str) -> None:
        self._findings = findings
        self._rule = rule
        self._path = path

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> bool:
        if not isinstance(error, KurtError):
            return False
        text = error.message + (f": {error.cause}" if error.cause else "")
        rule = "index-stale" if isinstance(error, StaleIndexError) else self._rule
        finding = Finding(rule, "error", text[:_PRESENT], path=self._path, fix=error.hint or "")
        self._findings.append(finding)
        return True
