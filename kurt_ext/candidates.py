"""A skill that was found, and not imported."""

from __future__ import annotations

from .findings import Finding
from .names import slug

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    #: (group, name, value): one entry point.
    Offer = tuple[str, str, str]

__all__ = ["DATA_GROUPS", "HOST_GROUPS", "SCOPES", "Candidate"]

#: In order of precedence: a name found in an earlier scope wins.
SCOPES = ("project", "user", "installed", "builtin")
#: Groups that extend the host itself; only installed distributions may offer them.
HOST_GROUPS = frozenset({"kurt.kind", "kurt.check", "kurt.command"})
#: Groups that are read as data; their values are never imported.
DATA_GROUPS = frozenset({"kurt.implements", "kurt.opt_in"})


class Candidate:
    """One copy of a skill: a folder or a distribution.

    :param name: the skill's name, the same in every scope.
    :param title: what people call it.
    :param version: as the manifest spells it.
    :param scope: one of :data:`SCOPES`.
    :param location: the skill's folder, or the ``*.dist-info`` of a distribution.
    :param dist_info: the ``*.dist-info``; that of a folder lies in the shim.
    :param distribution: the normalised name of the distribution.
    :param source: ``SKILL.md``, ``plugin.json``, both joined by ``+``, or
        ``entry_points.txt`` for a distribution without a manifest.
    :param offers: its entry points, as (group, name, value).
    :param code: whether it has code to import.
    :param trusted: whether that code may be imported.
    :param findings: what is wrong with it; paths are relative to ``location``.
    :param shadowed_by: the location of the copy that wins over this one, or None.
    """

    __slots__ = (
        "code",
        "dist_info",
        "distribution",
        "findings",
        "location",
        "name",
        "offers",
        "scope",
        "shadowed_by",
        "source",
        "summary",
        "tags",
        "title",
        "trusted",
        "version",
    )

    def __init__(
        self,
        *,
        name: str,
        title: str,
        version: str,
        scope: str,
        location: str,
        dist_info: str,
        distribution: str,
        source: str,
        summary: str = "",
        tags: Sequence[str] = (),
        offers: Sequence[Offer] = (),
        code: bool = True,
        trusted: bool = True,
        findings: Sequence[Finding] = (),
        shadowed_by: str | None = None,
    ) -> None:
        self.name = name
        self.title = title
        self.version = version
        self.scope = scope
        self.location = location
        self.dist_info = dist_info
        self.distribution = distribution
        self.source = source
        self.summary = summary
        self.tags = tuple(tags)
        self.offers = tuple(offers)
        self.code = code
        self.trusted = trusted
        self.findings = tuple(findings)
        self.shadowed_by = shadowed_by

    @property
    def slug(self) -> str:
        """The module name below ``kurt_skills``; what two copies of one skill share."""
        return slug(self.name)

    @property
    def is_folder(self) -> bool:
        """Whether it is a folder with a manifest, rather than an installed distribution."""
        return self.location != self.dist_info and not self.location.endswith(
            (".dist-info", ".egg-info")
        )

    @property
    def state(self) -> str:
        """``shadowed``, ``broken``, ``untrusted``, ``instructions`` or ``ready``."""
        if self.shadowed_by is not None:
            return "shadowed"
        if any(finding.fatal for finding in self.findings):
            return "broken"
        if not self.trusted:
            return "untrusted"
        return "ready" if self.offers else "instructions"

    @property
    def reason(self) -> str | None:
        """Why the state is not ``ready``, in a sentence; None where it is."""
        state = self.state
        if state == "shadowed":
            return f"{self.shadowed_by} comes first"
        if state == "broken":
            return next(str(finding) for finding in self.findings if finding.fatal)
        if state == "untrusted":
            return "its folder is not trusted"
        if state == "instructions":
            return "it has instructions and no code"
        return None

    @property
    def usable(self) -> bool:
        """Whether its extensions may be imported, as far as the skill itself is concerned."""
        return self.state in ("ready", "instructions")

    def record(self) -> dict[str, Any]:
        """Return the whole manifest, read again from the skill itself.

        :raises ManifestError: when the folder's can no longer be read.
        :raises ValueError: when an installed ``kurt.json`` is damaged.
        """
        if not self.is_folder:
            from .metadata import record_of

            return record_of(self.dist_info)
        from .errors import ManifestError
        from .manifest import read

        reading = read(self.location)
        if reading.record is None:
            raise ManifestError(
                f"the manifest of {self.name} cannot be read",
                cause=next((str(finding) for finding in reading.findings), None),
                at=self.location,
                findings=reading.findings,
                skill=self.name,
            )
        return reading.record

    def as_fields(self) -> tuple[Any, ...]:
        """Return what the skill alone decides, as marshal stores it."""
        return (
            self.name,
            self.title,
            self.version,
            self.scope,
            self.location,
            self.dist_info,
            self.distribution,
            self.source,
            self.summary,
            self.tags,
            self.offers,
            self.code,
            tuple(finding.as_tuple() for finding in self.findings),
        )

    @classmethod
    def from_fields(
        cls, fields: tuple[Any, ...], *, trusted: bool, shadowed_by: str | None
    ) -> Candidate:
        """Return the candidate that :meth:`as_fields` was called on, with what others decide."""
        return cls(
            name=fields[0],
            title=fields[1],
            version=fields[2],
            scope=fields[3],
            location=fields[4],
            dist_info=fields[5],
            distribution=fields[6],
            source=fields[7],
            summary=fields[8],
            tags=fields[9],
            offers=fields[10],
            code=fields[11],
            findings=[Finding.from_tuple(item) for item in fields[12]],
            trusted=trusted,
            shadowed_by=shadowed_by,
        )

    def __repr__(self) -> str:
        return f"<Candidate {self.name} {self.version} {self.scope} {self.state}>"
