"""Markdown, and what people write that looks like it."""

from __future__ import annotations

import pytest
from clean_text.markdown import read_markdown
from hypothesis import given
from hypothesis import strategies as st


@pytest.mark.parametrize(
    ("markdown", "text"),
    [
        ("one\ntwo\n\n\n\nthree", "one\ntwo\n\nthree"),
        ("**bold** *slanted* ***both*** ~~gone~~", "bold slanted both gone"),
        ("__bold__ _slanted_ and **bold *and* more**", "bold slanted and bold and more"),
        ("snake_case and 2 * 3 * 4 and a*b*c", "snake_case and 2 * 3 * 4 and a*b*c"),
        ("`*code*` and ``a`b``", "*code* and a`b"),
        (r"\*not slanted\*", "*not slanted*"),
        ("# Head #", "# Head"),
        ("Head\n====\nHead 2\n---", "# Head\n## Head 2"),
        ("#no heading", "#no heading"),
        ("* a\n+ b\n- c\n  * d", "- a\n- b\n- c\n  - d"),
        ("- a ***b***", "- a b"),
        ("a\n\n***\n\nb", "a\n\nb"),
        ("> quoted **text**", "> quoted text"),
        ("```py\n# *x*\n```", "```\n# *x*\n```"),
        ("~~~\n```\n~~~", "```\n```\n```"),
        ("```\nnever closed *x*", "```\nnever closed *x*"),
        ("a <b>b</b><br/> c &amp; d&nbsp;e", "a b c & d e"),
        ("a <!-- b\nc --> d", "a  d".replace("  ", " ")),
        ("1 < 2 and 3 > 2", "1 < 2 and 3 > 2"),
        ("| a | b |\n|---|:-:|\n| **c** | d |", "a | b\nc | d"),
        ("yes | no", "yes | no"),
        ("![a boat](b.jpg) x ![](c.jpg)", "(a boat) x"),
        ("[undefined] and [x] box", "[undefined] and [x] box"),
    ],
)
def test_markup_goes_and_structure_stays(markdown: str, text: str) -> None:
    assert read_markdown(markdown).text == text


@pytest.mark.parametrize(
    ("markdown", "found"),
    [
        ("[a](b.md)", [("a", "https://h.example/d/b.md")]),
        ('[a](<b.md> "title")', [("a", "https://h.example/d/b.md")]),
        ("[a](b_(c).md)", [("a", "https://h.example/d/b_(c).md")]),
        ("[**a** b](/c?x=1&amp;y=2)", [("**a** b", "https://h.example/c?x=1&y=2")]),
        ("[a][r] [R] [b][]\n\n[r]: /r\n[b]: /b", [("a", "/r"), ("b", "/b")]),
        ("<https://x.example/>", [("https://x.example/", "https://x.example/")]),
        ("see https://x.example/a.", [("https://x.example/a", "https://x.example/a")]),
        ("[![alt](i.png)](/to)", [("(alt)", "/to")]),
        ("[a](#here) [b](javascript:x)", []),
        ("`[a](b)`\n\n    ok\n```\n[c](d)\n```", []),
    ],
)
def test_links_are_found(markdown: str, found: list[tuple[str, str]]) -> None:
    page = read_markdown(markdown, base="https://h.example/d/")
    whole = [(t, u if ":" in u else "https://h.example" + u) for t, u in found]
    assert [(link.text, link.url) for link in page.links] == whole


def test_front_matter_is_metadata_and_no_text() -> None:
    page = read_markdown("---\ntitle: 'A: b'\nauthor: C\nlang: de\n  nested: x\n---\n# H\n")
    assert (page.title, page.language, page.metadata) == ("A: b", "de", {"author": "C"})
    assert page.text == "# H"
    assert [(h.level, h.text) for h in page.headings] == [(1, "H")]


@pytest.mark.parametrize("text", ["---\nnever: closed", "--- \n", "---", "\n---\na: b\n---"])
def test_what_is_no_front_matter_stays_text(text: str) -> None:
    assert read_markdown(text).metadata == {}


# fmt: off
PIECES = st.sampled_from([
    "[", "]", "(", ")", "[a](b)", "*", "**", "_", "`", "#", "|", "<", ">", "<!--", "-->", "![",
    "\\", "&", "https://", "~~~\n", "===\n", "---\n", "```\n", "- ", "1. ", "[a]: b\n", "\n",
])
# fmt: on


@given(st.lists(PIECES | st.text(max_size=6), max_size=60).map("".join))
def test_no_text_is_an_error(markdown: str) -> None:
    page = read_markdown(markdown, base="https://h.example/")
    assert all(link.url for link in page.links)


@pytest.mark.parametrize(
    "piece", ["[", "![](", "**a", "_a ", "<a", "`", "` `` ", "|a", "[a]: ", "<!--", "\\", "a\n=\n"]
)
def test_no_text_takes_forever(piece: str) -> None:
    assert len(read_markdown(piece * 20_000).text) <= 200_000
