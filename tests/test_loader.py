"""PluginLoader: what is found, loaded, used and ended; every way of the table, and no other."""

from __future__ import annotations

import asyncio
import json
import logging
import os
import sys
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path
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
    manifest,
    needs,
    others_than,
    plant,
    plugin,
    run,
    until,
)
from records import record
from sites import installed, skill_md, tool_py, trust
from trees import distribution, grow

from kurt_ext.errors import (
    ConfigError,
    DisabledError,
    HookError,
    IncompatibleError,
    KurtError,
    ManifestError,
    PluginLoadError,
    PluginValidationError,
    QuarantinedError,
    RequirementError,
    SkillNotFoundError,
    TransitionError,
    UntrustedError,
)
from kurt_ext.lifecycle import EVENTS, TRANSITIONS, WISHES, PluginEvent, after, diagram, legal
from kurt_ext.loader import PluginLoader
from kurt_ext.manager import SkillManager
from kurt_ext.models import PluginConfig, PluginStatus, PluginType
from kurt_ext.models import PluginStatus as S
from kurt_ext.trust import Trust

ONE = "com.a.one"
#: Kept, or they may be collected before they end.
BESIDE: list[asyncio.Task[None]] = []


@pytest.fixture(autouse=True)
def journal() -> Iterator[None]:
    with fresh_journal():
        yield
    BESIDE.clear()


# -- the table -----------------------------------------------------------------------------


async def _bring(loader: PluginLoader, status: PluginStatus) -> None:
    """Bring the plugin into a state, and let it stay there."""
    if status == S.UNLOADED:
        return
    if status == S.LOADING:
        BEHAVIOUR[ONE, "initialize"] = lambda: asyncio.sleep(0.05)
        loader.audience.spawn(_quiet(loader.load_plugin(ONE)))
        await until(lambda: loader.get_plugin_state(ONE).status == S.LOADING)
        return
    if status == S.FAILED:
        BEHAVIOUR[ONE, "initialize"] = "no"
        with pytest.raises(HookError):
            await loader.load_plugin(ONE)
        BEHAVIOUR.clear()
        return
    await loader.load_plugin(ONE)
    if status in (S.ACTIVE, S.INACTIVE):
        await loader.activate_plugin(ONE)
    if status == S.INACTIVE:
        await loader.deactivate_plugin(ONE)
    if status == S.UNLOADING:
        BEHAVIOUR[ONE, "cleanup"] = lambda: asyncio.sleep(0.05)
        loader.audience.spawn(_quiet(loader.unload_plugin(ONE)))
        await until(lambda: loader.get_plugin_state(ONE).status == S.UNLOADING)


async def _quiet(work: Any) -> None:
    try:
        await work
    except KurtError:
        return


_STABLE = [status for status in PluginStatus if status not in (S.LOADING, S.UNLOADING)]
_ENDS = {"load": S.LOADED, "unload": S.UNLOADED}


@pytest.mark.parametrize("wish", WISHES)
@pytest.mark.parametrize("status", _STABLE)
def test_p4_p5_every_wish_in_every_state_does_what_the_table_says(status: S, wish: str) -> None:
    plant(ONE)

    async def main() -> None:
        async with loading() as loader:
            await _bring(loader, status)
            state = loader.get_plugin_state(ONE)
            assert state.status == status
            heard = Heard(loader)
            number, before = state.generation, hooks(ONE)
            ask = getattr(loader, f"{wish}_plugin")
            stays = wish == "load" and status in (S.LOADED, S.ACTIVE)  # it is loaded already
            if wish in TRANSITIONS[status] or stays:
                await ask(ONE)
                target = status if stays else TRANSITIONS[status][wish]
                if target == S.LOADING:
                    target = S.LOADED
                assert state.status == _ENDS.get(wish, target) if not stays else status
                if wish == "reload":
                    assert state.generation == number + 1
                return
            with pytest.raises(TransitionError) as found:
                await ask(ONE)
            error = found.value
            assert (error.status, error.wish, error.legal) == (status, wish, legal(status))
            assert status in error.message
            assert wish in error.message
            assert all(way in (error.cause or "") for way in legal(status))
            assert error.hint == f"kurt plugin {legal(status)[0]} {ONE}"
            assert state.status == status
            assert list(heard) == []
            assert hooks(ONE) == before

    run(main)


@pytest.mark.parametrize("wish", WISHES)
@pytest.mark.parametrize("status", [S.LOADING, S.UNLOADING])
def test_a_wish_that_comes_in_the_middle_of_another_waits_for_it(status: S, wish: str) -> None:
    plant(ONE)

    async def main() -> None:
        async with loading() as loader:
            await _bring(loader, status)
            state = loader.get_plugin_state(ONE)
            then = S.LOADED if status == S.LOADING else S.UNLOADED
            ask = getattr(loader, f"{wish}_plugin")
            if wish in TRANSITIONS[then] or (wish == "load" and then == S.LOADED):
                await ask(ONE)
            else:
                with pytest.raises(TransitionError) as found:
                    await ask(ONE)
                assert found.value.status == then
            assert state.status in _STABLE

    run(main)


