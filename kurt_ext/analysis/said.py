"""Sentences as they are judged: what they speak of, what is forbidden, quoted or an account.

A page is read as one row of sentences. Those beside one another belong
together, wherever an item, a paragraph or a full stop parts them: what is kept
secret is often said in the sentence after the one that asks for it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence

from .concepts import Text, folded, speaks
from .prose import Piece, Sentence, Word, samples

__all__ = ["Said", "beside", "labelled", "parted", "spoken"]

_LONGEST = 1_200  # characters of a sentence; a longer one is read as several
_STOP = re.compile(r"(?:[.!?]+[\"'”»)\]*_`]{0,3}(?=\s)|[。！？]+[」』”]?|\n[ \t]*\n)\s*")
_QUOTED = re.compile(
    r"\"[^\"\n]{6,600}\"|“[^”]{6,600}”|„[^“”]{6,600}[“”]|«[^»]{6,600}»|「[^」]{6,300}」"
)
_LABEL = re.compile(
    r"\W{0,6}(?:bad|wrong|don'?ts?|avoid|anti-?pattern|incorrect|unsafe|not ok|never|poisoned"
    r"|falsch|schlecht|schlimm|mauvais|incorrecto|mal|errado|sbagliato"
    r"|плохо|неверно|错误|坏|悪い例|나쁜)\b[^:]{0,24}:"
)
_TALKING = ("", "text", "txt", "markdown", "md", "prompt", "plain", "plaintext", "xml", "html")
_NOT_SEEN = frozenset(("comment", "unseen"))
_ITEM = re.compile(r"\s*(?:[-*+|>]|\d{1,3}[.)])\s")


class Said:
    """One sentence of a page.

    :param text: as it is read: in lower case, without accents.
    :param raw: as it stands there.
    :param excused: it stands in an account of attacks.
    """

    __slots__ = ("_quotes", "_words", "excused", "line", "piece", "raw", "start", "text")

    def __init__(self, raw: str, start: int, piece: Piece, excused: bool) -> None:
        self.raw, self.start, self.piece, self.excused = raw, start, piece, excused
        self.text = folded(raw)
        self.line = piece.line + piece.text.count("\n", 0, start)
        self._words: Text | None = None
        self._quotes: list[tuple[int, int]] | None = None

    @property
    def hidden(self) -> bool:
        """Whether a person does not see it."""
        return bool(self.piece.hidden)

    def find(self, name: str) -> re.Match[str] | None:
        """Return where it speaks of a concept first."""
        found = self.all(name)
        return found[0] if found else None

    def all(self, name: str) -> list[re.Match[str]]:
        """Return where it speaks of a concept, in the order of the text."""
        if self._words is None:
            self._words = Text(self.text)
        return self._words.all(name)

    def has(self, *names: str) -> bool:
        """Return whether it speaks of all of these concepts."""
        return all(map(self.all, names))

    def asks(self, name: str) -> int:
        """Return where it asks for a concept: neither forbidden nor quoted; -1 if nowhere."""
        for found in self.all(name):
            start = found.start()
            if not self.forbidden(start) and not self.quoted(start):
                return start
        return -1

    def forbidden(self, at: int) -> bool:
        """Return whether a word of denial stands before a place, in its clause."""
        before = re.split(
            r"[,;:.!?(—–]|\band\b|\bund\b|\bet\b|\by\b", self.text[max(0, at - 60) : at]
        )[-1]
        return speaks("NOT", before[-30:])

    def quoted(self, at: int) -> bool:
        """Return whether a place stands between quotation marks."""
        if self._quotes is None:
            self._quotes = [found.span() for found in _QUOTED.finditer(self.raw)]
        return any(start <= at < end for start, end in self._quotes)

    @property
    def labelled(self) -> bool:
        """Whether it is shown as a bad example."""
        return labelled(self.text)

    def sentence(self) -> Sentence:
        """Return it as a sentence of the prose, for a report."""
        words = tuple([Word(word, frozenset(), False, False) for word in self.raw.split()[:120]])
        column = self.start - self.piece.text.rfind("\n", 0, self.start)
        return Sentence(words, frozenset(), self.line, column, self.piece)


def labelled(text: str) -> bool:
    """Return whether a sentence is shown as a bad example: ``Bad: "…"``."""
    return _LABEL.match(text.lower()) is not None


def spoken(pieces: Iterable[Piece], *, about: bool = False) -> list[Said]:
    """Return the sentences of a page in their order, with whether they are an account of attacks.

    :param about: whether the page is about attacks, so that what is quoted is an example.
    """
    found: list[Said] = []
    heading = lead = table = sampled = False
    for piece in pieces:
        if piece.place == "fence" and piece.language not in _TALKING:
            continue
        text = piece.text
        start = text.lstrip()[:3]
        item = _ITEM.match(text) is not None or piece.place in ("fence", "quote")
        if piece.place not in _NOT_SEEN and len(text) < 2_000:
            if start.startswith("#"):
                heading, lead = _warns(text), False
            elif not item:
                lead = text.rstrip().endswith((":", "：")) and (_warns(text) or _denies(text))
        if start[:1] != "|":
            table = sampled = False
        elif not table:
            table, sampled = True, samples(text)
        shown = item and (lead or heading or sampled) and not piece.hidden
        if about and piece.place in ("fence", "quote"):
            shown = True
        found += [Said(raw, at, piece, shown) for at, raw in parted(text)]
    return found


def _warns(text: str) -> bool:
    return speaks("WARNS", folded(text))


def _denies(text: str) -> bool:
    return speaks("NOT", folded(text))


def parted(text: str) -> Iterator[tuple[int, str]]:
    """Yield the sentences of a text with where they begin."""
    start = 0
    for stop in _STOP.finditer(text):
        yield from _cut(text, start, stop.end())
        start = stop.end()
    yield from _cut(text, start, len(text))


def _cut(text: str, start: int, end: int) -> Iterator[tuple[int, str]]:
    for at in range(start, end, _LONGEST):
        raw = text[at : min(at + _LONGEST, end)]
        if len(raw) > 3 and not raw.isspace():
            yield at, raw


def beside(page: Sequence[Said], index: int, before: int = 1, after: int = 2) -> list[Said]:
    """Return a sentence with those that stand beside it, at most three lines away."""
    here = page[index]
    return [
        other
        for other in page[max(0, index - before) : index + after + 1]
        if abs(other.line - here.line) <= 3 and not other.text.startswith("#")
    ]
