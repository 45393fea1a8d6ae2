"""The tool: a file or a folder in, clean text out."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote, urljoin

from kurt_tool import OnProgress, Tool, ToolContext, ToolProgress, ToolResult

from .encoding import decode
from .markdown import read_markdown
from .models import Cleaned, Page, Source
from .page import read_html

_HTML = (".html", ".htm", ".xhtml")
_MARKDOWN = (".md", ".markdown", ".txt")
_LARGEST = 20_000_000  # bytes; more than any document that people wrote by hand
_MOST = 10_000  # files in one call


class CleanText(Tool[Source, Cleaned]):
    """Turn HTML and Markdown into clean text, with links and metadata."""

    name = "clean-text"

    def run(
        self, params: Source, context: ToolContext, on_progress: OnProgress | None
    ) -> ToolResult[Cleaned]:
        source = Path(params.source)
        try:
            files = list(_files(source))
        except OSError as error:
            return ToolResult(success=False, errors=[f"{source}: {error.strerror}"])
        if not files:
            kinds = ", ".join((*_HTML, *_MARKDOWN))
            return ToolResult(success=False, errors=[f"{source} holds no file of {kinds}"])
        pages: list[Page] = []
        errors: list[str] = []
        for number, path in enumerate(files):
            place = path.name if path == source else path.relative_to(source).as_posix()
            if on_progress:
                on_progress(ToolProgress(place, number, len(files)))
            try:
                pages.append(_page(path, place, params.base))
            except (OSError, ValueError) as error:
                errors.append(f"{place}: {getattr(error, 'strerror', None) or error}")
        if on_progress:
            on_progress(ToolProgress("done", len(files), len(files)))
        cleaned = Cleaned(pages=pages, words=sum(page.words for page in pages))
        return ToolResult(
            success=bool(pages),
            data=cleaned,
            errors=errors,
            metadata={"pages": len(pages), "failed": len(errors)},
        )


def _files(source: Path) -> Iterator[Path]:
    """Yield the documents, in order; not those in hidden folders, nor through links.

    :raises OSError: when the source is not there.
    """
    if not source.is_dir():
        source.stat()
        yield source
        return
    count = 0
    for folder, folders, names in os.walk(source):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in sorted(names):
            if name.lower().endswith(_HTML + _MARKDOWN) and count < _MOST:
                count += 1
                yield Path(folder, name)


def _page(path: Path, place: str, base: str) -> Page:
    if path.stat().st_size > _LARGEST:
        raise ValueError(f"larger than {_LARGEST} bytes")
    data = path.read_bytes()
    suffix = path.suffix.lower()
    html = suffix in _HTML or (suffix not in _MARKDOWN and data.lstrip()[:1] == b"<")
    text = decode(data, markup=html)
    # In a folder a link starts from the page's own place there.
    start = urljoin(base, quote(place)) if base or "/" in place else ""
    return read_html(text, place, start) if html else read_markdown(text, place, start)
