"""Say how many there are of something, for people."""

from __future__ import annotations

__all__ = ["amount"]


def amount(count: int, one: str, more: str = "") -> str:
    """Return a number and its word: ``1 skill``, ``2 skills``, ``12,345 files``.

    :param one: the word, or words, for one.
    :param more: those for any other number; ``one`` and an s if empty.
    """
    return f"{count:,} {one if count == 1 else more or one + 's'}"
