"""What others read of a marketplace is what they expect, and their own programs take it."""

from __future__ import annotations

import functools
import http.server
import io
import json
import subprocess
import sys
import threading
import zipfile
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Any, ClassVar
from urllib.parse import urljoin

import pytest
from venvs import FreshEnv

from kurt_ext.errors import (
    ArchiveError,
    ManifestError,
    MarketError,
    PluginValidationError,
    ReleaseExistsError,
)
from kurt_ext.market import digests, interop
from kurt_ext.market.mirroring import mirror
from kurt_ext.market.publishing import publish, set_status, yank
from kurt_ext.market.verifying import verify
from kurt_ext.places import Places

from .conftest import Shop, write_skill


def wheel(
    folder: Path,
    name: str = "word_count",
    version: str = "1.0.0",
    *,
    points: str = "[kurt.tool]\nword-count = word_count:WordCount\n",
    code: str = '"""Count words."""\n',
    metadata: str = "",
    **files: str,
) -> Path:
    """Write a wheel, and return it."""
    folder.mkdir(exist_ok=True, parents=True)
    info = f"{name}-{version}.dist-info"
    about = f"Metadata-Version: 2.1\nName: {name.replace('_', '-')}\nVersion: {version}\n"
    content = {
        f"{name}.py": code,
        f"{info}/METADATA": metadata or about + "Summary: Counts words.\nRequires-Python: >=3.11\n",
        f"{info}/WHEEL": "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        f"{info}/entry_points.txt": points,
        **files,
    }
    record = "".join(f"{path},,\n" for path in content) + f"{info}/RECORD,,\n"
    path = folder / f"{name}-{version}-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as archive:
        for inside, text in content.items():
            archive.writestr(zipfile.ZipInfo(inside), text)
        archive.writestr(zipfile.ZipInfo(f"{info}/RECORD"), record)
    return path


def read(shop: Shop, reference: str) -> Any:
    return json.loads((shop.root / reference).read_text(encoding="utf-8"))


def test_agent_skills_discovery_finds_each_skill_with_its_digest(shop: Shop) -> None:
    index = read(shop, interop.AGENT_SKILLS)
    assert index["$schema"] == "https://schemas.agentskills.io/discovery/0.2.0/schema.json"
    assert [row["name"] for row in index["skills"]] == ["greeter", "waver"]
    for row in index["skills"]:
        assert set(row) == {"name", "type", "description", "url", "digest"}
        url = urljoin(f"https://x/m/{interop.AGENT_SKILLS}", row["url"])
        data = (shop.root / url.removeprefix("https://x/m/")).read_bytes()
        assert digests.of_bytes(data) == row["digest"] and row["type"] == "archive"
        assert zipfile.ZipFile(io.BytesIO(data)).testzip() is None


def test_claude_finds_each_skill_in_its_folder(shop: Shop) -> None:
    index = read(shop, interop.CLAUDE)
    assert index["name"] == "market" and index["owner"] == {"name": "market"}
    assert [row["skills"] for row in index["plugins"]] == [["./skills/greeter"], ["./skills/waver"]]
    for row in index["plugins"]:
        assert (shop.root / row["source"] / row["skills"][0] / "SKILL.md").is_file()
        assert row["version"] == "1.0.0" and row["strict"] is False


def test_claude_is_given_archives_where_the_address_is_known(project: Path, places: Places) -> None:
    root = project / "market"
    root.mkdir()
    (root / "market.toml").write_text('homepage = "https://skills.example.org/m/"\n')
    publish(str(write_skill(project / "greeter")), str(root), places)
    row = read(Shop(root, places), interop.CLAUDE)["plugins"][0]
    source = row["source"]
    assert source["url"].startswith("https://skills.example.org/m/files/archives/")
    data = (root / source["url"].removeprefix("https://skills.example.org/m/")).read_bytes()
    assert digests.of_bytes(data) == "sha256:" + source["sha256"]


def test_what_is_not_offered_is_not_shown(shop: Shop) -> None:
    yank(str(shop.root), "greeter", "1.0.0", "why")
    set_status(str(shop.root), "waver", "quarantined")
    assert read(shop, interop.AGENT_SKILLS)["skills"] == []
    assert read(shop, interop.CLAUDE)["plugins"] == []


