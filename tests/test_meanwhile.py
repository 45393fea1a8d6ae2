"""Whoever comes while another process changes what both share sees the old or the new, whole."""

from __future__ import annotations

import asyncio
import os
import shutil
import socket
import tomllib
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from crashes import die_at, stop_at
from records import record
from sites import tool_py

from kurt_ext import (
    control,
    distinfo,
    environment_store,
    environments,
    hosts,
    quarantine,
    query,
    sockets,
)
from kurt_ext import index as store
from kurt_ext.acceptance import Acceptances, Wanted
from kurt_ext.config import Config
from kurt_ext.config_edit import disable, enable, set_value
from kurt_ext.discovery import discover
from kurt_ext.environments import Environment, environment_of, make, prune
from kurt_ext.environments import environments as every
from kurt_ext.errors import KurtError, LockedError
from kurt_ext.link import Environment as Site
from kurt_ext.link import is_linked, link, unlink
from kurt_ext.manager import SkillManager
from kurt_ext.places import Places
from kurt_ext.quarantine import Quarantine
from kurt_ext.registering import Registered, Registry
from kurt_ext.removing import host_status
from kurt_ext.sandbox import audit_files, auditing, scratch
from kurt_ext.sandbox.auditing import Audit, Tail, entries
from kurt_ext.shim import Shim
from kurt_ext.trust import Trust
from kurt_ext.verdicts import Verdicts

pytestmark = [
    pytest.mark.skipif(not hasattr(os, "fork"), reason="the system cannot fork"),
    # From 3.12 on, where a thread of a test before still lives.
    pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning"),
]
Work = Callable[[], object]
slow = pytest.mark.slow


def nothing() -> None:
    pass


def at_every_step(
    work: Work,
    meet: Work,
    *,
    before: Work = nothing,
    after: Work = nothing,
    least: int = 2,
    looked_at: str = "",
) -> None:
    """Stop the work before each of its changes, and meet it there.

    :param before: sets up what both find, and ``after`` looks at what both leave.
    :param least: so many changes the work must have, or nothing was tried.
    :param looked_at: stop it before each look into this folder instead.
    """
    for number in range(1, 400):
        before()
        with stop_at(work, number, looked_at=looked_at) as stopped:
            if stopped:
                meet()
        if not stopped:
            break
        after()
    assert number > least


# -- answers that are kept in a file ------------------------------------------------


class TestTrust:
    @slow
    @pytest.mark.parametrize("durable", [True, False])
    @pytest.mark.parametrize("verb", ["add", "remove"])
    def test_of_two_who_answer_at_once_both_count(
        self, tmp_path: Path, verb: str, durable: bool
    ) -> None:
        one, two, three = (tmp_path / name for name in ("one", "two", "three"))
        for folder in (one, two, three):
            folder.mkdir()

        def before() -> None:
            for folder in (two, three):
                Trust.load(Places()).remove(str(folder))
            Trust.load(Places()).add(str(one), durable=durable)

        def work() -> None:
            if verb == "add":
                Trust.load(Places()).add(str(two), durable=durable)
            else:
                Trust.load(Places()).remove(str(one))

        def meet() -> None:
            seen = Trust.load(Places())
            changed = {str(one), str(two)} if verb == "add" else set()
            assert seen.findings == () and {*seen.paths} in ({str(one)}, changed)
            assert Trust.load(Places()).add(str(three), durable=durable)

        def after() -> None:
            wanted = {one, two, three} if verb == "add" else {three}
            assert Trust.load(Places()).paths == tuple(sorted(map(str, wanted)))

        at_every_step(work, meet, before=before, after=after)

    @slow
    def test_one_who_dies_over_an_answer_leaves_the_others(self, tmp_path: Path) -> None:
        one, two = tmp_path / "one", tmp_path / "two"
        one.mkdir()
        two.mkdir()
        Trust.load(Places()).add(str(one))
        for work in (
            lambda: Trust.load(Places()).add(str(two), durable=False),
            lambda: Trust.load(Places()).remove(str(two)),
        ):
            for number in range(1, 100):
                died = die_at(work, number)
                seen = Trust.load(Places())
                assert seen.findings == () and seen.covers(str(one))
                if not died:
                    break


