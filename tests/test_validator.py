"""The validator asks every check, imports nothing that it judges, and never raises."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from trees import grow

from kurt_ext.checks import Finding, Subject
from kurt_ext.errors import PluginValidationError, UsageError
from kurt_ext.findings import SEVERITIES
from kurt_ext.jsontext import dumps
from kurt_ext.validator import (
    PROFILES,
    Check,
    Report,
    explain_rule,
    installed_checks,
    validate,
    validate_skill,
)

MANIFEST = """---
name: web-archiver
version: 0.1.0
description: Archives a page. Use when a page may go away.
license: MIT
author: Ann <ann@example.com>
permissions:
  network_hosts:
    - web.archive.org
implements:
  - type: tool
    class: Archive
    name: archive
---
"""
CODE = """
from kurt_tool import Tool
class Archive(Tool[In, Out]):
    async def run(self, params, context, on_progress): ...
"""


def skill(folder: Path, **files: Any) -> Path:
    tree = {"SKILL.md": MANIFEST, "skill.py": CODE}
    tree.update({name.replace("__", "."): content for name, content in files.items()})
    return grow(folder / "web-archiver", tree)


def found(report: Report) -> list[str]:
    return [finding.rule for finding in report.findings]


class TestReport:
    def test_a_good_skill_has_nothing_said_about_it_by_the_load_and_publish_profiles(
        self, project: Path
    ) -> None:
        folder = skill(project)
        for profile in (None, "load"):
            report = validate(folder, profile=profile)
            assert (report.valid, report.findings, report.profile) == (True, (), "load")
            assert report.name == "web-archiver"
            assert bool(report)
            report.raise_if_invalid()
        strict = validate(folder, profile="publish")
        assert {finding.rule for finding in strict.findings} <= {"not-portable", "flow-style"}

    def test_everything_wrong_is_said_at_once_with_its_place(self, project: Path) -> None:
        manifest = MANIFEST.replace("web.archive.org", "'*'").replace("Archive\n", "Archiver\n")
        folder = skill(project, SKILL__md=manifest, helper__py="", more__py="import helper\n")
        report = validate(folder)
        assert {"wide-network", "name-not-defined", "absolute-sibling-import"} <= set(found(report))
        assert not report.valid
        assert report.counts["error"] == 1
        assert list(report.counts) == list(SEVERITIES)
        assert sum(report.counts.values()) == len(report.findings)
        places = [(f.path, f.line, f.column) for f in report.findings]
        assert places == sorted(places)
        with pytest.raises(PluginValidationError) as caught:
            report.raise_if_invalid()
        error = caught.value
        assert error.validation_result is report
        assert error.exit_code == 5
        assert "Archiver" in (error.cause or "")
        assert error.skill == "web-archiver"

    def test_it_is_byte_identical_for_the_same_input(self, project: Path) -> None:
        folder = skill(project, SKILL__md=MANIFEST.replace("web.archive.org", "'*'"), a__exe="")
        first = dumps(validate(folder).as_dict())
        checks = installed_checks()
        random.Random(7).shuffle(checks)
        assert dumps(validate(folder, checks=checks).as_dict()) == first
        code = (
            "import sys; from kurt_ext.validator import validate; "
            "from kurt_ext.jsontext import dumps; print(dumps(validate(sys.argv[1]).as_dict()))"
        )
        for seed in ("0", "1"):
            done = subprocess.run(
                [sys.executable, "-c", code, str(folder)],
                capture_output=True,
                text=True,
                check=True,
                env={**os.environ, "PYTHONHASHSEED": seed},
            )
            assert done.stdout.strip() == first

    def test_the_same_thing_is_said_once(self, project: Path) -> None:
        folder = skill(project, SKILL__md=MANIFEST.replace("web.archive.org", "'*'"))
        checks = [check for check in installed_checks() if check.name == "permissions"]
        assert found(validate(folder, checks=checks * 3)) == ["wide-network"]

    def test_the_path_may_be_the_manifest_or_relative(self, project: Path) -> None:
        folder = skill(project)
        whole = validate(folder).as_dict()
        assert validate(folder / "SKILL.md").as_dict() == whole
        assert validate(os.path.relpath(folder)).as_dict() == whole
        assert validate_skill(str(folder)).as_dict() == whole

    def test_a_profile_that_is_none_is_a_usage_error(self, project: Path) -> None:
        with pytest.raises(UsageError) as caught:
            validate(project, profile="strict")
        assert caught.value.candidates == PROFILES


class TestNothingIsImported:
    EVIL = "import pathlib\npathlib.Path({witness!r}).write_text('imported')\n"

    def test_what_is_judged_is_not_run(self, project: Path, tmp_path: Path) -> None:
        witness = tmp_path / "witness"
        evil = self.EVIL.format(witness=str(witness))
        folder = skill(
            project,
            skill__py=evil + CODE,
            __init____py=evil,
            setup__py=evil,
            conftest__py=evil,
            helper__py=evil,
            site__pth=f"import os; {evil.splitlines()[1]}",
        )
        (folder / "__init__.py").write_text(evil)
        before = set(sys.modules)
        for profile in PROFILES:
            validate(folder, profile=profile)
        assert not witness.exists()
        assert not [name for name in set(sys.modules) - before if "web_archiver" in name]
        assert not list(folder.rglob("__pycache__"))

    def test_nothing_is_written_into_the_folder(self, project: Path) -> None:
        folder = skill(project)
        before = {path: path.stat().st_mtime_ns for path in [folder, *folder.rglob("*")]}
        validate(folder)
        assert {path: path.stat().st_mtime_ns for path in [folder, *folder.rglob("*")]} == before


class TestWhateverLiesThere:
    def test_no_folder_is_a_finding(self, project: Path) -> None:
        for path in (project / "missing", project / "file" / "below"):
            report = validate(path)
            assert not report.valid
        (project / "empty").mkdir()
        assert found(validate(project / "empty")) == ["manifest-missing"]

    def test_loops_pipes_and_devices_do_not_hold_it(self, project: Path) -> None:
        folder = skill(project)
        (folder / "loop").symlink_to(folder)
        (folder / "self").symlink_to(folder / "self")
        if hasattr(os, "mkfifo"):
            (folder / "skill.py").unlink()
            os.mkfifo(folder / "skill.py")
        (folder / "zero").symlink_to("/dev/zero")
        assert "link-leads-out" in found(validate(folder))

    @pytest.mark.parametrize(
        "line",
        [
            "if " + "a." * 400 + "b: import helper",
            "if a: pass\n" + "elif a: pass\n" * 600,
            "class Archive(" + "a." * 400 + "B): ...",
            "class Archive(Tool[" + "a." * 400 + "B, C]): ...",
            "x = " + "1+" * 900 + "1",
            "from .skill import *",
            "from ...... import x",
            "class Archive(Archive): ...",
            "Archive = Archive",
        ],
    )
    def test_no_shape_of_code_makes_a_check_fail(self, project: Path, line: str) -> None:
        folder = skill(project, skill__py=f"from kurt_tool import Tool\n{line}\n", helper__py="")
        assert "check-failed" not in found(validate(folder))

    @given(
        st.dictionaries(
            st.sampled_from(["SKILL.md", "plugin.json", "skill.py", "config.json", "main.py"]),
            st.binary(max_size=80)
            | st.sampled_from(
                [
                    MANIFEST.encode(),
                    CODE.encode(),
                    b'{"plugin_id": "com.example.x", "permissions": {"network_hosts": [3]}}',
                    b"from skill import *\nfrom . import *\n",
                ]
            ),
        )
    )
    def test_no_bytes_make_it_raise(self, files: dict[str, bytes]) -> None:
        folder = Path.cwd() / "web-archiver"
        for name in os.listdir(folder) if folder.exists() else []:
            os.unlink(folder / name)
        grow(folder, files)
        for profile in PROFILES:
            report = validate(folder, profile=profile)
            dumps(report.as_dict())
            assert "check-failed" not in found(report)


def raising(subject: Subject) -> Iterable[Finding]:
    """Fail as a guest does."""
    raise SystemExit(subject.name)


def talking(subject: Subject) -> Iterable[Any]:
    """Give what is no finding."""
    return ["nonsense"]


def halfway(subject: Subject) -> Iterable[Finding]:
    """Fail after a finding."""
    yield Finding("mine", "warning", "said")
    raise RuntimeError("then broken")


def interrupted(subject: Subject) -> Iterable[Finding]:
    """Stand for the person at the keyboard."""
    raise KeyboardInterrupt


def counting(reading: Any) -> Iterable[Finding]:
    """Read what a check written for a Reading reads."""
    yield Finding("files", "info", f"{reading.files} {reading.code} {reading.record['id']}")


class TestChecks:
    @pytest.mark.parametrize(
        ("value", "word"),
        [
            ("test_validator:raising", "SystemExit: web-archiver"),
            ("test_validator:talking", "no kurt_ext.findings.Finding"),
            ("test_validator:halfway", "RuntimeError: then broken"),
            ("test_validator:nothing", "AttributeError"),
            ("no_such_module:check", "ModuleNotFoundError"),
        ],
    )
    def test_one_that_fails_is_a_finding_that_names_it_and_the_others_go_on(
        self, project: Path, value: str, word: str
    ) -> None:
        folder = skill(project, a__sh="")
        checks = [*installed_checks(), Check("aaa", value, "kurt-stranger")]
        report = validate(folder, checks=checks)
        assert found(report) == ["check-failed", "program-file"]
        assert "aaa of kurt-stranger" in report.findings[0].message
        assert word in report.findings[0].message
        assert report.valid

    def test_the_person_at_the_keyboard_is_obeyed(self, project: Path) -> None:
        check = Check("stop", "test_validator:interrupted", "me")
        with pytest.raises(KeyboardInterrupt):
            validate(skill(project), checks=[check])

    def test_one_that_knows_only_readings_works(self, project: Path) -> None:
        check = Check("files", "test_validator:counting", "me")
        (finding,) = validate(skill(project), checks=[check]).findings
        assert finding.message == "('SKILL.md',) True web-archiver"

    def test_they_come_from_installed_distributions_alone(
        self, project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        site = grow(
            tmp_path / "site-packages",
            {
                "kurt_spelling-1.0.dist-info": {
                    "METADATA": "Metadata-Version: 2.1\nName: kurt-spelling\nVersion: 1.0\n",
                    "entry_points.txt": "[kurt.check]\nspelling = kurt_spelling:check\n",
                },
                "kurt_spelling.py": (
                    "from kurt_ext.findings import Finding\n"
                    "def check(subject):\n    yield Finding('spelling', 'low', 'x')\n"
                ),
                "torn-1.0.dist-info": {"entry_points.txt": b"\xff[oops"},
            },
        )
        shim = grow(
            Path.home() / ".local" / "share" / "kurt" / "shim" / "project-1",
            {
                "kurt_skill_evil-1.0.dist-info": {
                    "METADATA": "Metadata-Version: 2.1\nName: kurt-skill-evil\nVersion: 1.0\n",
                    "entry_points.txt": "[kurt.check]\nevil = kurt_skills.evil:check\n",
                }
            },
        )
        monkeypatch.syspath_prepend(str(site))
        monkeypatch.syspath_prepend(str(shim))
        checks = {check.name: check for check in installed_checks()}
        assert checks["spelling"].distribution == "kurt-spelling"
        assert "evil" not in checks
        assert "spelling" in found(validate(skill(project)))

    def test_a_folder_that_offers_checks_is_not_asked(self, project: Path) -> None:
        folder = skill(project)
        grow(folder, {"x-1.dist-info": {"entry_points.txt": "[kurt.check]\nevil = skill:check\n"}})
        assert "evil" not in {check.name for check in installed_checks()}
        assert validate(folder).valid

    def test_ours_are_all_there_and_each_rule_has_its_explanation(self) -> None:
        checks = installed_checks()
        names = {check.name for check in checks}
        assert names >= {"structure", "imports", "manifest", "contract", "permissions", "tool"}
        seen: dict[str, str] = {}
        for check in checks:
            if check.distribution != "kurt-ext":
                continue
            module = sys.modules[check.load().__module__]
            doc = module.__doc__ or ""
            assert doc.startswith("Ask ")
            assert doc.index("Bad::") < doc.index("Good::")
            for rule in module.RULES:
                assert rule not in seen, f"{rule} is claimed by {seen[rule]} too"
                seen[rule] = check.name
                assert (explain_rule(rule, checks) or "").startswith("Ask ")
        assert explain_rule("no-such-rule", checks) is None

    def test_every_rule_of_the_reader_is_explained(self) -> None:
        import ast
        import re

        import kurt_ext
        from kurt_ext.checks.manifest import RULES

        #: Fields and examples that look like rules.
        others = {"allowed-tools", "argument-hint", "disable-model-invocation"}
        others |= {"user-invocable", "my-skill", "web-archiver"}
        readers = "compact fields frontmatter manifest pluginjson portable readers skillmd sources"
        for stem in (*readers.split(), "strictjson", "yamltext"):
            text = (Path(kurt_ext.__file__).parent / f"{stem}.py").read_text(encoding="utf-8")
            words = {n.value for n in ast.walk(ast.parse(text)) if isinstance(n, ast.Constant)}
            rules = {
                w for w in words if isinstance(w, str) and re.fullmatch("[a-z]+(-[a-z0-9]+)+", w)
            }
            assert rules - others <= set(RULES), stem


class TestInstalled:
    def test_an_installed_skill_is_judged_by_its_manifest_and_its_code(
        self, project: Path, tmp_path: Path
    ) -> None:
        from kurt_ext.manifest import read

        source = skill(project, SKILL__md=MANIFEST.replace("web.archive.org", "'*'"))
        record = read(str(source)).record
        site = grow(
            tmp_path / "site-packages",
            {
                "kurt_skills": {"web_archiver": {"__init__.py": "", "skill.py": "x = 1"}},
                "kurt_skill_web_archiver-0.1.0.dist-info": {"kurt.json": json.dumps(record)},
            },
        )
        report = validate(site / "kurt_skill_web_archiver-0.1.0.dist-info")
        assert report.name == "web-archiver"
        assert sorted(found(report)) == ["name-not-defined", "wide-network"]

    def test_a_damaged_one_is_a_finding(self, tmp_path: Path) -> None:
        site = grow(tmp_path, {"x-1.0.dist-info": {"kurt.json": "{"}})
        report = validate(site / "x-1.0.dist-info")
        assert found(report) == ["manifest-unreadable"]
        assert not report.valid
