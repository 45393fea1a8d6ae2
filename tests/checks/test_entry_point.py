"""An entry point names one module of the skill's folder, and can be read in one way."""

from __future__ import annotations

import json
from typing import Any

import pytest

from kurt_ext.checks.entry_point import check

from .conftest import Asked


def plugin(entry: object) -> str:
    fields = {"plugin_id": "com.example.calc", "name": "Calc", "version": "1.0.0"}
    return json.dumps({**fields, "plugin_type": "custom", "entry_point": entry})


@pytest.mark.parametrize(
    ("entry", "rule", "severity"),
    [
        ("../../x", "entry-outside", "critical"),
        ("..\\x", "entry-outside", "critical"),
        ("/opt/x", "entry-outside", "critical"),
        ("C:\\x", "entry-outside", "critical"),
        ("~/x", "entry-outside", "critical"),
        ("file:///x", "entry-outside", "critical"),
        ("..main", "entry-dots", "high"),
        ("main.", "entry-dots", "high"),
        ("a..b", "entry-dots", "high"),
        ("m\u0430in", "entry-deceives", "critical"),
        ("main\n", "entry-blank", "high"),
        ("json", "entry-standard", "high"),
        ("os.path", "entry-standard", "high"),
    ],
)
def test_what_is_no_module_of_the_folder_is_told(
    ask: Asked, entry: str, rule: str, severity: str
) -> None:
    (finding,) = ask(check, {"plugin.json": plugin(entry), "main.py": ""})
    assert (finding.rule, finding.severity) == (rule, severity)


@pytest.mark.parametrize(
    ("entry", "files"),
    [
        ("main", {"main.py": ""}),
        ("pkg.main", {"pkg": {"__init__.py": "", "main.py": ""}}),
        ("pkg", {"pkg": {"__init__.py": ""}}),
        ("main:create", {"main.py": ""}),
        ("main", {"main.py": "", "main.json": "{}", "main": {"data.txt": ""}}),
    ],
)
def test_what_is_one_is_fine(ask: Asked, entry: str, files: dict[str, Any]) -> None:
    assert ask(check, {"plugin.json": plugin(entry), **files}) == []


def test_a_module_beside_a_package_of_its_name_can_mean_either(ask: Asked) -> None:
    files = {"plugin.json": plugin("main"), "main.py": "", "main": {"__init__.py": ""}}
    assert [f.rule for f in ask(check, files)] == ["entry-ambiguous"]


def test_a_module_that_shares_its_name_with_pythons_is_a_smaller_matter(ask: Asked) -> None:
    (finding,) = ask(check, {"plugin.json": plugin("calendar"), "calendar.py": ""})
    assert (finding.rule, finding.severity) == ("entry-standard", "medium")


def test_a_link_is_not_a_module(ask: Asked) -> None:
    ask(check, {"plugin.json": plugin("main"), "real.py": ""})
    (ask.folder / "main.py").symlink_to("real.py")
    assert [f.rule for f in ask(check)] == ["entry-link"]
