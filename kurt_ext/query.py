"""Choose among the candidates by kind, tag, scope, state and words of text.

Up to :data:`SQLITE_FROM` candidates a loop is enough. From there on the
answers come from an SQLite database that is derived from what discovery found
(skills document, scaling considerations); it is a cache, made again whenever
it does not fit, and is never asked on the warm path.
"""

from __future__ import annotations

import marshal
import os

from .names import NAMESPACE_PREFIX
from .places import digest

TYPE_CHECKING = False
if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Sequence

    from .candidates import Candidate
    from .discovery import Discovery

__all__ = ["SQLITE_FROM", "select"]

#: Skills document: "100+ skills: … SQLite index for metadata queries".
SQLITE_FROM = 100

_SCHEMA = """
CREATE TABLE stamp (value TEXT);
CREATE TABLE skill (
    id INTEGER PRIMARY KEY, name TEXT, version TEXT, scope TEXT, location TEXT, summary TEXT
);
CREATE TABLE tag (skill INTEGER, tag TEXT);
CREATE TABLE extension (skill INTEGER, kind TEXT, name TEXT);
CREATE INDEX tag_by_name ON tag (tag);
CREATE INDEX extension_by_kind ON extension (kind);
CREATE VIRTUAL TABLE words USING fts5 (text, tokenize = 'unicode61 remove_diacritics 0');
"""


def select(
    discovery: Discovery,
    *,
    kind: str | None = None,
    tag: str | None = None,
    scope: str | None = None,
    state: str | None = None,
    text: str | None = None,
) -> list[Candidate]:
    """Return the candidates that fit every given wish, in the order of discovery.

    :param kind: they offer an extension of this kind.
    :param text: each of its words begins a word of the name, the title, the
        summary, a tag or an extension's name; case does not matter.
    """
    wanted = _words(text or "")
    chosen: Sequence[Candidate] = discovery.candidates
    if (kind or tag or wanted) and len(chosen) >= SQLITE_FROM:
        chosen = _from_database(discovery, kind, tag, wanted)
    else:
        chosen = [c for c in chosen if _fits(c, kind, tag, wanted)]
    return [c for c in chosen if (scope is None or c.scope == scope) and (state in (None, c.state))]


def _words(text: str) -> list[str]:
    spaced = "".join([c if c.isalnum() else " " for c in text.lower()])
    return spaced.split()


def _text_of(candidate: Candidate) -> str:
    names = [name for _, name, _ in candidate.offers]
    return " ".join([candidate.name, candidate.title, candidate.summary, *candidate.tags, *names])


def _kinds_of(candidate: Candidate) -> set[str]:
    return {group.removeprefix(NAMESPACE_PREFIX) for group, _, _ in candidate.offers}


def _fits(candidate: Candidate, kind: str | None, tag: str | None, wanted: list[str]) -> bool:
    if kind is not None and kind not in _kinds_of(candidate):
        return False
    if tag is not None and tag not in candidate.tags:
        return False
    there = _words(_text_of(candidate)) if wanted else []
    return all(any(word.startswith(start) for word in there) for start in wanted)


def _from_database(
    discovery: Discovery, kind: str | None, tag: str | None, wanted: list[str]
) -> list[Candidate]:
    import sqlite3

    candidates = discovery.candidates
    clauses, values = ["1"], []
    if kind is not None:
        clauses.append("id IN (SELECT skill FROM extension WHERE kind = ?)")
        values.append(kind)
    if tag is not None:
        clauses.append("id IN (SELECT skill FROM tag WHERE tag = ?)")
        values.append(tag)
    if wanted:
        # Words are letters and digits alone here, and quoted: raw text is query syntax.
        clauses.append("id IN (SELECT rowid FROM words WHERE words MATCH ?)")
        values.append(" ".join([f'"{word}"*' for word in wanted]))
    query = f"SELECT id FROM skill WHERE {' AND '.join(clauses)} ORDER BY id"
    try:
        connection = _open(discovery)
        try:
            rows = connection.execute(query, values).fetchall()
        finally:
            connection.close()
    except (sqlite3.Error, OSError):
        # A library without FTS5, or a cache that cannot be written.
        return [c for c in candidates if _fits(c, kind, tag, wanted)]
    return [candidates[number] for (number,) in rows]


def _open(discovery: Discovery) -> sqlite3.Connection:
    """Return the database that fits what was found, making it where there is none."""
    import sqlite3

    places = discovery.places
    fields = [candidate.as_fields() for candidate in discovery.candidates]
    stamp = digest(marshal.dumps(fields, 2))
    name = f"query-{digest(os.fsencode(places.project))}.sqlite"
    path = os.path.join(places.cache, name)
    there = _fitting(path, stamp)
    if there is not None:
        return there
    os.makedirs(places.cache, mode=0o700, exist_ok=True)
    temporary = f"{path}.{os.getpid()}.{os.urandom(4).hex()}"
    try:
        connection = sqlite3.connect(temporary)
        with connection:
            _fill(connection, discovery.candidates, stamp)
        connection.close()
        os.chmod(temporary, 0o600)
        os.replace(temporary, path)
    except BaseException:
        if os.path.exists(temporary):
            os.unlink(temporary)
        raise
    made = _fitting(path, stamp)
    if made is None:
        # Its numbers would mean other candidates.
        raise sqlite3.OperationalError("another process, which sees other skills, was at it too")
    return made


def _fitting(path: str, stamp: str) -> sqlite3.Connection | None:
    """Return the database at a path, if it is of what was found."""
    import sqlite3

    try:
        connection = sqlite3.connect(f"file:{path}?mode=ro", uri=True)
    except sqlite3.Error:
        return None
    try:
        if connection.execute("SELECT value FROM stamp").fetchone() == (stamp,):
            return connection
    except sqlite3.Error:
        pass
    connection.close()
    return None


def _fill(connection: sqlite3.Connection, candidates: Sequence[Candidate], stamp: str) -> None:
    connection.executescript(_SCHEMA)
    connection.execute("INSERT INTO stamp VALUES (?)", (stamp,))
    for number, c in enumerate(candidates):
        row = (number, c.name, c.version, c.scope, c.location, c.summary)
        connection.execute("INSERT INTO skill VALUES (?, ?, ?, ?, ?, ?)", row)
        connection.executemany("INSERT INTO tag VALUES (?, ?)", [(number, t) for t in c.tags])
        connection.executemany(
            "INSERT INTO extension VALUES (?, ?, ?)",
            [(number, group.removeprefix(NAMESPACE_PREFIX), name) for group, name, _ in c.offers],
        )
        text = " ".join(_words(_text_of(c)))
        connection.execute("INSERT INTO words (rowid, text) VALUES (?, ?)", (number, text))
