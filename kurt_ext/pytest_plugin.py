"""Fixtures for the authors of skills and kinds; pytest finds them where kurt-ext is installed.

======================  ==========================================================
fixture                 what it gives
======================  ==========================================================
``kurt_environment``    a home and a project of the test's own; nothing else is seen
``kurt_home``           that home
``kurt_skill``          writes a skill folder into the project, or shows yours there
``kurt_dist_info``      lays down an installed distribution
``kurt_manager``        a ``SkillManager`` over all that, closed at the end
``kurt_run``            calls an extension by name, and waits
``kurt_arun``           calls an extension by name, and is awaited
======================  ==========================================================

pytest loads this file in every run of the environment, also where no test asks
for a fixture: what they need is imported inside them.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path

    from . import SkillManager
    from .testing import AsyncRunner, DistInfoFactory, KurtEnvironment, Runner, SkillFactory

__all__ = [
    "kurt_arun",
    "kurt_dist_info",
    "kurt_environment",
    "kurt_home",
    "kurt_manager",
    "kurt_run",
    "kurt_skill",
    "pytest_addoption",
    "pytest_configure",
]

_INSTALLED = "kurt_installed"


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the setting that names the installed distributions which every test may see."""
    text = "distributions whose skills the fixtures of kurt-ext show; * stands for all"
    parser.addini(_INSTALLED, text, "args")


def pytest_configure(config: pytest.Config) -> None:
    """Add the marker that names the installed distributions which one test may see."""
    text = "show the skills of these installed distributions to the fixtures of kurt-ext"
    config.addinivalue_line("markers", f"{_INSTALLED}(*distributions): {text}; without one, of all")


@pytest.fixture
def kurt_environment(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[KurtEnvironment]:
    """Shut out the developer's home, settings, caches, ``KURT_*`` and installed skills.

    kurt-ext itself stays, with its kinds. ``@pytest.mark.kurt_installed("NAME")``
    and the setting ``kurt_installed`` let further distributions be seen.
    """
    from .testing import KurtEnvironment

    # Not the fixture `monkeypatch`, whose undo() a test may call.
    with pytest.MonkeyPatch.context() as patch:
        environment = KurtEnvironment(tmp_path_factory.mktemp("kurt"), patch)
        try:
            names = request.config.getini(_INSTALLED)
            if names:
                environment.allow(*names)
            for mark in request.node.iter_markers(_INSTALLED):
                environment.allow(*mark.args)
            yield environment
        finally:
            environment.close()


@pytest.fixture
def kurt_home(kurt_environment: KurtEnvironment) -> Path:
    """Return the home directory of the test, which is empty."""
    return kurt_environment.home


@pytest.fixture
def kurt_skill(kurt_environment: KurtEnvironment) -> SkillFactory:
    """Return a function that writes a skill folder into the test's project."""
    from .testing import SkillFactory

    return SkillFactory(kurt_environment)


@pytest.fixture
def kurt_dist_info(kurt_environment: KurtEnvironment) -> DistInfoFactory:
    """Return a function that lays down an installed distribution on the test's site."""
    from .testing import DistInfoFactory

    return DistInfoFactory(kurt_environment)


@pytest.fixture
def kurt_manager(kurt_environment: KurtEnvironment) -> SkillManager:
    """Return a ``SkillManager`` over the test's project and site; it is closed after the test."""
    return kurt_environment.manager


@pytest.fixture
def kurt_run(kurt_manager: SkillManager) -> Runner:
    """Return a function that calls an extension by name and gives its result."""
    from .testing import Runner

    return Runner(kurt_manager)


@pytest.fixture
def kurt_arun(kurt_manager: SkillManager) -> AsyncRunner:
    """Return a coroutine function that calls an extension by name and gives its result."""
    from .testing import AsyncRunner

    return AsyncRunner(kurt_manager)
