"""Saves of real files, and what becomes of the plugins they belong to."""

from __future__ import annotations

import asyncio
import os
import shutil
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from trees import SKILL_PY, grow, skill

from kurt_ext.changes import join
from kurt_ext.errors import MissingExtraError
from kurt_ext.loader import PluginLoader
from kurt_ext.watch import OUTCOMES, Change, watch

#: Seconds in which a change must be told; and those in which none may be.
PATIENCE = 20
SILENCE = 0.4

BACKGROUND = """\
import json, os
from kurt_tool import Tool, ToolResult

class Echo(Tool):
    name = "writer"
    description = "Write beside its own code"

    async def initialize(self):
        path = os.path.join(os.path.dirname(__file__), "cache.json")
        with open(path, "a") as file:
            file.write("[]")

    async def run(self, params, context, on_progress):
        return ToolResult(success=True, data=[])
"""


class Watched:
    """A loader whose plugins are watched."""

    def __init__(self, loader: PluginLoader, changes: Any) -> None:
        self.loader = loader
        self._changes = changes
        self._upcoming = asyncio.ensure_future(anext(changes))

    async def next(self) -> Change:
        """Return the next change."""
        change: Change = await asyncio.wait_for(asyncio.shield(self._upcoming), PATIENCE)
        assert change.outcome in OUTCOMES
        assert change.ms >= 0
        self._upcoming = asyncio.ensure_future(anext(self._changes))
        return change

    async def silence(self) -> None:
        """Fail where something changes now."""
        done, _ = await asyncio.wait({self._upcoming}, timeout=SILENCE)
        assert not done, self._upcoming.result()

    async def said(self, name: str) -> str:
        """Return what a plugin answers."""
        result = await self.loader.skills.arun(name, {"text": "x"})
        return str(result.data[0].text)

    async def close(self) -> None:
        self._upcoming.cancel()
        await asyncio.wait({self._upcoming})
        await self._changes.aclose()


@asynccontextmanager
async def watching(*load: str, **options: Any) -> AsyncIterator[Watched]:
    async with PluginLoader() as loader:
        watched = Watched(loader, watch(loader, validate=False, **options))
        for name in load:
            await loader.load_plugin(name, validate=False)
            await loader.activate_plugin(name)
        await asyncio.sleep(0.3 if options.get("poll") else 0.01)
        try:
            yield watched
        finally:
            await watched.close()


def code(name: str, suffix: str) -> str:
    return SKILL_PY.format(cls="Echo", extension=name, suffix=suffix)


