"""Two versions are compared rightly, shown safely, and at no more than a comparison may cost."""

from __future__ import annotations

import random
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

pytest.importorskip("fastapi", reason="the server extra is not installed")

from starlette.testclient import TestClient

from kurt_ext.market import digests
from kurt_ext.market.documents.release import File, FilesSource, Release
from kurt_ext.market.publishing import set_status
from kurt_ext.places import Places
from kurt_ext.server import comparing
from kurt_ext.server.application import make
from kurt_ext.server.patches import Room, patch, table
from kurt_ext.server.settings import ServerSettings
from kurt_ext.server.shelf import Shelf

from .exhibits import Exhibition, archiver
from .test_pages import harmless

COMPARE = "/skills/web-archiver/compare"
DIFF = "/diffs/web-archiver"


@pytest.fixture(scope="module")
def shown(tmp_path_factory: pytest.TempPathFactory) -> Exhibition:
    """Return a marketplace of one skill, with every way in which a file can change."""
    folder = tmp_path_factory.mktemp("archive")
    found = Exhibition(folder / "market", folder / "theirs", Places(str(folder)))
    archiver(found)
    found.release("lonely")
    return found


@pytest.fixture(scope="module")
def client(shown: Exhibition) -> Iterator[TestClient]:
    app = make(str(shown.root), shown.places, ServerSettings(rate=0.0))
    with TestClient(app, base_url="http://skills.test", follow_redirects=False) as found:
        yield found


def rows(page: str, path: str) -> list[str]:
    """Return the rows of the table of a file as text: old number, new number, sign, line."""
    start = page.index(f"<code>{path}</code></h3>")
    part = page[start : page.index("</details>", start)]
    cells = [re.findall(r"<td>(.*?)</td>", row) for row in part.split("<tr")]
    return ["|".join(re.sub("<.*?>", "", cell) for cell in row) for row in cells if row]


def test_lines_stand_with_their_numbers_on_both_sides_and_with_a_sign(client: TestClient) -> None:
    page = client.get(f"{COMPARE}?old=1.1.0&new=1.2.0").text
    assert rows(page, "steps.py")[:7] == [
        "27|27||",
        "28|28||",
        "29|29||def step_7(page):",
        "30||−|    return page + 7",
        "|30|+|    &#34;&#34;&#34;Do more.&#34;&#34;&#34;",
        "|31|+|    return page * 7",
        "31|32||",
    ]
    assert rows(page, "no-end.txt")[1:] == ["2||−|two (no end of line)", "|2|+|two"]
    assert rows(page, "windows.txt")[0] == "1||−|one\\r"
    assert rows(page, "guide.md")[2] == "|3|+|&lt;script&gt;alert(1)&lt;/script&gt;"
    assert "|162|+|# \\u202egnihton\\u202c is hidden here" in rows(page, "steps.py")
    harmless(page)


def test_of_a_wide_line_it_shows_where_it_differs(client: TestClient) -> None:
    page = client.get(f"{COMPARE}?old=1.1.0&new=1.2.0").text
    assert rows(page, "bundle.js")[1].endswith("x = 1;y = 2; (no end of line)")


def test_what_is_not_shown_is_named_with_the_reason(client: TestClient) -> None:
    page = client.get(f"{COMPARE}?old=1.1.0&new=1.2.0").text
    text = " ".join(re.sub("<[^>]*>", " ", page).split())
    assert "Changed: logo.png 7 B → 8 B It is not shown: not text." in text
    assert "Added: huge.txt 380.9 KiB It is not shown: too large." in text
    assert "Added: empty.txt +0 −0 It is empty." in text
    assert "1,600 more changed lines are not shown here." in text
    assert "elsewhere/moved.txt 21 B It was called moved.txt . Nothing else" in text
    assert "was.md +2 −3 It was called notes/old-name.md ." in text
    assert "Removed: gone.txt +0 −2" in text


