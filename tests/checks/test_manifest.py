"""The manifest check says what its reader, or the profile, says."""

from __future__ import annotations

import json

from kurt_ext import portable
from kurt_ext.checks.manifest import check
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
