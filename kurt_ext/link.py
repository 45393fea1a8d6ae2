"""Let every process of an environment see a shim, by one line in its site-packages."""

from __future__ import annotations

import os
import sys

from .atomic import write_atomically
from .errors import ConflictError, PolicyError, UsageError
from .names import PACKAGE, normalize
from .shim import Shim
from .shimfiles import list_folder, require_ours, storage_error

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

__all__ = ["Environment", "is_linked", "link", "unlink"]

_QUERY = """
import json, os, sys, sysconfig
print(json.dumps([
    sysconfig.get_path("purelib"),
    sysconfig.get_path("platlib"),
    os.path.join(sysconfig.get_path("stdlib"), "EXTERNALLY-MANAGED")
    if sys.prefix == sys.base_prefix else "",
]))
"""


class Environment:
    """A Python environment, as far as a link needs it.

    :param site: the folder that pip installs pure Python into (``purelib``).
    :param platlib: the folder for compiled distributions; as ``site`` if empty.
    :param marker: where the file ``EXTERNALLY-MANAGED`` would lie (PEP 668);
        empty for a virtual environment, which is nobody else's to manage.
    """

    __slots__ = ("marker", "platlib", "site")

    def __init__(self, site: str, platlib: str = "", marker: str = "") -> None:
        self.site = site
        self.platlib = platlib or site
        self.marker = marker

    def __repr__(self) -> str:
        return f"Environment({self.site!r})"

    @classmethod
    def of(cls, python: str | None = None) -> Environment:
        """Return the environment of an interpreter.

        :param python: its path; the running one if None.
        :raises UsageError: when that is no Python that runs.
        """
        import json
        import subprocess

        try:
            done = subprocess.run(
                [python or sys.executable, "-I", "-c", _QUERY],
                capture_output=True,
                check=True,
                text=True,
            )
            found: Any = json.loads(done.stdout)
        except (OSError, ValueError, subprocess.CalledProcessError) as error:
            raise UsageError(
                f"{python or sys.executable} is not a Python that runs", cause=str(error)
            ) from error
        return cls(*found)

    @property
    def externally_managed(self) -> bool:
        """Whether the system's package manager alone may change it (PEP 668)."""
        return bool(self.marker) and os.path.exists(self.marker)


def link(root: str, environment: Environment, *, allow_managed: bool = False) -> str:
    """Write a ``.pth`` file with a shim's path into an environment, and return its path.

    From then on stock `importlib.metadata`, stevedore, pip and ``import`` see
    the skills in every process of the environment. Linking twice changes nothing.

    :param allow_managed: link even where the system's package manager is in charge.
    :raises PolicyError: when the environment is externally managed.
    :raises ConflictError: when a skill of the shim is installed there: what a
        ``.pth`` adds comes after it, and could not outrank it.
    :raises StorageError: when the shim is not the user's, or site-packages cannot be written.
    """
    if environment.externally_managed and not allow_managed:
        raise PolicyError(
            f"{environment.site} belongs to the system's package manager",
            cause="it is marked as externally managed (PEP 668)",
            at=environment.marker,
            hint="python3 -m venv .venv, and link into that",
        )
    if root != root.strip() or not root.isprintable() or not os.path.isabs(root):
        raise UsageError(f"{root!r} cannot stand in a .pth file", hint="set KURT_DATA to another")
    if not require_ours(root):
        raise UsageError(f"there is no shim at {root}", hint="kurt list")
    installed = _installed(root, environment)
    if installed:
        name, place = installed[0]
        raise ConflictError(
            f"{name} is installed in {environment.site}; a link could not outrank it",
            at=place,
            hint=f"pip uninstall {name}",
            candidates=[name for name, _ in installed],
        )
    path = _pth(root, environment)
    try:
        # Other users of the environment must be able to start Python.
        write_atomically(path, os.fsencode(root) + b"\n", mode=0o644)
    except OSError as error:
        raise storage_error(environment.site, error) from error
    return path


def unlink(root: str, environment: Environment) -> bool:
    """Take the link of a shim out of an environment; tell whether there was one.

    :raises StorageError: when site-packages cannot be written.
    """
    if not is_linked(root, environment):
        return False
    try:
        os.unlink(_pth(root, environment))
    except FileNotFoundError:
        return False  # another process was first
    except OSError as error:
        raise storage_error(environment.site, error) from error
    return True


def is_linked(root: str, environment: Environment) -> bool:
    """Tell whether processes of the environment see the shim."""
    try:
        with open(_pth(root, environment), "rb") as stream:
            return stream.read() == os.fsencode(root) + b"\n"
    except FileNotFoundError:
        return False


def _pth(root: str, environment: Environment) -> str:
    # `site` reads the files in the order of their names, and the first root
    # wins: a project's must come before the user's.
    key = os.path.basename(root)
    name = f"kurt-skills-{'2-' if key == 'user' else '1-'}{key}.pth"
    return os.path.join(environment.site, name)


def _installed(root: str, environment: Environment) -> list[tuple[str, str]]:
    """Return ``(distribution, where)`` of the shim's skills that are installed as well."""
    wanted = set(Shim(root).distributions())
    found = {}
    for folder in dict.fromkeys((environment.site, environment.platlib)):
        for name in list_folder(folder):
            stem, dot, kind = name.rpartition(".")
            distribution = normalize(stem.partition("-")[0])
            if dot and kind in ("dist-info", "egg-info") and distribution in wanted:
                found[distribution] = os.path.join(folder, name)
        packages = set(list_folder(os.path.join(folder, PACKAGE)))
        for name in packages.intersection(list_folder(os.path.join(root, PACKAGE))):
            distribution = normalize(f"kurt-skill-{name.lstrip('_')}")
            found.setdefault(distribution, os.path.join(folder, PACKAGE, name))
    return sorted(found.items())
