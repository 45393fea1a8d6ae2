"""The host connects a worker to what its manifest names, and keeps to its bounds."""

from __future__ import annotations

import asyncio
import errno
import os
import socket
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from typing import Any

import pytest
from dialers import (
    HERE,
    Dialer,
    Proxy,
    certified,
    descriptors,
    dialer,
    names,
    pages,
    slow,
)
from hypothesis import given
from hypothesis import strategies as st

from kurt_ext.sandbox import counting, host_rules, passing, reaching, tunnels
from kurt_ext.sandbox.addresses import is_loopback, is_own, is_public, spelled
from kurt_ext.sandbox.host_rules import HostRules, Refused
from kurt_ext.sandbox.network import Broker, available

pytestmark = pytest.mark.skipif(
    not available(), reason="this system cannot hand a connection to another process"
)


@pytest.fixture(scope="module")
def secure(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[int, str]]:
    context, authority = certified(tmp_path_factory.mktemp("tls"), "api.example.com")
    with pages(context=context) as found:
        yield found, str(authority)


# -- what is refused --------------------------------------------------------------


def test_with_no_hosts_the_error_says_what_to_write() -> None:
    body = """
    found = told(socket.create_connection, ("api.example.com", 443))
    try:
        socket.create_connection(("api.example.com", 443))
    except NetworkDenied as error:
        return [found["text"], error.skill, error.permission, error.target, error.errno]
    """
    with dialer([]) as guest:
        found = guest.run(body)
    assert found == [
        f"[Errno {errno.EACCES}] demo may not reach api.example.com:443: network_hosts is empty; "
        'write "api.example.com" into network_hosts, under permissions in the manifest of demo',
        *("demo", "network_hosts", "api.example.com:443", errno.EACCES),
    ]


def test_redirects_are_checked_as_everything_is(port: int) -> None:
    with pages() as other:
        table = names({"api.example.com": [HERE], "evil.example.org": [HERE]})
        hosts = [f"api.example.com:{port}", HERE]
        body = """
        here = f"http://api.example.com:{port}"
        return [page(f"{here}/to/api.example.com:{port}/x"),
                told(page, f"{here}/to/evil.example.org:{other}/x")["text"],
                told(page, f"{here}/to/api.example.com:{other}/x")["text"]]
        """
        with dialer(hosts, resolve=table) as guest:
            found = guest.run(body, port=port, other=other)
            assert found[0] == "page /x"
            assert "demo may not reach evil.example.org" in found[1]
            assert f"demo may not reach api.example.com:{other}" in found[2]
            denied = [target for target, allowed, _ in guest.audit if not allowed]
            assert denied == [f"evil.example.org:{other}", f"api.example.com:{other}"]


def test_a_name_that_leads_inside_is_refused(port: int) -> None:
    inside = ["169.254.169.254", HERE, "10.1.2.3", "::1", "fd00::1", "::ffff:127.0.0.1"]
    table = {f"n{number}.example.com": [one] for number, one in enumerate(inside)}
    body = """
    import _socket
    async def streams(name):
        await asyncio.open_connection(name, 80)
    return [[told(socket.create_connection, (name, 80)), told(asyncio.run, streams(name))]
            for name in names]
    """
    with dialer(["*"], resolve=names(table)) as guest:
        rows = guest.run(body, names=list(table))
        for name, address, row in zip(table, inside, rows, strict=True):
            for found in row:
                assert found["kinds"][0] == "NetworkDenied"
                assert f"{name}:80: it leads to {address}, which is no public" in found["text"]
                assert f'write "{spelled(address)}" into network_hosts' in found["text"]
        assert set(guest.outcomes) == {"denied"}


def test_an_answer_that_changes_is_judged_anew_and_only_what_was_judged_is_used(port: int) -> None:
    answers = [["203.0.113.1", HERE], [HERE], ["127.0.0.2"], ["169.254.169.254", HERE]]
    asked = []

    def rebinding(name: str, port: int) -> Sequence[str]:
        asked.append(name)
        return answers[len(asked) - 1]

    with dialer(["*.example.com", f"{HERE}:{port}"], resolve=rebinding) as guest:
        body = 'return [told(page, f"http://a.example.com:{port}/x") for _ in range(4)]'
        found = guest.run(body, port=port)
        assert found[0] == found[1] == found[3] == "page /x"
        assert "127.0.0.2, which is no public address" in found[2]["text"]
        assert len(asked) == 4  # once for each connection: nothing asks between
        assert [more.get("address") for _, _, more in guest.audit] == [HERE, HERE, None, HERE]


