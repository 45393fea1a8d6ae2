"""Search a market's index on this machine: ranked, filtered, and with typing errors forgiven.

A catalogue is an SQLite file that is made of one index and never changed. What a user
types is taken apart into words of letters and digits, and each is quoted: no part of
it is ever read as query syntax. Rows are numbered by how good they are (looked after,
downloaded, well judged, recent), so that the first of many matches are the better ones,
and no more than :data:`RANKED` of them are weighed.
"""

from __future__ import annotations

import json
import os
import sqlite3
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from ..errors import StorageError

if TYPE_CHECKING:
    from .documents import Index, Listing

__all__ = ["RANKED", "Catalogue", "Found", "Hit", "build", "words"]

#: Matches that are ranked; of more, the better ones by number.
RANKED = 2000
_MAX_WORDS = 16
_MAX_WORD = 64
_SHORTEST = 3  # of a word in which an error is forgiven
_LONGEST = 32
_LONG = 8  # from this length on two errors are, unless a letter is missing and another wrong
_SCHEMA = """
PRAGMA journal_mode = OFF;
PRAGMA synchronous = OFF;
CREATE TABLE about (key TEXT PRIMARY KEY, value TEXT) WITHOUT ROWID;
CREATE TABLE skill (
    number INTEGER PRIMARY KEY, id TEXT UNIQUE, slug TEXT, score INTEGER, publisher TEXT, row TEXT
);
CREATE TABLE facet (word TEXT, value TEXT, skill INTEGER,
                    PRIMARY KEY (word, value, skill)) WITHOUT ROWID;
CREATE VIRTUAL TABLE words USING fts5 (
    id, title, tags, summary, publisher,
    content = '', prefix = '2 3', tokenize = 'unicode61 remove_diacritics 2'
);
CREATE TABLE typo (key TEXT, term TEXT, PRIMARY KEY (key, term)) WITHOUT ROWID;
"""
#: What a filter asks of the number of a skill. Not as `IN`: each number of the facet would
#: be looked for among the words, where here each match is looked up in the facet.
_FACET = "EXISTS (SELECT 1 FROM facet AS f WHERE f.word = ? AND f.value = ? AND f.skill = {})"
_OF_SKILL = "EXISTS (SELECT 1 FROM skill AS s WHERE s.number = {{}} AND s.{})"
#: Weights of id, title, tags, summary and publisher.
_WEIGHTS = "10.0, 8.0, 5.0, 1.0, 2.0"


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
    :param total: how many there are, counted up to :data:`RANKED`.
    :param corrected: word as it was typed → as it was taken.
    """

    hits: tuple[Hit, ...]
    total: int
    corrected: dict[str, str]


def words(text: str) -> list[str]:
    """Return the words of a text as the catalogue has them: letters and digits, folded."""
    plain = "".join(
        [c for c in unicodedata.normalize("NFKD", text.lower()) if not unicodedata.combining(c)]
    )
    spaced = "".join([c if c.isalnum() else " " for c in plain])
    return [word[:_MAX_WORD] for word in dict.fromkeys(spaced.split())][:_MAX_WORDS]


def build(path: str, index: Index, digest: str, *, key: str = "") -> None:
    """Write the catalogue of an index; the file appears whole.

    :param digest: of the index's bytes, by which the catalogue is known to fit.
    :param key: the id of the key that has signed it, to be remembered.
    :raises StorageError: when it cannot be written.
    """
    temporary = f"{path}.{os.getpid()}.{os.urandom(4).hex()}.tmp"
    try:
        os.makedirs(os.path.dirname(path), mode=0o700, exist_ok=True)
        connection = sqlite3.connect(temporary)
        try:
            connection.executescript(_SCHEMA)
            with connection:
                _fill(connection, index, digest, key)
        finally:
            connection.close()
        os.chmod(temporary, 0o600)
        os.replace(temporary, path)
    except (sqlite3.Error, OSError) as error:
        raise StorageError(
            "the catalogue of the market cannot be written", cause=str(error), at=path
        ) from error
    finally:
        if os.path.exists(temporary):
            os.unlink(temporary)


def _fill(connection: sqlite3.Connection, index: Index, digest: str, key: str) -> None:
    from ..names import slug

    ordered = sorted(index.skills, key=_quality)
    meta = json.dumps(index.meta.as_dict())
    publishers = json.dumps({name: one.as_dict() for name, one in index.publishers.items()})
    about = {"digest": digest, "meta": meta, "publishers": publishers, "skills": len(ordered)}
    about["key"] = key
    connection.executemany("INSERT INTO about VALUES (?, ?)", about.items())
    connection.executemany(
        "INSERT INTO skill VALUES (?, ?, ?, ?, ?, ?)",
        [
            (number, one.id, slug(one.id), one.score, one.publisher, json.dumps(one.as_dict()))
            for number, one in enumerate(ordered, 1)
        ],
    )
    connection.executemany(
        "INSERT OR IGNORE INTO facet VALUES (?, ?, ?)",
        [
            (word, value, number)
            for number, one in enumerate(ordered, 1)
            for word, value in _facets(one)
        ],
    )
    connection.executemany(
        "INSERT INTO words (rowid, id, title, tags, summary, publisher) VALUES (?, ?, ?, ?, ?, ?)",
        [
            (number, one.id, one.title, " ".join(one.tags), one.summary, one.publisher)
            for number, one in enumerate(ordered, 1)
        ],
    )
    connection.execute("INSERT INTO words (words) VALUES ('optimize')")
    named: set[str] = set()
    for one in ordered:
        named.update(words(f"{one.id} {one.title} {' '.join(one.tags)}"))
        named.update(words(one.summary))
    rows = ((key, term) for term in sorted(named) if _forgivable(term) for key in _deletes(term))
    connection.executemany("INSERT OR IGNORE INTO typo VALUES (?, ?)", rows)


def _quality(one: Listing) -> tuple[Any, ...]:
    live = one.status == "active" and one.latest is not None
    return (not live, -(one.downloads or 0), -(one.score or 0), _reversed(one.updated), one.id)


def _reversed(time: str) -> tuple[int, ...]:
    return tuple([-ord(c) for c in time])


def _facets(one: Listing) -> Iterator[tuple[str, str]]:
    kinds = [kind.rpartition(".")[2] for kind in one.kinds]
    for kind in {*kinds, one.type or ""}:
        yield "kind", kind.lower()
    for tag in one.tags:
        yield "tag", tag.lower()
    for permission in one.permissions:
        yield "permission", permission.replace("-", "_").lower()


def _forgivable(term: str) -> bool:
    return _SHORTEST <= len(term) <= _LONGEST and not term.isdigit()


def _deletes(term: str) -> set[str]:
    """Return a word and what it is without one of its letters."""
    return {term, *(term[:at] + term[at + 1 :] for at in range(len(term)))}


class Catalogue:
    """An open catalogue; of one thread at a time.

    :param path: what `build` has written.
    :raises StorageError: when it is none, or damaged.
    """

    def __init__(self, path: str) -> None:
        self.path = path
        try:
            # Immutable: no lock is taken, nor is a journal looked for, of what never changes.
            uri = f"file:{_quoted(path)}?mode=ro&immutable=1"
            self._connection = sqlite3.connect(uri, uri=True, check_same_thread=False)
            self.about = dict(self._connection.execute("SELECT key, value FROM about"))
            self.digest: str = self.about["digest"]
        except (sqlite3.Error, KeyError) as error:
            raise StorageError(
                "the catalogue of the market cannot be read", cause=str(error), at=path
            ) from error

    def close(self) -> None:
        """Close the file."""
        self._connection.close()

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
        return int(self.about["skills"])

    def listing(self, id: str) -> dict[str, Any] | None:
        """Return the row of a skill in the index; None where there is none of that id."""
        row = self._one("SELECT row FROM skill WHERE id = ?", id) if id.isascii() else None
        return None if row is None else json.loads(row)

    def ids(self) -> list[str]:
        """Return the ids of all skills, the better ones first."""
        return [id for (id,) in self._all("SELECT id FROM skill ORDER BY number")]

    def values(self, word: str, limit: int = 50) -> list[str]:
        """Return the values of a facet, those of most skills first.

        :param word: ``kind``, ``tag`` or ``permission``.
        """
        rows = self._all(
            "SELECT value FROM facet WHERE word = ? GROUP BY value"
            " ORDER BY count(*) DESC, value LIMIT ?",
            word,
            limit,
        )
        return [value for (value,) in rows]

    def near(self, name: str, limit: int = 3) -> list[str]:
        """Return ids that a name may have been meant for, the nearest first."""
        hits = self.search(name, limit=50).hits
        ids = [hit.listing["id"] for hit in hits]
        ids.sort(key=lambda id: (_distance(name.lower(), id, 8), id))
        return ids[:limit]

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
        :param kind: what they offer, in a word.
        :param tags: all of which they have.
        :param permissions: all of which they ask for; ``without``: none of which.
        """
        clauses, values = _filters(kind, tags, permissions, without, min_score, publisher)
        typed = words(text)
        if not typed:
            if text.strip():
                return Found((), 0, {})  # only signs: nothing is called that
            return self._listed(clauses, values, limit, offset)
        corrected: dict[str, str] = {}
        numbers = self._matching(_every(typed), clauses, values)
        if not numbers:
            corrected = self._corrections(typed)
            meant = [corrected.get(word, word) for word in typed]
            if corrected:
                numbers = self._matching(_every(meant), clauses, values)
            if not numbers and len(meant) > 1:
                numbers = self._matching(_any(meant), clauses, values)
            typed = meant
        exact = self._exact(text, clauses, values)
        if exact is not None:
            numbers = [exact, *(one for one in numbers if one[0] != exact[0])]
        chosen = numbers[offset : offset + limit]
        return Found(tuple(self._hits(chosen)), len(numbers), corrected)

    # -- asking ----------------------------------------------------------------------

    def _matching(
        self, query: str, clauses: Sequence[str], values: Sequence[Any]
    ) -> list[tuple[int, float]]:
        """Return (number, rank) of what matches; matches of names come before all others."""
        ranked = self._ranked(f"{{id title tags}} : ({query})", clauses, values)
        if len(ranked) < RANKED:
            seen = {number for number, _ in ranked}
            for number, rank in self._ranked(query, clauses, values):
                if number not in seen:
                    ranked.append((number, rank))
        return ranked[:RANKED]

    def _ranked(
        self, query: str, clauses: Sequence[str], values: Sequence[Any]
    ) -> list[tuple[int, float]]:
        where = "".join([f" AND {clause.format('words.rowid')}" for clause in clauses])
        last = self._one(
            f"SELECT max(rowid) FROM (SELECT rowid FROM words WHERE words MATCH ?{where}"
            f" ORDER BY rowid LIMIT {RANKED})",
            query,
            *values,
        )
        if last is None:
            return []
        return self._all(
            f"SELECT rowid, bm25(words, {_WEIGHTS}) AS rank FROM words"
            f" WHERE words MATCH ? AND rowid <= ?{where} ORDER BY rank, rowid",
            query,
            last,
            *values,
        )

    def _listed(
        self, clauses: Sequence[str], values: Sequence[Any], limit: int, offset: int
    ) -> Found:
        # The first facet is read in the order of the numbers, so that the rest is not.
        leading = bool(clauses) and clauses[0] == _FACET
        source, number = ("facet", "skill") if leading else ("skill", "number")
        rest = [clause.format(f"{source}.{number}") for clause in clauses[leading:]]
        where = " AND ".join([*(["word = ? AND value = ?"] if leading else []), *rest]) or "1"
        rows = self._all(
            f"SELECT {number} FROM {source} WHERE {where} ORDER BY {number} LIMIT ?",
            *values,
            max(RANKED, offset + limit),
        )
        chosen = [(number, 0.0) for (number,) in rows[offset : offset + limit]]
        total = len(rows) if clauses else len(self)
        return Found(tuple(self._hits(chosen)), total, {})

    def _exact(
        self, text: str, clauses: Sequence[str], values: Sequence[Any]
    ) -> tuple[int, float] | None:
        """Return the skill that has the very id that was typed, whatever else matches."""
        if not text.isascii():
            return None
        where = "".join([f" AND {clause.format('skill.number')}" for clause in clauses])
        number = self._one(
            f"SELECT number FROM skill WHERE id = ?{where}", text.strip().lower(), *values
        )
        return None if number is None else (number, float("-inf"))

    def _hits(self, chosen: Iterable[tuple[int, float]]) -> Iterator[Hit]:
        for number, rank in chosen:
            row = self._one("SELECT row FROM skill WHERE number = ?", number)
            yield Hit(json.loads(row), rank if rank > float("-inf") else -1e9)

    def _corrections(self, typed: Sequence[str]) -> dict[str, str]:
        """Return word → the nearest one that there is, for words that nothing begins with."""
        found = {}
        for word in typed:
            if not _forgivable(word) or self._begins(word):
                continue
            allowed = 2 if len(word) >= _LONG else 1
            keys = _deletes(word)
            if allowed == 2:
                keys |= {shorter for key in tuple(keys) for shorter in _deletes(key)}
            marks = ", ".join("?" * len(keys))
            terms = self._all(f"SELECT DISTINCT term FROM typo WHERE key IN ({marks})", *keys)
            near = sorted([(_distance(word, term, allowed), term) for (term,) in terms])
            if near and near[0][0] <= allowed:
                found[word] = near[0][1]
        return found

    def _begins(self, word: str) -> bool:
        query = _every([word])
        return self._one("SELECT rowid FROM words WHERE words MATCH ? LIMIT 1", query) is not None

    def _one(self, query: str, *values: Any) -> Any:
        rows = self._all(query, *values)
        return rows[0][0] if rows else None

    def _all(self, query: str, *values: Any) -> list[tuple[Any, ...]]:
        try:
            return self._connection.execute(query, values).fetchall()
        except sqlite3.Error as error:
            raise StorageError(
                "the catalogue of the market cannot be read", cause=str(error), at=self.path
            ) from error


