"""Read single values of a manifest, and note what is wrong with each.

The same readers serve SKILL.md and plugin.json. SKILL.md is written by people and for many
programs: a list where a text belongs, or a number, is read as it was surely meant, with a
warning. In plugin.json it is an error.
"""

from __future__ import annotations

from . import names
from .errors import ManifestError
from .findings import Finding
from .sources import mark, show, spell

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any

    from .sources import Marks, Pointer

    Reader = Callable[[Any, Pointer, "Notes"], Any]

__all__ = [
    "Notes",
    "checked",
    "each",
    "flag",
    "mapping",
    "report",
    "rows",
    "table",
    "text",
    "texts",
]

_MAX_NOTES = 40
_KINDS = (
    (type(None), "nothing"),
    (bool, "true or false"),
    (str, "text"),
    (int, "a number"),
    (float, "a number"),
    (list, "a list"),
    (dict, "a mapping"),
)


class Notes:
    """What is wrong with the fields of one manifest, by pointer; places come later, if any.

    :param lenient: whether values of the wrong type are read as they were surely meant.
    """

    __slots__ = ("items", "left_out", "lenient")

    def __init__(self, lenient: bool) -> None:
        self.lenient = lenient
        self.items: list[tuple[str, str, str, Pointer, str]] = []
        self.left_out = 0

    def add(self, rule: str, severity: str, message: str, at: Pointer, fix: str = "") -> None:
        """Note something, unless there is more of it than anybody reads; errors always."""
        if len(self.items) < _MAX_NOTES or severity == "error":
            self.items.append((rule, severity, message, at, fix))
        else:
            self.left_out += 1

    def error(self, rule: str, message: str, at: Pointer, fix: str = "") -> None:
        """Note an error: the skill cannot be used like this."""
        self.add(rule, "error", message, at, fix)

    def warn(self, rule: str, message: str, at: Pointer, fix: str = "") -> None:
        """Note a deviation that was read as it was surely meant."""
        self.add(rule, "warning", message, at, fix)

    def wrong(self, value: object, wanted: str, at: Pointer) -> None:
        """Note that a field has a value of the wrong type."""
        found = next((word for kind, word in _KINDS if isinstance(value, kind)), "something else")
        self.error("wrong-type", f"{spell(at)} must be {wanted}, not {found}", at)

    def broken(self, error: ManifestError, at: Pointer) -> None:
        """Note that a field breaks a rule."""
        rule = "invalid-" + str(at[-1] if isinstance(at[-1], str) else at[0]).replace("_", "-")
        message = f"{spell(at)}: {error.message}"
        self.error(
            rule, f"{message}; {error.cause}" if error.cause else message, at, error.hint or ""
        )

    def unknown(self, key: str, known: Mapping[str, Any], at: Pointer) -> None:
        """Note a key that nothing here reads, with the one that was probably meant."""
        fix = ""
        if len(self.items) < _MAX_NOTES and len(key) <= 64:
            near = names.suggest(key.replace("-", "_"), known, 1) or names.suggest(key, known, 1)
            fix = f"did you mean {near[0]}?" if near else ""
        self.warn("unknown-field", f"nothing reads {spell((*at, key))}", (*at, key), fix)


def text(value: Any, at: Pointer, notes: Notes, lines: bool = False) -> str | None:
    """Read a text without control characters, on one line unless ``lines``; None if empty."""
    if not isinstance(value, str):
        if value is None:
            return None
        if not notes.lenient or not isinstance(value, (bool, int, list)):
            notes.wrong(value, "text", at)
            return None
        if isinstance(value, list):
            parts = [text(item, (*at, i), notes) for i, item in enumerate(value)]
            notes.warn("list-for-text", f"{spell(at)} is a list; it is to be text", at)
            return ", ".join([part for part in parts if part]) or None
        value = str(value).lower() if isinstance(value, bool) else str(value)
        notes.warn("number-for-text", f"{spell(at)} is to be text", at, f'write it as "{value}"')
    value = value.strip()
    if not value.isprintable():
        odd = next(
            (c for c in value if (c < " " and c not in "\n\t") or "\x7f" <= c < "\xa0"), None
        )
        if odd is not None:
            message = f"{spell(at)} holds the control character {odd!a}"
            notes.error("control-character", message, at, "delete it")
            return None
        if not lines and ("\n" in value or "\t" in value):
            value = " ".join(value.split())
            notes.warn("line-break", f"{spell(at)} is to be one line", at)
    return value or None


