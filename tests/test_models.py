from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest
import semver
from hypothesis import given
from hypothesis import strategies as st
from manifests import BOTH, PLUGIN, PORTABLE, SEED
from pydantic import ValidationError

from kurt_ext import manifest, models
from kurt_ext.models import (
    PluginCapability,
    PluginConfig,
    PluginDependency,
    PluginMetadata,
    PluginPermissions,
    PluginState,
    PluginStatus,
    PluginType,
    PluginValidationResult,
    SkillImplementation,
    SkillManifest,
)

RECORDS = [
    manifest.parse_skill_md(SEED.encode())[0],
    manifest.parse_skill_md(PORTABLE.encode())[0],
    manifest.parse_plugin_json(json.dumps(PLUGIN).encode())[0],
    manifest.parse_plugin_json(json.dumps(BOTH).encode())[0],
]


@pytest.mark.parametrize("record", RECORDS)
@pytest.mark.parametrize("model", [PluginMetadata, SkillManifest])
def test_a_record_is_a_model_and_back(record: dict[str, Any], model: type[PluginMetadata]) -> None:
    made = model.from_record(record)
    assert made.to_record() == record
    assert list(made.to_record()) == list(record)
    assert model.model_validate_json(made.model_dump_json(by_alias=True)) == made


def test_the_documents_plugin_json_is_the_model_as_it_stands() -> None:
    made = PluginMetadata.model_validate_json(json.dumps({**PLUGIN, "plugin_type": "tool"}))
    assert made.plugin_type is PluginType.TOOL
    assert made.capabilities[0].parameters["type"] == "object"
    assert made.dependencies == [
        PluginDependency(plugin_id="com.example.mathlib", version_constraint=">=2.0.0")
    ]
    assert made.permissions.network_hosts == ["api.calculator.com"]
    assert made.permissions.native_code is False


def test_the_skills_document_reads_its_words() -> None:
    record, _ = manifest.parse_skill_md(SEED.encode())
    assert record is not None
    skill = SkillManifest.from_record(record, body="# Web Archiver")
    assert (skill.name, skill.plugin_id, skill.version) == ("web-archiver", "web-archiver", "0.1.0")
    assert skill.implements[0].class_ == "WebArchiver"
    assert skill.requires_api == ["wayback"]
    skill.impl_path = Path("skill.py")
    assert skill.impl_path == Path("skill.py")


@pytest.mark.parametrize(
    "version", ["1", "1.*", "*", "1.2.3.4", "1.2", "١.٢.٣", "", "v1.2.3", "01.2.3", 1, 1.2, None]
)
def test_a_version_that_is_not_semver_is_refused(version: Any) -> None:
    with pytest.raises(ValidationError):
        PluginMetadata(plugin_id="a.b", name="x", version=version)


@pytest.mark.parametrize("version", ["1.2.3", "1.2.3-rc.1", "1.2.3+build.5", "0.0.0-x.7.z.92"])
def test_a_prerelease_and_a_build_are_versions(version: str) -> None:
    assert PluginMetadata(plugin_id="a.b", name="x", version=version).version == version


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("plugin_id", "../../x.y"),
        ("plugin_id", ""),
        ("plugin_id", "Has Blank"),
        ("name", ""),
        ("name", 5),
        ("author", "a\nInjected: header\x00"),
        ("max_runtime_version", "junk"),
        ("min_runtime_version", "*"),
        ("requires_python", "3.10"),
        ("requires", ["not a requirement!"]),
        ("entry_point", "../evil"),
        ("entry_point", "main.py/"),
        ("plugin_type", "A Kind"),
        ("plugin_type", 3),
        ("tags", "one"),
        ("tags", [1]),
        ("tags", ("a",)),
        ("permisions", {}),
        ("permissions", {"network_host": []}),
        ("permissions", {"native_code": "yes"}),
        ("dependencies", [{"plugin_id": "a.b", "version_constraint": "junk"}]),
        ("capabilities", [{"name": "a"}, {"name": "a"}]),
        ("capabilities", [{"name": "a", "parameters": []}]),
        ("implements", [{"type": "k", "class": "1x", "name": "n"}]),
        ("implements", [{"type": "k", "class": "X", "name": "a:b"}]),
    ],
)
def test_a_field_is_held_to_the_readers_rule(field: str, value: Any) -> None:
    values = {"plugin_id": "a.b", "name": "x", "version": "1.0.0", field: value}
    with pytest.raises(ValidationError) as caught:
        PluginMetadata.model_validate(values)
    assert field in str(caught.value)
    errors = manifest.parse_plugin_json(json.dumps({**BOTH, **values}).encode())[1]
    assert any(finding.fatal for finding in errors) or field in (
        "permisions",
        "permissions",
        "tags",
    )


@given(
    st.sampled_from(
        ["plugin_id", "version", "requires_python", "entry_point", "max_runtime_version", "author"]
    ),
    st.text(max_size=12)
    | st.sampled_from(["a.b", "1.0.0", ">=3.11", "main", "skill:x", "*", "a b", "A.b", "1.0"]),
)
def test_the_model_and_the_reader_agree_on_every_text(field: str, value: str) -> None:
    stripped = value.strip()
    if not stripped:
        return
    values = {**BOTH, field: stripped}
    record, findings = manifest.parse_plugin_json(json.dumps(values).encode())
    read = not any(finding.fatal for finding in findings)
    try:
        made = PluginMetadata.model_validate(values)
    except ValidationError:
        assert not read
    else:
        assert read and record is not None
        assert made.to_record() == record


