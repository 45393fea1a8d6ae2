"""Which plugin needs which, as a graph of what is there and what is not."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from . import constraints
from .digraph import components
from .loadorder import order

if TYPE_CHECKING:
    from .loadorder import Order
    from .models import PluginDependency, PluginMetadata

__all__ = ["Edge", "Graph", "Node", "build"]


@dataclass(frozen=True, slots=True)
class Node:
    """A plugin that is there, or one that is only asked for.

    :param version: None where it is not there.
    :param level: 0 for what needs nothing; what a plugin needs has a lower level.
    :param reason: why it cannot be loaded; empty where it can.
    :param hint: what to do about that.
    :param status: where it stands in the life of a running host; empty where none runs.
    """

    id: str
    version: str | None
    level: int
    reason: str = ""
    hint: str = ""
    status: str = ""

    @property
    def state(self) -> str:
        """``ready``, ``blocked`` where it cannot be loaded, ``missing`` where it is not there."""
        if self.version is None:
            return "missing"
        return "blocked" if self.reason else "ready"


@dataclass(frozen=True, slots=True)
class Edge:
    """That one plugin needs another.

    :param state: ``ok``; ``missing``; ``conflict`` where another version is there;
        ``cycle``; ``blocked`` where the other cannot be loaded; ``unused`` where it
        is optional and gone without for another reason.
    """

    source: str
    target: str
    constraint: str
    optional: bool
    state: str

    @property
    def label(self) -> str:
        """What is asked for, in a word or two; empty where any version will do."""
        words = [self.constraint] if self.constraint != "*" else []
        return ", ".join([*words, "optional"] if self.optional else words)


@dataclass(frozen=True, slots=True)
class Graph:
    """Plugins by id, and what they need, both sorted.

    :param levels: ids that can be loaded at once, level by level.
    """

    nodes: dict[str, Node] = field(default_factory=dict)
    edges: tuple[Edge, ...] = ()
    levels: list[list[str]] = field(default_factory=list)

    def needs(self, name: str) -> list[Edge]:
        """Return what a plugin needs."""
        return [edge for edge in self.edges if edge.source == name]

    def needed_by(self, name: str) -> list[Edge]:
        """Return who needs a plugin."""
        return [edge for edge in self.edges if edge.target == name]

    def around(self, name: str) -> Graph:
        """Return the part of a plugin: all that it needs, and all who need it, however far."""
        kept = {name}
        for near, far in (("source", "target"), ("target", "source")):
            queue = [name]
            for one in queue:  # grows while it is read
                for edge in self.edges:
                    other = getattr(edge, far)
                    if getattr(edge, near) == one and other not in queue:
                        queue.append(other)
            kept.update(queue)
        return Graph(
            {key: node for key, node in self.nodes.items() if key in kept},
            tuple([edge for edge in self.edges if edge.source in kept and edge.target in kept]),
            [found for level in self.levels if (found := [one for one in level if one in kept])],
        )

    def as_dict(self) -> dict[str, Any]:
        """Return the graph as JSON values."""
        nodes = [
            {
                "id": node.id,
                "version": node.version,
                "level": node.level,
                "state": node.state,
                "status": node.status or None,
                "reason": node.reason or None,
                "hint": node.hint or None,
            }
            for node in self.nodes.values()
        ]
        edges = [{name: getattr(edge, name) for name in edge.__slots__} for edge in self.edges]
        return {"nodes": nodes, "edges": edges, "levels": self.levels}


def build(
    plugins: Iterable[PluginMetadata],
    *,
    runtime_version: str | None = None,
    statuses: Mapping[str, str] | None = None,
) -> Graph:
    """Return the graph of plugins, of which one version each is there.

    :param runtime_version: the host's version, where what is for another is to be told.
    :param statuses: id → where it stands in the life of a running host.
    """
    known = {plugin.plugin_id: plugin for plugin in plugins}
    found = order(known.values(), runtime_version=runtime_version)
    required = {
        name: sorted({need.plugin_id for need in plugin.dependencies if not need.optional})
        for name, plugin in known.items()
    }
    circles = _circles(required)
    edges = [
        Edge(
            name,
            need.plugin_id,
            need.version_constraint,
            need.optional,
            _state(name, need, known, found, circles),
        )
        for name, plugin in sorted(known.items())
        for need in sorted(plugin.dependencies, key=lambda need: need.plugin_id)
    ]
    level = _levels({*known, *(edge.target for edge in edges)}, edges)
    nodes = {}
    for name in sorted(level):
        plugin = known.get(name)
        error = found.unloadable.get(name)
        nodes[name] = Node(
            name,
            plugin.version if plugin else None,
            level[name],
            (error.cause or error.message) if error else "",
            (error.hint or "") if error else "",
            (statuses or {}).get(name, ""),
        )
    return Graph(nodes, tuple(edges), found.levels)


def _state(
    name: str,
    need: PluginDependency,
    known: Mapping[str, PluginMetadata],
    found: Order,
    circles: Mapping[str, int],
) -> str:
    other = known.get(need.plugin_id)
    if other is None:
        return "missing"
    if not constraints.parse(need.version_constraint).allows(other.version):
        return "conflict"
    if not need.optional and circles.get(name) == circles.get(need.plugin_id, -1):
        return "cycle"
    if need.plugin_id in found.unloadable:
        return "blocked"
    if need.optional and need.plugin_id not in found.needs.get(name, ()):
        return "unused"
    return "ok"


def _circles(needs: Mapping[str, Collection[str]]) -> dict[str, int]:
    """Return a number for each plugin that needs itself in the end; one number per circle."""
    there = {name: [other for other in others if other in needs] for name, others in needs.items()}
    return {
        name: number
        for number, group in enumerate(components(there))
        for name in group
        if len(group) > 1 or name in there[name]
    }


def _levels(names: Collection[str], edges: Iterable[Edge]) -> dict[str, int]:
    """Return the level of each plugin: the length of the longest way down from it.

    Those in a circle share one level.
    """
    needs: dict[str, list[str]] = {name: [] for name in sorted(names)}
    for edge in edges:
        needs[edge.source].append(edge.target)
    level: dict[str, int] = {}
    for group in components(needs):  # what is needed comes first
        below = [level[other] for name in group for other in needs[name] if other in level]
        level |= dict.fromkeys(group, max(below, default=-1) + 1)
    return level
