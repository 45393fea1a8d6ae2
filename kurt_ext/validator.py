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
from .errors import UsageError
from .findings import Finding
from .hostfacts import RUNTIME_VERSION, HostFacts
from .manifest import MANIFESTS, Reading, read
from .places import Places
from .portable import PROFILES as STRICT
from .report import Report

if TYPE_CHECKING:
    from .analysis.uses import Use

__all__ = [
    "GROUP",
    "PROFILES",
    "Check",
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


#: What is said where something was not looked into.
_UNSEEN = frozenset(("resource_exhaustion",))


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
