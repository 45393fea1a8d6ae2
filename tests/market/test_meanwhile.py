"""Whoever looks while another process installs sees what was before, or what is after."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

import pytest
from crashes import stop_at
from goods import receipt_of, stored, version_in, write_plugin

from kurt_ext.auditing import audit
from kurt_ext.bringing import Goods
from kurt_ext.choosing import Shelves
from kurt_ext.discovery import discover
from kurt_ext.importer import installed_digests
from kurt_ext.installer import Installer
from kurt_ext.installing_folders import held, place, take_away
from kurt_ext.lock import lock_path, read
from kurt_ext.manager import SkillManager
from kurt_ext.places import Places
from kurt_ext.receipts import Receipts
from kurt_ext.specs import parse
from kurt_ext.syncing import plan_sync

ID = "com.example.archiver"
pytestmark = [
    pytest.mark.skipif(not hasattr(os, "fork"), reason="the system cannot fork"),
]
Change = Callable[[], None]
Look = Callable[[Places, Path], None]


def install_too(places: Places, source: Path) -> None:
    installer = Installer(places, discover(places))
    installer.apply(installer.plan([parse(str(source))]), agreed=True, publishers=[ID])


def load(places: Places, source: Path) -> None:
    for candidate in discover(places).named(ID):
        installed_digests(candidate, places)


def decide(places: Places, source: Path) -> None:
    skills = SkillManager(places=places)
    for candidate in discover(places).named(ID):
        if candidate.usable:
            decision = skills.isolation.decide(candidate, candidate.record())
            assert decision.mode == "strict", decision


def audit_all(places: Places, source: Path) -> None:
    assert audit(Receipts(places), {}).faults == []


def sync(places: Places, source: Path) -> None:
    planned = plan_sync(Installer(places, discover(places)))
    assert planned.plan.changes == [] and planned.surplus == []


LOOKS: dict[str, Look] = {
    "install": install_too,
    "load": load,
    "isolation": decide,
    "audit": audit_all,
    "sync": sync,
}


class Scope:
    """A project in which one plugin is installed, updated and removed."""

    def __init__(self, base: Path, scope: str = "project") -> None:
        self.places = Places()
        self.receipts = Receipts(self.places, scope)
        self.folders = {}
        self.trees = {}
        for number, version in enumerate(("1.0.0", "2.0.0")):
            files = {f"part{number}/a.txt": "a"}
            self.folders[version] = write_plugin(base / version, version=version, files=files)
            self.trees[version] = stored(self.places, self.folders[version])

    def install(self, version: str) -> None:
        with held(self.receipts):
            tree = self.trees[version]
            receipt = receipt_of(self.places, tree, version, self.receipts.scope)
            locked = receipt.locked.but(market="shop")
            place(self.receipts, tree, replace(receipt, locked=locked))

    def uninstall(self) -> None:
        with held(self.receipts):
            found = self.receipts.find(ID)
            if found is not None:
                take_away(self.receipts, found)

    def change(self, verb: str) -> Change:
        """Set up what was before, and return what another process does."""
        if verb == "install":
            self.uninstall()
            return lambda: self.install("1.0.0")
        self.install("1.0.0")
        return self.uninstall if verb == "uninstall" else lambda: self.install("2.0.0")

    def versions(self) -> set[str | None]:
        """Return what lies there, by the folder, the receipt and the lock."""
        receipt = self.receipts.find(ID)
        row = read(lock_path(self.places, self.receipts.scope)).get("com_example_archiver")
        there = version_in(Path(self.receipts.root, ID))
        return {there, receipt and receipt.version, row and row.version}


@pytest.mark.slow
@pytest.mark.parametrize("verb", ["install", "update", "uninstall"])
@pytest.mark.parametrize("look", LOOKS)
def test_whoever_comes_at_any_step_sees_old_or_new(
    project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, look: str, verb: str
) -> None:
    monkeypatch.delenv("KURT_ISOLATION", raising=False)
    # Of a project, what is not noted yet is not trusted yet.
    scope = Scope(tmp_path, "user" if look == "isolation" else "project")
    new = {"install": "1.0.0", "update": "2.0.0", "uninstall": None}[verb]
    source = scope.folders[new or "1.0.0"]
    for number in range(1, 200):
        with stop_at(scope.change(verb), number) as stopped:
            if stopped:
                LOOKS[look](scope.places, source)
        if not stopped:
            break
        if look != "install" or new is not None:
            assert scope.versions() == {new}
    assert number > 10


@pytest.mark.slow
def test_one_may_begin_to_install_where_another_has_just_looked(
    project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    scope = Scope(tmp_path)
    met = 0

    def install_beside(number: int) -> bool:
        """Install, and stop one that does while this plans; return whether it came so far."""
        nonlocal met
        with ExitStack() as stack:
            work, started = scope.change("install"), []

            def needed(shelves: Shelves, wanted: Sequence[Goods]) -> list[Goods]:
                nonlocal met
                started.append(stack.enter_context(stop_at(work, number)))
                there = Path(scope.receipts.root, ID).exists()
                met += there and scope.receipts.find(ID) is None
                return []

            monkeypatch.setattr(Shelves, "needed", needed)
            install_too(scope.places, scope.folders["1.0.0"])
        assert scope.versions() == {"1.0.0"}
        return started == [True]

    steps = next(number for number in range(1, 200) if not install_beside(number))
    assert steps > 10 and met  # the folder was there, and not noted yet
