"""What threads, several loops and hostile objects must not do to the life of a plugin."""

from __future__ import annotations

import asyncio
import os
import sys
import threading
import traceback
from collections.abc import Iterator
from pathlib import Path

import pytest
from lives import (
    BEHAVIOUR,
    JOURNAL,
    Judge,
    fresh_journal,
    hooks,
    loading,
    plant,
    plugin,
    run,
    until,
)

from kurt_ext import masking
from kurt_ext.errors import (
    HookError,
    KurtError,
    PluginValidationError,
    TransitionError,
    UsageError,
)
from kurt_ext.loader import PluginLoader
from kurt_ext.manager import SkillManager
from kurt_ext.models import PluginStatus as S
from kurt_ext.places import Places

GREET = [{"name": "greet", "description": "Greet", "version": "1.0.0", "parameters": {}}]


@pytest.fixture(autouse=True)
def journal() -> Iterator[None]:
    with fresh_journal():
        yield


def _with_secret(code: str | None = None) -> dict[str, object]:
    schema = {"type": "object", "properties": {"token": {"type": "string", "writeOnly": True}}}
    return plugin("x", code, config_schema=schema)


def test_a_sync_call_on_the_loop_that_loads_the_plugin_is_told_that_it_waits_for_itself() -> None:
    plant(("x", plugin("x", capabilities=GREET)))

    async def main() -> None:
        async with loading() as loader:
            BEHAVIOUR["x", "initialize"] = lambda: asyncio.sleep(0.05)
            load = asyncio.ensure_future(loader.load_plugin("x"))
            await until(lambda: ("x", "initialize") in JOURNAL)
            with pytest.raises(TransitionError) as found:
                loader.skills.run("x:greet", {})
            assert "arun" in (found.value.hint or "")
            assert (await load).status == S.LOADED
            assert loader.skills.run("x:greet", {}).data == "Hello you"

    run(main)


def test_a_sync_call_on_the_loop_that_makes_it_ready_is_told_that_it_waits_for_itself() -> None:
    plant(("x", plugin("x", capabilities=GREET)))

    async def main() -> None:
        async with SkillManager(places=Places(skills=os.path.abspath("plugins"))) as skills:
            BEHAVIOUR["x", "initialize"] = lambda: asyncio.sleep(0.05)
            first = asyncio.ensure_future(skills.arun("x:greet", {}))
            await until(lambda: ("x", "initialize") in JOURNAL)
            with pytest.raises(UsageError) as found:
                skills.run("x:greet", {})
            assert "arun" in (found.value.hint or "")
            assert (await first).data == "Hello you"
            assert skills.run("x:greet", {}).data == "Hello you"

    run(main)


def test_a_refresh_leaves_a_plugin_to_the_loader_that_has_loaded_it() -> None:
    plant("x")

    async def main() -> None:
        async with loading() as loader:
            state = await loader.load_plugin("x")
            await loader.activate_plugin("x")
            before = state.instance
            Path("plugins/x/main.py").write_text("raise RuntimeError('not looked at yet')")
            loader.skills.refresh()
            assert state.instance is before
            await loader.unload_plugin("x")
            assert hooks("x")[-2:] == ["deactivate", "cleanup"]
            assert state.status == S.UNLOADED

    run(main)


def test_calls_that_threads_make_and_drop_meanwhile_keep_no_plugin_from_ending() -> None:
    plant(("x", plugin("x", capabilities=GREET)), ("y", plugin("y", capabilities=GREET)))

    async def main() -> None:
        async with loading() as loader:
            await loader.load_plugin("y")
            await loader.activate_plugin("y")
            done = threading.Event()
            wrong: list[BaseException] = []

            def work() -> None:
                number = 0
                while not done.is_set():
                    number += 1
                    call = loader.skills.call("y:greet")
                    loader.skills.calls[f"name {number % 40}"] = call

            def guarded() -> None:
                try:
                    work()
                except BaseException as error:
                    wrong.append(error)

            threads = [threading.Thread(target=guarded) for _ in range(3)]
            interval = sys.getswitchinterval()
            sys.setswitchinterval(1e-5)
            try:
                for thread in threads:
                    thread.start()
                for _ in range(8):
                    state = await loader.load_plugin("x")
                    await loader.activate_plugin("x")
                    await loader.unload_plugin("x")
                    assert state.status == S.UNLOADED
            finally:
                done.set()
                for thread in threads:
                    thread.join()
                sys.setswitchinterval(interval)
            assert wrong == []

    run(main)


