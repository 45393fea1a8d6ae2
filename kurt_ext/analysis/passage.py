"""A sentence with those beside it, and whether what it asks for is meant."""

from __future__ import annotations

from collections.abc import Sequence

from .concepts import speaks
from .said import Said, beside

__all__ = ["Found", "Passage", "english"]

_AWAY = ("http://", "https://", "mailto:", "nslookup", "dig ")

#: Rule, weight, what it does, and where in the sentence.
Found = tuple[str, int, str, int]


class Passage:
    """A sentence with those beside it."""

    __slots__ = ("_around", "_hush", "_unasked", "described", "here", "index", "page")

    def __init__(self, page: Sequence[Said], index: int, described: bool) -> None:
        self.page, self.index, self.described = page, index, described
        self.here = page[index]
        self._hush: bool | None = None
        self._unasked: bool | None = None
        self._around: list[Said] | None = None

    @property
    def around(self) -> list[Said]:
        """The sentence and those beside it."""
        if self._around is None:
            self._around = beside(self.page, self.index)
        return self._around

    @property
    def hush(self) -> bool:
        """Whether something is to be kept from the user here."""
        if self._hush is None:
            self._hush = any(said.has("HUSH") for said in self.around)
        return self._hush

    @property
    def unasked(self) -> bool:
        """Whether the user is not to be asked."""
        if self._unasked is None:
            self._unasked = any(said.has("UNASKED") for said in self.around)
        return self._unasked

    def any(self, name: str) -> bool:
        """Return whether one of the sentences speaks of a concept."""
        return any(said.has(name) for said in self.around)

    @property
    def away(self) -> bool:
        """Whether an address stands here."""
        text = self.here.text
        return any(mark in text for mark in _AWAY) or ("@" in text and self.here.has("RECIPIENT"))

    def excuses(self, found: Found) -> bool:
        """Return whether the act is told of, not asked for."""
        here, at = self.here, found[3]
        if here.hidden:
            return False
        if here.excused or here.labelled:
            return True
        if speaks("NOT", here.text[:30]) and speaks("WARNS", here.text):
            return True
        warned = speaks("WARNS", here.text[:at] if not here.quoted(at) else here.text)
        if warned and found[0] != "judge-bait":
            return True
        if here.quoted(at):
            return any(
                said.has("NOT") or said.has("WARNS") or said.labelled for said in self.around
            )
        return False


def english(text: str) -> bool:
    """Return whether a text has one of the small words of English."""
    return any(
        f" {word} " in f" {text} "
        for word in ("the", "your", "you", "to", "of", "and", "this", "these", "are")
    )
