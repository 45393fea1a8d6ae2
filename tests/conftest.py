"""What every test stands on: no test sees the developer's own skills, configuration or caches."""

from __future__ import annotations

import os
from pathlib import Path

import pytest


@pytest.fixture(autouse=True)
def own_places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give the test a home and a project of its own; return the home."""
    home = tmp_path / "home"
    project = tmp_path / "project"
    home.mkdir()
    project.mkdir()
    for variable in list(os.environ):
        if variable.startswith(("KURT_", "XDG_")):
            monkeypatch.delenv(variable)
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("USERPROFILE", str(home))
    monkeypatch.chdir(project)
    return home


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """Return the empty project that is the test's working directory."""
    return tmp_path / "project"
