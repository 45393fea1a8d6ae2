"""Find the skills of a repository: every folder beneath it that has a manifest."""

from __future__ import annotations

import os

from .manifest import MANIFESTS

__all__ = ["skills_beneath"]

#: Folders that hold no skill of the repository's own, or another program's manifests.
_PASSED = frozenset(
    (
        *(".git", ".hg", ".svn", ".tox", ".nox", ".venv", "__pycache__", "node_modules"),
        *(".claude-plugin", ".mypy_cache", ".ruff_cache", ".pytest_cache"),
    )
)
_MAX_FOLDERS = 100_000
_MAX_DEPTH = 20


def skills_beneath(folder: str) -> list[str]:
    """Return the folders with a manifest, sorted; the folder alone where it has one itself.

    What lies beneath a skill belongs to it, and is judged with it. Links are not
    followed. Where no manifest is found the folder itself is what is meant.
    """
    found: list[str] = []
    ahead = [(folder, 0)]
    seen = 0
    while ahead and seen < _MAX_FOLDERS:
        current, depth = ahead.pop()
        seen += 1
        try:
            with os.scandir(current) as listed:
                entries = list(listed)
        except OSError:
            continue
        if any(entry.name in MANIFESTS for entry in entries):
            found.append(current)
            continue
        if depth < _MAX_DEPTH:
            ahead += [
                (entry.path, depth + 1)
                for entry in entries
                if entry.name not in _PASSED and entry.is_dir(follow_symlinks=False)
            ]
    return sorted(found) or [folder]
