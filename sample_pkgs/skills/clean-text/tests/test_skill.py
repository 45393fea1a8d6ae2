"""The tool: files and folders, partial failure, progress."""

from __future__ import annotations

from pathlib import Path

import pytest
from clean_text.models import Source
from clean_text.skill import CleanText

from kurt_tool import ToolContext, ToolProgress, ToolResult

EXAMPLES = Path(__file__).parent.parent / "examples"


def clean(source: Path, base: str = "", events: list[ToolProgress] | None = None) -> ToolResult:
    params = Source(source=str(source), base=base)
    return CleanText().run(params, ToolContext(), None if events is None else events.append)


def test_the_saved_article_reads_as_its_author_wrote_it() -> None:
    page = clean(EXAMPLES / "article.html").data.pages[0]
    assert page.title == "Why the tide table is late – The Slow Harbour"
    assert page.language == "en-GB"
    assert page.text.startswith("# Why the tide table is late\n\nBy the harbour office, 14 March")
    assert "06:12 | 1.4       | 1.0" in page.text
    assert "   - offshore: later and lower — our morning." in page.text
    assert (
        '```\nsurge = gauge - table\nif surge < -0.3:\n    print("stay in bed")\n```' in page.text
    )
    for chrome in ("cookies", "Skip to", "Search", "dataLayer", "also like", "Privacy", "tracker"):
        assert chrome not in page.text
    assert [heading.level for heading in page.headings] == [1, 2, 2]
    assert [link.url for link in page.links] == [
        "https://harbour.example/office",
        "https://en.wikipedia.org/wiki/Storm_surge",
        "https://harbour.example/gauge/?station=12&unit=m",
        "mailto:office@harbour.example",
        "https://harbour.example/feed.xml",
    ]
    assert page.metadata["author"] == "the harbour office"


def test_a_folder_is_read_in_order_and_its_links_start_from_each_file() -> None:
    events: list[ToolProgress] = []
    result = clean(EXAMPLES / "docs", "https://docs.example/v1/", events)
    pages = result.data.pages
    assert [page.source for page in pages] == ["index.md", "guide/api.html", "guide/install.md"]
    assert [page.title for page in pages] == ["The tide gauge", "The API", "Installing"]
    assert pages[2].links[-1].url == "https://docs.example/v1/index.md"
    assert pages[0].links[1].url == "https://docs.example/v1/guide/api.html#reading"
    assert result.data.words == sum(page.words for page in pages) > 100
    assert result.metadata == {"pages": 3, "failed": 0}
    assert [event.fraction for event in events] == [0, 1 / 3, 2 / 3, 1]


def test_without_a_base_links_lead_from_the_top_of_the_folder() -> None:
    assert clean(EXAMPLES / "docs").data.pages[2].links[-1].url == "index.md"


def test_what_cannot_be_read_is_said_and_the_rest_is_done(tmp_path: Path) -> None:
    (tmp_path / "a.md").write_text("# A")
    (tmp_path / "b.md").symlink_to(tmp_path / "gone")
    (tmp_path / ".git").mkdir()
    (tmp_path / ".git" / "c.md").write_text("no")
    (tmp_path / "d.bin").write_bytes(b"no")
    result = clean(tmp_path)
    assert result.success
    assert [page.text for page in result.data.pages] == ["# A"]
    assert [error.partition(":")[0] for error in result.errors] == ["b.md"]


@pytest.mark.parametrize("name", ["", "nothing.html"])
def test_nothing_to_read_is_no_success(tmp_path: Path, name: str) -> None:
    result = clean(tmp_path / name)
    assert not result.success
    assert str(tmp_path) in str(result.errors[0])


def test_a_page_without_a_suffix_is_known_by_its_first_character(tmp_path: Path) -> None:
    (tmp_path / "page").write_text(" <p>&eacute;<p>x")
    (tmp_path / "note").write_text("&eacute; *x*")
    assert clean(tmp_path / "page").data.pages[0].text == "é\n\nx"
    assert clean(tmp_path / "note").data.pages[0].text == "é x"
