"""The front door: from a name to a result, and what stands in the way."""

from __future__ import annotations

import asyncio
import json
import sys
import threading
from collections.abc import Iterator
from importlib.metadata import entry_points
from pathlib import Path

import pytest
from sites import installed, skill_md, tool_py, trust
from trees import grow, skill

from kurt_ext import discovery, errors
from kurt_ext.discovery import discover
from kurt_ext.importer import unload
from kurt_ext.manager import SkillManager, register
from kurt_ext.trust import Trust


@pytest.fixture
def skills(project: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Return the folder of a trusted project's skills."""
    trust(monkeypatch, project)
    monkeypatch.setattr(sys, "path", list(sys.path))
    folder = project / "skills"
    folder.mkdir()
    yield folder
    for name in [name for name in sys.modules if name.startswith("kurt_skills.")]:
        unload(name.split(".")[1])


def echo(name: str = "echo", skill: str = "talker", **files: str) -> dict[str, str]:
    return {
        "SKILL.md": skill_md(skill, {name: "Echo"}),
        "skill.py": files.pop("code", tool_py()),
        **{f"{stem}.py": text for stem, text in files.items()},
    }


# -- running ---------------------------------------------------------------------


def test_a_folder_becomes_a_result(skills: Path) -> None:
    grow(skills, {"talker": echo()})
    with SkillManager() as manager:
        result = manager.run("echo", {"text": "hello"})
        assert result.as_dict()["data"] == {"text": "hello"}
        assert manager.outcomes["talker:echo"].state == "loaded"


async def _run(reference: str) -> object:
    async with SkillManager() as manager:
        return (await manager.arun(reference, {"text": "a"})).data.text


@pytest.mark.parametrize("reference", ["echo", "talker:echo", "talker"])
def test_every_form_of_a_name_means_the_same_async_call(skills: Path, reference: str) -> None:
    grow(skills, {"talker": echo()})
    assert asyncio.run(_run(reference)) == "a"


def test_a_sync_run_works_inside_a_running_loop(skills: Path) -> None:
    grow(skills, {"talker": echo()})

    async def main() -> str:
        with SkillManager() as manager:
            return str(manager.run("echo", {"text": "b"}).data.text)

    assert asyncio.run(main()) == "b"


def test_a_sync_run_within_a_call_is_refused_and_not_a_deadlock(skills: Path) -> None:
    grow(skills, {"talker": echo()})
    with SkillManager() as manager:

        class Nested:
            def __call__(self) -> object:
                return manager.run("echo", {"text": "c"})

        manager.register("kurt.custom", "nested", Nested())
        with pytest.raises(errors.UsageError, match="wait for itself"):
            manager.run("nested")


def test_s4_discovery_listing_and_explaining_import_nothing(skills: Path) -> None:
    touch = "from pathlib import Path\nPath('imported').touch()\n"
    grow(skills, {"talker": echo(code=touch + tool_py())})
    with SkillManager() as manager:
        manager.list()
        manager.info("talker")
        manager.info("echo")
        manager.explain("echo")
        manager.resolve("echo")
        manager.disable("echo")
        manager.enable("echo")
        assert not Path("imported").exists()
        manager.run("echo")
    assert Path("imported").exists()


def test_progress_reaches_the_caller(skills: Path) -> None:
    body = "on_progress(ToolProgress('half', 1, 2)); return ToolResult(data={'text': ''})"
    grow(skills, {"talker": echo(code=tool_py(body=body))})
    heard: list[float | None] = []
    with SkillManager() as manager:
        manager.run("echo", {}, lambda progress: heard.append(progress.fraction))
    assert heard == [0.5]


def test_a_call_that_takes_too_long_is_a_timeout_of_the_kind(skills: Path) -> None:
    body = "import asyncio; await asyncio.sleep(30)"
    grow(skills, {"talker": echo(code=tool_py(body=body))})
    from kurt_tool import ToolTimeoutError

    with SkillManager() as manager, pytest.raises(ToolTimeoutError, match=r"0\.05 s"):
        manager.run("echo", timeout=0.05)


def test_a_sync_function_that_never_returns_is_a_timeout_too(skills: Path) -> None:
    code = tool_py(body="import time; time.sleep(20)").replace("async def run", "def run")
    grow(skills, {"talker": echo(code=code)})
    with SkillManager() as manager, pytest.raises(errors.CallTimeoutError):
        manager.run("echo", timeout=0.05)


def test_a_cancelled_task_is_cancelled_and_nothing_else(skills: Path) -> None:
    grow(skills, {"talker": echo(code=tool_py(body="import asyncio; await asyncio.sleep(30)"))})

    async def main() -> None:
        async with SkillManager() as manager:
            task = asyncio.create_task(manager.arun("echo"))
            await asyncio.sleep(0.2)
            task.cancel()
            await task

    with pytest.raises(asyncio.CancelledError):
        asyncio.run(main())


# -- names -----------------------------------------------------------------------


def test_s8_a_name_that_two_skills_offer_is_ambiguous_and_both_are_reachable(skills: Path) -> None:
    grow(skills, {"talker": echo(), "other": echo(skill="other")})
    with SkillManager() as manager:
        with pytest.raises(errors.AmbiguousNameError) as caught:
            manager.run("echo")
        assert caught.value.candidates == ("other:echo", "talker:echo")
        for reference in caught.value.candidates:
            assert manager.run(reference, {"text": "d"}).data.text == "d"


def test_disabling_one_of_two_makes_the_bare_name_the_other(skills: Path) -> None:
    grow(skills, {"talker": echo(), "other": echo(skill="other")})
    with SkillManager() as manager:
        manager.disable("other:echo")
        assert manager.resolve("echo")[0].name == "talker"
        with pytest.raises(errors.DisabledError) as caught:
            manager.run("other:echo")
        assert caught.value.hint == "kurt enable other:echo"
        file, line, _ = (caught.value.at or "").rsplit(":", 2)
        assert "other:echo" in Path(file).read_text().splitlines()[int(line) - 1]
        assert f"kurt.toml:{line} " in (caught.value.cause or "")
        manager.enable("other:echo")
        with pytest.raises(errors.AmbiguousNameError):
            manager.resolve("echo")


def test_an_unknown_name_comes_with_the_nearest_one(skills: Path) -> None:
    grow(skills, {"talker": echo("archive")})
    with SkillManager() as manager, pytest.raises(errors.ExtensionNotFoundError) as caught:
        manager.run("archiv")
    assert caught.value.candidates == ("archive",)
    assert caught.value.exit_code == 3


def test_an_untrusted_skill_is_never_imported_and_says_what_to_paste(project: Path) -> None:
    touch = "from pathlib import Path\nPath('imported').touch()\n"
    grow(project / "skills", {"talker": echo(code=touch)})
    with SkillManager() as manager:
        for reference in ("echo", "talker:echo", "talker"):
            with pytest.raises(errors.UntrustedError) as caught:
                manager.run(reference)
            assert caught.value.exit_code == 5
            assert caught.value.hint == f"kurt skill trust {project / 'skills' / 'talker'}"
        with pytest.raises(errors.UntrustedError):
            __import__("kurt_skills.talker.skill")
    assert not Path("imported").exists()


def test_instructions_say_why_they_do_not_run(skills: Path) -> None:
    grow(skills, {"guide": {"SKILL.md": skill_md("guide")}})
    with SkillManager() as manager, pytest.raises(errors.NotFoundError) as caught:
        manager.run("guide")
    assert "no code" in (caught.value.cause or "")


def test_names_are_found_without_looking_at_every_skill(skills: Path) -> None:
    grow(skills, {f"s{n}": echo(f"e{n}", skill=f"s{n}") for n in range(30)})
    with SkillManager() as manager:
        manager.run("e7", {"text": "x"})
        loaded = {name for name in sys.modules if name.startswith("kurt_skills.s")}
    assert {name.split(".")[1] for name in loaded} == {"s7"}


# -- broken skills ---------------------------------------------------------------

BROKEN = {
    "ImportError": "import a_module_that_is_not_there",
    "SyntaxError": "def broken(:",
    "SystemExit": "raise SystemExit(3)",
    "AssertionError": "assert False, 'no'",
    "RecursionError": "def f(): f()\nf()",
    "BaseException": "raise BaseException('odd')",
    "AttributeError": "x = 1",
}


@pytest.mark.parametrize("reason", BROKEN)
def test_s3_a_broken_skill_is_isolated_and_its_reason_recorded(skills: Path, reason: str) -> None:
    grow(skills, {"bad": echo("bad", "bad", code=BROKEN[reason]), "talker": echo()})
    with SkillManager() as manager:
        with pytest.raises(errors.SkillLoadError) as caught:
            manager.run("bad")
        assert caught.value.skill == "bad"
        assert manager.outcomes["bad:bad"].state == "failed"
        assert manager.outcomes["bad:bad"].reason
        assert manager.run("echo", {"text": "e"}).data.text == "e"


def test_the_place_of_a_mistake_is_told(skills: Path) -> None:
    grow(skills, {"bad": echo("bad", "bad", code="\n\nraise ValueError('third line')")})
    with SkillManager() as manager, pytest.raises(errors.SkillLoadError) as caught:
        manager.load("bad")
    assert caught.value.at == f"{skills / 'bad' / 'skill.py'}:3"


@pytest.mark.parametrize(
    ("code", "hint"), [("class Ecko: ...", "kurt validate bad"), ("1/0", "kurt explain bad --load")]
)
def test_a_failed_load_names_the_skills_file_and_a_line_to_paste(
    skills: Path, code: str, hint: str
) -> None:
    grow(skills, {"bad": echo("bad", "bad", code=code)})
    with SkillManager() as manager, pytest.raises(errors.SkillLoadError) as caught:
        manager.load("bad")
    assert (caught.value.at or "").startswith(str(skills / "bad" / "skill.py"))
    assert caught.value.hint == hint


def test_keyboard_interrupt_at_import_is_the_users_and_passes(skills: Path) -> None:
    grow(skills, {"bad": echo("bad", "bad", code="raise KeyboardInterrupt")})
    with SkillManager() as manager, pytest.raises(KeyboardInterrupt):
        manager.load("bad")


def test_s3_nothing_counts_as_loaded_before_it_succeeded(skills: Path) -> None:
    grow(skills, {"bad": echo("bad", "bad", code="from .helper import *", helper="1/0")})
    with SkillManager() as manager:
        for _ in range(2):
            with pytest.raises(errors.SkillLoadError):
                manager.load("bad")
        grow(skills / "bad", {"helper.py": "", "skill.py": tool_py()})
        manager.refresh()
        assert manager.run("bad", {"text": "mended"}).data.text == "mended"


def test_s3_a_missing_dependency_is_named_and_not_called_not_found(skills: Path) -> None:
    grow(skills, {"bad": echo("bad", "bad", code="import surely_missing.part")})
    with SkillManager() as manager, pytest.raises(errors.SkillLoadError) as caught:
        manager.run("bad")
    assert "surely_missing" in (caught.value.hint or "")


def test_a_class_that_breaks_the_contract_is_refused_before_use(skills: Path) -> None:
    grow(skills, {"bad": echo("bad", "bad", code="class Echo:\n    pass\n")})
    with SkillManager() as manager, pytest.raises(errors.ContractError) as caught:
        manager.load("bad")
    assert "not derived from kurt_tool.Tool" in (caught.value.cause or "")


def test_a_class_that_is_derived_already_is_not_told_to_derive(skills: Path) -> None:
    code = tool_py().replace("uses = ()", 'uses = "db"')
    grow(skills, {"bad": echo("bad", "bad", code=code)})
    with SkillManager() as manager, pytest.raises(errors.ContractError) as caught:
        manager.load("bad")
    assert "uses" in (caught.value.cause or "")
    assert caught.value.hint is None


def test_a_skill_for_another_python_is_not_imported(skills: Path) -> None:
    grow(skills, {"old": echo("old", "old")})
    text = skill_md("old", {"old": "Echo"}, more='requires_python: "<3"\n')
    grow(skills / "old", {"SKILL.md": text, "skill.py": "raise SystemExit"})
    with SkillManager() as manager, pytest.raises(errors.PluginLoadError, match="needs Python <3"):
        manager.run("old")


def test_many_threads_that_use_a_skill_first_import_it_once(skills: Path) -> None:
    count = "import time, pathlib\nwith open('count', 'a') as f: f.write('x')\ntime.sleep(0.1)\n"
    grow(skills, {"talker": echo(code=count + tool_py())})
    with SkillManager() as manager:
        found: list[object] = []
        threads = [
            threading.Thread(target=lambda: found.append(manager.load("echo"))) for _ in range(8)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert Path("count").read_text() == "x"
    assert len(found) == 8 and len(set(map(id, found))) == 1


# -- settings --------------------------------------------------------------------


def test_a_required_api_that_is_not_configured_names_its_key(skills: Path, project: Path) -> None:
    text = skill_md("talker", {"echo": "Echo"}, more="requires_api: [wayback]\n")
    body = "return ToolResult(data={'text': context.settings['wayback']})"
    grow(skills, {"talker": {"SKILL.md": text, "skill.py": tool_py(body=body)}})
    with SkillManager() as manager:
        with pytest.raises(errors.ConfigError) as caught:
            manager.run("echo")
        assert "wayback under [skill.talker]" in (caught.value.cause or "")
        grow(project, {"kurt.toml": '[skill.talker]\nwayback = "key"\n'})
        manager.refresh()
        assert manager.run("echo").data.text == "key"


def test_a_setting_from_the_environment_is_resolved_and_its_absence_typed(
    skills: Path, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    body = "return ToolResult(data={'text': context.settings['key']})"
    grow(skills, {"talker": echo(code=tool_py(body=body))})
    grow(project, {"kurt.toml": '[skill.talker]\nkey = "env:TALKER_KEY"\n'})
    with SkillManager() as manager:
        with pytest.raises(errors.ConfigError, match="TALKER_KEY"):
            manager.run("echo")
        monkeypatch.setenv("TALKER_KEY", "secret")
        assert manager.run("echo").data.text == "secret"


# -- plugin.json -----------------------------------------------------------------

PLUGIN = """\
import asyncio

class Plugin:
    def __init__(self, metadata, config):
        self.metadata, self.config, self.said = metadata, config, []

    async def initialize(self):
        self.note("initialize")

    def activate(self):
        self.note("activate")

    def note(self, word):
        with open("life", "a") as file:
            file.write(word + " ")

    async def add(self, a, b):
        return round(a + b, self.config["precision"])

    def name(self):
        return self.metadata.plugin_id

    async def deactivate(self):
        self.note("deactivate")

    def cleanup(self):
        self.note("cleanup")
"""


def plugin(name: str = "com.example.sums", code: str = PLUGIN) -> dict[str, str]:
    manifest = {
        "plugin_id": name,
        "name": "Sums",
        "version": "1.0.0",
        "description": "Adds numbers.",
        "author": "Somebody",
        "plugin_type": "tool",
        "entry_point": "main",
        "permissions": {},
        "capabilities": [
            {
                "name": "add",
                "description": "Add two numbers",
                "version": "1.0.0",
                "parameters": {
                    "type": "object",
                    "properties": {
                        "a": {"type": "number"},
                        "b": {"type": "number", "default": 1},
                    },
                    "required": ["a"],
                    "additionalProperties": False,
                },
            },
            {"name": "name", "description": "Its id", "version": "1.0.0", "parameters": {}},
        ],
        "config_schema": {
            "type": "object",
            "properties": {"precision": {"type": "integer", "default": 2, "minimum": 0}},
        },
    }
    return {"plugin.json": json.dumps(manifest), "main.py": code}


def test_a_plugins_capabilities_are_called_by_their_schema(skills: Path) -> None:
    grow(skills, {"com.example.sums": plugin()})
    with SkillManager() as manager:
        assert manager.run("com.example.sums:add", {"a": 1.234}).data == 2.23
        assert manager.run("com.example.sums:name").data == "com.example.sums"
        assert manager.call("com.example.sums:add").schema["required"] == ["a"]
        with pytest.raises(errors.InvalidInputError) as caught:
            manager.run("com.example.sums:add", {"a": "x", "b": None})
        assert [place for place, _ in caught.value.problems] == ["/a", "/b"]
        with pytest.raises(errors.AmbiguousNameError) as ambiguous:
            manager.run("com.example.sums")
        assert ambiguous.value.candidates == ("com.example.sums:add", "com.example.sums:name")


def test_a_plugin_lives_once_and_ends_in_order(skills: Path) -> None:
    grow(skills, {"com.example.sums": plugin()})
    with SkillManager() as manager:
        for _ in range(3):
            manager.run("com.example.sums:add", {"a": 1})
    assert Path("life").read_text().split() == ["initialize", "activate", "deactivate", "cleanup"]


def test_concurrent_first_calls_make_one_plugin(skills: Path) -> None:
    slow = PLUGIN.replace("    async def initialize(self):\n", "    async def initialize(self):\n"
                          "        await asyncio.sleep(0.05)\n")  # fmt: skip
    grow(skills, {"com.example.sums": plugin(code=slow)})

    async def main() -> None:
        async with SkillManager() as manager:
            await asyncio.gather(
                *(manager.arun("com.example.sums:add", {"a": n}) for n in range(5))
            )

    asyncio.run(main())
    assert Path("life").read_text().split().count("initialize") == 1


def test_a_failed_initialize_is_cleaned_up_and_may_be_tried_again(skills: Path) -> None:
    failing = PLUGIN.replace('self.note("initialize")', 'self.note("initialize"); 1 / 0')
    grow(skills, {"com.example.sums": plugin(code=failing)})
    with SkillManager() as manager:
        for _ in range(2):
            with pytest.raises(errors.HookError, match=r"hook initialize of com\.example\.sums"):
                manager.run("com.example.sums:add", {"a": 1})
    assert Path("life").read_text().split() == ["initialize", "cleanup"] * 2


@pytest.mark.parametrize("keyword", ["def", "async def"])
def test_a_factory_makes_the_plugin_sync_or_async(skills: Path, keyword: str) -> None:
    code = PLUGIN.replace("class Plugin:", "class Made:")
    code += f"\n{keyword} create_plugin(metadata, config):\n    return Made(metadata, config)\n"
    grow(skills, {"com.example.sums": plugin(code=code)})
    with SkillManager() as manager:
        assert manager.run("com.example.sums:add", {"a": 2}).data == 3


def test_a_plugins_configuration_is_filled_and_checked(skills: Path, project: Path) -> None:
    grow(skills, {"com.example.sums": plugin()})
    grow(project, {"kurt.toml": '[skill."com.example.sums"]\nprecision = -1\n'})
    with SkillManager() as manager:
        with pytest.raises(errors.ConfigError, match="config_schema") as caught:
            manager.run("com.example.sums:add", {"a": 1})
        assert "/precision" in (caught.value.cause or "")


# -- registering -----------------------------------------------------------------

REGISTERS = """\
from kurt_tool import register_tool
with open("asked", "a") as file: file.write("{name} ")
""" + tool_py("Spoken").replace("class Spoken", "@register_tool\nclass Spoken")


def test_a_skill_that_registers_is_asked_only_when_a_name_is_found_nowhere(skills: Path) -> None:
    plain = {"SKILL.md": skill_md("plain"), "skill.py": REGISTERS.replace("{name}", "plain")}
    grow(skills, {"plain": plain, "talker": echo()})
    with SkillManager() as manager:
        manager.run("echo")
        assert not Path("asked").exists()
        assert manager.run("spoken", {"text": "s"}).data.text == "s"
        assert manager.run("plain:spoken", {"text": "t"}).data.text == "t"
    assert Path("asked").read_text() == "plain "


def test_a_register_function_of_a_distribution_is_called(
    skills: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    code = tool_py("Late") + (
        "def register():\n    from kurt_tool import register_tool\n    register_tool(Late)\n"
    )
    installed(
        monkeypatch,
        tmp_path / "site",
        "late-skills",
        "[kurt.skills]\nlate = late_skills:register\n",
        {"late_skills.py": code},
    )
    with SkillManager() as manager:
        assert manager.run("late", {"text": "u"}).data.text == "u"
    sys.modules.pop("late_skills", None)


def test_a_failed_load_registers_nothing(skills: Path) -> None:
    broken = REGISTERS + "\n1 / 0\n"
    grow(skills, {"plain": {"SKILL.md": skill_md("plain"), "skill.py": broken}})
    with SkillManager() as manager:
        with pytest.raises(errors.ExtensionNotFoundError):
            manager.run("spoken")
        assert manager.outcomes["plain"].state == "failed"


def test_a_decorator_outside_a_load_registers_with_the_default_manager() -> None:
    def shout(text: str) -> str:
        return text.upper()

    try:
        register("kurt.custom", "shout", shout)
        assert SkillManager.default().run("shout", {"text": "a"}).data == "A"
    finally:
        SkillManager.close_default()
    with pytest.raises(errors.ExtensionNotFoundError):
        SkillManager.default().resolve("shout")
    SkillManager.close_default()


def test_s10_the_default_manager_is_reset_in_public() -> None:
    first = SkillManager.default()
    assert SkillManager.default() is first
    SkillManager.close_default()
    second = SkillManager.default()
    assert second is not first
    SkillManager.close_default()


# -- services, layers, execution -------------------------------------------------

SITE_PY = """\
from kurt_integration import Integration
from kurt_middleware import Middleware
from kurt_engine import BaseRunner


def note(word):
    with open("life", "a") as file:
        file.write(word + " ")


class Clock(Integration):
    provides = "clock"

    async def start(self, settings):
        note("start-clock")
        return lambda: 12

    async def stop(self):
        note("stop-clock")


class Bell(Integration):
    def available(self):
        return "nobody rang"

    def start(self, settings):
        note("start-bell")


class Broken(Integration):
    def start(self, settings):
        raise RuntimeError("no power")

    def stop(self):
        note("stop-broken")


class Outer(Middleware):
    async def around(self, invocation, proceed):
        note("outer-in")
        result = await proceed(invocation)
        note("outer-out")
        invocation.metadata["outer"] = True
        return result


class Inner(Middleware):
    after = ("outer",)

    async def around(self, invocation, proceed):
        note("inner-in")
        return await proceed(invocation)


class Circle(Middleware):
    before = ("outer",)
    after = ("inner",)

    async def around(self, invocation, proceed):
        return await proceed(invocation)


class Counting(BaseRunner):
    async def run(self, function, *args):
        note("executed")
        value = function(*args)
        return await value if hasattr(value, "__await__") else value
"""

SITE_POINTS = """\
[kurt.integration]
clock = site_guests:Clock
bell = site_guests:Bell
broken = site_guests:Broken

[kurt.middleware]
outer = site_guests:Outer
inner = site_guests:Inner
circle = site_guests:Circle

[kurt.engine]
run.counting = site_guests:Counting
"""


@pytest.fixture
def guests(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    installed(monkeypatch, tmp_path / "site", "guests", SITE_POINTS, {"site_guests.py": SITE_PY})
    yield
    sys.modules.pop("site_guests", None)


def life() -> list[str]:
    return Path("life").read_text().split() if Path("life").exists() else []


def test_services_start_once_fill_the_context_and_stop_at_the_end(
    skills: Path, guests: None
) -> None:
    body = "return ToolResult(data={'text': str(context.services['clock']())})"
    code = tool_py(body=body).replace("    uses = ()\n", "")
    grow(skills, {"talker": echo(code=code)})
    with SkillManager() as manager:
        for _ in range(3):
            assert manager.run("echo").data.text == "12"
        assert manager.outcomes["guests:bell"].state == "unavailable"
        assert manager.outcomes["guests:bell"].reason == "nobody rang"
        assert manager.outcomes["guests:broken"].state == "failed"
    assert life() == ["start-clock", "stop-broken", "stop-clock"] or life() == [
        "stop-broken",
        "start-clock",
        "stop-clock",
    ]


def test_a_service_that_is_not_there_says_why(skills: Path, guests: None) -> None:
    code = tool_py(body="return ToolResult(data={'text': context.services['bell']})")
    grow(skills, {"talker": echo(code=code.replace("    uses = ()\n", ""))})
    with SkillManager() as manager, pytest.raises(errors.ServiceUnavailableError) as caught:
        manager.run("echo")
    assert caught.value.cause == "nobody rang"


def test_only_the_services_that_are_used_are_started(skills: Path, guests: None) -> None:
    grow(skills, {"talker": echo()})
    with SkillManager() as manager:
        manager.run("echo")
    assert life() == []


def test_layers_lie_in_configured_order_around_every_call(
    skills: Path, project: Path, guests: None
) -> None:
    grow(skills, {"talker": echo()})
    grow(project, {"kurt.toml": '[middleware]\nenabled = ["inner", "outer"]\n'})
    with SkillManager() as manager:
        result = manager.run("echo", {"text": "v"})
        assert result.metadata == {"outer": True}
    assert life() == ["outer-in", "inner-in", "outer-out"]  # inner wants to be after outer


def test_without_configuration_there_is_no_layer(skills: Path, guests: None) -> None:
    grow(skills, {"talker": echo()})
    with SkillManager() as manager:
        manager.run("echo")
    assert life() == []


def test_a_circle_of_wishes_is_reported_whole(skills: Path, project: Path, guests: None) -> None:
    grow(skills, {"talker": echo()})
    grow(project, {"kurt.toml": '[middleware]\nenabled = ["outer", "inner", "circle"]\n'})
    with SkillManager() as manager, pytest.raises(errors.CircularOrderError) as caught:
        manager.run("echo")
    assert set(caught.value.cycle) == {"guests:outer", "guests:inner", "guests:circle"}


def test_a_layer_that_fails_to_load_stops_the_calls(
    skills: Path, project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    points = "[kurt.middleware]\nguard = broken_guard:Guard\n"
    installed(monkeypatch, tmp_path / "s", "guard", points, {"broken_guard.py": "1 / 0"})
    grow(skills, {"talker": echo()})
    grow(project, {"kurt.toml": '[middleware]\nenabled = ["guard"]\n'})
    with SkillManager() as manager, pytest.raises(errors.SkillLoadError, match="guard"):
        manager.run("echo")


def test_the_configured_executor_runs_every_call(skills: Path, project: Path, guests: None) -> None:
    grow(skills, {"talker": echo()})
    grow(project, {"kurt.toml": '[engine]\nrun = "counting"\n'})
    with SkillManager() as manager:
        manager.run("echo")
        manager.run("echo")
    assert life() == ["executed", "executed"]


def test_a_choice_that_does_not_exist_lists_those_that_do(skills: Path, project: Path) -> None:
    grow(skills, {"talker": echo()})
    grow(project, {"kurt.toml": '[engine]\nrun = "counter"\n'})
    with SkillManager() as manager, pytest.raises(errors.ExtensionNotFoundError) as caught:
        manager.run("echo")
    assert "run.inline" in caught.value.candidates


def test_a_driver_fills_each_role(skills: Path) -> None:
    with SkillManager() as manager:
        assert manager.driver("kurt.engine", "fetch").name == "fetch.http"
        with pytest.raises(errors.UsageError, match="no role"):
            manager.driver("kurt.engine", "fetsh")


# -- calls -----------------------------------------------------------------------


def test_a_call_is_kept_and_called_by_name(skills: Path) -> None:
    grow(skills, {"talker": echo()})

    async def main() -> None:
        async with SkillManager() as manager:
            call = manager.call("echo")
            assert call.reference == "talker:echo"
            assert (await call({"text": "w"})).data.text == "w"
            assert (await manager.calls["echo"]({"text": "y"})).data.text == "y"
            ready = type(call.extension.obj).InputModel(text="z")
            assert (await call(ready)).data.text == "z"
            assert (await call.direct(ready)).data == {"text": "z"}
            fan = manager.fan_out(["echo", "talker:echo"])
            assert [item.data for item in await fan(ready)] == [{"text": "z"}] * 2

    asyncio.run(main())


def test_a_fan_out_may_go_on_past_a_failure(skills: Path) -> None:
    grow(skills, {"talker": echo(), "bad": echo("bad", "bad", code=tool_py(body="1 / 0"))})

    async def main() -> list[object]:
        async with SkillManager() as manager:
            return await manager.fan_out(["bad", "echo"]).settled(
                manager.call("echo").extension.obj.InputModel(text="a")
            )

    failed, fine = asyncio.run(main())
    assert isinstance(failed, ZeroDivisionError)
    assert fine.data == {"text": "a"}  # type: ignore[attr-defined]


def test_what_is_not_called_by_name_says_so(skills: Path, guests: None) -> None:
    with SkillManager() as manager, pytest.raises(errors.UsageError, match="not called by name"):
        manager.call("clock")


def test_a_project_wins_over_the_user_and_its_removal_shows_the_other(
    skills: Path, own_places: Path
) -> None:
    grow(skills, {"talker": echo(code=tool_py(body="return ToolResult(data={'text': 'project'})"))})
    users = own_places / ".local" / "share" / "kurt" / "skills"
    grow(users, {"talker": echo(code=tool_py(body="return ToolResult(data={'text': 'user'})"))})
    with SkillManager() as manager:
        assert manager.run("echo").data.text == "project"
        assert [row["state"] for row in manager.explain("talker")["candidates"]] == [
            "ready",
            "shadowed",
        ]
        for file in (skills / "talker").rglob("*.*"):
            file.unlink()
        manager.refresh()
        assert manager.run("echo").data.text == "user"


def test_stock_metadata_sees_local_skills_while_a_manager_is_open(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KURT_TRUST", str(project))
    grow(project / "skills", {"echo-here": skill("echo-here")})

    def shown() -> list[str]:
        return [point.name for point in entry_points(group="kurt.tool")]

    before = list(sys.path)
    with SkillManager() as first, SkillManager() as second:
        first.discover()
        second.discover()
        assert "echo-here" in shown()
        assert sys.path.index(second.places.shim("project")) < next(
            at for at, entry in enumerate(sys.path) if entry.endswith("site-packages")
        )
        second.close()
        assert "echo-here" in shown()
        first.refresh()
        assert first.discover().skill("echo-here").scope == "project"
        assert [c.scope for c in first.discover().named("echo-here")] == ["project"]
    assert sys.path == before
    assert "echo-here" not in shown()


def test_an_index_that_calls_a_skill_trusted_is_not_believed(
    project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mark = tmp_path / "imported"
    code = f"open({str(mark)!r}, 'w').close()\n"
    grow(project / "skills", {"forged": skill("forged", code=code)})
    with monkeypatch.context() as believing:
        believing.setattr(Trust, "covers", lambda self, path: True)
        believed = discover()
    monkeypatch.setattr(discovery, "discover", lambda *a, **k: believed)
    with SkillManager(places=believed.places) as skills:
        assert skills.discover().skill("forged").trusted
        with pytest.raises(errors.UntrustedError, match="forged"):
            skills.run("forged")
    assert not mark.exists()
