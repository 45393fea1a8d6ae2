"""Where everything lies: configuration, skills, shims, index, trust.

One table. Each place has an environment variable that overrides it; the
defaults follow the XDG base directories on Linux, ``~/Library`` on macOS and
``%LOCALAPPDATA%`` on Windows; ``~/.kurt``, where it exists, holds them all.

=============  =================  ==========================================
place          variable           default on Linux
=============  =================  ==========================================
home           KURT_HOME          ``~/.kurt`` where it exists, else none
user config    KURT_CONFIG        ``$XDG_CONFIG_HOME/kurt/kurt.toml``
data           KURT_DATA          ``$XDG_DATA_HOME/kurt``
cache          KURT_CACHE         ``$XDG_CACHE_HOME/kurt``
project        KURT_PROJECT       nearest folder upward with a ``kurt.toml``
                                  that the user or root owns, else the
                                  working directory
user skills    KURT_SKILLS        ``<data>/skills`` and ``~/.kurt/skills``
trust          KURT_TRUST         adds paths, ``os.pathsep`` between them
=============  =================  ==========================================

Derived: ``<project>/kurt.toml``, ``<project>/skills``, ``<project>/kurt.lock``,
``<data>/shim/<scope>``, ``<data>/trust.json``, ``<data>/run``, ``<data>/store``,
``<data>/installs``, ``<data>/markets``, ``<data>/logs``, ``<cache>/index``, ``<cache>/markets``.
Nothing but the first three, and ``pylock.kurt.toml``, is ever written into a project.

`platformdirs` knows the same folders; importing it costs twice what a warm
``kurt list`` costs in all, and a test holds this table to it.
"""

from __future__ import annotations

import os
import sys
from _imp import source_hash  # SipHash in C, present at start-up; no import is paid for it

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["CONFIG_NAME", "Places", "digest"]

CONFIG_NAME = "kurt.toml"
_HASH_KEY = 0x6B757274


def digest(data: bytes) -> str:
    """Return 16 hex digits that name ``data``: a key for files, not a proof against forgery."""
    return source_hash(_HASH_KEY, data).hex()


class Places:
    """The table of places of one process, read once from the environment.

    :param project: the project's folder; found from the working directory if None.
    :param environ: the environment to read; ``os.environ`` if None.
    :param skills: the folder of the project's skills, in place of ``<project>/skills``.
        A program that names it has chosen it: what lies in it is trusted.
    """

    __slots__ = (
        "builtin_skills",
        "cache",
        "data",
        "home",
        "index",
        "logs",
        "own_skills",
        "project",
        "project_config",
        "project_skills",
        "store",
        "trust",
        "trusted_by_environment",
        "user_config",
        "user_skills",
    )

    def __init__(
        self,
        project: str | None = None,
        environ: Mapping[str, str] | None = None,
        *,
        skills: str | None = None,
    ) -> None:
        env = os.environ if environ is None else environ
        user = env.get("HOME") or env.get("USERPROFILE") or os.path.expanduser("~")
        dotted = os.path.join(user, ".kurt")
        home = env.get("KURT_HOME") or (dotted if os.path.isdir(dotted) else None)
        self.home = os.path.abspath(home) if home else None
        config, data, cache = self._bases(env, user)
        self.user_config = os.path.abspath(
            env.get("KURT_CONFIG") or os.path.join(config, CONFIG_NAME)
        )
        self.data = os.path.abspath(env.get("KURT_DATA") or data)
        self.cache = os.path.abspath(env.get("KURT_CACHE") or cache)
        given = env.get("KURT_SKILLS")
        if given:
            users = [os.path.abspath(path) for path in given.split(os.pathsep) if path]
        else:
            users = [os.path.join(self.data, "skills"), os.path.join(dotted, "skills")]
        self.user_skills = tuple(dict.fromkeys(users))
        self.project = os.path.abspath(project or env.get("KURT_PROJECT") or _find_project())
        self.project_config = os.path.join(self.project, CONFIG_NAME)
        self.own_skills = os.path.abspath(skills) if skills else None
        self.project_skills = self.own_skills or os.path.join(self.project, "skills")
        self.builtin_skills = os.path.join(os.path.dirname(os.path.abspath(__file__)), "builtin")
        self.trust = os.path.join(self.data, "trust.json")
        self.store = os.path.join(self.data, "store")
        self.logs = os.path.join(self.data, "logs")
        self.index = os.path.join(self.cache, "index")
        trusted = [path for path in env.get("KURT_TRUST", "").split(os.pathsep) if path]
        if self.own_skills:
            trusted.append(self.own_skills)
        self.trusted_by_environment = tuple(os.path.abspath(path) for path in trusted)

    def _bases(self, env: Mapping[str, str], user: str) -> tuple[str, str, str]:
        """Return the folders of configuration, data and cache."""
        if self.home:
            return self.home, self.home, os.path.join(self.home, "cache")
        join = os.path.join
        if sys.platform == "win32":
            local = env.get("LOCALAPPDATA") or join(user, "AppData", "Local")
            base = join(local, "kurt")
            return base, base, join(base, "Cache")
        if sys.platform == "darwin":
            support = join(user, "Library", "Application Support", "kurt")
            return support, support, join(user, "Library", "Caches", "kurt")

        def xdg(variable: str, *default: str) -> str:
            path = env.get(variable, "")
            # The XDG specification says that a relative path is to be ignored.
            return join(path if os.path.isabs(path) else join(user, *default), "kurt")

        return (
            xdg("XDG_CONFIG_HOME", ".config"),
            xdg("XDG_DATA_HOME", ".local", "share"),
            xdg("XDG_CACHE_HOME", ".cache"),
        )

    def shim(self, scope: str) -> str:
        """Return the folder of the shim of a scope: ``project``, ``user`` or ``builtin``.

        A project's is keyed by its real path, so that two projects of one name
        never share code.
        """
        if scope == "user":
            key = "user"
        else:
            own = self.own_skills or self.project
            path = own if scope == "project" else self.builtin_skills
            real = os.path.realpath(path)
            key = f"{os.path.basename(real)}-{digest(os.fsencode(real))}"
        return os.path.join(self.data, "shim", key)

    def installs(self, scope: str) -> str:
        """Return the folder of the receipts of a scope, ``project`` or ``user``."""
        return os.path.join(self.data, "installs", os.path.basename(self.shim(scope)))

    def roots(self, extra: tuple[str, ...] = ()) -> tuple[tuple[str, str], ...]:
        """Return ``(scope, folder of skill folders)`` in order of precedence.

        :param extra: further folders that the project's ``skill_paths`` names.
        """
        project = (self.project_skills, *extra)
        seen = dict.fromkeys(
            [("project", path) for path in project]
            + [("user", path) for path in self.user_skills]
            + [("builtin", self.builtin_skills)]
        )
        return tuple(seen)


def _find_project() -> str:
    try:
        start = os.getcwd()
    except OSError:  # the working directory was deleted
        return os.path.expanduser("~")
    folder = start
    while True:
        try:
            found = os.stat(os.path.join(folder, CONFIG_NAME))
        except OSError:
            found = None
        # A kurt.toml that a stranger left in a shared parent folder is not ours to obey.
        if found is not None and (sys.platform == "win32" or found.st_uid in (0, os.getuid())):
            return folder
        parent = os.path.dirname(folder)
        if parent == folder:
            return start
        folder = parent
