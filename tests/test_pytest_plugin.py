"""The fixtures for authors, used as an author uses them: in a pytest of their own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from trees import distribution, grow, skill

pytest_plugins = ["pytester"]
# Each starts a pytest of its own.
pytestmark = pytest.mark.slow

ECHO = '''
ECHO = """
from kurt_tool import Tool, ToolResult
from pydantic import BaseModel

class Words(BaseModel):
    text: str = "x"

class Echo(Tool[Words, Words]):
    async def run(self, params, context, on_progress=None):
        return ToolResult(data=Words(text=params.text + context.settings.get("end", "")))
"""
'''
IMPLEMENTS = '[{"type": "tool", "class": "Echo", "name": "echo"}]'


@pytest.fixture
def author(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> pytest.Pytester:
    """Return a pytest run of an author for whom every warning is an error."""
    # What pytest-randomly or a plugin of the developer's does is not our subject.
    monkeypatch.delenv("PYTEST_ADDOPTS", raising=False)
    pytester.makeini(
        "[pytest]\nfilterwarnings = error\naddopts = --strict-markers --strict-config\n"
    )
    return pytester


def passes(author: pytest.Pytester, source: str, *arguments: str, passed: int = 1) -> None:
    author.makepyfile(ECHO + source)
    result = author.runpytest_subprocess("-q", *arguments)
    result.assert_outcomes(passed=passed)


def test_a_skill_of_a_dict_runs(author: pytest.Pytester) -> None:
    passes(
        author,
        f"""
def test_it_runs(kurt_skill, kurt_run):
    folder = kurt_skill("echo", code=ECHO, implements={IMPLEMENTS})
    assert sorted(path.name for path in folder.iterdir()) == ["SKILL.md", "skill.py"]
    assert kurt_run("echo", text="hello").as_dict()["data"] == {{"text": "hello"}}
    assert kurt_run("echo:echo", {{"text": "a"}}).success
""",
    )


def test_files_may_lie_in_folders_and_bring_their_own_manifest(author: pytest.Pytester) -> None:
    passes(
        author,
        """
import json

MANIFEST = {
    "plugin_id": "com.example.greeter", "name": "Greeter", "version": "1.0.0",
    "description": "d", "author": "a", "plugin_type": "tool", "entry_point": "main",
    "capabilities": [{"name": "greet", "description": "d", "version": "1.0.0", "parameters": {}}],
}

def test_it_runs(kurt_skill, kurt_run):
    kurt_skill(
        "com.example.greeter",
        {
            "plugin.json": json.dumps(MANIFEST),
            "main.py": "from .words import HELLO\\n"
            "class Plugin:\\n"
            "    def __init__(self, metadata, config): pass\\n"
            "    def greet(self): return HELLO\\n",
            "words": {"__init__.py": "HELLO = 'hello'"},
            "data/blob.bin": b"\\0",
        },
    )
    assert kurt_run("com.example.greeter:greet").data == "hello"
""",
    )


def test_a_runner_may_be_awaited(author: pytest.Pytester) -> None:
    passes(
        author,
        f"""
import asyncio

def test_it_runs(kurt_skill, kurt_arun):
    kurt_skill("echo", code=ECHO, implements={IMPLEMENTS})

    async def twice():
        return await asyncio.gather(kurt_arun("echo", text="a"), kurt_arun("echo", text="b"))

    assert [result.data.text for result in asyncio.run(twice())] == ["a", "b"]
""",
    )


def test_an_installed_distribution_of_a_dict_runs(author: pytest.Pytester) -> None:
    passes(
        author,
        """
from importlib.metadata import entry_points

def test_it_runs(kurt_dist_info, kurt_manager, kurt_run):
    info = kurt_dist_info(
        "kurt-shout", {"kurt.tool": {"shout": "shouting:Echo"}}, modules={"shouting.py": ECHO}
    )
    assert info.name == "kurt_shout-1.0.dist-info"
    [row] = [row for row in kurt_manager.list() if row["name"] == "kurt-shout"]
    assert row["scope"] == "installed"
    assert kurt_run("shout", text="hello").data.text == "hello"
    assert "shout" in entry_points(group="kurt.tool").names

