"""How long an installation takes, and a sync with nothing to do.

    python benchmarks/installing.py [--files 50] [--skills 100] [--pairs 30] [--dir DIR]

A skill is installed from a market in a folder, whose index was asked for before: from its
name to the folder in its place, with lock, receipt, trust and journal, all but the
validator's verdict, which is remembered by content and has a line of its own. Beside each
installation, before it and after it by turns, the same files are read, digested with
SHA-256 and copied: with one reading of each, and as `shutil.copyfile` copies. All is in one
process and warm; ``kurt install`` and ``kurt sync`` are processes beside ``python -c pass``.

The ratio of processor time is told too: it is the same on a busy machine.
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
from collections.abc import Callable
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
        measure_command(base, given.files, given.size, max(5, given.pairs // 3))
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
        # Another text in each skill: what was read once is known.
        text = (f"Line {{}} of file {number} of {name} {version}, made up.\n") * 200
        (folder / f"file-{number}.md").write_text(text.format(*range(200))[:size])


def bare(source: Path, target: Path) -> None:
    """Read, digest and copy the files of a folder, each read once."""
    target.mkdir()
    for name in sorted(os.listdir(source)):
        data = (source / name).read_bytes()
        hashlib.sha256(data).hexdigest()
        (target / name).write_bytes(data)


def copied(source: Path, target: Path) -> None:
    """Digest the files of a folder, and copy each as the standard library does."""
    target.mkdir()
    for name in sorted(os.listdir(source)):
        hashlib.sha256((source / name).read_bytes()).hexdigest()
        shutil.copyfile(source / name, target / name)


def timed(work: Callable[[], None]) -> tuple[float, float]:
    """Return the seconds that something takes: by the clock, and of a processor."""
    cpu, start = time.process_time(), time.perf_counter()
    work()
    return time.perf_counter() - start, time.process_time() - cpu


def measure_install(base: Path, files: int, size: int, pairs: int) -> None:
    """Print how an installation compares with reading, digesting and copying the files."""
    from kurt_ext.discovery import discover
    from kurt_ext.installer import Installer
    from kurt_ext.market.building import build
    from kurt_ext.market.clients import Market
    from kurt_ext.places import Places
    from kurt_ext.plugin_validator import PluginValidator
    from kurt_ext.removing import uninstall
    from kurt_ext.specs import parse

    places = Places()
    shop = base / "shop"
    for number in range(pairs):
        write(shop / "skills" / f"measured-{number}", "1.0.0", files, size, f"measured-{number}")
    assert len(build(str(shop), places).added) == pairs
    market = Market(places, "shop", str(shop))
    market.refresh()
    report = PluginValidator().report(shop / "skills" / "measured-0")
    verdict: list[float] = []

    def judge(folder: str) -> object:
        return report

    rows: dict[str, list[tuple[float, float]]] = {"read once": [], "copyfile": []}
    for number in range(pairs):
        name = f"measured-{number}"
        source = shop / "skills" / name
        installer = Installer(places, discover(places), markets={"shop": market}, judge=judge)

        def install(installer: Installer = installer, name: str = name) -> None:
            installer.apply(installer.plan([parse(name)]), agreed=True)

        def reference(number: int = number, source: Path = source) -> list[tuple[float, float]]:
            return [
                timed(lambda: bare(source, base / f"bare-{number}")),
                timed(lambda: copied(source, base / f"copied-{number}")),
            ]

        # Who goes first alternates: the second finds warmer caches.
        first = reference() if number % 2 else []
        wall, cpu = timed(install)
        for told, (whole, busy) in zip(rows.values(), first or reference(), strict=True):
            told.append((wall / whole, cpu / busy))
        validator = PluginValidator()
        verdict.append(timed(lambda: validator.report(source))[0] * 1000)  # noqa: B023
        uninstall(installer.receipts, name)
    print(f"install of {files} files of {size} bytes from a folder's index, in {base}:")
    for name, ratios in rows.items():
        walls, busy = zip(*ratios, strict=True)
        wall, cpu = statistics.median(walls), statistics.median(busy)
        print(f"{wall:6.2f} x digest and copy, {name} (processor time {cpu:.2f} x)")
    print(f"{statistics.median(verdict):6.1f} ms the validator, on files not judged before")


def measure_command(base: Path, files: int, size: int, pairs: int) -> None:
    """Print how ``kurt install`` of one skill compares with an interpreter that does nothing."""
    project = base / "command"
    project.mkdir()
    environ = {**os.environ, "KURT_PROJECT": str(project)}
    kurt = [sys.executable, "-m", "kurt_ext"]
    paired.run(
        [*kurt, "config", "set", "--scope", "user", "market.shop.url", str(base / "shop")],
        environ,
        str(project),
    )
    install = [*kurt, "install", "measured-0", "--yes"]

    def uninstall() -> None:
        paired.run([*kurt, "uninstall", "measured-0"], environ, str(project))

    paired.run(install, environ, str(project))
    reference = [sys.executable, "-c", "pass"]
    median, fastest = paired.ratio(install, reference, environ, str(project), pairs, uninstall)
    what = f"{files} files of {size} bytes, judged before"
    print(f"{median:6.2f} x python -c pass, {fastest:.1f} ms at best: kurt install of {what}")


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