@pytest.fixture
def skills(project: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the folder of the skills of a trusted project, with one in it."""
    monkeypatch.setenv("KURT_TRUST", str(project))
    monkeypatch.delenv("PYTHONDONTWRITEBYTECODE", raising=False)
    monkeypatch.setattr(sys, "dont_write_bytecode", False)
    grow(project / "skills" / "echo", skill("echo", suffix="0"))
    return project / "skills"


def run(main: Callable[[], Awaitable[None]]) -> None:
    asyncio.run(main())  # type: ignore[arg-type]


def replace(path: Path, text: str) -> None:
    """Save as careful editors do."""
    beside = path.with_name(f".{path.name}.k3j2")
    beside.write_text(text)
    os.replace(beside, path)


@pytest.mark.parametrize("poll", [False, True], ids=["watched", "polled"])
@pytest.mark.parametrize("save", [Path.write_text, replace], ids=["written", "replaced"])
def test_a_save_reloads(skills: Path, save: Any, poll: bool) -> None:
    async def main() -> None:
        async with watching("echo", poll=poll) as watched:
            save(skills / "echo" / "skill.py", code("echo", "1"))
            change = await watched.next()
            assert (change.plugin_id, change.outcome) == ("echo", "reloaded")
            assert (change.version, change.generation) == ("0.1.0", 2)
            assert (change.files, change.ok) == (("skill.py",), True)
            assert await watched.said("echo") == "x1"
            await watched.silence()

    run(main)


def test_what_is_saved_as_it_was_is_no_change(skills: Path) -> None:
    async def main() -> None:
        async with watching("echo") as watched:
            file = skills / "echo" / "skill.py"
            for save in (Path.write_text, replace):
                save(file, code("echo", save.__name__))
                assert (await watched.next()).outcome == "reloaded"
                await asyncio.sleep(0.1)
                for again in (Path.write_text, replace):
                    again(file, code("echo", save.__name__))
                    await watched.silence()
                os.utime(file)
                await watched.silence()
            assert watched.loader.get_plugin_state("echo").generation == 3
            await watched.loader.reload_plugin("echo", validate=False)  # who asks for it has it
            assert watched.loader.get_plugin_state("echo").generation == 4
            await asyncio.sleep(0.1)
            os.utime(file)
            await watched.silence()

    run(main)


def test_a_touch_of_what_was_loaded_before_the_watch_is_no_change(skills: Path) -> None:
    time.sleep(0.05)

    async def main() -> None:
        async with watching("echo") as watched:
            await asyncio.sleep(0.1)
            os.utime(skills / "echo" / "SKILL.md")
            os.utime(skills / "echo" / "skill.py")
            await watched.silence()
            (skills / "echo" / "skill.py").write_text(code("echo", "1"))
            assert (await watched.next()).outcome == "reloaded"

    run(main)


def test_what_is_made_undone_after_a_failure_is_told(skills: Path) -> None:
    async def main() -> None:
        async with watching("echo") as watched:
            file = skills / "echo" / "skill.py"
            replace(file, code("echo", "1"))
            assert (await watched.next()).outcome == "reloaded"
            replace(file, "1 / 0")
            assert (await watched.next()).outcome == "rolled-back"
            replace(file, code("echo", "1"))
            assert (await watched.next()).outcome == "reloaded"

    run(main)


def test_a_file_that_is_empty_for_a_moment_is_read_when_it_is_written(skills: Path) -> None:
    async def main() -> None:
        async with watching("echo") as watched:
            file = skills / "echo" / "skill.py"
            for number in range(1, 6):
                with open(file, "w") as stream:
                    await asyncio.sleep(0.004 * number)
                    stream.write(code("echo", str(number)))
                assert (await watched.next()).outcome == "reloaded"
                assert await watched.said("echo") == f"x{number}"
                await watched.silence()

    run(main)


def test_of_quick_edits_of_one_size_none_is_stale(skills: Path) -> None:
    async def main() -> None:
        async with watching("echo") as watched:
            for number in range(1, 31):
                replace(skills / "echo" / "skill.py", code("echo", str(number % 10)))
                assert (await watched.next()).outcome == "reloaded"
                assert await watched.said("echo") == f"x{number % 10}"

    run(main)


def test_what_happens_at_once_is_one_change_for_each_plugin(skills: Path) -> None:
    names = [f"s{number}" for number in range(6)]
    for name in names:
        grow(skills / name, skill(name))

    async def main() -> None:
        async with watching(*names) as watched:
            for name in names:
                (skills / name / "skill.py").write_text(code(name, "!"))
                (skills / name / "part.py").write_text("")
                (skills / name / "notes.txt").write_text("")
            told: list[str] = []
            while set(told) != set(names):
                change = await watched.next()
                assert set(change.files) <= {"notes.txt", "part.py", "skill.py"}
                told.append(change.plugin_id)
            # Where the machine is busy, what is written may not lie so near together.
            assert len(told) < 3 * len(names)
            for name in names:
                assert await watched.said(name) == "x!"

    run(main)


def test_code_that_does_not_run_leaves_the_old_running_and_says_where(skills: Path) -> None:
    async def main() -> None:
        async with watching("echo") as watched:
            file = skills / "echo" / "skill.py"
            text = code("echo", "1")
            file.write_text(text + "def (:\n")
            change = await watched.next()
            assert (change.outcome, change.generation) == ("rolled-back", 1)
            assert change.error is not None
            assert (change.error.at or "").startswith(f"{file}:{text.count(chr(10)) + 1}:")
            assert "SyntaxError" in (change.error.cause or "")
            assert await watched.said("echo") == "x0"
            file.write_text(code("echo", "2"))
            assert (await watched.next()).outcome == "reloaded"
            assert await watched.said("echo") == "x2"

    run(main)


def test_a_save_in_two_parts_is_one_change(skills: Path) -> None:
    async def main() -> None:
        async with watching("echo") as watched:
            whole = code("echo", "1")
            with open(skills / "echo" / "skill.py", "w") as file:
                file.write(whole[:300])
                file.flush()
                await asyncio.sleep(0.02)
                file.write(whole[300:])
            change = await watched.next()
            assert change.outcome == "reloaded"
            assert await watched.said("echo") == "x1"
            await watched.silence()

    run(main)


def test_a_folder_that_appears_is_loaded_and_one_that_goes_is_unloaded(skills: Path) -> None:
    async def main() -> None:
        async with watching("echo") as watched:
            grow(skills / "late", skill("late", suffix="!"))
            change = await watched.next()
            assert (change.plugin_id, change.outcome) == ("late", "loaded")
            assert await watched.said("late") == "x!"
            (skills / "late" / "skill.py").write_text(code("late", "?"))
            assert (await watched.next()).outcome == "reloaded"
            shutil.rmtree(skills / "late")
            change = await watched.next()
            assert (change.plugin_id, change.outcome) == ("late", "unloaded")
            assert (change.version, change.generation) == ("0.1.0", 0)
            await watched.silence()
            assert "late" not in [
                state.metadata.plugin_id for state in watched.loader.list_plugins()
            ]

    run(main)


def test_a_folder_that_comes_back_at_once_is_reloaded(skills: Path, tmp_path: Path) -> None:
    async def main() -> None:
        async with watching("echo") as watched:
            os.rename(skills / "echo", tmp_path / "echo")
            (tmp_path / "echo" / "skill.py").write_text(code("echo", "1"))
            os.rename(tmp_path / "echo", skills / "echo")
            change = await watched.next()
            assert (change.outcome, change.generation) == ("reloaded", 2)
            assert await watched.said("echo") == "x1"

    run(main)


def test_a_folder_that_is_renamed_lives_on(skills: Path) -> None:
    async def main() -> None:
        async with watching("echo") as watched:
            os.rename(skills / "echo", skills / "renamed")
            change = await watched.next()
            # Told in two halves by a busy system, it is an end and a beginning.
            if change.outcome == "unloaded":
                change = await watched.next()
            assert (change.plugin_id, change.outcome) in (("echo", "reloaded"), ("echo", "loaded"))
            assert change.folder == str(skills / "renamed")
            await watched.silence()
            (skills / "renamed" / "skill.py").write_text(code("echo", "1"))
            assert (await watched.next()).outcome == "reloaded"
            assert await watched.said("echo") == "x1"

    run(main)


def test_a_folder_that_is_renamed_lives_on_where_its_code_is_slow_to_load(skills: Path) -> None:
    async def main() -> None:
        async with watching("echo") as watched:
            slow = "import time\ntime.sleep(0.3)\n"
            (skills / "echo" / "skill.py").write_text(slow + code("echo", "1"))
            assert (await watched.next()).outcome == "reloaded"
            os.rename(skills / "echo", skills / "renamed")
            change = await watched.next()
            assert (change.outcome, change.folder) == ("reloaded", str(skills / "renamed"))
            await watched.silence()
            assert await watched.said("echo") == "x1"

    run(main)


def test_a_manifest_counts_when_it_is_saved(skills: Path) -> None:
    async def main() -> None:
        async with watching("echo") as watched:
            manifest = skills / "echo" / "SKILL.md"
            text = manifest.read_text()
            manifest.write_text(text.replace("0.1.0", "0.2.0"))
            change = await watched.next()
            assert (change.outcome, change.version) == ("reloaded", "0.2.0")
            manifest.write_text("---\nname: [echo\n")
            change = await watched.next()
            assert (change.outcome, change.version) == ("rolled-back", "0.2.0")
            assert change.error is not None
            assert (change.error.at or "").startswith(f"{manifest}:")
            assert await watched.said("echo") == "x0"
            manifest.write_text(text)
            assert (await watched.next()).version == "0.1.0"

    run(main)


def test_a_skill_that_takes_another_name_is_another_plugin(skills: Path) -> None:
    async def main() -> None:
        async with watching("echo") as watched:
            manifest = skills / "echo" / "SKILL.md"
            replace(manifest, manifest.read_text().replace("name: echo\nv", "name: parrot\nv"))
            changes = [await watched.next(), await watched.next()]
            assert [(item.plugin_id, item.outcome) for item in changes] == [
                ("echo", "unloaded"),
                ("parrot", "loaded"),
            ]

    run(main)


def test_a_copy_that_lay_in_the_shadow_counts_when_the_other_goes(
    skills: Path, own_places: Path
) -> None:
    grow(own_places / ".local/share/kurt/skills/echo", skill("echo", version="2.0.0", suffix="u"))

    async def main() -> None:
        async with watching("echo") as watched:
            assert await watched.said("echo") == "x0"
            shutil.rmtree(skills / "echo")
            outcomes = [(await watched.next()).outcome]
            if outcomes == ["unloaded"]:
                outcomes.append((await watched.next()).outcome)
            assert outcomes[-1] in ("loaded", "reloaded")
            assert await watched.said("echo") == "xu"
            grow(skills / "echo", skill("echo", suffix="p"))
            assert (await watched.next()).version == "0.1.0"
            assert await watched.said("echo") == "xp"

    run(main)


def test_only_the_plugins_that_are_named_are_followed(skills: Path) -> None:
    grow(skills / "other", skill("other"))

    async def main() -> None:
        async with watching("echo", "other", names=["other"]) as watched:
            (skills / "echo" / "skill.py").write_text(code("echo", "1"))
            grow(skills / "late", skill("late"))
            await watched.silence()
            (skills / "other" / "skill.py").write_text(code("other", "1"))
            assert (await watched.next()).plugin_id == "other"

    run(main)


def test_what_may_not_be_loaded_is_refused_with_the_reason(
    skills: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KURT_TRUST", str(skills / "echo"))

    async def main() -> None:
        async with watching("echo") as watched:
            grow(skills / "stranger", skill("stranger", code="raise SystemExit"))
            change = await watched.next()
            assert (change.plugin_id, change.outcome) == ("stranger", "refused")
            assert change.error is not None
            assert change.error.reference == "untrusted"

    run(main)


def test_a_plugin_that_failed_is_loaded_when_it_is_mended(skills: Path) -> None:
    grow(skills / "bad", skill("bad", code="1 / 0"))

    async def main() -> None:
        async with watching() as watched:
            for number in range(4):  # more often than a plugin may fail
                (skills / "bad" / "skill.py").write_text(f"{number} / 0")
                assert (await watched.next()).outcome == "failed"
            (skills / "bad" / "skill.py").write_text(code("bad", "1"))
            assert (await watched.next()).outcome == "loaded"
            assert await watched.said("bad") == "x1"

    run(main)


def test_a_plugin_that_writes_into_its_own_folder_is_not_reloaded_for_ever(skills: Path) -> None:
    grow(skills / "writer", skill("writer", code=BACKGROUND))

    async def main() -> None:
        async with watching("writer") as watched:
            # Once, since it may have been the author, and then no more.
            assert (await watched.next()).files == ("cache.json",)
            await watched.silence()
            for number in range(2):
                (skills / "writer" / "skill.py").write_text(BACKGROUND + f"# {number}")
                assert (await watched.next()).files == ("skill.py",)
                await watched.silence()

    run(main)


def test_what_python_and_editors_leave_is_no_save(skills: Path) -> None:
    async def main() -> None:
        async with watching("echo") as watched:
            grow(
                skills / "echo",
                {"__pycache__": {"skill.cpython-311.pyc": "x"}, ".skill.py.swp": "x", "4913": ""},
            )
            (skills / "echo" / "4913").unlink()
            (skills / "README.md").write_text("no skill")
            await watched.silence()

    run(main)


def test_what_is_under_way_ends_before_the_watch_does(skills: Path) -> None:
    async def main() -> None:
        async with watching("echo") as watched:
            before = asyncio.all_tasks()
            (skills / "echo" / "skill.py").write_text(code("echo", "1"))
            await asyncio.sleep(0.003)
            await watched.close()
            left = asyncio.all_tasks() - before
            assert not [task for task in left if not task.done()]
            state = watched.loader.get_plugin_state("echo")
            assert state.status in ("active",)

    run(main)


def test_without_the_extra_a_watch_says_what_to_install(
    skills: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "watchfiles", None)

    async def main() -> None:
        async with PluginLoader() as loader:
            with pytest.raises(MissingExtraError) as caught:
                await anext(watch(loader))
            assert "kurt-ext[watch]" in (caught.value.hint or "")

    run(main)


def test_a_root_that_goes_and_comes_back_brings_its_plugins(skills: Path, tmp_path: Path) -> None:
    async def main() -> None:
        async with watching("echo") as watched:
            os.rename(skills, tmp_path / "away")
            assert (await watched.next()).outcome == "unloaded"
            (tmp_path / "away" / "echo" / "skill.py").write_text(code("echo", "1"))
            os.rename(tmp_path / "away", skills)
            assert (await watched.next()).outcome == "loaded"
            assert await watched.said("echo") == "x1"
            os.chmod(skills, 0o700)
            await watched.silence()

    run(main)


def test_a_folder_that_is_linked_is_followed(
    skills: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    grow(tmp_path / "elsewhere", skill("far"))
    monkeypatch.setenv("KURT_TRUST", str(tmp_path))

    async def main() -> None:
        async with watching() as watched:
            (skills / "far").symlink_to(tmp_path / "elsewhere")
            assert (await watched.next()).outcome == "loaded"
            await asyncio.sleep(0.1)
            (tmp_path / "elsewhere" / "skill.py").write_text(code("far", "1"))
            assert (await watched.next()).outcome == "reloaded"

    run(main)


def test_a_hook_that_fails_at_the_end_is_told(skills: Path) -> None:
    ending = code("late", "") + "\n    async def deactivate(self):\n        1 / 0\n"
    grow(skills / "late", skill("late", code=ending))

    async def main() -> None:
        async with watching("late") as watched:
            shutil.rmtree(skills / "late")
            change = await watched.next()
            assert (change.plugin_id, change.outcome) == ("late", "failed")
            assert change.error is not None
            assert change.error.reference == "hook-failed"

    run(main)


def test_what_nobody_foresaw_ends_the_watch(skills: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def fail(*_: object, **__: object) -> None:
        raise ZeroDivisionError("nobody foresaw it")

    async def main() -> None:
        async with watching("echo") as watched:
            monkeypatch.setattr(watched.loader, "reload_plugin", fail)
            (skills / "echo" / "skill.py").write_text(code("echo", "1"))
            with pytest.raises(ZeroDivisionError):
                await watched.next()

    run(main)


def test_a_skill_that_is_not_named_may_do_what_it_wants(skills: Path) -> None:
    grow(skills / "other", skill("other"))

    async def main() -> None:
        async with watching("echo", "other", names=["echo"]) as watched:
            (skills / "other" / "SKILL.md").write_text("---\nname: [")
            await watched.silence()
            shutil.rmtree(skills / "other")
            await watched.silence()

    run(main)


def test_a_loader_of_one_folder_watches_that_folder(
    project: Path, own_places: Path, tmp_path: Path
) -> None:
    grow(tmp_path / "plugins" / "one", skill("one"))
    users = own_places / ".local/share/kurt/skills"
    grow(users, {"theirs": skill("theirs")})

    async def main() -> None:
        async with PluginLoader(tmp_path / "plugins") as loader:
            watched = Watched(loader, watch(loader, validate=False))
            await asyncio.sleep(0.05)
            (users / "theirs" / "skill.py").write_text(code("theirs", "1"))
            await watched.silence()
            (tmp_path / "plugins" / "one" / "skill.py").write_text(code("one", "1"))
            change = await watched.next()
            assert (change.plugin_id, change.outcome) == ("one", "loaded")
            await watched.close()

    run(main)


#: What comes of the parts of one save → what is told.
PARTS = {
    ("reloaded", "reloaded"): ["reloaded"],
    ("rolled-back", "reloaded"): ["reloaded"],
    ("reloaded", "rolled-back"): ["reloaded", "rolled-back"],
    ("loaded", "reloaded"): ["loaded"],
    ("failed", "loaded"): ["loaded"],
    ("failed", "failed"): ["failed"],
    ("unloaded", "loaded"): ["unloaded", "loaded"],
    ("loaded", "reloaded", "rolled-back", "reloaded"): ["loaded", "reloaded"],
    ("refused", "loaded", "reloaded"): ["loaded"],
}


@pytest.mark.parametrize("parts", PARTS, ids="+".join)
def test_the_parts_of_a_save_are_told_as_one(parts: tuple[str, ...]) -> None:
    told: list[Change] = []
    for number, outcome in enumerate(parts):
        good = outcome in ("loaded", "reloaded", "unloaded")
        error = None if good else MissingExtraError("it does not run")
        join(told, Change("p", "1.0.0", "/p", (), outcome, number, 1.0, error))
    assert [change.outcome for change in told] == PARTS[parts]
    assert told[-1].generation == len(parts) - 1
