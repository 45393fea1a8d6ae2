"""The nouns of the two documents as pydantic models.

A model accepts what the manifest's reader accepts, and by the same functions: a rule
stands in `rules`, `versions` or `fields`, and nowhere a second time. Unlike the
reader a model is strict: an unknown field or a number for a text is an error.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import (
    ConfigDict,
    Field,
    PlainValidator,
    PrivateAttr,
    WithJsonSchema,
    computed_field,
    field_serializer,
    model_validator,
)

from . import fields, rules, skillmd
from .annotated import (
    ClassPath,
    Constraint,
    Description,
    EntryPoint,
    ExtensionName,
    MaxVersion,
    Model,
    PythonSpecifier,
    Requirements,
    SkillId,
    Text,
    Texts,
    Value,
    Version,
    unique,
)
from .contract import Usage
from .errors import ManifestError
from .lifecycle import PluginStatus

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


RiskLevel = Literal["low", "medium", "high", "critical"]
#: The lowest score of each level (plugin document, "Security Score & Risk Level").
_BANDS: tuple[tuple[float, RiskLevel], ...] = ((80, "low"), (60, "medium"), (40, "high"))

#: The last one for a distribution that offers entry points and has no manifest.
Source = Literal["SKILL.md", "plugin.json", "SKILL.md+plugin.json", "entry_points.txt"]

_WORD = "^[a-z][a-z0-9_]*$"


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


KindWord = Annotated[
    PluginType | str,
    PlainValidator(_kind),
    WithJsonSchema({"type": "string", "pattern": _WORD}),
]


class PluginCapability(Value):
    """One thing that a plugin can do, callable as ``SKILL:CAPABILITY``."""

    name: ExtensionName = Field(description="What it is called by.")
    description: Description = Field(default="", description="What it does, for people and models.")
    version: Version = Field(default="1.0.0", description="Version of its behaviour, SemVer.")
    parameters: dict[str, Any] = Field(
        default_factory=dict, description="JSON Schema of its arguments."
    )


class PluginDependency(Value):
    """Another plugin that a plugin needs."""

    plugin_id: SkillId = Field(description="Id of the other plugin.")
    version_constraint: Constraint = Field(
        default="*", description="Versions that will do, such as >=2.0.0,<3.0.0."
    )
    optional: bool = Field(default=False, description="Whether it may be absent.")


class PluginPermissions(Value):
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


class SkillImplementation(Value):
    """One extension that a skill's code implements."""

    type: KindWord = Field(description="Word for what it is.")
    class_: ClassPath = Field(alias="class", description="Class in the skill's module.")
    name: ExtensionName = Field(description="Name of the extension.")


