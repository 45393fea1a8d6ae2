"""Judge the folders that a command names: from memory, in this process, or in several."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from .contract import Progress
from .hostfacts import HostFacts
from .jobs import Job, judge_all
from .terminal import is_terminal
from .validator import explain_rule, installed_checks
from .validator_settings import settings
from .verdicts import Mark, Verdicts, rules_version

if TYPE_CHECKING:
    from .session import Session

__all__ = ["Judging"]

#: Skills that a process must have to judge before it is worth starting.
_WORTH = 4


class Judging:
    """How one run of the command judges.

    :param session: whose places and configuration count.
    :param profile: what is judged for.
    :param context: a file with what is known of the host; what discovery knows if None.
    :param cache: answer from memory what has not changed.
    :raises ConfigError: when the file, or ``[validator]``, cannot be understood.
    """

    def __init__(
        self, session: Session, profile: str, context: str | None, *, cache: bool = True
    ) -> None:
        self._session = session
        places = session.places
        if context is not None:
            facts = HostFacts.from_file(context)
        else:
            facts = HostFacts.from_host(places, discovery=session.discovery)
        adapters = settings(session.discovery.config).adapters
        checks, versions = installed_checks(places), []
        if adapters:
            from .adapters import adapter_checks, adapter_versions

            checks += adapter_checks(adapters)
            versions = adapter_versions(adapters)
        self.job = Job(profile, checks, facts)
        self.verdicts = None
        if cache:
            self.verdicts = Verdicts(places, rules_version(checks, versions), facts, profile)

    def judge(self, folders: Sequence[str], *, jobs: int = 0) -> list[dict[str, Any]]:
        """Return the reports on folders, in their order.

        :param jobs: processes; 0 chooses by the number of processors and of skills.
        """
        rows: dict[int, dict[str, Any]] = {}
        marks: dict[int, Mark] = {}
        if self.verdicts is not None:
            for number, folder in enumerate(folders):
                kept, mark = self.verdicts.find(folder)
                if kept is not None:
                    rows[number] = kept | {"path": folder}
                elif mark is not None:
                    marks[number] = mark
        ahead = [number for number in range(len(folders)) if number not in rows]
        if ahead:
            rows.update(self._judge(ahead, folders, marks, jobs))
        if self.verdicts is not None:
            self.verdicts.close()
        return [rows[number] for number in range(len(folders))]

    def _judge(
        self, ahead: Sequence[int], folders: Sequence[str], marks: dict[int, Mark], jobs: int
    ) -> dict[int, dict[str, Any]]:
        from .progress import Reporter

        processes = jobs or max(1, min(_processors(), len(ahead) // _WORTH))
        quiet = len(ahead) < 2 or bool(self._session.quiet) or not _watched()
        with Reporter("validate", quiet=quiet, color=self._session.color != "never") as report:
            came = 0

            def done(number: int, row: dict[str, Any]) -> None:
                nonlocal came
                came += 1
                which = ahead[number]
                if self.verdicts is not None and which in marks:
                    self.verdicts.remember(folders[which], marks[which], row)
                name = str(row.get("name") or os.path.basename(folders[which]))
                report(Progress(name, came, len(ahead)))

            wanted = [folders[number] for number in ahead]
            found = judge_all(self.job, wanted, jobs=processes, done=done)
        return dict(zip(ahead, found, strict=True))

    def explain(self, rule: str) -> str | None:
        """Return what a rule asks and why, as ``kurt explain`` says it."""
        from . import rulebook

        return rulebook.explain(rule) or explain_rule(rule, self.job.checks)


def _watched() -> bool:
    import sys

    return is_terminal(sys.stderr)


def _processors() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
