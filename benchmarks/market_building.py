"""Build a marketplace of 10,000 skills: anew, with nothing changed, and with ten changed.

Beside each build stands `python -c pass`, so that what else the machine does is seen. The
first build judges every skill; with ``--no-judging`` a stand-in for the validator gives
each the same report, which leaves what the marketplace itself costs.

With ``--sizes 1000 2000 5000`` only first builds are timed, of as many skills each, in
``--jobs`` processes: what a skill takes is the same where a build is linear. Of each, the
processor time is told too, of this process and of those that judge.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Generator, Mapping, Sequence
from hashlib import sha256
from pathlib import Path
from typing import Any

from kurt_ext.market.building import Built, build
from kurt_ext.market.collecting import folder_files
from kurt_ext.market.judging import Judge
from kurt_ext.places import Places

RACY = 2.5  # seconds after which times are believed
SKILL = """\
---
name: {name}
description: Does the work of number {number}. Use it when that number comes up.
license: MIT
metadata:
  version: "1.0.{patch}"
  author: "Somebody <somebody@example.org>"
  kurt/requires-python: ">=3.11"
  kurt/implements: "tool:{name}=skill:Work"
  kurt/permissions.native-code: "false"
---

# {name}

Says its number.
"""
CODE = '''\
"""Say a number."""

from pydantic import BaseModel

from kurt_tool import Tool, ToolResult


class Work(Tool[BaseModel, None]):
    """Say {number}."""

    async def run(self, params, context, on_progress=None):
        """Return it."""
        return ToolResult(data={{"number": {number}}})
'''


class Stand(Judge):
    """Gives every skill the same report."""

    def reports(
        self,
        folders: Sequence[str],
        files: Callable[[str], Mapping[str, bytes]],
        jobs: int = 0,
    ) -> Generator[dict[str, Any], None, None]:
        for folder in folders:
            told = {path: sha256(data).hexdigest() for path, data in files(folder).items()}
            yield self.base | {"path": folder, "digests": told}

    base: dict[str, Any]


def write(root: Path, number: int, patch: int = 0) -> None:
    name = f"skill-{number:05}"
    folder = root / "skills" / name
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "__init__.py").write_text("")
    (folder / "SKILL.md").write_text(SKILL.format(name=name, number=number, patch=patch))
    (folder / "skill.py").write_text(CODE.format(number=number))


def bare() -> float:
    start = time.perf_counter()
    subprocess.run([sys.executable, "-c", "pass"], check=True)
    return time.perf_counter() - start


def scaled(sizes: Sequence[int], jobs: int) -> None:
    """Print what a first build of so many skills takes, the validator's verdicts included."""
    for size in sizes:
        with tempfile.TemporaryDirectory() as scratch:
            os.environ["KURT_CACHE"] = os.path.join(scratch, "cache")
            for number in range(size):
                write(Path(scratch, "market"), number)
            begun, start = os.times(), time.perf_counter()
            built = build(os.path.join(scratch, "market"), Places(scratch), jobs=jobs)
            took, ended = time.perf_counter() - start, os.times()
            assert len(built.added) == size, built.refused[:1]
        here = ended.user + ended.system - begun.user - begun.system
        there = (
            ended.children_user
            + ended.children_system
            - begun.children_user
            - begun.children_system
        )
        each = 1000 / size
        print(
            f"{size:6,} skills {took:8.1f} s  {took * each:6.2f} ms each; of a processor"
            f" {here * each:.2f} ms here and {there * each:.2f} where it is judged",
            flush=True,
        )


def timed(root: Path, places: Places, judge: Judge | None) -> tuple[float, float, Built]:
    start, cpu = time.perf_counter(), time.process_time()
    built = build(str(root), places, judge=judge)
    return time.perf_counter() - start, time.process_time() - cpu, built


def whole(root: Path) -> float:
    """Return the seconds of `kurt market build`, with all that starting it costs."""
    start = time.perf_counter()
    command = [sys.executable, "-m", "kurt_ext", "market", "build", str(root), "--json"]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - start


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--skills", type=int, default=10_000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--no-judging", action="store_true")
    parser.add_argument("--sizes", type=int, nargs="+")
    parser.add_argument("--jobs", type=int, default=0)
    chosen = parser.parse_args()
    if chosen.sizes:
        scaled(chosen.sizes, chosen.jobs)
        return
    with tempfile.TemporaryDirectory() as scratch:
        os.environ["KURT_CACHE"] = os.path.join(scratch, "cache")
        places = Places(scratch)
        root = Path(scratch, "market")
        for number in range(chosen.skills):
            write(root, number)
        judge = None
        if chosen.no_judging:
            judge = Stand(places, "publish")
            judge.base = Judge(places, "publish").folder(
                "skill-00000", folder_files(str(root / "skills" / "skill-00000"), 512, 1 << 20)
            )
        time.sleep(RACY)
        took, cpu, built = timed(root, places, judge)
        each = took / chosen.skills * 1e6
        print(f"first build          {took:8.2f} s  cpu {cpu:.2f} s  {each:.0f} µs a skill")
        assert len(built.added) == chosen.skills, built.refused[:1]
        nothing: list[tuple[float, float]] = []
        ten: list[tuple[float, float]] = []
        bares, commands = [], []
        for number in range(chosen.rounds):
            bares.append(bare())
            took, cpu, built = timed(root, places, judge)
            assert not built.added and not built.changed
            nothing.append((took, cpu))
            for one in range(10):
                write(root, one + 10 * number, patch=number + 1)
            took, cpu, built = timed(root, places, judge)
            assert len(built.added) == 10 and built.changed, built.refused[:1]
            ten.append((took, cpu))
            commands.append(whole(root))
        pass_ = statistics.median(bares)
        for name, rows in (("nothing changed", nothing), ("ten changed", ten)):
            middle = statistics.median([wall for wall, _ in rows])
            cpu = statistics.median([busy for _, busy in rows])
            print(f"{name:20} {middle:8.2f} s  cpu {cpu:.2f} s  {middle / pass_:.1f} × pass")
        middle = statistics.median(commands)
        print(f"{'kurt market build':20} {middle:8.2f} s  {middle / pass_:.1f} × pass")


if __name__ == "__main__":
    main()
