"""Ask whether the manifest says what it means, in a form that its readers take.

The lenient reader loads much that another program, or a publisher, would not;
each deviation is told with its place. The schemas in it are compiled, since a
broken one would fail at the first call.

Bad::

    version: v1.2          # read as 1.2.0, with a warning
    implements: {type: …}  # a mapping where a list belongs

    plugin.json: {"permissions": {}, "permissions": {"network_hosts": ["*"]}}
    min_runtime_version: 3.0.0, max_runtime_version: 1.0.0
    config_schema: {"$ref": "https://example.com/schema.json"}

Good::

    version: 1.2.0
    implements:
      - type: …

A text that a terminal shows holds no character that changes what is shown. A key that
two readers read differently, in a field that decides what may be done, is a deception.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from typing import TYPE_CHECKING, Any

from .. import semver
from ..errors import ManifestError
from ..findings import Finding
from ..sources import spell
from ..versions import is_semver
from .stated import texts, values
from .subject import Subject

if TYPE_CHECKING:
    from ..sources import Pointer

__all__ = ["CATEGORY", "RULES", "check"]

#: The rules of the reader and of the profiles, and our own.
RULES = (
    "byte-order-mark",
    "carriage-return",
    "code-missing",
    "control-character",
    "duplicate-key",
    "flow-style",
    "folder-unreadable",
    "foreign-field",
    "foreign-hooks",
    "foreign-manifest",
    "hidden-character",
    "front-matter-dots",
    "front-matter-late",
    "front-matter-missing",
    "front-matter-not-mapping",
    "front-matter-too-large",
    "front-matter-unclosed",
    "inner-dashes",
    "invalid-name",
    "json-constant",
    "json-syntax",
    "line-break",
    "list-for-text",
    "long-description",
    "depends-on-itself",
    "manifest-conflict",
    "manifest-missing",
    "markup-in-text",
    "permissions-unsaid",
    "manifest-not-a-file",
    "manifest-too-large",
    "manifest-unreadable",
    "many-deviations",
    "mapping-for-list",
    "mapping-for-text",
    "missing-field",
    "name-and-folder",
    "nested-metadata",
    "not-an-object",
    "not-portable",
    "not-utf-8",
    "nul-character",
    "number-for-text",
    "number-too-large",
    "poor-description",
    "publish-missing",
    "repeated-item",
    "runtime-range",
    "schema-contradicts",
    "schema-invalid",
    "schema-pattern",
    "schema-remote",
    "schema-too-large",
    "short-version",
    "text-for-list",
    "too-deep",
    "too-long",
    "unknown-field",
    "unquoted-value",
    "wrong-type",
    "yaml-alias",
    "yaml-documents",
    "yaml-key",
    "yaml-merge",
    "yaml-syntax",
    "yaml-tag",
)
#: Spelling: another program may trip over it, and nobody is deceived by it.
_STYLE = (
    *("byte-order-mark", "carriage-return", "flow-style", "foreign-field", "foreign-hooks"),
    *("front-matter-dots", "front-matter-late", "inner-dashes", "line-break", "list-for-text"),
    *("long-description", "many-deviations", "mapping-for-list", "mapping-for-text"),
    *("name-and-folder", "nested-metadata", "not-portable", "number-for-text"),
    *("poor-description", "publish-missing", "repeated-item", "short-version", "text-for-list"),
    *("too-long", "unknown-field", "unquoted-value"),
)
CATEGORY = {
    **dict.fromkeys(RULES, "manifest_integrity"),
    **dict.fromkeys(_STYLE, "style"),
    "hidden-character": "unicode_deception",
    "not-utf-8": "source_encoding",
    "front-matter-too-large": "resource_exhaustion",
    "manifest-too-large": "resource_exhaustion",
    "number-too-large": "resource_exhaustion",
    "schema-pattern": "resource_exhaustion",
    "schema-too-large": "resource_exhaustion",
    "too-deep": "resource_exhaustion",
    "yaml-alias": "resource_exhaustion",
    "yaml-tag": "deserialization",
}
#: Of two values of these, a reader that takes the first and one that takes the last allow or
#: import different things.
_DECIDING = frozenset(
    ("permissions", "entry_point", "plugin_id", "name", "dependencies", "requires", "implements")
)
_GRAVER = {"yaml-tag": "critical", "number-too-large": "high", "too-deep": "high"}


def check(subject: Subject) -> Iterator[Finding]:
    """Yield what the reader, or the profile, says about the manifest."""
    if subject.profile is None:
        for finding in subject.findings:
            yield _weighed(finding)
    else:
        from ..portable import check as strictly

        yield from strictly(subject.folder, subject.profile)
    yield from _hidden(subject)
    yield from _markup(subject)
    yield from _range(subject)
    yield from _doubtful(subject)
    yield from _schemas(subject)


def _weighed(finding: Finding) -> Finding:
    """Return a finding of the reader as grave as what it can hide."""
    rule = finding.rule
    if rule == "duplicate-key" and not _DECIDING.isdisjoint(re.split(r"\W+", finding.message)):
        return finding.but(severity="critical")
    if rule == "unknown-field" and any(word in finding.fix for word in _DECIDING):
        # What was to be a limit is none, and nobody was told.
        return finding.but(severity="medium", category="manifest_integrity")
    if rule in _GRAVER and finding.severity == "error":
        return finding.but(severity=_GRAVER[rule])
    if rule not in CATEGORY and not finding.category:
        return finding.but(category="manifest_integrity")  # invalid-FIELD, for each field
    return finding


#: What is shown in another order than it is read; written with its code points.
_REORDERING = frozenset(map(chr, (*range(0x202A, 0x202F), *range(0x2066, 0x206A))))
#: What is not shown at all, between letters that are.
_UNSEEN = frozenset(map(chr, (0xAD, 0x180E, 0x200B, *range(0x2060, 0x2065), 0xFEFF, 0x3164)))
#: Fields that are a name or a line of a listing; the others are prose.
_SHOWN = ("plugin_id", "name", "version", "author", "license", "homepage", "tags", "entry_point")
_PROSE = ("description", "capabilities", "compatibility", "dependencies")


def _hidden(subject: Subject) -> Iterator[Finding]:
    """Yield the characters that make a terminal show another text than is there."""
    for file, key, value in values(subject, *_SHOWN, *_PROSE):
        for path, text in texts(value):
            if text.isascii():
                continue
            odd = [c for c in text if c in _REORDERING or (key in _SHOWN and c in _UNSEEN)]
            if odd:
                where = (key, *path)
                message = f"{spell(where)} holds U+{ord(odd[0]):04X}, which nobody sees"
                severity = "critical" if key in ("plugin_id", "name", "entry_point") else "high"
                at = subject.at(where)
                at = at if at[0] == file else (file, 0, 0)
                evidence = ascii(text)[1:-1][:200]
                fix = "delete the character"
                yield subject.finding(
                    "hidden-character", severity, message, at, fix=fix, evidence=evidence
                )
                break


def _markup(subject: Subject) -> Iterator[Finding]:
    """Yield texts that would run, or fetch, where a page shows them."""
    for file, key, value in values(subject, *_SHOWN, *_PROSE):
        for path, text in texts(value):
            if "<" in text and _live().search(text):
                where = (key, *path)
                at = subject.at(where)
                at = at if at[0] == file else (file, 0, 0)
                message = f"{spell(where)} holds markup that does something where a page shows it"
                yield subject.finding(
                    "markup-in-text", "medium", message, at, fix="delete it", evidence=text[:200]
                )


@cache
def _live() -> re.Pattern[str]:
    # A tag alone is what a text may be about; one with attributes, or a script, is meant.
    return re.compile(
        r"<(?:script|iframe|object|embed|svg|img|link|meta|base|form|style)\b[^<>]{0,500}=|"
        r"<script[^<>]{0,500}>[^<]{0,500}</script",
        re.IGNORECASE,
    )


def _doubtful(subject: Subject) -> Iterator[Finding]:
    """Yield what has a form, and no meaning that everybody agrees on."""
    for file, key, value in values(subject, "permissions"):
        if file == "plugin.json" and value is None:
            message = "permissions is null: one reader allows nothing, and another everything"
            at = subject.at((key,))
            yield subject.finding("permissions-unsaid", "high", message, at, fix="write {}")
    record = subject.record or {}
    for number, row in enumerate(record.get("dependencies", ())):
        if row["plugin_id"] == record["id"]:
            message = "it depends on itself"
            at = subject.at(("dependencies", number), ("metadata", "kurt/dependencies"))
            yield subject.finding("depends-on-itself", "medium", message, at, fix="delete it")


def _range(subject: Subject) -> Iterator[Finding]:
    """Yield a finding where no host can be one that the skill is for."""
    record = subject.record or {}
    least, most = record.get("min_runtime_version"), record.get("max_runtime_version", "*")
    if not least or most == "*" or not (is_semver(least) and is_semver(most)):
        return
    if semver.key(least) > semver.key(most):
        at = subject.at(("max_runtime_version",), ("metadata", "kurt/max-runtime-version"))
        message = f"no host is of a version from {least} to {most}"
        fix = "exchange the two, or write *"
        yield subject.finding("runtime-range", "high", message, at, fix=fix)


def _schemas(subject: Subject) -> Iterator[Finding]:
    record = subject.record
    if record is None:
        return
    schemas: list[tuple[str, Any, Pointer]] = [
        (f"parameters of {row['name']}", row["parameters"], ("capabilities", number, "parameters"))
        for number, row in enumerate(record["capabilities"])
    ]
    schemas.append(("config_schema", record["config_schema"], ("config_schema",)))
    for owner, schema, pointer in schemas:
        if not schema or schema in _PLAIN:
            continue
        from .schema_shape import faults

        found = False
        for fault in faults(schema):
            found = True
            at = subject.at((*pointer, *fault.path), pointer, _portable(pointer))
            message = f"{owner}: {fault.message}"
            yield subject.finding(fault.rule, fault.severity, message, at)
        if not found:
            yield from _compiled(subject, owner, schema, pointer)


#: The schemas of nearly everybody who has nothing to say; they need no compiler.
_PLAIN = ({"type": "object"}, {"type": "object", "properties": {}})


def _portable(pointer: Pointer) -> Pointer:
    return ("metadata", f"kurt/{str(pointer[0]).replace('_', '-')}")


def _compiled(subject: Subject, owner: str, schema: Any, pointer: Pointer) -> Iterator[Finding]:
    from ..schemas import Schema

    try:
        Schema(schema, owner)
    except ManifestError as error:
        message = f"{error.message}: {error.cause}"
        at = subject.at(pointer, _portable(pointer))
        yield subject.finding("schema-invalid", "error", message, at)
