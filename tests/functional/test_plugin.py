"""Plugins are looked at, tried, and changed in a host that runs in another process."""

from __future__ import annotations

import inspect
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from kurt_ext import sockets
from kurt_ext.loader import PluginLoader
from kurt_ext.plugin_rows import RUNTIME_VERSION

from .conftest import Run, write_skill

HOST = """
import asyncio
from kurt_ext.control import serve
from kurt_ext.loader import PluginLoader

async def main():
    async with PluginLoader() as loader, serve(loader):
        print("serving", flush=True)
        await asyncio.sleep(300)

asyncio.run(main())
"""

MAIN = """\
import asyncio

class Plugin:
    def __init__(self, metadata, config):
        self.metadata, self.config = metadata, config

    async def initialize(self):
        {initialize}

    def activate(self):
        {activate}

    async def deactivate(self):
        pass

    async def greet(self, name="World"):
        return "Hello " + name
"""

Make = Callable[..., Path]


@pytest.fixture
def make(project: Path, monkeypatch: pytest.MonkeyPatch) -> Make:
    """Return a function that writes a plugin.json plugin into the project, which is trusted."""
    monkeypatch.setenv("KURT_TRUST", str(project))

    def write(
        name: str,
        *needs: str,
        version: str = "1.0.0",
        initialize: str = "pass",
        activate: str = "pass",
        **more: Any,
    ) -> Path:
        folder = project / "skills" / name
        folder.mkdir(parents=True)
        dependencies = []
        for need in needs:
            other, _, constraint = need.removesuffix("?").partition(" ")
            dependencies.append(
                {
                    "plugin_id": f"com.example.{other}",
                    "version_constraint": constraint or "*",
                    "optional": need.endswith("?"),
                }
            )
        manifest = {
            "plugin_id": f"com.example.{name}",
            "name": name.title(),
            "version": version,
            "description": f"Greets as {name}. Use it for a greeting.",
            "plugin_type": "tool",
            "entry_point": "main",
            "permissions": {},
            "dependencies": dependencies,
            **more,
        }
        (folder / "plugin.json").write_text(json.dumps(manifest))
        (folder / "main.py").write_text(MAIN.format(initialize=initialize, activate=activate))
        return folder

    return write


@pytest.fixture
def host(project: Path, make: Make) -> Iterator[Callable[..., int]]:
    """Return a function that starts a host of the project, and returns its pid."""
    if not sockets.is_supported():
        pytest.skip("a host cannot be asked here")
    running: list[subprocess.Popen[str]] = []

    def start(options: str = "") -> int:
        program = HOST.replace("PluginLoader()", f"PluginLoader({options})")
        process = subprocess.Popen(
            [sys.executable, "-c", program], stdout=subprocess.PIPE, text=True, cwd=project
        )
        running.append(process)
        assert process.stdout is not None
        assert process.stdout.readline() == "serving\n"
        return process.pid

    yield start
    for process in running:
        process.kill()
        process.communicate()


def rows(ran: Any) -> dict[str, dict[str, Any]]:
    return {row["plugin_id"].removeprefix("com.example."): row for row in ran.data["plugins"]}


def test_info_says_which_process_has_the_code_and_what_isolates_it(
    here: Run, make: Make, host: Callable[..., int], monkeypatch: pytest.MonkeyPatch
) -> None:
    make("calc")
    idle = here("plugin", "info", "com.example.calc", "--json").data["plugin"]["runs"]
    assert (idle["isolated"], idle["pid"], idle["workers"]) == (False, None, 0)
    monkeypatch.delenv("KURT_ISOLATION")
    pid = host()
    before = here("plugin", "info", "com.example.calc", "--json").data["plugin"]["runs"]
    assert before["mode"] == "auto" and before["pid"] is None
    assert here("plugin", "load", "com.example.calc").code == 0
    runs = here("plugin", "info", "com.example.calc", "--json").data["plugin"]["runs"]
    assert runs["isolated"] and runs["workers"] == 1 and runs["pid"] not in (pid, None)
    os.kill(runs["pid"], 0)  # it is there
    said = here("plugin", "info", "com.example.calc").out
    assert f"a worker, pid {runs['pid']}\n" in said
    assert "in a process of its own (auto: " in said


def test_info_names_the_host_where_the_code_is_part_of_it(
    here: Run, make: Make, host: Callable[..., int]
) -> None:
    make("calc")
    pid = host()
    assert here("plugin", "load", "com.example.calc").code == 0
    said = here("plugin", "info", "com.example.calc").out
    assert f"the host, pid {pid}\n" in said and "none: in the host's own process" in said


