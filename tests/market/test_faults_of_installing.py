"""Full disks, downloads that are cut, many at once, and what a loss of power leaves behind."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from goods import hidden, version_in

from kurt_ext.lock import read
from kurt_ext.market import fetching
from kurt_ext.places import Places
from kurt_ext.receipts import Receipts

from .shops import Kurt, Shop, served

ID = "com.example.archiver"
#: Bytes that an update needs at most: two copies of its files, and what is noted of them.
_ENOUGH = 420 << 10
_STEP = 20 << 10


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    made = Shop(tmp_path / "market")
    made.sell(ID, files={"a.txt": "one " * 10_000})
    made.open()
    made.sell(ID, "2.0.0", files={"a.txt": "two " * 20_000})
    made.open()
    return made


@pytest.fixture
def small(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Return a small file system in memory that holds all that kurt writes."""
    mounted = tmp_path / "small"
    mounted.mkdir()
    done = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=4m", "none", str(mounted)], capture_output=True
    )
    if done.returncode:
        pytest.skip("no file system can be mounted here: " + done.stderr.decode().strip())
    try:
        for name, variable in (("home", "KURT_HOME"), ("project", "KURT_PROJECT")):
            (mounted / name).mkdir()
            monkeypatch.setenv(variable, str(mounted / name))
        yield mounted
    finally:
        os.chdir(tmp_path)
        subprocess.run(["umount", "-l", str(mounted)], check=True)


def fill(root: Path, free: int) -> Path:
    """Fill a file system up to so many bytes, and return the file that does."""
    ballast = root / "ballast"
    with open(ballast, "wb") as stream:
        found = os.statvfs(root)
        stream.write(b"\0" * max(0, found.f_bavail * found.f_frsize - free))
    return ballast


@pytest.mark.slow
@pytest.mark.parametrize("verb", ["install", "update", "uninstall"])
def test_where_the_disk_is_full_the_old_or_the_new_is_whole(
    shop: Shop, small: Path, kurt: Kurt, verb: str
) -> None:
    words, old, new = {
        "install": (["install", f"{ID}@1.0.0", "--yes"], None, "1.0.0"),
        "update": (["update", ID, "--yes", "--no-cooldown"], "1.0.0", "2.0.0"),
        "uninstall": (["uninstall", ID], "1.0.0", None),
    }[verb]
    project = small / "project"
    assert kurt("config", "set", "--scope", "user", "market.shop.url", str(shop.root)).code == 0
    assert kurt("search", "archiver").code == 0
    seen = set()
    for free in range(0, _ENOUGH, _STEP):
        kurt("uninstall", ID, "--force")
        kurt("prune", "--all")
        if old is not None:
            assert kurt("install", f"{ID}@{old}", "--yes").code == 0
        ballast = fill(small, free)
        ran = kurt(*words)
        there = version_in(project / "skills" / ID)
        assert there in (old, new)
        if ran.code != 0:
            assert "No space" in str(ran["error"]["cause"]), ran["error"]
        ballast.unlink()
        rows = [row for row in kurt("doctor")["data"]["checks"] if row["id"] == "installed"]
        assert rows and all(row["status"] == "ok" for row in rows)
        assert hidden(project / "skills") == []
        locked = read(str(project / "kurt.lock")).get("com_example_archiver")
        settled = version_in(project / "skills" / ID)
        assert settled in (old, new) and (locked.version if locked else None) == settled
        if ran.code == 0:
            assert settled == new
        seen.add((ran.code == 0, settled))
    assert (True, new) in seen
    if verb != "uninstall":  # which frees more than it writes
        assert (False, old) in seen


@pytest.mark.slow
def test_an_update_whose_download_is_cut_anywhere_leaves_the_old_version(
    shop: Shop, project: Path, kurt: Kurt, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fetching, "_PAUSE", 0.001)
    shop.sell(ID, "3.0.0", files={"a.txt": "".join(f"{n * n:x}" for n in range(6000))})
    shop.open()
    at, size = 0, 1

    def cut(handler: Any, data: bytes) -> bool:
        nonlocal size
        if "/files/" not in handler.path:
            return False
        size = len(data)
        if at >= size:
            return False
        handler.send_response(200)
        handler.send_header("Content-Length", str(size))
        handler.end_headers()
        handler.wfile.write(data[:at])
        return True

    with served(shop.root) as server:
        assert kurt("config", "set", "--scope", "user", "market.shop.url", server.url).code == 0
        assert kurt("install", f"{ID}@1.0.0", "--yes").code == 0
        server.mischief = cut
        ran = kurt("list")
        for at in range(0, 1 << 20, 4096):
            ran = kurt("update", ID, "--yes", "--no-cooldown")
            if at >= size:
                break
            assert (ran.code, ran["error"]["code"]) == (7, "network")
            assert version_in(project / "skills" / ID) == "1.0.0"
            assert hidden(project / "skills") == []
            (found,) = Receipts(Places()).all()
            assert Receipts(Places()).changed(found) == []
    assert size > 16_384 and ran.code == 0
    assert version_in(project / "skills" / ID) == "3.0.0"


