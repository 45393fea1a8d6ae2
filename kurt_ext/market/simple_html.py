"""Collect the links of a page of an index of distributions (PEP 503)."""

from __future__ import annotations

from html.parser import HTMLParser
from urllib.parse import urljoin

__all__ = ["Links"]

_MOST = 100_000


class Links(HTMLParser):
    """The anchors of a page, and what its head says.

    :param url: where the page came from.
    """

    def __init__(self, url: str, data: bytes) -> None:
        super().__init__(convert_charrefs=True)
        self.base = url
        self.links: list[dict[str, str | None]] = []
        self.meta: dict[str, str] = {}
        self.feed(data.decode("utf-8", "replace"))
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note an anchor, a ``meta`` or the ``base``."""
        given = dict(attrs)
        if tag == "a" and given.get("href") and len(self.links) < _MOST:
            self.links.append(given)
        elif tag == "meta" and given.get("name"):
            self.meta[str(given["name"])] = given.get("content") or ""
        elif tag == "base" and given.get("href"):
            try:
                self.base = urljoin(self.base, str(given["href"]))
            except ValueError:
                pass
