"""The API for publishing: releases come in, and are withdrawn, by whoever holds a token."""

from __future__ import annotations

import asyncio
import os
import tempfile
from typing import TYPE_CHECKING, Annotated, Any

from fastapi import APIRouter, Header, Query, Request
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.responses import JSONResponse, Response

from ..errors import KurtError, MarketError
from ..market.documents.words import WheelName
from ..market.extracting import WHEEL_BUDGET
from ..market.market_toml import read_settings
from ..market.proofs import PATTERN
from ..market.trusting import LIMIT as EVIDENCE
from .admission import Admission
from .answers import Failure
from .apart import Refusal, ask
from .api import Id, VersionPath
from .settings import ServerSettings
from .shelf import Shelf
from .tokens import Token

if TYPE_CHECKING:
    from ..places import Places

__all__ = ["Publishing"]

#: Seconds that the bytes of an upload may take to come, and that writing the index may.
_COMING, _WRITING = 120.0, 300.0
#: Bytes of headers that a file of a zip may need besides its content.
_HEADERS = 4096
_WORDS = {
    401: "no token, or one that does not count",
    403: "the skill, or the key that has signed it, is another publisher's",
    404: "nothing has that name",
    409: "that version is published with another content, or the name is another publisher's",
    413: "the upload is too large",
    422: "it is refused: what it is, or what the validator found",
    429: "too many uploads, or wrong tokens",
    503: "another release is being written; try again",
}


class Holder(BaseModel):
    """Who holds a token, and what it may."""

    id: str = Field(description="Id of the token.")
    publisher: str
    expires: str | None
    max_bytes: int = Field(description="Bytes that a zip may have.")
    max_wheel_bytes: int


class Uploaded(BaseModel):
    """What came of an upload."""

    plugin_id: str
    version: str
    publisher: str
    new: bool = Field(description="Whether the release was not there before.")
    security_score: int | None
    digest: str
    signed_by: str | None = Field(description="Id of the publisher's key that has signed it.")
    snapshot: int = Field(description="The number of the index that has it.")


class Withdrawal(BaseModel):
    """Why nobody should take a version any more."""

    reason: str = Field(min_length=1, max_length=1000, pattern=r"^[^\x00-\x1f\x7f]+$")


class Withdrawn(BaseModel):
    """What came of a withdrawal, or of taking it back."""

    plugin_id: str
    version: str
    yanked: bool
    snapshot: int


class Attested(BaseModel):
    """What came of an attestation."""

    plugin_id: str
    version: str
    identities: list[str] = Field(description="Who has made it: `NAME via ISSUER`.")
    snapshot: int


