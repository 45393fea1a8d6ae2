"""The manifest as a model, for code that is handed one."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

__all__ = [
    "PluginCapability",
    "PluginDependency",
    "PluginMetadata",
    "PluginPermissions",
    "PluginType",
]


class PluginType(StrEnum):
    """What a plugin extends."""

    TOOL = "tool"
    ENGINE = "engine"
    MIDDLEWARE = "middleware"
    INTEGRATION = "integration"
    CUSTOM = "custom"


class _Model(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class PluginCapability(_Model):
    """One thing a plugin can do; callable as ``PLUGIN:CAPABILITY``."""

    name: str
    description: str = ""
    version: str = "1.0.0"
    parameters: dict[str, Any] = Field(default_factory=dict, description="JSON Schema")


class PluginDependency(_Model):
    """Another plugin that one needs."""

    plugin_id: str
    version_constraint: str = "*"
    optional: bool = False


class PluginPermissions(_Model):
    """What a plugin says it touches; an absent list is none."""

    filesystem_read: list[str] = Field(default_factory=list)
    filesystem_write: list[str] = Field(default_factory=list)
    network_hosts: list[str] = Field(default_factory=list)
    external_apis: list[str] = Field(default_factory=list)
    environment_variables: list[str] = Field(default_factory=list)
    system_resources: list[str] = Field(default_factory=list)
    processes: list[str] = Field(default_factory=list)
    native_code: bool = False


class PluginMetadata(_Model):
    """What a plugin's manifest says, whichever way it is spelled."""

    plugin_id: str
    name: str
    version: str = "0.0.0"
    description: str = ""
    author: str = ""
    license: str | None = None
    homepage: str | None = None
    plugin_type: PluginType | str | None = None
    entry_point: str | None = None
    capabilities: list[PluginCapability] = Field(default_factory=list)
    dependencies: list[PluginDependency] = Field(default_factory=list)
    permissions: PluginPermissions = Field(default_factory=PluginPermissions)
    min_runtime_version: str | None = None
    max_runtime_version: str = "*"
    tags: list[str] = Field(default_factory=list)
    config_schema: dict[str, Any] = Field(default_factory=dict)

    @classmethod
    def from_record(cls, record: Mapping[str, Any]) -> PluginMetadata:
        """Return the metadata of a normalised manifest (``kurt.manifest/1``).

        :raises pydantic.ValidationError: when the record is not in that form.
        """
        taken = {name: record[name] for name in cls.model_fields if record.get(name) is not None}
        return cls.model_validate(
            {**taken, "plugin_id": record["id"], "plugin_type": record["type"]}
        )
