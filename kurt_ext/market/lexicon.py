"""What a catalogue knows of words and facets, read once and kept while it is asked for."""

from __future__ import annotations

import sqlite3
import sys
from collections import OrderedDict
from collections.abc import Callable
from functools import partial
from math import ceil
from typing import Any, TypeVar

from ..errors import StorageError
from . import postings, typos
from .postings import Weights

__all__ = ["Lexicon"]

_T = TypeVar("_T")
#: Bytes of sets that are kept.
_KEPT = 128 << 20
#: Words that are measured for one that was typed: so that it takes no longer, whatever words
#: somebody publishes.
_MEASURED = 200
_LAST = chr(sys.maxunicode)


class Lexicon:
    """The words and facets in a catalogue.

    Reading one is bounded work, whatever it is: see :func:`~.postings.stems`.

    :param path: of the file, for messages. ``skills``: how many are in it.
    """

    def __init__(self, connection: sqlite3.Connection, path: str, skills: int) -> None:
        self._connection = connection
        self._path = path
        self._size = skills + 1
        self._kept: OrderedDict[tuple[str, str], Any] = OrderedDict()
        self._weight = 0

    def facet(self, word: str, value: str) -> int:
        """Return the skills that have a value of a facet."""
        query = "SELECT skills FROM facet WHERE word = ? AND value = ?"
        return self._once((word, value), lambda: self._sets(query, word, value)[0])

    def judged(self, score: float) -> int:
        """Return the skills that have a score, or a better one."""
        if not score <= 100:
            return 0
        query = (
            "SELECT skills FROM facet WHERE word = 'score' AND value >= ? ORDER BY value LIMIT 1"
        )
        least = f"{ceil(max(0.0, score)):03}"
        return self._once(("score", least), lambda: self._sets(query, least)[0])

    def weights(self, word: str) -> Weights:
        """Return what a word weighs, as a whole or the beginning of another."""
        return self._once(("", word), partial(self._read, word))

    def _read(self, word: str) -> Weights:
        rows = self.all("SELECT skills FROM stem WHERE word = ?", word)
        until = word + ("\0" if rows else _LAST)
        rows += self.all("SELECT skills, word FROM term WHERE word >= ? AND word < ?", word, until)
        whole = [row[0] for row in rows if row[1:] == (word,)]
        others = [row[0] for row in rows if row[1:] != (word,)]
        sets = self._decoded(whole)
        return Weights.of(postings.joined(sets, self._decoded(others)), sets)

    def meant(self, word: str) -> str:
        """Return the nearest word; "" where none is near.

        Of several it is the one that most names and tags have, then the most frequent.
        """
        return self._once(("?", word), partial(self._nearest, word))

    def _nearest(self, word: str) -> str:
        keys, most = typos.keys_of_typed(word), typos.allowed(word)
        marks = ", ".join("?" * len(keys))
        rows = self.all(
            "SELECT word, named, count FROM term WHERE length(word) BETWEEN ? AND ?"
            f" AND number IN (SELECT term FROM typo WHERE key IN ({marks}))"
            f" ORDER BY named DESC, count DESC LIMIT {_MEASURED}",
            len(word) - most,
            len(word) + most,
            *keys,
        )
        near = [
            (typos.distance(word, term, most), -named, -count, term) for term, named, count in rows
        ]
        errors, *_, term = min(near, default=(most + 1, 0, 0, ""))
        return term if errors <= most else ""

    def _once(self, key: tuple[str, str], make: Callable[[], _T]) -> _T:
        """Return what was made before, or make it; what was not asked for long is forgotten."""
        found: _T | None = self._kept.get(key)
        if found is not None:
            self._kept.move_to_end(key)
            return found
        found = self._kept[key] = make()
        self._weight += _weight(found)
        while self._weight > _KEPT and len(self._kept) > 1:
            self._weight -= _weight(self._kept.popitem(last=False)[1])
        return found

    def _sets(self, query: str, *values: Any) -> postings.Sets:
        return self._decoded([row for (row,) in self.all(query, *values)])

    def _decoded(self, rows: list[bytes]) -> postings.Sets:
        try:
            return postings.decode(rows, self._size)
        except ValueError as error:
            raise StorageError(
                "the catalogue of the market is damaged", cause=str(error), at=self._path
            ) from error

    def all(self, query: str, *values: Any) -> list[tuple[Any, ...]]:
        """Return the rows of a query.

        :raises StorageError: when the file is damaged.
        """
        try:
            return self._connection.execute(query, values).fetchall()
        except UnicodeEncodeError:
            return []  # half of a character: nothing is called that
        except sqlite3.Error as error:
            raise StorageError(
                "the catalogue of the market cannot be read", cause=str(error), at=self._path
            ) from error


def _weight(value: Any) -> int:
    """Return the bytes that are kept of a value, about."""
    sets = value.planes if isinstance(value, Weights) else (value,)
    return 256 + sum([sys.getsizeof(one) for one in sets])
