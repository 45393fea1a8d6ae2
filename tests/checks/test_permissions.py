"""Permissions that are wider than a skill's work are reported where they stand."""

from __future__ import annotations

import json

import pytest

from kurt_ext.checks.permissions import check

from .conftest import Asked, skill_md

CODE = {"skill.py": ""}


def rules(ask: Asked, key: str, value: object) -> list[str]:
    permissions = (
        {key: value, "network_hosts": ["a.example"]} if key != "network_hosts" else {key: value}
    )
    return [f.rule for f in ask(check, {**CODE, "SKILL.md": skill_md(permissions=permissions)})]


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("filesystem_read", "/tmp/cache"),
        ("filesystem_read", "/etc/hosts"),
        ("filesystem_read", "./data"),
        ("filesystem_read", "~/Documents/notes"),
        ("filesystem_write", "/app/data/cache"),
        ("filesystem_write", "/var/lib/report/out"),
        ("filesystem_write", "/var/cache/mine"),
        ("filesystem_write", "./cache"),
        ("filesystem_write", "/home/ann/notes"),
        ("network_hosts", "api.example.com"),
        ("network_hosts", "*.example.com"),
        ("network_hosts", "api.example.com:443"),
        ("network_hosts", "xn--bcher-kva.example"),
        ("network_hosts", "93.184.216.34"),
        ("network_hosts", "[2001:db8::1]:443"),
        ("environment_variables", "CALCULATOR_API_KEY"),
        ("environment_variables", "WEB_ARCHIVER_*"),
        ("environment_variables", "HOME"),
        ("environment_variables", "PATHOLOGY"),
        ("external_apis", "wolfram_alpha"),
        ("system_resources", "gpu"),
        ("processes", "git"),
        ("processes", "/usr/bin/ffmpeg"),
    ],
)
def test_what_is_narrow_is_fine(ask: Asked, key: str, value: str) -> None:
    assert rules(ask, key, [value]) == []


@pytest.mark.parametrize(
    ("key", "value", "rule"),
    [
        ("filesystem_read", "/", "wide-read"),
        ("filesystem_read", "//", "wide-read"),
        ("filesystem_read", "*", "wide-read"),
        ("filesystem_read", "~", "wide-read"),
        ("filesystem_read", "~/**", "wide-read"),
        ("filesystem_read", "/home/", "wide-read"),
        ("filesystem_read", "C:\\", "wide-read"),
        ("filesystem_read", "~/.ssh/id_ed25519", "secret-path"),
        ("filesystem_read", "/home/ann/.AWS/credentials", "secret-path"),
        ("filesystem_read", "/etc/shadow", "secret-path"),
        ("filesystem_read", "../../secrets", "path-climbs"),
        ("filesystem_write", "/etc", "wide-write"),
        ("filesystem_write", "/etc/", "wide-write"),
        ("filesystem_write", "/etc/cron.d/x", "startup-path"),
        ("filesystem_write", "/tmp/../etc/passwd", "wide-write"),
        ("filesystem_write", "/usr/local/bin", "wide-write"),
        ("filesystem_write", "C:\\Windows\\System32", "wide-write"),
        ("filesystem_write", "/", "wide-write"),
        ("filesystem_write", "~/.config/gcloud", "secret-path"),
        ("filesystem_write", "a/../../b", "path-climbs"),
        ("network_hosts", "*", "wide-network"),
        ("network_hosts", "*.com", "wide-network"),
        ("network_hosts", "0.0.0.0/0", "wide-network"),
        ("network_hosts", "https://api.example.com/v1", "not-a-host"),
        ("network_hosts", "api.example.com/v1", "not-a-host"),
        ("network_hosts", "a b", "not-a-host"),
        ("network_hosts", "localhost:8080", "private-host"),
        ("network_hosts", "169.254.169.254", "cloud-metadata"),
        ("network_hosts", "192.168.1.1", "private-host"),
        ("external_apis", "*", "wide-api"),
        ("environment_variables", "*", "wide-environment"),
        ("environment_variables", "AWS_SECRET_ACCESS_KEY", "foreign-secret"),
        ("environment_variables", "aws_secret_access_key", "foreign-secret"),
        ("environment_variables", "GITHUB_TOKEN", "foreign-secret"),
        ("environment_variables", "SSH_AUTH_SOCK", "foreign-secret"),
        ("environment_variables", "LD_PRELOAD", "loader-variable"),
        ("environment_variables", "PYTHONPATH", "loader-variable"),
        ("environment_variables", "MY_DB_PASSWORD", "asks-for-secret"),
        ("system_resources", "*", "wide-resources"),
        ("processes", "*", "wide-processes"),
        ("processes", "/bin/sh", "shell-process"),
        ("processes", "PowerShell.exe", "shell-process"),
        ("processes", "python3.12", "shell-process"),
    ],
)
def test_what_is_wide_is_told(ask: Asked, key: str, value: str, rule: str) -> None:
    assert rules(ask, key, [value]) == [rule]


def test_the_place_is_the_value_in_either_form(ask: Asked) -> None:
    native = "---\nname: web-archiver\ndescription: x\npermissions:\n  network_hosts:\n"
    native += "    - good.example\n    - '*'\n---\n"
    (finding,) = ask(check, {**CODE, "SKILL.md": native})
    assert (finding.path, finding.line) == ("SKILL.md", 7)
    portable = "---\nname: web-archiver\ndescription: x\nmetadata:\n  a: b\n"
    portable += '  kurt/permissions.network-hosts: "good.example *"\n---\n'
    (finding,) = ask(check, {**CODE, "SKILL.md": portable})
    assert (finding.path, finding.line) == ("SKILL.md", 6)


def test_a_plugins_permissions_are_read_alike(ask: Asked) -> None:
    manifest = {
        "plugin_id": "com.example.calc",
        "name": "Calc",
        "version": "1.0.0",
        "description": "Counts.",
        "plugin_type": "tool",
        "entry_point": "main",
        "permissions": {"filesystem_write": ["/etc"]},
    }
    text = json.dumps(manifest, indent=1)
    (finding,) = ask(check, {"plugin.json": text, "main.py": ""})
    line = next(n for n, row in enumerate(text.splitlines(), 1) if "/etc" in row)
    assert (finding.rule, finding.path, finding.line) == ("wide-write", "plugin.json", line)


def test_services_without_hosts_and_native_code_are_small_matters(ask: Asked) -> None:
    permissions = {"external_apis": ["wayback"], "native_code": True}
    found = ask(check, {**CODE, "SKILL.md": skill_md(permissions=permissions)})
    assert [(f.rule, f.severity) for f in found] == [
        ("undocumented-api", "low"),
        ("native-code", "low"),
    ]
