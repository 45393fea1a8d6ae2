"""One unit of a folder, as a scan handles it and the index stores it."""

from __future__ import annotations

import marshal
import os

from .candidates import DATA_GROUPS, HOST_GROUPS, SCOPES, Candidate
from .config import Config
from .findings import Finding

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    from .candidates import Offer
    from .index import Fingerprint, Index
    from .installed import Unit
    from .shimstate import Wanted

__all__ = ["MISFIT", "Found", "restore"]

_MARSHAL = 2
#: What reading rows raises that another build of the same version wrote.
MISFIT = (ValueError, EOFError, TypeError, KeyError, IndexError, AttributeError)


class Found:
    """One unit of a folder, as the scan handles it: decoded only where that is needed."""

    __slots__ = (
        "_candidate",
        "base",
        "child",
        "dist_info",
        "fatal",
        "fields",
        "fragment",
        "fresh",
        "keys",
        "linked",
        "location",
        "marks",
        "name",
        "probes",
        "problems",
        "record",
        "scope",
        "shadowed_by",
        "signature",
        "slug",
        "trusted",
    )

    def __init__(
        self,
        base: str,
        probes: Sequence[str],
        marks: Sequence[Fingerprint],
        stored: tuple[Any, ...],
        listing: bytes = b"",
    ) -> None:
        self.base = base
        self.probes = probes
        self.marks = marks
        self.fresh = False
        self.record: dict[str, Any] | None = None
        self._candidate: Candidate | None = None
        (
            self.child,
            _,
            self.slug,
            self.name,
            self.location,
            self.scope,
            self.keys,
            self.fields,
            self.signature,
            self.dist_info,
            self.linked,
            self.problems,
            self.fatal,
            self.trusted,
            self.shadowed_by,
            (start, end),
        ) = stored
        #: Its row of the listing, as JSON text; empty until it is rendered.
        self.fragment = listing[start:end]

    @classmethod
    def of(cls, base: str, marks: Sequence[Fingerprint], unit: Unit) -> Found:
        """Return what has just been read."""
        c = unit.candidate
        problems = tuple([finding.as_tuple() for finding in unit.problems])
        place: tuple[Any, ...] = ("", "", "", "", (), b"", "", "", False)
        fatal = False
        if c is not None:
            keys = tuple([f"{group}:{name}" for group, name, _ in c.offers])
            fields = marshal.dumps(c.as_fields(), _MARSHAL)
            place = (c.slug, c.name, c.location, c.scope, keys, fields, unit.signature)
            place += (os.path.basename(c.dist_info), unit.linked)
            fatal = any(finding.fatal for finding in c.findings)
        stored = (unit.child, 0, *place, problems, fatal, c is not None, None, (0, 0))
        found = cls(base, unit.probes, marks, stored)
        found.record = unit.record
        found.fresh = True
        return found

    @property
    def extends_host(self) -> bool:
        """Whether it offers kinds, checks, commands or data that the program itself reads."""
        groups = HOST_GROUPS | DATA_GROUPS
        return self.scope in ("installed", "builtin") and any(
            key.partition(":")[0] in groups for key in self.keys
        )

    def order(self) -> tuple[int, str]:
        """Return what listings are sorted by: the scope, then the name."""
        return SCOPES.index(self.scope), self.name

    def stored(self, span: tuple[int, int]) -> tuple[Any, ...]:
        """Return the row that the constructor takes.

        :param span: where its fragment begins and ends in the listing.
        """
        return (
            self.child,
            len(self.probes),
            self.slug,
            self.name,
            self.location,
            self.scope,
            self.keys,
            self.fields,
            self.signature,
            self.dist_info,
            self.linked,
            self.problems,
            self.fatal,
            self.trusted,
            self.shadowed_by,
            span,
        )

    @property
    def candidate(self) -> Candidate:
        """The candidate, decoded."""
        if self._candidate is None:
            self._candidate = Candidate.from_fields(
                marshal.loads(self.fields), trusted=self.trusted, shadowed_by=self.shadowed_by
            )
        return self._candidate

    def decide(self, trusted: bool, shadowed_by: str | None) -> None:
        """Set what does not depend on the skill alone; what was rendered before may be void."""
        if trusted != self.trusted or shadowed_by != self.shadowed_by:
            self.trusted = trusted
            self.shadowed_by = shadowed_by
            self.fragment = b""
            self._candidate = None

    def wanted(self) -> Wanted:
        """Return what the shim is to show of it, read only if it must be written."""
        from .shimstate import Wanted

        def load() -> tuple[dict[str, Any], tuple[Offer, ...]]:
            c = self.candidate
            return (self.record if self.record is not None else c.record()), c.offers

        return Wanted(self.name, self.location, self.dist_info, self.signature, load)

    @property
    def ready(self) -> bool:
        """Whether its code may be imported."""
        return self.trusted and not self.fatal and self.shadowed_by is None


def restore(
    index: Index, section: str = "rows"
) -> tuple[list[Found], list[Finding], Config] | None:
    """Return what an unchanged index holds: units with candidates, problems, configuration.

    None where its rows have another shape than this version's.

    :param section: ``rows`` for everything, ``host`` for what extends the program.
    """
    try:
        rows = index.load(section)
        founds = [
            Found(base, (), (), item)
            for base, (_, stored) in rows["bases"].items()
            for item in stored
            if item[2]
        ]
        founds.sort(key=Found.order)
        problems = [Finding.from_tuple(item) for item in rows["problems"]]
        return founds, problems, Config.from_data(rows["config"])
    except MISFIT:
        return None
