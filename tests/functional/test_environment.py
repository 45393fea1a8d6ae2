"""kurt environment: make, list and remove what plugins have of their own."""

from __future__ import annotations

from pathlib import Path

import pytest
from tiny_wheels import wheel

from .conftest import Run


@pytest.fixture
def wheels(tmp_path: Path, project: Path, skill: Path) -> Path:
    """Return a folder of wheels that the project names, for the skill greeter."""
    folder = tmp_path / "wheels"
    wheel(folder, "demo-lib", "1.0")
    wheel(folder, "demo-lib", "2.0")
    wheel(folder, "pydantic", "2.99")
    (skill / "requirements.txt").write_text("demo-lib<2\n")
    toml = f"[sandbox]\nwheelhouse = '{folder}'\n[plugin.greeter]\nenvironment = 'own'\n"
    (project / "kurt.toml").write_text(toml)
    return folder


@pytest.mark.venv
def test_from_nothing_to_made_to_removed(here: Run, wheels: Path) -> None:
    before = here("environment", "list")
    assert "greeter: not made; kurt environment make greeter" in before.out
    made = here("environment", "make", "greeter", "--json").data
    assert (made["plugin"], made["own"]) == ("greeter", True)
    assert made["packages"] == ["demo-lib==1.0", "pydantic==2.99"]
    again = here("environment", "make", "greeter")
    assert again.out.splitlines()[0].startswith(made["path"]) and "making" not in again.err
    (row,) = here("environment", "list", "--json").data["environments"]
    assert (row["digest"], row["plugins"]) == (made["digest"], ["greeter"])
    listed = here("environment", "list")
    assert made["digest"][:12] in listed.out and "1 environment, " in listed.err
    assert "0 removed" in here("environment", "prune").out
    kept = here("environment", "prune", "--days", "0", "--keep", made["digest"][:6])
    assert "0 removed" in kept.out
    gone = here("environment", "prune", "--days", "0", "--json").data
    assert [one["name"] for one in gone["removed"]] == [made["digest"]]


@pytest.mark.venv
def test_what_is_missing_is_told_before_and_after(here: Run, wheels: Path, skill: Path) -> None:
    (skill / "requirements.txt").write_text("demo-lib>=3\n")
    ran = here("environment", "make", "greeter")
    assert ran.code == 1 and "the environment of greeter cannot be made" in ran.err
    assert "hint: put the wheels there: " in ran.err
    (skill / "requirements.txt").write_text("demo-lib>=3\ndemo-lib<2\n")
    assert "greeter: not made: no version of demo-lib fits" in here("environment", "list").out


@pytest.mark.venv
def test_a_plugin_that_shares_is_told_how_not_to(here: Run, wheels: Path, project: Path) -> None:
    (project / "kurt.toml").write_text(f"[sandbox]\nwheelhouse = '{wheels}'\n")
    ran = here("environment", "make", "greeter")
    assert "kurt config set plugin.greeter.environment own" in ran.err
    assert here("environment", "list", "--json").data["plugins"] == []


def test_a_project_that_is_not_trusted_gets_none(
    here: Run, wheels: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("KURT_TRUST", raising=False)
    ran = here("environment", "make", "greeter", "--json")
    assert ran.code == 5 and ran.envelope["error"]["code"] == "untrusted"


def test_where_there_is_none_the_list_says_so(here: Run) -> None:
    assert "no plugin has an environment of its own" in here("environment", "list").err
