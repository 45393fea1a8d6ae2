"""Imports go down, the cold path stays light, and the core names no kind."""

from __future__ import annotations

import ast
import configparser
import io
import re
import subprocess
import sys
import tokenize
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent / "kurt_ext"

#: From the ground up; a module imports from lines above its own, here. What is
#: not named (cli, commands, build, pytest_plugin and their parts) is the surface.
FLOORS = """
errors names jsontext stores amounts plainfiles
findings versions places contract masking
semver constraints digraph saves
grant_hosts grant_paths grant_services grant_programs
grants
loadorder releases backjumping picking conflicts resolver
version_manager
graph graph_layout
sources
rules strictjson yamltext
frontmatter readers
fields
compact overlooked config_keys
skillmd pluginjson annotated
marketplace_info
lifecycle
models
telemetry changes
locks manifest distinfo config metadata kinds wire quarantine requirements
surveys index settled candidates ordering schemas portal turns registering sockets
scope_lock journal
plugin_layers plugin_settings fileevents
shim
discovery
intact
intact_wheels
trust listing importer search
validator_settings
hostfacts
analysis
checks
scoring
report
validator failure
inference
permission_blocks
reporting
verdicts acceptance
plugin_validator
wheels
market
lock
receipts
installing_folders
staging
hooks
origins traces members background windows patches ledger inflight
environment_sources environment_store
environment_making environment_stories
environments
sandbox
managers instances binding services
composition
calls
leaks
stages life
confinement
housing isolation
whereabouts
factory
loading lookup
readiness
surrounding
stories
call_table
manager
admission audience flights freshness
states
dependencies
reloading autoload
transitions
loader
ending
imprints
reacting watch
hosts control_verbs
control
specs wheel_choice bringing installing_distributions
bringing_distributions installing_wheels
removing
choosing pylock steps index_updates
needing overtaken
installer
updating syncing pruning
auditing
vouching provenance
downloads
registry
"""
LEVEL = {name: level for level, line in enumerate(FLOORS.split("\n")) for name in line.split()}

#: Modules that a warm `kurt list` may import, and what they may import at module level.
_COLD = """
errors names jsontext findings versions places locks manifest distinfo shim index
discovery trust listing candidates config semver constraints
sources rules strictjson yamltext frontmatter readers fields compact skillmd pluginjson
grant_hosts grant_paths grant_services grant_programs grants settled
"""
COLD = _COLD.split()
LIGHT = {"__future__", "os", "sys", "stat", "io", "marshal", "time", "errno", "keyword", "_imp"}
LIGHT |= {"_json", "fcntl"}

KINDS = ("tool", "engine", "middleware", "integration", "custom")
#: Where a kind's name is another party's format, and not ours to choose.
FOREIGN = re.compile(r"allowed[-_ ]?tools|create(_async)?_engine", re.IGNORECASE)
#: SARIF's word for the program that has found something, and pyproject.toml's for all others.
FOREIGN_IN = dict.fromkeys(
    ("reporting.sarif", "checks.supply_chain"), re.compile('"tool"|"custom"|"hooks.custom"')
)
#: PEP 751's table for what a program adds to a lock of its own.
FOREIGN_IN["pylock"] = re.compile(r"\[tool\.kurt(\.index)?\]|^tool$")


def modules() -> Iterator[tuple[str, Path]]:
    for path in sorted(ROOT.rglob("*.py")):
        yield ".".join(path.relative_to(ROOT).with_suffix("").parts), path


@cache
def tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def is_checking(node: ast.AST) -> bool:
    return isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test)


def imports(path: Path, *, everywhere: bool) -> Iterator[tuple[int, str]]:
    """Yield (level, dotted name) of what a module imports at run time."""

    def visit(node: ast.AST) -> Iterator[tuple[int, str]]:
        for child in ast.iter_child_nodes(node):
            if is_checking(child):
                continue
            if isinstance(child, ast.Import):
                yield from ((0, alias.name) for alias in child.names)
            elif isinstance(child, ast.ImportFrom):
                if child.module:
                    yield child.level, child.module
                else:
                    yield from ((child.level, alias.name) for alias in child.names)
            elif everywhere or not isinstance(
                child, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)
            ):
                yield from visit(child)

    return visit(tree(path))


