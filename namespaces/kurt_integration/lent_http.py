"""The HTTP client as an isolated skill may use it: requests to the hosts that it declared.

The host checks each request, connects to an address that it has looked up and judged itself, and
hands the body over piece by piece. A redirect is another request of the worker's.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from functools import cache
from importlib import import_module
from importlib.util import find_spec
from itertools import count
from typing import Any

from kurt_ext import grant_hosts
from kurt_ext.errors import LimitError, PermissionDeniedError
from kurt_ext.grants import Grants
from kurt_ext.sandbox.addresses import is_loopback, is_public, spelled

from .borrowed import FAILURES
from .http import HttpOptions

__all__ = ["lent"]

#: Of each package its client, and what that stands on.
_PACKAGES = (("httpx2", "httpcore2"), ("httpx", "httpcore"))
_PORTS = {"http": 80, "https": 443}
#: Bytes of a body that go to the worker at a time; bodies that wait there, in both directions.
_PIECE, _MAX_OPEN = 1 << 18, 64
#: Bytes of a request's body, and characters of its target and its headers.
_MAX_BODY, _MAX_HEAD = 64 << 20, 1 << 16
_LONGEST_WAIT = 600.0  # seconds for one step of a request
_TIMES = ("connect", "read", "write", "pool")
#: Headers that tell where one message ends: those are the host's own.
_FRAMING = frozenset(["connection", "content-length", "host", "te", "trailer", "transfer-encoding"])
_FRAMING |= {"keep-alive", "proxy-authorization", "proxy-connection", "upgrade"}


class Lent(dict[str, Callable[..., Any]]):
    """The operations of one isolated skill; ``await close()`` gives its connections back.

    :param options: those of the service.
    :param grants: what the skill may do.
    :param skill: its name.
    """

    def __init__(self, options: HttpOptions, grants: Grants, skill: str) -> None:
        self._options = options
        self._grants = grants
        self._skill = skill
        self._numbers = count(1)
        self._pools: dict[asyncio.AbstractEventLoop, Any] = {}
        self._bodies: dict[int, bytearray] = {}
        self._open: dict[int, _Answer] = {}
        super().__init__(
            options=self._chosen, put=self._put, send=self._send, read=self._read, close=self._shut
        )

    def _chosen(self) -> dict[str, Any]:
        """Return the options that the worker's client is made with."""
        chosen = self._options
        return {"timeout": chosen.timeout, "follow_redirects": chosen.follow_redirects}

    async def _put(self, number: int | None, piece: bytes) -> dict[str, Any]:
        """Take a part of a request's body; return the number it goes by."""
        if number is None:
            if len(self._bodies) >= _MAX_OPEN:
                del self._bodies[next(iter(self._bodies))]
            number = next(self._numbers)
            self._bodies[number] = bytearray()
        body = self._bodies.get(number)
        if body is None:
            return _given_up("WriteError")
        body += piece
        if len(body) > _MAX_BODY:
            del self._bodies[number]
            raise self._limit("the body of a request", "bytes", _MAX_BODY)
        return {"number": number}

    async def _send(
        self,
        method: str,
        url: Sequence[Any],
        headers: Sequence[Sequence[str]],
        body: bytes,
        timeout: Mapping[str, float],
        number: int | None = None,
    ) -> dict[str, Any]:
        """Send a request; return the head of the answer and as much of its body as is small.

        :param url: scheme, host, port or None, and the target behind the host.
        :param number: of what was :meth:`_put` before the body; None for nothing.
        """
        core = _core()
        parts = self._bodies.pop(number, None) if number is not None else b""
        if parts is None:
            return _given_up("WriteError")
        request = self._checked(core, method, url, headers, bytes(parts) + bytes(body))
        request.extensions["timeout"] = {key: _seconds(timeout.get(key)) for key in _TIMES}
        if len(self._open) >= _MAX_OPEN:
            # Of a worker that has ended in the middle, or forgot it.
            await self._shut(next(iter(self._open)))
        try:
            response = await self._pool(core).handle_async_request(request)
            answer = _Answer(response, self._options.lent_mb << 20)
            data = await answer.whole(request.method)
        except _failures(core) as error:
            return _told(error)
        reference = None
        if data is None:
            reference = next(self._numbers)
            self._open[reference] = answer
        return {
            "status": response.status,
            "headers": [[n.decode("latin-1"), v.decode("latin-1")] for n, v in response.headers],
            "http_version": _text(response.extensions.get("http_version")),
            "reason_phrase": _text(response.extensions.get("reason_phrase")),
            "data": data or b"",
            "number": reference,
        }

    async def _read(self, number: int) -> dict[str, Any]:
        """Return the next piece of a body: ``data``, and whether it is the ``end``."""
        core = _core()
        answer = self._open.get(number)
        if answer is None:
            return _given_up("ReadError")
        try:
            piece = await answer.piece()
        except _failures(core) as error:
            await self._shut(number)
            return _told(error)
        if answer.left < 0:
            await self._shut(number)
            raise self._limit("the body of an answer", "MB", self._options.lent_mb)
        if piece is None:
            await self._shut(number)
        return {"data": piece or b"", "end": piece is None}

    async def _shut(self, number: int) -> None:
        """Give up the rest of a body."""
        answer = self._open.pop(number, None)
        if answer is not None:
            await answer.close()

    async def close(self) -> None:
        """Close what is open: the skill's worker has ended."""
        self._bodies.clear()
        answers, self._open = list(self._open.values()), {}
        pools, self._pools = self._pools, {}
        here = asyncio.get_running_loop()
        for answer in answers:
            if answer.loop is here:
                await answer.close()
        for loop, pool in pools.items():
            if loop is here:
                await pool.aclose()
            elif loop.is_running():
                asyncio.run_coroutine_threadsafe(pool.aclose(), loop)

    # -- what is refused ---------------------------------------------------------------

    def _checked(
        self, core: Any, method: str, url: Sequence[Any], headers: Any, body: bytes
    ) -> Any:
        """Return the request that goes out, of what the worker asks for."""
        scheme, host, port, target = url
        if scheme not in _PORTS:
            raise self._denied(f"{scheme}://{host}", "it lends http and https alone")
        if not (method.isascii() and method.isalpha()) or method.upper() == "CONNECT":
            raise self._denied(f"{method} {host}", "there is no such method here")
        port = _PORTS[scheme] if port is None else int(port)
        name = self._allowed(host, port)
        kept = [(n, v) for n, v in headers if n.lower() not in _FRAMING]
        size = len(target) + sum(len(n) + len(v) for n, v in kept)
        if not target.startswith("/") or size > _MAX_HEAD or len(body) > _MAX_BODY:
            raise self._denied(f"{scheme}://{host}", "the request is too large, or is none")
        spoken = f"[{name}]" if ":" in name else name
        spoken = spoken if port == _PORTS[scheme] else f"{spoken}:{port}"
        for _, value in [pair for pair in headers if pair[0].lower() == "host"]:
            if value.lower() != spoken:  # an address may serve several names
                said = grant_hosts.parse(value)
                spoken = str(said) if said else value
                self._allowed(value, port)
        lines = [(b"Host", spoken.encode("ascii")), *[(_raw(n), _raw(v)) for n, v in kept]]
        if body or method.upper() in ("POST", "PUT", "PATCH"):
            lines.append((b"Content-Length", str(len(body)).encode()))
        return core.Request(
            method,
            core.URL(scheme=_raw(scheme), host=_raw(name), port=port, target=_raw(target)),
            headers=lines,
            content=body,
        )

    def _allowed(self, host: str, port: int) -> str:
        """Return the name to connect to, in its one spelling.

        :raises PermissionDeniedError: where the skill did not declare it.
        """
        parsed = grant_hosts.parse(host)
        if parsed is None or parsed.wild:
            raise self._denied(host, "it is no host")
        spoken = f"[{parsed.name}]" if ":" in parsed.name else parsed.name
        number = port if parsed.port is None else parsed.port
        target = f"{spoken}:{number}"
        if not self._grants.covers("network_hosts", target):
            raise self._denied(target, self._grants.why_not("network_hosts", target), spoken)
        return parsed.name

    def _denied(self, target: str, why: str, entry: str | None = None) -> PermissionDeniedError:
        return PermissionDeniedError(
            f"{self._skill} may not ask {target}",
            cause=why,
            hint=f'add "{entry}" to network_hosts in its manifest' if entry else None,
            permission="network_hosts",
            target=target,
            skill=self._skill,
        )

    def _limit(self, what: str, unit: str, allowed: int) -> LimitError:
        return LimitError(
            f"{self._skill}: {what} is more than {allowed:,} {unit}",
            cause="that much goes through the host for an isolated skill",
            limit=f"http_{unit.lower()}",
            allowed=allowed,
            skill=self._skill,
        )

    # -- connections -------------------------------------------------------------------

    def _pool(self, core: Any) -> Any:
        """Return the connections of this loop: the skill's own, since they were judged for it."""
        loop = asyncio.get_running_loop()
        pool = self._pools.get(loop)
        if pool is None:
            for old in [known for known in self._pools if known.is_closed()]:
                del self._pools[old]
            pool = self._pools[loop] = core.AsyncConnectionPool(
                ssl_context=_tls(),
                max_connections=self._options.max_connections,
                retries=self._options.retries,
                network_backend=_dialler(core, self._addresses),
            )
        return pool

    async def _addresses(self, host: str, port: int) -> list[str]:
        """Return those addresses of a host that it may lead to; see `kurt_ext.sandbox.addresses`.

        :raises PermissionDeniedError: where it may lead to none of them.
        """
        loop = asyncio.get_running_loop()
        found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        addresses = list(dict.fromkeys(str(sockaddr[0]) for *_, sockaddr in found))
        fit = [address for address in addresses if self._is_fit(host, port, address)]
        if addresses and not fit:
            why = f"it leads to {addresses[0]}, which is no public address"
            raise self._denied(f"{host}:{port}", why, spelled(addresses[0].partition("%")[0]))
        return fit

    def _is_fit(self, host: str, port: int, address: str) -> bool:
        if is_public(address):
            return True
        name = spelled(address.partition("%")[0])
        names = {name, "localhost"} if host == "localhost" and is_loopback(name) else {name}
        entries = [grant_hosts.parse(entry) for entry in self._grants.entries("network_hosts")]
        return any(
            entry and not entry.wild and entry.name in names and entry.port in (None, port)
            for entry in entries
        )


