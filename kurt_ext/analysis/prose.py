"""Read text as an agent does: sentences of known words, where they stand, and what hides them.

One pass over lines, one over the words between blanks; nothing goes back, so the
time is linear in the size. Blanks are collapsed and letters folded before a
word is looked up, so that neither case, line breaks, look-alikes nor zero-width
characters keep a word from being seen.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from functools import cache, lru_cache
from itertools import pairwise
from typing import NamedTuple

from .confusables import fold, skeleton

__all__ = ["Piece", "Sentence", "Word", "pieces", "samples", "sentences"]

_MAX_WORDS = 120  # of a sentence; a longer one is read as several
_BLANK_LINES = 40  # an editor's window
_FAR_RIGHT = 150  # columns of blanks; wider than any screen
_QUOTES = {"“": "”", "„": "“", "«": "»", '"': '"', "`": "`", "「": "」", "『": "』", "‘": "’"}
_STRIP = "()[]{}*_,;:.!?…。！？、，：；\"'`“”„«»‘’「」『』<>|#=→—–-"
_WORD = re.compile(r"[^\s<>]+")
_FENCE = re.compile(r" {0,12}(?:[-*+>] {0,4})?(`{3,}|~{3,})[ \t]*([\w+.-]*)")
_ITEM = re.compile(r"\s*(?:[-*+]|\d{1,3}[.)]|#{1,6}|>)\s")
_REFERENCE = re.compile(r"\s{0,3}\[([^\]\n]{0,200})\]:\s{0,9}(\S{1,2000})\s{0,9}([(\"'].*)?$")
_TAG = re.compile(r"<([a-zA-Z][a-zA-Z0-9]{0,12})\b([^<>]{0,500})>")
_UNSEEN = re.compile(
    r"display:none|visibility:hidden|font-size:0(?![.\d]*[1-9])|opacity:0(?![.\d]*[1-9])"
    r"|(?<![\w-])color:(?:white|transparent|#fff(?:fff)?\b|rgba?\(255,255,255|rgba\([\d,]*,0\))"
    r"|(?<![\w-])(?:width|height|max-height):0(?:px)?(?:;|$|\")|left:-\d{3,}|top:-\d{3,}"
    r"|text-indent:-\d{3,}|font-size:[01]px|clip:rect\(0",
)
#: What stands between single quotation marks; an apostrophe has a letter on both sides.
_SINGLE = re.compile(r"(?<![\w'])'(?=[\w*(])((?:[^'\n“”]|(?<=\w)'(?=\w)){6,300})'(?!\w)")
_ALT = re.compile(r"!\[([^\]\n]{12,600})\]\(")
_TITLE = re.compile(r"\]\([^\s()]{0,500}\s\"([^\"\n]{12,600})\"\)")


class Piece(NamedTuple):
    """A stretch of text that is read as one.

    :param place: ``prose``, ``quote``, ``fence``, ``comment`` (of markup) or ``unseen``.
    :param hidden: how it is kept from a person's eyes, "" for what is plain to see.
    :param lead: the line before a fence, which says what it is for.
    :param language: the word after a fence's backticks.
    """

    text: str
    line: int
    place: str = "prose"
    hidden: str = ""
    lead: str = ""
    language: str = ""


class Word(NamedTuple):
    """A word of a sentence: how it is read, what it can be, and whether it stands in quotes."""

    text: str
    codes: frozenset[str]
    quoted: bool
    ends: bool  # a clause


class Sentence(NamedTuple):
    """What lies between two full stops.

    :param codes: those of all its words.
    """

    words: tuple[Word, ...]
    codes: frozenset[str]
    line: int
    column: int
    piece: Piece

    @property
    def text(self) -> str:
        """The sentence with its blanks collapsed."""
        return " ".join([word.text for word in self.words])


class _Vocabulary:
    """The words of ``vocabulary.txt``, by how they are looked up."""

    def __init__(self) -> None:
        self.exact: dict[str, set[str]] = {}
        self.stems: dict[str, set[str]] = {}
        self.phrases: dict[str, list[tuple[tuple[str, ...], str]]] = {}
        self.within: dict[str, set[str]] = {}
        path = os.path.join(os.path.dirname(__file__), "vocabulary.txt")
        with open(path, encoding="utf-8") as file:
            for line in file:
                code, _, words = line.rstrip().partition(": ")
                if words and not code.startswith("#"):
                    for word in words.split(", "):
                        self._add(code, word)
        self.joined = re.compile("|".join(sorted(map(re.escape, self.within), key=len)[::-1]))

    def _add(self, code: str, word: str) -> None:
        if ord(word[0]) >= 0x590:
            self.within.setdefault(word, set()).add(code)
            return
        word = plain(word)
        if " " in word:
            first, *rest = word.split()
            self.phrases.setdefault(first, []).append((tuple(rest), code))
        elif word.endswith("*"):
            self.stems.setdefault(word[:-1], set()).add(code)
        else:
            self.exact.setdefault(word, set()).add(code)


@cache
def _vocabulary() -> _Vocabulary:
    return _Vocabulary()


def plain(word: str) -> str:
    """Return a word in lower case, without accents and apostrophes."""
    if word.isascii():
        return word.lower().replace("'", "")
    import unicodedata

    word = word.lower().replace("’", "").replace("'", "")
    if any(0x400 <= ord(c) < 0x1E00 or ord(c) >= 0x2E80 for c in word):
        return word
    return "".join(c for c in unicodedata.normalize("NFD", word) if not unicodedata.combining(c))


_LEET = str.maketrans("013457@$!|", "oieastasil")
_SECRETS = (
    *("id_rsa", "id_ed25519", "id_ecdsa", ".ssh/", ".aws/", ".netrc", ".git-credentials"),
    *(".pypirc", ".npmrc", ".kube/config", ".docker/config", "/etc/shadow", "/etc/passwd"),
    *("login.keychain", "cookies.sqlite", "wallet.dat", ".gnupg", ".config/gcloud", "login data"),
    *("known_hosts", ".bash_history", ".zsh_history", ".pgpass", "/proc/self/environ", ".p12"),
    *("credentials.json", "secrets.json", "secrets.yaml", "secrets.yml", ".mozilla", "keystore"),
)
_NONE: frozenset[str] = frozenset()


@lru_cache(maxsize=32768)
def _codes(core: str) -> frozenset[str]:
    """Return what a word can be."""
    known = _vocabulary()
    found = set(known.exact.get(core, ()))
    for size in range(3, min(len(core), 14) + 1):
        found |= known.stems.get(core[:size], _NONE)
    if "." in core or "/" in core or "_" in core:
        if "://" in core or core.startswith("www."):
            found.add("URL")
        if core.startswith((".env", "*.env", "./.env")) or core.endswith("/.env"):
            found |= {"DOTENV", "CRED"}
        elif core in ("~/.ssh", "~/.aws", ".ssh", ".aws") or any(s in core for s in _SECRETS):
            found |= {"HARD", "FILE"}
        elif core.endswith(("_key", "_token", "_secret", "_password", "_keys", "_credentials")):
            found.add("CRED")
        base = core.rpartition("/")[2]
        found |= known.exact.get(base, _NONE) & {"PERSIST"}
    if not found and not core.isascii():
        look = skeleton(core).lower()
        if look != core and look.isascii():
            return _codes(look)
    elif not found and not core.isalpha():
        look = core.translate(_LEET)
        if look != core and look.isalpha():
            return _codes(look)
        bare = "".join(filter(str.isalnum, core))
        if len(bare) * 2 <= len(core) + 1 and bare.isalpha():
            return _codes(bare)  # i.g.n.o.r.e
        if "-" in core or "/" in core or "_" in core:
            parts = re.split(r"[-/_]", core)
            if len(parts) <= 3:
                for part in parts:
                    found |= known.exact.get(part, _NONE)
    return frozenset(found)


def pieces(text: str, *, markup: bool = True) -> Iterator[Piece]:
    """Yield the pieces of a text: paragraphs, items, fences, and what markup hides.

    :param markup: whether it is Markdown or HTML; otherwise blank lines alone part it.
    """
    text = fold(text.replace("\r\n", "\n").replace("\r", "\n"))
    if "'" in text:
        text = _SINGLE.sub(r"“\1”", text)
    if "&#" in text or "&l" in text:
        import html

        text = html.unescape(text)
    if markup and "<!--" in text:
        comments, text = _comments(text)
        yield from comments
    if markup and "<" in text:
        yield from _elements(text)
    yield from _blocks(text, markup)


def _comments(text: str) -> tuple[list[Piece], str]:
    """Return the comments of HTML, and the text with blank lines in their place."""
    kept: list[str] = []
    found: list[Piece] = []
    start = fences = counted = line = 0
    while (begin := text.find("<!--", start)) >= 0:
        end = text.find("-->", begin + 4)
        end = len(text) if end < 0 else end
        fences += text.count("```", counted, begin)
        line += text.count("\n", counted, begin)
        counted = begin
        kept.append(text[start:begin])
        body = text[begin + 4 : end]
        start = min(end + 3, len(text))
        if fences % 2 or _in_code(text, begin, start):
            kept.append(text[begin:start])
            continue
        if body.strip():
            found.append(Piece(body, line + 1, "comment", "HTML comment"))
        kept.append("\n" * body.count("\n"))
    kept.append(text[start:])
    return found, "".join(kept)


def _in_code(text: str, start: int, end: int) -> bool:
    """Return whether markup stands in a code span of its line, which shows it as it is."""
    before = text[text.rfind("\n", 0, start) + 1 : start]
    if before.count("`") % 2 == 0 or "\n" in text[start:end]:
        return False
    stop = text.find("\n", end)
    return "`" in text[end : stop if stop >= 0 else len(text)]


def _elements(text: str) -> Iterator[Piece]:
    """Yield what stands in elements that are not drawn."""
    fences = counted = line = 0
    for tag in _TAG.finditer(text):
        fences += text.count("```", counted, tag.start())
        line += text.count("\n", counted, tag.start())
        counted = tag.start()
        if fences % 2:
            continue
        style = tag[2].lower().replace(" ", "").replace("'", '"')
        name = tag[1].lower()
        if not (_UNSEEN.search(style) or name in ("template", "noscript")) and not (
            style == "hidden" or style.startswith('hidden"') or '"hidden' in style
        ):
            continue
        end = text.find(f"</{tag[1]}", tag.end(), tag.end() + 20_000)
        body = text[tag.end() : end if end >= 0 else tag.end() + 2_000]
        if body.strip() and not _in_code(text, tag.start(), end if end >= 0 else tag.end()):
            how = f"<{name}> that is not drawn"
            yield Piece(body, line + 1, "unseen", how)


class _Reader:
    """Collects lines into pieces."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.start = 0
        self.place = "prose"
        self.hidden = ""
        self.last = ""
        self.language = ""

    @property
    def unfinished(self) -> bool:
        """Whether a few words stand alone, so that a sentence may go on after blank lines."""
        if not self.lines or self.place != "prose" or len(self.lines) > _BLANK_LINES:
            return False
        said = " ".join(self.lines).split()
        return len(said) < 8 and said[-1][-1] not in ".!?:;" and not _ITEM.match(self.lines[0])

    def flush(self, lead: str = "") -> Iterator[Piece]:
        if self.lines:
            text = "\n".join(self.lines)
            yield Piece(text, self.start, self.place, self.hidden, lead, self.language)
            if self.place != "fence":
                self.last = self.lines[-1]
            self.lines = []
        self.place = "prose"
        self.language = ""

    def add(self, line: str, number: int) -> None:
        if not self.lines:
            self.start = number
        self.lines.append(line)


