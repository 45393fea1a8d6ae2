"""Search a market's index on this machine: ranked, filtered, and with typing errors forgiven.

A skill matches when every word that was typed is in it, or begins one of its words. Among
those that match, the ones where all of them are in names or tags come first. Then counts
the sum over the words of what each weighs: 6 in the id or title, 4 in a tag, 2 in the
publisher's name and 1 in the summary, the best of these, and 1 more where it is a whole
word; four times that for a word that at most one of 100 skills has, and twice that for one
that at most one of 10 has. What weighs the same is in the order of the catalogue, the
better looked after, downloaded and judged before. A skill that bears the very id is first.

Where nothing matches, words that nothing begins with are taken for their nearest
neighbours; where still nothing does, any of the words will do.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Sequence
from functools import reduce
from operator import and_, or_
from typing import Any, NamedTuple

from ..errors import StorageError
from . import bitmaps, postings, typos
from .cataloguing import FORMAT, build
from .lexicon import Lexicon
from .postings import Weights

__all__ = ["Catalogue", "Choice", "Filters", "Found", "Hit", "build", "words"]

_MAX_WORDS = 16
#: Words that are looked for among all others, in one search: each may cost a millisecond.
_MAX_CORRECTED = 4
#: KiB of the file that are kept in memory.
_PAGES = 16 << 10
#: Values in a query; SQLite takes 999 at least.
_AT_ONCE = 500
#: Above what words may sum up to: 16 times 7 times 4.
_NAMES = 9
_FIRST = 10**9
_RARE, _SELDOM = 0.01, 0.1


class Hit(NamedTuple):
    """One skill that was found.

    :param listing: the row of the index, as JSON values.
    :param rank: the lower the better; 0 where nothing was asked for.
    """

    listing: dict[str, Any]
    rank: float


class Found(NamedTuple):
    """What a search has found.

    :param hits: the best first.
    :param total: how many there are in all.
    :param corrected: word as it was typed → as it was taken.
    """

    hits: tuple[Hit, ...]
    total: int
    corrected: dict[str, str]


class Filters(NamedTuple):
    """What is asked of a skill besides words; of nothing, by default.

    :param kind: what it offers, in a word.
    :param tags: all of which it has.
    :param permissions: all of which it asks for; ``without``: none of which.
    :param min_score: of the validator, at least.
    """

    kind: str | None = None
    tags: Sequence[str] = ()
    permissions: Sequence[str] = ()
    without: Sequence[str] = ()
    min_score: float | None = None
    publisher: str | None = None


_NONE = Filters()


class Choice(NamedTuple):
    """What a search has found, by number.

    :param numbers: the best first. ``ranks``: of each, the lower the better.
    """

    numbers: list[int]
    ranks: list[float]
    total: int
    corrected: dict[str, str]


def words(text: str) -> list[str]:
    """Return the words that are looked for: letters and digits, folded, each once."""
    return list(dict.fromkeys(postings.folded(text)))[:_MAX_WORDS]


class Catalogue:
    """An open catalogue; of one thread at a time.

    :param path: what `build` has written.
    :raises StorageError: when it is none, of another program, or damaged.
    """

    def __init__(self, path: str) -> None:
        self.path = path
        try:
            # Immutable: no lock is taken, nor is a journal looked for, of what never changes.
            uri = f"file:{_quoted(path)}?mode=ro&immutable=1"
            self._connection = sqlite3.connect(uri, uri=True, check_same_thread=False)
            # Not mapped: where somebody cuts the file short, that would end the process.
            self._connection.execute(f"PRAGMA cache_size = {-_PAGES}")
            self.about = dict(self._connection.execute("SELECT key, value FROM about"))
            self.digest: str = self.about["digest"]
            if self.about["format"] != FORMAT:
                raise KeyError("format")
            self._size = int(self.about["skills"]) + 1
        except (sqlite3.Error, KeyError, ValueError) as error:
            self.close()
            raise StorageError(
                "the catalogue of the market cannot be read", cause=str(error), at=path
            ) from error
        self._lexicon = Lexicon(self._connection, path, len(self))

    def close(self) -> None:
        """Close the file."""
        connection = getattr(self, "_connection", None)  # there is none where nothing was opened
        if connection is not None:
            connection.close()

    def __del__(self) -> None:
        self.close()  # commands end with their process, and Python 3.13 warns of what is left open

    @property
    def meta(self) -> dict[str, Any]:
        """What the index says of itself."""
        found: dict[str, Any] = json.loads(self.about["meta"])
        return found

    @property
    def publishers(self) -> dict[str, Any]:
        """Name of a publisher → pointer to the document."""
        found: dict[str, Any] = json.loads(self.about["publishers"])
        return found

    def __len__(self) -> int:
        return self._size - 1

    def listing(self, id: str) -> dict[str, Any] | None:
        """Return the row of a skill in the index; None where there is none of that id."""
        rows = self._lexicon.all("SELECT row FROM skill WHERE id = ?", id)
        return json.loads(rows[0][0]) if rows else None

    def ids(self) -> list[str]:
        """Return the ids of all skills, the better ones first."""
        return [id for (id,) in self._lexicon.all("SELECT id FROM skill ORDER BY number")]

    def values(self, word: str, limit: int = 50) -> list[str]:
        """Return the values of a facet, those of most skills first.

        :param word: ``kind``, ``tag``, ``permission`` or ``publisher``.
        """
        query = "SELECT value FROM facet WHERE word = ? ORDER BY count DESC, value LIMIT ?"
        return [value for (value,) in self._lexicon.all(query, word, limit)]

    def near(self, name: str, limit: int = 3) -> list[str]:
        """Return ids that a name may have been meant for, the nearest first."""
        ids = [hit.listing["id"] for hit in self.search(name, limit=50).hits]
        ids.sort(key=lambda id: (typos.distance(name.lower(), id, 8), id))
        return ids[:limit]

    def rows(self, numbers: Sequence[int]) -> list[str]:
        """Return the rows of skills as JSON texts."""
        found: dict[int, str] = {}
        for at in range(0, len(numbers), _AT_ONCE):
            some = numbers[at : at + _AT_ONCE]
            marks = ", ".join("?" * len(some))
            query = f"SELECT number, row FROM skill WHERE number IN ({marks})"
            found.update(self._lexicon.all(query, *some))
        return [found[number] for number in numbers]

    def search(
        self,
        text: str = "",
        *,
        kind: str | None = None,
        tags: Sequence[str] = (),
        permissions: Sequence[str] = (),
        without: Sequence[str] = (),
        min_score: float | None = None,
        publisher: str | None = None,
        limit: int = 20,
        offset: int = 0,
    ) -> Found:
        """Return the skills that fit every wish, the best first.

        :param text: words that id, title, tags, summary or publisher begin with; what is
            typed last, and every other, may be the beginning of one.

        The filters are told of at :class:`Filters`.
        """
        filters = Filters(kind, tags, permissions, without, min_score, publisher)
        chosen = self.choose(text, filters, limit=limit, offset=offset)
        rows = self.rows(chosen.numbers)
        hits = [Hit(json.loads(row), rank) for row, rank in zip(rows, chosen.ranks, strict=True)]
        return Found(tuple(hits), chosen.total, chosen.corrected)

    def choose(
        self, text: str = "", filters: Filters = _NONE, *, limit: int = 20, offset: int = 0
    ) -> Choice:
        """Return what `search` does, by number."""
        fit = self._fitting(filters)
        typed = words(text)
        if not typed:
            if text.strip():
                return Choice([], [], 0, {})  # only signs: nothing is called that
            return self._listed(fit, limit, offset)
        corrected: dict[str, str] = {}
        asked = [self._lexicon.weights(word) for word in typed]
        every, names = _having(asked, and_, fit)
        if not every:
            corrected = self._corrections(typed, asked)
            if corrected:
                asked = [self._lexicon.weights(corrected.get(word, word)) for word in typed]
                every, names = _having(asked, and_, fit)
            if not every:
                every, names = _having(asked, or_, fit)
        first = self._exact(text, fit)
        if first is not None:
            every = bitmaps.without(every, 1 << first)
        count = every.bit_count()
        total = count + (first is not None)
        found: list[tuple[int, int]] = []
        if first is not None and offset:
            offset -= 1
        elif first is not None:
            found, limit = [(first, _FIRST)], limit - 1
        found += bitmaps.best(self._sums(asked, names), every, count, offset, limit)
        return Choice(
            [one for one, _ in found], [-float(sum) for _, sum in found], total, corrected
        )

    # -- asking ----------------------------------------------------------------------

    def _sums(self, asked: Sequence[Weights], names: int) -> list[int]:
        """Return the planes of the sums of weights, with that of the names above."""
        planes: list[int] = []
        for one in asked:
            if one.many:
                often = one.many / (self._size - 1)
                shift = 2 if often <= _RARE else 1 if often <= _SELDOM else 0
                bitmaps.add(planes, one.planes, shift)
        return [*planes, *[0] * (_NAMES - len(planes)), names]

    def _listed(self, fit: int | None, limit: int, offset: int) -> Choice:
        if fit is None:
            total = len(self)
            numbers = list(range(1 + offset, 1 + min(offset + limit, total)))
        else:
            total = fit.bit_count()
            numbers = bitmaps.numbers_of(fit, offset, limit)
        return Choice(numbers, [0.0] * len(numbers), total, {})

    def _exact(self, text: str, fit: int | None) -> int | None:
        """Return the skill that has the very id that was typed, whatever else matches."""
        id = text.strip().lower()
        if " " in id:
            return None  # as in no id
        rows = self._lexicon.all("SELECT number FROM skill WHERE id = ?", id)
        return rows[0][0] if rows and (fit is None or fit >> rows[0][0] & 1) else None

    def _fitting(self, filters: Filters) -> int | None:
        """Return what fits all filters; None where there is none."""
        wanted = [("kind", filters.kind.lower())] if filters.kind else []
        wanted += [("tag", tag.lower()) for tag in filters.tags]
        wanted += [("permission", _permission(name)) for name in filters.permissions]
        wanted += [("publisher", filters.publisher)] if filters.publisher else []
        sets = [self._lexicon.facet(word, value) for word, value in wanted]
        if filters.min_score is not None:
            sets.append(self._lexicon.judged(filters.min_score))
        fit = reduce(and_, sets) if sets else None
        for name in filters.without:
            before = (1 << self._size) - 2 if fit is None else fit
            fit = bitmaps.without(before, self._lexicon.facet("permission", _permission(name)))
        return fit

    def _corrections(self, typed: Sequence[str], asked: Sequence[Weights]) -> dict[str, str]:
        """Return word → the nearest one that there is, for words that nothing begins with."""
        wrong = [word for word, one in zip(typed, asked, strict=True) if not one.many]
        wrong = [word for word in wrong if typos.forgivable(word)][:_MAX_CORRECTED]
        found = {word: self._lexicon.meant(word) for word in wrong}
        return {word: meant for word, meant in found.items() if meant}


def _having(
    asked: Sequence[Weights], how: Callable[[int, int], int], fit: int | None
) -> tuple[int, int]:
    """Return what has the words, and what has them in names or tags."""
    every = asked[0].every
    for one in asked[1:]:
        if not every and how is and_:
            return 0, 0
        every = how(every, one.every)
    names = reduce(how, [one.names for one in asked])
    return every if fit is None else every & fit, names


def _permission(name: str) -> str:
    return name.replace("-", "_").lower()


def _quoted(path: str) -> str:
    from urllib.parse import quote

    return quote(path)
