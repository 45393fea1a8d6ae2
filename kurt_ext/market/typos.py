"""Words that are meant where nothing begins with what was typed.

An error is a letter that is wrong, missing or too many, or two neighbours swapped (the
optimal string alignment distance). Words that differ by two errors are the same without
two letters of each; so each word is filed under what its beginning is without some of its
letters, and what was typed is looked up under what its own is without some (symmetric
deletes over a prefix: W. Garbe, SymSpell, 2012). What is found is measured.
"""

from __future__ import annotations

from zlib import crc32

__all__ = ["allowed", "distance", "forgivable", "keys_of_term", "keys_of_typed"]

_SHORTEST, _LONGEST = 3, 32  # of words in which an error is forgiven
_LONG = 8  # letters, from which on two errors are
_BEGINNING = 7  # letters by which words are filed


def forgivable(word: str) -> bool:
    """Return whether errors in a word are forgiven: not in a number, or what is short or long."""
    return _SHORTEST <= len(word) <= _LONGEST and not word.isdigit()


def allowed(word: str) -> int:
    """Return how many errors are forgiven in a word that was typed."""
    return 2 if len(word) >= _LONG else 1


def keys_of_term(term: str) -> set[int]:
    """Return what a word that there is is filed under."""
    # It is two errors away from eight letters at least where it has six.
    return _keys(term, 2 if len(term) >= _LONG - 2 else 1)


def keys_of_typed(word: str) -> set[int]:
    """Return what a word that was typed is looked up under."""
    return _keys(word, allowed(word))


def _keys(word: str, errors: int) -> set[int]:
    found = {word[:_BEGINNING]}
    fresh = found
    for _ in range(errors):
        fresh = {one[:at] + one[at + 1 :] for one in fresh for at in range(len(one))}
        found |= fresh
    return {crc32(one.encode()) for one in found}


def distance(one: str, other: str, limit: int) -> int:
    """Return how many errors there are between two words; at most limit + 1."""
    if abs(len(one) - len(other)) > limit:
        return limit + 1
    above: list[int] = []
    row = list(range(len(other) + 1))
    for at, letter in enumerate(one, 1):
        below = [at]
        for to, another in enumerate(other, 1):
            cost = min(row[to] + 1, below[-1] + 1, row[to - 1] + (letter != another))
            swapped = at > 1 and to > 1 and letter == other[to - 2] and one[at - 2] == another
            below.append(min(cost, above[to - 2] + 1) if swapped else cost)
        if min(below) > limit:
            return limit + 1
        above, row = row, below
    return min(row[-1], limit + 1)
