"""A plugin's own code runs within its time, sync or async, whatever it does; and is cleaned up."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest
from lives import (
    BEHAVIOUR,
    Heard,
    fresh_journal,
    hooks,
    imported,
    loading,
    plant,
    plugin,
    run,
    until,
)
from sites import trust

from kurt_ext import hooks as ours
from kurt_ext.errors import (
    ContractError,
    HookError,
    HookTimeoutError,
    KurtError,
    PluginLoadError,
    SkillLoadError,
)
from kurt_ext.hooks import Escaped, Late, bounded, unbroken
from kurt_ext.models import PluginStatus as S

#: Gates that plugins of a test wait at.
GATES: dict[str, threading.Event] = {}


@pytest.fixture(autouse=True)
def journal(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(ours, "GRACE", 0.1)
    GATES.clear()
    with fresh_journal():
        yield
    for gate in GATES.values():
        gate.set()


# -- bounded: a function of somebody else's ----------------------------------------------


async def _later(value: int) -> int:
    await asyncio.sleep(0)
    return value


class _Called:
    async def __call__(self) -> int:
        return 3


@pytest.mark.parametrize(
    "function",
    [lambda: 3, lambda: _later(3), _Called(), _Called.__call__.__get__(_Called())],
    ids=["sync", "sync that gives an awaitable", "async object", "async method"],
)
@pytest.mark.parametrize("threaded", [True, False])
def test_what_a_function_gives_is_awaited_where_it_can_be(function: Any, threaded: bool) -> None:
    assert run(lambda: bounded(function, limit=5, threaded=threaded)) == 3
    assert run(lambda: bounded(function, limit=None, threaded=threaded)) == 3


@pytest.mark.parametrize("is_async", [True, False], ids=["async", "sync"])
@pytest.mark.parametrize(
    "error", [SystemExit(3), KeyboardInterrupt(), GeneratorExit(), asyncio.CancelledError()]
)
def test_what_would_end_the_host_is_an_ordinary_error(error: BaseException, is_async: bool) -> None:
    def raising() -> None:
        raise error

    async def raising_later() -> None:
        raise error

    async def main() -> str:
        with pytest.raises(Escaped) as found:
            await bounded(raising_later if is_async else raising, limit=5)
        return str(found.value)

    said = run(main)
    assert said == {
        SystemExit: "its code called sys.exit(3)",
        asyncio.CancelledError: "it was cancelled by its own code",
    }.get(type(error), f"it raised {type(error).__name__}")


def test_one_that_swallows_its_cancellation_is_left_behind() -> None:
    async def main() -> None:
        gate = asyncio.Event()

        async def swallow() -> None:
            while not gate.is_set():
                try:
                    await gate.wait()
                except asyncio.CancelledError:
                    continue
            raise ValueError("nobody listens any more")

        with pytest.raises(Late) as found:
            await bounded(swallow, limit=0.01)
        assert found.value.left
        gate.set()
        await asyncio.sleep(0.01)

    run(main)


def test_one_that_ends_in_its_grace_is_late_and_not_left_behind() -> None:
    async def main() -> None:
        async def tidy() -> None:
            try:
                await asyncio.sleep(30)
            except asyncio.CancelledError:
                await asyncio.sleep(0.02)

        with pytest.raises(Late) as found:
            await bounded(tidy, limit=0.01)
        assert not found.value.left

    run(main)


def test_an_awaitable_of_a_sync_function_that_is_late_leaves_no_thread_behind() -> None:
    async def main() -> None:
        with pytest.raises(Late) as found:
            await bounded(lambda: asyncio.sleep(30), limit=0.05)
        assert not found.value.left

    run(main)


def test_one_who_is_cancelled_cancels_what_it_waits_for() -> None:
    async def main() -> None:
        ended = list[str]()

        async def work() -> None:
            try:
                await asyncio.sleep(30)
            finally:
                ended.append("yes")

        task = asyncio.ensure_future(bounded(work, limit=30))
        await asyncio.sleep(0.01)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert ended == ["yes"]

    run(main)


@pytest.mark.parametrize("times", [0, 1, 3])
@pytest.mark.parametrize("fails", [False, True])
def test_unbroken_work_runs_to_its_end_and_the_cancellation_comes_after(
    times: int, fails: bool
) -> None:
    async def main() -> None:
        ended = list[str]()

        async def work() -> str:
            for _ in range(5):
                await asyncio.sleep(0.002)
            ended.append("yes")
            if fails:
                raise ValueError("no")
            return "done"

        task = asyncio.ensure_future(unbroken(work()))
        await asyncio.sleep(0)
        for _ in range(times):
            task.cancel()
            await asyncio.sleep(0.001)
        await asyncio.wait({task})
        assert ended == ["yes"]
        assert task.cancelled() == (times > 0)
        if not times and not fails:
            assert task.result() == "done"
        elif not times:
            assert isinstance(task.exception(), ValueError)

    run(main)


# -- the hooks of a plugin ---------------------------------------------------------------

SYNC = """\
import lives

