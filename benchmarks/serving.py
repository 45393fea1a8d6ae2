"""How many searches a second one uvicorn worker serves, beside a bare Starlette route.

    python benchmarks/serving.py [--skills 100000] [--seconds 4] [--clients 8] [--rounds 3]

Both are served on loopback, in a process each, and asked by the same clients over
connections that stay open, in turns, so that what else the machine does hits both. Three
mixes are asked for: the same searches again and again, as a page that many read; searches
drawn by Zipf's law from a thousand, as people make them; and searches none of which was
made before. The bare route answers a text as long as the middle one of the searches'.

A share is the median over the rounds of the rate beside that of the bare route just before.
Because others take time from both, and not always alike, the processor time that the
server's process spends on an answer stands beside it, and its share: what the bare route
spends beside what the search does. Last comes how long the slowest of 100 answers took, and
how much the rate of the bare route itself went up and down between the rounds.
"""

from __future__ import annotations

import argparse
import bisect
import itertools
import math
import os
import random
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlencode

from searching import index_of, queries, vocabulary

from kurt_ext.market.notation import to_lines, to_text

_BARE = """
import sys, uvicorn
from starlette.applications import Starlette
from starlette.responses import Response
from starlette.routing import Route
body = b"x" * int(sys.argv[2])
async def answer(request): return Response(body, media_type="application/json")
uvicorn.run(Starlette(routes=[Route("/", answer)]), port=int(sys.argv[1]), log_level="warning",
            access_log=False)
"""


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as found:
        return int(found.getsockname()[1])


def wait_for(port: int, process: subprocess.Popen[bytes], seconds: float = 300) -> None:
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        if process.poll() is not None:
            raise SystemExit("a server has ended")
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
            return
        except OSError:
            time.sleep(0.05)
    raise SystemExit("a server did not start")


class Client:
    """A connection that stays open: asks, and reads the whole answer."""

    def __init__(self, port: int) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.buffer = b""

    def ask(self, path: str) -> int:
        """Return the number of bytes of the answer."""
        self.socket.sendall(f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n".encode())
        data = self.buffer
        while b"\r\n\r\n" not in data:
            data += self._more()
        head, _, rest = data.partition(b"\r\n\r\n")
        if not head.startswith(b"HTTP/1.1 200"):
            raise SystemExit(f"{path}: {head[:60]!r}")
        at = head.lower().index(b"content-length:") + 15
        size = int(head[at : head.index(b"\r\n", at) if b"\r\n" in head[at:] else None])
        while len(rest) < size:
            rest += self._more()
        self.buffer = rest[size:]
        return size

    def _more(self) -> bytes:
        found = self.socket.recv(1 << 16)
        if not found:
            raise SystemExit("the server has hung up")
        return found


class Load(NamedTuple):
    """What came of asking for a while.

    :param rate: answers a second. ``cost``: seconds of processor time that the server spent
        on each, nan where that is not told. ``slow``: seconds for the slowest of 100.
    """

    rate: float
    cost: float
    slow: float


def processor_time(pid: int) -> float:
    """Return the seconds that a process has spent so far; nan where that is not told."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return math.nan
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def load(
    pid: int, port: int, paths: Callable[[], Iterator[str]], seconds: float, clients: int
) -> Load:
    """Ask a server for a while, by several clients at a time."""
    times: list[float] = []
    until = time.perf_counter() + seconds

    def work(mine: Iterator[str]) -> None:
        client, own = Client(port), []
        for path in mine:
            before = time.perf_counter()
            client.ask(path)
            after = time.perf_counter()
            own.append(after - before)
            if after > until:
                break
        times.extend(own)
        client.socket.close()

    spent, start = processor_time(pid), time.perf_counter()
    threads = [threading.Thread(target=work, args=(paths(),)) for _ in range(clients)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    taken, spent = time.perf_counter() - start, processor_time(pid) - spent
    slow = sorted(times)[int(len(times) * 0.99)]
    return Load(len(times) / taken, spent / len(times), slow)


def main() -> None:
    """Serve, ask, and print the figures."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--skills", type=int, default=100_000)
    parser.add_argument("--seconds", type=float, default=4)
    parser.add_argument("--clients", type=int, default=8)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--dir", type=Path)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=given.dir) as folder:
        root = Path(folder, "market")
        (root / "kurt/v1").mkdir(parents=True)
        index = index_of(given.skills)
        value = index.as_dict()
        rows = [to_text(row) for row in value.pop("skills")]
        (root / "kurt/v1/index.json").write_bytes(to_lines(value, "skills", rows))
        _measure(given, root, _asked(index))


