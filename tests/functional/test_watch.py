"""`kurt watch` as its users run it: a process of its own, real saves, real signals."""

from __future__ import annotations

import json
import os
import queue
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from .conftest import Run, distribution, write_skill

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="signals as on POSIX")

PATIENCE = 60
LIFE = """\
import os
from kurt_tool import Tool, ToolResult

class Greet(Tool):
    \"\"\"Greet somebody.\"\"\"

    name = "greet"

    async def activate(self):
        self.note("activate")

    async def deactivate(self):
        self.note("deactivate")
        {hang}

    def cleanup(self):
        self.note("cleanup")

    def note(self, word):
        print("printed", word)
        with open(os.environ["NOTES"], "a") as file:
            file.write(word + "{suffix} ")

    async def run(self, params, context, on_progress=None):
        return ToolResult(data=[])
"""


def life(suffix: str = "", hang: str = "pass") -> str:
    return LIFE.format(suffix=suffix, hang=hang)


class Process:
    """A running `kurt watch`, its output line by line."""

    def __init__(self, *words: str) -> None:
        self.popen = subprocess.Popen(
            [sys.executable, "-m", "kurt_ext", "watch", "--no-validate", *words],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONUNBUFFERED": ""},
        )
        self.out: queue.Queue[str] = queue.Queue()
        self.err: queue.Queue[str] = queue.Queue()
        self._threads = [
            threading.Thread(target=self._read, args=(stream, lines))
            for stream, lines in ((self.popen.stdout, self.out), (self.popen.stderr, self.err))
        ]
        for thread in self._threads:
            thread.start()

    @staticmethod
    def _read(stream: Any, lines: queue.Queue[str]) -> None:
        for line in stream:
            lines.put(line)
        stream.close()

    def row(self, **wanted: Any) -> dict[str, Any]:
        """Return the next JSON line that has these values."""
        while True:
            found: dict[str, Any] = json.loads(self.out.get(timeout=PATIENCE))
            if all(found.get(key) == value for key, value in wanted.items()):
                return found

    def line(self, word: str, of: queue.Queue[str] | None = None) -> str:
        """Return the next line of stdout, or of another stream, that has a word in it."""
        while word not in (found := (of or self.out).get(timeout=PATIENCE)):
            pass
        return found.rstrip("\n")

    def end(self, number: int = signal.SIGINT) -> int:
        self.popen.send_signal(number)
        return self.wait()

    def wait(self) -> int:
        code = self.popen.wait(PATIENCE)
        for thread in self._threads:
            thread.join(PATIENCE)
        return code


Start = Callable[..., Process]


@pytest.fixture
def start() -> Iterator[Start]:
    running: list[Process] = []

    def begin(*words: str) -> Process:
        running.append(Process(*words))
        return running[-1]

    yield begin
    for process in running:
        if process.popen.poll() is None:
            process.popen.kill()
            process.wait()


