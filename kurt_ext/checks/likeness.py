"""How alike two names are to whoever reads them in a hurry.

Typing slips (a letter too many, too few, another, two exchanged), separators left out, and
characters that look alike: ``rn`` and ``m``, ``1`` and ``l``, Cyrillic ``а`` and Latin ``a``.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator
from functools import lru_cache

__all__ = ["distance", "lookalikes", "nearest", "one_slip", "plain", "skeleton"]

#: Letters of other scripts that are drawn like Latin ones; the rest is told by its script.
_TWINS = str.maketrans(
    "абгдеѕіјкӏмнорстухԁԛԝһѵүєԍьАВЕКМНОРСТХЅІЈУԌԚԜαβγεικνορτυχωηϳΑΒΕΖΗΙΚΜΝΟΡΤΥΧοօսոհցꓲⅼᴏᴠᴡᴢɑɡıȷ",
    "a6rgesijklmhopctyxdqwhvyegbABEKMHOPCTXSIJYGQWaBysikvoptuxwnjABEZHIKMNOPTYXoounhgllovwzagij",
)
_LEET = str.maketrans("01345789", "olease" + "bg")
_CLUSTERS = (("rn", "m"), ("vv", "w"), ("cl", "d"), ("nn", "m"))
_SEPARATORS = str.maketrans("", "", "-_. ")


def plain(name: str) -> str:
    """Return a name without separators and case."""
    return unicodedata.normalize("NFKC", name).casefold().translate(_SEPARATORS)


def skeleton(name: str) -> str:
    """Return what a name looks like: equal for two names that are drawn alike."""
    text = unicodedata.normalize("NFKC", name.translate(_TWINS)).translate(_TWINS)
    text = text.replace("I", "l") if not text.isupper() and text[:1] != "I" else text
    text = text.casefold().translate(_SEPARATORS).translate(_LEET)
    for cluster, letter in _CLUSTERS:
        text = text.replace(cluster, letter)
    return text.replace("i", "l")


def lookalikes(text: str, *, whole: bool = False) -> Iterator[str]:
    """Yield the characters of other scripts that pass for Latin ones in a Latin word.

    :param whole: also in a word that has no Latin letter, and looks as if it had no other:
        that is honest in a title, which may be Russian, and not in an id.
    """
    for word in text.replace("-", " ").replace(".", " ").replace("_", " ").split():
        if word.isascii():
            continue
        latin = any(char.isascii() and char.isalpha() for char in word)
        if latin or (whole and all(_passes(char) for char in word)):
            yield from (char for char in word if not char.isascii() and _passes(char))


_KNOWN = frozenset(map(chr, _TWINS))


def _passes(char: str) -> bool:
    if char in _KNOWN:
        return True
    folded = unicodedata.normalize("NFKC", char)
    cased = unicodedata.category(char) in ("Ll", "Lu")  # neither ™ nor ² nor º
    return cased and folded != char and folded.isascii() and folded.isalpha()


def distance(one: str, other: str, limit: int = 2) -> int:
    """Return how many slips turn one name into another; ``limit + 1`` where it is more.

    A slip is a letter inserted, left out, exchanged for another, or two neighbours exchanged
    (Damerau, optimal string alignment).
    """
    if abs(len(one) - len(other)) > limit:
        return limit + 1
    before: list[int] = []
    row = list(range(len(other) + 1))
    for i, mine in enumerate(one, 1):
        last, before, row = before, row, [i]
        for j, theirs in enumerate(other, 1):
            best = min(before[j] + 1, row[j - 1] + 1, before[j - 1] + (mine != theirs))
            if i > 1 and j > 1 and mine == other[j - 2] and one[i - 2] == theirs:
                best = min(best, last[j - 2] + 1)
            row.append(best)
        if min(row) > limit:
            return limit + 1
    return min(row[-1], limit + 1)


def one_slip(one: str, other: str) -> bool:
    """Return whether exactly one slip turns one name into the other, in linear time."""
    longest = min(len(one), len(other))
    if one == other or max(len(one), len(other)) - longest > 1:
        return False
    start = 0
    while start < longest and one[start] == other[start]:
        start += 1
    end = 0
    while end < longest - start and one[-1 - end] == other[-1 - end]:
        end += 1
    mine, theirs = one[start : len(one) - end], other[start : len(other) - end]
    return max(len(mine), len(theirs)) == 1 or (len(mine) == 2 and mine == theirs[::-1])


def nearest(name: str, known: frozenset[str]) -> str | None:
    """Return the known name of five letters or more that one slip, or a look, separates.

    None where the name is known itself, or differs in a number alone.
    """
    flat = plain(name)
    looks = skeleton(name)
    found = None
    for one, other, drawn in _forms(known):
        if flat == other:
            return None  # PEP 503 takes them for one, or the index refuses the second
        if drawn == looks or (one_slip(flat, other) and not _numbered(flat, other)):
            found = found or one
    return found


@lru_cache(maxsize=4)
def _forms(known: frozenset[str]) -> tuple[tuple[str, str, str], ...]:
    return tuple([(one, plain(one), skeleton(one)) for one in sorted(known) if len(one) > 4])


def _numbered(one: str, other: str) -> bool:
    return one.rstrip("0123456789") == other.rstrip("0123456789")
