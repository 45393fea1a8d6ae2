"""What both readers share: runs of text, tables, links, and counting."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from urllib.parse import urljoin, urlsplit

from .models import Link

__all__ = ["Links", "aligned", "count_words", "hanging", "joined", "squeezed"]

#: Characters that are there for the line breaker and not for the reader.
_INVISIBLE = dict.fromkeys(map(ord, "\u00ad\u200b\u200c\u200d\u2060\ufeff"))
_SCHEMES = ("", "http", "https", "ftp", "mailto")
_WIDEST = 40  # characters to which a column of a table is padded at most


def squeezed(text: str) -> str:
    """Return the text with each run of white space as one blank, and nothing invisible."""
    return " ".join(text.translate(_INVISIBLE).split())


def hanging(block: str, first: str, rest: str = "") -> str:
    """Return a block with ``first`` before its first line, and ``rest`` before the others."""
    rest = rest or " " * len(first)
    lines = block.split("\n")
    return "\n".join((first + lines[0], *[(rest + line).rstrip() for line in lines[1:]])).rstrip()


def aligned(rows: Sequence[Sequence[str]]) -> str:
    """Return the rows of a table as lines, cells beneath each other."""
    widths: list[int] = []
    for row in rows:
        widths.extend([0] * (len(row) - len(widths)))
        for column, cell in enumerate(row):
            widths[column] = min(_WIDEST, max(widths[column], len(cell)))
    lines = (" | ".join(c.ljust(widths[i]) for i, c in enumerate(row)).rstrip() for row in rows)
    return "\n".join(lines)


def count_words(text: str) -> int:
    """Return the number of words: runs of text that hold a letter or a digit."""
    return sum(any(map(str.isalnum, word)) for word in text.split())


class Links:
    """The links of one page: absolute where the base is known, each address once.

    :param base: the address that relative ones start from.
    """

    def __init__(self, base: str = "") -> None:
        self.base = base
        self._found: dict[str, str] = {}

    def add(self, text: str, address: str) -> None:
        """Note a link, unless it leads to a script or to a place in the page itself."""
        # A browser drops tabs and newlines from an address.
        address = address.strip().translate(dict.fromkeys(map(ord, "\t\r\n")))
        if not address or address.startswith("#"):
            return
        try:
            if urlsplit(address).scheme not in _SCHEMES:
                return
            address = urljoin(self.base, address)
        except ValueError:  # an address that no browser could follow either
            return
        if not self._found.get(address):
            self._found[address] = text

    def all(self) -> list[Link]:
        """Return the links in the order of the page."""
        return [Link(text=text, url=address) for address, text in self._found.items()]


def joined(blocks: Iterable[str]) -> str:
    """Return blocks as a text, with a blank line between them."""
    return "\n\n".join(block for block in blocks if block.strip())
