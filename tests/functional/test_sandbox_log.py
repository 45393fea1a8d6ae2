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
