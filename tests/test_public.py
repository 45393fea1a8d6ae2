"""The public names: all there, lazy, and the ones that checkers see."""

from __future__ import annotations

import ast
import importlib
import subprocess
import sys
from pathlib import Path

import pytest

import kurt_ext

PACKAGES = (
    "kurt_ext",
    "kurt_tool",
    "kurt_engine",
    "kurt_middleware",
    "kurt_integration",
    "kurt_custom",
)


def modules_after(statement: str) -> set[str]:
    script = f"import sys; before = set(sys.modules); {statement}; print(*set(sys.modules)-before)"
    command = [sys.executable, "-c", script]
    return set(subprocess.run(command, capture_output=True, text=True, check=True).stdout.split())


@pytest.mark.parametrize("package", PACKAGES)
def test_importing_a_package_imports_nothing_else(package: str) -> None:
    assert modules_after(f"import {package}") - {"__future__"} == {package}


@pytest.mark.parametrize("package", PACKAGES)
def test_every_public_name_can_be_had(package: str) -> None:
    module = importlib.import_module(package)
    for name in module.__all__:
        assert getattr(module, name) is not None, name
        assert name in dir(module)
    with pytest.raises(AttributeError, match="no_such_name"):
        _ = module.no_such_name


@pytest.mark.parametrize("package", PACKAGES)
def test_checkers_see_the_names_that_there_are_at_run_time(package: str) -> None:
    module = importlib.import_module(package)
    assert module.__file__ is not None
    tree = ast.parse(Path(module.__file__).read_text(encoding="utf-8"))
    seen = {
        alias.asname
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and node.module != "__future__"
        for alias in node.names
        if alias.asname
    }
    assert seen == set(module._PLACES)
    assert set(module.__all__) - {"__version__"} == set(module._PLACES)


def test_an_error_is_had_without_anything_heavy() -> None:
    loaded = modules_after("from kurt_ext import SkillLoadError, KurtError")
    assert not {"pydantic", "stevedore", "asyncio", "typing", "re", "kurt_tool"} & loaded


def test_the_names_of_the_document_are_the_real_classes() -> None:
    import kurt_tool
    from kurt_ext.manager import SkillManager

    assert issubclass(kurt_ext.SkillManager, SkillManager)
    assert kurt_ext.Tool is kurt_tool.Tool
    assert kurt_ext.register_tool is kurt_tool.register_tool
