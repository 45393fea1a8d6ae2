"""Judge a skill's folder by a profile, with the checks that installed distributions add.

A check is an entry point of the group ``kurt.check``: a callable that is given
the :class:`~kurt_ext.manifest.Reading` of a folder and gives findings, whose
paths are relative to it. Nothing of the skill is imported.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from .findings import Finding
from .manifest import read
from .portable import PROFILES as STRICT
from .portable import check

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

    from .discovery import Discovery
    from .manifest import Reading

__all__ = ["GROUP", "PROFILES", "judge"]

#: The entry-point group that names checks. Only installed distributions are asked.
GROUP = "kurt.check"
#: ``load`` is what kurt itself needs; the others are stricter.
PROFILES = ("load", *STRICT)


def judge(discovery: Discovery, folder: str, profile: str = "load") -> list[Finding]:
    """Return what is to be said about a skill's folder, in the order of the files.

    :param profile: one of :data:`PROFILES`.
    :raises UsageError: for another one.
    """
    reading = read(folder)
    findings = list(reading.findings) if profile == "load" else check(folder, profile)
    for point in discovery.entry_points(GROUP):
        findings += _asked(point, reading)
    unique = dict.fromkeys(findings)
    return sorted(unique, key=lambda finding: (finding.path, finding.line, finding.column))


def _asked(point: EntryPoint, reading: Reading) -> list[Finding]:
    """Return what one check says; one that fails is a finding, not an error."""
    try:
        found = list(point.load()(reading))
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # a guest's SystemExit must not end the host
        reason = f"{type(error).__name__}: {error}"
    else:
        if all(isinstance(finding, Finding) for finding in found):
            return found
        reason = "it gave something that is no kurt_ext.findings.Finding"
    message = f"the check {point.name} ({point.value}) could not be made: {reason}"
    return [Finding("check-failed", "warning", message)]
