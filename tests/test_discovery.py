from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from trees import distribution, grow, settle, skill

from kurt_ext import folders
from kurt_ext import index as store
from kurt_ext.discovery import Discovery, discover
from kurt_ext.errors import SkillNotFoundError
from kurt_ext.index import Index
from kurt_ext.places import Places
from kurt_ext.trust import Trust


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder on the search path, as site-packages is."""
    folder = tmp_path / "site"
    folder.mkdir()
    monkeypatch.setattr(sys, "path", [*sys.path, str(folder)])
    return folder


@pytest.fixture
def trusted(project: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The project, trusted."""
    monkeypatch.setenv("KURT_TRUST", str(project))
    return project


def states(found: Discovery) -> dict[str, str]:
    return {c.name: c.state for c in found.candidates if c.name != "kurt-ext"}


def test_a_folder_and_a_distribution_are_the_same_kind_of_row(trusted: Path, site: Path) -> None:
    grow(trusted / "skills", {"local": skill("local")})
    grow(site, distribution("kurt-shout", "[kurt.tool]\nshout = kurt_shout:Shout\n"))
    found = discover()
    assert found.skill("local").scope == "project"
    assert found.skill("kurt-shout").scope == "installed"
    assert {(c.name, name) for c, name, _ in found.offers("kurt.tool")} >= {
        ("local", "local"),
        ("kurt-shout", "shout"),
    }


def test_s4_nothing_is_imported(trusted: Path, site: Path, tmp_path: Path) -> None:
    mark = tmp_path / "imported"
    code = f"open({str(mark)!r}, 'w').close()\n"
    grow(trusted / "skills", {"loud": skill("loud", code=code)})
    modules = {"kurt_loud.py": code}
    grow(site, distribution("kurt-loud", "[kurt.tool]\nl = kurt_loud:L\n", modules=modules))
    found = discover()
    assert states(found)["loud"] == states(found)["kurt-loud"] == "ready"
    assert not mark.exists()


def test_project_comes_before_user_before_installed(
    trusted: Path, own_places: Path, site: Path
) -> None:
    user = own_places / ".kurt" / "skills"
    grow(site, distribution("kurt-skill-x", "[kurt.tool]\nx = kurt_skills.x.skill:Echo\n"))
    dist_info = next(site.glob("*.dist-info"))
    (dist_info / "kurt.json").write_text('{"id": "x", "name": "x", "version": "3.0.0"}')
    assert discover().skill("x").version == "3.0.0"
    grow(user, {"x": skill("x", version="2.0.0")})
    assert discover().skill("x").version == "2.0.0"
    grow(trusted / "skills", {"x": skill("x", version="1.0.0")})
    found = discover()
    assert found.skill("x").version == "1.0.0"
    assert [(c.scope, c.state) for c in found.named("x")] == [
        ("project", "ready"),
        ("user", "shadowed"),
        ("installed", "shadowed"),
    ]
    assert found.named("x")[1].shadowed_by == str(trusted / "skills" / "x")


def test_a_project_that_nobody_trusts_offers_nothing(project: Path) -> None:
    grow(project / "skills", {"x": skill("x")})
    found = discover()
    assert states(found)["x"] == "untrusted"
    assert found.find("x") == []
    assert not os.path.exists(os.path.join(Places().shim("project"), "kurt_skills", "x"))


def test_a_name_is_found_at_once_or_with_the_nearest_names(trusted: Path) -> None:
    grow(trusted / "skills", {"web-archiver": skill("web-archiver", extension="archive")})
    found = discover()
    [(candidate, group, name, value)] = found.find("archive")
    assert (candidate.name, group, name) == ("web-archiver", "kurt.tool", "archive")
    assert value == "kurt_skills.web_archiver.skill:Echo"
    with pytest.raises(SkillNotFoundError) as caught:
        found.skill("web-archver")
    assert caught.value.candidates == ("web-archiver",)


@pytest.mark.parametrize(
    ("content", "line"),
    [
        (b"[kurt.tool]\nno equals sign\n", 2),
        (b"[kurt.tool]\nx = \xff\n", 2),
        (b"x = y\n", 1),
    ],
)
def test_a_damaged_distribution_of_a_stranger_hides_nothing_else(
    trusted: Path, site: Path, content: bytes, line: int
) -> None:
    grow(trusted / "skills", {"good": skill("good")})
    grow(site, {"bad-1.0.dist-info": {"METADATA": "Name: bad\n", "entry_points.txt": content}})
    grow(site, distribution("kurt-good", "[kurt.tool]\ng = g:G\n"))
    found = discover()
    assert states(found) == {"good": "ready", "kurt-good": "ready"}
    [problem] = [p for p in found.problems if p.rule == "malformed-distribution"]
    assert "bad-1.0.dist-info" in problem.message
    assert f"line {line}" in problem.message