class _Answer:
    """The body of a response that is on its way."""

    def __init__(self, response: Any, most: int) -> None:
        self.loop = asyncio.get_running_loop()
        self.left = most
        self._response = response
        self._pieces: AsyncIterator[bytes] = response.aiter_stream().__aiter__()

    async def whole(self, method: str | bytes) -> bytes | None:
        """Return all of the body where it is small and its length is known; else None."""
        lengths = [v for n, v in self._response.headers if n.lower() == b"content-length"]
        is_empty = method in ("HEAD", b"HEAD") or self._response.status in (204, 304)
        known = len(lengths) == 1 and lengths[0].isdigit() and int(lengths[0]) <= _PIECE
        if not is_empty and not known:
            return None
        try:
            return b"".join([piece async for piece in self._pieces])
        finally:
            await self.close()

    async def piece(self) -> bytes | None:
        """Return what has come of the body; None where it has ended."""
        piece = await anext(self._pieces, None)
        self.left -= len(piece or b"")
        return piece

    async def close(self) -> None:
        await self._response.aclose()


def lent(options: HttpOptions, grants: Grants, skill: str) -> Lent:
    """Return the operations of the client for one isolated skill."""
    return Lent(options, grants, skill)


def _core() -> Any:
    """Return what the installed client stands on."""
    return import_module(next(pair[1] for pair in _PACKAGES if find_spec(pair[0]) is not None))


