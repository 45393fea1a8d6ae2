"""Draw a graph of plugins: as a tree of text, as Mermaid, as an SVG that stands alone."""

from __future__ import annotations

from collections.abc import Iterator
from html import escape
from typing import TYPE_CHECKING, TypeAlias

from .graph_layout import place
from .output import width

if TYPE_CHECKING:
    from .graph import Edge, Graph, Node

__all__ = ["mermaid", "svg", "tree"]

#: One line in pieces: (text, style of `output.SGR`).
Line: TypeAlias = "list[tuple[str, str | None]]"

#: State of an edge → what is said of it, and in which style.
_SAID = {
    "ok": ("", None),
    "missing": ("is not there", "red"),
    "conflict": ("is there in another version", "red"),
    "cycle": ("needs this one in turn", "red"),
    "blocked": ("cannot be loaded", "yellow"),
    "unused": ("is not taken", "dim"),
}
_STATUS_STYLES = {"active": "green", "failed": "red"}


# -- text --------------------------------------------------------------------------


def tree(graph: Graph, root: str | None = None) -> Iterator[Line]:
    """Yield the lines of a tree: each plugin, and beneath it what it needs.

    What was drawn further up is not drawn again, only named, with ``…``.

    :param root: draw what this one needs; else all, from those on whom nobody waits.
    """
    drawn: set[str] = set()
    roots = [root] if root is not None else _roots(graph)
    for name in roots:
        node = graph.nodes[name]
        if name in drawn:
            continue
        yield _head(node)
        drawn.add(name)
        yield from _branches(graph, name, "", drawn, (name,))


def _roots(graph: Graph) -> list[str]:
    """Return where to begin, so that everything is reached: of a circle its first."""
    needed = {edge.target for edge in graph.edges if edge.source != edge.target}
    there = [name for name, node in graph.nodes.items() if node.version is not None]
    # Those with something beneath them first; the others are one line each.
    first = [name for name in there if name not in needed]
    roots = [name for name in first if graph.needs(name)]
    roots += [name for name in first if not graph.needs(name)]
    reached: set[str] = set()
    for name in [*roots, *there]:
        if name not in reached and name not in roots:
            roots.append(name)
        queue = [name]
        while queue:
            one = queue.pop()
            if one not in reached:
                reached.add(one)
                queue += [edge.target for edge in graph.needs(one)]
    return roots


def _head(node: Node) -> Line:
    line: Line = [(node.id, "bold"), (f" {node.version or ''}", None)]
    if node.status:
        line.append((f"  {node.status}", _STATUS_STYLES.get(node.status, "dim")))
    if node.state == "blocked":
        line.append(("  cannot be loaded", "red"))
    return line


def _branches(
    graph: Graph, name: str, indent: str, drawn: set[str], path: tuple[str, ...]
) -> Iterator[Line]:
    edges = graph.needs(name)
    for number, edge in enumerate(edges):
        last = number == len(edges) - 1
        node = graph.nodes[edge.target]
        again = edge.target in drawn and bool(graph.needs(edge.target))
        yield [(indent + ("└── " if last else "├── "), "dim"), *_named(node, edge, again)]
        if edge.target in drawn:
            continue
        drawn.add(edge.target)
        inner = indent + ("    " if last else "│   ")
        yield from _branches(graph, edge.target, inner, drawn, (*path, edge.target))


def _named(node: Node, edge: Edge, again: bool) -> Line:
    said, style = _SAID[edge.state]
    if edge.state == "conflict":
        said = f"{node.version} is there"
    if edge.optional and style == "red":
        style = "dim"  # it goes without
    line: Line = [(edge.target, style if edge.state == "missing" else "bold")]
    if node.version is not None and edge.state != "conflict":
        line.append((f" {node.version}", None))
    if node.status:
        line.append((f"  {node.status}", _STATUS_STYLES.get(node.status, "dim")))
    if edge.label:
        line.append((f"  {edge.label}", "dim"))
    if said:
        line.append((f"  {said}", style))
    if again:
        line.append(("  …", "dim"))
    return line


# -- Mermaid -----------------------------------------------------------------------


def mermaid(graph: Graph) -> str:
    """Return the graph as a Mermaid flowchart."""
    lines = ["flowchart LR"]
    number = {name: f"n{count}" for count, name in enumerate(graph.nodes)}
    for name, node in graph.nodes.items():
        text = _entities(name) + "<br/>" + _entities(node.version or "is not there")
        lines.append(f'    {number[name]}["{text}"]:::{node.state}')
    styles: dict[str, list[str]] = {}
    for count, edge in enumerate(graph.edges):
        arrow = "-.->" if edge.optional else "-->"
        text = ", ".join(filter(None, (edge.label, _SAID[edge.state][0])))
        label = f'|"{_entities(text)}"|' if text else ""
        lines.append(f"    {number[edge.source]} {arrow}{label} {number[edge.target]}")
        if edge.state in ("missing", "conflict", "cycle") and not edge.optional:
            styles.setdefault("stroke:#c62828", []).append(str(count))
    lines += [
        "    classDef ready stroke:#2e7d32",
        "    classDef blocked stroke:#c62828",
        "    classDef missing stroke:#c62828,stroke-dasharray:4 3",
    ]
    lines += [f"    linkStyle {','.join(which)} {style}" for style, which in styles.items()]
    return "\n".join(lines) + "\n"