def test_notes_that_are_none_do_not_leave_a_plugin_loading() -> None:
    plant(("x", _with_secret()))

    def happen() -> None:
        error = ValueError("the token is hunter2-hunter2")
        error.__notes__ = 5  # type: ignore[assignment]
        raise error

    async def main() -> None:
        async with loading() as loader:
            BEHAVIOUR["x", "initialize"] = happen
            with pytest.raises(KurtError):
                await loader.load_plugin("x", {"config": {"token": "hunter2-hunter2"}})
            state = loader.get_plugin_state("x")
            assert state.status == S.FAILED
            assert "hunter2" not in f"{state.error_message} {state.error_traceback}"

    run(main)


def test_a_state_that_is_dumped_shows_no_secret_and_what_it_is_made_of_has_it() -> None:
    plant(("x", _with_secret()))

    async def main() -> None:
        async with loading() as loader:
            state = await loader.load_plugin("x", {"config": {"token": "hunter2-hunter2"}})
            for text in (state.model_dump_json(), repr(state.model_dump()), repr(state)):
                assert "hunter2" not in text
            assert state.model_dump()["config"]["config"] == {"token": "***"}
            assert state.config.config["token"] == "hunter2-hunter2"

    run(main)


def test_a_loader_that_is_closed_leaves_no_mask_of_a_plugin_that_failed() -> None:
    plant(("x", _with_secret()))
    before = len(masking._shields)

    async def main() -> None:
        async with loading() as loader:
            BEHAVIOUR["x", "initialize"] = "no"
            with pytest.raises(HookError):
                await loader.load_plugin("x", {"config": {"token": "hunter2-hunter2"}})

    run(main)
    assert len(masking._shields) == before


def test_a_loader_waits_for_a_first_use_that_a_thread_has_begun() -> None:
    plant(("x", plugin("x", capabilities=GREET)))

    async def main() -> None:
        async with loading() as loader:
            begun, go = threading.Event(), threading.Event()

            def construct() -> None:
                begun.set()
                go.wait(5)

            BEHAVIOUR["x", "construct"] = construct
            use = asyncio.ensure_future(asyncio.to_thread(loader.skills.load, "x:x"))
            await until(begun.is_set)
            load = asyncio.ensure_future(loader.load_plugin("x"))
            await asyncio.sleep(0.02)
            go.set()
            assert (await load).status in (S.LOADED, S.ACTIVE)
            await use
            assert hooks("x").count("construct") == 1
            await loader.unload_plugin("x")

    run(main)


def test_a_first_call_that_waits_for_a_reload_gets_the_new_code() -> None:
    plant(("x", plugin("x", capabilities=GREET)))

    async def main() -> None:
        async with loading() as loader:
            await loader.load_plugin("x")
            await loader.activate_plugin("x")
            Path("plugins/x/main.py").write_text(plugin("x", word="Good day")["main.py"])
            BEHAVIOUR["x", "initialize"] = lambda: asyncio.sleep(0.05)
            reload = asyncio.ensure_future(loader.reload_plugin("x"))
            await until(lambda: hooks("x").count("initialize") == 2)
            assert (await loader.skills.arun("x:greet", {})).data == "Good day you"
            await reload

    run(main)


BAD_START = """\
    class Plugin:
        def __init__(self, metadata, config):
            self.config = config

        async def initialize(self):
            raise ValueError("refused: " + self.config["token"])

        async def greet(self):
            return "one"
"""


