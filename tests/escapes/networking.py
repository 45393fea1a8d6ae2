"""Sockets of every family, and the ways to a host that was not named."""

# ruff: noqa: F403, F405, SIM115
from __future__ import annotations

from .attempt import attempt, root_only
from .deeds import *
from .deeds import ctypes, os, struct, time
from .evidence import heard, holds_more, host_harmed, opened_many, reachable, says

ONE = ("127.0.0.1:{allowed}",)


@attempt("connecting by TCP", heard)
def tcp(arg):
    import socket

    with socket.create_connection(("127.0.0.1", arg["tcp"]), 1) as peer:
        peer.sendall(arg["mark"].encode())


@attempt("connecting by TCP over IPv6", heard)
def tcp6(arg):
    import socket

    with socket.create_connection(("::1", arg["tcp6"]), 1) as peer:
        peer.sendall(arg["mark"].encode())


@attempt("connecting by TCP with the C module below socket", heard)
def tcp_below(arg):
    import _socket

    peer = hold(_socket.socket(2, 1, 0))
    peer.connect(("127.0.0.1", arg["tcp"]))
    peer.send(arg["mark"].encode())


@attempt("connecting by TCP with system calls", heard)
def tcp_by_calls(arg):
    peer = syscall(41, 2, 1, 0)
    place = struct.pack("!2sH4s8x", struct.pack("H", 2), arg["tcp"], bytes([127, 0, 0, 1]))
    syscall(42, peer, place, 16)
    os.write(peer, arg["mark"].encode())


@attempt("fetching a page with urllib", heard)
def urllib(arg):
    import urllib.request

    return urllib.request.urlopen(f"http://127.0.0.1:{arg['tcp']}/{arg['mark']}", timeout=1).read()


@attempt("connecting with asyncio", heard)
def by_asyncio(arg):
    import asyncio

    async def talk():
        _, writer = await asyncio.open_connection("127.0.0.1", arg["tcp"])
        writer.write(arg["mark"].encode())
        await writer.drain()
        writer.close()

    runner = asyncio.new_event_loop()
    runner.run_until_complete(talk())


@attempt("sending by UDP", heard)
def udp(arg):
    import socket

    hold(socket.socket(2, 2)).sendto(arg["mark"].encode(), ("127.0.0.1", arg["udp"]))


@attempt("sending by UDP over IPv6", heard)
def udp6(arg):
    import socket

    hold(socket.socket(10, 2)).sendto(arg["mark"].encode(), ("::1", arg["udp6"]))


@attempt("sending by UDP with sendmmsg", heard)
def udp_by_sendmsg(arg):
    import socket

    peer = hold(socket.socket(2, 2))
    peer.sendmsg([arg["mark"].encode()], [], 0, ("127.0.0.1", arg["udp"]))


@attempt("connecting by multipath TCP", heard)
def mptcp(arg):
    import socket

    peer = hold(socket.socket(2, 1, 262))
    peer.connect(("127.0.0.1", arg["tcp"]))
    peer.send(arg["mark"].encode())


@attempt("sending data with the first packet of a connection", heard)
def fast_open(arg):
    import socket

    peer = hold(socket.socket(2, 1))
    peer.sendto(arg["mark"].encode(), 0x20000000, ("127.0.0.1", arg["tcp"]))


@attempt("setting that a connection is made when something is sent", heard)
def fast_open_connect(arg):
    import socket

    peer = hold(socket.socket(2, 1))
    peer.setsockopt(6, 30, 1)
    peer.connect(("127.0.0.1", arg["tcp"]))
    peer.send(arg["mark"].encode())


@attempt("sending by UDP-Lite", holds_more(1))
def udplite(arg):
    import socket

    hold(socket.socket(2, 2, 136))


@attempt("making a raw socket", holds_more(1), needs=root_only)
def raw(arg):
    import socket

    hold(socket.socket(2, 3, 1))


@attempt("listening to every packet of the machine", holds_more(1), needs=root_only)
def packets(arg):
    import socket

    hold(socket.socket(17, 3, 0x0300))


@attempt("asking the kernel for the addresses of the machine", says(lambda s, o: _link()))
def netlink(arg):
    import socket

    peer = socket.socket(16, 3, 0)
    peer.send(struct.pack("IHHII", 20, 18, 0x301, 1, 0) + bytes(4))
    found = []
    while not found or found[-1][4:6] != b"\x03\x00":
        found.append(peer.recv(65536))
    return b"".join(found).hex(":")


