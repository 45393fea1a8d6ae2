"""Sockets of a process that may open none are like others, as far as they go."""

from __future__ import annotations

import errno
import os
import socket
import sys
from collections.abc import Sequence
from typing import Any

import pytest
from dialers import (
    HERE,
    dialer,
    names,
    pages,
    slow,
    to_here,
)

from kurt_ext.sandbox.network import available

pytestmark = pytest.mark.skipif(
    not available(), reason="this system cannot hand a connection to another process"
)


# -- sockets as they are ----------------------------------------------------------


def test_what_waits_for_sockets_learns_of_the_connection(port: int) -> None:
    body = """
    def with_select(sock):
        return bool(select.select([], [sock], [], 20)[1])
    def with_poll(sock):
        poll = select.poll()
        poll.register(sock, select.POLLOUT)
        return bool(poll.poll(20000))
    def with_epoll(sock):
        if not hasattr(select, "epoll"):
            return with_poll(sock)
        with select.epoll() as epoll:
            epoll.register(sock, select.EPOLLOUT)
            return bool(epoll.poll(20))
    found = []
    for wait in (with_select, with_poll, with_epoll):
        sock = socket.socket()
        sock.setblocking(False)
        code = sock.connect_ex(("api.example.com", port))
        while code:
            assert code == errno.EINPROGRESS, code
            assert wait(sock)
            code = sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
            break
        sock.send(b"GET /x HTTP/1.0\\r\\n\\r\\n")
        sock.settimeout(20)
        found.append([code, sock.recv(9).decode(), sock.getpeername()[1] == port])
        sock.close()
    return found
    """
    with to_here(port) as guest:
        found = guest.run(body, port=port)
    assert found == [[0, "HTTP/1.1 ", True]] * 3


def test_while_it_connects_a_socket_can_neither_be_read_nor_written() -> None:
    body = """
    sock = socket.socket()
    sock.setblocking(False)
    found = [sock.connect_ex(("slow.example.com", 80)) == errno.EINPROGRESS]
    found.append(select.select([sock], [sock], [sock], 0.1) == ([], [], []))
    for call in (lambda: sock.send(b"x"), lambda: sock.recv(1), sock.getpeername):
        found.append(told(call)["errno"])
    found.append(told(sock.connect, ("slow.example.com", 80))["errno"])
    found.append(sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR))
    sock.close()
    return found
    """
    wanted = [errno.EAGAIN, errno.EAGAIN, errno.ENOTCONN, errno.EALREADY, 0]
    with slow() as resolve, dialer(["slow.example.com"], resolve=resolve) as guest:
        assert guest.run(body) == [True, True, *wanted]


def test_a_timeout_holds_while_the_host_still_looks(port: int) -> None:
    body = """
    sock = socket.socket()
    sock.settimeout(0.05)
    found = told(sock.connect, ("slow.example.com", 80))
    sock.close()
    return found["kinds"], page(f"http://127.0.0.1:{port}/x")
    """
    with slow() as resolve, dialer(["slow.example.com", HERE], resolve=resolve) as guest:
        kinds, text = guest.run(body, port=port)
        assert "TimeoutError" in kinds
        assert text == "page /x"
        if sys.platform.startswith("linux"):
            assert sorted(guest.outcomes) == ["connected", "given up"]


def test_options_that_were_set_before_hold_afterwards(port: int) -> None:
    body = """
    sock = socket.socket()
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    before = [sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY), sock.getsockname()]
    sock.connect(("127.0.0.1", port))
    after = [sock.getsockopt(*one) for one in ((socket.IPPROTO_TCP, socket.TCP_NODELAY),
             (socket.SOL_SOCKET, socket.SO_KEEPALIVE), (socket.SOL_SOCKET, socket.SO_ERROR))]
    return [before, [bool(one) for one in after], sock.getsockname()[0], sock.gettimeout(),
            sock.get_inheritable(), told(sock.connect, ("127.0.0.1", port))["text"]]
    """
    with dialer([HERE]) as guest:
        found = guest.run(body, port=port)
    isconn = f"[Errno {errno.EISCONN}] {os.strerror(errno.EISCONN)}"
    assert found == [[1, ["0.0.0.0", 0]], [True, True, False], HERE, None, False, isconn]