def test_localhost_is_a_name_that_must_be_written(port: int) -> None:
    body = """
    return [told(page, f"http://{host}:{port}/x") for host in ("localhost", "127.0.0.1")]
    """
    with dialer(["*"]) as guest:
        assert [isinstance(one, str) for one in guest.run(body, port=port)] == [False, False]
    with dialer([f"localhost:{port}"]) as guest:
        assert [isinstance(one, str) for one in guest.run(body, port=port)] == [True, False]
    with dialer(["localhost"], resolve=names({"localhost": ["10.0.0.1"]})) as guest:
        assert "no public address" in guest.run(body, port=port)[0]["text"]


NO_HOSTS = (
    "127.1 0x7f000001 2130706433 0177.0.0.1 * *.example.com a..b -- a/b a?b a#b @b user@a a%00b "
    "[::1] ::1%lo fe80::1%eth0 https://api.example.com api.example.com/ api.example.com:443"
).split()


@pytest.mark.parametrize("host", NO_HOSTS)
def test_only_a_host_is_a_host(host: str) -> None:
    rules = HostRules("demo", ["*", "api.example.com"])
    try:
        name, by = rules.allowed(host, 443)
        assert rules.judged([name], name, 443, by) == []  # it was an address
    except (Refused, ValueError):
        return
    assert host == "--"


COVERED = [
    ("api.example.com", "api.example.com", 443, True),
    ("api.example.com", "API.Example.COM.", 80, True),
    ("api.example.com", "example.com", 443, False),
    ("api.example.com", "api.example.com.evil.org", 443, False),
    ("*.example.com", "a.b.example.com", 443, True),
    ("*.example.com", "example.com", 443, False),
    ("*.example.com", "evilexample.com", 443, False),
    ("api.example.com:8443", "api.example.com", 8443, True),
    ("api.example.com:8443", "api.example.com", 443, False),
    ("https://api.example.com/v1", "api.example.com", 443, True),
    ("*", "anything.at.all", 25, True),
    ("*:443", "anything.at.all", 443, True),
    ("*:443", "anything.at.all", 80, False),
    ("10.0.0.1", "::ffff:10.0.0.1", 80, True),
    ("[2606:4700::1]:443", "2606:4700:0::1", 443, True),
    ("api*.example.com", "api1.example.com", 443, False),
    ("", "api.example.com", 443, False),
]


@pytest.mark.parametrize(("entry", "host", "port", "covered"), COVERED)
def test_entries_mean_what_they_mean_everywhere(
    entry: str, host: str, port: int, covered: bool
) -> None:
    rules = HostRules("demo", [entry])
    if covered:
        assert rules.allowed(host, port)[1]
        return
    with pytest.raises(Refused):
        rules.allowed(host, port)


PUBLIC = "8.8.8.8 1.1.1.1 2606:4700:4700::1111 64:ff9b::8.8.8.8 2002:808:808::1 ::ffff:8.8.8.8"
NOT_PUBLIC = """
    127.0.0.1 127.255.255.255 0.0.0.0 10.0.0.1 172.16.0.1 172.31.255.255 192.168.1.1 100.64.0.1
    100.100.100.200 169.254.169.254 169.254.170.2 168.63.129.16 192.0.0.192 192.0.2.1 192.88.99.1
    198.18.0.1 198.51.100.1 203.0.113.1 224.0.0.1 239.255.255.250 240.0.0.1 255.255.255.255
    :: ::1 ::127.0.0.1 ::8.8.8.8 ::ffff:127.0.0.1 ::ffff:169.254.169.254 ::ffff:0:127.0.0.1
    64:ff9b::127.0.0.1 64:ff9b::10.0.0.1 64:ff9b:1::8.8.8.8 2002:7f00:1::1 2002:a00:1::1
    2001::1 2001:db8::1 3fff::1 fc00::1 fd00:ec2::254 fe80::1 fe80::1%eth0 fec0::1 ff02::1 100::1
    5f00::1 2606:4700::5efe:127.0.0.1 2606:4700::200:5efe:10.0.0.1
"""


