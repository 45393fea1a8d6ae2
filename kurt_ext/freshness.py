"""Notice that what says what a plugin is, and how it is to run, has changed on the disk."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from .errors import SkillNotFoundError
from .importer import refuse
from .manifest import MANIFESTS

if TYPE_CHECKING:
    from .candidates import Candidate
    from .manager import SkillManager

__all__ = ["Freshness"]


class Freshness:
    """What the manifests and the two ``kurt.toml`` looked like when each plugin was read.

    :param skills: looks again where they differ.
    """

    def __init__(self, skills: SkillManager) -> None:
        self._skills = skills
        self._seen: dict[str, tuple[object, ...]] = {}

    def knows(self, candidate: Candidate) -> bool:
        """Return whether a plugin was looked at before."""
        return candidate.slug in self._seen

    def note(self, candidate: Candidate) -> None:
        """Remember what a plugin's files look like now."""
        self._seen[candidate.slug] = self._signature(candidate)

    def again(self, candidate: Candidate) -> Candidate:
        """Return a plugin's candidate, read anew where a file has changed; reads files.

        :raises SkillNotFoundError: when it is gone.
        :raises ManifestError: when it lies where it was, and cannot be read any more.
        """
        signature = self._signature(candidate)  # before it is read: a change since counts next time
        if signature != self._seen.get(candidate.slug):
            self._skills.look()
            self._seen[candidate.slug] = signature
        try:
            return self._skills.discover().skill(candidate.name)
        except SkillNotFoundError:
            for other in self._skills.discover().winners:
                if other.location == candidate.location:
                    refuse(other)  # what cannot be read goes by the name of its folder
            raise

    def _signature(self, candidate: Candidate) -> tuple[object, ...]:
        places = self._skills.places
        files = [places.user_config, places.project_config]
        if candidate.is_folder:
            folder = candidate.location
            files += [os.path.join(folder, name) for name in (*MANIFESTS, "config.json")]
        return (candidate.version, *map(_stamp, files))


def _stamp(path: str) -> tuple[int, ...] | None:
    try:
        stat = os.stat(path)
    except OSError:
        return None
    return (stat.st_mtime_ns, stat.st_ctime_ns, stat.st_ino, stat.st_size)