class Plugin:
    def __init__(self, metadata, config):
        lives.JOURNAL.append((metadata.plugin_id, "construct"))
        self.name = metadata.plugin_id
    def initialize(self): lives.JOURNAL.append((self.name, "initialize"))
    def activate(self): lives.JOURNAL.append((self.name, "activate"))
    def deactivate(self): lives.JOURNAL.append((self.name, "deactivate"))
    def cleanup(self): lives.JOURNAL.append((self.name, "cleanup"))
    def greet(self): return "hello"
"""
NONE = """\
class Plugin:
    def __init__(self, metadata, config): ...
    initialize = None
"""
FACTORY = """\
import asyncio, lives

{begin}def create_plugin(metadata, config):
    lives.JOURNAL.append((metadata.plugin_id, "create"))
    return lives.Recorded(metadata, config)
"""
_ALL = ["construct", "initialize", "activate", "deactivate", "cleanup"]


@pytest.mark.parametrize(
    ("code", "called"),
    [
        (None, _ALL),
        (SYNC, _ALL),
        (NONE, []),
        (FACTORY.format(begin=""), ["create", *_ALL]),
        (FACTORY.format(begin="async "), ["create", *_ALL]),
    ],
    ids=["async", "sync", "none", "sync factory", "async factory"],
)
def test_p8_hooks_and_factories_may_be_sync_or_async(code: str | None, called: list[str]) -> None:
    plant(("one", plugin("com.a.one", code)))

    async def main() -> None:
        async with loading() as loader:
            state = await loader.load_plugin("com.a.one")
            assert state.instance is not None
            await loader.activate_plugin("com.a.one")
            await loader.deactivate_plugin("com.a.one")
            await loader.unload_plugin("com.a.one")
            assert hooks("com.a.one") == called

    run(main)


def test_a_sync_hook_does_not_block_the_host() -> None:
    code = """\
        import test_hooks_gate

        class Plugin:
            def __init__(self, metadata, config): ...
            def initialize(self): test_hooks_gate.GATE.wait(10)
        """
    gate = _gate("test_hooks_gate")
    plant(("one", plugin("com.a.one", code)))

    async def main() -> None:
        async with loading() as loader:
            load = asyncio.ensure_future(loader.load_plugin("com.a.one"))
            for _ in range(20):
                await asyncio.sleep(0.001)
            assert not load.done()
            gate.set()
            assert (await load).status == S.LOADED

    run(main)


def _gate(module: str) -> threading.Event:
    """Return an event that plugins find as ``GATE`` in a module of that name."""
    import sys
    from types import ModuleType

    made = ModuleType(module)
    gate = GATES[module] = threading.Event()
    made.GATE = gate  # type: ignore[attr-defined]
    sys.modules[module] = made
    return gate


async def _hang() -> None:
    await asyncio.sleep(60)


async def _swallow() -> None:
    until_ = time.monotonic() + 1.5
    while time.monotonic() < until_:
        try:
            await asyncio.sleep(0.02)
        except asyncio.CancelledError:
            continue


async def _sys_exit() -> None:
    raise SystemExit(7)


async def _interrupt() -> None:
    raise KeyboardInterrupt


async def _cancelled() -> None:
    raise asyncio.CancelledError


async def _fail() -> None:
    raise ValueError("it is broken")


async def _group() -> None:
    raise ExceptionGroup("two", [ValueError("a"), ValueError("b")])


#: what a hook does → the error that is raised, and what its message and cause say
_MISDEEDS: dict[str, tuple[Any, type[KurtError], str]] = {
    "fails": (_fail, HookError, "it is broken"),
    "fails with a group": (_group, HookError, "two"),
    "hangs": (_hang, HookTimeoutError, "did not end within 0.5 s"),
    "swallows its cancellation": (_swallow, HookTimeoutError, "swallows its cancellation"),
    "calls sys.exit": (_sys_exit, HookError, "its code called sys.exit(7)"),
    "raises KeyboardInterrupt": (_interrupt, HookError, "it raised KeyboardInterrupt"),
    "raises CancelledError": (_cancelled, HookError, "cancelled"),
}
_STEPS = ("initialize", "activate", "deactivate", "cleanup")


@pytest.mark.slow
@pytest.mark.parametrize("hook", _STEPS)
@pytest.mark.parametrize("misdeed", _MISDEEDS)
def test_p6_p16_p17_a_hook_that_goes_wrong_leaves_the_plugin_failed_and_cleaned_up(
    misdeed: str, hook: str
) -> None:
    plant("com.a.one", "com.a.two")
    does, kind, said = _MISDEEDS[misdeed]
    BEHAVIOUR["com.a.one", hook] = does

    async def main() -> None:
        async with loading(hook_timeout=0.5 if kind is HookTimeoutError else 5.0) as loader:
            heard = Heard(loader)
            await loader.load_plugin("com.a.two")
            with pytest.raises(kind) as found:
                await loader.load_plugin("com.a.one")
                await loader.activate_plugin("com.a.one")
                await loader.deactivate_plugin("com.a.one")
                await loader.unload_plugin("com.a.one")
            error = found.value
            assert isinstance(error, HookError)
            assert error.hook == hook
            assert error.skill == "com.a.one"
            assert hook in error.message
            assert "com.a.one" in error.message
            assert said in f"{error.message} {error.cause}"
            assert error.hint
            state = loader.get_plugin_state("com.a.one")
            assert state.status == S.FAILED
            assert state.instance is None
            assert state.error_message
            assert error.message in state.error_message
            assert "Traceback" in (state.error_traceback or "")
            assert state.way_back
            assert imported("com.a.one") == []
            assert heard[-1].name == "failed"
            assert heard[-1].error is error
            # Each hook that was called was called once, and cleanup is among them.
            called = hooks("com.a.one")
            assert len(set(called)) == len(called)
            assert called[-1] == "cleanup"
            # Nobody else is harmed, and it may be tried again.
            assert loader.get_plugin_state("com.a.two").status == S.LOADED
            BEHAVIOUR.clear()
            assert (await loader.load_plugin("com.a.one")).status == S.LOADED
            assert state.error_message is None

    run(main)


@pytest.mark.parametrize("hook", _STEPS)
def test_p17_a_sync_hook_that_spins_is_named_and_the_host_goes_on(hook: str) -> None:
    code = SYNC.replace(f"def {hook}(self): ", f"def {hook}(self): lives.BEHAVIOUR['spin']() or ")
    ended = list[str]()

    def spin() -> None:
        until_ = time.monotonic() + 0.4
        while time.monotonic() < until_:
            pass
        ended.append("yes")

    BEHAVIOUR["spin"] = spin  # type: ignore[index]
    plant(("one", plugin("com.a.one", code)))

    async def main() -> None:
        async with loading(hook_timeout=0.1) as loader:
            with pytest.raises(HookTimeoutError, match="did not end within") as found:
                await loader.load_plugin("com.a.one")
                await loader.activate_plugin("com.a.one")
                await loader.deactivate_plugin("com.a.one")
                await loader.unload_plugin("com.a.one")
            assert found.value.hook == hook
            assert "thread cannot be stopped" in (found.value.cause or "")
            assert "main.py" in (found.value.at or "")
            assert loader.get_plugin_state("com.a.one").status == S.FAILED
            await until(lambda: ended)

    run(main)


@pytest.mark.parametrize(
    ("happening", "said"),
    [
        ("it is broken", "it is broken"),
        (lambda: (_ for _ in ()).throw(SystemExit(2)), "sys.exit(2)"),
        (lambda: (_ for _ in ()).throw(KeyboardInterrupt()), "KeyboardInterrupt"),
        (lambda: (_ for _ in ()).throw(asyncio.CancelledError()), "CancelledError"),
    ],
    ids=["ValueError", "SystemExit", "KeyboardInterrupt", "CancelledError"],
)
def test_p17_a_constructor_that_raises_anything_ends_no_host(happening: Any, said: str) -> None:
    plant("com.a.one")
    BEHAVIOUR["com.a.one", "construct"] = happening

    async def main() -> None:
        async with loading() as loader:
            with pytest.raises(PluginLoadError) as found:
                await loader.load_plugin("com.a.one")
            assert said in (found.value.cause or "")
            assert loader.get_plugin_state("com.a.one").status == S.FAILED
            assert imported() == []
            assert hooks("com.a.one") == ["construct"]

    run(main)


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("raise SystemExit('bye')", "bye"),
        ("raise KeyboardInterrupt", "KeyboardInterrupt"),
        ("raise GeneratorExit", "GeneratorExit"),
        ("import asyncio; raise asyncio.CancelledError", "cancelled by its own code"),
        ("raise StopIteration", "StopIteration"),
        ("1 / 0", "ZeroDivisionError"),
        ("def :", "SyntaxError"),
        ("import nowhere_at_all", "nowhere_at_all"),
        ("from . import helper", "helper"),
    ],
)
def test_p17_a_module_that_raises_anything_at_import_ends_no_host(line: str, said: str) -> None:
    plant(("one", plugin("com.a.one", line + "\n")))

    async def main() -> None:
        async with loading() as loader:
            with pytest.raises(SkillLoadError) as found:
                await loader.load_plugin("com.a.one")
            assert said in f"{found.value.cause}"
            assert found.value.at
            assert "main.py" in found.value.at
            state = loader.get_plugin_state("com.a.one")
            assert state.status == S.FAILED
            assert said in (state.error_message or "")
            assert imported() == []

    run(main)


def test_p17_an_import_that_does_not_end_is_told_after_its_time() -> None:
    gate = _gate("test_hooks_gate")
    plant(("one", plugin("com.a.one", "import test_hooks_gate\ntest_hooks_gate.GATE.wait(20)\n")))

    async def main() -> None:
        async with loading(hook_timeout=0.1) as loader:
            with pytest.raises(HookTimeoutError, match="import"):
                await loader.load_plugin("com.a.one")
            assert loader.get_plugin_state("com.a.one").status == S.FAILED
            gate.set()

    run(main)


_FACTORIES = {
    "fails": "raise ValueError('no')",
    "hangs": "await asyncio.sleep(60)",
    "exits": "raise SystemExit(3)",
    "is cancelled": "raise asyncio.CancelledError",
    "gives nothing": "return None",
}


@pytest.mark.parametrize("what", _FACTORIES)
def test_an_async_factory_that_goes_wrong_leaves_the_plugin_failed(what: str) -> None:
    code = f"""\
        import asyncio
        async def create_plugin(metadata, config):
            await asyncio.sleep(0)
            {_FACTORIES[what]}
        """
    plant(("one", plugin("com.a.one", code)))

    async def main() -> None:
        async with loading(hook_timeout=0.2) as loader:
            if what == "gives nothing":  # a plugin.json's object is whatever it is
                state = await loader.load_plugin("com.a.one")
                assert state.instance is None
                return
            with pytest.raises(PluginLoadError):
                await loader.load_plugin("com.a.one")
            assert loader.get_plugin_state("com.a.one").status == S.FAILED
            assert imported() == []

    run(main)


@pytest.mark.parametrize("code", ["", "Plugin = 3\n", "plugin = object()\n"])
def test_a_module_without_a_plugin_breaks_the_contract(code: str) -> None:
    plant(("one", plugin("com.a.one", code)))

    async def main() -> None:
        async with loading() as loader:
            with pytest.raises(ContractError) as found:
                await loader.load_plugin("com.a.one")
            assert found.value.hint
            assert loader.get_plugin_state("com.a.one").status == S.FAILED

    run(main)


def test_p16_where_initialize_fails_a_failing_cleanup_hides_nothing() -> None:
    plant("com.a.one")
    BEHAVIOUR["com.a.one", "initialize"] = "the first"
    BEHAVIOUR["com.a.one", "cleanup"] = "the second"

    async def main() -> None:
        async with loading() as loader:
            with pytest.raises(HookError) as found:
                await loader.load_plugin("com.a.one")
            assert found.value.hook == "initialize"
            assert "the first" in (found.value.cause or "")
            assert hooks("com.a.one") == ["construct", "initialize", "cleanup"]
            assert loader.get_plugin_state("com.a.one").instance is None

    run(main)


def test_p16_where_cleanup_fails_no_instance_is_left() -> None:
    plant("com.a.one")
    BEHAVIOUR["com.a.one", "cleanup"] = "it is broken"

    async def main() -> None:
        async with loading() as loader:
            state = await loader.load_plugin("com.a.one")
            with pytest.raises(HookError, match="cleanup"):
                await loader.unload_plugin("com.a.one")
            assert state.status == S.FAILED
            assert state.instance is None
            assert imported() == []
            await loader.unload_plugin("com.a.one")  # FAILED leads to UNLOADED as well
            assert state.status == S.UNLOADED
            assert state.error_message is None

    run(main)


@pytest.mark.parametrize("where", ["sandbox_config_override", "kurt.toml", "loader"])
def test_p17_the_time_of_a_hook_is_configured(
    where: str, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    trust(monkeypatch, project)
    plant("com.a.one")
    BEHAVIOUR["com.a.one", "initialize"] = _hang
    config: dict[str, Any] | None = None
    if where == "sandbox_config_override":
        config = {"sandbox_config_override": {"max_execution_time_seconds": 0.1}}
    elif where == "kurt.toml":
        text = '[plugin."com.a.one"]\ntimeout_seconds = 0.1\n'
        Path("kurt.toml").write_text(text, encoding="utf-8")

    async def main() -> None:
        async with loading(hook_timeout=0.1 if where == "loader" else 30) as loader:
            with pytest.raises(HookTimeoutError, match=r"within 0\.1 s"):
                await loader.load_plugin("com.a.one", config)

    run(main)


def test_what_a_hook_started_ends_with_the_plugin() -> None:
    code = dedent("""\
        import asyncio, lives

        class Plugin:
            def __init__(self, metadata, config): ...
            async def activate(self):
                self.task = asyncio.ensure_future(self.work())
            async def work(self):
                lives.JOURNAL.append(("com.a.one", "begun"))
                try:
                    await asyncio.sleep(60)
                finally:
                    lives.JOURNAL.append(("com.a.one", "ended"))
        """)
    plant(("one", plugin("com.a.one", code)))

    async def main() -> None:
        async with loading() as loader:
            heard = Heard(loader)
            before = asyncio.all_tasks()
            await loader.load_plugin("com.a.one")
            await loader.activate_plugin("com.a.one")
            await until(lambda: hooks("com.a.one") == ["begun"])
            await loader.unload_plugin("com.a.one")
            assert hooks("com.a.one") == ["begun", "ended"]
            assert asyncio.all_tasks() <= before
            left = [event for event in heard if event.name == "left-behind"]
            assert len(left) == 1
            assert "task" in left[0].detail[0]

    run(main)