def texts(value: Any, at: Pointer, notes: Notes) -> list[str]:
    """Read a list of texts, without the empty and the repeated ones."""
    if value is None:
        return []
    if isinstance(value, str) and notes.lenient:
        line = " ".join(value.split())[:60]
        fix = f"write it as [{line}]" if line.isprintable() else "write a list"
        notes.warn("text-for-list", f"{spell(at)} is to be a list", at, fix)
        value = value.split(",") if "," in value else value.split()
    if not isinstance(value, list):
        notes.wrong(value, "a list of texts", at)
        return []
    result: dict[str, None] = {}
    for i, item in enumerate(value):
        if isinstance(item, int) and notes.lenient:
            item = str(item).lower()
        if isinstance(item, list):
            notes.wrong(item, "text", (*at, i))
            continue
        word = text(item, (*at, i), notes)
        if word is not None:
            if word in result:
                notes.warn("repeated-item", f"{spell(at)} holds {show(word)} twice", (*at, i))
            result[word] = None
    return list(result)


def checked(check: Callable[[str], str], lines: bool = False) -> Reader:
    """Return the reader of a text that ``check`` accepts."""

    def read(value: Any, at: Pointer, notes: Notes) -> str | None:
        word = text(value, at, notes, lines)
        if word is None:
            return None
        try:
            return check(word)
        except ManifestError as error:
            notes.broken(error, at)
            return None

    return read


def each(check: Callable[[str], str]) -> Reader:
    """Return the reader of a list of texts that ``check`` accepts."""
    one = checked(check)

    def read(value: Any, at: Pointer, notes: Notes) -> list[str]:
        found = texts(value, at, notes)
        return [word for i, word in enumerate(found) if one(word, (*at, i), notes) is not None]

    return read


def mapping(value: Any, at: Pointer, notes: Notes) -> dict[str, Any]:
    """Read a mapping whose content is somebody else's matter."""
    if value is None:
        return {}
    if not isinstance(value, dict):
        notes.wrong(value, "a mapping", at)
        return {}
    return value


def flag(value: Any, at: Pointer, notes: Notes) -> bool:
    """Read true or false; nothing is false."""
    if value is None or isinstance(value, bool):
        return bool(value)
    notes.wrong(value, "true or false", at)
    return False


def table(
    parts: Mapping[str, tuple[Reader, Any]], least: tuple[str, ...]
) -> Callable[[Any, Pointer, Notes], dict[str, Any] | None]:
    """Return the reader of a flat mapping with known keys.

    :param parts: key → reader and what stands there where the key does not.
    :param least: the keys without which there is nothing.
    """

    def read(value: Any, at: Pointer, notes: Notes) -> dict[str, Any] | None:
        if not isinstance(value, dict):
            notes.wrong(value, "a mapping", at)
            return None
        result: dict[str, Any] = {}
        for key, (reader, absent) in parts.items():
            found = reader(value[key], (*at, key), notes) if key in value else None
            if found is not None:
                result[key] = found
            else:
                result[key] = absent.copy() if isinstance(absent, (list, dict)) else absent
        for key in value:
            if key not in parts:
                notes.unknown(key, parts, at)
        for key in least:
            if result[key] is None:
                if value.get(key) is None:
                    notes.error(
                        "missing-field", f"{spell((*at, key))} is missing", at, f"add {key}"
                    )
                return None
        return result

    return read


def rows(
    one: Callable[[Any, Pointer, Notes], dict[str, Any] | None], key: tuple[str, ...]
) -> Reader:
    """Return the reader of a list of mappings, no two of them equal in ``key``."""

    def read(value: Any, at: Pointer, notes: Notes) -> list[dict[str, Any]]:
        if value is None:
            return []
        if isinstance(value, dict) and notes.lenient:
            notes.warn(
                "mapping-for-list", f"{spell(at)} is to be a list", at, "put a dash before it"
            )
            value = [value]
        if not isinstance(value, list):
            notes.wrong(value, "a list of mappings", at)
            return []
        result: list[dict[str, Any]] = []
        seen: set[tuple[Any, ...]] = set()
        for i, item in enumerate(value):
            row = one(item, (*at, i), notes)
            if row is None:
                continue
            same = tuple([row[part] for part in key])
            if same in seen:
                words = " ".join([show(str(part)) for part in same])
                notes.error("repeated-item", f"{spell(at)} holds {words} twice", (*at, i))
                continue
            seen.add(same)
            result.append(row)
        return result

    return read


def report(notes: Notes, path: str, marks: Marks, line: int, findings: list[Finding]) -> None:
    """Turn notes into findings with their places.

    :param line: where a finding without a place of its own points to.
    """
    found = []
    for rule, severity, message, at, fix in notes.items:
        row, column = mark(marks, at)
        found.append(
            Finding(rule, severity, message, path=path, line=row or line, column=column, fix=fix)
        )
    found.sort(key=lambda finding: (finding.line, finding.column))
    findings.extend(found)
    if notes.left_out:
        message = f"{notes.left_out:,} more deviations of this kind"
        findings.append(Finding("many-deviations", "warning", message, path=path))
