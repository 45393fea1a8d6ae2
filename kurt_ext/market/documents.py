"""The documents of a marketplace, as models: index, skill, publisher, advisories.

An unknown key is passed over, and one that begins with ``_`` is private to whoever
wrote it; an ``api-version`` with another major number is refused. All references are
paths below the root of the marketplace, so that a copy of the folder is a mirror.
What a document says twice, it must say alike: a release's digest is that of its
files, its manifest bears its id and version.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache
from typing import Annotated, Any, Literal, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    ValidationError,
    model_validator,
)

from .. import names, versions
from ..errors import ManifestError, MarketError
from . import digests
from .paths import clash, fault, is_device

__all__ = [
    "API_VERSION",
    "Advisories",
    "Advisory",
    "Attestation",
    "Document",
    "File",
    "FilesSource",
    "Identity",
    "Index",
    "IndexMeta",
    "Key",
    "Listing",
    "Meta",
    "Pointer",
    "PublisherDocument",
    "Release",
    "Scan",
    "Signature",
    "SignaturesDocument",
    "SkillDocument",
    "Status",
    "Wheel",
    "WheelsSource",
    "schemas",
    "write_schemas",
]

API_VERSION = "1.0"
_MAJOR = API_VERSION.partition(".")[0]
_SEMVER = (
    r"^(0|[1-9][0-9]*)\.(0|[1-9][0-9]*)\.(0|[1-9][0-9]*)"
    r"(-[0-9A-Za-z-]+(\.[0-9A-Za-z-]+)*)?(\+[0-9A-Za-z-]+(\.[0-9A-Za-z-]+)*)?$"
)
#: What nearly all ids and references of an index are, told at a tenth of the cost.
_PLAIN_ID = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*")
_PLAIN_REFERENCE = re.compile(r"kurt/v1/skills/([a-z0-9][a-z0-9_-]*(?:\.[a-z0-9_-]+)*\.json)")
_REFERENCE = frozenset("%#[]{}^`&=$,;'()@ ")


def _digest(text: str) -> str:
    if not digests.is_digest(text):
        raise ValueError("a digest is sha256: and 64 hexadecimal digits in lower case")
    return text


def _path(text: str) -> str:
    found = fault(text)
    if found is not None:
        raise ValueError(f"the path {text[:80]!r} is refused: {found[1]}")
    return text


def _reference(text: str) -> str:
    plain = _PLAIN_REFERENCE.fullmatch(text)
    if plain is not None and len(plain[1]) <= 255 and not is_device(plain[1]):
        return text
    _path(text)
    if not text.isascii() or not _REFERENCE.isdisjoint(text):
        raise ValueError(f"{text[:80]!r} is no reference: a path of letters, digits and ._-~+!")
    return text


def _identifier(text: str) -> str:
    if len(text) <= 64 and _PLAIN_ID.fullmatch(text) and not is_device(text):
        return text
    try:
        name = names.skill_name(text)
    except ManifestError as error:
        raise ValueError(f"{error.message}; {error.cause}") from None
    if name != text:
        raise ValueError(f"{text!r} is not in lower case")
    return _path(text)


def _wheel(text: str) -> str:
    if "/" in text or not text.endswith(".whl"):
        raise ValueError(f"{text[:80]!r} is no name of a wheel")
    return _reference(text)


def _pep440(text: str) -> str:
    from packaging.version import InvalidVersion
    from packaging.version import Version as Pep440

    try:
        Pep440(text)
    except InvalidVersion:
        raise ValueError(f"{text[:80]!r} is no version after PEP 440") from None
    return text


@lru_cache(maxsize=1024)
def _version(text: str) -> str:
    try:
        return versions.check(text)
    except ManifestError as error:
        raise ValueError(f"{error.message}; {error.cause}") from None


def _with(check: Callable[[str], str], **schema: Any) -> Any:
    return AfterValidator(check), Field(json_schema_extra=schema)


#: As manifests have it; an index says the same few versions again and again.
Version = Annotated[str, *_with(_version, pattern=_SEMVER)]
Digest = Annotated[str, *_with(_digest, pattern="^sha256:[0-9a-f]{64}$")]
Path = Annotated[str, *_with(_path, minLength=1, maxLength=1024)]
Reference = Annotated[str, *_with(_reference, minLength=1, maxLength=1024)]
Id = Annotated[str, *_with(_identifier, minLength=1, maxLength=128)]
WheelName = Annotated[str, *_with(_wheel, pattern=r"^[A-Za-z0-9._~+!-]+\.whl$")]
Pep440Version = Annotated[str, *_with(_pep440)]
PublisherName = Annotated[str, Field(pattern="^[a-z0-9](?:-?[a-z0-9])*$", max_length=64)]
Time = Annotated[str, Field(pattern="^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z$")]
Size = Annotated[int, Field(ge=0, le=2**53)]
Line = Annotated[str, Field(max_length=256)]
Summary = Annotated[str, Field(max_length=2048)]
Word = Annotated[str, Field(max_length=128)]
Words = Annotated[list[Word], Field(max_length=256)]
Score = Annotated[int, Field(ge=0, le=100)]
Base64 = Annotated[str, Field(pattern="^[A-Za-z0-9+/]+={0,2}$", max_length=1024)]
KeyId = Annotated[str, Field(pattern="^[0-9a-f]{16}$")]
StatusWord = Literal["active", "archived", "deprecated", "quarantined"]
Risk = Literal["low", "medium", "high", "critical"]


class Document(BaseModel):
    """A part of a document: fixed once read, keys in kebab-case, unknown keys passed over."""

    model_config = ConfigDict(
        alias_generator=lambda name: name.replace("_", "-"),
        extra="ignore",
        frozen=True,
        strict=True,
        validate_by_alias=True,
        validate_by_name=True,
    )

    @classmethod
    def read(cls, data: bytes | str, what: str = "the document") -> Self:
        """Return the document that JSON text is.

        :param what: what it is, for the error.
        :raises MarketError: when it is none, with what is wrong and where.
        """
        try:
            return cls.model_validate_json(data)
        except ValidationError as error:
            raise _refusal(error, what) from None
        except RecursionError:
            raise MarketError(f"{what} is nested too deeply") from None

    @classmethod
    def of(cls, value: Any, what: str = "the document") -> Self:
        """Return the document that a value is, its keys in kebab-case or as attributes.

        :raises MarketError: when it is none.
        """
        try:
            return cls.model_validate(value)
        except ValidationError as error:
            raise _refusal(error, what) from None

    def as_dict(self) -> dict[str, Any]:
        """Return JSON values, keys as in the file; what is None and needs not be is left out."""
        return self.model_dump(mode="json", by_alias=True, exclude_none=True)


def _refusal(error: ValidationError, what: str) -> MarketError:
    problems = error.errors(include_url=False, include_input=False, include_context=False)
    lines = []
    for problem in problems[:10]:
        at = "/".join(str(part) for part in problem["loc"])
        lines.append(f"{at}: {problem['msg']}" if at else problem["msg"])
    if len(problems) > len(lines):
        lines.append(f"and {len(problems) - len(lines)} more")
    return MarketError(f"{what} is not what it should be", cause="\n".join(lines))


class Meta(Document):
    """What every document begins with."""

    api_version: Annotated[str, Field(pattern=r"^[0-9]{1,4}\.[0-9]{1,4}$")] = Field(
        description="Version of the format; a reader refuses another major number."
    )

    @model_validator(mode="after")
    def _known(self) -> Self:
        if self.api_version.partition(".")[0] != _MAJOR:
            raise ValueError(
                f"api-version {self.api_version} is not understood; this kurt reads {_MAJOR}.x"
            )
        return self


class Pointer(Document):
    """Another file: where it lies, and what it is."""

    url: Reference = Field(description="Path below the root of the marketplace.")
    digest: Digest
    size: Size = Field(description="Bytes.")


class IndexMeta(Meta):
    """What is said of an index as a whole."""

    name: PublisherName = Field(description="What the marketplace calls itself.")
    title: Line | None = None
    homepage: Line | None = None
    generated: Time
    expires: Time = Field(description="A reader refuses the index from then on.")
    snapshot: Size = Field(description="Grows with every change; a reader refuses a lower one.")
    signatures: Reference | None = Field(
        default=None, description="Path of the signatures of this snapshot."
    )
    advisories: Pointer | None = None


class Listing(Document):
    """A skill in the index: enough to search, and the way to the rest."""

    id: Id
    title: Line
    summary: Summary = ""
    type: Word | None = Field(default=None, description="Its kind, in a word.")
    kinds: Words = Field(default=[], description="Namespaces of what it offers.")
    tags: Words = []
    publisher: PublisherName
    latest: Version | None = Field(
        default=None,
        description="Newest version that is not yanked, a pre-release where there is no other; "
        "null for none.",
    )
    status: StatusWord = "active"
    score: Score | None = Field(default=None, description="Of the latest version.")
    permissions: Words = Field(
        default=[], description="Names of the permissions that the latest version asks for."
    )
    updated: Time
    downloads: Size | None = None
    rating: Annotated[float, Field(ge=0, le=5, allow_inf_nan=False)] | None = None
    detail: Pointer = Field(description="The skill's document.")


class Index(Document):
    """All skills of a marketplace."""

    meta: IndexMeta
    publishers: dict[PublisherName, Pointer] = {}
    skills: list[Listing]

    @model_validator(mode="after")
    def _once(self) -> Self:
        seen: set[str] = set()
        for row in self.skills:
            if row.id in seen:
                raise ValueError(f"{row.id} is listed twice")
            if row.publisher not in self.publishers:
                raise ValueError(f"{row.id} is of {row.publisher}, who is not among the publishers")
            seen.add(row.id)
        return self


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


class Status(Document):
    """Whether a skill is looked after, with the words of PEP 792."""

    status: StatusWord = "active"
    reason: Summary | None = None


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
    attestations: Annotated[list[Attestation], Field(max_length=64)] = []
    kinds: Words = []

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


class SkillDocument(Document):
    """All that a marketplace knows of one skill."""

    meta: Meta
    id: Id
    publisher: PublisherName
    project_status: Status = Status()
    versions: Annotated[list[Version], Field(max_length=10_000)]
    releases: Annotated[list[Release], Field(max_length=10_000)] = Field(
        description="The oldest first."
    )

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if [release.version for release in self.releases] != self.versions:
            raise ValueError("versions are not those of the releases")
        if len(set(self.versions)) != len(self.versions):
            raise ValueError("a version is there twice")
        for release in self.releases:
            manifest = release.manifest
            if manifest.get("id") != self.id or manifest.get("version") != release.version:
                raise ValueError(
                    f"the manifest of {release.version} is of another skill or version"
                )
        return self

    def release(self, version: str) -> Release | None:
        """Return the release of exactly that version."""
        return next((one for one in self.releases if one.version == version), None)

    @property
    def offered(self) -> tuple[Release, ...]:
        """The releases that may be chosen: none of a quarantined skill, none that is yanked."""
        if self.project_status.status == "quarantined":
            return ()
        return tuple([one for one in self.releases if one.yanked is False])

    @property
    def latest(self) -> Release | None:
        """The newest offered release; a pre-release only where there is nothing else."""
        from ..semver import key

        offered = self.offered
        stable = [one for one in offered if "-" not in one.version.partition("+")[0]]
        return max(stable or offered, key=lambda one: key(one.version), default=None)


class Key(Document):
    """A public key of a publisher; of an unknown type, it signs nothing."""

    id: KeyId = Field(description="The first 16 digits of the SHA-256 of the raw key.")
    type: Word = Field(description="`ed25519`; a reader passes over others.")
    key: Base64 = Field(description="The 32 raw bytes.")
    since: Time
    revoked: Time | None = None


class Identity(Document):
    """An identity that an OIDC issuer vouches for; all that is said of it must be so."""

    issuer: Line
    subject: Line | None = Field(
        default=None,
        description="An address of mail, or the URI of a workflow without branch and tag.",
    )
    repository: Line | None = Field(
        default=None, description="The address of the repository that the workflow ran for."
    )
    since: Time | None = None
    revoked: Time | None = None

    @model_validator(mode="after")
    def _somebody(self) -> Self:
        if self.subject is None and self.repository is None:
            raise ValueError("an identity has a subject, or a repository")
        return self


class PublisherDocument(Document):
    """Who publishes, and how that is known."""

    meta: Meta
    name: PublisherName
    title: Line | None = None
    homepage: Line | None = None
    since: Time
    domain: Line | None = Field(default=None, description="A domain that was shown to be theirs.")
    keys: Annotated[list[Key], Field(max_length=64)] = []
    identities: Annotated[list[Identity], Field(max_length=64)] = []


class Advisory(BaseModel):
    """An advisory in the OSV format 1.x; of its many fields, those that are used here."""

    model_config = ConfigDict(extra="allow", frozen=True)

    id: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._:-]{0,127}$")]
    modified: Annotated[str, Field(max_length=64)]
    withdrawn: Annotated[str, Field(max_length=64)] | None = None
    summary: Summary = ""
    details: Annotated[str, Field(max_length=65_536)] = ""
    aliases: Words = []
    affected: Annotated[list[dict[str, Any]], Field(max_length=1000)] = []


class Signature(Document):
    """One signature over the bytes of an index."""

    key: KeyId
    signature: Base64


class SignaturesDocument(Document):
    """The signatures of one snapshot of an index."""

    meta: Meta
    digest: Digest = Field(description="Of the bytes of the index.")
    signatures: Annotated[list[Signature], Field(max_length=64)]


class Advisories(Document):
    """All advisories of a marketplace."""

    meta: Meta
    advisories: list[Advisory]


def schemas() -> dict[str, dict[str, Any]]:
    """Return the JSON Schema of each document: name of the file in ``docs/schemas`` → schema."""
    documents: dict[str, type[Document]] = {
        "market-index": Index,
        "market-skill": SkillDocument,
        "market-publisher": PublisherDocument,
        "market-signatures": SignaturesDocument,
        "market-advisories": Advisories,
    }
    found = {}
    for name, model in documents.items():
        schema = model.model_json_schema(by_alias=True, mode="validation")
        found[f"{name}.schema.json"] = {
            "$schema": "https://json-schema.org/draft/2020-12/schema",
            **schema,
        }
    return found


def write_schemas(folder: str) -> None:
    """Write the JSON Schemas of all documents into ``schemas`` in a folder."""
    import os

    from ..jsontext import dumps

    os.makedirs(os.path.join(folder, "schemas"), exist_ok=True)
    for name, schema in schemas().items():
        with open(os.path.join(folder, "schemas", name), "w", encoding="utf-8") as stream:
            stream.write(dumps(schema, 2) + "\n")
