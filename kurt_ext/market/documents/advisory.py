"""The advisories of a marketplace, in the OSV format."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

from .base import Document, Meta
from .words import Summary, Words

__all__ = ["Advisories", "Advisory"]


class Advisory(BaseModel):
    """An advisory in the OSV format 1.x; of its many fields, those that are used here."""

    model_config = ConfigDict(extra="allow", frozen=True)

    id: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._:-]{0,127}$")]
    modified: Annotated[str, Field(max_length=64)]
    withdrawn: Annotated[str, Field(max_length=64)] | None = None
    summary: Summary = ""
    details: Annotated[str, Field(max_length=65_536)] = ""
    aliases: Words = Field(default=[])
    affected: Annotated[list[dict[str, Any]], Field(max_length=1000)] = Field(default=[])


class Advisories(Document):
    """All advisories of a marketplace."""

    meta: Meta
    advisories: list[Advisory]
