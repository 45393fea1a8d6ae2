"""Records as `manifest.read` returns them, for tests of what comes after it."""

from __future__ import annotations

from typing import Any


def record(name: str = "web-archiver", **fields: Any) -> dict[str, Any]:
    """Return the record of a skill with one extension, ``fields`` in place of its own."""
    plain: dict[str, Any] = {
        "schema": "kurt.manifest/1",
        "id": name,
        "name": name,
        "version": "0.1.0",
        "description": "Archive web pages",
        "author": "Example <user@example.com>",
        "license": "MIT",
        "homepage": None,
        "tags": ["web", "archival"],
        "type": None,
        "entry_point": None,
        "implements": [{"type": "tool", "class": "Archive", "name": "archive"}],
        "capabilities": [],
        "dependencies": [],
        "requires_python": ">=3.10",
        "requires_api": [],
        "requires": [],
        "permissions": {
            "filesystem_read": [],
            "filesystem_write": [],
            "network_hosts": [],
            "external_apis": [],
            "environment_variables": [],
            "system_resources": [],
            "processes": [],
            "native_code": False,
        },
        "min_runtime_version": None,
        "max_runtime_version": "*",
        "config_schema": {},
        "compatibility": None,
        "allowed_tools": None,
        "metadata": {},
        "source": "SKILL.md",
        "config": {},
    }
    unknown = set(fields) - set(plain)
    assert not unknown, unknown
    return plain | fields