def _blocks(text: str, markup: bool) -> Iterator[Piece]:
    reader = _Reader()
    fence = ""
    blanks = 0
    for number, line in enumerate(text.split("\n"), 1):
        bare = line.strip()
        if bare and markup and (opened := _FENCE.match(line)) and (not fence or fence in line):
            if fence:
                yield from reader.flush(reader.last)
                fence = ""
            else:
                yield from reader.flush()
                fence = opened[1]
                reader.place, reader.language = "fence", opened[2].lower()
            continue
        if fence:
            reader.add(line, number)
            continue
        if not bare:
            blanks += 1
            if not reader.lines:
                continue
            if reader.unfinished and blanks < _BLANK_LINES:
                reader.lines.append("")
            else:
                yield from reader.flush()
            continue
        reader.hidden = "far below the rest" if blanks >= _BLANK_LINES else reader.hidden
        blanks = 0
        if markup:
            if _ITEM.match(line) or line.lstrip().startswith("|"):
                yield from reader.flush()
            if bare.startswith(">"):
                reader.place = "quote"
            if bare.startswith("[") and (note := _REFERENCE.match(line)):
                yield from _note(note, number)
                continue
            for pattern, how in ((_ALT, "text of an image"), (_TITLE, "title of a link")):
                for found in pattern.finditer(line) if "](" in line else ():
                    yield Piece(found[1], number, "comment", how)
        if len(line) > _FAR_RIGHT and " " * _FAR_RIGHT in line.replace("\t", "    "):
            left, _, right = line.replace("\t", "    ").partition(" " * _FAR_RIGHT)
            yield Piece(right.strip(), number, "unseen", "text far to the right")
            line = left
        reader.add(line, number)
    yield from reader.flush(reader.last if fence else "")


