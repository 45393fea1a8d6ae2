"""Compare two releases of a skill: what each may do, how each was judged, and their files.

A release is a stranger's, so that everything has its bound: what is read, how many lines are
compared, and at how many steps. The smallest files come first; what is beyond a bound is named,
with the reason, and not shown. Of the same two releases the same is always told.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from io import StringIO
from typing import Any, NamedTuple

from ..errors import KurtError
from ..grants import LISTS, NATIVE, Grants, widening
from ..market.documents.base import Pointer
from ..market.documents.release import FilesSource, Release
from ..market.layout import blob
from .lines import Block, Work, blocks
from .shelf import Shelf
from .telling import reported

__all__ = [
    "UNREADABLE",
    "Change",
    "Judgements",
    "Permissions",
    "changes",
    "judgements",
    "permissions",
]

#: Why a file is not shown where that may pass.
UNREADABLE = "it cannot be read now"
#: Bytes of one file that is shown, and of all files on both sides together; their lines.
MAX_FILE, MAX_READ, MAX_LINES = 256 << 10, 1 << 20, 12_000
#: Files that are read.
_MAX_FILES = 300
#: Steps for all files, and for one of them.
STEPS, FILE_STEPS = 50_000, 30_000
#: Bytes of a report of the validator that is compared with another.
_MAX_REPORT = 256 << 10
#: Sentences about permissions, and findings, that are shown.
_SHOWN = 50
#: Characters of each.
_WIDE = 300
#: Pairs of permissions that are compared by what they mean.
_MEANT = 1_000
#: Files that go and come are one, renamed, where so much of the larger one is in both.
_ALIKE = 0.5

_File = tuple[str, int]
_MOVED = "nothing but its path has changed"


class Permissions(NamedTuple):
    """What the new release may do and the old one may not, and the reverse, in words.

    :param wider_more: sentences besides; ``narrower_more`` likewise.
    """

    wider: list[str]
    wider_more: int
    narrower: list[str]
    narrower_more: int


class Judgements(NamedTuple):
    """What the validator says of the one, and not of the other.

    :param told: whether both have a report that is short enough to be compared.
    :param same_rules: whether both were judged by the same rules.
    """

    told: bool
    same_rules: bool
    fresh: list[dict[str, Any]]
    fresh_more: int
    gone: list[dict[str, Any]]
    gone_more: int


class Change:
    """One file that is not as it was.

    :ivar kind: ``changed``, ``renamed``, ``added`` or ``removed``.
    :ivar path: in the new release; in the old one where it is removed.
    :ivar before: the path in the old release, where it is renamed.
    :ivar sizes: bytes before and after; 0 where it is not there.
    :ivar why_not: why its text is not shown; "" where it is.
    :ivar old, new: its lines, each with its end.
    :ivar common: what both have.
    """

    __slots__ = ("before", "common", "kind", "new", "old", "path", "sizes", "why_not")

    def __init__(
        self, kind: str, path: str, sizes: tuple[int, int], before: str | None = None
    ) -> None:
        self.kind = kind
        self.path = path
        self.before = before
        self.sizes = sizes
        self.why_not = ""
        self.old: list[str] = []
        self.new: list[str] = []
        self.common: list[Block] = []

    @property
    def moved(self) -> bool:
        """Whether nothing but its path has changed."""
        return self.why_not == _MOVED

    @property
    def counts(self) -> tuple[int, int]:
        """How many lines come, and how many go."""
        kept = sum(block.size for block in self.common)
        return len(self.new) - kept, len(self.old) - kept


def permissions(old: Release, new: Release) -> Permissions:
    """Return what changes in what a skill may do."""
    first, second = Grants.of(old.permissions), Grants.of(new.permissions)
    wider, narrower = _widening(first, second), _widening(second, first)
    return Permissions(
        *(_spoken(wider[:_SHOWN]), max(0, len(wider) - _SHOWN)),
        *(_spoken(narrower[:_SHOWN]), max(0, len(narrower) - _SHOWN)),
    )


def _widening(old: Grants, new: Grants) -> list[tuple[str, str]]:
    pairs = sum(len(new.lists[key]) * (1 + len(old.entries(key))) for key in LISTS)
    if pairs <= _MEANT:
        return widening(old, new)
    # Too many to be understood: an entry that is not there word for word is news.
    known = {key: set(old.lists[key]) for key in LISTS}
    found = [(key, one) for key in LISTS for one in new.lists[key] if one not in known[key]]
    return found + ([(NATIVE, "true")] if new.native and not old.native else [])


def _spoken(rows: Sequence[tuple[str, str]]) -> list[str]:
    found = []
    for list_, entry in rows:
        grants = Grants({}, True) if list_ == NATIVE else Grants({list_: [entry]})
        found += [line[:_WIDE] for line in grants.in_words()]
    return found


def judgements(shelf: Shelf, old: Release, new: Release) -> Judgements:
    """Return what the validator says of the one release alone; a line number makes no news."""
    first, second = (reported(shelf, one, _MAX_REPORT) for one in (old, new))
    same = old.scan is not None and new.scan is not None and old.scan.ruleset == new.scan.ruleset
    if first is None or second is None:
        return Judgements(False, same, [], 0, [], 0)
    fresh, gone = _without(second, first), _without(first, second)
    return Judgements(
        *(True, same),
        *(fresh[:_SHOWN], max(0, len(fresh) - _SHOWN)),
        *(gone[:_SHOWN], max(0, len(gone) - _SHOWN)),
    )


def _without(rows: list[dict[str, Any]], others: list[dict[str, Any]]) -> list[dict[str, Any]]:
    known = Counter(_key(row) for row in others)
    found = []
    for row in rows:
        if known[_key(row)] > 0:
            known[_key(row)] -= 1
        else:
            found.append(row)
    return found


def _key(row: dict[str, Any]) -> tuple[str, str, str]:
    return row["rule"], row["place"].rpartition(":")[0] or row["place"], row["message"]


def changes(shelf: Shelf, old: Release, new: Release) -> tuple[list[Change], int]:
    """Return the files that differ, by kind and path, and how many are as they were."""
    before, after = _files(old), _files(new)
    both = before.keys() & after.keys()
    found = [
        Change("changed", path, (before[path][1], after[path][1]))
        for path in both
        if before[path][0] != after[path][0]
    ]
    same = len(both) - len(found)
    gone = {path: before[path] for path in before.keys() - both}
    come = {path: after[path] for path in after.keys() - both}
    reading = _Reading(
        shelf, folders=all(isinstance(one.source, FilesSource) for one in (old, new))
    )
    # The smallest first, so that one large file does not hide all others.
    for change in sorted(found, key=lambda one: (sum(one.sizes), one.path)):
        reading.fill(change, before[change.path], after[change.path])
    found += _moved(gone, come)
    for path, (_, size) in sorted(come.items(), key=lambda row: (row[1][1], row[0])):
        found.append(Change("added", path, (0, size)))
        reading.fill(found[-1], None, come[path])
    for path, (_, size) in sorted(gone.items(), key=lambda row: (row[1][1], row[0])):
        found.append(Change("removed", path, (size, 0)))
        reading.fill(found[-1], gone[path], None)
    found = _renamed(found, reading.work)
    return sorted(found, key=lambda one: (_KINDS.index(one.kind), one.path)), same


_KINDS = ("changed", "renamed", "added", "removed")


def _files(release: Release) -> dict[str, _File]:
    source = release.source
    if isinstance(source, FilesSource):
        return {file.path: (file.digest, file.size) for file in source.files}
    return {wheel.filename: (wheel.digest, wheel.size) for wheel in source.wheels}


def _moved(gone: dict[str, _File], come: dict[str, _File]) -> list[Change]:
    """Take out of both what is the same file under another path."""
    paths: dict[_File, list[str]] = {}
    for path in sorted(gone, reverse=True):
        paths.setdefault(gone[path], []).append(path)
    found = []
    for path in sorted(come):
        old = paths.get(come[path])
        if old:
            change = Change("renamed", path, (come[path][1], come[path][1]), old.pop())
            change.why_not = _MOVED
            found.append(change)
            del gone[str(change.before)], come[path]
    return found


def _renamed(found: list[Change], work: Work) -> list[Change]:
    """Join what goes with what comes, where most of it is alike.

    A line tells of one file alone, or of none, so that this takes one look at each line.
    """
    gone = {one.path: one for one in found if one.kind == "removed" and one.old}
    come = [one for one in found if one.kind == "added" and one.new]
    if not gone or not come:
        return found
    owners: dict[str, str] = {}
    for path, change in gone.items():
        for line in set(change.old):
            owners[line] = "" if line in owners else path
    joined: set[Change] = set()
    made = []
    for change in come:
        shared: Counter[str] = Counter()
        for line in set(change.new):
            shared[owners.get(line, "")] += len(line)
        path, size = max(
            ((path, size) for path, size in shared.items() if path in gone),
            key=lambda row: (row[1], row[0]),
            default=("", 0),
        )
        # Lines are counted in characters once, files in bytes: a lower bound of the share.
        if not path or size < _ALIKE * max(change.sizes[1], gone[path].sizes[0]):
            continue
        old = gone.pop(path)
        one = Change("renamed", change.path, (old.sizes[0], change.sizes[1]), path)
        one.old, one.new = old.old, change.new
        one.common = _compared(one.old, one.new, work)
        made.append(one)
        joined |= {change, old}
    return [one for one in found if one not in joined] + made


def _compared(old: list[str], new: list[str], work: Work) -> list[Block]:
    own = Work(min(work.left, FILE_STEPS))
    given = own.left
    found = blocks(old, new, own)
    work.left -= given - own.left
    return found


class _Reading:
    """Reads files as long as that is within bounds."""

    def __init__(self, shelf: Shelf, *, folders: bool) -> None:
        self.work = Work(STEPS)
        self._shelf = shelf
        self._folders = folders
        self._bytes = MAX_READ
        self._lines = MAX_LINES
        self._files = _MAX_FILES

    def fill(self, change: Change, old: _File | None, new: _File | None) -> None:
        """Read both sides of a change, or say why that is not done."""
        change.why_not = self._refused(change) or self._taken(change, old, new)
        if change.why_not:
            change.old = change.new = []
        else:
            change.common = _compared(change.old, change.new, self.work)

    def _refused(self, change: Change) -> str:
        if not self._folders:
            return "a wheel"
        if max(change.sizes) > MAX_FILE:
            return "too large"
        if sum(change.sizes) > self._bytes or self._lines <= 0 or self._files <= 0:
            return "too much has changed to show all of it"
        return ""

    def _taken(self, change: Change, old: _File | None, new: _File | None) -> str:
        try:
            texts = ["" if one is None else self._text(one) for one in (old, new)]
        except ValueError:
            return "not text"
        except KurtError:
            return UNREADABLE
        lines = sum(text.count("\n") + 1 for text in texts)
        if lines > self._lines:
            return "too many lines have changed to show all of them"
        self._lines -= lines
        # Apart at line feeds alone: what else Unicode takes for an end stays within its line.
        change.old, change.new = (StringIO(text, newline="\n").readlines() for text in texts)
        return ""

    def _text(self, file: _File) -> str:
        """Return the text of a file.

        :raises ValueError: when it is none.
        """
        digest, size = file
        self._bytes -= size
        self._files -= 1
        data = self._shelf.bytes_of(Pointer(url=blob(digest), digest=digest, size=size), size)
        if b"\0" in data:
            raise ValueError
        return data.decode("utf-8")
