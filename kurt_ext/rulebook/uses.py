"""The rules of a judgement that no check has: of its caller, and of what it could not read."""

from __future__ import annotations

from .entry import Entry

__all__ = ["ENTRIES"]

ENTRIES = {
    "metadata-differs": Entry(
        "The manifest on the disk is the one that the caller knows.",
        "A plugin that was swapped for another would be judged as the one that was asked for.",
    ),
    "not-analysed": Entry(
        "Every module can be read: it is Python, and of at most 8 MiB.",
        "What was not looked into may do anything, and need permissions that nobody has listed.",
    ),
}
