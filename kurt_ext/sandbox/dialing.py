"""Sockets for code that may open none: a host at the other end of a line connects them.

The kernel refuses ``socket`` and ``connect`` to a worker. Here ``socket.socket`` is changed so
that ordinary clients go on working: a new TCP socket is one end of a pair that leads nowhere,
and ``connect`` asks the host, which checks, resolves, connects, and sends the connected socket
over. That takes the place of the descriptor, under the same number, so that from then on
everything is done on the socket itself; TLS too is between the plugin and its peer.

While the host connects, the descriptor is the end of a pair that the host made and filled: it
cannot be written until the host empties it. So select, poll and epoll tell when the connection
is there just as they do of a socket that connects, and an event loop needs to know nothing.
What is here guards nothing. It may be undone by a plugin, which has no network then.
"""

from __future__ import annotations

import _socket
import errno
import os
import select
import socket
import sys
import threading
from typing import Any

from . import fakenames
from .line import Line, NetworkDenied, outcome, receive
from .passing import CONNECTED, shown

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["NetworkDenied", "install"]

_Plain = _socket.socket
_PLAIN_INIT = socket.socket.__init__
_INTERNET = (_socket.AF_INET, _socket.AF_INET6)
_FLAGS = getattr(_socket, "SOCK_NONBLOCK", 0) | getattr(_socket, "SOCK_CLOEXEC", 0)
_PROXIES = ("http_proxy", "https_proxy", "ftp_proxy", "all_proxy", "no_proxy")
#: Resolves with sockets of its own, which there are none of; aiohttp does without it.
_ALONE = ("aiodns",)
#: Of a socket that connects; the host has connected already.
_FASTOPEN_CONNECT = 30


class _Dial:
    """What is known of a socket that is not connected yet."""

    __slots__ = ("inode", "options", "target")

    def __init__(self, inode: int) -> None:
        self.inode = inode
        self.options: dict[tuple[int, int], tuple[Any, ...]] = {}
        self.target = ""


#: By descriptor. One that was closed and given out again is known by its inode.
_dials: dict[int, _Dial] = {}
_finishing = threading.RLock()
_line: Line


def _dial(sock: Any) -> _Dial | None:
    """Return what is known of a socket; None for one that needs nothing from here."""
    if not _dials:
        return None
    number = _Plain.fileno(sock)
    found = _dials.get(number)
    if found is not None and found.inode != os.fstat(number).st_ino:
        _dials.pop(number, None)
        return None
    return found


def _enter(sock: Any) -> _Dial:
    number = _Plain.fileno(sock)
    made = _dials[number] = _Dial(os.fstat(number).st_ino)
    return made


def _finish(sock: Any, dial: _Dial) -> bool:
    """Take the connection if it has arrived; return whether it had.

    :raises OSError: what connecting failed with; the socket may connect again.
    """
    number = _Plain.fileno(sock)
    with _finishing:
        if _dials.get(number) is not dial:
            return True  # another thread was first
        if not _wait(number, 0):
            return False
        try:
            data, arrived = receive(sock)
        except OSError:
            data, arrived = b"", -1
        kind, failure = outcome(data, dial.target, _line.skill)
        if kind != CONNECTED or arrived < 0:
            dial.target = ""
            raise failure
        del _dials[number]
        os.dup2(arrived, number, inheritable=False)
        os.close(arrived)
    _Plain.settimeout(sock, _Plain.gettimeout(sock))  # the flags are those of the new socket
    for key, value in dial.options.items():
        _replay(sock, key, value)
    return True


def _replay(sock: Any, key: tuple[int, int], value: tuple[Any, ...]) -> None:
    """Set an option on the connection that was set before there was one."""
    level, option = key
    if level == _socket.IPPROTO_TCP and option == _FASTOPEN_CONNECT:
        return
    try:
        _Plain.setsockopt(sock, level, option, *value)
    except OSError:
        if level in (_socket.SOL_SOCKET, _socket.IPPROTO_TCP):
            raise  # those of IP may be of the other version than the one that was reached


def _wait(number: int, milliseconds: int | None) -> bool:
    """Return whether the outcome of connecting is there, after waiting for it."""
    poll = select.poll()
    poll.register(number, select.POLLIN)
    return bool(poll.poll(milliseconds))


