"""Many skills are judged at once, and one that kills its judge takes no other with it."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from kurt_ext.hostfacts import HostFacts
from kurt_ext.jobs import Job, judge_all
from kurt_ext.validator import Check, installed_checks

MANIFEST = '{"plugin_id": "com.example.a%d", "name": "A"}'
GUEST = """\
import os, signal, time
from kurt_ext.findings import Finding

def check(subject):
    what = os.path.basename(subject.folder)
    print("printed by a check")
    os.write(1, b"written by a check\\n")
    if what == "killed":
        os.kill(os.getpid(), signal.SIGSEGV)
    if what == "left":
        os._exit(0)
    if what == "slow":
        time.sleep(60)
    yield Finding("seen", "info", what)
"""


def folders(base: Path, *names: str) -> list[str]:
    for number, name in enumerate(names):
        (base / name).mkdir(parents=True)
        (base / name / "plugin.json").write_text(MANIFEST % number)
    return [str(base / name) for name in names]


@pytest.fixture
def guest(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Job:
    site = tmp_path / "site"
    site.mkdir()
    (site / "odd_checks.py").write_text(GUEST)
    monkeypatch.syspath_prepend(str(site))
    return Job("load", [Check("odd", "odd_checks:check", "odd")], HostFacts())


def test_several_processes_say_what_one_says_in_the_same_order(tmp_path: Path) -> None:
    facts = HostFacts(known_ids=frozenset(("b", "a")), known_names={"A": "a"})
    job = Job("publish", installed_checks(), facts)
    listed = folders(tmp_path, "c", "a", "b", "d")
    (tmp_path / "b" / "skill.py").write_text("import os\nos.system('x')\n")
    came: list[int] = []
    many = judge_all(job, listed, jobs=2, done=lambda number, row: came.append(number))
    assert many == judge_all(job, listed, jobs=1)
    assert sorted(came) == [0, 1, 2, 3]
    assert [row["path"] for row in many] == listed


@pytest.mark.slow
@pytest.mark.skipif(os.name == "nt", reason="signals as on Unix")
def test_a_process_that_dies_is_a_finding_about_that_folder(
    tmp_path: Path, guest: Job, capfd: pytest.CaptureFixture[str]
) -> None:
    names = ("a", "killed", "b", "left", "slow", "c")
    rows = judge_all(guest, folders(tmp_path, *names), jobs=2, timeout=5)
    said = {name: row["findings"][-1] for name, row in zip(names, rows, strict=True)}
    for name in ("a", "b", "c"):
        assert said[name]["message"] == name
    for name, text in (("killed", "signal 11"), ("left", "died"), ("slow", "after 5 seconds")):
        assert said[name]["rule"] == "judge-died" and text in said[name]["message"]
    for row, name in zip(rows, names, strict=True):
        broken = name in ("killed", "left", "slow")
        assert row["complete"] is not broken and (row["valid"] is not broken)
    out, err = capfd.readouterr()
    assert out == "" and "printed by a check" in err and "written by a check" in err


def test_a_worker_imports_nothing_from_the_working_directory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    listed = folders(tmp_path, "a", "b")
    (tmp_path / "json.py").write_text("raise SystemExit('imported')")
    (tmp_path / "kurt_ext.py").write_text("raise SystemExit('imported')")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", ["", str(tmp_path), *sys.path])
    rows = judge_all(Job("load", [], HostFacts()), listed, jobs=2)
    assert not any(one["rule"] == "judge-died" for row in rows for one in row["findings"])


def test_a_job_crosses_to_another_process_whole() -> None:
    facts = HostFacts("2.0.0", "host", frozenset(("a",)), {"A": "a"}, ("x.",))
    job = Job("publish", [Check("a", "b:c", "d")], facts)
    again = Job.from_json(job.as_json())
    assert (again.profile, again.checks, again.facts) == (job.profile, job.checks, job.facts)
