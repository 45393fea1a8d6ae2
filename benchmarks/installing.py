"""How long an installation takes, and a sync with nothing to do.

    python benchmarks/installing.py [--files 50] [--skills 100] [--pairs 30] [--dir DIR]

An installation of a skill from a market in a folder is set beside reading the same files,
SHA-256 of each, and a copy of each. ``place`` is what puts it into the store and in its
place, with lock, receipt and journal; ``install`` is all of it but the judgement, from the
index on, which was asked for before; ``judged`` is the validator, on what it has not seen.
``kurt sync`` of locked skills is set beside ``python -c pass``.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import shutil
import statistics
import sys
import tempfile
import time
from pathlib import Path

import paired


def main() -> None:
    """Make skills, install them, and print the figures."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--files", type=int, default=50)
    parser.add_argument("--size", type=int, default=4096)
    parser.add_argument("--skills", type=int, default=100)
    parser.add_argument("--pairs", type=int, default=30)
    parser.add_argument("--dir", type=Path, default=Path.home())
    given = parser.parse_args()
    base = Path(tempfile.mkdtemp(prefix="kurt-bench-", dir=given.dir))
    try:
        os.environ |= {"HOME": str(base / "home"), "KURT_PROJECT": str(base / "project")}
        for name in ("home", "project"):
            (base / name).mkdir()
        measure_install(base, given.files, given.size, given.pairs)
        measure_sync(base, given.skills, given.pairs)
    finally:
        shutil.rmtree(base)


def write(folder: Path, version: str, files: int, size: int, name: str) -> None:
    """Write a skill of so many files."""
    folder.mkdir(parents=True, exist_ok=True)
    head = f"---\nname: {name}\ndescription: Made up; use it to measure.\nlicense: MIT\nmetadata:\n"
    (folder / "SKILL.md").write_text(
        f'{head}  version: "{version}"\n  author: "Nobody"\n---\n\n# {name}\n\nMade up.\n'
    )
    for number in range(files - 1):
        text = (f"Line {{}} of file {number} of version {version}, made up.\n") * 200
        (folder / f"file-{number}.md").write_text(text.format(*range(200))[:size])


def bare(source: Path, target: Path) -> None:
    """Read, digest and copy the files of a folder."""
    target.mkdir()
    for name in sorted(os.listdir(source)):
        data = (source / name).read_bytes()
        hashlib.sha256(data).hexdigest()
        (target / name).write_bytes(data)


def measure_install(base: Path, files: int, size: int, pairs: int) -> None:
    """Print how an installation compares with reading, digesting and copying the files."""
    from kurt_ext.discovery import discover
    from kurt_ext.installer import Installer
    from kurt_ext.installing_folders import held, place
    from kurt_ext.market.building import build
    from kurt_ext.market.clients import Market
    from kurt_ext.places import Places
    from kurt_ext.specs import parse

    places = Places()
    shop = base / "shop"
    spent: dict[str, list[float]] = {"place": [], "install": [], "judged": []}
    for number in range(pairs):
        name = f"measured-{number}"
        source = shop / "skills" / name
        write(source, "1.0.0", files, size, name)
        build(str(shop), places)
        installer = Installer(
            places, discover(places), markets={"shop": Market(places, "shop", str(shop))}
        )
        installer.shelves.markets["shop"].refresh()
        started = time.perf_counter()
        bare(source, base / f"copy-{number}")
        reference = time.perf_counter() - started
        started = time.perf_counter()
        goods = installer.bring(parse(name))
        brought = time.perf_counter() - started
        started = time.perf_counter()
        step = installer.step(goods)
        judged = time.perf_counter() - started
        assert step.tree is not None
        started = time.perf_counter()
        with held(installer.receipts):
            place(installer.receipts, step.tree, installer.receipt(step), content=goods.content)
        placed = time.perf_counter() - started
        spent["place"].append(placed / reference)
        spent["install"].append((brought + placed) / reference)
        spent["judged"].append(judged / reference)
    what = f"{files} files of {size} bytes"
    for name, ratios in spent.items():
        print(f"{name:<8} {statistics.median(ratios):6.2f} x read, digest and copy of {what}")


def measure_sync(base: Path, skills: int, pairs: int) -> None:
    """Print how a sync with nothing to do compares with an interpreter that does nothing."""
    project = base / "many"
    project.mkdir()
    environ = {**os.environ, "KURT_PROJECT": str(project)}
    names = []
    for number in range(skills):
        name = f"skill-{number}"
        write(base / "sources" / name, "1.0.0", 5, 1000, name)
        names.append(str(base / "sources" / name))
    kurt = [sys.executable, "-m", "kurt_ext"]
    for start in range(0, skills, 25):
        words = [*kurt, "install", "--yes", *names[start : start + 25]]
        paired.run(words, environ, str(project))
    time.sleep(3)  # what is as young as its note is looked at again
    paired.run([*kurt, "sync"], environ, str(project))
    time.sleep(3)
    paired.run([*kurt, "sync"], environ, str(project))
    reference = [sys.executable, "-c", "pass"]
    for words in (["sync"], ["sync", "--locked", "--json"]):
        median, fastest = paired.ratio([*kurt, *words], reference, environ, str(project), pairs)
        line = f"{median:6.2f} x python -c pass, {fastest:.1f} ms at best"
        print(f"kurt {' '.join(words)} of {skills} skills: {line}")


if __name__ == "__main__":
    main()