def _init(self: Any, family: int = -1, type: int = -1, proto: int = -1, fileno: Any = None) -> None:
    """Make a TCP socket that the host will connect, or wrap a descriptor."""
    if fileno is not None:
        _PLAIN_INIT(self, family, type, proto, fileno)
        return
    family = _socket.AF_INET if family == -1 else family
    type = _socket.SOCK_STREAM if type == -1 else int(type)
    kind = type & ~_FLAGS
    if family == _socket.AF_UNIX:
        raise _line.refuse("may use no unix sockets; socket.socketpair() works")
    if family not in _INTERNET or kind not in (_socket.SOCK_STREAM, _socket.SOCK_DGRAM):
        raise _line.refuse("may use no sockets but those of TCP")
    if kind == _socket.SOCK_DGRAM:
        raise _line.refuse("may send no UDP: network_hosts allows TCP, and the host resolves names")
    if proto not in (-1, 0, _socket.IPPROTO_TCP):
        raise _line.refuse("may use no protocol but TCP")
    one, other = _socket.socketpair()
    other.close()
    _PLAIN_INIT(self, family, kind, max(proto, 0), one.detach())
    if type & getattr(_socket, "SOCK_NONBLOCK", 0):
        _Plain.setblocking(self, False)
    _enter(self)


def _address(address: Any) -> tuple[str, int]:
    """Return the host and port that a client means."""
    if not isinstance(address, tuple) or len(address) < 2:
        raise TypeError("an address is a tuple of host and port")
    host, port = address[:2]
    if not isinstance(host, (str, bytes, bytearray)):
        raise TypeError(f"a host is a text, not {host.__class__.__name__}")
    if not isinstance(port, int):
        raise TypeError(f"a port is an int, not {port.__class__.__name__}")
    if not 0 <= port < 65536:
        raise OverflowError("connect(): port must be 0-65535.")
    return fakenames.meant(fakenames.ascii_name(host)) or "0.0.0.0", port


def _adopt(sock: Any) -> _Dial:
    """Return what is to be known of a socket that is not known, such as a duplicate."""
    named = isinstance(_Plain.getsockname(sock), (str, bytes))
    if named and sock.family in _INTERNET:
        return _enter(sock)
    if named:
        raise _line.refuse("may connect no unix sockets")
    raise OSError(errno.EISCONN, os.strerror(errno.EISCONN))


def _begin(sock: Any, address: Any) -> bool:
    """Have the host connect a socket; return whether it is connected.

    :raises OSError: what connecting failed with.
    """
    dial = _dial(sock) or _adopt(sock)
    if dial.target:
        if _finish(sock, dial):
            return True
        raise OSError(errno.EALREADY, os.strerror(errno.EALREADY))
    host, port = _address(address)
    pair = _line.ask(host, port)
    number = _Plain.fileno(sock)
    os.dup2(pair, number, inheritable=False)
    os.close(pair)
    dial.inode = os.fstat(number).st_ino
    dial.target = shown(host, port)
    timeout = _Plain.gettimeout(sock)
    _Plain.settimeout(sock, timeout)
    if timeout == 0.0:
        return _finish(sock, dial)
    if not _wait(number, None if timeout is None else max(1, int(timeout * 1000))):
        raise TimeoutError("timed out")
    return _finish(sock, dial)


def _connect(self: Any, address: Any) -> None:
    """Connect to a host that network_hosts covers."""
    if not _begin(self, address):
        raise BlockingIOError(errno.EINPROGRESS, os.strerror(errno.EINPROGRESS))


def _connect_ex(self: Any, address: Any) -> int:
    """Connect, and return an error number; what is refused is raised, for the sentence."""
    try:
        return 0 if _begin(self, address) else errno.EINPROGRESS
    except (NetworkDenied, _socket.gaierror):
        raise
    except TimeoutError:
        return errno.EAGAIN
    except OSError as error:
        return error.errno or errno.EIO


