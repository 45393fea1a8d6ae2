"""What is installed stays whole where two install, update, remove or clear up at one time."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace

import anyio
import pytest
from crashes import stop_at
from goods import hidden, stored, version_in, write_plugin
from simple_indexes import skill_wheel

from kurt_ext import PluginRegistry, installing_wheels, staging
from kurt_ext.auditing import audit
from kurt_ext.cli import run
from kurt_ext.discovery import discover
from kurt_ext.errors import ConflictError, IntegrityError, LockedError, SkillNotFoundError
from kurt_ext.importer import installed_digests, refuse
from kurt_ext.installer import Installer
from kurt_ext.installing_wheels import recover
from kurt_ext.lock import lock_path, read
from kurt_ext.market.store import Store
from kurt_ext.needing import Needs
from kurt_ext.places import Places
from kurt_ext.pruning import remove_surplus, sweep
from kurt_ext.receipts import Receipts
from kurt_ext.removing import uninstall
from kurt_ext.scope_lock import scope_lock
from kurt_ext.specs import parse
from kurt_ext.steps import Plan
from kurt_ext.syncing import plan_sync, remove_unlocked
from kurt_ext.trust import Trust
from kurt_ext.updating import rollback

from .shops import Shop
from .sites import Site

ID = "com.example.archiver"
LIB = "com.example.mathlib"
CALC = "com.example.calculator"
needs_fork = pytest.mark.skipif(not hasattr(os, "fork"), reason="the system cannot fork")
LIMIT = 400


class Home:
    """A project, and plugins to install in it, each judged once."""

    def __init__(self, base: Path) -> None:
        self.base = base
        self.places = Places()
        self.receipts = Receipts(self.places)

    def source(self, name: str = ID, version: str = "1.0.0", **more: object) -> Path:
        folder = self.base / version
        if not (folder / name).exists():
            files = {f"part{version[0]}/a.txt": f"{name} {version}"}
            write_plugin(folder, name, version, files=files, **more)
        return folder / name

    def installer(self, scope: str = "project", places: Places | None = None) -> Installer:
        where = places or self.places
        return Installer(where, discover(where), scope=scope, judge=self.judge)

    def judge(self, folder: str) -> object:
        """Find everything fit; what is judged in the store must be there as a whole."""
        assert not folder.startswith(self.places.store) or version_in(Path(folder))
        return SimpleNamespace(valid=True, score=100, risk_level="low", findings=[])

    def plan(self, *sources: Path, installer: Installer | None = None) -> Callable[[], object]:
        """Plan now, and return what does it later."""
        chosen = installer or self.installer()
        plan = chosen.plan([parse(str(path)) for path in sources])
        return lambda: chosen.apply(plan, agreed=True, publishers=[ID, LIB, CALC])

    def install(self, *sources: Path, installer: Installer | None = None) -> None:
        self.plan(*(sources or [self.source()]), installer=installer)()

    def remove(self, *names: str) -> None:
        for name in names:
            if self.receipts.find(name) is not None:
                uninstall(self.receipts, name, force=True)

    def version(self, name: str = ID, scope: str = "project") -> str | None:
        """Return what is there, by the folder, the receipt and the lock alike."""
        receipts = Receipts(self.places, scope)
        receipt = receipts.find(name)
        row = read(lock_path(self.places, scope)).get(name.replace(".", "_"))
        there = version_in(Path(receipts.root, name))
        found = {there, receipt and receipt.version, row and row.version}
        assert len(found) == 1, found
        if receipt is not None:
            assert receipts.changed(receipt) == []
            assert Store(self.places.store).find(receipt.locked.digest) is not None
        return there


@pytest.fixture
def home(project: Path, tmp_path: Path) -> Home:
    return Home(tmp_path / "sources")


def needing(home: Home) -> Path:
    need = {"plugin_id": LIB, "version_constraint": "^1.0.0", "optional": False}
    return home.source(CALC, dependencies=[need])


# -- a plan that is old by the time it is done ------------------------------------------


def test_what_a_skill_needs_may_go_before_it_comes(home: Home) -> None:
    home.install(home.source(LIB))
    later = home.plan(needing(home))
    uninstall(home.receipts, LIB)
    with pytest.raises(ConflictError, match=f"{CALC} needs {LIB}") as caught:
        later()
    assert caught.value.hint == "try again"
    assert home.version(CALC) is None


def test_what_a_skill_needs_may_become_another_before_it_comes(home: Home) -> None:
    home.install(home.source(LIB))
    later = home.plan(needing(home))
    home.install(home.source(LIB, "2.0.0"))
    with pytest.raises(ConflictError, match=f"{CALC} needs {LIB}"):
        later()
    assert home.version(CALC) is None


def test_what_came_as_needed_and_was_asked_for_meanwhile_stays_asked_for(home: Home) -> None:
    installer = home.installer()
    goods = installer.bring(parse(str(home.source(LIB))))
    plan = Plan("project", [installer.step(goods, requested=False)])
    home.install(home.source(LIB))
    installer.apply(plan, agreed=True)
    found = home.receipts.find(LIB)
    assert found is not None and found.locked.requested
    assert remove_surplus(home.receipts, [LIB]) == []


def test_what_is_asked_for_and_was_there_as_needed_is_asked_for(home: Home) -> None:
    installer = home.installer()
    goods = installer.bring(parse(str(home.source(LIB))))
    installer.apply(Plan("project", [installer.step(goods, requested=False)]), agreed=True)
    home.install(home.source(LIB))
    found = home.receipts.find(LIB)
    assert found is not None and found.locked.requested
    assert read(lock_path(home.places))["com_example_mathlib"].requested


def test_a_folder_that_somebody_has_made_meanwhile_is_left_alone(home: Home) -> None:
    later = home.plan(home.source())
    mine = write_plugin(Path(home.receipts.root), ID, "0.1.0")
    with pytest.raises(ConflictError, match="meanwhile"):
        later()
    assert version_in(mine) == "0.1.0"


def test_a_folder_that_somebody_has_changed_meanwhile_is_left_alone(home: Home) -> None:
    home.install()
    later = home.plan(home.source(version="2.0.0"))
    mine = Path(home.receipts.root, ID, "notes.txt")
    mine.write_text("mine")
    with pytest.raises(ConflictError, match="meanwhile"):
        later()
    assert mine.read_text() == "mine"


def test_what_was_to_stay_and_is_gone_meanwhile_is_told(home: Home) -> None:
    home.install()
    later = home.plan(home.source(), home.source(LIB))
    uninstall(home.receipts, ID)
    with pytest.raises(ConflictError, match="meanwhile"):
        later()
    assert home.version() is None and home.version(LIB) is None


def test_a_skill_that_another_has_removed_is_not_updated(home: Home) -> None:
    home.install()
    later = home.plan(home.source(version="2.0.0"))
    uninstall(home.receipts, ID)
    with pytest.raises(ConflictError, match="meanwhile"):
        later()
    assert home.version() is None


def test_of_two_updates_to_different_versions_the_second_is_told(home: Home) -> None:
    home.install()
    later = home.plan(home.source(version="2.0.0"))
    home.install(home.source(version="3.0.0"))
    with pytest.raises(ConflictError, match="meanwhile"):
        later()
    assert home.version() == "3.0.0"


def test_what_nobody_needed_may_be_needed_before_it_is_removed(home: Home) -> None:
    installer = home.installer()
    goods = installer.bring(parse(str(home.source(LIB))))
    installer.apply(Plan("project", [installer.step(goods, requested=False)]), agreed=True)
    home.install(needing(home))
    assert remove_surplus(home.receipts, [LIB]) == []
    uninstall(home.receipts, CALC)
    assert [one.name for one in remove_surplus(home.receipts, [LIB])] == [LIB]
    assert remove_surplus(home.receipts, [LIB]) == []  # another was first


def test_what_was_not_locked_may_be_locked_before_it_is_removed(home: Home) -> None:
    home.install()
    os.unlink(lock_path(home.places))
    assert [one.name for one in plan_sync(home.installer()).surplus] == [ID]
    home.install()
    assert remove_unlocked(home.receipts, [ID]) == []
    assert home.version() == "1.0.0"
    os.unlink(lock_path(home.places))
    assert [one.name for one in remove_unlocked(home.receipts, [ID])] == [ID]
    assert remove_unlocked(home.receipts, [ID]) == []


# -- the store is cleared up --------------------------------------------------------------


def clear(home: Home) -> None:
    sweep(home.places, history=True)


def test_what_was_judged_may_be_cleared_away_before_it_is_installed(home: Home) -> None:
    later = home.plan(home.source())
    clear(home)
    later()
    assert home.version() == "1.0.0"


def test_what_is_staged_is_not_cleared_away(home: Home) -> None:
    home.install()
    installer = home.installer()
    step = installer.step(installer.bring(parse(str(home.source(version="2.0.0")))))
    staging.stage(home.receipts, installer.receipt(step))
    clear(home)
    (candidate,) = discover(home.places).named(ID)
    assert staging.commit(home.places, candidate) is not None
    assert home.version() == "2.0.0"


@pytest.mark.slow
def test_what_was_downloaded_may_be_cleared_away_before_it_is_installed(
    home: Home, tmp_path: Path
) -> None:
    shop = Shop(tmp_path / "market")
    shop.sell(ID)
    shop.open()

    async def work() -> None:
        url = shop.root.as_uri()
        async with PluginRegistry(marketplace_url=url, places=home.places) as registry:
            folder = await registry.download_plugin(ID)
            clear(home)
            assert not folder.exists()
            assert await registry.install_plugin(ID, folder) == Path(home.receipts.root, ID)

    anyio.run(work)
    assert home.version() == "1.0.0"


def test_what_skills_need_of_python_is_locked_while_nobody_installs(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    home.install()
    asked = []

    def bring(needs: Needs, steps: object, **more: object) -> list[str]:
        with pytest.raises(LockedError), scope_lock(home.receipts.folder, 0):
            pytest.fail("another could install")
        asked.append(steps)
        return []

    monkeypatch.setattr(Needs, "bring", bring)
    assert run(["sync", "--python", "--json"]) == 0
    assert asked == [()]


@needs_fork
@pytest.mark.slow
@pytest.mark.parametrize("verb", ["install", "update", "rollback", "sync"])
def test_the_store_may_be_cleared_up_at_any_step(home: Home, verb: str) -> None:
    home.install(home.source(version="2.0.0"))
    home.install()

    def start() -> Callable[[], object]:
        if verb == "install":
            home.remove(ID)
            clear(home)
            return home.install
        if home.version() != "1.0.0":
            home.install()
        if verb == "sync":
            with open(lock_path(home.places), "rb") as stream:
                lock = stream.read()
            home.remove(ID)
            with open(lock_path(home.places), "wb") as stream:
                stream.write(lock)
            clear(home)

            def sync() -> None:
                installer = home.installer()
                installer.apply(plan_sync(installer).plan, agreed=True)

            return sync
        if verb == "rollback":
            return lambda: rollback(home.receipts, ID)
        return lambda: home.install(home.source(version="2.0.0"))

    new = {"install": "1.0.0", "sync": "1.0.0"}.get(verb, "2.0.0")
    for number in range(1, LIMIT):
        work = start()
        with stop_at(work, number) as stopped:
            if stopped:
                clear(home)
        if not stopped:
            break
        assert home.version() == new
    assert number > 10


@needs_fork
@pytest.mark.slow
def test_one_may_install_while_the_store_is_cleared_up(home: Home) -> None:
    kept = home.source(LIB)
    for number in range(1, LIMIT):
        home.install()
        home.remove(ID)
        stored(home.places, kept)
        with stop_at(lambda: clear(home), number) as stopped:
            if stopped:
                home.install()
                assert home.version() == "1.0.0"
        if not stopped:
            break
        assert home.version() == "1.0.0"
    assert number > 3


@needs_fork
@pytest.mark.slow
def test_two_may_clear_up_at_once(home: Home) -> None:
    store = Store(home.places.store)
    for number in range(1, LIMIT):
        for name in (ID, LIB):
            stored(home.places, home.source(name))
        store.keep_wheel("a-1.0-py3-none-any.whl", b"a")
        with stop_at(lambda: clear(home), number) as stopped:
            if stopped:
                clear(home)
                assert store.digests() == []
        if not stopped:
            break
    assert number > 3


@needs_fork
@pytest.mark.slow
@pytest.mark.parametrize("before", ["nothing", "whole", "damaged"])
def test_two_may_keep_one_wheel_at_once(home: Home, before: str) -> None:
    store = Store(home.places.store)
    name, data = "a-1.0-py3-none-any.whl", b"the wheel"

    def keep() -> None:
        path = store.keep_wheel(name, data)
        with open(path, "rb") as stream:
            assert stream.read() == data

    for number in range(1, LIMIT):
        shutil.rmtree(os.path.join(store.root, "wheels"), ignore_errors=True)
        if before != "nothing":
            path = store.keep_wheel(name, data)
            if before == "damaged":
                os.chmod(path, 0o644)
                Path(path).write_bytes(b"harm")
        with stop_at(keep, number) as stopped:
            if stopped:
                keep()
                kept = store.keep_wheel(name, data)
                inode = os.stat(kept).st_ino
        if not stopped:
            break
        assert os.stat(kept).st_ino == inode  # what one was told is there, stays there
    assert number > (2 if before != "whole" else 0)


@needs_fork
@pytest.mark.slow
@pytest.mark.parametrize("harmed", [False, True], ids=["new", "damaged"])
def test_two_may_keep_one_tree_at_once(home: Home, harmed: bool, tmp_path: Path) -> None:
    store = Store(home.places.store)
    source = home.source()
    laid = tmp_path / "laid"

    def keep(folder: Path) -> None:
        store.lay(stored(home.places, source), str(folder))
        assert version_in(folder) == "1.0.0"

    for number in range(1, LIMIT):
        shutil.rmtree(store.root, ignore_errors=True)
        if harmed:
            file = Path(stored(home.places, source).folder, "main.py")
            file.chmod(0o644)
            file.write_text("harm")
        with stop_at(lambda n=number: keep(tmp_path / f"there{n}"), number) as stopped:
            if stopped:
                keep(tmp_path / f"here{number}")
        if not stopped:
            break
    assert number > 5 and not laid.exists()


# -- what waits for a reload --------------------------------------------------------------


def stage(home: Home, version: str) -> None:
    installer = home.installer()
    step = installer.step(installer.bring(parse(str(home.source(version=version)))))
    staging.stage(home.receipts, installer.receipt(step))


def reload(home: Home) -> None:
    for candidate in discover(home.places).named(ID):
        staging.commit(home.places, candidate)


def test_what_was_staged_for_one_version_is_not_put_over_another(home: Home) -> None:
    home.install()
    stage(home, "2.0.0")
    home.install(home.source(version="3.0.0"))
    reload(home)
    assert home.version() == "3.0.0"
    assert staging.staged(home.receipts, ID) is None


def test_what_was_staged_goes_with_what_it_was_for(home: Home) -> None:
    home.install()
    stage(home, "2.0.0")
    home.remove(ID)
    home.install()
    reload(home)
    assert home.version() == "1.0.0"


def test_a_staged_update_is_not_put_over_what_somebody_has_changed(home: Home) -> None:
    home.install()
    stage(home, "2.0.0")
    mine = Path(home.receipts.root, ID, "notes.txt")
    mine.write_text("mine")
    with pytest.raises(IntegrityError, match="not as it was installed"):
        reload(home)
    assert mine.read_text() == "mine"


@pytest.mark.parametrize("meanwhile", ["update", "uninstall", "rollback", "nothing"])
def test_an_update_is_taken_back_where_it_is_still_there(home: Home, meanwhile: str) -> None:
    home.install()
    stage(home, "2.0.0")
    (candidate,) = discover(home.places).named(ID)
    before = staging.commit(home.places, candidate)
    assert before is not None and home.version() == "2.0.0"
    if meanwhile == "update":
        home.install(home.source(version="3.0.0"))
    elif meanwhile == "uninstall":
        home.remove(ID)
    elif meanwhile == "rollback":
        rollback(home.receipts, ID)
    staging.take_back(home.places, "project", before)
    assert home.version() == {"update": "3.0.0", "uninstall": None}.get(meanwhile, "1.0.0")


@needs_fork
@pytest.mark.slow
@pytest.mark.parametrize("verb", ["update", "uninstall", "install"])
def test_a_host_may_reload_at_any_step(home: Home, verb: str) -> None:
    for version in ("3.0.0", "2.0.0", "1.0.0"):
        home.install(home.source(version=version))

    def start() -> Callable[[], object]:
        if home.version() != "1.0.0":
            home.install()
        stage(home, "2.0.0")
        if verb == "update":
            return try_to_update
        if verb == "install":
            home.remove(ID)
            return home.install
        return lambda: uninstall(home.receipts, ID)

    def try_to_update() -> None:
        try:
            home.install(home.source(version="3.0.0"))
        except ConflictError as error:
            assert "meanwhile" in error.message

    allowed = {"update": {"2.0.0", "3.0.0"}, "uninstall": {None}, "install": {"1.0.0"}}[verb]
    for number in range(1, LIMIT):
        with stop_at(start(), number) as stopped:
            if stopped:
                reload(home)
        if not stopped:
            break
        assert home.version() in allowed
    assert number > 10


# -- two of one kind ----------------------------------------------------------------------


@needs_fork
@pytest.mark.slow
@pytest.mark.parametrize(
    ("verb", "other"),
    [
        *(("install", "uninstall"), ("install", "trust"), ("update", "update")),
        *(("update", "uninstall"), ("update", "rollback"), ("update", "sync")),
        *(("uninstall", "install"), ("uninstall", "sync"), ("uninstall", "trust")),
        *(("rollback", "rollback"), ("rollback", "update"), ("rollback", "uninstall")),
    ],
)
def test_two_at_once_leave_what_one_after_the_other_leaves(
    home: Home, verb: str, other: str
) -> None:
    for version in ("2.0.0", "1.0.0"):
        home.install(home.source(version=version))
    project = home.places.project
    Trust(home.places.trust).add(project)

    def sync() -> None:
        installer = home.installer()
        installer.apply(plan_sync(installer).plan, agreed=True)

    def trust() -> None:
        Trust(home.places.trust).remove(project)
        Trust(home.places.trust).add(project)

    def tried(work: Callable[[], object]) -> Callable[[], None]:
        def run() -> None:
            try:
                work()
            except ConflictError as error:
                assert "meanwhile" in error.message
            except SkillNotFoundError:
                assert "uninstall" in (verb, other)

        return run

    works: dict[str, Callable[[], object]] = {
        "install": home.install,
        "update": lambda: home.install(home.source(version="2.0.0")),
        "uninstall": lambda: uninstall(home.receipts, ID),
        "rollback": lambda: rollback(home.receipts, ID),
        "sync": sync,
        "trust": trust,
    }
    source = {"install": home.source(), "update": home.source(version="2.0.0")}.get(verb)
    for number in range(1, LIMIT):
        if verb == "install":
            home.remove(ID)
        elif home.version() != "1.0.0" or not home.receipts.find(ID).history:  # type: ignore[union-attr]
            home.remove(ID)
            home.install(home.source(version="2.0.0"))
            home.install()
        work = home.plan(source) if source is not None else works[verb]
        with stop_at(tried(work), number) as stopped:
            if stopped:
                tried(works[other])()
        if not stopped:
            break
        recover(home.receipts)
        assert home.version() in ("1.0.0", "2.0.0", None)
        assert hidden(Path(home.receipts.root)) == []
        trusted = Trust.load(home.places).paths
        assert project in trusted
        folder = os.path.realpath(os.path.join(home.receipts.root, ID))
        assert (folder in trusted) == (home.version() is not None)
    assert number > 10


@needs_fork
@pytest.mark.slow
@pytest.mark.parametrize("where", ["user", "elsewhere"])
def test_two_scopes_share_the_store_and_nothing_else(
    home: Home, where: str, tmp_path: Path
) -> None:
    home.install()
    places = home.places
    if where == "elsewhere":
        (tmp_path / "elsewhere").mkdir()
        places = Places(str(tmp_path / "elsewhere"))
    scope = "user" if where == "user" else "project"
    theirs = Receipts(places, scope)
    store = Store(places.store)
    for number in range(1, LIMIT):
        home.remove(ID)
        if theirs.find(ID) is not None:
            uninstall(theirs, ID)
        clear(home)
        with stop_at(home.install, number) as stopped:
            if stopped:
                chosen = home.installer(scope, places)
                home.install(home.source(), installer=chosen)
                for candidate in discover(places).named(ID):
                    if candidate.usable and candidate.scope == scope:
                        installed_digests(candidate, places)
        if not stopped:
            break
        receipt = theirs.find(ID)
        assert home.version() == "1.0.0" and receipt is not None
        assert theirs.changed(receipt) == [] and store.find(receipt.locked.digest) is not None
    assert number > 10


# -- wheels -------------------------------------------------------------------------------

NAME = "word-sayer"


class Wheels:
    """Two wheels of one distribution, and an environment that they are installed into."""

    def __init__(self, home: Home, base: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.home = home
        base.mkdir()
        self.site = Site(base / "site-packages", monkeypatch)
        self.wheels = {version: skill_wheel(base, NAME, version) for version in ("1.0", "1.1")}
        self.whole: dict[str | None, dict[str, bytes]] = {None: {}}
        for version in ("1.1", "1.0"):
            self.install(version)
            self.whole[version] = self.site.files()

    def plan(self, version: str, scope: str = "project") -> Callable[[], object]:
        return self.home.plan(self.wheels[version], installer=self.home.installer(scope))

    def install(self, version: str, scope: str = "project") -> None:
        self.plan(version, scope)()

    def start(self, verb: str) -> Callable[[], object]:
        """Set up what was before, and return what another process does."""
        receipts = self.home.receipts
        if verb == "install":
            if receipts.find(NAME) is not None:
                uninstall(receipts, NAME)
            clear(self.home)
            return self.plan("1.0")
        if self.site.files() != self.whole["1.0"] or verb == "rollback":
            self.install("1.1")
            self.install("1.0")
        if verb == "update":
            return self.plan("1.1")
        return lambda: {"rollback": rollback, "uninstall": uninstall}[verb](receipts, NAME)

    def version(self) -> str | None:
        """Return what is there, by the files, the receipt and the lock alike."""
        receipt = self.home.receipts.find(NAME)
        row = read(lock_path(self.home.places)).get("word_sayer")
        there = {receipt.version if receipt else None, row.version if row else None}
        (found,) = [key for key, files in self.whole.items() if files == self.site.files()]
        assert {one and one.removesuffix(".0") for one in there} == {found}
        return found


@pytest.fixture
def wheels(home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Wheels]:
    made = Wheels(home, tmp_path / "wheels", monkeypatch)
    yield made
    made.site.forget()


def load_wheel(wheels: Wheels) -> None:
    """Ask whether its code may be imported; where it may, it is whole."""
    before = wheels.site.files()
    for candidate in discover(wheels.home.places).named(NAME):
        try:
            refuse(candidate, wheels.home.places)
        except IntegrityError as error:
            assert "while it was to be loaded" in error.message, (error.message, error.cause)
        else:
            # It began later, or was waited for.
            assert before in wheels.whole.values() or wheels.site.files() in wheels.whole.values()


def audit_wheels(wheels: Wheels) -> None:
    assert audit(wheels.home.receipts, {}).faults == []


@needs_fork
@pytest.mark.slow
@pytest.mark.parametrize("verb", ["install", "update", "rollback", "uninstall"])
@pytest.mark.parametrize("look", [load_wheel, audit_wheels, lambda one: clear(one.home)])
def test_at_any_step_a_wheel_is_whole_or_waited_for(
    wheels: Wheels, look: Callable[[Wheels], None], verb: str
) -> None:
    new = {"install": "1.0", "uninstall": None}.get(verb, "1.1")
    for number in range(1, LIMIT):
        with stop_at(wheels.start(verb), number) as stopped:
            if stopped:
                look(wheels)
        if not stopped:
            break
        assert wheels.version() == new
    assert number > 10


@needs_fork
@pytest.mark.slow
def test_two_scopes_may_install_one_wheel_at_once(wheels: Wheels) -> None:
    theirs = Receipts(wheels.home.places, "user")
    for number in range(1, LIMIT):
        with stop_at(wheels.start("install"), number) as stopped:
            if stopped:
                wheels.install("1.0", "user")
        if not stopped:
            break
        assert wheels.version() == "1.0" and theirs.find(NAME) is not None
        uninstall(theirs, NAME)
        wheels.install("1.1")
    assert number > 10


def test_a_wheel_whose_installation_was_cut_off_is_not_loaded(wheels: Wheels) -> None:
    receipts = wheels.home.receipts
    receipt = receipts.find(NAME)
    assert receipt is not None and receipt.version == "1.0.0"
    new = receipt.history[0]
    installing_wheels._Journal(receipts, NAME, receipt, new).write()
    wheels.site.install(str(wheels.wheels["1.1"]))
    (wheels.site.root / "word_sayer.py").unlink()
    for candidate in discover(wheels.home.places).named(NAME):
        with pytest.raises(IntegrityError, match="not wholly installed"):
            refuse(candidate, wheels.home.places)
    recover(receipts)
    assert wheels.version() == "1.1"
    for candidate in discover(wheels.home.places).named(NAME):
        refuse(candidate, wheels.home.places)


# -- many ---------------------------------------------------------------------------------


@pytest.mark.slow
def test_two_registries_of_one_process_take_turns(home: Home, tmp_path: Path) -> None:
    shop = Shop(tmp_path / "market")
    shop.sell(LIB, "2.0.0", name="Mathlib")
    shop.sell(CALC, dependencies=[{"plugin_id": LIB, "version_constraint": ">=2.0.0"}])
    shop.open()
    plugins = tmp_path / "project" / "plugins"

    async def work(number: int, url: str) -> None:
        async with PluginRegistry(plugins, marketplace_url=url, cooldown_days=0) as registry:
            for _ in range(2):
                await registry.install_plugin(CALC)
                await registry.install_plugin(LIB)
            assert {one.plugin_id for one in registry.list_installed_plugins()} == {CALC, LIB}

    async def both() -> None:
        async with anyio.create_task_group() as group:
            for number in range(3):
                group.start_soon(work, number, shop.root.as_uri())

    anyio.run(both)
    assert version_in(plugins / CALC) == "1.0.0" and version_in(plugins / LIB) == "2.0.0"


PROGRAM = """
import sys
from kurt_ext.discovery import discover
from kurt_ext.installer import Installer
from kurt_ext.places import Places
from kurt_ext.specs import parse
places = Places()
made = Installer(places, discover(places))
made.apply(made.plan([parse(path) for path in sys.argv[1:]]), agreed=True)
"""


@pytest.mark.slow
def test_five_that_install_overlapping_sets_agree(home: Home) -> None:
    names = [LIB, *[f"com.example.needing{number}" for number in range(3)]]
    needs = [{"plugin_id": LIB, "version_constraint": "^1.0.0", "optional": False}]
    paths = [str(home.source(names[0]))]
    paths += [str(home.source(name, dependencies=needs)) for name in names[1:]]
    for _ in range(3):
        running = [
            subprocess.Popen(
                [sys.executable, "-c", PROGRAM, *[paths[number] for number in chosen]],
                stderr=subprocess.PIPE,
                text=True,
            )
            for chosen in ((0, 1), (0, 2), (0, 3), (0, 1, 2), (0, 2, 3))
        ]
        ended = [(process.communicate()[1], process.returncode) for process in running]
        assert [code for _, code in ended] == [0] * 5, ended
        assert [home.version(name) for name in names] == ["1.0.0"] * 4
        home.remove(*reversed(names))
        sweep(home.places)
        assert Store(home.places.store).digests() == []