def samples(row: str) -> bool:
    """Return whether the row of a table is a heading of columns that hold sample texts.

    ``| source | target |`` of a translation, ``| trick | example |`` of a guide.
    """
    cells = [cell.strip(" *_`").lower() for cell in row.strip().strip("|").split("|")]
    return len(cells) > 1 and any(_SAMPLE.fullmatch(cell) for cell in cells)


_SAMPLE = re.compile(
    r"(?:(?:source|target|original|sample|example|bad|wrong|attack)(?: (?:text|sentence|phrase)s?)?"
    r"|examples?|samples?|translations?|tricks?|payloads?|attacks?|beispiele?|exemples?|ejemplos?"
    r"|original|traduction|traduccion|ubersetzung|übersetzung|示例|例子|原文|译文|例|訳文)"
)


def _note(note: re.Match[str], number: int) -> Iterator[Piece]:
    label, target, title = note[1], note[2], note[3] or ""
    if target in ("#", "<>") or label in ("//", "comment", "_", "#"):
        words = title.strip("()\"' ") if title else f"{label}"
        yield Piece(words, number, "comment", "link that is never drawn")
    elif len(title) > 30:
        yield Piece(title, number, "comment", "title of a link")


def sentences(piece: Piece) -> Iterator[Sentence]:
    """Yield the sentences of a piece that have a known word."""
    words: list[Word] = []
    first = 0
    quote = ""
    text = piece.text
    tokens = [(found.start(), found[0]) for found in _WORD.finditer(text)]
    for at, token in _joined(tokens):
        if not words:
            first = at
        closing, quote, quoted = _quoted(token, quote)
        core = plain(token.strip(_STRIP)) if token[0] != "." else plain(token.rstrip(_STRIP))
        stop = token[-1] in ".!?。！？" or (
            len(token) > 1 and token.rstrip("*_\"')`”")[-1:] in tuple(".!?")
        )
        clause = stop or token[-1] in ",;:，；：、"
        if core.isascii() or not _vocabulary().joined.search(core):
            words.append(Word(token, _codes(core), quoted, clause))
        else:
            words.extend(_within(core, quoted, clause))
        if stop or len(words) >= _MAX_WORDS:
            yield from _sentence(words, piece, first)
            words = []
            quote = quote if not stop or not closing else ""
    yield from _sentence(words, piece, first)


