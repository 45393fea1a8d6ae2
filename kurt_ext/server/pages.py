"""The pages, for people with a browser: rendered here, without a script.

Whatever comes from a skill is text: escaped by the templates, rid of characters that cannot
be seen, and cut where it is long. The one exception is a README, which `readme` sanitises.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from itertools import zip_longest
from typing import Any
from urllib.parse import quote, urlencode

from markupsafe import Markup
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import Route

from ..errors import KurtError, NotFoundError
from ..grants import LISTS
from ..market.documents.publisher import PublisherDocument
from ..market.documents.release import FilesSource, Release
from ..market.documents.skill import SkillDocument
from ..names import suggest
from .counting import Counts
from .differences import Differences
from .files import FOREVER
from .leaves import LAST, LENGTH, Leaf, number
from .readme import render
from .rendering import ASKS, Templates
from .searches import split
from .shelf import Edition, Shelf, whole
from .telling import (
    concerning,
    findings,
    in_words,
    newest_first,
    readme_of,
    rows_of,
    the_release,
)

__all__ = ["Pages"]

#: Versions and files that a page shows.
_VERSIONS, _FILES = 100, 512
#: Entries of each list of permissions.
_PERMISSIONS = 50
#: Kinds that can be chosen; a skill may name as many as it likes.
_KINDS = 100
#: Versions that can be chosen for a comparison; each pair of them is a page.
_CHOICES = 500
#: Addresses that lack a part, or have a stroke too many.
_CROOKED = (
    *("/skills", "/skills/", "/publishers", "/publishers/"),
    *("/skills/{id}/", "/skills/{id}/{version}/", "/publishers/{name}/"),
)
_LOG = logging.getLogger(__name__)
_ROBOTS = """\
User-agent: *
Disallow: /?
Disallow: /api/
Disallow: /diffs/
Disallow: /skills/*/compare
"""


class Pages:
    """The pages of a marketplace.

    :param url: where others reach the server; the address that a request names if "".
    """

    def __init__(self, shelf: Shelf, counts: Counts, url: str) -> None:
        self._shelf = shelf
        self._counts = counts
        self._url = url.rstrip("/")
        self._differences = Differences(shelf)
        self._templates = Templates()

    def routes(self) -> list[Route]:
        """Return the routes."""
        shown = [
            ("/", self.search),
            ("/skills/{id}", self.skill),
            ("/skills/{id}/compare", self.compare),
            ("/skills/{id}/{version}", self.skill),
            ("/publishers/{name}", self.publisher),
        ]
        return [
            *[Route(path, self._safely(answer)) for path, answer in shown],
            *[Route(path, self.straight) for path in _CROOKED],
            Route(self._templates.style_path, self.style),
            Route("/robots.txt", self.robots),
            *self._differences.routes(),
        ]

    def _safely(
        self, answer: Callable[[Request], Awaitable[Response]]
    ) -> Callable[[Request], Awaitable[Response]]:
        """Return what answers with a page too where this program is at fault."""

        async def safe(request: Request) -> Response:
            try:
                return await answer(request)
            except (KurtError, HTTPException):
                raise
            except Exception:
                _LOG.exception("the page %s failed", request.url.path)
                return self.problem(500, "The fault is on this side; it was noted.")

        return safe

    async def style(self, request: Request) -> Response:
        """Answer with the style sheet, whose name is its digest."""
        return Response(
            self._templates.style, media_type="text/css", headers={"Cache-Control": FOREVER}
        )

    async def straight(self, request: Request) -> Response:
        """Lead to the page that was meant, where its address is nearly right."""
        parts = [quote(part, safe="") for part in request.url.path.split("/") if part]
        path = "/" if len(parts) < 2 else "/" + "/".join(parts)
        return RedirectResponse(path, 308)

    async def robots(self, request: Request) -> Response:
        """Let machines read the pages, but not every search."""
        return Response(_ROBOTS, media_type="text/plain")

    def problem(self, status: int, message: str, near: Sequence[tuple[str, str]] = ()) -> Response:
        """Return a page that says what went wrong.

        :param near: what may have been meant, as (text, path).
        """
        title = {404: "Not found", 403: "Not allowed"}.get(status, "Something went wrong")
        market = self._shelf.edition.meta
        return self._page(
            "problem.html", status, market=market, title=title, message=message, near=near
        )

    async def search(self, request: Request) -> Response:
        """Show what a search has found; without a wish, all there is."""
        edition = await self._shelf.current()
        asked = request.query_params
        page = number(asked.get("page"), 1, LAST)
        wishes: dict[str, Any] = {
            "q": asked.get("q", "")[:256],
            "kind": asked.get("kind", "")[:128],
            "tags": split(asked.getlist("tag")),
            "without": [name for name in asked.getlist("without") if name in ASKS],
            "score": number(asked.get("score"), 0, 100),
        }
        found = edition.catalogue.search(
            wishes["q"],
            kind=wishes["kind"] or None,
            tags=wishes["tags"],
            without=wishes["without"],
            min_score=wishes["score"] or None,
            limit=LENGTH,
            offset=(page - 1) * LENGTH,
        )
        leaf = Leaf.of(page, found.total, lambda page: _link(wishes, page))
        if leaf.last < page:
            return RedirectResponse(f"/{_link(wishes, leaf.last)}", 302)
        return self._page(
            "search.html",
            market=edition.meta,
            edition=edition,
            wishes=wishes,
            filtered=any(wishes[key] for key in ("kind", "tags", "without", "score")),
            kinds=_with(edition.kinds[:_KINDS], wishes["kind"]),
            rows=[whole(hit.listing) for hit in found.hits],
            total=found.total,
            corrected=found.corrected,
            leaf=leaf,
        )

    async def skill(self, request: Request) -> Response:
        """Show a skill, in its newest version or in another."""
        edition = await self._shelf.current()
        row = _row(edition, request.path_params["id"])
        document = await self._shelf.document(row)
        version = request.path_params.get("version")
        try:
            release = _chosen(document, version)
        except NotFoundError as error:
            return self._no_version(document, error)
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
        permissions, more_permissions = _told_in_words(release.permissions)
        newest = newest_first(document)
        shown = newest[:_VERSIONS]
        source = release.source
        files = source.files if isinstance(source, FilesSource) else ()
        return {
            "readme": Markup(render(text)) if text.strip() else "",
            "readme_name": name,
            "readme_cut": cut,
            "findings": found,
            "findings_more": more,
            "permissions": permissions,
            "permissions_more": more_permissions,
            "advisories": concerning(edition, document, release),
            "versions": [
                (one, before, [advisory.id for advisory in concerning(edition, document, one)])
                for one, before in zip_longest(shown, newest[1 : len(shown) + 1])
            ],
            "versions_more": len(newest) - len(shown),
            "files": [(file.path, file.size) for file in files[:_FILES]],
            "dependencies": rows_of(release.manifest.get("dependencies"))[:_FILES],
            "wheels": () if isinstance(source, FilesSource) else source.wheels,
        }

    async def compare(self, request: Request) -> Response:
        """Show what changes from one version of a skill to another."""
        edition = await self._shelf.current()
        row = _row(edition, request.path_params["id"])
        document = await self._shelf.document(row)
        newest = newest_first(document)
        asked = request.query_params
        try:
            new = _chosen(document, asked.get("new") or None)
            older = [*newest[newest.index(new) + 1 :], new]
            old = _chosen(document, asked.get("old") or older[0].version)
        except NotFoundError as error:
            return self._no_version(document, error)
        versions = [one.version for one in newest[:_CHOICES]]
        versions += [one.version for one in (new, old) if one.version not in versions]
        return self._page(
            "compare.html",
            market=edition.meta,
            row=row,
            document=document,
            old=old,
            new=new,
            backwards=newest.index(old) < newest.index(new),
            found=None if old is new else await self._differences.between(old, new),
            advisories=[(one.version, concerning(edition, document, one)) for one in (old, new)],
            versions=versions,
        )

    async def publisher(self, request: Request) -> Response:
        """Show who a publisher is, and what they publish."""
        edition = await self._shelf.current()
        name = request.path_params["name"]
        if name not in edition.publishers:
            names = suggest(name[:64], list(edition.publishers))
            near = [(one, f"/publishers/{quote(one)}") for one in names]
            return self.problem(404, f"No publisher is called {name[:64]}.", near)
        document: PublisherDocument = await self._shelf.publisher(edition, name)
        page = number(request.query_params.get("page"), 1, LAST)
        found = edition.catalogue.search(
            "", publisher=name, limit=LENGTH, offset=(page - 1) * LENGTH
        )
        leaf = Leaf.of(page, found.total, lambda page: f"?page={page}")
        if leaf.last < page:
            return RedirectResponse(f"/publishers/{quote(name)}?page={leaf.last}", 302)
        return self._page(
            "publisher.html",
            market=edition.meta,
            publisher=document,
            rows=[whole(hit.listing) for hit in found.hits],
            total=found.total,
            leaf=leaf,
        )

    def failed(self, error: KurtError) -> Response:
        """Return the page for an error."""
        if isinstance(error, NotFoundError):
            near = [(one, f"/skills/{quote(one)}") for one in error.candidates]
            return self.problem(404, _sentence(error.message), near)
        _LOG.error("a page failed: %s", error)
        return self.problem(500, "The marketplace cannot be read.")

    def _no_version(self, document: SkillDocument, error: NotFoundError) -> Response:
        path = f"/skills/{quote(document.id)}"
        near = [(one, f"{path}/{quote(one)}") for one in error.candidates]
        return self.problem(404, _sentence(error.message), [*near, (document.id, path)])

    def _page(self, template: str, status: int = 200, **values: Any) -> Response:
        return HTMLResponse(self._templates.page(template, values), status)


def _row(edition: Edition, id: str) -> dict[str, Any]:
    """Return the row of a skill.

    :raises NotFoundError: when there is none; it names others that may be meant.
    """
    try:
        return edition.row(id)
    except NotFoundError as error:
        hits = edition.catalogue.search(id[:128], limit=3).hits
        near = [hit.listing["id"] for hit in hits]
        raise NotFoundError(error.message, candidates=near) from None


def _sentence(message: str) -> str:
    return f"{message[:1].upper()}{message[1:]}."


def _told_in_words(permissions: Mapping[str, Any]) -> tuple[list[str], int]:
    """Return a sentence for each thing that a skill may do, and how many there are besides."""
    lists = {
        key: value for key, value in permissions.items() if key in LISTS and isinstance(value, list)
    }
    few = {key: value[:_PERMISSIONS] for key, value in lists.items()}
    more = sum(len(value) - len(few[key]) for key, value in lists.items())
    return in_words({**permissions, **few}), more


def _chosen(document: SkillDocument, version: str | None) -> Release:
    """Return the release that a page is about."""
    if version is not None:
        return the_release(document, version)
    return document.latest or newest_first(document)[0]


def _with(kinds: list[str], chosen: str) -> list[str]:
    """Return kinds that can be chosen, and the one that is."""
    return kinds if not chosen or chosen in kinds else [*kinds, chosen]


def _link(wishes: Mapping[str, Any], page: int) -> str:
    """Return the query of another page of the same search."""
    rows = [("q", wishes["q"]), ("kind", wishes["kind"])]
    rows += [("tag", tag) for tag in wishes["tags"]]
    rows += [("without", name) for name in wishes["without"]]
    rows += [("score", str(wishes["score"] or "")), ("page", str(page))]
    return "?" + urlencode([(key, value) for key, value in rows if value])
