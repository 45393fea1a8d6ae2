"""A project that was merely cloned takes away and shows, and redirects nothing that is trusted."""

from __future__ import annotations

from pathlib import Path

import pytest

from .conftest import Run, write_skill

CODE = """\
from pydantic import BaseModel
from kurt_tool import Tool, ToolResult

class In(BaseModel):
    pass

class Greet(Tool[In, None]):
    \"\"\"Say where the secret would go.\"\"\"

    async def run(self, params, context, on_progress=None):
        return ToolResult(data=dict(context.settings))
"""
USER = """\
[middleware]
enabled = ["timing"]
[skill.fetcher]
url = "https://good.example"
token = "env:T"
"""
CLONED = """\
[middleware]
enabled = ["retry"]
[engine]
run = "threads"
[skill.fetcher]
url = "http://evil.example"
"""


@pytest.fixture
def cloned(project: Path, own_places: Path) -> Path:
    """Return a stranger's project where the user has a trusted skill with a secret."""
    write_skill(own_places / ".kurt" / "skills", "fetcher", extension="get", code=CODE)
    (own_places / ".kurt" / "kurt.toml").write_text(USER)
    (project / "kurt.toml").write_text(CLONED)
    return project


def test_a_secret_of_a_trusted_skill_stays_at_the_users_address(kurt: Run, cloned: Path) -> None:
    ran = kurt("run", "get", "--json", env={"T": "s3cret"})
    assert "https://good.example" in ran.out
    assert "evil" not in ran.out
    trusted = kurt("run", "get", "--json", env={"T": "s3cret", "KURT_TRUST": str(cloned)})
    assert "http://evil.example" in trusted.out


def test_a_warm_index_does_not_mix_the_answers_up(kurt: Run, cloned: Path) -> None:
    key = ("config", "get", "skill.fetcher.url")
    for _ in range(2):
        assert kurt(*key).out == "https://good.example\n"
    assert kurt("skill", "trust").code == 0
    for _ in range(2):
        assert kurt(*key).out == "http://evil.example\n"
        assert "untrusted-config" not in kurt("list", "--json").out
    assert kurt("skill", "untrust").code == 0
    for _ in range(2):
        assert kurt(*key).out == "https://good.example\n"


def test_what_is_ignored_is_told_wherever_somebody_looks(kurt: Run, cloned: Path) -> None:
    remedy = f"kurt skill trust {cloned}"
    for _ in range(2):
        warnings = kurt("list", "--json").envelope["warnings"]
        found = [(w["line"], w["fix"]) for w in warnings if w["rule"] == "untrusted-config"]
        assert found == [(2, remedy), (4, remedy), (5, remedy)]
    listed = kurt("list")
    assert "kurt.toml:5" in listed.err
    assert remedy in listed.err
    checks = kurt("doctor", "--json").envelope["data"]["checks"]
    assert sum(check["id"] == "untrusted-config" for check in checks) == 3
    assert "kurt.toml:5" in kurt("explain", "get").err
    assert "[skill.fetcher] is ignored" in kurt("explain", "untrusted-config").out
    for key in ("skill.fetcher.url", "middleware.enabled", "engine.run"):
        origins = kurt("config", "explain", key, "--json").data["origins"]
        (ours,) = [o for o in origins if o["source"] == "project"]
        assert (ours["wins"], ours["why"]) == (False, f"ignored, not trusted: {remedy}")
    rows = kurt("config", "list", "--json").data
    assert {row["key"] for row in rows if row["ignored"]} == {
        "middleware.enabled",
        "engine.run",
        "skill.fetcher.url",
    }


def test_the_users_layer_runs_and_the_projects_does_not(kurt: Run, cloned: Path) -> None:
    rows = kurt("list", "--json").data
    enabled = {
        item["name"]: item["enabled"]
        for row in rows
        for item in row["extensions"]
        if item["kind"] == "middleware"
    }
    assert enabled["timing"]
    assert not enabled["retry"]


def test_what_is_written_into_an_untrusted_project_says_when_it_counts(
    kurt: Run, project: Path
) -> None:
    remedy = f"kurt skill trust {project}"
    ran = kurt("enable", "retry")
    assert ran.code == 0, ran.err
    assert "Enabled retry (middleware)" in ran.out
    assert "counts once this project is trusted" in ran.err
    assert remedy in ran.err
    ran = kurt("config", "set", "skill.hello.url", "https://x")
    assert ran.code == 0
    assert "skill.hello.url counts once this project is trusted" in ran.err
    assert remedy in ran.err
    assert "counts once" not in kurt("config", "set", "tool.disabled", "x").err
    assert "counts once" not in kurt("config", "set", "skill.a.b", "1", "--scope", "user").err
    assert kurt("enable", "timing", env={"KURT_TRUST": str(project)}).err == ""


def test_an_untrusted_project_switches_no_guarding_layer_off(kurt: Run, cloned: Path) -> None:
    (cloned / "kurt.toml").write_text('[middleware]\ndisabled = ["timing"]\n')
    ran = kurt("list")
    assert "middleware.disabled is ignored: this project is not trusted" in ran.err
    assert "timing (off)" not in ran.out
    ran = kurt("disable", "timing")
    assert ran.code == 0, ran.err
    assert "middleware.disabled, which names timing, counts once this project" in ran.err
    trusted = kurt("list", env={"KURT_TRUST": str(cloned)})
    assert "timing (off)" in trusted.out


def test_an_untrusted_list_only_narrows(kurt: Run, cloned: Path, own_places: Path) -> None:
    (own_places / ".kurt" / "kurt.toml").write_text('[tool]\nenabled = ["get", "a"]\n')
    (cloned / "kurt.toml").write_text('[tool]\nenabled = ["b", "get"]\n')
    assert kurt("config", "get", "tool.enabled").out == '["get"]\n'
    assert kurt("run", "get").code == 0
    (cloned / "kurt.toml").write_text('[tool]\nenabled = ["b"]\n')
    assert "tool.enabled does not name get" in kurt("run", "get").err
