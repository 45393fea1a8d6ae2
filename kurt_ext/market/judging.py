"""Have the validator judge what is to be published."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

from ..hostfacts import HostFacts
from ..validator import installed_checks
from ..verdicts import Verdicts, rules_version

if TYPE_CHECKING:
    from ..places import Places

__all__ = ["Judge"]

_CHUNK = 64
#: Skills that a process must have to judge before it is worth starting.
_WORTH = 4


class Judge:
    """Judges skills for a marketplace, the same wherever it runs: by no host's own names.

    :param places: where verdicts are remembered.
    :param profile: of the validator.
    :param known: ids that a person could mistake a new one for.
    """

    def __init__(self, places: Places, profile: str, known: Iterable[str] = ()) -> None:
        from ..jobs import Job

        checks = installed_checks(places)
        facts = HostFacts(known_ids=frozenset(known))
        self._job = Job(profile, checks, facts)
        self.ruleset = rules_version(checks)
        self._verdicts = Verdicts(places, self.ruleset, facts, profile)

    def report(self, path: str) -> dict[str, Any]:
        """Return the report on one skill."""
        return next(self.reports([path], 1))

    def reports(self, paths: Sequence[str], jobs: int = 0) -> Iterator[dict[str, Any]]:
        """Yield the reports on skills, in their order.

        :param jobs: processes; 0 chooses by the number of processors and of skills.
        """
        from ..jobs import judge_all

        if not jobs:
            cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else 1
            jobs = max(1, min(cores, len(paths) // _WORTH))
        step = _CHUNK * jobs
        for start in range(0, len(paths), step):
            part = paths[start : start + step]
            marks = [self._verdicts.find(path) for path in part]
            ahead = [path for path, (kept, _) in zip(part, marks, strict=True) if kept is None]
            judged = dict(zip(ahead, judge_all(self._job, ahead, jobs=jobs), strict=True))
            for path, (kept, mark) in zip(part, marks, strict=True):
                row = kept if kept is not None else judged[path]
                if kept is None and mark is not None:
                    self._verdicts.remember(path, mark, row)
                yield row | {"path": path}
        self._verdicts.close()
