"""The pages, for people with a browser: rendered here, without a script.

Whatever comes from a skill is text: escaped by the templates, rid of characters that cannot
be seen, and cut where it is long. The one exception is a README, which `readme` sanitises.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from hashlib import sha256
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

from jinja2 import ChainableUndefined, Environment, FileSystemLoader
from markupsafe import Markup
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

from ..errors import KurtError, NotFoundError
from ..grants import NATIVE
from ..market.documents import FilesSource, PublisherDocument, Release, SkillDocument
from ..output import printable
from .api import split
from .counting import Counts
from .files import FOREVER
from .readme import render
from .shelf import Edition, Shelf, whole
from .telling import (
    concerning,
    difference,
    findings,
    in_words,
    newest_first,
    readme_of,
    rows_of,
    the_release,
)

__all__ = ["Pages"]

_TEMPLATES = Path(__file__).with_name("templates")
_PAGE = 20
_LAST = 100
#: Versions, files and skills of a publisher that a page shows.
_VERSIONS, _FILES, _SKILLS = 100, 512, 200
_TEXT = 2000
#: Each list of permissions in a word, for the filter.
_ASKS = {
    "filesystem_read": "reads files",
    "filesystem_write": "writes files",
    "network_hosts": "talks to hosts",
    "external_apis": "uses services",
    "environment_variables": "reads the environment",
    "system_resources": "uses resources",
    "processes": "starts programs",
    NATIVE: "runs native code",
}


def _shown(value: Any) -> Any:
    """Return what a template shows for a value: of a text, what can be seen, and not too much."""
    if isinstance(value, Markup) or not isinstance(value, str):
        return value
    if len(value) > _TEXT:
        value = value[:_TEXT] + "…"
    return "\n".join([printable(line) for line in value.split("\n")])


def _address(value: Any) -> str:
    """Return a web address that may be linked to; "" for anything else."""
    if not isinstance(value, str) or len(value) > 1024:
        return ""
    try:
        parts = urlsplit(value)
    except ValueError:
        return ""
    return value if parts.scheme in ("http", "https") and parts.netloc else ""


def _bytes(count: int) -> str:
    """Return a size in words."""
    size = float(count)
    for unit in ("B", "KiB", "MiB"):
        if size < 1024 or unit == "MiB":
            return f"{size:.0f} {unit}" if unit == "B" else f"{size:.1f} {unit}"
        size /= 1024
    return ""


class Pages:
    """The pages of a marketplace.

    :param url: where others reach the server; the address that a request names if "".
    """

    def __init__(self, shelf: Shelf, counts: Counts, url: str) -> None:
        self._shelf = shelf
        self._counts = counts
        self._url = url.rstrip("/")
        self._style = (_TEMPLATES / "style.css").read_bytes()
        tag = sha256(self._style).hexdigest()[:16]
        self._environment = Environment(
            autoescape=True,
            finalize=_shown,
            loader=FileSystemLoader(_TEMPLATES),
            trim_blocks=True,
            lstrip_blocks=True,
            undefined=ChainableUndefined,
        )
        self._environment.filters.update(address=_address, bytes=_bytes, path=quote)
        self._environment.globals.update(style=f"/style-{tag}.css", asks=_ASKS)

    def routes(self) -> list[Route]:
        """Return the routes."""
        style = self._environment.globals["style"]
        return [
            Route("/", self.search),
            Route("/skills/{id}", self.skill),
            Route("/skills/{id}/compare", self.compare),
            Route("/skills/{id}/{version}", self.skill),
            Route("/publishers/{name}", self.publisher),
            Route(str(style), self.style),
            Route("/robots.txt", self.robots),
        ]

    async def style(self, request: Request) -> Response:
        """Answer with the style sheet, whose name is its digest."""
        return Response(self._style, media_type="text/css", headers={"Cache-Control": FOREVER})

    async def robots(self, request: Request) -> Response:
        """Let machines read the pages, but not every search."""
        return Response("User-agent: *\nDisallow: /?\nDisallow: /api/\n", media_type="text/plain")

    def problem(self, status: int, message: str, near: tuple[str, ...] = ()) -> Response:
        """Return a page that says what went wrong."""
        title = {404: "Not found", 403: "Not allowed"}.get(status, "Something went wrong")
        market = self._shelf.edition.meta
        return self._page(
            "problem.html", status, market=market, title=title, message=message, near=near
        )

    async def search(self, request: Request) -> Response:
        """Show what a search has found; without a wish, all there is."""
        edition = await self._shelf.current()
        asked = request.query_params
        page = _number(asked.get("page"), 1, _LAST)
        wishes: dict[str, Any] = {
            "q": asked.get("q", "")[:256],
            "kind": asked.get("kind", "")[:128],
            "tags": split(asked.getlist("tag")),
            "without": [name for name in asked.getlist("without") if name in _ASKS],
            "score": _number(asked.get("score"), 0, 100),
        }
        found = edition.catalogue.search(
            wishes["q"],
            kind=wishes["kind"] or None,
            tags=wishes["tags"],
            without=wishes["without"],
            min_score=wishes["score"] or None,
            limit=_PAGE,
            offset=(page - 1) * _PAGE,
        )
        more = found.total > page * _PAGE and page < _LAST
        return self._page(
            "search.html",
            market=edition.meta,
            edition=edition,
            wishes=wishes,
            filtered=any(wishes[key] for key in ("kind", "tags", "without", "score")),
            kinds=edition.kinds,
            rows=[whole(hit.listing) for hit in found.hits],
            total=found.total,
            many=found.total >= 2000 and bool(wishes["q"]),
            corrected=found.corrected,
            page=page,
            before=_link(wishes, page - 1) if page > 1 else "",
            after=_link(wishes, page + 1) if more else "",
        )

    async def skill(self, request: Request) -> Response:
        """Show a skill, in its newest version or in another."""
        edition = await self._shelf.current()
        row = edition.row(request.path_params["id"])
        document = await self._shelf.document(row)
        version = request.path_params.get("version")
        release = _chosen(document, version)
        told = await asyncio.to_thread(self._told, edition, document, release)
        base = self._url or str(request.base_url).rstrip("/")
        return self._page(
            "skill.html",
            market=edition.meta,
            row=row,
            document=document,
            release=release,
            manifest=release.manifest,
            downloads=(row.get("downloads") or 0) + self._counts.of(document.id),
            older=version is not None and document.latest is not release,
            base=base,
            **told,
        )

    def _told(self, edition: Edition, document: SkillDocument, release: Release) -> dict[str, Any]:
        """Return what is read from files, in a thread."""
        name, text, cut = readme_of(self._shelf, release)
        found, more = findings(self._shelf, release)
        newest = newest_first(document)
        shown = newest[:_VERSIONS]
        before = newest[newest.index(release) + 1 :]
        source = release.source
        files = source.files if isinstance(source, FilesSource) else ()
        return {
            "readme": Markup(render(text)) if text.strip() else "",
            "readme_name": name,
            "readme_cut": cut,
            "findings": found,
            "findings_more": more,
            "permissions": in_words(release.permissions),
            "advisories": concerning(edition, document, release),
            "versions": [
                (one, [advisory.id for advisory in concerning(edition, document, one)])
                for one in shown
            ],
            "versions_more": len(newest) - len(shown),
            "previous": before[0].version if before else None,
            "files": [(file.path, file.size) for file in files[:_FILES]],
            "dependencies": rows_of(release.manifest.get("dependencies"))[:_FILES],
            "wheels": () if isinstance(source, FilesSource) else source.wheels,
        }

    async def compare(self, request: Request) -> Response:
        """Show what changes from one version of a skill to another."""
        edition = await self._shelf.current()
        row = edition.row(request.path_params["id"])
        document = await self._shelf.document(row)
        newest = [one.version for one in newest_first(document)]
        new = request.query_params.get("new") or newest[0]
        old = request.query_params.get("old") or newest[min(1, len(newest) - 1)]
        found = await asyncio.to_thread(difference, document, old, new)
        return self._page(
            "compare.html",
            market=edition.meta,
            row=row,
            document=document,
            found=found,
            versions=newest[:_VERSIONS],
        )

    async def publisher(self, request: Request) -> Response:
        """Show who a publisher is, and what they publish."""
        edition = await self._shelf.current()
        name = request.path_params["name"]
        document: PublisherDocument = await self._shelf.publisher(edition, name)
        found = edition.catalogue.search("", publisher=name, limit=_SKILLS)
        return self._page(
            "publisher.html",
            market=edition.meta,
            publisher=document,
            rows=[whole(hit.listing) for hit in found.hits],
            total=found.total,
        )

    def failed(self, error: KurtError) -> Response:
        """Return the page for an error."""
        if isinstance(error, NotFoundError):
            return self.problem(404, error.message, error.candidates)
        return self.problem(500, "The marketplace cannot be read.")

    def _page(self, template: str, status: int = 200, **values: Any) -> Response:
        text = self._environment.get_template(template).render(values)
        return HTMLResponse(text, status)


def _chosen(document: SkillDocument, version: str | None) -> Release:
    """Return the release that a page is about."""
    if version is not None:
        return the_release(document, version)
    return document.latest or newest_first(document)[0]


def _number(text: str | None, least: int, most: int) -> int:
    """Return a number within bounds that a stranger has typed."""
    if text is None or not text.isascii() or not text.isdigit() or len(text) > 9:
        return least
    return max(least, min(most, int(text)))


def _link(wishes: Mapping[str, Any], page: int) -> str:
    """Return the query of another page of the same search."""
    rows = [("q", wishes["q"]), ("kind", wishes["kind"])]
    rows += [("tag", tag) for tag in wishes["tags"]]
    rows += [("without", name) for name in wishes["without"]]
    rows += [("score", str(wishes["score"] or "")), ("page", str(page))]
    return "?" + urlencode([(key, value) for key, value in rows if value])
