"""Have the validator judge what is to be published, and nothing that lies beside it."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections import deque
from collections.abc import Callable, Generator, Iterable, Mapping, Sequence
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

from ..hostfacts import HostFacts
from ..jobs import Job, Pool
from ..validator import installed_checks
from ..verdicts import rules_version
from .remembering import Remembered

if TYPE_CHECKING:
    from ..places import Places

__all__ = ["Judge"]

#: Skills that wait for each process, so that none waits for what is between two of them.
_AHEAD = 4
#: Skills that a process must have to judge before it is worth starting.
_WORTH = 4


class Judge:
    """Judges skills for a marketplace, the same wherever it runs: by no host's own names.

    A release is judged once, and its document holds what was said: until that is written,
    :class:`~.remembering.Remembered` does.

    :param places: of which the checks of local skills are not asked.
    :param profile: of the validator.
    :param known: ids that a person could mistake a new one for.
    """

    def __init__(self, places: Places, profile: str, known: Iterable[str] = ()) -> None:
        checks = installed_checks(places)
        self._job = Job(profile, checks, HostFacts(known_ids=frozenset(known)))
        self.ruleset = rules_version(checks)
        self._memory = Remembered(places, self.ruleset, self._job.facts, profile)

    def folder(self, folder: str, files: Mapping[str, bytes]) -> dict[str, Any]:
        """Return the report on the files of one skill.

        :param folder: whose name it is judged by.
        """
        with tempfile.TemporaryDirectory(prefix="kurt-judge-") as scratch:
            return self._job.judge(_stage(scratch, folder, files)) | {"path": folder}

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
    ) -> Generator[dict[str, Any], None, None]:
        """Yield the reports on the files of skills, in their order; close it when done.

        The files are judged in a folder of their own, so that what is not published is no
        part of the verdict. What a build that was cut off has judged is not judged again.

        :param files: returns path → bytes of a skill's folder.
        :param jobs: processes; 0 chooses by the number of processors and of skills.
        """
        if not jobs:
            cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else 1
            jobs = max(1, min(cores, len(folders) // _WORTH))
        with tempfile.TemporaryDirectory(prefix="kurt-judge-") as scratch, ExitStack() as stack:
            pool = stack.enter_context(Pool(self._job, jobs)) if jobs > 1 else None
            waiting: deque[Callable[[], dict[str, Any]]] = deque()
            for number, folder in enumerate(folders):
                staged = os.path.join(scratch, str(number))
                waiting.append(self._begin(folder, files(folder), staged, pool))
                if pool is None or len(waiting) >= _AHEAD * jobs:
                    yield waiting.popleft()()
            while waiting:
                yield waiting.popleft()()

    def _begin(
        self, folder: str, files: Mapping[str, bytes], scratch: str, pool: Pool | None
    ) -> Callable[[], dict[str, Any]]:
        """Have the files of one skill judged, and return what returns the report."""
        known = self._memory.find(folder, files)
        if known is not None:
            return lambda: known | {"path": folder}
        staged = _stage(scratch, folder, files)
        asked = pool.submit(staged) if pool is not None else None

        def end() -> dict[str, Any]:
            row = asked.result() if asked is not None else self._job.judge(staged)
            shutil.rmtree(scratch, ignore_errors=True)
            self._memory.keep(folder, files, row)
            return row | {"path": folder}

        return end

    def forget(self) -> None:
        """Forget what was judged: documents that are written hold it."""
        self._memory.forget()


def _stage(scratch: str, folder: str, files: Mapping[str, bytes]) -> str:
    """Write the files of a skill into a folder of its name, and return it."""
    base = os.path.join(scratch, os.path.basename(folder))
    os.makedirs(base)
    made = {base}
    for path, data in files.items():
        target = os.path.join(base, *path.split("/"))
        above = os.path.dirname(target)
        if above not in made:
            os.makedirs(above, exist_ok=True)
            made.add(above)
        with open(target, "wb") as stream:
            stream.write(data)
    return base