def test_the_table_has_no_way_out_of_itself_and_no_dead_end() -> None:
    assert set(TRANSITIONS) == set(PluginStatus)
    for status, ways in TRANSITIONS.items():
        assert ways, status
        for label, target in ways.items():
            assert after(status, label) == target
            assert f"{status} --> {target}" in diagram()
        with pytest.raises(TransitionError, match=str(status)):
            after(status, "fly")
    reached, queue = set[S](), [S.UNLOADED]
    for status in queue:
        if status not in reached:
            reached.add(status)
            queue += TRANSITIONS[status].values()
    assert reached == set(PluginStatus)


def test_a_whole_life_calls_each_hook_in_order_and_tells_each_event() -> None:
    plant(ONE)

    async def main() -> None:
        async with loading() as loader:
            heard = Heard(loader)
            state = await loader.load_plugin(ONE)
            assert await state.instance.greet("you") == "Hello you"
            await loader.activate_plugin(ONE)
            await loader.deactivate_plugin(ONE)
            await loader.activate_plugin(ONE)  # P4
            await loader.reload_plugin(ONE)
            await loader.unload_plugin(ONE)
            assert hooks(ONE) == [
                "construct", "initialize", "activate", "deactivate", "activate",
                "construct", "initialize", "activate", "deactivate", "cleanup",
                "deactivate", "cleanup",
            ]  # fmt: skip
            assert heard.names() == [
                "loading", "initializing", "loaded", "activated", "deactivated", "activated",
                "reloading", "initializing", "reloaded",
                "deactivated", "unloading", "unloaded",
            ]  # fmt: skip
            _assert_consistent(heard)

    run(main)


def _assert_consistent(heard: list[PluginEvent]) -> None:
    status: dict[str, S] = {}
    for event in heard:
        assert event.name in EVENTS
        assert event.before == status.get(event.plugin_id, event.before)
        if event.before != event.after:
            assert event.after in TRANSITIONS[event.before].values()
        status[event.plugin_id] = event.after
        assert event.ms >= 0
        assert event.at.tzinfo is not None
        assert (event.error is not None) == (event.name in ("failed", "rolled-back"))
    for earlier, later in pairwise(heard):
        assert earlier.at <= later.at


# -- what there is ---------------------------------------------------------------------------


def test_discovery_imports_nothing_and_tells_what_is_broken() -> None:
    folder = plant(ONE, "com.a.two")
    grow(folder / "bad", {"plugin.json": "{", "main.py": "raise SystemExit"})
    grow(folder / "words", {"SKILL.md": skill_md("words")})

    async def main() -> None:
        async with loading() as loader:
            found = await loader.discover_plugins()
            assert [item.plugin_id for item in found] == [ONE, "com.a.two"]
            assert imported() == []
            assert list(loader.problems) == ["bad"]
            assert loader.problems["bad"]
            assert [state.status for state in loader.list_plugins()] == [S.UNLOADED, S.UNLOADED]
            # What comes later is found too, when it is asked for.
            plant("com.a.three")
            assert (await loader.load_plugin("com.a.three")).status == S.LOADED

    run(main)


def test_plugins_are_listed_by_state_and_by_kind() -> None:
    plant(ONE, ("two", plugin("com.a.two", plugin_type="custom")))

    async def main() -> None:
        async with loading() as loader:
            await loader.load_plugin(ONE)

            def names(*filters: Any, **named: Any) -> list[str]:
                states = loader.list_plugins(*filters, **named)
                return [state.metadata.plugin_id for state in states]

            assert names() == [ONE, "com.a.two"]
            assert names(S.LOADED) == names("loaded") == names(status_filter=S.LOADED) == [ONE]
            assert names(PluginStatus.ACTIVE) == []
            assert names(type_filter=PluginType.CUSTOM) == names(None, "custom") == ["com.a.two"]
            assert names(S.LOADED, "custom") == []

    run(main)


@pytest.mark.parametrize("wish", WISHES)
def test_an_unknown_plugin_is_told_with_the_nearest_names(wish: str) -> None:
    plant(ONE)

    async def main() -> None:
        async with loading() as loader:
            with pytest.raises(SkillNotFoundError) as found:
                await getattr(loader, f"{wish}_plugin")("com.a.onee")
            assert ONE in f"{found.value.hint} {found.value.candidates}"
            with pytest.raises(SkillNotFoundError):
                loader.get_plugin_state("com.b")

    run(main)


def test_p13_the_manifest_says_what_a_plugin_is_called_and_the_folder_does_not() -> None:
    plant(("com.fake.id", plugin("com.real.id")))

    async def main() -> None:
        async with loading() as loader:
            with pytest.raises(SkillNotFoundError):
                await loader.load_plugin("com.fake.id")
            state = await loader.load_plugin("com.real.id")
            assert state.metadata.plugin_id == "com.real.id"
            assert [s.metadata.plugin_id for s in loader.list_plugins()] == ["com.real.id"]

    run(main)


