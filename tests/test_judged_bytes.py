"""What is imported is what was judged: the very bytes."""

from __future__ import annotations

from pathlib import Path

import pytest
from lives import fresh_journal, loading, plant, plugin, run
from trees import grow

from kurt_ext.errors import KurtError, PluginValidationError, SkillLoadError
from kurt_ext.importer import JUDGED, SkillLoader
from kurt_ext.models import PluginStatus
from kurt_ext.places import Places

ONE = "com.example.one"
CODE = """\
class Plugin:
    def __init__(self, metadata, config):
        pass

    async def late(self):
        from . import later

        return later.WORD
"""


@pytest.fixture(autouse=True)
def _journal() -> object:
    with fresh_journal():
        yield


def test_a_module_that_is_changed_after_the_verdict_is_not_imported_late() -> None:
    folder = plant((ONE, plugin(ONE, CODE, files={"later.py": "WORD = 'judged'\n"}))) / ONE

    async def main() -> None:
        async with loading(validator=None) as loader:
            state = await loader.load_plugin(ONE)
            (folder / "later.py").write_text("WORD = 'other'\n")
            with pytest.raises(SkillLoadError, match=r"later\.py has changed since"):
                await state.instance.late()

    run(main)


def test_a_module_that_was_not_there_when_the_verdict_was_given_is_not_imported() -> None:
    folder = plant((ONE, plugin(ONE, CODE))) / ONE

    async def main() -> None:
        async with loading(validator=None) as loader:
            state = await loader.load_plugin(ONE)
            (folder / "later.py").write_text("WORD = 'new'\n")
            with pytest.raises(SkillLoadError, match=r"later\.py was not there when"):
                await state.instance.late()

    run(main)


def test_a_reload_judges_again_and_imports_what_it_judged() -> None:
    folder = plant((ONE, plugin(ONE, CODE, files={"later.py": "WORD = 'first'\n"}))) / ONE

    async def main() -> None:
        async with loading(validator=None) as loader:
            await loader.load_plugin(ONE)
            (folder / "later.py").write_text("WORD = 'second'\n")
            state = await loader.reload_plugin(ONE)
            assert await state.instance.late() == "second"

    run(main)


def test_without_a_verdict_whatever_lies_there_is_imported() -> None:
    folder = plant((ONE, plugin(ONE, CODE, files={"later.py": "WORD = 'first'\n"}))) / ONE

    async def main() -> None:
        async with loading(validator=None) as loader:
            await loader.load_plugin(ONE)
            await loader.unload_plugin(ONE)
            state = await loader.load_plugin(ONE, validate=False)
            (folder / "later.py").write_text("WORD = 'second'\n")
            assert await state.instance.late() == "second"

    run(main)


def test_code_that_changes_while_it_is_judged_does_not_run(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    folder = plant((ONE, plugin(ONE, CODE))) / ONE
    bind = JUDGED.bind

    def late(where: str, digests: object) -> None:
        (folder / "main.py").write_text("raise SystemExit('this was not judged')\n")
        bind(where, digests)  # type: ignore[arg-type]

    async def main() -> None:
        async with loading(validator=None) as loader:
            monkeypatch.setattr(JUDGED, "bind", late)
            with pytest.raises(KurtError) as found:
                await loader.load_plugin(ONE)
            assert "main.py has changed since the skill was judged" in str(found.value)
            state = loader.get_plugin_state(ONE)
            assert state is not None and state.status == PluginStatus.FAILED

    run(main)


def test_files_elsewhere_are_nobodys_business(tmp_path: Path) -> None:
    grow(tmp_path, {"a": {"x.py": "A = 1\n"}, "ab": {"x.py": "B = 1\n"}})
    JUDGED.bind(str(tmp_path / "a"), {})
    try:
        assert SkillLoader("x", str(tmp_path / "ab" / "x.py")).get_code("x")
        with pytest.raises(SkillLoadError):
            SkillLoader("x", str(tmp_path / "a" / "x.py")).get_code("x")
    finally:
        JUDGED.bind(str(tmp_path / "a"), None)


def test_a_gate_of_the_user_holds_back_what_is_valid_and_does_too_much() -> None:
    own = Path(Places().user_config)
    own.parent.mkdir(parents=True, exist_ok=True)
    own.write_text("[validator]\nmin_score = 96\n")
    code = CODE.replace("from . import later", "import os").replace(
        "return later.WORD", 'return os.environ["ONE_WORD"]'
    )
    permissions = {"environment_variables": ["ONE_WORD"], "filesystem_write": []}
    plant((ONE, plugin(ONE, code, permissions=permissions)))

    async def main() -> None:
        async with loading(validator=None) as loader:
            with pytest.raises(PluginValidationError, match="is not let in") as found:
                await loader.load_plugin(ONE)
            assert "its score is 9" in str(found.value.cause)

    run(main)