def test_the_kinds_are_an_open_set() -> None:
    made = PluginMetadata(plugin_id="a.b", name="x", version="1.0.0", plugin_type="rater")
    assert made.plugin_type == "rater"
    assert made.to_record()["type"] == "rater"
    assert [kind.value for kind in PluginType] == [
        "tool",
        "engine",
        "middleware",
        "integration",
        "custom",
    ]


def test_a_capital_in_an_id_is_lowered_as_names_are_compared() -> None:
    assert PluginDependency(plugin_id="Com.Example.Lib").plugin_id == "com.example.lib"


def test_values_cannot_be_changed_and_state_can() -> None:
    metadata = PluginMetadata(plugin_id="a.b", name="x", version="1.0.0")
    with pytest.raises(ValidationError):
        metadata.version = "2.0.0"  # type: ignore[misc]
    state = PluginState(metadata=metadata)
    assert state.status is PluginStatus.UNLOADED
    assert state.config == PluginConfig(plugin_id="a.b")
    state.status = PluginStatus.FAILED
    state.error_message = "because"
    with pytest.raises(ValidationError):
        state.status = "nonsense"  # type: ignore[assignment]
    state.instance = object()
    assert "instance" not in state.model_dump()


def test_a_config_has_the_documents_defaults() -> None:
    config = PluginConfig(plugin_id="com.example.calculator")
    assert (config.enabled, config.auto_load, config.priority) == (True, False, 100)
    text = """{"plugin_id": "com.example.calculator", "enabled": true, "auto_load": true,
      "priority": 100, "config": {"precision": 15, "cache_enabled": true},
      "sandbox_config_override": {"max_execution_time_seconds": 10}}"""
    assert PluginConfig.model_validate_json(text).config["precision"] == 15
    with pytest.raises(ValidationError):
        PluginConfig(plugin_id="a.b", prioritty=3)  # type: ignore[call-arg]


@pytest.mark.parametrize(
    ("score", "level"),
    [
        *((100, "low"), (80, "low"), (79.9, "medium"), (60, "medium"), (59, "high"), (40, "high")),
        *((39, "critical"), (0, "critical")),
    ],
)
def test_a_score_has_the_documents_level(score: float, level: str) -> None:
    result = PluginValidationResult.model_validate({"valid": True, "security_score": score})
    assert result.risk_level == level
    assert PluginValidationResult.risk(score) == level


@pytest.mark.parametrize(
    "values",
    [
        {"valid": True, "errors": ["x"], "security_score": 90.0},
        {"valid": True, "security_score": 90.0, "risk_level": "critical"},
        {"valid": True, "security_score": 101.0},
        {"valid": True, "security_score": -1.0},
        {"valid": True},
    ],
)
def test_a_result_that_contradicts_itself_is_refused(values: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        PluginValidationResult.model_validate(values)


def test_every_field_says_what_it_is() -> None:
    for name in models.__all__:
        model = getattr(models, name)
        if hasattr(model, "model_fields"):
            for field, info in model.model_fields.items():
                assert info.description, f"{name}.{field}"


def front(text: str) -> Any:
    from kurt_ext import frontmatter

    split = frontmatter.split(text.encode(), "SKILL.md", [])
    return frontmatter.load(split.text or "", "SKILL.md", 2, [])[0]


def test_the_schemas_accept_the_documents_manifests() -> None:
    plugin = jsonschema_rs.validator_for(models.plugin_schema())
    skill = jsonschema_rs.validator_for(models.skill_schema())
    assert [error.message for one in (PLUGIN, BOTH) for error in plugin.iter_errors(one)] == []
    texts = (SEED, PORTABLE)
    assert [error.message for text in texts for error in skill.iter_errors(front(text))] == []


@pytest.mark.parametrize(
    "change",
    [
        {"permisions": {}},
        {"version": "1.0"},
        {"plugin_id": 3},
        {"tags": "a"},
        {"plugin_type": "A b"},
    ],
)
def test_the_schema_refuses_what_the_reader_complains_of(change: dict[str, Any]) -> None:
    plugin = jsonschema_rs.validator_for(models.plugin_schema())
    assert not plugin.is_valid({**PLUGIN, **change})
    assert manifest.parse_plugin_json(json.dumps({**PLUGIN, **change}).encode())[1]


@given(st.from_regex(r"\A[0-9]{1,3}\.[0-9]{1,2}\.[0-9](-[0-9a-z.-]{1,6})?(\+[0-9a-z.]{1,4})?\Z"))
def test_the_schema_refuses_no_version_that_is_one(text: str) -> None:
    schema = models.plugin_schema()["properties"]["version"]
    if semver.Version.is_valid(text):
        assert jsonschema_rs.validator_for(schema).is_valid(text)


def test_a_part_of_a_manifest_can_be_made_by_its_own_name() -> None:
    assert SkillImplementation(type="kind", class_="X", name="n").model_dump(by_alias=True) == {
        "type": "kind",
        "class": "X",
        "name": "n",
    }
    assert PluginCapability(name="a").version == "1.0.0"
    assert PluginPermissions() == PluginPermissions(network_hosts=[])
