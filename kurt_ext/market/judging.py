"""Have the validator judge what is to be published, and nothing that lies beside it."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from ..hostfacts import HostFacts
from ..validator import installed_checks
from ..verdicts import rules_version

if TYPE_CHECKING:
    from ..places import Places

__all__ = ["Judge"]

_CHUNK = 64
#: Skills that a process must have to judge before it is worth starting.
_WORTH = 4


class Judge:
    """Judges skills for a marketplace, the same wherever it runs: by no host's own names.

    A release is judged once, and its document holds what was said: no other memory is kept.

    :param places: of which the checks of local skills are not asked.
    :param profile: of the validator.
    :param known: ids that a person could mistake a new one for.
    """

    def __init__(self, places: Places, profile: str, known: Iterable[str] = ()) -> None:
        from ..jobs import Job

        checks = installed_checks(places)
        self._job = Job(profile, checks, HostFacts(known_ids=frozenset(known)))
        self.ruleset = rules_version(checks)

    def folder(self, folder: str, files: Mapping[str, bytes]) -> dict[str, Any]:
        """Return the report on the files of one skill.

        :param folder: whose name it is judged by.
        """
        return next(self.reports([folder], lambda path: files, 1))

    def wheel(self, dist_info: str, record: Mapping[str, Any]) -> dict[str, Any]:
        """Return the report on an unpacked wheel.

        :param dist_info: its ``*.dist-info``, beside all else that was in it.
        :param record: its manifest.
        """
        from ..checks.subject import Subject
        from ..manifest import Reading
        from ..metadata import part_to_judge
        from ..validator import judge

        root = part_to_judge(dist_info, record["id"])
        reading = Reading(root, dict(record), (), (), True)
        subject = Subject(reading, None, self._job.facts.runtime_version, self._job.facts)
        return judge(subject, self._job.checks, root, "load").as_dict()

    def reports(
        self,
        folders: Sequence[str],
        files: Callable[[str], Mapping[str, bytes]],
        jobs: int = 0,
    ) -> Iterator[dict[str, Any]]:
        """Yield the reports on the files of skills, in their order.

        The files are judged in a folder of their own, so that what is not published is no
        part of the verdict.

        :param files: returns path → bytes of a skill's folder.
        :param jobs: processes; 0 chooses by the number of processors and of skills.
        """
        from ..jobs import judge_all

        if not jobs:
            cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else 1
            jobs = max(1, min(cores, len(folders) // _WORTH))
        step = _CHUNK * jobs
        for start in range(0, len(folders), step):
            part = folders[start : start + step]
            with tempfile.TemporaryDirectory(prefix="kurt-judge-") as scratch:
                staged = [
                    _stage(scratch, number, folder, files(folder))
                    for number, folder in enumerate(part)
                ]
                rows = judge_all(self._job, staged, jobs=jobs)
            for folder, row in zip(part, rows, strict=True):
                yield row | {"path": folder}


def _stage(scratch: str, number: int, folder: str, files: Mapping[str, bytes]) -> str:
    """Write the files of a skill into a folder of its name, and return it."""
    base = os.path.join(scratch, str(number), os.path.basename(folder))
    made = set()
    for path, data in files.items():
        target = os.path.join(base, *path.split("/"))
        above = os.path.dirname(target)
        if above not in made:
            os.makedirs(above, exist_ok=True)
            made.add(above)
        with open(target, "wb") as stream:
            stream.write(data)
    return base
