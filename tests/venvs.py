"""Real environments for tests: wheels made once a session, venvs made afresh for each test."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import tomllib
import uuid
from collections.abc import Mapping, Sequence
from pathlib import Path

from kurt_ext.locks import lock

ROOT = Path(__file__).parent.parent
#: Not below the temporary directory: stevedore has no cache for interpreters there.
PLACE = ROOT / ".pytest_cache" / "environments"
_SOURCES = ("kurt_ext", "namespaces", "pyproject.toml", "setup.cfg", "README.md", "LICENSE")
_PROGRAMS = ("build", "pip", "pytest", "setuptools", "wheel")


def call(command: Sequence[str], environ: Mapping[str, str], cwd: str | Path | None = None) -> str:
    """Run a command, and return its output; a failure shows all that it said."""
    done = subprocess.run(
        command,
        env=dict(environ),
        cwd=cwd,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise CommandError(f"{' '.join(command)}\n{done.stdout}\n{done.stderr}")
    return done.stdout


class CommandError(Exception):
    """A command that ended badly, with its output."""


def clean_environment() -> dict[str, str]:
    """Return the environment without what would let a test see the developer's own."""
    foreign = ("PYTHON", "KURT_", "VIRTUAL_ENV", "CONDA_", "PIP_REQUIRE_VIRTUALENV", "COV_")
    return {k: v for k, v in os.environ.items() if not k.startswith(foreign)}


def uv() -> str:
    """Return the path of uv, which is among the requirements of the tests."""
    beside = Path(sys.executable).with_name("uv")
    return str(beside) if beside.exists() else shutil.which("uv") or "uv"


def fill(wheelhouse: Path) -> None:
    """Put the wheels of kurt-ext, of what it requires and of the build programs there."""
    with lock(str(wheelhouse.with_suffix(".lock")), timeout=600):
        if wheelhouse.exists():
            return
        environ = clean_environment()
        PLACE.mkdir(parents=True, exist_ok=True)
        made = wheelhouse.with_suffix(".new")
        shutil.rmtree(made, ignore_errors=True)
        shutil.copytree(_foreign_wheels(environ), made)
        source = wheelhouse.with_suffix(".src")
        source.mkdir()
        for name in _SOURCES:
            path = ROOT / name
            if path.is_dir():
                ignore = shutil.ignore_patterns("__pycache__", "*.egg-info")
                shutil.copytree(path, source / name, ignore=ignore)
            else:
                shutil.copy(path, source / name)
        places = ("--find-links", str(made), "--wheel-dir", str(made))
        pip = (str(_builder(environ)), "-m", "pip")
        call([*pip, "wheel", "--no-deps", "--no-index", *places, str(source)], environ)
        made.rename(wheelhouse)


def _builder(environ: Mapping[str, str]) -> Path:
    """Return the Python of an environment that has pip, made once and kept."""
    place = PLACE / f"builder-{sys.version_info.major}.{sys.version_info.minor}"
    python = place / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    with lock(str(place) + ".lock", timeout=600):
        if not python.exists():
            call(
                [uv(), "venv", "--quiet", "--seed", "--python", sys.executable, str(place)], environ
            )
    return python


def _foreign_wheels(environ: Mapping[str, str]) -> Path:
    """Return a folder with the wheels of what kurt-ext requires, fetched once and kept."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    wanted = [*project["dependencies"], *_PROGRAMS]
    key = hashlib.sha256(repr((sys.version_info[:2], wanted)).encode()).hexdigest()[:12]
    place = PLACE / f"wheels-{key}"
    with lock(str(place) + ".lock", timeout=600):
        if not place.exists():
            new = place.with_suffix(".new")
            shutil.rmtree(new, ignore_errors=True)
            python = str(_builder(environ))
            call([python, "-m", "pip", "wheel", "--wheel-dir", str(new), *wanted], environ)
            new.rename(place)
    return place


class FreshEnv:
    """A virtual environment of one test, without any package, cut off from the index.

    :param wheelhouse: where pip and uv find their packages, kurt-ext among them.
    """

    def __init__(self, wheelhouse: Path) -> None:
        PLACE.mkdir(parents=True, exist_ok=True)
        self.path = PLACE / f"venv-{uuid.uuid4().hex[:8]}"
        self.wheelhouse = wheelhouse
        self.environ = clean_environment() | {
            "PIP_FIND_LINKS": str(wheelhouse),
            "PIP_NO_INDEX": "1",
            "PIP_DISABLE_PIP_VERSION_CHECK": "1",
            "UV_FIND_LINKS": str(wheelhouse),
            "UV_NO_INDEX": "1",
            "UV_OFFLINE": "1",
            "UV_CACHE_DIR": str(wheelhouse.parent / "uv-cache"),
            "UV_PYTHON_DOWNLOADS": "never",
        }
        call([uv(), "venv", "--quiet", "--python", sys.executable, str(self.path)], self.environ)
        self.bin = self.path / ("Scripts" if os.name == "nt" else "bin")
        self.python = str(self.bin / ("python.exe" if os.name == "nt" else "python"))
        self.environ |= {
            "VIRTUAL_ENV": str(self.path),
            "PATH": f"{self.bin}{os.pathsep}{self.environ['PATH']}",
        }
        self.site = self.run("-c", "import sysconfig; print(sysconfig.get_path('purelib'))").strip()

    def run(self, *arguments: str, cwd: str | Path | None = None) -> str:
        """Run the environment's Python, and return what it printed."""
        return call([self.python, *arguments], self.environ, cwd)

    def uv(self, *arguments: str, cwd: str | Path | None = None) -> str:
        """Run uv on the environment, and return what it printed."""
        return call([uv(), *arguments], self.environ, cwd)

    def install(self, *requirements: str) -> None:
        """Install packages from the wheelhouse, by uv for its speed."""
        self.uv("pip", "install", "--quiet", *requirements)

    def remove(self) -> None:
        """Delete the environment."""
        shutil.rmtree(self.path, ignore_errors=True)
