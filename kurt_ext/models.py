"""The nouns of the two documents as pydantic models.

A model accepts what the manifest's reader accepts, and by the same functions: a rule
stands in `rules`, `versions` or `fields`, and nowhere a second time. Unlike the
reader a model is strict: an unknown field or a number for a text is an error.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    PlainValidator,
    ValidationInfo,
    WithJsonSchema,
    model_validator,
)

from . import fields, names, rules, skillmd, versions
from .errors import ManifestError
from .readers import Notes, text, texts

if TYPE_CHECKING:
    from .readers import Reader

__all__ = [
    "PluginCapability",
    "PluginConfig",
    "PluginDependency",
    "PluginMetadata",
    "PluginPermissions",
    "PluginState",
    "PluginStatus",
    "PluginType",
    "PluginValidationResult",
    "SkillImplementation",
    "SkillManifest",
    "plugin_schema",
    "skill_schema",
]


class PluginType(StrEnum):
    """The kinds that the plugin document names; further ones come with their packages."""

    TOOL = "tool"
    ENGINE = "engine"
    MIDDLEWARE = "middleware"
    INTEGRATION = "integration"
    CUSTOM = "custom"


class PluginStatus(StrEnum):
    """Where a plugin stands in its life."""

    UNLOADED = "unloaded"
    LOADING = "loading"
    LOADED = "loaded"
    ACTIVE = "active"
    INACTIVE = "inactive"
    FAILED = "failed"
    UNLOADING = "unloading"


RiskLevel = Literal["low", "medium", "high", "critical"]
#: The lowest score of each level (plugin document, "Security Score & Risk Level").
_BANDS: tuple[tuple[float, RiskLevel], ...] = ((80, "low"), (60, "medium"), (40, "high"))

_SEMVER = (
    r"^(0|[1-9][0-9]*)\.(0|[1-9][0-9]*)\.(0|[1-9][0-9]*)"
    r"(-[0-9A-Za-z-]+(\.[0-9A-Za-z-]+)*)?(\+[0-9A-Za-z-]+(\.[0-9A-Za-z-]+)*)?$"
)
_WORD = "^[a-z][a-z0-9_]*$"


def _by_rule(check: Callable[[str], str]) -> AfterValidator:
    """Return the validator of a text that a rule accepts."""

    def validate(value: str) -> str:
        try:
            return check(value)
        except ManifestError as error:
            parts = (error.message, error.cause, error.hint)
            raise ValueError("; ".join(part for part in parts if part)) from None

    return AfterValidator(validate)


def _by_reader(reader: Reader) -> AfterValidator:
    """Return the validator of a value that the manifest's reader takes without an error."""

    def validate(value: Any, info: ValidationInfo) -> Any:
        notes = Notes(lenient=False)
        found = reader(value, (info.field_name or "value",), notes)
        errors = [message for _, severity, message, _, _ in notes.items if severity == "error"]
        if errors:
            raise ValueError("; ".join(errors))
        return "" if found is None else found

    return AfterValidator(validate)


def _kind(value: object) -> PluginType | str:
    if not isinstance(value, str):
        raise ValueError("a kind is text")
    try:
        return PluginType(value)
    except ValueError:
        pass
    try:
        return rules.kind_word(value)
    except ManifestError as error:
        raise ValueError(f"{error.message}; {error.cause}") from None


def _unique(key: str) -> AfterValidator:
    """Return the validator of rows, no two of which the reader of ``key`` takes for the same."""

    def validate(value: list[BaseModel]) -> list[BaseModel]:
        notes = Notes(lenient=False)
        fields.READERS[key]([item.model_dump(by_alias=True) for item in value], (key,), notes)
        errors = [message for _, severity, message, _, _ in notes.items if severity == "error"]
        if errors:
            raise ValueError("; ".join(errors))
        return value

    return AfterValidator(validate)


Text = Annotated[str, _by_reader(text)]
Texts = Annotated[list[str], _by_reader(texts)]
SkillId = Annotated[str, _by_rule(names.skill_name)]
Version = Annotated[str, _by_rule(versions.check), Field(json_schema_extra={"pattern": _SEMVER})]
MaxVersion = Annotated[str, _by_rule(rules.max_version)]
Constraint = Annotated[str, _by_rule(versions.check_constraint)]
ExtensionName = Annotated[str, _by_rule(rules.extension_name)]
KindWord = Annotated[
    PluginType | str,
    PlainValidator(_kind),
    WithJsonSchema({"type": "string", "pattern": _WORD}),
]


class _Model(BaseModel):
    model_config = ConfigDict(
        strict=True, extra="forbid", validate_assignment=True, populate_by_name=True
    )


class _Value(_Model):
    model_config = ConfigDict(frozen=True)


class PluginCapability(_Value):
    """One thing that a plugin can do, callable as ``SKILL:CAPABILITY``."""

    name: ExtensionName = Field(description="What it is called by.")
    description: Annotated[str, _by_reader(fields.description)] = Field(
        default="", description="What it does, for people and models."
    )
    version: Version = Field(default="1.0.0", description="Version of its behaviour, SemVer.")
    parameters: dict[str, Any] = Field(
        default_factory=dict, description="JSON Schema of its arguments."
    )


