"""Letters that look like Latin ones, scripts of words, and characters that nobody sees.

A small table of our own: the letters of Cyrillic, Greek, Armenian, Cherokee and
a few phonetic ones that a reader takes for Latin. Full-width, mathematical and
enclosed letters need no rows, for NFKC maps them.
"""

from __future__ import annotations

import unicodedata
from functools import cache

__all__ = ["BIDI", "INVISIBLE", "fold", "invisible", "mixed", "scripts", "skeleton"]

#: What each letter is taken for: look-alikes before the Latin letter, rows apart by blanks.
_ROWS = (
    "аɑαａᴀ:a ДᎪАΑ:A ЬƅᏏ:b ВΒᏴ:B сϲᴄⅽ:c СϹᏟ:C ԁɗᏧⅾ:d ᎠԀ:D еҽєεɛ℮:e ЕΕᎬЄ:E ƒғϝ:f ҒϜ:F "
    "ɡցԍ:g ԌᏀ:G һհᏂ:h НΗᎻ:H іιıɩⅰ:i ІΙӀ:I јϳ:j ЈᎫЈ:J кκĸᴋ:k КΚᏦ:K ӏⅼ:l ᏞⅬ:L мᴍⅿ:m МΜᎷⅯ:M "
    "пηռ:n ΝՆ:N оοօσഠ:o ОΟՕ:O рρϸ:p РΡᏢ:P ԛզգ:q Ԛ:Q гᴦ:r ᎡᏒ:R ѕꜱ:s ЅՏᏚ:S тτᴛ:t ТΤᎢ:T "
    "υսυᴜц:u ՍԱ:U ѵνᴠⅴ:v ѴᏙⅤ:V ѡωԝɯ:w ԜᎳ:W хχⅹ:x ХΧⅩ:X уγүყ:y УΥҮ:Y ᴢ:z ΖᏃ:Z "
    "ßβ:b ё:e Ё:E ї:i Ї:I й:n ӓ:a ӧ:o ӱ:y ҡқ:k һћђ:h џ:u в:b н:h м:m т:t л:n д:d э:e ы:bl"
)
#: Bidirectional embeddings, overrides and isolates, and the marks.
BIDI = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\u200e\u200f\u061c")
#: Zero-width characters and blanks that are letters to Python or to no one.
INVISIBLE = frozenset(
    "\u00ad\u034f\u115f\u1160\u17b4\u17b5\u180b\u180c\u180d\u180e\u200b\u200c\u200d\u2060\u2061"
    "\u2062\u2063\u2064\u206a\u206b\u206c\u206d\u206e\u206f\u3164\ufeff\uffa0\ufff9\ufffa\ufffb"
)


@cache
def _table() -> dict[int, str | None]:
    table: dict[int, str | None] = {}
    for row in _ROWS.split():
        alike, _, letter = row.rpartition(":")
        for character in alike:
            table.setdefault(ord(character), letter)
    table.update(dict.fromkeys(map(ord, INVISIBLE | BIDI)))
    # Variation selectors and tags are drawn as nothing either.
    table.update(dict.fromkeys((*range(0xFE00, 0xFE10), *range(0xE0000, 0xE01F0))))
    return table


@cache
def _unseen() -> dict[int, str | None]:
    return {point: new for point, new in _table().items() if new is None}


def invisible(character: str) -> bool:
    """Return whether a character is drawn as nothing at all."""
    return ord(character) in _unseen()


def fold(text: str) -> str:
    """Return the text without unseen characters and in NFKC, its letters in their scripts."""
    if text.isascii():
        return text
    return unicodedata.normalize("NFKC", text.translate(_unseen()))


def skeleton(text: str) -> str:
    """Return what a reader takes the text for: Latin letters in place of look-alikes.

    Two names with one skeleton can be told apart by a machine alone.
    """
    if text.isascii():
        return text
    plain = unicodedata.normalize("NFKC", text.translate(_unseen())).translate(_table())
    return "".join([c for c in unicodedata.normalize("NFD", plain) if not unicodedata.combining(c)])


@cache
def _script(character: str) -> str:
    if not character.isalpha():
        return ""
    name = unicodedata.name(character, "").partition(" ")[0]
    if name.startswith(("HIRAGANA", "KATAKANA", "IDEOGRAPHIC")):
        return "CJK"
    return name.partition("-")[0]


def scripts(text: str) -> frozenset[str]:
    """Return the scripts of a text's letters in Unicode's words, such as ``LATIN``.

    Letters are taken as NFKC has them, so that a mathematical bold ``x`` is LATIN.
    Kana and Chinese characters are one, for Japanese words have both.
    """
    if text.isascii():
        return frozenset(("LATIN",)) if any(map(str.isalpha, text)) else frozenset()
    found = {_script(character) for character in unicodedata.normalize("NFKC", text)}
    return frozenset(found - {""})


def mixed(word: str) -> bool:
    """Return whether a word has Latin letters among those of a script that resembles Latin."""
    if word.isascii():
        return False
    found = scripts(word)
    return "LATIN" in found and bool(found & {"GREEK", "CYRILLIC", "ARMENIAN", "CHEROKEE"})