def test_the_state_is_one_object_that_is_kept_true() -> None:
    plant(ONE)

    async def main() -> None:
        async with loading() as loader:
            state = loader.get_plugin_state(ONE)
            assert (state.status, state.generation, state.loaded_at) == (S.UNLOADED, 0, None)
            assert state.instance is None
            before = datetime.now(UTC)
            assert await loader.load_plugin(ONE) is state
            assert state.status == S.LOADED
            assert state.generation == 1
            assert state.load_ms > 0
            assert state.loaded_at is not None
            assert before <= state.loaded_at <= datetime.now(UTC)
            assert await loader.reload_plugin(ONE) is state
            assert state.generation == 2
            await loader.unload_plugin(ONE)
            assert state.instance is None
            phases = {timing.phase for timing in loader.timings()}
            assert {"check", "import", "construct", "initialize", "load", "reload"} <= phases
            assert [t.ms for t in loader.timings()] == sorted(
                (t.ms for t in loader.timings()), reverse=True
            )

    run(main)


# -- what a plugin's code is -------------------------------------------------------------------


def test_p2_two_plugins_with_one_entry_point_name_have_each_their_own_module() -> None:
    plant(("one", plugin(ONE, word="One")), ("two", plugin("com.a.two", word="Two")))

    async def main() -> None:
        async with loading() as loader:
            one, two = await asyncio.gather(
                loader.load_plugin(ONE), loader.load_plugin("com.a.two")
            )
            assert await one.instance.greet() == "One you"
            assert await two.instance.greet() == "Two you"
            assert "main" not in sys.modules

    run(main)


def test_p3_an_entry_point_called_as_a_module_of_the_library_is_the_plugins_own() -> None:
    code = "class Plugin:\n    def __init__(self, metadata, config): ...\n    WORD = 'mine'\n"
    files = {"plugin.json": manifest(ONE, entry_point="json"), "json.py": code}
    plant(("one", files), ("two", {"plugin.json": manifest("com.a.two", entry_point="json")}))

    async def main() -> None:
        async with loading() as loader:
            state = await loader.load_plugin(ONE)
            assert state.instance.WORD == "mine"
            assert sys.modules["json"] is json
            with pytest.raises(KurtError) as found:
                await loader.load_plugin("com.a.two")
            assert "json" in str(found.value.cause) + str(found.value.message)
            assert found.value.skill == "com.a.two"

    run(main)


def test_p15_a_helper_may_be_imported_late_and_sys_path_is_left_alone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    code = """\
        class Plugin:
            def __init__(self, metadata, config): ...
            def word(self):
                from . import helper
                from .deep.helper import WORD
                return helper.WORD + WORD
        """
    files = plugin(ONE, code, files={"helper.py": "WORD = 'a'", "deep": {"helper.py": "WORD='b'"}})
    folder = plant(("one", files))
    own = str(folder.resolve() / "one")
    monkeypatch.setattr(sys, "path", [own, *sys.path])

    async def main() -> None:
        async with loading() as loader:
            await loader.discover_plugins()
            before = list(sys.path)
            state = await loader.load_plugin(ONE)
            assert state.instance.word() == "ab"
            await loader.unload_plugin(ONE)
            assert own in sys.path
            assert sys.path == before

    run(main)
    assert "helper" not in sys.modules


def test_p14_a_failed_import_is_tried_anew_with_every_helper() -> None:
    folder = plant(("one", plugin(ONE, "from .helper import Plugin\n")))
    helper = folder / "one" / "helper.py"
    helper.write_text("from . import deeper\n1 / 0\n")
    (folder / "one" / "deeper.py").write_text("N = 1\n")

    async def main() -> None:
        async with loading() as loader:
            for _ in range(2):
                with pytest.raises(PluginLoadError):
                    await loader.load_plugin(ONE)
                assert imported() == []
            helper.write_text(
                "class Plugin:\n    def __init__(self, metadata, config): ...\n    N = 3\n"
            )
            state = await loader.load_plugin(ONE)
            assert state.instance.N == 3

    run(main)


def test_p14_code_that_another_manager_left_imported_is_not_taken_when_it_has_changed() -> None:
    folder = plant(("one", plugin(ONE, word="Old", capabilities=[_capability("greet")])))

    async def main() -> None:
        from kurt_ext.places import Places

        skills = SkillManager(places=Places(skills=str(folder.resolve())))
        async with skills:
            result = await skills.arun(f"{ONE}:greet", {})
            assert result.data == "Old you"
        assert imported(ONE)  # a manager leaves modules imported
        grow(folder, {"one": plugin(ONE, word="New", capabilities=[_capability("greet")])})
        async with loading() as loader:
            state = await loader.load_plugin(ONE)
            assert await state.instance.greet() == "New you"

    run(main)


def _capability(name: str, **parameters: Any) -> dict[str, Any]:
    return {
        "name": name,
        "description": name,
        "version": "1.0.0",
        "parameters": {"type": "object", "properties": parameters},
    }


# -- admission ---------------------------------------------------------------------------------