def test_permissions_score_and_findings_come_first(client: TestClient) -> None:
    page = client.get(f"{COMPARE}?old=1.1.0&new=1.2.0").text
    assert "1.2.0 may also" in page and "write and read archive" in page
    assert "Version 1.1.0 was withdrawn:" in page
    assert "Not found any more" in page and "a line has 401 characters" in page
    assert page.index("Permissions</h2>") < page.index("says</h2>") < page.index("Files</h2>")
    later = client.get(f"{COMPARE}?old=1.0.0&new=1.1.0").text
    assert "Found in 1.1.0 alone" in later and "a host that is not declared" in later
    back = client.get(f"{COMPARE}?old=1.2.0&new=1.1.0").text
    assert "1.1.0 may no longer" in back and "1.1.0 is the older one of the two" in back


def test_versions_are_chosen_by_a_form_and_from_the_list(client: TestClient) -> None:
    page = client.get(COMPARE).text
    assert f'action="{COMPARE}" method="get"' in page
    chosen = re.findall(r"<option selected>(.*?)</option>", page)
    assert chosen == ["1.2.0", "1.3.0"]
    listed = client.get("/skills/web-archiver").text
    assert f'href="{COMPARE}?old=1.0.0&amp;new=1.1.0"' in listed
    assert "one and the same version" in client.get(f"{COMPARE}?old=1.1.0&new=1.1.0").text
    assert "nothing to compare it with" in client.get("/skills/lonely/compare").text
    lost = client.get(f"{COMPARE}?old=1.1.9&new=1.2.0")
    assert lost.status_code == 404
    assert 'href="/skills/web-archiver/1.1.0"' in lost.text