def _entities(text: str) -> str:
    """Return text as a quoted label of Mermaid takes it: what is not plain, by number."""
    return "".join(c if c.isalnum() or c in " .-_,@+" else f"#{ord(c)};" for c in text)


# -- SVG ---------------------------------------------------------------------------

_CHAR = 7.25  # px that a character of 12 px monospace is wide
_BOX = 40  # px that a plugin is high, and the distance to the next
_ROW = 60
_GAP = 150  # px between two columns; a label of an edge lies there
_MARGIN = 16
_LEGEND = 24

#: Ink, less of it, line, box, good, bad, doubtful, page; for light and for dark pages.
#: Rules, not variables of CSS, which few programs but browsers know.
_LIGHT = ("#1b1f24", "#59636e", "#8a94a0", "#f6f8fa", "#2e7d32", "#c62828", "#9a6700", "#fff")
_DARK = ("#e6edf3", "#9198a1", "#6e7681", "#161b22", "#81c784", "#ff8a80", "#ffd54f", "#0d1117")
_COLOURS = """\
text{{fill:{0}}}.dim{{fill:{1}}}.label{{fill:{1};stroke:{7}}}rect{{fill:{3};stroke:{2}}}\
.page{{fill:{7};stroke:none}}.ready{{stroke:{4}}}.blocked,.missing{{stroke:{5}}}\
path{{stroke:{2}}}.tip{{fill:{2}}}path.bad{{stroke:{5}}}.tip.bad{{fill:{5}}}\
path.warn{{stroke:{6}}}.tip.warn{{fill:{6}}}"""
_STYLE = (
    "text{font:12px ui-monospace,SFMono-Regular,Menlo,Consolas,monospace}.dim{font-size:11px}"
    ".label{font-size:10px;text-anchor:middle;paint-order:stroke;stroke-width:4px}"
    ".missing{stroke-dasharray:4 3}.active{stroke-width:2.5}"
    "path{fill:none;stroke-width:1.3}.bad{stroke-width:1.8}.optional{stroke-dasharray:5 4}"
    ".tip{stroke:none}"
    + _COLOURS.format(*_LIGHT)
    + "@media(prefers-color-scheme:dark){"
    + _COLOURS.format(*_DARK)
    + "}"
)


def svg(graph: Graph, title: str = "Plugins and what they need") -> str:
    """Return the graph as an SVG document, without anything from elsewhere.

    What needs most is at the left; an arrow goes to what is needed. It follows
    the page's light or dark colours; pointing at a plugin tells why it fails.
    """
    return _Drawing(graph, title).document()


