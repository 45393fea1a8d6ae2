"""Write what has changed in a file: as a table for people, and as a patch for programs."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence

from markupsafe import Markup, escape

from ..output import printable
from .comparing import Change
from .lines import Hunk, Span, hunks

__all__ = ["Room", "patch", "table"]

#: Characters of a line, and lines of a file, that a table shows.
_WIDEST, _LONGEST = 400, 400
#: Characters before a difference that are shown with it, of a line that is wider.
_BEFORE = 40
_CLASSES = {"-": "del", "+": "ins"}


class Room:
    """Bytes that a page has for all of its tables.

    :param size: bytes of HTML.
    """

    __slots__ = ("left",)

    def __init__(self, size: int) -> None:
        self.left = size


def table(change: Change, room: Room) -> tuple[Markup, int]:
    """Return the rows of a table, and how many changed lines are left out of it.

    A sign stands before each line, so that no colour is needed to read it. What cannot be
    seen is written out, and a line that has no end of its own says so.
    """
    parts: list[str] = []
    shown = changed = 0
    for hunk in hunks(change.common, len(change.old), len(change.new)):
        if shown >= _LONGEST or room.left <= 0:
            break
        parts.append(_head(hunk))
        room.left -= len(parts[-1])
        pairs = _pairs(hunk.spans)
        for sign, old, new, text in _rows(change, hunk.spans):
            if shown >= _LONGEST or room.left <= 0:
                break
            since = 0
            if len(text) > _WIDEST and sign != " ":
                lines, number = (change.new, old) if sign == "-" else (change.old, new)
                other = pairs.get((sign, number), 0)
                since = max(0, _alike(text, lines[other - 1]) - _BEFORE) if other else 0
            row = _row(sign, old, new, text, since)
            room.left -= len(row.encode())
            parts.append(row)
            shown += 1
            changed += sign != " "
        parts.append("</tbody>")
    return Markup("".join(parts)), sum(change.counts) - changed


def _rows(change: Change, spans: Sequence[Span]) -> Iterator[tuple[str, int, int, str]]:
    for sign, old, new, count in spans:
        lines, since = (change.old, old) if sign == "-" else (change.new, new)
        for step in range(count):
            yield sign, old + step + 1, new + step + 1, lines[since + step]


def _pairs(spans: Sequence[Span]) -> dict[tuple[str, int], int]:
    """Return, for lines that take each other's place, (sign, number) → number of the other."""
    found = {}
    for one, two in itertools.pairwise(spans):
        if (one.sign, two.sign) == ("-", "+"):
            for step in range(1, min(one.size, two.size) + 1):
                found["-", one.old + step] = two.new + step
                found["+", two.new + step] = one.old + step
    return found


def _alike(one: str, two: str) -> int:
    """Return how many characters two texts begin with in common."""
    least, most = 0, min(len(one), len(two))
    while least < most:
        middle = (least + most + 1) // 2
        if one[least:middle] == two[least:middle]:
            least = middle
        else:
            most = middle - 1
    return least


def _head(hunk: Hunk) -> str:
    return (
        '<tbody><tr class="hunk"><th colspan="4" scope="rowgroup">'
        f"{_range(hunk.new, hunk.news, 'Lines')}, before {_range(hunk.old, hunk.olds, 'lines')}"
        "</th></tr>"
    )


def _range(since: int, count: int, word: str) -> str:
    if not count:
        return "None" if word[0] == "L" else "none"
    if count == 1:
        return f"{word[:-1]} {since + 1}"
    return f"{word} {since + 1}–{since + count}"


def _row(sign: str, old: int, new: int, line: str, since: int) -> str:
    """Return the row of a line, shown from a character on."""
    text = line.removesuffix("\n")
    first = f'<span class="note">{since:,} characters … </span>' if since else ""
    note = "" if line.endswith("\n") else '<span class="note"> (no end of line)</span>'
    more = len(text) - since - _WIDEST
    if more > 0:
        note = f'<span class="note"> … {more:,} more characters</span>{note}'
    text = text[since : since + _WIDEST]
    # A tab would send a whole line the slow way.
    shown = escape("\t".join([printable(part) for part in text.split("\t")]))
    if sign == " ":
        return f"<tr><td>{old}</td><td>{new}</td><td></td><td>{first}{shown}{note}</td></tr>"
    one, two, mark = (old, "", "−") if sign == "-" else ("", new, "+")
    word = _CLASSES[sign]
    return (
        f'<tr class="{word}"><td>{one}</td><td>{two}</td><td>{mark}</td>'
        f"<td>{first}<{word}>{shown}</{word}>{note}</td></tr>"
    )


def patch(changes: Sequence[Change]) -> str:
    """Return a patch in the unified format, as git writes it and applies it."""
    return "".join([part for change in changes for part in _patch(change)])


def _patch(change: Change) -> Iterator[str]:
    before, after = change.before or change.path, change.path
    if change.why_not and not change.moved:
        old, new = change.sizes
        yield f"# {after} is left out: {change.why_not}; {old} bytes before, {new} after.\n"
        return
    # No path of a release has what git would write in quotes.
    yield f"diff --git a/{before} b/{after}\n"
    if change.kind == "added":
        yield "new file mode 100644\n"
    elif change.kind == "removed":
        yield "deleted file mode 100644\n"
    elif change.kind == "renamed":
        yield f"rename from {before}\nrename to {after}\n"
    if not sum(change.counts):
        return
    yield "--- /dev/null\n" if change.kind == "added" else f"--- {_side('a/' + before)}\n"
    yield "+++ /dev/null\n" if change.kind == "removed" else f"+++ {_side('b/' + after)}\n"
    for hunk in hunks(change.common, len(change.old), len(change.new)):
        yield f"@@ -{_numbers(hunk.old, hunk.olds)} +{_numbers(hunk.new, hunk.news)} @@\n"
        for sign, _, _, line in _rows(change, hunk.spans):
            yield f"{sign}{line}"
            if not line.endswith("\n"):
                yield "\n\\ No newline at end of file\n"


def _numbers(since: int, count: int) -> str:
    # Where there are no lines, it is after which line they would be.
    return str(since + 1) if count == 1 else f"{since + bool(count)},{count}"


def _side(path: str) -> str:
    return path + ("\t" if " " in path else "")