class PluginMetadata(Value):
    """A manifest, whichever file it was written in."""

    plugin_id: SkillId = Field(description="Id: a skill's name, or reverse DNS.")
    name: Text = Field(min_length=1, description="Title for people.")
    version: Version = Field(description="Version, SemVer 2.0.")
    description: Description = Field(default="", description="What it does and when to use it.")
    author: Text | None = Field(default=None, description="Name <address> of who wrote it.")
    license: Text | None = Field(default=None, description="SPDX expression.")
    homepage: Text | None = Field(default=None, description="URL for people.")
    plugin_type: KindWord | None = Field(default=None, description="Word for the plugin's kind.")
    entry_point: EntryPoint | None = Field(
        default=None, description="Module in the folder, with dots, and an optional :object."
    )
    implements: Annotated[list[SkillImplementation], unique("implements")] = Field(
        default_factory=list, description="Extensions that the code implements."
    )
    capabilities: Annotated[list[PluginCapability], unique("capabilities")] = Field(
        default_factory=list, description="What it can do."
    )
    dependencies: Annotated[list[PluginDependency], unique("dependencies")] = Field(
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
    requires_python: PythonSpecifier | None = Field(
        default=None, description="Python versions it works with, PEP 440."
    )
    requires_api: Texts = Field(
        default_factory=list, description="External services whose settings it needs."
    )
    requires: Requirements = Field(
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
    source: Source = Field(
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
    source: Source = Field(default="SKILL.md", description="File that the manifest was read from.")
    impl_path: Path | None = Field(
        default=None, description="The file of the skill's code, where it has one of its own."
    )
    body: str = Field(default="", description="Markdown below the front matter.")

    @model_validator(mode="before")
    @classmethod
    def _same_id(cls, values: Any) -> Any:
        if isinstance(values, dict) and "plugin_id" not in values and "name" in values:
            return {**values, "plugin_id": values["name"]}
        return values


class PluginConfig(Model):
    """How one plugin is to run here: the content of config.json."""

    plugin_id: SkillId = Field(description="Id of the plugin.")
    enabled: bool = Field(default=True, description="Whether it may be loaded.")
    auto_load: bool = Field(default=False, description="Whether it is loaded at start.")
    priority: int = Field(default=100, description="Order of loading; the lowest is first.")
    config: dict[str, Any] = Field(default_factory=dict, description="Its settings.")
    sandbox_config_override: dict[str, Any] = Field(
        default_factory=dict, description="Limits of its isolation that differ here."
    )


class PluginState(Model):
    """One plugin as the host sees it now; the loader keeps it true while the plugin lives.

    Reading ``instance`` is a use, as is each call by name: both are counted.
    """

    metadata: PluginMetadata = Field(description="Its manifest.")
    status: PluginStatus = Field(
        default=PluginStatus.UNLOADED, description="Where it stands in its life."
    )
    instance: Any = Field(default=None, exclude=True, description="The object it made.")
    config: PluginConfig = Field(description="How it is to run here.")
    error_message: str | None = Field(default=None, description="Why it failed.")
    error_traceback: str | None = Field(
        default=None, description="Where it failed, as Python tells it."
    )
    way_back: str | None = Field(default=None, description="What to do about it, to paste.")
    generation: int = Field(
        default=0, description="How often its code was imported; a reload adds one."
    )
    loaded_at: datetime | None = Field(default=None, description="When it was loaded last.")
    load_ms: float = Field(default=0.0, description="How long that took, in milliseconds.")

    _usage: Usage = PrivateAttr(default_factory=Usage)

    def __getattribute__(self, name: str) -> Any:
        if name == "instance":
            found = super().__getattribute__("__dict__").get("instance")
            if found is not None:
                super().__getattribute__("__pydantic_private__")["_usage"].note()
            return found
        return super().__getattribute__(name)

    @field_serializer("config")
    def _without_secrets(self, config: PluginConfig) -> dict[str, Any]:
        # A state is told to others: logged, shown, sent. The configuration by itself is not.
        from .settings import hide

        return {**config.model_dump(exclude={"config"}), "config": hide(config.config)}

    @computed_field(description="How often it was used.")  # type: ignore[prop-decorator]
    @property
    def usage_count(self) -> int:
        """How often its instance was asked for, or one of its extensions was called."""
        return self._usage.count

    @computed_field(description="When it was used last.")  # type: ignore[prop-decorator]
    @property
    def last_used(self) -> datetime | None:
        """When that happened last, in UTC; None where it never did."""
        return datetime.fromtimestamp(self._usage.last, UTC) if self._usage.last else None

    @model_validator(mode="before")
    @classmethod
    def _own_config(cls, values: Any) -> Any:
        if isinstance(values, dict) and "config" not in values:
            metadata = values.get("metadata")
            if isinstance(metadata, PluginMetadata):
                return {**values, "config": PluginConfig(plugin_id=metadata.plugin_id)}
        return values


class PluginValidationResult(Value):
    """What the validator found in a plugin."""

    valid: bool = Field(description="Whether the plugin may be used.")
    errors: list[str] = Field(default_factory=list, description="Why it may not.")
    warnings: list[str] = Field(default_factory=list, description="What to look at.")
    security_score: float = Field(ge=0, le=100, description="From 100, harmless, down to 0.")
    risk_level: RiskLevel = Field(description="The score in a word.")
    findings: list[dict[str, Any]] = Field(
        default_factory=list, description="Rule, category, severity, place, evidence and fix."
    )
    score_breakdown: dict[str, Any] = Field(
        default_factory=dict, description="What the score is made of."
    )
    uses: list[dict[str, Any]] = Field(
        default_factory=list, description="What the code uses of the world, and where."
    )
    declared: dict[str, Any] = Field(
        default_factory=dict, description="The permissions of the manifest."
    )
    complete: bool = Field(default=True, description="Whether everything was looked into.")
    digests: dict[str, str] = Field(
        default_factory=dict, description="The sha256 of every file that was read, by its path."
    )

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
