"""The pages show what strangers have written, and nothing of it ever runs."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
import urllib.request
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

from .conftest import Serve

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


@pytest.mark.parametrize(
    "text",
    ["[" * 30_000, "*a " * 20_000, "a\n" * 20_000, "a|" * 300 + "\n" + "-|" * 300 + "\nx|" * 99],
)
def test_what_would_take_long_is_shown_as_it_was_written(text: str) -> None:
    assert render(text).startswith("<pre")
    harmless(render(text))


def test_what_people_write_is_rendered() -> None:
    table = (
        "| name | meaning | default |\n|---|---|---|\n" + "| `a` | *b* | [c](https://d) |\n" * 900
    )
    assert render(table).count("<tr>") == 901
    prose = "Some **words** about `it`, and [a link](https://example.org/).\n\n" * 900
    assert render(prose).count("<a ") == 900


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


@pytest.mark.parametrize(
    "path",
    [
        *("/", "/?q=greeter", "/skills/greeter", "/skills/greeter/1.0.0", "/publishers/market"),
        *("/skills/greeter/compare", "/skills/nobody", "/skills/greeter/9.9.9", "/nowhere"),
    ],
)
def test_a_page_promises_to_run_nothing(client: TestClient, path: str) -> None:
    answer = client.get(path, headers={"accept": "text/html"})
    assert answer.headers["content-type"].startswith("text/html")
    policy = dict(
        part.strip().partition(" ")[::2]
        for part in answer.headers["content-security-policy"].split(";")
    )
    assert policy["default-src"] == "'none'" and policy["style-src"] == "'self'"
    assert policy["frame-ancestors"] == "'none'" and policy["base-uri"] == "'none'"
    assert policy["form-action"] == "'self'"
    assert "unsafe" not in str(policy) and "script-src" not in policy
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["referrer-policy"] == "no-referrer"
    assert "strict-transport-security" not in answer.headers
    assert "<script" not in answer.text and " style=" not in answer.text
    shown = harmless(answer.text)
    # One of each landmark and one heading of the first level, for those who do not see the page.
    tags = [tag for tag, _ in shown.found]
    for tag in ("title", "h1", "header", "main", "footer"):
        assert tags.count(tag) == 1, tag
    assert ("a", {"class": "skip", "href": "#main"}) in shown.found


@pytest.mark.parametrize("path", ["/", "/skills/nobody", "/kurt/v1/index.json", "/robots.txt"])
def test_encryption_is_asked_for_ever_where_there_is_some(serve: Serve, path: str) -> None:
    plain, behind = serve(), serve(url="https://skills.test")
    name = "strict-transport-security"
    assert name not in plain.get(path).headers
    assert plain.get(f"https://skills.test{path}").headers[name] == "max-age=31536000"
    assert behind.get(path).headers[name] == "max-age=31536000"


def test_each_page_has_a_title_of_its_own(client: TestClient) -> None:
    paths = ("/", "/?q=wave", "/skills/greeter", "/skills/greeter/1.0.0", "/skills/waver")
    paths += ("/skills/greeter/compare", "/publishers/market", "/skills/nobody")
    titles = [re.findall("<title>(.*?)</title>", client.get(path).text)[0] for path in paths]
    assert len(set(titles)) == len(titles)


@pytest.mark.parametrize(
    ("crooked", "straight"),
    [
        ("/skills", "/"),
        ("/skills/", "/"),
        ("/publishers/", "/"),
        ("/skills/greeter/", "/skills/greeter"),
        ("/skills/greeter/1.0.0/", "/skills/greeter/1.0.0"),
        ("/publishers/market/", "/publishers/market"),
        ("/?page=9", "/?page=1"),
        ("/?q=greet&page=9", "/?q=greet&page=1"),
        ("/publishers/market?page=9", "/publishers/market?page=1"),
    ],
)
def test_an_address_that_is_nearly_right_leads_to_its_page(
    client: TestClient, crooked: str, straight: str
) -> None:
    answer = client.get(crooked)
    assert answer.status_code in (302, 308)
    assert answer.headers["location"] == straight


def test_what_is_not_there_is_told_with_what_may_be_meant(client: TestClient) -> None:
    for path, near in [
        ("/skills/greetr", "/skills/greeter"),
        ("/skills/greeter/1.0.1", "/skills/greeter/1.0.0"),
        ("/skills/greeter/compare?new=1.0.1", "/skills/greeter/1.0.0"),
        ("/publishers/markt", "/publishers/market"),
    ]:
        answer = client.get(path)
        assert answer.status_code == 404
        assert f'<a href="{near}">' in answer.text, path
    lost = client.get("/nowhere/at/all", headers={"accept": "text/html,*/*"})
    assert lost.status_code == 404 and "There is nothing at this address." in lost.text
    assert client.get("/nowhere").headers["content-type"].startswith("text/plain")
    asked = client.get("/api/v1/nowhere", headers={"accept": "text/html"})
    assert asked.status_code == 404 and "<" not in asked.text


def test_a_fault_of_this_side_has_a_page_and_is_noted(
    client: TestClient, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("kurt_ext.server.pages.newest_first", None)
    answer = client.get("/skills/greeter")
    assert answer.status_code == 500
    assert "Something went wrong" in answer.text and "NoneType" not in answer.text
    assert "NoneType" in caplog.text and "/skills/greeter" in caplog.text
    harmless(answer.text)


def test_a_long_list_has_pages_that_keep_what_was_asked_for(
    client: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("kurt_ext.server.pages.LENGTH", 1)
    monkeypatch.setattr("kurt_ext.server.leaves.LENGTH", 1)
    text = client.get("/?q=greet&tag=demo&without=processes&score=1").text
    assert "Page 1 of 2" in text
    after = "?q=greet&amp;tag=demo&amp;without=processes&amp;score=1&amp;page=2"
    assert f'href="{after}"' in text
    last = client.get("/" + after.replace("&amp;", "&")).text
    assert "Page 2 of 2" in last and 'value="processes" checked' in last
    assert re.findall(r"<h3><a href=.(/skills/\w+)", text) != re.findall(
        r"<h3><a href=.(/skills/\w+)", last
    )
    assert 'href="?page=2"' in client.get("/publishers/market").text
    assert "Page 2 of 2" in client.get("/publishers/market?page=2").text


def test_a_typo_is_told(client: TestClient) -> None:
    text = client.get("/?q=greetr").text
    assert "<strong>greeter</strong> instead of greetr" in text
    assert "Nothing found" in client.get("/?q=zzzzqqqq").text


def test_a_bidirectional_override_is_written_out(client: TestClient) -> None:
    text = client.get("/", params={"q": "a\u202eb"}).text
    assert "\u202e" not in text and "\\u202e" in text


def test_what_the_page_says_installs_the_skill(live: str, project: Path) -> None:
    with urllib.request.urlopen(f"{live}skills/waver") as answer:
        told = re.findall(r"<code>(kurt .*?)</code></pre>", answer.read().decode())
    assert len(told) == 2
    for line in told:
        words = [sys.executable, "-m", "kurt_ext", *shlex.split(line)[1:]]
        run = subprocess.run(words, cwd=project, capture_output=True, text=True)
        assert run.returncode == 0, run.stderr
    assert "Installed 1" in run.stdout