def test_loops_files_and_strange_names_among_the_skills_hide_nothing(trusted: Path) -> None:
    skills = grow(trusted / "skills", {"good": skill("good"), "file.txt": "x", ".git": {}})
    (skills / "loop").symlink_to(skills / "loop")
    (skills / "gone").symlink_to(skills / "nowhere")
    (skills / "bad name").mkdir()
    (skills / "bad name" / "SKILL.md").write_text("---\nname: bad name\n---\n")
    (skills / "torn").mkdir()
    (skills / "torn" / "SKILL.md").write_text("---\nname: [\n---\n")
    (skills / "huge").mkdir()
    (skills / "huge" / "SKILL.md").write_text("---\nname: huge\n---\n" + "x" * 10_000_000)
    found = discover()
    known = states(found)
    assert known["good"] == "ready"
    assert sorted(name for name, state in known.items() if state == "broken") == [
        "bad-name",
        "huge",
        "torn",
    ]
    assert all(c.reason for c in found.candidates if c.state == "broken")
    assert {os.path.basename(p.path) for p in found.problems} >= {"loop"}


def test_two_skills_with_one_extension_name_are_told_apart(trusted: Path) -> None:
    tree = {"a": skill("a", extension="same"), "b": skill("b", extension="same")}
    grow(trusted / "skills", tree)
    found = discover()
    assert len(found.find("same")) == 2
    [problem] = [p for p in found.problems if p.rule == "name-conflict"]
    assert "a:same" in problem.fix
    assert "b:same" in problem.fix


def test_a_folder_cannot_extend_the_host(trusted: Path) -> None:
    files = skill("x")
    files["SKILL.md"] = str(files["SKILL.md"]).replace("type: tool", "type: command")
    grow(trusted / "skills", {"x": files})
    found = discover()
    assert found.skill("x").offers == ()
    assert [f.rule for f in found.skill("x").findings if f.rule == "host-extension"]


def test_an_edit_in_the_same_second_is_seen(trusted: Path) -> None:
    skills = grow(trusted / "skills", {"x": skill("x", version="1.0.0")})
    manifest = skills / "x" / "SKILL.md"
    for number in range(20):
        text = manifest.read_text()
        manifest.write_text(text.replace(f"version: 1.0.{number}", f"version: 1.0.{number + 1}"))
        assert discover().skill("x").version == f"1.0.{number + 1}"


def test_an_edited_entry_points_file_is_seen(site: Path) -> None:
    grow(site, distribution("kurt-shout", "[kurt.tool]\none = k:One\n"))
    assert [c.name for c, *_ in discover().find("one")] == ["kurt-shout"]
    path = site / "kurt_shout-1.0.dist-info" / "entry_points.txt"
    path.write_text("[kurt.tool]\ntwo = k:One\n")
    found = discover()
    assert found.find("one") == []
    assert [c.name for c, *_ in found.find("two")] == ["kurt-shout"]


@pytest.mark.slow
def test_a_settled_index_answers_and_sees_every_kind_of_change(
    trusted: Path, site: Path, own_places: Path
) -> None:
    tree = {name: skill(name) for name in ("a", "b", "c")}
    skills = grow(trusted / "skills", tree)
    grow(site, distribution("kurt-shout", "[kurt.tool]\nshout = k:One\n"))

    def check() -> Discovery:
        quick = discover()
        slow = discover(refresh=True)
        assert [c.as_fields() for c in quick.candidates] == [c.as_fields() for c in slow.candidates]
        assert [(c.state, c.reason) for c in quick.candidates] == [
            (c.state, c.reason) for c in slow.candidates
        ]
        assert quick.problems == slow.problems
        return quick

    settle(skills, site)
    check()
    code = (skills / "a" / "skill.py").read_text()
    (skills / "a" / "skill.py").unlink()
    assert discover(refresh=True).skill("a").state == "broken"
    (skills / "a" / "skill.py").write_text(code)
    assert check().skill("a").state == "ready"
    grow(skills, {"d": skill("d")})
    assert check().skill("d").state == "ready"
    (skills / "b" / "SKILL.md").unlink()
    assert check().named("b") == []
    (trusted / "kurt.toml").write_text('skill_paths = ["more"]\n')
    grow(trusted / "more", {"e": skill("e")})
    assert check().skill("e").scope == "project"
    (site / "kurt_shout-1.0.dist-info" / "entry_points.txt").write_text("[other]\na = b\n")
    assert discover().named("kurt-shout") == []
    (site / "kurt_shout-1.0.dist-info" / "entry_points.txt").write_text("[kurt.tool]\na = b\n")
    assert check().skill("kurt-shout").state == "ready"


