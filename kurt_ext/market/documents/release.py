"""A release of a skill: what it is made of, how it was judged, and who vouches for it."""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self

from pydantic import Field, model_validator

from .. import digests
from ..paths import clash
from .base import Document, Pointer
from .words import (
    Base64,
    Digest,
    KeyId,
    Line,
    Path,
    Pep440Version,
    PublisherName,
    Reference,
    Risk,
    Score,
    Size,
    Time,
    Version,
    WheelName,
    Word,
    Words,
)

__all__ = ["Attestation", "File", "FilesSource", "Release", "Scan", "Wheel", "WheelsSource"]


class File(Document):
    """One file of a folder."""

    path: Path = Field(description="Below the skill's folder.")
    digest: Digest
    size: Size


class FilesSource(Document):
    """A folder: each file a blob, and all of them in one zip."""

    type: Literal["files"]
    digest: Digest = Field(description="Of the framed tree of the files.")
    size: Size = Field(description="Bytes of all files.")
    files: Annotated[list[File], Field(min_length=1)]
    archive: Pointer | None = Field(default=None, description="A zip of the files, without a top.")

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        found = clash([file.path for file in self.files])
        if found is not None:
            rule, path, other = found
            raise ValueError(f"the paths {path!r} and {other!r} cannot both be: {rule}")
        if digests.of_tree([(file.path, file.digest) for file in self.files]) != self.digest:
            raise ValueError("digest is not that of the files")
        if sum([file.size for file in self.files]) != self.size:
            raise ValueError("size is not that of the files together")
        return self


class Wheel(Document):
    """One wheel."""

    filename: WheelName
    url: Reference
    digest: Digest
    size: Size
    requires_python: Line | None = None


class WheelsSource(Document):
    """A distribution, as wheels that pip and uv install."""

    type: Literal["wheels"]
    distribution: Word = Field(description="Its name, after PEP 503.")
    version: Pep440Version = Field(description="Its version, after PEP 440.")
    digest: Digest = Field(description="Of the framed tree of the wheels, by filename.")
    wheels: Annotated[list[Wheel], Field(min_length=1, max_length=256)]

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        named = {wheel.filename: wheel.digest for wheel in self.wheels}
        if len(named) != len(self.wheels) or digests.of_tree(named) != self.digest:
            raise ValueError("digest is not that of the wheels")
        return self


class Scan(Document):
    """What the validator said of a release when it was built."""

    score: Score
    risk: Risk
    valid: bool
    complete: bool
    profile: Word
    ruleset: Word = Field(description="Digest of the rules; another set may say otherwise.")
    counts: dict[Word, Size] = Field(description="Severity → number of findings.")
    report: Pointer | None = Field(default=None, description="The whole report.")


class Attestation(Document):
    """A word of the publisher's on one release; of an unknown type, nothing is believed."""

    type: Word = Field(
        description="`ed25519`, `sigstore` or `pep740`; a reader passes over others."
    )
    key: KeyId | None = None
    signature: Base64 | None = None
    evidence: Pointer | None = Field(
        default=None, description="The Sigstore bundle, or the provenance after PEP 740."
    )
    filename: WheelName | None = Field(
        default=None, description="The wheel that it is about; without, all of the release."
    )

    @model_validator(mode="after")
    def _whole(self) -> Self:
        if self.type == "ed25519" and (self.key is None or self.signature is None):
            raise ValueError("a signature by ed25519 has a key and a signature")
        if self.type in ("sigstore", "pep740") and self.evidence is None:
            raise ValueError(f"an attestation of type {self.type} has evidence")
        if self.type == "pep740" and self.filename is None:
            raise ValueError("an attestation after PEP 740 is about a wheel")
        return self


class Release(Document):
    """One version of a skill; it stays as it is, apart from `yanked`."""

    version: Version
    published: Time
    publisher: PublisherName
    yanked: Literal[False] | Annotated[str, Field(min_length=1, max_length=1024)] = Field(
        default=False, description="Why nobody should take it any more, as in PEP 592."
    )
    requires_python: Line | None = None
    requires_kurt: Line | None = None
    manifest: dict[str, Any] = Field(description="The manifest, normalised.")
    permissions: dict[str, Any] = Field(description="What it asks leave for.")
    permissions_digest: Digest
    source: Annotated[FilesSource | WheelsSource, Field(discriminator="type")]
    wheels: Annotated[list[Wheel], Field(max_length=256)] = Field(
        default=[], description="Wheels made of a folder, for the simple index."
    )
    scan: Scan | None = None
    attestations: Annotated[list[Attestation], Field(max_length=64)] = Field(default=[])
    kinds: Words = Field(default=[])

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.manifest.get("permissions") != self.permissions:
            raise ValueError("permissions are not those of the manifest")
        try:
            found = digests.of_permissions(self.permissions)
        except (TypeError, ValueError, RecursionError):
            raise ValueError("permissions are not ones") from None
        if found != self.permissions_digest:
            raise ValueError("permissions-digest is not that of the permissions")
        return self