# -- without a host --------------------------------------------------------------------


def test_list_and_info_read_what_is_on_disk_and_import_nothing(
    here: Run, make: Make, project: Path, skill: Path
) -> None:
    folder = make("calc", "maths >=2", auto_load=False)
    (folder / "main.py").write_text("open('imported', 'w')\n")
    (folder / "config.json").write_text(
        json.dumps({"plugin_id": "com.example.calc", "auto_load": True, "priority": 7})
    )
    make("off")
    (project / "kurt.toml").write_text('[plugin."com.example.off"]\nenabled = false\n')
    write_skill(project / "skills", "leaflet", code=None)
    ran = here("plugin", "list", "--json")
    assert ran.data["host"] is None
    found = rows(ran)
    assert set(found) >= {"calc", "off", "greeter"}
    assert "leaflet" not in found
    assert found["calc"]["status"] == "unloaded"
    assert (found["calc"]["auto_load"], found["calc"]["priority"]) == (True, 7)
    assert found["calc"]["dependencies"][0]["plugin_id"] == "com.example.maths"
    assert (found["off"]["enabled"], found["off"]["why_not"]) == (False, "enabled = false")
    ran = here("plugin", "info", "com.example.calc")
    assert "com.example.maths >=2" in ran.out
    assert "no host is running" in ran.out
    assert not (project / "imported").exists()


def test_what_is_broken_or_not_let_in_is_listed_with_its_reason(
    here: Run, make: Make, project: Path
) -> None:
    broken = make("broken")
    (broken / "plugin.json").write_text("{")
    make("odd")
    (project / "skills" / "odd" / "config.json").write_text(
        '{"plugin_id": "com.example.odd", "priority": "first"}'
    )
    make("shut")
    (project / "kurt.toml").write_text('[tool]\ndisabled = ["com.example.shut"]\n')
    found = rows(here("plugin", "list", "--json"))
    assert found["broken"]["state"] == "broken"
    assert found["broken"]["enabled"] is False
    assert found["odd"]["priority"] == 100
    assert "disabled" in found["shut"]["why_not"]
    assert here("plugin", "graph").code == 0
    assert here("plugin", "info", "broken").code == 0


def test_where_nothing_is_trusted_the_list_says_what_to_paste(here: Run, project: Path) -> None:
    write_skill(project / "skills", "stranger")
    ran = here("plugin", "list")
    assert "its folder is not trusted" in ran.out
    assert f"kurt skill trust {project}\n" in ran.err
    assert "why: kurt plugin list" in here("plugin", "timing").err


def test_what_cannot_be_loaded_for_what_it_needs_is_listed_with_its_reason(
    here: Run, make: Make
) -> None:
    make("calc", "maths >=2")
    make("maths", version="1.0.0")
    make("later", min_runtime_version="99.0.0")
    make("fine")
    told = {name: row["why_not"] for name, row in rows(here("plugin", "list", "--json")).items()}
    assert "com.example.maths" in told["calc"]
    assert "99.0.0" in told["later"]
    assert told["fine"] == told["maths"] == ""


