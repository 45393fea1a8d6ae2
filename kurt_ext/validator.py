"""Judge a skill: ask every check about it, and say what they found, worst and all.

Nothing of the skill is imported. Checks come from installed distributions
alone, by the entry-point group ``kurt.check``; one that fails is a finding that
names it. The same files give the same report, byte for byte.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterable, Iterator
from importlib.metadata import EntryPoint
from typing import Any, NamedTuple

from .checks.subject import RUNTIME_VERSION, Subject
from .errors import PluginValidationError, UsageError
from .findings import SEVERITIES, Finding
from .manifest import MANIFESTS, Reading, read
from .places import Places
from .portable import PROFILES as STRICT

__all__ = [
    "GROUP",
    "PROFILES",
    "Check",
    "Report",
    "explain_rule",
    "installed_checks",
    "validate",
    "validate_skill",
]

#: The entry-point group that names checks. Only installed distributions are asked.
GROUP = "kurt.check"
#: ``load`` is what kurt itself needs here; the others are stricter, for elsewhere.
PROFILES = ("load", *STRICT)


class Check(NamedTuple):
    """A check by its entry point, not yet imported.

    :param distribution: the distribution that brings it.
    """

    name: str
    value: str
    distribution: str

    def load(self) -> Callable[[Subject], Iterable[Finding]]:
        """Import the check; whatever its import raises is raised."""
        loaded: Callable[[Subject], Iterable[Finding]] = EntryPoint(
            self.name, self.value, GROUP
        ).load()
        return loaded


class Report:
    """What is to be said about a skill.

    :param path: the folder, as it was given.
    :param name: the skill's name, where one was found.
    :param profile: a name in :data:`PROFILES`.
    :param findings: in the order of the files, without repetitions.
    """

    __slots__ = ("findings", "name", "path", "profile")

    def __init__(
        self, path: str, name: str | None, profile: str, findings: Iterable[Finding]
    ) -> None:
        self.path = path
        self.name = name
        self.profile = profile
        unique = dict.fromkeys(findings)
        self.findings = tuple(sorted(unique, key=_order))

    @property
    def valid(self) -> bool:
        """Whether nothing is so wrong that the skill cannot be used."""
        return not any(finding.fatal for finding in self.findings)

    @property
    def counts(self) -> dict[str, int]:
        """Severity → number of findings, every severity, from harmless to grave."""
        counts: dict[str, int] = dict.fromkeys(SEVERITIES, 0)
        for finding in self.findings:
            counts[finding.severity] += 1
        return counts

    def as_dict(self) -> dict[str, Any]:
        """Return the report for JSON output."""
        return {
            "path": self.path,
            "name": self.name,
            "profile": self.profile,
            "valid": self.valid,
            "counts": self.counts,
            "findings": [finding.as_dict() for finding in self.findings],
        }

    def raise_if_invalid(self) -> None:
        """Raise what stops a load, an installation or a publication.

        :raises PluginValidationError: with this report as ``validation_result``.
        """
        fatal = [finding for finding in self.findings if finding.fatal]
        if not fatal:
            return
        name = self.name or os.path.basename(self.path)
        count = f"{len(fatal)} error{'s' if len(fatal) > 1 else ''}"
        raise PluginValidationError(
            f"{name} is not valid: {count} by the profile {self.profile}",
            cause="\n".join([str(finding) for finding in fatal]),
            at=os.path.join(self.path, fatal[0].at) if fatal[0].path else self.path,
            hint=fatal[0].fix or f"kurt validate {self.path}",
            skill=self.name,
            validation_result=self,
        )

    def __bool__(self) -> bool:
        return self.valid

    def __repr__(self) -> str:
        counts = ", ".join([f"{n} {word}" for word, n in self.counts.items() if n])
        return f"<Report {self.name} valid={self.valid}: {counts or 'nothing found'}>"


def _order(finding: Finding) -> tuple[object, ...]:
    place = (finding.path, finding.line, finding.column)
    return (*place, -SEVERITIES.index(finding.severity), finding.rule, finding.message)


def validate(
    path: str | os.PathLike[str],
    *,
    profile: str | None = None,
    checks: Iterable[Check] | None = None,
    runtime_version: str = RUNTIME_VERSION,
) -> Report:
    """Return what is to be said about a skill; never raises for what lies there.

    :param path: a skill's folder, a manifest in it, or the ``*.dist-info`` of an installed
        one.
    :param profile: one of :data:`PROFILES`; ``load`` if None.
    :param checks: what is asked; all that installed distributions bring if None.
    :param runtime_version: the SemVer version of the host.
    :raises UsageError: when there is no such profile.
    """
    if profile is not None and profile not in PROFILES:
        raise UsageError(
            f"there is no profile {profile!r}",
            hint="--profile " + "|".join(PROFILES),
            candidates=PROFILES,
        )
    given = os.fspath(path)
    folder = os.path.abspath(given)
    if os.path.basename(folder) in MANIFESTS and not os.path.isdir(folder):
        folder = os.path.dirname(folder)
    strict = None if profile in (None, "load") else profile
    reading = _installed(folder) if folder.endswith(".dist-info") else read(folder)
    subject = Subject(reading, strict, runtime_version)
    findings: list[Finding] = []
    for check in sorted(installed_checks() if checks is None else checks):
        findings += _ask(check, subject)
    return Report(folder, reading.name, profile or "load", findings)


def validate_skill(path: str | os.PathLike[str]) -> Report:
    """Return what is to be said about a skill that is to be loaded here."""
    return validate(path)


def _ask(check: Check, subject: Subject) -> list[Finding]:
    """Return what one check says; one that fails is a finding, not an error."""
    try:
        found = list(check.load()(subject))
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # a guest's SystemExit must not end the host
        reason = f"{type(error).__name__}: {error}"
    else:
        if all(isinstance(finding, Finding) for finding in found):
            return found
        reason = "it gave something that is no kurt_ext.findings.Finding"
    message = f"the check {check.name} of {check.distribution} could not be made: {reason}"
    fix = f"report it to the authors of {check.distribution}"
    return [Finding("check-failed", "warning", message, fix=fix)]


def _installed(dist_info: str) -> Reading:
    """Return the reading of an installed skill: its manifest was read when it was built."""
    from .metadata import package_of, record_of

    try:
        record = record_of(dist_info)
    except (OSError, ValueError) as error:
        name = os.path.basename(dist_info)
        finding = Finding("manifest-unreadable", "error", f"{name} cannot be read: {error}")
        return Reading(dist_info, None, (finding,), (), False)
    folder = package_of(dist_info, record["id"])
    code = os.path.isdir(folder)
    return Reading(folder if code else dist_info, record, (), (), code)


def installed_checks(places: Places | None = None) -> list[Check]:
    """Return the checks of installed distributions, the first of each name, sorted.

    Local skills shown by a shim are not asked, even where the shim is linked
    into the search path: what is judged must not be the judge.

    :param places: where shims lie; those of this process if None.
    """
    from .names import normalize

    shims = os.path.join((places or Places()).data, "shim") + os.sep
    found: dict[str, Check] = {}
    seen: set[str] = set()
    for base in dict.fromkeys([os.path.abspath(entry) for entry in sys.path]):
        if base.startswith(shims):
            continue
        for distribution, offered in _offers(base):
            if normalize(distribution) in seen:
                continue
            seen.add(normalize(distribution))
            for name, value in offered:
                found.setdefault(name, Check(name, value, distribution))
    return sorted(found.values())


def _offers(base: str) -> Iterator[tuple[str, list[tuple[str, str]]]]:
    """Yield the distributions of a folder that bring checks, with names and values."""
    from .installed import in_folder

    for unit in in_folder(base):
        if unit.candidate is not None:
            offers = unit.candidate.offers
            offered = [(name, value) for group, name, value in offers if group == GROUP]
            if offered:
                yield unit.candidate.distribution, offered


def explain_rule(rule: str, checks: Iterable[Check] | None = None) -> str | None:
    """Return what the check that has a rule asks, why, and its examples; None for no check's.

    :param checks: where to look; all that installed distributions bring if None.
    """
    import inspect

    for check in sorted(installed_checks() if checks is None else checks):
        try:
            module = sys.modules[check.load().__module__]
        except KeyboardInterrupt:
            raise
        except BaseException:  # `doctor` and `validate` name a check that fails
            continue
        if rule in getattr(module, "RULES", ()):
            return inspect.cleandoc(module.__doc__ or "")
    return None
