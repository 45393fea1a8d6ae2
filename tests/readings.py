"""Read small skills: what their code uses, and what the validator says of them."""

from __future__ import annotations

import ast
import json
import warnings
from collections.abc import Callable, Iterable, Mapping
from functools import cache
from pathlib import Path
from typing import Any

from trees import grow

from kurt_ext.analysis.uses import Analysis, analyse
from kurt_ext.checks import Finding, Subject
from kurt_ext.hostfacts import HostFacts
from kurt_ext.manifest import read
from kurt_ext.report import Report
from kurt_ext.validator import Check, installed_checks, validate

Code = str | Mapping[str, str]

#: What an honest plugin's ``main.py`` ends with.
QUIET = (
    "\nclass Plugin:\n"
    "    def __init__(self, metadata, config):\n"
    "        self.metadata = metadata\n"
    "        self.config = config\n"
)


def files(code: Code) -> dict[str, str]:
    """Return path → text of a skill; one text alone is its ``main.py``."""
    return {"main.py": code} if isinstance(code, str) else dict(code)


def parsed(text: str) -> ast.Module | None:
    """Return a tree; None for what is no Python."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return ast.parse(text)
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            return None


def seen(code: Code, entries: Iterable[str] = ("main",)) -> Analysis:
    """Return what the code uses."""
    trees = {path: parsed(text) for path, text in files(code).items()}
    return analyse(tuple(trees), trees.__getitem__, entries)


def names(code: Code) -> set[str]:
    """Return the names of the uses."""
    return {use.name for use in seen(code).uses}


@cache
def checks() -> tuple[Check, ...]:
    """Return the checks that are installed."""
    return tuple(installed_checks())


def plugin(folder: Path, code: Code = "", **fields: Any) -> Path:
    """Write a plugin whose class is added to ``main.py``; return its folder."""
    manifest = {
        "plugin_id": "com.example.judged",
        "name": "Judged",
        "version": "1.0.0",
        "description": "Is judged.",
        "author": "A <a@example.com>",
        "license": "MIT",
        "plugin_type": "custom",
        "entry_point": "main",
        "permissions": {},
        **fields,
    }
    grow(folder, {"plugin.json": json.dumps(manifest)})
    for path, text in {"main.py": "", **files(code)}.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        quiet = QUIET if path == "main.py" and "class Plugin" not in text else ""
        (folder / path).write_text(text + quiet, encoding="utf-8")
    return folder


def judged(folder: Path, code: Code = "", **fields: Any) -> Report:
    """Return the validator's report on a plugin that is written for it."""
    return validate(plugin(folder, code, **fields), checks=checks(), facts=HostFacts())


def fatal(report: Report) -> list[str]:
    """Return the fatal findings as texts."""
    return [str(finding) for finding in report.findings if finding.fatal]


def asked(
    check: Callable[[Subject], Iterable[Finding]], folder: Path, code: Code, **fields: Any
) -> list[tuple[str, str]]:
    """Return rule and severity of what one check says of a plugin."""
    subject = Subject(read(str(plugin(folder, code, **fields))))
    return [(finding.rule, finding.severity) for finding in check(subject)]
