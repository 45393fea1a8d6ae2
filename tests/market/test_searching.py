"""What is looked for is found, whatever is typed."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from kurt_ext.errors import StorageError
from kurt_ext.market import digests
from kurt_ext.market.documents.index import Index
from kurt_ext.market.searching import Catalogue, build

POINTER = {"url": "kurt/v1/x.json", "digest": digests.of_bytes(b""), "size": 1}
NONE = digests.of_bytes(b"")


def row(id: str, title: str = "", **more: Any) -> dict[str, Any]:
    return {
        "id": id,
        "title": title or id,
        "summary": "",
        "publisher": "acme",
        "latest": "1.0.0",
        "updated": "2026-11-01T00:00:00Z",
        "detail": POINTER,
        **more,
    }


ROWS = [
    row("web-archiver", summary="Keeps a copy of a web page.", tags=["web", "archive"], score=90,
        kinds=["kurt.tool"], type="tool", permissions=["network_hosts", "filesystem_write"]),
    row("page-keeper", "Page keeper", summary="An archiver of pages on the web.", score=70,
        kinds=["kurt.engine"], tags=["web"], permissions=["network_hosts"]),
    row("com.example.calculator", "Calculator", summary="Works out sums.", tags=["math"], score=100,
        kinds=["kurt.tool"], downloads=500),
    row("cafe-finder", "Café finder", summary="Find a café near you, in C++ or 日本語.", score=50),
    row("old-calculator", "Calculator of old", summary="Works out sums.", status="deprecated",
        score=100, downloads=900),
    row("withdrawn", "Calculator withdrawn", latest=None),
]  # fmt: skip


@pytest.fixture(scope="module")
def catalogue(tmp_path_factory: pytest.TempPathFactory) -> Any:
    path = tmp_path_factory.mktemp("market") / "catalogue ?#.sqlite"
    meta = {
        "api-version": "1.0", "name": "shop", "generated": "2026-11-21T00:00:00Z",
        "expires": "2027-11-21T00:00:00Z", "snapshot": 3,
    }  # fmt: skip
    build(
        str(path), Index.of({"meta": meta, "publishers": {"acme": POINTER}, "skills": ROWS}), NONE
    )
    found = Catalogue(str(path))
    yield found
    found.close()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("web-archiver", ["web-archiver", "page-keeper"]),
        ("WEB Archiver", ["web-archiver", "page-keeper"]),
        ("archiver", ["web-archiver", "page-keeper"]),
        ("arch", ["web-archiver", "page-keeper"]),
        ("com.example.calculator", ["com.example.calculator"]),
        ("sums", ["com.example.calculator", "old-calculator"]),
        ("cafe", ["cafe-finder"]),
        ("café", ["cafe-finder"]),
        ("C++", ["com.example.calculator", "cafe-finder", "old-calculator", "withdrawn"]),
        ("日本語", ["cafe-finder"]),
        ("acme keeper", ["page-keeper"]),
        ("AND", []),
        ("zebra", []),
        ("+-*/", []),
        ('"', []),
    ],
)
def test_words_find_what_begins_with_them(
    catalogue: Catalogue, text: str, expected: list[str]
) -> None:
    found = [hit.listing["id"] for hit in catalogue.search(text).hits]
    assert found[:1] == expected[:1]
    assert set(expected) <= set(found) if expected else found == []


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("rchiver", "archiver"),
        ("acrhiver", "archiver"),
        ("archhiver", "archiver"),
        ("arkhiver", "archiver"),
        ("calcluator", "calculator"),
        ("kalculatoor", "calculator"),
        ("keepre", "keeper"),
    ],
)
def test_typing_errors_are_forgiven_and_told(catalogue: Catalogue, typed: str, meant: str) -> None:
    found = catalogue.search(typed)
    assert found.corrected == {typed: meant}
    assert found.hits == catalogue.search(meant).hits


def test_a_word_that_matches_is_not_corrected(catalogue: Catalogue) -> None:
    found = catalogue.search("webb archiver")
    assert found.corrected == {"webb": "web"}
    assert catalogue.search("web archiver").corrected == {}


def test_words_that_no_skill_has_together_find_those_that_have_one(catalogue: Catalogue) -> None:
    found = {hit.listing["id"] for hit in catalogue.search("calculator cafe").hits}
    assert found == {"com.example.calculator", "old-calculator", "cafe-finder", "withdrawn"}


@pytest.mark.parametrize(
    ("filters", "expected"),
    [
        ({"kind": "tool"}, {"web-archiver", "com.example.calculator"}),
        ({"kind": "engine"}, {"page-keeper"}),
        ({"kind": "Tool", "min_score": 95}, {"com.example.calculator"}),
        ({"tags": ["web"]}, {"web-archiver", "page-keeper"}),
        ({"tags": ["web", "archive"]}, {"web-archiver"}),
        ({"permissions": ["network-hosts"]}, {"web-archiver", "page-keeper"}),
        ({"permissions": ["network_hosts"], "without": ["filesystem_write"]}, {"page-keeper"}),
        ({"min_score": 100}, {"com.example.calculator", "old-calculator"}),
        ({"publisher": "nobody"}, set()),
        ({"kind": "tool' OR 1=1 --"}, set()),
        ({}, {one["id"] for one in ROWS}),
    ],
)
def test_filters_narrow_with_words_and_without(
    catalogue: Catalogue, filters: dict[str, Any], expected: set[str]
) -> None:
    found = catalogue.search("", **filters)
    assert {hit.listing["id"] for hit in found.hits} == expected
    assert found.total == len(expected)
    some = {hit.listing["id"] for hit in catalogue.search("calculator", **filters).hits}
    assert some == {id for id in expected if "calculator" in id or id == "withdrawn"}


def test_what_is_looked_after_comes_before_what_is_not(catalogue: Catalogue) -> None:
    assert catalogue.ids()[0] == "com.example.calculator"
    assert catalogue.ids()[-1] in ("withdrawn", "old-calculator")
    hits = [hit.listing["id"] for hit in catalogue.search("calculator").hits]
    assert hits.index("com.example.calculator") < hits.index("old-calculator")


def test_pages_follow_each_other(catalogue: Catalogue) -> None:
    whole = [hit.listing["id"] for hit in catalogue.search("").hits]
    pages = [catalogue.search("", limit=2, offset=at).hits for at in range(0, 8, 2)]
    assert [hit.listing["id"] for page in pages for hit in page] == whole


@given(text=st.text(max_size=60))
@example('" OR 1=1')
@example("NEAR(a b)")
@example("id : x")
@example("a* AND NOT b^")
@example("\0")
@example("\ud800")
@example("{id} : ((")
@settings(
    max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_nothing_that_is_typed_is_read_as_syntax(catalogue: Catalogue, text: str) -> None:
    found = catalogue.search(text)
    assert len(found.hits) <= found.total <= len(catalogue)
    row = catalogue.listing(text)
    assert row is None or row["id"] == text


def test_near_names_are_the_nearest(catalogue: Catalogue) -> None:
    assert catalogue.near("web-archivr")[0] == "web-archiver"
    assert catalogue.near("nothing-like-it-at-all") == []


def test_a_row_is_found_by_its_id_alone(catalogue: Catalogue) -> None:
    found = catalogue.listing("web-archiver")
    assert found is not None and found["publisher"] == "acme"
    assert catalogue.listing("web") is None
    assert len(catalogue) == len(ROWS)
    assert catalogue.meta["snapshot"] == 3
    assert set(catalogue.publishers) == {"acme"}


@pytest.mark.parametrize("content", [b"", b"not a database" * 100])
def test_a_damaged_catalogue_is_told(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "c.sqlite").write_bytes(content)
    with pytest.raises(StorageError):
        Catalogue(str(tmp_path / "c.sqlite"))


@pytest.mark.parametrize("left", [0.1, 0.5, 0.9])
def test_a_catalogue_that_is_cut_short_meanwhile_is_told(
    catalogue: Catalogue, tmp_path: Path, left: float
) -> None:
    data = Path(catalogue.path).read_bytes()
    path = tmp_path / "c.sqlite"
    path.write_bytes(data)
    cut = Catalogue(str(path))
    os.truncate(path, int(len(data) * left))
    with pytest.raises(StorageError):
        for text in ("web", "sums", "archvier", "zzz", "cafe"):
            cut.search(text)
    cut.close()


def test_a_folder_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    index = Index.of(
        {
            "meta": {
                "api-version": "1.0",
                "name": "shop",
                "generated": "2026-11-21T00:00:00Z",
                "expires": "2027-11-21T00:00:00Z",
                "snapshot": 3,
            },
            "publishers": {},
            "skills": [],
        }
    )
    with pytest.raises(StorageError):
        build(str(tmp_path / "file" / "c.sqlite"), index, NONE)
