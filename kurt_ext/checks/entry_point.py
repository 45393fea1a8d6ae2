"""Ask whether the entry point names one module of the skill, and no other's.

It decides what is imported. One that leads out of the folder imports what nobody
has judged; one that can be read in two ways imports what nobody has looked at.

Bad::

    entry_point: ../../x       # or /opt/x, ..main, json
    entry_point: main          # beside a main.py and a main/__init__.py

Good::

    entry_point: main
"""

from __future__ import annotations

import os
import re
import stat
import sys
from collections.abc import Iterator

from ..findings import Finding
from ..names import UNREAD
from ..sources import show
from .stated import values
from .subject import Subject

__all__ = ["CATEGORY", "RULES", "check"]

RULES = (
    "entry-outside",
    "entry-dots",
    "entry-blank",
    "entry-deceives",
    "entry-standard",
    "entry-ambiguous",
    "entry-link",
    "entry-hidden",
)
CATEGORY = {
    **dict.fromkeys(RULES, "manifest_integrity"),
    "entry-deceives": "unicode_deception",
    "entry-ambiguous": "structure",
    "entry-link": "structure",
}


def check(subject: Subject) -> Iterator[Finding]:
    """Yield what is amiss with each entry point that a manifest states."""
    seen = set()
    for text, at in _stated(subject):
        # In ``C:\\x`` and ``file:///x`` what stands behind the colon is no attribute.
        module = text if re.search(r":[/\\]", text) else text.partition(":")[0]
        if module in seen:
            continue
        seen.add(module)
        found = _spelling(module)
        if found is not None:
            rule, severity, message, fix = found
            yield subject.finding(rule, severity, message, at, fix=fix, evidence=text[:200])
        elif module:
            yield from _files(subject, module, at)
    if not seen and subject.code:
        yield from _files(subject, subject.entry_module, (subject.manifest, 0, 0))


def _stated(subject: Subject) -> Iterator[tuple[str, tuple[str, int, int]]]:
    portable = "kurt/entry-point"
    for _, key, value in values(subject, "entry_point", "metadata"):
        if key == "metadata" and isinstance(value, dict):
            value = value.get(portable)
        if isinstance(value, str):
            yield value, subject.at(("entry_point",), ("metadata", portable))


def _spelling(module: str) -> tuple[str, str, str, str] | None:
    """Return rule, severity, message and fix for a name that is none of a module in the folder."""
    fix = "name a module of the skill's folder, as main or package.main"
    parts = module.replace("\\", "/").split("/")
    drive = module[1:2] == ":" and module[:1].isalpha()
    if ".." in parts or module[:1] in ("/", "\\", "~", "$", "%") or drive or "://" in module:
        message = f"the entry point {show(module)} leads out of the skill's folder"
        return "entry-outside", "critical", message, fix
    if not module.isascii():
        message = f"the entry point {show(module)} holds {_odd(module)}, which looks like another"
        return "entry-deceives", "critical", message, "spell it with ASCII letters"
    if module.strip() != module or any(char <= " " or char == "\x7f" for char in module):
        message = f"the entry point {show(module)} holds blanks, which one reader sees and one not"
        return "entry-blank", "high", message, "delete them"
    if len(parts) == 1 and module and "" in module.split("."):
        message = f"the entry point {show(module)} is a relative import, of what lies above"
        return "entry-dots", "high", message, fix
    return None


def _odd(text: str) -> str:
    import unicodedata

    odd = next(char for char in text if not char.isascii())
    return unicodedata.name(odd, f"U+{ord(odd):04X}")


def _files(subject: Subject, module: str, at: tuple[str, int, int]) -> Iterator[Finding]:
    """Yield what is amiss with the files that a module's name can mean."""
    parts = module.split(".")
    if any(not part.isidentifier() for part in parts):
        return
    base = "/".join(parts)
    paths = frozenset(subject.paths)
    files = [path for path in (f"{base}.py", f"{base}/__init__.py") if path in paths]
    folder, _, last = base.rpartition("/")
    native = [
        path
        for path in subject.paths
        if path.endswith((".so", ".pyd"))
        and path.rpartition("/")[0] == folder
        and path.rpartition("/")[2].partition(".")[0] == last
    ]
    if len(files) + len(native) > 1:
        every = " and ".join(sorted([*files, *native])[:3])
        message = f"{module} can mean {every}: Python takes one, and a reader the other"
        yield subject.finding("entry-ambiguous", "high", message, at, fix="keep one of them")
    if parts[0] in sys.stdlib_module_names and subject.manifest != "SKILL.md":
        there = bool(files)
        what = "shares its name with" if there else "is"
        message = f"the entry point {module} {what} a module of Python's own library"
        severity = "medium" if there else "high"
        yield subject.finding("entry-standard", severity, message, at, fix="rename the module")
    if any(part in UNREAD for part in parts):
        message = f"{module} lies where nobody looks"
        yield subject.finding("entry-hidden", "high", message, at, fix="move the module")
    for path in _links(subject, base, files):
        message = f"the entry point's {path} is a link: what it leads to can change"
        fix = "put the file itself there"
        yield subject.finding("entry-link", "critical", message, path, fix=fix)


def _links(subject: Subject, base: str, files: list[str]) -> Iterator[str]:
    """Yield the links among the entry point's files and the folders that they lie in."""
    steps = base.split("/")
    asked = ["/".join(steps[:end]) for end in range(1, len(steps) + 1)] + files
    for path in dict.fromkeys(asked):
        try:
            status = os.lstat(os.path.join(subject.folder, path))
        except (OSError, ValueError):
            continue
        if stat.S_ISLNK(status.st_mode):
            yield path
