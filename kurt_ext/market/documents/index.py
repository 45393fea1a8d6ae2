"""The index of a marketplace: all its skills, each in a row."""

from __future__ import annotations

from typing import Annotated, Self

from pydantic import Field, model_validator

from .base import Document, Meta, Pointer
from .words import (
    Id,
    Line,
    PublisherName,
    Reference,
    Score,
    Size,
    StatusWord,
    Summary,
    Time,
    Version,
    Word,
    Words,
)

__all__ = ["Index", "IndexMeta", "Listing"]


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
    tags: Words = Field(default=[])
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
    publishers: dict[PublisherName, Pointer] = Field(default={})
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
