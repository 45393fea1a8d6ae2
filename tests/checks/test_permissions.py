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
        ("filesystem_read", "/proc/cpuinfo"),
        ("filesystem_read", "/usr/share/zoneinfo"),
        ("filesystem_read", "data/*.csv"),
        ("filesystem_read", "~/notes/**"),
        ("filesystem_write", "$HOME/notes"),
        ("filesystem_write", "D:\\work\\out"),
        ("filesystem_write", "/dev/null"),
        ("network_hosts", "*.api.example.co.uk"),
        ("environment_variables", "SLACK_CHANNEL"),
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
        ("filesystem_read", "/*/.ssh", "wide-read"),
        ("filesystem_read", "/home/*/x", "wide-read"),
        ("filesystem_read", "/home/ann", "wide-read"),
        ("filesystem_read", "~root", "wide-read"),
        ("filesystem_read", "%USERPROFILE%", "wide-read"),
        ("filesystem_read", "\\\\?\\C:\\Windows", "wide-read"),
        ("filesystem_read", "\\\\server\\share", "wide-read"),
        ("filesystem_read", "/var/run/docker.sock", "secret-path"),
        ("filesystem_read", "/proc/*/environ", "wide-read"),
        ("filesystem_read", "%APPDATA%", "path-variable"),
        ("filesystem_read", "$DATA/x", "path-variable"),
        ("filesystem_read", "\uff0f", "wide-read"),
        ("filesystem_read", "data\u2215..\u2215x", "path-deceives"),
        ("filesystem_write", "~/.bashrc", "startup-path"),
        ("filesystem_write", "~/.config/autostart/x", "startup-path"),
        ("filesystem_write", "/tmp", "wide-write"),
        ("network_hosts", "*.co.uk", "wide-network"),
        ("network_hosts", "*.github.io", "wide-network"),
        ("network_hosts", "api.*", "wide-network"),
        ("network_hosts", "10.0.0.0/8", "wide-network"),
        ("network_hosts", "2852039166", "cloud-metadata"),
        ("network_hosts", "metadata.google.internal:80", "cloud-metadata"),
        ("environment_variables", "*_TOKEN", "wide-environment"),
        ("environment_variables", "A*", "wide-environment"),
        ("environment_variables", "AWS_*", "foreign-secret"),
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


@pytest.mark.parametrize(
    ("key", "value", "severity"),
    [
        ("filesystem_read", "/", "high"),
        ("filesystem_write", "/etc", "high"),
        ("filesystem_read", "~/.ssh", "high"),
        ("filesystem_write", "C:\\", "high"),
        ("filesystem_write", "/tmp", "medium"),
        ("network_hosts", "*", "high"),
        ("network_hosts", "localhost", "medium"),
        ("external_apis", "*", "high"),
        ("environment_variables", "*", "high"),
        ("environment_variables", "AWS_SECRET_ACCESS_KEY", "medium"),
        ("system_resources", "*", "high"),
        ("processes", "*", "high"),
        ("processes", "bash", "high"),
        ("processes", "python3", "medium"),
    ],
)
def test_a_list_that_covers_everything_stops_the_skill(
    ask: Asked, key: str, value: str, severity: str
) -> None:
    """P36: what is declared too widely is told, and what covers everything is an error."""
    permissions = {key: [value]}
    found = ask(check, {**CODE, "SKILL.md": skill_md(permissions=permissions)})
    assert found[0].severity == severity


def test_a_key_to_a_service_is_due_where_the_service_is_named(ask: Asked) -> None:
    permissions = {
        "network_hosts": ["s3.eu-west-1.amazonaws.com"],
        "environment_variables": ["AWS_SECRET_ACCESS_KEY"],
    }
    (finding,) = ask(check, {**CODE, "SKILL.md": skill_md(permissions=permissions)})
    assert (finding.rule, finding.severity) == ("foreign-secret", "low")


def test_permissions_of_a_manifest_that_is_refused_are_judged_too(ask: Asked) -> None:
    text = '{"plugin_id": "x", "permissions": {"network_hosts": ["*"]}} trailing'
    assert [f.rule for f in ask(check, {"plugin.json": text})] == ["wide-network"]