def test_it_is_gone_in_the_next_test(kurt_manager):
    import importlib.util, sys
    assert "shouting" not in sys.modules
    assert importlib.util.find_spec("shouting") is None
    assert not [row for row in kurt_manager.list() if row["name"] == "kurt-shout"]
""",
        "-p",
        "no:randomly",
        passed=2,
    )


def test_nothing_of_the_developers_own_is_seen(
    author: pytest.Pytester, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    grow(tmp_path / "mine", {"my-own": skill("my-own")})
    grow(tmp_path / "home" / ".kurt" / "skills", {"dotted": skill("dotted")})
    grow(tmp_path / "elsewhere" / "skills", {"projected": skill("projected")})
    site = grow(
        tmp_path / "site",
        distribution("kurt-beside", "[kurt.tool]\nbeside = beside:X\n")
        | distribution("kurt-broken", "[kurt.tool\n"),
    )
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("KURT_SKILLS", str(tmp_path / "mine"))
    monkeypatch.setenv("KURT_PROJECT", str(tmp_path / "elsewhere"))
    monkeypatch.setenv("KURT_TRUST", "/")
    monkeypatch.setenv("PYTHONPATH", str(site))
    source = """
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

def names(manager):
    assert not manager.discover().problems
    return {row["name"] for row in manager.list()}

def test_nothing_is_seen(kurt_manager, kurt_home):
    assert names(kurt_manager) == {"kurt-ext"}
    assert Path.home() == kurt_home and not list(kurt_home.glob("*.toml"))
    assert "KURT_TRUST" not in os.environ

def test_nothing_is_read_from_a_working_directory_that_is_a_project(
    kurt_manager, tmp_path, monkeypatch
):
    monkeypatch.chdir(os.environ["HERE"])
    assert names(kurt_manager) == {"kurt-ext"}

@pytest.mark.kurt_installed("kurt-beside")
def test_what_is_asked_for_is_seen(kurt_manager):
    assert names(kurt_manager) == {"kurt-ext", "kurt-beside"}

@pytest.mark.kurt_installed
def test_all_may_be_asked_for(kurt_manager):
    found = kurt_manager.discover()
    assert {"kurt-ext", "kurt-beside"} <= {row.name for row in found.winners}
    assert any("kurt_broken" in problem.message for problem in found.problems)

def test_it_may_be_asked_for_later(kurt_environment, kurt_manager):
    assert "kurt-beside" not in names(kurt_manager)
    # Another process sees all of it, and its index is not taken for ours.
    command = [sys.executable, "-m", "kurt_ext", "list", "--json"]
    assert "kurt-beside" in subprocess.run(command, capture_output=True, text=True).stdout
    time.sleep(2.2)  # by now an index is old enough to be believed
    assert "kurt-beside" not in {row.name for row in kurt_manager.refresh().winners}
    kurt_environment.allow("Kurt_Beside")
    assert "kurt-beside" in names(kurt_manager)
"""
    monkeypatch.setenv("HERE", str(tmp_path / "elsewhere"))
    passes(author, source, passed=5)


def test_a_setting_names_what_every_test_may_see(
    author: pytest.Pytester, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    site = grow(tmp_path / "site", distribution("kurt-beside", "[kurt.tool]\nbeside = b:X\n"))
    monkeypatch.setenv("PYTHONPATH", str(site))
    passes(
        author,
        """
def test_it_is_seen(kurt_manager):
    assert {row["name"] for row in kurt_manager.list()} == {"kurt-beside", "kurt-ext"}
""",
        "-o",
        "kurt_installed=kurt-beside",
    )


def test_the_environment_is_as_it_was_after_a_test(author: pytest.Pytester) -> None:
    passes(
        author,
        f"""
import os, sys

SEEN = {{}}

def test_before():
    SEEN.update(os.environ)
    SEEN.pop("PYTEST_CURRENT_TEST")
    SEEN["path"] = list(sys.path)

def test_it_is_used(kurt_skill, kurt_dist_info, kurt_run, monkeypatch):
    kurt_skill("echo", code=ECHO, implements={IMPLEMENTS})
    kurt_dist_info("other", modules={{"other.py": ""}})
    kurt_run("echo")
    assert "kurt_skills.echo.skill" in sys.modules
    monkeypatch.undo()
    assert "KURT_PROJECT" in os.environ

