"""A check of one's own: words that many people misspell, in the manifest of a skill."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from kurt_ext.findings import Finding
from kurt_ext.manifest import Reading

_RIGHT = {
    "accomodate": "accommodate",
    "definately": "definitely",
    "occured": "occurred",
    "recieve": "receive",
    "seperate": "separate",
    "wich": "which",
}
_WORD = re.compile(rf"\b({'|'.join(_RIGHT)})\b", re.I)


def check(reading: Reading) -> Iterator[Finding]:
    """Yield a finding for each misspelt word, with its place; the skill is not imported."""
    for name in reading.files:
        text = Path(reading.folder, name).read_text(encoding="utf-8", errors="replace")
        for number, line in enumerate(text.splitlines(), start=1):
            for word in _WORD.finditer(line):
                yield Finding(
                    "spelling",
                    "warning",
                    f"{word[0]} is misspelt",
                    path=name,
                    line=number,
                    column=word.start() + 1,
                    fix=f"write {_RIGHT[word[0].lower()]}",
                )
