"""At start: what is enabled and to be loaded, in order, at one time, and each by itself."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from threading import Event
from typing import Any

import pytest
from lives import (
    BEHAVIOUR,
    JOURNAL,
    Heard,
    Judge,
    fresh_journal,
    hooks,
    imported,
    loading,
    needs,
    others_than,
    plant,
    plugin,
    run,
    until,
)
from sites import trust
from trees import grow

from kurt_ext import admission
from kurt_ext.candidates import Candidate
from kurt_ext.errors import CircularDependencyError, DependencyError, HookError, HookTimeoutError
from kurt_ext.importer import FINDER
from kurt_ext.loader import PluginLoader
from kurt_ext.models import PluginStatus as S
from kurt_ext.places import Places


@pytest.fixture(autouse=True)
def journal(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(sys, "path", list(sys.path))
    with fresh_journal():
        yield


def _auto(name: str, code: str | None = None, **options: Any) -> None:
    """Plant ``com.a.NAME`` with a config.json; what is a field of the manifest goes there."""
    fields = {key: options.pop(key) for key in ("dependencies", "version") if key in options}
    config = {"plugin_id": f"com.a.{name}", "auto_load": True, **options}
    files = {"config.json": json.dumps(config)}
    # A folder that is not called as the plugin is (P10).
    plant((f"{name}-folder", plugin(f"com.a.{name}", code, files=files, **fields)))


def _ids(answer: Any) -> list[str]:
    return [state.metadata.plugin_id for state in answer]


def _initialized() -> list[str]:
    return [name.removeprefix("com.a.") for name, hook in JOURNAL if hook == "initialize"]


def test_p10_only_what_is_enabled_and_to_be_loaded_is_and_the_others_are_told() -> None:
    _auto("on")
    _auto("off", enabled=False)
    _auto("later", auto_load=False)
    plant("com.a.plain")

    async def main() -> None:
        async with loading() as loader:
            answer = await loader.auto_load_plugins()
            assert _ids(answer) == ["com.a.on"]
            assert [state.status for state in answer] == [S.LOADED]
            assert answer.failed == {}
            assert sorted(answer.skipped) == ["com.a.later", "com.a.off", "com.a.plain"]
            assert all(answer.skipped.values())
            assert answer.ms > 0
            again = await loader.auto_load_plugins()
            assert _ids(again) == ["com.a.on"]
            assert _initialized() == ["on"]

    run(main)


def test_p10_a_lower_priority_number_comes_first() -> None:
    for name, priority in (("last", 900), ("first", 1), ("middle", 100)):
        _auto(name, priority=priority)

    async def main() -> None:
        async with loading() as loader:
            answer = await loader.auto_load_plugins()
            assert _initialized() == ["first", "middle", "last"]
            assert _ids(answer) == ["com.a.first", "com.a.middle", "com.a.last"]

    run(main)


def test_the_switches_of_kurt_toml_count_before_those_of_config_json(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    trust(monkeypatch, project)
    _auto("one")
    _auto("two", auto_load=False)
    _auto("three", priority=5)
    text = (
        '[plugin."com.a.one"]\nenabled = false\n'
        '[plugin."com.a.two"]\nauto_load = true\npriority = 1\n'
    )
    (project / "kurt.toml").write_text(text, encoding="utf-8")

    async def main() -> None:
        async with loading() as loader:
            answer = await loader.auto_load_plugins()
            assert _initialized() == ["two", "three"]
            assert "enabled" in answer.skipped["com.a.one"]

    run(main)


def test_a_host_that_loads_nothing_by_itself_loads_nothing() -> None:
    _auto("one")

    async def main() -> None:
        async with loading(enable_auto_load=False) as loader:
            answer = await loader.auto_load_plugins()
            assert (list(answer), list(answer.skipped)) == ([], ["com.a.one"])
            assert JOURNAL == []
            assert (await loader.load_plugin("com.a.one")).status == S.LOADED

    run(main)


def test_what_is_needed_is_loaded_first_whatever_its_priority_and_its_own_switch() -> None:
    _auto("a", priority=1, dependencies=needs("com.a.b", "com.a.c"))
    _auto("b", priority=500)
    _auto("c", auto_load=False, dependencies=needs("com.a.b"))

    async def main() -> None:
        async with loading() as loader:
            answer = await loader.auto_load_plugins()
            assert _initialized() == ["b", "c", "a"]
            assert sorted(_ids(answer)) == ["com.a.a", "com.a.b", "com.a.c"]
            assert answer.skipped == {}

    run(main)


def test_one_that_fails_harms_those_that_need_it_and_nobody_else() -> None:
    _auto("bad")
    _auto("worse", code="1 / 0\n")
    _auto("a", dependencies=needs("com.a.bad"))
    _auto("b", dependencies=needs("com.a.a"))
    _auto("missing", dependencies=needs("com.a.nowhere"))
    _auto("round", dependencies=needs("com.a.about"))
    _auto("about", dependencies=needs("com.a.round"))
    _auto("typo", priority="high")
    _auto("fine")
    grow(Path("plugins/torn"), {"plugin.json": "{", "main.py": ""})
    BEHAVIOUR["com.a.bad", "initialize"] = "no"

    async def main() -> None:
        async with loading() as loader:
            heard = Heard(loader)
            answer = await loader.auto_load_plugins()
            assert _ids(answer) == ["com.a.fine"]
            failed = {name.removeprefix("com.a."): e for name, e in answer.failed.items()}
            assert sorted(failed) == [
                "a", "about", "b", "bad", "missing", "round", "worse"
            ]  # fmt: skip
            assert isinstance(failed["bad"], HookError)
            assert isinstance(failed["a"], DependencyError)
            assert failed["b"].chain == ("com.a.b", "com.a.a", "com.a.bad")  # type: ignore[attr-defined]
            assert failed["missing"].chain == ("com.a.missing", "com.a.nowhere")  # type: ignore[attr-defined]
            assert isinstance(failed["round"], CircularDependencyError)
            assert {"torn", "com.a.typo"} <= set(answer.skipped)
            assert hooks("com.a.bad").count("initialize") == 1
            assert heard.names("com.a.fine") == ["loading", "initializing", "loaded"]

    run(main)


@pytest.mark.parametrize("priority", [1, 100])
def test_one_that_hangs_does_not_delay_the_others(priority: int) -> None:
    _auto("slow", priority=priority)
    for number in range(5):
        _auto(f"quick{number}")
    gate = asyncio.Event

    async def main() -> None:
        opened = gate()
        BEHAVIOUR["com.a.slow", "initialize"] = opened.wait
        async with loading() as loader:
            load = asyncio.ensure_future(loader.auto_load_plugins())
            quick = [f"com.a.quick{number}" for number in range(5)]
            await until(
                lambda: all(loader.get_plugin_state(name).status == S.LOADED for name in quick)
            )
            assert not load.done()
            opened.set()
            answer = await load
            assert len(answer) == 6

    run(main)


def test_one_whose_import_hangs_fails_alone() -> None:
    import threading
    from types import ModuleType

    module = ModuleType("test_autoload_gate")
    gate = threading.Event()
    module.GATE = gate  # type: ignore[attr-defined]
    sys.modules["test_autoload_gate"] = module
    _auto("slow", "import test_autoload_gate\ntest_autoload_gate.GATE.wait(20)\n", priority=1)
    _auto("quick")

    async def main() -> None:
        async with loading(hook_timeout=0.2) as loader:
            answer = await loader.auto_load_plugins()
            assert _ids(answer) == ["com.a.quick"]
            assert isinstance(answer.failed["com.a.slow"], HookTimeoutError)
            gate.set()

    run(main)


def test_no_more_are_loaded_at_one_time_than_the_loader_may() -> None:
    running, most = [0], [0]
    all_there = asyncio.Event()

    async def initialize() -> None:
        running[0] += 1
        most[0] = max(most[0], running[0])
        if running[0] == 3:
            all_there.set()
        await all_there.wait()
        await asyncio.sleep(0.01)
        running[0] -= 1

    for number in range(9):
        _auto(f"n{number}")
        BEHAVIOUR[f"com.a.n{number}", "initialize"] = initialize

    async def main() -> None:
        async with loading(concurrency=3) as loader:
            assert len(await loader.auto_load_plugins()) == 9
            assert most == [3]

    run(main)


def test_one_that_is_held_back_is_skipped_with_its_reason() -> None:
    _auto("bad")
    _auto("needy", dependencies=needs("com.a.bad"))
    BEHAVIOUR["com.a.bad", "initialize"] = "it is broken"

    async def main() -> None:
        for _ in range(3):
            async with loading() as loader:
                answer = await loader.auto_load_plugins()
                assert "com.a.bad" in answer.failed
        begun = len(JOURNAL)
        async with loading() as loader:
            answer = await loader.auto_load_plugins()
            assert (
                "it is broken" in answer.skipped["com.a.bad"]
                or "initialize" in (answer.skipped["com.a.bad"])
            )
            assert isinstance(answer.failed["com.a.needy"], DependencyError)
            assert len(JOURNAL) == begun

    run(main)


def test_what_is_loaded_already_is_among_the_loaded_and_what_is_inactive_is_told() -> None:
    _auto("one")
    _auto("two")

    async def main() -> None:
        async with loading() as loader:
            await loader.load_plugin("com.a.one")
            await loader.load_plugin("com.a.two")
            await loader.deactivate_plugin("com.a.two")
            answer = await loader.auto_load_plugins()
            assert _ids(answer) == ["com.a.one"]
            assert "com.a.two" in {**answer.failed, **answer.skipped}

    run(main)


def test_cancelling_it_ends_what_is_loading_and_keeps_what_is_loaded() -> None:
    _auto("slow")
    _auto("bad")
    _auto("quick")
    BEHAVIOUR["com.a.slow", "initialize"] = lambda: asyncio.sleep(30)
    BEHAVIOUR["com.a.bad", "initialize"] = "no"

    async def main() -> None:
        async with loading() as loader:
            load = asyncio.ensure_future(loader.auto_load_plugins())

            def status(name: str) -> S:
                return loader.get_plugin_state(f"com.a.{name}").status

            await until(lambda: "initialize" in hooks("com.a.slow"))
            await until(lambda: status("quick") == S.LOADED and status("bad") == S.FAILED)
            load.cancel()
            await asyncio.wait({load})
            assert load.cancelled()
            await until(lambda: status("slow") == S.FAILED)
            assert status("quick") == S.LOADED
            await until(lambda: others_than(()) == [])
        assert imported() == []

    run(main)


def test_a_plugin_that_somebody_gives_up_meanwhile_is_told_as_failed() -> None:
    _auto("one")
    _auto("two")
    BEHAVIOUR["com.a.one", "initialize"] = lambda: asyncio.sleep(30)

    async def main() -> None:
        async with loading() as loader:
            load = asyncio.ensure_future(loader.auto_load_plugins())
            await until(lambda: "initialize" in hooks("com.a.one"))
            closing = asyncio.ensure_future(loader.close())
            answer = await load
            await closing
            assert "com.a.one" in answer.failed or "com.a.one" in answer.skipped

    run(main)


def test_a_look_for_a_load_that_was_given_up_opens_nothing_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    _auto("one")
    look, begun, gate, over = admission.refuse, Event(), Event(), Event()

    def slowly(candidate: Candidate, places: Places) -> None:
        begun.set()
        gate.wait(5)
        look(candidate, places)
        over.set()

    async def main() -> None:
        async with loading() as loader:
            monkeypatch.setattr(admission, "refuse", slowly)
            load = asyncio.ensure_future(loader.load_plugin("com.a.one"))
            await until(begun.is_set)
            asyncio.get_running_loop().call_later(0.1, gate.set)
            await loader.close()
            await asyncio.wait({load})
        await until(over.is_set)
        await asyncio.sleep(0.05)

    run(main)
    assert FINDER not in sys.meta_path


def test_one_that_nobody_has_trusted_is_skipped_with_its_reason(project: Path) -> None:
    config = json.dumps({"plugin_id": "com.a.one", "auto_load": True})
    grow(project / "skills", {"one": plugin("com.a.one", files={"config.json": config})})

    async def main() -> None:
        async with PluginLoader(validator=Judge()) as loader:
            answer = await loader.auto_load_plugins()
            assert list(answer) == []
            assert "com.a.one" in {**answer.skipped, **answer.failed}
            assert JOURNAL == []

    run(main)
