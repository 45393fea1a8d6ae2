"""HTML, well written and not."""

from __future__ import annotations

import pytest
from clean_text.encoding import decode
from clean_text.page import read_html
from hypothesis import given
from hypothesis import strategies as st


def text_of(html: str) -> str:
    return read_html(html).text


@pytest.mark.parametrize(
    ("html", "text"),
    [
        ("plain", "plain"),
        ("<p>one<p>two", "one\n\ntwo"),
        ("<p>one<br>two<br><br>three", "one\ntwo\nthree"),
        ("a  <b> b </b>\n c", "a b c"),
        ("<p>&lt;b&gt; &amp; &eacute;&#x2014;&nbsp;x &nosuch; &", "<b> & é— x &nosuch; &"),
        ("soft&shy;ly, zero&#8203;width", "softly, zerowidth"),
        ("<h2>Head</h2>body", "## Head\n\nbody"),
        ("<h1><a href=/x>Head</a></h1>", "# Head"),
        ("<h1> </h1>body", "body"),
        ("<ul><li>a<li>b</ul>", "- a\n- b"),
        ("<ol start=9><li>a<li>b</ol>", "9. a\n10. b"),
        ("<ol start=x><li>a</ol>", "1. a"),
        ("<ul><li>a<ol><li>b<li>c</ol><li>d</ul>", "- a\n  1. b\n  2. c\n- d"),
        ("<ul><li>a</li><ul><li>b</li></ul></ul>", "- a\n  - b"),
        ("<ul><li><p>a</p><p>b</p></li></ul>", "- a\n  b"),
        ("<ul></ul>x", "x"),
        ("<blockquote>a<p>b</blockquote>", "> a\n>\n> b"),
        ("<dl><dt>t<dd>d<dd>e</dl>", "t\n    d\n    e"),
        ("<pre>\n a\n\n  b </pre>", "```\n a\n\n  b \n```"),
        ("<table><tr><th>a<th>b<tr><td>long<td>x</table>", "a    | b\nlong | x"),
        ("<table><tr><td>a<td>b<tr><td>c</table>", "a | b\nc"),
        ("<table><tr><td><p>laid<p>out</table>", "laid\n\nout"),
        ("<table><tr><td><table><tr><td>x<td>y</table></table>", "x | y"),
        ("<p>x<img src=a alt='a boat'>y<img src=b>", "x [a boat] y"),
        ("<details><summary>s</summary>t</details>", "s\n\nt"),
    ],
)
def test_structure_is_kept_and_markup_goes(html: str, text: str) -> None:
    assert text_of(html) == text


@pytest.mark.parametrize(
    "html",
    [
        "<script>if (1 < 2) document.write('<p>no</p>')</script>yes",
        "<style>p::after{content:'no'}</style>yes",
        "<nav>no</nav><div>yes</div><footer>no</footer>",
        "<aside>no</aside>yes<form>no<input value=no><button>no</button></form>",
        "<p hidden>no</p><p aria-hidden=true>no</p><p style='Display: NONE'>no</p>yes",
        "<!-- no -->yes<!-- no",
        "<head><title>no</title><noscript>no</noscript></head><body>yes",
        "<title>no</title>yes",
        "<svg><text>no</text></svg><template>no</template>yes",
        "<header>no</header><main>yes</main>no",
        "<div>no</div><article>yes</article><div>no</div>",
        "<article>n</article><article>yes</article>",
        "<body><main hidden>no</main>yes",
    ],
)
def test_only_what_a_reader_came_for_is_left(html: str) -> None:
    assert text_of(html) == "yes"


@pytest.mark.parametrize(
    "html",
    [
        "</p></div>yes</b>",
        "<b><i>yes</b></i>",
        "yes<![if x]><![foo[<!ELEMENT x><?php ?>",
        "<p <b>yes",
        "<![CDATA[no]]>yes",
        "<<yes",
    ],
)
def test_broken_markup_keeps_its_text(html: str) -> None:
    assert "yes" in text_of(html) or html == "<<yes"


