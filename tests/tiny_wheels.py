"""Wheels and source distributions of a few lines, written without building anything."""

from __future__ import annotations

import base64
import hashlib
import io
import tarfile
import zipfile
from pathlib import Path

__all__ = ["sdist", "wheel"]

WHEEL = "Wheel-Version: 1.0\nGenerator: t\nRoot-Is-Purelib: true\nTag: py3-none-any\n"


def wheel(folder: Path, name: str, version: str, *, requires: str = "", extra: str = "") -> Path:
    """Write a wheel of one module that says its version."""
    module = name.replace("-", "_")
    info = f"{module}-{version}.dist-info"
    meta = f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n"
    files = {
        f"{module}/__init__.py": f"VERSION = {version!r}\n{extra}",
        f"{info}/METADATA": meta + "".join(f"Requires-Dist: {one}\n" for one in requires.split()),
        f"{info}/WHEEL": WHEEL,
    }
    rows = [f"{path},{_digest(text.encode())},{len(text)}" for path, text in files.items()]
    files[f"{info}/RECORD"] = "\n".join([*rows, f"{info}/RECORD,,"]) + "\n"
    folder.mkdir(exist_ok=True)
    path = folder / f"{module}-{version}-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as archive:
        for inside, text in files.items():
            archive.writestr(zipfile.ZipInfo(inside, (2020, 1, 1, 0, 0, 0)), text)
    return path


def _digest(data: bytes) -> str:
    return "sha256=" + base64.urlsafe_b64encode(hashlib.sha256(data).digest()).decode().rstrip("=")


BACKEND = """
import os, shutil
open({trace!r}, "w").close()
def build_wheel(folder, settings=None, metadata=None):
    return os.path.basename(shutil.copy("{wheel}", folder))
"""


def sdist(folder: Path, name: str, version: str) -> Path:
    """Write a source distribution whose build leaves a trace, and needs nothing."""
    made = wheel(folder / "inside", name, version)
    backend = BACKEND.format(trace=str(folder / "built"), wheel=made)
    table = "[build-system]\nrequires = []\nbuild-backend = 'backend'\nbackend-path = ['.']\n"
    path = folder / f"{name.replace('-', '_')}-{version}.tar.gz"
    with tarfile.open(path, "w:gz") as archive:
        for inside, text in (
            ("PKG-INFO", f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n"),
            ("pyproject.toml", f"{table}[project]\nname = '{name}'\nversion = '{version}'\n"),
            ("backend.py", backend),
        ):
            member = tarfile.TarInfo(f"{path.name[:-7]}/{inside}")
            member.size = len(text)
            archive.addfile(member, io.BytesIO(text.encode()))
    return path