def test_a_plugin_whose_code_registers_nothing_fails_its_trial(
    here: Run, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KURT_TRUST", str(project))
    folder = write_skill(project / "skills", "empty", code="VALUE = 1\n")
    manifest = "---\nname: empty\nversion: 1.0.0\ndescription: Nothing.\n---\n"
    (folder / "SKILL.md").write_text(manifest)
    ran = here("plugin", "load", "empty")
    assert ran.code == 1
    assert "registers nothing that is enabled" in ran.err


def test_code_that_registers_nothing_is_told_by_the_manifest_that_it_has(
    here: Run, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KURT_TRUST", str(project))
    folder = write_skill(project / "skills", "empty", code="def register(registry):\n    pass\n")
    lines = (folder / "SKILL.md").read_text().splitlines()
    manifest = ["---", "name: empty", "version: 1.0.0", "description: Nothing.", "---", ""]
    assert lines[0] == "---"
    (folder / "SKILL.md").write_text("\n".join(manifest))
    ran = here("explain", "empty", "--load")
    assert "plugin.json" not in ran.out
    assert "its code registers nothing" in ran.out


def test_in_an_empty_project_the_next_step_is_told(here: Run, project: Path) -> None:
    for words in (("plugin", "list"), ("plugin", "graph"), ("plugin", "timing")):
        ran = here(*words)
        assert ran.code == 0
        assert "no plugin" in ran.err
    write_skill(project / "skills", "leaflet", code=None)
    assert "has no code" in here("plugin", "graph", "leaflet").out


def test_a_status_chooses(here: Run, make: Make) -> None:
    make("calc")
    assert "calc" in rows(here("plugin", "list", "--status", "unloaded", "--json"))
    assert rows(here("plugin", "list", "--status", "active", "--json")) == {}
    assert "none fits" in here("plugin", "list", "--status", "active").err


@pytest.mark.parametrize("verb", ["load", "activate"])
def test_without_a_host_a_whole_life_is_tried(here: Run, make: Make, verb: str) -> None:
    make("calc", "maths")
    make("maths")
    ran = here("plugin", verb, "com.example.calc")
    assert ran.code == 0, ran
    assert "a trial in this process" in ran.out
    assert "It works." in ran.out
    assert "loaded       com.example.maths" in ran.out
    data = here("plugin", verb, "com.example.calc", "--json").data
    assert (data["trial"], data["works"], data["left_behind"]) == (True, True, [])
    steps = data["steps"]
    assert [step["step"] for step in steps] == ["load", "activate", "deactivate", "unload"]
    assert all(step["ms"] > 0 for step in steps)
    assert {"check", "import", "construct"} <= set(steps[0]["phases"])


def test_a_reload_is_tried_too(here: Run, make: Make) -> None:
    make("calc")
    steps = here("plugin", "reload", "com.example.calc", "--json").data["steps"]
    assert [step["step"] for step in steps][2] == "reload"
    assert "import" in steps[2]["phases"]


def test_a_skill_of_the_other_manifest_has_the_same_life(here: Run, skill: Path) -> None:
    code = (skill / "skill.py").read_text()
    ran = here("plugin", "load", "greeter")
    assert ran.code == 5, "it starts a program, and does not say so in its manifest"
    assert "kurt validate greeter" in ran.err
    assert here("plugin", "load", "greeter", "--no-validate").code == 0
    (skill / "skill.py").write_text(code.replace('os.system("echo from a child")', "pass"))
    ran = here("plugin", "load", "greeter")
    assert ran.code == 0, ran
    assert "It works." in ran.out


@pytest.mark.parametrize(
    ("hooks", "step"),
    [
        ({"initialize": "raise ValueError('no luck')"}, "load"),
        ({"activate": "raise ValueError('no luck')"}, "activate"),
    ],
)
def test_a_trial_that_fails_says_at_which_step_and_why(
    here: Run, make: Make, hooks: dict[str, str], step: str
) -> None:
    folder = make("bad", **hooks)
    ran = here("plugin", "load", "com.example.bad")
    assert ran.code == 1
    assert "no luck" in ran.err
    assert f"at: {folder}/main.py:" in ran.err
    last = ran.out.splitlines()[-1]
    assert last.split()[0] == step
    assert "failed" in last
    envelope = here("plugin", "load", "com.example.bad", "--json").envelope
    assert envelope["ok"] is False
    assert envelope["error"]["code"] == "hook-failed"
    assert envelope["data"]["steps"][-1]["ok"] is False


def test_a_missing_dependency_is_named_and_an_untrusted_plugin_is_not_tried(
    here: Run, make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    make("calc", "maths >=2")
    ran = here("plugin", "load", "com.example.calc")
    assert ran.code == 1
    assert "com.example.maths >=2" in ran.err
    monkeypatch.delenv("KURT_TRUST")
    assert here("plugin", "load", "com.example.calc").code == 5


def test_what_a_plugin_leaves_behind_is_told(here: Run, make: Make) -> None:
    make(
        "leaver",
        initialize="import threading; threading.Thread("
        "target=threading.Event().wait, args=(20,), name='left-thread', daemon=True).start()",
    )
    ran = here("plugin", "load", "com.example.leaver", "--json")
    assert ran.code == 0
    assert any("left-thread" in text for text in ran.data["left_behind"])
    assert any("left-thread" in warning["message"] for warning in ran.envelope["warnings"])


@pytest.mark.parametrize("verb", ["deactivate", "unload"])
def test_without_a_host_there_is_nothing_to_stop(here: Run, make: Make, verb: str) -> None:
    make("calc")
    ran = here("plugin", verb, "com.example.calc")
    assert ran.code == 3
    assert f"nothing to {verb}" in ran.err
    assert "hint: kurt plugin activate com.example.calc" in ran.err


def test_timing_names_the_slow_one(here: Run, make: Make) -> None:
    make("quick")
    make("slow", initialize="await asyncio.sleep(0.3)")
    make("bad", initialize="raise ValueError('no luck')")
    ran = here("plugin", "timing", "--json")
    assert ran.data["trial"] is True
    first = ran.data["plugins"][0]
    assert first["plugin_id"] == "com.example.slow"
    assert first["phases"]["initialize"] > 250
    assert ran.data["slowest"]["plugin_id"] == "com.example.slow"
    assert ran.data["slowest"]["phase"] == "initialize"
    assert "initialize" in rows(ran)["bad"]["error"]["message"]
    text = here("plugin", "timing", "com.example.quick").out
    assert "slow: com.example.quick" in text
    assert "com.example.slow" not in text


# -- settings --------------------------------------------------------------------------

SCHEMA = {
    "type": "object",
    "properties": {
        "precision": {"type": "integer", "default": 10, "maximum": 50},
        "api_key": {"type": "string"},
        "limits": {"type": "object", "properties": {"depth": {"type": "integer", "default": 2}}},
    },
}


@pytest.fixture
def configured(make: Make, project: Path) -> Path:
    folder = make("calc", config_schema=SCHEMA)
    (folder / "config.json").write_text(
        json.dumps({"plugin_id": "com.example.calc", "config": {"limits": {"depth": 5}}}, indent=1)
    )
    (project / "kurt.toml").write_text(
        '[skill."com.example.calc"]\napi_key = "sk-0123456789abcdef"\n'
    )
    return folder


def test_each_setting_is_shown_with_the_place_that_it_comes_from(
    here: Run, configured: Path, project: Path
) -> None:
    ran = here("plugin", "config", "com.example.calc", "--json")
    found = {row["key"].rpartition('"')[2]: row for row in ran.data["settings"]}
    assert (found[".precision"]["value"], found[".precision"]["layer"]) == (10, "default")
    depth = found[".limits.depth"]
    assert (depth["value"], depth["layer"]) == (5, "config.json")
    assert (depth["file"], depth["line"]) == (str(configured / "config.json"), 5)
    key = found[".api_key"]
    assert (key["value"], key["layer"], key["line"]) == ("***", "project", 2)
    switches = {row["key"].rpartition(".")[2]: row["value"] for row in ran.data["switches"]}
    assert switches["enabled"] is True
    assert switches["priority"] == 100
    text = here("plugin", "config", "com.example.calc")
    assert f"{project / 'kurt.toml'}:2" in text.out
    assert "sk-0123456789abcdef" not in text.out + ran.out


def test_one_setting_is_read_and_written(here: Run, configured: Path, project: Path) -> None:
    assert here("plugin", "config", "com.example.calc", "limits.depth").out == "5\n"
    assert here("plugin", "config", "com.example.calc", "limits.depth", "9").code == 0
    assert here("plugin", "config", "com.example.calc", "limits.depth").out == "9\n"
    assert "depth = 9" in (project / "kurt.toml").read_text()
    assert here("plugin", "config", "com.example.calc", "api_key", "env:CALC_KEY").code == 0


def test_a_setting_that_does_not_fit_is_not_written(
    here: Run, configured: Path, project: Path
) -> None:
    before = (project / "kurt.toml").read_text()
    ran = here("plugin", "config", "com.example.calc", "precision", "99")
    assert ran.code == 1
    assert "50" in ran.err
    ran = here("plugin", "config", "com.example.calc", "api_key", "3")
    assert ran.code == 1
    assert (project / "kurt.toml").read_text() == before
    ran = here("plugin", "config", "com.example.calc", "precisoin")
    assert ran.code == 3
    assert "did you mean precision?" in ran.err


def test_a_setting_without_a_key_or_a_place_is_refused(here: Run, configured: Path) -> None:
    assert here("plugin", "config", "com.example.calc", "a b").code == 2
    ran = here("plugin", "config", "com.example.calc", "limits")
    assert "limits.depth" in ran.out
    assert here("plugin", "config", "com.example.calc", "limits.depth", "5").code == 0
    ran = here("plugin", "config", "com.example.calc", "limits.depth", "5")
    assert "nothing to change" in ran.out


def test_the_schema_is_shown(here: Run, configured: Path) -> None:
    ran = here("plugin", "config", "com.example.calc", "--schema")
    assert json.loads(ran.out) == SCHEMA


# -- the graph -------------------------------------------------------------------------


def test_the_graph_is_text_mermaid_svg_and_json(here: Run, make: Make) -> None:
    make("calc", "maths >=2", "extra?")
    make("maths", version="1.5.0")
    ran = here("plugin", "graph")
    assert "com.example.calc 1.0.0  cannot be loaded" in ran.out
    assert "└── com.example.maths  >=2  1.5.0 is there" in ran.out
    assert "com.example.calc cannot be loaded: it needs com.example.maths >=2" in ran.err
    assert here("plugin", "graph", "--format", "mermaid").out.startswith("flowchart LR\n")
    ElementTree.fromstring(here("plugin", "graph", "--format", "svg").out)
    data = json.loads(here("plugin", "graph", "--format", "json").out)
    assert {"nodes", "edges", "levels"} == set(data)
    part = here("plugin", "graph", "com.example.maths")
    assert part.out.splitlines() == ["com.example.maths 1.5.0", "needed by com.example.calc"]
    envelope = here("plugin", "graph", "--format", "svg", "--json").data
    assert envelope["picture"].startswith("<svg")


def test_the_graph_counts_on_the_host_version_that_the_loader_has() -> None:
    default = inspect.signature(PluginLoader).parameters["runtime_version"].default
    assert default == RUNTIME_VERSION


# -- in a host -------------------------------------------------------------------------


def test_commands_act_on_the_host_that_runs(here: Run, make: Make, host: Callable[[], int]) -> None:
    folder = make("calc", "maths")
    make("maths")
    pid = host()
    name = "com.example.calc"
    ran = here("plugin", "load", name)
    assert ran.code == 0, ran
    assert f"{name} 1.0.0 is loaded, generation 1  (in the host of this project, pid {pid})" in (
        ran.out
    )
    assert "loaded       com.example.maths" in ran.out
    assert here("plugin", "activate", name, "--json").data["state"]["status"] == "active"
    listed = here("plugin", "list", "--json")
    assert listed.data["host"]["pid"] == pid
    assert rows(listed)["calc"]["life"]["load_ms"] > 0
    assert f"pid {pid}" in here("plugin", "info", name).out
    manifest = (folder / "plugin.json").read_text()
    (folder / "plugin.json").write_text(manifest.replace('"1.0.0"', '"1.1.0"', 1))
    said = here("plugin", "reload", name, "--json").data
    assert (said["state"]["version"], said["state"]["generation"]) == ("1.1.0", 2)
    assert said["state"]["status"] == "active"
    timing = here("plugin", "timing", "--json").data
    assert timing["trial"] is False
    assert {row["plugin_id"] for row in timing["plugins"]} == {name, "com.example.maths"}
    assert "active" in here("plugin", "graph").out
    assert here("plugin", "deactivate", name).code == 0
    assert here("plugin", "unload", name, "--json").data["state"]["status"] == "unloaded"


def test_an_error_of_the_host_is_that_of_the_command(
    here: Run, make: Make, host: Callable[[], int]
) -> None:
    folder = make("bad", initialize="raise ValueError('no luck')")
    make("calc")
    host()
    ran = here("plugin", "load", "com.example.bad")
    assert ran.code == 1
    assert f"at: {folder}/main.py:" in ran.err
    assert "com.example.bad 1.0.0 is failed" in ran.out
    assert "failed" in here("plugin", "info", "com.example.bad").out
    ran = here("plugin", "activate", "com.example.calc")
    assert ran.code == 6
    assert "hint: kurt plugin load com.example.calc" in ran.err
    assert here("plugin", "load", "com.example.nobody").code == 3


def test_a_reload_that_fails_says_that_the_old_code_runs_on(
    here: Run, make: Make, host: Callable[[], int]
) -> None:
    folder = make("calc")
    host()
    here("plugin", "load", "com.example.calc")
    code = (folder / "main.py").read_text()
    (folder / "main.py").write_text("1 / 0\n" + code)
    ran = here("plugin", "reload", "com.example.calc")
    assert ran.code == 1
    assert "com.example.calc 1.0.0 is still loaded, generation 1" in ran.out
    assert f"at: {folder}/main.py:1" in ran.err
    ran = here("plugin", "reload", "com.example.calc", "--json")
    assert ran.envelope["data"]["state"]["status"] == "loaded"
    assert ran.envelope["error"]["code"] == "skill-load-failed"


def test_a_setting_that_the_host_has_not_yet_is_told(
    here: Run, configured: Path, host: Callable[[], int]
) -> None:
    host()
    assert here("plugin", "load", "com.example.calc").code == 0
    ran = here("plugin", "config", "com.example.calc", "precision", "20")
    assert "kurt plugin reload com.example.calc" in ran.out
    ran = here("plugin", "config", "com.example.calc", "--json")
    assert ran.data["differs_in_host"] == ['skill."com.example.calc".precision']
    assert here("plugin", "reload", "com.example.calc").code == 0
    ran = here("plugin", "config", "com.example.calc", "--json")
    assert ran.data["differs_in_host"] == []


def test_a_plugin_whose_folder_is_gone_is_still_the_hosts(
    here: Run, make: Make, host: Callable[[], int]
) -> None:
    import shutil

    folder = make("calc")
    host()
    assert here("plugin", "load", "com.example.calc").code == 0
    shutil.rmtree(folder)
    found = rows(here("plugin", "list", "--json"))["calc"]
    assert (found["state"], found["status"]) == ("gone", "loaded")
    assert here("plugin", "list").code == 0
    assert here("plugin", "unload", "com.example.calc").code == 0


def test_the_plugins_of_a_host_with_a_folder_of_its_own_are_there_for_every_command(
    here: Run, make: Make, project: Path, host: Callable[..., int]
) -> None:
    make("calc", config_schema={"properties": {"step": {"type": "integer", "default": 3}}})
    make("idle")
    (project / "skills").rename(project / "plugins")
    host('plugin_directory="plugins"')
    assert here("plugin", "load", "com.example.calc").code == 0
    ran = here("plugin", "list", "--json")
    assert ran.data["host"]["plugin_directory"] == str(project / "plugins")
    states = {
        name: (row["state"], row["status"], row["enabled"]) for name, row in rows(ran).items()
    }
    assert states["calc"] == ("ready", "loaded", True)
    assert states["idle"] == ("ready", "unloaded", True)
    assert "  enabled           yes" in here("plugin", "info", "com.example.calc").out
    (setting,) = here("plugin", "config", "com.example.calc", "--json").data["settings"]
    assert setting["value"] == 3
    assert "com.example.calc 1.0.0" in here("plugin", "graph").out
    assert here("plugin", "unload", "com.example.calc").code == 0


def test_names_of_plugins_are_completed(here: Run, make: Make, project: Path) -> None:
    make("calc")
    write_skill(project / "skills", "leaflet", code=None)
    done = subprocess.run(
        [sys.executable, "-m", "kurt_ext"],
        env={**os.environ, "_KURT_COMPLETE": "zsh_complete", "COMP_WORDS": "kurt\nplugin\nload\n"},
        capture_output=True,
        text=True,
    )
    assert "com.example.calc" in done.stdout
    assert "leaflet" not in done.stdout


def test_a_trial_names_what_failed_and_no_leak_that_is_its_own_error(
    make: Make, kurt: Run, project: Path
) -> None:
    folder = make("closing")
    code = folder / "main.py"
    code.write_text(code.read_text() + "\n    def cleanup(self):\n        raise ValueError('no')\n")
    done = kurt("plugin", "load", "com.example.closing")
    assert "cause: ValueError: no" in done.err
    assert "left something behind" not in done.err


def test_a_hook_that_cannot_be_ended_is_named_with_its_place_and_without_asyncio_s_noise(
    make: Make, kurt: Run, project: Path
) -> None:
    endless = """while True:
            try:
                await asyncio.sleep(60)
            except asyncio.CancelledError:
                pass"""
    folder = make("stubborn", initialize=endless)
    (project / "kurt.toml").write_text('[plugin."com.example.stubborn"]\ntimeout_seconds = 0.1\n')
    done = kurt("plugin", "load", "com.example.stubborn")
    assert f"({folder / 'main.py'}:7; it swallows its cancellation" in done.err
    assert "Task was destroyed" not in done.err
    assert "hint: kurt config set 'plugin.\"com.example.stubborn\".timeout_seconds' 60" in done.err


def test_code_that_leaves_while_it_is_imported_is_told_in_words(
    make: Make, kurt: Run, project: Path
) -> None:
    code = make("leaving") / "main.py"
    code.write_text("import sys\n\nsys.exit(7)\n\n\n" + code.read_text())
    done = kurt("plugin", "load", "com.example.leaving")
    assert "  cause: its code called sys.exit(7)\n" in done.err
