"""What a run used is told beside what is declared, with the block that would fit."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import pytest

from kurt_ext.grants import Grants
from kurt_ext.output import Page
from kurt_ext.permission_blocks import as_yaml
from kurt_ext.sandbox.trace import Trace, report

HOME = "/home/ada"
FOLDER = "/skills/archiver"
DECLARED: dict[str, Any] = {
    "filesystem_read": ["/data", "~/notes"],
    "filesystem_write": ["~/out"],
    "network_hosts": ["*.example.com", "other.example:8443"],
    "external_apis": ["openai"],
    "environment_variables": ["APP_*"],
    "processes": ["git"],
    "system_resources": ["gpu"],
    "native_code": True,
}


def traced(permissions: dict[str, Any], uses: dict[tuple[str, str], bool]) -> Trace:
    return report(Grants.of(permissions), uses, FOLDER, home=HOME)


def page_of(trace: Trace) -> str:
    stream = io.StringIO()
    trace.write(Page(stream))
    return stream.getvalue()


def test_each_entry_has_what_it_was_used_for() -> None:
    trace = traced(
        DECLARED,
        {
            ("filesystem_read", "/data/a.csv"): True,
            ("filesystem_read", f"{HOME}/out/old"): True,
            ("filesystem_write", f"{HOME}/out/new"): True,
            ("network_hosts", "eu.example.com:443"): True,
            ("network_hosts", "api.openai.com:443"): True,
            ("environment_variables", "APP_KEY"): True,
            ("environment_variables", "HOME"): True,
            ("processes", "/usr/bin/git"): True,
            ("native_code", "libm.so.6"): True,
        },
    )
    assert {(one.key, one.entry): one.targets for one in trace.used} == {
        ("filesystem_read", "/data"): ("/data/a.csv",),
        ("filesystem_write", "~/out"): (f"{HOME}/out/new", f"{HOME}/out/old"),
        ("network_hosts", "*.example.com"): ("eu.example.com:443",),
        ("external_apis", "openai"): ("api.openai.com:443",),
        ("environment_variables", "APP_*"): ("APP_KEY",),
        ("processes", "git"): ("/usr/bin/git",),
        ("native_code", "true"): ("libm.so.6",),
    }
    assert [(one.key, one.entry) for one in trace.unused] == [
        ("filesystem_read", "~/notes"),
        ("network_hosts", "other.example:8443"),
    ]
    assert trace.undeclared == ()
    assert "not used in this run" in page_of(trace) and "to allow it" not in page_of(trace)


@pytest.mark.parametrize(
    ("key", "target", "entry"),
    [
        ("filesystem_read", "/etc/passwd", "/etc/passwd"),
        ("filesystem_read", f"{HOME}/.ssh/id", "~/.ssh/id"),
        ("filesystem_write", f"{FOLDER}/cache", "./cache"),
        ("network_hosts", "api.evil.example:443", "api.evil.example"),
        ("network_hosts", "api.evil.example:8080", "api.evil.example:8080"),
        ("network_hosts", "[::1]:443", "[::1]"),
        ("environment_variables", "API_KEY", "API_KEY"),
        ("processes", "/bin/sh", "sh"),
        ("processes", "/opt/x/ffmpeg", "/opt/x/ffmpeg"),
        ("processes", "ffmpeg", "ffmpeg"),
        ("native_code", "libm.so.6", "true"),
        ("system_resources", "process 1", ""),
        ("network_hosts", "no host at all", ""),
    ],
)
def test_what_was_refused_has_the_entry_that_would_allow_it(
    key: str, target: str, entry: str
) -> None:
    trace = traced({}, {(key, target): False})
    (asked,) = trace.undeclared
    assert tuple(asked) == (key, target, entry)
    allowed = Grants.of(trace.permissions)
    if entry:
        assert allowed.covers(key, target, folder=FOLDER, home=HOME)
        assert report(allowed, {(key, target): False}, FOLDER, home=HOME).undeclared == ()
        assert trace.block in page_of(trace).replace("\n  ", "\n")
    else:
        assert trace.permissions == {} and "no permission allows it" in page_of(trace)


def test_many_files_of_a_folder_are_asked_for_by_the_folder() -> None:
    uses = {("filesystem_read", f"/srv/pages/{n}.html"): False for n in range(5)}
    uses |= {("filesystem_read", f"/srv/{n}"): False for n in range(5)}
    trace = traced({}, uses)
    assert trace.permissions == {
        "filesystem_read": ["/srv/0", "/srv/1", "/srv/2", "/srv/3", "/srv/4", "/srv/pages"]
    }


def test_the_block_keeps_what_is_declared_and_adds_what_was_asked_for() -> None:
    trace = traced(
        {"filesystem_read": ["/data"], "network_hosts": ["a.example"]},
        {("network_hosts", "b.example:443"): False, ("filesystem_write", "/out/x"): False,
         ("filesystem_read", "/out/x"): False},
    )  # fmt: skip
    assert trace.permissions == {
        "filesystem_read": ["/data"],
        "filesystem_write": ["/out/x"],
        "network_hosts": ["a.example", "b.example"],
    }
    assert trace.block + "\n" == as_yaml(trace.permissions)


def test_the_block_has_the_form_of_the_manifest(tmp_path: Path) -> None:
    uses = [("processes", "git", False)]
    (tmp_path / "plugin.json").write_text("{}")
    assert report(Grants(), uses, str(tmp_path)).block.startswith('"permissions": {')
    (tmp_path / "SKILL.md").write_text("")
    assert report(Grants(), uses, str(tmp_path)).block == 'permissions:\n  processes:\n    - "git"'


def test_what_every_worker_has_is_no_use() -> None:
    trace = traced(
        {},
        {("environment_variables", "TMPDIR"): True, ("filesystem_read", "/usr/lib/x"): True},
    )
    assert trace == Trace((), (), (), {}, False)
    assert "nothing was used" in page_of(trace)


def test_what_the_manifest_allows_and_a_setting_narrowed_is_not_asked_for_again() -> None:
    trace = traced({"processes": ["git"]}, {("processes", "git"): False})
    assert trace.undeclared == ()


def test_it_is_data() -> None:
    trace = traced(DECLARED, {("processes", "git"): True, ("processes", "sh"): False})
    data = json.loads(json.dumps(trace.as_dict()))
    assert data["used"][0] == {"list": "processes", "entry": "git", "targets": ["git"]}
    assert data["undeclared"] == [{"list": "processes", "target": "sh", "entry": "sh"}]
    assert {"list": "filesystem_read", "entry": "/data"} in data["unused"]
    assert data["permissions"]["processes"] == ["git", "sh"]
