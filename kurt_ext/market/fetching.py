"""Read a marketplace over HTTP: what may be asked, how much is taken, and what is kept.

The standard library's client, since an index is a handful of files: one request at a
time, no cookies, no credentials but a token. Where it leads is decided by configuration:
encrypted unless said otherwise, and to no other host unless that is named. What comes is
counted while it comes; what it should be, by its digest, others check.
"""

from __future__ import annotations

import http.client
import json
import os
import time
import urllib.request
from collections.abc import Mapping, Sequence
from contextlib import suppress
from email.utils import parsedate_to_datetime
from typing import IO, Any, NamedTuple
from urllib.parse import urljoin, urlsplit

from ..atomic import write_atomically
from ..errors import IntegrityError, KurtError, MarketError, NetworkError
from . import digests
from .paths import fault

__all__ = ["Copy", "HttpReader", "refuse_address"]

_LOOPBACK = frozenset(("localhost", "127.0.0.1", "::1"))
_CHUNK = 1 << 16
_MAX_REDIRECTS = 5
_TRIES = 3
_PAUSE = 0.2
_LONGEST_PAUSE = 5.0
#: Seconds without a byte, and for all of one file and each further MiB of it.
_IDLE = 20.0
_WHOLE = 60.0
_PER_MIB = 10.0
#: Seconds within which a server may not tell two versions of a file apart.
_RACY = 2.0
_AGAIN = frozenset((429, 500, 502, 503, 504))


class Copy(NamedTuple):
    """What is known of a file that changes in place.

    :param digest: of its bytes.
    :param seen: when it was last known to be the present one; seconds since 1970.
    :param data: its bytes, where they came just now; else :meth:`HttpReader.kept` has them.
    :param trouble: why the market could not be asked; None where it was.
    """

    digest: str
    seen: float
    data: bytes | None = None
    trouble: KurtError | None = None


class _Asked(NamedTuple):
    status: int
    headers: Mapping[str, str]
    data: bytes


