"""The page stands alone, and a stranger's text is text in it."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
import reports
from hypothesis import given
from hypothesis import strategies as st

from kurt_ext.reporting import html

TAGS = {
    *("html", "head", "meta", "title", "style", "body", "h1", "h2", "h3", "h4", "p", "a", "span"),
    *("table", "thead", "tbody", "tr", "th", "td", "code", "section", "meter", "strong", "br"),
    *("details", "summary", "article", "small", "pre", "b", "i", "mark"),
}
ATTRIBUTES = {
    *("lang", "charset", "http-equiv", "content", "name", "href", "class", "id"),
    *("min", "max", "low", "high", "optimum", "value"),
}


class Page(HTMLParser):
    """Collect what a browser would see."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[str] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.words.append(data)


def rendered(folder: Path, *findings: dict[str, Any], **more: Any) -> str:
    return html.render([reports.report(folder, *findings, **more)], base=str(folder.parent))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "web-archiver"
    made.mkdir()
    (made / "skill.py").write_text("import os\nos.system('<b>')\n")
    return made


def test_the_page_holds_score_breakdown_permissions_and_frames(folder: Path) -> None:
    text = rendered(folder, reports.finding(line=2, column=1))
    said = " ".join("".join(Page(text).words).split())
    for words in (
        "59 of 100",
        "exposure",
        "processes",
        "git",
        "os.system: ls",
        "web-archiver/skill.py:2:1",
    ):
        assert words in said, words
    assert "<mark>os.system</mark>(&#x27;&lt;b&gt;&#x27;)" in text


def test_nothing_is_fetched_and_nothing_runs(folder: Path) -> None:
    text = rendered(folder, reports.finding())
    assert "default-src 'none'" in text
    for tag, attributes in Page(text).tags:
        assert tag in TAGS and set(attributes) <= ATTRIBUTES
        assert (attributes.get("href") or "#").startswith("#")
    assert not re.search(r"url\(|@import|https?://", text)


def test_it_is_dark_where_the_system_is(folder: Path) -> None:
    assert "prefers-color-scheme: dark" in rendered(folder)


def test_the_gravest_come_first_and_what_is_accepted_says_by_whom(folder: Path) -> None:
    row = {"reason": "our own", "by": "ada", "since": "2026-01-01", "until": None}
    text = rendered(
        folder, reports.finding(severity="low"), reports.finding(severity="critical", accepted=row)
    )
    assert text.index("<h3>critical (1)") < text.index("<h3>low (1)")
    assert "our own (by ada, 2026-01-01)" in text


def test_a_folder_without_findings_says_so(folder: Path) -> None:
    assert "Nothing was found." in rendered(folder)


@given(reports.contents, st.lists(reports.findings(), max_size=4), reports.texts)
def test_any_text_is_only_text(
    tmp_path_factory: pytest.TempPathFactory, data: bytes, found: list[dict[str, Any]], name: str
) -> None:
    folder = tmp_path_factory.mktemp("any")
    (folder / "skill.py").write_bytes(data)
    more = {
        "name": name,
        "declared": {name: [name]},
        "uses": [{"name": name, "permission": name, "targets": [name]}],
        "score_breakdown": {name: [name, {name: name}]},
    }
    text = rendered(folder, *found, **more)
    page = Page(text)
    for tag, attributes in page.tags:
        assert tag in TAGS and set(attributes) <= ATTRIBUTES
    assert sum(tag == "article" for tag, _ in page.tags) == len(found)
    assert all(char.isprintable() or char in "\n\t\u200d" for char in text)
    text.encode("utf-8")
    assert text == rendered(folder, *found, **more)
