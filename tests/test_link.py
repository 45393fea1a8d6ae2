from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from records import record
from venvs import FreshEnv

from kurt_ext import distinfo
from kurt_ext.errors import ConflictError, PolicyError, StorageError, UsageError
from kurt_ext.link import Environment, is_linked, link, unlink
from kurt_ext.shim import Shim


@pytest.fixture
def site(tmp_path: Path) -> Path:
    site = tmp_path / "env" / "site-packages"
    site.mkdir(parents=True)
    return site


@pytest.fixture
def root(tmp_path: Path) -> str:
    return synced(tmp_path, "project-1")


def synced(tmp_path: Path, key: str, *names: str) -> str:
    folder = tmp_path / "skills" / "web-archiver"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "skill.py").write_text("class Archive: pass\n")
    shim = Shim(str(tmp_path / "data" / "shim" / key))
    entries = []
    for name in names or ("web-archiver",):
        plain = record(name)
        entries.append((str(folder), plain, distinfo.offers(plain, {})))
    shim.sync(entries)
    return shim.root


def test_a_link_is_one_plain_path_line_and_goes_again(root: str, site: Path) -> None:
    environment = Environment(str(site))
    assert not is_linked(root, environment)
    for _ in range(2):
        path = link(root, environment)
        assert os.listdir(site) == [os.path.basename(path)]
        assert Path(path).read_text() == root + "\n"
        assert is_linked(root, environment)
    assert unlink(root, environment)
    assert os.listdir(site) == []
    assert not unlink(root, environment)


def test_a_projects_link_is_read_before_the_users(tmp_path: Path, site: Path) -> None:
    environment = Environment(str(site))
    user = link(synced(tmp_path, "user"), environment)
    for key in ("zebra-1", "aardvark-2"):
        assert link(synced(tmp_path, key), environment) < user
    assert len(os.listdir(site)) == 3


@pytest.mark.parametrize(
    "installed",
    [
        "kurt_skill_web_archiver-0.1.0.dist-info/METADATA",
        "Kurt.Skill_Web.Archiver-9.dist-info/METADATA",
        "kurt_skill_web_archiver-0.1.0-py3.11.egg-info/PKG-INFO",
        "kurt_skills/web_archiver/__init__.py",
    ],
)
def test_an_installed_copy_forbids_the_link(root: str, site: Path, installed: str) -> None:
    path = site / installed
    path.parent.mkdir(parents=True)
    path.write_text("")
    with pytest.raises(ConflictError) as caught:
        link(root, Environment(str(site)))
    assert caught.value.candidates == ("kurt-skill-web-archiver",)
    assert caught.value.hint == "pip uninstall kurt-skill-web-archiver"
    assert not list(site.glob("*.pth"))


def test_other_skills_in_the_environment_do_not_forbid_it(root: str, site: Path) -> None:
    (site / "kurt_skill_other-0.1.0.dist-info").mkdir()
    (site / "kurt_skills" / "other").mkdir(parents=True)
    assert Path(link(root, Environment(str(site)))).read_text().strip() == root


def test_an_externally_managed_environment_is_refused_unless_allowed(
    root: str, site: Path, tmp_path: Path
) -> None:
    marker = tmp_path / "EXTERNALLY-MANAGED"
    environment = Environment(str(site), marker=str(marker))
    link(root, environment)
    unlink(root, environment)
    marker.write_text("[externally-managed]\n")
    with pytest.raises(PolicyError, match="package manager") as caught:
        link(root, environment)
    assert caught.value.at == str(marker)
    assert os.listdir(site) == []
    link(root, environment, allow_managed=True)
    assert is_linked(root, environment)


def test_a_path_that_would_be_another_line_is_refused(tmp_path: Path, site: Path) -> None:
    for key in ("a\nimport evil", "trailing ", "a\u2028b"):
        shim = Shim(str(tmp_path / key))
        shim.sync([(str(tmp_path), record(), [])])
        with pytest.raises(UsageError, match="cannot stand in"):
            link(shim.root, Environment(str(site)))
    with pytest.raises(UsageError, match="cannot stand in"):
        link("import evil", Environment(str(site)))
    with pytest.raises(UsageError, match="there is no shim"):
        link(str(tmp_path / "absent"), Environment(str(site)))
    assert os.listdir(site) == []


def test_a_site_that_cannot_be_written_is_a_typed_error(root: str, tmp_path: Path) -> None:
    with pytest.raises(StorageError):
        link(root, Environment(str(tmp_path / "absent")))


def test_a_foreign_file_of_that_name_is_no_link_of_ours(root: str, site: Path) -> None:
    environment = Environment(str(site))
    path = Path(link(root, environment))
    path.write_text("/somewhere/else\n")
    assert not unlink(root, environment)
    assert path.exists()


def test_an_environment_is_asked_of_its_interpreter(tmp_path: Path) -> None:
    environment = Environment.of()
    assert os.path.isdir(environment.site)
    assert bool(environment.marker) == (sys.prefix == sys.base_prefix)
    with pytest.raises(UsageError):
        Environment.of(str(tmp_path / "python"))


SEEN = """
import importlib.metadata, json, sys
from stevedore import ExtensionManager
points = [e.value for e in importlib.metadata.entry_points(group="kurt.tool")]
found = {e.name: e.plugin.__module__ for e in ExtensionManager("kurt.tool")}
print(json.dumps([points, found]))
"""


@pytest.mark.venv
def test_after_a_link_every_stock_program_sees_the_skill(root: str, fresh_env: FreshEnv) -> None:
    fresh_env.install("stevedore", "pip")
    environment = Environment.of(fresh_env.python)
    assert environment.site == fresh_env.site
    assert fresh_env.run("-c", SEEN) == "[[], {}]\n"
    link(root, environment)
    # Twice: the second reads what stevedore has put into its cache.
    for _ in range(2):
        assert json.loads(fresh_env.run("-c", SEEN)) == [
            ["kurt_skills.web_archiver.skill:Archive"],
            {"archive": "kurt_skills.web_archiver.skill"},
        ]
    listed = json.loads(fresh_env.run("-m", "pip", "list", "--editable", "--format=json"))
    assert [(each["name"], each["version"]) for each in listed] == [
        ("kurt-skill-web-archiver", "0.1.0")
    ]
    assert "web-archiver" in listed[0]["editable_project_location"]
    by_path = fresh_env.run("-m", "pip", "list", "--path", root, "--editable", "--format=json")
    assert json.loads(by_path) == listed
    assert "kurt-skill-web-archiver" in fresh_env.run("-m", "pip", "show", "-f", listed[0]["name"])
    assert unlink(root, environment)
    assert fresh_env.run("-c", SEEN) == "[[], {}]\n"


def test_uv_accepts_the_shim(root: str) -> None:
    pytest.importorskip("uv")
    done = subprocess.run(
        [sys.executable, "-m", "uv", "pip", "list", "--offline", "--target", root],
        capture_output=True,
        text=True,
        check=False,
    )
    assert "kurt-skill-web-archiver" in done.stdout, done.stderr