def test_p11_config_json_and_the_defaults_of_the_schema_reach_the_plugin() -> None:
    schema = {
        "type": "object",
        "properties": {
            "precision": {"type": "integer", "default": 10, "maximum": 50},
            "deep": {"type": "object", "properties": {"on": {"type": "boolean", "default": True}}},
            "word": {"type": "string"},
        },
        "required": ["word"],
    }
    given = {"plugin_id": ONE, "config": {"word": "file"}}
    files = {"config.json": json.dumps(given)}
    plant(("one", plugin(ONE, config_schema=schema, files=files)))

    async def main() -> None:
        async with loading() as loader:
            state = await loader.load_plugin(ONE)
            assert state.instance.config["precision"] == 10
            assert state.instance.config["word"] == "file"
            assert state.config.config["word"] == "file"
            await loader.unload_plugin(ONE)
            chosen = PluginConfig(plugin_id=ONE, config={"precision": 20})
            state = await loader.load_plugin(ONE, config=chosen)
            assert (state.instance.config["precision"], state.instance.config["word"]) == (
                20, "file",
            )  # fmt: skip
            await loader.reload_plugin(ONE)  # with the same configuration
            assert state.instance.config["precision"] == 20
            await loader.unload_plugin(ONE)
            with pytest.raises(ConfigError) as found:
                await loader.load_plugin(ONE, {"config": {"precision": 99}})
            assert [place for place, _ in found.value.problems] == ["/precision"]
            assert state.status == S.FAILED
            assert imported() == []

    run(main)


_REFUSED: dict[str, tuple[dict[str, Any], type[KurtError]]] = {
    "a missing dependency": ({"dependencies": needs("com.a.nowhere")}, PluginLoadError),
    "a newer host": ({"min_runtime_version": "99.0.0"}, IncompatibleError),
    "an older host": ({"max_runtime_version": "0.1.0"}, IncompatibleError),
    "a required key": (
        {"config_schema": {"type": "object", "required": ["key"], "properties": {"key": {}}}},
        ConfigError,
    ),
    "another Python": ({"requires_python": ">=99"}, PluginLoadError),
    "a distribution": ({"requires": ["not-there-at-all>=1"]}, RequirementError),
}


@pytest.mark.parametrize("what", _REFUSED)
def test_p12_what_does_not_fit_is_refused_before_anything_is_imported(what: str) -> None:
    fields, kind = _REFUSED[what]
    files = {}
    if "requires" in fields:
        files, fields = {"requirements.txt": "not-there-at-all>=1\n"}, {}
    if "requires_python" in fields:
        fields = {}
        files = {"SKILL.md": skill_md("old", {"old": "Echo"}, 'requires_python: ">=99"\n')}
        folder = plant(("old", {**files, "skill.py": tool_py()}))
    else:
        folder = plant(("one", plugin(ONE, files=files, **fields)))
    assert folder

    async def main() -> None:
        async with loading() as loader:
            name = "old" if "SKILL.md" in files else ONE
            with pytest.raises(kind) as found:
                await loader.load_plugin(name)
            assert found.value.hint
            assert found.value.skill == name
            state = loader.get_plugin_state(name)
            assert state.status == S.FAILED
            assert state.error_message
            assert JOURNAL == []
            assert imported() == []

    run(main)


def test_what_the_validator_finds_keeps_a_plugin_from_being_imported() -> None:
    plant(ONE)
    judge = Judge("main.py:1: it is evil")

    async def main() -> None:
        async with loading(validator=judge) as loader:
            with pytest.raises(PluginValidationError) as found:
                await loader.load_plugin(ONE)
            assert found.value.validation_result.errors == ["main.py:1: it is evil"]
            assert loader.get_plugin_state(ONE).status == S.FAILED
            assert JOURNAL == []
            assert (await loader.load_plugin(ONE, validate=False)).status == S.LOADED
            with pytest.raises(PluginValidationError):
                await loader.reload_plugin(ONE)
            assert loader.get_plugin_state(ONE).status == S.LOADED
            await loader.reload_plugin(ONE, validate=False)
            assert judge.asked == [ONE, ONE]

    run(main)


def test_the_default_validator_lets_an_ordinary_plugin_in() -> None:
    plant(ONE)

    async def main() -> None:
        async with loading(validator=None) as loader:
            assert (await loader.load_plugin(ONE)).status == S.LOADED

    run(main)


@pytest.mark.parametrize("where", ["config.json", "call"])
def test_a_plugin_that_is_not_enabled_is_not_loaded(where: str) -> None:
    off = {"plugin_id": ONE, "enabled": False}
    files = {"config.json": json.dumps(off)} if where == "config.json" else {}
    plant(("one", plugin(ONE, files=files)))

    async def main() -> None:
        async with loading() as loader:
            with pytest.raises(DisabledError) as found:
                await loader.load_plugin(ONE, off if where == "call" else None)
            assert found.value.hint
            assert imported() == []

    run(main)


def test_an_untrusted_project_plugin_is_not_imported_and_a_trusted_one_is(
    project: Path,
) -> None:
    grow(project / "skills", {"one": plugin(ONE)})

    async def main() -> None:
        async with PluginLoader(validator=Judge()) as loader:
            with pytest.raises(UntrustedError):
                await loader.load_plugin(ONE)
            assert JOURNAL == []
            assert ONE in loader.problems
            Trust.load(loader.skills.places).add(str(project))
            state = await loader.load_plugin(ONE)
            assert state.status == S.LOADED

    run(main)


