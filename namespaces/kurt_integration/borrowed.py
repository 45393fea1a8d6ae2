"""What stands for ``db`` and ``http`` in the worker of an isolated skill.

Each is made of functions that ask the host, and behaves as the service does in the host's own
process. Nothing here is a boundary: the host checks every request.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib import import_module
from importlib.util import find_spec

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable
    from typing import Any

__all__ = ["Database", "client"]

#: The packages of which one makes the client, the better kept one first.
PACKAGES = ("httpx2", "httpx")
#: The errors that the host's client may end with, as both packages name them.
FAILURES = frozenset(
    "ConnectError ConnectTimeout LocalProtocolError NetworkError PoolTimeout ProtocolError "
    "ReadError ReadTimeout RemoteProtocolError TimeoutException UnsupportedProtocol WriteError "
    "WriteTimeout".split()
)
#: Bytes of a request's body that go to the host at a time.
_PIECE = 1 << 18


class Database:
    """``query`` and ``write`` of the host's database, which raise what `sqlite3` would."""

    def __init__(self, operations: Mapping[str, Callable[..., Any]]) -> None:
        self._operations = operations

    def query(
        self, sql: str, parameters: Sequence[Any] | Mapping[str, Any] = ()
    ) -> list[dict[str, Any]]:
        """Run one statement and return its rows as dicts.

        :param parameters: values for ``?`` or ``:name``; never put values into ``sql``.
        :raises sqlite3.Error: when it fails; nothing of it is kept.
        """
        found: list[dict[str, Any]] = _value(self._operations["query"](sql, _row(parameters)))
        return found

    def write(self, sql: str, rows: Sequence[Sequence[Any] | Mapping[str, Any]] = ((),)) -> int:
        """Run one statement for each row, all or none; return how many rows it changed."""
        changed: int = _value(self._operations["write"](sql, [_row(row) for row in rows]))
        return changed


def _row(values: Sequence[Any] | Mapping[str, Any]) -> Any:
    return dict(values) if isinstance(values, Mapping) else list(values)


def _value(answer: Mapping[str, Any]) -> Any:
    """Return what an operation gave.

    :raises sqlite3.Error: what it failed with, or a TypeError, ValueError or OverflowError.
    """
    if "error" not in answer:
        return answer["value"]
    import builtins
    import sqlite3

    kind, message, name, code = answer["error"]
    cls = getattr(sqlite3, kind, None) or getattr(builtins, kind, None)
    known = isinstance(cls, type) and issubclass(cls, Exception)
    error = cls(message) if known and cls is not None else sqlite3.Error(message)
    if name is not None and isinstance(error, sqlite3.Error):
        error.sqlite_errorname, error.sqlite_errorcode = name, code
    raise error


def client(operations: Mapping[str, Callable[..., Any]]) -> Any:
    """Return an ``AsyncClient`` of httpx2 or httpx that sends its requests through the host.

    Redirects are followed here, so that the host checks each of them as a request of its own.

    :raises ImportError: when neither package can be imported.
    """
    name = next((name for name in PACKAGES if find_spec(name) is not None), PACKAGES[0])
    package = import_module(name)
    options = operations["options"]()
    return package.AsyncClient(
        timeout=options["timeout"],
        follow_redirects=options["follow_redirects"],
        transport=_transport(package, operations),
    )


def _transport(package: Any, operations: Mapping[str, Callable[..., Awaitable[Any]]]) -> Any:
    def raise_(answer: Mapping[str, Any], request: Any) -> None:
        if "error" in answer:
            kind, message = answer["error"]
            cls = getattr(package, kind if kind in FAILURES else "TransportError")
            raise cls(message, request=request)

    class Stream(package.AsyncByteStream):  # type: ignore[misc]
        """The rest of a body, fetched from the host piece by piece."""

        def __init__(self, number: int, first: bytes, request: Any) -> None:
            self._number, self._first, self._request = number, first, request
            self._open = True

        async def __aiter__(self) -> AsyncIterator[bytes]:
            if self._first:
                yield bytes(self._first)
            while self._open:
                answer = await operations["read"](self._number)
                raise_(answer, self._request)
                self._open = not answer["end"]
                if answer["data"]:
                    yield bytes(answer["data"])

        async def aclose(self) -> None:
            if self._open:
                self._open = False
                await operations["close"](self._number)

    class Transport(package.AsyncBaseTransport):  # type: ignore[misc]
        async def handle_async_request(self, request: Any) -> Any:
            url = request.url
            timeout = request.extensions.get("timeout") or {}
            body = b"".join([part async for part in request.stream])
            sent = 0
            number: int | None = None
            while len(body) - sent > _PIECE:
                answer = await operations["put"](number, body[sent : sent + _PIECE])
                raise_(answer, request)
                number, sent = answer["number"], sent + _PIECE
            answer = await operations["send"](
                request.method,
                [url.scheme, url.raw_host.decode("ascii"), url.port, url.raw_path.decode("ascii")],
                [[one.decode("latin-1") for one in pair] for pair in request.headers.raw],
                body[sent:],
                {key: value for key, value in timeout.items() if value is not None},
                number,
            )
            raise_(answer, request)
            first = bytes(answer["data"])
            return package.Response(
                answer["status"],
                headers=[(n.encode("latin-1"), v.encode("latin-1")) for n, v in answer["headers"]],
                stream=package.ByteStream(first)
                if answer["number"] is None
                else Stream(answer["number"], first, request),
                extensions={
                    key: answer[key].encode("latin-1") for key in ("http_version", "reason_phrase")
                },
            )

    return Transport()
