"""Ask whether a name or a word in code is another one than it seems.

Python reads names in NFKC, so that a mathematical bold ``exec`` is `exec`, and
tells apart letters that nobody can: a Cyrillic ``а`` in ``is_allowed`` makes a
second function. Names in one script are as good as Latin ones, and so are
Greek letters of formulas.

Bad::

    def is_аllowed(user): ...      # a Cyrillic letter
    group != "ad<U+200B>min"

Good::

    Δx = λ * 2
    имя = "user"
"""

from __future__ import annotations

import io
import keyword
import tokenize
import unicodedata
from collections.abc import Iterator
from typing import TYPE_CHECKING

from ..findings import Finding

if TYPE_CHECKING:
    from .subject import Subject

__all__ = ["CATEGORY", "RULES", "check"]

RULES = (
    "disguised-name",
    "twin-names",
    "mixed-script-name",
    "invisible-name",
    "unseen-in-string",
    "lookalike-string",
)
CATEGORY = "unicode_deception"


def check(subject: Subject) -> Iterator[Finding]:
    """Yield the deceiving names of each module, each name once."""
    for path in getattr(subject, "all_modules", subject.modules):
        data = subject.source(path)
        if data is None or data.isascii() or not _suspicious(data.decode("utf-8", "replace")):
            continue
        names: dict[str, tuple[int, int]] = {}
        strings: list[tuple[str, int, int]] = []
        for kind, text, line, column in _tokens(data):
            if kind == tokenize.NAME or kind == tokenize.ERRORTOKEN:
                names.setdefault(text, (line, column))
            elif not text.isascii():
                strings.append((text, line, column))
        for name, (line, column) in names.items():
            if not name.isascii():
                yield from _name(subject, name, names, (path, line, column))
        for text, line, column in strings:
            yield from _string(subject, text, names, (path, line, column))


def _suspicious(text: str) -> bool:
    """Return whether a text has a word that could deceive, in code or elsewhere.

    A cheap look, so that a module with an author's accents is not taken apart.
    """
    import re

    from ..analysis.confusables import BIDI, INVISIBLE, skeleton

    runs = set(re.findall("[^\x00-\x7f]+", text))
    letters = {c for run in runs for c in run}
    if letters & (INVISIBLE | BIDI):
        return True
    if not any(c.isalpha() or unicodedata.normalize("NFKC", c).isalpha() for c in letters):
        return False
    words = set(re.findall(r"\w*[^\W\x00-\x7f]\w*", text))
    for word in words:
        plain = unicodedata.normalize("NFKC", word)
        if plain.isascii():
            return True
        latin = all(c.isascii() or ord(c) < 0x250 for c in plain)
        bare = skeleton(word)
        if not latin and (bare.isascii() or any(map(str.isascii, word))):
            return True
        # An accented name deceives only beside the name without the accent.
        if latin and len(bare) > 1 and bare != word and re.search(rf"\b{re.escape(bare)}\b", text):
            return True
    return False


def _tokens(data: bytes) -> Iterator[tuple[int, str, int, int]]:
    """Yield names and strings; up to where the text stops being Python."""
    text = data.decode("utf-8", "replace").removeprefix("\ufeff")
    wanted = (
        tokenize.NAME,
        tokenize.STRING,
        tokenize.ERRORTOKEN,
        getattr(tokenize, "FSTRING_MIDDLE", -1),
    )
    try:
        for token in tokenize.generate_tokens(io.StringIO(text).readline):
            if token.type in wanted and token.string.strip():
                yield token.type, token.string, token.start[0], token.start[1] + 1
    except (tokenize.TokenError, SyntaxError, ValueError):
        return


