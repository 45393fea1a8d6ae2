"""Two plugins that need different versions of one library, loaded side by side."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

import pytest
from lives import loading, plant, plugin
from tiny_wheels import wheel

from kurt_ext.errors import ConfigError, RequirementError

pytestmark = [
    pytest.mark.anyio,
    pytest.mark.venv,
    pytest.mark.skipif(sys.platform == "win32", reason="workers of POSIX systems"),
]

IDS = ("com.example.one", "com.example.two")
CODE = """\
import sys

import demo_lib
import pydantic


class Plugin:
    def __init__(self, metadata, config):
        self.config = config

    def version(self):
        return demo_lib.VERSION

    def facts(self):
        from importlib.util import find_spec
        foreign = [name for name in ("click", "stevedore", "jsonschema_rs") if find_spec(name)]
        return {"python": sys.executable, "pydantic": pydantic.__file__, "foreign": foreign}
"""


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
def wheels(
    tmp_path: Path, project: Path, wheelhouse: Path, monkeypatch: pytest.MonkeyPatch
) -> Path:
    """Plant two plugins that exclude each other, each with an environment of its own."""
    monkeypatch.delenv("KURT_ISOLATION", raising=False)
    monkeypatch.setenv("KURT_TRUST", str(project))
    folder = tmp_path / "wheels"
    shutil.copytree(wheelhouse, folder)
    toml = f"[sandbox]\nwheelhouse = '{folder}'\n"
    for name, version in zip(IDS, ("1.0", "2.0"), strict=True):
        wheel(folder, "demo-lib", version)
        plant((name, plugin(name, CODE, files={"requirements.txt": f"demo-lib=={version}\n"})))
        toml += f"[plugin.\"{name}\"]\nenvironment = 'own'\n"
    (project / "kurt.toml").write_text(toml)
    return folder


async def test_each_has_its_own_version(wheels: Path) -> None:
    async with loading() as loader:
        states = [await loader.load_plugin(name) for name in IDS]
        assert [await state.instance.version() for state in states] == ["1.0", "2.0"]
        facts = [await state.instance.facts() for state in states]
        assert facts[0].python != facts[1].python
        for one in facts:
            # What the host has is not there: only its own, and what our worker needs.
            assert f"{os.sep}environments{os.sep}" in one.python
            assert f"{os.sep}environments{os.sep}" in one.pydantic
            assert one.foreign == []


async def test_without_isolation_it_is_not_loaded(wheels: Path) -> None:
    async with loading() as loader:
        with pytest.raises(ConfigError, match="cannot run without isolation"):
            await loader.load_plugin(IDS[0], isolation="none")


async def test_one_that_cannot_be_made_harms_no_other(wheels: Path) -> None:
    (wheels / "demo_lib-1.0-py3-none-any.whl").unlink()
    async with loading() as loader:
        with pytest.raises(RequirementError, match=r"the environment of com\.example\.one"):
            await loader.load_plugin(IDS[0])
        state = await loader.load_plugin(IDS[1])
        assert await state.instance.version() == "2.0"
