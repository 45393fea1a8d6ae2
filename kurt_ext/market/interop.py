"""Write what others read of a marketplace: Agent Skills Discovery, Claude's, and PEP 503/691.

Each is made from the documents. What was made of a document that is as it was is
remembered, so that a change of one skill does not read ten thousand.
"""

from __future__ import annotations

import html
import json
import os
import tempfile
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any

from ..errors import KurtError, MarketError
from ..wheels import PYPROJECT, make
from . import digests
from .notation import to_json, to_lines, to_text
from .releasing import wheel_row
from .wheel_metadata import beside

if TYPE_CHECKING:
    from .books import Books

__all__ = ["AGENT_SKILLS", "CLAUDE", "SIMPLE", "add_wheels", "write", "write_derived"]

AGENT_SKILLS = ".well-known/agent-skills/index.json"
CLAUDE = ".claude-plugin/marketplace.json"
SIMPLE = "simple"
_SCHEMA = "https://schemas.agentskills.io/discovery/0.2.0/schema.json"
_LIMIT = 256 << 20
_MEMORY = ".made.json"
_MEMORY_SCHEMA = "kurt.market-made/2"
_Row = dict[str, Any] | None


def write(books: Books) -> None:
    """Write all of it, before the index that it is of."""
    made = _Made(books)
    _agent_skills(books, made)
    _claude(books, made)
    _simple(books, made)
    made.save()


def write_derived(books: Books) -> None:
    """Write what the documents alone say, for a mirror."""
    made = _Made(books)
    _agent_skills(books, made)
    _simple(books, made)
    made.save()


class _Made:
    """What was made of each document the last time: a memory that costs time where it is lost."""

    def __init__(self, books: Books) -> None:
        self._books = books
        try:
            old = json.loads(books.reader.read(_MEMORY, _LIMIT))
            self._old: dict[str, Any] = old["made"] if old["schema"] == _MEMORY_SCHEMA else {}
        except (MarketError, ValueError, KeyError, TypeError):
            self._old = {}
        self._new: dict[str, dict[str, Any]] = {}

    def rows(self, kind: str, make_row: Callable[[Mapping[str, Any]], _Row]) -> list[str]:
        """Return the rows of the skills that have one, as JSON, sorted by the skill's id.

        :param make_row: makes one from a document; None where there is to be none.
        """
        known = self._old.get(kind, {})
        kept = self._new[kind] = {}
        for name, listed in sorted(self._books.rows.items()):
            mark = listed["detail"]["digest"]
            row = known.get(name)
            if row is None or row[0] != mark:
                document = self._books.document(name)
                made = None if document is None else make_row(document)
                row = [mark, None if made is None else to_text(made)]
            kept[name] = row
        return [row for _, row in kept.values() if row is not None]

    def save(self) -> None:
        """Write the memory down."""
        data = {"schema": _MEMORY_SCHEMA, "made": self._new}
        self._books.files.write(_MEMORY, json.dumps(data).encode())