class Publishing:
    """What the API does for publishers.

    :param admission: says who may.
    :param places: where keys and verdicts are, for the processes that publish.
    :param database: the address of a database that gives the turn to write; "" for none.
    """

    def __init__(
        self,
        shelf: Shelf,
        admission: Admission,
        places: Places,
        settings: ServerSettings,
        database: str = "",
    ) -> None:
        self._shelf = shelf
        self._admission = admission
        self._database = database
        self._project = places.project
        self._settings = settings
        self._judging = asyncio.Semaphore(settings.judges)

    def router(self) -> APIRouter:
        """Return the routes."""
        fails: dict[int | str, dict[str, Any]] = {
            status: {"model": Failure, "description": text} for status, text in _WORDS.items()
        }
        found = APIRouter(prefix="/api/v1", tags=["publishing"], responses=fails)
        binary = {"schema": {"type": "string", "format": "binary"}}
        body = {"required": True, "content": {"application/zip": binary}}
        safe: list[dict[str, list[str]]] = [{"token": []}]
        found.add_api_route(
            "/token", self.holder, response_model=Holder, openapi_extra={"security": safe}
        )
        found.add_api_route(
            "/plugins",
            self.upload,
            methods=["POST"],
            status_code=201,
            response_model=Uploaded,
            responses={200: {"model": Uploaded, "description": "it was there already"}},
            openapi_extra={"requestBody": body, "security": safe},
        )
        path = "/plugins/{id}/versions/{version}/yank"
        found.add_api_route(
            path,
            self.yank,
            methods=["POST"],
            response_model=Withdrawn,
            openapi_extra={"security": safe},
        )
        found.add_api_route(
            path,
            self.take_back,
            methods=["DELETE"],
            response_model=Withdrawn,
            openapi_extra={"security": safe},
        )
        path = "/plugins/{id}/versions/{version}/attestations"
        body = {"required": True, "content": {"application/json": {"schema": {"type": "object"}}}}
        found.add_api_route(
            path,
            self.attest,
            methods=["POST"],
            response_model=Attested,
            openapi_extra={"requestBody": body, "security": safe},
        )
        return found

    async def holder(self, request: Request) -> Response:
        """Tell as whom a token publishes, and how much it may send."""
        token = await self._admission.token(request)
        row = {
            "id": token.id,
            "publisher": token.publisher,
            "expires": token.expires,
            "max_bytes": self._most(False),
            "max_wheel_bytes": self._most(True),
        }
        return JSONResponse(row, headers={"Cache-Control": "no-store"})

    async def upload(
        self,
        request: Request,
        filename: Annotated[
            WheelName | None, Query(description="The name of a wheel; none for a zip.")
        ] = None,
        kurt_signature: Annotated[
            str | None,
            Header(pattern=PATTERN, description="`ed25519:KEY:SIGNATURE` over the release."),
        ] = None,
    ) -> Response:
        """Publish a skill: a zip of its folder, or a wheel. A release stays as it is."""
        token = await self._admission.token(request)
        await self._admission.turn(token, request)
        if self._judging.locked():
            raise HTTPException(503, "others are being judged", {"Retry-After": "10"})
        async with self._judging:
            with tempfile.TemporaryDirectory(prefix="kurt-upload-") as scratch:
                path = os.path.join(scratch, filename or "upload.zip")
                await self._receive(request, path, self._most(filename is not None))
                job = {"upload": path, "proof": kurt_signature, **self._job(scratch, token)}
                found = await self._work(request, token, job)
        await self._shelf.current(wait=True)
        row = {
            "plugin_id": found["name"],
            "version": found["version"],
            "publisher": found["publisher"],
            "new": found["new"],
            "security_score": found["score"],
            "digest": found["digest"],
            "signed_by": found["key"],
            "snapshot": found["snapshot"],
        }
        return JSONResponse(row, 201 if found["new"] else 200)

    async def yank(
        self, request: Request, id: Id, version: VersionPath, why: Withdrawal
    ) -> Response:
        """Say that nobody should take a version any more; who has it locked still gets it."""
        return await self._yank(request, id, version, why.reason)

    async def take_back(self, request: Request, id: Id, version: VersionPath) -> Response:
        """Offer a version again that was withdrawn."""
        return await self._yank(request, id, version, None)

    async def _yank(self, request: Request, id: str, version: str, reason: str | None) -> Response:
        token = await self._admission.token(request)
        await self._admission.turn(token, request)
        action = "unyank" if reason is None else "yank"
        edition = await self._shelf.current()
        if edition.row(id)["publisher"] != token.publisher:
            await self._admission.record(
                request, token, action, (id, version), "refused", "another publisher's"
            )
            raise HTTPException(403, f"{id} is not published by {token.publisher}")
        with tempfile.TemporaryDirectory(prefix="kurt-upload-") as scratch:
            job = {"do": "yank", "name": id, "version": version, "reason": reason}
            job |= {"database": self._database, **self._job(scratch, token)}
            try:
                found = await asyncio.to_thread(ask, job, wall=_WRITING)
            except Refusal as error:
                await self._admission.record(
                    request, token, action, (id, version), "refused", str(error)
                )
                raise
        await self._admission.record(request, token, action, (id, version), "done", reason or "")
        await self._shelf.current(wait=True)
        yanked = reason is not None
        return JSONResponse({"plugin_id": id, "version": version, "yanked": yanked, **found})

    async def attest(self, request: Request, id: Id, version: VersionPath) -> Response:
        """Attest a version: a Sigstore bundle, or an attestation or provenance after PEP 740."""
        token = await self._admission.token(request)
        await self._admission.turn(token, request)
        edition = await self._shelf.current()
        if edition.row(id)["publisher"] != token.publisher:
            raise HTTPException(403, f"{id} is not published by {token.publisher}")
        about = (id, version)
        with tempfile.TemporaryDirectory(prefix="kurt-upload-") as scratch:
            path = os.path.join(scratch, "evidence.json")
            await self._receive(request, path, EVIDENCE)
            job = {"do": "attest", "name": id, "version": version, "upload": path}
            job |= {"database": self._database, **self._job(scratch, token)}
            try:
                found = await asyncio.to_thread(ask, job, wall=_WRITING)
            except Refusal as error:
                await self._admission.record(request, token, "attest", about, "refused", str(error))
                raise
        who = ", ".join(found["identities"])
        await self._admission.record(request, token, "attest", about, "done", who)
        await self._shelf.current(wait=True)
        return JSONResponse({"plugin_id": id, "version": version, **found})

    async def _work(self, request: Request, token: Token, job: dict[str, Any]) -> dict[str, Any]:
        """Judge and publish what was uploaded, and write down what came of it."""
        chosen = self._settings
        name = version = ""
        try:
            judged = await asyncio.to_thread(
                ask,
                {"do": "judge", **job},
                wall=3.0 * chosen.seconds,
                cpu=chosen.seconds,
                memory=chosen.memory,
            )
            name, version = judged["name"], judged["version"]
            written = {**job, "do": "publish", "database": self._database, **judged}
            found = await asyncio.to_thread(ask, written, wall=_WRITING)
        except Refusal as error:
            about = (name or error.skill, version)
            await self._admission.record(request, token, "upload", about, "refused", str(error))
            raise
        outcome = "done" if found["new"] else "same"
        about = (name, version)
        await self._admission.record(request, token, "upload", about, outcome, found["digest"])
        return found

    def _job(self, scratch: str, token: Token) -> dict[str, Any]:
        return {
            "scratch": os.path.realpath(scratch),
            "root": self._shelf.root,
            "project": self._project,
            "publisher": token.publisher,
        }

    def _most(self, wheel: bool) -> int:
        """Return the bytes that an upload may have."""
        if wheel:
            return WHEEL_BUDGET.size
        try:
            settings = read_settings(self._shelf.root)
        except KurtError as error:
            raise MarketError("the marketplace cannot be read") from error
        return settings.max_bytes + _HEADERS * settings.max_files

    async def _receive(self, request: Request, path: str, most: int) -> None:
        """Write the body of a request into a file, as far as it may be large."""
        told = request.headers.get("content-length", "0")
        if not told.isdigit() or int(told[:20]) > most:
            raise HTTPException(413, f"more than {most:,} bytes")
        size = 0
        try:
            async with asyncio.timeout(_COMING):
                with open(path, "wb") as stream:
                    async for chunk in request.stream():
                        size += len(chunk)
                        if size > most:
                            raise HTTPException(413, f"more than {most:,} bytes")
                        stream.write(chunk)
        except TimeoutError:
            raise HTTPException(408, "the upload took too long") from None
        except ClientDisconnect:
            raise HTTPException(400, "the upload broke off") from None