def test_a_broken_manifest_and_instructions_are_refused() -> None:
    folder = plant(ONE)
    grow(folder / "bad", {"plugin.json": manifest("com.a.bad", version="one"), "main.py": ""})
    grow(folder / "words", {"SKILL.md": skill_md("words")})

    async def main() -> None:
        async with loading() as loader:
            with pytest.raises(KurtError):
                await loader.load_plugin("com.a.bad")
            with pytest.raises(PluginLoadError, match="instructions"):
                await loader.load_plugin("words")

    run(main)


def test_a_plugin_that_fails_three_times_is_held_back_until_it_changes_or_is_forced() -> None:
    folder = plant(ONE)
    BEHAVIOUR[ONE, "initialize"] = "no"

    async def main() -> None:
        async with loading() as loader:
            for _ in range(3):
                with pytest.raises(HookError):
                    await loader.load_plugin(ONE)
            with pytest.raises(QuarantinedError) as found:
                await loader.load_plugin(ONE)
            assert found.value.hint
            assert loader.get_plugin_state(ONE).status == S.FAILED
            calls = len(JOURNAL)
            with pytest.raises(HookError):
                await loader.load_plugin(ONE, force=True)
            assert len(JOURNAL) > calls
            with pytest.raises(QuarantinedError):
                await loader.load_plugin(ONE)
            BEHAVIOUR.clear()
            (folder / ONE / "main.py").write_text((folder / ONE / "main.py").read_text() + "\n")
            assert (await loader.load_plugin(ONE)).status == S.LOADED

    run(main)


def test_a_plugin_whose_folder_goes_away_is_told_and_can_still_be_ended() -> None:
    import shutil

    folder = plant(ONE)

    async def main() -> None:
        async with loading() as loader:
            state = await loader.load_plugin(ONE)
            await loader.activate_plugin(ONE)
            shutil.rmtree(folder / ONE)
            with pytest.raises(KurtError):
                await loader.reload_plugin(ONE)
            assert state.status == S.ACTIVE
            assert await state.instance.greet() == "Hello you"
            await loader.discover_plugins()
            assert [s.metadata.plugin_id for s in loader.list_plugins()] == [ONE]
            await loader.deactivate_plugin(ONE)
            await loader.unload_plugin(ONE)
            assert state.status == S.UNLOADED
            assert imported() == []
            assert hooks(ONE)[-1] == "cleanup"

    run(main)


# -- use ---------------------------------------------------------------------------------------


def test_p18_uses_are_counted_by_instance_and_by_call() -> None:
    plant(("one", plugin(ONE, capabilities=[_capability("greet")])))

    async def main() -> None:
        async with loading() as loader:
            state = await loader.load_plugin(ONE)
            assert (state.usage_count, state.last_used) == (0, None)
            before = datetime.now(UTC)
            await state.instance.greet()
            assert state.usage_count == 1
            for number in range(2, 5):
                result = await loader.skills.arun(f"{ONE}:greet", {"name": "us"})
                assert result.data == "Hello us"
                assert state.usage_count == number
            assert state.last_used is not None
            assert before.timestamp() - 1 <= state.last_used.timestamp()
            await loader.reload_plugin(ONE)
            assert state.usage_count == 4

    run(main)


def test_a_call_activates_what_is_loaded_and_is_refused_while_it_is_inactive() -> None:
    plant(("one", plugin(ONE, capabilities=[_capability("greet")])))

    async def main() -> None:
        async with loading() as loader:
            state = await loader.load_plugin(ONE)
            call = await loader.skills.acall(f"{ONE}:greet")
            assert state.status == S.ACTIVE
            assert hooks(ONE) == ["construct", "initialize", "activate"]
            assert (await call({})).data == "Hello you"
            await loader.deactivate_plugin(ONE)
            for _ in range(2):
                with pytest.raises(TransitionError, match="inactive"):
                    await call({})
                with pytest.raises(TransitionError, match="inactive"):
                    await loader.skills.arun(f"{ONE}:greet", {})
            await loader.activate_plugin(ONE)
            assert (await call({})).data == "Hello you"
            await loader.unload_plugin(ONE)
            with pytest.raises(TransitionError, match="unloaded"):
                await call({})
            # By its name it is loaded again, as every skill is on its first use.
            assert (await loader.skills.arun(f"{ONE}:greet", {})).data == "Hello you"
            assert state.status == S.ACTIVE

    run(main)


@pytest.mark.parametrize("fails", [False, True])
def test_a_call_that_comes_while_it_loads_waits_for_it(fails: bool) -> None:
    plant(("one", plugin(ONE, capabilities=[_capability("greet")])))
    begun: list[str] = []

    async def initialize() -> None:
        begun.append("yes")
        await asyncio.sleep(0.05)
        if fails:
            raise ValueError("no")

    BEHAVIOUR[ONE, "initialize"] = initialize

    async def main() -> None:
        async with loading() as loader:
            load = asyncio.ensure_future(_quiet(loader.load_plugin(ONE)))
            await until(lambda: begun)
            call = asyncio.ensure_future(loader.skills.arun(f"{ONE}:greet", {}))
            await asyncio.wait({load, call})
            if fails:
                assert isinstance(call.exception(), KurtError)
                assert loader.get_plugin_state(ONE).status == S.FAILED
                assert hooks(ONE) == ["construct", "initialize", "cleanup"]
            else:
                assert call.result().data == "Hello you"
                assert hooks(ONE) == ["construct", "initialize", "activate"]
                assert loader.get_plugin_state(ONE).status == S.ACTIVE

    run(main)


