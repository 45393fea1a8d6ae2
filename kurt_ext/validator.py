"""Judge a skill: ask every check about it, and say what they found, worst and all.

Nothing of the skill is imported. Checks come from installed distributions
alone, by the entry-point group ``kurt.check``; one that fails is a finding that
names it. The same files give the same report, byte for byte.
"""

from __future__ import annotations

import gc
import os
import sys
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from importlib import import_module
from typing import TYPE_CHECKING, Any, NamedTuple

from .checks.subject import Subject, is_test
from .errors import PluginValidationError, UsageError
from .findings import SEVERITIES, Finding
from .hostfacts import RUNTIME_VERSION, HostFacts
from .manifest import MANIFESTS, Reading, read
from .places import Places
from .portable import PROFILES as STRICT
from .scoring import breakdown, risk_level

if TYPE_CHECKING:
    from .analysis.uses import Use

__all__ = [
    "GROUP",
    "PROFILES",
    "Check",
    "Report",
    "explain_rule",
    "installed_checks",
    "judge",
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
        # As importlib.metadata does it, which alone costs more to import than a skill to judge.
        module, _, names = self.value.partition("[")[0].strip().partition(":")
        found: Any = import_module(module.strip())
        for name in names.strip().split(".") if names.strip() else ():
            found = getattr(found, name)
        loaded: Callable[[Subject], Iterable[Finding]] = found
        return loaded


class Report:
    """What is to be said about a skill.

    :param path: the folder, as it was given.
    :param name: the skill's name, where one was found.
    :param profile: a name in :data:`PROFILES`.
    :param findings: in the order of the files, without repetitions.
    :param uses: what the code uses: rows of name, category, place and targets.
    :param declared: the permissions of the manifest.
    :param complete: whether everything was looked into.
    :param digests: path → sha256 of every file that was read, in hexadecimal.
    :param factors: what the score counts of the uses.
    :param accepted: findings that the host has accepted, which count for nothing.
    :param why: rule → why it matters, of the rules that were broken.
    """

    __slots__ = (
        *("accepted", "complete", "declared", "digests", "factors", "findings", "name"),
        *("path", "profile", "uses", "why"),
    )

    def __init__(
        self,
        path: str,
        name: str | None,
        profile: str,
        findings: Iterable[Finding],
        *,
        uses: Iterable[Mapping[str, Any]] = (),
        declared: Mapping[str, Any] | None = None,
        complete: bool = True,
        digests: Mapping[str, str] | None = None,
        factors: Iterable[str] = (),
        accepted: Iterable[Finding] = (),
        why: Mapping[str, str] | None = None,
    ) -> None:
        self.path = path
        self.name = name
        self.profile = profile
        unique = dict.fromkeys(findings)
        self.findings = tuple(sorted(unique, key=_order))
        self.uses = tuple(dict(use) for use in uses)
        self.declared = dict(declared or {})
        self.complete = complete
        self.digests = dict(digests or {})
        self.factors = tuple(sorted(set(factors)))
        self.accepted = tuple(sorted(dict.fromkeys(accepted), key=_order))
        self.why = dict(why or {})

    def but(self, **changed: Any) -> Report:
        """Return the same report with other fields."""
        fields = {name: getattr(self, name) for name in self.__slots__}
        return Report(**{**fields, **changed})

    @property
    def valid(self) -> bool:
        """Whether nothing is so wrong that the skill cannot be used."""
        return not any(finding.fatal for finding in self.findings)

    @property
    def breakdown(self) -> dict[str, Any]:
        """The score and what it is made of; see `scoring`."""
        known = not any(finding.rule in _NOTHING_KNOWN for finding in self.findings)
        return breakdown(self.findings, self.factors, complete=self.complete, known=known)

    @property
    def score(self) -> int:
        """From 100, harmless, down to 0."""
        score: int = self.breakdown["score"]
        return score

    @property
    def risk_level(self) -> str:
        """The score in a word."""
        return risk_level(self.score)

    @property
    def counts(self) -> dict[str, int]:
        """Severity → number of findings, every severity, from harmless to grave."""
        counts: dict[str, int] = dict.fromkeys(SEVERITIES, 0)
        for finding in self.findings:
            counts[finding.severity] += 1
        return counts

    def as_dict(self) -> dict[str, Any]:
        """Return the report for JSON output."""
        whole = self.breakdown
        return {
            "path": self.path,
            "name": self.name,
            "profile": self.profile,
            "valid": self.valid,
            "security_score": whole["score"],
            "risk_level": risk_level(whole["score"]),
            "complete": self.complete,
            "counts": self.counts,
            "findings": self._rows(self.findings),
            "accepted": self._rows(self.accepted),
            "score_breakdown": whole,
            "declared": self.declared,
            "uses": list(self.uses),
            "digests": self.digests,
        }

    def _rows(self, findings: Iterable[Finding]) -> list[dict[str, Any]]:
        return [one.as_dict() | {"why": self.why.get(one.rule, "")} for one in findings]

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Report:
        """Return the report that :meth:`as_dict` was called on."""
        why = {row["rule"]: row["why"] for key in ("findings", "accepted") for row in data[key]}
        return cls(
            *(data["path"], data["name"], data["profile"]),
            [_found(row) for row in data["findings"]],
            uses=data["uses"],
            declared=data["declared"],
            complete=data["complete"],
            digests=data["digests"],
            factors=data["score_breakdown"]["factors"],
            accepted=[_found(row) for row in data["accepted"]],
            why={rule: text for rule, text in why.items() if text},
        )

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


#: Without a manifest nobody knows what is judged.
_NOTHING_KNOWN = frozenset(("folder-unreadable", "manifest-missing"))
#: What is said where something was not looked into.
_UNSEEN = frozenset(("resource_exhaustion",))


_FIELDS = tuple(Finding("", "info", "").as_dict())


def _found(row: Mapping[str, Any]) -> Finding:
    return Finding(**{key: row[key] for key in _FIELDS})


def _order(finding: Finding) -> tuple[object, ...]:
    place = (finding.path, finding.line, finding.column)
    return (*place, -SEVERITIES.index(finding.severity), finding.rule, finding.message)


def validate(
    path: str | os.PathLike[str],
    *,
    profile: str | None = None,
    checks: Iterable[Check] | None = None,
    runtime_version: str = RUNTIME_VERSION,
    facts: HostFacts | None = None,
) -> Report:
    """Return what is to be said about a skill; never raises for what lies there.

    :param path: a skill's folder, a manifest in it, or the ``*.dist-info`` of an installed
        one.
    :param profile: one of :data:`PROFILES`; ``load`` if None.
    :param checks: what is asked; all that installed distributions bring if None.
    :param runtime_version: the SemVer version of the host.
    :param facts: what is known of the host, which then has the version too.
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
    subject = Subject(reading, strict, runtime_version, facts)
    return judge(subject, installed_checks() if checks is None else checks, folder, profile)


def judge(
    subject: Subject, checks: Iterable[Check], folder: str, profile: str | None = None
) -> Report:
    """Return what checks say about a skill that was read."""
    with _without_collection():
        return _judge(subject, checks, folder, profile)


class _without_collection:
    """Hold the collector of cycles: trees have none, and it would walk them again and again.

    Measured over 200 modules: half of the time. Counted, since several threads may judge.
    """

    _lock = threading.Lock()
    _inside = 0
    _was_on = False

    def __enter__(self) -> None:
        cls = type(self)
        with cls._lock:
            if not cls._inside:
                cls._was_on = gc.isenabled()
                gc.disable()
            cls._inside += 1

    def __exit__(self, *_: object) -> None:
        cls = type(self)
        with cls._lock:
            cls._inside -= 1
            if not cls._inside and cls._was_on:
                gc.enable()


def _judge(subject: Subject, checks: Iterable[Check], folder: str, profile: str | None) -> Report:
    findings: list[Finding] = []
    why: dict[str, str] = {}
    for check in sorted(checks):
        found = _ask(check, subject)
        findings += found
        why |= dict.fromkeys([finding.rule for finding in found], _reason(check))
    _add_reasons(why)
    try:
        analysis = subject.analysis
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # a fault of ours must not let a skill pass
        findings.append(_failed("analysis", "kurt-ext", error))
        return Report(folder, subject.name, profile or "load", findings, complete=False)
    seen = [use for use in analysis.uses if use.reachable or not is_test(use.path)]
    return Report(
        folder,
        subject.name,
        profile or "load",
        findings,
        uses=[_row(use) for use in seen],
        declared=(subject.record or {}).get("permissions"),
        complete=analysis.complete and not any(f.category in _UNSEEN for f in findings),
        digests=subject.digests,
        factors={use.meaning.factor for use in seen if use.meaning.factor},
        why=why,
    )


def _reason(check: Check) -> str:
    """Return why a check asks: the second paragraph of its module's docstring."""
    module = sys.modules.get(check.value.partition(":")[0])
    parts = (getattr(module, "__doc__", None) or "").split("\n\n")
    text = " ".join(parts[1].split()) if len(parts) > 1 else ""
    return "" if text.endswith("::") else text


def _add_reasons(why: dict[str, str]) -> None:
    """Put the reason of a rule of the reader's own in the place of the check that handed it on."""
    if not why:
        return
    from . import rulebook

    for rule in why:
        entry = rulebook.entry(rule)
        if entry is not None:
            why[rule] = entry.why


def _row(use: Use) -> dict[str, Any]:
    return {
        "name": use.name,
        "category": use.meaning.category,
        "permission": use.meaning.permission,
        "path": use.path,
        "line": use.line,
        "column": use.column,
        "targets": list(use.targets),
        "proven": use.proven,
    }


def validate_skill(path: str | os.PathLike[str]) -> Report:
    """Return what is to be said about a skill that is to be loaded here."""
    return validate(path)


def _ask(check: Check, subject: Subject) -> list[Finding]:
    """Return what one check says; one that fails is a finding, not an error."""
    try:
        asked = check.load()
        found = list(asked(subject))
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # a guest's SystemExit must not end the host
        return [_failed(check.name, check.distribution, error)]
    if not all(isinstance(finding, Finding) for finding in found):
        odd = TypeError("it gave something that is no kurt_ext.findings.Finding")
        return [_failed(check.name, check.distribution, odd)]
    words = getattr(sys.modules.get(asked.__module__), "CATEGORY", "style")
    return [_categorised(finding, words) for finding in found]


def _categorised(finding: Finding, words: str | Mapping[str, str]) -> Finding:
    """Return a finding with the category that its check's module gives its rule."""
    if not finding.category:
        word = words if isinstance(words, str) else words.get(finding.rule, "style")
        finding.category = word
    return finding


def _failed(check: str, distribution: str, error: BaseException) -> Finding:
    reason = f"{type(error).__name__}: {error}"
    message = f"the check {check} of {distribution} could not be made: {reason}"
    fix = f"report it to the authors of {distribution}"
    severity = "high" if distribution == "kurt-ext" else "warning"
    return Finding("check-failed", severity, message, fix=fix, category="structure")


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
