"""Ask whether the manifest says what it means, in a form that its readers take.

The lenient reader loads much that another program, or a publisher, would not;
each deviation is told with its place. The schemas in it are compiled, since a
broken one would fail at the first call.

Bad::

    version: v1.2          # read as 1.2.0, with a warning
    implements: {type: …}  # a mapping where a list belongs

Good::

    version: 1.2.0
    implements:
      - type: …
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from ..errors import ManifestError
from ..findings import Finding
from .subject import Subject

if TYPE_CHECKING:
    from ..sources import Pointer

__all__ = ["RULES", "check"]

#: The rules of the reader and of the profiles, and our own ``schema-invalid``.
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
    "manifest-conflict",
    "manifest-missing",
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
    "schema-invalid",
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


def check(subject: Subject) -> Iterator[Finding]:
    """Yield what the reader, or the profile, says about the manifest."""
    if subject.profile is None:
        yield from subject.findings
    else:
        from ..portable import check as strictly

        yield from strictly(subject.folder, subject.profile)
    yield from _schemas(subject)


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
        if not schema:
            continue
        from ..schemas import Schema

        try:
            Schema(schema, owner)
        except ManifestError as error:
            portable = ("metadata", f"kurt/{str(pointer[0]).replace('_', '-')}")
            at = subject.at(pointer, portable)
            message = f"{error.message}: {error.cause}"
            yield subject.finding("schema-invalid", "error", message, at)
