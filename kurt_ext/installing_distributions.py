"""Install wheels into the environment that kurt runs in: by uv where it is there, else by pip.

Both run as processes of their own, and are told exactly what to install: one file whose
digest was checked, or requirements with their hashes; wheels only, since building one runs
code. No index is asked but the one that is named, whatever the environment or a
configuration file of pip or uv adds to it.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence

from .errors import KurtError, PolicyError

__all__ = [
    "compile_lock",
    "install_locked",
    "install_wheel",
    "installed_version",
    "installer",
    "lend",
    "locks",
    "uninstall",
]

_TIMEOUT = 600.0
#: What would add another source of packages, or let another one be chosen.
_SOURCES = (
    *("PIP_EXTRA_INDEX_URL", "PIP_INDEX_URL", "PIP_FIND_LINKS", "PIP_NO_INDEX", "PIP_PRE"),
    *("PIP_REQUIREMENT", "PIP_CONSTRAINT", "PIP_TARGET", "PIP_PREFIX", "PIP_USER", "PIP_ROOT"),
    *("UV_EXTRA_INDEX_URL", "UV_INDEX", "UV_INDEX_URL", "UV_DEFAULT_INDEX", "UV_FIND_LINKS"),
    *("UV_NO_INDEX", "UV_CONSTRAINT", "UV_OVERRIDE", "UV_PRERELEASE", "UV_INDEX_STRATEGY"),
)
#: What says which index has PyPI's place here.
_OWN_INDEX = ("PIP_INDEX_URL", "UV_INDEX_URL", "UV_DEFAULT_INDEX")


#: An open file that holds a lock, which the installer holds on to where we are killed.
_lent: list[int] = []


def lend(descriptor: int | None) -> None:
    """Have installers inherit an open file; None has them inherit nothing any more."""
    _lent[:] = [] if descriptor is None else [descriptor]


def installer() -> str:
    """Return what installs: the path of uv, or ``pip``."""
    beside = os.path.join(os.path.dirname(sys.executable), "uv")
    if os.path.isfile(beside) and os.access(beside, os.X_OK):
        return beside
    return shutil.which("uv") or "pip"


def install_wheel(path: str) -> None:
    """Install one wheel, and nothing that it needs.

    :param path: a file whose digest was checked.
    :raises PolicyError: when the environment is managed by the system.
    :raises KurtError: when that fails; with what the installer says.
    """
    # The same version may lie there torn, or with other files. What uv has in its cache may be
    # linked to files that somebody has changed since.
    again = ["--force-reinstall"] if installer() == "pip" else ["--reinstall", "--no-cache"]
    _run(["install", "--no-deps", "--no-index", "--only-binary=:all:", *again, path], [])


def install_locked(lines: Sequence[str], *, index: str | None = None, offline: str = "") -> None:
    """Install requirements, each of one version and with its hashes, and nothing else.

    :param lines: ``NAME==VERSION --hash=sha256:…``.
    :param index: the one index that is asked; PyPI, or what pip and uv have in its place, if None.
    :param offline: a folder of wheels, in place of every index.
    :raises KurtError: when that fails; with what the installer says.
    """
    words = ["install", "--no-deps", "--require-hashes", "--only-binary=:all:"]
    if offline:
        words += ["--no-index", "--find-links", offline]
    with tempfile.TemporaryDirectory(prefix="kurt-") as base:
        path = os.path.join(base, "requirements.txt")
        with open(path, "w", encoding="utf-8") as stream:
            stream.write("\n".join(lines) + "\n")
        kept = () if offline or index else _OWN_INDEX
        _run([*words, "-r", path], kept, None if offline else index)


def compile_lock(
    requirements: Sequence[str], *, index: str | None = None, offline: str = ""
) -> str:
    """Return a lock after PEP 751 for requirements, of wheels alone; nothing is installed.

    :param index: as :func:`install_locked` takes it, and ``offline`` too.
    :raises KurtError: when no versions satisfy all; with what the installer says.
    """
    with tempfile.TemporaryDirectory(prefix="kurt-") as base:
        asked, made = os.path.join(base, "wanted.in"), os.path.join(base, "pylock.toml")
        kept = os.path.join(base, "kept.txt")
        with open(asked, "w", encoding="utf-8") as stream:
            stream.write("\n".join(requirements) + "\n")
        with open(kept, "w", encoding="utf-8") as stream:
            stream.write("\n".join(_kept()) + "\n")
        words = ["--only-binary=:all:", "-c", kept]
        if offline:
            words += ["--no-index", "--find-links", offline]
        if installer() == "pip":
            _refuse_old_pip()
            words = ["lock", *words, "-r", asked, "-o", made]
        else:
            words = ["compile", *words, "--format", "pylock.toml", "--quiet", "-o", made, asked]
        _run(words, () if offline or index else _OWN_INDEX, None if offline else index)
        with open(made, encoding="utf-8") as stream:
            return stream.read()


def _kept() -> list[str]:
    """Return what kurt itself requires of this environment, and keeps whatever skills need."""
    from importlib.metadata import PackageNotFoundError, requires

    from packaging.requirements import Requirement

    try:
        listed = [Requirement(text) for text in requires("kurt-ext") or ()]
    except PackageNotFoundError:
        return []
    return [f"{one.name}{one.specifier}" for one in listed if "extra" not in str(one.marker or "")]


def locks() -> bool:
    """Return whether the installer of this environment can write a lock: pip can from 25.1 on."""
    from packaging.version import Version

    return installer() != "pip" or Version(installed_version("pip") or "0") >= Version("25.1")


def _refuse_old_pip() -> None:
    if not locks():
        raise KurtError(
            f"pip {installed_version('pip')} cannot write a lock of distributions",
            cause="pip can from 25.1 on, and uv can",
            hint="python -m pip install --upgrade pip",
        )


def uninstall(distribution: str) -> None:
    """Remove a distribution.

    :raises KurtError: when that fails; with what the installer says.
    """
    _run(["uninstall", distribution], [])


def installed_version(distribution: str) -> str | None:
    """Return the version of an installed distribution, read anew; None where there is none."""
    from importlib import invalidate_caches
    from importlib.metadata import MetadataPathFinder, PackageNotFoundError, version

    invalidate_caches()
    # On 3.11 the former does not reach what importlib.metadata remembers.
    MetadataPathFinder().invalidate_caches()
    try:
        return version(distribution)
    except PackageNotFoundError:
        return None


def _run(words: list[str], kept: Sequence[str], index: str | None = None) -> None:
    program = installer()
    dropped = set(_SOURCES).difference(kept)
    environ = {key: value for key, value in os.environ.items() if key not in dropped}
    if program == "pip":
        words = list(words)
        if words[0] == "uninstall":
            words.insert(1, "--yes")
        # Its configuration files may name further indexes; empty is none.
        environ |= {"PIP_EXTRA_INDEX_URL": "", "PIP_FIND_LINKS": ""}
        if "--no-index" in words or index:
            environ["PIP_CONFIG_FILE"] = os.devnull
        command = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--no-input", *words]
    else:
        command = [program, "pip", words[0], "--no-config", "--python", sys.executable, *words[1:]]
    if index:
        # Not on the command line, which everybody on this machine reads: it may hold a password.
        environ["PIP_INDEX_URL" if program == "pip" else "UV_DEFAULT_INDEX"] = index
    environ["PYTHONDONTWRITEBYTECODE"] = os.environ.get("PYTHONDONTWRITEBYTECODE", "")
    try:
        done = subprocess.run(
            command,
            env=environ,
            capture_output=True,
            text=True,
            errors="replace",
            stdin=subprocess.DEVNULL,
            timeout=_TIMEOUT,
            pass_fds=_lent,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise KurtError(f"{os.path.basename(program)} could not run", cause=str(error)) from error
    if done.returncode:
        said = (done.stderr.strip() or done.stdout.strip())[-1500:]
        if "externally managed" in said or "externally-managed" in said:
            raise PolicyError(
                "this Python belongs to the system, and nothing is installed into it",
                cause=said,
                hint="python -m venv .venv && . .venv/bin/activate, and install kurt there",
            )
        raise KurtError(
            f"{os.path.basename(program)} {words[0]} failed", cause=said or "it says nothing"
        )
