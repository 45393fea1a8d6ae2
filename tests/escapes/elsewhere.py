"""A copy of the project that another user may read, to be that user with."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from importlib import metadata
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent
NOBODY = 65534


def interpreter() -> str | None:
    """Return an interpreter of this version that every user may run; None where there is none."""
    wanted = f"{sys.version_info.major}.{sys.version_info.minor}"
    for path in (sys.executable, f"/usr/bin/python{wanted}", f"/usr/local/bin/python{wanted}"):
        try:
            done = subprocess.run(
                [path, "-ISc", "import sys; print('%d.%d' % sys.version_info[:2])"],
                user=NOBODY,
                group=NOBODY,
                extra_groups=[],
                capture_output=True,
                text=True,
                check=False,
                cwd="/",
            )
        except OSError:
            continue
        if done.stdout.strip() == wanted:
            return path
    return None


def copy(place: Path) -> dict[str, str]:
    """Copy what is needed there; return the variables that an interpreter finds it by."""
    version = f"python{sys.version_info.major}.{sys.version_info.minor}"
    site = place / "lib" / version / "site-packages"
    site.mkdir(parents=True)
    ignored = shutil.ignore_patterns("__pycache__", "*.pyc")
    shutil.copytree(ROOT / "kurt_ext", site / "kurt_ext", ignore=ignored)
    for folder in (ROOT / "namespaces").iterdir():
        if (folder / "__init__.py").exists():
            shutil.copytree(folder, site / folder.name, ignore=ignored)
    shutil.copytree(ROOT / "tests" / "escapes", place / "tests" / "escapes", ignore=ignored)
    seen: set[str] = set()
    _take("kurt-ext", site, seen)
    for folder, _, names in os.walk(place):
        os.chmod(folder, 0o755)
        for name in names:
            os.chmod(os.path.join(folder, name), 0o644)
    return {"PYTHONUSERBASE": str(place), "PYTHONPATH": str(place / "tests")}


def site_of(found: metadata.Distribution) -> Path:
    """Return the folder that a distribution is installed in."""
    return Path(str(found.locate_file("")))


def _take(name: str, site: Path, seen: set[str]) -> None:
    """Copy an installed distribution, and what it requires."""
    key = re.sub(r"[-_.]+", "-", name).lower()
    if key in seen:
        return
    seen.add(key)
    try:
        found = metadata.distribution(name)
    except metadata.PackageNotFoundError:
        return
    for folder in site_of(found).glob(f"{found.name.replace('-', '_')}-*.dist-info"):
        shutil.copytree(folder, site / folder.name, dirs_exist_ok=True)
    for file in found.files or ():
        source = Path(str(file.locate()))
        target = site / file
        if ".." in file.parts or not source.is_file() or target.exists():
            continue
        if source.suffix == ".pth" or "__pycache__" in file.parts:
            continue
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(source, target)
    for line in found.requires or ():
        if "extra ==" not in line:
            _take(re.split(r"[ ;<>=!~\[(]", line, maxsplit=1)[0], site, seen)