def test_a_page_has_a_tag_and_is_worked_out_once(
    client: TestClient, shown: Exhibition, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = f"{COMPARE}?old=1.0.0&new=1.3.0"
    first = client.get(path)
    again = client.get(path, headers={"if-none-match": first.headers["etag"]})
    assert again.status_code == 304 and not again.content
    set_status(str(shown.root), "lonely", "archived", "nobody looks after it")
    monkeypatch.setattr("kurt_ext.server.differences.changes", None)
    anew = client.get(path)
    assert anew.status_code == 200 and anew.headers["etag"] != first.headers["etag"]


def test_a_patch_may_be_kept_for_ever(client: TestClient) -> None:
    path = f"{DIFF}/1.1.0/1.2.0.diff"
    first = client.get(path)
    assert "immutable" in first.headers["cache-control"]
    assert first.headers["content-type"].startswith("text/plain")
    assert first.headers["x-content-type-options"] == "nosniff"
    assert first.headers["content-disposition"].startswith("attachment")
    again = client.get(path, headers={"if-none-match": first.headers["etag"]})
    assert again.status_code == 304 and not again.content
    assert "immutable" not in client.get(f"{DIFF}/1.1.0/latest.diff").headers["cache-control"]
    for lost in ("/diffs/nobody/1.0.0/1.1.0.diff", f"{DIFF}/1.0.0/9.9.9.diff"):
        assert client.get(lost).status_code == 404


@pytest.mark.skipif(not shutil.which("git"), reason="git is not installed")
@pytest.mark.parametrize("pair", [("1.0.0", "1.1.0"), ("1.1.0", "1.2.0"), ("1.2.0", "1.0.0")])
def test_git_makes_the_one_version_of_the_other_with_it(
    client: TestClient, shown: Exhibition, tmp_path: Path, pair: tuple[str, str]
) -> None:
    old, new = (tree(client, version) for version in pair)
    for path, data in old.items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_bytes(data)
    text = client.get(f"{DIFF}/{pair[0]}/{pair[1]}.diff").content
    line = ["git", "-c", "core.autocrlf=false", "apply", "--whitespace=nowarn", "-"]
    run = subprocess.run(line, cwd=tmp_path, input=text, capture_output=True)
    assert run.returncode == 0, run.stderr
    made = {
        path.relative_to(tmp_path).as_posix(): path.read_bytes()
        for path in tmp_path.rglob("*")
        if path.is_file()
    }
    for path in ("logo.png", "huge.txt"):  # left out of it, and named in it
        assert (
            made.pop(path, None) == new.pop(path, None)
        ) or f"# {path} is left out".encode() in text
    assert made == new


def tree(client: TestClient, version: str) -> dict[str, bytes]:
    """Return the files of a version, as its zip has them."""
    import io
    import zipfile

    place = f"/api/v1/plugins/web-archiver/versions/{version}/download"
    answer = client.get(place, follow_redirects=True)
    with zipfile.ZipFile(io.BytesIO(answer.content)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


# -- what a hostile release costs --------------------------------------------------------


class Blobs:
    """Stands for the shelf: gives the bytes of files, and counts them."""

    def __init__(self) -> None:
        self.data: dict[str, bytes] = {}
        self.read = 0

    def release(self, version: str, files: dict[str, bytes], **more: object) -> Release:
        found = [
            File(path=path, digest=digests.of_bytes(data), size=len(data))
            for path, data in files.items()
        ]
        self.data |= {one.digest: files[one.path] for one in found}
        source = FilesSource.model_construct(type="files", files=found, digest=version)
        told = {"permissions": {}, "scan": None, **more}
        return Release.model_construct(version=version, source=source, **told)

    def bytes_of(self, pointer: object, limit: int) -> bytes:
        data = self.data[pointer.digest]  # type: ignore[attr-defined]
        self.read += len(data)
        return data


DICE = random.Random(7)


def lines_of(lines: int, kinds: int) -> bytes:
    return "".join(f"{DICE.randrange(kinds)}\n" for _ in range(lines)).encode()


HOSTILE = {
    "one large file": ({"a": lines_of(90_000, 50)}, {"a": lines_of(90_000, 50)}),
    "many files of few lines": (
        {f"f{n}": lines_of(2000, 3) for n in range(60)},
        {f"f{n}": lines_of(2000, 3) for n in range(60)},
    ),
    "512 files that were renamed": (
        {f"old{n}": lines_of(30, 1000) for n in range(512)},
        {f"new{n}": lines_of(30, 1000) for n in range(512)},
    ),
    "nothing but line feeds": ({"a": b"\n" * 200_000}, {"a": b"\n" * 200_001}),
    "one line without an end": ({"a": b"<" * 200_000}, {"a": b"&" * 200_000}),
    "what cannot be seen": ({}, {f"f{n}": "\u202e".encode() * 60_000 for n in range(5)}),
    "names of a thousand bytes": (
        {},
        {f"{'&' * 250}/{'&' * 250}/{'&' * 240}/{n}": b"x" for n in range(512)},
    ),
}


@pytest.mark.parametrize("case", HOSTILE)
def test_a_release_made_to_be_slow_is_bounded(case: str) -> None:
    blobs = Blobs()
    old, new = (blobs.release(str(n), files) for n, files in enumerate(HOSTILE[case]))
    found, _ = comparing.changes(blobs, old, new)  # type: ignore[arg-type]
    assert blobs.read <= comparing.MAX_READ
    assert sum(len(one.old) + len(one.new) for one in found) <= comparing.MAX_LINES
    room = Room(300_000)
    size = sum(len(table(one, room)[0].encode()) for one in found)
    assert size < 310_000
    assert len(patch(found)) < 2 * comparing.MAX_READ


@pytest.mark.parametrize("case", HOSTILE)
def test_its_page_is_below_a_mebibyte(
    case: str, client: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    asks = {
        "network_hosts": [f"h{n}.example.org{'&' * 500}" for n in range(3000)],
        "native_code": True,
    }
    blobs = Blobs()
    old = blobs.release("1.0.0", HOSTILE[case][0], published="2026-11-21", yanked=False)
    new = blobs.release(
        "1.1.0", HOSTILE[case][1], published="2026-11-21", yanked=False, permissions=asks
    )

    async def document(shelf: Shelf, row: object) -> object:
        from kurt_ext.market.documents.skill import SkillDocument

        return SkillDocument.model_construct(
            id="lonely", publisher="acme", versions=["1.0.0", "1.1.0"], releases=[old, new]
        )

    monkeypatch.setattr(Shelf, "document", document)
    monkeypatch.setattr(Shelf, "bytes_of", lambda _, pointer, limit: blobs.bytes_of(pointer, limit))
    answer = client.get(f"/skills/lonely/compare?case={case}")
    assert answer.status_code == 200
    assert len(answer.content) < 1 << 20
    assert "run native code" in answer.text or "more</li>" in answer.text
    harmless(answer.text)
