"""Split a SKILL.md into front matter and body, and read the front matter.

Two readers give one answer. The plain reader knows the YAML that nearly every
manifest is written in and costs a fifth of PyYAML's time and none of its
import; whatever it does not surely understand it leaves to `yamltext`. A
property test holds the two together.
"""

from __future__ import annotations

from .findings import Finding
from .sources import Refused, to_text

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from .sources import Marks, Pointer

__all__ = ["MAX_FRONT_MATTER", "FrontMatter", "load", "plain", "split"]

#: Bytes of front matter, the two fences not counted.
MAX_FRONT_MATTER = 64 * 1024

_FENCE = b"---"
_BLANK = b" \t"
_ALPHA = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_"
_FIRST = frozenset(_ALPHA)
_KEY = _ALPHA + "0123456789-./"
_FLOW = _KEY + "+ "
_FLOW_FIRST = frozenset(_ALPHA + "0123456789")
_INDICATORS = frozenset(",[]{}#&*!|>'\"%@`-?:")
_TYPED = frozenset("tTfFnN~0123456789")
_WORDS = {
    "true": True,
    "True": True,
    "TRUE": True,
    "false": False,
    "False": False,
    "FALSE": False,
    "null": None,
    "Null": None,
    "NULL": None,
    "~": None,
}
_MAX_LEVEL = 8  # of the plain reader; deeper is rare, and yamltext counts it


class FrontMatter:
    """Where the front matter of a SKILL.md lies.

    :param text: the YAML between the fences, lines ended by ``\\n``; None where
        there is none to be read.
    :param line: the 1-based line of the file that the text begins on.
    :param start: the byte at which the line of the opening fence begins.
    :param body: the byte at which the body begins.
    """

    __slots__ = ("body", "line", "start", "text")

    def __init__(self, text: str | None, line: int = 1, start: int = 0, body: int = 0) -> None:
        self.text = text
        self.line = line
        self.start = start
        self.body = body


def split(data: bytes, name: str, findings: list[Finding]) -> FrontMatter:
    """Find the front matter in the bytes of a SKILL.md.

    Tolerated with a finding: a byte order mark, blank lines before the first
    fence, ``...`` as the last one, lines that end in a lone carriage return.
    """

    def report(rule: str, severity: str, message: str, line: int, fix: str) -> FrontMatter:
        findings.append(Finding(rule, severity, message, path=name, line=line, column=1, fix=fix))
        return FrontMatter(None)

    if to_text(data, name, findings) is None:
        return FrontMatter(None)
    # Same length as the data, so that a place in the one is a place in the other.
    view = data
    if b"\r" in data:
        view = data.replace(b"\r\n", b" \n").replace(b"\r", b"\n")
    start = 3 if data.startswith(b"\xef\xbb\xbf") else 0
    if not view.startswith(_FENCE, start):
        head = view[start : start + 4096]
        blank = len(head) - len(head.lstrip(b" \t\n"))
        if view.startswith(_FENCE, start + blank) and b"\n" in head[:blank]:
            start += head.rfind(b"\n", 0, blank) + 1
    end = view.find(b"\n", start)
    opening = view[start:] if end < 0 else view[start:end]
    line = view.count(b"\n", 0, start) + 1
    if not opening.lstrip(_BLANK).startswith(_FENCE) or opening.strip(_BLANK) != _FENCE:
        what = "the file is empty" if not data.strip() else "the file does not begin with a fence"
        fix = "begin it with a line ---, then name: and description:, then a line ---"
        return report("front-matter-missing", "error", what, 1, fix)
    if line > 1 or opening[:1] != b"-":
        fix = "delete what stands before the first ---"
        report("front-matter-late", "warning", "blanks before the front matter", 1, fix)
    close, after = _closing(view, end) if end >= 0 else (-1, 0)
    if close < 0:
        fix = "end the front matter with a line ---"
        return report("front-matter-unclosed", "error", "the fence is never closed", line, fix)
    if close - end - 1 > MAX_FRONT_MATTER:
        message = f"the front matter has more than {MAX_FRONT_MATTER:,} bytes"
        fix = "move the text into the body, below the second ---"
        return report("front-matter-too-large", "error", message, line, fix)
    if view.startswith(b"...", close):
        number = view.count(b"\n", 0, close) + 1
        fix = "end it with a line ---"
        report("front-matter-dots", "warning", "the front matter ends with ...", number, fix)
    text = data[end + 1 : close].decode()
    if "\r" in text:
        text = text.replace("\r\n", "\n")
        if "\r" in text or not data.startswith(b"\n", end):
            text = text.replace("\r", "\n")
            message = "lines end in a lone carriage return"
            report("carriage-return", "warning", message, line, "end lines with a line feed")
    return FrontMatter(text, line + 1, start, after)


