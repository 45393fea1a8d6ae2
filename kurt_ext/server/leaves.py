"""Long lists, a page at a time."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

__all__ = ["LAST", "LENGTH", "Leaf", "number"]

#: Rows of a page, and the last page that is shown.
LENGTH, LAST = 20, 100


class Leaf(NamedTuple):
    """One page of a long list: which it is, the last there is, and the ways to its neighbours."""

    page: int
    last: int
    before: str
    after: str

    @property
    def rows(self) -> int:
        """How many rows there are room for, up to the last page."""
        return self.last * LENGTH

    @classmethod
    def of(cls, page: int, total: int, link: Callable[[int], str]) -> Leaf:
        """Return the leaf of a list of so many rows."""
        last = min(LAST, max(1, -(-total // LENGTH)))
        before, after = (link(one) if 1 <= one <= last else "" for one in (page - 1, page + 1))
        return cls(page, last, before, after)


def number(text: str | None, least: int, most: int) -> int:
    """Return a number within bounds that a stranger has typed."""
    if text is None or not text.isascii() or not text.isdigit() or len(text) > 9:
        return least
    return max(least, min(most, int(text)))
