"""Manifests as files hold them: the documents' own, and the portable form."""

from __future__ import annotations

from typing import Any

SEED = """\
---
name: web-archiver
version: 0.1.0
author: Example <user@example.com>
description: Archive web pages to Internet Archive
tags: [web, archival, automation]
requires_python: ">=3.10"
requires_api: [wayback]
implements:
  - type: kind
    class: WebArchiver
    name: archive
---

# Web Archiver
"""
PORTABLE = """\
---
name: web-fetch
description: Fetches a web page and returns clean Markdown. Use when the user gives a URL.
license: Apache-2.0
compatibility: Requires Python 3.11+
allowed-tools: Read Bash(python:*)
metadata:
  version: "1.4.0"
  author: "Example Org"
  kurt/type: "kind"
  kurt/entry-point: "skill:fetch"
  kurt/requires: "kurt-ext>=1.0,<2 httpx>=0.28"
  kurt/permissions.network-hosts: "api.example.com:443 *.example.org:443"
  kurt/permissions.filesystem-write: ""
  kurt/permissions.native-code: "true"
  other/key: "kept"
---
"""
PLUGIN: dict[str, Any] = {
    "plugin_id": "com.example.calculator",
    "name": "Calculator Plugin",
    "version": "1.2.3",
    "description": "Advanced calculator with scientific functions",
    "author": "John Doe",
    "license": "MIT",
    "homepage": "https://github.com/user/calculator",
    "plugin_type": "kind",
    "entry_point": "calculator.main",
    "capabilities": [
        {
            "name": "arithmetic",
            "description": "Basic arithmetic operations",
            "version": "1.0.0",
            "parameters": {"type": "object", "properties": {"x": {"type": "number"}}},
        }
    ],
    "dependencies": [
        {
            "plugin_id": "com.example.mathlib",
            "version_constraint": ">=2.0.0",
            "optional": False,
        }
    ],
    "permissions": {
        "filesystem_read": ["/tmp/cache"],
        "network_hosts": ["api.calculator.com"],
        "external_apis": ["wolfram_alpha"],
        "environment_variables": ["CALCULATOR_API_KEY"],
    },
    "min_runtime_version": "1.0.0",
    "max_runtime_version": "*",
    "tags": ["math", "calculator", "scientific"],
    "config_schema": {"type": "object", "properties": {"p": {"type": "integer", "default": 10}}},
}


BOTH: dict[str, Any] = {
    "plugin_id": "org.example.web-archiver",
    "name": "Web Archiver",
    "version": "0.1.0",
    "description": "Archive web pages to Internet Archive",
    "author": "Example <user@example.com>",
    "plugin_type": "kind",
    "entry_point": "skill",
    "homepage": "https://example.org",
    "permissions": {"network_hosts": ["web.archive.org"]},
}
