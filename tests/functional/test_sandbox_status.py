"""`kurt sandbox status` says what this machine can enforce, and `kurt doctor` in one line."""

from __future__ import annotations

import pytest

from kurt_ext.sandbox import abilities as module
from kurt_ext.sandbox.abilities import Trial

from .conftest import Run


@pytest.fixture
def bare(monkeypatch: pytest.MonkeyPatch) -> None:
    """Be on a machine whose kernel enforces nothing."""

    def tried(name: str, program: str | None) -> Trial:
        if name == "process":
            return Trial(True, "", {"enforced": ["memory"], "limits": ["memory"]})
        return Trial(False, "this kernel has no Landlock", {})

    monkeypatch.setattr(module, "_tried", tried)
    monkeypatch.setattr(module, "_found", None)


def test_each_tier_says_what_it_enforces_and_what_not(here: Run) -> None:
    data = here("sandbox", "status", "--json").data
    tiers = {row["tier"]: row for row in data["tiers"]}
    assert list(tiers) == ["process", "kernel", "strong"]
    assert tiers["process"]["works"]
    assert "files" in tiers["process"]["lacks"]
    for row in tiers.values():
        assert bool(row["reason"]) == bool(row["remedy"]) == (not row["works"])
    text = here("sandbox", "status").out
    for tier in tiers:
        assert f"\n{tier}" in text


@pytest.mark.usefixtures("bare")
def test_a_machine_that_enforces_nothing_is_told_why_and_what_to_do(here: Run) -> None:
    ran = here("sandbox", "status")
    assert ran.code == 0
    assert "kernel  does not work" in ran.out
    assert "because  this kernel has no Landlock" in ran.out
    assert "to do" in ran.out


@pytest.mark.usefixtures("bare")
def test_doctor_warns_where_the_kernel_cannot_isolate(here: Run) -> None:
    checks = {check["id"]: check for check in here("doctor", "--json").data["checks"]}
    assert checks["isolation"]["status"] == "warn"
    assert "no Landlock" in checks["isolation"]["message"]
    assert checks["isolation"]["fix"] == "kurt sandbox status"
