"""The host's end of a worker's line to the network: it connects, and hands the connection over.

A worker can open no socket. It names a host and a port; here they are compared with its
``network_hosts``, the name is resolved, the addresses are judged, and a connection to exactly
one of those is sent over as a descriptor. Nothing is relayed after that. What a worker sends is
read without taking descriptors, is bounded, and is no language: see :mod:`.passing`.
"""

from __future__ import annotations

import asyncio
import errno
import logging
import os
import socket
import threading
from functools import partial
from time import monotonic
from typing import TYPE_CHECKING, Any

from . import exchange, reaching, tunnels
from .counting import Given, count_open
from .host_rules import HostRules, Refused, is_address
from .passing import (
    CONNECTED,
    DENIED,
    FAILED,
    PENDING,
    UNRESOLVED,
    Malformed,
    reply,
    requests_of,
    shown,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from ..grant_hosts import Host
    from .reaching import Resolve

    #: Called as ``audit("network_hosts", "host:port", allowed, **more)``, the rest being texts.
    Audit = Callable[..., object]
    #: Called as ``event(name, detail)``.
    Event = Callable[[str, str], object]

__all__ = ["Broker", "available"]

_log = logging.getLogger(__name__)
#: Seconds until a connection must be there; a system's own bound is two minutes and more.
_PATIENCE = 60.0
#: Seconds of the rate that may be used up at once.
_BURST = 4
#: How much of the thread's time one worker's counting may take is one part in this.
_SHARE = 10
_FILLER = b"\0" * 4096
_MAX_UNREAD = 4096


def available() -> bool:
    """Return whether this system can hand a connection to another process."""
    return hasattr(socket, "send_fds")


class Broker:
    """Connects one worker to the hosts that it may reach, until the worker or the host ends it.

    :param sock: the host's end of the line, a unix stream socket; its descriptor is taken out of
        it, so that nobody else can close it while it is waited for.
    :param hosts: entries as in ``network_hosts``; what is no valid one allows nothing.
    :param skill: whose worker it is.
    :param connections: how many may be open at once, those that are being made included.
    :param audit: called once for each connection that was asked for, on the thread of the
        brokers: it must not wait for anything long. Beside what it is about, it is told
        ``address`` or ``proxy``, ``outcome``, and the ``reason`` of a refusal.
    :param event: called with ``network-malformed`` when the worker does not keep to the
        protocol, and with ``network-connections`` when it came to the end of its connections.
    :param resolve: returns the addresses of a name; may be slow, and is called in a thread.
    :param environ: where proxies are named; by default the environment of this process.
    :param rate: connections in a second that may be asked for in the long run; who is faster
        waits.
    :raises OSError: on a system that cannot hand over connections.
    """

    def __init__(
        self,
        sock: socket.socket,
        hosts: Sequence[str],
        *,
        skill: str,
        connections: int = 64,
        audit: Audit | None = None,
        event: Event | None = None,
        resolve: Resolve | None = None,
        environ: Mapping[str, str] | None = None,
        rate: float = 200.0,
    ) -> None:
        if not available():
            raise OSError(errno.ENOTSUP, "this system cannot hand a connection to another process")
        self.skill = skill
        self.connections = connections
        self._rules = HostRules(skill, hosts)
        self._audit = audit
        self._event = event
        self._environ = dict(os.environ if environ is None else environ)
        self._rate = rate
        self._tokens, self._counted = rate * _BURST, monotonic()
        self._sock = socket.socket(fileno=sock.detach())
        self._unread = bytearray()
        self._tasks: set[asyncio.Task[None]] = set()
        self._given: dict[int, Given] = {}
        self._over = threading.Event()
        self._lock = threading.Lock()
        self._closing = False
        self._sock.setblocking(False)
        self._exchange = exchange.enter()
        self._lookups = reaching.Lookups(resolve or reaching.resolve)
        self._exchange.loop.call_soon_threadsafe(self._listen)

    @property
    def closed(self) -> bool:
        """Whether it serves no longer."""
        return self._over.is_set()

    def close(self) -> None:
        """End the line and what is being connected; connections handed over stay.

        May be called from any thread, and more than once.
        """
        with self._lock:
            first, self._closing = not self._closing, True
        if first:
            self._exchange.loop.call_soon_threadsafe(self._finish)
        if threading.current_thread() is not self._exchange.thread:
            self._over.wait(5)
            self._exchange.join()

    def __enter__(self) -> Broker:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    def _finish(self) -> None:
        """Close what is open, on the thread."""
        self._exchange.loop.remove_reader(self._sock.fileno())
        self._sock.close()
        for task in self._tasks:
            task.cancel()
        if not self._tasks:
            self._leave()

    def _leave(self) -> None:
        exchange.leave(self._exchange)
        self._over.set()

    def _listen(self) -> None:
        if not self._closing:
            self._exchange.loop.add_reader(self._sock.fileno(), self._readable)

    def _readable(self) -> None:
        """Take what the worker asks for, as fast as its rate allows."""
        try:
            data = self._sock.recv(_MAX_UNREAD - len(self._unread))
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if not data:
            self.close()
            return
        self._unread += data
        try:
            wanted = requests_of(self._unread)
        except Malformed as error:
            self._tell("network-malformed", f"{self.skill} sent {error}")
            self.close()
            return
        for host, port, number in wanted:
            self._tokens -= 1
            self._take(host, port, number)
        self._slow_down()

    def _slow_down(self) -> None:
        """Read no more for a while, where the worker asks too often."""
        now = monotonic()
        earned = (now - self._counted) * self._rate
        self._tokens, self._counted = min(self._rate * _BURST, self._tokens + earned), now
        if self._tokens < 0 and not self._closing:
            loop = self._exchange.loop
            loop.remove_reader(self._sock.fileno())
            loop.call_later(-self._tokens / self._rate, self._listen)

    def _take(self, host: str, port: int, number: int) -> None:
        """Answer one request: with a refusal, or with a pair at which the outcome will arrive."""
        if self._closing:
            return
        target = shown(host, port)
        try:
            name, matching = self._rules.allowed(host, port)
        except Refused as refused:
            self._record(target, False, reason=str(refused.strerror))
            self._answer(reply(DENIED, str(refused.strerror), number=number))
            return
        target = shown(name, port)
        if self._open() >= self.connections:
            text = f"{self.skill} has {self.connections} connections open, as many as it may"
            self._tell("network-connections", text)
            self._record(target, True, outcome="too many connections")
            self._answer(reply(FAILED, f"{text} (connections)", errno.EMFILE, number=number))
            return
        try:
            ours, theirs = _pair()
        except OSError as error:
            text = f"the host has no room: {error.strerror}"
            self._answer(reply(FAILED, text, errno.ENFILE, number=number))
            return
        self._answer(reply(PENDING, number=number), theirs.fileno())
        theirs.close()
        if self._closing:
            ours.close()
            return
        task = self._exchange.loop.create_task(self._connect(ours, name, port, matching, target))
        self._tasks.add(task)
        task.add_done_callback(partial(self._ended, ours))
        self._exchange.watch(ours.fileno(), task.cancel)

    def _ended(self, ours: socket.socket, task: asyncio.Task[None]) -> None:
        if ours.fileno() >= 0:  # it was given up before there was an outcome
            self._exchange.forget(ours.fileno())
            _deliver(ours, reply(FAILED, "the host has ended the line", errno.ENETDOWN), None)
        self._tasks.discard(task)
        if self._closing and not self._tasks:
            self._leave()
        if not task.cancelled() and task.exception() is not None:
            _log.error("connecting %s failed", self.skill, exc_info=task.exception())

    def _answer(self, data: bytes, passed: int = -1) -> None:
        """Send a reply; a worker that does not read its replies is given up."""
        try:
            socket.send_fds(self._sock, [data], [passed] if passed >= 0 else [])
        except BlockingIOError:
            self._tell("network-malformed", f"{self.skill} does not read what it asked for")
            self.close()
        except OSError:
            self.close()

    def _count(self, made: socket.socket) -> None:
        try:
            given = Given(made)
        except OSError:
            return  # its peer has reset it already: it is none any more
        self._given[given.inode] = given

    def _open(self) -> int:
        """Return how many connections the worker has, as exactly as it takes to count."""
        if len(self._tasks) + len(self._given) >= self.connections:
            start = monotonic()
            count_open(self._given)
            # Where the kernel cannot be asked for each, it takes a look at all of the system.
            self._tokens -= _SHARE * self._rate * (monotonic() - start)
        return len(self._tasks) + len(self._given)

    async def _connect(
        self, ours: socket.socket, name: str, port: int, by: list[Host], target: str
    ) -> None:
        """Connect, and send the outcome to the worker."""
        made: socket.socket | None = None
        more: dict[str, Any] = {}
        allowed = True
        try:
            async with asyncio.timeout(_PATIENCE):
                made, more = await self._reach(name, port, by)
            data = reply(CONNECTED)
            self._count(made)
            more["outcome"] = "connected"
        except Refused as refused:
            allowed, more = False, {"reason": refused.strerror}
            data = reply(DENIED, str(refused.strerror))
        except socket.gaierror as error:
            more["outcome"] = "no such host"
            data = reply(UNRESOLVED, f"{error.strerror or 'Name or service not known'}: {name}")
        except TimeoutError:
            more["outcome"] = "timed out"
            data = reply(FAILED, f"{os.strerror(errno.ETIMEDOUT)}: {target}", errno.ETIMEDOUT)
        except OSError as error:
            number = error.errno or errno.ECONNREFUSED
            text = str(error) if error.errno is None else f"{os.strerror(number)}: {target}"
            more = {"outcome": errno.errorcode.get(number, str(number)), "reason": text}
            data = reply(FAILED, text, number)
        except asyncio.CancelledError:
            self._record(target, True, outcome="given up")
            raise
        self._record(target, allowed, **more)
        self._exchange.forget(ours.fileno())
        _deliver(ours, data, made)

    async def _reach(
        self, name: str, port: int, by: list[Host]
    ) -> tuple[socket.socket, dict[str, Any]]:
        """Return a connection to a host, and what is to be recorded of it."""
        literal = is_address(name)
        if literal:
            self._rules.judged([name], name, port, by)
        proxy = tunnels.choose(self._environ, name, port)
        if proxy is not None:
            return await self._through(proxy, name, port), {"proxy": str(proxy)}
        addresses = [name] if literal else await self._lookups.addresses(name, port)
        found = self._rules.judged(addresses, name, port, by)
        if not found:
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
        made, address = await reaching.connect(found, port)
        return made, {"address": address}

    async def _through(self, proxy: tunnels.Proxy, name: str, port: int) -> socket.socket:
        """Return a connection to a host that leads through a proxy, which resolves its name."""
        try:
            addresses = await self._lookups.addresses(proxy.host, proxy.port)
            made, _ = await reaching.connect(addresses, proxy.port)
        except OSError as error:
            number = None if isinstance(error, socket.gaierror) else error.errno
            reason = os.strerror(number) if number else error.strerror or error
            raise tunnels.ProxyError(f"the proxy {proxy} cannot be reached: {reason}") from error
        try:
            await tunnels.open_tunnel(made, proxy, name, port)
        except BaseException:
            made.close()
            raise
        return made

    def _record(self, target: str, allowed: bool, **more: Any) -> None:
        if self._audit is not None:
            try:
                self._audit("network_hosts", target, allowed, **more)
            except Exception:
                _log.exception("the audit of %s failed", target)

    def _tell(self, name: str, detail: str) -> None:
        _log.warning("%s: %s", name, detail)
        if self._event is not None:
            try:
                self._event(name, detail)
            except Exception:
                _log.exception("telling of %s failed", name)


def _pair() -> tuple[socket.socket, socket.socket]:
    """Return a pair of which the second cannot be written until the first is emptied."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
    ours.setblocking(False)
    theirs.setblocking(False)
    theirs.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1)  # the system's least
    theirs.send(_FILLER)
    return ours, theirs


def _deliver(ours: socket.socket, data: bytes, made: socket.socket | None) -> None:
    """Send an outcome, let the other end be writable, and keep nothing."""
    try:
        socket.send_fds(ours, [data], [made.fileno()] if made is not None else [])
        ours.recv(65536)
    except OSError:
        pass  # the worker has ended, or has closed the socket
    finally:
        ours.close()
        if made is not None:
            made.close()
