"""First-ever sync of a shim, beside writing the same files with nothing else.

Prints one JSON line: the median over pairs of sync time by plain time, and of
a second, unchanged sync. Target: first ≤ 2.0. Run: ``python benchmarks/shim_sync.py``.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import statistics
import sys
import tempfile
import time

sys.path[:0] = [os.path.dirname(os.path.dirname(os.path.abspath(__file__)))]
sys.path[1:1] = [os.path.join(sys.path[0], "tests")]

from records import record  # noqa: E402

from kurt_ext import distinfo  # noqa: E402
from kurt_ext.shim import Shim  # noqa: E402


def entries(count: int) -> list[tuple[str, dict[str, object], list[distinfo.Offer]]]:
    made = []
    for number in range(count):
        plain = record(f"skill-{number:04}")
        made.append((f"/skills/skill-{number:04}", plain, distinfo.offers(plain, {})))
    return made


def snapshot(root: str) -> tuple[list[str], list[tuple[str, bytes]]]:
    """Return the folders and the files of a shim, relative, parents first."""
    folders, files = [""], []
    for parent, names, leaves in os.walk(root):
        folders += [os.path.relpath(os.path.join(parent, name), root) for name in names]
        for name in leaves:
            path = os.path.join(parent, name)
            with open(path, "rb") as stream:
                files.append((os.path.relpath(path, root), stream.read()))
    return folders, files


def write_plainly(root: str, folders: list[str], files: list[tuple[str, bytes]]) -> None:
    """Write the files with the cheapest calls that Python has, without renames or a lock."""
    for name in folders:
        os.mkdir(os.path.join(root, name), 0o700)
    flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC
    for name, data in files:
        descriptor = os.open(os.path.join(root, name), flags, 0o600)
        os.write(descriptor, data)
        os.close(descriptor)


def timed(call: object, *arguments: object) -> float:
    before = time.perf_counter()
    call(*arguments)  # type: ignore[operator]
    return time.perf_counter() - before


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--skills", type=int, default=1000)
    parser.add_argument("--pairs", type=int, default=15)
    options = parser.parse_args()
    wanted = entries(options.skills)
    base = tempfile.mkdtemp(prefix="kurt-bench-")
    first, plain, again = [], [], []
    try:
        sample = os.path.join(base, "sample")
        Shim(sample).sync(wanted)
        folders, files = snapshot(sample)
        for pair in range(options.pairs):
            ours, theirs = os.path.join(base, f"a{pair}"), os.path.join(base, f"b{pair}")

            def sync(root: str = ours) -> None:
                Shim(root).sync(wanted)

            def write(root: str = theirs) -> None:
                write_plainly(root, folders, files)

            if pair % 2:
                plain.append(timed(write))
                first.append(timed(sync))
            else:
                first.append(timed(sync))
                plain.append(timed(write))
            again.append(timed(sync))
            shutil.rmtree(ours)
            shutil.rmtree(theirs)
    finally:
        shutil.rmtree(base, ignore_errors=True)
    ratios = [a / b for a, b in zip(first, plain, strict=True)]
    print(
        json.dumps(
            {
                "benchmark": "shim_sync",
                "skills": options.skills,
                "pairs": options.pairs,
                "first_by_plain": round(statistics.median(ratios), 2),
                "target": 2.0,
                "unchanged_by_plain": round(
                    statistics.median(a / b for a, b in zip(again, plain, strict=True)), 3
                ),
                "first_ms": round(min(first) * 1000, 1),
                "plain_ms": round(min(plain) * 1000, 1),
                "unchanged_ms": round(min(again) * 1000, 1),
            }
        )
    )


if __name__ == "__main__":
    main()