@pytest.fixture
def notes(project: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = project.parent / "notes"
    monkeypatch.setenv("NOTES", str(path))
    return path


def wait_for(notes: Path, word: str) -> None:
    """Wait until a plugin has noted a word."""
    for _ in range(PATIENCE * 100):
        if notes.exists() and word in notes.read_text().split():
            return
        threading.Event().wait(0.01)
    raise AssertionError(f"no {word}")


def test_a_save_is_a_line_and_ctrl_c_ends_in_order(skill: Path, notes: Path, start: Start) -> None:
    file = skill / "skill.py"
    file.write_text(life())
    watch = start()
    watch.line("watching 1 plugin in ", watch.err)
    assert watch.line("loaded").startswith("+ greeter 0.1.0  loaded in ")
    file.write_text(life("2"))
    line = watch.line("reloaded")
    assert line.startswith("~ greeter 0.1.0  skill.py  reloaded in ")
    assert line.endswith(" ms")
    file.write_text(life("2"))  # as some editors do: that is no change
    file.write_text("import no_such_module")
    assert watch.line("! greeter").endswith("skill.py  does not run; the code before it still does")
    assert "no_such_module" in watch.line("cause")
    assert f"{file}:1" in watch.line(" at ")
    assert "hint" in watch.line("hint")
    assert watch.end() == 0
    # The new code is active before the old one ends.
    assert notes.read_text() == "activate activate2 deactivate cleanup deactivate2 cleanup2 "


def test_lines_of_json_are_all_that_is_on_stdout(skill: Path, notes: Path, start: Start) -> None:
    (skill / "skill.py").write_text(life())
    watch = start("--jsonl")
    assert watch.row(event="change")["outcome"] == "loaded"
    assert watch.row(event="watching")["running"] == 1
    (skill / "skill.py").write_text(life("2"))
    row = watch.row(event="change")
    assert (row["plugin_id"], row["outcome"], row["files"]) == (
        "greeter",
        "reloaded",
        ["skill.py"],
    )
    assert row["error"] is None
    assert watch.end(signal.SIGTERM) == 0
    assert "printed" in watch.line("printed", watch.err)
    assert watch.out.empty()


@pytest.mark.parametrize(("text", "code"), [(life("2"), 0), ("1 / 0", 1)])
def test_once_ends_with_the_first_change(
    skill: Path, notes: Path, start: Start, text: str, code: int
) -> None:
    (skill / "skill.py").write_text(life())
    watch = start("--once", "--json")
    wait_for(notes, "activate")  # nothing is told before the end
    (skill / "skill.py").write_text(text)
    assert watch.wait() == code
    envelope = json.loads(watch.line("schema"))
    assert (envelope["schema"], envelope["ok"]) == ("kurt.watch/1", not code)
    rows = [row for row in envelope["data"] if row["event"] == "change"]
    assert [row["outcome"] for row in rows] == ["loaded", "rolled-back" if code else "reloaded"]


def test_the_second_signal_ends_it_at_once(skill: Path, notes: Path, start: Start) -> None:
    (skill / "skill.py").write_text(life(hang="import asyncio; await asyncio.sleep(60)"))
    watch = start()
    watch.line("watching", watch.err)
    watch.popen.send_signal(signal.SIGINT)
    wait_for(notes, "deactivate")
    threading.Event().wait(0.2)  # sooner, it is an echo of the first
    assert watch.end() == -signal.SIGINT


def test_a_skill_that_fails_is_watched_until_it_works(
    skill: Path, notes: Path, start: Start
) -> None:
    (skill / "skill.py").write_text("def (")
    watch = start("greeter", "--poll")
    assert watch.line("!") == "! greeter 0.1.0  failed"
    watch.line("watching 0 plugins", watch.err)
    (skill / "skill.py").write_text(life())
    assert watch.line("+").startswith("+ greeter 0.1.0  skill.py  loaded in ")
    assert watch.end() == 0


def test_another_terminal_acts_on_the_plugins_of_the_watch(
    skill: Path, notes: Path, start: Start, kurt: Run
) -> None:
    (skill / "skill.py").write_text(life())
    watch = start()
    watch.line("watching", watch.err)
    assert kurt("plugin", "deactivate", "greeter").code == 0
    assert notes.read_text() == "activate deactivate "
    assert watch.end() == 0


def test_an_unknown_name_is_an_error_that_suggests(skill: Path, kurt: Run) -> None:
    ran = kurt("watch", "greetre")
    assert ran.code == 3
    assert "greeter" in ran.err


def test_without_the_extra_it_says_what_to_install(skill: Path, kurt: Run, tmp_path: Path) -> None:
    (tmp_path / "hiding").mkdir()
    (tmp_path / "hiding" / "watchfiles.py").write_text("raise ImportError")
    ran = kurt("watch", env={"PYTHONPATH": str(tmp_path / "hiding")})
    assert ran.code == 1
    assert "pip install 'kurt-ext[watch]'" in ran.err


def test_what_cannot_be_used_is_named_at_the_start(
    project: Path, monkeypatch: pytest.MonkeyPatch, notes: Path, start: Start
) -> None:
    folders = [
        write_skill(project / "skills", name, code=life())
        for name in ("greeter", "off", "stranger", "unreadable")
    ]
    monkeypatch.setenv("KURT_TRUST", os.pathsep.join(map(str, folders[:2])))
    (folders[3] / "SKILL.md").write_text("---\nname: [")
    (project / "kurt.toml").write_text('[tool]\ndisabled = ["off"]\n')
    watch = start()
    assert "unreadable: " in watch.line("kurt explain", watch.err)
    untrusted = watch.line("not trusted", watch.err)
    assert untrusted.strip() == (
        f"1 skill is not trusted; to trust this project: kurt skill trust {project}"
    )
    watch.line("watching 1 plugin in", watch.err)
    assert watch.end() == 0
    told = []
    while not watch.out.empty():
        told.append(watch.out.get())
    assert [line[:9] for line in told if not line.startswith("printed")] == ["+ greeter"]


def test_what_is_installed_runs_and_is_said_not_to_be_watched(
    skill: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, notes: Path, start: Start
) -> None:
    site = tmp_path / "site"
    distribution(site, "kurt-away", "[kurt.tool]\nfar = far:Greet\n", modules={"far": life()})
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(site), os.environ.get("PYTHONPATH", "")]))
    watch = start()
    said = watch.line("not watched", watch.err)
    assert said.strip().endswith("kurt-away; after a change: kurt plugin reload kurt-away")
    watch.line("watching 1 plugin in", watch.err)
    assert watch.end() == 0


def test_a_name_that_cannot_be_used_is_refused_with_the_reason(
    project: Path, notes: Path, start: Start
) -> None:
    write_skill(project / "skills", "stranger", code=life())
    watch = start("stranger")
    assert watch.line("!") == "! stranger 0.1.0  is not loaded"
    assert "kurt skill trust" in watch.line("hint")
    assert watch.end() == 0


def test_two_watches_of_one_project_both_reload(skill: Path, notes: Path, start: Start) -> None:
    (skill / "skill.py").write_text(life())
    first = start()
    first.line("watching", first.err)
    second = start()
    assert "does not reach this process" in second.line("kurt plugin", second.err)
    second.line("watching", second.err)
    (skill / "skill.py").write_text(life("2"))
    first.line("reloaded")
    second.line("reloaded")
    assert (first.end(), second.end()) == (0, 0)
