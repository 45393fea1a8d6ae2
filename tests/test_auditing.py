"""The audit of isolated plugins: whole lines, bounded, harmless, and no cost to a call."""

from __future__ import annotations

import json
import logging
import os
import stat
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest

from kurt_ext.masking import Masker, shield
from kurt_ext.places import Places
from kurt_ext.sandbox import auditing
from kurt_ext.sandbox.auditing import Audit, Tail, entries, files, folder_of


@pytest.fixture
def folder(tmp_path: Path) -> str:
    return str(tmp_path / "audit")


def lines(folder: str) -> list[dict[str, Any]]:
    return list(entries(folder))


def test_a_line_says_who_asked_for_what_and_how_it_ended(folder: str) -> None:
    with Audit(folder) as audit:
        audit.record("use", "archiver", "filesystem_read", "/etc/passwd", False, pid=7,
                     mechanism="tripwire", call="archiver:archive", outcome="", n=3)  # fmt: skip
    (line,) = lines(folder)
    when = line.pop("time")
    assert len(when) == 24 and when.endswith("Z")
    assert line == {
        "event": "use",
        "skill": "archiver",
        "permission": "filesystem_read",
        "target": "/etc/passwd",
        "allowed": False,
        "host": os.getpid(),
        "mechanism": "tripwire",
        "pid": 7,
        "call": "archiver:archive",
        "n": 3,
    }


def test_it_lies_with_the_data_of_the_user_and_nobody_else_reads_it() -> None:
    places = Places()
    with Audit(places) as audit:
        audit.record("use", "archiver", "processes", "git", True)
    (path,) = files(folder_of(places))
    assert path.startswith(os.path.join(places.data, "audit") + os.sep)
    if os.name == "posix":
        assert stat.S_IMODE(os.stat(path).st_mode) == 0o600
        assert stat.S_IMODE(os.stat(os.path.dirname(path)).st_mode) == 0o700


def test_nothing_is_made_before_there_is_something_to_say(folder: str) -> None:
    with Audit(folder):
        assert not os.path.exists(folder)
    Audit(None).record("use", "archiver", "processes", "git", True)
    assert list(entries(folder)) == []


def test_secrets_and_passwords_in_urls_are_not_written(folder: str) -> None:
    end = shield(Masker(["s3cr3t-key"]))
    try:
        with Audit(folder) as audit:
            audit.record("use", "archiver", "processes", "curl s3cr3t-key", False, why="s3cr3t-key")
            audit.record("connect", "archiver", "network_hosts", "https://u:p@h.example/x", True)
    finally:
        end()
    text = Path(files(folder)[0]).read_text()
    assert "s3cr3t" not in text and "u:p" not in text
    assert [line["target"] for line in lines(folder)] == ["curl ***", "https://***@h.example/x"]


@pytest.mark.parametrize(
    "target", ["\x1b[2J\x1b]0;x\x07", "a\nb\r\n", "\udcff", "\u202e", "\x9b31m"]
)
def test_no_target_reaches_a_terminal_or_begins_a_line(folder: str, target: str) -> None:
    with Audit(folder) as audit:
        audit.record("use", "archiver", "filesystem_read", target, False)
    data = Path(files(folder)[0]).read_bytes()
    assert data.count(b"\n") == 1 and data.endswith(b"\n")
    assert all(32 <= byte < 127 or byte == 10 for byte in data)
    assert len(lines(folder)) == 1


def test_a_line_is_bounded(folder: str) -> None:
    with Audit(folder) as audit:
        audit.record("use", "x" * 9999, "filesystem_read", "é" * 99999, False,
                     **dict[str, Any]({f"k{n}": "v" * 9999 for n in range(99)}))  # fmt: skip
    (path,) = files(folder)
    assert os.stat(path).st_size <= 8192
    (line,) = lines(folder)
    assert len(line["target"]) == 1024 and "k1" not in line


