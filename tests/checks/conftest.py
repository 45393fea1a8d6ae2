"""A skill from a dict of files, and what one check says about it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import pytest
from trees import grow

from kurt_ext.checks import Finding, Subject
from kurt_ext.manifest import read

Check = Callable[[Subject], Iterable[Finding]]


def skill_md(**fields: Any) -> str:
    """Return a SKILL.md; values are written as JSON, which is YAML."""
    values = {
        "name": "web-archiver",
        "version": "0.1.0",
        "description": "Archives pages.",
        **fields,
    }
    lines = [f"{key}: {json.dumps(value)}" for key, value in values.items() if value is not None]
    return "\n".join(["---", *lines, "---", ""])


class Asked:
    """Ask one check about skills that are written for it."""

    def __init__(self, base: Path) -> None:
        self.folder = base / "web-archiver"

    def __call__(
        self, check: Check, files: dict[str, Any] | None = None, *, profile: str | None = None
    ) -> list[Finding]:
        """Return the findings; ``files`` is added to what is there."""
        grow(self.folder, files or {})
        return list(check(Subject(read(str(self.folder)), profile)))


@pytest.fixture
def ask(project: Path) -> Asked:
    """Return what asks a check about a skill called web-archiver."""
    return Asked(project / "skills")