def test_only_what_has_changed_is_made_anew(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    from kurt_ext.market.books import Books

    asked = []
    document = Books.document
    monkeypatch.setattr(
        Books, "document", lambda self, name: asked.append(name) or document(self, name)
    )
    yank(str(shop.root), "greeter", "1.0.0", "old")
    assert set(asked) == {"greeter"}
    write_skill(shop.root / "skills" / "greeter", "1.1.0")
    shop.build()
    assert [row["version"] for row in read(shop, interop.CLAUDE)["plugins"]] == ["1.1.0", "1.0.0"]


@pytest.mark.parametrize("text", ["", "[]", '{"schema": 1}', "{"])
def test_a_damaged_memory_costs_time_alone(shop: Shop, text: str) -> None:
    before = read(shop, interop.AGENT_SKILLS)
    (shop.root / ".made.json").write_text(text)
    write_skill(shop.root / "skills" / "greeter", "1.1.0")
    assert shop.build().changed
    after = read(shop, interop.AGENT_SKILLS)
    assert [row["name"] for row in after["skills"]] == [row["name"] for row in before["skills"]]


# -- distributions -----------------------------------------------------------------------


def test_a_wheel_is_a_release(market: Path, places: Places) -> None:
    path = wheel(market / "wheels")
    shop = Shop(market, places)
    assert "word-count 1.0.0" in shop.build().added
    release = shop.skill("word-count").releases[0]
    source = release.source
    assert source.type == "wheels" and source.distribution == "word-count"
    assert source.version == "1.0.0" and release.requires_python == ">=3.11"
    assert release.kinds == ["kurt.tool"] and release.scan is not None
    assert (market / source.wheels[0].url).read_bytes() == path.read_bytes()
    assert source.wheels[0].url.endswith("/word_count-1.0.0-py3-none-any.whl")
    assert not shop.build().added and not verify(shop.reader).findings


def test_a_version_of_python_becomes_one_of_a_skill(market: Path, places: Places) -> None:
    wheel(market, version="1.0a1")
    shop = Shop(market, places)
    assert not shop.build().refused
    document = shop.skill("word-count")
    assert document.versions == ["1.0.0-alpha.1"]
    source = document.releases[0].source
    assert source.type == "wheels" and source.version == "1.0a1"


def test_one_wheel_may_be_published(project: Path, places: Places) -> None:
    path = wheel(project)
    root = str(project / "market")
    done = publish(str(path), root, places)
    assert done.new and done.name == "word-count"
    assert not publish(str(path), root, places).new
    wheel(project, code='"""Count more words."""\n')
    with pytest.raises(ReleaseExistsError):
        publish(str(path), root, places)


@pytest.mark.parametrize(
    "fields",
    [
        {"code": "import os\nos.system('id')\n"},
        {"more.py": "import os\nos.system('id')\n"},
    ],
)
def test_all_that_a_wheel_brings_is_judged(
    market: Path, places: Places, fields: dict[str, str]
) -> None:
    wheel(market / "wheels", **fields)  # type: ignore[arg-type]
    built = Shop(market, places).build()
    assert [type(one) for one in built.refused] == [PluginValidationError], built
    assert len(built.added) == 2


@pytest.mark.parametrize(
    ("fields", "error"),
    [
        ({"points": "[console_scripts]\nx = word_count:x\n"}, ManifestError),
        ({"points": "[kurt.tool\n"}, ManifestError),
        ({"metadata": "Metadata-Version: 2.1\nName: other\nVersion: 1.0.0\n"}, ManifestError),
        ({"metadata": "Metadata-Version: 2.1\nName: word-count\nVersion: 2\n"}, ManifestError),
        ({"second-1.0.dist-info/METADATA": "Name: second\n"}, ManifestError),
        ({"../evil.py": "x"}, ArchiveError),
        ({"word_count-1.0.0.dist-info/kurt.json": "[]"}, ManifestError),
        ({"word_count.pth": "import os; os.system('id')\n"}, MarketError),
        ({"word_count-1.0.0.data/scripts/x": "#!/bin/sh\nrm -rf ~\n"}, MarketError),
        ({"sitecustomize.py": ""}, MarketError),
        ({"UserCustomize.py": ""}, MarketError),
        ({"kurt_ext/loader.py": ""}, MarketError),
        ({"pip/__init__.py": ""}, MarketError),
    ],
)
def test_a_wheel_that_is_none_is_refused(
    market: Path, places: Places, fields: dict[str, str], error: type[Exception]
) -> None:
    wheel(market / "wheels", **fields)  # type: ignore[arg-type]
    built = Shop(market, places).build()
    assert [type(one) for one in built.refused] == [error], built.refused
    assert len(built.added) == 2


class Links(HTMLParser):
    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: list[dict[str, str | None]] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "a":
            self.found.append(dict(attrs))


def test_the_simple_index_is_both_pages_and_json(market: Path, places: Places) -> None:
    wheel(market / "wheels")
    wheel(market / "wheels", version="1.1.0")
    shop = Shop(market, places)
    shop.build()
    yank(str(market), "word-count", "1.1.0", 'it "forgets" <words>')
    top = read(shop, "simple/index.json")
    assert top == {"meta": {"api-version": "1.4"}, "projects": [{"name": "word-count"}]}
    page = read(shop, "simple/word-count/index.json")
    assert [file["yanked"] for file in page["files"]] == [False, 'it "forgets" <words>']
    assert page["versions"] == ["1.0.0", "1.1.0"]
    links = Links((market / "simple/word-count/index.html").read_text()).found
    assert [link.get("data-yanked") for link in links] == [None, 'it "forgets" <words>']
    assert [link.get("data-requires-python") for link in links] == [">=3.11", ">=3.11"]
    for link, file in zip(links, page["files"], strict=True):
        url, _, sha = str(link["href"]).partition("#sha256=")
        assert sha == file["hashes"]["sha256"]
        place = urljoin("https://x/m/simple/word-count/", url).removeprefix("https://x/m/")
        assert digests.of_bytes((market / place).read_bytes()) == f"sha256:{sha}"


def test_the_metadata_of_a_wheel_lies_beside_it_and_is_announced(
    market: Path, places: Places
) -> None:
    path = wheel(market / "wheels")
    shop = Shop(market, places)
    shop.build()
    (file,) = read(shop, "simple/word-count/index.json")["files"]
    beside = (market / "simple/word-count" / f"{file['url']}.metadata").resolve().read_bytes()
    with zipfile.ZipFile(path) as archive:
        assert beside == archive.read("word_count-1.0.0.dist-info/METADATA")
    sha = digests.to_hex(digests.of_bytes(beside))
    assert file["core-metadata"] == {"sha256": sha}
    text = (market / "simple/word-count/index.html").read_text()
    (link,) = Links(text).found
    assert link["data-core-metadata"] == f"sha256={sha}"
    assert '<meta name="pypi:project-status" content="active">' in text
    assert not verify(shop.reader).findings
    copy = market.parent / "copy"
    mirror(shop.reader, str(copy))
    (again,) = json.loads((copy / "simple/word-count/index.json").read_text())["files"]
    assert again == file and (copy / f"{again['url'][6:]}.metadata").read_bytes() == beside


class Quiet(http.server.SimpleHTTPRequestHandler):
    asked: ClassVar[list[str]] = []

    def do_GET(self) -> None:
        self.asked.append(self.path)
        super().do_GET()

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture
def served(market: Path) -> Iterator[str]:
    Quiet.asked.clear()
    handler = functools.partial(Quiet, directory=str(market))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()
        thread.join()


@pytest.mark.venv
def test_pip_takes_a_folder_skill_from_the_marketplace(
    market: Path, places: Places, served: str, tmp_path: Path, fresh_env: FreshEnv
) -> None:
    (market / "skills" / "greeter" / "setup.py").write_text("raise SystemExit('it ran')\n")
    shop = Shop(market, places)
    built = shop.build(wheels=True)
    assert not built.refused
    release = shop.skill("greeter").releases[0]
    assert [one.filename for one in release.wheels] == ["kurt_skill_greeter-1.0.0-py3-none-any.whl"]
    assert not verify(shop.reader).findings
    for index in (f"{served}simple/", (market / "simple").as_uri()):
        out = tmp_path / index.partition(":")[0]
        command = [sys.executable, "-m", "pip", "download", "--no-deps", "-q", "--isolated"]
        command += ["--disable-pip-version-check", "--index-url", index, "-d", str(out)]
        ran = subprocess.run([*command, "kurt-skill-greeter"], capture_output=True, text=True)
        assert ran.returncode == 0, ran.stderr
        assert [path.name for path in out.iterdir()] == [release.wheels[0].filename]
    assert f"/{release.wheels[0].url}.metadata" in Quiet.asked
    assert not shop.build(wheels=True).changed


@pytest.mark.venv
def test_uv_takes_a_distribution_and_minds_a_yank(
    market: Path, places: Places, served: str, tmp_path: Path
) -> None:
    wheel(market / "wheels")
    wheel(market / "wheels", version="1.1.0")
    Shop(market, places).build()
    yank(str(market), "word-count", "1.1.0", "it forgets words")
    target = tmp_path / "site"
    command = [sys.executable, "-m", "uv", "pip", "install", "--no-config"]
    command += ["--index-url", f"{served}simple/", "--target", str(target), "word-count"]
    ran = subprocess.run(command, capture_output=True, text=True)
    assert ran.returncode == 0, ran.stderr
    assert (target / "word_count-1.0.0.dist-info").is_dir()
    assert [path for path in Quiet.asked if path.endswith("1.0.0-py3-none-any.whl.metadata")]
