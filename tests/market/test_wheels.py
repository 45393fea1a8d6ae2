"""Wheels go into the environment that kurt runs in, by uv or by pip, and out again."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from venvs import FreshEnv, uv

from .conftest import CODE, write_skill

PYPROJECT = """\
[build-system]
requires = ["setuptools", "kurt-ext"]
build-backend = "setuptools.build_meta"
"""


@pytest.mark.venv
@pytest.mark.slow
@pytest.mark.parametrize("by", ["uv", "pip"])
def test_a_wheel_of_a_market_is_installed_run_put_back_and_removed(
    fresh_env: FreshEnv, project: Path, tmp_path: Path, by: str
) -> None:
    fresh_env.install("kurt-ext", "pip", "setuptools")
    beside = fresh_env.bin / "uv"
    if by == "uv":
        beside.symlink_to(uv())
    else:  # none beside it, and none on the path
        fresh_env.environ["PATH"] = f"{fresh_env.bin}:/usr/bin:/bin"
    own = 'class In(BaseModel):\n    name: str = ""\n\n\nclass Greet(Tool[In'
    code = CODE.replace("class Greet(Tool[BaseModel", own)
    skill = write_skill(tmp_path / "source" / "greeter", code=code)
    (skill / "pyproject.toml").write_text(PYPROJECT)
    build = ("-m", "pip", "wheel", "-q", "--no-deps", "--no-build-isolation", "-w")
    fresh_env.run(*build, str(tmp_path / "dist"), str(skill))
    (wheel,) = (tmp_path / "dist").glob("*.whl")

    def kurt(*words: str) -> dict[str, object]:
        return json.loads(fresh_env.run("-m", "kurt_ext", *words, "--json", cwd=project))["data"]

    kurt("install", str(wheel), "--yes")
    assert "greeter" in [row["name"] for row in kurt("list")]  # type: ignore[attr-defined]
    ran = fresh_env.run("-m", "kurt_ext", "run", "greeter", cwd=project)
    assert "Hello" in ran
    lock = (project / "kurt.lock").read_text()
    assert 'lane = "distribution"' in lock
    assert kurt("sync", "--locked")["same"] == 1
    fresh_env.uv("pip", "uninstall", "--quiet", "kurt-skill-greeter")
    wheel.unlink()
    assert kurt("sync", "--locked", "--yes")["steps"]  # from the store
    assert "greeter" in [row["name"] for row in kurt("list")]  # type: ignore[attr-defined]
    kurt("uninstall", "greeter")
    assert "greeter" not in [row["name"] for row in kurt("list")]  # type: ignore[attr-defined]
