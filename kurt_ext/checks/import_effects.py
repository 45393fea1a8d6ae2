"""Ask what the code does when it is merely imported.

An import is asked for by tests, by editors, by whatever only looks. What starts programs,
talks or writes then does so before anybody has said yes.

Bad::

    requests.get("https://api.example.com")      # at module level

Good::

    async def initialize(self): ...
"""

from __future__ import annotations

from collections.abc import Iterator

from ..findings import Finding
from .subject import Subject, is_test

__all__ = ["CATEGORY", "RULES", "check"]

RULES = ("import-side-effect",)
CATEGORY = "import_side_effect"
_EFFECTS = ("process", "network", "fs_write", "native_code", "surveillance", "host_tamper")


def check(subject: Subject) -> Iterator[Finding]:
    """Yield what happens at import."""
    for use in subject.analysis.uses:
        meaning = use.meaning
        if not use.at_import or not use.called or meaning.category not in _EFFECTS:
            continue
        if meaning.severity in ("info", "low") or (is_test(use.path) and not use.reachable):
            continue
        if meaning.category == "network" and not use.targets:
            continue  # a client is made, and nothing is asked yet
        yield Finding(
            *("import-side-effect", "medium"),
            f"{use.name} {meaning.does} when the module is imported",
            path=use.path,
            line=use.line,
            column=use.column,
            confidence="certain",
            evidence=use.text,
            fix="do it in initialize or activate",
        )
