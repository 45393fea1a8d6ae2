"""HTML to a page: the main part as text, with its headings, links and metadata."""

from __future__ import annotations

from urllib.parse import urljoin

from .layout import Links, aligned, count_words, hanging, joined, squeezed
from .models import Heading, Page
from .tree import Node, parse

__all__ = ["read_html"]


def _names(text: str) -> frozenset[str]:
    return frozenset(text.split())


_DROPPED = _names(
    "aside audio button canvas datalist dialog embed footer form frameset head iframe input "
    "map math menu meter nav noframes noscript object progress script search select style svg "
    "template textarea title video"
)
_HEADINGS = {f"h{level}": level for level in range(1, 7)}
_BLOCKS = _names(
    "address article blockquote body center details dd div dl dt fieldset figcaption figure "
    "header hgroup hr html li main ol p pre section summary table tbody td tfoot th thead tr "
    "ul"
) | frozenset(_HEADINGS)
_BREAK = "\x0b"  # stands for <br> in a run of text; a page's own are white space to HTML
#: Key of our metadata → names of <meta> that say it, the best first.
_META = {
    "author": ("author", "article:author", "dc.creator"),
    "date": ("article:published_time", "date", "dc.date", "datepublished"),
    "modified": ("article:modified_time", "last-modified"),
    "description": ("description", "og:description", "twitter:description"),
    "keywords": ("keywords",),
    "site": ("og:site_name", "application-name"),
}


def read_html(text: str, source: str = "", base: str = "") -> Page:
    """Return the page of an HTML document of any quality; never raises for its content.

    :param source: what to call it in the result.
    :param base: the address that relative links start from; a ``<base>`` or
        canonical address in the page itself is used where this is empty.
    """
    root = parse(text)
    metadata = _metadata(root)
    renderer = _Renderer(Links(_base(root, metadata, base)))
    body = joined(renderer.blocks(_main(root)))
    html = next(iter(root.find("html")), root)
    language = html.attributes.get("lang") or html.attributes.get("xml:lang")
    return Page(
        source=source,
        title=_title(root, renderer.headings),
        language=squeezed(language or "") or None,
        words=count_words(body),
        text=body,
        headings=renderer.headings,
        links=renderer.links.all(),
        metadata=metadata,
    )


class _Renderer:
    def __init__(self, links: Links) -> None:
        self.links = links
        self.headings: list[Heading] = []

    def blocks(self, node: Node) -> list[str]:
        """Return the blocks of text that an element holds."""
        out: list[str] = []
        run: list[str] = []
        self._flow(node, out, run)
        _end(run, out)
        return out

    def _flow(self, node: Node, out: list[str], run: list[str]) -> None:
        for child in node.children:
            if isinstance(child, str):
                run.append(child.replace(_BREAK, " "))
            elif child.tag in _DROPPED or _hidden(child):
                continue
            elif child.tag == "br":
                run.append(_BREAK)
            elif child.tag == "img":
                alt = squeezed(child.attributes.get("alt", ""))
                run.append(f" [{alt}] " if alt else " ")
            elif child.tag in _BLOCKS:
                _end(run, out)
                out.extend(self._block(child))
            else:
                if child.tag == "a":
                    self.links.add(squeezed(child.content()), child.attributes.get("href", ""))
                self._flow(child, out, run)

    def _block(self, node: Node) -> list[str]:
        tag = node.tag
        if tag in _HEADINGS:
            return self._heading(node)
        if tag == "pre":
            code = node.content().strip("\n").replace(_BREAK, " ")
            return [f"```\n{code}\n```"] if code.strip() else []
        if tag in ("ul", "ol"):
            return self._list(node)
        if tag == "table":
            return self._table(node)
        inner = self.blocks(node)
        if tag == "dl" and inner:
            return ["\n".join(inner)]
        if tag == "blockquote" and inner:
            return [hanging(joined(inner), "> ", "> ")]
        if tag == "dd" and inner:
            return [hanging(joined(inner), "    ")]
        return inner

    def _heading(self, node: Node) -> list[str]:
        text = squeezed(" ".join(self.blocks(node)))
        if not text:
            return []
        level = _HEADINGS[node.tag]
        self.headings.append(Heading(level=level, text=text))
        return ["#" * level + " " + text]

    def _list(self, node: Node) -> list[str]:
        start = node.attributes.get("start", "1")
        number = int(start) if start.isdecimal() and len(start) < 7 else 1
        lines: list[str] = []
        for child in node.children:
            if isinstance(child, str):  # it belongs to no item, and a browser shows it
                lines.extend(filter(None, [squeezed(child)]))
                continue
            if child.tag in _DROPPED or _hidden(child):
                continue
            inner = self.blocks(child) if child.tag not in ("ul", "ol") else self._list(child)
            if not inner:
                continue
            if child.tag in ("ul", "ol"):  # a list in a list, though not in an item of it
                lines.append(hanging("\n".join(inner), "  "))
                continue
            mark = f"{number}. " if node.tag == "ol" else "- "
            lines.append(hanging("\n".join(inner), mark))
            number += 1
        return ["\n".join(lines)] if lines else []

    def _table(self, node: Node) -> list[str]:
        out = [block for caption in node.find("caption") for block in self.blocks(caption)]
        rows: list[list[str]] = []
        for row in _rows(node):
            cells = [c for c in row.children if isinstance(c, Node) and c.tag in ("td", "th")]
            if len(cells) == 1 and cells[0].find("p", "ul", "ol", "table", "h1", "h2", "h3"):
                # A table that only lays out the page.
                out.extend([aligned(rows)] if rows else [])
                rows = []
                out.extend(self.blocks(cells[0]))
                continue
            texts = [squeezed(" ".join(self.blocks(cell))) for cell in cells if not _hidden(cell)]
            if any(texts):
                rows.append(texts)
        return [*out, aligned(rows)] if rows else out