def test_a_clones_own_state_files_are_not_read(project: Path) -> None:
    grow(
        project,
        {
            "skills": {"x": skill("x")},
            ".kurt": {"trust.json": f'{{"paths": ["{project}"]}}'},
            "trust.json": f'{{"paths": ["{project}"]}}',
            "kurt_skill_x-0.1.0.dist-info": {"entry_points.txt": "[kurt.kind]\nx = evil:KIND\n"},
        },
    )
    assert states(discover())["x"] == "untrusted"


def test_a_read_only_folder_of_skills_is_listed(trusted: Path) -> None:
    skills = grow(trusted / "skills", {"x": skill("x")})
    for path in (skills / "x", skills):
        path.chmod(0o555)
    try:
        assert discover().skill("x").state == "ready"
        assert sorted(p.name for p in (skills / "x").iterdir()) == ["SKILL.md", "skill.py"]
    finally:
        for path in (skills, skills / "x"):
            path.chmod(0o755)


def test_the_shim_shows_the_skills_to_the_standard_library(trusted: Path) -> None:
    grow(trusted / "skills", {"web-archiver": skill("web-archiver", extension="archive")})
    discover()
    shim = Places().shim("project")
    code = (
        "from importlib.metadata import entry_points as e;"
        "print([(p.name, p.value, p.dist.name) for p in e(group='kurt.tool')"
        " if p.dist.name != 'kurt-ext'])"
    )
    shown = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "PYTHONPATH": shim},
        capture_output=True,
        text=True,
        check=True,
    )
    assert shown.stdout.strip() == str(
        [("archive", "kurt_skills.web_archiver.skill:Echo", "kurt-skill-web-archiver")]
    )


def test_words_of_manifests_come_from_distributions_as_data(trusted: Path) -> None:
    files = skill("x")
    files["SKILL.md"] = str(files["SKILL.md"]).replace("type: tool", "type: fetcher")
    grow(trusted / "skills", {"x": files})
    found = discover()
    assert found.words["fetcher"] == ("kurt.engine", "fetch")
    assert found.skill("x").offers == (("kurt.engine", "fetch.x", "kurt_skills.x.skill:Echo"),)


def test_rows_of_another_shape_are_looked_up_again(trusted: Path) -> None:
    grow(trusted / "skills", {"x": skill("x")})
    discover()
    places = Places()
    index = Index.open(places)
    assert index is not None
    rows = index.load("rows")
    rows["bases"] = {
        base: (mark, [item[1:] for item in items]) for base, (mark, items) in rows["bases"].items()
    }
    paths, marks = index.load("world")
    store.write(
        places,
        started=index.written,
        world=(paths, marks),
        bases=[entry[:3] for entry in index.load("sweep")],
        pages=(),
        listing=b"",
        rows=rows,
        host=rows,
    )
    assert discover().skill("x").state == "ready"


@pytest.mark.slow
def test_of_many_skills_with_one_edited_one_is_read(
    trusted: Path, own_places: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    skills = grow(trusted / "skills", {f"s-{n}": skill(f"s-{n}") for n in range(20)})
    discover()
    settle(skills)
    discover()
    settle(skills, own_places)
    discover()  # the shim was young when the index before was written
    index = Index.open(Places())
    assert index is not None
    assert index.unchanged()
    read: list[str] = []
    original = folders.read
    monkeypatch.setattr(folders, "read", lambda *a: read.append(a[0]) or original(*a))
    discover()
    assert read == []
    manifest = skills / "s-7" / "SKILL.md"
    manifest.write_text(manifest.read_text() + "\nMore.\n")
    discover()
    assert [os.path.basename(path) for path in read] == ["s-7"]
    shutil.rmtree(Places().index)
    discover()
    assert [os.path.basename(path) for path in read] == ["s-7", "s-7"]
    monkeypatch.setattr(sys, "path", [*sys.path, str(trusted)])
    discover()  # an environment that has no index yet
    assert len(read) == 3
    read.clear()
    discover(refresh=True)
    assert len(read) == 20
    read[:] = ["s-7"]
    shutil.rmtree(skills / "s-3")
    discover()
    assert [os.path.basename(path) for path in read] == ["s-7", "s-7"]


@pytest.mark.slow
def test_a_trust_file_that_is_as_it_was_is_not_parsed(
    project: Path, own_places: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    skills = grow(project / "skills", {"x": skill("x")})
    Trust.load(Places()).add(str(project))
    discover()
    settle(skills, own_places)
    discover()
    manifest = skills / "x" / "SKILL.md"
    manifest.write_text(manifest.read_text() + "\nMore.\n")
    with monkeypatch.context() as patched:
        patched.setattr(Trust, "load", lambda places: pytest.fail("the file was parsed"))
        assert discover().skill("x").state == "ready"
    Trust.load(Places()).remove(str(project))
    assert discover().skill("x").state == "untrusted"
