"""Which texts cannot ask for anything: short plain ones without a word that asking needs.

Most descriptions are such. The model of what texts ask is dear to make, and is not made for them.
"""

from __future__ import annotations

__all__ = ["NEEDED", "is_idle", "is_topical"]

#: What every directive has a part of: words that it cannot do without, in English and others.
NEEDED = (
    *("ignor", "disregard", "forget", "instruct", "rule", "prompt", "guid", "polic", "you", "http"),
    *("@", ".ssh", ".aws", ".env", "id_", "secret", "password", "token", "key", "user", "silent"),
    *("rm -", "delet", "wipe", "erase", "trust", "memory", "agent", "review", "scan", "audit"),
    *("judge", "verdict", "approv", "permission", "confirm", "ask", "mention", "other", "skill"),
    *("system", "[inst", "<|", "decode", "base64", "backward", "right to left", "overrid"),
    *("nicht", "ohne", "sans ", "sin ", "sem ", "senza", "conversa", "chat"),
    *("instruc", "restri", "rating", "treat", "safe"),
)
#: Words by which a skill says that it is about attacks, as far as their beginnings go.
_TOPICS = (
    *("secur", "audit", "owasp", "vulnerab", "exploit", "sicherheit", "segur", "securite", "sicur"),
    *("forbid", "prohib", "danger", "unsafe", "threat", "inject", "jailbreak", "malicious"),
    *("attack", "suspicious", "untrusted", "adversarial", "phishing", "red-team", "red team"),
    *(
        "payload",
        "exfiltration",
        "hostile",
        "harmful",
        "anti-pattern",
        "antipattern",
        "anti pattern",
    ),
    *("angriff", "ataque", "attaque", "attacc"),
)
_PLAIN = frozenset(
    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789 .,;:'()/+-_\n=<>!~#*\"?"
)
_MOST = 60
_LONGEST_WORD = 24
_SHIFTED = str.maketrans("abcdefghijklmnopqrstuvwxyz", "nopqrstuvwxyzabcdefghijklm")


def is_idle(text: str) -> bool:
    """Return whether a text surely asks for nothing, nor spelled out, shifted or backwards."""
    if len(text) > _MOST or not _PLAIN.issuperset(text):
        return False
    low = text.lower()
    words = low.split()
    if sum(len(word) == 1 for word in words) > 3 or any(len(w) > _LONGEST_WORD for w in words):
        return False
    if any(_is_mixed(word.strip(".,;:'()/+-_")) for word in words):
        return False
    readings = (low, low[::-1], low.translate(_SHIFTED))
    return not any(needle in reading for reading in readings for needle in NEEDED)


def _is_mixed(word: str) -> bool:
    """Return whether digits stand among the letters of a word, as where they pass for letters."""
    return any(c.isdigit() for c in word) and sum(c.isalpha() for c in word) > 1


def is_topical(text: str) -> bool:
    """Return whether a text may say that it is about attacks; every one that is not ASCII may."""
    low = text.lower()
    return not text.isascii() or any(topic in low for topic in _TOPICS)
