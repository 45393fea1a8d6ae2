"""What the answers from the index import, and how soon an edit is seen by real processes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from trees import distribution, grow, settle, skill

#: What an interpreter has loaded before it runs anything, and what is built into it.
FREE = {
    "__future__",
    "_imp",
    "_json",
    "builtins",
    "gc",
    "marshal",
    "posix",
    "sys",
    "time",
}
OURS = {
    "list": {"kurt_ext", "kurt_ext.__main__", "kurt_ext.index", "kurt_ext.places"},
    "info": {
        "kurt_ext",
        "kurt_ext.__main__",
        "kurt_ext.candidates",
        "kurt_ext.errors",
        "kurt_ext.findings",
        "kurt_ext.index",
        "kurt_ext.jsontext",
        "kurt_ext.listing",
        "kurt_ext.names",
        "kurt_ext.places",
    },
    "version": {"kurt_ext", "kurt_ext.__main__"},
}

PROBE = """
import os, sys
before = set(sys.modules)
end = os._exit
def leave(code):
    os.write(2, "\\n".join(sorted(set(sys.modules) - before)).encode())
    end(code)
os._exit = leave
from kurt_ext.__main__ import main
main({arguments!r})
"""


def run_python(code: str, project: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    environ = {**os.environ, "KURT_TRUST": str(project), **variables}
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=project, env=environ, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    return done


def kurt(project: Path, *arguments: str, **variables: str) -> dict[str, object]:
    code = f"from kurt_ext.__main__ import main; main({list(arguments)!r})"
    answer: dict[str, object] = json.loads(run_python(code, project, **variables).stdout)
    return answer


def versions(answer: dict[str, object]) -> dict[str, str]:
    rows = answer["data"]
    assert isinstance(rows, list)
    return {row["name"]: row["version"] for row in rows}


@pytest.mark.slow
@pytest.mark.parametrize(
    ("arguments", "ours"),
    [
        (["--version"], OURS["version"]),
        (["list", "--json"], OURS["list"]),
        (["info", "x", "--json"], OURS["info"]),
    ],
)
def test_an_answer_from_the_index_imports_next_to_nothing(
    project: Path, own_places: Path, arguments: list[str], ours: set[str]
) -> None:
    skills = grow(project / "skills", {"x": skill("x")})
    code = PROBE.format(arguments=arguments)
    kurt(project, "list", "--json")
    settle(skills, own_places)
    # The index that is written now is trusted by the process after it.
    kurt(project, "list", "--json")
    loaded = set(run_python(code, project).stderr.split())
    # keyword is one table of words, which names.py asks.
    assert loaded - FREE - {"keyword", "_keyword"} == ours


#: What reads folders, manifests, distributions and kurt.toml; the index holds what they found.
READERS = {"distinfo", "folders", "frontmatter", "installed", "manifest", "metadata"}
READERS |= {"config_file", "pluginjson", "scan", "shim", "skillmd", "toml_positions"}
DEAR = {"asyncio", "importlib.metadata", "json", "pydantic", "rich", "tomllib", "yaml"}


@pytest.mark.slow
@pytest.mark.parametrize("arguments", [["list"], ["list", "--scope", "project"], ["--help"]])
def test_a_text_for_a_pipe_comes_from_the_index_too(
    project: Path, own_places: Path, arguments: list[str]
) -> None:
    skills = grow(project / "skills", {"x": skill("x")})
    grow(project, {"kurt.toml": "[skill.x]\npace = 1\n"})
    kurt(project, "list", "--json")
    settle(skills, own_places, project)
    kurt(project, "list", "--json")
    code = (
        "import sys; before = set(sys.modules); from kurt_ext.__main__ import main; "
        f"main({arguments!r}); print(*(set(sys.modules) - before), file=sys.stderr)"
    )
    loaded = set(run_python(code, project).stderr.split())
    assert loaded & (DEAR | {f"kurt_ext.{name}" for name in READERS}) == set()


@pytest.mark.slow
def test_edits_in_the_same_second_are_seen_by_the_next_process(project: Path) -> None:
    skills = grow(project / "skills", {f"s-{n}": skill(f"s-{n}") for n in range(3)})
    settle(skills)
    kurt(project, "list", "--json")
    manifest = skills / "s-1" / "SKILL.md"
    for number in range(5):
        text = manifest.read_text()
        old = "0.1.0" if number == 0 else f"1.0.{number - 1}"
        manifest.write_text(text.replace(f"version: {old}", f"version: 1.0.{number}"))
        assert versions(kurt(project, "list", "--json"))["s-1"] == f"1.0.{number}"


@pytest.mark.slow
def test_an_edited_entry_points_file_is_seen_by_the_next_process(
    project: Path, tmp_path: Path
) -> None:
    site = grow(tmp_path / "site", distribution("kurt-shout", "[kurt.tool]\none = k:One\n"))
    path = site / "kurt_shout-1.0.dist-info" / "entry_points.txt"
    settle(site)
    for name in ("two", "six", "ten"):
        kurt(project, "list", "--json", PYTHONPATH=str(site))
        path.write_text(f"[kurt.tool]\n{name} = k:One\n")
        answer = kurt(project, "list", "--json", PYTHONPATH=str(site))
        rows = answer["data"]
        assert isinstance(rows, list)
        [row] = [row for row in rows if row["name"] == "kurt-shout"]
        assert [extension["name"] for extension in row["extensions"]] == [name]


@pytest.mark.slow
def test_a_long_running_process_sees_an_edit_after_refresh(project: Path) -> None:
    grow(project / "skills", {"x": skill("x")})
    code = """
