"""Write the catalogue of an index: an SQLite file that is made once, and never changed.

Skills are numbered from 1 by how good they are: looked after, downloaded, well judged,
recent. Of what matches equally well the lower number comes first, in every search.
"""

from __future__ import annotations

import json
import os
import sqlite3
from array import array
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

from ..errors import StorageError
from . import postings, typos
from .postings import NAME, PUBLISHER, SUMMARY, TAG

if TYPE_CHECKING:
    from .documents.index import Index, Listing

__all__ = ["FORMAT", "build"]

#: What is written here can be read by a program that knows this word.
FORMAT = "2"
_SCHEMA = """
PRAGMA journal_mode = OFF;
PRAGMA synchronous = OFF;
PRAGMA cache_size = -65536;
CREATE TABLE about (key TEXT PRIMARY KEY, value TEXT) WITHOUT ROWID;
CREATE TABLE skill (number INTEGER PRIMARY KEY, id TEXT, row TEXT);
CREATE TABLE facet (word TEXT, value TEXT, count INTEGER, skills BLOB);
CREATE TABLE term (
    number INTEGER PRIMARY KEY, word TEXT, named INTEGER, count INTEGER, skills BLOB
);
CREATE TABLE stem (word TEXT, skills BLOB);
CREATE TABLE typo (key INTEGER, term INTEGER, PRIMARY KEY (key, term)) WITHOUT ROWID;
"""
_INDEXES = """
CREATE UNIQUE INDEX skill_by_id ON skill (id);
CREATE UNIQUE INDEX facet_by_value ON facet (word, value);
CREATE UNIQUE INDEX term_by_word ON term (word);
CREATE UNIQUE INDEX stem_by_word ON stem (word);
"""


def build(path: str, index: Index, digest: str, *, key: str = "") -> None:
    """Write the catalogue of an index; the file appears whole.

    :param digest: of the index's bytes, by which the catalogue is known to fit.
    :param key: the id of the key that has signed it, to be remembered.
    :raises StorageError: when it cannot be written.
    """
    temporary = f"{path}.{os.getpid()}.{os.urandom(4).hex()}.tmp"
    try:
        os.makedirs(os.path.dirname(os.path.abspath(path)), mode=0o700, exist_ok=True)
        connection = sqlite3.connect(temporary)
        try:
            connection.executescript(_SCHEMA)
            with connection:
                _fill(connection, index, digest, key)
            connection.executescript(_INDEXES)
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
    ordered = sorted(index.skills, key=_quality)
    meta = json.dumps(index.meta.as_dict())
    publishers = json.dumps({name: one.as_dict() for name, one in index.publishers.items()})
    about = {"digest": digest, "meta": meta, "publishers": publishers, "skills": len(ordered)}
    about |= {"key": key, "format": FORMAT}
    connection.executemany("INSERT INTO about VALUES (?, ?)", about.items())
    connection.executemany(
        "INSERT INTO skill VALUES (?, ?, ?)",
        ((number, one.id, json.dumps(one.as_dict())) for number, one in enumerate(ordered, 1)),
    )
    connection.executemany("INSERT INTO facet VALUES (?, ?, ?, ?)", _facets(ordered))
    _write_words(connection, ordered)


def _quality(one: Listing) -> tuple[Any, ...]:
    live = one.status == "active" and one.latest is not None
    later = tuple([-ord(c) for c in one.updated])
    return (not live, -(one.downloads or 0), -(one.score or 0), later, one.id)


# -- facets --------------------------------------------------------------------------


def _facets(ordered: list[Listing]) -> Iterator[tuple[str, str, int, bytes]]:
    size = len(ordered) + 1
    found: dict[tuple[str, str], array[int]] = {}
    scores: dict[int, list[int]] = {}
    for number, one in enumerate(ordered, 1):
        for facet in _facets_of(one):
            found.setdefault(facet, array("I")).append(number << 2)
        if one.score is not None:
            scores.setdefault(one.score, []).append(number << 2)
    for (word, value), entries in found.items():
        yield word, value, len(entries), postings.encode(entries, size)
    above = array("I")
    for score in sorted(scores, reverse=True):  # each has those that are judged better, too
        above.extend(scores[score])
        yield "score", f"{score:03}", len(above), postings.encode(above, size)


def _facets_of(one: Listing) -> set[tuple[str, str]]:
    kinds = [kind.rpartition(".")[2] for kind in one.kinds]
    found = {("kind", kind.lower()) for kind in (*kinds, one.type or "")}
    found |= {("tag", tag.lower()) for tag in one.tags}
    found |= {("permission", name.replace("-", "_").lower()) for name in one.permissions}
    found.add(("publisher", one.publisher))
    return found


# -- words ---------------------------------------------------------------------------


def _write_words(connection: sqlite3.Connection, ordered: list[Listing]) -> None:
    size = len(ordered) + 1
    entries: dict[str, array[int]] = {}
    named: set[str] = set()
    for number, one in enumerate(ordered, 1):
        places = _places(one)
        for word, place in places.items():
            found = entries.get(word)
            if found is None:
                found = entries[word] = array("I")
            found.append(number << 2 | place)
            if place != PUBLISHER:
                named.add(word)
    terms = sorted(entries)
    rows = {term: postings.encode(entries[term], size) for term in terms}
    connection.executemany(
        "INSERT INTO term VALUES (?, ?, ?, ?, ?)",
        (
            (at, term, _named(entries[term]), len(entries[term]), rows[term])
            for at, term in enumerate(terms)
        ),
    )
    connection.executemany(
        "INSERT INTO stem VALUES (?, ?)",
        ((stem, postings.encode_sets(sets)) for stem, sets in postings.stems(terms, rows, size)),
    )
    connection.executemany("INSERT INTO typo VALUES (?, ?)", _typos(terms, named))


def _named(entries: array[int]) -> int:
    """Return how many have a word in a name or a tag."""
    return sum([(entry & 3) >= TAG for entry in entries])


def _places(one: Listing) -> dict[str, int]:
    """Return the words of a skill, each with the best place it is in."""
    found = dict.fromkeys(postings.folded(one.summary), SUMMARY)
    found.update(dict.fromkeys(postings.folded(one.publisher), PUBLISHER))
    found.update(dict.fromkeys(postings.folded(" ".join(one.tags)), TAG))
    found.update(dict.fromkeys(postings.folded(f"{one.id} {one.title}"), NAME))
    return found


def _typos(terms: Iterable[str], named: set[str]) -> Iterable[tuple[int, int]]:
    found = [
        (key, at)
        for at, term in enumerate(terms)
        if term in named and typos.forgivable(term)
        for key in typos.keys_of_term(term)
    ]
    found.sort()  # in the order of the file, which is then written once
    return found
