"""The pages show what strangers have written, and nothing of it ever runs."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import quote

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from market.conftest import write_skill
from starlette.testclient import TestClient

from kurt_ext.market.publishers import change
from kurt_ext.market.publishing import publish, yank
from kurt_ext.places import Places
from kurt_ext.server.readme import MAX_TEXT, render

#: Elements that pages and READMEs are made of; there is no other.
ELEMENTS = set(
    "a b bdi blockquote body br button caption code dd del details div dl dt em fieldset footer"
    " form h1 h2 h3 h4 h5 h6 head header hr html input ins label legend li link main meta nav ol"
    " option p pre s section select span strong summary table tbody td th thead title tr ul".split()
)
ATTRIBUTES = set(
    "action aria-current aria-label aria-labelledby autocomplete charset checked class colspan"
    " content for href id lang max maxlength method min name open placeholder rel role scope"
    " selected start tabindex type value".split()
)

#: What was tried on others: each in a README, a description, a name, and in the address.
ATTEMPTS = [
    "<script>alert(1)</script>",
    "<SCRIPT SRC=//evil.test/x.js></SCRIPT>",
    "<img src=x onerror=alert(1)>",
    "<svg onload=alert(1)>",
    "<svg><script>alert(1)</script></svg>",
    '<a href="javascript:alert(1)">x</a>',
    "[x](javascript:alert(1))",
    "[x](JaVaScRiPt:alert(1))",
    "[x](java\tscript:alert(1))",
    "[x](&#106;avascript:alert(1))",
    "[x](data:text/html;base64,PHNjcmlwdD5hbGVydCgxKTwvc2NyaXB0Pg==)",
    "[x](vbscript:msgbox(1))",
    "[x](//evil.test/)",
    "[x](/api/v1/plugins)",
    "<javascript:alert(1)>",
    "![x](javascript:alert(1))",
    "![x](https://evil.test/track.gif)",
    '![x" onerror="alert(1)](y)',
    '[x](https://a.test "title\\" onmouseover=alert(1) \\"")',
    "[a]: javascript:alert(1)\n\n[a]",
    "<iframe src=//evil.test></iframe>",
    "<object data=//evil.test></object>",
    "<embed src=//evil.test>",
    "<base href=//evil.test/>",
    "<meta http-equiv=refresh content='0;url=//evil.test'>",
    "<link rel=stylesheet href=//evil.test/x.css>",
    "<style>*{background:url(//evil.test)}</style>",
    "<form action=//evil.test><input name=q></form>",
    "<math><mi//xlink:href='data:x,<script>alert(1)</script>'>",
    "<details open ontoggle=alert(1)>",
    "<body onload=alert(1)>",
    '"><script>alert(1)</script>',
    "' onmouseover='alert(1)",
    "</title><script>alert(1)</script>",
    "</textarea></code></pre><script>alert(1)</script>",
    '```"><script>alert(1)</script>\nx\n```',
    "```x onclick=alert(1)\ny\n```",
    "<!--><script>alert(1)</script>-->",
    "<![CDATA[<script>alert(1)</script>]]>",
    "{{ 7 * 7 }}{% include '/etc/passwd' %}{{ ''.__class__ }}",
    "<noscript><p title='</noscript><img src=x onerror=alert(1)>'>",
    "<p style='position:fixed;inset:0'>over all</p>",
    "<scr<script>ipt>alert(1)</scr</script>ipt>",
    "\u202egpj.exe\u202c",
    "&lt;script&gt;alert(1)&lt;/script&gt;",
    "<a id=main name=main>x</a>",
]


class Elements(HTMLParser):
    """Collects what a browser would make of a page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))


def harmless(text: str) -> Elements:
    """Check that a text is of the known elements, and that its links lead where they may."""
    found = Elements(text)
    for tag, attributes in found.found:
        assert tag in ELEMENTS, tag
        assert attributes.keys() <= ATTRIBUTES, attributes
        for name in ("href", "action"):
            target = attributes.get(name)
            if target is None:
                continue
            assert re.match(r"(?:https?://|/(?!/)|\?|#)", target), target
            if target.startswith("http"):
                assert set((attributes["rel"] or "").split()) >= {"nofollow", "noopener"}
    return found


@pytest.mark.parametrize("attempt", ATTEMPTS)
def test_a_readme_is_harmless(attempt: str) -> None:
    shown = render(f"# Title\n\n{attempt}\n\nafter {attempt} that")
    found = harmless(f"<main>{shown}</main>")
    ids = [attributes for _, attributes in found.found if "id" in attributes]
    assert not ids
    for _, attributes in found.found:
        target = attributes.get("href")
        assert target is None or target.startswith(("http://", "https://"))
        assert not any(name.startswith("on") or name == "style" for name in attributes)


@settings(max_examples=200, deadline=None)
@given(
    st.lists(st.sampled_from([*ATTEMPTS, "\n", "`", "*", "[", "](", ">", "|", "    "])).map("".join)
)
def test_no_mixture_of_them_is_more(text: str) -> None:
    harmless(f"<main>{render(text)}</main>")


def test_a_long_readme_is_cut_and_a_deep_one_is_shown() -> None:
    assert len(render("word " * 100_000)) < 2 * MAX_TEXT
    wide = render("a|" * 300 + "\n" + "-|" * 300 + "\n" + "<x>\n" * 30_000)
    assert len(wide) < 8 * MAX_TEXT
    harmless(wide)
    for deep in (">" * 30_000, "[" * 30_000, "*" * 30_000, "- " * 10_000, "`" * 30_000):
        render(deep)


