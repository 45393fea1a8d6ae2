"""The signatures over an index."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from .base import Document, Meta
from .words import Base64, Digest, KeyId

__all__ = ["Signature", "SignaturesDocument"]


class Signature(Document):
    """One signature over the bytes of an index."""

    key: KeyId
    signature: Base64


class SignaturesDocument(Document):
    """The signatures of one snapshot of an index."""

    meta: Meta
    digest: Digest = Field(description="Of the bytes of the index.")
    signatures: Annotated[list[Signature], Field(max_length=64)]