@cache
def _tls() -> ssl.SSLContext:
    client = next(pair[0] for pair in _PACKAGES if find_spec(pair[0]) is not None)
    made: ssl.SSLContext = import_module(client).create_ssl_context()
    return made


def _dialler(core: Any, addresses: Callable[[str, int], Any]) -> Any:
    """Return what connects: to the addresses that were judged, and to no others."""
    from anyio import fail_after

    class Dialler(core.AsyncNetworkBackend):  # type: ignore[misc]
        def __init__(self) -> None:
            self._inner = core.AnyIOBackend()

        async def connect_tcp(
            self, host: str, port: int, timeout: float | None = None, **more: Any
        ) -> Any:
            try:
                with fail_after(timeout):
                    found = await addresses(host, port)
            except TimeoutError as error:
                raise core.ConnectTimeout(f"{host} was not found in time") from error
            except OSError as error:
                raise core.ConnectError(f"{host}: {error.strerror or error}") from error
            failed: Exception | None = None
            for address in found:
                try:
                    return await self._inner.connect_tcp(address, port, timeout, **more)
                except core.NetworkError as error:
                    failed = error
            raise failed or core.ConnectError(f"{host} has no address")

        async def connect_unix_socket(self, path: str, *args: Any, **more: Any) -> Any:
            raise core.ConnectError("no socket of this machine is lent")

        async def sleep(self, seconds: float) -> None:
            await self._inner.sleep(seconds)

    return Dialler()


def _seconds(value: Any) -> float:
    """Return what a worker asks for; none may let the host wait for ever."""
    fits = isinstance(value, (int, float)) and 0 < value < _LONGEST_WAIT
    return float(value) if fits else _LONGEST_WAIT


def _failures(core: Any) -> tuple[type[Exception], ...]:
    return core.TimeoutException, core.NetworkError, core.ProtocolError, OSError


def _told(error: Exception) -> dict[str, Any]:
    """Return an error of the client as the worker raises it again."""
    names = [cls.__name__ for cls in type(error).__mro__ if cls.__name__ in FAILURES]
    return {"error": [names[0] if names else "NetworkError", str(error)[:2000]]}


def _given_up(kind: str) -> dict[str, Any]:
    return {"error": [kind, "the host has given this body up"]}


def _raw(text: str) -> bytes:
    return text.encode("latin-1")


def _text(value: Any) -> str:
    return value.decode("latin-1") if isinstance(value, bytes) else ""
