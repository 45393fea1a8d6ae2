"""What needs what is one graph, and every drawing of it shows all of it."""

from __future__ import annotations

import itertools
import re
from collections.abc import Sequence
from xml.etree import ElementTree

from hypothesis import given
from hypothesis import strategies as st

from kurt_ext.graph import Graph, build
from kurt_ext.graph_layout import place
from kurt_ext.graph_picture import mermaid, svg, tree
from kurt_ext.models import PluginDependency, PluginMetadata

SVG = "{http://www.w3.org/2000/svg}"


def plugin(name: str, version: str = "1.0.0", *needs: str, **more: str) -> PluginMetadata:
    """Return a plugin; a need is ``ID``, ``ID CONSTRAINT``, either with ``?`` behind: optional."""
    dependencies = []
    for need in needs:
        other, _, constraint = need.removesuffix("?").partition(" ")
        dependencies.append(
            PluginDependency(
                plugin_id=other, version_constraint=constraint or "*", optional=need.endswith("?")
            )
        )
    return PluginMetadata(
        plugin_id=name, name=name, version=version, dependencies=dependencies, **more
    )


#: A plugin of each sort that there is.
ALL = [
    plugin("app", "1.0.0", "core >=2.0.0,<3.0.0", "base", "extras?", "reports"),
    plugin("core", "2.1.0", "base ^1.0.0"),
    plugin("base", "1.4.0"),
    plugin("reports", "0.3.0", "core", "old >=2.0.0"),
    plugin("old"),
    plugin("ping", "1.0.0", "pong"),
    plugin("pong", "1.0.0", "ping"),
    plugin("orphan", "1.0.0", "nobody"),
    plugin("alone", "0.1.0"),
    plugin("dash", "1.0.0", "reports", "base", "ping?"),
    plugin("self", "1.0.0", "self"),
    plugin("late", "1.0.0", min_runtime_version="9.0.0"),
]


def whole() -> Graph:
    return build(ALL, runtime_version="1.0.0", statuses={"core": "active", "old": "failed"})


def text(graph: Graph, root: str | None = None) -> list[str]:
    return ["".join(part for part, _ in line) for line in tree(graph, root)]


NAMES = [f"p{number}" for number in range(8)]


@st.composite
def graphs(draw: st.DrawFn) -> Graph:
    names = draw(st.lists(st.sampled_from(NAMES), unique=True))
    made = []
    for name in names:
        others = draw(st.lists(st.sampled_from(NAMES), unique=True, max_size=4))
        needs = [
            other
            + draw(st.sampled_from(["", " >=2.0.0", " ^1.0.0"]))
            + draw(st.sampled_from(["", "?"]))
            for other in others
        ]
        made.append(plugin(name, draw(st.sampled_from(["1.0.0", "2.0.0"])), *needs))
    return build(made)


# -- the graph -----------------------------------------------------------------------


def test_every_need_is_told_apart() -> None:
    states = {(edge.source, edge.target): edge.state for edge in whole().edges}
    assert states == {
        ("app", "base"): "ok",
        ("app", "core"): "ok",
        ("app", "extras"): "missing",
        ("app", "reports"): "blocked",
        ("core", "base"): "ok",
        ("dash", "base"): "ok",
        ("dash", "ping"): "blocked",
        ("dash", "reports"): "blocked",
        ("orphan", "nobody"): "missing",
        ("ping", "pong"): "cycle",
        ("pong", "ping"): "cycle",
        ("reports", "core"): "ok",
        ("reports", "old"): "conflict",
        ("self", "self"): "cycle",
    }


def test_every_plugin_says_whether_it_can_be_loaded_and_why_not() -> None:
    nodes = whole().nodes
    assert {name for name, node in nodes.items() if node.state == "missing"} == {"extras", "nobody"}
    blocked = {name: node.reason for name, node in nodes.items() if node.state == "blocked"}
    assert set(blocked) == {"app", "reports", "ping", "pong", "orphan", "dash", "self", "late"}
    assert "old >=2.0.0, and 1.0.0 is there" in blocked["reports"]
    assert "app → reports" in blocked["app"]
    assert "9.0.0" in blocked["late"]


def test_an_optional_plugin_that_closes_a_circle_is_not_taken() -> None:
    graph = build([plugin("one", "1.0.0", "two"), plugin("two", "1.0.0", "one?")])
    assert {edge.source: edge.state for edge in graph.edges} == {"one": "ok", "two": "unused"}
    assert graph.levels == [["two"], ["one"]]


def test_the_part_of_a_plugin_is_what_it_needs_and_who_needs_it() -> None:
    assert set(whole().around("core").nodes) == {"core", "base", "reports", "app", "dash"}
    assert set(whole().around("alone").nodes) == {"alone"}
    assert set(whole().around("ping").nodes) == {"ping", "pong", "dash"}


def test_a_graph_is_json() -> None:
    data = whole().as_dict()
    assert {node["id"] for node in data["nodes"]} == set(whole().nodes)
    core = next(node for node in data["nodes"] if node["id"] == "core")
    assert core == {
        "id": "core",
        "version": "2.1.0",
        "level": 1,
        "state": "ready",
        "status": "active",
        "reason": None,
        "hint": None,
    }
    assert data["levels"] == [["alone", "base", "old"], ["core"]]


