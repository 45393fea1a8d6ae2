"""What code says in words: comments, docstrings and other strings, where a directive may stand.

A look for a few words in the bytes comes first, and most modules end there. The
rest is parted by one expression into comments and strings; no tree is walked.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from typing import NamedTuple

__all__ = ["Words", "worded"]

#: Every directive in English has one of these, the weak ones with one of ``_BESIDE``.
_NEEDLES = (
    *(b"instructions", b"system prompt", b"disregard", b"jailbreak", b" you are ", b"the user"),
    *(b"conversation", b"transcript", b".ssh", b"id_rsa", b".aws/", b"exfil", b"scanner"),
    *(b"reviewer", b"auditor", b"verdict", b"benign", b"rm -rf", b"mention", b"secretly"),
    *(b"covertly", b"silently", b"<system", b"_result>", b"assistant", b"guidelines"),
    *(b"passwords", b"your memory", b"anyone", b"all rules", b"base64", b"backwards"),
    *(b"claude", b"ai agent", b"ai model", b"language model", b"findings", b"users"),
)
#: German, French, Spanish, Portuguese and Italian directives without an accent.
_FOREIGN = (
    b"ignorier",
    b"ignorez",
    b"ignora ",
    b"heimlich",
    b"sans ",
    b"senza ",
    b" sin ",
    b"nutzer",
)
#: Words that documentation is full of, and what a directive has beside them.
_WEAK = frozenset(
    ("the user", "users", "instructions", " you are ", "silently", "mention", "anyone", "base64")
) | frozenset(("guidelines", "assistant", "findings", "backwards", "sans ", " sin "))
_BESIDE = (
    *("http", "~/", ".env", "@", "ignore", "forget", "previous", "your ", "tell", "secret"),
    *("password", "never", "without", "do not", "don't", "agent", "always", "no longer", "now"),
)
_LEAST = 24
_FOREIGN_LETTER = re.compile("[\u00c0-\u1fff\u2e80-\uffff]")
_TOKEN = re.compile(
    r"(?P<string>[rRbBuUfF]{0,2}(?:\"\"\"(?:[^\\]|\\.)*?\"\"\"|'''(?:[^\\]|\\.)*?'''"
    r"|\"(?:[^\"\\\n]|\\.)*\"|'(?:[^'\\\n]|\\.)*'))|(?P<comment>#[^\n]*)",
    re.DOTALL,
)
_MARK = re.compile(r"[rRbBuUfF]{0,2}(\"\"\"|'''|\"|')")
_ESCAPED = re.compile(r"\\(?:\n|n|t|\"|')")


class Words(NamedTuple):
    """A comment, or a string with those that it is written in one with.

    :param comment: whether it is a comment.
    :param documents: whether it stands alone as a docstring does, or is given to a name
        such as ``description``.
    """

    text: str
    line: int
    comment: bool
    documents: bool


@cache
def _named() -> re.Pattern[str]:
    return re.compile(
        r"(?:description|instructions|prompt|help|usage|summary)\w{0,3}[\"']?\s{0,3}[:=]"
        r"(?:[^=\n\"'#]{0,40}=)?\s{0,9}\(?\s{0,80}$",
        re.IGNORECASE,
    )


def worded(data: bytes) -> Iterator[Words]:
    """Yield comments and strings of a module that have words of a directive."""
    low = data.lower()
    plain = data.isascii()
    if plain and not any(needle in low for needle in (*_NEEDLES, *_FOREIGN)):
        return
    text = data.decode("utf-8", "replace").replace("\r\n", "\n")
    line = counted = 0
    for group in _groups(text):
        start = group[0].start()
        said = "\n".join(map(_bare, group)) if group[0]["comment"] else "".join(map(_bare, group))
        if len(said) < _LEAST or (" " not in said.strip() and said.isascii()):
            continue
        if not _FOREIGN_LETTER.search(said) and not _candidate(said.lower()):
            continue
        line += text.count("\n", counted, start)
        counted = start
        before = text[max(0, start - 120) : start]
        comment = group[0]["comment"] is not None
        alone = not before.strip(" \t") or before.rstrip(" \t")[-1:] in ("\n", ":")
        documents = not comment and (
            (alone and group[0][0].lstrip("rRuU")[:3] in ('"""', "'''"))
            or _named().search(before) is not None
        )
        yield Words(said, line + 1, comment, documents)


def _candidate(low: str) -> bool:
    """Return whether a comment or string has a word of a directive, and one that weak ones need."""
    found = [needle for needle in _needles() if needle in low]
    if not found:
        return False
    return any(needle not in _WEAK for needle in found) or any(word in low for word in _BESIDE)


@cache
def _needles() -> tuple[str, ...]:
    return tuple([needle.decode() for needle in (*_NEEDLES, *_FOREIGN)])


def _groups(text: str) -> Iterator[list[re.Match[str]]]:
    """Yield comments on lines below one another, and strings with nothing between them, as one."""
    group: list[re.Match[str]] = []
    for token in _TOKEN.finditer(text):
        if group:
            between = text[group[-1].end() : token.start()]
            same = (token["comment"] is None) == (group[0]["comment"] is None)
            if same and not between.strip(" \t\n\\") and between.count("\n") <= 1:
                group.append(token)
                continue
            yield group
        group = [token]
    if group:
        yield group


def _bare(token: re.Match[str]) -> str:
    """Return what a token says, without its marks."""
    if token["comment"]:
        return token[0].lstrip("#!: ")
    mark = _MARK.match(token[0])
    said = token[0][mark.end() : len(token[0]) - len(mark[1])] if mark else token[0]
    return _ESCAPED.sub(_unescaped, said) if "\\" in said else said


def _unescaped(found: re.Match[str]) -> str:
    return {"n": "\n", "t": "\t", "\n": ""}.get(found[0][1], found[0][1])
