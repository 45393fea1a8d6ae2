"""Ask whether the module that the manifest names defines what it promises.

What is not there is found out at the first call otherwise, by a user. The code
is read and not run; names are followed through the skill's own files. Whether
the object is what its kind asks for, the kind's own check says.

Bad::

    # SKILL.md: implements: [{type: …, class: WebArchiver, name: archive}]
    class WebArchive: …

Good::

    class WebArchiver: …
"""

from __future__ import annotations

from collections.abc import Iterator

from ..findings import Finding
from ..names import suggest
from .definitions import defined_names, find
from .subject import Subject

__all__ = ["RULES", "check"]

RULES = ("syntax-error", "name-not-defined", "factory-missing")
CATEGORY = "structure"
#: What is taken from the module of a plugin.json, the first that is there.
_FACTORIES = ("Plugin", "create_plugin")


def check(subject: Subject) -> Iterator[Finding]:
    """Yield a finding for each name that is promised and not defined."""
    record = subject.record
    if record is None:
        return
    wanted = [(row["class"], module, number) for number, row, module in subject.implements()]
    for name, module, number in wanted:
        at = subject.at(("implements", number, "class"), ("metadata", "kurt/implements"))
        yield from _defined(subject, module, name, at)
    entry = record["entry_point"] or ""
    module, colon, name = entry.partition(":")
    if colon:
        at = subject.at(("entry_point",), ("metadata", "kurt/entry-point"))
        yield from _defined(subject, module, name, at)
    elif record["source"] == "plugin.json" and entry:
        yield from _factory(subject, module)
    for path, (line, column, reason) in sorted(subject.unparsed.items()):
        message = f"it is not Python: {reason}"
        yield Finding("syntax-error", "error", message, path=path, line=line, column=column)


def _defined(
    subject: Subject, module: str, name: str, at: tuple[str, int, int]
) -> Iterator[Finding]:
    if find(subject, module, name) is not None:
        return
    path = subject.module_file(module)
    near = suggest(name, defined_names(subject, module))
    fix = f"write {near[0]} in the manifest" if near else f"define {name} in {path}"
    message = f"{path} does not define {name}"
    yield subject.finding("name-not-defined", "error", message, at, fix=fix)


def _factory(subject: Subject, module: str) -> Iterator[Finding]:
    if any(find(subject, module, name) is not None for name in _FACTORIES):
        return
    path = subject.module_file(module) or module
    message = f"{path} defines neither a class Plugin nor a function create_plugin"
    fix = "write class Plugin with __init__(self, metadata, config)"
    yield subject.finding("factory-missing", "error", message, path, fix=fix)
