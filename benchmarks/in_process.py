"""How long a running process takes to see that nothing has changed, beside stevedore.

    python benchmarks/in_process.py --dir ~/kurt-bench [--installed 1000] [--rounds 25]

Both look at the same environment in turn, in one process each; the ratio of the
medians is printed. stevedore's file cache is warm and its in-process memory is
emptied before each round, as a process that must notice changes has to do.
"""

from __future__ import annotations

import argparse
import subprocess
from pathlib import Path

import sites

OURS = """
import time
from kurt_ext.index import Index
from kurt_ext.places import Places
places = Places()
times = []
for _ in range({rounds}):
    start = time.perf_counter()
    index = Index.open(places)
    assert index is not None and index.unchanged()
    times.append(time.perf_counter() - start)
print(sorted(times)[{rounds} // 2])
"""

STEVEDORE = """
import time
from stevedore import ExtensionManager, _cache
times = []
for _ in range({rounds}):
    ExtensionManager.ENTRY_POINT_CACHE.clear()
    _cache._c._internal.clear()
    start = time.perf_counter()
    found = _cache.get_group_all('kurt.tool')
    times.append(time.perf_counter() - start)
assert found
print(sorted(times)[{rounds} // 2])
"""


def main() -> None:
    """Read the arguments, measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--dir", type=Path, required=True)
    parser.add_argument("--installed", type=int, default=1031)
    parser.add_argument("--rounds", type=int, default=25)
    parser.add_argument("--pairs", type=int, default=15)
    options = parser.parse_args()
    folder = options.dir.resolve()
    python = sites.environment(folder / "venv")
    sites.add_distributions(python, options.installed)
    project = folder / "project-empty"
    sites.add_skills(project, 0)
    environ = sites.environ(folder, project)
    sites.settle(python, environ, project)
    ratios = []
    for _ in range(options.pairs):
        ours, theirs = (
            float(
                subprocess.check_output(
                    [python, "-c", code.format(rounds=options.rounds)],
                    env=environ,
                    cwd=project,
                    text=True,
                )
            )
            for code in (OURS, STEVEDORE)
        )
        ratios.append(theirs / ours)
    middle = sorted(ratios)[len(ratios) // 2]
    print(f"{options.installed} installed: stevedore's warm cache takes {middle:.1f} x as long")


if __name__ == "__main__":
    main()
