"""The form of an entry of the rulebook."""

from __future__ import annotations

from typing import NamedTuple

__all__ = ["Entry"]


class Entry(NamedTuple):
    """What is told of a rule.

    :param what: the rule, as a sentence.
    :param why: what goes wrong where it is broken.
    :param bad: an example that breaks it.
    :param good: the same, mended.
    """

    what: str
    why: str
    bad: str = ""
    good: str = ""

    def text(self) -> str:
        """Return the entry as a person reads it."""
        lines = [self.what, f"Why: {self.why}"]
        lines += [f"{word} {text}" for word, text in self._examples() if text]
        return "\n".join(lines)

    def _examples(self) -> tuple[tuple[str, str], ...]:
        return (("Bad: ", self.bad), ("Good:", self.good))