def _latest(document: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return the release that is to be taken; None where there is none."""
    from .documents.skill import SkillDocument

    found = SkillDocument.of(document).latest
    if found is None:
        return None
    rows: list[dict[str, Any]] = document["releases"]
    return next(one for one in rows if one["version"] == found.version)


def _agent_skills(books: Books, made: _Made) -> None:
    """Write the index of Agent Skills Discovery 0.2.0: the skills that any host can load."""

    def row(document: Mapping[str, Any]) -> _Row:
        release = _latest(document)
        if release is None or release["source"]["type"] != "files" or "." in document["id"]:
            return None
        source = release["source"]
        if not any(file["path"] == "SKILL.md" for file in source["files"]):
            return None
        return {
            "name": document["id"],
            "type": "archive",
            "description": release["manifest"].get("description") or document["id"],
            "url": f"../../{source['archive']['url']}",
            "digest": source["archive"]["digest"],
        }

    rows = made.rows("agent-skills", row)
    books.files.write(AGENT_SKILLS, to_lines({"$schema": _SCHEMA}, "skills", rows))


def _claude(books: Books, made: _Made) -> None:
    """Write the list for Claude: the skills whose folder lies in the marketplace's own.

    Where the owner has said where the marketplace is served, the others too, as archives.
    """
    settings = books.settings
    base = settings.homepage.rstrip("/")

    def row(document: Mapping[str, Any]) -> _Row:
        release = _latest(document)
        if release is None or release["source"]["type"] != "files" or "." in document["id"]:
            return None
        name, source = document["id"], release["source"]
        entry: dict[str, Any] = {"name": name, "version": release["version"], "strict": False}
        entry["description"] = release["manifest"].get("description") or name
        for folder in (f"skills/{name}", name):
            if os.path.isfile(os.path.join(books.root, folder, "SKILL.md")):
                return entry | {"source": "./", "skills": [f"./{folder}"]}
        if not base.startswith("https://"):
            return None
        archive = source["archive"]
        url, sha = f"{base}/{archive['url']}", digests.to_hex(archive["digest"])
        return entry | {
            "source": {"source": "archive", "url": url, "sha256": sha},
            "skills": ["./"],
        }

    rows = made.rows("claude", row)
    head: dict[str, Any] = {"name": settings.name, "owner": {"name": settings.publisher}}
    if settings.title:
        head["metadata"] = {"description": settings.title}
    books.files.write(CLAUDE, to_lines(head, "plugins", rows))


def _simple(books: Books, made: _Made) -> None:
    """Write the simple index of all wheels, as HTML (PEP 503) and as JSON (PEP 691)."""

    def row(document: Mapping[str, Any]) -> _Row:
        projects = {_project(wheel) for _, wheel in _wheels(document)}
        for project in projects:
            _write_project(books, project, document)
        return {"projects": sorted(projects)} if projects else None

    reference = f"{SIMPLE}/index.json"
    rows = made.rows("simple", row)
    projects = sorted({project for one in rows for project in json.loads(one)["projects"]})
    if not projects and not os.path.exists(books.reader.path(reference)):
        return
    meta = {"api-version": "1.4"}
    names = [to_text({"name": project}) for project in projects]
    books.files.write(reference, to_lines({"meta": meta}, "projects", names))
    links = [f'<a href="{project}/">{project}</a>' for project in projects]
    books.files.write(f"{SIMPLE}/index.html", _page("Simple index", links))


def _wheels(
    document: Mapping[str, Any],
) -> Iterable[tuple[Mapping[str, Any], Mapping[str, Any]]]:
    """Yield each wheel of a skill with its release; none of what is quarantined."""
    if document["project-status"]["status"] == "quarantined":
        return
    for release in document["releases"]:
        source = release["source"]
        listed = source["wheels"] if source["type"] == "wheels" else release.get("wheels", ())
        for wheel in listed:
            yield release, wheel


def _project(wheel: Mapping[str, Any]) -> str:
    from .collecting import wheel_identity

    return wheel_identity(wheel["filename"])[0]


def _write_project(books: Books, project: str, document: Mapping[str, Any]) -> None:
    files, links, versions = [], [], set()
    for release, wheel in _wheels(document):
        name = wheel["filename"]
        if _project(wheel) != project:
            continue
        from .collecting import wheel_identity

        versions.add(wheel_identity(name)[1])
        sha = digests.to_hex(wheel["digest"])
        needs = wheel.get("requires-python")
        metadata = beside(books, wheel)
        file = {
            "filename": name,
            "url": f"../../{wheel['url']}",
            "hashes": {"sha256": sha},
            "size": wheel["size"],
            "upload-time": release["published"],
            "yanked": release["yanked"],
            **({"requires-python": needs} if needs else {}),
            "core-metadata": {"sha256": metadata} if metadata else False,
        }
        told = _provenance(release, name)
        if told is not None:
            file["provenance"] = f"../../{told}"
        files.append(file)
        marks = f' data-requires-python="{html.escape(needs)}"' if needs else ""
        if told is not None:
            marks += f' data-provenance="../../{html.escape(told)}"'
        if release["yanked"] is not False:
            marks += f' data-yanked="{html.escape(release["yanked"])}"'
        if metadata:
            marks += f' data-core-metadata="sha256={metadata}"'
        url = html.escape(f"{file['url']}#sha256={sha}")
        links.append(f'<a href="{url}"{marks}>{html.escape(name)}</a>')
    page = {
        "meta": {"api-version": "1.4"},
        "name": project,
        "versions": sorted(versions),
        "files": files,
        "project-status": document["project-status"],
    }
    books.files.write(f"{SIMPLE}/{project}/index.json", to_json(page))
    text = _page(f"Links for {project}", links, document["project-status"])
    books.files.write(f"{SIMPLE}/{project}/index.html", text)


def _provenance(release: Mapping[str, Any], filename: str) -> str | None:
    """Return the reference of a wheel's provenance after PEP 740; None where it has none."""
    for row in release.get("attestations", ()):
        if row["type"] == "pep740" and row["filename"] == filename:
            return str(row["evidence"]["url"])
    return None


def _page(title: str, links: Iterable[str], status: Mapping[str, str] | None = None) -> bytes:
    said = {"pypi:project-status": "status", "pypi:project-status-reason": "reason"}
    marks = "".join(
        f'<meta name="{name}" content="{html.escape(status[key])}">'
        for name, key in said.items()
        if status is not None and status.get(key)
    )
    body = "".join(f"{link}<br>\n" for link in links)
    return (
        f"<!DOCTYPE html>\n<html><head><meta charset='utf-8'>"
        f'<meta name="pypi:repository-version" content="1.4">{marks}'
        f"<title>{html.escape(title)}</title></head><body>\n{body}</body></html>\n"
    ).encode()


def add_wheels(books: Books, refused: list[KurtError]) -> None:
    """Make a wheel of the latest release of each skill with code that has none.

    It is made from the published files, in a folder of their own, by a ``pyproject.toml`` of
    ours: nothing of the skill runs.

    :param refused: is told what failed.
    """
    for name in sorted(books.rows.keys() | books.changed):
        document = books.document(name)
        release = None if document is None else _latest(document)
        if document is None or release is None or not release["kinds"]:
            continue
        if release["source"]["type"] != "files" or release.get("wheels"):
            continue
        try:
            rows = _make_wheels(books, name, release)
        except KurtError as error:
            refused.append(error)
            continue
        changed = {**release, "wheels": rows}
        releases = [changed if one is release else one for one in document["releases"]]
        books.put({**document, "releases": releases})


def _make_wheels(books: Books, name: str, release: Mapping[str, Any]) -> list[dict[str, Any]]:
    with tempfile.TemporaryDirectory(prefix="kurt-wheels-") as scratch:
        folder = os.path.join(scratch, name)
        os.mkdir(folder)
        for file in release["source"]["files"]:
            if file["path"] in ("setup.py", "setup.cfg", "pyproject.toml"):
                continue
            path = os.path.join(folder, *file["path"].split("/"))
            os.makedirs(os.path.dirname(path), exist_ok=True)
            data = books.files.blob_data(file["digest"], file["size"])
            with open(path, "wb") as stream:
                stream.write(data)
        with open(os.path.join(folder, "pyproject.toml"), "w", encoding="utf-8") as text:
            text.write(PYPROJECT)
        made = make(folder, os.path.join(scratch, "dist"), isolated=False)
        return [wheel_row(books, path, release.get("requires-python")) for path in made]
