"""`kurt validate`: one skill or a repository of them, in every form, from memory or anew."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from .conftest import Run, write_skill

BAD = "import os\n\n\ndef run(command):\n    os.system(command)\n"


@pytest.fixture
def bad(project: Path) -> Path:
    folder = project / "bad"
    folder.mkdir()
    manifest = {
        "plugin_id": "com.example.bad",
        "name": "Bad",
        "version": "1.0.0",
        "description": "Runs what it is told to run.",
        "author": "Ada",
        "license": "MIT",
        "plugin_type": "tool",
        "entry_point": "main",
        "permissions": {},
    }
    (folder / "plugin.json").write_text(json.dumps(manifest))
    (folder / "main.py").write_text(BAD)
    return folder


@pytest.fixture
def many(project: Path) -> Path:
    """Return a repository of eight skills, at several depths."""
    root = project / "repo"
    for number in range(6):
        write_skill(root / "skills", f"skill-{number}", code=None)
    write_skill(root / ".claude" / "skills", "hidden", code=None)
    outer = write_skill(root / "deep" / "down", "outer", code=None)
    write_skill(outer, "inner", code=None)
    write_skill(root / "node_modules", "passed", code=None)
    return root


def test_a_finding_is_shown_with_its_line(here: Run, bad: Path) -> None:
    ran = here("validate", "bad")
    assert ran.code == 5
    assert "bad/main.py:5:5: " in ran.out
    assert "> 5 |     os.system(command)\n    |     ^^^^^^^^^\n" in ran.out
    assert "\nnot valid com.example.bad (profile load, score " in ran.out
    assert "\x1b" not in ran.out


def test_json_has_what_a_measurement_reads(here: Run, bad: Path) -> None:
    for words in (("--json",), ("--format", "json")):
        ran = here("validate", *words, str(bad))
        (row,) = ran.envelope["data"]
        assert row["valid"] is False and row["security_score"] <= 59
        assert {"process"} <= {finding["category"] for finding in row["findings"]}
        assert ran.envelope["error"]["code"] == "validation-failed"


def test_a_repository_is_every_folder_with_a_manifest_once(here: Run, many: Path) -> None:
    rows = here("validate", "--json", "repo").envelope["data"]
    shown = [Path(row["path"]).relative_to(many).as_posix() for row in rows]
    assert shown == sorted(shown) and len(shown) == 8
    assert "deep/down/outer" in shown and ".claude/skills/hidden" in shown
    assert not any("inner" in path or "node_modules" in path for path in shown)
    ran = here("validate", "repo")
    assert "8 skills: " in ran.out.splitlines()[-1]
    assert ran.err == "" or "validate" not in ran.err.splitlines()[0]  # no progress in a pipe


def test_a_folder_without_any_manifest_is_judged_itself(here: Run, project: Path) -> None:
    (project / "empty" / "sub").mkdir(parents=True)
    ran = here("validate", "--json", "empty")
    (row,) = ran.envelope["data"]
    assert ran.code == 5 and row["findings"][0]["rule"] == "manifest-missing"


def test_processes_and_memory_change_nothing(here: Run, many: Path) -> None:
    first = here("validate", "--json", "repo", "--no-cache", "--jobs", "1").envelope["data"]
    for words in (("--jobs", "3", "--no-cache"), ("--jobs", "2"), (), ()):
        assert here("validate", "--json", "repo", *words).envelope["data"] == first


def test_a_changed_file_is_judged_anew(here: Run, bad: Path) -> None:
    assert here("validate", "bad").code == 5
    (bad / "main.py").write_text("def run(command):\n    return command\n")
    assert not any(
        finding["category"] == "process"
        for finding in here("validate", "bad", "--json").envelope["data"][0]["findings"]
    )


def test_every_form_can_be_written_to_a_file(here: Run, bad: Path, project: Path) -> None:
    begins = {
        "text": "bad/",
        "json": "{",
        "sarif": "{",
        "html": "<!DOCTYPE html>",
        "github": "::",
    }
    for form, start in begins.items():
        out = here("validate", "bad", "--format", form).out
        ran = here("validate", "bad", "--format", form, "--output", "report")
        written = (project / "report").read_text()
        assert out.startswith(start) and written.startswith(start), form
        assert ran.code == 5
        if form != "json":
            assert written == out
            assert "written: report" in ran.out
        else:
            assert json.loads(written)["data"] == json.loads(out)["data"]


def test_a_report_that_cannot_be_written_is_an_error(here: Run, bad: Path) -> None:
    ran = here("validate", "bad", "--output", "gone/report")
    assert ran.code == 1 and "the report cannot be written" in ran.err


def test_sarif_rules_say_what_explain_says(here: Run, bad: Path) -> None:
    log = json.loads(here("validate", "bad", "--format", "sarif").out)
    rules = log["runs"][0]["tool"]["driver"]["rules"]
    (rule,) = [rule for rule in rules if "process" in rule["id"]]
    assert len(rule["help"]["text"]) > len(rule["shortDescription"]["text"])


@pytest.mark.parametrize(
    ("words", "code"),
    [
        ((), 0),
        (("--min-score", "10"), 0),
        (("--fail-on", "warning"), 5),
        (("--fail-on", "critical"), 0),
        (("--max-risk", "critical"), 0),
    ],
)
def test_the_gate_decides_the_exit_code(
    here: Run, project: Path, words: tuple[str, ...], code: int
) -> None:
    folder = write_skill(project, "plain", code=None)
    text = (folder / "SKILL.md").read_text()
    (folder / "SKILL.md").write_text(text.replace("version: 0.1.0", "version: 1.0"))
    assert here("validate", "plain", *words).code == code


@pytest.fixture
def declared(bad: Path) -> Path:
    """Return a plugin that is valid, and may start a program."""
    manifest = json.loads((bad / "plugin.json").read_text())
    manifest["permissions"] = {"processes": ["ls"]}
    (bad / "plugin.json").write_text(json.dumps(manifest))
    (bad / "main.py").write_text("import subprocess\n\nsubprocess.run(['ls'])\n")
    return bad


def test_a_score_that_is_too_low_fails(here: Run, declared: Path) -> None:
    score = here("validate", "bad", "--json").envelope["data"][0]["security_score"]
    assert here("validate", "bad", "--min-score", str(score)).code in (0, 5)
    ran = here("validate", "bad", "--min-score", "100", "--json")
    assert ran.code == 5 and ran.envelope["error"]["code"] == "validation-failed"


def test_what_is_known_of_the_host_comes_from_a_file(here: Run, project: Path, bad: Path) -> None:
    (project / "facts.json").write_text('{"context": {"runtime_version": "9.0.0"}}')
    assert here("validate", "bad", "--context", "facts.json", "--json").code == 5
    (project / "facts.json").write_text("{")
    ran = here("validate", "bad", "--context", "facts.json")
    assert ran.code == 1 and "facts.json" in ran.err


def test_a_finding_is_accepted_and_withdrawn(here: Run, bad: Path) -> None:
    (row,) = here("validate", "bad", "--json").envelope["data"]
    fatal = {f["rule"] for f in row["findings"] if f["severity"] in ("error", "high", "critical")}
    words = [word for rule in sorted(fatal) for word in ("--accept", rule)]
    assert here("validate", "bad", *words).code == 2  # without a reason
    critical = any(f["severity"] == "critical" for f in row["findings"])
    if critical:
        assert here("validate", "bad", *words, "--reason", "mine").code == 5
    ran = here("validate", "bad", *words, "--reason", "it is mine", "--accept-critical")
    assert ran.code == 0, ran.err
    assert "accepted: it is mine (by " in ran.out
    assert here("validate", "bad").code == 0
    assert here("validate", "bad", "--no-accepted").code == 5
    (bad / "main.py").write_text(BAD + "\n")
    ran = here("validate", "bad")
    assert ran.code == 5 and "not accepted: accepted on " in ran.out
    (bad / "main.py").write_text(BAD)
    assert here("validate", "bad").code == 0
    words = [word for rule in sorted(fatal) for word in ("--withdraw", rule)]
    assert here("validate", "bad", *words).code == 5


def test_outputs_are_the_same_byte_for_byte(here: Run, bad: Path) -> None:
    for form in ("text", "json", "sarif", "html", "github"):
        first = here("validate", "bad", "--format", form, "--no-cache").out
        assert here("validate", "bad", "--format", form).out == first
        assert here("validate", "bad", "--format", form).out == first


def test_nothing_is_imported_from_a_repository_that_is_judged(
    kurt: Run, many: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("json", "kurt_ext", "multiprocessing", "subprocess"):
        (many / f"{name}.py").write_text("raise SystemExit('imported')")
    ran = kurt("validate", "--json", str(many), "--jobs", "2", "--no-cache")
    assert len(ran.envelope["data"]) == 8


@pytest.mark.parametrize(
    "text", ["b''.encode()", "''.decode()", "(1).to_bytes('x')", "''.to_bytes(2)"]
)
def test_code_that_would_fail_when_it_runs_is_judged(here: Run, bad: Path, text: str) -> None:
    (bad / "main.py").write_text(f"x = {text}\n")
    rows = here("validate", "bad", "--json").envelope["data"]
    assert "check-failed" not in {finding["rule"] for finding in rows[0]["findings"]}
