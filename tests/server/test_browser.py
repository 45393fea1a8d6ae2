"""The pages in a real browser: on a telephone and a desk, in the dark and in the light."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from market.conftest import write_skill

from kurt_ext.findings import Finding
from kurt_ext.market.building import build
from kurt_ext.market.collecting import folder_files
from kurt_ext.market.digests import of_bytes
from kurt_ext.market.publishing import publish, set_status, yank
from kurt_ext.places import Places
from kurt_ext.report import Report

from .conftest import serving

sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
CHROMIUM = next((path for path in map(shutil.which, ("chromium", "chromium-browser")) if path), "")
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not CHROMIUM, reason="there is no chromium: apt-get install chromium"),
    # The driver's own event loop is closed by the driver.
    pytest.mark.filterwarnings(
        "ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning"
    ),
]

#: Where pictures of the pages are kept; none are without it.
PICTURES = os.environ.get("KURT_PICTURES", "")
WIDTHS = (360, 1280)
PATHS = (
    "/",
    "/?q=archive&kind=tool&score=50",
    "/?q=nothingofthatname",
    "/skills/web-archiver",
    "/skills/web-archiver/1.0.0",
    "/skills/web-archiver/compare",
    "/skills/com.example.wordy-and-long-name-of-a-plugin-that-does-not-break",
    "/publishers/acme",
    "/skills/nobody",
)
README = """\
# Web archiver

Keeps a copy of a web page, **with** its pictures. See [the manual](https://example.org/manual).

```console
$ kurt run web-archiver:archive url=https://example.org/a/very/long/address/that/is/wider/than/a/telephone
```

| option | meaning | default | since | remarks that make the table wider than a telephone is |
|---|---|---|---|---|
| `depth` | how many links are followed from the first page | 1 | 1.0.0 | more than 3 is slow |

> A page that asks for a password is left out.

1. Find the page.
2. Keep it.
"""


def _report(folder: Path) -> dict[str, Any]:
    files = folder_files(str(folder), 512, 1 << 20)
    findings = [
        Finding("network-undeclared", "medium", "it talks to a host that is not declared",
                path="skill.py", line=12),
        Finding("long-line", "low", "a line has 401 characters", path="skill.py", line=40),
    ]  # fmt: skip
    digests = {path: of_bytes(data).removeprefix("sha256:") for path, data in files.items()}
    why = {"network-undeclared": "Whoever installs it is not told where their data goes."}
    made = Report(str(folder), folder.name, "publish", findings, digests=digests, why=why)
    return made.as_dict()


@pytest.fixture
def address(project: Path) -> Iterator[str]:
    """Serve a marketplace with something of everything to be seen."""
    places = Places(str(project))
    root = project / "skills-of-acme"
    root.mkdir()
    (root / "market.toml").write_text(
        'name = "acme-skills"\ntitle = "Skills of Acme"\npublisher = "acme"\n'
    )

    def release(name: str, version: str, text: str, more: str = "", **files: str) -> None:
        folder = write_skill(project / "theirs" / name, version, more=more, **files)
        manifest = folder / "SKILL.md"
        manifest.write_text(
            manifest.read_text().replace(
                "Greets somebody by name. Use it when somebody wants a greeting.", text
            )
        )
        (folder / "README.md").write_text(README)
        publish(str(folder), str(root), places, report=_report(folder), ruleset="none")

    text = "Keeps a copy of a web page. Use it when somebody wants to read a page later."
    hosts = '  kurt/permissions.network-hosts: "*.example.org"\n'
    release("web-archiver", "1.0.0", text)
    release("web-archiver", "1.1.0", text, hosts)
    writes = hosts + '  kurt/permissions.filesystem-write: "./archive"\n'
    release("web-archiver", "1.2.0", text, writes, guide="Read this first.\n")
    long = "com.example.wordy-and-long-name-of-a-plugin-that-does-not-break"
    release(long, "1.0.0", "Archive" + "s" * 200 + " without a blank.")
    for name in ("archive-lister", "note-keeper", "page-counter"):
        release(name, "0.3.0", f"Does what its name says: {name.replace('-', ' ')}.")
    yank(str(root), "web-archiver", "1.1.0", "it loses pages")
    set_status(str(root), "note-keeper", "deprecated", "take web-archiver")
    (root / "kurt/v1/advisories").mkdir(exist_ok=True)
    (root / "kurt/v1/advisories/ACME-1.json").write_text(
        '{"id": "ACME-1", "modified": "2026-11-21T12:00:00Z", "summary": "web-archiver writes'
        ' outside its folder", "affected": [{"package": {"ecosystem": "Kurt:acme-skills", "name":'
        ' "web-archiver"}, "versions": ["1.0.0"]}]}'
    )
    build(str(root), places)
    with serving(root, places) as found:
        yield found.rstrip("/")


@pytest.fixture
def browser() -> Iterator[Any]:
    with sync_api.sync_playwright() as driver:
        found = driver.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield found
        found.close()


def _page(browser: Any, width: int, scheme: str) -> tuple[Any, list[str]]:
    """Return a page without scripts of the site, and what the browser complains of."""
    context = browser.new_context(viewport={"width": width, "height": 800}, color_scheme=scheme)
    page = context.new_page()
    said: list[str] = []
    page.on("console", lambda message: said.append(message.text))
    page.on("pageerror", lambda error: said.append(str(error)))
    return page, said


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", WIDTHS)
def test_a_page_fits_and_axe_has_nothing_to_say(
    browser: Any, address: str, width: int, scheme: str
) -> None:
    axe = pytest.importorskip("axe_playwright_python.base", reason="axe is not installed")
    script = Path(axe.AXE_FILE_PATH).read_text(encoding="utf-8")
    page, said = _page(browser, width, scheme)
    for number, path in enumerate(PATHS):
        page.goto(address + path)
        if PICTURES:
            name = f"{number}-{width}-{scheme}.png"
            page.screenshot(path=os.path.join(PICTURES, name), full_page=True)
        wide = page.evaluate("document.documentElement.scrollWidth")
        assert wide <= width, f"{path} is {wide} px wide"
        found = page.evaluate(script + "; axe.run({resultTypes: ['violations']})")
        wrong = [
            (one["id"], [node["html"] for node in one["nodes"]]) for one in found["violations"]
        ]
        assert not wrong, (path, wrong)
    assert not [line for line in said if "404" not in line]


def test_it_is_used_with_the_keyboard_alone(browser: Any, address: str) -> None:
    page, _ = _page(browser, 1280, "light")
    page.goto(address + "/")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "Skip to the content"
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.id") == "q"
    page.keyboard.type("web archiver")
    page.keyboard.press("Enter")
    page.wait_for_url("**/?q=web+archiver*")
    page.locator("h3 a").first.focus()
    page.keyboard.press("Enter")
    page.wait_for_url("**/skills/web-archiver")
    assert page.title() == "web-archiver 1.2.0 · Skills of Acme"


def test_nothing_needs_a_script(browser: Any, address: str) -> None:
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(address + "/")
    page.fill("#q", "archiver")
    page.click("summary")
    page.check("input[value=processes]")
    page.click("form.search button")
    assert page.locator("h3 a", has_text="web-archiver").count() == 1
    page.goto(address + "/skills/web-archiver")
    page.click("text=What has changed since")
    assert "write and read archive" in page.inner_text("main")
