"""What a market's commands say where something is missing, and what is done all the same."""

from __future__ import annotations

import json
import os
import shlex
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from goods import write_plugin

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


def yank(shop: Shop, *versions: str) -> None:
    def edit(document: dict[str, Any]) -> None:
        for release in document["releases"]:
            if release["version"] in versions:
                release["yanked"] = "it loses pages"

    shop.change(CALC, edit)


def test_who_takes_a_withdrawn_version_is_told_of_one_that_is_not(shelf: Shop, kurt: Kurt) -> None:
    shelf.sell(CALC, "1.1.0", description="Calculates with numbers; use for that.")
    shelf.open()
    yank(shelf, "1.0.0")
    told = kurt("install", f"{CALC}@1.0.0").warning("yanked")
    assert told["fix"] == f"kurt install {CALC}@1.1.0"
    assert kurt(*told["fix"].split()[1:]).steps == [("update", CALC, "1.1.0")]
    yank(shelf, "1.1.0")
    told = kurt("install", f"{CALC}@1.0.0").warning("yanked")
    assert not told["fix"] and "no version that was not" in told["message"]


@pytest.mark.parametrize(
    "url",
    [
        "ftp://example.org/",
        "file://elsewhere/market",
        "file:market",
        "https://",
        "https://ada:secret@example.org/",
        "https://example.org/#part",
        "https://exämple.org/",
        "https://[::1/",
        "javascript://example.org/",
    ],
)
def test_an_address_that_no_market_can_have_is_refused_where_it_is_written(
    kurt: Kurt, project: Path, url: str
) -> None:
    (project / "kurt.toml").write_text(f'[market.far]\nkey = []\nurl = "{url}"\n')
    kurt("skill", "trust")
    path = project / "kurt.toml"
    (told,) = [one for one in kurt("list")["warnings"] if one["rule"] == "config-type"]
    assert (told["path"], told["line"], told["column"]) == (str(path), 3, 1)
    assert "market.far.url must be an address" in told["message"]
    assert "secret" not in told["message"]
    refused = kurt("search")
    assert (refused.code, refused["error"]["code"]) == (1, "config-invalid")
    assert refused["error"]["at"] == f"{path}:3:1"
    assert kurt("config", "set", "market.far.url", url).code == 2


def test_a_skill_whose_folder_is_gone_is_told_as_gone(
    shelf: Shop, kurt: Kurt, project: Path
) -> None:
    assert kurt("install", CALC).code == 0
    folder = project / "skills" / CALC
    shutil.rmtree(folder)
    rows = kurt("doctor")["data"]["checks"]
    (row,) = [one for one in rows if one["id"] == "installed" and one["status"] == "fail"]
    assert row["message"] == f"{CALC} was installed, and its folder is gone: {folder}"
    assert kurt(*row["fix"].split()[1:]).code == 0
    assert (folder / "main.py").is_file()


def test_a_first_mirror_has_nothing_already(
    shelf: Shop, said: Callable[..., str], project: Path
) -> None:
    first = said("market", "mirror", str(shelf.root), "mirror")
    assert "here already" not in first and "2 skills" in first
    again = said("market", "mirror", str(shelf.root), "mirror")
    assert " 0 files copied (0 bytes), " in again and "here already" in again


def test_what_is_removed_together_is_removed_whole_or_not_at_all(
    shelf: Shop, kurt: Kurt, project: Path
) -> None:
    made = {"name": "Sums", "description": "Sums up numbers with the calculator; use for sums."}
    needs = [{"plugin_id": CALC, "version_constraint": "*", "optional": False}]
    shelf.sell("com.example.sums", dependencies=needs, **made)
    shelf.open()
    assert kurt("install", "com.example.sums", ID, "--yes").code == 0
    refused = kurt("uninstall", ID, CALC)
    assert "needed by com.example.sums" in refused["error"]["message"]
    assert kurt("uninstall", ID, "nobody").code == 3
    assert (project / "skills" / ID).is_dir()
    gone = kurt("uninstall", CALC, "com.example.sums", CALC, ID).data["removed"]
    order = [one["name"] for one in gone]
    assert sorted(order) == [ID, CALC, "com.example.sums"]
    assert order.index("com.example.sums") < order.index(CALC)
    assert list((project / "skills").iterdir()) == []


@pytest.mark.parametrize("value", ["abc", "", "1e400x", "nan?"])
def test_a_number_that_is_none_is_told_as_that(kurt: Kurt, value: str) -> None:
    assert kurt("search", "--min-score", value)["error"]["message"].endswith("is not a number")
    assert kurt("search", "--limit", value)["error"]["message"].endswith("is not a whole number")


def test_one_is_one_and_two_are_two(said: Callable[..., str], project: Path) -> None:
    made = Shop(project / "m")
    made.sell(ID)
    assert "1 skill, 1 new release" in said("market", "build", "m")
    assert ": 1 skill, 1 release, 4 files of " in said("market", "verify", "m")
    made.sell(CALC)
    made.sell(ID, "1.1.0")
    assert "2 skills, 2 new releases" in said("market", "build", "m")
    assert ": 2 skills, 3 releases, " in said("market", "verify", "m")
    assert "Removed 0 skills and 0 versions" in said("prune")


def test_what_was_signed_is_signed_when_it_is_published_again(
    kurt: Kurt, said: Callable[..., str], project: Path
) -> None:
    write_plugin(project / "skills", ID)
    kurt("key", "new", "ada")
    first = kurt("market", "publish", f"skills/{ID}", "--to", "m", "--sign", "ada").data["key"]
    again = said("market", "publish", f"skills/{ID}", "--to", "m")
    assert again == f"Published already: m/{ID} 1.0.0, score 100, signed by {first}\n"


