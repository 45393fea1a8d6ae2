"""``read-text``: a document on disk as clean text, with its title and links."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field

from .contract import OnProgress, Tool, ToolContext, ToolProgress, ToolResult

__all__ = ["ReadText"]

_HTML = {".html", ".htm", ".xhtml"}
# Elements whose text stands on lines of its own.
_BLOCKS = frozenset(
    "address article aside blockquote br dd div dl dt figcaption figure footer "
    "h1 h2 h3 h4 h5 h6 header hr li main nav ol p pre section table td th tr ul".split()
)
_SILENT = frozenset({"script", "style", "template", "noscript", "svg", "head"})
_MARKDOWN_LINK = re.compile(r"(?<!!)\[([^\]\n]{1,500})\]\(([^()\s]{1,2000})\)")


class ReadTextInput(BaseModel):
    """What to read."""

    model_config = ConfigDict(extra="forbid")

    path: Path = Field(description="an HTML, Markdown or text file")
    encoding: str = Field(default="utf-8", description="how the file is encoded")
    max_bytes: int = Field(default=10_000_000, gt=0, description="refuse a larger file")


class Hyperlink(BaseModel):
    """A link in a document."""

    text: str
    url: str


class ReadTextOutput(BaseModel):
    """A document, read."""

    title: str
    text: str
    words: int = Field(ge=0)
    links: list[Hyperlink]


class ReadText(Tool[ReadTextInput, ReadTextOutput]):
    """Read an HTML, Markdown or text file as clean text with title and links."""

    name = "read-text"
    uses = ()

    def run(
        self, params: ReadTextInput, context: ToolContext, on_progress: OnProgress | None
    ) -> ToolResult[ReadTextOutput]:
        """Read the file; a file that cannot be read is a result without success."""
        try:
            size = params.path.stat().st_size
            if size > params.max_bytes:
                return ToolResult(
                    success=False,
                    errors=[f"{params.path} has {size} bytes, more than {params.max_bytes}"],
                )
            source = params.path.read_bytes().decode(params.encoding)
        except (OSError, UnicodeDecodeError, LookupError) as error:
            return ToolResult(success=False, errors=[f"{params.path}: {error}"])
        if on_progress is not None:
            on_progress(ToolProgress(f"read {params.path.name}", current=size, total=size))
        if params.path.suffix.lower() in _HTML:
            title, text, links = from_html(source)
        else:
            title, text, links = from_markdown(source)
        output = ReadTextOutput(
            title=title or params.path.stem, text=text, words=len(text.split()), links=links
        )
        return ToolResult(data=output, metadata={"bytes": size})


def from_html(source: str) -> tuple[str, str, list[Hyperlink]]:
    """Return title, text and links of an HTML document; scripts and styles are left out."""
    reader = _Reader()
    reader.feed(source)
    reader.close()
    return reader.title.strip(), _tidy("".join(reader.text)), reader.links


def from_markdown(source: str) -> tuple[str, str, list[Hyperlink]]:
    """Return title (the first heading), text and links of a Markdown or plain text document."""
    # Indentation means something here.
    text = "\n".join(line.rstrip() for line in source.removeprefix("\ufeff").splitlines()).strip()
    links = [Hyperlink(text=label, url=url) for label, url in _MARKDOWN_LINK.findall(text)]
    heading = next((line for line in text.splitlines() if line.startswith("#")), "")
    return heading.lstrip("#").strip(), _MARKDOWN_LINK.sub(r"\1", text), links


def _tidy(text: str) -> str:
    lines = [" ".join(line.split()) for line in text.splitlines()]
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip()


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.title = ""
        self.text: list[str] = []
        self.links: list[Hyperlink] = []
        self._silent = 0
        self._in_title = False
        self._open: tuple[str, int] | None = None

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "title":
            self._in_title = True
        elif tag in _SILENT:
            self._silent += 1
        elif tag == "a":
            url = dict(attrs).get("href")
            self._open = (url, len(self.text)) if url else None
        elif tag in _BLOCKS:
            self.text.append("\n")

    def handle_endtag(self, tag: str) -> None:
        if tag == "title":
            self._in_title = False
        elif tag in _SILENT:
            self._silent = max(0, self._silent - 1)
        elif tag == "a" and self._open is not None:
            url, start = self._open
            label = " ".join("".join(self.text[start:]).split())
            self.links.append(Hyperlink(text=label, url=url))
            self._open = None
        elif tag in _BLOCKS:
            self.text.append("\n")

    def handle_data(self, data: str) -> None:
        if self._in_title:
            self.title += data
        elif not self._silent:
            self.text.append(re.sub(r"\s+", " ", data))