def _joined(tokens: list[tuple[int, str]]) -> Iterator[tuple[int, str]]:
    """Yield the words, letters that stand apart (``i g n o r e``) taken together."""
    index = 0
    while index < len(tokens):
        at, token = tokens[index]
        end = index
        if len(token) == 1 and token.isalpha():
            while end < len(tokens) and len(tokens[end][1]) == 1 and tokens[end][1].isalpha():
                end += 1
        if end - index >= 4:
            yield from ((at, word) for word in _unspaced(tokens[index:end]))
            index = end
        else:
            yield at, token
            index += 1


def _unspaced(letters: list[tuple[int, str]]) -> Iterator[str]:
    word = letters[0][1]
    for (before, _), (at, letter) in pairwise(letters):
        if at - before > 2:
            yield word
            word = ""
        word += letter
    yield word


def _within(core: str, quoted: bool, clause: bool) -> Iterator[Word]:
    """Yield the known words of a script that is written without blanks."""
    known = _vocabulary()
    for found in known.joined.finditer(core):
        yield Word(found[0], frozenset(known.within[found[0]]), quoted, False)
    if clause:
        yield Word("", _NONE, quoted, True)


def _quoted(token: str, quote: str) -> tuple[bool, str, bool]:
    """Return whether a quotation ends here, the mark that is open then, and if it is quoted."""
    head = token.lstrip("([{*_-—")[:1]
    if quote:
        ended = quote in token
        return ended, "" if ended else quote, True
    if head in _QUOTES:
        mark = _QUOTES[head]
        rest = token.lstrip("([{*_-—")[1:]
        return mark in rest, "" if mark in rest else mark, True
    if token.count("`") == 1:
        return False, "`", True
    return False, "", "`" in token


def _sentence(words: list[Word], piece: Piece, offset: int) -> Iterator[Sentence]:
    if not words:
        return
    words = _phrases(words)
    codes = frozenset().union(*[word.codes for word in words])
    if codes:
        line = piece.line + piece.text.count("\n", 0, offset)
        column = offset - piece.text.rfind("\n", 0, offset)
        yield Sentence(tuple(words), codes, line, column, piece)


def _phrases(words: list[Word]) -> list[Word]:
    """Return the words with what they are together with those that follow."""
    known = _vocabulary().phrases
    cores = [plain(word.text.strip(_STRIP)) for word in words]
    found = list(words)
    for index, core in enumerate(cores):
        for rest, code in known.get(core, ()):
            if all(
                (
                    cores[index + 1 + n] == part
                    if part[-1] != "*"
                    else cores[index + 1 + n].startswith(part[:-1])
                )
                for n, part in enumerate(rest)
                if index + 1 + n < len(cores)
            ) and index + len(rest) < len(cores):
                word = found[index]
                found[index] = word._replace(codes=word.codes | {code})
    return found
