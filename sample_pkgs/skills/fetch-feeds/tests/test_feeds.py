"""Feeds of every flavour, and documents that are none."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

FOLDER = Path(__file__).parent.parent
spec = importlib.util.spec_from_file_location("feeds_of_the_sample", FOLDER / "feeds.py")
assert spec is not None and spec.loader is not None
feeds = importlib.util.module_from_spec(spec)
spec.loader.exec_module(feeds)


def test_the_entries_of_an_rss_feed() -> None:
    text = (FOLDER / "examples" / "feed.xml").read_text()
    assert [tuple(entry) for entry in feeds.entries(text)] == [
        (
            "https://harbour.example/barometer",
            "Reading a barometer & believing it",
            "Mon, 02 Mar 2026 07:30:00 GMT",
        ),
        ("https://harbour.example/knots", "Which knot, and why not that one", "2026-02-16"),
    ]


def test_the_entries_of_an_atom_feed_each_once() -> None:
    entry = (
        "<entry><link rel='self' href='/x'/><link href='/a'/><title> A\n b </title>"
        "<updated>2026</updated></entry>"
    )
    text = f"<feed xmlns='http://www.w3.org/2005/Atom'><link href='/'/>{entry * 2}</feed>"
    assert [tuple(entry) for entry in feeds.entries(text)] == [("/a", "A b", "2026")]


@pytest.mark.parametrize(
    "text", ["", "no", "<a>", "<!DOCTYPE x [<!ENTITY a 'b'>]><rss/>", "<rss>\0</rss>"]
)
def test_what_is_no_feed_is_an_error(text: str) -> None:
    with pytest.raises(ValueError):
        list(feeds.entries(text))


@pytest.mark.parametrize(
    ("html", "found"),
    [
        ("<link rel=alternate type=application/atom+xml href=/f>", "/f"),
        ("<link rel=stylesheet type=text/css href=/s><p>x", None),
        ("<link type=application/rss+xml>", None),
        ("<rss/>", None),
        ("<![broken", None),
    ],
)
def test_a_page_may_name_its_feed(html: str, found: str | None) -> None:
    assert feeds.feed_of_page(html) == found


@given(st.text())
def test_no_page_is_an_error(text: str) -> None:
    feeds.feed_of_page("<" + text)