def _closing(view: bytes, end: int) -> tuple[int, int]:
    """Return where the closing fence begins, and the line after it; (-1, 0) for none."""
    found: list[tuple[int, int]] = []
    for fence in (b"\n---", b"\n..."):
        at = view.find(fence, end)
        while at >= 0:
            eol = view.find(b"\n", at + 4)
            if not view[at + 4 : eol if eol >= 0 else len(view)].strip(_BLANK):
                found.append((at + 1, eol + 1 if eol >= 0 else len(view)))
                break
            at = view.find(fence, at + 4)
    return min(found, default=(-1, 0))


def load(
    text: str, name: str, line: int, findings: list[Finding]
) -> tuple[dict[str, Any] | None, Marks | None]:
    """Return the fields of a front matter, and their places where they are already known.

    :param line: the file's line that ``text`` begins on.
    :returns: None for the fields after an error finding; None for the places
        where the plain reader took no note of them: :func:`locate` finds them.
    """
    fields = plain(text)
    if fields is not None:
        return fields, None
    from . import yamltext

    try:
        value, marks = yamltext.load(text, name, line, findings)
    except Refused as refused:
        findings.append(refused.finding)
        return None, None
    if not isinstance(value, dict):
        what = "empty" if value is None else _kind(value)
        fix = "write fields as key: value, one on each line"
        message = f"the front matter is {what}, not a mapping of fields"
        findings.append(
            Finding("front-matter-not-mapping", "error", message, path=name, line=line, fix=fix)
        )
        return None, None
    return value, marks


def locate(text: str, name: str, line: int) -> Marks:
    """Return the place of every field in a front matter; none where :func:`load` refuses it."""
    marks: Marks = {}
    if plain(text, line, marks) is not None:
        return marks
    from . import yamltext

    try:
        return yamltext.load(text, name, line, [])[1]
    except Refused:
        return {}


def _kind(value: object) -> str:
    return "a list" if isinstance(value, list) else "a single value"


class _Doubt(Exception):
    """The plain reader does not surely understand the text."""


def plain(text: str, line: int = 1, marks: Marks | None = None) -> dict[str, Any] | None:
    """Read the common part of YAML, or return None where PyYAML must judge.

    :param marks: is filled with the line and column of every key and item.
    """
    # Everything else that YAML takes for a line break or refuses is unprintable.
    if not text.replace("\n", "").isprintable():
        return None
    lines = text.split("\n")
    try:
        value, end = _mapping(lines, 0, 0, 0, marks, (), line)
    except _Doubt:
        return None
    return value if end == len(lines) and value else None


