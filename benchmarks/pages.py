"""How many pages a second one worker serves, beside a bare Starlette route.

    python benchmarks/pages.py [--seconds 2] [--rounds 5] [--dir DIR]

Both are served on loopback, in a process each, and asked by the same four clients over
connections that stay open, in turns. Each sort of page is asked for as one that many read,
which is kept, and as one that nobody has read since the index changed: a question that the
server passes over makes it another address. `new pairs` are comparisons of two versions that
were never compared. The bare route answers as many bytes as the page has.

A share is the median over the rounds. Because others take time from both, the processor time
of an answer stands beside it, and how many times that of the bare route it is.
"""

from __future__ import annotations

import argparse
import itertools
import os
import random
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from serving import _BARE, Client, free_port, wait_for

sys.path.insert(0, str(Path(__file__).parent.parent / "tests"))

_COMPARE = "/skills/web-archiver/compare?old=1.1.0&new=1.2.0"


def processor_time(pid: int) -> float:
    """Return the seconds that a process has spent so far."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def ask(pid: int, port: int, paths: Iterator[str], seconds: float) -> tuple[float, float]:
    """Return answers a second, and seconds of processor time of each."""
    counts: list[int] = []
    lock = threading.Lock()
    until = time.perf_counter() + seconds

    def next_path() -> str:
        with lock:
            return next(paths)

    def work() -> None:
        client, count = Client(port), 0
        while time.perf_counter() < until:
            client.ask(next_path())
            count += 1
        client.socket.close()
        counts.append(count)

    start, spent = time.perf_counter(), processor_time(pid)
    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    total = max(1, sum(counts))
    return total / (time.perf_counter() - start), (processor_time(pid) - spent) / total


def mixes() -> dict[str, tuple[str, Callable[[], Iterator[str]]]]:
    """Return name → (one path of it, all of them)."""
    number = itertools.count()

    def same(path: str) -> Callable[[], Iterator[str]]:
        return lambda: itertools.repeat(path)

    def fresh(path: str) -> Callable[[], Iterator[str]]:
        mark = "&" if "?" in path else "?"
        return lambda: (f"{path}{mark}n={next(number)}" for _ in itertools.count())

    versions = [f"1.{n}.0" for n in range(120) if n % 5 != 4]
    pairs = list(itertools.permutations(versions, 2))
    random.Random(1).shuffle(pairs)
    new = (f"/skills/many-versions/compare?old={one}&new={two}" for one, two in pairs)
    skill, search = "/skills/web-archiver", "/?q=archive"
    return {
        "a skill, kept": (skill, same(skill)),
        "a skill, anew": (skill, fresh(skill)),
        "a search, kept": (search, same(search)),
        "a search, anew": (search, fresh(search)),
        "a comparison, kept": (_COMPARE, same(_COMPARE)),
        "a comparison, anew": (_COMPARE, fresh(_COMPARE)),
        "new pairs": ("/skills/many-versions/compare?old=1.0.0&new=1.1.0", lambda: new),
    }


def main() -> None:
    """Make a marketplace, serve it, ask, and print the figures."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--seconds", type=float, default=2)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--dir", type=Path)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=given.dir) as temporary:
        from server.exhibits import make

        from kurt_ext.places import Places

        os.environ["HOME"] = temporary
        folder = Path(temporary)
        make(folder / "market", folder / "theirs", Places(temporary), 100)
        port = free_port()
        line = [sys.executable, "-m", "kurt_ext", "market", "serve", str(folder / "market")]
        server = subprocess.Popen([*line, "--port", str(port), "--rate", "0"])
        try:
            wait_for(port, server)
            for name, (path, paths) in mixes().items():
                measure(given, server.pid, port, name, path, paths)
        finally:
            server.terminate()
            server.wait()


def measure(
    given: argparse.Namespace,
    pid: int,
    port: int,
    name: str,
    path: str,
    paths: Callable[[], Iterator[str]],
) -> None:
    """Ask for one mix, beside a bare route with answers as long, and print the figures."""
    size = Client(port).ask(path)
    other = free_port()
    bare = subprocess.Popen([sys.executable, "-c", _BARE, str(other), str(size)])
    try:
        wait_for(other, bare)
        rows = [
            (
                ask(bare.pid, other, itertools.repeat("/"), given.seconds),
                ask(pid, port, paths(), given.seconds),
            )
            for _ in range(given.rounds)
        ]
    finally:
        bare.terminate()
        bare.wait()
    middle = statistics.median
    rate, share = middle(two[0] for _, two in rows), middle(two[0] / one[0] for one, two in rows)
    cost, times = middle(two[1] for _, two in rows), middle(two[1] / one[1] for one, two in rows)
    print(
        f"{name:<20} {size / 1024:6.1f} KiB {rate:7,.0f}/s  {share:5.0%} of a bare route;"
        f" {cost * 1000:6.2f} ms of processor time, {times:5.1f} times the bare route's"
    )


if __name__ == "__main__":
    main()