def test_a_status_that_there_is_not_is_told_with_those_that_there_are(kurt: Kurt) -> None:
    error = kurt("market", "status", ID, "gone")["error"]
    assert error["message"] == (
        "STATUS cannot be 'gone': it is one of active, archived, deprecated, quarantined"
    )
    assert error["candidates"] == ["active", "archived", "deprecated", "quarantined"]
    near = kurt("market", "status", ID, "archive")["error"]
    assert near["candidates"][0] == "archived" and near["hint"].startswith("did you mean archived")


@pytest.mark.parametrize("token", ["a\nb", "a\rb", "ü", "a\x00"])
def test_a_token_that_cannot_be_sent_is_told_and_not_shown(
    shelf: Shop, kurt: Kurt, monkeypatch: pytest.MonkeyPatch, token: str
) -> None:
    # What no environment can hold is refused by the system itself.
    monkeypatch.setattr(os, "environ", {**os.environ, "KURT_TOKEN": token})
    with served(shelf.root) as server:
        kurt("config", "set", "--scope", "user", "market.shelf.url", server.url)
        error = kurt("search")["error"]
        assert "cannot be sent" in error["message"] and token not in json.dumps(error)
        assert server.asked == []


def test_an_answer_of_somebody_else_hints_at_the_copy(shelf: Shop, kurt: Kurt) -> None:
    def sign_in(handler: Any, data: bytes) -> bool:
        handler.send_response(200)
        handler.end_headers()
        handler.wfile.write(b"<html>Sign in</html>")
        return True

    with served(shelf.root) as server:
        kurt("config", "set", "--scope", "user", "market.shelf.url", server.url)
        assert kurt("search").code == 0
        server.mischief = sign_in
        error = kurt("search")["error"]
        assert error["code"] == "market-invalid"
        assert error["hint"] == "add --offline to take the copy that was kept"
        assert kurt("search", "--offline", "calculator").data["skills"][0]["id"] == CALC


def test_a_market_that_does_not_count_yet_is_told_beside_others(
    shelf: Shop, kurt: Kurt, project: Path
) -> None:
    (project / "kurt.toml").write_text('[market.own]\nurl = "own"\n')
    told = kurt("search", "calculator").warning("untrusted-config")
    assert told["message"] == "[market.own] is ignored: this project is not trusted"
    assert "untrusted-config" in kurt("install", CALC).rules


def test_an_older_index_hints_at_what_was_seen(shelf: Shop, kurt: Kurt) -> None:
    older = (shelf.root / "kurt/v1/index.json").read_text()
    shelf.sell(ID, "2.0.0")
    shelf.open()
    assert kurt("search").code == 0
    (shelf.root / "kurt/v1/index.json").write_text(older)
    for option in ((), ("--allow-stale",)):
        ran = kurt("search", *option)
        assert (ran.code, ran["error"]["code"]) == (5, "index-stale")
        _, _, line = ran["error"]["hint"].partition("to take this one: ")
    words = shlex.split(line)
    assert words[0] == "rm"
    Path(words[1]).unlink()
    assert kurt("search").code == 0


@pytest.mark.parametrize("name", ["a b", "dots.in", "ü", "it's", 'say "x"'])
def test_a_hint_can_be_pasted_whatever_a_market_is_called(
    shelf: Shop, kurt: Kurt, name: str
) -> None:
    hint = kurt("search", "--market", name)["error"]["hint"].replace("URL", str(shelf.root))
    assert kurt(*shlex.split(hint)[1:], "--scope", "user").code == 0
    assert kurt("search", "--market", name).code == 0
    shutil.rmtree(shelf.root)
    fix = kurt("search", "--market", name).warning("market-unreachable")["fix"]
    assert kurt(*shlex.split(fix)[1:]).code == 0


@pytest.mark.parametrize("asked", ["9.9.9", "^9", "1.x <1"])
def test_a_version_that_there_is_not_hints_at_one_that_there_is(
    shelf: Shop, kurt: Kurt, asked: str
) -> None:
    error = kurt("install", f"{CALC}@{asked}")["error"]
    assert error["hint"] == f"kurt install {CALC}@1.0.0" and "there are 1.0.0" in error["cause"]


@pytest.mark.parametrize("option", ["--permission", "--without"])
def test_a_permission_that_there_is_not_is_told(shelf: Shop, kurt: Kurt, option: str) -> None:
    wrong = kurt("search", option, "network_host")
    assert wrong.code == 2 and wrong["error"]["hint"] == "did you mean network_hosts?"
    for name in ("network_hosts", "network-hosts"):
        found = {row["id"] for row in kurt("search", option, name).data["skills"]}
        assert found == ({ID} if option == "--permission" else {CALC})


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("yank", ID, "1.0.0", "--from", "nowhere", "--reason", "x"), "there is no marketplace in"),
        (("status", ID, "active", "--from", "nowhere"), "there is no marketplace in"),
        (("verify", "nowhere"), "nowhere is no marketplace"),
        (("mirror", "nowhere", "new"), "nowhere is no marketplace"),
        (("verify", "MARKET", "--only", "nobody"), "there is no nobody in"),
        (("mirror", "MARKET", "new", "--only", "nobody"), "there is no nobody in"),
        (("verify", ""), "that is no place"),
        (("publish", f"MARKET/skills/{ID}", "--to", ""), "--to names no place"),
        (("status", ID), "missing STATUS: it is one of active, archived,"),
    ],
)
def test_a_place_that_is_none_is_told_and_nothing_is_made(
    shelf: Shop, kurt: Kurt, project: Path, words: tuple[str, ...], message: str
) -> None:
    ran = kurt("market", *[word.replace("MARKET", str(shelf.root)) for word in words])
    assert ran.code in (1, 2) and message in ran["error"]["message"]
    assert list(project.iterdir()) == []