def _name(
    subject: Subject, name: str, names: dict[str, tuple[int, int]], place: tuple[str, int, int]
) -> Iterator[Finding]:
    import builtins

    from ..analysis.confusables import fold, invisible, mixed, scripts, skeleton

    plain = unicodedata.normalize("NFKC", name)
    bare = skeleton(name)
    shown = ascii(name)[1:-1][:200]
    if any(invisible(c) for c in name):
        yield _told(
            subject,
            "invisible-name",
            "critical" if not fold(name).strip("_") else "high",
            "a name has letters that are drawn as nothing",
            place,
            shown,
        )
    elif plain.isascii():
        # µ, ª and ligatures in a name of several letters come with a keyboard; bold ones do not.
        grave = hasattr(builtins, plain) or keyword.iskeyword(plain) or plain in names
        styled = sum(not c.isascii() for c in name) > 1 or len(plain) > 2
        if grave or (styled and len(plain) > 1):
            severity = "critical" if grave else "medium"
            yield _told(
                subject,
                "disguised-name",
                severity,
                f"Python reads this name as {plain}",
                place,
                shown,
            )
    elif (
        bare in names
        and bare != name
        and bare.isascii()
        and len(bare) > 1
        and "LATIN" in scripts(name)
    ):
        yield _told(
            subject,
            "twin-names",
            "critical",
            f"this name looks like {bare}, which is another one",
            place,
            shown,
        )
    elif (
        bare.isascii()
        and len(bare) > 1
        and (hasattr(builtins, bare) or keyword.iskeyword(bare) or bare in names)
    ):
        yield _told(
            subject,
            "twin-names",
            "high",
            f"this name looks like {bare}, which is another one",
            place,
            shown,
        )
    elif any(mixed(part) and _deceives(part) for part in name.split("_")):
        yield _told(
            subject,
            "mixed-script-name",
            "high",
            "a name mixes Latin letters with their look-alikes",
            place,
            shown,
        )


def _deceives(part: str) -> bool:
    """Return whether foreign letters among Latin ones pass for Latin; Δx and μs do not."""
    from ..analysis.confusables import scripts, skeleton

    foreign = [c for c in part if not c.isascii() and c.isalpha()]
    if scripts(part) & {"CYRILLIC", "ARMENIAN", "CHEROKEE"}:
        return skeleton(part).isascii() or len(foreign) * 2 < len(part)
    # A Greek letter at an end is a symbol of a formula; among letters it is not.
    return skeleton(part).isascii() and any(
        not c.isascii() and c not in "μλΔσπ" for c in part[1:-1]
    )


def _string(
    subject: Subject, text: str, names: dict[str, tuple[int, int]], place: tuple[str, int, int]
) -> Iterator[Finding]:
    import re

    from ..analysis.confusables import BIDI, INVISIBLE, mixed, skeleton

    if "\n" in text:
        return
    bare = text.strip("\"'bBrRuUfF")
    shown = ascii(bare)[1:-1][:200]
    unseen = [c for c in bare if (c in INVISIBLE or c in BIDI) and c != "\u00ad"]
    within = re.search(
        "[A-Za-z0-9][\u200b-\u200d\u2060-\u2064\ufeff\u3164\u115f\u1160\u180e][A-Za-z0-9]", bare
    )
    if (
        unseen
        and len(bare) < 80
        and (
            within
            or (
                (bare[:1] in unseen or bare[-1:] in unseen)
                and len(bare) > len(unseen)
                and bare.replace("".join(unseen), "").isascii()
            )
        )
    ):
        yield _told(
            subject,
            "unseen-in-string",
            "high",
            "a string is not the word it seems to be",
            place,
            shown,
        )
    elif (
        len(bare) < 40
        and " " not in bare
        and mixed(bare)
        and skeleton(bare).isascii()
        and _deceives(bare)
    ):
        yield _told(
            subject,
            "lookalike-string",
            "high",
            f"a string looks like {skeleton(bare)} and is not",
            place,
            shown,
        )


def _told(
    subject: Subject,
    rule: str,
    severity: str,
    message: str,
    place: tuple[str, int, int],
    shown: str,
) -> Finding:
    return subject.finding(
        *(rule, severity, message, place),
        confidence="certain",
        evidence=shown,
        fix="write the name in one script, and what is not seen as an escape",
    )
