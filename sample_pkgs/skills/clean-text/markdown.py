"""Markdown to a page: markup goes, structure stays. Lines are read once, from the top."""

from __future__ import annotations

import re
from html import unescape

from .layout import Links, aligned, count_words, squeezed
from .models import Heading, Page

__all__ = ["read_markdown"]

_ATX = re.compile(r" {0,3}(#{1,6})(?:[ \t]+(.*))?$")
_FENCE = re.compile(r"[ \t]*(`{3,}|~{3,})([^`]*)$")
_RULE = re.compile(r" {0,3}(?:(?:\*[ \t]*){3,}|(?:-[ \t]*){3,}|(?:_[ \t]*){3,})$")
_UNDERLINE = re.compile(r" {0,3}(=+|-+)[ \t]*$")
_ITEM = re.compile(r"[*+-][ \t]+(?=\S)")
_BORDER = re.compile(r"[ \t]*\|?[ \t]*:?-+:?[ \t]*(?:\|[ \t]*:?-+:?[ \t]*)*\|?[ \t]*$")
_DEFINITION = re.compile(r" {0,3}\[([^\[\]]+)\]:[ \t]*<?([^\s>]+)>?")
_LINK = re.compile(r"(!?)\[([^\[\]]*)\]\(\s*<?([^()\s<>]*(?:\([^()\s]*\)[^()\s<>]*)?)>?[^()]*\)")
_REFERENCE = re.compile(r"(!?)\[([^\[\]]+)\](?:\[([^\[\]]*)\])?")
_AUTOLINK = re.compile(r"<((?:https?://|mailto:)[^\s<>]+)>")
_BARE = re.compile(r"(?<![\w(<\[])https?://[^\s<>()\[\]\"']+[^\s<>()\[\]\"'.,;:!?]")
_TAG = re.compile(r"</?[A-Za-z][^<>]*>")
_COMMENT = re.compile(r"<!--.*?(?:-->|\Z)", re.S)
_CODE = re.compile(r"(?<!`)(`+)(?!`)(.+?)(?<!`)\1(?!`)")
_STARS = re.compile(r"(?<![\w*\\])(\*{1,3}|~~)(?=\S)([^*~\n]+)(?<![\s\\])\1(?![\w*])")
_LINES = re.compile(r"(?<![\w\\])(_{1,3})(?=\S)([^_\n]+)(?<![\s\\])\1(?!\w)")
_ESCAPE = re.compile(r"\\([!-/:-@\[-`{-~])")
_FIELD = re.compile(r"([A-Za-z][\w-]*)[ \t]*:[ \t]*(\S.*)$")
_KEPT = ("author", "date", "description", "keywords", "tags", "modified")


def read_markdown(text: str, source: str = "", base: str = "") -> Page:
    """Return the page of a Markdown document; never raises for its content.

    :param source: what to call it in the result.
    :param base: the address that relative links start from.
    """
    fields, text = _front_matter(text.replace("\r\n", "\n").replace("\r", "\n"))
    reader = _Reader(Links(base))
    body = reader.read(text)
    title = fields.get("title") or next((h.text for h in reader.headings), "")
    return Page(
        source=source,
        title=title,
        language=fields.get("lang") or fields.get("language"),
        words=count_words(body),
        text=body,
        headings=reader.headings,
        links=reader.links.all(),
        metadata={key: fields[key] for key in _KEPT if key in fields},
    )


