"""An environment of a test that wheels go into, without uv and pip."""

from __future__ import annotations

import csv
import os
import sys
import zipfile
from pathlib import Path

import pytest

from kurt_ext import installing_distributions, installing_wheels
from kurt_ext.errors import KurtError

__all__ = ["Site"]


class Site:
    """A folder on ``sys.path`` that takes the place of site-packages.

    What installs is an installer of our own, which lays down file by file as uv and pip do:
    first the old one goes, by its list, then the new one comes, and its list is last.
    """

    def __init__(self, root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.root = root
        self.fails = False
        root.mkdir()
        monkeypatch.syspath_prepend(str(root))
        monkeypatch.setattr(installing_wheels.sysconfig, "get_path", lambda _: str(root))
        monkeypatch.setattr(installing_distributions, "install_wheel", self.install)
        monkeypatch.setattr(installing_distributions, "uninstall", self.uninstall)

    def install(self, path: str) -> None:
        """Install a wheel in the place of another of its distribution."""
        name = Path(path).name.partition("-")[0]
        self.uninstall(name)
        if self.fails:
            raise KurtError("uv install failed", cause="no space left")
        stem = "-".join(Path(path).name.split("-")[:2])
        record = self.root / f"{stem}.dist-info" / "RECORD"
        with zipfile.ZipFile(path) as archive:
            names = [one for one in archive.namelist() if one != f"{stem}.dist-info/RECORD"]
            for inside in names:
                target = self.root / inside
                target.parent.mkdir(parents=True, exist_ok=True)
                target.unlink(missing_ok=True)
                target.write_bytes(archive.read(inside))
        (record.parent / "INSTALLER").write_text("site")
        info = record.parent.name
        with open(record, "w", newline="") as stream:
            rows = [*names, f"{info}/INSTALLER", f"{info}/RECORD"]
            csv.writer(stream).writerows([(row, "", "") for row in rows])

    def uninstall(self, name: str) -> None:
        """Remove a distribution by its list; without one, it cannot be."""
        for folder in sorted(self.root.glob("*.dist-info")):
            if folder.name.partition("-")[0].replace("_", "-") != name.replace("_", "-"):
                continue
            try:
                with open(folder / "RECORD", newline="") as stream:
                    rows = list(csv.reader(stream))
            except FileNotFoundError:
                raise KurtError("uv uninstall failed", cause="no RECORD was found") from None
            for row in rows:
                if not row[0].endswith("/RECORD"):
                    (self.root / row[0]).unlink(missing_ok=True)
            (folder / "RECORD").unlink()
            folder.rmdir()

    def versions(self, distribution: str) -> list[str]:
        """Return the versions of a distribution that have a ``*.dist-info``."""
        found = self.root.glob(f"{distribution.replace('-', '_')}-*.dist-info")
        return sorted([path.name.removesuffix(".dist-info").partition("-")[2] for path in found])

    def files(self) -> dict[str, bytes]:
        """Return path → bytes of all but bytecode."""
        return {
            path.relative_to(self.root).as_posix(): path.read_bytes()
            for path in sorted(self.root.rglob("*"))
            if path.is_file() and "__pycache__" not in path.parts
        }

    def forget(self) -> None:
        """Have what was imported from here imported anew."""
        for name, module in [*sys.modules.items()]:
            if (getattr(module, "__file__", None) or "").startswith(str(self.root) + os.sep):
                del sys.modules[name]
