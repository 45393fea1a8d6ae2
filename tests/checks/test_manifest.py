"""The manifest check says what its reader, or the profile, says."""

from __future__ import annotations

import json
from typing import Any

import pytest

from kurt_ext import portable
from kurt_ext.checks.manifest import check
from kurt_ext.checks.regex_cost import cost
from kurt_ext.manifest import read

from .conftest import Asked, skill_md


def test_the_lenient_readers_findings_are_given_as_they_are(ask: Asked) -> None:
    found = ask(check, {"SKILL.md": skill_md(verison="1"), "skill.py": ""})
    assert found == list(read(str(ask.folder)).findings)
    assert found


def test_a_profile_is_asked_instead(ask: Asked) -> None:
    files = {"SKILL.md": skill_md(), "skill.py": ""}
    for profile in portable.PROFILES:
        assert ask(check, files, profile=profile) == portable.check(str(ask.folder), profile)


def test_a_schema_that_cannot_be_compiled_is_an_error_at_its_place(ask: Asked) -> None:
    manifest = {
        "plugin_id": "com.example.calc",
        "name": "Calc",
        "version": "1.0.0",
        "description": "Counts.",
        "plugin_type": "tool",
        "entry_point": "main",
        "capabilities": [
            {"name": "add", "description": "d", "version": "1.0.0", "parameters": {"type": "no"}}
        ],
        "config_schema": {"properties": {"n": {"$ref": "https://example.com/schema"}}},
    }
    text = json.dumps(manifest, indent=1)
    found = [
        f for f in ask(check, {"plugin.json": text, "main.py": ""}) if f.rule.startswith("schema-")
    ]
    assert [f.rule for f in found] == ["schema-invalid", "schema-remote"]
    assert [f.path for f in found] == ["plugin.json", "plugin.json"]
    lines = text.splitlines()
    assert '"parameters"' in lines[found[0].line - 1] or '"type": "no"' in lines[found[0].line - 1]
    assert '"$ref"' in lines[found[1].line - 1]


PLUGIN = {
    "plugin_id": "com.example.calc",
    "name": "Calc",
    "version": "1.0.0",
    "description": "Counts.",
    "author": "Ann",
    "plugin_type": "tool",
    "entry_point": "main",
}


def told(ask: Asked, text: str) -> list[tuple[str, str]]:
    found = ask(check, {"plugin.json": text, "main.py": ""})
    return [(f.rule, f.severity) for f in found]


