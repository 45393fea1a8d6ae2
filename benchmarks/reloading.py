"""What putting new code in the place of the old costs, beside `importlib.reload`.

    python benchmarks/reloading.py [--pairs 101] [--edits 200] [--reloads 10000]

*Swap* is what a reload does once the verdict is given: the new code is read,
compiled and run beside the old one, in a thread, its contract checked, its object
made and put in the place of the old one. *Reload* is all of it, with the files
looked at before and the old code retired after; *judged*, with the validator's
verdict as well. The base is ``importlib.reload`` of a module of the same text,
which writes no bytecode, since it would take it for that of the next edit. Stale is an edit of the
same length in the same second whose code did not run after the reload; kept is
what the process has grown by, as /proc tells it, after ``gc.collect()``.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import importlib
import json
import os
import sys
import tempfile
from collections.abc import Awaitable, Callable
from pathlib import Path
from statistics import median
from time import perf_counter
from types import ModuleType

from kurt_ext import PluginLoader

PLUGIN = "com.example.counter"
MANIFEST = {
    "plugin_id": PLUGIN,
    "name": "Counter",
    "version": "1.0.0",
    "description": "It counts",
    "plugin_type": "custom",
    "entry_point": "main",
    "permissions": {},
}
HEAD = '''\
"""A plugin that knows a number."""

import math


class Plugin:
    """It has a number."""

    def __init__(self, metadata, config):
        self.metadata = metadata
        self.config = config

    async def number(self):
        return NUMBER
'''
METHOD = '''
    async def root_{0}(self, value: float, digits: int = 3) -> float:
        """Return a root of ``value``, rounded."""
        if value < 0:
            raise ValueError(f"{{value}} is below zero")
        found = math.pow(value, 1 / {0})
        steps = [round(found, place) for place in range(digits)]
        return steps[-1] if steps else found
'''


def source(number: int, lines: int) -> str:
    """Return the code of the plugin, of about so many lines."""
    text = HEAD.replace("NUMBER", f"{number:06}".lstrip("0").rjust(6, "1"))
    for power in range(2, 2 + max(0, lines - text.count("\n")) // METHOD.count("\n")):
        text += METHOD.format(power)
    return text


def plain(folder: Path) -> tuple[Path, ModuleType]:
    """Return a module that ``importlib.reload`` can load again, and its file."""
    file = folder / "plain" / "reloaded_plainly.py"
    file.parent.mkdir()
    file.write_text(source(0, 0), encoding="utf-8")
    sys.path.insert(0, str(file.parent))
    return file, importlib.import_module(file.stem)


def reload_plainly(module: ModuleType) -> float:
    """Return the seconds that ``importlib.reload`` takes."""
    writes, sys.dont_write_bytecode = sys.dont_write_bytecode, True
    try:
        start = perf_counter()
        importlib.reload(module)
        return perf_counter() - start
    finally:
        sys.dont_write_bytecode = writes


async def ratios(
    file: Path,
    reload: Callable[[], Awaitable[float]],
    base_of: tuple[Path, ModuleType],
    pairs: int,
    lines: int,
) -> tuple[float, float, float]:
    """Return the medians of swap / base, of reload / base, and of the base in microseconds.

    :param reload: gives the seconds that the swap took.
    """
    swaps, wholes, bases = [], [], []
    for number in range(pairs + 5):
        base_file, module = base_of
        for each in (file, base_file):
            each.write_text(source(number, lines), encoding="utf-8")
        start = perf_counter()
        swap = await reload()
        middle = perf_counter()
        base = reload_plainly(module)
        if number >= 5:  # the first ones warm up
            swaps.append(swap / base)
            wholes.append((middle - start) / base)
            bases.append(base * 1e6)
    return median(swaps), median(wholes), median(bases)


def last(loader: PluginLoader, phase: str) -> float:
    """Return the seconds that a phase took when it came last."""
    (life,) = (life for life in loader.skills.loading.lives.values() if life.name == PLUGIN)
    return next(timing.ms for timing in reversed(life.timings) if timing.phase == phase) / 1000


def resident() -> float:
    """Return the resident memory of this process in KiB."""
    with open("/proc/self/statm", encoding="ascii") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGESIZE") / 1024


async def measure(folder: Path, pairs: int, edits: int, reloads: int) -> None:
    """Print the figures."""
    place = folder / "plugins" / "counter"
    place.mkdir(parents=True)
    (place / "plugin.json").write_text(json.dumps(MANIFEST), encoding="utf-8")
    file = place / "main.py"
    file.write_text(source(0, 0), encoding="utf-8")
    base_of = plain(folder)
    async with PluginLoader(folder / "plugins") as loader:
        state = await loader.load_plugin(PLUGIN, validate=False)
        await loader.activate_plugin(PLUGIN)
        for lines in (15, 150, 600):
            for judged in (False, True):

                async def reload(judged: bool = judged) -> float:
                    await loader.reload_plugin(PLUGIN, validate=judged)
                    return last(loader, "swap")

                swap, whole, base = await ratios(file, reload, base_of, pairs, lines)
                if not judged:
                    print(f"{swap:7.2f}  swap of {lines} lines (base {base:.0f} µs)")
                    print(f"{whole:7.2f}  reload of {lines} lines")
                else:
                    print(f"{whole:7.2f}  reload of {lines} lines, judged")
        stale = 0
        for number in range(edits):
            text = source(number, 0)
            file.write_text(text, encoding="utf-8")
            await loader.reload_plugin(PLUGIN, validate=False)
            expected = int(text.rpartition("return ")[2])
            stale += await state.instance.number() != expected
        writes = "on" if not sys.dont_write_bytecode else "off"
        print(f"{stale:7}  stale of {edits} edits, bytecode writing {writes}")
        for _ in range(reloads // 10):  # until every cache is full
            await loader.reload_plugin(PLUGIN, validate=False)
        gc.collect()
        before = resident()
        for _ in range(reloads):
            await loader.reload_plugin(PLUGIN, validate=False)
        gc.collect()
        kept = (resident() - before) / max(1, reloads)
        print(f"{kept:7.3f}  KiB kept per reload over {reloads}")


def main() -> None:
    """Read the command line and print the figures."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--pairs", type=int, default=101)
    parser.add_argument("--edits", type=int, default=200)
    parser.add_argument("--reloads", type=int, default=10_000)
    wishes = parser.parse_args()
    sys.dont_write_bytecode = False
    with tempfile.TemporaryDirectory() as folder:
        os.environ["KURT_HOME"] = os.path.join(folder, "home")
        os.environ["KURT_ISOLATION"] = "none"  # it is a swap within a process that is measured
        os.chdir(folder)
        asyncio.run(measure(Path(folder), wishes.pairs, wishes.edits, wishes.reloads))


if __name__ == "__main__":
    main()
