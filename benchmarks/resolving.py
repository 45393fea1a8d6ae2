"""How long it takes to choose the versions of many plugins, beside plain resolvelib + packaging.

    python benchmarks/resolving.py [--plugins 200] [--versions 10] [--pairs 15]

Both get the same made-up index and all plugins as roots, in one process, each with its requirements
and versions parsed beforehand as it needs them; that both choose the same pins is asserted. What
is ours starts anew in every round: nothing that an earlier one remembered is there. Then the lock
of that answer is checked, from the same releases, in a process that has imported neither
resolvelib nor packaging; the reading of the lock from JSON is told apart.
Ratios are the medians over pairs, the order of the two alternating.
"""

from __future__ import annotations

import argparse
import json
import random
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from typing import Any

from packaging.specifiers import SpecifierSet
from packaging.version import Version
from resolvelib import AbstractProvider, BaseReporter, Resolver

from kurt_ext import constraints, semver
from kurt_ext.resolver import Need, Release, resolve

Row = tuple[str, str, list[tuple[str, str]]]


def index(plugins: int, versions: int) -> list[Row]:
    """Return (id, version, [(id, constraint)]) of plugins that need a few of lower number."""
    chance = random.Random(7)
    rows: list[Row] = []
    for number in range(plugins):
        for major in range(1, versions + 1):
            lower = chance.sample(range(number), min(number, chance.randint(0, 4)))
            needs = []
            for other in lower:
                least = chance.randint(1, max(1, major - 2))
                most = f",<{versions + 1}.0.0" if chance.random() < 0.5 else ""
                skipped = f",!={least}.1.0" if chance.random() < 0.2 else ""
                needs.append((f"p{other:03}", f">={least}.0.0{most}{skipped}"))
            if major > 1 and lower and chance.random() < 0.15:
                # The newest needs what is not there, so that an older one has to do.
                needs[0] = (needs[0][0], f">={versions + 1}.0.0")
            rows.append((f"p{number:03}", f"{major}.0.0", needs))
    return rows


class Wanted:
    """A requirement as `packaging` reads it."""

    def __init__(self, name: str, text: str) -> None:
        self.name, self.specifier = name, SpecifierSet(text)


class Found:
    """A candidate as `packaging` reads it."""

    def __init__(self, row: Row) -> None:
        self.name, self.version = row[0], Version(row[1])
        self.needs = [Wanted(*need) for need in row[2]]


class Plain(AbstractProvider[Wanted, Found, str]):
    """The provider that resolvelib's documentation leads to."""

    def __init__(self, found: list[Found]) -> None:
        self.found: dict[str, list[Found]] = {}
        for one in found:
            self.found.setdefault(one.name, []).append(one)
        for rows in self.found.values():
            rows.sort(key=lambda one: one.version, reverse=True)

    def identify(self, requirement_or_candidate: Wanted | Found) -> str:
        return requirement_or_candidate.name

    def get_preference(self, identifier: str, *_: Any, candidates: Any, **__: Any) -> int:
        return sum(1 for _ in candidates[identifier])

    def find_matches(self, identifier: str, requirements: Any, incompatibilities: Any) -> Any:
        wanted = list(requirements[identifier])
        bad = {one.version for one in incompatibilities[identifier]}
        return [
            one
            for one in self.found.get(identifier, ())
            if one.version not in bad and all(one.version in row.specifier for row in wanted)
        ]

    def is_satisfied_by(self, requirement: Wanted, candidate: Found) -> bool:
        return candidate.version in requirement.specifier

    def get_dependencies(self, candidate: Found) -> list[Wanted]:
        return candidate.needs


def seconds(run: Callable[[], Any]) -> float:
    start = time.perf_counter()
    run()
    return time.perf_counter() - start


def paired(ours: Callable[[], Any], theirs: Callable[[], Any], pairs: int) -> tuple[float, ...]:
    """Return the median ratio, and the fastest run of each in ms."""
    rows = []
    for number in range(pairs):
        if number % 2:
            base = seconds(theirs)
            rows.append((seconds(ours), base))
        else:
            taken = seconds(ours)
            rows.append((taken, seconds(theirs)))
    middle = statistics.median([taken / base for taken, base in rows])
    return middle, min(row[0] for row in rows) * 1000, min(row[1] for row in rows) * 1000


LOCK = """
import json, sys, time
from kurt_ext.resolver import Need, Release, is_locked
rows, roots, text = json.load(sys.stdin)
world = [Release(name, version, [Need(*need) for need in needs]) for name, version, needs in rows]
roots = [tuple(root) for root in roots]
lock = json.loads(text)
times, read = [], []
for _ in range(60):
    start = time.perf_counter()
    held = is_locked(lock, roots, world)
    times.append(time.perf_counter() - start)
    assert held
    start = time.perf_counter()
    json.loads(text)
    read.append(time.perf_counter() - start)
world[-1] = Release(world[-1].plugin_id, "99.0.0")
assert not is_locked(lock, roots, world)
assert not {"packaging", "resolvelib"} & set(sys.modules)
print(json.dumps([sorted(times)[30], sorted(read)[30]]))
"""


def main() -> None:
    """Read the arguments, measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--plugins", type=int, default=200)
    parser.add_argument("--versions", type=int, default=10)
    parser.add_argument("--pairs", type=int, default=15)
    options = parser.parse_args()
    rows = index(options.plugins, options.versions)
    names = sorted({row[0] for row in rows})
    roots = [(name, "*") for name in names]
    releases = [Release(row[0], row[1], [Need(*need) for need in row[2]]) for row in rows]
    found = [Found(row) for row in rows]
    asked = [Wanted(name, "") for name in names]

    def ours() -> dict[str, str]:
        semver._parsed.clear()
        constraints._parsed.clear()
        return resolve(roots, releases).pins

    def theirs() -> dict[str, str]:
        resolver = Resolver(Plain(found), BaseReporter())
        result = resolver.resolve(asked, max_rounds=100_000)
        return {name: str(one.version) for name, one in result.mapping.items()}

    assert ours() == theirs()
    middle, fastest, base = paired(ours, theirs, options.pairs)
    what = f"{options.plugins} plugins x {options.versions} versions, all of them roots"
    print(f"{what}: {middle:.2f} x resolvelib + packaging ({fastest:.0f} ms, {base:.0f} ms)")

    text = json.dumps(resolve(roots, releases).as_lock())
    checks = []
    for _ in range(options.pairs):
        taken = seconds(ours)
        content = json.dumps([rows, roots, text])
        out = subprocess.check_output([sys.executable, "-c", LOCK], input=content, text=True)
        check, read = json.loads(out)
        checks.append((check / taken, check, read))
    middle = statistics.median([row[0] for row in checks])
    check = min(row[1] for row in checks) * 1000
    read = min(row[2] for row in checks) * 1000
    print(f"the lock of that: 1/{1 / middle:.0f} of it ({check:.2f} ms; reading it {read:.2f} ms)")


if __name__ == "__main__":
    main()