def test_threads_and_processes_write_whole_lines(folder: str) -> None:
    script = (
        "import sys; from kurt_ext.sandbox.auditing import Audit\n"
        "with Audit(sys.argv[1]) as audit:\n"
        "    for n in range(200):\n"
        "        audit.record('use', sys.argv[2], 'processes', f'{n} ' + 'x' * 500, True)\n"
    )
    running = [
        subprocess.Popen([sys.executable, "-c", script, folder, f"skill-{n}"]) for n in range(3)
    ]
    with Audit(folder) as audit:

        def write(name: str) -> None:
            for n in range(200):
                audit.record("use", name, "p", str(n), True)

        threads = [threading.Thread(target=write, args=(f"thread-{k}",)) for k in range(3)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert [process.wait(60) for process in running] == [0, 0, 0]
    found = lines(folder)
    assert len(found) == sum(len(Path(path).read_bytes().splitlines()) for path in files(folder))
    counts = {line["skill"]: 0 for line in found}
    for line in found:
        counts[line["skill"]] += 1
    assert counts == {f"{kind}-{n}": 200 for kind in ("skill", "thread") for n in range(3)}


def test_full_files_are_put_aside_and_the_oldest_removed(
    folder: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(auditing, "_FILE", 2000)
    monkeypatch.setattr(auditing, "_ALL", 8000)
    monkeypatch.setattr(auditing, "_BURST", 10_000.0)
    with Audit(folder) as one, Audit(folder) as other:
        for n in range(100):
            one.record("use", "archiver", "processes", f"{n} {'x' * 100}", True)
            other.record("use", "other", "processes", f"{n} {'x' * 100}", True)
    found = files(folder)
    assert sum(os.stat(path).st_size for path in found) <= 8000 + 400
    assert 2 <= len(found) <= 5
    numbers = [int(line["target"].split()[0]) for line in lines(folder)]
    assert numbers == sorted(numbers) and numbers[-1] == 99  # the oldest first, and the last kept


def test_who_asks_without_end_does_not_push_out_the_others(folder: str) -> None:
    with Audit(folder) as audit:
        for n in range(5000):
            audit.record("use", "noisy", "processes", f"x{n}", False)
        audit.record("use", "quiet", "processes", "git", False)
        assert audit.lost >= 4000
        audit._meters["noisy"][0] = 5.0  # as after a while
        audit.record("use", "noisy", "processes", "again", False)
    found = lines(folder)
    assert len(found) < 1000
    assert [line["skill"] for line in found].count("quiet") == 1
    # Told now and then on a slow machine, and all of it in the end.
    assert sum(line.get("dropped", 0) for line in found) >= 4000


def test_a_broken_disk_costs_no_call_and_is_said_once(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "file").write_text("")
    audit = Audit(str(tmp_path / "file" / "audit"))
    with caplog.at_level(logging.WARNING):
        for n in range(5):
            audit.record("use", "archiver", "processes", str(n), True)
    assert audit.lost == 5
    assert len(caplog.records) == 1 and "cannot be written" in caplog.records[0].message
    (tmp_path / "file").unlink()
    audit.record("use", "archiver", "processes", "again", True)
    assert len(lines(str(tmp_path / "file" / "audit"))) == 1
    audit.close()


def test_what_cannot_be_a_text_costs_no_call_either(folder: str) -> None:
    class Odd:
        def __str__(self) -> str:
            raise RuntimeError("no")

    with Audit(folder) as audit:
        audit.record("use", "archiver", "processes", Odd(), True)  # type: ignore[arg-type]
        assert audit.lost == 1


@pytest.mark.skipif(os.name != "posix", reason="links need a privilege on Windows")
def test_a_link_in_its_place_is_not_written_through(folder: str, tmp_path: Path) -> None:
    os.makedirs(folder)
    victim = tmp_path / "victim"
    victim.write_text("")
    today = auditing._stamp(__import__("time").time())[:10]
    os.symlink(victim, os.path.join(folder, f"{today}.jsonl"))
    audit = Audit(folder)
    audit.record("use", "archiver", "processes", "git", True)
    assert audit.lost == 1 and victim.read_text() == ""


def test_a_file_that_was_removed_is_made_again(folder: str) -> None:
    with Audit(folder) as audit:
        audit.record("use", "archiver", "processes", "one", True)
        os.unlink(files(folder)[0])
        audit.record("use", "archiver", "processes", "two", True)
    assert [line["target"] for line in lines(folder)] == ["two"]


def test_what_is_no_line_is_passed_by(folder: str) -> None:
    os.makedirs(folder)
    good = '{"time": "2026-11-21T13:00:00.000Z", "event": "use", "skill": "a", '
    good += '"permission": "processes", "target": "git", "allowed": true}'
    rows = ["", "{", '{"allowed": 1}', "[]", "[" * 2000, '{"allowed": true}', good, '{"time": "20']
    Path(folder, "2026-11-21.jsonl").write_text("\n".join(rows))
    Path(folder, "notes.txt").write_text(good)
    assert [line["target"] for line in lines(folder)] == ["git"]


def test_lines_are_chosen_by_skill_time_and_outcome(folder: str) -> None:
    os.makedirs(folder)
    for day, hour, skill, allowed in [
        ("20", "10", "a", True), ("21", "11", "a", False), ("21", "12", "b", False),
    ]:  # fmt: skip
        with open(os.path.join(folder, f"2026-11-{day}.jsonl"), "a") as stream:
            row = {"time": f"2026-11-{day}T{hour}:00:00.000Z", "event": "use", "skill": skill,
                   "permission": "p", "target": f"{day}-{hour}", "allowed": allowed}  # fmt: skip
            stream.write(json.dumps(row) + "\n")

    def chosen(**more: Any) -> list[str]:
        return [line["target"] for line in entries(folder, **more)]

    assert chosen() == ["20-10", "21-11", "21-12"]
    assert chosen(skill="a") == ["20-10", "21-11"]
    assert chosen(denied=True) == ["21-11", "21-12"]
    assert chosen(since="2026-11-21T11:30:00") == ["21-12"]
    assert chosen(since="2026-11-21T11:00:00") == ["21-11", "21-12"]


def test_a_tail_gives_what_comes_also_over_a_full_file(
    folder: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(auditing, "_BURST", 10_000.0)
    with Audit(folder) as audit:
        audit.record("use", "archiver", "processes", "before", True)
        tail = Tail(folder)
        assert list(tail.new()) == []
        monkeypatch.setattr(auditing, "_FILE", 400)
        for n in range(6):
            audit.record("use", "archiver", "processes", str(n), True)
        assert [line["target"] for line in tail.new()] == [str(n) for n in range(6)]
        with open(files(folder)[-1], "ab") as stream:
            stream.write(b'{"time": "half')
        assert list(tail.new()) == []


def test_its_file_is_given_back_with_it(folder: str) -> None:
    audit = Audit(folder)
    audit.record("use", "archiver", "processes", "git", True)
    number = audit._file
    os.fstat(number)
    del audit
    with pytest.raises(OSError, match="descriptor"):
        os.fstat(number)
