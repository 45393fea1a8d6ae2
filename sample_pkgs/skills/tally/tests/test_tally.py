"""What was counted outlives the code that counted it."""

from __future__ import annotations

import asyncio
import shutil
from pathlib import Path

from kurt_ext import PluginLoader
from kurt_ext.testing import Runner, SkillFactory

SKILL = Path(__file__).parents[1]


def test_it_counts(kurt_skill: SkillFactory, kurt_run: Runner) -> None:
    kurt_skill(SKILL)
    assert kurt_run("tally", text="a rose is A rose").data.counts == {"a": 2, "rose": 2, "is": 1}


def test_new_code_goes_on_counting_where_the_old_one_was(
    kurt_skill: SkillFactory, tmp_path: Path
) -> None:
    folder = tmp_path / "tally"
    shutil.copytree(SKILL, folder)
    kurt_skill(folder)

    async def live() -> None:
        async with PluginLoader() as loader:
            await loader.load_plugin("tally")
            await loader.activate_plugin("tally")
            await loader.skills.arun("tally", {"text": "one Two"})
            code = folder / "skill.py"
            code.write_text(code.read_text().replace(".lower()", ".upper()"))
            assert (await loader.reload_plugin("tally")).generation == 2
            result = await loader.skills.arun("tally", {"text": "three"})
            assert result.data.counts == {"one": 1, "two": 1, "THREE": 1}

    asyncio.run(live())