@pytest.mark.slow
def test_processes_that_install_at_once_have_all_installed_in_the_end(
    tmp_path: Path, project: Path, kurt: Kurt
) -> None:
    made = Shop(tmp_path / "many")
    names = [f"com.example.one{number}" for number in range(3)]
    for name in names:
        made.sell(name)
    made.open()
    assert kurt("config", "set", "--scope", "user", "market.shop.url", str(made.root)).code == 0
    words = [sys.executable, "-m", "kurt_ext", "install", "--yes"]
    running = [
        subprocess.Popen([*words, name], env=os.environ, stderr=subprocess.PIPE, text=True)
        for name in [*names, *names]
    ]
    for process in running:
        told = process.communicate(timeout=120)[1]
        assert process.returncode == 0, told
    for name in names:
        assert version_in(project / "skills" / name) == "1.0.0"
    assert {row.name for row in read(str(project / "kurt.lock")).values()} == set(names)
    assert hidden(project / "skills") == []
    assert kurt("sync", "--locked").code == 0


@pytest.mark.slow
@pytest.mark.parametrize("torn", ["empty", "zeros"])
def test_what_a_loss_of_power_tears_is_told_and_can_be_mended(
    shop: Shop,
    project: Path,
    kurt: Kurt,
    tmp_path: Path,
    torn: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    home, saved = tmp_path / "home-of-kurt", tmp_path / "saved"
    home.mkdir()
    monkeypatch.setenv("KURT_HOME", str(home))
    assert kurt("config", "set", "--scope", "user", "market.shop.url", str(shop.root)).code == 0
    present = {path for base in (home, project) for path in base.rglob("*")}
    assert kurt("install", f"{ID}@1.0.0", "--yes").code == 0
    for base in (home, project):
        shutil.copytree(base, saved / base.name)
    written = [path for base in (home, project) for path in base.rglob("*") if path.is_file()]
    for path in written:
        if path in present or path.name == "lock" or path.name.endswith(".json.lock"):
            continue
        size = path.stat().st_size
        path.unlink()  # what is written through a link would tear the store's file along
        path.write_bytes(b"" if torn == "empty" else b"\0" * size)
        for words in (["list"], ["doctor"], ["sync"], ["install", ID, "--yes"]):
            error = kurt(*words).get("error") or {}
            assert error.get("code") != "internal", (path, words, error)
            if (error.get("hint") or "").startswith("rm "):
                path.unlink()
        ran = kurt("sync", "--force", ID)
        if ran.code and "&&" in ran["error"]["hint"]:
            assert os.system(ran["error"]["hint"].partition("&&")[0]) == 0
            assert ran["error"]["hint"].endswith(f"&& kurt sync --force {ID}")
            ran = kurt("sync", "--force", ID)
        if path.name == "kurt.lock":
            assert "delete it and install anew" in ran["error"]["hint"]
            path.unlink()
            assert kurt("install", ID, "--yes").code == 0
        elif ran.code:
            # The first answer that was ever given has none before it.
            assert path.name == "trust.json" and "delete it" in ran["error"]["hint"]
            path.unlink()
            assert kurt("sync", "--force", ID).code == 0
            assert kurt("skill", "trust", str(project / "skills" / ID)).code == 0
        (found,) = Receipts(Places()).all()
        assert Receipts(Places()).changed(found) == []
        assert version_in(project / "skills" / ID) == found.version
        rows = [row for row in kurt("doctor")["data"]["checks"] if row["id"] == "installed"]
        assert rows and all(row["status"] == "ok" for row in rows)
        for base in (home, project):
            for entry in base.iterdir():
                shutil.rmtree(entry) if entry.is_dir() else entry.unlink()
            shutil.copytree(saved / base.name, base, dirs_exist_ok=True)
