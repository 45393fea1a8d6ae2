"""Judge 1,000 modules of ordinary packages, beside bandit, `ast.parse` and an empty Python.

The packages are those of `ordinary_packages.py`, wrapped as plugins. Every figure is a ratio of
two runs side by side, the median of the pairs: the machine may be as busy as it likes. Hard
inputs are judged in a process each; of those, the seconds and the memory are printed.
"""

from __future__ import annotations

import argparse
import ast
import cProfile
import io
import json
import os
import pstats
import resource
import shutil
import statistics
import subprocess
import sys
import time
import venv
import warnings
from collections.abc import Callable
from pathlib import Path

import ordinary_packages
import paired

from kurt_ext.hostfacts import HostFacts
from kurt_ext.places import Places
from kurt_ext.validator import Check, installed_checks, validate
from kurt_ext.verdicts import Verdicts, rules_version

FILES, LARGEST, PAIRS = 1000, 60, 15
RACY = 2.5  # seconds after which times are believed
#: One skill, as `kurt install` judges it, in a process of its own.
ALONE = "import sys; from kurt_ext.validator import validate; validate(sys.argv[1])"
SMALL = {
    "plugin.json": json.dumps(
        {
            "plugin_id": "com.example.small",
            "name": "Small",
            "version": "1.0.0",
            "description": "Greets.",
            "author": "An author",
            "license": "MIT",
            "plugin_type": "custom",
            "entry_point": "main",
            "capabilities": [],
            "permissions": {"network_hosts": ["api.example.com"]},
        }
    ),
    "main.py": '"""Greet."""\nimport json\nfrom urllib.request import urlopen\n\n\n'
    "class Plugin:\n    async def initialize(self, config):\n        self.config = config\n\n"
    "    async def execute(self, capability, parameters):\n"
    '        with urlopen("https://api.example.com/names") as answer:\n'
    '            return {"greeting": "hello " + json.load(answer)[0]}\n\n'
    "    async def shutdown(self):\n        pass\n",
}
#: What is hard to read, by name.
HARD: dict[str, Callable[[], str]] = {
    "100,000 newlines": lambda: "\n" * 100_000,
    "a literal of 4 MiB": lambda: f"DATA = {'x' * (4 << 20)!r}\n",
    "100,000 unary signs": lambda: "X = " + "-" * 100_000 + "1\n",
    "20,000 brackets": lambda: "X = " + "[" * 20_000 + "]" * 20_000 + "\n",
    "a power of powers": lambda: "X = " + "**".join(["9"] * 40) + "\n",
    "a text that doubles": lambda: (
        "A = 'x' * 1000\n"
        + "".join(f"A{n} = A{n - 1 or ''} + A{n - 1 or ''}\n" for n in range(1, 60))
    ),
    "2,000 calls in a chain": lambda: (
        "def f0(x): return x\n"
        + "".join(f"def f{n}(x): return f{n - 1}(x)\n" for n in range(1, 2000))
        + "open(f1999('a'))\n"
    ),
    "a table of 50,000 rows": lambda: (
        "T = {\n" + "".join(f"    'k{n}': ({n}, 'v{n}'),\n" for n in range(50_000)) + "}\n"
    ),
    "10,000 functions": lambda: "".join(
        f"def f{n}(a, b=None):\n    return open(a) if b else f{n}(b)\n\n" for n in range(10_000)
    ),
}


def taken(work: Callable[[], object]) -> float:
    """Return the seconds of processor and waiting that a piece of work takes."""
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def ratio(work: Callable[[], object], reference: Callable[[], object], pairs: int) -> float:
    """Return the median of ``work / reference``, who goes first by turns."""
    found = []
    for number in range(pairs):
        if number % 2:
            base, mine = taken(reference), taken(work)
        else:
            mine, base = taken(work), taken(reference)
        found.append(mine / base)
    return statistics.median(found)


def thousand(base: Path) -> list[Path]:
    """Return the folders of packages that have 1,000 modules together, none of them huge."""
    ordinary_packages.download(ordinary_packages.NAMES, base / "wheels")
    checks, facts, folders, files = installed_checks(), HostFacts(), [], 0
    for wheel in sorted((base / "wheels").glob("*.whl")):
        folder = base / "plugins" / wheel.name.partition("-")[0]
        if not (folder / "plugin.json").exists():
            ordinary_packages.judged(wheel, folder, checks, facts)
        number = len(list(folder.rglob("*.py")))
        if number <= LARGEST and files < FILES:
            folders.append(code_of(folder, base / "code" / folder.name))
            files += number
    return folders


def code_of(folder: Path, copy: Path) -> Path:
    """Return a copy with the manifest and the modules alone: no peer looks at anything else."""
    if not copy.exists():
        for path in (folder / "plugin.json", *folder.rglob("*.py")):
            target = copy / path.relative_to(folder)
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, target)
    return copy