def test_addresses_that_all_the_world_can_reach_are_told_from_others() -> None:
    assert [one for one in PUBLIC.split() if not is_public(one)] == []
    assert [one for one in NOT_PUBLIC.split() if is_public(one)] == []
    assert is_loopback("::ffff:127.0.0.1")
    assert not is_loopback("10.0.0.1")


def test_this_machine_is_not_reached_by_its_public_address(
    port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(host_rules, "is_public", lambda one: True)
    table = names({"api.example.com": ["127.0.0.2"]})
    with dialer(["*"], resolve=table) as guest:
        found = guest.run(f'return told(page, "http://api.example.com:{port}/x")')
        assert "it leads to 127.0.0.2, which is this very machine" in found["text"]
    assert is_own(HERE)
    assert not is_own("192.0.2.1")


def test_an_address_that_hangs_holds_up_no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    closed: list[str] = []

    async def one(address: str, port: int) -> Any:
        try:
            if address != "::3":
                await asyncio.sleep(3600)
            return address
        except asyncio.CancelledError:
            closed.append(address)
            raise

    monkeypatch.setattr(reaching, "_one", one)
    monkeypatch.setattr(reaching, "_STAGGER", 0.001)

    async def main() -> Any:
        found = await reaching.connect(["::1", "::2", "::3", "192.0.2.1"], 80)
        await asyncio.sleep(0)
        return found

    assert asyncio.run(main()) == ("::3", "::3")
    assert closed == ["::1", "192.0.2.1", "::2"]


# -- proxies ----------------------------------------------------------------------

PROXIES: list[tuple[dict[str, str], str, int, str | None]] = [
    ({}, "a.example.com", 443, None),
    ({"HTTPS_PROXY": "http://p:1"}, "a.example.com", 443, "p:1"),
    ({"https_proxy": "p:1"}, "a.example.com", 443, "p:1"),
    ({"HTTPS_PROXY": "http://upper:1", "https_proxy": "http://lower:2"}, "a", 443, "lower:2"),
    ({"HTTP_PROXY": "http://h:1", "HTTPS_PROXY": "http://s:2"}, "a", 80, "h:1"),
    ({"HTTP_PROXY": "http://h:1", "HTTPS_PROXY": "http://s:2"}, "a", 443, "s:2"),
    ({"ALL_PROXY": "http://a:3", "HTTPS_PROXY": "http://s:2"}, "a", 25, "a:3"),
    ({"HTTP_PROXY": "http://h"}, "a.example.com", 5432, "h:80"),
    ({"HTTP_PROXY": "http://h", "REQUEST_METHOD": "GET"}, "a.example.com", 80, None),
    ({"ALL_PROXY": "http://p:1"}, "localhost", 80, None),
    ({"ALL_PROXY": "http://p:1"}, "127.0.0.1", 80, None),
    ({"ALL_PROXY": "http://p:1"}, "::1", 80, None),
    *(
        ({"ALL_PROXY": "http://p:1", "NO_PROXY": exempt}, "a.example.com", 443, proxy)
        for exempt, proxy in [
            *(
                ("*", None),
                ("a.example.com", None),
                ("A.Example.com", None),
                (".example.com", None),
            ),
            *(("example.com", None), ("*.example.com", None), ("other.org, example.com", None)),
            *(("le.com", "p:1"), ("example.com:80", "p:1"), ("example.com:443", None)),
            *(("10.0.0.0/8", "p:1"), ("", "p:1"), ("b.example.com", "p:1")),
        ]
    ),
    ({"ALL_PROXY": "http://p:1", "NO_PROXY": "10.0.0.0/8"}, "10.1.2.3", 443, None),
    ({"ALL_PROXY": "http://p:1", "NO_PROXY": "fd00::/8"}, "fd00::1", 443, None),
    ({"ALL_PROXY": "http://p:1", "NO_PROXY": "[fd00::1]:443"}, "fd00::1", 443, None),
    ({"ALL_PROXY": "http://p:1", "NO_PROXY": "fd00::1"}, "fd00::1", 443, None),
]


@pytest.mark.parametrize(("environ", "host", "port", "proxy"), PROXIES)
def test_the_proxy_is_the_one_that_the_environment_names(
    environ: dict[str, str], host: str, port: int, proxy: str | None
) -> None:
    found = tunnels.choose(environ, host, port)
    assert (str(found) if found else None) == proxy


@pytest.mark.parametrize("url", ["socks5://p:1", "https://p:1", "http://", "http://p:x"])
def test_a_proxy_of_another_kind_is_not_gone_around(url: str) -> None:
    with dialer(["a.example.com"], environ={"ALL_PROXY": url}) as guest:
        found = guest.run('return told(socket.create_connection, ("a.example.com", 443))')
        assert "the proxy for a.example.com:443" in found["text"]
        assert "connected" not in guest.outcomes


def test_the_host_goes_through_its_proxy_and_the_worker_sees_none(
    secure: tuple[int, str],
) -> None:
    port, authority = secure
    proxy = Proxy(port)
    try:
        environ = {"HTTPS_PROXY": f"http://ada:p%40ss@{HERE}:{proxy.port}"}
        with dialer(["api.example.com"], environ=environ) as guest:
            found = guest.run(
                f'return page("https://api.example.com:{port}/x")', env={"SSL_CERT_FILE": authority}
            )
            assert found == "page /x"
            assert guest.audit[0][2] == {
                "proxy": f"{HERE}:{proxy.port}",
                "outcome": "connected",
            }
            refused = guest.run('return told(page, "https://10.0.0.1/x")')
            assert "network_hosts does not cover 10.0.0.1:443" in refused["text"]
    finally:
        proxy.close()
    assert proxy.asked == [
        f"CONNECT api.example.com:{port} HTTP/1.1\r\nHost: api.example.com:{port}\r\n"
        "Proxy-Authorization: Basic YWRhOnBAc3M=\r\n\r\n"
    ]


def test_what_the_peer_says_first_is_not_lost_behind_a_proxy(port: int) -> None:
    proxy = Proxy(port, greeting=b"220 welcome\r\n")
    try:
        with dialer(["mail.example.com"], environ={"ALL_PROXY": f"{HERE}:{proxy.port}"}) as guest:
            body = 'return socket.create_connection(("mail.example.com", 25)).recv(99).decode()'
            assert guest.run(body) == "220 welcome\r\n"
    finally:
        proxy.close()


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (b"HTTP/1.1 403 For\x1b[31mbidden\r\n\r\n", "refused a.example.com:443: 403 For[31mbidden"),
        (b"HTTP/1.1 407 Authentication\r\n\r\n", "refused a.example.com:443: 407"),
        (b"SSH-2.0-x\r\n\r\n", "gave no answer of HTTP"),
        (b"HTTP/1.1 200", "gave no answer for a.example.com:443"),
        (b"HTTP/1.1 200 x\r\nX: " + b"x" * 20000, "gave no answer for a.example.com:443"),
    ],
)
def test_a_proxy_that_refuses_is_named(answer: bytes, said: str) -> None:
    proxy = Proxy(0, answer)
    try:
        with dialer(["a.example.com"], environ={"ALL_PROXY": f"{HERE}:{proxy.port}"}) as guest:
            found = guest.run('return told(socket.create_connection, ("a.example.com", 443))')
            assert f"the proxy {HERE}:{proxy.port} {said}" in found["text"]
    finally:
        proxy.close()