def test_a_duplicate_connects_too(port: int) -> None:
    body = """
    one = socket.socket()
    other = one.dup()
    one.close()
    other.connect(("127.0.0.1", port))
    return other.getpeername()[1] == port
    """
    with dialer([HERE]) as guest:
        assert guest.run(body, port=port) is True


def test_a_port_where_nobody_listens_is_refused_as_ever() -> None:
    with socket.create_server((HERE, 0)) as server:
        closed = server.getsockname()[1]
    body = """
    async def streams():
        await asyncio.open_connection("127.0.0.1", closed)
    sock = socket.socket()
    sock.setblocking(False)
    code = sock.connect_ex(("127.0.0.1", closed))
    if code == errno.EINPROGRESS:
        select.select([], [sock], [], 20)
        code = sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
    again = told(sock.connect_ex, ("127.0.0.1", closed))
    blocking = told(socket.create_connection, ("127.0.0.1", closed))
    return [code, again in (code, errno.EINPROGRESS), blocking["kinds"][0], blocking["text"],
            told(asyncio.run, streams())["errno"]]
    """
    with dialer([HERE]) as guest:
        found = guest.run(body, closed=closed)
        refused = errno.ECONNREFUSED
        assert found[:3] == [refused, True, "ConnectionRefusedError"]
        assert found[3:] == [
            f"[Errno {refused}] {os.strerror(refused)}: {HERE}:{closed}",
            refused,
        ]
        assert set(guest.outcomes) == {"ECONNREFUSED"}


def test_what_is_no_connection_is_refused_with_a_sentence() -> None:
    body = """
    def udp(): socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    def raw(): socket.socket(socket.AF_INET, socket.SOCK_RAW)
    def packet(): socket.socket(17, socket.SOCK_STREAM)
    def mptcp(): socket.socket(socket.AF_INET, socket.SOCK_STREAM, 262)
    def unix(): socket.socket(socket.AF_UNIX)
    def bind(): socket.socket().bind(("127.0.0.1", 0))
    def server(): socket.create_server(("", 0))
    async def serving(): await asyncio.start_server(print, "127.0.0.1", 0)
    def serve(): asyncio.run(serving())
    def pair(): socket.socketpair()[0].connect("/run/docker.sock")
    return [told(call) for call in (udp, raw, packet, mptcp, unix, bind, server, serve, pair)]
    """
    with dialer(["*"]) as guest:
        found = guest.run(body)
        assert all("PermissionError" in one["kinds"] for one in found), found
        parts = "no UDP|but those of TCP|but those of TCP|no protocol but TCP|no unix sockets|"
        parts += "may not bind|may not listen|may not bind|no unix sockets"
        for one, part in zip(found, parts.split("|"), strict=True):
            assert "demo may" in one["text"]
            assert part in one["text"]
        assert guest.audit == []


def test_pairs_of_sockets_are_what_they_were() -> None:
    body = """
    one, other = socket.socketpair()
    one.sendall(b"abc")
    other.setblocking(False)
    found = [other.recv(9).decode(), one.getpeername(), other.gettimeout()]
    one.close()
    other.close()
    return found
    """
    with dialer([]) as guest:
        assert guest.run(body) == ["abc", "", 0.0]


