"""What isolation costs: starting a worker, calling it, what it weighs, and what a crash breaks.

    python benchmarks/isolating.py [--pairs 31] [--calls 25] [--tier kernel] [--soak 10000]

Every figure is a multiple of a reference that ran right beside it: a start of
``python -c pass``, a call of a hop by ``asyncio.to_thread`` and of a bare echo
by a blocking process over a socketpair that asyncio reads; the median of the
pairs, of which calls have five times as many, and short ones. Memory is what a
worker has for itself alone, by /proc/PID/smaps_rollup.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import os
import shutil
import socket
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Awaitable, Callable
from signal import SIGKILL, SIGSEGV
from statistics import median
from time import perf_counter
from typing import Any

from kurt_ext.errors import WorkerCrashedError
from kurt_ext.sandbox.limits import DEFAULTS
from kurt_ext.sandbox.spawning import Spawner, Worker
from kurt_ext.sandbox.supervision import Cell

Act = Callable[[], Awaitable[object]]

TESTS = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "tests")
ECHO = """
import socket, sys
peer = socket.socket(fileno=int(sys.argv[1]))
while data := peer.recv(65536):
    peer.sendall(data)
"""


def policy(folder: str, tier: str) -> dict[str, Any]:
    """Return the policy of a plugin that may do nothing."""
    canary = os.path.join(folder, "canary")
    scratch = os.path.join(folder, "scratch")
    os.makedirs(scratch, exist_ok=True)
    with open(canary, "w", encoding="utf-8") as file:
        file.write("nobody reads this")
    return {
        "skill": "web-archiver",
        "read": [],
        "write": [scratch],
        "execute": [],
        "hosts": [],
        "environment": {"HOME": scratch, "TMPDIR": scratch, "LANG": "C.UTF-8"},
        "processes": 1,
        "native": False,
        "cwd": scratch,
        "scratch": scratch,
        "limits": dict(DEFAULTS),
        "canary": canary,
        "tier": tier,
        "require": [],
        "path": [],
    }


class Starts:
    """Starts workers that serve what the tests' workers serve."""

    def __init__(self, folder: str) -> None:
        self.folder = folder
        sys.path.append(TESTS)
        self.spawner = Spawner(preload=["workerside.served"], packages=["workerside"])

    async def one(self, tier: str, python: str | None = None) -> Worker:
        """Return a worker."""
        return await self.spawner.spawn(
            policy(self.folder, tier), handler="workerside.served:Handler", python=python
        )


async def timed(act: Act) -> float:
    """Return the seconds that something takes."""
    start = perf_counter()
    await act()
    return perf_counter() - start


async def ratio(act: Act, reference: Act, pairs: int) -> tuple[float, float]:
    """Return the median of the pairs' ratios, and the median of the act in seconds."""
    await act()
    await reference()
    ratios, taken = [], []
    for number in range(pairs):
        # Who goes first alternates: the second finds warmer caches.
        if number % 2:
            base, own = await timed(reference), await timed(act)
        else:
            own, base = await timed(act), await timed(reference)
        ratios.append(own / base)
        taken.append(own)
    return median(ratios), median(taken)


def say(title: str, value: float, goal: str, taken: float | None = None, unit: str = "ms") -> None:
    """Print one line."""
    scale = {"ms": 1e3, "us": 1e6}[unit]
    extra = "" if taken is None else f"  ({taken * scale:.1f} {unit})"
    print(f"{value:8.2f}  {title}; goal {goal}{extra}", flush=True)


async def passing() -> None:
    """Start the interpreter, and let it end."""
    subprocess.run([sys.executable, "-c", "pass"], check=True)


async def starting(starts: Starts, tier: str, pairs: int) -> None:
    """Measure starts."""
    ends: list[Worker] = []

    def start(tier: str, python: str | None = None) -> Act:
        async def act() -> None:
            ends.append(await starts.one(tier, python))

        return act

    async def measure(act: Act) -> tuple[float, float]:
        found = await ratio(act, passing, pairs)
        while ends:
            await ends.pop().close()
        return found

    warm, taken = await measure(start(tier))
    say("worker from the zygote, of `python -c pass`", warm, "<= 0.6", taken)
    bare, taken = await measure(start("process"))
    say("the same, not confined", bare, "-", taken)
    say("so the confining itself", warm - bare, "<= 0.25")
    cold, taken = await measure(start(tier, sys.executable))
    say("cold worker, of `python -c pass`", cold, "<= 3.5", taken)


async def echoing() -> tuple[Act, Callable[[], None]]:
    """Return a round trip to a bare echo, and what ends it."""
    ours, theirs = socket.socketpair()
    fd = theirs.fileno()
    process = subprocess.Popen([sys.executable, "-c", ECHO, str(fd)], pass_fds=[fd])
    theirs.close()
    ours.setblocking(False)
    loop = asyncio.get_running_loop()

    async def act() -> None:
        await loop.sock_sendall(ours, b"sixteen bytes ok")
        await loop.sock_recv(ours, 65536)

    def end() -> None:
        ours.close()
        process.wait()

    return act, end


def often(count: int, act: Act) -> Act:
    """Return what does something many times."""

    async def acts() -> None:
        for _ in range(count):
            await act()

    return acts


