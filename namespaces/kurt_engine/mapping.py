"""``map.links``: the addresses in an HTML page or an XML sitemap."""

from __future__ import annotations

import re
from html import unescape
from html.parser import HTMLParser
from urllib.parse import urldefrag, urljoin, urlsplit

from .contract import BaseMapper
from .models import Link, MapResult

__all__ = ["MapLinks"]

# A sitemap's records are flat and their form is fixed (sitemaps.org), so that
# no XML parser, with its entities, has to be let loose on a stranger's file.
_RECORD = re.compile(r"<(url|sitemap)\b[^>]*>(.*?)</\1\s*>", re.DOTALL)
_LOC = re.compile(r"<loc\b[^>]*>\s*(?:<!\[CDATA\[)?\s*([^<\]]*?)\s*(?:\]\]>)?\s*</loc\s*>")
_LASTMOD = re.compile(r"<lastmod\b[^>]*>\s*([^<]*?)\s*</lastmod\s*>")


class MapLinks(BaseMapper):
    """Finds the links of an HTML page, or the addresses of a sitemap, each once and in order."""

    name = "links"

    def map(self, source: str, base: str = "") -> MapResult:
        """Return the http, https and file addresses, without fragments.

        :param source: the document itself.
        :param base: the address it was found at; a page's own ``<base>`` wins.
        """
        head = source[:2000]
        is_sitemap = "<urlset" in head or "<sitemapindex" in head
        found = _sitemap(source) if is_sitemap else _page(source, base)
        links: dict[str, Link] = {}
        for link in found:
            url = urldefrag(link.url).url
            if urlsplit(url).scheme in ("http", "https", "file") or (url and not base):
                links.setdefault(url, link.model_copy(update={"url": url}))
        form = "sitemap" if is_sitemap else "html"
        return MapResult(source=base, links=list(links.values()), metadata={"form": form})


def _sitemap(source: str) -> list[Link]:
    links = []
    for record in _RECORD.finditer(source):
        place = _LOC.search(record[2])
        if place is not None:
            modified = _LASTMOD.search(record[2])
            links.append(Link(url=unescape(place[1]), modified=modified[1] if modified else None))
    return links


def _page(source: str, base: str) -> list[Link]:
    reader = _Anchors(base)
    reader.feed(source)
    reader.close()
    return reader.links


class _Anchors(HTMLParser):
    def __init__(self, base: str) -> None:
        super().__init__(convert_charrefs=True)
        self.links: list[Link] = []
        self._base = base
        self._url: str | None = None
        self._text: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        href = dict(attrs).get("href")
        if tag == "base" and href:
            self._base = self._joined(href) or self._base
        elif tag == "a":
            self._finish()
            if href and not href.startswith(("javascript:", "mailto:", "data:", "tel:")):
                self._url = self._joined(href)

    def handle_endtag(self, tag: str) -> None:
        if tag == "a":
            self._finish()

    def handle_data(self, data: str) -> None:
        if self._url is not None:
            self._text.append(data)

    def close(self) -> None:
        super().close()
        self._finish()

    def _joined(self, href: str) -> str | None:
        try:
            return urljoin(self._base, href.strip())
        except ValueError:  # an address such as http://[
            return None

    def _finish(self) -> None:
        if self._url:
            self.links.append(Link(url=self._url, title=" ".join("".join(self._text).split())))
        self._url = None
        self._text = []
