"""What stands before every route: whose turn it is, what was answered before, what is promised.

What is read here is made of the index alone. So an answer is kept until there is another
index, for a minute at most, and bears an entity tag; the same question costs nothing twice.
"""

from __future__ import annotations

import re
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from functools import lru_cache
from hashlib import blake2b
from typing import Any, NamedTuple

from ..errors import KurtError
from .buckets import Buckets, Limit, neighbourhood
from .files import CHANGING, fits
from .settings import ServerSettings
from .shelf import Edition, Shelf

__all__ = ["Front", "Quick"]

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]
Header = tuple[bytes, bytes]
#: Returns the body of an answer, as JSON, or None where the application is to give it. It is
#: given the host that the request names, and takes so little time that it need not wait.
Quick = Callable[[Scope, Edition, str], bytes | None]

#: Seconds for which an answer is kept, since how often something was downloaded changes.
_MINUTE = 60.0
_LARGEST = 256 << 10
_ALL = 32 << 20
_LONGEST_QUERY = 4096
_KEPT = re.compile(r"/|/api/v1/plugins/.+|/skills/.+|/publishers/.+")
_NOT_KEPT = re.compile(r"/api/v1/plugins/.+/download")
_HOST = re.compile(
    rb"[A-Za-z0-9._-]{1,253}(?::[0-9]{1,5})?|\[[0-9A-Fa-f:.]{2,45}\](?::[0-9]{1,5})?"
)
_PAGE = (
    b"default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; "
    b"base-uri 'none'; frame-ancestors 'none'"
)
_DATA = b"default-src 'none'; frame-ancestors 'none'; sandbox"
_PROMISES: list[Header] = [
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"x-frame-options", b"DENY"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"permissions-policy", b"camera=(), geolocation=(), microphone=(), payment=(), usb=()"),
]

_STRICT: Header = (b"strict-transport-security", b"max-age=31536000")

_neighbourhood = lru_cache(4096)(neighbourhood)


class _Answer(NamedTuple):
    headers: list[Header]
    body: bytes
    etag: str
    until: float


