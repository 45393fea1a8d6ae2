"""Skills as manifests: along paths, or all that there are. None of their code is imported.

`Discovery` answers a host that wants to run something: rows that say what
each copy is good for, broken ones too. This answers one that wants whole
manifests, of those skills that can be used; the others are logged and passed over.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .discovery import discover
from .errors import ManifestError
from .findings import Finding
from .folders import list_root
from .frontmatter import split
from .manifest import parse_skill_md, read
from .metadata import package_of
from .models import SkillManifest
from .names import slug
from .sources import fetch
from .versions import from_pep440

if TYPE_CHECKING:
    from .candidates import Candidate
    from .places import Places

__all__ = ["discover_all", "discover_skills", "parse_skill_manifest"]

_MANIFEST = "SKILL.md"
_CODE = "skill.py"
_LOG = logging.getLogger(__name__)


def parse_skill_manifest(path: str | os.PathLike[str]) -> SkillManifest:
    """Return what a SKILL.md says, its body included.

    ``impl_path`` is the ``skill.py`` that lies beside it.

    :param path: the file; a ``plugin.json`` beside it is not read.
    :raises ManifestError: when it cannot be read, or breaks a rule; ``findings`` has each place.
    """
    file = os.path.abspath(os.fspath(path))
    folder, name = os.path.split(file)
    data = fetch(file, name)
    if isinstance(data, Finding):
        raise _refused(folder, (data,))
    record, findings = parse_skill_md(data, path=name, folder_name=os.path.basename(folder))
    if record is None or any(finding.fatal for finding in findings):
        raise _refused(folder, findings)
    return _model(folder, record, _body(data))


def discover_skills(search_paths: Iterable[str | os.PathLike[str]]) -> list[SkillManifest]:
    """Return the skills in folders of skills, in order of the paths, then of the names.

    A skill is a folder with both a SKILL.md and a skill.py (skills document, K17); anything
    else is ignored, and so are hidden folders and a path that does not exist. Of
    several skills with one name the first is returned. An invalid one is logged as a
    warning, a shadowed one as information.

    :param search_paths: folders of skill folders, the one that is to win first.
    """
    found: dict[str, SkillManifest] = {}
    for base in search_paths:
        names, problems = list_root(os.path.abspath(os.fspath(base)))
        for problem in problems:
            _LOG.warning("%s", problem)
        for name in names:
            folder = os.path.join(os.path.abspath(os.fspath(base)), name)
            if not all(os.path.isfile(os.path.join(folder, file)) for file in (_MANIFEST, _CODE)):
                continue
            try:
                manifest = _of_folder(folder)
            except ManifestError as error:
                _passed_over(folder, error)
                continue
            manifest.impl_path = Path(folder, _CODE)
            first = found.setdefault(slug(manifest.plugin_id), manifest)
            if first is not manifest:
                _LOG.info("%s is shadowed by %s", folder, first.impl_path)
    return list(found.values())


def discover_all(places: Places | None = None) -> list[SkillManifest]:
    """Return the skills of the project, of the user and of the environment, each name once.

    Folders come first, then what is installed and found by its entry points, if there is
    any. Skills without code, and such as only a ``plugin.json`` describes, are there too.

    :param places: where to look; the places of this process if None.
    """
    manifests = []
    for candidate in discover(places).winners:
        try:
            folder = candidate.is_folder
            manifests.append(
                _of_folder(candidate.location) if folder else _of_distribution(candidate)
            )
        except ManifestError as error:
            _passed_over(candidate.location, error)
    return manifests


def _of_folder(folder: str) -> SkillManifest:
    reading = read(folder)
    if reading.record is None or not reading.ok:
        raise _refused(folder, reading.findings)
    data = fetch(os.path.join(folder, _MANIFEST), _MANIFEST) if _MANIFEST in reading.files else b""
    return _model(folder, reading.record, "" if isinstance(data, Finding) else _body(data))


def _of_distribution(candidate: Candidate) -> SkillManifest:
    try:
        record = candidate.record()
        if record["source"] == "entry_points.txt":
            record["version"] = from_pep440(record["version"])
    except (OSError, ValueError) as error:
        raise ManifestError(
            f"{candidate.name} cannot be read", cause=str(error), at=candidate.location
        ) from error
    return _model(package_of(candidate.dist_info, record["id"]), record, "")


def _model(folder: str, record: dict[str, Any], body: str) -> SkillManifest:
    try:
        return SkillManifest.from_record(record, impl_path=_module(folder, record), body=body)
    except ValueError as error:  # what a distribution says of itself has passed no reader
        raise ManifestError(
            f"the manifest of {record['id']} breaks a rule", cause=str(error), at=folder
        ) from error


def _module(folder: str, record: dict[str, Any]) -> Path | None:
    """Return the file with the skill's code, where it is a file of Python."""
    module = (record["entry_point"] or "skill").partition(":")[0].split(".")
    path = Path(folder, *module)
    files = (path.with_name(f"{path.name}.py"), path / "__init__.py")
    return next((file for file in files if file.is_file()), None)


def _body(data: bytes) -> str:
    return data[split(data, _MANIFEST, []).body :].decode().lstrip("\r\n")


def _refused(folder: str, findings: tuple[Finding, ...]) -> ManifestError:
    first = next((finding for finding in findings if finding.fatal), findings[0])
    return ManifestError(
        f"the manifest of {os.path.basename(folder)} cannot be used",
        cause=first.message,
        at=os.path.join(folder, first.at) if first.path else folder,
        hint=first.fix or f"kurt validate {folder}",
        findings=findings,
    )


def _passed_over(place: str, error: ManifestError) -> None:
    _LOG.warning("%s is passed over: %s (%s)", place, error.cause or error, error.at or place)
