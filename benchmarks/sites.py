"""Build what the benchmarks run in: real venvs, made-up distributions and skills."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent

SKILL = """---
name: {name}
version: 0.{minor}.0
author: Example <user@example.com>
description: Archive web pages of the {minor}th kind. Use when a page must outlive its site.
tags: [web, archival, automation]
requires_python: ">=3.10"
implements:
  - type: tool
    class: WebArchiverTool
    name: {name}
---

# Web archiver {minor}

Archives web pages.
"""


def environment(folder: Path, *packages: str) -> Path:
    """Return a virtual environment with kurt-ext and further packages installed, making it once."""
    python = folder / "bin" / "python"
    if not (folder / ".made").exists():
        shutil.rmtree(folder, ignore_errors=True)
        subprocess.run([sys.executable, "-m", "venv", folder], check=True)
        # The console script that is measured is the one that current pip writes.
        install(python, "--upgrade", "pip")
        install(python, str(ROOT), *packages)
        # A start that must compile is not what users see twice.
        subprocess.run([python, "-m", "compileall", "-q", folder / "lib"], check=False)
        (folder / ".made").touch()
    return python


def install(python: Path, *arguments: str) -> None:
    """Install with the environment's own pip."""
    pip = [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    subprocess.run([*pip, *arguments], check=True)


def site_packages(python: Path) -> Path:
    """Return the folder that pip installs into."""
    code = "import sysconfig; print(sysconfig.get_path('purelib'))"
    return Path(subprocess.check_output([python, "-c", code], text=True).strip())


def add_distributions(python: Path, total: int) -> None:
    """Make the environment hold ``total`` distributions; every tenth of the added offers a kind."""
    site = site_packages(python)
    for old in site.glob("bench_dist_*.dist-info"):
        shutil.rmtree(old)
    there = len(list(site.glob("*.dist-info")))
    for number in range(max(0, total - there)):
        info = site / f"bench_dist_{number}-1.0.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(
            f"Metadata-Version: 2.1\nName: bench-dist-{number}\nVersion: 1.0\n"
            "Summary: One of many\n"
        )
        (info / "WHEEL").write_text("Wheel-Version: 1.0\nGenerator: bench\nTag: py3-none-any\n")
        (info / "RECORD").write_text("")
        (info / "INSTALLER").write_text("pip\n")
        if number % 10 == 0:
            (info / "entry_points.txt").write_text(
                f"[kurt.tool]\nbench-{number} = bench_dist_{number}:Tool\n"
            )


def add_skills(project: Path, total: int) -> None:
    """Make the project hold ``total`` skills."""
    shutil.rmtree(project, ignore_errors=True)
    (project / "skills").mkdir(parents=True)
    for number in range(total):
        folder = project / "skills" / f"archiver-{number}"
        folder.mkdir()
        (folder / "SKILL.md").write_text(SKILL.format(name=folder.name, minor=number))
        (folder / "skill.py").write_text("class WebArchiverTool:\n    pass\n")


def environ(folder: Path, project: Path) -> dict[str, str]:
    """Return the environment variables of a run: a home of its own, the project trusted."""
    kept = {
        key: value for key, value in os.environ.items() if not key.startswith(("KURT_", "XDG_"))
    }
    # Some machines set these, and both change what is measured.
    kept.pop("PYTHONDONTWRITEBYTECODE", None)
    kept.pop("PYTHONPATH", None)
    home = folder / "home"
    home.mkdir(parents=True, exist_ok=True)
    ours = {"HOME": home, "KURT_TRUST": project, "KURT_PROJECT": project}
    # uv looks for an environment, which takes it longer than to list one.
    return {**kept, **{k: str(v) for k, v in ours.items()}, "VIRTUAL_ENV": str(folder / "venv")}


def settle(python: Path, environ: dict[str, str], project: Path) -> None:
    """Wait until what was written is old enough to be trusted, and let kurt write its index.

    The index is keyed by the search path: that of ``python -c`` is not that of
    the console script.
    """
    time.sleep(2.3)
    kurt = [str(python.parent / "kurt"), "list", "--json"]
    module = [str(python), "-c", "from kurt_ext.discovery import discover; discover()"]
    for command in (kurt, module):
        subprocess.run(command, env=environ, cwd=project, stdout=subprocess.DEVNULL, check=True)
    time.sleep(2.3)  # the shim has just been written
    for command in (kurt, module):
        subprocess.run(command, env=environ, cwd=project, stdout=subprocess.DEVNULL, check=True)
