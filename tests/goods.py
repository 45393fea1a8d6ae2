"""Skills to install, and what tells whether they are whole."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from kurt_ext.lock import Locked
from kurt_ext.manifest import read
from kurt_ext.market.store import Store, Tree, read_folder
from kurt_ext.places import Places
from kurt_ext.receipts import Receipt, Receipts, now

MANIFEST: dict[str, Any] = {
    "name": "Archiver",
    "description": "Keeps a copy of a page; use it to keep one.",
    "author": "Somebody",
    "license": "MIT",
    "plugin_type": "tool",
    "entry_point": "main",
    "permissions": {},
}
CODE = '''\
class Plugin:
    def __init__(self, metadata, config):
        self.metadata = metadata

    async def archive(self, url: str = "") -> str:
        """Keep a copy."""
        return "{version}"
'''


def write_plugin(
    root: Path,
    plugin_id: str = "com.example.archiver",
    version: str = "1.0.0",
    *,
    files: Mapping[str, str] | None = None,
    code: str = CODE,
    **manifest: Any,
) -> Path:
    """Write a plugin's folder below a root, and return it."""
    folder = root / plugin_id
    folder.mkdir(parents=True, exist_ok=True)
    row = {**MANIFEST, "plugin_id": plugin_id, "version": version, **manifest}
    (folder / "plugin.json").write_text(json.dumps(row, indent=1))
    (folder / "main.py").write_text(code.replace("{version}", version))
    for path, text in (files or {}).items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text)
    return folder


def stored(places: Places, folder: Path) -> Tree:
    """Return a folder as a tree of the store."""
    record = read(str(folder)).record
    assert record is not None
    return Store(places.store).put(record["id"], read_folder(str(folder)))


def receipt_of(places: Places, tree: Tree, version: str, scope: str = "project") -> Receipt:
    """Return the receipt of a tree that is to be put into a scope."""
    receipts = Receipts(places, scope)
    return Receipt(
        locked=Locked(name=tree.name, version=version, lane="folder", digest=tree.digest),
        folder=os.path.join(receipts.root, tree.name),
        files=tree.files,
        permissions={},
        installed_at=now(),
        origin={},
    ).after(receipts.find(tree.name))


def version_in(folder: Path) -> str | None:
    """Return the version of a plugin's folder that is whole; None where there is no folder.

    :raises AssertionError: when it is a mixture, or lacks a part.
    """
    if not folder.exists():
        return None
    version = json.loads((folder / "plugin.json").read_text())["version"]
    assert version in (folder / "main.py").read_text()
    return str(version)


def hidden(root: Path) -> list[str]:
    """Return what an installation has left beside the skills."""
    return sorted(path.name for path in root.glob(".*")) if root.exists() else []