class PluginDependency(_Value):
    """Another plugin that a plugin needs."""

    plugin_id: SkillId = Field(description="Id of the other plugin.")
    version_constraint: Constraint = Field(
        default="*", description="Versions that will do, such as >=2.0.0,<3.0.0."
    )
    optional: bool = Field(default=False, description="Whether it may be absent.")


class PluginPermissions(_Value):
    """What a plugin asks leave for; what is not asked for is not allowed."""

    filesystem_read: Texts = Field(default_factory=list, description="Paths it reads.")
    filesystem_write: Texts = Field(default_factory=list, description="Paths it writes.")
    network_hosts: Texts = Field(default_factory=list, description="Hosts it talks to.")
    external_apis: Texts = Field(default_factory=list, description="Services it uses.")
    environment_variables: Texts = Field(
        default_factory=list, description="Environment variables it reads."
    )
    system_resources: Texts = Field(
        default_factory=list, description="Further resources of the system it uses."
    )
    processes: Texts = Field(default_factory=list, description="Programs it may start.")
    native_code: bool = Field(default=False, description="Whether it loads native code.")


class SkillImplementation(_Value):
    """One extension that a skill's code implements."""

    type: KindWord = Field(description="Word for what it is.")
    class_: Annotated[str, _by_rule(rules.class_path)] = Field(
        alias="class", description="Class in the skill's module."
    )
    name: ExtensionName = Field(description="Name of the extension.")


class PluginMetadata(_Value):
    """A manifest, whichever file it was written in."""

    plugin_id: SkillId = Field(description="Id: a skill's name, or reverse DNS.")
    name: Text = Field(min_length=1, description="Title for people.")
    version: Version = Field(description="Version, SemVer 2.0.")
    description: Annotated[str, _by_reader(fields.description)] = Field(
        default="", description="What it does and when to use it."
    )
    author: Text | None = Field(default=None, description="Name <address> of who wrote it.")
    license: Text | None = Field(default=None, description="SPDX expression.")
    homepage: Text | None = Field(default=None, description="URL for people.")
    plugin_type: KindWord | None = Field(default=None, description="Word for the plugin's kind.")
    entry_point: Annotated[str, _by_rule(rules.entry_point)] | None = Field(
        default=None, description="Module in the folder, with dots, and an optional :object."
    )
    implements: Annotated[list[SkillImplementation], _unique("implements")] = Field(
        default_factory=list, description="Extensions that the code implements."
    )
    capabilities: Annotated[list[PluginCapability], _unique("capabilities")] = Field(
        default_factory=list, description="What it can do."
    )
    dependencies: Annotated[list[PluginDependency], _unique("dependencies")] = Field(
        default_factory=list, description="Other plugins it needs."
    )
    permissions: PluginPermissions = Field(
        default_factory=PluginPermissions, description="What it asks leave for."
    )
    min_runtime_version: Version | None = Field(
        default=None, description="Lowest version of the host it works with."
    )
    max_runtime_version: MaxVersion = Field(
        default="*", description="Highest version of the host it works with; * is any."
    )
    requires_python: Annotated[str, _by_rule(rules.python_specifier)] | None = Field(
        default=None, description="Python versions it works with, PEP 440."
    )
    requires_api: Texts = Field(
        default_factory=list, description="External services whose settings it needs."
    )
    requires: Annotated[list[str], _by_reader(fields.READERS["requires"])] = Field(
        default_factory=list, description="Python distributions it needs, PEP 508."
    )
    tags: Texts = Field(default_factory=list, description="Words to find it by.")
    config_schema: dict[str, Any] = Field(
        default_factory=dict, description="JSON Schema of its settings."
    )
    compatibility: Text | None = Field(
        default=None, description="What it needs of its surroundings, for people."
    )
    allowed_tools: Text | None = Field(
        default=None, description="What an agent may call while using it (Agent Skills)."
    )
    metadata: dict[str, str] = Field(
        default_factory=dict, description="Other programs' data, as texts."
    )
    source: Literal["SKILL.md", "plugin.json", "SKILL.md+plugin.json"] = Field(
        default="plugin.json", description="File that the manifest was read from."
    )
    config: dict[str, Any] = Field(default_factory=dict, description="Content of config.json.")

    @classmethod
    def from_record(cls, record: Mapping[str, Any], **more: Any) -> Self:
        """Return the model of a normalised manifest (``kurt.manifest/1``).

        :param more: fields of the model that a record does not have.
        :raises pydantic.ValidationError: where the record breaks a rule.
        """
        values = dict(record)
        del values["schema"]
        values["plugin_id"] = values.pop("id")
        values["plugin_type"] = values.pop("type")
        values["description"] = values["description"] or ""
        return cls.model_validate({**values, **more})

    def to_record(self) -> dict[str, Any]:
        """Return the normalised manifest that this is the model of."""
        values = self.model_dump(mode="json", by_alias=True)
        record = fields.blank(self.source)
        values["id"] = values.pop("plugin_id")
        values["type"] = values.pop("plugin_type")
        values["description"] = values["description"] or None
        return {key: values.get(key, default) for key, default in record.items()}