@pytest.mark.parametrize(
    ("href", "base", "url"),
    [
        ("b.html", "https://h.example/d/a.html", "https://h.example/d/b.html"),
        ("../up", "https://h.example/d/a.html", "https://h.example/up"),
        ("//cdn.example/x", "https://h.example/", "https://cdn.example/x"),
        ("?q=1&amp;r=2", "https://h.example/d", "https://h.example/d?q=1&r=2"),
        ("https://x.example/ a", "", "https://x.example/ a"),
        ("rel.html", "", "rel.html"),
        ("mailto:a@b.example", "https://h.example/", "mailto:a@b.example"),
        (" \n/sp\nlit ", "https://h.example/", "https://h.example/split"),
    ],
)
def test_links_are_resolved(href: str, base: str, url: str) -> None:
    page = read_html(f'<a href="{href}">text <b>here</b></a>', base=base)
    assert [(link.text, link.url) for link in page.links] == [("text here", url)]


@pytest.mark.parametrize("href", ["", "#here", "javascript:x()", "data:text/html,x", "http://["])
def test_what_leads_nowhere_is_no_link(href: str) -> None:
    assert read_html(f'<a href="{href}">x</a>').links == []


def test_a_link_stands_once_with_its_first_text() -> None:
    page = read_html("<a href=/a><img></a><a href=/a>A</a><a href=/a>again</a><a href=/b>B")
    assert [(link.url, link.text) for link in page.links] == [("/a", "A"), ("/b", "B")]


@pytest.mark.parametrize(
    "head",
    [
        "<base href='https://h.example/d/'>",
        "<link rel='canonical' href='https://h.example/d/page'>",
        "<meta property=og:url content='https://h.example/d/page'>",
        "<link rel=canonical href='https://h.example/'><base href=/d/>",
    ],
)
def test_a_page_may_say_where_its_links_start(head: str) -> None:
    page = read_html(f"<head>{head}</head><body><a href=x>x</a>")
    assert page.links[0].url == "https://h.example/d/x"


def test_metadata_is_what_the_page_says_of_itself() -> None:
    page = read_html(
        "<html lang=pt-BR><title>T &amp; U</title><meta name=author content='A B'>"
        "<meta name=Description content=' d '><meta name=keywords content=''>"
        "<body><h1>H</h1><time datetime=2026-01-02>x</time>"
    )
    assert (page.title, page.language) == ("T & U", "pt-BR")
    assert page.metadata == {"author": "A B", "description": "d", "date": "2026-01-02"}
    assert [(h.level, h.text) for h in page.headings] == [(1, "H")]
    assert page.words == 2


def test_without_a_title_the_first_heading_is_one() -> None:
    assert read_html("<h2>First</h2><h1>Second</h1>").title == "First"


def test_nesting_of_any_depth_ends() -> None:
    assert text_of("<div>" * 50_000 + "deep") == "deep"
    assert "deep" in text_of("<ul><li>" * 5_000 + "deep")
    assert "deep" in text_of("<blockquote>" * 5_000 + "deep")


TAGS = st.sampled_from(
    """<p> <div> </div> <table> <tr> <td> </table> <ul> <li> <ol> </ul> <a href=x> </a> <pre> </pre>
    <script> </script> <title> </title> <h1> </h1> <blockquote> <![ <![CDATA[ <!-- --> <!doctype
    <? </ < > & &# &#x; &amp; <main> <article> <br/> <b <meta charset=""".split()
)


@given(st.lists(TAGS | st.text(max_size=8), max_size=60).map("".join))
def test_no_markup_is_an_error(html: str) -> None:
    page = read_html(html, base="https://h.example/")
    assert all(link.url for link in page.links)


@given(st.binary(max_size=400))
def test_no_bytes_are_an_error(data: bytes) -> None:
    read_html(decode(data))


@given(st.text(st.characters(whitelist_categories=("L", "N")), min_size=1, max_size=40))
def test_words_of_a_paragraph_survive(word: str) -> None:
    assert text_of(f"<div><p>{word}</p></div>") == word
