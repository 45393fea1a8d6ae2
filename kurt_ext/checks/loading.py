"""Ask whether the code imports by names, or from files, that nobody can read before.

A module whose name is worked out while the code runs may be any module, and a file that is loaded
as one may hold anything.

Bad::

    importlib.import_module(config["driver"])
    SourceFileLoader("words", "words.txt").load_module()

Good::

    from . import driver
"""

from __future__ import annotations

from collections.abc import Iterator

from ..findings import Finding
from .declared import judged, uses
from .subject import Subject

__all__ = ["CATEGORY", "RULES", "check"]

RULES = ("undeclared-import", "declared-import", "unproven-import")
CATEGORY = "dynamic_import"


def check(subject: Subject) -> Iterator[Finding]:
    """Yield each import that is not written out."""
    own = _own_files(subject)
    for use in uses(subject, "dynamic_import"):
        if use.meaning.subject == "module" and use.proven:
            continue  # the name is known: what it brings is judged by its own name
        severity = "low" if use.path in own else ""
        if use.meaning.subject == "module" and not use.targets and use.meaning.severity == "high":
            severity = "critical"  # of the name nothing is known: it may be any module
        yield judged(subject, use, "import", severity=severity)


def _own_files(subject: Subject) -> set[str]:
    """Return the modules that load files as code, and none but Python files of the skill itself.

    Those are judged like every other module.
    """
    files: dict[str, list[bool]] = {}
    for use in uses(subject, "dynamic_import"):
        if use.meaning.subject == "path":
            inside = [one.removeprefix("<skill>/") for one in use.targets]
            known = use.proven and all(one in subject.all_modules for one in inside)
            files.setdefault(use.path, []).append(bool(inside) and known)
    return {path for path, known in files.items() if all(known)}
