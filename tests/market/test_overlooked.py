"""An operator may live with an advisory: by its id, with a reason, until a day; never malware."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from kurt_ext import auditing
from kurt_ext.config import Config
from kurt_ext.overlooked import Overlooked, overlooked
from kurt_ext.places import Places

from .shops import Kurt, Shop, served

ID = "com.example.archiver"
FLAW = "KURT-2026-1"
FAR, PAST = "2999-12-31", "2026-01-01"


@pytest.fixture
def stall(tmp_path: Path, kurt: Kurt) -> Shop:
    """Return the user's market with one plugin, and an advisory about its only version."""
    made = Shop(tmp_path / "market")
    made.sell(ID)
    made.open()
    kurt("config", "set", "--scope", "user", "market.stall.url", str(made.root))
    return made


def advise(stall: Shop, name: str = FLAW, **more: Any) -> None:
    folder = stall.root / "kurt/v1/advisories"
    folder.mkdir(exist_ok=True)
    row = {
        "id": name,
        "modified": "2026-11-21T00:00:00Z",
        "summary": "it sends pages elsewhere",
        "affected": [{"package": {"ecosystem": "Kurt", "name": ID}, "versions": ["1.0.0"]}],
        **more,
    }
    (folder / f"{name}.json").write_text(json.dumps(row))
    stall.open()


def ignore(*names: str, until: str = FAR, file: str | None = None) -> None:
    path = Path(file or Places().user_config)
    path.parent.mkdir(parents=True, exist_ok=True)
    rows = [f'{{ id = "{name}", reason = "not called", until = "{until}" }}' for name in names]
    before = path.read_text() if path.exists() else ""
    path.write_text(before + f"\n[audit]\nignore = [{', '.join(rows)}]\n")


def test_what_is_ignored_is_installed_and_listed_with_its_reason(
    stall: Shop, kurt: Kurt, said: Callable[..., str], project: Path
) -> None:
    advise(stall)
    assert kurt("install", ID)["error"]["code"] == "advisory"
    ignore(FLAW)
    ran = kurt("install", ID)
    assert ran.steps == [("install", ID, "1.0.0")]
    assert "not called" in ran.warning("advisory-ignored")["message"]
    audit = kurt("audit", "--no-python")
    assert audit.code == 0 and audit.data["faults"] == []
    row = {"name": ID, "version": "1.0.0", "id": FLAW, "summary": "it sends pages elsewhere"}
    assert audit.data["ignored"] == [{**row, "reason": "not called", "until": FAR}]
    text = said("audit", "--no-python")
    assert f"{ID} 1.0.0: {FLAW} is ignored until {FAR}: not called\n" in text
    (told,) = kurt("outdated").data["skills"] if kurt("outdated").data["skills"] else [{}]
    assert not told.get("advisories")


def test_after_its_last_day_it_counts_again(stall: Shop, kurt: Kurt) -> None:
    assert kurt("install", ID).code == 0
    advise(stall)
    ignore(FLAW, until=PAST)
    audit = kurt("audit", "--no-python")
    (fault,) = audit["data"]["faults"]
    assert audit.code == 5 and audit["data"]["ignored"] == []
    assert fault["summary"] == f"it sends pages elsewhere (it was ignored until {PAST})"


@pytest.mark.parametrize("name", ["MAL-2026-7", "mal-2026-7"])
def test_malware_is_never_ignored(stall: Shop, kurt: Kurt, project: Path, name: str) -> None:
    advise(stall, aliases=[name])
    ignore(FLAW)
    assert kurt("install", ID)["error"]["code"] == "advisory"
    ignore(name, file=str(project / "kurt.toml"))
    (told,) = [one for one in kurt("list")["warnings"] if one["rule"] == "config-type"]
    assert "malware, and always counts" in told["message"] and told["line"] == 3


def test_another_name_of_it_does_as_well(stall: Shop, kurt: Kurt) -> None:
    advise(stall, aliases=["CVE-2026-1234"])
    ignore("CVE-2026-1234")
    assert kurt("install", ID).code == 0


def test_a_project_says_so_once_it_is_trusted(stall: Shop, kurt: Kurt, project: Path) -> None:
    advise(stall)
    ignore(FLAW, file=str(project / "kurt.toml"))
    refused = kurt("install", ID)
    assert refused["error"]["code"] == "advisory"
    told = kurt("list").warning("untrusted-config")
    assert told["message"] == "audit.ignore is ignored: this project is not trusted"
    assert kurt("skill", "trust").code == 0
    assert kurt("install", ID).code == 0