class _Drawing:
    def __init__(self, graph: Graph, title: str) -> None:
        self.graph = graph
        self.title = title
        self.layout = place(graph)
        self.labels: list[str] = []
        wide = [0.0] * self.layout.columns
        for name, (column, _) in self.layout.nodes.items():
            node = graph.nodes[name]
            text = max(width(name), width(self._under(node)))
            wide[column] = max(wide[column], text * _CHAR + 24)
        self.wide = wide
        self.left = [_MARGIN + sum(wide[:n]) + n * _GAP for n in range(len(wide))]

    def document(self) -> str:
        across = (self.left[-1] + self.wide[-1] if self.left else 0) + _MARGIN
        # Lines within a column bow out to its right.
        across += 40 if any(self._is_level(edge) for edge in self.graph.edges) else 0
        legend = self._legend()
        across = max(across, _MARGIN * 2 + sum(len(text) * 6.6 + 40 for _, text in legend), 200)
        down = _MARGIN * 2 + max(self.layout.rows, 0) * _ROW + (_LEGEND if legend else 0)
        edges = [self._edge(number, edge) for number, edge in enumerate(self.graph.edges)]
        parts = [
            f'<svg xmlns="http://www.w3.org/2000/svg" width="{across:.0f}" height="{down:.0f}" '
            f'viewBox="0 0 {across:.0f} {down:.0f}" role="img">',
            f"<title>{escape(self.title)}</title>",
            f"<style>{_STYLE}</style>",
            f'<rect class="page" width="{across:.0f}" height="{down:.0f}"/>',
            *edges,
            *self.labels,  # above every line
            *[self._node(node) for node in self.graph.nodes.values()],
            *self._drawn_legend(legend, down - _MARGIN),
            "</svg>",
        ]
        return "\n".join(parts) + "\n"

    def _under(self, node: Node) -> str:
        return "  ".join(filter(None, (node.version or "is not there", node.status)))

    def _y(self, row: float) -> float:
        return _MARGIN + row * _ROW + _ROW / 2

    def _node(self, node: Node) -> str:
        column, row = self.layout.nodes[node.id]
        x, y = self.left[column], self._y(row)
        active = " active" if node.status == "active" else ""
        said = f"{node.id}: {node.reason}" if node.reason else node.id
        return (
            f"<g><title>{escape(said)}</title>"
            f'<rect class="{node.state}{active}" x="{x:.1f}" y="{y - _BOX / 2:.1f}" '
            f'width="{self.wide[column]:.1f}" height="{_BOX}" rx="6"/>'
            f'<text x="{x + 12:.1f}" y="{y - 3:.1f}">{escape(node.id)}</text>'
            f'<text class="dim" x="{x + 12:.1f}" y="{y + 12:.1f}">'
            f"{escape(self._under(node))}</text></g>"
        )

    def _is_level(self, edge: Edge) -> bool:
        return self.layout.nodes[edge.source][0] >= self.layout.nodes[edge.target][0]

    def _edge(self, number: int, edge: Edge) -> str:
        kind = _class(edge)
        start_column, start_row = self.layout.nodes[edge.source]
        end_column, end_row = self.layout.nodes[edge.target]
        x, y = self.left[start_column] + self.wide[start_column], self._y(start_row)
        if self._is_level(edge):  # of a circle: a bow from side to side
            end_x, end_y = self.left[end_column] + self.wide[end_column], self._y(end_row)
            if edge.source == edge.target:
                y, end_y = y - 8, end_y + 8
            bow = max(x, end_x) + 36
            drawn = (
                f"M{x:.1f},{y:.1f}C{bow:.1f},{y:.1f} {bow:.1f},{end_y:.1f} {end_x:.1f},{end_y:.1f}"
            )
            tip = f"{end_x:.1f},{end_y:.1f} l7,-4 v8 z"
            middle = (bow - 8, (y + end_y) / 2)
        else:
            end_x, end_y = self.left[end_column], self._y(end_row)
            points = [(x, y)]
            for column, row in self.layout.bends[number]:
                points += [
                    (self.left[column], self._y(row)),
                    (self.left[column] + self.wide[column], self._y(row)),
                ]
            points.append((end_x - 6, end_y))
            drawn = _curve(points)
            tip = f"{end_x:.1f},{end_y:.1f} l-7,-4 v8 z"
            # Where it passes a column it is level; else halfway.
            (ax, ay), (bx, by) = points[1:3] if len(points) > 2 else points
            middle = ((ax + bx) / 2, (ay + by) / 2)
        said = _SAID[edge.state][0] or "is there"
        text = f"{edge.source} needs {edge.target} {edge.label}".rstrip() + f": {said}"
        if edge.constraint != "*":
            self.labels.append(
                f'<text class="label" x="{middle[0]:.1f}" y="{middle[1] + 3:.1f}">'
                f"{escape(edge.constraint)}</text>"
            )
        return (
            f"<g><title>{escape(text)}</title>"
            f'<path class="{kind}" d="{drawn}"/><path class="tip {kind}" d="M{tip}"/></g>'
        )

    def _legend(self) -> list[tuple[str, str]]:
        """Return (class, words) for each kind of line that is drawn and is not the plain one."""
        found = {}
        for edge in self.graph.edges:
            kind = _class(edge)
            if "bad" in kind:
                found[kind] = "needed, and not to be had"
            elif "warn" in kind:
                found[kind] = "cannot be loaded itself"
            elif "optional" in kind:
                found[kind] = "optional"
        return sorted(found.items())

    def _drawn_legend(self, legend: list[tuple[str, str]], y: float) -> Iterator[str]:
        x = float(_MARGIN)
        for kind, text in legend:
            yield f'<path class="{kind}" d="M{x:.1f},{y - 4:.1f}h24"/>'
            yield f'<text class="dim" x="{x + 30:.1f}" y="{y:.1f}">{escape(text)}</text>'
            x += len(text) * 6.6 + 50


def _class(edge: Edge) -> str:
    words = ["optional"] if edge.optional else []
    if not edge.optional and edge.state in ("missing", "conflict", "cycle"):
        words.append("bad")
    elif not edge.optional and edge.state == "blocked":
        words.append("warn")
    return " ".join(words)


def _curve(points: list[tuple[float, float]]) -> str:
    """Return a path through points, level where it meets each."""
    x, y = points[0]
    drawn = f"M{x:.1f},{y:.1f}"
    for next_x, next_y in points[1:]:
        half = (x + next_x) / 2
        drawn += f"C{half:.1f},{y:.1f} {half:.1f},{next_y:.1f} {next_x:.1f},{next_y:.1f}"
        x, y = next_x, next_y
    return drawn