def _every(typed: Sequence[str]) -> str:
    """Return the query for rows that have a word beginning with each of these."""
    return " AND ".join([f'"{word}"*' for word in typed])


def _any(typed: Sequence[str]) -> str:
    return " OR ".join([f'"{word}"*' for word in typed])


def _filters(
    kind: str | None,
    tags: Sequence[str],
    permissions: Sequence[str],
    without: Sequence[str],
    min_score: float | None,
    publisher: str | None,
) -> tuple[list[str], list[Any]]:
    """Return conditions, ``{}`` for the number of a skill, and the values in them."""
    clauses: list[str] = []
    values: list[Any] = []
    wanted = [("kind", kind)] if kind else []
    wanted += [("tag", tag) for tag in tags]
    wanted += [("permission", name.replace("-", "_")) for name in permissions]
    for word, value in wanted:
        clauses.append(_FACET)
        values += [word, str(value).lower()]
    for name in without:
        clauses.append(f"NOT {_FACET}")
        values += ["permission", name.replace("-", "_").lower()]
    if min_score is not None:
        clauses.append(_OF_SKILL.format("score >= ?"))
        values.append(min_score)
    if publisher:
        clauses.append(_OF_SKILL.format("publisher = ?"))
        values.append(publisher)
    return clauses, values


def _distance(one: str, other: str, limit: int) -> int:
    """Return how many letters are to be changed, added, left out or swapped; at most limit + 1."""
    if abs(len(one) - len(other)) > limit:
        return limit + 1
    above: list[int] = []
    row = list(range(len(other) + 1))
    for at, letter in enumerate(one, 1):
        below = [at]
        for to, another in enumerate(other, 1):
            cost = min(row[to] + 1, below[-1] + 1, row[to - 1] + (letter != another))
            swapped = at > 1 and to > 1 and letter == other[to - 2] and one[at - 2] == another
            below.append(min(cost, above[to - 2] + 1) if swapped else cost)
        if min(below) > limit:
            return limit + 1
        above, row = row, below
    return min(row[-1], limit + 1)


def _quoted(path: str) -> str:
    from urllib.parse import quote

    return quote(path)
