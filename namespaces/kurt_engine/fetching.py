"""``fetch.file`` and ``fetch.http``: documents from disk and from the web, both bounded."""

from __future__ import annotations

import mimetypes
import time
import urllib.request
from collections.abc import Mapping
from email.message import Message
from pathlib import Path
from typing import IO, Any, ClassVar
from urllib.error import HTTPError, URLError
from urllib.parse import unquote, urlsplit

from pydantic import BaseModel, ConfigDict, Field

from kurt_ext.portal import in_thread

from .contract import BaseFetcher
from .models import FetchResult

__all__ = ["FetchFile", "FetchHttp", "FetchOptions"]

_CHUNK = 65536


class FetchOptions(BaseModel):
    """Options under ``[engine."fetch.http"]`` and ``[engine."fetch.file"]``."""

    model_config = ConfigDict(extra="forbid")

    max_bytes: int = Field(default=10_000_000, gt=0, description="refuse a larger document")
    timeout: float = Field(default=30.0, gt=0, description="seconds for the whole fetch")
    max_redirects: int = Field(default=5, ge=0, description="redirects that are followed")
    user_agent: str = "kurt-ext"


class FetchFile(BaseFetcher):
    """Reads a document from disk, by path or ``file:`` address."""

    name = "file"
    Options: ClassVar[type[BaseModel]] = FetchOptions

    def __init__(self, options: FetchOptions | None = None) -> None:
        self._options = options or FetchOptions()

    def fetch(self, url: str) -> FetchResult:
        """Return the file.

        :raises ValueError: when the address is of another scheme, or the file too large.
        :raises OSError: when it cannot be read.
        """
        parts = urlsplit(url)
        if parts.scheme == "file" and parts.netloc in ("", "localhost"):
            path = Path(unquote(parts.path))
        elif "://" in url:
            raise ValueError(f"{url} is not the address of a file on this machine")
        else:
            path = Path(url)
        with path.open("rb") as stream:
            data = _read(stream, self._options.max_bytes, time.monotonic() + self._options.timeout)
        return FetchResult(
            url=path.resolve().as_uri(),
            content=data.decode("utf-8", "replace"),
            content_type=mimetypes.guess_type(path.name)[0] or "text/plain",
            size=len(data),
        )


class FetchHttp(BaseFetcher):
    """Gets a document from the web; http and https only, also after a redirect."""

    name = "http"
    Options: ClassVar[type[BaseModel]] = FetchOptions

    def __init__(self, options: FetchOptions | None = None) -> None:
        self._options = options or FetchOptions()

    async def fetch(self, url: str) -> FetchResult:
        """Return the document, fetched in a thread.

        :raises ValueError: when the address is not http(s), or the document too large.
        :raises ConnectionError: when the server cannot be reached or answers with an error.
        :raises TimeoutError: when it takes too long.
        """
        _require_web(url)
        return await in_thread(self._get, url)

    def _get(self, url: str) -> FetchResult:
        end = time.monotonic() + self._options.timeout
        request = urllib.request.Request(url, headers={"User-Agent": self._options.user_agent})
        # Only these handlers: the default opener also knows file:, ftp: and data:.
        opener = urllib.request.OpenerDirector()
        for handler in (
            urllib.request.ProxyHandler(),
            urllib.request.HTTPHandler(),
            urllib.request.HTTPSHandler(),
            urllib.request.HTTPDefaultErrorHandler(),
            urllib.request.HTTPErrorProcessor(),
            _Redirects(self._options.max_redirects),
        ):
            opener.add_handler(handler)
        try:
            response = opener.open(request, timeout=self._options.timeout)
            assert response is not None
            with response:
                data = _read(response, self._options.max_bytes, end)
                headers: Message = response.headers
                return FetchResult(
                    url=response.url,
                    content=data.decode(_charset(headers), "replace"),
                    content_type=headers.get_content_type(),
                    status=response.status,
                    size=len(data),
                    metadata=_some(headers),
                )
        except HTTPError as error:
            with error:
                raise ConnectionError(f"{url} answers {error.code} {error.reason}") from error
        except URLError as error:
            if isinstance(error.reason, TimeoutError):
                raise TimeoutError(f"{url} took more than {self._options.timeout:g} s") from error
            raise ConnectionError(f"{url} cannot be reached: {error.reason}") from error


class _Redirects(urllib.request.HTTPRedirectHandler):
    def __init__(self, limit: int) -> None:
        self._limit = limit

    def redirect_request(
        self,
        req: urllib.request.Request,
        fp: IO[bytes],
        code: int,
        msg: str,
        headers: Any,
        newurl: str,
    ) -> urllib.request.Request | None:
        try:
            _require_web(newurl)
        except ValueError:
            fp.close()
            raise
        # The base class keeps the addresses it has been to on the request.
        if sum(getattr(req, "redirect_dict", {}).values()) >= self._limit:
            raise HTTPError(newurl, code, f"more than {self._limit} redirects", headers, fp)
        return super().redirect_request(req, fp, code, msg, headers, newurl)


def _require_web(url: str) -> None:
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError(f"{url} is not an http or https address")


def _read(stream: Any, limit: int, end: float) -> bytes:
    """Read everything, in pieces, so that size and time are both bounded."""
    pieces: list[bytes] = []
    size = 0
    while piece := stream.read(_CHUNK):
        pieces.append(piece)
        size += len(piece)
        if size > limit:
            raise ValueError(f"the document has more than {limit} bytes")
        if time.monotonic() > end:
            raise TimeoutError("reading the document took too long")
    return b"".join(pieces)


def _charset(headers: Message) -> str:
    import codecs

    name = headers.get_content_charset("utf-8")
    try:
        codecs.lookup(name)
    except LookupError:
        return "utf-8"
    return name


def _some(headers: Mapping[str, str] | Message) -> dict[str, str]:
    wanted = ("last-modified", "etag", "content-language")
    return {name: str(headers[name]) for name in wanted if headers[name]}