def _getsockopt(self: Any, level: int, option: int, *size: int) -> Any:
    """Return an option, of a socket that is not connected as it was set."""
    dial = _dial(self)
    if dial is None:
        return _Plain.getsockopt(self, level, option, *size)
    if level == _socket.SOL_SOCKET and option == _socket.SO_ERROR:
        try:
            if dial.target:
                _finish(self, dial)
        except (NetworkDenied, _socket.gaierror):
            raise  # a number could not say it
        except OSError as error:
            return error.errno
        return 0
    known = dial.options.get((level, option))
    if known is not None:
        return known[0]
    if level != _socket.SOL_SOCKET:
        return bytes(*size) if size else 0
    if option == getattr(_socket, "SO_DOMAIN", None):
        return int(self.family)
    if option == getattr(_socket, "SO_PROTOCOL", None):
        return int(_socket.IPPROTO_TCP)
    return _Plain.getsockopt(self, level, option, *size)


def _setsockopt(self: Any, level: int, option: int, *value: Any) -> None:
    """Set an option, at once or as soon as there is a connection."""
    dial = _dial(self)
    if dial is None:
        _Plain.setsockopt(self, level, option, *value)
    else:
        dial.options[level, option] = value


def _getsockname(self: Any) -> Any:
    """Return the own address, of a socket that is not connected that of any."""
    if _dial(self) is None:
        return _Plain.getsockname(self)
    return ("0.0.0.0", 0) if self.family == _socket.AF_INET else ("::", 0, 0, 0)


def _bind(self: Any, address: Any) -> None:
    """Do nothing where the system may choose the address; nothing else is allowed."""
    if _dial(self) is not None and address[0] in ("", "0.0.0.0", "::") and address[1] == 0:
        return
    raise _line.refuse("may not bind a socket to an address")


def _listen(self: Any, *arguments: Any) -> None:
    """Refuse to wait for connections."""
    raise _line.refuse("may not listen: network_hosts allows connections to others alone")


def _guarded(name: str) -> Any:
    """Return a method that takes the connection first, if there is to be one."""
    plain = getattr(_Plain, name)

    def method(self: Any, *arguments: Any, **named: Any) -> Any:
        dial = _dial(self) if _dials else None
        if dial is not None:
            if not dial.target:
                raise OSError(errno.ENOTCONN, os.strerror(errno.ENOTCONN))
            if not _finish(self, dial):
                wanted = errno.ENOTCONN if name in ("getpeername", "shutdown") else errno.EAGAIN
                raise OSError(wanted, os.strerror(wanted))
        return plain(self, *arguments, **named)

    method.__name__ = method.__qualname__ = name
    method.__doc__ = plain.__doc__
    return method


_STREAMING = (
    "recv recv_into recvfrom recvfrom_into recvmsg recvmsg_into send sendall sendmsg sendto"
)
_METHODS = {
    "__init__": _init,
    "connect": _connect,
    "connect_ex": _connect_ex,
    "getsockopt": _getsockopt,
    "setsockopt": _setsockopt,
    "getsockname": _getsockname,
    "bind": _bind,
    "listen": _listen,
    "accept": _listen,
}


def install(number: int, skill: str, hosts: Iterable[str] = ()) -> None:
    """Let the clients of this process connect through a line to the host.

    The methods of ``socket.socket`` are exchanged rather than the class: whoever has imported it
    already, such as ``ssl`` for its own sockets, has the same. Names of proxies are taken out of
    the environment, for it is the host that goes through one. Without a line all is refused.
    On Windows, where no connection can be handed over, nothing is changed.

    :param number: descriptor of the line, a unix stream socket.
    :param skill: whose worker this is, for what is said where nothing can be allowed.
    :param hosts: its entries of ``network_hosts``, so that a name is refused early; the host
        alone decides.
    """
    global _line
    if sys.platform == "win32":
        return
    _line = Line(number, skill, hosts)
    fakenames.admit(_line.admit)
    for name, method in _METHODS.items():
        setattr(socket.socket, name, method)
    for name in (*_STREAMING.split(), "getpeername", "shutdown"):
        if hasattr(_Plain, name):
            setattr(socket.socket, name, _guarded(name))
    for name, function in fakenames.FUNCTIONS.items():
        setattr(_socket, name, function)
        if name != "getaddrinfo":  # that of socket asks _socket, and makes enums of the answer
            setattr(socket, name, function)
    for name in _ALONE:
        sys.modules.setdefault(name, None)  # type: ignore[arg-type]
    for name in [name for name in os.environ if name.lower() in _PROXIES]:
        del os.environ[name]