def test_a_first_use_that_fails_is_told_by_the_state_and_tells_no_secret(own_places: Path) -> None:
    folder = own_places / ".config" / "kurt"
    folder.mkdir(parents=True)
    (folder / "kurt.toml").write_text('[skill.x]\ntoken = "hunter2-hunter2"\n')
    plant(("x", plugin("x", BAD_START, capabilities=GREET)))

    async def main() -> None:
        async with loading() as loader:
            for _ in range(2):
                with pytest.raises(KurtError) as found:
                    await loader.skills.arun("x:greet", {})
                said = "".join(traceback.format_exception(found.value))
                state = loader.get_plugin_state("x")
                assert state.status == S.FAILED
                assert "refused: ***" in (state.error_message or "")
                assert "hunter2" not in f"{said} {state.error_message} {state.error_traceback}"
            mended = BAD_START.replace(
                'raise ValueError("refused: " + self.config["token"])', "..."
            )
            main_py = Path("plugins/x/main.py")
            main_py.write_text(plugin("x", mended)["main.py"])
            await loader.load_plugin("x")
            assert (state.status, state.error_message) == (S.LOADED, None)
            assert await state.instance.greet() == "one"

    run(main)


ODD_CALL = """\
    from lives import Recorded

    class Plugin(Recorded):
        {odd}
        async def greet(self):
            return "{word}"
"""


def test_a_reload_whose_calls_cannot_be_bound_refuses_those_and_is_whole() -> None:
    code = ODD_CALL.format(odd="", word="one")
    plant(("x", plugin("x", code, capabilities=GREET)))

    async def main() -> None:
        async with loading() as loader:
            state = await loader.load_plugin("x")
            await loader.activate_plugin("x")
            call = await loader.skills.acall("x:greet")
            assert (await call({})).data == "one"
            odd_code = ODD_CALL.format(
                odd="greet = property(lambda self: 1 / 0)\n", word="two"
            ).replace("async def greet", "async def kept")
            files = plugin("x", odd_code, capabilities=GREET)
            Path("plugins/x/main.py").write_text(files["main.py"])
            number = state.generation
            try:
                await loader.reload_plugin("x")
            except KurtError:
                assert (await call({})).data == "one"
                assert state.generation == number
            else:
                assert state.generation == number + 1
                with pytest.raises(KurtError):
                    await call({})
            assert state.status == S.ACTIVE
            await loader.unload_plugin("x")
            assert state.status == S.UNLOADED

    run(main)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork")
def test_a_process_that_forks_can_call_in_the_child_too() -> None:
    plant(("x", plugin("x", capabilities=GREET)))
    with SkillManager(places=Places(skills=os.path.abspath("plugins"))) as skills:
        assert skills.run("x:greet", {}).data == "Hello you"
        child = os.fork()
        if child == 0:
            import signal

            signal.alarm(20)
            status = 1
            try:
                status = 0 if skills.run("x:greet", {}).data == "Hello you" else 2
            finally:
                os._exit(status)
        assert os.waitpid(child, 0)[1] == 0


def test_a_fan_that_is_bound_while_a_plugin_is_reloaded_calls_the_new_code() -> None:
    plant(("x", plugin("x", capabilities=GREET)), ("y", plugin("y", capabilities=GREET)))

    async def main() -> None:
        async with loading() as loader:
            for name in ("x", "y"):
                await loader.load_plugin(name)
                await loader.activate_plugin(name)
            fan = loader.skills.fan_out(["x:greet", "y:greet"])
            second = fan.calls[1]
            surround, went = second._surround, asyncio.Event()
            waiting = asyncio.Event()

            async def slow(*args: object) -> object:
                waiting.set()
                await went.wait()
                return await surround(*args)  # type: ignore[arg-type]

            second._surround = slow  # type: ignore[assignment]
            first = asyncio.ensure_future(fan({}))
            await waiting.wait()
            Path("plugins/x/main.py").write_text(plugin("x", word="Good day")["main.py"])
            await loader.reload_plugin("x")
            went.set()
            await first
            assert (await fan({}))[0] == "Good day you"

    run(main)


