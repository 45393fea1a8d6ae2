"""A build makes releases of what is new, and leaves what is published as it is."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from kurt_ext.errors import (
    ConfigError,
    ConflictError,
    LockedError,
    ManifestError,
    MarketError,
    PluginValidationError,
    ReleaseExistsError,
    StorageError,
)
from kurt_ext.market import building, digests, holding
from kurt_ext.market.books import Books
from kurt_ext.market.documents.index import Index
from kurt_ext.market.files import Files
from kurt_ext.market.holding import held
from kurt_ext.market.market_toml import Settings, read_settings, write_settings
from kurt_ext.places import Places

from .conftest import CODE, Shop, write_skill


def test_a_build_lists_what_lies_there(shop: Shop) -> None:
    index = shop.index
    assert index.meta.snapshot == 1 and index.meta.name == "market"
    assert [row.id for row in index.skills] == ["greeter", "waver"]
    row = index.skills[0]
    assert row.latest == "1.0.0" and row.type == "tool" and row.kinds == ["kurt.tool"]
    assert row.tags == ["greeting", "demo"] and row.permissions == []
    assert row.score is not None and row.score >= 60
    document = shop.skill("greeter")
    release = document.releases[0]
    assert release.requires_python == ">=3.11"
    assert release.manifest["id"] == "greeter"
    assert release.scan is not None and release.scan.valid and release.scan.profile == "publish"
    assert release.source.type == "files"
    assert {file.path for file in release.source.files} == {"SKILL.md", "__init__.py", "skill.py"}
    for file in release.source.files:
        blob = shop.root / "files" / "sha256" / file.digest[7:9] / file.digest[7:]
        assert digests.of_bytes(blob.read_bytes()) == file.digest


def test_the_same_again_changes_nothing(shop: Shop) -> None:
    before = shop.files()
    built = shop.build()
    assert built.same == 2 and not built.changed and not built.added
    assert shop.files() == before


@pytest.mark.parametrize("lost", [False, True], ids=["remembered", "forgotten"])
def test_a_new_version_is_a_release_beside_the_old(shop: Shop, places: Places, lost: bool) -> None:
    if lost:
        shutil.rmtree(places.cache)
    old = shop.skill("greeter").releases[0]
    write_skill(shop.root / "skills" / "greeter", "1.1.0", code=CODE + "# more\n")
    built = shop.build()
    assert built.added == ("greeter 1.1.0",) and built.same == 1 and built.snapshot == 2
    document = shop.skill("greeter")
    assert document.versions == ["1.0.0", "1.1.0"]
    assert document.releases[0] == old
    assert shop.index.skills[0].latest == "1.1.0"


def test_one_version_never_has_two_contents(shop: Shop) -> None:
    before = shop.files()
    write_skill(shop.root / "skills" / "greeter", "1.0.0", code=CODE + "# changed\n")
    built = shop.build()
    assert isinstance(built.refused[0], ReleaseExistsError)
    assert built.refused[0].version == "1.0.0"
    assert not built.changed and shop.files() == before


def test_an_edit_of_the_same_second_and_size_is_seen(shop: Shop) -> None:
    path = shop.root / "skills" / "greeter" / "skill.py"
    shop.build()
    path.write_text(CODE.replace("Hello", "Hallo"))
    built = shop.build()
    assert isinstance(built.refused[0], ReleaseExistsError)


def test_a_skill_that_is_taken_away_stays_published(shop: Shop) -> None:
    shutil.rmtree(shop.root / "skills" / "greeter")
    assert not shop.build().changed
    assert [row.id for row in shop.index.skills] == ["greeter", "waver"]


@pytest.mark.slow
def test_a_marketplace_that_is_put_back_is_built_up_again(shop: Shop, tmp_path: Path) -> None:
    time.sleep(2.1)  # until times are believed
    shop.build()
    copy = tmp_path / "copy"
    shutil.copytree(shop.root / "kurt", copy)
    write_skill(shop.root / "skills" / "greeter", "1.1.0")
    time.sleep(2.1)
    assert shop.build().added == ("greeter 1.1.0",)
    shop.build()
    shutil.rmtree(shop.root / "kurt")
    shutil.copytree(copy, shop.root / "kurt")
    assert shop.build().added == ("greeter 1.1.0",)


REFUSED: list[tuple[str, dict[str, Any], type[Exception]]] = [
    ("no manifest fields", {"more": "  odd: [\n"}, ManifestError),
    ("no version", {"version": "one"}, ManifestError),
    ("not valid", {"code": CODE + "\nexec(input())\n"}, PluginValidationError),
    ("a device's name", {"docs__nul.txt": "x"}, MarketError),
    ("a reserved character", {"docs__a:b.txt": "x"}, MarketError),
]


@pytest.mark.parametrize(("why", "fields", "error"), REFUSED, ids=[row[0] for row in REFUSED])
def test_what_is_refused_is_left_out_and_the_others_are_built(
    market: Path, places: Places, why: str, fields: dict[str, Any], error: type[Exception]
) -> None:
    write_skill(market / "skills" / "odd", **fields)
    shop = Shop(market, places)
    built = shop.build()
    assert [type(one) for one in built.refused] == [error], built.refused
    assert built.refused[0].message
    assert [row.id for row in shop.index.skills] == ["greeter", "waver"]
    private = [data for path, data in shop.files().items() if path.startswith("files/")]
    assert not any(b"exec(input())" in data for data in private)


@pytest.mark.skipif(os.name == "nt", reason="needs links and pipes")
def test_links_and_pipes_are_not_published(market: Path, places: Places) -> None:
    (market / "skills" / "greeter" / "secret").symlink_to("/etc/passwd")
    os.mkfifo(market / "skills" / "waver" / "pipe")
    built = Shop(market, places).build()
    assert len(built.refused) == 2 and not built.added
    assert {"it is a link", "it is no plain file"} == {
        one.message.rpartition(": ")[2] for one in built.refused
    }


def test_what_belongs_to_the_work_is_not_published(market: Path, places: Places) -> None:
    folder = market / "skills" / "greeter"
    for path in (".env", ".git/config", "__pycache__/x.pyc", "venv/pyvenv.cfg", "dist/x.whl"):
        (folder / path).parent.mkdir(exist_ok=True, parents=True)
        (folder / path).write_text("SECRET=1")
    write_skill(folder, docs__more__page="text", pyproject="x")
    shop = Shop(market, places)
    assert not shop.build().refused
    source = shop.skill("greeter").releases[0].source
    assert source.type == "files"
    names = {file.path for file in source.files}
    assert names == {"SKILL.md", "__init__.py", "skill.py", "docs/more/page", "pyproject"}


def test_a_gate_of_its_own(market: Path, places: Places) -> None:
    market.joinpath("market.toml").write_text('name = "strict"\nminimum-score = 101\n')
    built = Shop(market, places).build()
    assert len(built.refused) == 2 and not built.skills
    assert "and 101 is the least" in built.refused[0].message


@pytest.mark.parametrize(("key", "value"), [("max-files", 2), ("max-bytes", 300)])
def test_limits_of_its_own(market: Path, places: Places, key: str, value: int) -> None:
    market.joinpath("market.toml").write_text(f"{key} = {value}\n")
    built = Shop(market, places).build()
    assert [type(one) for one in built.refused] == [MarketError, MarketError]


def test_two_folders_of_one_skill_are_told(market: Path, places: Places) -> None:
    shutil.copytree(market / "skills" / "greeter", market / "greeter")
    built = Shop(market, places).build()
    assert "lies in two folders" in built.refused[0].message
    assert len(built.added) == 2


def test_names_that_are_one_module_are_refused(market: Path, places: Places) -> None:
    shop = Shop(market, places)
    plugin = {"plugin_id": "com.example.hello", "name": "Hello", "version": "1.0.0"}
    plugin |= {"description": "Greets somebody by name, when asked.", "author": "Ada"}
    plugin |= {"license": "MIT", "plugin_type": "tool", "entry_point": "main"}
    code = '"""Say hello."""\n\n\nclass Plugin:\n    """A plugin."""\n'
    for number, name in enumerate(("com.example.hello", "com.example-hello.x"[:17])):
        folder = market / "skills" / f"p{number}"
        folder.mkdir()
        (folder / "plugin.json").write_text(json.dumps(plugin | {"plugin_id": name}))
        (folder / "main.py").write_text(code)
    built = shop.build()
    kinds = {type(one) for one in built.refused}
    assert ConflictError in kinds, built.refused


def test_a_skill_of_somebody_else_is_not_ours_to_release(shop: Shop) -> None:
    settings = read_settings(str(shop.root))
    write_settings(str(shop.root), settings._replace(publisher="mallory"))
    write_skill(shop.root / "skills" / "greeter", "2.0.0")
    built = shop.build()
    assert isinstance(built.refused[0], ConflictError)
    assert "published by market, not by mallory" in built.refused[0].message


def test_an_index_is_renewed_when_half_of_its_time_is_up(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = shop.index.meta
    commit = Books.commit
    for days, changed in ((14, False), (16, True)):
        later = time.time() + days * 86_400
        monkeypatch.setattr(
            Books, "commit", lambda self, now=later, **options: commit(self, now=now, **options)
        )
        assert shop.build().changed is changed
    assert shop.index.meta.snapshot == 2
    assert shop.index.meta.expires > first.expires


def test_the_setting_file_is_read_as_it_is_written(project: Path) -> None:
    settings = Settings(name="acme", publisher="ada", title="Skills", days=7, key="k")
    write_settings(str(project), settings)
    assert read_settings(str(project)) == settings


@pytest.mark.parametrize(
    "text",
    [
        'name = "Not A Name"',
        "name = 3",
        "days = -1",
        'days = "7"',
        "minimum-score = true",
        'odd = "x"',
        "name = ",
        'publisher = ""',
    ],
)
def test_a_setting_that_is_wrong_is_told(project: Path, text: str) -> None:
    (project / "market.toml").write_text(text)
    with pytest.raises(ConfigError):
        read_settings(str(project))


@pytest.mark.parametrize(
    ("folder", "name"), [("My Skills!", "my-skills"), ("...", "market"), ("a" * 99, "a" * 64)]
)
def test_without_settings_the_folder_gives_the_name(project: Path, folder: str, name: str) -> None:
    (project / folder).mkdir()
    assert read_settings(str(project / folder)).name == name


def test_two_builds_at_once_do_not_mix(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(holding, "lock", lambda path: original(path, 0.1))
    from kurt_ext.locks import lock as original

    with held(str(shop.root)), pytest.raises(LockedError):
        shop.build()
    assert not shop.build().changed


@pytest.mark.parametrize(
    "text", ["", "{", "[]", '{"meta": {}, "publishers": {}, "skills": []}', '{"skills": [1]}']
)
def test_a_damaged_index_is_told_and_not_built_over(shop: Shop, text: str) -> None:
    (shop.root / "kurt" / "v1" / "index.json").write_text(text)
    with pytest.raises(MarketError):
        shop.build()


def test_a_damaged_document_is_told(shop: Shop) -> None:
    path = shop.root / shop.index.skills[0].detail.url
    path.write_bytes(path.read_bytes().replace(b"MIT", b"GPL"))
    write_skill(shop.root / "skills" / "greeter", "2.0.0")
    built = shop.build()
    assert "is not what was promised" in built.refused[0].message


STEPS = ["blob", "write", "settle", "index", "sweep"]


@pytest.mark.slow
@pytest.mark.skipif(os.name == "nt", reason="needs SIGKILL")
@pytest.mark.parametrize("step", range(0, 24, 2))
def test_a_build_that_is_killed_leaves_the_old_or_the_new(
    shop: Shop, tmp_path: Path, step: int
) -> None:
    from kurt_ext.market.reading import FolderReader
    from kurt_ext.market.verifying import verify

    old = shop.index
    write_skill(shop.root / "skills" / "greeter", "1.1.0", code=CODE + "# new\n")
    script = f"""
