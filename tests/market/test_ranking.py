"""A search finds, in their order, what the words of its documentation say."""

from __future__ import annotations

import random
import sqlite3
import string
from contextlib import closing
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kurt_ext.market import digests, postings, typos
from kurt_ext.market.documents.index import Index, Listing
from kurt_ext.market.searching import Catalogue, Filters, build, words

POINTER = {"url": "kurt/v1/x.json", "digest": digests.of_bytes(b""), "size": 1}
META = {
    "api-version": "1.0", "name": "shop", "generated": "2026-11-21T00:00:00Z",
    "expires": "2027-11-21T00:00:00Z", "snapshot": 3,
}  # fmt: skip
VOCABULARY = (
    *("web", "webber", "webs", "archive", "archiver", "archives", "page", "pages", "pager"),
    *("a", "an", "and", "any", "text", "café", "日本語", "x1", "x12", "calculator", "late"),
)
PUBLISHERS = ("acme", "web-house", "page-makers")


def listings(count: int, seed: int, vocabulary: tuple[str, ...] = VOCABULARY) -> list[Listing]:
    """Return made-up skills, in the order of a catalogue."""
    choose = random.Random(seed)
    rows: list[dict[str, Any]] = []
    plain = [word for word in vocabulary if word.isascii()]
    for number in range(count):
        name = "-".join(choose.sample(plain, choose.randint(1, 2)))
        rows.append(
            {
                "id": f"{name}-{number:05}",
                "title": " ".join(choose.choices(vocabulary, k=choose.randint(1, 2))),
                "summary": " ".join(choose.choices(vocabulary, k=choose.randint(0, 6))),
                "tags": choose.sample(["web", "text", "page-turner"], choose.randint(0, 2)),
                "kinds": choose.sample(["kurt.tool", "kurt.engine"], choose.randint(0, 2)),
                "permissions": choose.sample(
                    ["network_hosts", "filesystem_read"], choose.randint(0, 2)
                ),
                "publisher": choose.choice(PUBLISHERS),
                "score": choose.choice([None, 0, 10, 55, 99, 100]),
                "latest": "1.0.0",
                "updated": "2026-11-01T00:00:00Z",
                "downloads": count - number,  # so that the order is that of the numbers
                "detail": POINTER,
            }
        )
    return [Listing.of(row) for row in rows]


def catalogue_of(path: Path, skills: list[Listing]) -> Catalogue:
    publishers = dict.fromkeys(PUBLISHERS, POINTER)
    rows = [one.as_dict() for one in skills]
    index = Index.of({"meta": META, "publishers": publishers, "skills": rows})
    build(str(path), index, digests.of_bytes(b""))
    return Catalogue(str(path))


@cache
def places(id: str, title: str, tags: str, publisher: str, summary: str) -> list[tuple[int, str]]:
    """Return the words of a skill, each with what its place is worth."""
    texts = ((6, f"{id} {title}"), (4, tags), (2, publisher), (1, summary))
    return [(worth, word) for worth, text in texts for word in set(postings.folded(text))]


def weight(word: str, one: Listing) -> int:
    """Return what a word weighs in a skill, as the documentation has it."""
    found = places(one.id, one.title, " ".join(one.tags), one.publisher, one.summary)
    return max(
        [worth + (other == word) for worth, other in found if other.startswith(word)], default=0
    )


def fits(one: Listing, filters: Filters) -> bool:
    kinds = {kind.rpartition(".")[2] for kind in one.kinds}
    return (
        (filters.kind is None or filters.kind in kinds)
        and set(filters.tags) <= set(one.tags)
        and set(filters.permissions) <= set(one.permissions)
        and not set(filters.without) & set(one.permissions)
        and (
            filters.min_score is None or (one.score is not None and one.score >= filters.min_score)
        )
        and (filters.publisher is None or filters.publisher == one.publisher)
    )