@pytest.mark.parametrize(
    ("fields", "rule", "severity"),
    [
        ({"permisions": {}}, "unknown-field", "medium"),
        ({"min_runtime_version": "3.0.0", "max_runtime_version": "1.0.0"}, "runtime-range", "high"),
        ({"name": "Calc\u202egpj"}, "hidden-character", "critical"),
        ({"author": "A\u200bnn"}, "hidden-character", "high"),
        ({"description": "<img src=x onerror=alert(1)>"}, "markup-in-text", "medium"),
        ({"permissions": None}, "permissions-unsaid", "high"),
        ({"dependencies": [{"plugin_id": "com.example.calc"}]}, "depends-on-itself", "medium"),
        ({"config_schema": {"$ref": "https://a.example/s.json"}}, "schema-remote", "high"),
        ({"config_schema": {"$ref": "file:///etc/passwd"}}, "schema-remote", "high"),
        ({"config_schema": {"pattern": "(a+)+$"}}, "schema-pattern", "high"),
        (
            {"config_schema": {"$defs": {"a": {"$ref": "#/$defs/a"}}, "$ref": "#/$defs/a"}},
            "schema-too-large",
            "high",
        ),
        (
            {"config_schema": {"properties": {"n": {"type": "integer", "default": "many"}}}},
            "schema-contradicts",
            "medium",
        ),
        ({"config_schema": {"properties": {"n": {"enum": []}}}}, "schema-contradicts", "medium"),
        (
            {"config_schema": {"properties": {"n": {"enum": ["a"], "default": "b"}}}},
            "schema-contradicts",
            "medium",
        ),
        (
            {"config_schema": {"properties": {"n": {"minimum": 3, "maximum": 1}}}},
            "schema-contradicts",
            "medium",
        ),
    ],
)
def test_what_a_manifest_hides_or_contradicts_is_told(
    ask: Asked, fields: dict[str, Any], rule: str, severity: str
) -> None:
    assert told(ask, json.dumps({**PLUGIN, **fields})) == [(rule, severity)]


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"name": "Café 日本語 Погода", "author": "Ann Ö. <a@example.com>"},
        {"description": "Removes <script> and <img> tags, and keeps <b>."},
        {"min_runtime_version": "1.0.0", "max_runtime_version": "1.0.0"},
        {"permissions": {}},
        {
            "config_schema": {
                "properties": {
                    "mail": {"type": "string", "pattern": "^[^@]+@([a-z]+\\.)+[a-z]+$"},
                    "n": {"type": "integer", "minimum": 1, "maximum": 9, "default": 2},
                    "mode": {"enum": ["a", "b"], "default": "a"},
                    "tree": {"$ref": "#/$defs/tree"},
                    "maybe": {"type": "string", "default": None},
                },
                "$defs": {"tree": {"properties": {"child": {"$ref": "#/$defs/tree"}}}},
            }
        },
    ],
)
def test_what_is_meant_honestly_is_fine(ask: Asked, fields: dict[str, Any]) -> None:
    assert told(ask, json.dumps({**PLUGIN, **fields})) == []


def test_two_values_of_a_deciding_key_are_a_deception(ask: Asked) -> None:
    text = json.dumps(PLUGIN)[:-1]
    double = text + ', "permissions": {}, "permissions": {"network_hosts": ["*"]}}'
    assert told(ask, double) == [("duplicate-key", "critical")]
    assert told(ask, text + ', "homepage": "a", "homepage": "b"}') == [("duplicate-key", "error")]


def test_references_that_multiply_are_told() -> None:
    from kurt_ext.checks.schema_shape import faults

    defs: dict[str, Any] = {
        f"d{n}": {"allOf": [{"$ref": f"#/$defs/d{n + 1}"}] * 2} for n in range(30)
    }
    bomb = {"$defs": {**defs, "d30": {}}, "$ref": "#/$defs/d0"}
    assert [fault.rule for fault in faults(bomb)] == ["schema-too-large"]


@pytest.mark.parametrize(
    "pattern",
    [
        *("(a+)+$", "(a*)*", "([a-z]+)*x", r"(\w+\s?)+", "(a|a)*", "(a|aa)*c", "(.*)*"),
        *("(a+a+)+", "((a+)b?)+", "(a{1,1000}){1,1000}", "(?:.*,)*.*", r"(\d{1,3})+", "(aa?)+"),
    ],
)
def test_a_pattern_that_takes_for_ever_is_known_by_its_form(pattern: str) -> None:
    assert cost(pattern)


@pytest.mark.parametrize(
    "pattern",
    [
        *("^[a-z]+$", r"^([a-z]+\.)+[a-z]+$", "^(ab|cd)+$", "(ab|ac)+", "^(foo|bar)*$"),
        *(r"^\w+(\s\w+)*$", r"^(?:\w+,)*\w+$", "^[a-z0-9]+(?:[._-][a-z0-9]+)*$", "(a|ab)*c"),
        *(r"^([0-9]{1,3}\.){3}[0-9]{1,3}$", "^(/[^/]*)*$", "^(?:[A-Z][a-z]+)+$", "^.{1,50000}$"),
        r"^(\"[^\"]*\"|\w+)(,\s*(\"[^\"]*\"|\w+))*$",
        "(",
    ],
)
def test_a_pattern_that_people_write_is_fine(pattern: str) -> None:
    assert cost(pattern) == ""
