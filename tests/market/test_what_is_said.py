"""What a market's commands say where something is missing, and what is done all the same."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from .shops import Kurt, Shop, served

ID = "com.example.archiver"
CALC = "com.example.calculator"


@pytest.fixture
def shelf(tmp_path: Path, kurt: Kurt) -> Shop:
    """Return the user's market, a folder with two plugins."""
    made = Shop(tmp_path / "market")
    made.sell(ID, permissions={"network_hosts": ["web.archive.org"]})
    made.sell(CALC, name="Calculator", description="Calculates with numbers; use for that.")
    made.open()
    assert kurt("config", "set", "--scope", "user", "market.shelf.url", str(made.root)).code == 0
    return made


def test_a_folder_market_that_is_gone_is_told_and_its_copy_used(
    shelf: Shop, kurt: Kurt, project: Path
) -> None:
    assert kurt("install", CALC).code == 0
    assert kurt("uninstall", CALC).code == 0
    shutil.rmtree(shelf.root)
    found = kurt("search", "calculator")
    assert [row["id"] for row in found.data["skills"]] == [CALC]
    told = found.warning("market-unreachable")
    assert "shelf" in told["message"] and f"there is no folder {shelf.root}" in told["message"]
    assert told["fix"] == "kurt config explain market.shelf.url"
    assert kurt("install", CALC).steps == [("install", CALC, "1.0.0")]  # the store has it
    refused = kurt("install", ID, "--yes")
    assert (refused.code, refused["error"]["code"]) == (1, "market-invalid")
    assert refused["error"]["hint"] == "kurt config explain market.shelf.url"
    assert kurt("outdated").code == 0 and kurt("audit", "--no-python").code == 0
    shelf.root.mkdir()  # where a disk would be mounted
    assert "market-unreachable" in kurt("search", "calculator").rules


def test_a_folder_market_that_was_never_there_is_told_with_what_to_do(
    shelf: Shop, kurt: Kurt, tmp_path: Path
) -> None:
    kurt("config", "set", "--scope", "user", "market.shelf.url", str(tmp_path / "nowhere"))
    error = kurt("search")["error"]
    assert f"there is no folder {tmp_path / 'nowhere'}" in error["message"] + error["cause"]
    assert error["hint"] == "kurt config explain market.shelf.url"
    (tmp_path / "nowhere").mkdir()
    error = kurt("search")["error"]
    assert "is no marketplace" in error["message"] + error["cause"]


def test_a_copy_that_other_keys_vouch_for_is_not_used(shelf: Shop, kurt: Kurt) -> None:
    assert kurt("search").code == 0
    public = kurt("key", "new", "mine").data["public"]
    kurt("config", "set", "--scope", "user", "market.shelf.key", public)
    shutil.rmtree(shelf.root)
    assert kurt("search").code == 1


def test_what_the_store_has_is_asked_of_nobody(shelf: Shop, kurt: Kurt, project: Path) -> None:
    with served(shelf.root) as server:
        kurt("config", "set", "--scope", "user", "market.shelf.url", server.url)
        assert kurt("install", CALC).code == 0
        (project / "skills" / CALC / "main.py").unlink()
        asked = len(server.asked)
        mended = kurt("install", CALC, "--offline", "--force", "--yes")
        assert mended.steps == [("replace", CALC, "1.0.0")]
        assert len(server.asked) == asked
    assert (project / "skills" / CALC / "main.py").is_file()