class HttpReader:
    """Read a marketplace from a web server.

    :param url: of the folder that holds ``kurt/``.
    :param allow_http: whether it may be asked without encryption; this machine always may.
    :param hosts: other hosts that it may send us on to.
    :param cache: a folder for the last good copies; None keeps none.
    :param token: sent to the market itself as a bearer token, and to no other host.
    :raises MarketError: when the address may not be asked, or the token not be sent.
    """

    def __init__(
        self,
        url: str,
        *,
        allow_http: bool = False,
        hosts: Sequence[str] = (),
        cache: str | None = None,
        token: str | None = None,
    ) -> None:
        self.location = url if url.endswith("/") else url + "/"
        self.allow_http = allow_http
        self.hosts = frozenset(host.lower() for host in hosts)
        self.cache = cache
        if token is not None and not (token.isascii() and token.isprintable()):
            raise MarketError(
                "the token for the market cannot be sent",
                cause="it has a line break, or a character that no header holds",
                hint="export KURT_TOKEN=…",
            )
        self._authorization = f"Bearer {token}" if token else ""
        refuse_address(self.location, allow_http=allow_http)
        self._own = urlsplit(self.location).netloc
        self._opener: urllib.request.OpenerDirector | None = None

    def read(self, reference: str, limit: int) -> bytes:
        """Return the bytes of a reference, asked for anew.

        :raises NetworkError: when the server cannot be reached, refuses, or breaks off.
        :raises IntegrityError: when it sends more than the limit, or than it says.
        :raises MarketError: when there is no such file.
        """
        return self._ask(reference, limit).data

    def current(self, reference: str, limit: int) -> Copy:
        """Return a file that changes in place: the server's, else the last good copy.

        :raises NetworkError: when the server cannot be asked and there is no copy.
        :raises MarketError: when the server has no such file.
        """
        self._pending = None
        about = self._about(reference)
        headers = {}
        for word, key in (("If-None-Match", "etag"), ("If-Modified-Since", "modified")):
            if about is not None and about.get(key):
                headers[word] = about[key]
        try:
            asked = self._ask(reference, limit, headers)
        except NetworkError as error:
            if about is None:
                raise
            return Copy(about["digest"], about["seen"], trouble=error)
        now = time.time()
        if asked.status == 304 and about is not None:
            with suppress(OSError):
                os.utime(self._path(reference))
            return Copy(about["digest"], now)
        digest = digests.of_bytes(asked.data)
        fields = {} if _is_fresh(asked.headers) else {"ETag": "etag", "Last-Modified": "modified"}
        tags = {key: asked.headers.get(word) for word, key in fields.items()}
        self._pending = (reference, asked.data, {"digest": digest, **tags})
        return Copy(digest, now, asked.data)

    @property
    def pending(self) -> bool:
        """Whether :meth:`current` has returned bytes that :meth:`accept` has not kept."""
        return self._pending is not None

    def accept(self) -> None:
        """Keep what :meth:`current` returned last: it was found to be good."""
        pending, self._pending = self._pending, None
        if pending is None or self.cache is None:
            return
        reference, data, about = pending
        head = json.dumps(about).encode() + b"\n"
        try:
            os.makedirs(self.cache, mode=0o700, exist_ok=True)
            write_atomically(self._path(reference), head + data, mode=0o600)
        except OSError:
            pass  # a cache that cannot be written costs time, and nothing else

    def offline(self, reference: str) -> Copy | None:
        """Return what is known of the last good copy, asking nobody; None where there is none."""
        about = self._about(reference)
        return None if about is None else Copy(about["digest"], about["seen"])

    def kept(self, reference: str, limit: int) -> bytes:
        """Return the bytes of the last good copy.

        :raises MarketError: when there is none, or it is damaged.
        """
        try:
            with open(self._path(reference), "rb") as stream:
                about = json.loads(stream.readline(4096))
                data = stream.read(limit + 1)
            return digests.check(data, about["digest"], reference)
        except (OSError, ValueError, KeyError, TypeError, IntegrityError) as error:
            raise MarketError(
                f"the copy of {reference} that was kept is damaged",
                cause=str(error),
                at=self._path(reference),
                hint=f"rm {self._path(reference)}",
            ) from error

    _pending: tuple[str, bytes, dict[str, Any]] | None = None

    def _path(self, reference: str) -> str:
        return os.path.join(self.cache or "", reference.replace("/", "_"))

    def _about(self, reference: str) -> dict[str, Any] | None:
        if self.cache is None:
            return None
        try:
            with open(self._path(reference), "rb") as stream:
                about = json.loads(stream.readline(4096))
                seen = os.fstat(stream.fileno()).st_mtime
            return {**about, "seen": seen} if digests.is_digest(about["digest"]) else None
        except (OSError, ValueError, KeyError, TypeError):
            return None

    # -- asking ----------------------------------------------------------------------

    def _ask(self, reference: str, limit: int, headers: Mapping[str, str] | None = None) -> _Asked:
        found = fault(reference)
        if found is not None:
            raise MarketError(f"{reference[:80]!r} is no reference: {found[1]}")
        if self.silent:
            raise NetworkError(
                f"{reference} was not kept", cause="nobody is asked", hint="leave --offline away"
            )
        return self._asked(urljoin(self.location, reference), limit, headers or {})

    def _asked(self, url: str, limit: int, headers: Mapping[str, str]) -> _Asked:
        """Ask for an address, again where that may help."""
        for number in range(1, _TRIES + 1):
            try:
                return self._once(url, limit, headers)
            except NetworkError as error:
                again = error.status == 0 or error.status in _AGAIN
                if number == _TRIES or not again or isinstance(error.__cause__, TimeoutError):
                    raise
                time.sleep(min(self._retry_after or _PAUSE * 3 ** (number - 1), _LONGEST_PAUSE))
        raise AssertionError("unreachable")

    #: Whether the server is not to be asked for anything.
    silent: bool = False
    _retry_after: float = 0.0

    def _once(self, url: str, limit: int, headers: Mapping[str, str]) -> _Asked:
        deadline = time.monotonic() + _WHOLE + _PER_MIB * limit / (1 << 20)
        self._retry_after = 0.0
        for _ in range(_MAX_REDIRECTS + 1):
            try:
                with self._open(url, headers) as response:
                    status, fields = response.status, response.headers
                    if status in (301, 302, 303, 307, 308):
                        url = self._redirected(url, fields.get("Location", ""))
                        continue
                    self._check(url, status, fields)
                    data = b"" if status == 304 else _body(response, url, limit, deadline)
                    return _Asked(status, dict(fields.items()), data)
            except (OSError, http.client.HTTPException) as error:
                reason = getattr(error, "reason", None) or error
                raise NetworkError(
                    f"{_shown(url)} cannot be had",
                    # An error's number says nothing to people.
                    cause=getattr(reason, "strerror", None) or str(reason) or type(error).__name__,
                    hint="try again; what was there before is kept",
                ) from error
        raise NetworkError(
            f"{_shown(url)} cannot be had",
            cause=f"it leads on more than {_MAX_REDIRECTS} times",
            status=302,
        )

    def _open(self, url: str, headers: Mapping[str, str]) -> Any:
        if self._opener is None:
            self._opener = urllib.request.OpenerDirector()
            # No handler of redirects, of errors, of other schemes: what is not here cannot happen.
            for handler in (
                urllib.request.ProxyHandler(),
                urllib.request.HTTPHandler(),
                urllib.request.HTTPSHandler(),
            ):
                self._opener.add_handler(handler)
        from .. import __version__

        request = urllib.request.Request(url, headers=dict(headers))
        request.add_header("User-Agent", f"kurt-ext/{__version__}")
        request.add_header("Accept-Encoding", "identity")
        if self._authorization and urlsplit(url).netloc == self._own:
            request.add_unredirected_header("Authorization", self._authorization)
        return self._opener.open(request, timeout=_IDLE)

    def _redirected(self, url: str, location: str) -> str:
        """Return where a redirect leads, if it may.

        :raises MarketError: when it leads elsewhere.
        """
        target = urljoin(url, location)
        host = (urlsplit(target).hostname or "").lower()
        if host != (urlsplit(self.location).hostname or "").lower() and host not in self.hosts:
            raise MarketError(
                f"{_shown(url)} leads on to another host, {host or 'none'}",
                cause=f"{_shown(target)}",
                hint=f'add it to the market in kurt.toml, if you know it: hosts = ["{host}"]',
            )
        if urlsplit(url).scheme == "https" and urlsplit(target).scheme != "https":
            raise MarketError(f"{_shown(url)} leads on without encryption", cause=_shown(target))
        refuse_address(target, allow_http=self.allow_http)
        return target

    def _check(self, url: str, status: int, fields: Mapping[str, str]) -> None:
        if status in (200, 304):
            encoding = fields.get("Content-Encoding", "identity").lower()
            if encoding != "identity":
                raise MarketError(
                    f"{_shown(url)} is encoded as {encoding}, which was not asked for"
                )
            return
        if status in (404, 410):
            raise MarketError(f"there is no {_shown(url)}", cause=f"the server says {status}")
        if status in (401, 403):
            raise NetworkError(
                f"{_shown(url)} is refused", cause=f"the server says {status}", status=status
            )
        after = fields.get("Retry-After", "")
        if after.isdigit():
            self._retry_after = float(after)
        raise NetworkError(
            f"{_shown(url)} cannot be had",
            cause=f"the server says {status}",
            hint=f"try again in {after} seconds" if after.isdigit() else "try again",
            status=status,
        )