def test_what_was_handed_over_cannot_be_turned_elsewhere(port: int) -> None:
    if not sys.platform.startswith("linux"):
        pytest.skip("only Linux has a filter that refuses it")
    body = """
    import _socket, ctypes
    sock = socket.create_connection(("api.example.com", port))
    nobody = ctypes.create_string_buffer(16)  # AF_UNSPEC takes a connection back
    libc = ctypes.CDLL(None, use_errno=True)
    def reset(): return [libc.connect(sock.fileno(), nobody, 16), ctypes.get_errno()]
    def elsewhere(): return _socket.socket.connect(sock, ("127.0.0.1", port))
    def listening(): return _socket.socket.listen(sock)
    def sending(): return _socket.socket.sendto(sock, b"x", 0, ("127.0.0.1", port))
    def bare(): return _socket.socket()
    return [reset()] + [told(one)["errno"] for one in (elsewhere, listening, sending, bare)]
    """
    with to_here(port) as guest:
        found = guest.run(body, port=port)
    assert found == [[-1, errno.EPERM], errno.EPERM, errno.EPERM, errno.EPERM, errno.EACCES]


def test_a_process_that_a_worker_starts_has_no_network(port: int) -> None:
    body = """
    ours, theirs = socket.socketpair()
    if not os.fork():
        text = told(page, f"http://127.0.0.1:{port}/x")["text"]
        theirs.sendall(text.encode())
        os._exit(0)
    os.wait()
    return [ours.recv(500).decode(), page(f"http://127.0.0.1:{port}/x")]
    """
    with dialer([HERE]) as guest:
        found = guest.run(body, port=port, confined=False)
        assert "demo has started this process, which has no network" in found[0]
        assert found[1] == "page /x"
        assert guest.outcomes == ["connected"]


def test_without_a_line_nothing_is_reached() -> None:
    body = """
    dialing.install(199, "demo")
    return told(socket.create_connection, ("api.example.com", 443))["text"]
    """
    with dialer(["*"]) as guest:
        text = f"[Errno {errno.ENETDOWN}] there is no line to the host: api.example.com:443"
        assert guest.run(body) == text


def test_who_was_interrupted_while_asking_leaves_the_next_its_own_answer(port: int) -> None:
    body = """
    from kurt_ext.sandbox import line
    plain = line.receive
    def interrupted(*arguments):
        line.receive = plain
        raise KeyboardInterrupt
    found = []
    for target in (("127.0.0.1", port), ("no.example.com", port)):
        line.receive = interrupted
        found.append(told(socket.create_connection, target)["error"])
    return [*found, page(f"http://127.0.0.1:{port}/x")]
    """
    with dialer([HERE]) as guest:
        assert guest.run(body, port=port) == ["KeyboardInterrupt"] * 2 + ["page /x"]


def test_a_line_that_ends_is_an_error_of_the_network(port: int) -> None:
    body = """
    sock = socket.socket()
    sock.setblocking(False)
    found = told(sock.connect, ("slow.example.com", 80))["errno"] == errno.EINPROGRESS
    line = dialing._line.sock
    line.shutdown(socket.SHUT_RDWR)
    select.select([], [sock], [], 20)
    code = sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
    again = told(socket.create_connection, ("127.0.0.1", port))
    return [found, code, again["errno"]]
    """
    with slow() as resolve, dialer(["slow.example.com", HERE], resolve=resolve) as guest:
        assert guest.run(body, port=port) == [True, errno.ENETDOWN, errno.ENETDOWN]


def test_the_worker_knows_of_no_proxy() -> None:
    with dialer([]) as guest:
        body = 'return [name for name in os.environ if "proxy" in name.lower()]'
        assert guest.run(body, env={"http_proxy": "x", "No_Proxy": "y"}) == []


# -- names ------------------------------------------------------------------------


