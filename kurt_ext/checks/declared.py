"""Compare what code uses with what the manifest declares: the one rule of all checks of uses.

Declared and within the declaration: allowed, and said. Not declared: as grave as the catalogue
says. Declared, but not to be proven from the code: medium.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from ..findings import Finding
from ..sources import show

if TYPE_CHECKING:
    from ..analysis.uses import Use
    from .subject import Subject

__all__ = ["events", "judged", "uses"]

#: Own files and temporary ones need no permission to be read, and temporary ones none to be made.
_OWN = "<skill>"
_TEMPORARY = "<temp>"


def uses(subject: Subject, *categories: str) -> Iterator[Use]:
    """Yield the uses of some categories in the skill's code."""
    from .subject import is_test

    for use in subject.analysis.uses:
        if use.meaning.category not in categories:
            continue
        if use.reachable or not is_test(use.path) or _acts(use):
            yield use


def _acts(use: Use) -> bool:
    """Return whether a test that nothing imports does what a test has to answer for.

    A test reads and writes files, and starts what it tests. One named conftest.py is run by
    whoever runs tests in the folder, when it is imported.
    """
    return use.path.endswith("conftest.py") and use.at_import and use.called


def events(subject: Subject, *rules: str) -> Iterator[Finding]:
    """Yield a finding for each structural event of some rules."""
    from .subject import is_test

    told: set[tuple[str, str, str]] = set()
    for event in subject.analysis.events:
        key = (event.rule, event.path, event.evidence)
        if event.rule not in rules or key in told:
            continue
        told.add(key)
        idle = not event.reachable and is_test(event.path)
        yield Finding(
            event.rule,
            "low" if idle else event.severity,
            event.message,
            path=event.path,
            line=event.line,
            column=event.column,
            category=event.category,
            confidence=event.confidence,
            evidence=event.evidence,
        )


def judged(subject: Subject, use: Use, word: str, *, severity: str = "") -> Finding:
    """Return what is to be said of a use, by what the manifest declares.

    :param word: completes the rules ``undeclared-…``, ``declared-…`` and ``unproven-…``.
    :param severity: how grave it is where it is not declared; what the catalogue says if "".
    """
    meaning = use.meaning
    permission = meaning.permission
    said = f"{use.name} {meaning.does}"
    if use.targets:
        said += ": " + ", ".join([show(one) for one in use.targets[:3]])
    grave = severity or meaning.severity
    if permission and not use.reachable and _is_script(subject, use):
        return _finding(f"unproven-{word}", _of_script(use), f"{said}, as a script", use)
    if not permission:
        return _finding(f"undeclared-{word}", grave, f"{said}, and no permission covers that", use)
    if not subject.grants.declares(permission):
        message = f"{said}, and the manifest does not declare {permission}"
        fix = _fix(permission, use)
        return _finding(f"undeclared-{word}", grave, message, use, fix)
    outside = [one for one in use.targets if not covered(subject, permission, one)]
    if outside:
        message = f"{said}, and {permission} does not name {show(outside[0])}"
        return _finding(f"undeclared-{word}", grave, message, use, _fix(permission, use))
    if meaning.subject and not use.proven:
        message = f"{said}; whether {permission} covers it is known only when it runs"
        return _finding(f"unproven-{word}", "medium", message, use)
    level = "medium" if meaning.factor == "dangerous" else "low"
    return _finding(f"declared-{word}", level, f"{said}, as {permission} declares", use)


def _is_script(subject: Subject, use: Use) -> bool:
    """Return whether a use stands in a script that people and agents start, and no host imports.

    A skill of instructions has no code that is loaded, and no list of permissions that anybody
    could hold it to: its scripts do to the files that they are given what the text says.
    """
    return not subject.code and subject.manifest == "SKILL.md" and "persist" not in use.name


def _of_script(use: Use) -> str:
    """Return how grave a use is in a script: what it reaches for by itself is looked at."""
    category = use.meaning.category
    if use.meaning.permission.startswith("filesystem"):
        return "medium" if any(one[:1] in "/~<" for one in use.targets if one) else "low"
    return "low" if category in ("env_access", "external_api") and use.targets else "medium"


def covered(subject: Subject, permission: str, target: str) -> bool:
    """Return whether the manifest's permissions cover what a use is about."""
    text = target
    if permission.startswith("filesystem") and "…" in target:
        # Whatever follows, it lies in the folder that is known.
        text = target.partition("…")[0].replace("\\", "/")
        text = text[: text.rfind("/") + 1]
    return subject.grants.covers(permission, text)


def _fix(permission: str, use: Use) -> str:
    if permission == "native_code":
        return "declare permissions: native_code: true, or do without it"
    named = use.targets[0] if use.targets and "…" not in use.targets[0] else ""
    if permission == "processes" and " " in named:
        named = ""  # a line for a shell is no program
    if permission == "network_hosts" and named:
        from urllib.parse import urlsplit

        try:
            named = urlsplit(named if "://" in named else f"//{named}").hostname or ""
        except ValueError:
            named = ""
    if named:
        return f"add {named} to permissions: {permission}, or do without it"
    return f"declare permissions: {permission}, or do without it"


def _finding(rule: str, severity: str, message: str, use: Use, fix: str = "") -> Finding:
    return Finding(
        rule,
        severity,
        message,
        path=use.path,
        line=use.line,
        column=use.column,
        fix=fix,
        category=use.meaning.category,
        confidence="certain" if use.called else "likely",
        evidence=use.text,
    )