@pytest.mark.parametrize(
    ("row", "what"),
    [
        ('"KURT-2026-1"', "is no table"),
        ('{ id = "X-1", reason = "r" }', "lacks until"),
        ('{ id = "X-1", until = "2999-01-01" }', "lacks reason"),
        ('{ id = "X-1", reason = " ", until = "2999-01-01" }', "no text as its reason"),
        ('{ id = "", reason = "r", until = "2999-01-01" }', "no text as its id"),
        ('{ id = 3, reason = "r", until = "2999-01-01" }', "no text as its id"),
        ('{ id = "X-1", reason = "r", until = "2999-02-30" }', "no day"),
        ('{ id = "X-1", reason = "r", until = "soon" }', "no day"),
        ('{ id = "X-1", reason = "r", until = 2999-01-01T00:00:00Z }', "no day"),
        ('{ id = "X-1", reason = "r", until = "2999-01-01", skill = "x" }', "a key 'skill'"),
        ('{ id = "MAL-1", reason = "r", until = "2999-01-01" }', "malware"),
    ],
)
def test_what_is_no_decision_ignores_nothing_and_is_told_where_it_stands(
    project: Path, row: str, what: str
) -> None:
    good = '{ id = "Y-1", reason = "r", until = 2999-01-01 }'
    (project / "kurt.toml").write_text(f"[audit]\nignore = [\n  {good},\n  {row},\n]\n")
    config = Config.load(Places(str(project)), trusted=True)
    (told,) = config.findings
    assert (told.rule, told.line) == ("config-type", 4) and what in told.message
    assert overlooked(config) == {"Y-1": Overlooked("Y-1", "r", "2999-01-01")}
    again = Config.from_data(json.loads(json.dumps(config.as_data())))
    assert overlooked(again) == overlooked(config)


def test_it_is_set_and_explained_as_every_other_key(kurt: Kurt, project: Path) -> None:
    value = '[{ id = "X-1", reason = "r", until = "2999-01-01" }]'
    assert kurt("config", "set", "--scope", "user", "audit.ignore", value).code == 0
    assert kurt("config", "explain", "audit.ignore").code == 0
    assert set(overlooked(Config.load(Places(str(project))))) == {"X-1"}
    wrong = value.replace("X-1", "MAL-1")
    refused = kurt("config", "set", "--scope", "user", "audit.ignore", wrong)
    assert refused.code == 2 and "about malware, and always counts" in refused["error"]["cause"]
    assert kurt("config", "set", "audit.ignored", value).code == 2


def test_what_pip_audit_knows_is_ignored_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    flaws = [{"id": "PYSEC-1", "aliases": ["CVE-1"]}, {"id": "PYSEC-2", "aliases": ["MAL-9"]}]
    rows = {"dependencies": [{"name": "Demo_Lib", "version": "1", "vulns": flaws}]}
    program = tmp_path / "pip-audit"
    program.write_text(f"#!{sys.executable}\nprint({json.dumps(rows)!r})\n")
    program.chmod(0o755)
    monkeypatch.setattr(auditing, "_pip_audit", lambda: str(program))
    decisions = {name: Overlooked(name, "r", FAR) for name in ("CVE-1", "PYSEC-2")}
    found = auditing.audit_python(["demo-lib"], decisions)
    assert [one.id for one in found.ignored] == ["PYSEC-1"]
    assert [one.id for one in found.faults] == ["PYSEC-2"]


def test_an_audit_without_a_market_tells_what_is_here(
    stall: Shop, kurt: Kurt, said: Callable[..., str], project: Path
) -> None:
    with served(stall.root) as server:
        kurt("config", "set", "--scope", "user", "market.stall.url", server.url)
        assert kurt("install", ID).code == 0
    kurt("config", "set", "--scope", "user", "market.stall.url", "http://127.0.0.1:9/")
    alone = kurt("audit", "--no-python")
    assert (alone.code, alone["error"]["code"], alone["data"]["skills"]) == (7, "network", 1)
    assert "no-market" not in alone.rules
    (project / "skills" / ID / "main.py").unlink()
    changed = kurt("audit", "--no-python")
    assert (changed.code, changed["error"]["code"]) == (5, "advisory")
    assert [one["kind"] for one in changed["data"]["faults"]] == ["changed"]
    assert "market-unusable" in changed.rules
    text = said("audit", "--no-python")
    assert "changed since it was installed: main.py" in text and "cannot be had" in text
