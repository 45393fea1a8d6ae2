"""What a version constraint means: intervals of versions, and a rule for pre-releases.

A constraint is comparators that must all hold. Their meaning is npm's (node-semver,
"Ranges"), which the short forms come from:

==============  =====================================================================
``1.2.3``       that version (``=`` and ``==`` alike), any build of it
``1.2``         any 1.2.x; so ``1.2.x``, ``1.2.*``, and ``1`` or ``1.x`` for any 1.x.x
``*``           any version
``>1.2``        1.3.0 and later; ``<=1.2`` is all before 1.3.0
``^1.2.3``      1.2.3 and later, up to the next change of the leftmost number that is not 0
``~1.2.3``      1.2.3 and later 1.2.x; ``~1`` any 1.x.x
``!=1.2``       all but 1.2.x
==============  =====================================================================

A pre-release satisfies a constraint only where it lies within and a comparator names a
pre-release of the same MAJOR.MINOR.PATCH: who asks for ``>=1.0.0-rc.1`` has agreed to what is
unfinished in 1.0.0, and not in 1.1.0 (node-semver, "Prerelease Tags"). ``!=`` agrees to
nothing. ``*`` takes pre-releases too, since the plugin document calls it "any version"; whoever
chooses among several takes a release where there is one.
"""

from __future__ import annotations

from . import semver, versions

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from .semver import Key

    #: A place between versions: (key, 0) lies just before that version, (key, 1) just after it.
    Cut = tuple[Key, int]
    Interval = tuple[Cut, Cut]

__all__ = ["Constraint", "caret", "parse"]

#: Before every version; no pre-release has an empty tuple of identifiers.
_LOWEST: Cut = ((0, 0, 0, 0, ()), 0)
#: After every version: a number has at most 18 digits.
_HIGHEST: Cut = ((10**18, 0, 0, 0, ()), 0)
_ALL: Interval = (_LOWEST, _HIGHEST)
_OPERATORS = "=!<>^~"
_ANY = "*xX"

_KEPT = 8192
_parsed: dict[str, Constraint] = {}


class Constraint:
    """Which versions will do.

    :ivar text: as it was written.
    :ivar intervals: pairs of cuts, ascending and apart; a version lies in at most one.
    :ivar bases: each (major, minor, patch) whose pre-releases are agreed to.
    :ivar everything: whether it is ``*``, which takes any version.
    """

    __slots__ = ("bases", "everything", "intervals", "text")

    def __init__(self, text: str) -> None:
        versions.check_constraint(text)
        self.text = text
        self.intervals: list[Interval] = [_ALL]
        self.everything = True
        bases = set()
        for operator, operand in _comparators(text):
            numbers, version = _operand(operand)
            self.intervals = _both(self.intervals, _intervals(operator, numbers, version))
            if version is not None and not version[3] and operator != "!=":
                bases.add(version[:3])
            if numbers:  # `!=*` and its like leave no version at all
                self.everything = False
        self.bases = frozenset(bases)

    def __repr__(self) -> str:
        return f"Constraint({self.text!r})"

    def __str__(self) -> str:
        return self.text

    def covers(self, key: Key) -> bool:
        """Return whether a version lies within, the rule for pre-releases left aside."""
        return any(low <= (key, 0) < high for low, high in self.intervals)

    def allows(self, version: str) -> bool:
        """Return whether a version satisfies it; :raises VersionError: when it is none."""
        key = semver.key(version)
        return self.covers(key) and bool(key[3] or self.everything or key[:3] in self.bases)

    def among(self, keys: Sequence[Key]) -> tuple[int, int]:
        """Return which of some versions satisfy it, as two sets of bits.

        :param keys: ascending; bit *n* stands for ``keys[n]``.
        :return: those that satisfy it; and of these the ones to be preferred: releases, and
            pre-releases that it names.
        """
        from bisect import bisect_left, bisect_right

        within = 0
        for cuts in self.intervals:
            low, high = [(bisect_right if side else bisect_left)(keys, key) for key, side in cuts]
            within |= (1 << high) - (1 << low)
        unnamed = 0
        for rank, key in enumerate(keys):
            if not key[3] and key[:3] not in self.bases:
                unnamed |= 1 << rank
        preferred = within & ~unnamed
        return within if self.everything else preferred, preferred


def parse(text: str) -> Constraint:
    """Return the constraint that ``text`` is.

    :raises VersionError: when it is none; what :func:`versions.is_constraint` accepts is one.
    """
    found = _parsed.get(text)
    if found is None:
        if len(_parsed) >= _KEPT:
            _parsed.clear()
        found = _parsed[text] = Constraint(text)
    return found


def caret(version: str) -> Constraint:
    """Return the versions that keep the promises of ``version``; see the table above for ``^``."""
    return parse("^" + semver.parse(version).text)


def _comparators(text: str) -> list[tuple[str, str]]:
    """Return (operator, operand) of each comparator of a constraint that is one."""
    found = []
    operator = ""
    for word in text.replace(",", " ").split():
        operand = word.lstrip(_OPERATORS)
        operator += word[: len(word) - len(operand)]
        if operand:  # else it stands apart: `>= 1.0.0`
            found.append((operator, operand))
            operator = ""
    return found


def _operand(text: str) -> tuple[tuple[int, ...], Key | None]:
    """Return the numbers that are given, and the version where all are."""
    if versions.is_semver(text):
        key = semver.key(text)
        return key[:3], key
    return tuple([int(part) for part in text.split(".") if part not in _ANY]), None


def _both(some: list[Interval], others: list[Interval]) -> list[Interval]:
    """Return what lies in both."""
    found = [(max(low, bottom), min(high, top)) for low, high in some for bottom, top in others]
    return [(low, high) for low, high in found if low < high]


def _release(numbers: tuple[int, ...], *, unfinished: bool = False) -> Key:
    """Return the key of a release; ``unfinished``: of what comes before its pre-releases."""
    major, minor, patch = (*numbers, 0, 0)[:3]
    return (major, minor, patch, 0 if unfinished else 1, ())


def _next(numbers: tuple[int, ...], place: int, *, unfinished: bool = True) -> Cut:
    """Return the cut before the version in which the number at ``place`` is one higher."""
    raised = (*numbers[:place], numbers[place] + 1)
    return (_release(raised, unfinished=unfinished), 0)


def _intervals(operator: str, numbers: tuple[int, ...], version: Key | None) -> list[Interval]:
    """Return what one comparator allows.

    :param numbers: those given: none for ``*``, two for ``1.2`` or ``1.2.x``.
    :param version: the key where the operand is a whole version.
    """
    if not numbers:
        return [] if operator in ("!=", "<", ">") else [_ALL]
    if version is None:
        low: Cut = (_release(numbers), 0)
        before: Cut = (_release(numbers, unfinished=True), 0)
        high = _next(numbers, len(numbers) - 1)
        after = _next(numbers, len(numbers) - 1, unfinished=False)
    else:
        low = before = (version, 0)
        high = after = (version, 1)
    if operator == "!=":
        return [(_LOWEST, low), (high, _HIGHEST)]
    if operator == "<":
        return [(_LOWEST, before)]
    if operator == "<=":
        return [(_LOWEST, high)]
    if operator == ">":
        return [(after, _HIGHEST)]
    if operator == ">=":
        return [(low, _HIGHEST)]
    if operator == "^":
        leading = [place for place, number in enumerate(numbers) if number]
        return [(low, _next(numbers, leading[0] if leading else len(numbers) - 1))]
    if operator == "~":
        return [(low, _next(numbers, min(1, len(numbers) - 1)))]
    return [(low, high)]
