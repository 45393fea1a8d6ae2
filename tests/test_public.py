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
    assert modules_after(f"import {package}") - {"__future__"} == {package, "kurt_ext"}


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
    assert set(module.__all__) - {"__version__", "lazily"} == set(module._PLACES)


@pytest.mark.parametrize("package", PACKAGES)
def test_no_checker_is_told_that_a_package_has_every_name(package: str) -> None:
    module = importlib.import_module(package)
    assert module.__file__ is not None
    tree = ast.parse(Path(module.__file__).read_text(encoding="utf-8"))
    hidden = [node for node in tree.body if isinstance(node, ast.If)]
    assert [ast.unparse(node.test) for node in hidden] == ["TYPE_CHECKING", "not TYPE_CHECKING"]
    outside = "\n".join(ast.unparse(node) for node in tree.body if not isinstance(node, ast.If))
    assert "__getattr__ =" not in outside and "def __getattr__" not in outside


def test_an_error_is_had_without_anything_heavy() -> None:
    loaded = modules_after("from kurt_ext import SkillLoadError, KurtError")
    assert not {"pydantic", "stevedore", "asyncio", "typing", "re", "kurt_tool"} & loaded


#: What the documents name of what there is now; each is the class or function itself.
DOCUMENTED = [
    "SkillManager",
    "SkillManifest",
    "discover_skills",
    "discover_all",
    "parse_skill_manifest",
    "validate_skill",
    "SkillNotFoundError",
    "SkillLoadError",
    "ToolNotFoundError",
    "TOOLS",
    "SKILLS",
    "register_tool",
    "register_fetcher",
    "register_mapper",
    "get_tool",
    "Tool",
    "ToolContext",
    "ToolResult",
    "BaseFetcher",
    "BaseMapper",
    "PluginMetadata",
    "PluginConfig",
    "PluginState",
    "PluginStatus",
    "PluginType",
    "PluginCapability",
    "PluginDependency",
    "PluginPermissions",
    "PluginValidationResult",
    "PluginLoadError",
    "PluginValidationError",
]
METHODS = {
    "SkillManager": ("load_skill", "find_skill_for_tool", "get_tool", "discover", "default"),
    "Tool": ("run",),
    "BaseFetcher": ("fetch",),
    "BaseMapper": ("map",),
}


def test_every_name_of_the_documents_is_public() -> None:
    assert set(DOCUMENTED) <= set(kurt_ext.__all__)
    for cls, methods in METHODS.items():
        assert all(callable(getattr(getattr(kurt_ext, cls), name)) for name in methods), cls


def test_the_names_of_the_document_are_the_real_classes() -> None:
    import kurt_tool
    from kurt_ext.manager import SkillManager

    assert issubclass(kurt_ext.SkillManager, SkillManager)
    assert kurt_ext.Tool is kurt_tool.Tool
    assert kurt_ext.register_tool is kurt_tool.register_tool