def test_after():
    now = dict(os.environ)
    now.pop("PYTEST_CURRENT_TEST")
    now["path"] = list(sys.path)
    assert now == SEEN
    assert not [name for name in sys.modules if name.startswith("kurt_skills.")]
""",
        "-p",
        "no:randomly",
        passed=3,
    )


def test_two_tests_may_have_skills_of_one_name(author: pytest.Pytester) -> None:
    passes(
        author,
        f"""
import pytest

@pytest.mark.parametrize("answer", ["one", "two"])
def test_it_runs(kurt_skill, kurt_run, answer):
    kurt_skill("echo", code=ECHO.replace("params.text", repr(answer)), implements={IMPLEMENTS})
    assert kurt_run("echo").data.text == answer
""",
        passed=2,
    )


def test_a_skill_that_is_made_later_is_found(author: pytest.Pytester) -> None:
    passes(
        author,
        f"""
import pytest
from kurt_ext import ExtensionNotFoundError, UntrustedError

def test_it_is_found(kurt_skill, kurt_run, kurt_environment):
    with pytest.raises(ExtensionNotFoundError):
        kurt_run("echo")
    folder = kurt_skill("echo", code=ECHO, implements={IMPLEMENTS}, trusted=False)
    with pytest.raises(UntrustedError):
        kurt_run("echo")
    kurt_environment.trust(folder)
    assert kurt_run("echo").success
    kurt_environment.configure('[skill.echo]\\nend = "!"\\n')
    assert kurt_run("echo", text="hello").data.text == "hello!"
""",
    )


def test_the_default_manager_is_the_tests_own(author: pytest.Pytester) -> None:
    passes(
        author,
        f"""
from kurt_ext import SkillManager, get_tool

OUTER = SkillManager.default()

def test_it_is_another(kurt_skill):
    kurt_skill("echo", code=ECHO, implements={IMPLEMENTS})
    assert SkillManager.default() is not OUTER
    assert get_tool("echo") is not None

def test_it_is_put_back():
    assert SkillManager.default() is OUTER
""",
        "-p",
        "no:randomly",
        passed=2,
    )


def test_arguments_that_contradict_each_other_are_refused(author: pytest.Pytester) -> None:
    passes(
        author,
        """
import pytest

def test_it_is_refused(kurt_skill, tmp_path):
    with pytest.raises(TypeError, match=r"SKILL\\.md is among the files"):
        kurt_skill("echo", {"SKILL.md": ""}, description="d")
    with pytest.raises(TypeError, match="shown as it is"):
        kurt_skill(tmp_path, code="")
    with pytest.raises(FileNotFoundError):
        kurt_skill(tmp_path / "none")
    kurt_skill("echo")
    with pytest.raises(FileExistsError):
        kurt_skill("echo")
""",
    )


KINDS = ["tool", "plugin", "engine", "middleware", "integration", "custom"]


#: Beside the test of a new skill: what kurt sees while it runs, whichever fixtures it asks for.
WATCH = """
import os
import pytest
from kurt_ext import SkillManager

@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item):
    yield
    assert {row["name"] for row in SkillManager.default().list()} == {"NAME", "kurt-ext"}
    assert not {"KURT_TRUST", "KURT_SKILLS"} & os.environ.keys()
"""


@pytest.mark.parametrize("kind", KINDS)
def test_the_tests_that_kurt_new_writes_pass_and_see_nothing_else(
    author: pytest.Pytester, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    name = "com.example.mine" if kind == "plugin" else "mine"
    made = subprocess.run(
        [sys.executable, "-m", "kurt_ext", "new", name, "--kind", kind, "--in", str(author.path)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert made.returncode == 0, made.stderr
    folder = author.path / name
    # Each decoy offers a name that the new skill has as well.
    decoy = skill("decoy", extension="mine", code="raise SystemExit(3)\n")
    grow(author.path, {"decoy": decoy, "kurt.toml": '[tool]\ndisabled = ["*"]\n'})
    site = grow(
        tmp_path / "site",
        distribution("kurt-decoy", "[kurt.tool]\nmine = decoy:X\ngreet = decoy:X\n"),
    )
    monkeypatch.setenv("PYTHONPATH", str(site))
    monkeypatch.setenv("KURT_SKILLS", str(author.path))
    monkeypatch.setenv("KURT_PROJECT", str(author.path))
    monkeypatch.setenv("KURT_CONFIG", str(author.path / "kurt.toml"))
    monkeypatch.setenv("KURT_TRUST", "/")
    seen = subprocess.run(
        [sys.executable, "-m", "kurt_ext", "list", "--json"], capture_output=True, text=True
    ).stdout
    assert {row["name"] for row in json.loads(seen)["data"]} >= {name, "decoy", "kurt-decoy"}
    (folder / "tests" / "conftest.py").write_text(WATCH.replace("NAME", name))
    result = author.runpytest_subprocess("-q", "--rootdir", str(folder), str(folder))
    result.assert_outcomes(passed=1)


def test_a_skill_folder_of_ones_own_is_shown_as_it_is(author: pytest.Pytester) -> None:
    grow(author.path, {"mine": skill("mine"), "not-mine": skill("not-mine")})
    grow(
        author.path / "mine",
        {
            "tests": {
                "test_mine.py": """