def parse(folders: list[Path]) -> None:
    """Make the syntax tree of every module, and nothing else."""
    for folder in folders:
        for path in folder.rglob("*.py"):
            try:
                ast.parse(path.read_bytes())
            except SyntaxError:
                continue


def bandit(base: Path) -> Path:
    """Return a bandit in an environment of its own."""
    program = base / "bandit" / "bin" / "bandit"
    if not program.exists():
        venv.create(base / "bandit", with_pip=True)
        subprocess.run(
            [base / "bandit" / "bin" / "python", "-m", "pip", "install", "-q", "bandit"], check=True
        )
    return program


def whole(base: Path, folders: list[Path], checks: list[Check], pairs: int) -> None:
    """Print what judging the 1,000 files costs, anew and unchanged."""
    facts = HostFacts()
    files = sum(len(list(folder.rglob("*.py"))) for folder in folders)
    names = [str(folder) for folder in folders]
    words = [str(bandit(base)), "-q", "-r", *names, "-f", "json", "-o", os.devnull]
    verdicts = Verdicts(Places(), rules_version(checks), facts)

    def anew() -> None:
        for name in names:
            validate(name, checks=checks, facts=facts)

    def peer() -> None:
        subprocess.run(words, check=False, stderr=subprocess.DEVNULL)

    def again() -> None:
        for name in names:
            assert verdicts.find(name)[0] is not None

    for name in names:
        verdicts.report(name, lambda one=name: validate(one, checks=checks, facts=facts))
    time.sleep(RACY)
    again()
    print(f"{len(names)} packages, {files} modules; files per second in multiples of bandit's:")
    print(f"  judged anew       {1 / ratio(anew, peer, max(3, pairs // 4)):8.1f}")
    both = ratio(lambda: [again() for _ in range(20)], peer, 3) / 20
    print(f"  unchanged         {1 / both:8.1f}")
    bare = ratio(anew, lambda: parse(folders), pairs)
    print(f"judged anew, in multiples of ast.parse of the same files: {bare:.2f}")


def profile(folders: list[Path], checks: list[Check], rows: int) -> None:
    """Print where the time goes."""
    facts, watch = HostFacts(), cProfile.Profile()
    watch.enable()
    for folder in folders:
        validate(str(folder), checks=checks, facts=facts)
    watch.disable()
    text = io.StringIO()
    pstats.Stats(watch, stream=text).sort_stats("tottime").print_stats(rows)
    print(text.getvalue())


def alone(base: Path, checks: list[Check], pairs: int) -> None:
    """Print what one small skill costs, in multiples of an empty Python."""
    folder = base / "small"
    folder.mkdir(exist_ok=True)
    for name, text in SMALL.items():
        (folder / name).write_text(text)
    environ, cwd = dict(os.environ), str(base)
    environ.pop("PYTHONDONTWRITEBYTECODE", None)
    empty = [sys.executable, "-c", "pass"]
    found, _ = paired.ratio(
        [sys.executable, "-c", ALONE, str(folder)], empty, environ, cwd, max(pairs, 31)
    )
    print(f"one skill in a new process, in multiples of `python -c pass`: {found:.2f}")
    facts = HostFacts()
    validate(str(folder), checks=checks, facts=facts)
    inside = ratio(
        lambda: validate(str(folder), checks=checks, facts=facts),
        lambda: paired.run(empty, environ, cwd),
        max(pairs, 31),
    )
    print(f"the same in this process: {inside:.2f}")


def hard(base: Path) -> None:
    """Print what each hard input costs, in a process of its own."""
    for number, (name, make) in enumerate(HARD.items()):
        folder = base / f"hard{number}"
        folder.mkdir(exist_ok=True)
        (folder / "plugin.json").write_text(SMALL["plugin.json"])
        (folder / "main.py").write_text(make() + SMALL["main.py"])
        code = (
            f"{ALONE}; status = open('/proc/self/status').read(); "
            "print(int(status.partition('VmHWM:')[2].split()[0]) // 1024)"
        )
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        done = subprocess.run(
            [sys.executable, "-c", code, str(folder)], capture_output=True, text=True, check=True
        )
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        seconds = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
        print(f"  {name:26} {seconds:6.2f} s of processor {done.stdout.strip():>6} MiB")


def main() -> None:
    """Print the ratios, the hard inputs, and with ``--profile`` where the time goes."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--dir", type=Path, required=True, help="where packages and folders go")
    parser.add_argument("--pairs", type=int, default=PAIRS)
    parser.add_argument("--profile", type=int, metavar="ROWS", help="of cProfile, nothing else")
    given = parser.parse_args()
    warnings.simplefilter("ignore")
    os.environ["KURT_CACHE"] = str(given.dir / "cache")
    folders, checks = thousand(given.dir), installed_checks()
    if given.profile:
        profile(folders, checks, given.profile)
        return
    whole(given.dir, folders, checks, given.pairs)
    alone(given.dir, checks, given.pairs)
    print("hard inputs:")
    hard(given.dir)


if __name__ == "__main__":
    main()
