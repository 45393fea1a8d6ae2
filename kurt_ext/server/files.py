"""Serve the files of a marketplace, at the paths where they lie.

What carries a digest in its name may be kept for ever; everything else is asked for
again, and answered with 304 where it is as it was. Nothing is served but what a build
writes: not ``market.toml``, and not what the marketplace is made of.
"""

from __future__ import annotations

import asyncio
import os
import re
import stat
from collections.abc import Iterator
from typing import IO

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from ..market.paths import fault
from ..market.reading import FolderReader
from ..plainfiles import READING
from .counting import Counts

__all__ = ["CHANGING", "FOREVER", "PUBLIC", "Files", "fits"]

#: Where what a build writes lies, for everybody.
PUBLIC = re.compile(
    r"(?:kurt/v1|files)/.+|simple/(?:.+/)?|simple/.+"
    r"|\.well-known/agent-skills/index\.json|\.claude-plugin/marketplace\.json"
)
_IMMUTABLE = re.compile(
    r"files/(?:sha256|archives|wheels)/.+|kurt/v1/(?:skills|publishers)/.+\.[0-9a-f]{16}\.json"
    r"|kurt/v1/advisories/all\.[0-9a-f]{16}\.json"
)
_ARCHIVE = re.compile(r"files/archives/[0-9a-f]{16}/([^/]+?)-[0-9]+\.[0-9]+\.[0-9]+[^/]*\.zip")
FOREVER = "public, max-age=31536000, immutable"
CHANGING = "no-cache"
_TYPES = {"json": "application/json", "csv": "text/csv; charset=utf-8", "zip": "application/zip"}
_SIMPLE = "application/vnd.pypi.simple.v1+"
_CHUNK = 1 << 18


def fits(header: str, etag: str) -> bool:
    """Return whether an ``If-None-Match`` names an entity tag (RFC 9110, 13.1.2)."""
    tags = [tag.strip().removeprefix("W/") for tag in header.split(",")]
    return "*" in tags or etag in tags


class Files:
    """Answers for the files of a marketplace.

    :param root: the folder that holds ``kurt/``.
    :param counts: counts the archives that are taken.
    """

    def __init__(self, root: str, counts: Counts) -> None:
        self._reader = FolderReader(root)
        self._counts = counts

    async def answer(self, request: Request) -> Response:
        """Answer a request with a file, or with 404."""
        path = request.url.path.lstrip("/")
        accept = request.headers.get("accept", "")
        if PUBLIC.fullmatch(path) is None:
            if "text/html" in accept:
                raise HTTPException(404, "There is nothing at this address.")
            return _missing()
        kind = ""
        if path.startswith("simple/") and not path.endswith((".html", ".json")):
            if not path.endswith("/"):
                return _missing()
            word = "json" if f"{_SIMPLE}json" in accept else "html"
            path += f"index.{word}"
            plain = word == "html" and f"{_SIMPLE}html" not in accept
            kind = "text/html; charset=utf-8" if plain else f"{_SIMPLE}{word}"
        if fault(path) is not None:
            return _missing()
        return await asyncio.to_thread(self._answer, path, kind, request)

    def _answer(self, path: str, kind: str, request: Request) -> Response:
        try:
            descriptor = os.open(self._reader.path(path), READING)
        except OSError:
            return _missing()
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            os.close(descriptor)
            return _missing()
        stream = os.fdopen(descriptor, "rb")
        lasting = _IMMUTABLE.fullmatch(path) is not None
        etag = _etag(path, status, lasting)
        headers = {
            "ETag": etag,
            "Cache-Control": FOREVER if lasting else CHANGING,
            "Content-Type": kind or _type(path),
        }
        if kind:
            headers["Vary"] = "Accept"
        if path.startswith("files/"):
            # Bytes of strangers: never shown as a page of this server.
            headers["Content-Disposition"] = "attachment"
        if fits(request.headers.get("if-none-match", ""), etag):
            stream.close()
            return Response(status_code=304, headers=headers)
        headers["Content-Length"] = str(status.st_size)
        if request.method == "HEAD":
            stream.close()
            return Response(headers=headers)
        archive = _ARCHIVE.fullmatch(path)
        if archive is not None:
            self._counts.add(archive[1])
        if status.st_size <= _CHUNK:
            with stream:
                data = stream.read(status.st_size)
            del headers["Content-Length"]
            return Response(data, headers=headers)
        return StreamingResponse(_chunks(stream, status.st_size), headers=headers)


def _etag(path: str, status: os.stat_result, lasting: bool) -> str:
    if lasting:  # it is its own name
        from hashlib import sha256

        return f'"{sha256(path.encode()).hexdigest()[:32]}"'
    return f'"{status.st_mtime_ns:x}-{status.st_ino:x}-{status.st_size:x}"'


def _type(path: str) -> str:
    if path.startswith("simple/") and path.endswith((".html", ".json")):
        return _SIMPLE + path.rpartition(".")[2]
    end = path.rpartition(".")[2]
    if path.startswith("files/sha256/") or end not in _TYPES:
        return "application/octet-stream"
    return _TYPES[end]


def _chunks(stream: IO[bytes], left: int) -> Iterator[bytes]:
    with stream:
        while left > 0:
            data = stream.read(min(_CHUNK, left))
            if not data:
                return
            left -= len(data)
            yield data


def _missing() -> Response:
    return Response("not found\n", 404, media_type="text/plain")
