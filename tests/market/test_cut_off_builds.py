"""A build that is cut off costs what it had not judged yet, and leaves nothing for good."""

from __future__ import annotations

import os
import shutil
import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from crashes import die_at

from kurt_ext.errors import MarketError
from kurt_ext.jobs import Job
from kurt_ext.market import leftovers, verifying
from kurt_ext.market.building import build
from kurt_ext.market.reading import FolderReader
from kurt_ext.places import Places

from .conftest import Shop, write_skill
from .shops import Kurt

needs_fork = pytest.mark.skipif(not hasattr(os, "fork"), reason="the system cannot fork")
HOURS = 3 * 3600.0


@pytest.fixture
def judged(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Return the names of the folders that are judged in this process, as they are."""
    names: list[str] = []
    real = Job.judge

    def judge(self: Job, folder: str) -> dict[str, Any]:
        names.append(os.path.basename(folder))
        return real(self, folder)

    monkeypatch.setattr(Job, "judge", judge)
    return names


def killed(work: Callable[[], object]) -> int:
    """Run something in a process of its own; return the signal that has ended it, or 0."""
    pid = os.fork()
    if pid == 0:
        try:
            work()
        finally:
            os._exit(0)
    return os.WTERMSIG(os.waitpid(pid, 0)[1])


def whole(root: Path) -> list[str]:
    """Return what is wrong with a marketplace."""
    return [str(finding) for finding in verifying.verify(FolderReader(str(root))).findings]


@needs_fork
def test_what_a_killed_build_has_judged_is_not_judged_again(
    market: Path, places: Places, judged: list[str]
) -> None:
    for number in range(4):
        write_skill(market / "skills" / f"more-{number}")

    def die(name: str, came: int, total: int) -> None:
        if came == 4:
            os.kill(os.getpid(), signal.SIGKILL)

    assert killed(lambda: build(str(market), places, jobs=1, done=die)) == signal.SIGKILL
    assert not (market / "kurt" / "v1" / "index.json").exists()
    built = build(str(market), places, jobs=1)
    assert len(built.added) == 6 and not built.refused
    assert judged == ["more-3", "waver"]  # the four before, by name, were done
    kept = Path(places.cache, "market", "verdicts")
    assert list(kept.iterdir()) == []  # the index holds them now
    assert whole(market) == []


def test_a_verdict_is_of_these_bytes_alone(market: Path, places: Places, judged: list[str]) -> None:
    def stop(name: str, came: int, total: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        build(str(market), places, jobs=1, done=stop)
    assert judged == ["greeter"]
    (market / "skills" / "greeter" / "skill.py").write_text("import os\nos.system('reboot')\n")
    built = build(str(market), places, jobs=1)
    assert judged == ["greeter", "greeter", "waver"]
    assert [error.skill for error in built.refused] == ["greeter"]


def test_many_processes_build_what_one_builds(market: Path, places: Places, project: Path) -> None:
    for number in range(7):
        write_skill(market / "skills" / f"more-{number}", code=f"NUMBER = {number}\n")
    other = project / "other"
    shutil.copytree(market / "skills", other / "skills")
    one, many = Shop(market, places), Shop(other, places)
    assert one.build(jobs=1).added == many.build(jobs=3).added
    blobs = [{path for path in shop.files() if path.startswith("files/")} for shop in (one, many)]
    assert blobs[0] == blobs[1]  # reports are blobs, and archives are named by their digest
    assert [row.id for row in one.index.skills] == [row.id for row in many.index.skills]


def test_a_blob_that_a_loss_of_power_has_emptied_is_written_again(
    market: Path, places: Places
) -> None:
    def stop(name: str, came: int, total: int) -> None:
        if came == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        build(str(market), places, jobs=1, done=stop)
    blobs = [path for path in (market / "files").rglob("*") if path.is_file()]
    assert blobs
    for path in blobs:
        path.write_bytes(b"\0" * path.stat().st_size)
    assert len(build(str(market), places).added) == 2
    assert whole(market) == []


@needs_fork
@pytest.mark.slow
def test_killed_at_any_step_a_build_leaves_a_whole_market_and_nothing_for_good(
    shop: Shop, places: Places
) -> None:
    root = shop.root
    build(str(root), places)
    before = set(shop.files())
    write_skill(root / "skills" / "waver", "2.0.0", notes="new\n")
    number, came = 1, 0
    while True:
        if not die_at(lambda: build(str(root), places, jobs=1), number):
            break
        came += 1
        assert whole(root) == []
        for one in leftovers.remove(str(root), now=_in(HOURS)):
            assert one.path not in before
        assert whole(root) == []
        if shop.index.meta.snapshot > 1:
            break  # what follows is after the index was written
        assert set(shop.files()) - before <= {
            path for path in shop.files() if not path.startswith("files/")
        }
        number += 3
    assert came > 10
    build(str(root), places, jobs=1)
    assert shop.skill("waver").latest is not None
    assert leftovers.find(str(root), now=_in(HOURS)) == []
    assert whole(root) == []


def _in(seconds: float) -> float:
    return time.time() + seconds


def test_what_is_named_or_young_or_not_made_by_a_build_stays(shop: Shop, project: Path) -> None:
    root = shop.root
    named = {path for path in shop.files() if path.startswith("files/")}
    stray = {
        "files/sha256/ab/ab" + "0" * 62: True,
        "files/archives/0123456789abcdef/old-1.0.0.zip": True,
        "files/wheels/0123456789abcdef/old-1.0.0-py3-none-any.whl.metadata": True,
        f"{sorted(named)[0]}.123.0a1b2c3d.tmp": True,
        "files/notes.txt": False,
        "files/sha256/notes": False,
        "skills/greeter/SKILL.md.1.0a1b2c3d.tmp": False,
    }
    for path in stray:
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_bytes(b"left")
    assert leftovers.find(str(root)) == []  # somebody may be about to name them
    gone = {one.path for one in leftovers.remove(str(root), now=_in(HOURS))}
    assert gone == {path for path, left in stray.items() if left}
    assert named <= set(shop.files())
    assert whole(root) == []
    assert not (root / "files/archives/0123456789abcdef").exists()


def test_nothing_is_removed_where_not_all_can_be_read(shop: Shop) -> None:
    stray = shop.root / "files" / "sha256" / "ab" / ("ab" + "0" * 62)
    stray.parent.mkdir(exist_ok=True)
    stray.write_bytes(b"left")
    document = shop.root / shop.raw["skills"][0]["detail"]["url"]
    document.write_text("{}")
    with pytest.raises(MarketError):
        leftovers.remove(str(shop.root), now=_in(HOURS))
    assert stray.exists()


def test_a_folder_that_is_no_marketplace_is_left_alone(tmp_path: Path) -> None:
    stray = tmp_path / "files" / "sha256" / "ab" / ("ab" + "0" * 62)
    stray.parent.mkdir(parents=True)
    stray.write_bytes(b"mine")
    with pytest.raises(MarketError, match="no marketplace"):
        leftovers.remove(str(tmp_path), now=_in(HOURS))
    assert stray.exists()


def test_the_command_shows_first_what_it_would_remove(shop: Shop, kurt: Kurt) -> None:
    stray = "files/sha256/ab/ab" + "0" * 62
    (shop.root / stray).parent.mkdir(exist_ok=True)
    (shop.root / stray).write_bytes(b"left")
    assert kurt("prune", "--market", str(shop.root)).data["removed"] == []
    os.utime(shop.root / stray, (1e9, 1e9))
    told = kurt("prune", "--market", str(shop.root), "--dry-run").data
    assert (told["removed"], told["freed_bytes"]) == ([stray], 4)
    assert (shop.root / stray).exists()
    assert kurt("prune", "--market", str(shop.root)).data["removed"] == [stray]
    assert not (shop.root / stray).exists()
    assert kurt("prune", "--market", str(shop.root / "nowhere")).code == 2
