"""`kurt sandbox log` shows what was used and what was refused."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from typing import Any

import pytest

from kurt_ext.commands.sandbox_log import moment
from kurt_ext.errors import UsageError
from kurt_ext.places import Places
from kurt_ext.sandbox.auditing import Audit


@pytest.fixture
def audit() -> Any:
    with Audit(Places()) as made:
        made.record("use", "archiver", "filesystem_read", "/data/a", True, mechanism="tripwire")
        made.record("connect", "archiver", "network_hosts", "evil\x1b[2J.example:443", False,
                    mechanism="broker", reason="no entry covers it")  # fmt: skip
        made.record("use", "other", "processes", "git", False)
        yield made


def test_lines_are_shown_and_chosen(kurt: Any, audit: Audit) -> None:
    text = kurt("sandbox", "log").out
    assert "archiver" in text and "/data/a" in text and "denied" in text and "git" in text
    assert "\x1b[2J" not in text
    data = kurt("sandbox", "log", "archiver", "--denied", "--json").data
    (entry,) = data["entries"]
    assert (entry["permission"], entry["allowed"]) == ("network_hosts", False)
    assert len(kurt("sandbox", "log", "--last", "1", "--json").data["entries"]) == 1
    assert len(kurt("sandbox", "log", "--since", "1h", "--json").data["entries"]) == 3
    assert kurt("sandbox", "log", "--since", "2999-01-01", "--json").data["entries"] == []


def test_lines_of_json_are_as_they_were_written(kurt: Any, audit: Audit) -> None:
    rows = [json.loads(line) for line in kurt("sandbox", "log", "--jsonl").out.splitlines()]
    assert [row["skill"] for row in rows] == ["archiver", "archiver", "other"]


def test_without_lines_it_says_what_would_be_one(kurt: Any) -> None:
    ran = kurt("sandbox", "log")
    assert ran.code == 0 and "only isolated plugins" in ran.err


@pytest.mark.parametrize("text", ["", "yesterday", "10x", "-1h", "1.5h", "²h"])
def test_what_is_no_time_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="is no time"):
        moment(text)


def test_a_time_without_a_zone_is_of_this_place(monkeypatch: pytest.MonkeyPatch) -> None:
    assert moment("2026-11-21T13:00+02:00") == "2026-11-21T11:00:00"
    assert moment("99999w") == "1970-01-01T00:00:00"


@pytest.mark.skipif(sys.platform == "win32", reason="there is no SIGINT for one process")
def test_following_goes_on_until_it_is_ended(audit: Audit) -> None:
    command = [sys.executable, "-m", "kurt_ext", "sandbox", "log", "--follow", "--jsonl"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=dict(os.environ))
    assert process.stdout is not None
    first = [json.loads(process.stdout.readline()) for _ in range(3)]
    audit.record("use", "late", "processes", "git", True)
    assert json.loads(process.stdout.readline())["skill"] == "late"
    assert [row["skill"] for row in first] == ["archiver", "archiver", "other"]
    process.send_signal(signal.SIGINT)
    for _ in range(100):
        if process.poll() is not None:
            break
        time.sleep(0.05)
    assert process.wait(1) in (0, 130)
    process.stdout.close()


SKILL = """---
name: prober
description: Reads a file; use it to see a trace.
permissions:
  filesystem_read: ["./own", "/nowhere/to/be/seen"]
implements:
  - {type: tool, class: Probe, name: prober}
---

# Prober
"""
CODE = """\
import os
from kurt_tool import Tool, ToolResult


class Probe(Tool):
    name = "prober"
    uses = ()

    def run(self, params, context, on_progress=None):
        try:
            open(params["path"]).close()
        except PermissionError as error:
            return ToolResult(data=str(error))
        return ToolResult(data="read")
"""


@pytest.mark.skipif(sys.platform == "win32", reason="workers of POSIX systems")
def test_a_run_is_traced(kurt: Any, project: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = project / "skills" / "prober"
    folder.mkdir(parents=True)
    (folder / "SKILL.md").write_text(SKILL)
    (folder / "skill.py").write_text(CODE)
    secret = project / "secret"
    secret.write_text("s")
    monkeypatch.setenv("KURT_TRUST", str(project))
    ran = kurt("run", "prober", f"path={secret}", "--trace-permissions")
    assert ran.code == 0, ran.err
    assert "asked for, and not declared" in ran.out and f'- "{secret}"' in ran.out
    assert "declared, and not used in this run" in ran.out
    data = kurt("run", "prober", f"path={secret}", "--trace-permissions", "--json").data
    assert [one["target"] for one in data["trace"]["undeclared"]] == [str(secret)]
    assert "may not read this" in data["result"]["data"]
    (entry,) = kurt("sandbox", "log", "prober", "--denied", "--last", "1", "--json").data["entries"]
    assert (entry["target"], entry["mechanism"]) == (str(secret), "tripwire")
