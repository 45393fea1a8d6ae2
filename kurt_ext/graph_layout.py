"""Place the plugins of a graph in columns, so that few of the lines between them cross.

After Sugiyama, Tagawa and Toda (1981): a column per level, bends where a line
passes a column, the order within a column by the mean of the neighbours.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from .graph import Edge, Graph

__all__ = ["Layout", "place"]

#: A plugin's id, or a bend: (number of the edge, level).
Slot: TypeAlias = "str | tuple[int, int]"

_SWEEPS = 8
_BEND = 0.4  # rows that a bend takes up, where a plugin takes up 1


@dataclass(frozen=True, slots=True)
class Layout:
    """Where everything lies: columns from the left, rows as fractions from the top.

    :param columns: how many there are; what needs most is in column 0.
    :param rows: how many rows it is high.
    :param nodes: id → (column, row).
    :param bends: number of an edge → (column, row) of each bend, from its source on.
    """

    columns: int
    rows: float
    nodes: Mapping[str, tuple[int, float]]
    bends: Mapping[int, Sequence[tuple[int, float]]]


def place(graph: Graph) -> Layout:
    """Return where each plugin is drawn, and the bends of the lines that pass others."""
    columns = 1 + max((node.level for node in graph.nodes.values()), default=-1)
    layers: list[list[Slot]] = [[] for _ in range(columns)]
    for name, node in graph.nodes.items():
        layers[node.level].append(name)
    up: dict[Slot, list[Slot]] = {}
    down: dict[Slot, list[Slot]] = {}
    for number, edge in enumerate(graph.edges):
        way = _way(graph, number, edge)
        for slot in way[1:-1]:
            layers[slot[1]].append(slot)  # type: ignore[index]
        for near, far in pairwise(way):
            down.setdefault(near, []).append(far)
            up.setdefault(far, []).append(near)
    _sort(layers, up, down)
    rows = _rows(layers, up, down)
    top = min(rows.values(), default=0.0)
    height = 1 + max(rows.values(), default=-1.0) - top
    where = {slot: row - top for slot, row in rows.items()}
    nodes = {name: (columns - 1 - graph.nodes[name].level, where[name]) for name in graph.nodes}
    bends = {
        number: [
            (columns - 1 - level, where[(number, level)])
            for level in range(graph.nodes[edge.source].level - 1, -1, -1)
            if (number, level) in where
        ]
        for number, edge in enumerate(graph.edges)
    }
    return Layout(columns, height, nodes, bends)


def _way(graph: Graph, number: int, edge: Edge) -> list[Slot]:
    """Return what an edge passes on its way down; nothing where it stays in its column."""
    high, low = graph.nodes[edge.source].level, graph.nodes[edge.target].level
    if high <= low:
        return []
    return [edge.source, *[(number, level) for level in range(high - 1, low, -1)], edge.target]


def _sort(
    layers: list[list[Slot]], up: Mapping[Slot, list[Slot]], down: Mapping[Slot, list[Slot]]
) -> None:
    """Order each layer by the mean place of the neighbours, to and fro; keep the best order."""
    best, fewest = [list(layer) for layer in layers], _crossings(layers, down)
    for sweep in range(_SWEEPS):
        falling = sweep % 2 == 0
        neighbours = up if falling else down
        for layer in reversed(layers) if falling else layers:
            at = {slot: float(n) for one in layers for n, slot in enumerate(one)}

            def mean(
                slot: Slot,
                neighbours: Mapping[Slot, list[Slot]] = neighbours,
                at: dict[Slot, float] = at,
            ) -> float:
                near = neighbours.get(slot)
                return sum(at[other] for other in near) / len(near) if near else at[slot]

            layer.sort(key=mean)
        found = _crossings(layers, down)
        if found < fewest:
            best, fewest = [list(layer) for layer in layers], found
    layers[:] = best


def _crossings(layers: Sequence[Sequence[Slot]], down: Mapping[Slot, list[Slot]]) -> int:
    at = {slot: number for layer in layers for number, slot in enumerate(layer)}
    total = 0
    for layer in layers:
        ends = [at[far] for near in layer for far in sorted(down.get(near, ()), key=at.__getitem__)]
        total += sum(one > other for number, one in enumerate(ends) for other in ends[number + 1 :])
    return total


def _rows(
    layers: Sequence[Sequence[Slot]], up: Mapping[Slot, list[Slot]], down: Mapping[Slot, list[Slot]]
) -> dict[Slot, float]:
    """Return a row for each slot: near the mean of its neighbours, in order and apart."""
    row: dict[Slot, float] = {}
    for layer in layers:
        row |= _apart(layer, dict.fromkeys(layer, 0.0))
    for sweep in range(_SWEEPS):
        neighbours = up if sweep % 2 == 0 else down
        for layer in layers if sweep % 2 else reversed(layers):
            row |= _apart(layer, _wishes(layer, neighbours, row))
    return row


def _wishes(
    layer: Sequence[Slot], neighbours: Mapping[Slot, list[Slot]], row: Mapping[Slot, float]
) -> dict[Slot, float]:
    """Return the mean row of each slot's neighbours; what has none keeps to the one above it."""
    wish: dict[Slot, float] = {}
    above: Slot | None = None
    for slot in layer:
        near = neighbours.get(slot)
        if near:
            wish[slot] = sum(row[other] for other in near) / len(near)
        elif above is not None:
            wish[slot] = wish[above] + (_size(above) + _size(slot)) / 2
        else:
            wish[slot] = row[slot]
        above = slot
    return wish


def _apart(layer: Sequence[Slot], wish: Mapping[Slot, float]) -> dict[Slot, float]:
    """Return rows in the order of the layer, apart from each other, and near to what is wished.

    The mean of the tightest rows from the top and from the bottom.
    """
    gaps = [(_size(a) + _size(b)) / 2 for a, b in pairwise(layer)]
    falling = [wish[slot] for slot in layer]
    for number, gap in enumerate(gaps):
        falling[number + 1] = max(falling[number + 1], falling[number] + gap)
    rising = [wish[slot] for slot in layer]
    for number in range(len(gaps) - 1, -1, -1):
        rising[number] = min(rising[number], rising[number + 1] - gaps[number])
    return {slot: (falling[n] + rising[n]) / 2 for n, slot in enumerate(layer)}


def _size(slot: Slot) -> float:
    return 1.0 if isinstance(slot, str) else _BEND
