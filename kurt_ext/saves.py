"""What a save is: raw events of a file system, as one change per skill folder.

An editor that saves a file writes, renames and deletes several. What it leaves
for itself, and what Python leaves, is nobody's change.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Mapping
from os import sep

__all__ = ["SOURCES", "OwnWork", "grouped", "is_noise", "is_source"]

#: Files of a skill that are always its author's work, never written by its code.
SOURCES = frozenset({"SKILL.md", "plugin.json", "config.json", "requirements.txt"})
#: Folders of which nothing is the skill's own: what build and test programs leave.
_FOLDERS = frozenset({"__pycache__", "build", "dist", "node_modules"})
#: vim asks with 4913 whether it may write; the others are swap and backup files, and
#: what programs write beside their work as it runs.
_NAMES = frozenset({"4913"})
_SUFFIXES = (
    *("~", ".swp", ".swo", ".swx", ".tmp", ".temp", ".bak", ".orig", ".rej", ".part"),
    *(".pyc", ".pyo", ".log", ".lock", ".pid", ".sqlite", ".sqlite3", ".db"),
    *("-journal", "-wal", "-shm"),
)
_PYTHON = (".py", ".pyi", ".so", ".pyd")


def is_noise(relative: str) -> bool:
    """Return whether a path in a skill folder is nobody's change, by its name alone."""
    *folders, name = relative.split(sep)
    if any(part.startswith(".") and part != "." for part in (*folders, name)):
        return True
    if any(part in _FOLDERS or part.endswith(".egg-info") for part in (*folders, name)):
        return True
    if name in _NAMES or "___jb_" in name or (name.startswith("#") and name.endswith("#")):
        return True
    return name.lower().endswith(_SUFFIXES)


def is_source(relative: str) -> bool:
    """Return whether a path in a skill folder is one that only its author writes."""
    return relative in SOURCES or relative.endswith(_PYTHON) or relative == "."


def grouped(
    events: Iterable[tuple[str, str]],
    roots: Mapping[str, str],
    exists: Callable[[str], bool],
) -> dict[str, tuple[str, ...]]:
    """Return the files that changed, by the folder of the skill they belong to.

    The order and the number of the events make no difference.

    :param events: what happened (``added``, ``modified``, ``deleted``) and to which path.
    :param roots: how a folder of skill folders is spelled in events, and how by us.
    :param exists: tells whether there is something at a path now.
    :returns: paths relative to their folder, sorted; ``.`` is the folder itself. A
        root that came or went as a whole is a key too.
    """
    prefixes = sorted(roots, key=len, reverse=True)  # the innermost first
    found: dict[str, set[str]] = {}
    for what, path in events:
        for prefix in prefixes:
            if path == prefix:
                if what != "modified":  # its own times and rights are nobody's change
                    found.setdefault(roots[prefix], set()).add(".")
                break
            if not path.startswith(prefix + sep):
                continue
            child, _, relative = path[len(prefix) + 1 :].partition(sep)
            relative = relative or "."
            passing = what == "added" and not is_source(relative) and not exists(path)
            # The same names as a look at the root passes over.
            if not (child.startswith((".", "__")) or is_noise(relative) or passing):
                found.setdefault(roots[prefix] + sep + child, set()).add(relative)
            break
    # The death of a passing file is told as well.
    born = {path for what, path in events if what == "added" and not exists(path)}
    for folder, files in list(found.items()):
        files -= {name for name in files if not is_source(name) and folder + sep + name in born}
        if not files:
            del found[folder]
    return {folder: tuple(sorted(files)) for folder, files in sorted(found.items())}


class OwnWork:
    """Files that a plugin writes into its folder itself, and that no reload is to follow.

    Without it, a plugin that writes a cache when it is initialized would be
    reloaded for ever. A source is never its own work.
    """

    #: So often a file may change while its plugin is being reloaded.
    DURING = 1
    #: So often a file may change, and within so many seconds.
    OFTEN = 5
    WITHIN = 10.0

    def __init__(self) -> None:
        self._during: dict[str, int] = {}
        self._times: dict[str, deque[float]] = {}

    def others(self, files: Iterable[str], now: float, reloading: bool) -> set[str]:
        """Return the files that somebody else has changed.

        :param files: those that changed, relative to the skill's folder.
        :param now: seconds on any clock.
        :param reloading: whether the plugin's code was run for the first time just now.
        """
        return {name for name in files if is_source(name) or self._by_others(name, now, reloading)}

    def _by_others(self, name: str, now: float, reloading: bool) -> bool:
        if reloading:
            self._during[name] = self._during.get(name, 0) + 1
        times = self._times.setdefault(name, deque(maxlen=self.OFTEN + 1))
        times.append(now)
        if self._during.get(name, 0) > self.DURING:
            return False
        return len(times) <= self.OFTEN or now - times[0] > self.WITHIN