# -- events ------------------------------------------------------------------------------------


def test_what_a_handler_raises_harms_nobody_and_an_async_one_is_waited_for(
    caplog: pytest.LogCaptureFixture,
) -> None:
    plant(ONE)
    seen: list[str] = []

    def broken(event: PluginEvent) -> None:
        raise RuntimeError("the handler is broken")

    async def later(event: PluginEvent) -> None:
        await asyncio.sleep(0.01)
        seen.append(event.name)

    async def main() -> None:
        async with loading() as loader:
            loader.subscribe(broken)
            end = loader.subscribe(later)
            await loader.load_plugin(ONE)
            end()
            end()
            await loader.activate_plugin(ONE)
        assert seen == ["loading", "initializing", "loaded"]

    with caplog.at_level(logging.ERROR, "kurt_ext.plugins"):
        run(main)
    assert "handler" in caplog.text


def test_an_async_handler_hears_what_happens_in_another_thread() -> None:
    plant(("one", plugin(ONE, capabilities=[_capability("greet")])))
    seen: list[tuple[str, int | None]] = []

    async def handler(event: PluginEvent) -> None:
        await asyncio.sleep(0)
        seen.append((event.name, threading.get_ident()))

    async def main() -> None:
        async with loading() as loader:
            loader.subscribe(handler)
            heard = Heard(loader)
            result = await asyncio.to_thread(loader.skills.run, f"{ONE}:greet", {})
            assert result.data == "Hello you"
            assert "loaded" in heard.names()
            await until(lambda: {"loaded", "activated"} <= {name for name, _ in seen})

    run(main)


def test_a_handler_that_never_ends_does_not_keep_the_loader_open() -> None:
    plant(ONE)

    async def handler(event: PluginEvent) -> None:
        await asyncio.sleep(60)

    async def main() -> None:
        loader = PluginLoader("plugins", Judge(), hook_timeout=0.1)
        loader.subscribe(handler)
        await loader.load_plugin(ONE)
        async with asyncio.timeout(5):
            await loader.close()
        assert others_than(()) == []

    run(main)


# -- the end -----------------------------------------------------------------------------------


def test_close_unloads_the_last_one_first_and_goes_on_after_a_failure() -> None:
    names = ["com.a.one", "com.a.two", "com.a.three"]
    plant("com.a.one", ("two", plugin("com.a.two", dependencies=needs("com.a.three"))), names[2])
    BEHAVIOUR["com.a.two", "cleanup"] = "no"

    async def main() -> None:
        async with loading() as loader:
            heard = Heard(loader)
            await loader.load_plugin("com.a.two")
            await loader.load_plugin("com.a.one")
            await loader.activate_plugin("com.a.two")
        ended = [name for name, hook in JOURNAL if hook == "cleanup"]
        assert ended == ["com.a.one", "com.a.two", "com.a.three"]
        assert heard.names("com.a.two")[-1] == "failed"
        assert heard.names("com.a.three")[-1] == "unloaded"
        assert imported() == []
        assert others_than(()) == []
        await loader.close()  # again: nothing is left to do

    run(main)


@pytest.mark.parametrize("hook", ["deactivate", "cleanup"])
def test_close_ends_within_its_limit_whatever_hangs(hook: str) -> None:
    names = [f"com.a.n{number}" for number in range(4)]
    plant(*names)

    async def main() -> None:
        loader = PluginLoader("plugins", Judge(), hook_timeout=60)
        for name in names:
            await loader.load_plugin(name)
            await loader.activate_plugin(name)
            BEHAVIOUR[name, hook] = lambda: asyncio.sleep(60)
        async with asyncio.timeout(10):
            await loader.close(limit=0.3)
        for name in names:
            assert hooks(name)[-2:] == ["deactivate", "cleanup"]
        assert imported() == []
        assert others_than(()) == []

    run(main)


def test_close_waits_for_nobody_who_is_loading() -> None:
    plant(ONE, "com.a.two")
    BEHAVIOUR[ONE, "initialize"] = lambda: asyncio.sleep(60)

    async def main() -> None:
        loader = PluginLoader("plugins", Judge(), hook_timeout=60)
        task = asyncio.ensure_future(loader.load_plugin(ONE))
        await until(lambda: "initialize" in hooks(ONE))
        async with asyncio.timeout(5):
            await loader.close()
        await asyncio.wait({task})
        assert hooks(ONE) == ["construct", "initialize", "cleanup"]
        assert imported() == []
        assert others_than(()) == []

    run(main)


def test_p7_a_plugin_that_is_active_is_deactivated_before_it_is_cleaned_up() -> None:
    plant(ONE)

    async def main() -> None:
        async with loading() as loader:
            await loader.load_plugin(ONE)
            await loader.activate_plugin(ONE)
            await loader.unload_plugin(ONE)
            assert hooks(ONE)[-2:] == ["deactivate", "cleanup"]
            with pytest.raises(TransitionError):  # P5
                await loader.unload_plugin(ONE)

    run(main)


