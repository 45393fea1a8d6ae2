"""What a sentence speaks of, in many tongues: keeping quiet, sending away, judging, trusting.

The phrases of ``concepts.txt`` are tried only where one of their first words
stands, which a table knows; those that begin with no word, and those of scripts
that are written without blanks or with their own endings, are searched for.
Every gap is bounded, and so is the length of what is searched.
"""

from __future__ import annotations

import os
import re
import unicodedata
from functools import cache, lru_cache
from typing import NamedTuple

__all__ = ["Text", "folded", "speaks"]

_GAP = r"(?:[\W_]+\w+){0,4}?[\W_]+"
_WIDE_GAP = r".{0,14}?"
_WORD = re.compile(r"\w+")
_OTHER = re.compile("[\u0370-\u1fff\u2e80-\uffff]")
_LONGEST_STEM = 14


@cache
def _accents() -> dict[int, int]:
    """Latin letters with accents → the letters alone; one for one, so that places stay."""
    bare = {point: unicodedata.normalize("NFD", chr(point))[0] for point in range(0xC0, 0x250)}
    return {point: ord(letter) for point, letter in bare.items() if letter.isascii()} | {
        ord("’"): ord("'"),
        ord("ß"): ord("s"),
    }


def folded(text: str) -> str:
    """Return a text in lower case, without the accents of Latin letters, as long as before."""
    if text.isascii():
        return text.lower()
    low = text.lower()
    return (low if len(low) == len(text) else text).translate(_accents())


class _Concept(NamedTuple):
    """How a concept is found: expressions that are joined when they are asked for first.

    :param led: what begins with a word of the table, to be matched there.
    :param loose: what begins otherwise.
    :param wide: what is not Latin.
    """

    led: list[str]
    loose: list[str]
    wide: list[str]


class _Table:
    """The concepts, and the words that their phrases begin with."""

    def __init__(self) -> None:
        self.exact: dict[str, set[str]] = {}
        self.stems: dict[str, set[str]] = {}
        self.concepts: dict[str, _Concept] = {}
        path = os.path.join(os.path.dirname(__file__), "concepts.txt")
        with open(path, encoding="utf-8") as file:
            for line in file:
                name, colon, phrases = line.rstrip().partition(": ")
                if not colon or name.startswith("#"):
                    continue
                for phrase in phrases.split(", "):
                    self._add(name, phrase.strip().translate(_accents()))

    def _add(self, name: str, phrase: str) -> None:
        other = name.endswith("~")
        name = name.rstrip("~")
        concept = self.concepts.setdefault(name, _Concept([], [], []))
        if other or _OTHER.search(phrase):
            concept.wide.append(_source(phrase, wide=other))
            return
        firsts = _firsts(phrase)
        (concept.loose if firsts is None else concept.led).append(_source(phrase, wide=False))
        for word, stem in firsts or ():
            (self.stems if stem else self.exact).setdefault(word, set()).add(name)


@cache
def _table() -> _Table:
    return _Table()


@cache
def _joined(name: str, part: str) -> re.Pattern[str] | None:
    sources = getattr(_table().concepts[name], part)
    return re.compile("|".join(sources)) if sources else None


def _firsts(phrase: str) -> set[tuple[str, bool]] | None:
    """Return the words that a phrase can begin with, and whether each is but a beginning."""
    if phrase.startswith("("):
        if phrase.startswith("(?"):
            return None
        depth, parts, start = 0, [], 1
        for at, letter in enumerate(phrase):
            depth += (letter == "(") - (letter == ")")
            if (letter == "|" and depth == 1) or depth == 0:
                parts.append(phrase[start:at])
                start = at + 1
            if depth == 0:
                break
        rest = phrase[start:]
        if rest.startswith("?"):
            parts, rest = [*parts, ""], rest[1:]
        found: set[tuple[str, bool]] = set()
        for part in parts:
            inner = _firsts(part + rest)
            if inner is None:
                return None
            found |= inner
        return found
    begun = re.match(r"[^\W_]+", phrase)
    if begun is None:
        return None
    word, after = begun[0], phrase[begun.end() : begun.end() + 1]
    if after == "?":
        word = word[:-1]
    if not word:
        return None
    return {(word[:_LONGEST_STEM], after not in ("", " ", "-"))}


def _source(phrase: str, *, wide: bool) -> str:
    """Return the expression for a phrase of ``concepts.txt``."""
    gap = _WIDE_GAP if wide else _GAP
    phrase = re.sub(r"(?:(?<=[^\W\d_])(?<!\\[a-zA-Z])|(?<=\)))\*", r"\\w*", phrase)
    phrase = phrase.replace("'", "'?")
    if wide:
        return phrase.replace(" .. ", gap).replace(" ..", gap).replace("..", gap).replace(" ", " ?")
    open_end = phrase.endswith((r"\w*", "/", ":", "?:)", r"\S*"))
    if phrase.endswith(" .."):
        phrase = phrase[:-3] + r"[\W_]+\w+"
        open_end = True
    phrase = re.sub(r" \.\. ?", "\0", phrase).replace(" ", r"[\W_]{1,3}").replace("\0", gap)
    start = r"(?<!\w)" if phrase[0].isalnum() or phrase[0] == "(" else ""
    return f"{start}(?:{phrase})" + ("" if open_end else r"(?!\w)")


@lru_cache(maxsize=65536)
def _begins(word: str) -> frozenset[str]:
    """Return the concepts that have a phrase which begins with a word."""
    table = _table()
    found = set(table.exact.get(word, ()))
    for size in range(1, min(len(word), _LONGEST_STEM) + 1):
        found |= table.stems.get(word[:size], _NONE)
    return frozenset(found)


_NONE: frozenset[str] = frozenset()


class Text:
    """A folded text with the words that concepts begin with.

    :param text: see :func:`folded`.
    """

    __slots__ = ("_at", "_found", "other", "text")

    def __init__(self, text: str) -> None:
        self.text = text
        self.other = not text.isascii() and _OTHER.search(text) is not None
        self._at: dict[str, list[int]] = {}
        for word in _WORD.finditer(text):
            for name in _begins(word[0]):
                self._at.setdefault(name, []).append(word.start())
        self._found: dict[str, list[re.Match[str]]] = {}

    def all(self, name: str) -> list[re.Match[str]]:
        """Return where the text speaks of a concept, six places at most, in their order."""
        found = self._found.get(name)
        if found is None:
            found = self._found[name] = self._search(name)
        return found

    def _search(self, name: str) -> list[re.Match[str]]:
        found: list[re.Match[str]] = []
        led = _joined(name, "led") if name in self._at else None
        for at in self._at[name] if led is not None else ():
            hit = led.match(self.text, at) if led is not None else None
            if hit is not None:
                found.append(hit)
                if len(found) == _MOST:
                    break
        for part in ("loose", "wide") if self.other else ("loose",):
            pattern = _joined(name, part)
            if pattern is not None:
                hits = pattern.finditer(self.text)
                found += [hit for _, hit in zip(range(_MOST), hits, strict=False)]
        found.sort(key=_start)
        return found[:_MOST]


_MOST = 6


def _start(found: re.Match[str]) -> int:
    return found.start()


def speaks(name: str, text: str) -> bool:
    """Return whether a folded text speaks of a concept."""
    return bool(Text(text).all(name))
