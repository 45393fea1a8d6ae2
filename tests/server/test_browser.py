"""The pages in a real browser: on a telephone and a desk, in the dark and in the light."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from kurt_ext.places import Places

from .conftest import serving
from .exhibits import LONG, make

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
COMPARE = "/skills/web-archiver/compare?old=1.1.0&new=1.2.0"
PATHS = (
    "/",
    "/?page=2",
    "/?q=archivr&kind=tool&score=50&tag=demo&without=processes",
    "/?q=nothingofthatname",
    "/skills/web-archiver",
    "/skills/web-archiver/1.0.0",
    "/skills/web-archiver/1.1.0",
    COMPARE,
    "/skills/web-archiver/compare?old=1.0.0&new=1.0.0",
    "/skills/without-readme/compare",
    f"/skills/{LONG}",
    "/skills/right-to-left",
    "/skills/chinese-words",
    "/skills/emoji-lover",
    "/skills/hostile-words",
    "/skills/without-readme",
    "/skills/asks-for-all",
    "/skills/many-findings",
    "/skills/many-versions",
    "/skills/quarantined-one",
    "/skills/note-keeper",
    "/skills/withdrawn-one",
    "/publishers/acme",
    "/skills/nobody",
    "/nowhere",
)


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Serve a marketplace with something of everything to be seen."""
    folder = tmp_path_factory.mktemp("exhibits")
    places = Places(str(folder))
    make(folder / "market", folder / "theirs", places)
    with serving(folder / "market", places) as found:
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
@pytest.mark.parametrize("width", [360, 768, 1280])
def test_a_page_is_no_wider_than_its_window(
    browser: Any, address: str, width: int, scheme: str
) -> None:
    page, said = _page(browser, width, scheme)
    for number, path in enumerate(PATHS):
        page.goto(address + path)
        if PICTURES:
            name = f"{number}-{width}-{scheme}.png"
            page.screenshot(path=os.path.join(PICTURES, name), full_page=True)
        wide = page.evaluate("document.documentElement.scrollWidth")
        assert wide <= width, f"{path} is {wide} px wide"
        assert "taken" not in page.title()
    assert not [line for line in said if "404" not in line]


# What it finds depends on the colours and on the width, and hardly on both at once.
@pytest.mark.parametrize(("width", "scheme"), [(360, "light"), (1280, "dark")])
def test_axe_has_nothing_to_say(browser: Any, address: str, width: int, scheme: str) -> None:
    axe = pytest.importorskip("axe_playwright_python.base", reason="axe is not installed")
    script = Path(axe.AXE_FILE_PATH).read_text(encoding="utf-8")
    page, _ = _page(browser, width, scheme)
    for path in PATHS:
        page.goto(address + path)
        found = page.evaluate(script + "; axe.run({resultTypes: ['violations']})")
        wrong = [
            (one["id"], [node["html"] for node in one["nodes"]]) for one in found["violations"]
        ]
        assert not wrong, (path, wrong)


def _tab(page: Any, selector: str, most: int = 80) -> None:
    """Press Tab until an element has the focus, which can be seen at each step."""
    for _ in range(most):
        page.keyboard.press("Tab")
        style = page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
        assert style == "solid", page.evaluate("document.activeElement.outerHTML")
        if page.evaluate("wanted => document.activeElement.matches(wanted)", selector):
            return
    raise AssertionError(f"the keyboard does not lead to {selector}")


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
    _tab(page, "h3 a[href='/skills/web-archiver']")
    page.keyboard.press("Enter")
    page.wait_for_url("**/skills/web-archiver")
    assert page.title() == "web-archiver 1.3.0 · Skills of Acme"
    _tab(page, ".versions a[href$='old=1.1.0&new=1.2.0']")
    page.keyboard.press("Enter")
    page.wait_for_url("**/compare?old=1.1.0&new=1.2.0")
    assert page.title() == "web-archiver: from 1.1.0 to 1.2.0 · Skills of Acme"
    _tab(page, "a[href='#file-5']")
    page.keyboard.press("Enter")
    top = page.evaluate("document.querySelector('#file-5').getBoundingClientRect().top")
    assert 0 <= top < 100
    page.keyboard.press("Tab")  # goes on from there
    assert page.evaluate("document.activeElement.parentElement.id") == "file-5"
    page.keyboard.press("Enter")
    assert not page.evaluate("document.querySelector('#file-5').open")
    page.goto(address + COMPARE)
    _tab(page, "select#old")
    page.keyboard.type("1.0.0")
    _tab(page, "form button", 3)
    page.keyboard.press("Enter")
    page.wait_for_url("**/compare?old=1.0.0&new=1.2.0")


def test_nothing_needs_a_script(browser: Any, address: str) -> None:
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(address + "/")
    page.fill("#q", "archiver")
    page.click("summary")
    page.check("input[value=processes]")
    page.click("form.search button")
    assert page.locator("h3 a", has_text="web-archiver").count() == 1
    assert page.is_checked("input[value=processes]")
    page.goto(address + "/skills/web-archiver")
    page.click("text=Compare two versions")
    page.select_option("#old", "1.1.0")
    page.select_option("#new", "1.2.0")
    page.click("form.choice button")
    assert "write and read archive" in page.inner_text("main")
    assert "def step_7(page):" in page.inner_text("main")


def test_a_change_is_told_without_colours_and_read_in_rows(browser: Any, address: str) -> None:
    page, _ = _page(browser, 360, "light")
    page.goto(address + COMPARE)
    rows = page.get_by_role("table", name="steps.py, line by line").get_by_role("row")
    texts = [[cell.strip() for cell in text.split("\t")] for text in rows.all_inner_texts()]
    assert ["30", "", "−", "return page + 7"] in texts
    assert ["", "31", "+", "return page * 7"] in texts
    heads = page.get_by_role("table", name="steps.py, line by line").get_by_role("columnheader")
    assert heads.all_inner_texts() == ["Line before", "Line after", "Change", "Text"]


def test_on_paper_it_is_dark_on_light_and_without_forms(browser: Any, address: str) -> None:
    page, _ = _page(browser, 768, "dark")
    page.goto(address + COMPARE)
    colour = "getComputedStyle(document.body).color"
    assert page.evaluate(colour) == "rgb(231, 235, 240)"
    page.emulate_media(media="print", color_scheme="dark")
    assert page.evaluate(colour) == "rgb(27, 31, 36)"
    assert not page.locator("form").first.is_visible()
    assert page.locator(".diff").first.is_visible()