# -- other spellings of a plugin ---------------------------------------------------------------


def test_a_skill_md_with_several_extensions_is_one_plugin() -> None:
    code = tool_py() + "\n" + tool_py("Shout").split("\n\n\n")[-1]
    files = {"SKILL.md": skill_md("pair", {"echo": "Echo", "shout-it": "Shout"}), "skill.py": code}
    plant(("pair", files))

    async def main() -> None:
        async with loading() as loader:
            state = await loader.load_plugin("pair")
            members = state.instance
            assert sorted(members) == ["echo", "shout-it"]
            assert len(members) == 2
            assert members["echo"] is members.echo
            assert members.shout_it is members["shout-it"]
            assert "echo" in repr(members)
            with pytest.raises(AttributeError, match="echo"):
                members.nothing  # noqa: B018
            await loader.activate_plugin("pair")
            result = await loader.skills.arun("echo", {"text": "a"})
            assert result.data.text == "a" if hasattr(result.data, "text") else result.data
            await loader.unload_plugin("pair")
            assert imported() == []

    run(main)


REGISTERS = """\
from kurt_tool import register_tool
import lives
{echo}

def register():
    lives.JOURNAL.append(("reg", "register"))
    register_tool(Echo)
"""


def _wheel(monkeypatch: pytest.MonkeyPatch, site: Path, name: str, points: str, code: str) -> Path:
    """Put down what pip would have, of a wheel that was built of a skill; return its module."""
    modules = {"kurt_skills": {name: {"__init__.py": "", "skill.py": code}}}
    installed(monkeypatch, site, f"kurt-skill-{name}", points, modules)
    text = json.dumps(record(name, implements=[], source="SKILL.md"))
    (site / f"kurt_skill_{name}-1.0.dist-info" / "kurt.json").write_text(text)
    return site / "kurt_skills" / name / "skill.py"