import os, signal, sys
from kurt_ext.market import building
from kurt_ext.places import Places
done = 0
def count(event, arguments):
    global done
    if event in ("os.rename", "os.remove", "os.mkdir") and {str(shop.root)!r} in str(arguments):
        done += 1
        if done > {step}:
            os.kill(os.getpid(), signal.SIGKILL)
sys.addaudithook(count)
building.build({str(shop.root)!r}, Places({str(tmp_path)!r}))
"""
    code = subprocess.run([sys.executable, "-c", script], capture_output=True).returncode
    index = shop.index
    assert code in (0, -signal.SIGKILL)
    assert (index == old) == (index.meta.snapshot == 1)
    found = verify(FolderReader(str(shop.root)))
    assert not found.findings
    shop.build()
    assert shop.skill("greeter").versions == ["1.0.0", "1.1.0"]
    assert not verify(FolderReader(str(shop.root))).findings


def test_what_neither_index_names_is_swept_in_time(shop: Shop) -> None:
    for number in range(1, 5):
        for path in (shop.root / "kurt/v1/skills").iterdir():
            os.utime(path, (1e9, 1e9))
        write_skill(shop.root / "skills" / "greeter", f"1.{number}.0")
        assert shop.build().changed
    found = [path for path in shop.files() if path.startswith("kurt/v1/skills/greeter.")]
    assert len(found) == 2


def test_an_index_has_one_skill_a_line(shop: Shop) -> None:
    text = (shop.root / "kurt" / "v1" / "index.json").read_text(encoding="utf-8")
    rows = [line for line in text.splitlines() if '"id":"' in line]
    assert len(rows) == 2 and all(json.loads(row.rstrip(",")) for row in rows)
    assert Index.read(text) == shop.index


def test_the_sources_are_found_where_they_may_lie(market: Path) -> None:
    write_skill(market / "atop")
    (market / "notes").mkdir()
    (market / "wheels").mkdir()
    for path in ("wheels/a-1.0-py3-none-any.whl", "b-1.0-py3-none-any.whl"):
        (market / path).write_text("")
    folders, wheels = building.sources(str(market))
    assert folders == ["atop", "skills/greeter", "skills/waver"]
    assert wheels == ["b-1.0-py3-none-any.whl", "wheels/a-1.0-py3-none-any.whl"]


def test_an_index_of_another_hand_is_written_anew_line_by_line(shop: Shop) -> None:
    path = shop.root / "kurt" / "v1" / "index.json"
    path.write_text(json.dumps(shop.raw, indent=2))
    write_skill(shop.root / "skills" / "greeter", "1.1.0")
    assert shop.build().changed
    rows = [row.id for row in shop.index.skills]
    assert rows == ["greeter", "waver"] and shop.index.skills[0].latest == "1.1.0"
    assert len(path.read_text().splitlines()) == 6


def test_a_full_disk_leaves_the_marketplace_as_it_was(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    from kurt_ext.market.verifying import verify

    before = shop.raw
    write_skill(shop.root / "skills" / "greeter", "1.1.0", code=CODE + "# new\n")
    write, written = Files.write, 0
    for limit in range(12):
        written = 0

        def full(self: Files, reference: str, data: bytes, limit: int = limit) -> None:
            nonlocal written
            written += 1
            if written > limit:
                raise OSError(28, "No space left on device")
            write(self, reference, data)

        monkeypatch.setattr(Files, "write", full)
        try:
            shop.build()
        except StorageError:
            assert shop.raw == before
            assert not verify(shop.reader).findings
        else:
            break
    assert shop.skill("greeter").versions == ["1.0.0", "1.1.0"]
    assert not list(shop.root.rglob("*.tmp"))


def test_a_disk_that_fills_up_is_told(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(self: Files, reference: str, data: bytes) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Files, "write", full)
    write_skill(shop.root / "skills" / "greeter", "1.1.0")
    with pytest.raises(StorageError, match="cannot be written") as caught:
        shop.build()
    assert "No space" in str(caught.value.cause)


@pytest.mark.slow
def test_publications_at_once_are_all_there(project: Path, places: Places, tmp_path: Path) -> None:
    root = project / "market"
    running = []
    for number in range(4):
        skill = write_skill(project / f"skill-{'abcd'[number]}")
        words = ["market", "publish", str(skill), "--to", str(root), "--publisher", "acme"]
        command = [sys.executable, "-m", "kurt_ext", *words]
        running.append(subprocess.Popen(command, stderr=subprocess.PIPE, text=True))
    for one in running:
        _, told = one.communicate(timeout=120)
        assert one.returncode == 0, told
    index = Shop(root, places).index
    assert len(index.skills) == 4 and index.meta.snapshot == 4


def test_rules_of_another_day_judge_again(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    from kurt_ext.market.judging import Judge

    assert not shop.build(again=True).judged
    first = shop.skill("greeter").releases[0]
    init = Judge.__init__

    def later(self: Judge, *arguments: Any) -> None:
        init(self, *arguments)
        self.ruleset = "b" * 64

    monkeypatch.setattr(Judge, "__init__", later)
    built = shop.build(again=True)
    assert built.judged == ("greeter 1.0.0", "waver 1.0.0") and built.changed
    second = shop.skill("greeter").releases[0]
    assert second.scan is not None and second.scan.ruleset == "b" * 64
    assert second.source == first.source and not built.refused
    monkeypatch.setattr(Judge, "__init__", init)
    settings = read_settings(str(shop.root))
    write_settings(str(shop.root), settings._replace(minimum_score=101))
    built = shop.build(again=True)
    assert len(built.refused) == 2 and len(built.judged) == 2
    assert "would be refused today" in built.refused[0].message
    assert [row.id for row in shop.index.skills] == ["greeter", "waver"]
