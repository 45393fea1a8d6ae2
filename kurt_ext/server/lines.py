"""What two texts have in common, line by line, at a cost that is bounded beforehand.

Lines that only one text has are left out first, and lines that both have exactly once hold
the rest together (patience). What lies between those is matched by the greedy algorithm of
Myers, "An O(ND) Difference Algorithm and Its Variations" (1986), a piece at a time. Each step
is counted, and where none is left, the rest counts as replaced: so the outcome depends on the
texts alone, and not on the machine.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import NamedTuple

__all__ = ["CONTEXT", "Block", "Hunk", "Span", "Work", "blocks", "hunks"]

#: Lines around a change that are shown with it.
CONTEXT = 3
#: Differences that one piece may have; what a piece costs grows with their square.
_REACH = 128
_NOWHERE = -3

Pair = tuple[int, int]


class Work:
    """Steps that may still be taken.

    :param steps: a fifth of a microsecond each, about.
    """

    __slots__ = ("left",)

    def __init__(self, steps: int) -> None:
        self.left = steps


class Block(NamedTuple):
    """Lines that both texts have: ``size`` lines from ``old`` and from ``new`` on, from 0."""

    old: int
    new: int
    size: int


class Span(NamedTuple):
    """Lines of one sign: ``" "`` stays, ``"-"`` goes, ``"+"`` comes; places from 0."""

    sign: str
    old: int
    new: int
    size: int


class Hunk(NamedTuple):
    """A change with the lines around it.

    :param old: place of its first line in the old text, from 0; ``olds`` is how many there are.
    :param new: the same in the new text, with ``news``.
    """

    old: int
    olds: int
    new: int
    news: int
    spans: list[Span]


def blocks(old: Sequence[str], new: Sequence[str], work: Work) -> list[Block]:
    """Return what two texts have in common, in order; no block touches the next on both sides."""
    most = min(len(old), len(new))
    head = tail = 0
    while head < most and old[head] == new[head]:
        head += 1
    while tail < most - head and old[-1 - tail] == new[-1 - tail]:
        tail += 1
    found = [Block(0, 0, head)]
    for x, y in _between(old, new, head, tail, work):
        _join(found, Block(x, y, 1))
    _join(found, Block(len(old) - tail, len(new) - tail, tail))
    return [one for one in found if one.size]


def _join(found: list[Block], block: Block) -> None:
    last = found[-1]
    if (last.old + last.size, last.new + last.size) == (block.old, block.new):
        found[-1] = Block(last.old, last.new, last.size + block.size)
    else:
        found.append(block)


def _between(
    old: Sequence[str], new: Sequence[str], head: int, tail: int, work: Work
) -> Iterator[Pair]:
    """Give pairs of equal lines between a common beginning and a common end."""
    first = Counter(old[head : len(old) - tail])
    second = Counter(new[head : len(new) - tail])
    before = [n for n in range(head, len(old) - tail) if old[n] in second]
    after = [n for n in range(head, len(new) - tail) if new[n] in first]
    numbers: dict[str, int] = {}
    a = [numbers.setdefault(old[n], len(numbers)) for n in before]
    b = [numbers.setdefault(new[n], len(numbers)) for n in after]
    once = {number for line, number in numbers.items() if first[line] == second[line] == 1}
    i = j = 0
    for x, y in _anchors(a, b, once):
        yield from ((before[p], after[q]) for p, q in _myers(a, b, i, j, x, y, work))
        yield before[x], after[y]
        i, j = x + 1, y + 1
    yield from ((before[p], after[q]) for p, q in _myers(a, b, i, j, len(a), len(b), work))


def _anchors(a: list[int], b: list[int], once: set[int]) -> list[Pair]:
    """Return the longest series, in both orders, of the lines that are in each text once."""
    place = {line: n for n, line in enumerate(b) if line in once}
    rows = [(n, place[line]) for n, line in enumerate(a) if line in once]
    ends: list[int] = []
    last: list[int] = []
    before: list[int] = []
    for number, (_, y) in enumerate(rows):
        at = bisect_left(ends, y)
        before.append(last[at - 1] if at else -1)
        if at == len(ends):
            ends.append(y)
            last.append(number)
        else:
            ends[at], last[at] = y, number
    found = []
    number = last[-1] if last else -1
    while number >= 0:
        found.append(rows[number])
        number = before[number]
    return found[::-1]


def _myers(
    a: list[int], b: list[int], i: int, j: int, iend: int, jend: int, work: Work
) -> Iterator[Pair]:
    """Give pairs of equal lines of two ranges, as long as there are steps left."""
    while i < iend and j < jend and work.left > 0:
        pairs, x, y = _piece(a[i:iend], b[j:jend], work)
        yield from ((i + p, j + q) for p, q in pairs)
        if not x + y:
            return
        i, j = i + x, j + y


def _piece(a: list[int], b: list[int], work: Work) -> tuple[list[Pair], int, int]:
    """Return pairs from the beginning on, and the place up to which they were looked for."""
    n, m = len(a), len(b)
    # Diagonal x - y → the furthest x on it; what was known before each round, to go back by.
    far = {1: 0}
    trail: list[dict[int, int]] = []
    best = (0, 0, 0, 0)
    for edits in range(_REACH + 1):
        trail.append(far.copy())
        for k in range(-edits + 2 * max(0, edits - m), edits - 2 * max(0, edits - n) + 1, 2):
            x = _start(far, k, n, m)[0]
            if x < 0:
                far[k] = _NOWHERE
                continue
            y = x - k
            since = x
            while x < n and y < m and a[x] == b[y]:
                x += 1
                y += 1
            far[k] = x
            work.left -= 2 + x - since
            if x + y > best[0]:
                best = (x + y, x, y, edits)
            if x + y == n + m or work.left <= 0:
                return _back(trail, best, n, m), best[1], best[2]
    return _back(trail, best, n, m), best[1], best[2]


def _start(far: dict[int, int], k: int, n: int, m: int) -> tuple[int, bool]:
    """Return where a diagonal is entered, and whether from above; below 0 where it cannot be."""
    right = far.get(k - 1, _NOWHERE) + 1
    down = far.get(k + 1, _NOWHERE)
    if right > n:
        right = _NOWHERE
    if down - k > m:
        down = _NOWHERE
    return (down, True) if down >= right else (right, False)


def _back(
    trail: list[dict[int, int]], best: tuple[int, int, int, int], n: int, m: int
) -> list[Pair]:
    """Return the pairs on the way to a place."""
    _, x, y, edits = best
    found = []
    for round_ in range(edits, -1, -1):
        since, down = _start(trail[round_], x - y, n, m)
        while x > since:
            x, y = x - 1, y - 1
            found.append((x, y))
        x, y = (x, y - 1) if down else (x - 1, y)
    return found[::-1]


def hunks(common: Sequence[Block], olds: int, news: int) -> Iterator[Hunk]:
    """Give the changes between two texts, those that are near each other together.

    :param common: the blocks that both have.
    :param olds: lines of the old text; ``news`` of the new one.
    """
    spans: list[Span] = []
    before = Block(0, 0, 0)
    end = Block(olds, news, 0)
    for block in (*common, end):
        i, j = before.old + before.size, before.new + before.size
        if not spans:
            kept = min(CONTEXT, before.size)
            spans.append(Span(" ", i - kept, j - kept, kept))
        if block.old > i:
            spans.append(Span("-", i, j, block.old - i))
        if block.new > j:
            spans.append(Span("+", block.old, j, block.new - j))
        changed = len(spans) > 1
        if changed and block.size <= 2 * CONTEXT and block is not end:
            spans.append(Span(" ", *block))
        else:
            if changed:
                yield _hunk([*spans, Span(" ", block.old, block.new, min(CONTEXT, block.size))])
            spans = []
        before = block


def _hunk(spans: list[Span]) -> Hunk:
    spans = [one for one in spans if one.size]
    if len(spans) > 1 and spans[-1].sign == " ":
        spans[-1] = spans[-1]._replace(size=min(CONTEXT, spans[-1].size))
    olds = sum(one.size for one in spans if one.sign != "+")
    news = sum(one.size for one in spans if one.sign != "-")
    return Hunk(spans[0].old, olds, spans[0].new, news, spans)
