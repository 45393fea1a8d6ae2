"""Whatever is asked of many plugins in whatever order, their lives stay whole.

A machine of random steps, one at a time and several at once, over plugins whose
hooks fail, hang, swallow their cancellation, take their time, or ask for something themselves.
"""

from __future__ import annotations

import asyncio
import re
import sys
import tempfile
from collections.abc import Coroutine
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule
from lives import BEHAVIOUR, JOURNAL, Judge, imported, needs, plugin
from trees import grow

from kurt_ext import hooks as ours
from kurt_ext.errors import KurtError
from kurt_ext.importer import unload
from kurt_ext.lifecycle import EVENTS, TRANSITIONS, WISHES, PluginEvent, legal
from kurt_ext.loader import PluginLoader
from kurt_ext.models import PluginStatus as S

NAMES = ("com.m.a", "com.m.b", "com.m.c", "com.m.d")
#: What each needs: c needs b, d needs c and can do without a.
NEEDS = {NAMES[2]: needs(NAMES[1]), NAMES[3]: needs(NAMES[2]) + needs(NAMES[0], optional=True)}
HOOKS = ("construct", "initialize", "activate", "deactivate", "cleanup")
STABLE = (S.UNLOADED, S.LOADED, S.ACTIVE, S.INACTIVE, S.FAILED)
ALIVE = (S.LOADED, S.ACTIVE, S.INACTIVE)
LETTERS = dict(zip(HOOKS, "ciadk", strict=True))
#: Of one object: cleaned up once where it was initialized or tried to be, deactivated
#: before where it was active; the hook that failed was called too.
WHOLE = re.compile("c(i(ad)*a?k)?")
LIMIT = 0.05

CODE = """\
import lives

class Plugin(lives.Recorded):
    def __init__(self, metadata, config):
        self.serial = len(lives.JOURNAL)
        super().__init__(metadata, config)
        lives.JOURNAL[-1] = (metadata.plugin_id, f"construct {self.serial}")

    async def _hook(self, name):
        begun = len(lives.JOURNAL)
        try:
            await super()._hook(name)
        finally:
            lives.JOURNAL[begun] = (self.name, f"{name} {self.serial}")

    async def greet(self, name="you"):
        return "{word} " + name
"""


async def _swallow() -> None:
    for _ in range(3):
        try:
            await asyncio.sleep(30)
        except asyncio.CancelledError:
            continue


def _stops() -> None:
    raise SystemExit("stop")


#: What a hook may do, besides asking for something.
DEEDS: dict[str, Any] = {
    "fails": "it is broken",
    "stops": _stops,
    "takes its time": lambda: asyncio.sleep(0.003),
    "hangs": lambda: asyncio.sleep(30),
    "swallows": _swallow,
}
names = st.sampled_from(NAMES)
wishes = st.sampled_from(WISHES)
deeds = st.sampled_from(
    [None, None, *DEEDS, *((wish, name) for wish in WISHES for name in NAMES[:2])]
)


