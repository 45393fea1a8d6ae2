"""Feeds as rows, and the feed that a page names."""

from __future__ import annotations

from collections.abc import Iterator
from html.parser import HTMLParser
from typing import NamedTuple
from xml.etree import ElementTree

_TYPES = ("application/rss+xml", "application/atom+xml")


class Entry(NamedTuple):
    """One entry: its address, its title, and its date as the feed writes it."""

    url: str
    title: str
    date: str | None


class _Found(Exception):
    """Ends the reading of a page: the rest of it does not matter."""


class _Finder(HTMLParser):
    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        known = dict(attrs)
        if tag == "link" and known.get("type") in _TYPES and known.get("href"):
            raise _Found(known["href"])


def feed_of_page(text: str) -> str | None:
    """Return the address of the feed that an HTML page names first, or None."""
    try:
        _Finder().feed(text)
    except _Found as found:
        return str(found)
    except AssertionError:  # html.parser's answer to some malformed declarations
        return None
    return None


def entries(text: str) -> Iterator[Entry]:
    """Yield the entries of an RSS (0.9 to 2.0) or Atom feed, each address once.

    :raises ValueError: when the text is no XML, or declares entities of its own.
    """
    if "<!ENTITY" in text:
        raise ValueError("a feed with entities of its own is not read: they can grow without end")
    try:
        root = ElementTree.fromstring(text)
    except ElementTree.ParseError as error:
        raise ValueError(f"not a feed: {error}") from error
    seen: set[str] = set()
    for item in root.iter():
        if _word(item) in ("item", "entry"):
            entry = _entry(item)
            if entry.url and entry.url not in seen:
                seen.add(entry.url)
                yield entry


def _entry(item: ElementTree.Element) -> Entry:
    url = title = ""
    date: str | None = None
    for part in item:
        text = " ".join((part.text or "").split())
        match _word(part):
            case "link" if part.get("rel", "alternate") == "alternate":
                url = url or part.get("href") or text
            case "title":
                title = text
            case "updated" | "pubDate" | "date":
                date = date or text or None
    return Entry(url, title, date)


def _word(element: ElementTree.Element) -> str:
    return element.tag.rpartition("}")[2] if isinstance(element.tag, str) else ""
