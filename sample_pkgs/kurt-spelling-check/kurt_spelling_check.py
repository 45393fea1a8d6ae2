"""A check of one's own: words that many people misspell, in the manifest of a skill."""

from __future__ import annotations

import re
from collections.abc import Iterator

from kurt_ext.checks import Finding, Subject

_RIGHT = {
    "accomodate": "accommodate",
    "definately": "definitely",
    "occured": "occurred",
    "recieve": "receive",
    "seperate": "separate",
    "wich": "which",
}
_WORD = re.compile(rf"\b({'|'.join(_RIGHT)})\b", re.I)
RULES = ("spelling",)


def check(subject: Subject) -> Iterator[Finding]:
    """Yield a finding for each misspelt word, with its place; the skill is not imported."""
    for name in subject.files:
        text = (subject.source(name) or b"").decode("utf-8", "replace")
        for number, line in enumerate(text.splitlines(), start=1):
            for word in _WORD.finditer(line):
                yield subject.finding(
                    "spelling",
                    "warning",
                    f"{word[0]} is misspelt",
                    (name, number, word.start() + 1),
                    fix=f"write {_RIGHT[word[0].lower()]}",
                )
