"""A plugin that is held back after failures is told of, and let go by force."""

from __future__ import annotations

from pathlib import Path

import pytest

from kurt_ext.places import Places
from kurt_ext.quarantine import LIMIT, Quarantine, fingerprint

from .conftest import Run


@pytest.fixture
def held(skill: Path) -> Path:
    """Return the folder of the skill ``greeter``, which failed three times."""
    for _ in range(LIMIT):
        Quarantine(Places()).failed(
            "greeter", "0.1.0", "1.0.0", fingerprint(str(skill)), "initialize raised boom"
        )
    return skill


def test_enable_warns_and_leaves_it_held_back(here: Run, held: Path) -> None:
    ran = here("enable", "greeter", "--json")
    assert ran.data[0]["released"] is False
    (warning,) = ran.envelope["warnings"]
    assert (warning["rule"], warning["fix"]) == ("quarantine", "kurt enable greeter --force")
    assert "initialize raised boom" in warning["message"]
    assert len(Quarantine(Places()).all()) == 1


def test_enable_by_force_releases_it(here: Run, held: Path) -> None:
    ran = here("enable", "greeter", "--force")
    assert "Released greeter" in ran.err + ran.out and ran.code == 0
    assert Quarantine(Places()).all() == []
    again = here("enable", "greeter", "--force", "--json")
    assert again.data[0]["released"] is False and again.envelope["warnings"] == []


def test_doctor_explain_and_info_give_the_reason(here: Run, kurt: Run, held: Path) -> None:
    (check,) = [c for c in here("doctor", "--json").envelope["data"]["checks"]
                if c["id"] == "quarantine"]  # fmt: skip
    assert check["status"] == "warn" and check["fix"] == "kurt enable greeter --force"
    assert "initialize raised boom" in check["message"]
    told = here("explain", "greeter", "--json").data["candidates"][0]["held_back"]
    assert told["failures"] == LIMIT and told["reason"] == "initialize raised boom"
    assert "kurt enable greeter --force" in here("explain", "greeter").out
    for run in (here, kurt):  # the index alone would not know it
        warnings = run("info", "greeter", "--json").envelope["warnings"]
        assert [warning["rule"] for warning in warnings] == ["quarantine"]


def test_an_edit_releases_it_without_force(here: Run, held: Path) -> None:
    (held / "skill.py").write_text("# mended\n")
    assert here("explain", "greeter", "--json").data["candidates"][0]["held_back"] is None
    assert here("info", "greeter", "--json").envelope["warnings"] == []
    checks = here("doctor", "--json").envelope["data"]["checks"]
    assert [c["status"] for c in checks if c["id"] == "quarantine"] == ["ok"]


def test_enable_says_that_the_plugin_is_disabled_as_a_whole(here: Run, skill: Path) -> None:
    here("config", "set", "plugin.greeter.enabled", "false")
    (warning,) = here("enable", "greeter", "--json").envelope["warnings"]
    assert warning["rule"] == "plugin-disabled"
    assert warning["fix"] == "kurt config set plugin.greeter.enabled true"


def test_the_rules_are_read_aloud(here: Run) -> None:
    for rule in ("quarantine", "plugin-disabled"):
        assert here("explain", rule, "--json").data["rule"] == rule


def test_a_plugin_that_only_a_program_finds_is_told_of_and_released(here: Run) -> None:
    for _ in range(LIMIT):
        Quarantine(Places()).failed("com.example.own", "1.0.0", "1.0.0", "f", "boom")
    checks = here("doctor", "--json").envelope["data"]["checks"]
    assert [c["status"] for c in checks if c["id"] == "quarantine"] == ["warn"]
    assert here("enable", "com.example.own").code == 3
    ran = here("enable", "com.example.own", "--force", "--json")
    assert (ran.code, ran.data[0]["released"]) == (0, True)
    assert Quarantine(Places()).all() == []
    assert here("enable", "com.example.own", "--force").code == 3
