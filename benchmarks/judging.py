"""Judge 1,000 ordinary modules: anew, and where nothing has changed, beside bandit.

The modules are those of this environment's distributions, 20 a folder, each folder with
a manifest. bandit is asked where it is installed. Unchanged folders are asked for in
this process, and by `kurt validate --json` with all that starting it costs.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import sysconfig
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from kurt_ext.hostfacts import HostFacts
from kurt_ext.places import Places
from kurt_ext.validator import installed_checks, validate
from kurt_ext.verdicts import Verdicts, rules_version

FILES, EACH, PAIRS = 1000, 20, 15
RACY = 2.5  # seconds after which times are believed


def modules() -> Iterator[Path]:
    """Yield ordinary modules, each in its turn whatever the file system's order."""
    for path in sorted(Path(sysconfig.get_path("purelib")).rglob("*.py")):
        if 500 < path.stat().st_size < 40_000 and "test" not in str(path):
            yield path


def corpus(base: Path) -> list[str]:
    """Write the folders and return their paths."""
    chosen = list(modules())
    chosen = chosen[:: max(1, len(chosen) // FILES)][:FILES]
    folders = []
    for start in range(0, len(chosen), EACH):
        folder = base / f"s{start:04}"
        folder.mkdir(parents=True)
        for number, path in enumerate(chosen[start : start + EACH]):
            shutil.copy(path, folder / f"m{number}.py")
        manifest = {"plugin_id": f"com.example.{folder.name}", "entry_point": "m0"}
        (folder / "plugin.json").write_text(json.dumps(manifest))
        folders.append(str(folder))
    return folders


def taken(work: Callable[[], object]) -> float:
    """Return the seconds that a piece of work takes."""
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def main() -> None:
    """Print microseconds a file, and multiples of bandit's where it is there."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--dir", type=Path, required=True, help="an empty folder to work in")
    parser.add_argument("--bandit", help="the program bandit, if it is not on the search path")
    given = parser.parse_args()
    os.environ["KURT_CACHE"] = str(given.dir / "cache")
    folders = corpus(given.dir / "skills")
    files = len(folders) * EACH
    checks, facts = installed_checks(), HostFacts()
    verdicts = Verdicts(Places(), rules_version(checks), facts)

    def anew() -> None:
        for folder in folders:
            verdicts.report(folder, lambda one=folder: validate(one, checks=checks, facts=facts))

    def again() -> None:
        for folder in folders:
            assert verdicts.find(folder)[0] is not None

    command = [sys.executable, "-m", "kurt_ext", "validate", "--json", str(given.dir / "skills")]

    def started() -> None:
        subprocess.run(command, stdout=subprocess.DEVNULL, check=False)

    rows = [("judged anew, one process", taken(anew))]
    started()
    time.sleep(RACY)
    again()
    started()
    rows.append(("unchanged, in process", statistics.median(taken(again) for _ in range(PAIRS))))
    rows.append(
        ("unchanged, kurt validate", statistics.median(taken(started) for _ in range(PAIRS)))
    )
    bandit = given.bandit or shutil.which("bandit")
    reference = 0.0
    if bandit:
        words = [bandit, "-q", "-r", str(given.dir / "skills"), "-f", "json", "-o", os.devnull]
        reference = taken(lambda: subprocess.run(words, check=False))
        rows.append(("bandit", reference))
    for name, seconds in rows:
        times = f"{reference / seconds:8.1f} × bandit" if reference else ""
        print(f"{name:28} {seconds / files * 1e6:10.1f} µs a file {times}")


if __name__ == "__main__":
    main()