def _end(run: list[str], out: list[str]) -> None:
    lines = [squeezed(line) for line in "".join(run).split(_BREAK)]
    text = "\n".join(lines).strip("\n")
    while "\n\n" in text:  # <br><br> is no second block to us
        text = text.replace("\n\n", "\n")
    if text:
        out.append(text)
    run.clear()


def _rows(table: Node) -> list[Node]:
    """Return the rows of a table, without those of tables in it."""
    rows: list[Node] = []
    for child in table.children:
        if isinstance(child, Node) and not _hidden(child):
            if child.tag == "tr":
                rows.append(child)
            elif child.tag in ("thead", "tbody", "tfoot"):
                rows.extend(_rows(child))
    return rows


def _hidden(node: Node) -> bool:
    known = node.attributes
    if not known:
        return False
    style = known.get("style", "").replace(" ", "").lower()
    return (
        "hidden" in known
        or known.get("aria-hidden", "").lower() == "true"
        or "display:none" in style
        or "visibility:hidden" in style
    )


def _main(root: Node) -> Node:
    """Return the part that the page itself marks as what it is about, or all of it."""
    for tag in ("main", "article"):
        found = [node for node in root.find(tag) if not _hidden(node)]
        if found:
            return max(found, key=lambda node: len(node.content()))
    return next(iter(root.find("body")), root)


def _title(root: Node, headings: list[Heading]) -> str:
    for node in root.find("title"):
        text = squeezed(node.content())
        if text:
            return text
    return headings[0].text if headings else ""


def _metadata(root: Node) -> dict[str, str]:
    given: dict[str, str] = {}
    for node in root.find("meta"):
        name = node.attributes.get("property") or node.attributes.get("name") or ""
        name = name or node.attributes.get("itemprop", "")
        given.setdefault(name.strip().lower(), squeezed(node.attributes.get("content", "")))
    found = {
        key: next((given[name] for name in names if given.get(name)), "")
        for key, names in _META.items()
    }
    for node in root.find("link"):
        if "canonical" in node.attributes.get("rel", "").lower().split():
            found.setdefault("canonical", node.attributes.get("href", "").strip())
    found.setdefault("canonical", given.get("og:url", ""))
    if not found["date"]:
        times = (node.attributes.get("datetime", "") for node in root.find("time"))
        found["date"] = next((squeezed(time) for time in times if time.strip()), "")
    return {key: value for key, value in found.items() if value}


def _base(root: Node, metadata: dict[str, str], given: str) -> str:
    own = next((n.attributes["href"] for n in root.find("base") if n.attributes.get("href")), "")
    start = given or metadata.get("canonical", "")
    try:
        return urljoin(start, own.strip())
    except ValueError:
        return start
