"""Ask whether a text holds characters or places that a person does not see.

What a person cannot see they cannot judge, and an agent reads it all the same:
tags that mirror ASCII, variation selectors that carry bytes, zero-width
characters within words, letters that run backwards on the screen, and text far
outside of the window. Some characters start a line in an editor and none in
Python, so that a comment seems to end.

Bad::

    Keep it short.<U+E0049 U+E0067 U+E006E …>

Good::

    Keep it short. ✈️
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from functools import cache
from typing import TYPE_CHECKING

from ..findings import Finding

if TYPE_CHECKING:
    from .subject import Subject

__all__ = ["CATEGORY", "RULES", "check"]

RULES = (
    *("tag-characters", "selector-run", "bidi-control", "zero-width", "out-of-sight"),
    "false-line",
)
CATEGORY = dict.fromkeys(RULES, "unicode_deception") | {"out-of-sight": "prompt_injection"}

_CONTROLS = (0x0B, 0x0C, 0x1C, 0x1D, 0x1E)
_TEXTS = (
    *(".md", ".markdown", ".mdx", ".mdc", ".txt", ".rst", ".yaml", ".yml", ".toml", ".json"),
    *(".py", ".pyi", ".html", ".htm", ".sh", ".js", ".ts", ".cfg", ".ini", ""),
)
_OVERRIDES = "\u202a\u202b\u202d\u202e\u2066\u2067\u2068"
_MARKUP = (".md", ".markdown", ".mdx", ".mdc", ".html", ".htm")
_UNSEEN_WORDS = 4
_LACED = 16  # zero-width characters within words of a file
_CODE = (".py", ".pyi", ".pyw")
_LINE_ENDS = (b"\xe2\x80\xa8", b"\xe2\x80\xa9", b"\xc2\x85", *(bytes([n]) for n in _CONTROLS))


def check(subject: Subject) -> Iterator[Finding]:
    """Yield what is out of sight in each text, once for each kind and file."""
    for path in subject.paths:
        if os.path.splitext(path)[1].lower() not in _TEXTS:
            continue
        data = subject.source(path)
        if data is None or b"\0" in data[:1024]:
            continue
        if not data.isascii():
            text = data.decode("utf-8", "replace")
            if _unseen().search(text):
                yield from _characters(subject, path, text)
        if path.endswith(_CODE):
            yield from _lines(subject, path, data)
        if path.lower().endswith(_MARKUP) and _placed(data):
            yield from _places(subject, path, data.decode("utf-8", "replace"))


@cache
def _unseen() -> re.Pattern[str]:
    """Every character that this check asks of; most texts that are not ASCII have none."""
    return re.compile(
        "[\u00ad\u034f\u115f\u1160\u180b-\u180e\u200b-\u200f\u202a-\u202e\u2060-\u206f\u3164\ufe00-\ufe0f"
        "\ufeff\uffa0\U000e0000-\U000e01ef]"
    )


def _placed(data: bytes) -> bool:
    """Return whether markup can hide a text: by style, by many blanks, or by many lines."""
    low = data.lower()
    marks = (b"style", b"hidden", b"<template", b"<noscript", b" " * 150, b"\t" * 37, b"\n" * 9)
    return any(mark in low for mark in marks) or b"\n \n \n" in low


def _lines(subject: Subject, path: str, data: bytes) -> Iterator[Finding]:
    """Yield characters at which an editor starts a line and Python does not."""
    if not any(mark in data for mark in _LINE_ENDS):
        return
    text = data.decode("utf-8", "replace")
    for found in re.finditer("[\u2028\u2029\x85\x0b\x0c\x1c-\x1e]", text):
        start = text.rfind("\n", 0, found.start()) + 1
        end = text.find("\n", found.end())
        before, after = text[start : found.start()], text[found.end() : end if end >= 0 else None]
        # A form feed alone on a line parts pages, and is none of this.
        if not before.strip() or not after.strip():
            continue
        says = "an editor shows a line here that Python does not see"
        yield subject.finding(
            *("false-line", "medium", says, _place(path, text, found.start())),
            confidence="certain",
            evidence=f"{before.strip()[-80:]}<U+{ord(found[0]):04X}>{after.strip()[:80]}",
            fix="write it as an escape, or end the line",
        )
        return


def _place(path: str, text: str, at: int) -> tuple[str, int, int]:
    return path, text.count("\n", 0, at) + 1, at - text.rfind("\n", 0, at)


def _characters(subject: Subject, path: str, text: str) -> Iterator[Finding]:
    from ..analysis.encoded_text import selectors, tags

    # A flag of a region is a black flag and at most seven tags.
    for found in re.finditer("(?<!\U0001f3f4)[\U000e0001-\U000e007f]{1,20000}", text):
        if "\U0001f3f4" in text[max(0, found.start() - 8) : found.start()] and len(found[0]) < 8:
            continue
        yield subject.finding(
            *("tag-characters", "critical", "characters that are drawn as nothing spell a text"),
            _place(path, text, found.start()),
            category="" if path.endswith((".py", ".pyi")) else "prompt_injection",
            confidence="certain",
            evidence=tags(found[0])[:200],
            fix="delete them",
        )
        break
    run = re.search("[\ufe00-\ufe0f\U000e0100-\U000e01ef]{4,}", text)
    if run:
        says = "a run of variation selectors carries bytes that nobody sees"
        yield subject.finding(
            *("selector-run", "critical", says, _place(path, text, run.start())),
            confidence="certain",
            evidence=selectors(run[0])[:200] or f"{len(run[0])} selectors",
            fix="delete them",
        )
    yield from _bidi(subject, path, text)
    yield from _zero_width(subject, path, text)


def _bidi(subject: Subject, path: str, text: str) -> Iterator[Finding]:
    import unicodedata

    control = re.search(f"[{_OVERRIDES}]", text)
    if control is None:
        return
    at = control.start()
    end = text.find("\n", at)
    line = text[text.rfind("\n", 0, at) + 1 : end if end >= 0 else len(text)]
    eastern = any(unicodedata.bidirectional(c) in ("R", "AL") for c in line)
    reverses = "\u202d" in line or "\u202e" in line
    code = path.endswith((".py", ".pyi", ".sh", ".js", ".ts"))
    if eastern and not reverses and not code:
        return
    shown = "".join(c if c not in _OVERRIDES else f"<U+{ord(c):04X}>" for c in line.strip())
    yield subject.finding(
        *("bidi-control", "high", "what is read on the screen is not what stands there"),
        _place(path, text, at),
        confidence="certain",
        evidence=shown[:200],
        fix="delete the control character, or write it as an escape",
    )


def _zero_width(subject: Subject, path: str, text: str) -> Iterator[Finding]:
    found = list(
        re.finditer(
            "[A-Za-z][\u200b\u200c\u200d\u2060\u2063\u2064\ufeff\u180e\u034f]+(?=[A-Za-z])", text
        )
    )
    run = re.search("[\u200b\u200c\u200d\u2060-\u2064\ufeff]{8,}", text)
    if run:
        says = "a run of zero-width characters carries what nobody sees"
        yield subject.finding(
            *("zero-width", "critical", says, _place(path, text, run.start())),
            confidence="likely",
            evidence=f"{len(run[0])} characters",
            fix="delete them",
        )
    elif found:
        # One may come with a copy from a web page; several part words on purpose.
        # Where each letter is followed by one, no reader and no search was to find the words.
        laced = len(found) > _LACED
        severity = (
            "critical"
            if laced
            else "high"
            if len(found) > 2 or path.endswith((".py", ".pyi"))
            else "low"
        )
        at = found[0].start()
        shown = text[max(0, at - 20) : at + 20].split("\n")
        says = "a zero-width character stands within a word"
        yield subject.finding(
            *("zero-width", severity, says, _place(path, text, at + 1)),
            confidence="likely",
            evidence=ascii(max(shown, key=len))[:200],
            fix="delete it, or write it as an escape",
        )


def _places(subject: Subject, path: str, text: str) -> Iterator[Finding]:
    """Yield sentences that stand where no one looks; what they ask is another check's."""
    from ..analysis.prose import pieces

    for piece in pieces(text):
        unseen = piece.place == "unseen" or piece.hidden == "far below the rest"
        if unseen and len(piece.text.split()) >= _UNSEEN_WORDS:
            yield subject.finding(
                *("out-of-sight", "medium", f"text is kept from the reader's eyes: {piece.hidden}"),
                (path, piece.line, 0),
                confidence="likely",
                evidence=" ".join(piece.text.split())[:200],
                fix="put it where it is seen, or take it out",
            )
            return
