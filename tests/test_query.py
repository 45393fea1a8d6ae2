from __future__ import annotations

import os
import string

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kurt_ext import query
from kurt_ext.candidates import Candidate
from kurt_ext.config import Config
from kurt_ext.discovery import Discovery
from kurt_ext.places import Places
from kurt_ext.query import SQLITE_FROM, select

WORDS = st.text(string.ascii_letters + string.digits, min_size=1, max_size=6)
TEXT = st.text(string.ascii_letters + string.digits + " -_.:\"'*^()+", max_size=20)


def found(*candidates: Candidate) -> Discovery:
    places = Places()
    return Discovery(places, candidates, (), Config.load(places))


def candidate(number: int, summary: str = "", tags: tuple[str, ...] = ()) -> Candidate:
    return Candidate(
        name=f"skill-{number}",
        title=f"Skill {number}",
        version="1.0.0",
        scope="user" if number % 2 else "project",
        location=f"/skills/{number}",
        dist_info=f"/shim/{number}.dist-info",
        distribution=f"kurt-skill-{number}",
        source="SKILL.md",
        summary=summary,
        tags=tags,
        offers=[("kurt.parser" if number % 3 else "kurt.lexer", f"run-{number}", "m:O")],
    )


MANY = [candidate(n, f"Reads page{n} of books", (f"tag{n % 7}",)) for n in range(SQLITE_FROM + 20)]


@pytest.mark.parametrize(
    ("wish", "expected"),
    [
        ({"tag": "tag3"}, [n for n in range(120) if n % 7 == 3]),
        ({"kind": "lexer"}, [n for n in range(120) if n % 3 == 0]),
        ({"text": "page11"}, [11, 110, 111, 112, 113, 114, 115, 116, 117, 118, 119]),
        ({"text": "BOOKS page7", "kind": "parser"}, [7, 70, 71, 73, 74, 76, 77, 79]),
        ({"text": "run-5 skill-5", "scope": "user"}, [5, 51, 53, 55, 57, 59]),
        ({"tag": "tag"}, []),
        ({"text": "nothing"}, []),
        ({"text": '"'}, list(range(120))),
        ({"state": "broken"}, []),
    ],
)
def test_wishes_are_met_in_order(wish: dict[str, str], expected: list[int]) -> None:
    assert [int(c.name[6:]) for c in select(found(*MANY), **wish)] == expected


@settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=50
)
@given(
    summaries=st.lists(TEXT, min_size=3, max_size=8),
    tags=st.lists(WORDS, max_size=3),
    text=st.none() | TEXT,
    tag=st.none() | WORDS,
)
def test_the_database_answers_as_the_loop_does(
    monkeypatch: pytest.MonkeyPatch,
    summaries: list[str],
    tags: list[str],
    text: str | None,
    tag: str | None,
) -> None:
    things = found(*[candidate(n, s, tuple(tags[: n % 4])) for n, s in enumerate(summaries)])
    monkeypatch.setattr(query, "SQLITE_FROM", 1_000_000)
    slow = select(things, text=text, tag=tag)
    monkeypatch.setattr(query, "SQLITE_FROM", 0)
    assert select(things, text=text, tag=tag) == slow


def test_a_database_that_does_not_fit_is_made_again() -> None:
    things = found(*MANY)
    assert len(select(things, tag="tag1")) == 17
    [name] = [n for n in os.listdir(things.places.cache) if n.endswith(".sqlite")]
    path = os.path.join(things.places.cache, name)
    with open(path, "wb") as file:
        file.write(b"not a database")
    assert len(select(things, tag="tag1")) == 17
    assert len(select(found(*MANY, candidate(500, tags=("tag1",))), tag="tag1")) == 18


def test_a_cache_that_cannot_be_written_changes_no_answer(
    monkeypatch: pytest.MonkeyPatch, project: object
) -> None:
    with open("file", "w"):
        pass
    monkeypatch.setenv("KURT_CACHE", os.path.abspath("file/below"))
    assert len(select(found(*MANY), tag="tag1")) == 17