class Lives(RuleBasedStateMachine):
    """Four plugins of one loader, in a loop that lives as long as the example."""

    def __init__(self) -> None:
        super().__init__()
        JOURNAL.clear()
        BEHAVIOUR.clear()
        self.path = list(sys.path)
        self.runner = asyncio.Runner()
        self.folder = tempfile.TemporaryDirectory()
        self.words = dict.fromkeys(NAMES, 0)
        for name in NAMES:
            self.write(name)
        self.events: list[PluginEvent] = []

    def write(self, name: str, broken: str = "") -> None:
        code = CODE.replace("{word}", str(self.words[name])) + broken
        files = plugin(name, code, dependencies=NEEDS.get(name, []))
        if broken:
            files.pop("plugin.json")
        grow(Path(self.folder.name) / name, files)

    def run(self, work: Coroutine[Any, Any, Any]) -> Any:
        async def bounded() -> Any:
            async with asyncio.timeout(20):  # nobody waits for ever
                return await work

        return self.runner.run(bounded())

    @initialize()
    def open(self) -> None:
        async def make() -> PluginLoader:
            loader = PluginLoader(
                self.folder.name, Judge(), hook_timeout=LIMIT, drain_timeout=LIMIT, quarantine=False
            )
            loader.subscribe(self.events.append)
            return loader

        self.loader = self.run(make())

    # -- what is asked ---------------------------------------------------------------

    def deed(self, chosen: Any) -> Any:
        if isinstance(chosen, tuple):
            wish, name = chosen
            return lambda: self.quietly(wish, name)
        return DEEDS[chosen]

    async def quietly(self, wish: str, name: str) -> None:
        try:
            await getattr(self.loader, f"{wish}_plugin")(name)
        except KurtError:
            return

    @rule(name=names, hook=st.sampled_from(HOOKS[1:]), chosen=deeds)
    def let_a_hook(self, name: str, hook: str, chosen: Any) -> None:
        if chosen is None:
            BEHAVIOUR.pop((name, hook), None)
        else:
            BEHAVIOUR[name, hook] = self.deed(chosen)

    @rule(name=names, wish=wishes)
    def ask(self, name: str, wish: str) -> None:
        before = self.loader.get_plugin_state(name).status
        begun = len(JOURNAL)
        told = len(self.events)
        error = self.run(self.asked(wish, name))
        if wish not in legal(before) and not (wish == "load" and before in (S.LOADED, S.ACTIVE)):
            assert error is not None
            assert [e for e in self.events[told:] if e.plugin_id == name] == []
            if wish != "activate":  # what it needs is activated before it is looked at
                assert len(JOURNAL) == begun
        assert self.loader.get_plugin_state(name).status in STABLE

    async def asked(self, wish: str, name: str) -> BaseException | None:
        try:
            await getattr(self.loader, f"{wish}_plugin")(name)
        except (KurtError, asyncio.CancelledError) as error:
            return error
        return None

    @rule(
        steps=st.lists(
            st.tuples(names, wishes, st.none() | st.integers(0, 25)), min_size=2, max_size=4
        )
    )
    def ask_at_one_time(self, steps: list[tuple[str, str, int | None]]) -> None:
        """Ask for several things; who has a number gives up after so many turns of the loop."""

        async def one(name: str, wish: str, turns: int | None) -> None:
            task = asyncio.ensure_future(self.asked(wish, name))
            if turns is not None:
                for _ in range(turns):
                    await asyncio.sleep(0)
                task.cancel()
            await asyncio.wait({task})

        async def every() -> None:
            await asyncio.gather(*(one(*step) for step in steps))

        self.run(every())

    @rule(name=names, broken=st.sampled_from(["", "", "1 / 0\n", "def :\n", "raise SystemExit\n"]))
    def edit(self, name: str, broken: str) -> None:
        self.words[name] += 1
        self.write(name, broken)

    @rule()
    def mend(self) -> None:
        BEHAVIOUR.clear()
        for name in NAMES:
            self.write(name)

    @rule()
    def load_at_start(self) -> None:
        answer = self.run(self.loader.auto_load_plugins())
        assert list(answer) == []  # none of them asks for it

    @rule()
    def look_again(self) -> None:
        self.loader.skills.refresh()

    @rule(name=names)
    def use(self, name: str) -> None:
        state = self.loader.get_plugin_state(name)
        if state.status in ALIVE:
            count = state.usage_count
            assert self.run(state.instance.greet()).endswith(" you")
            assert state.usage_count == count + 1

    # -- what must be so -------------------------------------------------------------

    def settle(self) -> None:
        """Wait until what runs beside has ended."""

        async def wait() -> None:
            lives = self.loader.skills.loading.lives
            while any(life.turn.is_taken for life in lives.values()) or self.beside():
                await asyncio.sleep(0.001)

        self.run(wait())

    @staticmethod
    def beside() -> list[str]:
        """Return what runs besides, but for the hooks that swallow their cancellation."""
        others = asyncio.all_tasks() - {asyncio.current_task()}
        found = [str(task.get_coro()) for task in others]
        return [task for task in found if "_guarded" not in task]

    @invariant()
    def lives_are_whole(self) -> None:
        if not hasattr(self, "loader"):
            return
        self.settle()
        for name in NAMES:
            state = self.loader.get_plugin_state(name)
            assert state.status in STABLE
            alive = state.status in ALIVE
            instance = state.__dict__["instance"]  # past the counter
            assert (instance is not None) == alive
            assert (state.error_message is not None) == (state.status == S.FAILED)
            assert bool(imported(name)) == alive, imported(name)
            living = self.living(name)
            assert living == ([instance.serial] if alive else [])
            if alive:  # what it needs is there
                for need in NEEDS.get(name, []):
                    needed = self.loader.get_plugin_state(need["plugin_id"]).status
                    fell = needed == S.FAILED  # a hook of its own failed since
                    assert need["optional"] or fell or needed in ALIVE, (name, needed)
        assert not [name for name in imported() if "@" in name]

    def living(self, name: str) -> list[int]:
        """Return the objects of a plugin that were initialized and not cleaned up."""
        lives = self.told(name)
        for called in lives.values():
            letters = "".join(LETTERS[hook] for hook in called)
            assert WHOLE.match(letters + "k") or WHOLE.match(letters), (name, lives)
            assert letters.count("i") <= 1
            assert letters.count("k") <= 1
            assert "aa" not in letters
            assert "dd" not in letters
        return [
            serial
            for serial, called in lives.items()
            if "initialize" in called and "cleanup" not in called
        ]

    def told(self, name: str) -> dict[int, list[str]]:
        found: dict[int, list[str]] = {}
        for plugin_id, line in JOURNAL:
            if plugin_id == name and " " in line:
                hook, serial = line.split()
                found.setdefault(int(serial), []).append(hook)
        return found

    @invariant()
    def events_follow_the_table(self) -> None:
        status = dict.fromkeys(NAMES, S.UNLOADED)
        for event in self.events:
            assert event.name in EVENTS
            assert event.before == status[event.plugin_id], (event, self.events)
            if event.before != event.after:
                assert event.after in TRANSITIONS[event.before].values(), event
            if event.name == "failed":
                assert event.after == S.FAILED
                assert event.error is not None
            status[event.plugin_id] = event.after
        if hasattr(self, "loader"):
            for name in NAMES:
                assert self.loader.get_plugin_state(name).status == status[name]

    @invariant()
    def nothing_is_left(self) -> None:
        if not hasattr(self, "loader"):
            return

        skills = self.loader.skills
        assert list(skills.loading.registry) == []
        alive = sum(life.status in ALIVE for life in skills.loading.lives.values())
        assert len(skills.readiness._live) <= alive

    def teardown(self) -> None:
        try:
            if hasattr(self, "loader"):
                BEHAVIOUR.clear()
                self.run(self.loader.close())
                for name in NAMES:
                    assert self.loader.get_plugin_state(name).status in (S.UNLOADED, S.FAILED)
                    assert self.living(name) == []
                assert imported() == []
                for life in self.loader.skills.loading.lives.values():
                    assert not life.turn.is_taken
        finally:
            self.runner.close()
            self.folder.cleanup()
            sys.path[:] = self.path
            for name in imported():
                unload(name.split(".")[1])
            JOURNAL.clear()
            BEHAVIOUR.clear()


@pytest.fixture(autouse=True)
def short_grace(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ours, "GRACE", 0.02)
    monkeypatch.setattr(ours, "_PAUSE", 0.005)


TestLives = Lives.TestCase
TestLives.settings = settings(
    max_examples=25,
    stateful_step_count=25,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
