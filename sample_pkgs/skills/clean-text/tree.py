"""HTML of any quality as a tree of elements; never raises for bad markup."""

from __future__ import annotations

from collections.abc import Iterator
from html.parser import HTMLParser

__all__ = ["Node", "parse"]

#: Deeper nesting is flattened. Browsers stop at 512, and nobody reads further than this.
MAX_DEPTH = 120


def _names(text: str) -> frozenset[str]:
    return frozenset(text.split())


_VOID = _names("area base br col embed hr img input link meta param source track wbr")
_BLOCK = _names(
    "address article aside blockquote details dialog div dl fieldset figure footer form h1 h2 "
    "h3 h4 h5 h6 header hgroup hr main menu nav ol p pre section table ul"
)
_SCOPES = _names("table ul ol dl select")
#: tag → the open elements that its start ends, up to the nearest scope.
_ENDS = {
    "li": frozenset(["li"]),
    "dt": frozenset(["dt", "dd"]),
    "dd": frozenset(["dt", "dd"]),
    "tr": frozenset(["tr", "td", "th"]),
    "td": frozenset(["td", "th"]),
    "th": frozenset(["td", "th"]),
    "thead": frozenset(["tr", "td", "th"]),
    "tbody": frozenset(["thead", "tr", "td", "th"]),
    "tfoot": frozenset(["tbody", "tr", "td", "th"]),
    "option": frozenset(["option"]),
    "a": frozenset(["a"]),
    "body": frozenset(["head"]),
    **{tag: frozenset(["p", "head"]) for tag in _BLOCK},
}


class Node:
    """One element.

    :param tag: its name, lower case.
    :param attributes: its attributes; one without a value has "".
    """

    __slots__ = ("attributes", "children", "tag")

    def __init__(self, tag: str, attributes: dict[str, str] | None = None) -> None:
        self.tag = tag
        self.attributes = attributes or {}
        self.children: list[Node | str] = []

    def walk(self) -> Iterator[Node]:
        """Yield this element and all beneath it, in the order of the document."""
        waiting = [self]
        while waiting:
            node = waiting.pop()
            yield node
            waiting.extend(c for c in reversed(node.children) if isinstance(c, Node))

    def find(self, *tags: str) -> list[Node]:
        """Return the elements of these names, in the order of the document."""
        return [node for node in self.walk() if node.tag in tags]

    def content(self) -> str:
        """Return all text beneath, as it stands."""
        parts: list[str] = []
        waiting: list[Node | str] = [self]
        while waiting:
            item = waiting.pop()
            if isinstance(item, str):
                parts.append(item)
            else:
                waiting.extend(reversed(item.children))
        return "".join(parts)


class _Builder(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.root = Node("")
        self._open = [self.root]

    def close(self) -> None:
        if self.rawdata.startswith("<!--"):  # a comment that nobody ends reaches to the end
            self.rawdata = ""
        super().close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._end_implied(tag)
        known: dict[str, str] = {}
        for name, value in attrs:
            known.setdefault(name, value or "")
        node = Node(tag, known)
        self._open[-1].children.append(node)
        if tag not in _VOID and len(self._open) < MAX_DEPTH:
            self._open.append(node)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)  # in HTML the slash means nothing

    def handle_endtag(self, tag: str) -> None:
        for depth in range(len(self._open) - 1, 0, -1):
            if self._open[depth].tag == tag:
                del self._open[depth:]
                return

    def handle_data(self, data: str) -> None:
        self._open[-1].children.append(data)

    def _end_implied(self, tag: str) -> None:
        ends = _ENDS.get(tag)
        if ends is None:
            return
        for depth in range(len(self._open) - 1, 0, -1):
            name = self._open[depth].tag
            if name in ends:
                del self._open[depth:]
            elif name in _SCOPES or (name in _BLOCK and "p" in ends):
                return

    def parse_html_declaration(self, i: int) -> int:
        # The base class raises AssertionError for a malformed `<![…`; to a
        # browser every declaration but a comment and a doctype is a comment.
        if self.rawdata.startswith(("<!--", "<!doctype", "<!DOCTYPE"), i):
            return super().parse_html_declaration(i)
        return self.parse_bogus_comment(i)


def parse(text: str) -> Node:
    """Return the tree of an HTML document; its root has no name."""
    builder = _Builder()
    builder.feed(text.replace("\0", "\ufffd"))
    builder.close()
    return builder.root