class TestConfiguration:
    @slow
    @pytest.mark.parametrize("scope", ["project", "user"])
    def test_of_two_who_edit_at_once_both_edits_count(self, project: Path, scope: str) -> None:
        places = Places()
        file = Path(places.project_config if scope == "project" else places.user_config)

        def before() -> None:
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text("# ours\n[tool]\ndisabled = ['three']  # not this one\n")

        def work() -> None:
            enable(Places(), "tool", "one", opt_in=True, scope=scope)
            set_value(Places(), "engine.run", "sequential", scope=scope)

        def meet() -> None:
            seen = Config.load(Places(), trusted=True)
            assert [*seen.findings] == [] and not seen.enabled("tool", "three", "x").enabled
            enable(Places(), "tool", "two", opt_in=True, scope=scope)
            disable(Places(), "tool", "three", "more", scope=scope)
            set_value(Places(), "plugin.four.enabled", False, scope=scope)

        def after() -> None:
            text = file.read_text()
            assert text.startswith("# ours\n") and "# not this one" in text
            found = tomllib.loads(text)
            assert sorted(found["tool"]["enabled"]) == ["one", "two"]
            assert found["tool"]["disabled"] == ["three"]
            assert found["plugin"] == {"four": {"enabled": False}}
            assert found["engine"] == {"run": "sequential"}

        at_every_step(work, meet, before=before, after=after, least=6)

    @slow
    def test_two_terminals_may_make_the_first_file(self, project: Path) -> None:
        places = Places()

        def before() -> None:
            with suppress(FileNotFoundError):
                os.unlink(places.project_config)

        def after() -> None:
            found = tomllib.loads(Path(places.project_config).read_text())
            assert found == {"engine": {"run": "a", "map": "b"}}

        at_every_step(
            lambda: set_value(Places(), "engine.run", "a"),
            lambda: set_value(Places(), "engine.map", "b"),
            before=before,
            after=after,
        )


ME = ("one", "1.0.0", "host 1", "bytes")


class TestQuarantine:
    @slow
    def test_two_hosts_count_the_same_failures(self, project: Path) -> None:
        places = Places()
        mine = Quarantine(places)  # as a host has it, over all its life

        def before() -> None:
            mine.release(ME[0])
            mine.failed(*ME, "at first")

        def meet() -> None:
            assert mine.held(*ME) is None
            mine.failed(*ME, "here")

        def after() -> None:
            held = mine.held(*ME)
            assert held is not None and held.failures == quarantine.LIMIT == 3

        at_every_step(
            lambda: Quarantine(places).failed(*ME, "there"), meet, before=before, after=after
        )

    @slow
    def test_what_one_releases_another_does_not_hold(self, project: Path) -> None:
        places = Places()
        mine = Quarantine(places)

        def before() -> None:
            for _ in range(quarantine.LIMIT):
                mine.failed(*ME, "x")
            assert mine.held(*ME) is not None

        def meet() -> None:
            seen = mine.held(*ME)
            assert seen is None or seen.failures == quarantine.LIMIT
            mine.failed("other", *ME[1:], "x")

        def after() -> None:
            assert mine.held(*ME) is None
            assert mine.release("other")

        at_every_step(lambda: Quarantine(places).release(ME[0]), meet, before=before, after=after)


class TestAcceptances:
    @slow
    def test_of_two_who_accept_at_once_both_count(self, tmp_path: Path) -> None:
        (tmp_path / "a").mkdir()
        places = Places()

        def report(rule: str) -> dict[str, Any]:
            finding = {"rule": rule, "severity": "warning", "message": "", "path": "", "line": 0}
            return {"name": "a", "path": str(tmp_path / "a"), "findings": [finding]}

        def accept(rule: str) -> None:
            Acceptances.load(places).accept([report(rule)], [Wanted(rule)], "ours")

        def rules() -> list[str]:
            seen = Acceptances.load(places)
            assert seen.findings == ()
            return sorted(row["rule"] for row in seen.rows)

        def before() -> None:
            for rule in ("one", "two"):
                Acceptances.load(places).withdraw(["a"], [Wanted(rule)])

        def meet() -> None:
            assert rules() in ([], ["one"])
            accept("two")

        def after() -> None:
            assert rules() == ["one", "two"]

        at_every_step(lambda: accept("one"), meet, before=before, after=after)