def test_headings_begin_below_those_of_the_page_and_leave_no_level_out() -> None:
    levels = re.findall(r"<h(\d)", render("# a\n\n#### b\n\n###### c\n\n# d\n\n## e\n"))
    assert levels == ["3", "4", "5", "3", "4"]


def test_a_picture_is_its_caption() -> None:
    assert "[a cat]" in render("![a cat](https://evil.test/cat.png)")
    assert "<img" not in render("![a cat](https://evil.test/cat.png)")


@pytest.mark.parametrize("attempt", ATTEMPTS)
def test_a_query_is_shown_as_text(client: TestClient, attempt: str) -> None:
    for key in ("q", "kind", "tag", "score", "page", "without"):
        harmless(client.get("/", params={key: attempt}).text)
    for path in ("/skills/", "/publishers/", "/skills/greeter/", "/skills/greeter/compare?old="):
        answer = client.get(path + quote(attempt, safe=""))
        assert answer.status_code in (404, 200)
        if answer.headers["content-type"].startswith("text/html"):
            harmless(answer.text)


@pytest.mark.slow
def test_a_skill_of_a_stranger_is_shown_as_text(
    client: TestClient, root: Path, project: Path, places: Places
) -> None:
    for number, attempt in enumerate(ATTEMPTS):
        name = f"stranger-{number}"
        folder = write_skill(project / "theirs" / name)
        plain = re.sub(r"[\n\t\u202e\u202c]", " ", attempt).replace("\\", "").replace('"', "'")
        text = (folder / "SKILL.md").read_text()
        text = text.replace("Greets somebody by name", f"Greets {plain}", 1)
        text = re.sub("^description: (.*)$", lambda m: f'description: "{m[1]}"', text, flags=re.M)
        text = text.replace("Ada <ada@example.org>", plain)
        (folder / "SKILL.md").write_text(text)
        (folder / "README.md").write_text(attempt)
        report = _report(folder)
        publish(str(folder), str(root), places, report=report, ruleset="none")
    yank(str(root), "stranger-0", "1.0.0", ATTEMPTS[0] + ATTEMPTS[2])
    change(str(root), "market", title=ATTEMPTS[2], homepage="javascript:alert(1)")
    for number in range(len(ATTEMPTS)):
        for path in (f"/skills/stranger-{number}", f"/skills/stranger-{number}/compare"):
            answer = client.get(path)
            assert answer.status_code == 200, path
            harmless(answer.text)
    for path in ("/?q=stranger", "/?q=stranger&page=2", "/publishers/market"):
        harmless(client.get(path).text)


def _report(folder: Path) -> dict[str, object]:
    """Return a report on a folder that finds something with the name of an attack."""
    from kurt_ext.findings import Finding
    from kurt_ext.market.collecting import folder_files
    from kurt_ext.market.digests import of_bytes
    from kurt_ext.report import Report

    files = folder_files(str(folder), 512, 1 << 20)
    finding = Finding(
        "odd", "low", ATTEMPTS[2], path='<img src=x onerror="x">', line=3, fix=ATTEMPTS[0]
    )
    digests = {path: of_bytes(data).removeprefix("sha256:") for path, data in files.items()}
    why = {"odd": ATTEMPTS[0]}
    made = Report(str(folder), folder.name, "publish", [finding], digests=digests, why=why)
    return made.as_dict()


def test_findings_are_shown_with_their_lines(
    client: TestClient, root: Path, project: Path, places: Places
) -> None:
    folder = write_skill(project / "theirs" / "found")
    publish(str(folder), str(root), places, report=_report(folder), ruleset="none")
    text = client.get("/skills/found").text
    assert "onerror=&#34;x&#34;&gt;:3" in text


def test_a_comparison_tells_what_the_new_version_may_do_more(client: TestClient) -> None:
    text = client.get("/skills/greeter/compare?old=1.0.0&new=1.1.0").text
    assert "1.1.0 may also" in text and "talk to every host beneath example.org" in text
    assert "guide" in text and "SKILL.md" in text
    back = client.get("/skills/greeter/compare?old=1.1.0&new=1.0.0").text
    assert "1.0.0 may no longer" in back


def test_filters_and_pages_keep_each_other(client: TestClient) -> None:
    text = client.get("/?kind=tool&without=network_hosts").text
    assert "waver" in text and "/skills/greeter" not in text
    assert 'value="network_hosts" checked' in text


@pytest.mark.parametrize("path", ["/", "/skills/greeter", "/publishers/market", "/skills/nobody"])
def test_a_page_promises_to_run_nothing(client: TestClient, path: str) -> None:
    answer = client.get(path)
    policy = dict(
        part.strip().partition(" ")[::2]
        for part in answer.headers["content-security-policy"].split(";")
    )
    assert policy["default-src"] == "'none'" and policy["style-src"] == "'self'"
    assert "unsafe" not in str(policy) and "script-src" not in policy
    assert "<script" not in answer.text and " style=" not in answer.text
    harmless(answer.text)


def test_a_bidirectional_override_is_written_out(client: TestClient) -> None:
    text = client.get("/", params={"q": "a\u202eb"}).text
    assert "\u202e" not in text and "\\u202e" in text
