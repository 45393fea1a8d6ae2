"""The whole application: files, API, pages and uploads behind one front."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from hashlib import sha256
from typing import TYPE_CHECKING, Any

from fastapi import FastAPI
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from ..errors import KurtError
from .apart import Refusal
from .api import Reading
from .counting import Counts
from .database import Database, place_of
from .files import Files
from .front import Front
from .pages import Pages
from .settings import ServerSettings
from .shelf import Shelf
from .statuses import status_of
from .uploads import Publishing

if TYPE_CHECKING:
    from ..places import Places

__all__ = ["make"]


def make(root: str, places: Places, settings: ServerSettings | None = None) -> Front:
    """Return the ASGI application that serves a marketplace.

    :param root: the folder of the marketplace.
    :param places: where the catalogue and the database are kept.
    :raises MarketError: when there is no marketplace.
    :raises StorageError: when the database cannot be used.
    """
    chosen = settings or ServerSettings()
    root = os.path.abspath(root)
    name = sha256(os.fsencode(os.path.realpath(root))).hexdigest()[:32]
    shelf = Shelf(root, os.path.join(places.cache, "servers", name))
    shelf.open()
    database = Database(place_of(places.data, root))
    counts = Counts(database)

    @asynccontextmanager
    async def life(app: FastAPI) -> AsyncIterator[None]:
        yield
        counts.save()
        shelf.close()
        database.close()

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
    app.include_router(Reading(shelf, counts, chosen.url).router())
    app.include_router(Publishing(shelf, database, places, chosen).router())
    app.router.routes.extend(pages.routes())
    app.router.routes.append(Route("/{path:path}", Files(root, counts).answer))
    _handle(app, pages)
    return Front(app, shelf, chosen)


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

    app.add_exception_handler(KurtError, failed)
    app.add_exception_handler(Refusal, turned_down)
    app.add_exception_handler(HTTPException, refused)


def _is_page(request: Request) -> bool:
    path = request.url.path
    return path == "/" or path.startswith(("/skills/", "/publishers/"))


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
