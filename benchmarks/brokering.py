"""What a connection costs a worker, which the host makes and hands over, beside a direct one.

    python benchmarks/brokering.py [--pairs 31] [--requests 50] [--rows address …]

A worker-like process under the filter of system calls and one without anything do the same in
turn: connect to a server in a third process, GET a page of 2 bytes, close. Printed is the median
of the pairs' ratios, and the median milliseconds of one request in each. A second table is about
one connection that is there already: the same GETs over it, and 8 MiB read through it.
"""

from __future__ import annotations

import argparse
import os
import socket
import subprocess
import sys
from statistics import median

SERVER = """
import socket, sys, threading
def serve(sock):
    file = sock.makefile("rb")
    while True:
        first = file.readline()
        if not first:
            return
        while file.readline() not in (b"\\r\\n", b""):
            pass
        body = b"ok" if b"/large" not in first else bytes(8 << 20)
        head = f"HTTP/1.1 200 OK\\r\\nContent-Length: {len(body)}\\r\\n\\r\\n".encode()
        sock.sendall(head + body)
listener = socket.create_server(("127.0.0.1", 0), backlog=256)
print(listener.getsockname()[1], flush=True)
while True:
    taken, _ = listener.accept()
    taken.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    threading.Thread(target=serve, args=(taken,), daemon=True).start()
"""

CLIENT = """
import asyncio, os, sys
from http.client import HTTPConnection
from time import perf_counter
number, port = int(sys.argv[1]), int(sys.argv[2])
if number:
    import ctypes
    from kurt_ext.sandbox import dialing, seccomp
    from kurt_ext.sandbox.kernel import MACHINE
    dialing.install(number, "benchmark", ["*", "127.0.0.1", "localhost"])
    assert ctypes.CDLL(None).prctl(38, 1, 0, 0, 0) == 0
    seccomp.install(seccomp.build(MACHINE).of(os.getpid()))
def get(connection, path="/"):
    connection.request("GET", path)
    return connection.getresponse().read()
def address(count, host="127.0.0.1"):
    for _ in range(count):
        connection = HTTPConnection(host, port)
        get(connection)
        connection.close()
def name(count):
    address(count, "localhost")
async def one():
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(b"GET / HTTP/1.1\\r\\n\\r\\n")
    await reader.readuntil(b"ok")
    writer.close()
async def several(count):
    for _ in range(count):
        await one()
runner = asyncio.Runner()
def streams(count):
    runner.run(several(count))
kept = HTTPConnection("127.0.0.1", port)
def again(count):
    for _ in range(count):
        get(kept)
def large(count):
    for _ in range(max(1, count // 25)):
        get(kept, "/large")
for line in sys.stdin:
    what, count = line.split()
    start = perf_counter()
    globals()[what](int(count))
    print(perf_counter() - start, flush=True)
"""

ROWS = {
    "address": "connect + GET with http.client, by address",
    "name": "the same by name, resolved in the host",
    "streams": "the same with asyncio's streams, by address",
    "again": "GET over a connection that is there",
    "large": "8 MiB over a connection that is there",
}


class Client:
    """A process that does what it is told, and says how long it took."""

    def __init__(self, port: int, line: socket.socket | None = None) -> None:
        number = line.fileno() if line is not None else 0
        self.process = subprocess.Popen(
            [sys.executable, "-c", CLIENT, str(number), str(port)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            pass_fds=[number] if number else [],
            text=True,
        )

    def run(self, what: str, count: int) -> float:
        """Return the seconds that it took to do something so many times."""
        assert self.process.stdin is not None and self.process.stdout is not None
        self.process.stdin.write(f"{what} {count}\n")
        self.process.stdin.flush()
        return float(self.process.stdout.readline())

    def close(self) -> None:
        """End the process."""
        self.process.communicate()


def measure(direct: Client, brokered: Client, what: str, pairs: int, count: int) -> str:
    """Return the line of one row."""
    direct.run(what, count)
    brokered.run(what, count)
    ratios: list[float] = []
    ours: list[float] = []
    theirs: list[float] = []
    for pair in range(pairs):
        # Who goes first alternates: the second finds warmer caches.
        for client in (direct, brokered) if pair % 2 else (brokered, direct):
            (ours if client is brokered else theirs).append(client.run(what, count) / count)
        ratios.append(ours[-1] / theirs[-1])
    figures = f"{median(ratios):6.2f}  {median(ours) * 1000:6.3f} {median(theirs) * 1000:6.3f}"
    return f"{figures}  {ROWS[what]}"


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pairs", type=int, default=31)
    parser.add_argument("--requests", type=int, default=50)
    parser.add_argument("--rows", nargs="+", choices=ROWS, default=list(ROWS))
    options = parser.parse_args()
    from kurt_ext.sandbox.network import Broker

    server = subprocess.Popen([sys.executable, "-c", SERVER], stdout=subprocess.PIPE, text=True)
    assert server.stdout is not None
    port = int(server.stdout.readline())
    ours, theirs = socket.socketpair()
    hosts = ["127.0.0.1", "localhost"]
    try:
        with Broker(ours, hosts, skill="benchmark", rate=1e6, environ={}):
            brokered, direct = Client(port, theirs), Client(port)
            theirs.close()
            print(" ratio  brokered direct (ms)", flush=True)
            for what in os.environ.get("ROWS_ONLY", "").split() or ROWS:
                print(measure(direct, brokered, what, options.pairs, options.requests), flush=True)
            brokered.close()
            direct.close()
    finally:
        server.kill()
        server.communicate()


if __name__ == "__main__":
    os.environ.setdefault("PYTHONDONTWRITEBYTECODE", "1")
    main()
