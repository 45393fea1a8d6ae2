"""Time commands side by side with a reference, and print the ratios.

Every run of a command is paired with a run of its reference right beside it,
so that what else the machine does hits both; the median of the pairs' ratios
is printed. With ``--instructions`` valgrind counts instead, which is the same
to a few digits on every run of one machine.
"""

from __future__ import annotations

import os
import re
import statistics
import subprocess
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence

Command = Sequence[str]


def run(command: Command, environ: Mapping[str, str], cwd: str) -> float:
    """Run a command once, its output thrown away; return seconds of wall time."""
    with open(os.devnull, "wb") as sink:
        start = time.perf_counter()
        code = subprocess.call(command, env=dict(environ), cwd=cwd, stdout=sink, stderr=sink)
        taken = time.perf_counter() - start
    if code not in (0, 1):
        raise SystemExit(f"{' '.join(command)} ended with {code}")
    return taken


def ratio(
    command: Command,
    reference: Command,
    environ: Mapping[str, str],
    cwd: str,
    pairs: int,
    prepare: Callable[[], None] | None = None,
) -> tuple[float, float]:
    """Return the median of ``command / reference`` over the pairs, and the fastest run in ms.

    :param prepare: called before each run of the command, outside the clock.
    """
    ratios, fastest = [], float("inf")
    for number in range(pairs):
        if prepare is not None:
            prepare()
        # Who goes first alternates: the second finds warmer caches.
        if number % 2:
            base = run(reference, environ, cwd)
            taken = run(command, environ, cwd)
        else:
            taken = run(command, environ, cwd)
            base = run(reference, environ, cwd)
        ratios.append(taken / base)
        fastest = min(fastest, taken)
    return statistics.median(ratios), fastest * 1000


def instructions(command: Command, environ: Mapping[str, str], cwd: str) -> int:
    """Return how many instructions a command executes in user space, by callgrind."""
    with tempfile.TemporaryDirectory() as folder:
        out = os.path.join(folder, "out")
        valgrind = ["valgrind", "--tool=callgrind", f"--callgrind-out-file={out}"]
        done = subprocess.run(
            [*valgrind, *command], env=dict(environ), cwd=cwd, capture_output=True, text=True
        )
    found = re.search(r"Collected : (\d+)", done.stderr)
    if found is None:
        raise SystemExit(f"valgrind gave no count:\n{done.stderr[-2000:]}")
    return int(found[1])
