"""What goes in and what comes out."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field

__all__ = ["Cleaned", "Heading", "Link", "Page", "Source"]


class Source(BaseModel):
    model_config = ConfigDict(extra="forbid")

    source: str = Field(description="an HTML or Markdown file, or a folder of them")
    base: str = Field(default="", description="the address that relative links start from")


class Heading(BaseModel):
    level: int = Field(ge=1, le=6)
    text: str


class Link(BaseModel):
    text: str
    url: str


class Page(BaseModel):
    source: str = Field(description="the file, relative to the folder where one was given")
    title: str = ""
    language: str | None = Field(default=None, description="language tag, where the page has one")
    words: int = Field(default=0, description="words in the text")
    text: str
    headings: list[Heading] = Field(default_factory=list)
    links: list[Link] = Field(default_factory=list)
    metadata: dict[str, str] = Field(default_factory=dict)


class Cleaned(BaseModel):
    pages: list[Page]
    words: int = Field(description="words in all pages")