def test_a_skill_that_registers_what_it_offers_is_one_plugin(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    points = "[kurt.skills]\nreg = kurt_skills.reg.skill:register\n"
    code = REGISTERS.format(echo=tool_py())
    path = _wheel(monkeypatch, tmp_path / "site", "reg", points, code)

    async def main() -> None:
        async with PluginLoader(validator=Judge()) as loader:
            state = await loader.load_plugin("reg")
            assert state.status == S.LOADED
            assert hooks("reg") == ["register"]
            assert (await loader.skills.arun("echo", {"text": "a"})).success
            old = sys.modules["kurt_skills.reg.skill"]
            await loader.reload_plugin("reg")
            assert hooks("reg") == ["register", "register"]
            assert sys.modules["kurt_skills.reg.skill"] is not old
            assert (await loader.skills.arun("echo", {"text": "a"})).success
            path.write_text(code + "1 / 0\n")
            with pytest.raises(PluginLoadError):
                await loader.reload_plugin("reg")
            assert (await loader.skills.arun("echo", {"text": "a"})).success
            await loader.unload_plugin("reg")
            assert [row for row in loader.skills.lookup.registry if row.skill == "reg"] == []
            assert imported() == []

    run(main)


def test_an_installed_skill_is_a_plugin_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    points = "[kurt.tool]\necho = kurt_skills.wheel.skill:Echo\n"
    path = _wheel(monkeypatch, tmp_path / "site", "wheel", points, tool_py())

    async def main() -> None:
        async with PluginLoader(validator=Judge()) as loader:
            assert "wheel" in [item.plugin_id for item in await loader.discover_plugins()]
            state = await loader.load_plugin("wheel")
            await loader.activate_plugin("wheel")
            assert (await loader.skills.arun("wheel:echo", {"text": "a"})).success
            path.write_text(path.read_text() + "\nNEW = 1\n")
            await loader.reload_plugin("wheel")
            assert state.generation == 2
            assert sys.modules["kurt_skills.wheel.skill"].NEW == 1
            await loader.unload_plugin("wheel")
            assert imported() == []

    run(main)


def test_a_distribution_of_pep_440_whose_code_lies_elsewhere_is_loaded_and_never_reloaded_stale(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    points = "[kurt.tool]\necho = elsewhere_echo:Echo\n"
    modules = {"elsewhere_echo.py": tool_py()}
    installed(monkeypatch, tmp_path / "site", "elsewhere", points, modules)
    monkeypatch.delitem(sys.modules, "elsewhere_echo", raising=False)

    async def main() -> None:
        async with PluginLoader(validator=Judge()) as loader:
            assert "elsewhere" in [item.plugin_id for item in await loader.discover_plugins()]
            state = await loader.load_plugin("elsewhere")
            assert state.metadata.version == "1.0.0"
            assert (await loader.skills.arun("elsewhere:echo", {"text": "a"})).success
            with pytest.raises(PluginLoadError, match="cannot be reloaded") as found:
                await loader.reload_plugin("elsewhere")
            assert "elsewhere_echo" in (found.value.cause or "")
            assert found.value.hint
            assert state.status == S.ACTIVE
            assert (await loader.skills.arun("elsewhere:echo", {"text": "a"})).success
            await loader.unload_plugin("elsewhere")
            assert state.status == S.UNLOADED

    run(main)
    sys.modules.pop("elsewhere_echo", None)


def test_a_loader_works_through_a_manager_that_somebody_else_has() -> None:
    folder = plant(("one", plugin(ONE, capabilities=[_capability("greet")])))
    from kurt_ext.places import Places

    async def main() -> None:
        async with SkillManager(places=Places(skills=str(folder.resolve()))) as skills:
            async with PluginLoader(validator=Judge(), skills=skills) as loader:
                await skills.arun(f"{ONE}:greet", {})  # loaded on its first use
                state = loader.get_plugin_state(ONE)
                assert state.status == S.ACTIVE
                await loader.deactivate_plugin(ONE)
                with pytest.raises(TransitionError):
                    await skills.arun(f"{ONE}:greet", {})
                await loader.activate_plugin(ONE)
            assert state.status == S.UNLOADED
            # The manager is its owner's, and goes on.
            assert (await skills.arun(f"{ONE}:greet", {})).data == "Hello you"

    run(main)


def test_the_manager_that_looks_again_ends_nothing_that_is_loaded() -> None:
    folder = plant(ONE)

    async def main() -> None:
        async with loading() as loader:
            state = await loader.load_plugin(ONE)
            await loader.activate_plugin(ONE)
            path = folder / ONE / "main.py"
            path.write_text(path.read_text().replace("Hello", "Bonjour"))
            loader.skills.refresh()
            assert state.status == S.ACTIVE
            assert state.instance is not None
            assert await state.instance.greet() == "Hello you"
            await loader.reload_plugin(ONE)
            assert await state.instance.greet() == "Bonjour you"
            assert hooks(ONE)[3:] == [
                "construct",
                "initialize",
                "activate",
                "deactivate",
                "cleanup",
            ]
            await loader.unload_plugin(ONE)
            assert hooks(ONE)[-2:] == ["deactivate", "cleanup"]
            assert imported() == []

    run(main)


def test_secrets_are_shown_by_no_error_and_no_state(monkeypatch: pytest.MonkeyPatch) -> None:
    schema = {"type": "object", "properties": {"api_key": {"type": "string"}}}
    code = """\
        class Plugin:
            def __init__(self, metadata, config):
                self.config = config
            async def initialize(self):
                raise ValueError("the key is " + self.config["api_key"])
        """
    plant(("one", plugin(ONE, code, config_schema=schema)))

    async def main() -> None:
        async with loading() as loader:
            with pytest.raises(HookError) as found:
                await loader.load_plugin(ONE, {"config": {"api_key": "hunter2hunter2"}})
            state = loader.get_plugin_state(ONE)
            told = [str(found.value), found.value.cause, repr(state), state.error_message]
            told.append(state.error_traceback)
            assert "the key is" in (state.error_message or "")
            for text in told:
                assert "hunter2" not in (text or "")

    run(main)


def test_a_plugin_directory_may_be_named_in_any_way(monkeypatch: pytest.MonkeyPatch) -> None:
    folder = plant(ONE)

    async def main() -> None:
        for spelling in (
            "plugins",
            Path("plugins"),
            folder.resolve(),
            f"{folder.resolve()}{os.sep}",
        ):
            async with PluginLoader(spelling, Judge()) as loader:
                assert (await loader.load_plugin(ONE)).status == S.LOADED
        async with PluginLoader("nowhere", Judge()) as loader:
            assert await loader.discover_plugins() == []
            with pytest.raises(SkillNotFoundError):
                await loader.load_plugin(ONE)

    run(main)


def test_a_manifest_that_breaks_a_rule_of_the_model_is_told_by_name() -> None:
    plant(("one", plugin(ONE, max_runtime_version="junk")))

    async def main() -> None:
        async with loading() as loader:
            with pytest.raises(ManifestError):
                await loader.load_plugin(ONE)

    run(main)


def test_a_plugin_whose_kind_is_switched_off_is_not_loaded(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    trust(monkeypatch, project)
    plant(ONE)
    (project / "kurt.toml").write_text('[tool]\ndisabled = ["*"]\n', encoding="utf-8")

    async def main() -> None:
        async with loading() as loader:
            with pytest.raises(DisabledError):
                await loader.load_plugin(ONE)
            assert JOURNAL == []

    run(main)


def test_a_listener_of_the_manager_that_raises_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    plant(ONE)

    def broken(event: PluginEvent) -> None:
        raise RuntimeError("it is broken")

    async def main() -> None:
        async with loading() as loader:
            loader.skills.loading.listeners.append(broken)
            assert (await loader.load_plugin(ONE)).status == S.LOADED

    with caplog.at_level(logging.ERROR, "kurt_ext.plugins"):
        run(main)
    assert "it is broken" in caplog.text


def test_a_distribution_of_no_version_at_all_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    points = "[kurt.tool]\necho = elsewhere_echo:Echo\n"
    modules = distribution("elsewhere", points, version="soon", modules={"elsewhere_echo.py": ""})
    grow(tmp_path / "site", modules)
    monkeypatch.syspath_prepend(str(tmp_path / "site"))

    async def main() -> None:
        async with PluginLoader(validator=Judge()) as loader:
            with pytest.raises(ManifestError, match="elsewhere"):
                await loader.load_plugin("elsewhere")

    run(main)
