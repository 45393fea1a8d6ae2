"""What ``kurt plugin`` says of each plugin: what the disk says, and what a running host says."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .config_file import fits
from .errors import KurtError
from .listing import extensions

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from .candidates import Candidate
    from .discovery import Discovery
    from .models import PluginMetadata
    from .quarantine import Held

__all__ = [
    "RUNTIME_VERSION",
    "is_plugin",
    "metadata_of",
    "plugins",
    "row",
    "switches",
    "unloadable",
]

#: The version of a host that says nothing else, as `PluginLoader` has it.
RUNTIME_VERSION = "1.0.0"

#: The fields of config.json beside the settings, and what counts where nobody sets them.
_SWITCHES: dict[str, Any] = {"enabled": True, "auto_load": False, "priority": 100}


def is_plugin(candidate: Candidate) -> bool:
    """Return whether a copy of a skill has a life: it has code, or should have and is broken."""
    if candidate.shadowed_by is not None:
        return False
    if candidate.source == "entry_points.txt":
        return False  # a part of a program, without a manifest
    return candidate.code or candidate.state == "broken"


def plugins(discovery: Discovery) -> list[Candidate]:
    """Return the winning copies of all plugins, in the order of discovery."""
    return [candidate for candidate in discovery.winners if is_plugin(candidate)]


def metadata_of(candidates: Iterable[Candidate]) -> list[PluginMetadata]:
    """Return the manifests that can be read."""
    from .admission import plugin_metadata

    found = []
    for candidate in candidates:
        try:
            found.append(plugin_metadata(candidate))
        except (KurtError, OSError, ValueError):
            continue  # `kurt plugin list` says so of the plugin itself
    return found


def unloadable(candidates: Iterable[Candidate], runtime_version: str | None) -> dict[str, str]:
    """Return why plugins cannot be loaded for what they need of each other and of the host, by id.

    :param runtime_version: the host's; None = it says so itself.
    """
    every = list(candidates)
    asked = ("dependencies", "min_runtime_version")
    if not any(_record(candidate).get(key) for candidate in every for key in asked):
        return {}  # most often, and at no cost
    from .loadorder import order

    found = order(metadata_of(every), runtime_version=runtime_version)
    return {name: error.message for name, error in found.unloadable.items()}


def switches(candidate: Candidate, discovery: Discovery) -> dict[str, Any]:
    """Return ``enabled``, ``auto_load`` and ``priority`` of a plugin: config.json, then kurt.toml.

    A value that is of the wrong kind counts for nothing here; loading tells of it.
    """
    found = dict(_SWITCHES)
    for table in (_record(candidate).get("config") or {}, discovery.config.plugin(candidate.name)):
        found |= {key: table[key] for key in found if key in table and fits(key, table[key])}
    return found


def row(
    candidate: Candidate,
    discovery: Discovery,
    *,
    held: Held | None = None,
    life: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """Return the object that stands for a plugin in ``kurt.plugin.list/1``.

    :param held: why it is held back after failures; None where it is not.
    :param life: what a running host says of it.
    """
    record = _record(candidate)
    chosen = switches(candidate, discovery)
    enabled, why = chosen["enabled"], "" if chosen["enabled"] else "enabled = false"
    offered = extensions(candidate, discovery.config, discovery.opt_in)
    if enabled and offered and not any(item["enabled"] for item in offered):
        enabled, why = False, offered[0]["reason"]
    if candidate.state != "ready":
        enabled, why = False, candidate.reason or candidate.state
    return {
        "plugin_id": candidate.name,
        "title": candidate.title,
        "version": candidate.version,
        "type": record.get("type"),
        "scope": candidate.scope,
        "location": candidate.location,
        "state": candidate.state,
        "enabled": enabled,
        "why_not": why or None,
        "auto_load": chosen["auto_load"],
        "priority": chosen["priority"],
        "dependencies": record.get("dependencies") or [],
        "held_back": held.as_dict() if held else None,
        "status": life["status"] if life else "unloaded",
        "life": dict(life) if life else None,
    }


def _record(candidate: Candidate) -> dict[str, Any]:
    try:
        return candidate.record()
    except (KurtError, OSError, ValueError):
        return {}  # its findings say what is wrong with it
