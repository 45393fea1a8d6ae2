"""Find the distributions of the search path that offer ``kurt.*`` entry points."""

from __future__ import annotations

import os
from os import R_OK, access

from .candidates import Candidate
from .distinfo import parse_entry_points
from .fields import blank
from .findings import Finding
from .metadata import read_file, record_of
from .names import NAMESPACE_PREFIX, normalize

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from .candidates import Offer

__all__ = ["Unit", "in_archive", "in_folder", "one"]

_INFO = (".dist-info", ".egg-info")
#: The distribution whose extensions come with the program itself.
HOST_DISTRIBUTION = "kurt-ext"


class Unit:
    """What one place of a folder holds: at most one candidate, and what went wrong.

    :param child: the name below the folder.
    :param probes: the paths below the folder that must be unchanged for this to hold.
    :param record: the manifest of the candidate.
    :param linked: whether the child is a link, which trust looks through.
    :param signature: what the shim knows the manifest by.
    """

    __slots__ = ("candidate", "child", "linked", "probes", "problems", "record", "signature")

    def __init__(
        self,
        child: str,
        probes: tuple[str, ...],
        candidate: Candidate | None = None,
        problems: tuple[Finding, ...] = (),
        record: dict[str, Any] | None = None,
        signature: str = "",
        linked: bool = False,
    ) -> None:
        self.child = child
        self.probes = probes
        self.candidate = candidate
        self.problems = problems
        self.record = record
        self.signature = signature
        self.linked = linked


def in_folder(base: str) -> Iterator[Unit]:
    """Yield the distributions of a folder that offer something or are damaged, by name.

    Each is read by itself: one damaged ``entry_points.txt`` makes
    `importlib.metadata.entry_points` raise for every distribution.
    """
    try:
        names = os.listdir(base)
    except OSError:
        return
    for name in sorted([name for name in names if name.endswith(_INFO)]):
        unit = one(base, name)
        if unit is not None:
            yield unit


def one(base: str, name: str) -> Unit | None:
    """Return what the distribution ``name`` in the folder ``base`` offers; None where nothing."""
    file = name + "/entry_points.txt"
    folder = f"{base}/{name}"
    path = folder + "/entry_points.txt"
    # Most distributions offer nothing; asking is three times as cheap as failing to open.
    if not access(path, R_OK):
        return None
    try:
        data = read_file(path)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        return Unit(name, (file,), problems=(_damaged(folder, str(error), 0),))
    offers: list[Offer] = []
    try:
        groups = parse_entry_points(data)
    except ValueError as error:
        line = getattr(error, "line", 0)
        return Unit(name, (file,), problems=(_damaged(folder, str(error), line),))
    for group, pairs in groups.items():
        if group.startswith(NAMESPACE_PREFIX):
            offers += [(group, key, value) for key, value in pairs]
    if not offers:
        return None
    candidate, record = _candidate(folder, offers)
    manifest = name + "/kurt.json"
    probes = (file, manifest) if access(f"{base}/{manifest}", R_OK) else (file,)
    return Unit(name, probes, candidate, record=record)


def _damaged(folder: str, why: str, line: int) -> Finding:
    return Finding(
        "malformed-distribution",
        "warning",
        f"{os.path.basename(folder)} cannot be read: {why}",
        path=os.path.join(folder, "entry_points.txt"),
        line=line,
        fix="reinstall that distribution",
    )


def _candidate(folder: str, offers: list[Offer]) -> tuple[Candidate, dict[str, Any]]:
    findings: tuple[Finding, ...] = ()
    stem = os.path.basename(folder).rpartition(".")[0]
    distribution = normalize(stem.partition("-")[0])
    try:
        record = record_of(folder)
    except (OSError, ValueError) as error:
        record = blank("entry_points.txt")
        record.update(id=distribution, name=distribution, version=stem.partition("-")[2])
        findings = (
            Finding(
                "malformed-distribution",
                "error",
                f"its manifest cannot be read: {error}",
                path="kurt.json",
                fix="reinstall it",
            ),
        )
    candidate = Candidate(
        name=record["id"],
        title=record["name"],
        version=record["version"],
        scope="builtin" if distribution == HOST_DISTRIBUTION else "installed",
        location=folder,
        dist_info=folder,
        distribution=distribution,
        source=record["source"] or "entry_points.txt",
        summary=record["description"] or "",
        tags=record["tags"],
        offers=offers,
        findings=findings,
    )
    return candidate, record


def in_archive(path: str) -> Iterator[Unit]:
    """Yield the distributions inside a zip file on the search path.

    They are rare, so that `importlib.metadata` may read them.
    """
    from importlib.metadata import distributions

    for found in distributions(path=[path]):
        try:
            entry_points = list(found.entry_points)
            name, version = found.name, found.version
        except Exception as error:  # whatever a stranger's archive makes it raise
            yield Unit("", (), problems=(_damaged(path, str(error), 0),))
            continue
        offers = [
            (point.group, point.name, point.value)
            for point in entry_points
            if point.group.startswith(NAMESPACE_PREFIX)
        ]
        if offers:
            location = f"{path}/{normalize(name).replace('-', '_')}-{version}.dist-info"
            yield Unit(
                "",
                (),
                Candidate(
                    name=normalize(name),
                    title=name,
                    version=version,
                    scope="installed",
                    location=location,
                    dist_info=location,
                    distribution=normalize(name),
                    source="entry_points.txt",
                    summary=found.metadata["Summary"] or "",
                    offers=offers,
                ),
            )
