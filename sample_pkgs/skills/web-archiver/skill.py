"""Save a page in the Wayback Machine, and tell where it was put."""

from __future__ import annotations

import asyncio
import re
from urllib.error import HTTPError, URLError
from urllib.parse import quote, urljoin, urlsplit
from urllib.request import HTTPRedirectHandler, Request, build_opener

from pydantic import BaseModel, Field, field_validator

from kurt_tool import OnProgress, Tool, ToolContext, ToolProgress, ToolResult

SERVICE = "https://web.archive.org"
_TIMEOUT = 120  # seconds; saving a large page takes more than one minute
_SNAPSHOT = re.compile(r"/web/(\d{14})[^/]*/")


class Page(BaseModel):
    url: str = Field(description="the page to archive, http or https")

    @field_validator("url")
    @classmethod
    def _is_web_address(cls, url: str) -> str:
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ValueError("must be an address that begins with http:// or https://")
        return quote(url, safe="%/:=&?~#+!$,;'@()*[]")


class Snapshot(BaseModel):
    url: str = Field(description="the page that was archived")
    archived: str = Field(description="the address of the copy")
    timestamp: str = Field(description="when it was taken, YYYYMMDDhhmmss, UTC")


class _Stay(HTTPRedirectHandler):
    """Follows no redirect: the address it leads to is the answer."""

    def redirect_request(self, *_: object) -> None:
        return None


def save(url: str, service: str, key: str) -> Snapshot:
    """Ask the service to save a page.

    :raises ConnectionError: when it cannot be reached, refuses, or gives no address.
    """
    request = Request(f"{service.rstrip('/')}/save/{url}", headers={"User-Agent": "web-archiver"})
    if key != "anonymous":
        request.add_header("Authorization", f"LOW {key}")
    try:
        response = build_opener(_Stay).open(request, timeout=_TIMEOUT)
    except HTTPError as error:
        if not 300 <= error.code < 400:
            raise ConnectionError(f"{service} answered {error.code} {error.reason}") from error
        response = error
    except (URLError, OSError) as error:
        raise ConnectionError(f"{service} cannot be reached: {error}") from error
    with response:
        place = response.headers.get("Location") or response.headers.get("Content-Location") or ""
    found = _SNAPSHOT.search(place)
    if found is None:
        raise ConnectionError(f"{service} gave no address of a copy")
    return Snapshot(url=url, archived=urljoin(service, place), timestamp=found[1])


class WebArchiverTool(Tool[Page, Snapshot]):
    """Archive a web page in the Internet Archive."""

    name = "archive"
    InputModel = Page
    OutputModel = Snapshot

    async def run(
        self, params: Page, context: ToolContext, on_progress: OnProgress | None
    ) -> ToolResult[Snapshot]:
        service = context.settings.get("service", SERVICE)
        if on_progress:
            on_progress(ToolProgress(f"asking {urlsplit(service).hostname} for a copy"))
        try:
            # urllib waits; the event loop must not.
            snapshot = await asyncio.to_thread(
                save, params.url, service, context.settings["wayback"]
            )
        except ConnectionError as error:
            return ToolResult(success=False, errors=[str(error)])
        return ToolResult(success=True, data=snapshot)
