"""Whether a regular expression can take time without end, by looking at its form.

The time of a backtracking matcher explodes where one text can be divided between two
repetitions in many ways: ``(a+)+``, ``(a|a)*``, ``(\\w+\\s?)+``. A part that must stand
between them, and that they cannot match, keeps them apart: ``([a-z]+\\.)+`` is harmless.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Sequence
from typing import Any

__all__ = ["cost"]

_MAX_PATTERN = 2_000
#: A repetition that may be so often is taken for one without end.
_MANY = 32
#: Repetitions within each other: the product of their counts is work, and memory when compiled.
_MAX_PRODUCT = 10_000
#: Beyond ASCII only the class counts: these stand for all letters, blanks, digits, and others.
_LETTER, _BLANK, _DIGIT, _OTHER = range(0x110000, 0x110004)
_EVERY = frozenset((*range(128), _LETTER, _BLANK, _DIGIT, _OTHER))
Chars = frozenset[int]


def cost(pattern: str) -> str:
    """Return why a pattern is too dear, as the end of a sentence; "" where it is not."""
    if len(pattern) > _MAX_PATTERN:
        return f"has more than {_MAX_PATTERN:,} characters"
    if not any(char in pattern for char in "*+{"):
        return ""
    from importlib import import_module

    parser: Any = import_module("re._parser")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            tree = parser.parse(pattern)
        return _sequence(list(tree), 1)
    except RecursionError:
        return "is nested too deeply"
    except (ValueError, OverflowError, parser.error):
        return ""  # not one of Python's; whether it is one at all, its compilation says


def _sequence(items: Sequence[Any], outer: int) -> str:
    for item in items:
        why = _item(item, outer)
        if why:
            return why
    return ""


def _item(item: Any, outer: int) -> str:
    name, argument = str(item[0]), item[1]
    if name in ("MAX_REPEAT", "MIN_REPEAT", "POSSESSIVE_REPEAT"):
        most, body = int(argument[1]), list(argument[2])
        if most >= _MANY and name != "POSSESSIVE_REPEAT" and _ambiguous(body):
            return "can divide one text between its repetitions in endlessly many ways"
        product = outer * (most if most < 1_000_000 else 1)
        if product > _MAX_PRODUCT and (outer > 1 or len(body) > 1):
            return "repeats more often than any text is long"
        return _sequence(body, product)
    return next((why for body in _bodies(item) if (why := _sequence(body, outer))), "")


def _bodies(item: Any) -> list[list[Any]]:
    """Return the sequences that an item holds."""
    name, argument = str(item[0]), item[1]
    if name == "SUBPATTERN":
        return [list(argument[3])]
    if name == "ATOMIC_GROUP":
        return [list(argument)]
    if name == "BRANCH":
        return [list(body) for body in argument[1]]
    if name in ("ASSERT", "ASSERT_NOT"):
        return [list(argument[1])]
    if name == "GROUPREF_EXISTS":
        return [list(body) for body in argument[1:] if body]
    return []


def _ambiguous(body: list[Any], forks: int = 3) -> bool:
    """Return whether a text that a repeated body matches can be divided in more than one way."""
    flat = _flat(body)
    if len(flat) == 1 and str(flat[0][0]) == "BRANCH":
        branches = [_flat(list(one)) for one in flat[0][1][1]]
        firsts = [_first(one) for one in branches]
        alike = any(a & b for n, a in enumerate(firsts) for b in firsts[n + 1 :])
        # ``ab|ac`` begin alike and end apart: only a branch that can go on is dear.
        if alike and any(_can_prefix(a, b) for a in branches for b in branches if a is not b):
            return True
        return any(_ambiguous(one) for one in branches)
    if _runs_on(flat):
        return True
    for number, item in enumerate(flat):
        if str(item[0]) == "BRANCH" and len(flat) > 1 and forks:
            ways = [flat[:number] + one + flat[number + 1 :] for one in _bodies(item)[:8]]
            return any(_ambiguous(one, forks - 1) for one in ways)
    long = [item for item in flat if _is_long(item)]
    for item in long:
        others = [other for other in flat if other is not item]
        chars = _chars(item)
        must = [other for other in others if not _may_be_empty(other)]
        if not any(not (_chars(other) & chars) for other in must):
            # Nothing that must be there keeps one turn's end from the next turn's begin.
            return True
    return False


def _runs_on(flat: list[Any]) -> bool:
    """Return whether the end of one turn can be read as the begin of the next: ``(aa?)+``."""
    first = _first(flat)
    for item in reversed(flat):
        name, argument = str(item[0]), item[1]
        if name in ("MAX_REPEAT", "MIN_REPEAT") and argument[0] != argument[1]:
            if _chars(item) & first and (len(flat) > 1 or int(argument[1]) > 1):
                return True
        elif name == "BRANCH":
            bodies = [_flat(body) for body in _bodies(item)]
            if bodies.count([]) > 1:
                return True
            if [] in bodies and any(_first(body) & first for body in bodies if body):
                return True
        if not _may_be_empty(item):
            break
    return False


def _can_prefix(one: list[Any], other: list[Any]) -> bool:
    """Return whether a text of ``one`` can begin a text of ``other``, as far as can be seen."""
    if len(one) > len(other):
        return False
    return all(_chars(mine) & _chars(theirs) for mine, theirs in zip(one, other, strict=False))


def _flat(body: Iterable[Any]) -> list[Any]:
    """Return the items of a body, groups undone and what matches no character left out."""
    found: list[Any] = []
    for item in body:
        name = str(item[0])
        if name in ("SUBPATTERN", "ATOMIC_GROUP"):
            found += _flat(_bodies(item)[0])
        elif name not in ("AT", "ASSERT", "ASSERT_NOT"):
            found.append(item)
    return found


def _is_long(item: Any) -> bool:
    name = str(item[0])
    if name in ("MAX_REPEAT", "MIN_REPEAT"):
        return int(item[1][1]) >= _MANY or any(_is_long(one) for one in _flat(item[1][2]))
    return any(_is_long(one) for body in _bodies(item) for one in _flat(body))


def _may_be_empty(item: Any) -> bool:
    name = str(item[0])
    if name in ("MAX_REPEAT", "MIN_REPEAT", "POSSESSIVE_REPEAT"):
        return int(item[1][0]) == 0 or all(_may_be_empty(one) for one in _flat(item[1][2]))
    if name == "BRANCH":
        return any(all(_may_be_empty(one) for one in _flat(body)) for body in _bodies(item))
    return name in ("GROUPREF", "GROUPREF_EXISTS")


def _first(body: list[Any]) -> Chars:
    """Return the characters that a sequence can begin with."""
    found: Chars = frozenset()
    for item in body:
        name = str(item[0])
        if name == "BRANCH":
            for one in item[1][1]:
                found |= _first(_flat(list(one)))
        elif name in ("MAX_REPEAT", "MIN_REPEAT", "POSSESSIVE_REPEAT"):
            found |= _first(_flat(list(item[1][2])))
        else:
            found |= _chars(item)
        if not _may_be_empty(item):
            break
    return found


def _chars(item: Any) -> Chars:
    """Return the characters that can stand in what an item matches; 0x100 for all beyond ASCII."""
    name, argument = str(item[0]), item[1]
    if name == "LITERAL":
        return frozenset((_code(argument),))
    if name == "NOT_LITERAL":
        return _EVERY - {argument}
    if name == "ANY":
        return _EVERY - {10}
    if name == "IN":
        return _set(argument)
    if name in ("MAX_REPEAT", "MIN_REPEAT", "POSSESSIVE_REPEAT"):
        return frozenset[int]().union(*[_chars(one) for one in _flat(argument[2])])
    if name in ("SUBPATTERN", "ATOMIC_GROUP", "BRANCH"):
        return frozenset[int]().union(
            *[_chars(one) for body in _bodies(item) for one in _flat(body)]
        )
    return _EVERY


def _code(point: int) -> int:
    if point < 128:
        return point
    char = chr(point)
    if char.isdigit():
        return _DIGIT
    return _BLANK if char.isspace() else _LETTER if char.isalpha() else _OTHER


def _set(parts: Iterable[Any]) -> Chars:
    found: set[int] = set()
    negated = False
    for part in parts:
        name, argument = str(part[0]), part[1]
        if name == "NEGATE":
            negated = True
        elif name == "LITERAL":
            found.add(_code(argument))
        elif name == "RANGE":
            low, high = argument
            found |= set(range(low, min(high, 127) + 1))
            if high > 127:
                found |= {_LETTER, _DIGIT, _OTHER}
        elif name == "CATEGORY":
            found |= _category(str(argument))
    return _EVERY - found if negated else frozenset(found)


def _category(name: str) -> set[int]:
    digits = set(range(48, 58))
    words = digits | set(range(65, 91)) | set(range(97, 123)) | {95, _LETTER, _DIGIT}
    spaces = {9, 10, 11, 12, 13, 32, _BLANK}
    for word, chars in (("DIGIT", {*digits, _DIGIT}), ("WORD", words), ("SPACE", spaces)):
        if name.endswith(f"NOT_{word}"):
            return set(_EVERY) - chars
        if name.endswith(word):
            return chars
    return set(_EVERY)