def _link():
    import glob

    for path in sorted(glob.glob("/sys/class/net/*/address")):
        text = open(path).read().strip()
        if text and text != "00:00:00:00:00:00":
            return text
    return ""


@attempt(
    "asking the kernel for the cards of the machine by a control call", says(lambda s, o: _link())
)
def control_call(arg):
    import fcntl
    import socket

    found = []
    peer = socket.socket(2, 2)
    for _, name in socket.if_nameindex():
        answer = fcntl.ioctl(peer, 0x8927, name.encode().ljust(40, b"\0"))
        found.append(answer[18:24].hex(":"))
    return found


@attempt("making a socket to the machine beneath", holds_more(1))
def vsock(arg):
    import socket

    hold(socket.socket(40, 1))


@attempt("making a socket of the kernel's ciphers", holds_more(1))
def ciphers(arg):
    import socket

    hold(socket.socket(38, 5))


@attempt("making a socket of any other family", holds_more(1))
def other_families(arg):
    import _socket

    for family in [*range(3, 10), *range(11, 48)]:
        for kind in (1, 2, 3, 5):
            try:
                hold(_socket.socket(family, kind, 0))
            except OSError:
                continue
    return len(HELD)


@attempt("waiting for connections", reachable)
def listening(arg):
    import socket

    server = hold(socket.create_server(("127.0.0.1", 0)))
    return [2, 1, list(server.getsockname())]


@attempt("waiting for connections without a bind", reachable)
def listening_unbound(arg):
    import socket

    server = hold(socket.socket(2, 1))
    server.listen()
    return [2, 1, ["127.0.0.1", server.getsockname()[1]]]


@attempt("waiting for packets", reachable)
def receiving(arg):
    import socket

    server = hold(socket.socket(2, 2))
    server.bind(("127.0.0.1", 0))
    return [2, 2, list(server.getsockname())]


# With one host allowed: everywhere else.


@attempt("connecting to another port of an allowed host", heard, hosts=ONE)
def another_port(arg):
    import socket

    assert arg["allowed"]
    with socket.create_connection(("127.0.0.1", arg["tcp"]), 1) as peer:
        peer.sendall(arg["mark"].encode())


@attempt("following a redirect away from an allowed host", heard, hosts=ONE)
def redirected(arg):
    import urllib.request

    assert arg["tcp"]
    return urllib.request.urlopen(f"http://127.0.0.1:{arg['allowed']}/", timeout=2).read()


@attempt("spelling a forbidden address in another way", heard, hosts=ONE)
def odd_spelling(arg):
    import socket

    assert arg["allowed"]
    names = (
        "2130706433",
        "0x7f000001",
        "127.1",
        "0177.0.0.1",
        "localhost",
        "localhost.",
        "0",
        "127.0.0.1.",
        "0.0.0.0",
        "::ffff:127.0.0.1",
        "127.0.0.2",
        "::1",
    )

    def connect(name):
        with socket.create_connection((name, arg["tcp"]), 1) as peer:
            peer.sendall(arg["mark"].encode())

    return try_each(*[lambda name=name: connect(name) for name in names])


@attempt("giving the allowed host and another in one name", heard, hosts=ONE)
def double_name(arg):
    import socket

    port = arg["tcp"]
    names = (
        f"127.0.0.1:{arg['allowed']}\0127.0.0.1",
        "127.0.0.1\x00",
        f"127.0.0.1:{port}",
        f"127.0.0.1:{arg['allowed']}@127.0.0.1",
        "127.0.0.1%lo",
        "127.0.0.1\n",
        "127.0.0.1 ",
    )

    def connect(name):
        with socket.create_connection((name, port), 1) as peer:
            peer.sendall(arg["mark"].encode())

    return try_each(
        *[lambda name=name: connect(name) for name in names], lambda: connect("127.0.0.1")
    )


