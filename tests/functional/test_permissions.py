"""Permissions, as a user works them out, compares them and reads them."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path
from typing import Any

import pytest

from .conftest import Run, distribution, write_skill

CODE = """\
import os
import subprocess
import urllib.request
from pathlib import Path

HERE = Path(__file__).parent
BASE = "https://api.example.com/v1"


def fetch(region, name):
    limits = (HERE / "limits.json").read_text()
    urllib.request.urlopen(BASE + "/pages")
    urllib.request.urlopen(f"https://{region}.cdn.example.com/")
    Path("/var/lib/archive", name).write_text(os.getenv("ARCHIVE_KEY"))
    subprocess.run(["gzip", "/var/lib/archive/all"])
    return limits
"""
NEEDED = {
    "filesystem_write": ["/var/lib/archive"],
    "network_hosts": ["*.cdn.example.com", "api.example.com"],
    "environment_variables": ["ARCHIVE_KEY"],
    "processes": ["gzip"],
}


def plugin(folder: Path, permissions: dict[str, Any] | None = None, code: str = CODE) -> Path:
    """Write a plugin and return its folder."""
    folder.mkdir(parents=True, exist_ok=True)
    manifest = {
        "plugin_id": "com.example.archive",
        "name": "Archive",
        "version": "1.0.0",
        "plugin_type": "tool",
        "entry_point": "archive",
        "description": "Archives pages; use it when one must be kept.",
        "author": "Ada <ada@example.com>",
    }
    if permissions is not None:
        manifest["permissions"] = permissions  # type: ignore[assignment]
    (folder / "plugin.json").write_text(json.dumps(manifest, indent=4) + "\n")
    (folder / "archive.py").write_text(code)
    return folder


def wheel(path: Path, permissions: dict[str, Any]) -> Path:
    """Write what counts of a skill's wheel."""
    with zipfile.ZipFile(path, "w") as archive:
        record = {"id": "archive", "permissions": permissions}
        archive.writestr("archive-1.0.dist-info/kurt.json", json.dumps(record))
        archive.writestr("kurt_skills/archive/kurt.json", "{}")
    return path


def test_what_a_plugin_needs_is_printed_as_its_manifest_has_it(here: Run, project: Path) -> None:
    ran = here("permissions", "infer", str(plugin(project / "archive")))
    assert ran.code == 0, ran.err
    block, _, rest = ran.out.partition("}\n")
    assert json.loads("{" + block + "}}") == {"permissions": NEEDED}
    assert "# not proven: archive.py:13: urllib.request.urlopen" in rest
    assert "# not proven: archive.py:14: " in rest


def test_what_a_skill_needs_is_printed_as_front_matter(here: Run, project: Path) -> None:
    folder = write_skill(project, "archive", code=CODE)
    ran = here("permissions", "infer", str(folder / "SKILL.md"))
    assert ran.out.startswith('permissions:\n  filesystem_write:\n    - "/var/lib/archive"\n')


def test_as_json_it_has_reasons_and_what_is_not_proven(here: Run, project: Path) -> None:
    folder = plugin(project / "archive", {"network_hosts": ["*.example.com"]})
    data = here("permissions", "infer", str(folder), "--json").data
    assert data["permissions"] == NEEDED
    assert [note["at"] for note in data["unproven"]] == ["archive.py:13", "archive.py:14"]
    assert {"list": "processes", "entry": "gzip", "at": ["archive.py:15"]} in data["reasons"]
    assert {row["list"] for row in data["missing"]} == {
        "filesystem_write",
        "environment_variables",
        "processes",
    }
    assert data["written"] == []


def test_what_is_written_is_what_is_needed_and_is_stable(here: Run, project: Path) -> None:
    folder = plugin(project / "archive", {"processes": ["rm"], "native_code": True})
    before = json.loads((folder / "plugin.json").read_text())
    ran = here("permissions", "infer", "--write", str(folder))
    assert "Wrote the permissions into archive/plugin.json" in ran.out
    text = (folder / "plugin.json").read_text()
    assert json.loads(text) == {**before, "permissions": NEEDED}
    assert '\n        "processes": ["gzip"]\n    }' in text
    assert "says so already" in here("permissions", "infer", "--write", str(folder)).out
    assert (folder / "plugin.json").read_text() == text


def test_written_into_a_skill_what_is_not_proven_is_a_comment(here: Run, project: Path) -> None:
    folder = write_skill(project, "archive", code=CODE)
    assert here("permissions", "infer", "--write", str(folder)).code == 0
    text = (folder / "SKILL.md").read_text()
    assert "  # not proven: skill.py:13: urllib.request.urlopen" in text
    assert here("permissions", "show", str(folder), "--json").data["permissions"] == {
        "filesystem_read": [],
        "external_apis": [],
        "system_resources": [],
        "native_code": False,
        **NEEDED,
    }


