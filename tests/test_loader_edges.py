"""What a change of one line in the loader's parts would break, and no other test would see."""

from __future__ import annotations

import asyncio
import colorsys
import json
import logging
import sys
import threading
import time
from collections.abc import Iterator
from itertools import permutations
from pathlib import Path
from typing import Any

import lives
import pytest
from lives import (
    BEHAVIOUR,
    JOURNAL,
    Heard,
    Judge,
    fresh_journal,
    hooks,
    loading,
    manifest,
    needs,
    plant,
    plugin,
    run,
    until,
)
from sites import installed, tool_py
from trees import distribution, grow

from kurt_ext import autoload
from kurt_ext import hooks as running
from kurt_ext.errors import (
    ContractError,
    DependencyError,
    HookError,
    HookTimeoutError,
    ManifestError,
    PluginLoadError,
    PluginValidationError,
    PluginVersionConflictError,
    QuarantinedError,
    TransitionError,
)
from kurt_ext.hooks import bounded
from kurt_ext.lifecycle import after, require
from kurt_ext.loader import PluginLoader
from kurt_ext.manager import SkillManager
from kurt_ext.models import PluginMetadata, PluginValidationResult
from kurt_ext.models import PluginStatus as S
from kurt_ext.places import Places
from kurt_ext.turns import Turn

A, B, C, D, E = (f"com.a.{letter}" for letter in "abcde")
GREET = [{"name": "greet", "description": "Greet", "version": "1.0.0", "parameters": {}}]


