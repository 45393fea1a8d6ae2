"""Put the layers around a call in order, and keep their wishes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from .errors import CircularOrderError

__all__ = ["arranged"]

#: (names to be before, names to be after)
Wishes = tuple[Iterable[str], Iterable[str]]


def arranged(names: Sequence[str], wishes: Mapping[str, Wishes]) -> list[str]:
    """Return ``names`` in the given order, changed only where a wish demands it.

    :param names: each once, outermost first.
    :param wishes: per name, whom it wants to be before and after; names that
        are not there are passed over.
    :raises CircularOrderError: when the wishes form a circle; ``cycle`` holds it whole.
    """
    known = dict.fromkeys(names)
    # outer[n] = who must come before n
    outer: dict[str, list[str]] = {name: [] for name in names}
    for name in names:
        before, after = wishes.get(name, ((), ()))
        for other in before:
            if other in known:
                outer[other].append(name)
        for other in after:
            if other in known:
                outer[name].append(other)
    rank = {name: number for number, name in enumerate(known)}
    done: dict[str, None] = {}
    under_way: list[str] = []

    def place(name: str) -> None:
        if name in under_way:
            cycle = _cycle(name, outer, done)
            raise CircularOrderError(
                "the layers around a call want to come before each other in a circle",
                cause=" → ".join(cycle),
                hint=f"kurt disable {cycle[0]}",
                cycle=cycle,
            )
        if name not in done:
            under_way.append(name)
            # Only those who must lie further out are moved; all others keep their turn.
            for other in sorted(outer[name], key=rank.__getitem__):
                place(other)
            under_way.pop()
            done[name] = None

    for name in names:
        place(name)
    return list(done)


def _cycle(start: str, outer: Mapping[str, Sequence[str]], done: Mapping[str, None]) -> list[str]:
    path: list[str] = []
    name = start
    while name not in path:
        path.append(name)
        name = next(other for other in outer[name] if other not in done)
    # `outer` leads outward; told from the outside in.
    return [name, *reversed(path[path.index(name) + 1 :]), name]
