"""What a skill ships as its configuration leaves the host's supervision alone."""

from __future__ import annotations

import json
from typing import Any

import pytest

from kurt_ext.checks.configuration import check

from .conftest import Asked

PLUGIN = {
    "plugin_id": "com.example.calc",
    "name": "Calc",
    "version": "1.0.0",
    "plugin_type": "custom",
    "entry_point": "main",
}


def severities(ask: Asked, config: Any, plugin: Any = PLUGIN) -> list[str]:
    files = {"plugin.json": json.dumps(plugin), "config.json": json.dumps(config), "main.py": ""}
    return [f.severity for f in ask(check, files)]


@pytest.mark.parametrize(
    "config",
    [
        {"sandbox_config_override": {"enabled": False}},
        {"sandbox_config_override": {"network": "allow"}},
        {"sandbox_config_override": {"max_execution_time_seconds": 0}},
        {"sandbox_config_override": {"limits": {"max_memory_mb": -1}}},
        {"sandbox": False},
        {"sandbox": {"mode": "off"}},
        {"config": {"isolation": "none"}},
        {"config": {"autoApprove": True}},
        {"config": {"nested": {"skip_validation": True}}},
        {"validate": False},
        {"trusted": True},
        {"permissions": {"network_hosts": ["*"]}},
        {"disable_sandbox": "yes"},
    ],
)
def test_what_loosens_supervision_is_critical(ask: Asked, config: Any) -> None:
    assert set(severities(ask, config)) == {"critical"}


@pytest.mark.parametrize(
    "config",
    [
        {"sandbox_config_override": {"max_execution_time_seconds": 10}},
        {"sandbox_config_override": {"enabled": True, "max_memory_mb": 64}},
        {"enabled": False, "auto_load": True, "priority": 5},
        {"config": {"precision": 4, "mode": "off", "verify_ssl": False}},
        {"config": {"api_key": "env:CALC_KEY", "token": "YOUR_TOKEN_HERE"}},
        {"config": {"max_items": 0, "trusted": False, "password": ""}},
        {"config": {"auto_approve": False}},
    ],
)
def test_what_does_not_is_fine(ask: Asked, config: Any) -> None:
    assert severities(ask, config) == []


def test_a_manifest_may_not_either(ask: Asked) -> None:
    assert severities(ask, {}, {**PLUGIN, "trusted": True}) == ["critical"]


@pytest.mark.parametrize(
    "config",
    [
        {"config": {"api_key": "a8f5f167f44f4964e6c998dee827110c"}},
        {"config": {"anything": "ghp_" + "a1" * 18}},
    ],
)
def test_a_secret_that_is_shipped_is_told(ask: Asked, config: Any) -> None:
    assert severities(ask, config) == ["medium"]
