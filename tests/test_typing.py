"""What mypy --strict and pyright say to the author of an extension."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
GOOD = ROOT / "tests" / "typing" / "consumer.py"
BAD = ROOT / "tests" / "typing" / "mistakes.py"
pytestmark = pytest.mark.slow


def marked() -> set[int]:
    lines = BAD.read_text(encoding="utf-8").splitlines()
    return {number for number, line in enumerate(lines, 1) if line.endswith("# WRONG")}


def mypy(path: Path, tmp_path: Path) -> set[int]:
    environment = {**os.environ, "MYPYPATH": os.pathsep.join((str(ROOT), str(ROOT / "namespaces")))}
    command = [sys.executable, "-m", "mypy", "--strict", "--config-file", os.devnull]
    command += ["--cache-dir", str(tmp_path / "cache"), "--explicit-package-bases", str(path)]
    run = subprocess.run(command, capture_output=True, text=True, env=environment, cwd=tmp_path)
    return {int(line) for line in re.findall(rf"{path.name}:(\d+): error", run.stdout)} or (
        {-1} if run.returncode else set()
    )


def pyright(path: Path, tmp_path: Path) -> set[int]:
    (tmp_path / path.name).write_text(path.read_text(encoding="utf-8"), encoding="utf-8")
    settings = {
        "include": [path.name],
        "extraPaths": [str(ROOT), str(ROOT / "namespaces")],
        "typeCheckingMode": "standard",
    }
    (tmp_path / "pyrightconfig.json").write_text(json.dumps(settings))
    command = [sys.executable, "-m", "pyright", "--outputjson", "--pythonpath", sys.executable]
    run = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path)
    try:
        answer = json.loads(run.stdout)
    except ValueError:
        pytest.skip(f"pyright cannot run here: {(run.stdout + run.stderr)[-200:]}")
    assert answer["summary"]["filesAnalyzed"] == 1
    found = [item for item in answer["generalDiagnostics"] if item["severity"] == "error"]
    return {item["range"]["start"]["line"] + 1 for item in found}


@pytest.mark.parametrize("checker", [mypy, pyright])
def test_a_good_extension_is_clean(checker, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    assert checker(GOOD, tmp_path) == set()


@pytest.mark.parametrize("checker", [mypy, pyright])
def test_every_mistake_is_reported_and_nothing_else(checker, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    assert checker(BAD, tmp_path) == marked()
