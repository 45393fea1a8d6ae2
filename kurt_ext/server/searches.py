"""Answers to searches, put together from rows that are written once.

What is asked for most is answered without FastAPI's part in it: `quick` reads an ordinary
query itself, and leaves any other to the route, which says what is wrong with it. Both are
answered by the same lines below.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, MutableMapping, Sequence
from typing import Any, NamedTuple
from urllib.parse import parse_qsl, quote

from ..market.searching import Filters
from .answers import MOST, Row
from .counting import Counts
from .shelf import Edition, Shelf, whole

__all__ = ["Searches", "Wish", "row_of", "split"]

#: Rows that are kept as they are answered: less than a kilobyte each.
_CARDS = 1 << 17
_END = b'"}'
_JSON = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode
_LONGEST = {"query": 256, "q": 256, "plugin_type": 128, "type": 128, "publisher": 128}
_LISTS = ("tags", "permissions", "without")
_MOST_VALUES = 32


class Wish(NamedTuple):
    """What is searched for."""

    text: str = ""
    filters: Filters = Filters()
    limit: int = 20
    offset: int = 0


class _Card(NamedTuple):
    """A row as it is answered, in parts: between the last two stands the server's address.

    :param downloads: so many are told of in the head, none of them from this server.
    """

    id: str
    downloads: int
    head: bytes
    page: bytes


def split(values: Sequence[str]) -> list[str]:
    """Return words that came one by one, or with commas between.

    >>> split(["web,archive", "text"])
    ['web', 'archive', 'text']
    """
    return [word.strip()[:128] for value in values for word in value.split(",") if word.strip()][
        :32
    ]


def row_of(row: Mapping[str, Any], base: str, downloads: int) -> dict[str, Any]:
    """Return what is said of a skill, from its whole row in the index.

    :param downloads: from this server.
    """
    id = row["id"]
    return {
        "plugin_id": id,
        "name": row["title"],
        "version": row["latest"],
        "description": row["summary"],
        "author": row["publisher"],
        "plugin_type": row["type"],
        "kinds": row["kinds"],
        "tags": row["tags"],
        "permissions": row["permissions"],
        "security_score": row["score"],
        "status": row["status"],
        "downloads": (row["downloads"] or 0) + downloads,
        "rating": row["rating"],
        "updated": row["updated"],
        "url": f"{base}/skills/{quote(id)}",
    }


class Searches:
    """What a server answers to searches.

    :param url: where others reach the server; the address that a request names if "".
    """

    def __init__(self, shelf: Shelf, counts: Counts, url: str) -> None:
        self._shelf = shelf
        self._counts = counts
        self._url = url.rstrip("/")
        self._cards: dict[int, _Card] = {}
        self._edition: Edition | None = None

    def quick(self, scope: MutableMapping[str, Any], edition: Edition, host: str) -> bytes | None:
        """Return the answer to a request; None for one that a route is to look at.

        It takes a few milliseconds at most, whatever is asked.
        """
        wish = wish_of(scope["query_string"])
        if wish is None or scope.get("root_path"):
            return None
        return self.answer(edition, wish, self._url or f"{scope['scheme']}://{host}")

    def answer(self, edition: Edition, wish: Wish, base: str) -> bytes:
        """Return the answer to a search, as JSON.

        :param base: the address of the server, without a stroke at its end.
        """
        found = edition.catalogue.choose(
            wish.text, wish.filters, limit=wish.limit, offset=wish.offset
        )
        place = _JSON(base)[1:-1].encode()
        parts: list[bytes] = []
        for card in self._of(edition, found.numbers):
            more = self._counts.of(card.id)
            head = _with_downloads(card, more) if more else card.head
            parts += (head, place, card.page)
        corrected = _JSON(found.corrected) if found.corrected else "{}"
        return b'{"plugins":[%b],"total":%d,"limit":%d,"offset":%d,"corrected":%b}' % (
            b"".join(parts)[:-1],
            found.total,
            wish.limit,
            wish.offset,
            corrected.encode(),
        )

    def _of(self, edition: Edition, numbers: Sequence[int]) -> list[_Card]:
        if edition is not self._edition:
            self._edition, self._cards = edition, {}
        cards = self._cards
        missing = [number for number in numbers if number not in cards]
        if missing:
            while len(cards) + len(missing) > _CARDS:
                cards.pop(next(iter(cards)))
            missing = [number for number in numbers if number not in cards]
            for number, text in zip(missing, edition.catalogue.rows(missing), strict=True):
                cards[number] = _card(whole(json.loads(text)))
        return [cards[number] for number in numbers]


def _card(row: dict[str, Any]) -> _Card:
    told = row_of(row, "", 0)
    page = told["url"].encode()  # quoted as an address, with nothing that JSON would escape
    data = Row(**{**told, "url": ""}).model_dump_json().encode()
    return _Card(told["plugin_id"], told["downloads"], data.removesuffix(_END), page + _END + b",")


def _with_downloads(card: _Card, more: int) -> bytes:
    """Return the head of a row with the downloads from this server, too."""
    # In a text before it, the quotation marks would be escaped.
    before = b'"downloads":%d,' % card.downloads
    return card.head.replace(before, b'"downloads":%d,' % (card.downloads + more), 1)


def wish_of(query: bytes) -> Wish | None:
    """Return what the query of a request asks for; None where it is not an ordinary one."""
    pairs = parse_qsl(query.decode("latin-1"), keep_blank_values=True)
    one = dict(pairs)
    several: dict[str, list[str]] = {name: [] for name in _LISTS}
    for name, value in pairs:
        if name in several:
            several[name].append(value)
    if any(len(one[name]) > longest for name, longest in _LONGEST.items() if name in one):
        return None
    if any(len(values) > _MOST_VALUES for values in several.values()):
        return None
    score = _number(one.get("min_score", "0"), 0, 100)
    limit, offset = (
        _number(one.get("limit", "20"), 1, 100),
        _number(one.get("offset", "0"), 0, MOST),
    )
    if score is None or limit is None or offset is None:
        return None
    filters = Filters(
        kind=one.get("plugin_type") or one.get("type"),
        tags=split(several["tags"]),
        permissions=split(several["permissions"]),
        without=split(several["without"]),
        min_score=score if "min_score" in one else None,
        publisher=one.get("publisher"),
    )
    return Wish(one.get("query") or one.get("q") or "", filters, limit, offset)


def _number(text: str, least: int, most: int) -> int | None:
    """Return a number that is written as numbers are, within bounds; else None."""
    if not text.isascii() or not text.isdigit() or len(text) > 6 or text != str(int(text)):
        return None
    number = int(text)
    return number if least <= number <= most else None