class SkillManifest(PluginMetadata):
    """The manifest of a skill, by the names of the skills document.

    ``name`` is the skill's name; ``plugin_id`` is the same where it is not given.
    """

    model_config = ConfigDict(frozen=False)

    version: Version = Field(default="0.0.0", description="Version, SemVer 2.0.")
    source: Literal["SKILL.md", "plugin.json", "SKILL.md+plugin.json"] = Field(
        default="SKILL.md", description="File that the manifest was read from."
    )
    impl_path: Path | None = Field(
        default=None, description="The skill's code; None for instructions alone."
    )
    body: str = Field(default="", description="Markdown below the front matter.")

    @model_validator(mode="before")
    @classmethod
    def _same_id(cls, values: Any) -> Any:
        if isinstance(values, dict) and "plugin_id" not in values and "name" in values:
            return {**values, "plugin_id": values["name"]}
        return values


class PluginConfig(_Model):
    """How one plugin is to run here: the content of config.json."""

    plugin_id: SkillId = Field(description="Id of the plugin.")
    enabled: bool = Field(default=True, description="Whether it may be loaded.")
    auto_load: bool = Field(default=False, description="Whether it is loaded at start.")
    priority: int = Field(default=100, description="Order of loading; the lowest is first.")
    config: dict[str, Any] = Field(default_factory=dict, description="Its settings.")
    sandbox_config_override: dict[str, Any] = Field(
        default_factory=dict, description="Limits of its isolation that differ here."
    )


class PluginState(_Model):
    """One plugin as the host sees it now."""

    metadata: PluginMetadata = Field(description="Its manifest.")
    status: PluginStatus = Field(
        default=PluginStatus.UNLOADED, description="Where it stands in its life."
    )
    instance: Any = Field(default=None, exclude=True, description="The object it made.")
    config: PluginConfig = Field(description="How it is to run here.")
    error_message: str | None = Field(default=None, description="Why it failed.")

    @model_validator(mode="before")
    @classmethod
    def _own_config(cls, values: Any) -> Any:
        if isinstance(values, dict) and "config" not in values:
            metadata = values.get("metadata")
            if isinstance(metadata, PluginMetadata):
                return {**values, "config": PluginConfig(plugin_id=metadata.plugin_id)}
        return values


class PluginValidationResult(_Value):
    """What the validator found in a plugin."""

    valid: bool = Field(description="Whether the plugin may be used.")
    errors: list[str] = Field(default_factory=list, description="Why it may not.")
    warnings: list[str] = Field(default_factory=list, description="What to look at.")
    security_score: float = Field(ge=0, le=100, description="From 100, harmless, down to 0.")
    risk_level: RiskLevel = Field(description="The score in a word.")

    @model_validator(mode="before")
    @classmethod
    def _derived(cls, values: Any) -> Any:
        if isinstance(values, dict) and "risk_level" not in values:
            score = values.get("security_score")
            if isinstance(score, (int, float)):
                return {**values, "risk_level": cls.risk(score)}
        return values

    @model_validator(mode="after")
    def _agreeing(self) -> Self:
        if self.valid and self.errors:
            raise ValueError("a plugin with errors is not valid")
        if self.risk_level != self.risk(self.security_score):
            raise ValueError(f"a score of {self.security_score:g} is not {self.risk_level} risk")
        return self

    @staticmethod
    def risk(score: float) -> RiskLevel:
        """Return the level of a score: 80 low, 60 medium, 40 high, less is critical."""
        for least, level in _BANDS:
            if score >= least:
                return level
        return "critical"


def plugin_schema() -> dict[str, Any]:
    """Return the JSON Schema (2020-12) of a plugin.json."""
    schema = PluginMetadata.model_json_schema()
    properties = schema["properties"]
    for key in ("source", "config"):
        del properties[key]
    properties["$schema"] = {"type": "string", "description": "URL of this schema."}
    schema["required"] = ["plugin_id", "name", "version", "plugin_type", "entry_point"]
    return _finished(schema, "plugin.json", "Manifest of a plugin.")


def skill_schema() -> dict[str, Any]:
    """Return the JSON Schema (2020-12) of a SKILL.md's front matter, in either form."""
    schema = SkillManifest.model_json_schema()
    found = {"plugin_type": "type", "allowed_tools": "allowed-tools"}
    properties = {found.get(key, key): value for key, value in schema["properties"].items()}
    schema["properties"] = {
        key: properties[key] for key in ("name", *skillmd.KEYS, "metadata") if key in properties
    }
    schema["required"] = ["name", "description"]
    return _finished(schema, "SKILL.md", "Front matter of a skill.")


def _finished(schema: dict[str, Any], title: str, description: str) -> dict[str, Any]:
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **schema,
        "title": title,
        "description": description,
    }