@given(graphs())
def test_what_is_needed_has_a_lower_level_but_in_a_circle(graph: Graph) -> None:
    needs: dict[str, set[str]] = {name: {name} for name in graph.nodes}
    for _ in graph.nodes:
        for edge in graph.edges:
            needs[edge.source] |= needs[edge.target]
    for edge in graph.edges:
        high, low = graph.nodes[edge.source].level, graph.nodes[edge.target].level
        if edge.source in needs[edge.target]:
            assert high == low
        else:
            assert high > low
    loadable = {name for name, node in graph.nodes.items() if node.state == "ready"}
    assert {name for level in graph.levels for name in level} == loadable


# -- text ----------------------------------------------------------------------------


def test_the_tree_shows_each_need_with_what_is_asked_for_and_what_is_wrong() -> None:
    lines = text(whole())
    assert lines[:7] == [
        "app 1.0.0  cannot be loaded",
        "├── base 1.4.0",
        "├── core 2.1.0  active  >=2.0.0,<3.0.0",
        "│   └── base 1.4.0  ^1.0.0",
        "├── extras  optional  is not there",
        "└── reports 0.3.0  cannot be loaded",
        "    ├── core 2.1.0  active  …",
    ]
    assert "    └── old  failed  >=2.0.0  1.0.0 is there" in lines
    assert "alone 0.1.0" in lines


def test_the_tree_of_one_begins_with_it() -> None:
    assert text(whole().around("core"), "core") == [
        "core 2.1.0  active",
        "└── base 1.4.0  ^1.0.0",
    ]


@given(graphs())
def test_the_tree_shows_every_plugin_and_every_need_once(graph: Graph) -> None:
    lines = text(graph)
    shown = re.findall(r"p\d", "\n".join(lines))
    assert set(shown) == set(graph.nodes)
    heads = sum(not line.startswith(("├", "└", "│", " ")) for line in lines)
    assert len(lines) == heads + len(graph.edges)


# -- Mermaid ---------------------------------------------------------------------------


def test_mermaid_names_every_plugin_and_every_need() -> None:
    drawn = mermaid(whole())
    assert drawn.startswith("flowchart LR\n")
    assert '["core<br/>2.1.0"]:::ready' in drawn
    assert "-.->|" in drawn
    # What Mermaid would read as its own is written as a number.
    for label in re.findall(r'"([^"]*)"', drawn):
        assert not re.search(r"[<>&|\[\]{}]", label.replace("<br/>", ""))
    arrows = [line for line in drawn.splitlines() if "->" in line]
    assert len(arrows) == len(whole().edges)
    bad = next(line for line in drawn.splitlines() if "linkStyle" in line)
    for number in re.findall(r"\d+(?=[, ])", bad.split("stroke")[0]):
        assert (
            "is not there" in arrows[int(number)]
            or "version" in arrows[int(number)]
            or ("in turn" in arrows[int(number)])
        )


# -- SVG -------------------------------------------------------------------------------


def test_an_svg_stands_alone_and_tells_why_a_plugin_fails() -> None:
    drawn = svg(whole(), title="What <they> need & why")
    root = ElementTree.fromstring(drawn)
    assert root.tag == f"{SVG}svg"
    for word in ("href", "url(", "@import", "<script", "http://"):
        assert word not in drawn.replace("http://www.w3.org/2000/svg", "")
    titles = [element.text or "" for element in root.iter(f"{SVG}title")]
    assert titles[0] == "What <they> need & why"
    assert any("old >=2.0.0, and 1.0.0 is there" in title for title in titles)
    assert "reports needs old >=2.0.0: is there in another version" in titles
    assert "prefers-color-scheme:dark" in drawn


def test_an_svg_of_nothing_is_one_too() -> None:
    assert ElementTree.fromstring(svg(build([]))).tag == f"{SVG}svg"
    assert text(build([])) == []
    assert mermaid(build([])).startswith("flowchart")


def boxes(drawn: str) -> list[tuple[float, float, float, float]]:
    root = ElementTree.fromstring(drawn)
    return [
        tuple(float(rect.attrib[key]) for key in ("x", "y", "width", "height"))  # type: ignore[misc]
        for rect in root.iter(f"{SVG}rect")
        if rect.attrib.get("class") != "page"
    ]


@given(graphs())
def test_no_two_plugins_overlap_and_all_lie_on_the_page(graph: Graph) -> None:
    drawn = svg(graph)
    root = ElementTree.fromstring(drawn)
    across, down = float(root.attrib["width"]), float(root.attrib["height"])
    found = boxes(drawn)
    assert len(found) == len(graph.nodes)
    for x, y, wide, high in found:
        assert x >= 0 and y >= 0 and x + wide <= across + 1 and y + high <= down + 1
    for (ax, ay, aw, ah), (bx, by, bw, bh) in itertools.combinations(found, 2):
        assert ax + aw <= bx or bx + bw <= ax or ay + ah <= by or by + bh <= ay


@given(graphs())
def test_a_line_bends_in_every_column_that_it_passes(graph: Graph) -> None:
    layout = place(graph)
    for number, edge in enumerate(graph.edges):
        start, end = layout.nodes[edge.source][0], layout.nodes[edge.target][0]
        passed: Sequence[int] = range(start + 1, end)
        assert [column for column, _ in layout.bends[number]] == list(passed)
        for column, row in layout.bends[number]:
            for other, other_row in layout.nodes.values():
                assert other != column or abs(row - other_row) > 0.5


def test_a_large_graph_is_drawn() -> None:
    made = [
        plugin(f"com.example.p{n}", "1.0.0", *[f"com.example.p{m}" for m in range(n // 2, n, 5)])
        for n in range(60)
    ]
    graph = build(made)
    assert len(boxes(svg(graph))) == 60
    assert sum("──" in line for line in text(graph)) == len(graph.edges)
