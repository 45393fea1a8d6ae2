"""Find every skill, say which copy of it wins, and answer by name. Nothing is imported.

Rows in, rows out: a skill that cannot be read is a candidate with its reason,
and what belongs to no skill is a problem. Nothing is logged and passed over.
"""

from __future__ import annotations

from .candidates import DATA_GROUPS, Candidate
from .errors import SkillNotFoundError
from .found import restore
from .index import Index
from .names import suggest
from .places import Places

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from importlib.metadata import EntryPoint

    from .config import Config
    from .findings import Finding
    from .found import Found

__all__ = ["Discovery", "discover", "discover_host"]


def discover(places: Places | None = None, *, refresh: bool = False) -> Discovery:
    """Return everything that is there, from the index where nothing has changed.

    :param places: where to look; the places of this process if None.
    :param refresh: look at everything again, whatever the index says.
    """
    places = places or Places()
    index = None if refresh else Index.open(places)
    if index is not None and index.unchanged():
        kept = restore(index)
        if kept is not None:
            return Discovery.of(places, *kept)
        index = None
    from .scan import scan

    seen = scan(places, index, anew=refresh)
    return Discovery.of(places, seen.founds, seen.problems, seen.config)


def discover_host(places: Places | None = None) -> Discovery:
    """Return what extends the program itself, without a look at the folders of skills.

    It holds the installed distributions that offer kinds, checks and commands;
    a help text needs no more.
    """
    places = places or Places()
    index = Index.open(places)
    if index is not None and index.unchanged(installed=True):
        kept = restore(index, "host")
        if kept is not None:
            return Discovery.of(places, *kept)
    return discover(places)