def expected(skills: list[Listing], text: str, filters: Filters) -> list[int]:
    """Return the numbers of what is to be found, the best first; without corrections."""
    asked = words(text)
    weights = [[weight(word, one) for word in asked] for one in skills]
    often = [sum(1 for row in weights if row[at]) / len(skills) for at in range(len(asked))]
    factors = [4 if share <= 0.01 else 2 if share <= 0.1 else 1 for share in often]
    chosen = [number for number, one in enumerate(skills) if fits(one, filters)]
    for how in (all, any):
        ranked = [
            (
                skills[number].id != text.strip().lower(),
                not how(value >= 4 for value in weights[number]),
                -sum(
                    value * factor for value, factor in zip(weights[number], factors, strict=True)
                ),
                number + 1,
            )
            for number in chosen
            if how(weights[number]) or skills[number].id == text.strip().lower()
        ]
        if ranked:
            return [number for *_, number in sorted(ranked)]
    return []


# Of all sizes: sets are stored as lists, as bits, and joined for the beginnings of words.
@pytest.fixture(scope="module", params=[(40, 1), (700, 2)])
def shop(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Any:
    skills = listings(*request.param)
    found = catalogue_of(tmp_path_factory.mktemp("shop") / "c.sqlite", skills)
    yield skills, found
    found.close()


TYPED = st.sampled_from(
    [word[:end] for word in VOCABULARY for end in range(1, len(word) + 1)]
) | st.sampled_from(["acme", "house", "makers", "0", "00", "0001", "00012", "turner"])
TEXTS = st.lists(TYPED, min_size=1, max_size=4).map(" ".join)
FILTERS = st.builds(
    Filters,
    kind=st.none() | st.sampled_from(["tool", "engine", "none"]),
    tags=st.lists(st.sampled_from(["web", "text", "none"]), max_size=2),
    permissions=st.lists(st.sampled_from(["network_hosts", "filesystem_read"]), max_size=2),
    without=st.lists(st.sampled_from(["network_hosts", "none"]), max_size=1),
    min_score=st.none() | st.sampled_from([-1, 0, 0.5, 10, 54.5, 100, 101, float("nan")]),
    publisher=st.none() | st.sampled_from([*PUBLISHERS, "nobody"]),
)


@given(text=TEXTS, filters=st.just(Filters()) | FILTERS, offset=st.integers(0, 60))
@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_the_order_is_the_one_that_is_documented(
    shop: tuple[list[Listing], Catalogue], text: str, filters: Filters, offset: int
) -> None:
    skills, catalogue = shop
    numbers = expected(skills, text, filters)
    found = catalogue.choose(text, filters, limit=30, offset=offset)
    if found.corrected:
        text = " ".join([found.corrected.get(word, word) for word in words(text)])
        numbers = expected(skills, text, filters)
    assert found.numbers == numbers[offset : offset + 30]
    assert found.total == len(numbers)
    assert found.ranks == sorted(found.ranks)


def test_an_id_that_is_typed_comes_first_on_the_first_page_alone(
    shop: tuple[list[Listing], Catalogue],
) -> None:
    skills, catalogue = shop
    for text in (skills[3].id, skills[-1].id.upper()):
        numbers = expected(skills, text, Filters())
        pages = [catalogue.choose(text, limit=3, offset=at) for at in range(0, 9, 3)]
        assert [number for page in pages for number in page.numbers] == numbers[:9]
        assert pages[0].ranks == sorted(pages[0].ranks)
        assert skills[numbers[0] - 1].id == text.lower()


def test_what_is_read_for_the_beginning_of_a_word_is_bounded(
    shop: tuple[list[Listing], Catalogue],
) -> None:
    skills, catalogue = shop
    with closing(sqlite3.connect(catalogue.path)) as connection:
        terms = dict(connection.execute("SELECT word, length(skills) FROM term"))
        stems = {word for (word,) in connection.execute("SELECT word FROM stem")}
    beginnings = {term[:end] for term in terms for end in range(1, len(term))}
    for beginning in beginnings - stems:
        sizes = [size for term, size in terms.items() if term.startswith(beginning)]
        assert sum(sizes) // 4 <= 2000 and len(sizes) <= 250
    assert bool(stems) == (len(skills) > 100) and stems <= beginnings


@given(text=st.text(string.ascii_lowercase + "é日 9", max_size=90))
def test_what_is_looked_for_is_bounded(text: str) -> None:
    assert len(words(text)) <= 16 and all(len(word) <= 64 for word in words(text))


# -- typing errors -------------------------------------------------------------------

LETTERS = "abcde"
WORD = st.text(LETTERS, min_size=3, max_size=13)


def wrong(word: str, choose: random.Random) -> str:
    """Return a word with one error in it."""
    at = choose.randrange(len(word))
    letter = choose.choice(LETTERS)
    forms = [
        word[:at] + word[at + 1 :],
        word[:at] + letter + word[at:],
        word[:at] + letter + word[at + 1 :],
        word[:at] + word[at + 1 : at + 2] + word[at] + word[at + 2 :],
    ]
    return choose.choice(forms)


@given(term=WORD, seed=st.integers(0, 1 << 20))
def test_a_word_is_filed_where_each_of_its_errors_is_looked_up(term: str, seed: int) -> None:
    choose = random.Random(seed)
    typed = wrong(wrong(term, choose), choose)
    if typos.forgivable(typed) and typos.distance(typed, term, 2) <= typos.allowed(typed):
        assert typos.keys_of_term(term) & typos.keys_of_typed(typed)


@given(one=WORD, other=WORD, limit=st.integers(1, 3))
def test_a_distance_is_the_same_both_ways_and_bounded(one: str, other: str, limit: int) -> None:
    found = typos.distance(one, other, limit)
    assert found == typos.distance(other, one, limit) <= limit + 1
    assert (found == 0) == (one == other)
    assert found == min(limit + 1, typos.distance(one, other, 20))


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("calclatr", "calculator"),  # two missing
        ("kalculatro", "calculator"),  # wrong, swapped
        ("calxulatr", "calculator"),  # wrong and missing
        ("ccalculatorr", "calculator"),
        ("aclculatr", "calculator"),
        ("clculatr", "calculator"),
        ("archvier", "archiver"),
        ("achivr", None),  # two, in a word of six letters
        ("kalkulatro", None),  # three
    ],
)
def test_two_errors_are_forgiven_in_a_long_word(
    tmp_path: Path, typed: str, meant: str | None
) -> None:
    rows = [
        one.model_copy(update={"id": f"x-{one.id}"}) for one in listings(1, 1, ("none", "some"))
    ]
    names = ("calculator", "archiver")
    skills = [rows[0].model_copy(update={"id": name, "title": name}) for name in names]
    catalogue = catalogue_of(tmp_path / "c.sqlite", skills)
    found = catalogue.search(typed)
    catalogue.close()
    assert found.corrected == ({typed: meant} if meant else {})
    assert [hit.listing["id"] for hit in found.hits] == ([meant] if meant else [])


def test_of_words_as_near_one_of_names_is_meant_then_the_more_frequent(tmp_path: Path) -> None:
    (one,) = listings(1, 1, ("some", "words"))

    def skill(id: str, title: str, summary: str) -> Listing:
        return one.model_copy(update={"id": id, "title": title, "summary": summary})

    skills = [
        skill("a", "Wooden", "harden warden"),
        skill("b", "Garden", "harden warden"),
        skill("c", "Boat", "harden sailing"),
        skill("d", "Boats", "failing sailing"),
    ]
    catalogue = catalogue_of(tmp_path / "c.sqlite", skills)
    assert catalogue.search("xarden").corrected == {"xarden": "garden"}
    assert catalogue.search("xailing").corrected == {"xailing": "sailing"}
    catalogue.close()
