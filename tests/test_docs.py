"""Every page does what it says: its commands run, its files are read, its outputs are shown."""

from __future__ import annotations

import dataclasses
import os
import re
import sys
from collections.abc import Iterator
from dataclasses import MISSING
from pathlib import Path

import pytest
from pages import PageError, Shell, blocks, commands, fits, run
from tables import FACETS, TABLES
from test_floors import LEVEL
from venvs import FreshEnv, clean_environment

from kurt_engine.kind import KIND as ENGINES
from kurt_ext import PluginVersionManager, config_file
from kurt_ext.kinds import Kind

#: Plugins live where they live for everybody.
ISOLATED = True

ROOT = Path(__file__).parent.parent
DOCS = ROOT / "docs"
PAGES = sorted(DOCS.glob("*.md"))
#: Needs an environment that can be installed into.
FRESH = {"first-skill.md"}
#: What a shell of a person would not set, and a test needs.
SETTINGS = {"NO_COLOR": "1", "COLUMNS": "80"}
PROSE = [*PAGES, ROOT / "README.md", ROOT / "CONTRIBUTING.md"]


def named(path: Path) -> str:
    return path.name


@pytest.fixture
def shell(project: Path) -> Iterator[Shell]:
    """Return a shell in an empty project, where `kurt` is this environment's."""
    environ = clean_environment()
    environ["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{environ['PATH']}"
    made = Shell(project, environ | SETTINGS)
    yield made
    made.close()


@pytest.mark.slow
@pytest.mark.skipif(os.name == "nt", reason="the pages speak to a Unix shell")
@pytest.mark.parametrize("page", [page for page in PAGES if page.name not in FRESH], ids=named)
def test_a_page_does_what_it_says(page: Path, shell: Shell) -> None:
    run(page, shell)


@pytest.mark.venv
@pytest.mark.skipif(os.name == "nt", reason="the pages speak to a Unix shell")
@pytest.mark.parametrize("name", sorted(FRESH))
def test_a_page_does_what_it_says_in_a_fresh_environment(
    name: str, fresh_env: FreshEnv, project: Path
) -> None:
    made = Shell(project, fresh_env.environ | SETTINGS)
    try:
        run(DOCS / name, made)
    finally:
        made.close()


@pytest.mark.parametrize("page", PROSE, ids=named)
def test_a_table_is_what_the_program_says(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    for name, shown in re.findall(r"<!-- table: (.*?) -->\n(.*?)<!-- end -->", text, re.DOTALL):
        assert shown.strip() == TABLES[name]().strip(), f"{page.name}, table {name}"


def test_every_table_is_shown_somewhere() -> None:
    text = "".join(page.read_text(encoding="utf-8") for page in PROSE)
    assert set(re.findall(r"^<!-- table: (.*?) -->", text, re.MULTILINE)) == set(TABLES)


def test_the_facets_are_those_of_the_core() -> None:
    text = (DOCS / "kinds.md").read_text(encoding="utf-8")
    optional = {field.name for field in dataclasses.fields(Kind) if field.default is not MISSING}
    assert set(FACETS) < optional | {"roles"}
    for facet in FACETS:
        assert f"\n| {facet} |" in text


def test_a_constraint_takes_what_is_shown_and_nothing_else() -> None:
    text = (DOCS / "lifecycle.md").read_text(encoding="utf-8")
    rows = text.partition("| constraint |")[2].partition("\n\n")[0].splitlines()[2:]
    manager = PluginVersionManager()
    shown = set()
    for row in rows:
        forms, _, taken, refused = (re.findall("`(.*?)`", cell) for cell in row.split("|")[1:-1])
        assert forms and taken, row
        for form in forms:
            answers = [manager.satisfies_constraint(version, form) for version in taken]
            assert all(answers), row
            assert not any(manager.satisfies_constraint(version, form) for version in refused), row
            shown |= {re.match("[^0-9x]*", form)[0]}  # type: ignore[index]
    assert shown >= {"*", "", "==", ">=", ">", "<=", "^", "~", "!="}


def test_the_roles_and_their_defaults_are_the_engines() -> None:
    text = (DOCS / "kinds.md").read_text(encoding="utf-8")
    for role in ENGINES.roles:
        assert re.search(rf"^\| `{role.name}` \|[^|]*\| `{role.default}` \|", text, re.MULTILINE)


@pytest.mark.parametrize("page", PROSE, ids=named)
def test_a_link_leads_somewhere(page: Path) -> None:
    text = re.sub(r"^```.*?^```", "", page.read_text(encoding="utf-8"), flags=re.M | re.S)
    for target in re.findall(r"\]\(([^)\s]+)\)", text):
        if target.startswith("https://"):
            continue
        path, _, anchor = target.partition("#")
        other = page.parent / path if path else page
        assert other.is_file(), target
        if anchor:
            titles = re.findall(r"^#+ (.+)$", other.read_text(encoding="utf-8"), re.MULTILINE)
            assert anchor in {re.sub(r"[^\w -]", "", t).lower().replace(" ", "-") for t in titles}


@pytest.mark.parametrize("page", PROSE, ids=named)
def test_every_block_is_of_a_language_that_is_read(page: Path) -> None:
    allowed = {"", "console", "json", "mermaid", "python", "toml"}
    if page.parent == ROOT:
        allowed |= {"sh"}  # pasted by hand, and run by .ci/run
    for block in blocks(page.read_text(encoding="utf-8")):
        language, _, path = block.info.partition(" ")
        assert path or language in allowed, f"{page.name}:{block.line}"


def test_every_page_can_be_reached_from_the_readme() -> None:
    reached: set[Path] = set()
    ahead = [ROOT / "README.md"]
    while ahead:
        page = ahead.pop()
        reached.add(page)
        links = re.findall(r"\]\(([^)#\s:]+\.md)", page.read_text(encoding="utf-8"))
        ahead += {(page.parent / link).resolve() for link in links} - reached
    assert not set(PAGES) - reached


def test_the_settings_shown_are_without_fault(tmp_path: Path) -> None:
    file = tmp_path / "kurt.toml"
    shown = 0
    for page in PROSE:
        for block in blocks(page.read_text(encoding="utf-8")):
            is_ours = re.search(r"^(skill_paths|\[(tool|engine|middleware|skill)\b)", block.text)
            if block.info == "toml" and is_ours and "pytest" not in block.text:
                file.write_text(block.text, encoding="utf-8")
                kinds = ("tool", "engine", "middleware", "integration", "custom")
                _, findings = config_file.read(str(file), "project", kinds)
                assert not findings, f"{page.name}:{block.line}"
                shown += 1
    assert shown


def test_the_floors_drawn_are_the_floors() -> None:
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    drawn = next(block.text for block in blocks(text) if "the front door" in block.text)
    above = max(LEVEL.values())
    seen = set()
    for line in drawn.splitlines()[1:-1]:
        rooms = [word.strip("/ ") for word in re.split(r"  ", line)[0].split("·")]
        assert all(LEVEL[room] <= above for room in rooms), line
        above = min(LEVEL[room] for room in rooms)
        seen |= set(rooms)
    assert len(seen) > 20


def test_the_readme_does_what_it_says(project: Path, shell: Shell) -> None:
    found = list(blocks((ROOT / "README.md").read_text(encoding="utf-8")))
    columns = next(block.text for block in found if "skills/hello/SKILL.md" in block.text)
    first, *lines = columns.splitlines()
    middle = first.index("skills/hello/skill.py")
    skill = project / "skills" / "hello"
    skill.mkdir(parents=True)
    (skill / "SKILL.md").write_text("\n".join(line[:middle].rstrip() for line in lines[1:]))
    (skill / "skill.py").write_text("\n".join(line[middle:] for line in lines[1:]))
    shell.run("kurt skill trust .")
    for block in found:
        if block.info == "console":
            for command, shown in commands(block.text):
                output, code = shell.run(command)
                assert code == 0, output
                assert not shown.strip() or fits(shown, output)
        elif block.info == "python":
            (project / "block.py").write_text(block.text)
            output, code = shell.run("python block.py")
            assert code == 0, output


@pytest.mark.parametrize(
    ("shown", "output", "expected"),
    [
        ("a\n", "a\n", True),
        ("a\n", "a\nb\n", False),
        ("a\n…\n", "a\nb\nc\n", True),
        ("a\n…\nd\n", "a\nd\n", True),
        ("a\n…\nd\n", "a\nb\n", False),
        ("at: …/x\n", "at: /tmp/x\n", True),
        ("at: …/x\n", "at: /tmp\n/x\n", False),
        ("a.c\n", "abc\n", False),
        ("a\n\nb\n", "a\n\nb\n\n", True),
    ],
)
def test_an_output_fits_what_is_shown_of_it(shown: str, output: str, expected: bool) -> None:
    assert fits(shown, output) is expected


def test_a_page_that_shows_something_else_is_found_out(tmp_path: Path, shell: Shell) -> None:
    page = tmp_path / "page.md"
    for text in (
        "```console\n$ echo one\ntwo\n```\n",
        "```console\n$ false\n```\n",
        "```python\nraise SystemExit(1)\n```\n",
        "```python other.py\n```\n",
    ):
        page.write_text(text)
        with pytest.raises(PageError):
            run(page, shell)
    page.write_text(
        "Write `other.py`:\n```python other.py\nx = 1\n```\n```python\nimport other\n```\n"
    )
    run(page, shell)
    page.write_text("```console\n$ kurt run nothing\nerror: …\n…\n$ cd /\n$ pwd\n/\n```\n")
    run(page, shell)
