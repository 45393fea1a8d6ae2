"""The tests of the kinds configure their project, and it counts once it is trusted."""

from __future__ import annotations

from pathlib import Path

import pytest


@pytest.fixture(autouse=True)
def trusted_project(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KURT_TRUST", str(project))