def _mapping(
    lines: list[str], i: int, indent: int, level: int, marks: Marks | None, at: Pointer, base: int
) -> tuple[dict[str, Any], int]:
    """Return the mapping whose keys stand at ``indent`` from line ``i`` on, and the line after."""
    result: dict[str, Any] = {}
    count = len(lines)
    while i < count:
        line = lines[i]
        rest = line.lstrip(" ")
        if not rest or rest[0] == "#":
            i += 1
            continue
        column = len(line) - len(rest)
        if column != indent:
            if column > indent:
                raise _Doubt
            break
        key, colon, value = rest.partition(":")
        if not colon or rest[0] not in _FIRST or key.strip(_KEY) or key in result or len(key) > 128:
            raise _Doubt
        i += 1
        if marks is not None:
            marks[(*at, key)] = (base + i - 1, column + 1)
        if value:
            if value[0] != " ":
                raise _Doubt
            value = value.strip(" ")
        result[key], i = (
            (_value(value), i)
            if value
            else _block(
                lines, i, indent, level, marks, (*at, key) if marks is not None else at, base
            )
        )
    return result, i


def _block(
    lines: list[str], i: int, indent: int, level: int, marks: Marks | None, at: Pointer, base: int
) -> tuple[Any, int]:
    """Return what stands below a key without a value, and the line after it."""
    if level >= _MAX_LEVEL:
        raise _Doubt
    while i < len(lines):
        line = lines[i]
        rest = line.lstrip(" ")
        if rest and rest[0] != "#":
            column = len(line) - len(rest)
            if rest[0] == "-" and column >= indent:
                return _sequence(lines, i, column, level + 1, marks, at, base)
            if column > indent:
                return _mapping(lines, i, column, level + 1, marks, at, base)
            break
        i += 1
    return None, i


def _sequence(
    lines: list[str], i: int, indent: int, level: int, marks: Marks | None, at: Pointer, base: int
) -> tuple[list[Any], int]:
    """Return the list whose dashes stand at ``indent`` from line ``i`` on, and the line after."""
    result: list[Any] = []
    while i < len(lines):
        line = lines[i]
        rest = line.lstrip(" ")
        if not rest or rest[0] == "#":
            i += 1
            continue
        column = len(line) - len(rest)
        if column < indent or (column == indent and rest[0] != "-"):
            break
        if column > indent or rest[:2] != "- ":
            raise _Doubt
        if marks is not None:
            marks[(*at, len(result))] = (base + i, column + 3)
        item = rest[2:].strip(" ")
        _, colon, value = item.partition(":")
        if colon and (not value or value[0] == " ") and item[0] in _FIRST:
            # A mapping that begins behind its dash: read it as if it stood alone.
            lines[i] = " " * (indent + 2) + rest[2:]
            place = (*at, len(result)) if marks is not None else at
            inner, i = _mapping(lines, i, indent + 2, level + 1, marks, place, base)
            result.append(inner)
        else:
            if not item or item[0] == "[" or item == "{}":
                raise _Doubt
            result.append(_value(item))
            i += 1
    return result, i


def _value(text: str) -> Any:
    """Return the value of a text on one line that is not empty."""
    first = text[0]
    if first in _INDICATORS:
        if first in "'\"":
            return _quoted(text, first)
        if first == "[" and text[-1] == "]":
            inner = text[1:-1].strip(" ")
            return [_item(part.strip(" ")) for part in inner.split(",")] if inner else []
        if text == "{}":
            return {}
        raise _Doubt
    if ": " in text or " #" in text or text[-1] == ":":
        raise _Doubt
    return _typed(text) if first in _TYPED else text


def _quoted(text: str, quote: str) -> str:
    inner = text[1:-1]
    if len(text) < 2 or text[-1] != quote or quote in inner or "\\" in inner:
        raise _Doubt
    return inner


def _item(text: str) -> Any:
    """Return the value of an item of ``[a, b]``."""
    if not text:
        raise _Doubt
    first = text[0]
    if first in "'\"":
        return _quoted(text, first)
    if first not in _FLOW_FIRST or text.strip(_FLOW):
        raise _Doubt
    return _typed(text) if first in _TYPED else text


def _typed(text: str) -> Any:
    """Return what YAML 1.1 and 1.2 agree that ``text`` is; the text where they differ."""
    if text.isdigit() and text.isascii() and (text[0] != "0" or len(text) == 1):
        if len(text) > 18:
            raise _Doubt
        return int(text)
    return _WORDS.get(text, text)
