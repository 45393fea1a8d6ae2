"""What every test stands on: no test sees the developer's own skills, configuration or caches."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from venvs import FreshEnv, fill


def pytest_configure() -> None:
    """Hear Ctrl-C, whoever started this, and judge nothing by how fast this machine is.

    A shell has what it starts in the background ignore it, `nohup` the end of a terminal
    too, and so would every process that a test starts.
    """
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    hangup = getattr(signal, "SIGHUP", None)
    if hangup is not None and signal.getsignal(hangup) is signal.SIG_IGN:
        signal.signal(hangup, signal.SIG_DFL)
    settings.register_profile("kurt", deadline=None, suppress_health_check=[HealthCheck.too_slow])
    settings.load_profile("kurt")


@pytest.fixture(autouse=True)
def own_places(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> Path:
    """Give the test a home and a project of its own; return the home.

    Plugins live in the test's own process, where it can look at them, but in modules that
    say ``ISOLATED = True``.
    """
    for name in [name for name in sys.modules if name.partition(".")[0] == "kurt_skills"]:
        del sys.modules[name]  # what a test before has left imported
    home = tmp_path / "home"
    project = tmp_path / "project"
    home.mkdir()
    project.mkdir()
    for variable in list(os.environ):
        if variable.startswith(("KURT_", "XDG_")):
            monkeypatch.delenv(variable)
    if not getattr(request.module, "ISOLATED", False):
        monkeypatch.setenv("KURT_ISOLATION", "none")
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("USERPROFILE", str(home))
    monkeypatch.chdir(project)
    return home


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """Return the empty project that is the test's working directory."""
    return tmp_path / "project"


@pytest.fixture(scope="session")
def wheelhouse(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with wheels of this tree, of its requirements, and of pip and build."""
    base = tmp_path_factory.getbasetemp()
    shared = base.parent if "PYTEST_XDIST_WORKER" in os.environ else base
    fill(shared / "wheelhouse")
    return shared / "wheelhouse"


@pytest.fixture
def fresh_env(wheelhouse: Path, own_places: Path) -> Iterator[FreshEnv]:
    """Return a virtual environment without any package, fed from the wheelhouse."""
    environment = FreshEnv(wheelhouse)
    yield environment
    environment.remove()
