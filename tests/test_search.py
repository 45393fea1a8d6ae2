"""Skills as manifests, along paths and all that there are (K14–K24 of the skills document)."""

from __future__ import annotations

import logging
import os
import sys
from pathlib import Path

import pytest
from sites import installed, skill_md, trust
from trees import Tree, grow, skill

from kurt_ext import SKILLS, SkillManager, discover_all, discover_skills, parse_skill_manifest
from kurt_ext.errors import ManifestError

BOOM = "raise RuntimeError('a skill was imported')"


def names(*paths: Path) -> list[str]:
    return [manifest.name for manifest in discover_skills(paths)]


@pytest.fixture(autouse=True)
def told(caplog: pytest.LogCaptureFixture) -> pytest.LogCaptureFixture:
    caplog.set_level(logging.INFO, "kurt_ext.search")
    return caplog


NO_SKILL: dict[str, Tree | str] = {
    "a file": "text",
    "an empty folder": {},
    "a manifest alone": {"SKILL.md": skill_md("x")},
    "code alone": {"skill.py": ""},
    "another manifest": {"plugin.json": "{}", "main.py": ""},
    "folders of those names": {"SKILL.md": {}, "skill.py": {}},
}


@pytest.mark.parametrize("what", NO_SKILL)
def test_a_skill_is_a_folder_with_both_files_and_all_else_is_ignored(
    tmp_path: Path, what: str, told: pytest.LogCaptureFixture
) -> None:
    root = grow(tmp_path / "root", {"x": NO_SKILL[what], "talker": skill("talker", code=BOOM)})
    assert names(tmp_path / "absent", root) == ["talker"]
    assert told.records == []


def test_the_manifest_knows_its_code_its_text_and_its_fields(tmp_path: Path) -> None:
    grow(tmp_path, {"talker": skill("talker", version="1.2.3", code=BOOM)})
    (found,) = discover_skills([os.fspath(tmp_path)])
    assert found.impl_path == tmp_path / "talker" / "skill.py"
    assert (found.version, found.implements[0].name) == ("1.2.3", "talker")
    assert found.body == "# talker\n"
    assert found == parse_skill_manifest(tmp_path / "talker" / "SKILL.md")


BROKEN: dict[str, Tree] = {
    "no front matter": {"SKILL.md": "# x\n", "skill.py": BOOM},
    "not UTF-8": {"SKILL.md": b"---\nname: \xff\n---\n", "skill.py": BOOM},
    "a name that is none": {"SKILL.md": skill_md("No Name"), "skill.py": BOOM},
    "an impossible Python": {
        "SKILL.md": skill_md("x", more="requires_python: snake\n"),
        "skill.py": BOOM,
    },
    "manifests that differ": {
        "SKILL.md": skill_md("x"),
        "skill.py": BOOM,
        "plugin.json": '{"plugin_id": "other", "name": "x", "version": "1.0.0",'
        ' "plugin_type": "tool", "entry_point": "skill"}',
    },
}


@pytest.mark.parametrize("what", BROKEN)
def test_an_invalid_skill_is_logged_and_skipped(
    tmp_path: Path, what: str, told: pytest.LogCaptureFixture
) -> None:
    grow(tmp_path, {"x": BROKEN[what], "talker": skill("talker", code=BOOM)})
    assert names(tmp_path) == ["talker"]
    (record,) = told.records
    assert record.levelno == logging.WARNING
    assert str(tmp_path / "x") in record.getMessage()


@pytest.mark.parametrize("what", [key for key in BROKEN if key != "manifests that differ"])
def test_an_invalid_manifest_is_a_typed_error_with_its_place(tmp_path: Path, what: str) -> None:
    grow(tmp_path, {"x": BROKEN[what]})
    with pytest.raises(ManifestError) as caught:
        parse_skill_manifest(tmp_path / "x" / "SKILL.md")
    assert (caught.value.at or "").startswith(str(tmp_path / "x" / "SKILL.md"))
    assert caught.value.cause and caught.value.hint and caught.value.findings


def test_a_manifest_that_is_not_there_is_a_typed_error_too(tmp_path: Path) -> None:
    with pytest.raises(ManifestError):
        parse_skill_manifest(tmp_path / "SKILL.md")


def test_the_first_path_wins_and_the_other_copy_is_told(
    tmp_path: Path, told: pytest.LogCaptureFixture
) -> None:
    for place in ("project", "user"):
        grow(tmp_path / place, {"talker": skill("talker", description=f"Of the {place}.")})
    found = discover_skills([tmp_path / "project", tmp_path / "user"])
    assert [manifest.description for manifest in found] == ["Of the project."]
    (record,) = told.records
    assert record.levelno == logging.INFO
    assert str(tmp_path / "user" / "talker") in record.getMessage()


def test_a_path_that_is_no_folder_is_told_and_hides_nothing(
    tmp_path: Path, told: pytest.LogCaptureFixture
) -> None:
    grow(tmp_path, {"file": "text", "root": {"talker": skill("talker")}})
    assert names(tmp_path / "file", tmp_path / "root") == ["talker"]
    assert [record.levelno for record in told.records] == [logging.WARNING]


def test_all_are_folders_first_then_what_is_installed(
    project: Path, own_places: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "path", list(sys.path))
    trust(monkeypatch, project)
    grow(project / "skills", {"mine": skill("mine", code=BOOM)})
    grow(own_places / ".kurt" / "skills", {"yours": skill("yours"), "mine": skill("mine")})
    grow(project / "skills", {"words": {"SKILL.md": skill_md("words")}})
    text = "[kurt.skills]\nlate = late_skills:register\n"
    installed(monkeypatch, tmp_path / "site", "late-skills", text, {"late_skills.py": BOOM})
    found = {manifest.plugin_id: manifest for manifest in discover_all()}
    assert list(found)[:3] == ["mine", "words", "yours"]
    assert set(found) == set(SKILLS)
    assert found["mine"].impl_path == project / "skills" / "mine" / "skill.py"
    assert found["words"].impl_path is None
    assert (found["late-skills"].version, found["late-skills"].source) == (
        "1.0.0",
        "entry_points.txt",
    )
    SkillManager.close_default()


def test_without_anything_installed_the_folders_are_still_found(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "path", [])
    grow(project / "skills", {"mine": skill("mine", code=BOOM), "x": BROKEN["no front matter"]})
    assert [manifest.name for manifest in discover_all()] == ["mine"]