def test_names_are_not_resolved_inside() -> None:
    body = """
    SOCK, INET, INET6 = socket.SOCK_STREAM, socket.AF_INET, socket.AF_INET6
    def ask(*arguments, **named):
        found = told(socket.getaddrinfo, *arguments, **named)
        if isinstance(found, dict):
            return found["kinds"][0]
        return [[one[0].name, one[1].name, one[2], one[3], one[4][0], one[4][1]] for one in found]
    a = ask("a.example.com", 443)
    return [
        a == ask("A.example.com", "https"), a, ask("b.example.com", 80, type=SOCK),
        ask("b.example.com", 80, INET6), ask("10.0.0.1", 80), ask("::1", 80), ask("::1", 80, INET),
        ask(None, 80), ask(None, 80, INET, 0, 0, socket.AI_PASSIVE),
        ask("a.example.com", 1, flags=socket.AI_NUMERICHOST), ask("a.example.com", "nonesuch"),
        ask("x" * 300, 80), ask(b"c.example.com", b"80"), ask("b\\u00fccher.example", 80),
        socket.gethostbyname("a.example.com"), socket.gethostbyname_ex("a.example.com"),
        socket.gethostbyaddr("198.18.0.1"), socket.getnameinfo(("198.18.0.2", 80), 0),
        told(socket.gethostbyaddr, "10.0.0.1")["kinds"][0], socket.getfqdn("10.0.0.1"),
    ]
    """
    with dialer(["*"]) as guest:
        found = guest.run(body)

    def row(address: str, port: int, family: str = "AF_INET") -> list[list[Any]]:
        return [[family, "SOCK_STREAM", 6, "", address, port]]

    assert found == [
        True,
        row("198.18.0.1", 443),
        row("198.18.0.2", 80),
        row("::ffff:198.18.0.2", 80, "AF_INET6"),
        row("10.0.0.1", 80),
        row("::1", 80, "AF_INET6"),
        "gaierror",
        row(HERE, 80) + row("::1", 80, "AF_INET6"),
        row("0.0.0.0", 80),
        "gaierror",
        "gaierror",
        "gaierror",
        row("198.18.0.3", 80),
        row("198.18.0.4", 80),
        "198.18.0.1",
        ["a.example.com", [], ["198.18.0.1"]],
        ["a.example.com", [], ["198.18.0.1"]],
        ["b.example.com", "80"],
        "herror",
        "10.0.0.1",
    ]


def test_a_name_that_there_is_not_is_an_error_of_resolving() -> None:
    body = """
    async def streams():
        await asyncio.open_connection("none.example.com", 80)
    def plain():
        socket.create_connection(("none.example.com", 80))
    return [told(plain), told(asyncio.run, streams())]
    """
    with dialer(["none.example.com"], resolve=names({})) as guest:
        for found in guest.run(body):
            assert found["kinds"][0] == "gaierror"
            assert "Name or service not known: none.example.com" in found["text"]
        assert guest.outcomes == ["no such host"] * 2


def test_a_resolver_that_breaks_is_no_more_than_a_name_that_there_is_not() -> None:
    def broken(name: str, port: int) -> Sequence[str]:
        raise ZeroDivisionError("inside")

    with dialer(["a.example.com"], resolve=broken) as guest:
        found = guest.run('return told(socket.create_connection, ("a.example.com", 80))')
        assert found["kinds"][0] == "gaierror"


def test_every_one_of_the_addresses_is_tried(port: int) -> None:
    with socket.create_server((HERE, 0)) as server:
        closed = server.getsockname()[1]
    del closed
    table = names({"both.example.com": ["::1", "127.0.0.2", HERE], "six.example.com": ["::1"]})
    with dialer(["*.example.com", "::1", "127.0.0.2", HERE], resolve=table) as guest:
        url = f"http://both.example.com:{port}/x"
        assert guest.run(f'return page("{url}")') == "page /x"
        assert guest.audit[0][2]["address"] == HERE
        found = guest.run(f'return told(page, "http://six.example.com:{port}/x")')
        assert "Connection refused" in found["text"]


def test_ipv6_works_where_the_machine_has_it() -> None:
    try:
        with pages("::1") as port:
            body = """
            return [page(f"http://six.example.com:{port}/x"), page(f"http://[::1]:{port}/x")]
            """
            with dialer(
                ["six.example.com", f"[::1]:{port}"], resolve=names({"six.example.com": ["::1"]})
            ) as guest:
                assert guest.run(body, port=port) == ["page /x", "page /x"]
    except OSError as reason:
        pytest.skip(f"no IPv6 here: {reason}")