@pytest.mark.parametrize("name", sorted(LEVEL))
def test_a_room_imports_from_beneath_itself(name: str) -> None:
    path = ROOT / f"{name}.py"
    if not path.exists():
        path = ROOT / name / "__init__.py"
    assert path.exists(), f"{name} is on the list of floors and nowhere else"
    for level, module in imports(path, everywhere=True):
        if level == 1:
            other = module.partition(".")[0]
            if other in LEVEL:
                assert LEVEL[other] <= LEVEL[name], f"{name} imports {other}"


def test_floors_have_no_circles_at_import() -> None:
    graph = {
        name: {
            module.partition(".")[0]
            for level, module in imports(path, everywhere=False)
            if level == 1
        }
        for name, path in modules()
        if "." not in name
    }
    done: set[str] = set()

    def visit(name: str, path: tuple[str, ...]) -> None:
        assert name not in path, " → ".join((*path, name))
        if name not in done:
            for other in graph.get(name, ()):
                visit(other, (*path, name))
            done.add(name)

    for name in graph:
        visit(name, ())


@pytest.mark.parametrize("name", COLD)
def test_the_cold_path_is_light_at_module_level(name: str) -> None:
    for level, module in imports(ROOT / f"{name}.py", everywhere=False):
        assert level == 1 or module.partition(".")[0] in LIGHT, f"{name} imports {module}"


def test_importing_the_package_pulls_in_itself_alone() -> None:
    script = "import sys; b = set(sys.modules); import kurt_ext; print(*set(sys.modules) - b)"
    run = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert run.stdout.split() == ["kurt_ext"]


@pytest.mark.slow
def test_nothing_in_the_core_imports_a_guest() -> None:
    for name, path in modules():
        if name == "__init__":
            continue
        for _, module in imports(path, everywhere=True):
            assert not module.startswith(tuple(f"kurt_{kind}" for kind in KINDS)), name


def words(text: str) -> set[str]:
    """Return the words of an identifier, a comment or a string, in lower case and singular."""
    spaced = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", " ", text)
    return {word.lower().removesuffix("s") for word in re.findall(r"[A-Za-z]+", spaced)}


def allowed(name: str) -> str:
    """Return the source of the place in a module where kinds may be named."""
    source = (ROOT / f"{name}.py").read_text(encoding="utf-8")
    if name == "__init__":
        return source
    if name == "models":
        for node in tree(ROOT / "models.py").body:
            if isinstance(node, ast.ClassDef) and node.name == "PluginType":
                return ast.get_source_segment(source, node) or ""
    return ""


@pytest.mark.parametrize("name", [name for name, _ in modules()])
def test_the_core_names_no_kind(name: str) -> None:
    path = ROOT.joinpath(*name.split(".")).with_suffix(".py")
    permitted = allowed(name) if name in ("__init__", "models") else ""
    source = path.read_text(encoding="utf-8")
    if permitted:
        source = source.replace(permitted, "")
    kinds_of_token = (tokenize.NAME, tokenize.STRING, tokenize.COMMENT)
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type in kinds_of_token or token.type > tokenize.COMMENT:
            text = FOREIGN.sub("", token.string)
            if name in FOREIGN_IN:
                text = FOREIGN_IN[name].sub("", text)
            named = words(text) & set(KINDS)
            assert not named, f"{path.name}:{token.start[0]} names {', '.join(named)}"


def test_every_package_is_in_the_wheel() -> None:
    config = configparser.ConfigParser()
    config.read(ROOT.parent / "setup.cfg", encoding="utf-8")
    listed = set(config["options"]["packages"].split())
    found = {
        ".".join(init.parent.relative_to(base).parts)
        for base in (ROOT.parent, ROOT.parent / "namespaces")
        for init in base.glob("kurt_*/**/__init__.py")
        if "templates" not in init.parts
    }
    assert found == listed