class _Reader:
    def __init__(self, links: Links) -> None:
        self.links = links
        self.headings: list[Heading] = []
        self._targets: dict[str, str] = {}
        self._out: list[str] = []
        self._table: list[list[str]] = []

    def read(self, text: str) -> str:
        """Return the text of the document."""
        lines = _without_comments(text)
        for line in lines:
            found = _DEFINITION.match(line)
            if found:
                self._targets.setdefault(found[1].casefold(), found[2])
        fence = ""
        for line in lines:
            mark = _FENCE.match(line)
            if fence:
                if mark and mark[1].startswith(fence) and not mark[2].strip():
                    fence = ""
                    self._put("```")
                else:
                    self._put(line)
            elif mark:
                fence = mark[1]
                self._put("```")
            else:
                self._line(line)
        self._end_table()
        return re.sub(r"\n{3,}", "\n\n", "\n".join(self._out)).strip("\n")

    def _line(self, line: str) -> None:
        heading = _ATX.match(line)
        under = _UNDERLINE.match(line)
        if heading:
            self._put_heading(len(heading[1]), (heading[2] or "").rstrip().rstrip("#").rstrip())
        elif under and self._out and self._out[-1].strip() and self._out[-1][0] not in "#>-|`":
            self._put_heading(1 if under[1][0] == "=" else 2, self._out.pop(), done=True)
        elif _RULE.match(line) or _DEFINITION.match(line):
            self._put("")
        elif "|" in line and (self._table or line.lstrip().startswith("|")):
            if not _BORDER.match(line):
                cells = line.strip().strip("|").split("|")
                self._table.append([self._inline(cell) for cell in cells])
        else:
            indent = line[: len(line) - len(line.lstrip())].expandtabs(4)
            body = line.lstrip()
            mark = _ITEM.match(body)
            body = "- " + body[mark.end() :] if mark else body
            self._put((indent + self._inline(body)).rstrip())

    def _put(self, line: str) -> None:
        self._end_table()
        self._out.append(line)

    def _put_heading(self, level: int, text: str, done: bool = False) -> None:
        text = text.strip() if done else self._inline(text)
        if text:
            self.headings.append(Heading(level=level, text=text))
            self._put(f"{'#' * level} {text}")

    def _end_table(self) -> None:
        if self._table:
            rows, self._table = self._table, []
            self._out.extend(aligned(rows).split("\n"))

    def _inline(self, text: str) -> str:
        """Return a line without its markup; what stands in `code` is left as it is."""
        parts: list[str] = []
        end = 0
        for code in _CODE.finditer(text):
            parts += [self._prose(text[end : code.start()]), code[2].strip()]
            end = code.end()
        parts.append(self._prose(text[end:]))
        return squeezed("".join(parts))

    def _prose(self, text: str) -> str:
        for address in _BARE.findall(text):
            self.links.add(address, address)
        text = _AUTOLINK.sub(self._autolink, text)
        text = _LINK.sub(self._inline_link, text)
        text = _LINK.sub(self._inline_link, text)  # a link around an image
        text = _REFERENCE.sub(self._reference, text)
        text = _TAG.sub("", text)
        for _ in range(2):  # **bold *and* more**
            text = _LINES.sub(r"\2", _STARS.sub(r"\2", text))
        return unescape(_ESCAPE.sub(r"\1", text))

    def _autolink(self, found: re.Match[str]) -> str:
        self.links.add(found[1], found[1])
        return found[1]

    def _inline_link(self, found: re.Match[str]) -> str:
        picture, text, address = found.groups()
        if picture:
            return f"({text})" if text.strip() else ""
        self.links.add(squeezed(text), unescape(address))
        return text

    def _reference(self, found: re.Match[str]) -> str:
        picture, text, label = found.groups()
        address = self._targets.get((label or text).casefold())
        if address is None:
            return found[0]
        if not picture:
            self.links.add(squeezed(text), address)
        return text


def _front_matter(text: str) -> tuple[dict[str, str], str]:
    """Return the plain ``key: value`` lines between two fences at the top, and the rest."""
    lines = text.split("\n")
    if lines[0].strip() != "---" or "---" not in (line.rstrip() for line in lines[1:]):
        return {}, text
    end = 1 + [line.rstrip() for line in lines[1:]].index("---")
    fields = (_FIELD.match(line) for line in lines[1:end])
    found = {m[1].lower(): squeezed(m[2].strip().strip("\"'")) for m in fields if m}
    return {key: value for key, value in found.items() if value}, "\n".join(lines[end + 1 :])


def _without_comments(text: str) -> list[str]:
    """Return the lines without HTML comments, but for those in fenced code."""
    if "<!--" not in text:
        return text.split("\n")
    parts = re.split(r"(?m)^([ \t]*(?:```|~~~).*)$", text)
    # Odd parts are fences; between an opening and a closing one lies code.
    for index in range(0, len(parts), 4):
        parts[index] = _COMMENT.sub("", parts[index])
    return "".join(parts).split("\n")