@attempt("connecting an allowed connection to somewhere else", heard, hosts=ONE)
def aiming_anew(arg):
    import socket

    peer = hold(socket.create_connection(("127.0.0.1", arg["allowed"]), 1))
    own = libc()
    nowhere = struct.pack("H14x", 0)
    place = struct.pack("!2sH4s8x", struct.pack("H", 2), arg["tcp"], bytes([127, 0, 0, 1]))
    own.connect(peer.fileno(), nowhere, 16)
    if own.connect(peer.fileno(), place, 16):
        raise OSError(ctypes.get_errno(), "connect")
    os.write(peer.fileno(), arg["mark"].encode())


@attempt("sending from an allowed connection to somewhere else", heard, hosts=ONE)
def sending_elsewhere(arg):
    import socket

    peer = hold(socket.create_connection(("127.0.0.1", arg["allowed"]), 1))
    own = libc()
    nowhere = struct.pack("H14x", 0)
    place = struct.pack("!2sH4s8x", struct.pack("H", 2), arg["tcp"], bytes([127, 0, 0, 1]))
    own.connect(peer.fileno(), nowhere, 16)
    mark = arg["mark"].encode()
    if own.sendto(peer.fileno(), mark, len(mark), 0x20000000, place, 16) < 0:
        raise OSError(ctypes.get_errno(), "sendto")


@attempt("waiting for connections with an allowed connection", reachable, hosts=ONE)
def listening_anew(arg):
    import socket

    peer = hold(socket.create_connection(("127.0.0.1", arg["allowed"]), 1))
    own = libc()
    own.connect(peer.fileno(), struct.pack("H14x", 0), 16)
    if own.listen(peer.fileno(), 5):
        raise OSError(ctypes.get_errno(), "listen")
    return [2, 1, list(socket.socket(fileno=os.dup(peer.fileno())).getsockname())]


@attempt("sending noise to whoever connects for it", host_harmed, hosts=ONE, limits={"seconds": 1})
def noise(arg):
    assert arg["allowed"]
    channel = 4 if arg.get("second") else 3
    for _ in range(20):
        send_raw(os.urandom(1 << 14), channel)
    time.sleep(0.1)
    return "sent"


@attempt("asking for half a connection", host_harmed, hosts=ONE, limits={"seconds": 1})
def half_connection(arg):
    if not arg.get("second"):
        send_raw(b"\x12\x00\x00")
        return "sent"
    from kurt_ext.sandbox.passing import request

    send_raw(request("127.0.0.1", arg["allowed"], 1)[:5], 4)
    return "sent"


@attempt(
    "asking for more connections than a host can hold",
    host_harmed,
    hosts=ONE,
    limits={"seconds": 2},
)
def many_connections(arg):
    if not arg.get("second"):
        import socket

        note = os.open(arg["readable"] + "/note.txt", os.O_RDONLY)
        channel = socket.socket(fileno=os.dup(3))
        for _ in range(20):
            socket.send_fds(channel, [frame(200, 77)], [note] * 10)
        return "sent"
    from kurt_ext.sandbox.passing import request

    os.set_blocking(4, False)
    for number in range(3000):
        try:
            os.write(4, request("127.0.0.1", arg["allowed"], number))
        except BlockingIOError:
            time.sleep(0.001)
    time.sleep(0.3)
    return "sent"


@attempt("opening more connections than it may", opened_many, hosts=ONE)
def connections(arg):
    import socket

    for _ in range(60):
        try:
            hold(socket.create_connection(("127.0.0.1", arg["allowed"]), 0.5))
        except OSError:
            break
    return len(HELD)


@attempt("asking whoever connects for it by hand", heard, hosts=ONE)
def asking_by_hand(arg):
    import json
    import socket

    if not arg.get("second"):
        with socket.create_connection(("127.0.0.1", arg["tcp"]), 1) as peer:
            peer.sendall(arg["mark"].encode())
        return None
    assert arg["allowed"]
    for wish in (
        {"host": "127.0.0.1", "port": arg["tcp"]},
        ["127.0.0.1", arg["tcp"]],
        {"op": "connect", "host": "127.0.0.1", "port": arg["tcp"], "allowed": True},
    ):
        text = json.dumps(wish).encode()
        for data in (
            struct.pack(">I", len(text)) + text,
            struct.pack(">H", len(text)) + text,
            text + b"\n",
            struct.pack("<I", len(text)) + text,
            frame(1, 1, text),
        ):
            try:
                os.write(4, data)
                time.sleep(0.01)
            except OSError:
                pass
    return "asked"