import pathlib
from kurt_ext import SkillManager
manifest = pathlib.Path("skills/x/SKILL.md")
with SkillManager() as skills:
    assert skills.run("x", {"text": "a"}).success
    seen = []
    for number in range(5):
        text = manifest.read_text()
        head, _, rest = text.partition("version: ")
        manifest.write_text(f"{head}version: 2.0.{number}\\n" + rest.partition("\\n")[2])
        skills.refresh()
        seen.append(skills.discover().skill("x").version)
    print(seen)
"""
    shown = run_python(code, project).stdout
    assert shown.strip() == str([f"2.0.{number}" for number in range(5)])


@pytest.mark.slow
def test_one_bad_neighbour_of_every_sort_leaves_the_good_ones_listed_and_running(
    project: Path, tmp_path: Path
) -> None:
    tree = {f"exits-{n}": skill(f"exits-{n}", code="raise SystemExit(3)\n") for n in range(10)}
    tree |= {"good": skill("good"), "huge": {"SKILL.md": "---\nname: huge\n---\n" + "x" * 10**7}}
    skills = grow(project / "skills", tree)
    (skills / "loop").symlink_to("loop")
    grow(project, {".kurt": {"index": "x"}, "trust.json": "{}", "kurt.lock": "junk"})
    site = grow(tmp_path / "site", {"bad-1.0.dist-info": {"entry_points.txt": b"\xff\n"}})
    skills.chmod(0o555)
    try:
        answer = kurt(project, "list", "--json", PYTHONPATH=str(site))
        rows = {row["name"]: row for row in answer["data"]}  # type: ignore[attr-defined]
        assert rows["good"]["state"] == "ready"
        assert [name for name, row in rows.items() if row["state"] == "broken"] == ["huge"]
        warnings = json.dumps(answer["warnings"])
        assert "bad-1.0.dist-info" in warnings
        assert "loop" in warnings
        done = run_python(
            "from kurt_ext.__main__ import main; import sys; sys.exit(main(['run', 'good', "
            "'text=hi', '--json']))",
            project,
        )
        assert json.loads(done.stdout)["ok"]
        failed = subprocess.run(
            [sys.executable, "-m", "kurt_ext", "run", "exits-3", "--json"],
            cwd=project,
            env={**os.environ, "KURT_TRUST": str(project)},
            capture_output=True,
            text=True,
        )
        assert failed.returncode == 1
        assert json.loads(failed.stdout)["error"]["code"] == "skill-load-failed"
    finally:
        skills.chmod(0o755)