async def calling(starts: Starts, tier: str, pairs: int, calls: int) -> None:
    """Measure calls."""
    worker = await starts.one(tier)
    request = worker.channel.request
    echo, end = await echoing()

    async def hop() -> None:
        await asyncio.to_thread(int)

    async def empty() -> None:
        await request("nothing")

    async def async_empty() -> None:
        await request("aecho")

    blob = os.urandom(1 << 20)

    async def megabyte() -> None:
        await request("echo", blob)

    text = "x" * (1 << 20)

    async def long_text() -> None:
        await request("echo", text)

    def many(act: Act) -> Act:
        return often(calls, act)

    for title, act in (("sync", empty), ("async", async_empty)):
        found, taken = await ratio(many(act), many(hop), pairs)
        say(f"empty {title} call, of a hop by to_thread", found, "<= 1.5", taken / calls, "us")
        found, _ = await ratio(many(echo), many(act), pairs)
        say(f"empty {title} calls a second, of a bare echo's", found, ">= 0.6")
        if title == "sync":
            few = max(1, calls // 25)
            found, taken = await ratio(often(few, megabyte), often(few, empty), pairs)
            say("1 MiB of bytes both ways, of an empty call", found, "<= 30", taken / few, "us")
            found, taken = await ratio(often(few, long_text), often(few, empty), pairs)
            say("1 MiB of text both ways, of an empty call", found, "-", taken / few, "us")
    end()
    await worker.close()


def own_memory(pid: int) -> float:
    """Return the MiB that a process has for itself alone."""
    with open(f"/proc/{pid}/smaps_rollup", encoding="ascii") as file:
        rows = [line.split() for line in file]
    return sum(int(row[1]) for row in rows if row[0].startswith("Private_")) / 1024


async def weighing(starts: Starts, tier: str, count: int = 100) -> None:
    """Measure what idle workers weigh, each having served a call."""
    workers = [await starts.one(tier) for _ in range(count)]
    for worker in workers:
        await worker.channel.request("aecho", 1)
    try:
        sizes = [own_memory(worker.pid) for worker in workers]
    except PermissionError:
        print("       -  memory of a confined worker can be read by root alone")
    else:
        say(f"MiB of its own that each of {count} idle workers has", median(sizes), "<= 15")
    for worker in workers:
        await worker.close()


def descriptors() -> int:
    """Return how many files this process has open."""
    return len(os.listdir("/proc/self/fd"))


async def soaking(starts: Starts, tier: str, count: int) -> None:
    """Make many calls, 20 at a time, and kill the worker in every fiftieth."""
    cell = Cell("web-archiver", lambda: starts.one(tier))
    seen: Counter[str] = Counter()
    gate = asyncio.Semaphore(20)

    async def one(number: int) -> None:
        async with gate:
            verb, body = ("aecho" if number % 3 else "echo"), number
            if number % 50 == 49:
                verb, body = "crash", SIGKILL if number % 100 == 49 else SIGSEGV
            try:
                value = await cell.request(verb, body, exclusive=verb != "aecho", timeout=30)
            except WorkerCrashedError:
                seen["crashed"] += 1
            except Exception as error:
                seen[type(error).__name__] += 1
            else:
                seen["answered" if value == number else "wrong"] += 1

    await cell.request("nothing")
    before = descriptors()
    await asyncio.gather(*(one(number) for number in range(count)))
    await cell.close()
    await asyncio.sleep(0.2)
    gc.collect()
    said = ", ".join(f"{number} {name}" for name, number in sorted(seen.items()))
    print(f"{count:8}  calls with {count // 50} crashes: {said}; {cell.starts} workers")
    print(f"{count - sum(seen.values()):8}  of them lost; goal 0")
    print(f"{max(0, descriptors() - before):8}  descriptors more than before; goal 0")
    left = len(os.listdir(os.path.join(starts.folder, "scratch")))
    print(f"{children():8}  workers left, {left} files; goal 0, 0")


def children() -> int:
    """Return how many processes descend from this one, the zygote aside."""
    found = subprocess.run(["ps", "-eo", "pid=,ppid=,args="], capture_output=True, text=True)
    parents = {}
    zygotes = set()
    for line in found.stdout.splitlines():
        pid, parent, arguments = line.split(None, 2)
        parents[int(pid)] = int(parent)
        if "sandbox.zygote" in arguments:
            zygotes.add(int(pid))
    ours = {pid for pid, parent in parents.items() if parent == os.getpid()} & zygotes
    return sum(parent in ours for parent in parents.values())


async def measure(options: argparse.Namespace) -> None:
    """Print a line per figure."""
    folder = tempfile.mkdtemp(prefix="isolating", dir=options.dir)
    starts = Starts(folder)
    try:
        await starting(starts, options.tier, options.pairs)
        await calling(starts, options.tier, options.pairs * 5, options.calls)
        await weighing(starts, options.tier)
        await soaking(starts, options.tier, options.soak)
    finally:
        shutil.rmtree(folder)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pairs", type=int, default=31)
    parser.add_argument("--calls", type=int, default=25, help="in each half of a pair")
    parser.add_argument("--tier", choices=("kernel", "strong", "process"), default="kernel")
    parser.add_argument("--soak", type=int, default=10_000)
    parser.add_argument("--dir", help="where workers keep their files; the temporary folder")
    asyncio.run(measure(parser.parse_args()))


if __name__ == "__main__":
    main()
