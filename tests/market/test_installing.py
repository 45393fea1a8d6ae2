"""Skills are installed, updated, put back and removed as the commands say, and not otherwise."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import pytest
from crashes import die_at
from goods import hidden, version_in, write_plugin

from kurt_ext.cli import run as run_here
from kurt_ext.lock import lock_path, read
from kurt_ext.market import clients, fetching
from kurt_ext.market.mirroring import mirror
from kurt_ext.market.signing import PrivateKey
from kurt_ext.places import Places
from kurt_ext.receipts import Receipts

from .shops import Kurt, Shop, served

ID = "com.example.archiver"
CALC = "com.example.calculator"
LIB = "com.example.mathlib"
HOSTS = {"network_hosts": ["web.archive.org"]}
MORE = {"network_hosts": ["web.archive.org", "more.example"]}


@pytest.fixture
def shop(tmp_path: Path, kurt: Kurt) -> Shop:
    made = Shop(tmp_path / "market")
    made.sell(ID, permissions=HOSTS, tags=["web"])
    made.sell(LIB, "2.0.0", name="Mathlib", description="Sums and products; use for maths.")
    made.sell(
        CALC,
        name="Calculator",
        description="Calculates with numbers; use to calculate.",
        dependencies=[{"plugin_id": LIB, "version_constraint": ">=2.0.0", "optional": False}],
    )
    made.open()
    assert kurt("config", "set", "--scope", "user", "market.shop.url", str(made.root)).code == 0
    return made


def sell(shop: Shop, version: str, permissions: dict[str, Any] = HOSTS, **more: Any) -> None:
    shop.sell(ID, version, permissions=permissions, **more)
    shop.open()


# -- installing ----------------------------------------------------------------------


def test_without_a_terminal_nobody_is_asked(shop: Shop, kurt: Kurt, project: Path) -> None:
    ran = kurt("install", ID)
    assert (ran.code, ran["error"]["code"]) == (5, "consent")
    assert "web.archive.org" in ran["error"]["cause"]
    assert not (project / "skills" / ID).exists() and not (project / "kurt.lock").exists()
    dry = kurt("install", ID, "--dry-run")
    assert dry.steps == [("install", ID, "1.0.0")]
    assert dry.data["steps"][0]["asks"] == ["it may talk to web.archive.org"]
    assert not (project / "skills" / ID).exists()
    assert kurt("install", ID, "--yes").steps == [("install", ID, "1.0.0")]
    assert version_in(project / "skills" / ID) == "1.0.0"
    again = kurt("install", ID)
    assert again.steps == [("keep", ID, "1.0.0")]


def test_what_is_needed_comes_first_and_is_not_asked_for(shop: Shop, kurt: Kurt) -> None:
    ran = kurt("install", CALC)
    assert ran.steps == [("install", LIB, "2.0.0"), ("install", CALC, "1.0.0")]
    assert [step["requested"] for step in ran.data["steps"]] == [False, True]
    assert kurt("uninstall", LIB)["error"]["code"] == "conflict"
    assert kurt("prune").data["removed"] == []
    kurt("uninstall", CALC)
    assert kurt("prune").data["removed"] == [LIB]


def test_what_is_needed_and_is_nowhere_is_told(shop: Shop, kurt: Kurt, project: Path) -> None:
    shop.sell(
        "com.example.needy",
        dependencies=[{"plugin_id": "com.example.gone", "version_constraint": "*"}],
        name="Needy",
    )
    shop.open()
    ran = kurt("install", "com.example.needy")
    assert ran["error"]["code"] == "version-conflict"
    assert "com.example.gone" in ran["error"]["message"] + str(ran["error"]["cause"])
    assert not (project / "skills").exists()


def test_a_slip_of_the_pen_installs_nothing_and_names_the_nearest(shop: Shop, kurt: Kurt) -> None:
    ran = kurt("install", "com.example.archivr", "--yes")
    assert (ran.code, ran["error"]["code"]) == (3, "skill-not-found")
    assert ran["error"]["candidates"][0] == ID
    assert f"did you mean {ID}?" in ran["error"]["hint"]


def test_the_lock_says_what_was_installed(shop: Shop, kurt: Kurt, project: Path) -> None:
    kurt("install", ID, "--yes")
    row = read(str(project / "kurt.lock"))["com_example_archiver"]
    assert (row.name, row.version, row.lane, row.market) == (ID, "1.0.0", "folder", "shop")
    assert row.publisher == shop.index["skills"][0]["publisher"]
    assert row.snapshot == 1 and row.score is not None and row.ruleset and row.approved_at
    before = (project / "kurt.lock").read_text()
    kurt("install", ID)
    assert (project / "kurt.lock").read_text() == before
    receipt = Receipts(Places(str(project))).find(ID)
    assert receipt is not None and receipt.origin == {"url": str(shop.root), "dir_info": {}}
    assert not any(path.name.startswith(".") for path in (project / "skills").rglob("*"))


def test_the_users_skills_have_a_lock_of_their_own(shop: Shop, kurt: Kurt, project: Path) -> None:
    kurt("install", ID, "--yes", "--scope", "user")
    places = Places(str(project))
    assert version_in(Path(places.user_skills[0], ID)) == "1.0.0"
    assert list(read(lock_path(places, "user"))) == ["com_example_archiver"]
    assert not (project / "kurt.lock").exists()
    assert kurt("uninstall", ID).code == 3
    assert kurt("uninstall", ID, "--scope", "user").code == 0


def test_a_folder_of_ones_own_is_left_alone(shop: Shop, kurt: Kurt, project: Path) -> None:
    own = write_plugin(project / "skills", ID, "0.5.0")
    ran = kurt("install", ID, "--yes")
    assert (ran.code, ran["error"]["code"]) == (6, "conflict")
    assert version_in(own) == "0.5.0"
    assert kurt("install", ID, "--yes", "--force").steps == [("install", ID, "1.0.0")]
    (kept,) = Path(Receipts(Places(str(project))).folder, "kept").iterdir()
    assert version_in(kept) == "0.5.0"
    shutil.move(str(project / "skills" / ID), str(project / "skills" / "elsewhere"))
    kurt("uninstall", ID)
    assert kurt("install", ID, "--yes")["error"]["message"].endswith("in another folder")


@pytest.mark.parametrize("form", ["folder", "zip", "git"])
def test_it_comes_from_here_too(kurt: Kurt, project: Path, tmp_path: Path, form: str) -> None:
    made = write_plugin(tmp_path / "src", ID, "3.0.0")
    spec = str(made)
    if form == "zip":
        spec = str(tmp_path / "it.zip")
        with zipfile.ZipFile(spec, "w") as archive:
            for path in made.iterdir():
                archive.write(path, f"it/{path.name}")
    elif form == "git":
        base = tmp_path / "src"
        for words in (
            ["init", "-q", "-b", "main"],
            ["add", "-A"],
            ["-c", "user.name=x", "-c", "user.email=x@x", "commit", "-q", "-m", "x"],
            ["tag", "v3"],
        ):
            subprocess.run(["git", *words], cwd=base, check=True)
        hook = base / ".git" / "hooks" / "post-checkout"
        hook.write_text(f"#!/bin/sh\ntouch {tmp_path}/ran\n")
        hook.chmod(0o755)
        spec = f"git+file://{base}@v3#subdirectory={ID}"
    ran = kurt("install", spec, "--yes")
    assert ran.steps == [("install", ID, "3.0.0")]
    assert version_in(project / "skills" / ID) == "3.0.0"
    row = read(str(project / "kurt.lock"))["com_example_archiver"]
    assert row.market is None and row.source is not None
    if form == "git":
        assert "@v3" not in row.source and ID in row.source  # the commit, not what may move
        assert not (tmp_path / "ran").exists()
    shutil.rmtree(project / "skills")
    shutil.rmtree(Places().store)
    assert kurt("sync", "--yes").steps == [("replace", ID, "3.0.0")]


@pytest.mark.parametrize(
    ("spec", "code"),
    [
        ("https://example.com/x.zip", 2),
        ("../../etc", 2),
        ("Bad_Name", 2),
        ("name@", 2),
        ("name@1.0.0@2.0.0", 2),
        ("name@one@two", 2),
        ("git+http://example.com/x", 2),
        ("git+ext::sh -c touch% /tmp/x", 2),
        ("git+file:///nowhere@--upload-pack=x", 2),
        ("git+file:///nowhere#subdirectory=../x", 2),
        ("git+file:///nowhere/at/all", 7),
        ("./nothing.whl", 2),
        (f"{ID}@9.9.9", 3),
        (f"{ID}@^7", 3),
        (f"{ID}@nomarket", 1),
    ],
)
def test_what_is_no_spec_is_told(shop: Shop, kurt: Kurt, spec: str, code: int) -> None:
    ran = kurt("install", spec, "--yes")
    assert ran.code == code, ran


def test_two_markets_of_one_name_are_not_mixed(shop: Shop, kurt: Kurt, tmp_path: Path) -> None:
    other = Shop(tmp_path / "other")
    other.sell(ID, "9.0.0", permissions=HOSTS)
    other.open()
    kurt("config", "set", "--scope", "user", "market.other.url", str(other.root))
    ran = kurt("install", ID, "--yes")
    assert (ran.code, ran["error"]["code"]) == (6, "ambiguous-name")
    assert set(ran["error"]["candidates"]) == {f"{ID}@shop", f"{ID}@other"}
    kurt("install", f"{ID}@shop", "--yes")
    assert kurt("install", ID, "--yes").steps == [("keep", ID, "1.0.0")]
    assert kurt("outdated").data["skills"] == []
    moved = kurt("install", f"{ID}@other", "--yes")
    assert moved["error"]["code"] == "publisher-changed"


# -- updating ------------------------------------------------------------------------


def test_an_update_waits_three_days_and_says_so(shop: Shop, kurt: Kurt, project: Path) -> None:
    kurt("install", ID, "--yes")
    sell(shop, "1.1.0")
    (row,) = kurt("outdated").data["skills"]
    assert (row["available"], row["waiting"]) == (None, "1.1.0")
    assert 2 * 86_400 < row["waiting_seconds"] <= 3 * 86_400
    ran = kurt("update", "--all")
    assert ran.steps == [] and "cooldown" in ran.rules
    shop.age(ID, "1.1.0")
    assert kurt("update", "--all").steps == [("update", ID, "1.1.0")]
    assert version_in(project / "skills" / ID) == "1.1.0"


def test_an_update_that_may_do_more_is_agreed_to_and_bound_to_that(
    shop: Shop, kurt: Kurt, project: Path
) -> None:
    kurt("install", ID, "--yes")
    sell(shop, "2.0.0", MORE)
    ran = kurt("update", ID, "--no-cooldown")
    assert ran["error"]["code"] == "consent" and "more.example" in ran["error"]["cause"]
    assert "web.archive.org" not in ran["error"]["cause"]  # that was agreed to
    assert version_in(project / "skills" / ID) == "1.0.0"
    assert kurt("update", ID, "--no-cooldown", "--yes").steps == [("update", ID, "2.0.0")]
    sell(shop, "2.1.0", {"network_hosts": ["more.example"]})
    assert kurt("update", ID, "--no-cooldown").steps == [("update", ID, "2.1.0")]


def test_an_update_mends_what_is_withdrawn_at_once(shop: Shop, kurt: Kurt) -> None:
    kurt("install", ID, "--yes")
    sell(shop, "1.1.0")

    def yank(document: dict[str, Any]) -> None:
        document["releases"][0]["yanked"] = "it loses pages"

    shop.change(ID, yank)
    audit = kurt("audit", "--no-python")
    assert audit.code == 5
    assert [fault["kind"] for fault in audit["data"]["faults"]] == ["withdrawn"]
    assert kurt("update", ID).steps == [("update", ID, "1.1.0")]
    old = kurt("install", f"{ID}@1.0.0", "--yes")
    assert old.steps == [("downgrade", ID, "1.0.0")] and "yanked" in old.rules


def advise(shop: Shop, **affected: Any) -> None:
    folder = shop.root / "kurt/v1/advisories"
    folder.mkdir(exist_ok=True)
    row = {
        "id": "KURT-2026-1",
        "modified": "2026-11-21T00:00:00Z",
        "summary": "it sends pages elsewhere",
        "affected": [{"package": {"ecosystem": "Kurt", "name": ID}, **affected}],
    }
    (folder / "KURT-2026-1.json").write_text(json.dumps(row))
    shop.open()


def test_what_an_advisory_is_about_is_not_installed(shop: Shop, kurt: Kurt, project: Path) -> None:
    kurt("install", ID, "--yes")
    sell(shop, "1.1.0")
    advise(shop, versions=["1.0.0"])
    audit = kurt("audit", "--no-python")
    assert audit["data"]["faults"][0]["id"] == "KURT-2026-1"
    assert audit["error"]["hint"] == f"kurt update {ID}"
    assert kurt("update", ID).steps == [("update", ID, "1.1.0")]  # no cooldown for this
    assert kurt("audit", "--no-python").code == 0
    refused = kurt("install", f"{ID}@1.0.0", "--yes")
    assert (refused.code, refused["error"]["code"]) == (5, "advisory")
    assert version_in(project / "skills" / ID) == "1.1.0"


def test_what_is_in_quarantine_is_not_offered(shop: Shop, kurt: Kurt) -> None:
    kurt("install", ID, "--yes")

    def lock_up(document: dict[str, Any]) -> None:
        document["project-status"] = {"status": "quarantined", "reason": "looked into"}

    shop.change(ID, lock_up)
    assert kurt("audit", "--no-python")["data"]["faults"][0]["summary"].startswith("in quarantine")
    kurt("uninstall", ID)
    assert kurt("install", ID, "--yes")["error"]["code"] == "advisory"


def test_the_same_version_with_other_files_is_no_update(shop: Shop, kurt: Kurt) -> None:
    kurt("install", ID, "--yes")
    from kurt_ext.market import digests

    def swap(document: dict[str, Any]) -> None:
        source = document["releases"][0]["source"]
        source["files"][0]["digest"] = digests.of_bytes(b"another")
        source["digest"] = digests.of_tree([(f["path"], f["digest"]) for f in source["files"]])

    shop.change(ID, swap)
    ran = kurt("outdated")
    assert ran.data["skills"] == []
    assert any("not the one that was installed" in one["message"] for one in ran["warnings"])


def test_a_rollback_goes_back_and_forth_without_a_market(
    shop: Shop, kurt: Kurt, project: Path
) -> None:
    kurt("install", ID, "--yes")
    sell(shop, "1.1.0", MORE)
    kurt("update", ID, "--no-cooldown", "--yes")
    shutil.rmtree(shop.root)
    assert kurt("rollback", ID).data["version"] == "1.0.0"
    assert version_in(project / "skills" / ID) == "1.0.0"
    assert read(str(project / "kurt.lock"))["com_example_archiver"].version == "1.0.0"
    assert kurt("rollback", ID).data["version"] == "1.1.0"
    assert kurt("rollback", ID, "--to", "1.0.0").data["version"] == "1.0.0"
    assert kurt("rollback", ID, "--to", "7.0.0").code == 3


def test_what_was_changed_is_neither_updated_nor_removed_unasked(
    shop: Shop, kurt: Kurt, project: Path
) -> None:
    kurt("install", ID, "--yes")
    sell(shop, "1.1.0")
    path = project / "skills" / ID / "README.txt"
    path.write_text("mine")
    for words in (("update", ID, "--no-cooldown"), ("uninstall", ID)):
        ran = kurt(*words)
        assert ran["error"]["code"] == "conflict" and "README.txt" in ran["error"]["cause"]
    assert path.read_text() == "mine"
    assert kurt("doctor")["ok"] is False
    assert kurt("update", ID, "--no-cooldown", "--force").steps == [("update", ID, "1.1.0")]
    (kept,) = Path(Receipts(Places(str(project))).folder, "kept").iterdir()
    assert (kept / "README.txt").read_text() == "mine"


# -- the lock ------------------------------------------------------------------------


def test_a_lock_is_had_again_from_a_mirror_without_a_network(
    shop: Shop, kurt: Kurt, project: Path, tmp_path: Path
) -> None:
    kurt("install", ID, CALC, "--yes")
    copy = tmp_path / "mirror"
    from kurt_ext.market.reading import FolderReader

    mirror(FolderReader(str(shop.root)), str(copy))
    shutil.rmtree(shop.root)
    another = tmp_path / "another"
    another.mkdir()
    shutil.copy(project / "kurt.lock", another)
    shutil.rmtree(Places().store)
    kurt("config", "set", "--scope", "user", "market.shop.url", copy.as_uri())
    os.chdir(another)
    refused = kurt("sync", "--locked")
    assert refused["error"]["code"] == "consent"  # nobody has agreed to it in this project
    assert not (another / "skills").exists()
    ran = kurt("sync", "--locked", "--yes")
    assert sorted(step[1] for step in ran.steps) == [ID, CALC, LIB]
    assert version_in(another / "skills" / CALC) == "1.0.0"
    assert read(str(another / "kurt.lock")).keys() == read(str(project / "kurt.lock")).keys()
    assert kurt("sync", "--locked").data["same"] == 3
    assert kurt("audit", "--offline").code == 0


def test_a_sync_takes_nothing_that_is_not_locked(shop: Shop, kurt: Kurt, project: Path) -> None:
    kurt("install", ID, "--yes")
    lock = project / "kurt.lock"
    other = "sha256:" + "0" * 64
    digest = read(str(lock))["com_example_archiver"].digest
    lock.write_text(lock.read_text().replace(digest, other))
    ran = kurt("sync", "--locked", "--yes")
    assert (ran.code, ran["error"]["code"]) == (5, "integrity")
    assert version_in(project / "skills" / ID) == "1.0.0"


def test_a_sync_removes_what_is_not_locked_where_that_is_meant(
    shop: Shop, kurt: Kurt, project: Path
) -> None:
    kurt("install", ID, "--yes")
    lock = (project / "kurt.lock").read_text()
    kurt("install", CALC)
    (project / "kurt.lock").write_text(lock)
    ran = kurt("sync")
    assert "not-locked" in ran.rules and ran.data["removed"] == []
    assert sorted(kurt("sync", "--locked").data["removed"]) == [CALC, LIB]
    assert not (project / "skills" / CALC).exists()


def test_a_sync_to_a_lock_that_is_gone_removes_nothing(
    shop: Shop, kurt: Kurt, project: Path
) -> None:
    kurt("install", ID, "--yes")
    lock = project / "kurt.lock"
    before = lock.read_text()
    lock.unlink()
    ran = kurt("sync", "--locked")
    assert (ran.code, ran["error"]["code"]) == (1, "config-invalid")
    assert (project / "skills" / ID).is_dir()
    assert kurt("install", ID).code == 0  # nothing to do, but to lock it again
    assert lock.read_text() == before
    assert kurt("sync", "--locked").data["same"] == 1


def test_what_is_asked_for_twice_is_installed_once(shop: Shop, kurt: Kurt, project: Path) -> None:
    ran = kurt("install", ID, ID, f"{ID}@1.0.0", "--yes")
    assert [step[1] for step in ran.steps] == [ID]
    shop.sell(ID, "1.1.0")
    shop.open()
    ran = kurt("install", f"{ID}@1.0.0", f"{ID}@1.1.0", "--yes")
    assert (ran.code, ran["error"]["cause"]) == (6, "1.0.0 and 1.1.0")


def test_a_sync_with_nothing_to_do_is_remembered_and_a_change_is_seen(
    shop: Shop, kurt: Kurt, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from kurt_ext import settled

    kurt("install", ID, "--yes")
    monkeypatch.setattr(settled, "RACY_NS", -(10**12))
    assert settled.is_settled(Places(str(project))) is None
    assert kurt("sync").data["same"] == 1
    assert settled.is_settled(Places(str(project))) == 1
    for change in (
        lambda: (project / "skills" / ID / "added.py").write_text(""),
        lambda: (project / "skills" / ID / "main.py").unlink(),
        lambda: (project / "kurt.lock").write_text('lock-version = "1.0"\n'),
        lambda: shutil.rmtree(project / "skills" / ID),
    ):
        kurt("sync", "--force", ID, "--yes")
        kurt("sync")
        change()
        assert settled.is_settled(Places(str(project))) is None
    note = next(Path(Places().cache, "settled").iterdir())
    note.write_bytes(b"torn")
    assert settled.is_settled(Places(str(project))) is None


@pytest.mark.parametrize(
    "text",
    [
        "",
        "x",
        'lock-version = "2.0"',
        'lock-version = "1.0"\n[[skill]]\nname = "../x"',
        'lock-version = "1.0"\n[[skill]]\nname = "x"\nversion = "1"\nlane = "folder"\ndigest = "y"',
    ],
)
def test_a_lock_that_cannot_be_used_is_told(kurt: Kurt, project: Path, text: str) -> None:
    (project / "kurt.lock").write_text(text)
    ran = kurt("sync")
    assert (ran.code, ran["error"]["code"]) == (1, "config-invalid")


# -- markets -------------------------------------------------------------------------


def test_a_market_behind_a_server_is_asked_once_and_kept(
    shop: Shop, kurt: Kurt, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fetching, "_PAUSE", 0.001)
    with served(shop.root) as server:
        kurt("config", "set", "--scope", "user", "market.shop.url", server.url)
        assert kurt("install", CALC).code == 0
        asked = len(server.asked)
        assert kurt("install", CALC).code == 0
        assert len(server.asked) - asked < 4  # the index, by its tag; documents are kept
    ran = kurt("search", "calculator")
    assert ran.data["skills"][0]["id"] == CALC and "market-unreachable" in ran.rules
    assert kurt("install", ID, "--yes").code == 7
    assert kurt("search", "--offline", "calculator").code == 0


def test_offline_nobody_is_asked(shop: Shop, kurt: Kurt) -> None:
    with served(shop.root) as server:
        kurt("config", "set", "--scope", "user", "market.shop.url", server.url)
        assert kurt("search").code == 0
        asked = len(server.asked)
        ran = kurt("install", ID, "--offline", "--yes")
        assert (ran.code, ran["error"]["hint"]) == (7, "leave --offline away")
        assert len(server.asked) == asked


def test_the_market_of_a_project_that_is_not_trusted_is_told(
    shop: Shop, kurt: Kurt, project: Path
) -> None:
    kurt("config", "unset", "--scope", "user", "market.shop.url")
    (project / "kurt.toml").write_text(f'[market.shop]\nurl = "{shop.root}"\n')
    for ran in (kurt("search"), kurt("install", ID, "--yes")):
        assert "[market.shop] is ignored" in ran["error"]["cause"]
        assert ran["error"]["hint"] == f"kurt skill trust {project}"
    assert kurt("skill", "trust", str(project)).code == 0
    assert kurt("install", ID, "--yes").code == 0


def test_a_name_that_is_not_locked_cannot_be_put_back(shop: Shop, kurt: Kurt) -> None:
    kurt("install", ID, "--yes")
    ran = kurt("sync", "--force", ID + "s")
    assert (ran.code, ran["error"]["hint"]) == (3, f"did you mean {ID}?")


@pytest.mark.slow
@pytest.mark.parametrize("at", range(0, 24_576, 4096))
def test_a_download_that_is_cut_off_installs_nothing(
    shop: Shop, kurt: Kurt, project: Path, monkeypatch: pytest.MonkeyPatch, at: int
) -> None:
    monkeypatch.setattr(fetching, "_PAUSE", 0.001)
    text = "".join(f"{number * number:x}" for number in range(9000))
    sell(shop, "2.0.0", files={"data.txt": text})

    def cut(handler: Any, data: bytes) -> bool:
        if "/files/" not in handler.path:
            return False
        assert len(data) > at
        handler.send_response(200)
        handler.send_header("Content-Length", str(len(data)))
        handler.end_headers()
        handler.wfile.write(data[:at])
        return True

    with served(shop.root, cut) as server:
        kurt("config", "set", "--scope", "user", "market.shop.url", server.url)
        ran = kurt("install", ID, "--yes")
        assert (ran.code, ran["error"]["code"]) == (7, "network")
        assert not (project / "skills" / ID).exists() and hidden(project / "skills") == []
        server.mischief = None
        assert kurt("install", ID, "--yes").code == 0


def test_a_projects_market_counts_once_the_project_is_trusted(
    shop: Shop, kurt: Kurt, project: Path
) -> None:
    kurt("config", "unset", "--scope", "user", "market.shop.url")
    (project / "kurt.toml").write_text(f'[market.here]\nurl = "{shop.root}"\n')
    assert kurt("search", "calculator")["error"]["code"] == "config-invalid"
    kurt("skill", "trust")
    assert kurt("search", "calculator").data["skills"][0]["market"] == "here"


def test_a_key_that_cannot_be_read_is_no_reason_to_go_without(shop: Shop, kurt: Kurt) -> None:
    places = Places()
    with open(places.user_config, "a") as file:
        file.write("key = 3\n")
    ran = kurt("search", "calculator")
    assert ran["error"]["code"] == "config-invalid" and "key" in ran["error"]["message"]


def test_a_publishers_key_is_remembered_and_a_change_blocks(
    shop: Shop, kurt: Kurt, project: Path
) -> None:
    kurt("install", ID, "--yes")
    path = Path(Receipts(Places(str(project))).path_of(ID))
    row = json.loads(path.read_text())
    row["locked"]["key"] = PrivateKey(b"k" * 32).id
    path.write_text(json.dumps(row))
    sell(shop, "1.1.0")
    ran = kurt("update", ID, "--no-cooldown", "--yes")
    assert (ran.code, ran["error"]["code"]) == (5, "publisher-changed")
    done = kurt("update", ID, "--no-cooldown", "--yes", "--new-publisher", ID)
    assert done.steps == [("update", ID, "1.1.0")]


def test_a_catalogue_is_made_anew_where_it_is_damaged(shop: Shop, kurt: Kurt) -> None:
    assert kurt("search", "calculator").code == 0
    (path,) = Path(Places().cache).glob("markets/*/catalogue-*.sqlite")
    path.write_bytes(b"nonsense")
    assert kurt("search", "calculator").data["skills"][0]["id"] == CALC


def test_a_market_is_refused_by_what_was_seen_of_it(
    shop: Shop, kurt: Kurt, monkeypatch: pytest.MonkeyPatch
) -> None:
    old = shop.index
    sell(shop, "1.1.0")
    assert kurt("search", "x").code == 0
    shop.write_index(old)
    ran = kurt("search", "x")
    assert (ran.code, ran["error"]["code"]) == (5, "index-stale")
    assert clients.Market(Places(), "shop", str(shop.root)).name == "shop"


def test_an_index_that_has_expired_is_taken_aloud_where_that_is_meant(
    shop: Shop, kurt: Kurt
) -> None:
    index = shop.index
    index["meta"] |= {"expires": "2026-01-02T00:00:00Z", "generated": "2026-01-01T00:00:00Z"}
    shop.write_index(index)
    assert kurt("search", "calculator")["error"]["code"] == "index-stale"
    ran = kurt("search", "calculator", "--allow-stale")
    assert ran.data["skills"] and "index-stale" in ran.rules


# -- the other lane ------------------------------------------------------------------


def test_pip_and_uv_are_told_of_one_source_alone(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    from kurt_ext import installing_distributions as lane

    told: list[tuple[list[str], dict[str, str]]] = []

    def run(command: list[str], **more: Any) -> Any:
        told.append((command, more["env"]))
        return subprocess.CompletedProcess(command, 0, "", "")

    monkeypatch.setattr(lane.subprocess, "run", run)
    for variable in ("PIP_EXTRA_INDEX_URL", "UV_EXTRA_INDEX_URL", "UV_INDEX", "PIP_FIND_LINKS"):
        monkeypatch.setenv(variable, "https://evil.example/simple")
    for program in ("pip", "/somewhere/uv"):
        monkeypatch.setattr(lane, "installer", lambda program=program: program)
        lane.install_wheel("/x/thing-1.0-py3-none-any.whl")
        lane.install_locked(["a==1 --hash=sha256:00"], index="https://one.example/simple")
        lane.install_locked(["a==1 --hash=sha256:00"])
        lane.uninstall("thing")
    for command, environ in told:
        assert "https://evil.example/simple" not in environ.values()
        if "install" in command:
            assert "--only-binary=:all:" in command and "--no-deps" in command
            assert ("--no-index" in command) or ("--require-hashes" in command)
    assert sys.executable in told[0][0]


# -- kill -9 -------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(os, "fork"), reason="the system cannot fork")
@pytest.mark.parametrize("verb", ["install", "update", "uninstall", "rollback"])
def test_a_command_that_is_killed_at_any_step_leaves_old_or_new(
    shop: Shop, kurt: Kurt, project: Path, verb: str
) -> None:
    words = {
        "install": ["install", ID, "--yes"],
        "update": ["update", ID, "--yes", "--no-cooldown"],
        "uninstall": ["uninstall", ID],
        "rollback": ["rollback", ID],
    }[verb]
    old, new = {
        "install": (None, "1.0.0"),
        "update": ("1.0.0", "1.1.0"),
        "uninstall": ("1.0.0", None),
        "rollback": ("1.1.0", "1.0.0"),
    }[verb]
    folder = project / "skills" / ID
    sell(shop, "1.1.0")
    for spec in (f"{ID}@1.0.0", f"{ID}@1.1.0"):
        assert kurt("install", spec, "--yes").code == 0  # judged once, and remembered

    def start() -> None:
        if old is None:
            kurt("uninstall", ID)
        elif version_in(folder) != old:
            kurt("install", f"{ID}@{old}", "--yes")
        if verb == "rollback":
            kurt("install", f"{ID}@{new}", "--yes")
            kurt("install", f"{ID}@{old}", "--yes")

    if verb == "install":
        sell(shop, "1.1.1")

        def yank(document: dict[str, Any]) -> None:
            for release in document["releases"][1:]:
                release["yanked"] = "not for this"

        shop.change(ID, yank)

    def command() -> None:
        with open(os.devnull, "w") as sink:
            os.dup2(sink.fileno(), 1)
            os.dup2(sink.fileno(), 2)
        run_here(words)

    seen = set()
    for number in range(1, 500):
        start()
        assert version_in(folder) == old
        if not die_at(command, number):
            break
        assert version_in(folder) in (old, new)
        doctor = kurt("doctor")
        rows = [row for row in doctor["data"]["checks"] if row["id"] == "installed"]
        assert rows and all(row["status"] == "ok" for row in rows)
        assert hidden(project / "skills") == []
        row = read(str(project / "kurt.lock")).get("com_example_archiver")
        assert (row.version if row else None) == version_in(folder)
        seen.add(version_in(folder))
    assert seen == {old, new}