class TestVerdicts:
    @slow
    def test_one_reads_and_removes_while_another_keeps(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("kurt_ext.verdicts.KEEP", 1)
        folder = tmp_path / "a"
        folder.mkdir()
        (folder / "plugin.json").write_text("{}")
        row = {"path": "", "name": "a", "findings": [], "digests": {}}
        places = Places()

        def keep(rules: str) -> None:
            mine = Verdicts(places, rules)
            kept, mark = mine.find(str(folder))
            assert kept in (None, row) and mark is not None
            if kept is None:
                mine.keep(str(folder), mark, row)
            mine.close()

        at_every_step(
            lambda: keep("theirs"),
            lambda: [keep("theirs"), keep("mine")],
            before=lambda: shutil.rmtree(places.cache, ignore_errors=True),
            least=4,
        )

    @slow
    def test_a_cache_that_is_cleared_meanwhile_costs_nothing_else(
        self, project: Path, tmp_path: Path
    ) -> None:
        folder = tmp_path / "a"
        folder.mkdir()
        places = Places()

        def keep() -> None:
            mine = Verdicts(places, "rules")
            _, mark = mine.find(str(folder))
            assert mark is not None
            mine.keep(str(folder), mark, {"findings": [], "digests": {}})
            mine.close()

        at_every_step(keep, lambda: shutil.rmtree(places.cache, ignore_errors=True))


# -- environments ---------------------------------------------------------------------


@pytest.mark.skipif(os.name == "nt", reason="Windows keeps open files by itself")
class TestEnvironments:
    """One that a host has been given stays there while the host lives."""

    @pytest.fixture(autouse=True)
    def skill(self, project: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
        folder = project / "skills" / "one"
        folder.mkdir(parents=True)
        head = "---\nname: one\nversion: 1.0.0\ndescription: A skill. Use in tests.\n---\n"
        (folder / "SKILL.md").write_text(head)
        (folder / "skill.py").write_text("")
        (project / "kurt.toml").write_text('[plugin.one]\nenvironment = "own"\n')
        monkeypatch.setenv("KURT_TRUST", str(project))
        monkeypatch.setattr(environments, "fill", self.fill)
        yield
        self.let_go()

    @staticmethod
    def fill(folder: str, *ignored: object) -> tuple[str, str]:
        """Do what uv does, without uv."""
        python, site = os.path.join(folder, "python"), os.path.join(folder, "site")
        os.makedirs(site)
        Path(python).write_text("#!/bin/sh\n")
        os.chmod(python, 0o755)
        return python, site

    @staticmethod
    def let_go() -> None:
        """End, as far as what is held goes."""
        while environment_store._HELD:
            os.close(environment_store._HELD.popitem()[1])

    def use(self) -> Environment:
        found = discover(Places())
        made = environment_of(found.skill("one"), found.config, places=Places())
        assert made is not None
        return made

    def host(self) -> None:
        """Be a host that has come to use it, and that another wants to remove it under."""
        made = self.use()
        assert environment_store.load(made.path), "it is not there"
        prune(Places(), days=0)
        assert environment_store.load(made.path), "it was not held"

    def before(self) -> None:
        """Let it be there, and unused for long."""
        self.let_go()
        made = self.use()
        self.let_go()
        os.utime(os.path.join(made.path, "used"), (1, 1))

    def meet(self) -> None:
        self.used = self.use()

    def after(self) -> None:
        assert environment_store.load(self.used.path), "it is gone under the host"
        assert prune(Places(), days=0) == []
        assert len(every(Places())) == 1

    @slow
    def test_what_comes_into_use_is_not_removed(self) -> None:
        at_every_step(
            lambda: prune(Places()), self.meet, before=self.before, after=self.after, least=4
        )

    @slow
    def test_what_comes_into_use_is_not_replaced(self) -> None:
        def work() -> None:
            found = discover(Places())
            with suppress(LockedError):
                wanted = environments.asked_by(found.skill("one"))
                make(wanted, Places(), fresh=True, **environments.sources(found.config)._asdict())

        at_every_step(work, self.meet, before=self.before, after=self.after, least=10)

    @slow
    def test_what_is_removed_before_it_is_held_is_made_again(self) -> None:
        at_every_step(self.host, lambda: prune(Places()), before=self.before, after=self.let_go)

    @slow
    def test_what_is_made_is_removed_by_nobody_who_comes_meanwhile(self) -> None:
        def before() -> None:
            self.let_go()
            prune(Places(), days=0)
            assert every(Places()) == []

        at_every_step(self.host, lambda: prune(Places(), days=0), before=before, least=10)

    @slow
    def test_two_who_need_it_at_once_use_one(self) -> None:
        def before() -> None:
            self.let_go()
            prune(Places(), days=0)

        at_every_step(self.host, self.meet, before=before, after=self.after, least=10)

    @slow
    def test_one_who_dies_over_it_leaves_nothing_that_is_used(self) -> None:
        for number in range(1, 400):
            self.let_go()
            prune(Places(), days=0)
            died = die_at(self.use, number)
            assert len(every(Places())) <= 1
            self.host()
            root = environment_store.root_of(Places())
            assert [name for name in os.listdir(root) if name.startswith(".")] == []
            if not died:
                break
        assert number > 10

    @slow
    def test_one_may_be_removed_under_who_lists_them(self) -> None:
        def look() -> None:
            assert all(one.used and one.as_dict() for one in every(Places()))

        at_every_step(
            look,
            lambda: prune(Places(), days=0),
            before=self.before,
            looked_at=environment_store.root_of(Places()),
            least=1,
        )


# -- skills, the index of them, and what is shown of them ------------------------------


HEAD = "---\nname: {name}\nversion: {version}\ndescription: {name}. Use in tests.\n"


class TestListing:
    @pytest.fixture(autouse=True)
    def skills(self, project: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
        monkeypatch.setenv("KURT_TRUST", str(project))
        # So that an index is trusted within the time of a test at all.
        monkeypatch.setattr(store, "RACY_NS", 20_000_000)
        self.folder = project / "skills"
        for name in ("one", "two"):
            self.put(name)
        return self.folder

    def put(self, name: str, version: str = "1.0.0", more: str = "---\n", code: str = "") -> None:
        """Write a skill as a program does: whole, and into its place."""
        new = self.folder.parent / f".{name}"
        new.mkdir(parents=True)
        (new / "SKILL.md").write_text(HEAD.format(name=name, version=version) + more)
        (new / "skill.py").write_text(code)
        self.take(name)
        self.folder.mkdir(exist_ok=True)
        os.rename(new, self.folder / name)

    def take(self, name: str) -> None:
        shutil.rmtree(self.folder / name, ignore_errors=True)

    def seen(self) -> dict[str, str]:
        """Return name → version of what is found here, where nothing may be wrong."""
        found = discover(Places())
        mine = [one for one in found.winners if one.scope == "project"]
        assert [*found.problems] == [] and all(one.usable for one in mine)
        return {one.name: str(one.version) for one in mine}

    def shown(self) -> dict[str, str]:
        """Return the same of what any Python sees that has the shim on its path."""
        from importlib.metadata import distributions

        root = Places().shim("project")
        return {
            one.metadata["Name"].removeprefix("kurt-skill-"): one.version
            for one in distributions(path=[root])
        }

    def forget(self) -> None:
        for path in (Places().cache, Places().data):
            shutil.rmtree(path, ignore_errors=True)

    @slow
    def test_two_who_look_for_the_first_time_see_the_same(self) -> None:
        wanted = {"one": "1.0.0", "two": "1.0.0"}

        def look() -> None:
            assert self.seen() == self.shown() == wanted

        at_every_step(look, look, before=self.forget, after=look, least=20)

    @slow
    def test_one_with_an_old_view_takes_nothing_from_who_looks_later(self) -> None:
        wanted = {"two": "2.0.0", "three": "1.0.0"}

        def before() -> None:
            self.take("three")
            self.put("one")
            self.put("two")
            assert self.seen() == {"one": "1.0.0", "two": "1.0.0"}
            self.put("one", "1.1.0")  # what the other sees, and has to write down

        def meet() -> None:
            self.take("one")
            self.put("two", "2.0.0")
            self.put("three")
            assert self.seen() == wanted

        def after() -> None:
            assert self.seen() == self.shown() == wanted

        at_every_step(lambda: discover(Places()), meet, before=before, after=after, least=4)

    @slow
    def test_whoever_lists_after_one_who_died_sees_and_shows_all(self) -> None:
        for number in range(1, 400):
            self.forget()
            died = die_at(lambda: discover(Places()), number)
            for _ in range(2):
                assert self.seen() == self.shown() == {"one": "1.0.0", "two": "1.0.0"}
            if not died:
                break
        assert number > 20

    @slow
    def test_one_may_clear_the_cache_while_another_lists(self) -> None:
        at_every_step(
            lambda: discover(Places()),
            lambda: shutil.rmtree(Places().cache, ignore_errors=True),
            before=self.forget,
            after=lambda: self.seen(),
        )

    def test_one_may_clear_the_cache_right_after_another_has_written_it(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        replace = os.replace

        def clear(old: str, new: str) -> None:
            replace(old, new)
            shutil.rmtree(Places().index, ignore_errors=True)

        monkeypatch.setattr(os, "replace", clear)
        assert self.seen() == {"one": "1.0.0", "two": "1.0.0"}

    @slow
    @pytest.mark.parametrize("anew", [False, True], ids=["again", "first"])
    def test_skills_may_come_and_go_under_one_who_looks(self, anew: bool) -> None:
        wanted = {"two": "2.0.0", "three": "1.0.0"}

        def before() -> None:
            self.take("three")
            self.put("one")
            self.put("two")
            discover(Places(), refresh=True)
            self.put("one")

        def meet() -> None:
            self.take("one")
            self.put("two", "2.0.0")
            self.put("three")

        def after() -> None:
            assert self.seen() == self.shown() == wanted

        at_every_step(
            lambda: discover(Places(), refresh=anew).candidates,
            meet,
            before=before,
            after=after,
            looked_at=str(self.folder),
        )

    @slow
    @pytest.mark.parametrize("goes", [False, True], ids=["replaced", "gone"])
    def test_a_skill_may_change_under_one_who_loads_it(self, goes: bool) -> None:
        offers = "implements:\n  - type: tool\n    name: echo\n    class: Echo\n---\n"

        def put(version: str) -> None:
            self.put("one", version, offers, f"{tool_py()}\n    version = {version!r}\n")

        def load() -> None:
            with SkillManager() as skills, suppress(KurtError):
                assert skills.load("one:echo").obj.version in ("1.0.0", "2.0.0")

        def meet() -> None:
            if goes:
                self.take("one")
            else:
                put("2.0.0")

        def load_alone() -> None:
            with SkillManager() as skills:
                assert skills.load("one:echo").obj.version == "1.0.0"

        put("1.0.0")
        assert not die_at(load_alone, 10_000)
        at_every_step(
            load, meet, before=lambda: put("1.0.0"), least=2, looked_at=str(self.folder / "one")
        )

    def test_who_searches_means_the_skills_that_it_sees(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(query, "SQLITE_FROM", 1)
        mine = discover(Places())
        self.put("three")
        theirs = discover(Places())
        replace = os.replace

        def other(old: str, new: str) -> None:
            """Have another make its database when mine has come to its place."""
            replace(old, new)
            monkeypatch.setattr(os, "replace", replace)
            assert [one.name for one in query.select(theirs, text="three")] == ["three"]

        monkeypatch.setattr(os, "replace", other)
        assert [one.name for one in query.select(mine, text="two")] == ["two"]
        assert [one.name for one in query.select(mine, text="three")] == []

    @slow
    def test_a_skill_may_go_while_its_verdict_is_looked_for(self) -> None:
        folder = str(self.folder / "one")

        def find() -> None:
            Verdicts(Places(), "rules").find(folder)
            quarantine.fingerprint(folder)

        at_every_step(
            find,
            lambda: self.take("one"),
            before=lambda: [self.put("one")],
            looked_at=folder,
        )


class TestShim:
    OLD = (("kept", "0.1.0"), ("newer", "0.1.0"), ("gone", "0.1.0"))
    NEW = (("kept", "0.1.0"), ("newer", "0.2.0"), ("added", "0.1.0"))

    @staticmethod
    def entries(*rows: tuple[str, str]) -> list[Any]:
        made = [(f"/skills/{name}", record(name, version=version)) for name, version in rows]
        return [(folder, one, distinfo.offers(one, {})) for folder, one in made]

    @slow
    def test_what_is_being_written_is_not_called_damaged(self, tmp_path: Path) -> None:
        shim = Shim(str(tmp_path / "shim"))

        def meet() -> None:
            found = Shim(shim.root).status(self.entries(*self.NEW))
            assert {one.rule for one in found} <= {"shim-missing", "shim-stale", "shim-leftover"}

        def before() -> None:
            shim.sync(self.entries(*self.OLD))

        def after() -> None:
            assert shim.status(self.entries(*self.NEW)) == []

        at_every_step(
            lambda: shim.sync(self.entries(*self.NEW)),
            meet,
            before=before,
            after=after,
            least=10,
        )

    @slow
    @pytest.mark.parametrize("look", ["sync", "status", "distributions"])
    def test_it_may_be_written_under_one_who_looks(self, tmp_path: Path, look: str) -> None:
        shim = Shim(str(tmp_path / "shim"))

        def work() -> None:
            if look == "sync":
                assert shim.sync(self.entries(*self.OLD)).findings == ()
            elif look == "status":
                found = shim.status(self.entries(*self.NEW))
                assert "error" not in {one.severity for one in found}, found
            else:
                both = {f"kurt-skill-{name}" for name, _ in self.OLD + self.NEW}
                assert both.issuperset(shim.distributions())

        at_every_step(
            work,
            lambda: Shim(shim.root).sync(self.entries(*self.NEW)),
            before=lambda: shim.sync(self.entries(*self.OLD)),
            least=1,
            looked_at=shim.root,
        )


class TestLink:
    @slow
    @pytest.mark.parametrize("verb", [link, unlink])
    def test_two_who_link_or_unlink_at_once_both_succeed(
        self, tmp_path: Path, verb: Callable[[str, Site], object]
    ) -> None:
        site = tmp_path / "site-packages"
        site.mkdir()
        shim = Shim(str(tmp_path / "shim"))
        shim.sync(TestShim.entries(("one", "0.1.0")))
        here = Site(str(site))

        def before() -> None:
            if verb is link:
                unlink(shim.root, here)
            else:
                link(shim.root, here)

        def meet() -> None:
            for path in site.glob("*.pth"):  # as Python reads them
                assert path.read_text() == shim.root + "\n"
            verb(shim.root, here)

        def after() -> None:
            assert is_linked(shim.root, here) is (verb is link)
            assert [name for name in os.listdir(site) if not name.endswith(".pth")] == []

        at_every_step(lambda: verb(shim.root, here), meet, before=before, after=after, least=1)


# -- hosts ------------------------------------------------------------------------------


@pytest.mark.skipif(not sockets.is_supported(), reason="no Unix sockets here")
class TestHosts:
    def serve(self) -> None:
        """Be a host that ends at once."""

        async def main() -> None:
            skills = SimpleNamespace(places=Places())
            loader = SimpleNamespace(skills=skills, runtime_version="1.0.0", plugin_directory=None)
            with suppress(LockedError):
                async with control.serve(loader):  # type: ignore[arg-type]
                    pass

        asyncio.run(main())

    def listen(self) -> None:
        self.socket: socket.socket | None = None
        with suppress(LockedError):
            self.socket = sockets.listen(sockets.run_path(Places()))

    def answers(self) -> bool:
        found = sockets.connect(sockets.run_path(Places()), 1)
        if found is not None:
            found.close()
        return found is not None

    def after(self) -> None:
        if self.socket is None:
            self.listen()
        assert self.socket is not None and self.answers()
        os.unlink(sockets.run_path(Places()))
        self.socket.close()

    @slow
    def test_one_that_begins_while_another_ends_can_be_asked(self) -> None:
        at_every_step(self.serve, self.listen, after=self.after, least=5)

    @slow
    def test_who_asks_while_one_begins_or_ends_gets_an_answer_or_none(self) -> None:
        def meet() -> None:
            host = hosts.running(Places())
            assert host is None or host.project == os.path.realpath(Places().project)

        at_every_step(self.serve, meet, least=5)

    def test_one_that_ends_between_two_questions_holds_no_plugin(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        said = iter([object(), None])
        monkeypatch.setattr(hosts, "running", lambda places: next(said))
        assert host_status(Places(), "one") is None

    @slow
    def test_one_that_begins_after_another_has_died_can_be_asked(self) -> None:
        for number in range(1, 100):
            died = die_at(self.serve, number)
            self.listen()
            assert self.socket is not None
            self.after()
            if not died:
                break
        assert number > 5

    def test_one_that_dies_while_another_looks_gives_its_place(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        self.listen()
        assert self.socket is not None
        sweep = sockets._sweep

        def sweeps(folder: str) -> None:
            sweep(folder)
            if self.socket is not None:
                self.socket.close()

        monkeypatch.setattr(sockets, "_sweep", sweeps)
        last = sockets.listen(sockets.run_path(Places()))
        assert self.answers()
        last.close()


# -- what is written down of isolated plugins ---------------------------------------------


class TestAudit:
    @pytest.fixture(autouse=True)
    def small(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(auditing, "_FILE", 600)  # four lines
        monkeypatch.setattr(auditing, "_BURST", 10_000.0)
        self.folder = str(tmp_path / "audit")

    def say(self, *targets: str) -> None:
        with Audit(self.folder) as audit:
            for target in targets:
                audit.record("use", "one", "processes", target, True)
        assert audit.lost == 0

    def read(self) -> list[str]:
        return [line["target"] for line in entries(self.folder)]

    @slow
    def test_two_hosts_that_put_a_full_file_aside_lose_no_line(self) -> None:
        self.told = 0
        theirs = [f"theirs {number}" for number in range(7)]

        def before() -> None:
            shutil.rmtree(self.folder, ignore_errors=True)
            self.say("first", "second", "third")

        def meet() -> None:
            seen = self.read()
            assert seen[:3] == ["first", "second", "third"]
            self.say(*[f"mine {number}" for number in range(7)])

        def after() -> None:
            seen = self.read()
            assert len(seen) == len({*seen}) == 17
            assert [one for one in seen if one in theirs] == theirs

        at_every_step(lambda: self.say(*theirs), meet, before=before, after=after, least=5)

    def test_a_reader_misses_no_file_that_is_put_aside_meanwhile(self) -> None:
        self.say(*"abcdef")
        reading = entries(self.folder)
        assert next(reading)["target"] == "a"
        self.say(*"ghijklmnop")
        seen = ["a", *[line["target"] for line in reading]]
        assert seen == [*"abcdefghijklmnop"][: len(seen)] and len(seen) >= 6

    def test_a_reader_stops_where_it_began_to_be_put_aside(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        self.say(*"abc")
        listed = audit_files.listed

        def late(folder: str) -> list[tuple[str, int, str]]:
            """Have another host put the file aside between the look and the reading."""
            found = listed(folder)
            monkeypatch.setattr(audit_files, "listed", listed)
            self.say(*"defghi")
            return found

        monkeypatch.setattr(audit_files, "listed", late)
        assert self.read() == [*"abcdefghi"]

    @slow
    def test_who_follows_sees_each_line_once(self) -> None:
        def before() -> None:
            shutil.rmtree(self.folder, ignore_errors=True)
            self.say("first")
            self.tail = Tail(self.folder)
            self.seen: list[str] = []

        def meet() -> None:
            self.seen += [line["target"] for line in self.tail.new()]

        def after() -> None:
            meet()
            assert sorted(self.seen) == [*"abcdefghij"]

        at_every_step(lambda: self.say(*"abcdefghij"), meet, before=before, after=after, least=5)

    def test_who_follows_from_the_first_line_on_sees_each_once(self) -> None:
        self.say(*"abcdef")
        tail = Tail(self.folder, past=True)
        seen = [line["target"] for line in tail.new()]
        self.say("g")
        seen += [line["target"] for line in tail.new()]
        assert seen == [*"abcdefg"]

    def test_who_follows_goes_on_when_the_oldest_files_are_removed(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(auditing, "_ALL", 1800)
        tail = Tail(self.folder)
        seen: list[str] = []
        for number in range(60):
            self.say(str(number))
            seen += [line["target"] for line in tail.new()]
        assert seen == [str(number) for number in range(60)]

    def test_who_follows_is_not_stopped_by_a_file_that_is_just_gone(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        self.say("first")
        tail = Tail(self.folder)
        self.say("second")
        path = auditing.files(self.folder)[-1]
        listed = audit_files.listed

        def late(folder: str) -> list[tuple[str, int, str]]:
            """Have another host put the file aside after the look, and not begin the next."""
            found = listed(folder)
            if os.path.exists(path):
                os.rename(path, path.replace(".jsonl", ".1.jsonl"))
            return found

        monkeypatch.setattr(audit_files, "listed", late)
        assert [line["target"] for line in tail.new()] == ["second"]


class TestScratch:
    @slow
    def test_two_hosts_that_clear_up_at_once_both_go_on(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
        gone = os.fork()
        if gone == 0:
            os._exit(0)
        os.waitpid(gone, 0)
        left = tmp_path / f"kurt-{gone}-left"

        def before() -> None:
            (left / "a" / "b").mkdir(parents=True)
            (left / "a" / "b" / "c").write_text("")

        def sweep() -> None:
            scratch._swept.clear()
            scratch.sweep()

        def after() -> None:
            assert not left.exists()

        at_every_step(sweep, sweep, before=before, after=after)

    @pytest.mark.skipif(os.name == "nt", reason="Windows has no users of this kind")
    def test_the_folder_of_a_host_whose_number_means_nothing_here_is_left_alone(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
        living = scratch.Scratch()
        # As in another container, which shares the folder of temporary files.
        monkeypatch.setattr(scratch, "_lives", lambda pid: False)
        scratch._swept.clear()
        scratch.sweep()
        assert os.path.isdir(living.path)
        living._remove()
        assert not os.path.exists(living.path)


# -- two threads of one host ---------------------------------------------------------------


class TestRegistry:
    class Seen(str):
        """A name; while it is looked for, another thread registers something."""

        meanwhile: Callable[[], None]

        def __eq__(self, other: object) -> bool:
            self.meanwhile()
            return str(self) == other

        __hash__ = str.__hash__

    def test_one_thread_may_register_while_another_looks(self) -> None:
        registry = Registry()
        for number in range(3):
            registry.replace(Registered("kurt.tool", f"x{number}", "one", number))
        name = self.Seen("x1")
        name.meanwhile = lambda: registry.replace(Registered("kurt.tool", "y", "two", object()))
        assert [row.obj for row in registry.find(name)] == [1]

    def test_what_is_put_in_the_place_of_another_is_always_there(self) -> None:
        registry = Registry()
        registry.replace(Registered("kurt.tool", "x", "two", "other"))
        registry.replace(Registered("kurt.tool", "x", "one", "old"))
        seen = []

        class Skill(str):
            """The name of a skill, compared while its old row is looked for."""

            __hash__ = str.__hash__

            def __ne__(self, other: object) -> bool:
                seen.append({row.obj for row in registry.find("x")})
                return str(self) != other

            def __eq__(self, other: object) -> bool:
                return not self != other

        registry.put_back(Skill("one"), [Registered("kurt.tool", "x", "one", "new")])
        assert seen and all(one in ({"old", "other"}, {"new", "other"}) for one in seen)
        assert {row.obj for row in registry.find("x")} == {"new", "other"}