def test_a_proxy_that_is_not_there_is_named() -> None:
    with socket.create_server((HERE, 0)) as server:
        closed = server.getsockname()[1]
    with dialer(["a.example.com"], environ={"ALL_PROXY": f"{HERE}:{closed}"}) as guest:
        found = guest.run('return told(socket.create_connection, ("a.example.com", 443))')
        assert f"the proxy {HERE}:{closed} cannot be reached: Connection refused" in found["text"]


def test_an_address_that_is_not_public_is_none_behind_a_proxy_either() -> None:
    with dialer(["*"], environ={"ALL_PROXY": f"{HERE}:1"}) as guest:
        found = guest.run('return told(socket.create_connection, ("169.254.169.254", 80))')
        assert "it is no public address" in found["text"]


# -- bounds -----------------------------------------------------------------------


@pytest.mark.parametrize("asking", [True, False], ids=["asked", "read"])
def test_connections_are_bounded_and_closed_ones_do_not_count(
    port: int, asking: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not sys.platform.startswith("linux"):
        pytest.skip("only Linux tells which connections are open")
    if not asking:
        monkeypatch.setattr(counting, "_answers", False)
    body = """
    found = []
    for _ in range(2):
        held = [socket.create_connection(("127.0.0.1", port)) for _ in range(3)]
        found.append(told(socket.create_connection, ("127.0.0.1", port))["text"])
        for sock in held: sock.close()
    return found
    """
    with dialer([HERE], connections=3) as guest:
        for text in guest.run(body, port=port):
            said = "demo has 3 connections open, as many as it may (connections)"
            assert text == f"[Errno {errno.EMFILE}] {said}"
        assert guest.events == ["network-connections"] * 2


def test_who_asks_too_often_waits(port: int) -> None:
    body = """
    return [told(socket.create_connection, ("no.example.com", 80))["errno"] for _ in range(120)]
    """
    with dialer([], rate=25) as guest:
        assert set(guest.run(body)) == {errno.EACCES}
        assert len(guest.audit) == 120


def line(hosts: Sequence[str] = (), **options: Any) -> Dialer:
    return Dialer(hosts, **options)


@pytest.mark.parametrize(
    "data",
    [
        b"GET / HTTP/1.1\r\n\r\n",
        b"C\x00\x00\x00\x50\x00",
        b"C\x00\x00\x00\x50\x03\xff\xff\xff",
        b"\x00" * 9,
    ],
)
def test_whoever_does_not_keep_to_the_protocol_is_hung_up_on(data: bytes) -> None:
    guest, other = line(), line()
    try:
        guest.theirs.settimeout(10)
        guest.theirs.sendall(data)
        assert guest.theirs.recv(10) == b""
        assert guest.events == ["network-malformed"]
        other.theirs.settimeout(10)
        other.theirs.sendall(passing.request("a.example.com", 80))
        assert passing.reply_of(other.theirs.recv(2000))[0] == passing.DENIED
    finally:
        guest.close()
        other.close()
    assert guest.broker.closed


def test_a_request_may_come_in_parts() -> None:
    guest = line()
    try:
        guest.theirs.settimeout(10)
        for byte in passing.request("a.example.com", 80):
            guest.theirs.sendall(bytes([byte]))
        assert passing.reply_of(guest.theirs.recv(2000))[0] == passing.DENIED
    finally:
        guest.close()


def test_descriptors_that_a_worker_sends_are_dropped() -> None:
    guest = line()
    try:
        guest.theirs.settimeout(10)
        reading, writing = os.pipe()
        socket.send_fds(guest.theirs, [passing.request("a.example.com", 80)], [writing])
        os.close(writing)
        guest.theirs.recv(2000)
        assert os.read(reading, 1) == b""  # nobody has the other end
        os.close(reading)
    finally:
        guest.close()


def test_a_worker_that_reads_no_replies_is_given_up() -> None:
    guest = line(rate=1e6)
    try:
        guest.theirs.settimeout(10)
        with pytest.raises(OSError):
            for _ in range(100_000):
                guest.theirs.sendall(passing.request("a.example.com", 80))
        assert guest.events == ["network-malformed"]
    finally:
        guest.close()


def test_names_that_are_slow_hold_up_nobody_else(port: int) -> None:
    body = """
    for number in range(12):
        sock = socket.socket()
        sock.setblocking(False)
        told(sock.connect, (f"slow{number}.example.com", 80))
        globals()[f"kept{number}"] = sock
    return page(f"http://127.0.0.1:{port}/x")
    """
    with (
        slow() as resolve,
        dialer(["*.example.com", HERE], resolve=resolve) as guest,
        dialer(["quick.example.com", HERE], resolve=resolve) as other,
    ):
        assert guest.run(body, port=port) == "page /x"
        found = other.run(f'return page("http://quick.example.com:{port}/x")')
        assert found == "page /x"
        assert not guest.broker.closed


def test_closing_leaves_nothing_open_and_does_not_wait_for_names(port: int) -> None:
    before = descriptors()
    with slow() as resolve:
        guest = line(["slow.example.com", HERE], resolve=resolve)
        guest.theirs.settimeout(10)
        guest.theirs.sendall(passing.request("slow.example.com", 80))
        _, fds, _, _ = socket.recv_fds(guest.theirs, 1000, 1)
        guest.theirs.sendall(passing.request(HERE, port))
        _, more, _, _ = socket.recv_fds(guest.theirs, 1000, 1)
        guest.broker.close()
        guest.broker.close()
        assert guest.broker.closed
        with socket.socket(fileno=fds[0]) as pending:
            pending.settimeout(10)
            assert passing.reply_of(pending.recv(1000))[2] == errno.ENETDOWN
        os.close(more[0])
        guest.close()
    deadline = time.monotonic() + 10
    while descriptors() - before and time.monotonic() < deadline:
        time.sleep(0.01)
    assert descriptors() - before == set()


def test_a_broker_ends_with_its_worker(port: int) -> None:
    before = descriptors()
    guest = line([HERE])
    guest.theirs.sendall(passing.request(HERE, port))
    guest.theirs.close()
    deadline = time.monotonic() + 10
    while not guest.broker.closed and time.monotonic() < deadline:
        time.sleep(0.01)
    assert guest.broker.closed
    guest.broker.close()
    assert descriptors() - before == set()


def test_nobody_else_can_close_the_line() -> None:
    guest = line()
    guest.ours.close()
    guest.theirs.settimeout(10)
    guest.theirs.sendall(passing.request("a.example.com", 80))
    assert passing.reply_of(guest.theirs.recv(2000))[0] == passing.DENIED
    guest.close()


def test_an_audit_that_fails_or_closes_harms_nobody(port: int) -> None:
    ours, theirs = socket.socketpair()
    made: list[Broker] = []

    def audit(*args: Any, **more: Any) -> None:
        made[0].close()
        raise RuntimeError("inside")

    made.append(Broker(ours, [], skill="demo", audit=audit, environ={}))
    with theirs:
        theirs.settimeout(10)
        theirs.sendall(passing.request("a.example.com", 80))
        while theirs.recv(1000):
            pass
    made[0].close()
    assert made[0].closed


def test_brokers_come_and_go_from_many_threads() -> None:
    gone = []

    def one() -> None:
        for _ in range(20):
            line().close()
            gone.append(1)

    threads = [threading.Thread(target=one) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(gone) == 80


# -- the protocol -----------------------------------------------------------------


@given(st.binary(max_size=600))
def test_any_bytes_are_requests_or_malformed(data: bytes) -> None:
    held = bytearray(data)
    try:
        found = passing.requests_of(held)
    except passing.Malformed:
        return
    assert b"".join(passing.request(*one) for one in found) + held == data


_SHORT = st.integers(0, 65535)
_WANTED = st.tuples(st.text("ab.:", min_size=1, max_size=255), _SHORT, _SHORT)


@given(st.lists(_WANTED))
def test_requests_are_read_as_they_were_written(wanted: list[tuple[str, int, int]]) -> None:
    data = bytearray().join(passing.request(*one) for one in wanted)
    assert passing.requests_of(data) == wanted
    assert not data


@given(st.sampled_from([b"C", b"D", b"E"]), st.text(), _SHORT, _SHORT)
def test_replies_are_read_as_they_were_written(
    kind: bytes, text: str, code: int, number: int
) -> None:
    data = passing.reply(kind, text, code, number=number)
    assert len(data) <= passing.MAX_REPLY
    assert passing.number_of(data) == number
    found = passing.reply_of(data)
    assert (found[0], found[2]) == (kind, code)
    whole = text.encode("utf-8", "replace")
    assert found[1].encode("utf-8", "replace")[:900] == whole[:900]


@given(st.binary(max_size=40))
def test_any_bytes_are_a_reply_or_malformed(data: bytes) -> None:
    try:
        passing.reply_of(data)
    except passing.Malformed:
        assert len(data) < 7
        assert passing.number_of(data) == -1


def test_a_host_that_is_too_long_is_never_sent() -> None:
    with pytest.raises(passing.Malformed):
        passing.request("a" * 256, 80)
