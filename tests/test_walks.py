"""However a life goes, its state follows the table, and every object is ended once."""

from __future__ import annotations

import asyncio
import re
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from lives import BEHAVIOUR, JOURNAL, Judge, fresh_journal, plant, plugin

from kurt_ext import KurtError, PluginLoader, TransitionError
from kurt_ext.lifecycle import TRANSITIONS, WISHES, legal
from kurt_ext.models import PluginStatus

NAME = "com.example.walker"
CODE = """
import asyncio

import lives


class Plugin:
    def __init__(self, metadata, config):
        self.serial = str(sum(hook == "construct" for _, hook in lives.JOURNAL))
        self.note("construct")

    def note(self, hook):
        lives.JOURNAL.append((self.serial, hook))
        if lives.BEHAVIOUR.pop(("", hook), None):
            raise ValueError(hook)

    async def initialize(self):
        self.note("initialize")
        await asyncio.sleep(0)

    async def activate(self):
        self.note("activate")
        await asyncio.sleep(0)

    def deactivate(self):
        self.note("deactivate")

    async def cleanup(self):
        self.note("cleanup")
        await asyncio.sleep(0)
"""
HOOKS = ("construct", "initialize", "activate", "deactivate", "cleanup")
LETTERS = dict(zip(HOOKS, "ciadk", strict=True))
#: An object that is initialized is cleaned up, and deactivated before where it was active.
WHOLE = re.compile("c(i(ad)*a?k)?")
S = PluginStatus


@pytest.fixture(autouse=True)
def own_path(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let no later test find the shim of this one's plugins."""
    monkeypatch.setattr(sys, "path", list(sys.path))


def expected(before: S, wish: str, failed: str | None) -> S:
    """Return the state that a wish leads to; ``failed`` is the hook that failed on the way."""
    if before == S.FAILED and wish == "reload":
        wish = "load"
    if wish == "load":
        return S.FAILED if failed else S.LOADED
    if wish == "unload":
        return S.FAILED if failed else S.UNLOADED
    if wish == "reload":
        return before  # the new code takes the place, or the old one goes on
    return S.FAILED if failed else TRANSITIONS[before][wish]


@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    st.lists(st.tuples(st.sampled_from(WISHES), st.none() | st.sampled_from(HOOKS)), max_size=12)
)
@example([("load", None), ("activate", None), ("reload", "deactivate"), ("unload", "cleanup")])
@example([("load", None), ("activate", None), ("unload", "deactivate"), ("load", None)])
@example([("load", "initialize"), ("reload", None), ("activate", "activate"), ("load", None)])
def test_a_walk_through_the_states(project: Path, steps: Sequence[tuple[str, str | None]]) -> None:
    plant((NAME, plugin(NAME, CODE)))

    async def walk() -> None:
        async with PluginLoader("plugins", Judge(), quarantine=False) as loader:
            state = loader.get_plugin_state(NAME)
            for wish, failing in steps:
                await step(loader, state, wish, failing)

    async def step(loader: PluginLoader, state: object, wish: str, failing: str | None) -> None:
        before = loader.get_plugin_state(NAME).status
        BEHAVIOUR.clear()
        if failing:
            BEHAVIOUR["", failing] = True
        begun = len(JOURNAL)
        error: KurtError | None = None
        try:
            await getattr(loader, f"{wish}_plugin")(NAME)
        except KurtError as raised:
            error = raised
        failed = failing if failing and ("", failing) not in BEHAVIOUR else None
        now = loader.get_plugin_state(NAME)
        assert now is state
        if wish == "load" and before in (S.LOADED, S.ACTIVE):
            assert (now.status, error, len(JOURNAL)) == (before, None, begun)
        elif wish not in legal(before):
            assert isinstance(error, TransitionError)
            assert (now.status, error.legal, len(JOURNAL)) == (before, legal(before), begun)
        else:
            assert now.status == expected(before, wish, failed)
            assert (now.instance is not None) == (now.status in (S.LOADED, S.ACTIVE, S.INACTIVE))
            assert (now.error_message is not None) == (now.status == S.FAILED)
            if wish == "reload" and failed in ("deactivate", "cleanup") and before != S.FAILED:
                assert error is None  # of the old code, which is gone
            else:
                assert (error is not None) == (failed is not None)

    with fresh_journal():
        asyncio.run(walk())
        assert_whole()


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    st.lists(
        st.lists(
            st.tuples(st.sampled_from(WISHES), st.none() | st.integers(0, 12)),
            min_size=1,
            max_size=4,
        ),
        max_size=5,
    )
)
@example([[("load", 1), ("load", None), ("load", 3)], [("reload", 4), ("activate", None)]])
@example([[("load", None)], [("activate", None)], [("unload", 2), ("reload", None)]])
def test_what_is_asked_at_one_time_and_given_up_halfway_leaves_a_whole_life(
    project: Path, rounds: Sequence[Sequence[tuple[str, int | None]]]
) -> None:
    plant((NAME, plugin(NAME, CODE)))

    async def walk() -> None:
        async with PluginLoader("plugins", Judge(), quarantine=False) as loader:
            state = loader.get_plugin_state(NAME)
            for wishes in rounds:
                await asyncio.gather(*[ask(loader, wish, turns) for wish, turns in wishes])
                assert state.status not in (S.LOADING, S.UNLOADING)
                alive = state.status in (S.LOADED, S.ACTIVE, S.INACTIVE)
                assert (state.instance is not None) == alive

    async def ask(loader: PluginLoader, wish: str, turns: int | None) -> None:
        """Ask for something; with ``turns``, be cancelled after so many turns of the loop."""
        task = asyncio.ensure_future(getattr(loader, f"{wish}_plugin")(NAME))
        if turns is not None:
            for _ in range(turns):
                await asyncio.sleep(0)
            task.cancel()
        (outcome,) = await asyncio.gather(task, return_exceptions=True)
        if isinstance(outcome, BaseException):
            assert isinstance(outcome, (KurtError, asyncio.CancelledError)), repr(outcome)

    with fresh_journal():
        asyncio.run(walk())
        assert_whole()


def assert_whole() -> None:
    told: dict[str, str] = {}
    for serial, hook in JOURNAL:
        told[serial] = told.get(serial, "") + LETTERS[hook]
    for hooks in told.values():
        assert WHOLE.fullmatch(hooks), told


@pytest.mark.parametrize(
    ("hooks", "whole"),
    [("c", True), ("cik", True), ("ciadadk", True), ("ciak", True), ("ci", False), ("cikk", False)],
)
def test_a_whole_life_is_told_from_one_that_is_not(hooks: str, whole: bool) -> None:
    assert (WHOLE.fullmatch(hooks) is not None) is whole