def test_what_cannot_be_read_is_a_warning(here: Run, project: Path) -> None:
    folder = plugin(project / "archive")
    (folder / "broken.py").write_text("def (")
    found = here("permissions", "infer", str(folder), "--json").envelope
    assert found["data"]["permissions"] == NEEDED
    assert [w["path"] for w in found["warnings"]] == ["broken.py"]


def test_reasons_are_told_where_more_is_asked_for(here: Run, project: Path) -> None:
    ran = here("permissions", "infer", str(plugin(project / "archive")), "-v")
    assert "# processes: gzip: archive.py:15\n" in ran.out


def test_nothing_is_inferred_of_nothing(here: Run, project: Path) -> None:
    assert here("permissions", "infer", "nowhere").code == 3
    assert here("permissions", "infer", str(project)).code == 3
    folder = plugin(project / "archive", code="def run():\n    return 1\n")
    assert here("permissions", "infer", str(folder)).out == '"permissions": {}\n'


def test_a_wider_version_fails_where_that_was_asked(here: Run, project: Path) -> None:
    old = plugin(project / "old", {"network_hosts": ["*.example.com"], "processes": ["git"]})
    new = plugin(project / "new", {"network_hosts": ["api.example.com", "evil.example"]})
    ran = here("permissions", "diff", str(old), str(new))
    assert ran.code == 0
    assert ran.out == (
        "+ talk to evil.example\n- talk to every host beneath example.com\n- start git\n"
    )
    ran = here("permissions", "diff", "--check", str(old), str(new))
    assert ran.code == 5
    assert "new may do more than before" in ran.err
    found = here("permissions", "diff", "--check", str(old), str(new), "--json").envelope
    assert found["error"]["code"] == "permissions-wider"
    assert found["data"]["wider"] == [
        {"list": "network_hosts", "entry": "evil.example", "words": "talk to evil.example"}
    ]


def test_the_same_or_less_passes(here: Run, project: Path) -> None:
    old = plugin(project / "old", {"network_hosts": ["*.example.com"], "native_code": True})
    new = plugin(project / "new", {"network_hosts": ["api.example.com"]})
    assert here("permissions", "diff", "--check", str(old), str(new)).code == 0
    ran = here("permissions", "diff", "--check", str(new), str(new / "plugin.json"))
    assert (ran.code, ran.out) == (0, "both may do the same\n")
    ran = here("permissions", "diff", "--check", str(new), str(old))
    assert "+ run native code" in ran.out
    assert ran.code == 5


def test_a_wheel_a_name_and_a_distribution_can_be_compared(
    here: Run, project: Path, skill: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = wheel(tmp_path / "archive-1.0-py3-none-any.whl", {"processes": ["git"]})
    assert here("permissions", "show", str(made), "--json").data["words"] == ["start git"]
    assert here("permissions", "diff", "greeter", str(made)).out == "+ start git\n"
    info = distribution(tmp_path / "site", "kurt-archive", "[kurt.skills]\narchive = archive:r\n")
    (info / "kurt.json").write_text(
        json.dumps({"id": "archive", "permissions": {"processes": ["git", "hg"]}})
    )
    monkeypatch.syspath_prepend(str(tmp_path / "site"))
    assert here("permissions", "diff", str(made), str(info / "kurt.json")).out == "+ start hg\n"


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04", b"not a wheel"])
def test_what_is_no_wheel_is_said_to_be_none(here: Run, project: Path, content: bytes) -> None:
    path = project / "x-1.0-py3-none-any.whl"
    path.write_bytes(content)
    assert here("permissions", "show", str(path)).code == 1
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("a.py", "")
    assert "holds no skill" in here("permissions", "show", str(path)).err
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("a-1.dist-info/kurt.json", "[]")
    assert here("permissions", "show", str(path)).code == 1


def test_permissions_are_shown_in_words(here: Run, project: Path) -> None:
    folder = plugin(project / "archive", NEEDED)
    ran = here("permissions", "show", str(folder))
    assert ran.out == (
        "archive may\n"
        "  write and read /var/lib/archive\n"
        "  talk to every host beneath cdn.example.com\n"
        "  talk to api.example.com\n"
        "  read the environment variable ARCHIVE_KEY\n"
        "  start gzip\n"
    )
    assert here("permissions", "show", str(plugin(project / "none"))).out == (
        "none asks leave for nothing\n"
    )
    assert here("permissions", "show", "nobody").code == 3
    assert here("permissions", "show", "./nowhere").code == 3
    (folder / "plugin.json").write_text("{")
    assert here("permissions", "show", str(folder)).code == 1
    assert here("permissions", "show", str(folder / "plugin.json")).code == 1
