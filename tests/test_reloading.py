"""A reload runs the new code or leaves the old as it was; calls under way end as they began."""

from __future__ import annotations

import asyncio
import json
import sys
import threading
import weakref
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from lives import (
    BEHAVIOUR,
    JOURNAL,
    Heard,
    Judge,
    collected,
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
from sites import skill_md, tool_py
from trees import grow

from kurt_ext.errors import (
    ConfigError,
    ContractError,
    DependencyError,
    HookError,
    HookTimeoutError,
    KurtError,
    ManifestError,
    PluginLoadError,
    PluginValidationError,
    TransitionError,
)
from kurt_ext.loader import PluginLoader
from kurt_ext.models import PluginStatus as S

ONE = "com.a.one"
GATES: dict[str, threading.Event] = {}


@pytest.fixture(autouse=True)
def journal(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(sys, "path", list(sys.path))
    monkeypatch.setattr(sys, "dont_write_bytecode", False)
    GATES.clear()
    with fresh_journal():
        yield
    for gate in GATES.values():
        gate.set()


def _greet(**fields: Any) -> dict[str, Any]:
    properties = {"name": {"type": "string"}}
    capability = {
        "name": "greet",
        "description": "Greet",
        "version": "1.0.0",
        "parameters": {"type": "object", "properties": properties},
    }
    return {"capabilities": [capability], **fields}


# -- new code -------------------------------------------------------------------------------


def test_p1_a_reload_runs_the_new_code_everywhere() -> None:
    code = """\
        from .helper import WORD
        from . import deep

        class Plugin:
            def __init__(self, metadata, config): ...
            async def greet(self, name="you"):
                from .late import LATE
                return WORD + deep.WORD + LATE
        """

    def files(word: str) -> dict[str, Any]:
        line = f"WORD = LATE = {word!r}\n"
        helpers = {"helper.py": line, "late.py": line, "deep": {"__init__.py": line}}
        return plugin(ONE, code, files=helpers, **_greet())

    folder = plant(("one", files("a")))

    async def main() -> None:
        async with loading() as loader:
            state = await loader.load_plugin(ONE)
            old = state.instance
            call = await loader.skills.acall(f"{ONE}:greet")
            assert (await call({})).data == "aaa"
            grow(folder / "one", files("b"))
            await loader.reload_plugin(ONE)
            assert await state.instance.greet() == "bbb"
            assert type(state.instance) is not type(old)
            assert (await call({})).data == "bbb"
            assert (await loader.skills.arun(f"{ONE}:greet", {})).data == "bbb"
            assert sys.modules["kurt_skills.com_a_one.helper"].WORD == "b"

    run(main)


def test_p1_two_hundred_edits_of_the_same_size_are_never_stale() -> None:
    folder = plant(("one", plugin(ONE, "from .helper import Plugin\n")))
    helper = folder / "one" / "helper.py"
    text = "class Plugin:\n    def __init__(self, metadata, config): ...\n    N = {}\n"
    helper.write_text(text.format(100))

    async def main() -> None:
        async with loading() as loader:
            state = await loader.load_plugin(ONE)
            stale = 0
            for number in range(101, 301):
                helper.write_text(text.format(number))
                await loader.reload_plugin(ONE)
                stale += number != state.instance.N
            assert stale == 0
            assert not list(folder.rglob("*.pyc"))

    run(main)


def _reload_often(times: int) -> None:
    folder = plant(("one", plugin(ONE, "from .helper import Plugin\n")))
    text = "class Plugin:\n    def __init__(self, metadata, config): self.me = self\n    N = {}\n"
    helper = folder / "one" / "helper.py"
    helper.write_text(text.format(0))

    async def main() -> None:
        async with loading() as loader:
            state = await loader.load_plugin(ONE)
            await loader.activate_plugin(ONE)
            dead = list[weakref.ref[Any]]()
            await loader.reload_plugin(ONE)
            size, tasks = len(sys.modules), len(asyncio.all_tasks())
            for number in range(1, times + 1):
                dead += [weakref.ref(sys.modules[name]) for name in imported(ONE)]
                dead.append(weakref.ref(state.instance))
                helper.write_text(text.format(number))
                await loader.reload_plugin(ONE)
                assert len(sys.modules) == size
            assert times == state.instance.N
            assert len(asyncio.all_tasks()) == tasks
            assert collected(*dead)
            assert loader.leaks() == []
            assert len(loader.timings()) < 100
            await loader.unload_plugin(ONE)
        assert imported() == []

    run(main)


@pytest.mark.slow
def test_a_hundred_reloads_leave_no_module_and_no_object_alive() -> None:
    _reload_often(100)


@pytest.mark.slow
def test_a_thousand_reloads_leave_no_module_and_no_object_alive() -> None:
    _reload_often(1000)


@pytest.mark.slow
def test_an_unloaded_plugin_is_dead_though_its_state_is_kept() -> None:
    plant(("one", plugin(ONE, **_greet())))

    async def main() -> None:
        async with loading() as loader:
            state = await loader.load_plugin(ONE)
            await loader.skills.arun(f"{ONE}:greet", {})
            call = await loader.skills.acall(f"{ONE}:greet")
            refs = [weakref.ref(sys.modules[name]) for name in imported(ONE)]
            refs += [weakref.ref(state.instance), weakref.ref(type(state.instance))]
            await loader.unload_plugin(ONE)
            assert collected(*refs)
            with pytest.raises(TransitionError):
                await call({})

    run(main)


@pytest.mark.parametrize("status", [S.LOADED, S.ACTIVE, S.INACTIVE])
def test_a_reload_keeps_the_state_and_calls_the_hooks_that_belong_to_it(status: S) -> None:
    plant(ONE)

    async def main() -> None:
        async with loading() as loader:
            state = await loader.load_plugin(ONE)
            if status != S.LOADED:
                await loader.activate_plugin(ONE)
            if status == S.INACTIVE:
                await loader.deactivate_plugin(ONE)
            JOURNAL.clear()
            await loader.reload_plugin(ONE)
            assert state.status == status
            new = ["construct", "initialize", *(["activate"] if status == S.ACTIVE else [])]
            old = [*(["deactivate"] if status == S.ACTIVE else []), "cleanup"]
            assert hooks(ONE) == new + old
            JOURNAL.clear()
            await loader.unload_plugin(ONE)
            assert hooks(ONE) == old

    run(main)


def test_a_manifest_that_changed_counts_from_the_reload_on() -> None:
    schema = {"type": "object", "properties": {"size": {"type": "integer", "default": 3}}}
    folder = plant(ONE)

    async def main() -> None:
        async with loading() as loader:
            state = await loader.load_plugin(ONE)
            grow(folder / ONE, plugin(ONE, version="2.0.0", config_schema=schema, **_greet()))
            assert state.metadata.version == "1.0.0"
            await loader.reload_plugin(ONE)
            assert state.metadata.version == "2.0.0"
            assert state.instance.config == {"size": 3}
            assert (await loader.skills.arun(f"{ONE}:greet", {})).data == "Hello you"

    run(main)


# -- what goes wrong leaves the old one --------------------------------------------------------


def _edit(code: str | None = None, **fields: Any) -> Callable[[Path], None]:
    def change(folder: Path) -> None:
        grow(folder / "one", plugin(ONE, code, word="New", **_greet(**fields)))

    return change


def _hook(name: str, happening: Any) -> Callable[[Path], None]:
    def change(folder: Path) -> None:
        _edit()(folder)
        BEHAVIOUR[ONE, name] = happening

    return change


_SCHEMA = {"type": "object", "required": ["key"], "properties": {"key": {"type": "string"}}}
_STEPS: dict[str, tuple[Callable[[Path], None], type[KurtError]]] = {
    "the syntax": (_edit("def :\n"), PluginLoadError),
    "the import": (_edit("from . import helper\nimport nowhere_at_all\n"), PluginLoadError),
    "a helper": (_edit("from .helper import nothing\n"), PluginLoadError),
    "SystemExit": (_edit("raise SystemExit\n"), PluginLoadError),
    "the contract": (_edit("class NotAPlugin: ...\n"), ContractError),
    "the constructor": (_hook("construct", "no"), PluginLoadError),
    "initialize": (_hook("initialize", "no"), HookError),
    "initialize in time": (_hook("initialize", lambda: asyncio.sleep(30)), HookTimeoutError),
    "activate": (_hook("activate", "no"), HookError),
    "the manifest": (lambda f: grow(f / "one", {"plugin.json": "{"}) and None, ManifestError),
    "the configuration": (_edit(config_schema=_SCHEMA), ConfigError),
    "a dependency": (_edit(dependencies=needs("com.a.two")), DependencyError),
    "a dependency that fails": (_edit(dependencies=needs("com.a.bad")), DependencyError),
    "the host's version": (_edit(min_runtime_version="99.0.0"), PluginLoadError),
}


@pytest.mark.slow
@pytest.mark.parametrize("step", _STEPS)
def test_where_a_step_fails_the_old_code_runs_on_and_nothing_of_the_new_is_left(step: str) -> None:
    change, kind = _STEPS[step]
    files = {"helper.py": "WORD = 'x'\n"}
    bad = plugin("com.a.bad", "1 / 0\n")
    folder = plant(("one", plugin(ONE, word="Old", files=files, **_greet())), ("bad", bad))

    async def main() -> None:
        async with loading(hook_timeout=0.3) as loader:
            state = await loader.load_plugin(ONE)
            await loader.activate_plugin(ONE)
            call = await loader.skills.acall(f"{ONE}:greet")
            assert (await loader.skills.arun(f"{ONE}:greet", {})).data == "Old you"
            heard = Heard(loader)
            before = (state.instance, state.generation, state.metadata, state.config)
            modules = {name: sys.modules[name] for name in imported(ONE)}
            tasks = asyncio.all_tasks()
            change(folder)
            with pytest.raises(kind) as found:
                await loader.reload_plugin(ONE)
            assert found.value.skill
            BEHAVIOUR.clear()
            assert state.status == S.ACTIVE
            assert (state.instance, state.generation, state.metadata, state.config) == before
            assert state.error_message is None
            assert {name: sys.modules[name] for name in imported(ONE)} == modules
            assert asyncio.all_tasks() <= tasks
            assert heard.names(ONE)[0] == "reloading"
            assert heard.names(ONE)[-1] == "rolled-back"
            assert [e for e in heard if e.plugin_id == ONE][-1].error is found.value
            assert await state.instance.greet() == "Old you"
            assert (await call({})).data == "Old you"
            assert (await loader.skills.arun(f"{ONE}:greet", {})).data == "Old you"
            # The old object was told of nothing; the new one, where there was one, was ended.
            called = hooks(ONE)
            assert called[:3] == ["construct", "initialize", "activate"]
            assert "deactivate" not in called
            assert called.count("initialize") - 1 == called.count("cleanup")
            # And once it is mended, the new code comes.
            _edit()(folder)
            await loader.reload_plugin(ONE)
            assert await state.instance.greet() == "New you"
            assert (await call({})).data == "New you"
        assert imported() == []

    run(main)


def test_where_the_validator_objects_the_old_code_runs_on() -> None:
    folder = plant(("one", plugin(ONE, word="Old")))
    judge = Judge()

    async def main() -> None:
        async with loading(validator=judge) as loader:
            state = await loader.load_plugin(ONE)
            _edit()(folder)
            judge.errors.append("it is evil")
            with pytest.raises(PluginValidationError):
                await loader.reload_plugin(ONE)
            assert await state.instance.greet() == "Old you"
            await loader.reload_plugin(ONE, validate=False)
            assert await state.instance.greet() == "New you"

    run(main)


@pytest.mark.parametrize("hook", ["deactivate", "cleanup"])
@pytest.mark.parametrize("does", ["no", lambda: asyncio.sleep(30)], ids=["fails", "hangs"])
def test_a_failing_end_of_the_old_code_is_told_and_does_not_undo_the_new(
    hook: str, does: Any
) -> None:
    folder = plant(("one", plugin(ONE, word="Old")))

    async def main() -> None:
        async with loading(hook_timeout=0.1) as loader:
            state = await loader.load_plugin(ONE)
            await loader.activate_plugin(ONE)
            heard = Heard(loader)
            _edit()(folder)
            BEHAVIOUR[ONE, hook] = does
            await loader.reload_plugin(ONE)
            BEHAVIOUR.clear()
            assert state.status == S.ACTIVE
            assert await state.instance.greet() == "New you"
            left = [event for event in heard if event.name == "left-behind"]
            assert hook in left[0].detail[0]
            assert heard.names()[-1] == "reloaded"
            assert not [name for name in imported() if "@" in name]

    run(main)


# -- calls under way ---------------------------------------------------------------------------

SLOW = """\
import asyncio
import test_reloading_gate
from . import word

class Plugin:
    def __init__(self, metadata, config):
        self.open = True
    async def cleanup(self):
        self.open = False
    async def inner(self):
        while not test_reloading_gate.GATE.is_set():
            await asyncio.sleep(0.001)
        from .word import WORD
        return f"{{WORD}} {{self.open}}"
    async def greet(self, name="you"):
        return await asyncio.ensure_future(self.inner()) if name == "nested" else await self.inner()
    def block(self):
        test_reloading_gate.GATE.wait(10)
        from .word import WORD
        return f"{{WORD}} {{self.open}}"
""".replace("{{", "{").replace("}}", "}")


def _gate() -> threading.Event:
    made = ModuleType("test_reloading_gate")
    gate = GATES["gate"] = threading.Event()
    made.GATE = gate  # type: ignore[attr-defined]
    sys.modules["test_reloading_gate"] = made
    return gate


def _slow(word: str) -> dict[str, Any]:
    fields = _greet()
    fields["capabilities"].append({"name": "block", "description": "Block", "version": "1.0.0"})
    return plugin(ONE, SLOW, files={"word.py": f"WORD = {word!r}\n"}, **fields)


_WAYS: dict[str, Callable[[PluginLoader, Any], Any]] = {
    "state.instance": lambda loader, state: state.instance.greet(),
    "nested": lambda loader, state: state.instance.greet("nested"),
    "a call by name": lambda loader, state: loader.skills.arun(f"{ONE}:greet", {}),
    "a call with a timeout": lambda loader, state: loader.skills.arun(
        f"{ONE}:greet", {}, timeout=20
    ),
    "a sync method in a thread": lambda loader, state: asyncio.to_thread(state.instance.block),
    "a sync call with a timeout": lambda loader, state: loader.skills.arun(
        f"{ONE}:block", {}, timeout=20
    ),
    "skills.run in a thread": lambda loader, state: asyncio.to_thread(
        loader.skills.run, f"{ONE}:greet", {}
    ),
}


@pytest.mark.parametrize("way", _WAYS)
def test_calls_under_way_end_on_the_old_code(way: str) -> None:
    gate = _gate()
    folder = plant(("one", _slow("old")))

    async def main() -> None:
        async with loading() as loader:
            state = await loader.load_plugin(ONE)
            await loader.activate_plugin(ONE)
            under_way = asyncio.ensure_future(_WAYS[way](loader, state))
            from kurt_ext.importer import modules_of
            from kurt_ext.inflight import busy

            await until(lambda: busy(list(modules_of("com_a_one").values()), loader.skills.loops()))
            grow(folder / "one", _slow("new"))
            async with asyncio.timeout(5):
                await loader.reload_plugin(ONE)
            assert [name for name in imported() if "@" in name]
            gate.set()
            found = await under_way
            assert getattr(found, "data", found) == "old True"
            assert await state.instance.greet() == "new True"
            await until(lambda: not [name for name in imported() if "@" in name])
        assert others_than(()) == []

    run(main)


def test_calls_never_fail_while_the_code_is_reloaded_again_and_again() -> None:
    folder = plant(("one", plugin(ONE, word="0", **_greet())))

    async def main() -> None:
        async with loading() as loader:
            state = await loader.load_plugin(ONE)
            call = await loader.skills.acall(f"{ONE}:greet")
            seen, stop = list[int](), False

            async def ask() -> None:
                while not stop:
                    for way in (call({}), loader.skills.arun(f"{ONE}:greet", {})):
                        seen.append(int((await way).data.split()[0]))
                    seen.append(int((await state.instance.greet()).split()[0]))
                    await asyncio.sleep(0.001)

            askers = [asyncio.ensure_future(ask()) for _ in range(3)]
            for number in range(1, 30):
                grow(folder / "one", plugin(ONE, word=str(number), **_greet()))
                await loader.reload_plugin(ONE)
                begun = len(seen)
                await until(lambda begun=begun: len(seen) > begun + 9)
                assert seen[-1] == number
            stop = True
            await asyncio.gather(*askers)
            assert seen == sorted(seen)

    run(main)


def test_a_call_that_reloads_its_own_plugin_ends_on_the_old_code_before_it_is_cleaned_up() -> None:
    code = """\
        import lives

        class Plugin(lives.Recorded):
            async def greet(self, name="you"):
                await lives.BEHAVIOUR["reload"]()
                lives.JOURNAL.append((self.name, "returned"))
                return "{word}"
        """
    folder = plant(("one", plugin(ONE, code.replace("{word}", "old"), **_greet())))

    async def main() -> None:
        async with loading() as loader:
            state = await loader.load_plugin(ONE)
            BEHAVIOUR["reload"] = lambda: loader.reload_plugin(ONE)  # type: ignore[index]
            grow(folder / "one", plugin(ONE, code.replace("{word}", "new"), **_greet()))
            async with asyncio.timeout(5):
                assert await state.instance.greet() == "old"
            await until(lambda: "cleanup" in hooks(ONE))
            assert hooks(ONE).index("returned") < hooks(ONE).index("cleanup")
            assert state.generation == 2

    run(main)


def test_a_call_that_does_not_end_is_not_waited_for_longer_than_it_may() -> None:
    _gate()
    plant(("one", _slow("old")))

    async def main() -> None:
        async with loading(drain_timeout=0.1) as loader:
            state = await loader.load_plugin(ONE)
            under_way = asyncio.ensure_future(state.instance.greet())
            await asyncio.sleep(0)
            async with asyncio.timeout(5):
                await loader.unload_plugin(ONE)
            assert state.status == S.UNLOADED
            assert imported() == []
            under_way.cancel()
            await asyncio.wait({under_way})

    run(main)


# -- state that is carried over ----------------------------------------------------------------

CARRY = """\
import lives

class Plugin(lives.Recorded):
    count = 0
    {a}def __reload_state__(self):
        {give}
    {a}def __reload_restore__(self, state):
        {take}
"""


@pytest.mark.parametrize("a", ["", "async "], ids=["sync", "async"])
def test_state_is_carried_from_the_old_object_to_the_new(a: str) -> None:
    code = CARRY.format(
        a=a, give="return {'count': self.count}", take="self.count = state['count']"
    )
    plant(("one", plugin(ONE, code)))

    async def main() -> None:
        async with loading() as loader:
            state = await loader.load_plugin(ONE)
            state.instance.count = 7
            for _ in range(3):
                await loader.reload_plugin(ONE)
                assert state.instance.count == 7

    run(main)


@pytest.mark.parametrize(
    ("give", "take"),
    [("1 / 0", "pass"), ("return 1", "1 / 0"), ("raise SystemExit", "pass")],
)
def test_where_the_hand_over_fails_the_old_code_runs_on(give: str, take: str) -> None:
    plant(("one", plugin(ONE, CARRY.format(a="", give=give, take=take))))

    async def main() -> None:
        async with loading() as loader:
            state = await loader.load_plugin(ONE)
            old = state.instance
            with pytest.raises(HookError) as found:
                await loader.reload_plugin(ONE)
            assert found.value.hook in ("__reload_state__", "__reload_restore__")
            assert state.instance is old
            assert hooks(ONE) == ["construct", "initialize", "construct", "initialize", "cleanup"]

    run(main)


# -- other spellings ---------------------------------------------------------------------------


def test_a_skill_md_with_two_extensions_is_reloaded_whole() -> None:
    def files(word: str, broken: str = "") -> dict[str, Any]:
        body = f"return ToolResult(data={{'text': '{word}'}})"
        code = tool_py(body=body) + "\n" + tool_py("Shout", body=body).split("\n\n\n")[-1] + broken
        offers = {"echo": "Echo", "shout": "Shout"}
        return {"SKILL.md": skill_md("pair", offers), "skill.py": code}

    folder = plant(("pair", files("old")))

    async def main() -> None:
        async with loading() as loader:
            await loader.load_plugin("pair")
            calls = [await loader.skills.acall(f"pair:{name}") for name in ("echo", "shout")]

            async def said() -> list[str]:
                found = [(await call({})).data for call in calls]
                return [item["text"] if isinstance(item, dict) else item.text for item in found]

            assert await said() == ["old", "old"]
            grow(folder / "pair", files("new"))
            await loader.reload_plugin("pair")
            assert await said() == ["new", "new"]
            grow(folder / "pair", files("bad", "\nclass Shout: ...\n"))
            with pytest.raises(KurtError):
                await loader.reload_plugin("pair")
            assert await said() == ["new", "new"]
            # One that the new code does not offer any more is refused, and the other goes on.
            less = files("less")
            less["SKILL.md"] = skill_md("pair", {"echo": "Echo"})
            grow(folder / "pair", less)
            await loader.reload_plugin("pair")
            assert (await calls[0]({})).success
            with pytest.raises(KurtError):
                await calls[1]({})

    run(main)


def test_a_reload_of_a_failed_plugin_loads_it() -> None:
    folder = plant(("one", plugin(ONE, "1 / 0\n")))

    async def main() -> None:
        async with loading() as loader:
            with pytest.raises(PluginLoadError):
                await loader.load_plugin(ONE)
            _edit()(folder)
            state = await loader.reload_plugin(ONE)
            assert state.status == S.LOADED
            assert await state.instance.greet() == "New you"

    run(main)


def test_reloads_of_several_plugins_at_one_time_do_not_disturb_each_other() -> None:
    names = [f"com.a.n{number}" for number in range(6)]
    folder = plant(*((name, plugin(name, word="Old")) for name in names))

    async def main() -> None:
        async with loading() as loader:
            states = await asyncio.gather(*(loader.load_plugin(name) for name in names))
            for name in names:
                code = "1 / 0\n" if name.endswith(("1", "4")) else None
                grow(folder / name, plugin(name, code, word="New"))
            reloads = (loader.reload_plugin(name) for name in names)
            found = await asyncio.gather(*reloads, return_exceptions=True)
            for number, state in enumerate(states):
                failed = number in (1, 4)
                assert isinstance(found[number], PluginLoadError) == failed
                assert await state.instance.greet() == ("Old you" if failed else "New you")
            assert not [name for name in imported() if "@" in name]

    run(main)


def test_what_the_old_code_registered_is_kept_until_the_new_takes_its_place() -> None:
    from kurt_ext.errors import NotFoundError

    code = """\
        from kurt_tool import register_tool
        {echo}
        register_tool(Echo)
        import lives
        class Plugin(lives.Recorded): ...
        """
    text = "\n".join(line.strip() for line in code.splitlines() if "{echo}" not in line)
    text = text.replace("register_tool\n", "register_tool\n" + tool_py() + "\n", 1)
    plant(("one", {"plugin.json": manifest(ONE), "main.py": text}))

    async def main() -> None:
        async with loading() as loader:
            await loader.load_plugin(ONE)
            assert (await loader.skills.arun("echo", {"text": "a"})).success
            heard = list[bool]()

            async def look() -> None:
                # A name that nobody has composed yet: the old one answers all the while.
                loader.skills.calls.clear()
                heard.append((await loader.skills.arun("echo", {"text": "a"})).success)

            BEHAVIOUR[ONE, "initialize"] = look
            await loader.reload_plugin(ONE)
            assert heard == [True]
            await loader.unload_plugin(ONE)
            with pytest.raises(NotFoundError):
                await loader.skills.arun("echo", {"text": "a"})

    run(main)


def test_the_configuration_of_the_call_is_kept_over_a_reload_and_config_json_is_read_anew() -> None:
    def files(size: int) -> dict[str, Any]:
        text = json.dumps({"plugin_id": ONE, "config": {"size": size, "word": "file"}})
        return plugin(ONE, files={"config.json": text})

    folder = plant(("one", files(1)))

    async def main() -> None:
        async with loading() as loader:
            state = await loader.load_plugin(ONE, {"config": {"word": "call"}})
            assert state.instance.config == {"size": 1, "word": "call"}
            grow(folder / "one", files(2))
            await loader.reload_plugin(ONE)
            assert state.instance.config == {"size": 2, "word": "call"}
            assert state.config.config == {"size": 2, "word": "call"}

    run(main)


def test_what_the_old_code_registered_answers_while_the_new_is_imported() -> None:
    gate = _gate()
    code = "from kurt_tool import register_tool\n" + tool_py() + "\nregister_tool(Echo)\n"
    code += "import lives\nclass Plugin(lives.Recorded): ...\n"
    folder = plant(("one", {"plugin.json": manifest(ONE), "main.py": code}))

    async def main() -> None:
        async with loading() as loader:
            await loader.load_plugin(ONE)
            waits = "import test_reloading_gate\ntest_reloading_gate.GATE.wait(10)\n"
            (folder / "one" / "main.py").write_text(waits + code)
            reload = asyncio.ensure_future(loader.reload_plugin(ONE))
            await until(lambda: [name for name in imported() if "@" in name])
            await asyncio.sleep(0.01)
            assert not reload.done()
            assert (await loader.skills.arun("echo", {"text": "a"})).success
            assert not reload.done()  # nor did the host wait for it
            gate.set()
            await reload
            loader.skills.calls.clear()
            assert (await loader.skills.arun("echo", {"text": "a"})).success

    run(main)