@pytest.fixture(autouse=True)
def journal(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(sys, "path", list(sys.path))
    with fresh_journal():
        yield


def _auto(name: str, *, priority: int = 100, enabled: bool = True, **fields: Any) -> None:
    config = {"plugin_id": name, "auto_load": True, "priority": priority, "enabled": enabled}
    plant((name, plugin(name, files={"config.json": json.dumps(config)}, **fields)))


# -- turns -----------------------------------------------------------------------------


def test_one_who_asks_within_an_inner_turn_for_the_outer_one_is_refused() -> None:
    async def main() -> None:
        one, two = Turn("one"), Turn("two")
        async with one, two:
            with pytest.raises(TransitionError, match="one is asked for something") as found:
                async with one:
                    pass
            assert "one" in (found.value.cause or "")
            assert found.value.skill == "one"
            assert "after the hook has returned" in (found.value.hint or "")

    run(main)


def test_a_task_of_an_inner_turn_that_is_over_still_belongs_to_the_outer_one() -> None:
    async def main() -> None:
        one, two = Turn("one"), Turn("two")

        async def ask() -> None:
            await asyncio.sleep(0)
            async with one:
                pass

        async with one:
            async with two:
                task = asyncio.ensure_future(ask())
            with pytest.raises(TransitionError):
                await asyncio.wait_for(task, 5)

    run(main)


def test_a_task_that_outlives_its_turn_waits_for_the_next_one_who_has_it() -> None:
    async def main() -> None:
        turn, found = Turn("one"), list[str]()

        async def later() -> None:
            await asyncio.sleep(0.005)
            async with turn:
                found.append("later")

        async with turn:
            task = asyncio.ensure_future(later())

        async def other() -> None:
            async with turn:
                await asyncio.sleep(0.02)
                found.append("other")

        await asyncio.wait_for(asyncio.gather(other(), task), 5)
        assert found == ["other", "later"]

    run(main)


def test_one_who_has_joined_anothers_work_does_not_wait_for_it_any_more() -> None:
    async def main() -> None:
        one, two, found = Turn("one"), Turn("two"), list[str]()
        done: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        done.set_result(3)

        async def other() -> None:
            async with two:
                await asyncio.sleep(0.005)
                async with one:
                    found.append("other")

        task = asyncio.ensure_future(other())
        async with one:
            assert await two.join(done) == 3
            await asyncio.sleep(0.02)  # the other one asks meanwhile, and nobody waits for it
        await asyncio.wait_for(task, 5)
        assert found == ["other"]

    run(main)


def test_one_who_had_to_wait_for_a_turn_does_not_wait_for_it_any_more() -> None:
    async def main() -> None:
        one, two, found = Turn("one"), Turn("two"), list[str]()

        async def first() -> None:
            async with two:
                await asyncio.sleep(0.005)

        async def other() -> None:
            await asyncio.sleep(0.01)
            async with two, one:
                found.append("other")

        tasks = [asyncio.ensure_future(first()), asyncio.ensure_future(other())]
        await asyncio.sleep(0)
        async with one:
            async with two:
                pass
            await asyncio.sleep(0.03)  # the other one asks meanwhile, and nobody waits for it
        await asyncio.wait_for(asyncio.gather(*tasks), 5)
        assert found == ["other"]

    run(main)


def test_a_sync_call_while_the_turn_is_handed_over_is_told_that_it_waits_for_itself() -> None:
    plant((A, plugin(A, capabilities=GREET)))

    async def main() -> None:
        async with loading() as loader:
            await loader.load_plugin(A)
            life = next(iter(loader.skills.loading.lives.values()))

            async def take() -> None:
                async with life.turn:
                    await asyncio.sleep(0)

            waiting = asyncio.ensure_future(take())
            async with life.turn:
                await asyncio.sleep(0)
            # It is the other task's now, which wakes up when this one lets it.
            with pytest.raises(TransitionError, match="event loop") as found:
                loader.skills.run(f"{A}:greet", {})
            assert "call" in (found.value.cause or "")
            assert found.value.hint == "use the async face there: await skills.arun(…)"
            await waiting
            assert loader.skills.run(f"{A}:greet", {}).data == "Hello you"

    run(main)


# -- the table -------------------------------------------------------------------------


@pytest.mark.parametrize("status", list(S))
def test_what_is_not_legal_is_told_with_what_is(status: S) -> None:
    refused = [wish for wish in ("load", "activate") if (status, wish) not in _LEGAL]
    for wish in refused:
        with pytest.raises(TransitionError) as found:
            require(A, status, wish)
        error = found.value
        assert (error.skill, error.status, error.wish) == (A, str(status), wish)
        if error.legal:
            assert error.cause == f"legal now: {', '.join(error.legal)}"
            assert error.hint == f"kurt plugin {error.legal[0]} {A}"
        else:
            assert error.cause == f"wait until it is no longer {status}"
            assert error.hint == f"kurt plugin info {A}"


_LEGAL = {
    (S.UNLOADED, "load"),
    (S.FAILED, "load"),
    (S.LOADED, "activate"),
    (S.INACTIVE, "activate"),
}


def test_a_label_that_a_state_does_not_have_is_told_with_both() -> None:
    with pytest.raises(TransitionError, match="from unloaded by fail") as found:
        after(S.UNLOADED, "fail")
    error = found.value
    assert (error.status, error.wish, error.legal) == ("unloaded", "fail", ("load",))


# -- hooks -----------------------------------------------------------------------------


class _Called:
    async def __call__(self) -> threading.Thread:
        return threading.current_thread()


def test_an_object_with_an_async_call_runs_on_the_loop_and_leaves_no_thread_when_it_is_late() -> (
    None
):
    class Slow:
        async def __call__(self) -> None:
            while True:
                try:
                    await asyncio.sleep(30)
                except asyncio.CancelledError:
                    if gone:
                        raise

    gone: list[int] = []

    async def main() -> None:
        assert await bounded(_Called(), limit=5) is threading.current_thread()
        with pytest.raises(running.Late) as found:
            await bounded(Slow(), limit=0.01)
        assert (found.value.left, found.value.in_thread) == (True, False)
        gone.append(1)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(running, "GRACE", 0.1)
        run(main)


def test_one_who_is_cancelled_while_a_thread_runs_on_is_cancelled(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(running, "GRACE", 0.05)
    gate = threading.Event()

    async def main() -> None:
        task = asyncio.ensure_future(bounded(lambda: gate.wait(10), limit=30))
        await asyncio.sleep(0.02)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        gate.set()

    run(main)


def test_one_who_is_cancelled_lets_a_thread_return_that_does_so_in_its_grace() -> None:
    ended: list[str] = []

    def work() -> None:
        time.sleep(0.1)
        ended.append("yes")

    async def main() -> None:
        task = asyncio.ensure_future(bounded(work, limit=30))
        await asyncio.sleep(0.02)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert ended == ["yes"]

    run(main)


def test_a_hook_that_raises_is_told_with_its_place() -> None:
    code = """\
class Plugin:
    def __init__(self, metadata, config): pass
    def activate(self):
        raise ValueError("no")
"""
    plant((A, plugin(A, code)))

    async def main() -> None:
        async with loading() as loader:
            await loader.load_plugin(A)
            with pytest.raises(HookError) as found:
                await loader.activate_plugin(A)
            error = found.value
            assert (error.hook, error.skill) == ("activate", A)
            assert (error.at or "").endswith("main.py:4")

    run(main)


@pytest.mark.parametrize(
    ("code", "leak"),
    [
        ("    def initialize(self): time.sleep(0.6)", "its thread cannot be stopped"),
        ("    async def initialize(self): await swallow()", "it swallows its cancellation"),
        ("    async def initialize(self): await asyncio.sleep(30)", None),
    ],
    ids=["thread", "swallows", "ends"],
)
def test_a_late_hook_is_told_with_its_time_its_place_and_what_it_left(
    code: str, leak: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(running, "GRACE", 0.1)
    text = f"""\
import asyncio
import time
until = time.monotonic() + 0.6
async def swallow():
    while time.monotonic() < until:
        try:
            await asyncio.sleep(0.05)
        except asyncio.CancelledError:
            pass
class Plugin:
    def __init__(self, metadata, config): pass
{code}
"""
    plant((A, plugin(A, text)))

    async def main() -> None:
        async with loading(hook_timeout=0.05) as loader:
            with pytest.raises(HookTimeoutError, match=r"within 0\.05 s") as found:
                await loader.load_plugin(A)
            error = found.value
            expected = f"{leak} and still runs in this process" if leak else None
            assert error.cause == expected
            assert (error.hook, error.skill) == ("initialize", A)
            assert error.at is not None
            assert error.at.endswith("main.py:12")
            assert "timeout_seconds' 60" in (error.hint or "")
            while time.monotonic() < loader_started + 0.7:
                await asyncio.sleep(0.01)  # what was left behind ends

    loader_started = time.monotonic()
    run(main)


def test_an_async_factory_that_hangs_is_told_by_name_and_one_that_ends_is_timed() -> None:
    code = (
        "import asyncio\nasync def create_plugin(metadata, config):\n    await asyncio.sleep({})\n"
    )
    good = code.format(0) + "    return object()\n"
    plant((A, plugin(A, code.format(30))), (B, plugin(B, good)))

    async def main() -> None:
        async with loading(hook_timeout=0.3) as loader:
            with pytest.raises(HookTimeoutError, match=r"create_plugin .* within 0\.3 s") as found:
                await loader.load_plugin(A)
            assert found.value.hook == "create_plugin"
            await loader.load_plugin(B)
            phases = [timing.phase for timing in loader.timings() if timing.plugin_id == B]
            assert "construct" in phases

    run(main)


# -- what is needed --------------------------------------------------------------------


@pytest.mark.parametrize("order", list(permutations((B, C, E))))
def test_what_two_others_need_too_is_found_in_whatever_order_it_is_named(
    order: tuple[str, ...],
) -> None:
    plant(
        (A, plugin(A, dependencies=needs(*order))),
        (B, plugin(B, dependencies=needs(D))),
        (C, plugin(C, dependencies=needs(D))),
        D,
        E,
    )

    async def main() -> None:
        async with loading() as loader:
            assert (await loader.load_plugin(A)).status == S.LOADED
            assert {name for name, hook in JOURNAL if hook == "initialize"} == {A, B, C, D, E}

    run(main)


def test_where_somebody_else_activates_one_that_is_needed_the_others_are_activated_too() -> None:
    plant((A, plugin(A, dependencies=needs(B, C))), B, C)
    BEHAVIOUR[B, "activate"] = lambda: asyncio.sleep(0.05)

    async def main() -> None:
        async with loading() as loader:
            await loader.load_plugin(A)
            other = asyncio.ensure_future(loader.activate_plugin(B))
            await until(lambda: "activate" in hooks(B))
            await loader.activate_plugin(A)
            await other
            assert [loader.get_plugin_state(name).status for name in (A, B, C)] == [S.ACTIVE] * 3
            assert hooks(B).count("activate") == 1

    run(main)


def test_a_dependency_that_fails_is_told_with_its_own_words_and_nothing_added() -> None:
    plant((A, plugin(A, dependencies=needs(B))), (B, plugin(B, "Plugin = 3\n")))
    config = {"plugin_id": B, "enabled": False}
    plant((C, plugin(C, dependencies=needs(D))), D)
    grow(Path("plugins"), {B: {"config.json": json.dumps(config)}})
    BEHAVIOUR[D, "initialize"] = "broken"

    async def main() -> None:
        async with loading() as loader:
            with pytest.raises(DependencyError) as found:
                await loader.load_plugin(C)
            inner = found.value.__cause__
            assert isinstance(inner, HookError)
            assert found.value.cause == f"{inner.message}: {inner.cause}"
            assert (found.value.at, found.value.chain) == (inner.at, (C, D))
            with pytest.raises(DependencyError) as found:
                await loader.load_plugin(A)
            assert "enabled" in (found.value.cause or "")

    run(main)


def test_who_needs_another_version_is_told_line_by_line_and_what_to_reload_first() -> None:
    needed = needs(C, constraint="^1.0.0")
    plant((A, plugin(A, dependencies=needed)), (B, plugin(B, dependencies=needed)), C)

    async def main() -> None:
        async with loading() as loader:
            await loader.load_plugin(A)
            await loader.load_plugin(B)
            grow(Path("plugins"), {C: {"plugin.json": manifest(C, version="2.0.0")}})
            with pytest.raises(PluginVersionConflictError) as found:
                await loader.reload_plugin(C)
            error = found.value
            assert error.cause == f"{A} needs {C} ^1.0.0\n{B} needs {C} ^1.0.0"
            assert error.hint == f"reload what takes it first: kurt plugin reload {A}"
            assert error.skill == C

    run(main)


def test_what_is_needed_is_told_with_its_own_state_and_with_who_needs_it() -> None:
    plant((A, plugin(A, dependencies=needs(B))), B)

    async def main() -> None:
        async with loading() as loader:
            await loader.load_plugin(A)
            await loader.activate_plugin(B)
            with pytest.raises(TransitionError) as found:
                await loader.unload_plugin(B)
            error = found.value
            assert (error.status, error.wish, error.skill) == ("active", "unload", B)
            assert error.cause == f"{A} is loaded"
            assert error.hint == f"kurt plugin unload {A}"
            assert str(error.message).endswith(f"while {A} needs it")
            assert error.legal == ("deactivate", "reload")

    run(main)


# -- at start --------------------------------------------------------------------------


@pytest.mark.parametrize("before", ["initialize", "construct"])
def test_at_start_the_next_priority_waits_for_the_one_before_to_have_begun_and_no_longer(
    before: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(autoload, "_PATIENCE", 60)
    _auto(A, priority=1)
    _auto(B, priority=2)
    begun = []

    async def until_the_other_is_here() -> None:
        await until(lambda: B in [name for name, _ in JOURNAL])
        begun.append(A)

    if before == "initialize":
        BEHAVIOUR[A, "initialize"] = until_the_other_is_here
    else:
        BEHAVIOUR[A, "construct"] = "it fails"

    async def main() -> None:
        async with loading(hook_timeout=15) as loader:
            answer = await asyncio.wait_for(loader.auto_load_plugins(), 12)
            if before == "initialize":
                assert {state.metadata.plugin_id for state in answer} == {A, B}
                assert max(state.load_ms or 0.0 for state in answer) <= answer.ms
            else:
                assert [state.metadata.plugin_id for state in answer] == [B]
                assert list(answer.failed) == [A]

    run(main)


def test_at_start_what_is_needed_does_not_wait_for_the_one_that_needs_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(autoload, "_PATIENCE", 60)
    _auto(A, priority=1, dependencies=needs(B))
    _auto(B, priority=2)

    async def main() -> None:
        async with loading() as loader:
            answer = await asyncio.wait_for(loader.auto_load_plugins(), 10)
            assert [state.metadata.plugin_id for state in answer] == [B, A]

    run(main)


def test_at_start_a_host_that_loads_nothing_says_so_of_each() -> None:
    _auto(A)

    async def main() -> None:
        async with loading(enable_auto_load=False) as loader:
            answer = await loader.auto_load_plugins()
            assert answer.skipped == {A: "this host loads nothing by itself"}

    run(main)


def test_at_start_what_needs_one_that_is_not_enabled_fails_and_the_start_does_not() -> None:
    _auto(A, dependencies=needs(B))
    _auto(B, enabled=False)
    _auto(C)

    async def main() -> None:
        async with loading() as loader:
            answer = await loader.auto_load_plugins()
            assert [state.metadata.plugin_id for state in answer] == [C]
            assert isinstance(answer.failed[A], DependencyError)
            assert answer.skipped == {B: "it is not enabled"}

    run(main)


def test_at_start_what_is_broken_is_skipped_with_the_reason_that_the_problems_tell() -> None:
    grow(Path("plugins"), {"junk": {"plugin.json": "{"}, B: plugin(B, entry_point="nowhere")})

    async def main() -> None:
        async with loading() as loader:
            answer = await loader.auto_load_plugins()
            assert answer.skipped["junk"] == loader.problems["junk"] != ""
            assert not answer.failed
            assert not answer

    run(main)


# -- a life ----------------------------------------------------------------------------


def test_what_takes_time_is_told_with_it() -> None:
    plant(A)

    async def main() -> None:
        async with loading() as loader:
            assert loader.get_plugin_state(A).load_ms == 0
            heard = Heard(loader)
            await loader.load_plugin(A)
            await loader.activate_plugin(A)
            await loader.reload_plugin(A)
            assert {"swap", "reload"} <= {timing.phase for timing in loader.timings()}
            await loader.deactivate_plugin(A)
            await loader.unload_plugin(A)
            timed = {event.name for event in heard if event.ms > 0}
            assert timed == {"loaded", "activated", "reloaded", "deactivated", "unloaded"}
            loads = [timing.ms for timing in loader.timings() if timing.phase == "load"]
            assert loads == [loader.get_plugin_state(A).load_ms]

    run(main)


@pytest.mark.slow
def test_old_code_that_is_held_is_told_by_its_generation_as_long_as_it_is(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    held: list[Any] = []
    monkeypatch.setattr(lives, "KEPT", held, raising=False)  # in the name of a module
    code = """\
class Plugin:
    def __init__(self, metadata, config): pass
"""
    plant((A, plugin(A, code)))

    async def main() -> None:
        async with loading() as loader:
            state = await loader.load_plugin(A)
            held.append(state.instance)
            for _ in range(2):
                await loader.reload_plugin(A)
                held.append(state.instance)
            assert {leak.generation for leak in loader.leaks(A)} == {1, 2}
            assert {leak.plugin_id for leak in loader.leaks()} == {A}
            del held[0]
            assert {leak.generation for leak in loader.leaks(A)} == {2}
            held.clear()
            assert loader.leaks(A) == []

    run(main)


def test_an_unload_undoes_a_change_of_a_module_that_the_plugin_has_no_name_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    original = colorsys.hls_to_rgb
    monkeypatch.setattr(colorsys, "hls_to_rgb", original)
    code = """\
import sys

def mine(*args):
    return args

class Plugin:
    def __init__(self, metadata, config):
        sys.modules["colorsys"].hls_to_rgb = mine
"""
    plant((A, plugin(A, code)))

    async def main() -> None:
        async with loading() as loader:
            await loader.load_plugin(A)
            assert colorsys.hls_to_rgb is not original
            await loader.unload_plugin(A)
            assert colorsys.hls_to_rgb is original

    run(main)


def test_close_waits_for_no_handler_longer_than_it_may() -> None:
    plant(A)
    BEHAVIOUR[A, "cleanup"] = lambda: asyncio.sleep(0)

    async def main() -> None:
        loader = PluginLoader("plugins", Judge(), hook_timeout=60)
        await loader.load_plugin(A)

        async def hear(event: Any) -> None:
            if event.name == "unloaded":
                await asyncio.sleep(60)

        loader.subscribe(hear)
        await asyncio.wait_for(loader.close(limit=0.1), 10)
        assert hooks(A)[-1] == "cleanup"

    run(main)


@pytest.mark.parametrize("hook", lives.HOOKS)
def test_an_object_with_one_hook_has_it_called_where_the_manager_alone_uses_it(hook: str) -> None:
    code = f"""\
import lives

class Plugin:
    def __init__(self, metadata, config): pass
    def greet(self):
        return "Hello"
    def {hook}(self):
        lives.JOURNAL.append(("", "{hook}"))
"""
    plant((A, plugin(A, code, capabilities=GREET)))

    async def main() -> None:
        async with SkillManager(places=Places(skills=str(Path("plugins").resolve()))) as skills:
            for _ in range(2):
                assert (await skills.arun(f"{A}:greet", {})).data == "Hello"
            assert (hook in ("deactivate", "cleanup")) != (("", hook) in JOURNAL)
        assert [("", hook)] == JOURNAL

    run(main)


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (RuntimeError("it is out of order"), "it is out of order"),
        (SystemExit("it is out of order"), "it is out of order"),
    ],
    ids=["RuntimeError", "SystemExit"],
)
def test_a_validator_that_breaks_in_a_reload_is_told_and_leaves_the_old_code(
    error: BaseException, said: str
) -> None:
    class Broken(Judge):
        async def validate_plugin(
            self, plugin_path: Path, metadata: PluginMetadata | None = None
        ) -> PluginValidationResult:
            if self.errors:
                raise error
            return await super().validate_plugin(plugin_path, metadata)

    plant(A)
    judge = Broken()

    async def main() -> None:
        async with loading(validator=judge) as loader:
            state = await loader.load_plugin(A)
            judge.errors.append("now")
            with pytest.raises(PluginLoadError, match=A) as found:
                await loader.reload_plugin(A)
            assert said in (found.value.cause or "")
            assert found.value.skill == A
            assert (state.status, state.generation) == (S.LOADED, 1)

    run(main)


def test_a_reload_that_is_refused_tells_its_reason_and_of_nothing_that_was_left() -> None:
    plant(A)
    judge = Judge()

    async def main() -> None:
        async with loading(validator=judge) as loader:
            await loader.load_plugin(A)
            judge.errors.append("it is not to be trusted")
            heard = Heard(loader)
            with pytest.raises(PluginValidationError) as found:
                await loader.reload_plugin(A)
            assert heard.names()[-1] == "rolled-back"
            assert heard[-1].error is found.value
            assert "left-behind" not in heard.names()

    run(main)


def test_what_new_code_cannot_end_after_a_reload_that_failed_is_told() -> None:
    plant(A)

    async def main() -> None:
        async with loading() as loader:
            state = await loader.load_plugin(A)
            await loader.activate_plugin(A)
            BEHAVIOUR.update({(A, "activate"): "no", (A, "cleanup"): "not this either"})
            heard = Heard(loader)
            with pytest.raises(HookError, match="activate"):
                await loader.reload_plugin(A)
            left = [event.detail for event in heard if event.name == "left-behind"]
            assert ["cleanup" in line for (line,) in left] == [True]
            assert (state.status, state.generation) == (S.ACTIVE, 1)

    run(main)


def test_where_one_of_two_cannot_be_ended_after_a_failure_that_is_told_by_name() -> None:
    code = """\
class Plugin:
    def __init__(self, metadata, config): pass
    def activate(self):
        raise ValueError("no")
    def cleanup(self):
        raise ValueError("not this either")
"""
    plant((A, plugin(A, code)))

    async def main() -> None:
        async with loading() as loader:
            await loader.load_plugin(A)
            heard = Heard(loader)
            with pytest.raises(HookError, match="activate"):
                await loader.activate_plugin(A)
            left = [event.detail for event in heard if event.name == "left-behind"]
            assert len(left) == 1
            assert "cleanup" in left[0][0]
            assert loader.get_plugin_state(A).status == S.FAILED

    run(main)


def test_an_import_that_hangs_keeps_the_next_one_from_waiting_for_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    gate = threading.Event()
    monkeypatch.setattr(lives, "GATE", gate, raising=False)
    code = "import lives\nlives.GATE.wait(10)\nclass Plugin(lives.Recorded): ...\n"
    plant((A, plugin(A, code)))

    async def main() -> None:
        async with loading(hook_timeout=0.1) as loader:
            with pytest.raises(HookTimeoutError, match="import"):
                await loader.load_plugin(A)
            with pytest.raises(PluginLoadError, match=f"import of {A}") as found:
                await loader.load_plugin(A)
            assert found.value.skill == A
            assert "start the host again" in (found.value.hint or "")
            gate.set()
            await until(lambda: not lives.imported(A))
            state = await loader.load_plugin(A)
            assert (state.status, hooks(A)) == (S.LOADED, ["construct", "initialize"])

    run(main)


# -- who is let in ---------------------------------------------------------------------


def test_a_trial_holds_nothing_back_and_counts_nothing() -> None:
    plant(A)
    BEHAVIOUR[A, "initialize"] = "broken"

    async def main() -> None:
        for _ in range(4):
            async with loading(quarantine=False) as loader:
                with pytest.raises(HookError):
                    await loader.load_plugin(A)
        async with loading() as loader:
            with pytest.raises(HookError):
                await loader.load_plugin(A)
            assert hooks(A).count("initialize") == 5

    run(main)


def test_a_distribution_whose_version_is_none_of_semver_is_told_with_its_field(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    site = tmp_path / "site"
    points = "[kurt.tool]\necho = oddly_echo:Echo\n"
    installed(monkeypatch, site, "other", "", {"oddly_echo.py": tool_py()})
    grow(site, distribution("oddly", points, version="junk"))

    async def main() -> None:
        async with PluginLoader(validator=Judge()) as loader:
            with pytest.raises(ManifestError, match="the manifest of oddly") as found:
                loader.get_plugin_state("oddly")
            assert (found.value.cause or "").startswith("version: ")
            assert found.value.hint == "kurt validate oddly"
            assert found.value.skill == "oddly"

    run(main)


def test_what_is_not_installed_is_no_fault_that_a_plugin_is_held_back_for() -> None:
    plant((A, plugin(A, "import nowhere_at_all\n")))

    async def main() -> None:
        for _ in range(5):
            async with loading() as loader:
                with pytest.raises(PluginLoadError) as found:
                    await loader.load_plugin(A)
                assert "nowhere_at_all" in (found.value.hint or "")

    run(main)


def test_what_the_validator_says_is_told_line_by_line_with_the_folder() -> None:
    folder = plant(A)

    async def main() -> None:
        async with loading(validator=Judge("the first", "the second")) as loader:
            with pytest.raises(PluginValidationError, match=f"{A} is not valid") as found:
                await loader.load_plugin(A)
            error = found.value
            assert error.cause == "the first\nthe second"
            assert error.at == str((folder / A).resolve())
            assert (error.hint, error.skill) == (f"kurt validate {A}", A)
            assert error.validation_result.errors == ["the first", "the second"]

    run(main)


def test_a_loader_of_a_folder_lists_what_lies_in_it_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    points = "[kurt.tool]\necho = outside_echo:Echo\n"
    installed(monkeypatch, tmp_path / "site", "outside", points, {"outside_echo.py": tool_py()})
    plant(A)

    async def main() -> None:
        async with loading() as loader:
            assert [item.plugin_id for item in await loader.discover_plugins()] == [A]
        async with PluginLoader(validator=Judge()) as loader:
            assert "outside" in [item.plugin_id for item in await loader.discover_plugins()]

    run(main)


def test_an_async_factory_that_fails_is_told_with_its_reason_and_place() -> None:
    code = """\
        async def create_plugin(metadata, config):
            raise ValueError("it is broken")
    """
    plant((A, plugin(A, code)))

    async def main() -> None:
        async with loading() as loader:
            with pytest.raises(PluginLoadError, match=A) as found:
                await loader.load_plugin(A)
            assert "it is broken" in (found.value.cause or "")
            assert (found.value.at or "").endswith("main.py:2")

    run(main)


def test_a_failure_that_has_no_cause_is_told_without_one_wherever_it_is_told() -> None:
    skill = "---\nname: mute\ndescription: It registers nothing.\nversion: 1.0.0\n---\n"
    grow(Path("plugins"), {"mute": {"SKILL.md": skill, "skill.py": "x = 1\n"}})
    plant((A, plugin(A, dependencies=needs("mute"))))

    async def main() -> None:
        async with loading() as loader:
            with pytest.raises(DependencyError) as failed:
                await loader.load_plugin(A)
            inner = failed.value.__cause__
            assert isinstance(inner, ContractError)
            assert (inner.cause, failed.value.cause) == (None, inner.message)
            for _ in range(2):
                with pytest.raises(ContractError):
                    await loader.load_plugin("mute")
            with pytest.raises(QuarantinedError) as held:
                await loader.load_plugin("mute")
            assert inner.message in f"{held.value.message} {held.value.cause}"
            assert "None" not in f"{held.value.message} {held.value.cause}"

    run(main)


def test_of_what_a_plugin_took_its_time_for_the_last_sixty_four_are_kept() -> None:
    plant(A)

    async def main() -> None:
        async with loading() as loader:
            await loader.load_plugin(A)
            for _ in range(40):
                await loader.activate_plugin(A)
                await loader.deactivate_plugin(A)
            phases = [timing.phase for timing in loader.timings() if timing.plugin_id == A]
            assert len(phases) == 64
            assert set(phases) == {"activate", "deactivate"}

    run(main)


def test_at_start_one_whose_load_somebody_gives_up_is_skipped_and_told_so() -> None:
    _auto(A)

    async def main() -> None:
        async with loading() as loader:
            tasks: list[asyncio.Task[Any]] = []

            def give_up() -> Any:
                task = asyncio.current_task()
                tasks.extend(each for each in asyncio.all_tasks() if each is not task)
                return asyncio.sleep(30)

            BEHAVIOUR[A, "initialize"] = give_up
            starting = asyncio.ensure_future(loader.auto_load_plugins())
            await until(lambda: tasks)
            (loads,) = [task for task in tasks if task.get_coro().__name__ == "one"]
            loads.cancel()
            answer = await starting
            assert (list(answer), answer.failed) == ([], {})
            assert answer.skipped == {A: "it was given up while it was loaded"}

    run(main)


def test_what_was_secret_before_a_reload_that_failed_is_secret_again(
    caplog: pytest.LogCaptureFixture,
) -> None:
    secret = {"type": "object", "properties": {"key": {"type": "string", "writeOnly": True}}}

    def config(key: str) -> str:
        return json.dumps({"plugin_id": A, "config": {"key": key}})

    files = {"config.json": config("the-first-secret")}
    plant((A, plugin(A, config_schema=secret, files=files)))
    log = logging.getLogger(f"kurt_skills.{A.replace('.', '_')}.main")

    async def main() -> None:
        async with loading() as loader:
            await loader.load_plugin(A)
            again = {"config.json": config("the-second-secret")}
            plant((A, plugin(A, "1 / 0\n", config_schema=secret, files=again)))
            with pytest.raises(PluginLoadError):
                await loader.reload_plugin(A)
            log.warning("it is %s", "the-first-secret")

    with caplog.at_level(logging.WARNING):
        run(main)
    assert "it is " in caplog.text
    assert "the-first-secret" not in caplog.text
