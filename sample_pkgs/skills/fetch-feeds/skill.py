"""Engines for the roles `fetch` and `map` that know RSS and Atom."""

from __future__ import annotations

import asyncio
from pathlib import Path
from urllib.parse import urljoin, urlsplit
from urllib.request import urlopen

from kurt_engine import BaseFetcher, BaseMapper, FetchResult, Link, MapResult

from .feeds import entries, feed_of_page

_TIMEOUT = 30  # seconds
_LIMIT = 10_000_000  # bytes


def get(place: str) -> FetchResult:
    """Return the document at an address, or in a file.

    :raises OSError: when it cannot be had.
    :raises ValueError: when it is larger than 10 MB.
    """
    if urlsplit(place).scheme not in ("http", "https"):
        data = Path(place).read_bytes()
        found = FetchResult(url=place, content=data.decode("utf-8", "replace"), size=len(data))
    else:
        with urlopen(place, timeout=_TIMEOUT) as response:
            data = response.read(_LIMIT + 1)
            charset = response.headers.get_content_charset("utf-8")
            found = FetchResult(
                url=response.url,
                content=data.decode(charset, "replace"),
                content_type=response.headers.get_content_type(),
                status=response.status,
                size=len(data),
            )
    if found.size > _LIMIT:
        raise ValueError(f"{place} is larger than {_LIMIT} bytes")
    return found


class FeedFetcher(BaseFetcher):
    """Gets a feed, also by the address of a page that names its feed."""

    name = "feed"

    async def fetch(self, url: str) -> FetchResult:
        found = await asyncio.to_thread(get, url)
        feed = feed_of_page(found.content)
        if feed is not None:
            found = await asyncio.to_thread(get, urljoin(found.url, feed))
        return found


class FeedMapper(BaseMapper):
    """Lists the entries of a feed."""

    name = "feed"

    async def map(self, source: str, base: str = "") -> MapResult:
        text = source.lstrip("\ufeff \t\r\n")
        if not text.startswith("<"):
            found = await asyncio.to_thread(get, source)
            text, base = found.content.lstrip("\ufeff \t\r\n"), base or found.url
        links = [
            Link(url=urljoin(base, e.url), title=e.title, modified=e.date) for e in entries(text)
        ]
        return MapResult(source=base or "text", links=links)
