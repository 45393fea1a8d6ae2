"""The way through a proxy that the host's environment names.

The worker knows of no proxy: what it gets is a connection to the host that it asked for, which
here was made by ``CONNECT`` (RFC 9110 §9.3.6). So the credentials of the proxy stay here.
"""

from __future__ import annotations

import asyncio
from base64 import b64encode
from ipaddress import ip_address, ip_network
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

from .addresses import is_loopback

if TYPE_CHECKING:
    from collections.abc import Mapping
    from socket import socket

__all__ = ["Proxy", "ProxyError", "choose", "open_tunnel"]

#: Of what a proxy answers; RFC 9110 names no bound, and common servers take 8 to 16 KiB.
_MAX_ANSWER = 16384
_BY_PORT = {80: ("http", "all", "https"), 443: ("https", "all", "http")}


class ProxyError(OSError):
    """The proxy that the environment names cannot be used, or refused."""


class Proxy:
    """An HTTP proxy.

    :param authorization: value of ``Proxy-Authorization``, "" for none.
    """

    __slots__ = ("authorization", "host", "port")

    def __init__(self, host: str, port: int, authorization: str = "") -> None:
        self.host = host
        self.port = port
        self.authorization = authorization

    def __str__(self) -> str:
        return f"{self.host}:{self.port}"


def choose(environ: Mapping[str, str], host: str, port: int) -> Proxy | None:
    """Return the proxy for a host; None where it is reached directly.

    ``https_proxy`` is for port 443, ``http_proxy`` for port 80, ``all_proxy`` for every other;
    where one is missing another is taken. In lower case they come first. This machine itself
    never lies behind a proxy.

    :raises ProxyError: for a proxy that is not one of HTTP.
    """
    named = {name.lower(): value for name, value in sorted(environ.items()) if value}
    if "REQUEST_METHOD" in environ and "http_proxy" not in environ:
        named.pop("http_proxy", None)  # HTTP_PROXY is then a header of whoever asks
    words = _BY_PORT.get(port, ("all", "https", "http"))
    url = next((named[f"{word}_proxy"] for word in words if f"{word}_proxy" in named), "")
    if not url or _is_here(host) or _direct(named.get("no_proxy", ""), host, port):
        return None
    parts = urlsplit(url if "://" in url else f"http://{url}")
    try:
        where = parts.hostname, parts.port or 80
    except ValueError:
        where = None, 0
    if parts.scheme.lower() != "http" or not where[0]:
        raise ProxyError(
            f"the proxy for {host}:{port} is of the kind {parts.scheme}; only http:// is known here"
        )
    authorization = ""
    if parts.username is not None:
        pair = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
        authorization = "Basic " + b64encode(pair.encode()).decode("ascii")
    return Proxy(where[0], where[1], authorization)


def _is_here(host: str) -> bool:
    try:
        return is_loopback(host)
    except ValueError:
        return host == "localhost"


def _direct(exempt: str, host: str, port: int) -> bool:
    """Return whether ``no_proxy`` names a host: ``*``, itself, what is above it, or a network."""
    for entry in exempt.lower().split(","):
        entry = entry.strip()
        if entry == "*":
            return True
        if "/" in entry:
            try:
                if ip_address(host) in ip_network(entry, strict=False):
                    return True
            except (ValueError, TypeError):
                pass
            continue
        name, colon, number = entry.rpartition(":")
        if colon and number.isdigit() and (":" not in name or name.endswith("]")):
            if int(number) != port:
                continue
            entry = name
        entry = entry.strip("[]").removeprefix("*").lstrip(".")
        if entry and (host == entry or host.endswith("." + entry)):
            return True
    return False


async def open_tunnel(sock: socket, proxy: Proxy, host: str, port: int) -> None:
    """Ask a proxy, over a connection to it, to lead on to a host.

    Not a byte is read beyond the proxy's answer: the next may be the peer's.

    :raises ProxyError: when it refuses, or answers something else.
    """
    loop = asyncio.get_running_loop()
    target = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
    lines = [f"CONNECT {target} HTTP/1.1", f"Host: {target}"]
    if proxy.authorization:
        lines.append(f"Proxy-Authorization: {proxy.authorization}")
    await loop.sock_sendall(sock, ("\r\n".join(lines) + "\r\n\r\n").encode("ascii"))
    answer = bytearray()
    while not answer.endswith(b"\r\n\r\n"):
        byte = await loop.sock_recv(sock, 1)
        if not byte or len(answer) >= _MAX_ANSWER:
            raise ProxyError(f"the proxy {proxy} gave no answer for {target}")
        answer += byte
    status = bytes(answer).partition(b"\r\n")[0].decode("latin-1")
    words = status.split(None, 2)
    if len(words) < 2 or not words[0].startswith("HTTP/1.") or not words[1].isdigit():
        raise ProxyError(f"the proxy {proxy} gave no answer of HTTP for {target}")
    if not 200 <= int(words[1]) < 300:
        reason = "".join(letter for letter in " ".join(words[1:])[:80] if letter.isprintable())
        raise ProxyError(f"the proxy {proxy} refused {target}: {reason}")