class Discovery:
    """What was found, at one moment.

    :param candidates: every copy of every skill, winners before the copies they shadow.
    :param problems: findings that belong to no candidate; their paths are absolute.
    :param config: the configuration that it was found under.
    """

    __slots__ = (
        "_candidates",
        "_extensions",
        "_founds",
        "_opt_in",
        "_table",
        "_words",
        "config",
        "places",
        "problems",
    )

    def __init__(
        self,
        places: Places,
        candidates: Iterable[Candidate],
        problems: Iterable[Finding],
        config: Config,
    ) -> None:
        self.places = places
        self.problems = tuple(problems)
        self.config = config
        self._candidates: tuple[Candidate, ...] | None = tuple(candidates)
        self._founds: Sequence[Found] = ()
        self._table: dict[str, Candidate] | None = None
        self._extensions: dict[str, list[tuple[Candidate, str, str, str]]] | None = None
        self._words: Mapping[str, tuple[str, str]] | None = None
        self._opt_in: frozenset[str] | None = None

    @classmethod
    def of(
        cls, places: Places, founds: Sequence[Found], problems: Iterable[Finding], config: Config
    ) -> Discovery:
        """Return what a look has found, each candidate decoded when it is asked for."""
        made = cls(places, (), problems, config)
        made._candidates = None
        made._founds = founds
        return made

    @property
    def candidates(self) -> tuple[Candidate, ...]:
        """Every copy of every skill, in order of precedence."""
        if self._candidates is None:
            self._candidates = tuple([found.candidate for found in self._founds])
        return self._candidates

    @property
    def _winners(self) -> dict[str, Candidate]:
        if self._table is None:
            self._table = {c.slug: c for c in self.candidates if c.shadowed_by is None}
        return self._table

    def _offering(self, namespace: str) -> Iterable[Candidate]:
        """Return the winners that may offer something in a namespace, decoding no other."""
        if self._candidates is not None:
            return self._winners.values()
        start = namespace + ":"
        return [
            found.candidate
            for found in self._founds
            if found.shadowed_by is None and any(key.startswith(start) for key in found.keys)
        ]

    @property
    def words(self) -> Mapping[str, tuple[str, str]]:
        """Word of a manifest → (namespace, prefix of the extension's name there)."""
        if self._words is None:
            self._words = words_of(self._offering("kurt.implements"))
        return self._words

    @property
    def opt_in(self) -> frozenset[str]:
        """The namespaces whose extensions run only when ``kurt.toml`` names them."""
        if self._opt_in is None:
            self._opt_in = opt_in_of(self._offering("kurt.opt_in"))
        return self._opt_in

    @property
    def winners(self) -> tuple[Candidate, ...]:
        """The copies that no other shadows."""
        return tuple(self._winners.values())

    def named(self, name: str) -> list[Candidate]:
        """Return every copy of a skill, the winner first; [] where there is none."""
        from .names import slug

        wanted = slug(name) if name else ""
        return [candidate for candidate in self.candidates if candidate.slug == wanted]

    def skill(self, name: str) -> Candidate:
        """Return the winning copy of a skill.

        :raises SkillNotFoundError: with the nearest names.
        """
        from .names import slug

        found = self._winners.get(slug(name)) if name else None
        if found is not None:
            return found
        near = suggest(name, [candidate.name for candidate in self._winners.values()])
        raise SkillNotFoundError(
            f"there is no skill {name}",
            hint=f"did you mean {near[0]}?" if near else "kurt list",
            candidates=near,
        )

    def find(
        self, name: str, namespace: str | None = None
    ) -> list[tuple[Candidate, str, str, str]]:
        """Return (candidate, group, name, value) of the usable extensions of a name.

        One dictionary look-up, built on the first call. More than one entry
        means that the bare name is ambiguous.
        """
        if self._extensions is None:
            table: dict[str, list[tuple[Candidate, str, str, str]]] = {}
            for candidate in self._winners.values():
                if candidate.usable:
                    for group, key, value in candidate.offers:
                        if group not in DATA_GROUPS:
                            table.setdefault(key, []).append((candidate, group, key, value))
            self._extensions = table
        found = self._extensions.get(name, [])
        return found if namespace is None else [item for item in found if item[1] == namespace]

    def offers(self, namespace: str) -> list[tuple[Candidate, str, str]]:
        """Return (candidate, name, value) of the usable extensions in a namespace."""
        return [
            (candidate, name, value)
            for candidate in self._offering(namespace)
            if candidate.usable
            for group, name, value in candidate.offers
            if group == namespace
        ]

    def namespaces(self) -> list[str]:
        """Return the groups that usable candidates offer something in, sorted."""
        return sorted(
            {
                group
                for candidate in self._winners.values()
                if candidate.usable
                for group, _, _ in candidate.offers
            }
        )

    def entry_points(self, namespace: str) -> list[EntryPoint]:
        """Return the usable extensions in a namespace as entry points with their distribution."""
        from importlib.metadata import Distribution, EntryPoint
        from pathlib import Path

        made: list[EntryPoint] = []
        known: dict[str, Distribution] = {}
        for candidate, name, value in self.offers(namespace):
            place = candidate.dist_info
            if place not in known:
                known[place] = Distribution.at(Path(place))
            point = EntryPoint(name=name, value=value, group=namespace)
            # The only way to a distribution that the standard library offers.
            made.append(point._for(known[place]))  # type: ignore[attr-defined]
        return made


def words_of(candidates: Iterable[Candidate]) -> dict[str, tuple[str, str]]:
    """Return the words that the data group ``kurt.implements`` gives manifests to use."""
    found: dict[str, tuple[str, str]] = {}
    for candidate in candidates:
        if candidate.scope in ("installed", "builtin"):
            for group, name, value in candidate.offers:
                if group == "kurt.implements":
                    namespace, _, prefix = value.partition(":")
                    found.setdefault(name, (namespace, prefix))
    return found


def opt_in_of(candidates: Iterable[Candidate]) -> frozenset[str]:
    """Return the namespaces that the data group ``kurt.opt_in`` names."""
    return frozenset(
        value
        for candidate in candidates
        if candidate.scope in ("installed", "builtin")
        for group, _, value in candidate.offers
        if group == "kurt.opt_in"
    )
