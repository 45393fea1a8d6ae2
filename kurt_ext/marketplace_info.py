"""A plugin as a marketplace lists it, in the words of the plugin document."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import Field

from .annotated import Value

__all__ = ["PluginMarketplaceInfo", "info_of"]


class PluginMarketplaceInfo(Value):
    """A plugin as a marketplace lists it."""

    plugin_id: str = Field(description="Its id.")
    name: str = Field(description="Title for people.")
    version: str = Field(description="Newest version that is offered.")
    description: str = Field(default="", description="What it does.")
    author: str | None = Field(default=None, description="Who publishes it.")
    plugin_type: str | None = Field(default=None, description="Word for its kind.")
    tags: list[str] = Field(default_factory=list, description="Words to find it by.")
    permissions: list[str] = Field(
        default_factory=list, description="Names of the permissions that it asks for."
    )
    security_score: int | None = Field(default=None, description="0 to 100.")
    downloads: int | None = Field(
        default=None, description="How often it was downloaded; a static index does not know."
    )
    rating: float | None = Field(default=None, description="0 to 5, where anybody rates.")
    status: str = Field(default="active", description="Whether it is looked after (PEP 792).")


def info_of(row: Mapping[str, Any]) -> PluginMarketplaceInfo:
    """Return a row of a marketplace's index as the model of the documents."""
    return PluginMarketplaceInfo(
        plugin_id=row["id"],
        name=row["title"],
        version=row.get("latest") or "0.0.0",
        description=row.get("summary", ""),
        author=row["publisher"],
        plugin_type=row.get("type"),
        tags=row.get("tags", []),
        permissions=row.get("permissions", []),
        security_score=row.get("score"),
        downloads=row.get("downloads"),
        rating=row.get("rating"),
        status=row.get("status", "active"),
    )
