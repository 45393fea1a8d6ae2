"""Processes that may open no socket, the brokers that serve them, and the servers they talk to."""

from __future__ import annotations

import http.server
import json
import os
import select
import socket
import ssl
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from kurt_ext.sandbox.network import Broker

HERE = "127.0.0.1"
#: Settles in as a worker does; then what a test gives as the body of ``guest()``.
_BEGIN = """
import os, sys
sys.path[:0] = {path!r}
import asyncio, errno, json, select, socket, ssl, threading
import http.client, urllib.error, urllib.request
if {confined!r}:
    import ctypes
    from kurt_ext.sandbox import seccomp
    from kurt_ext.sandbox.kernel import MACHINE, Unconfined
    try:
        if not MACHINE or ctypes.CDLL(None).prctl(38, 1, 0, 0, 0):
            raise Unconfined("no filter of system calls for this machine", "seccomp")
        seccomp.install(seccomp.build(MACHINE).of(os.getpid()))
    except Unconfined as reason:
        print(reason)
        sys.exit(77)
from kurt_ext.sandbox import dialing
from kurt_ext.sandbox.line import NetworkDenied
dialing.install({number}, "demo", {hosts!r})

def told(call, *arguments, **named):
    try:
        return call(*arguments, **named)
    except BaseException as error:
        kinds = [kind.__name__ for kind in type(error).__mro__]
        return {{"error": kinds[0], "kinds": kinds, "text": str(error),
                "errno": getattr(error, "errno", None)}}

def page(url, **named):
    with urllib.request.urlopen(url, timeout=20, **named) as answer:
        return answer.read().decode()

def guest():
"""
_END = """

print(json.dumps(guest()))
"""


class Dialer:
    """One guest with its broker, and what the host heard of it."""

    def __init__(self, hosts: Sequence[str], **options: Any) -> None:
        self.hosts = list(hosts)
        self.audit: list[tuple[str, bool, dict[str, Any]]] = []
        self.events: list[str] = []
        self.ours, self.theirs = socket.socketpair()
        options.setdefault("environ", {})
        self.broker = Broker(
            self.ours, hosts, skill="demo", audit=self._heard, event=self._told, **options
        )

    def _heard(self, permission: str, target: str, allowed: bool, **more: Any) -> None:
        assert permission == "network_hosts"
        self.audit.append((target, allowed, more))

    def _told(self, name: str, detail: str) -> None:
        self.events.append(name)

    @property
    def outcomes(self) -> list[str]:
        """What became of each connection that was asked for."""
        return [more.get("outcome", "denied") for _, _, more in self.audit]

    def run(
        self,
        body: str,
        *,
        env: Mapping[str, str] | None = None,
        confined: bool = True,
        **names: Any,
    ) -> Any:
        """Return what a function with this body returns in the guest.

        :param names: set as globals of the guest, as JSON would have them.
        """
        confined = confined and sys.platform.startswith("linux")
        begin = _BEGIN.format(
            path=[entry for entry in sys.path if entry],
            confined=confined,
            number=self.theirs.fileno(),
            hosts=self.hosts,
        )
        given = "".join(
            f"{name} = json.loads({json.dumps(value)!r})\n" for name, value in names.items()
        )
        head, tail = begin.rsplit("def guest():\n", 1)
        code = head + given + "def guest():\n" + tail
        code += textwrap.indent(textwrap.dedent(body), "    ") + _END
        done = subprocess.run(
            [sys.executable, "-c", code],
            pass_fds=[self.theirs.fileno()],
            env={"PATH": os.defpath, "HTTPS_PROXY": "http://worker.invalid:1", **(env or {})},
            capture_output=True,
            text=True,
            timeout=60,
        )
        if done.returncode == 77:
            pytest.skip(done.stdout.strip())
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout.splitlines()[-1])

    def close(self) -> None:
        """End the broker, and leave no thread."""
        self.theirs.close()
        self.broker.close()


@contextmanager
def dialer(hosts: Sequence[str], **options: Any) -> Iterator[Dialer]:
    """Yield a guest's line, and close it."""
    made = Dialer(hosts, **options)
    try:
        yield made
    finally:
        made.close()


@contextmanager
def slow() -> Iterator[Callable[[str, int], Sequence[str]]]:
    """Yield a resolver that answers for names with "slow" only when all is over."""
    over = threading.Event()

    def resolve(name: str, port: int) -> Sequence[str]:
        if name.startswith("slow"):
            assert over.wait(30)
        return [HERE]

    try:
        yield resolve
    finally:
        over.set()


def descriptors() -> set[str]:
    """Return the numbers of what is open in this process."""
    folder = "/proc/self/fd"
    if not os.path.isdir(folder):
        pytest.skip("only Linux tells the open descriptors")
    return set(os.listdir(folder))


