"""The whole application: files, API, pages and uploads behind one front."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from hashlib import sha256
from typing import TYPE_CHECKING, Any

from fastapi import FastAPI
from fastapi.encoders import jsonable_encoder
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from ..errors import KurtError
from .admission import Admission
from .apart import Refusal
from .api import Reading
from .buckets import Limit, sweep
from .counting import Counts
from .database import Database, connect, is_url, where
from .desk import Desk
from .files import Files
from .front import Front
from .health import Health
from .pages import Pages
from .settings import ServerSettings
from .shelf import Shelf
from .statuses import status_of
from .uploads import Publishing

if TYPE_CHECKING:
    from ..places import Places

__all__ = ["make"]


#: Seconds after which counts are written, and others' read.
_EVERY = 10.0


def make(
    root: str,
    places: Places,
    settings: ServerSettings | None = None,
    *,
    database: str = "",
    callers: Limit | None = None,
) -> Front:
    """Return the ASGI application that serves a marketplace.

    :param root: the folder of the marketplace.
    :param places: where the catalogue and the database are kept.
    :param database: as `database.where` returns it, which is asked if it is "".
    :param callers: counts requests; a count of this process alone if None.
    :raises MarketError: when there is no marketplace.
    :raises StorageError: when the database cannot be used.
    """
    chosen = settings or ServerSettings()
    root = os.path.abspath(root)
    name = sha256(os.fsencode(os.path.realpath(root))).hexdigest()[:32]
    shelf = Shelf(root, os.path.join(places.cache, "servers", name))
    shelf.open()
    place = database or where(places, root)
    opened = connect(place, shelf.edition.meta.name)
    counts = Counts(opened)
    desk = Desk()

    def close() -> None:
        shelf.close()
        desk.close()
        opened.close()

    @asynccontextmanager
    async def life(app: FastAPI) -> AsyncIterator[None]:
        upkeep = asyncio.create_task(_look_after(opened, counts, desk))
        yield
        upkeep.cancel()
        with suppress(HTTPException):
            await desk.ask(counts.save)
        close()

    app = FastAPI(
        title=shelf.edition.meta.title or shelf.edition.meta.name,
        version="1",
        docs_url=None,
        redoc_url=None,
        openapi_url="/api/v1/openapi.json",
        lifespan=life,
        redirect_slashes=False,
    )
    pages = Pages(shelf, counts, chosen.url)
    admission = Admission(opened, desk, chosen)
    turns = place if is_url(place) else ""
    reading = Reading(shelf, counts, chosen.url)
    app.include_router(reading.router())
    app.include_router(Publishing(shelf, admission, places, chosen, turns).router())
    app.router.routes.extend(pages.routes())
    app.router.routes.append(Route("/healthz", Health(shelf, opened, desk).answer))
    app.router.routes.append(Route("/{path:path}", Files(root, counts).answer))
    _handle(app, pages)
    return Front(app, shelf, chosen, callers, close, reading.quick)


async def _look_after(database: Database, counts: Counts, desk: Desk) -> None:
    """Write and forget now and then what is no request's business."""
    while True:
        await asyncio.sleep(_EVERY)
        with suppress(HTTPException):  # it is tried again, and `/healthz` tells of it
            await desk.ask(counts.save)
            await desk.ask(sweep, database)


def _handle(app: FastAPI, pages: Pages) -> None:
    """Have errors answered in the form that was asked for."""

    async def failed(request: Request, error: Exception) -> Response:
        assert isinstance(error, KurtError)
        if _is_page(request):
            return pages.failed(error)
        return failure(error)

    async def refused(request: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)
        if _is_page(request):
            return pages.problem(error.status_code, str(error.detail))
        return say(error.status_code, _word(error.status_code), str(error.detail), error.headers)

    async def turned_down(request: Request, error: Exception) -> Response:
        assert isinstance(error, Refusal)
        headers = {"Retry-After": "5"} if error.status == 503 else None
        return JSONResponse({"error": error.problem}, error.status, headers)

    async def misread(request: Request, error: Exception) -> Response:
        assert isinstance(error, RequestValidationError)
        rows = jsonable_encoder(error.errors())
        first = rows[0]
        place = " ".join(map(str, first["loc"]))[:200]
        problem = {"code": "usage", "message": f"{place}: {first['msg']}"[:1000]}
        # `detail` is what OpenAPI documents of this framework promise everywhere.
        return JSONResponse({"error": problem, "detail": rows}, 422)

    app.add_exception_handler(RequestValidationError, misread)
    app.add_exception_handler(KurtError, failed)
    app.add_exception_handler(Refusal, turned_down)
    app.add_exception_handler(HTTPException, refused)


def _is_page(request: Request) -> bool:
    path = request.url.path
    if path == "/" or path.startswith(("/skills/", "/publishers/")):
        return True
    return not path.startswith("/api/") and "text/html" in request.headers.get("accept", "")


def failure(error: KurtError) -> Response:
    """Return the answer of the API for an error; it tells nothing of this machine."""
    status = status_of(error)
    if status in (422, 500):  # what is read here was written by this marketplace
        return say(500, error.reference, "the marketplace cannot be read")
    headers = {"Retry-After": "5"} if status == 503 else None
    candidates = list(error.candidates)
    return say(status, error.reference, error.message, headers, candidates=candidates)


def say(status: int, code: str, message: str, headers: Any = None, **more: Any) -> Response:
    """Return an answer that says what went wrong."""
    problem = {"code": code, "message": message, **more}
    return JSONResponse({"error": problem}, status, headers=headers)


def _word(status: int) -> str:
    words = {
        400: "bad-request",
        401: "unauthorized",
        403: "forbidden",
        404: "not-found",
        405: "not-allowed",
        408: "too-slow",
        413: "too-large",
        429: "too-many",
        503: "busy",
    }
    return words.get(status, str(status))