class Front:
    """An ASGI application before another.

    :param app: answers what is not kept.
    :param shelf: tells which index holds.
    :param callers: counts requests; a count of this process alone if None.
    :param close: lets go of what the application holds, where it never was run.
    :param quick: answers to paths that need no route.
    """

    def __init__(
        self,
        app: App,
        shelf: Shelf,
        settings: ServerSettings,
        callers: Limit | None = None,
        close: Callable[[], None] = lambda: None,
        quick: Mapping[str, Quick] | None = None,
    ) -> None:
        self._app = app
        self._shelf = shelf
        self._callers = callers or Buckets(settings.rate, settings.burst)
        self.close = close
        self._quick = quick or {}
        self._encrypted = settings.url.startswith("https://")
        self._kept: OrderedDict[tuple[Any, ...], _Answer] = OrderedDict()
        self._size = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        if self._encrypted or scope["scheme"] == "https":
            send = _encrypting(send)
        client = scope.get("client")
        wait = self._callers.take(_neighbourhood(client[0])) if client else 0.0
        if wait:
            more = [(b"retry-after", str(int(wait) + 1).encode())]
            await _say(send, 429, "too many requests", more)
            return
        headers: dict[bytes, bytes] = dict(scope["headers"])
        host = headers.get(b"host", b"")
        if _HOST.fullmatch(host) is None:
            await _say(send, 400, "the request names no host")
            return
        if len(scope["query_string"]) > _LONGEST_QUERY:
            await _say(send, 414, "the query is too long")
            return
        path = scope["path"]
        if (
            scope["method"] not in ("GET", "HEAD")
            or _KEPT.fullmatch(path) is None
            or _NOT_KEPT.fullmatch(path) is not None
        ):
            await self._app(scope, receive, _promising(send))
            return
        edition = await self._shelf.current()
        key = (edition.digest, scope["scheme"], host, path, scope["query_string"])
        found = self._find(key) or self._say(scope, edition, host, key)
        if found is None:
            found = await self._ask(scope, receive, send, key)
            if found is None:
                return
        await _give(send, found, scope["method"], headers.get(b"if-none-match", b""))

    def _find(self, key: tuple[Any, ...]) -> _Answer | None:
        found = self._kept.get(key)
        if found is None:
            return None
        if found.until < time.monotonic():
            self._forget(key)
            return None
        self._kept.move_to_end(key)
        return found

    def _forget(self, key: tuple[Any, ...]) -> None:
        gone = self._kept.pop(key)
        self._size -= _weight(key, gone)

    async def _ask(
        self, scope: Scope, receive: Receive, send: Send, key: tuple[Any, ...]
    ) -> _Answer | None:
        """Return the answer of the application; None where it was sent as it came."""
        start: Message = {}
        parts: list[bytes] = []

        async def collect(message: Message) -> None:
            if message["type"] == "http.response.start":
                start.update(message)
            elif message["type"] == "http.response.body":
                parts.append(message.get("body", b""))

        # HEAD is answered from what GET would say.
        await self._app({**scope, "method": "GET"}, receive, collect)
        body = b"".join(parts)
        if start.get("status") != 200:
            whole = _promising(send)
            await whole(start)
            shown = b"" if scope["method"] == "HEAD" else body
            await whole({"type": "http.response.body", "body": shown})
            return None
        return self._keep(key, list(start["headers"]), body)

    def _say(
        self, scope: Scope, edition: Edition, host: bytes, key: tuple[Any, ...]
    ) -> _Answer | None:
        """Return an answer that needs no route; None where there is none."""
        quick = self._quick.get(scope["path"])
        if quick is None:
            return None
        try:
            body = quick(scope, edition, host.decode("latin-1"))
        except KurtError:
            return None  # the application comes to the same, and tells of it
        if body is None:
            return None
        size = str(len(body)).encode()
        return self._keep(
            key, [(b"content-length", size), (b"content-type", b"application/json")], body
        )

    def _keep(self, key: tuple[Any, ...], headers: list[Header], body: bytes) -> _Answer:
        etag = f'"{blake2b(body, digest_size=16).hexdigest()}"'
        headers = _promised(headers)
        headers += [(b"etag", etag.encode()), (b"cache-control", CHANGING.encode())]
        found = _Answer(headers, body, etag, time.monotonic() + _MINUTE)
        if len(body) <= _LARGEST:
            if key in self._kept:
                self._forget(key)
            self._kept[key] = found
            self._size += _weight(key, found)
            while self._size > _ALL:
                self._forget(next(iter(self._kept)))
        return found


def _weight(key: tuple[Any, ...], answer: _Answer) -> int:
    return len(answer.body) + len(key[-1]) + 1024


async def _give(send: Send, found: _Answer, method: str, tags: bytes) -> None:
    if tags and fits(tags.decode("latin-1"), found.etag):
        kept = [row for row in found.headers if row[0] not in (b"content-length", b"content-type")]
        await send({"type": "http.response.start", "status": 304, "headers": kept})
        await send({"type": "http.response.body", "body": b""})
        return
    await send({"type": "http.response.start", "status": 200, "headers": found.headers})
    body = b"" if method == "HEAD" else found.body
    await send({"type": "http.response.body", "body": body})


def _promised(headers: list[Header]) -> list[Header]:
    kind = next((value for name, value in headers if name == b"content-type"), b"")
    policy = _PAGE if kind.startswith(b"text/html") else _DATA
    return [*headers, *_PROMISES, (b"content-security-policy", policy)]


def _promising(send: Send) -> Send:
    async def promise(message: Message) -> None:
        if message["type"] == "http.response.start":
            message = {**message, "headers": _promised(list(message.get("headers", [])))}
        await send(message)

    return promise


def _encrypting(send: Send) -> Send:
    """Have browsers ask for nothing without encryption any more (RFC 6797)."""

    async def encrypt(message: Message) -> None:
        if message["type"] == "http.response.start":
            message = {**message, "headers": [*message.get("headers", []), _STRICT]}
        await send(message)

    return encrypt


async def _say(send: Send, status: int, text: str, more: list[Header] | None = None) -> None:
    from ..jsontext import dumps

    body = (dumps({"error": {"code": str(status), "message": text}}) + "\n").encode()
    headers = [
        (b"content-type", b"application/json"),
        (b"content-length", str(len(body)).encode()),
        *(more or []),
    ]
    whole = _promising(send)
    await whole({"type": "http.response.start", "status": status, "headers": headers})
    await whole({"type": "http.response.body", "body": body})