def no_thread_left() -> None:
    """See that no thread of the brokers' has outlived them."""
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        left = [one.name for one in threading.enumerate() if one.name.startswith("kurt-")]
        if not left:
            return
        time.sleep(0.01)
    pytest.fail(f"left: {left}")


def to_here(port: int, **options: Any) -> Any:
    """Return a dialer that may reach api.example.com, which leads to the server here."""
    table = names({"api.example.com": [HERE]})
    return dialer(["api.example.com", f"{HERE}:{port}"], resolve=table, **options)


def names(table: Mapping[str, Sequence[str]]) -> Callable[[str, int], Sequence[str]]:
    """Return a resolver that knows these names alone."""

    def resolve(name: str, port: int) -> Sequence[str]:
        if name not in table:
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
        return table[name]

    return resolve


class _Pages(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        status, body = 200, f"page {self.path}".encode()
        if self.path.startswith("/to/"):
            status, body = 302, b""
        if self.path == "/large":
            body = bytes(range(256)) * 4096
        self.send_response(status)
        if status == 302:
            self.send_header("Location", f"http://{self.path[4:]}")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:
        pass


class _Quiet(http.server.ThreadingHTTPServer):
    daemon_threads = True
    address_family = socket.AF_INET

    def handle_error(self, request: Any, client_address: Any) -> None:
        pass  # clients that find the certificate wrong hang up


class _QuietSix(_Quiet):
    address_family = socket.AF_INET6


@contextmanager
def pages(address: str = "127.0.0.1", context: ssl.SSLContext | None = None) -> Iterator[int]:
    """Yield the port of a server of pages."""
    server = (_QuietSix if ":" in address else _Quiet)((address, 0), _Pages)
    if context is not None:
        server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield server.server_address[1]
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def certified(folder: Path, host: str) -> tuple[ssl.SSLContext, Path]:
    """Return a server's context for a host, and the file of the authority that vouches for it."""

    def openssl(*arguments: str) -> None:
        try:
            done = subprocess.run(
                ["openssl", *arguments], cwd=folder, capture_output=True, text=True
            )
        except FileNotFoundError:
            pytest.skip("there is no openssl program to make a certificate with")
        assert done.returncode == 0, done.stderr

    key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
    openssl(
        *("req", "-x509", *key, "-keyout", "ca.key", "-out", "ca.pem", "-days", "2"),
        *("-subj", "/CN=authority", "-addext", "keyUsage=critical,keyCertSign,cRLSign"),
    )
    openssl("req", *key, "-keyout", "own.key", "-out", "own.csr", "-subj", f"/CN={host}")
    (folder / "ext").write_text(
        f"subjectAltName=DNS:{host}\nbasicConstraints=CA:FALSE\n"
        "authorityKeyIdentifier=keyid\nsubjectKeyIdentifier=hash\n"
    )
    openssl(
        *("x509", "-req", "-in", "own.csr", "-CA", "ca.pem", "-CAkey", "ca.key"),
        *("-set_serial", "1", "-days", "2", "-extfile", "ext", "-out", "own.pem"),
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "own.pem", folder / "own.key")
    return context, folder / "ca.pem"


class Proxy:
    """A proxy that knows CONNECT alone, and what it was asked.

    :param where: where it leads, whatever it is asked for.
    :param answer: what it says in the place of leading anywhere.
    """

    def __init__(self, where: int, answer: bytes = b"", greeting: bytes = b"") -> None:
        self.asked: list[str] = []
        self._where = where
        self._answer = answer
        self._greeting = greeting
        self._pumps: list[threading.Thread] = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self._thread = threading.Thread(target=self._accept, daemon=True)
        self._thread.start()

    def _accept(self) -> None:
        while True:
            taken, _ = self._listener.accept()
            head = b""
            while b"\r\n\r\n" not in head:
                more = taken.recv(4096)
                if not more:
                    taken.close()
                    return
                head += more
            self.asked.append(head.decode())
            if self._answer:
                taken.sendall(self._answer)
                taken.close()
                continue
            onward = socket.create_connection(("127.0.0.1", self._where))
            taken.sendall(b"HTTP/1.1 200 Go on\r\nVia: here\r\n\r\n" + self._greeting)
            pump = threading.Thread(target=_pump, args=(taken, onward), daemon=True)
            pump.start()
            self._pumps.append(pump)

    def close(self) -> None:
        """Hang up, and end the thread."""
        socket.create_connection(("127.0.0.1", self.port)).close()
        for thread in (self._thread, *self._pumps):
            thread.join()
        self._listener.close()


def _pump(one: socket.socket, other: socket.socket) -> None:
    """Send on what either says, until either has ended."""
    with one, other:
        while True:
            for ready in select.select([one, other], [], [])[0]:
                try:
                    data = ready.recv(65536)
                    (other if ready is one else one).sendall(data)
                except OSError:
                    return
                if not data:
                    return
