"""The API for reading: the paths of the plugin document, over the index."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Annotated, Any
from urllib.parse import quote

from fastapi import APIRouter, Query, Request
from fastapi import Path as InPath
from starlette.responses import Response, StreamingResponse

from ..errors import PolicyError
from ..market.documents.release import Release
from ..market.documents.skill import SkillDocument
from ..market.searching import Filters
from .answers import MOST, Failure, SearchAnswer, SkillAnswer, VersionAnswer
from .counting import Counts
from .files import FOREVER, fits
from .front import Quick
from .searches import Searches, Wish, row_of, split
from .shelf import Edition, Shelf
from .telling import concerning, download, in_words, newest_first, rows_of, the_release

__all__ = ["Reading", "split"]

_FAILS: dict[int | str, dict[str, Any]] = {404: {"model": Failure}}
Id = Annotated[str, InPath(max_length=128, description="The id of a plugin.")]
VersionPath = Annotated[str, InPath(max_length=256, description="A version, or `latest`.")]
Text = Annotated[str, Query(max_length=256, description="Words to look for.")]
Word = Annotated[str | None, Query(max_length=128)]
Words = Annotated[list[str], Query(max_length=32, description="Several, or one with commas.")]


class Reading:
    """What the API answers from the index.

    :param url: where others reach the server; the address that a request names if "".
    """

    def __init__(self, shelf: Shelf, counts: Counts, url: str) -> None:
        self._shelf = shelf
        self._counts = counts
        self._url = url.rstrip("/")
        self._searches = Searches(shelf, counts, url)

    @property
    def quick(self) -> dict[str, Quick]:
        """Answers that need no route, by path."""
        return {"/api/v1/plugins/search": self._searches.quick}

    def router(self) -> APIRouter:
        """Return the routes."""
        found = APIRouter(prefix="/api/v1/plugins", tags=["plugins"])
        found.add_api_route("/search", self.search, response_model=SearchAnswer)
        found.add_api_route("/{id}", self.skill, response_model=SkillAnswer, responses=_FAILS)
        one = "/{id}/versions/{version}"
        found.add_api_route(one, self.version, response_model=VersionAnswer, responses=_FAILS)
        binary = {"schema": {"type": "string", "format": "binary"}}
        found.add_api_route(
            one + "/download",
            self.download,
            response_class=StreamingResponse,
            responses={
                200: {"content": {"application/octet-stream": binary}},
                403: {"model": Failure},
                **_FAILS,
            },
        )
        return found

    async def search(
        self,
        request: Request,
        query: Text = "",
        q: Text = "",
        plugin_type: Word = None,
        type: Word = None,
        tags: Words = [],  # noqa: B006 - FastAPI copies it
        permissions: Words = [],  # noqa: B006
        without: Words = [],  # noqa: B006
        min_score: Annotated[int | None, Query(ge=0, le=100)] = None,
        publisher: Word = None,
        limit: Annotated[int, Query(ge=1, le=100)] = 20,
        offset: Annotated[int, Query(ge=0, le=MOST)] = 0,
    ) -> Any:
        """Search the plugins; typing errors are forgiven."""
        edition = await self._shelf.current()
        filters = Filters(
            kind=plugin_type or type,
            tags=split(tags),
            permissions=split(permissions),
            without=split(without),
            min_score=min_score,
            publisher=publisher,
        )
        wish = Wish(query or q, filters, limit, offset)
        answer = self._searches.answer(edition, wish, self._base(request))
        return Response(answer, media_type="application/json")

    async def skill(self, request: Request, id: Id) -> Any:
        """Tell all about a plugin."""
        edition, row, document = await self._found(id)
        versions = [_version_row(edition, document, one) for one in newest_first(document)]
        more = {
            "publisher": document.publisher,
            "status_reason": document.project_status.reason,
            "versions": versions,
        }
        return row_of(row, self._base(request), self._counts.of(document.id)) | more

    async def version(self, request: Request, id: Id, version: VersionPath) -> Any:
        """Tell all about one version of a plugin, and where it is downloaded."""
        edition, row, document = await self._found(id)
        release = the_release(document, version)
        return self._version(edition, row, document, release, self._base(request))

    async def download(self, request: Request, id: Id, version: VersionPath) -> Response:
        """Download one version: a zip of its files, or its wheel."""
        _, _, document = await self._found(id)
        release = the_release(document, version)
        if document.project_status.status == "quarantined":
            raise PolicyError(
                f"{document.id} is quarantined, and nothing of it is offered",
                cause=document.project_status.reason,
            )
        name, pointer = download(document, release)
        etag = f'"{pointer.digest}"'
        headers = {
            "ETag": etag,
            "X-Checksum-SHA256": pointer.digest.removeprefix("sha256:"),
            "Content-Disposition": f'attachment; filename="{name}"',
            "Cache-Control": "no-cache" if version == "latest" else FOREVER,
            "Content-Type": "application/zip"
            if name.endswith(".zip")
            else "application/octet-stream",
        }
        if fits(request.headers.get("if-none-match", ""), etag):
            return Response(status_code=304, headers=headers)
        data = await asyncio.to_thread(self._shelf.bytes_of, pointer, pointer.size)
        self._counts.add(document.id)
        return Response(data, headers=headers)

    async def _found(self, id: str) -> tuple[Edition, dict[str, Any], SkillDocument]:
        edition = await self._shelf.current()
        row = edition.row(id.lower())
        return edition, row, await self._shelf.document(row)

    def _base(self, request: Request) -> str:
        return self._url or str(request.base_url).rstrip("/")

    def _version(
        self,
        edition: Edition,
        row: Mapping[str, Any],
        document: SkillDocument,
        release: Release,
        base: str,
    ) -> dict[str, Any]:
        manifest = release.manifest
        name, pointer = download(document, release)
        scan = release.scan
        place = f"/api/v1/plugins/{quote(document.id)}/versions/{quote(release.version)}/download"
        told = _version_row(edition, document, release)
        return told | {
            "plugin_id": document.id,
            "name": _text(manifest.get("name")) or document.id,
            "description": _text(manifest.get("description")) or "",
            "author": _text(manifest.get("author")),
            "license": _text(manifest.get("license")),
            "homepage": _text(manifest.get("homepage")),
            "publisher": release.publisher,
            "plugin_type": row.get("type"),
            "tags": row.get("tags", []),
            "dependencies": rows_of(manifest.get("dependencies")),
            "permissions": release.permissions,
            "permissions_in_words": in_words(release.permissions),
            "status": document.project_status.status,
            "available": document.project_status.status != "quarantined",
            "risk_level": None if scan is None else scan.risk,
            "downloads": (row.get("downloads") or 0) + self._counts.of(document.id),
            "rating": row.get("rating"),
            "download_url": base + place,
            "filename": name,
            "checksum": pointer.digest,
            "size": pointer.size,
            "digest": release.source.digest,
            "signed_by": [one.key for one in release.attestations if one.key is not None],
            "attested": [
                {
                    "type": one.type,
                    "url": f"{base}/{one.evidence.url}",
                    "digest": one.evidence.digest,
                }
                for one in release.attestations
                if one.evidence is not None
            ],
            "manifest": manifest,
        }


def _version_row(edition: Edition, document: SkillDocument, release: Release) -> dict[str, Any]:
    return {
        "version": release.version,
        "published": release.published,
        "yanked": release.yanked is not False,
        "yanked_reason": release.yanked or None,
        "advisories": [one.id for one in concerning(edition, document, release)],
        "security_score": None if release.scan is None else release.scan.score,
    }


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) else None