EVIL = "import os\n\n\ndef go():\n    os.system('true')\n"
HIDDEN = {
    "a folder of tests": ({"tests": {"evil.py": EVIL}}, "from .tests import evil"),
    "a test": ({"test_evil.py": EVIL}, "from . import test_evil"),
    "a test by a function": ({"test_evil.py": EVIL}, "from .test_evil import go"),
    "a conftest": ({"conftest.py": EVIL}, "from . import conftest"),
    "by name": (
        {"tests": {"evil.py": EVIL}},
        "import importlib\nimportlib.import_module('.tests.evil', __package__)",
    ),
    "by its full name": ({"tests": {"evil.py": EVIL}}, "import kurt_skills.x.tests.evil"),
    "through another": (
        {"tests": {"evil.py": EVIL, "two.py": "from . import evil"}},
        "from .tests import two",
    ),
    "a cache": ({"__pycache__": {"evil.py": EVIL}}, "from .__pycache__ import evil"),
    "modules of another": ({"node_modules": {"evil.py": EVIL}}, "from .node_modules import evil"),
}


@pytest.mark.parametrize("case", HIDDEN)
def test_code_that_lies_where_nobody_looks_is_judged_or_not_imported(case: str) -> None:
    files, line = HIDDEN[case]
    code = f"{line}\nfrom lives import Recorded\n\n\nclass Plugin(Recorded):\n    pass\n"
    plant(("x", plugin("x", code, files=files)))

    async def main() -> None:
        async with PluginLoader(plugin_directory="plugins") as loader:
            with pytest.raises(PluginValidationError):
                await loader.load_plugin("x")

    run(main)


def test_an_entry_point_that_is_called_a_test_is_judged() -> None:
    code = EVIL + "from lives import Recorded\n\n\nclass Plugin(Recorded):\n    pass\n"
    plant(("x", plugin("x", "", files={"tests": {"evil.py": code}}, entry_point="tests.evil")))

    async def main() -> None:
        async with PluginLoader(plugin_directory="plugins") as loader:
            with pytest.raises(PluginValidationError) as found:
                await loader.load_plugin("x")
            assert "os.system" in (found.value.cause or "")

    run(main)


def test_a_link_into_a_folder_where_nobody_looks_is_not_imported() -> None:
    code = (
        "from .lib import evil\nfrom lives import Recorded\n\nclass Plugin(Recorded):\n    pass\n"
    )
    folder = plant(("x", plugin("x", code, files={"__pycache__": {"evil.py": EVIL}})))
    (folder / "x" / "lib").symlink_to("__pycache__")

    async def main() -> None:
        async with PluginLoader(plugin_directory="plugins") as loader:
            with pytest.raises(PluginValidationError):
                await loader.load_plugin("x")

    run(main)


def test_nothing_is_imported_from_a_cache_whatever_its_name_is_made_of() -> None:
    code = """\
        import importlib
        from lives import Recorded

        NAME = "__py" + str("cache__")

        class Plugin(Recorded):
            def __init__(self, metadata, config):
                super().__init__(metadata, config)
                importlib.import_module(f".{NAME}.evil", __package__)
    """
    plant(("x", plugin("x", code, files={"__pycache__": {"evil.py": "X = 1\n"}})))

    async def main() -> None:
        async with loading(validator=Judge()) as loader:
            with pytest.raises(KurtError):
                await loader.load_plugin("x")

    run(main)


def test_tests_that_nobody_imports_may_do_as_they_like() -> None:
    test = "import subprocess\n\nsubprocess.run(['kurt', 'run', 'x'])\n"
    code = "SKIPPED = ('node_modules', '__pycache__', 'tests')\nfrom lives import Recorded\n"
    code += "\n\nclass Plugin(Recorded):\n    pass\n"
    plant(("x", plugin("x", code, files={"tests": {"test_x.py": test}})))

    async def main() -> None:
        async with PluginLoader(plugin_directory="plugins") as loader:
            assert (await loader.load_plugin("x")).status == S.LOADED

    run(main)