def _is_fresh(fields: Mapping[str, str]) -> bool:
    """Return whether a file changed so shortly before that it may change again unnoticed.

    Its time is in whole seconds, and servers make entity tags of it, too (RFC 9110, 8.8.2.2).
    """
    try:
        asked = parsedate_to_datetime(fields["Date"])
        return (asked - parsedate_to_datetime(fields["Last-Modified"])).total_seconds() < _RACY
    except (KeyError, ValueError, TypeError):
        return False


def _body(response: IO[bytes], url: str, limit: int, deadline: float) -> bytes:
    """Return the body of an answer, counted while it comes.

    :raises IntegrityError: when it is longer than the limit.
    :raises NetworkError: when it is shorter than it says, or takes too long.
    """
    promised = getattr(response, "headers", {}).get("Content-Length")
    length = int(promised) if promised is not None and promised.isdigit() else None
    if length is not None and length > limit:
        raise _too_long(url, limit)
    parts, size = [], 0
    while part := response.read(_CHUNK):
        size += len(part)
        if size > limit:
            raise _too_long(url, limit)
        parts.append(part)
        if time.monotonic() > deadline:
            raise NetworkError(f"{_shown(url)} comes too slowly", hint="try again")
    if length is not None and size != length:
        raise NetworkError(
            f"{_shown(url)} was cut off",
            cause=f"{size:,} of {length:,} bytes came",
            hint="try again; what was there before is kept",
        )
    return b"".join(parts)


def _too_long(url: str, limit: int) -> IntegrityError:
    return IntegrityError(f"{_shown(url)} has more than {limit:,} bytes")


def refuse_address(url: str, *, allow_http: bool = False) -> None:
    """Raise where an address may not be asked.

    :raises MarketError: for another scheme than https, unless http is allowed or it is this
        machine; for credentials, a query or a fragment in it, and for no host.
    """
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname or "", parts.port
    except ValueError as error:
        raise MarketError(f"{url[:200]!r} is no address", cause=str(error)) from None
    if not url.isascii() or not url.isprintable() or " " in url or not host:
        raise MarketError(f"{url[:200]!r} is no address", hint="write it like https://example.com/")
    if parts.username is not None or parts.password is not None:
        raise MarketError("an address may hold no password", at=host)
    if parts.fragment:
        raise MarketError(f"{url[:200]!r} has a fragment, which no server sees")
    if parts.scheme == "https" or (parts.scheme == "http" and (allow_http or host in _LOOPBACK)):
        return
    if parts.scheme == "http":
        raise MarketError(
            f"{_shown(url)} is not encrypted",
            cause="whoever is on the way could read and change what comes",
            hint="use https, or allow it in kurt.toml: allow_http = true",
        )
    raise MarketError(f"{parts.scheme}: is no way to a market", hint="use https: or file:")


def _shown(url: str) -> str:
    return url.partition("?")[0]