from pathlib import Path

from kurt_ext.testing import Runner, SkillFactory

SKILL = Path(__file__).parents[1]


def test_it_runs(kurt_skill: SkillFactory, kurt_run: Runner, kurt_manager) -> None:
    kurt_skill(SKILL)
    assert {row["name"] for row in kurt_manager.list()} == {"mine", "kurt-ext"}
    assert kurt_run("mine", text="a").as_dict()["data"] == [{"text": "a"}]
"""
            }
        },
    )
    result = author.runpytest_subprocess("-q", "mine")
    result.assert_outcomes(passed=1)
    assert not os.path.lexists(author.path / "mine" / "skill.pyc")


def test_a_run_without_the_fixtures_imports_nothing_of_kurt(author: pytest.Pytester) -> None:
    author.makepyfile(
        """
        import sys

        def test_it_is_light():
            found = {name for name in sys.modules if name.partition(".")[0].startswith("kurt")}
            assert found <= {"kurt_ext", "kurt_ext.pytest_plugin"}
        """
    )
    result = author.runpytest_subprocess("-q")
    result.assert_outcomes(passed=1)


def test_the_plugin_brings_in_no_module_that_pytest_has_not() -> None:
    script = (
        "import sys, pytest\n"
        "before = set(sys.modules)\n"
        "import kurt_ext.pytest_plugin\n"
        "print(*sorted(set(sys.modules) - before))"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    assert done.stdout.split() == ["kurt_ext", "kurt_ext.pytest_plugin"]


def test_pytest_describes_the_fixtures(author: pytest.Pytester) -> None:
    result = author.runpytest_subprocess("--fixtures", "-p", "no:cacheprovider")
    for name in ("environment", "home", "skill", "dist_info", "manager", "run", "arun"):
        result.stdout.fnmatch_lines([f"kurt_{name} -- *"])
    result = author.runpytest_subprocess("--markers")
    result.stdout.fnmatch_lines(["@pytest.mark.kurt_installed(*distributions): *"])


@pytest.mark.parametrize(("isolation", "is_here"), [(None, True), ("auto", False)])
def test_skills_run_in_the_process_of_the_test_unless_isolation_is_asked_for(
    author: pytest.Pytester,
    monkeypatch: pytest.MonkeyPatch,
    isolation: str | None,
    is_here: bool,
) -> None:
    monkeypatch.delenv("KURT_ISOLATION", raising=False)
    if isolation is not None:
        monkeypatch.setenv("KURT_ISOLATION", isolation)
    author.makepyfile(
        f"""
import os

MANIFEST = '''{{"plugin_id": "com.example.here", "name": "Here", "version": "1.0.0",
"description": "Tells where it is.", "plugin_type": "tool", "entry_point": "main",
"capabilities": [{{"name": "where", "description": "Tell.", "version": "1.0.0"}}],
"permissions": {{}}}}'''
CODE = '''import os


class Plugin:
    def __init__(self, metadata, config): pass
    def where(self): return os.getpid()
'''


def test_where(kurt_skill, kurt_run):
    kurt_skill("com.example.here", {{"plugin.json": MANIFEST, "main.py": CODE}})
    here = kurt_run("com.example.here:where").data == os.getpid()
    assert here is {is_here}
"""
    )
    author.runpytest_subprocess().assert_outcomes(passed=1)
