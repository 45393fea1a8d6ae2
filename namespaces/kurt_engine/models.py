"""What engines take and give."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field

__all__ = ["FetchInput", "FetchResult", "Link", "MapInput", "MapResult"]


class FetchInput(BaseModel):
    """The arguments of a fetcher that is called by name."""

    model_config = ConfigDict(extra="forbid")

    url: str = Field(description="address of the document, or path of a file")


class FetchResult(BaseModel):
    """One document, fetched."""

    url: str = Field(description="where it was found in the end, after redirects")
    content: str = Field(description="the document, decoded")
    content_type: str = Field(default="text/plain", description="media type without parameters")
    status: int | None = Field(default=None, description="HTTP status, where there is one")
    size: int = Field(default=0, ge=0, description="bytes received")
    metadata: dict[str, str] = Field(default_factory=dict)


class MapInput(BaseModel):
    """The arguments of a mapper that is called by name."""

    model_config = ConfigDict(extra="forbid")

    source: str = Field(description="a document: HTML, a sitemap, or a path or address of one")
    base: str = Field(default="", description="address that relative links are resolved against")


class Link(BaseModel):
    """One address that a document leads to."""

    url: str
    title: str = ""
    modified: str | None = Field(default=None, description="date of the last change, as written")


class MapResult(BaseModel):
    """The addresses that a document leads to, each once, in the order of the document."""

    source: str
    links: list[Link] = Field(default_factory=list)
    metadata: dict[str, str] = Field(default_factory=dict)