def _asked(index: object) -> list[str]:
    found = []
    for _, text, filters in queries(index):  # type: ignore[arg-type]
        pairs = [("query", text)]
        for key, value in filters.items():
            name = {"kind": "plugin_type"}.get(key, key)
            pairs += [(name, str(one)) for one in (value if isinstance(value, list) else [value])]
        found.append("/api/v1/plugins/search?" + urlencode(pairs))
    return found


def _measure(given: argparse.Namespace, root: Path, asked: list[str]) -> None:
    port, bare_port = free_port(), free_port()
    line = [sys.executable, "-m", "kurt_ext", "market", "serve", str(root), "--rate", "0"]
    started = time.perf_counter()
    server = subprocess.Popen([*line, "--port", str(port)])
    bare = None
    try:
        wait_for(port, server)
        client = Client(port)
        client.ask(asked[0])
        print(f"{given.skills:,} skills; ready after {time.perf_counter() - started:.1f} s")
        size = int(statistics.median(client.ask(path) for path in asked[:200]))
        bare = subprocess.Popen([sys.executable, "-c", _BARE, str(bare_port), str(size)])
        wait_for(bare_port, bare)
        _report(given, (server.pid, port), (bare.pid, bare_port), asked)
    finally:
        server.terminate()
        server.wait()
        if bare is not None:
            bare.terminate()
            bare.wait()


def _report(
    given: argparse.Namespace, searched: tuple[int, int], bare: tuple[int, int], asked: list[str]
) -> None:
    choose = random.Random(5)
    common = [word for word, _ in vocabulary().most_common(3000)]
    fresh = itertools.count()

    def again() -> Iterator[str]:
        return itertools.cycle(choose.sample(asked, len(asked)))

    def zipf() -> Iterator[str]:
        words = [f"/api/v1/plugins/search?query={word}" for word in common[:1000]]
        sums = list(itertools.accumulate(1 / rank for rank in range(1, len(words) + 1)))
        mine = random.Random(next(fresh))
        while True:
            yield words[bisect.bisect(sums, mine.random() * sums[-1])]

    def new() -> Iterator[str]:
        mine = random.Random(next(fresh))
        while True:
            first, second = mine.choices(common, k=2)
            yield f"/api/v1/plugins/search?query={first}+{second}&min_score={mine.randint(1, 99)}"

    mixes = (("the same again", again), ("by Zipf's law", zipf), ("never before", new))
    found: dict[str, list[tuple[Load, Load]]] = {name: [] for name, _ in mixes}
    for _ in range(given.rounds):
        for name, paths in mixes:
            base = load(*bare, lambda: itertools.repeat("/"), given.seconds, given.clients)
            one = load(*searched, paths, given.seconds, given.clients)
            found[name].append((one, base))
    print(
        f"{'':<16} {'a second':>9} {'share':>6}   {'CPU each':>9} {'share':>6}   {'99 of 100':>9}"
    )
    for name, pairs in found.items():
        rates = statistics.median(one.rate for one, _ in pairs)
        share = statistics.median(one.rate / base.rate for one, base in pairs)
        print(f"{name:<16} {rates:9,.0f} {share:6.0%}   {_costs(pairs)}")
    bases = [base for pairs in found.values() for _, base in pairs]
    middle = statistics.median(base.rate for base in bases)
    cost = statistics.median(base.cost for base in bases)
    print(f"{'a bare route':<16} {middle:9,.0f} {1:6.0%}   {cost * 1e6:6,.0f} us {1:6.0%}")
    least, most = min(base.rate for base in bases), max(base.rate for base in bases)
    print(f"the bare route went from {least:,.0f} to {most:,.0f} a second", end="")
    print(f"; load of the machine {os.getloadavg()[0]:.1f}" if hasattr(os, "getloadavg") else "")


def _costs(pairs: list[tuple[Load, Load]]) -> str:
    cost = statistics.median(one.cost for one, _ in pairs)
    share = statistics.median(base.cost / one.cost for one, base in pairs)
    slow = statistics.median(one.slow for one, _ in pairs)
    return f"{cost * 1e6:6,.0f} us {share:6.0%}   {slow * 1e3:6.1f} ms"


if __name__ == "__main__":
    main()
