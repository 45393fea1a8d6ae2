"""What can be said of who needs whom: in which levels, and in which circles."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

__all__ = ["Graph", "components", "cycle_through", "levels"]

#: Id → ids that it needs.
Graph = Mapping[str, Iterable[str]]


def levels(needs: Graph) -> list[list[str]]:
    """Return the ids of a graph without circles in levels, each sorted by id.

    :param needs: id → ids that come before it; all of them are keys.
    """
    waiting = {name: len(set(others)) for name, others in needs.items()}
    needed_by: dict[str, list[str]] = {name: [] for name in needs}
    for name, others in needs.items():
        for other in set(others):
            needed_by[other].append(name)
    found = []
    level = sorted(name for name, count in waiting.items() if not count)
    while level:
        found.append(level)
        ready = []
        for name in level:
            for other in needed_by[name]:
                waiting[other] -= 1
                if not waiting[other]:
                    ready.append(other)
        level = sorted(ready)
    return found


def components(needs: Graph) -> list[list[str]]:
    """Return the strongly connected components of a graph (Tarjan, 1972), without recursion.

    :param needs: id → ids, all of them keys.
    """
    number: dict[str, int] = {}
    lowest: dict[str, int] = {}
    open_: dict[str, None] = {}
    found = []
    for root in needs:
        if root in number:
            continue
        number[root] = lowest[root] = len(number)
        open_[root] = None
        path = [(root, iter(needs[root]))]
        while path:
            name, rest = path[-1]
            for other in rest:
                if other not in number:
                    number[other] = lowest[other] = len(number)
                    open_[other] = None
                    path.append((other, iter(needs[other])))
                    break
                if other in open_:
                    lowest[name] = min(lowest[name], number[other])
            else:
                path.pop()
                if path:
                    lowest[path[-1][0]] = min(lowest[path[-1][0]], lowest[name])
                if lowest[name] == number[name]:
                    group = []
                    while name in open_:
                        group.append(open_.popitem()[0])
                    found.append(sorted(group))
    return found


def cycle_through(start: str, needs: Graph) -> list[str]:
    """Return the shortest circle through ``start``, from its smallest id on.

    :param needs: a graph in which there is one.
    """
    came: dict[str, str] = {}
    queue = [start]
    for name in queue:  # grows while it is read
        for other in sorted(needs[name]):
            if other == start:
                path = [name]
                while path[-1] != start:
                    path.append(came[path[-1]])
                path.reverse()
                first = path.index(min(path))
                return path[first:] + path[:first]
            if other not in came:
                came[other] = name
                queue.append(other)
    raise ValueError(f"{start} is in no circle")
