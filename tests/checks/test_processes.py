"""Programs that the code starts are named, or told."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from readings import asked

from kurt_ext.checks.processes import check

NONE: dict[str, Any] = {}
FFMPEG = {"processes": ["ffmpeg"]}
ROWS: list[tuple[str, dict[str, Any], set[tuple[str, str]]]] = [
    ("import os\ndef f():\n    os.system('id')", NONE, {("undeclared-process", "critical")}),
    ("import os\ndef f():\n    os.popen('id')", NONE, {("undeclared-process", "critical")}),
    ("import pty\ndef f():\n    pty.spawn('sh')", FFMPEG, {("undeclared-process", "critical")}),
    ("import os\ndef f():\n    os.system('ffmpeg x')", FFMPEG, {("declared-process", "medium")}),
    (
        "import subprocess\ndef f(n):\n    subprocess.run(['ffmpeg', n])",
        FFMPEG,
        {("declared-process", "medium")},
    ),
    (
        "import subprocess\ndef f(n):\n    subprocess.run([n])",
        FFMPEG,
        {("unproven-process", "medium")},
    ),
    ("import subprocess\nsubprocess.PIPE", NONE, set()),
    ("import subprocess\ndef f(e: subprocess.CalledProcessError): pass", NONE, set()),
    ("import shlex\nshlex.quote('x')", NONE, set()),
    ("def f(runner):\n    runner.run(['id'])", NONE, set()),
]


@pytest.mark.parametrize(("code", "permissions", "expected"), ROWS)
def test_each_row_has_these_findings(
    tmp_path: Path, code: str, permissions: dict[str, Any], expected: set[tuple[str, str]]
) -> None:
    found = asked(check, tmp_path / "com.example.judged", code, permissions=permissions)
    assert set(found) == expected


def told(folder: Path, description: str, code: str, **fields: Any) -> list[str]:
    return [
        severity for _, severity in asked(check, folder, code, description=description, **fields)
    ]


RUN = "import subprocess\ndef f(n):\n    subprocess.run(['pandoc', n])"


def test_a_program_that_the_description_names_is_to_be_declared_and_no_theft(
    tmp_path: Path,
) -> None:
    assert told(tmp_path, "Converts with Pandoc.", RUN) == ["medium"]
    assert told(tmp_path, "Converts texts.", RUN) != ["medium"]
    assert told(tmp_path, "Uses pandocs.", RUN) != ["medium"]


@pytest.mark.parametrize("program", ["bash", "python3", "curl", "sudo", "/bin/pandoc", "rm"])
def test_an_interpreter_is_not_excused_by_a_description(tmp_path: Path, program: str) -> None:
    code = RUN.replace("pandoc", program)
    assert told(tmp_path, f"Runs {program} for you.", code) != ["medium"]


def test_a_list_that_is_stated_is_held_to(tmp_path: Path) -> None:
    assert told(tmp_path, "Converts with Pandoc.", RUN, permissions={"processes": []}) != ["medium"]


def test_what_starts_at_import_is_not_excused(tmp_path: Path) -> None:
    code = "import subprocess\nsubprocess.run(['pandoc', 'x'])"
    assert told(tmp_path, "Converts with Pandoc.", code) != ["medium"]
