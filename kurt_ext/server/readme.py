"""Show Markdown of strangers: rendered without HTML of its own, then sanitised.

Nothing is fetched from elsewhere: a picture is its caption, and a link leads to a web
address or nowhere. Headings begin at the third level, below those of the page.
"""

from __future__ import annotations

from functools import lru_cache
from html import escape
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from markdown_it import MarkdownIt

__all__ = ["MAX_TEXT", "render"]

#: Characters of a text that are shown; what comes after is left out.
MAX_TEXT = 64 << 10
_LARGEST = 3 * MAX_TEXT
_MAX_NESTING = 20
#: Marks that begin or end something, and how many of them, of lines and of cells are taken.
_MARKS = "[]*_~`<&"
_MOST_MARKS, _LINES, _CELLS = 8_000, 4_000, 12_000
_MAX_TITLE = 6
_TAGS = {
    *("a", "blockquote", "br", "code", "del", "em", "h3", "h4", "h5", "h6", "hr", "li", "ol", "p"),
    *("pre", "s", "strong", "table", "tbody", "td", "th", "thead", "tr", "ul"),
}
_ATTRIBUTES: dict[str, set[str]] = {"*": set(), "a": {"href"}, "ol": {"start"}, "th": {"scope"}}
_renderer: MarkdownIt | None = None


@lru_cache(64)
def render(text: str) -> str:
    """Return the HTML of a Markdown text, of harmless elements alone.

    What would take long, and what becomes more than three times as large as a text may be, is
    shown as it was written. The worst takes a fifth of a second, so that what was rendered is kept.
    """
    import nh3

    text = text[:MAX_TEXT]
    html = "" if _is_busy(text) else _markdown().render(text)
    if not html or len(html) > _LARGEST:
        html = f"<pre>{escape(text)}</pre>"
    return nh3.clean(
        html,
        tags=_TAGS,
        attributes=_ATTRIBUTES,
        url_schemes={"http", "https"},
        url_relative="deny",
        link_rel="nofollow noopener noreferrer",
        # What is wider than a telephone is scrolled, which takes a place for the focus.
        set_tag_attribute_values={
            "pre": {"tabindex": "0"},
            "table": {"tabindex": "0"},
        },
    )


def _is_busy(text: str) -> bool:
    """Return whether a text has more marks, lines or cells than people write in as much."""
    lines = text.count("\n")
    marks = sum([text.count(mark) for mark in _MARKS])
    cells = max([line.count("|") for line in text.split("\n")]) * lines
    return lines > _LINES or marks > _MOST_MARKS or cells > _CELLS


def _markdown() -> MarkdownIt:
    global _renderer
    if _renderer is None:
        from markdown_it import MarkdownIt

        made = MarkdownIt("commonmark", {"html": False, "maxNesting": _MAX_NESTING})
        made.enable(["table", "strikethrough"])
        made.core.ruler.push("levels", _lower)
        made.add_render_rule("image", _caption)
        _renderer = made
    return _renderer


def _lower(state: Any) -> None:
    """Move headings below those of the page, and never leave a level out."""
    last = 2
    for token in state.tokens:
        if token.type == "heading_open":
            wanted = min(_MAX_TITLE, int(token.tag[1]) + 2)
            last = min(wanted, last + 1)
            token.tag = f"h{last}"
        elif token.type == "heading_close":
            token.tag = f"h{last}"
        elif token.type == "th_open":
            token.attrSet("scope", "col")


def _caption(renderer: Any, tokens: Any, number: int, options: Any, env: Any) -> str:
    """Return what a picture shows, in words."""
    text = renderer.renderInlineAsText(tokens[number].children, options, env)
    return escape(f"[{text}]") if text else ""
