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

    def __str__(self) -> str:
        said = [self.metadata.get("author", ""), self.metadata.get("date", "")[:10]]
        said += [f"{self.words} words", f"{len(self.links)} links"]
        head = f"{self.title or self.source}\n{' · '.join(filter(None, said))}"
        parts = [head, self.text, "\n".join(f"- {link.text}: {link.url}" for link in self.links)]
        return "\n\n".join(filter(None, parts))


class Cleaned(BaseModel):
    """What came of it; as a string, what a person wants to read."""

    pages: list[Page]
    words: int = Field(description="words in all pages")

    def __str__(self) -> str:
        if len(self.pages) == 1:
            return str(self.pages[0])
        return "\n\n\n".join(f"=== {page.source} ===\n\n{page}" for page in self.pages)
