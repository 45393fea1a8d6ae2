"""Which skills have a word, and where they have it.

A word of a skill lies in one of four places, and weighs as much as the best of them. What
is read of a word, and of beginnings that many words share, are four sets, one within
another: skills that have it at all, in more than the summary, in a name or tag, in a name.
Few are stored as a list of numbers, many as bits, deflated: these are read in the same
time however many they are.
"""

from __future__ import annotations

import re
import sys
import unicodedata
from array import array
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple
from zlib import compress, decompress
from zlib import error as ZlibError

from . import bitmaps

__all__ = ["NAME", "PUBLISHER", "SUMMARY", "TAG", "Sets", "Weights", "encode", "folded", "stems"]

MAX_WORD = 64
#: Places, the lesser first. A word that only begins with what is asked for weighs 1, 2, 4 or
#: 6 there; the whole of it one more.
SUMMARY, PUBLISHER, TAG, NAME = range(4)
_WORD = re.compile("[a-z0-9]+")
_LIST, _BITMAP = b"L", b"B"
#: Entries that are stored as a list: at least so many, and one of so many skills.
_LEAST, _THIN = 128, 256
_JOINED = 2000  # entries that are read one by one for the beginning of a word
_OF_BITS, _OF_TERM = 500, 8  # entries that cost as much as a set of bits, and as a word

Sets = tuple[int, int, int, int]
NONE: Sets = (0, 0, 0, 0)


def folded(text: str) -> list[str]:
    """Return the words of a text in their order: letters and digits, without case or accents."""
    text = text.lower()
    if text.isascii():
        found = _WORD.findall(text)
    else:
        plain = [c for c in unicodedata.normalize("NFKD", text) if not unicodedata.combining(c)]
        found = "".join([c if c.isalnum() else " " for c in plain]).split()
    return [word[:MAX_WORD] for word in found]


class Weights(NamedTuple):
    """What a word weighs in each skill, 0 to 7.

    :param planes: the three bits of the weight, the least first.
    :param many: how many skills have it.
    """

    planes: tuple[int, int, int]
    many: int

    @property
    def every(self) -> int:
        """Skills that have the word."""
        ones, twos, fours = self.planes
        return ones | twos | fours if fours else ones | twos if twos else ones

    @property
    def names(self) -> int:
        """Skills that have it in a name or a tag: where it weighs 4 or more."""
        return self.planes[2]

    @classmethod
    def of(cls, begin: Sets, whole: Sets) -> Weights:
        """Return the weights of a word.

        :param begin: skills with a word that begins with it. ``whole``: with the very word.
        """
        least = begin[SUMMARY]
        two, three = begin[PUBLISHER] | whole[SUMMARY], begin[TAG] | whole[PUBLISHER]
        four, five = begin[TAG], begin[NAME] | whole[TAG]
        six, seven = begin[NAME], whole[NAME]
        # Each lies within the one before it, so that `^` is what that one has beyond it.
        ones = seven | (five ^ six) | (three ^ four) | (least ^ two)
        return cls((ones, six | (two ^ four), four), least.bit_count())


# -- as bytes ------------------------------------------------------------------------


def encode(entries: Sequence[int], size: int) -> bytes:
    """Return entries of a word as bytes.

    :param entries: number of a skill · 4 + place, of each skill once.
    :param size: more than any number.
    """
    if len(entries) > max(_LEAST, size // _THIN):
        return encode_sets(_within(_apart(entries, size)))
    found = array("I", entries)
    if sys.byteorder == "big":
        found.byteswap()
    return _LIST + found.tobytes()


def encode_sets(sets: Sets) -> bytes:
    """Return sets as bytes."""
    apart = [bitmaps.without(one, above) for one, above in zip(sets, (*sets[1:], 0), strict=True)]
    parts = [compress(bitmaps.to_bytes(one), 1) if one else b"" for one in apart]
    return _BITMAP + b"".join([len(part).to_bytes(4, "little") + part for part in parts])


def _apart(entries: Iterable[int], size: int) -> list[int]:
    """Return a set of the skills in each place."""
    rooms = tuple([bytearray(size // 8 + 1) for _ in range(4)])
    for entry in entries:
        rooms[entry & 3][entry >> 5] |= 1 << (entry >> 2 & 7)
    empty = bytes(size // 8 + 1)
    return [0 if room == empty else bitmaps.of_bytes(room) for room in rooms]


def _within(apart: Sequence[int]) -> Sets:
    name = apart[NAME]
    tag = apart[TAG] | name
    publisher = apart[PUBLISHER] | tag
    return apart[SUMMARY] | publisher, publisher, tag, name


def decode(rows: Iterable[bytes], size: int) -> Sets:
    """Return the sets of all rows together.

    :raises ValueError: when one is damaged.
    """
    entries = array("I")
    found = [0, 0, 0, 0]
    for row in rows:
        if row[:1] == _LIST:
            entries.frombytes(row[1:])
            continue
        at = 1
        for place in range(4):
            end = at + 4 + int.from_bytes(row[at : at + 4], "little")
            if end > at + 4:
                found[place] |= bitmaps.of_bytes(_inflated(row[at + 4 : end]))
            at = end
    if entries:
        if sys.byteorder == "big":
            entries.byteswap()
        try:
            found = [one | more for one, more in zip(found, _apart(entries, size), strict=True)]
        except IndexError:
            raise ValueError("a skill is listed that there is not") from None
    return _within(found)


def _inflated(data: bytes) -> bytes:
    try:
        return decompress(data)
    except ZlibError as error:
        raise ValueError(str(error)) from error


def joined(one: Sets, other: Sets) -> Sets:
    """Return what is in either."""
    return one[0] | other[0], one[1] | other[1], one[2] | other[2], one[3] | other[3]


# -- beginnings ----------------------------------------------------------------------


def stems(terms: Sequence[str], rows: Mapping[str, bytes], size: int) -> Iterator[tuple[str, Sets]]:
    """Return beginnings of words that are so many that they are joined beforehand.

    With these, what is read for a word is bounded, whatever it is.

    :param terms: all words, sorted. ``rows``: what `encode` has made of each.
    """
    costs = [_cost(rows[term]) for term in terms]
    yield from _stems(terms, rows, costs, 0, len(terms), 1, size)


def _cost(row: bytes) -> int:
    return _OF_TERM + (len(row) // 4 if row[:1] == _LIST else _OF_BITS)


def _stems(
    terms: Sequence[str],
    rows: Mapping[str, bytes],
    costs: Sequence[int],
    start: int,
    end: int,
    length: int,
    size: int,
) -> Iterator[tuple[str, Sets]]:
    """Return the joined beginnings of a length and above, of terms that begin alike before it."""
    at = start
    while at < end:
        prefix = terms[at][:length]
        to, cost = at, 0
        while to < end and terms[to][:length] == prefix:
            cost += costs[to]
            to += 1
        if len(prefix) == length and to - at > 1 and cost > _JOINED:
            below = list(_stems(terms, rows, costs, at, to, length + 1, size))
            joint = NONE
            inner = [(stem, sets) for stem, sets in below if len(stem) == length + 1]
            for _, sets in inner:
                joint = joined(joint, sets)
            known = {stem for stem, _ in inner}
            left = [term for term in terms[at:to] if term[: length + 1] not in known]
            yield prefix, joined(joint, decode([rows[term] for term in left], size))
            yield from below
        at = to
