"""Who publishes: their keys, and the identities that others vouch for."""

from __future__ import annotations

from typing import Annotated, Self

from pydantic import Field, model_validator

from .base import Document, Meta
from .words import Base64, KeyId, Line, PublisherName, Time, Word

__all__ = ["Identity", "Key", "PublisherDocument"]


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
    keys: Annotated[list[Key], Field(max_length=64)] = Field(default=[])
    identities: Annotated[list[Identity], Field(max_length=64)] = Field(default=[])
