"""Say what another program, ruff, thinks of the code: its security rules, as warnings.

It is a second opinion, and off unless ``adapters = ["ruff"]`` of ``[validator]`` asks for it. Its
rules are about the mistakes of honest authors: they miss most of what is meant to
harm, and warn of much that is harmless. So it can only add warnings, which cost no
points. What the judged files say to ruff, in its configuration or as ``noqa``, is not heeded.

Bad:

    hashlib.md5(password)

Good:

    hashlib.scrypt(password, salt=salt, n=2**14, r=8, p=1)
"""

from __future__ import annotations

import json
import os
import shutil
import stat
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

from ..findings import Finding
from .subject import Subject

__all__ = ["CATEGORY", "RULES", "check", "program"]

RULES = ("second-opinion", "second-opinion-missing")
CATEGORY = "style"
_OPTIONS = (
    *("check", "--select", "S", "--isolated", "--ignore-noqa", "--no-cache", "--no-fix"),
    *("--exit-zero", "--quiet", "--output-format", "json", "--"),
)
_TIMEOUT = 60
_BATCH = 200
_MOST = 200  # warnings of one skill
_EVIDENCE = 200
#: The first letters of ruff's rule → what it is about.
_ABOUT = {
    "S102": "code_execution",
    "S30": "deserialization",
    "S307": "code_execution",
    "S31": "network",
    "S60": "process",
}


def program() -> str | None:
    """Return the whole path of ruff: that of this environment, else that of the search path."""
    beside = os.path.dirname(sys.executable)
    entries = os.environ.get("PATH", "").split(os.pathsep)
    # A relative entry would find what lies in the folder that is judged.
    path = os.pathsep.join([beside, *[entry for entry in entries if os.path.isabs(entry)]])
    return shutil.which("ruff", path=path)


def check(subject: Subject) -> Iterator[Finding]:
    """Yield what ruff says of the modules."""
    ruff = program()
    if ruff is None:
        yield _missing("ruff is asked for in kurt.toml, and is not installed", "pip install ruff")
        return
    paths = [path for path in subject.paths if path.endswith(".py") and _is_file(subject, path)]
    said = 0
    for start in range(0, len(paths), _BATCH):
        batch = paths[start : start + _BATCH]
        rows = _ask(ruff, subject.folder, batch)
        if isinstance(rows, str):
            yield _missing(f"ruff did not judge {len(batch)} files: {rows}", "")
            continue
        for row in rows[: _MOST - said]:
            said += 1
            yield _finding(subject.folder, row)


def _is_file(subject: Subject, path: str) -> bool:
    status = subject.status(path)
    return status is not None and stat.S_ISREG(status.st_mode)


def _missing(message: str, fix: str) -> Finding:
    return Finding("second-opinion-missing", "warning", message, fix=fix)


def _ask(ruff: str, folder: str, paths: list[str]) -> list[dict[str, Any]] | str:
    """Return ruff's rows about files, or why there are none."""
    words = [ruff, *_OPTIONS, *[os.path.join(folder, path) for path in paths]]
    kept = {"PATH", "SYSTEMROOT", "TMPDIR", "TEMP", "LANG"}
    environ = {name: value for name, value in os.environ.items() if name in kept}
    try:
        done = subprocess.run(
            words, capture_output=True, cwd=os.sep, env=environ, timeout=_TIMEOUT, check=False
        )
        if done.returncode:
            return f"it ended with {done.returncode}"
        rows = json.loads(done.stdout)
    except (OSError, ValueError, RecursionError, subprocess.TimeoutExpired) as error:
        return type(error).__name__
    if not isinstance(rows, list):
        return "its answer cannot be read"
    # A syntax error has no code, and is a finding already.
    found = [row for row in rows if isinstance(row, dict) and str(row.get("code")).startswith("S")]
    return sorted(found, key=_order)


def _order(row: dict[str, Any]) -> tuple[object, ...]:
    place = row.get("location") or {}
    return (str(row.get("filename")), place.get("row", 0), place.get("column", 0), row["code"])


def _finding(folder: str, row: dict[str, Any]) -> Finding:
    code = str(row["code"])
    place = row.get("location") or {}
    known = [key for key in _ABOUT if code.startswith(key)]
    path = os.path.relpath(str(row.get("filename")), folder).replace(os.sep, "/")
    return Finding(
        "second-opinion",
        "warning",
        f"ruff {code}: {str(row.get('message'))[:_EVIDENCE]}",
        path=path,
        line=int(place.get("row", 0)),
        column=int(place.get("column", 0)),
        category=_ABOUT[max(known, key=len)] if known else "style",
        confidence="possible",
    )
