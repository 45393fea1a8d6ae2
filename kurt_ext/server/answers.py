"""What the API answers with, as models: its OpenAPI document is made of them."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, Field

__all__ = [
    "MOST",
    "Failure",
    "Problem",
    "Row",
    "SearchAnswer",
    "SkillAnswer",
    "VersionAnswer",
    "VersionRow",
]


#: Matches of a search that may be passed over.
MOST = 100_000


class Problem(BaseModel):
    """What went wrong."""

    code: str = Field(description="Kebab-case name of the error; `kurt explain CODE` tells more.")
    message: str = Field(description="One sentence.")
    cause: str | None = Field(default=None, description="Why, where that is known.")
    hint: str | None = Field(default=None, description="What to do about it.")
    candidates: list[str] = Field(default=[], description="Names that may have been meant.")
    findings: list[dict[str, Any]] = Field(default=[], description="What the validator found.")


class Failure(BaseModel):
    """A request that failed."""

    error: Problem


class Row(BaseModel):
    """A plugin, as a search finds it: what is said is said of the newest version."""

    plugin_id: str
    name: str = Field(description="Title for people.")
    version: str | None = Field(description="The newest that is offered; null for none.")
    description: str
    author: str = Field(description="The publisher.")
    plugin_type: str | None = Field(description="Its kind, in a word.")
    kinds: list[str] = Field(description="Namespaces of what it offers.")
    tags: list[str]
    permissions: list[str] = Field(description="Names of the permissions that it asks for.")
    security_score: int | None = Field(description="0 to 100.")
    status: str = Field(description="`active`, `archived`, `deprecated` or `quarantined`.")
    downloads: int = Field(description="How often it was downloaded here.")
    rating: float | None = Field(description="0 to 5; null where nobody rates.")
    updated: str
    url: str = Field(description="Its page.")


class SearchAnswer(BaseModel):
    """What a search has found, the best first."""

    plugins: list[Row]
    total: int = Field(description="How many there are in all.")
    limit: int
    offset: int
    corrected: dict[str, str] = Field(description="Word as it was typed → as it was taken.")


class VersionRow(BaseModel):
    """One version, in short."""

    version: str
    published: str
    yanked: bool
    yanked_reason: str | None
    advisories: list[str] = Field(description="Ids of what is known to be wrong with it.")
    security_score: int | None


class SkillAnswer(Row):
    """All of a plugin; `versions` has the newest first."""

    publisher: str
    status_reason: str | None
    versions: list[VersionRow]


class AttestationRow(BaseModel):
    """An attestation that was made elsewhere; who has made it, its certificate says."""

    type: str = Field(description="`sigstore` or `pep740`.")
    url: str
    digest: str


class VersionAnswer(BaseModel):
    """One version of a plugin."""

    plugin_id: str
    name: str
    version: str
    description: str
    author: str | None
    license: str | None
    homepage: str | None
    publisher: str
    plugin_type: str | None
    tags: list[str]
    dependencies: list[dict[str, Any]]
    permissions: dict[str, Any]
    permissions_in_words: list[str]
    published: str
    status: str
    yanked: bool
    yanked_reason: str | None
    advisories: list[str]
    available: bool = Field(
        description="Whether it may be downloaded: nothing is, of what is quarantined."
    )
    security_score: int | None
    risk_level: str | None
    downloads: int
    rating: float | None
    download_url: str
    filename: str
    checksum: str = Field(description="`sha256:` and the digest of what `download_url` gives.")
    size: int = Field(description="Bytes of it.")
    digest: str = Field(description="Of the tree of its files.")
    signed_by: list[str] = Field(description="Ids of the publisher's keys that have signed it.")
    attested: list[AttestationRow]
    manifest: dict[str, Any]
