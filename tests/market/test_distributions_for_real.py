"""uv and pip put distributions in and out, of an index and of a market, killed or not."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from simple_indexes import CODE, serving, skill_wheel
from tiny_wheels import wheel
from venvs import FreshEnv, uv

from kurt_ext.market.building import build
from kurt_ext.places import Places

NAME = "word-sayer"
pytestmark = [pytest.mark.venv, pytest.mark.slow]


class Machine:
    """An environment with kurt in it, and one of the two installers."""

    def __init__(self, env: FreshEnv, project: Path, by: str) -> None:
        self.env, self.project = env, project
        env.install("kurt-ext", "pip")
        self.uv = env.bin / "uv"
        if by == "uv":
            self.uv.symlink_to(uv())
        else:  # none beside it, and none on the path
            env.environ["PATH"] = f"{env.bin}:/usr/bin:/bin"
        self("config", "set", "--scope", "user", "validator.min_score", "60")

    def run(self, *words: str) -> subprocess.CompletedProcess[str]:
        """Run a command."""
        line = [self.env.python, "-m", "kurt_ext", *words]
        return subprocess.run(
            line, env=self.env.environ, cwd=self.project, capture_output=True, text=True
        )

    def __call__(self, *words: str) -> Any:
        """Run a command, and return its data."""
        done = self.run(*words, "--json")
        assert done.returncode == 0, done.stdout + done.stderr
        return json.loads(done.stdout)["data"]

    def asks(self, url: str) -> None:
        """Have an index in PyPI's place."""
        for name in ("PIP_NO_INDEX", "UV_NO_INDEX", "UV_OFFLINE", "UV_CACHE_DIR"):
            self.env.environ.pop(name)
        self.env.environ["UV_DEFAULT_INDEX"] = url

    def says(self) -> str:
        """Return what the skill says, run."""
        return self.run("run", NAME).stdout

    def installed(self) -> list[str]:
        """Return the versions of the distribution that are there."""
        found = Path(self.env.site).glob("word_sayer-*.dist-info")
        return sorted([path.name.split("-")[1].removesuffix(".dist") for path in found])


@pytest.fixture(params=["uv", "pip"])
def machine(fresh_env: FreshEnv, project: Path, request: pytest.FixtureRequest) -> Machine:
    return Machine(fresh_env, project, request.param)


def test_a_wheel_of_a_market_lives_its_life(machine: Machine, tmp_path: Path) -> None:
    market = tmp_path / "market"
    skill_wheel(market / "wheels", version="1.0.0")
    assert not build(str(market), Places()).refused
    machine("config", "set", "--scope", "user", "market.shop.url", str(market))
    machine("install", NAME, "--yes")
    assert "I am 1.0.0" in machine.says()
    lock = (machine.project / "kurt.lock").read_text()
    assert 'market = "shop"' in lock and 'wheel = "word_sayer-1.0.0-py3-none-any.whl"' in lock
    skill_wheel(market / "wheels", version="1.1.0", files={"word_more.py": ""})
    build(str(market), Places())
    (row,) = machine("outdated")["skills"]
    assert (row["available"], row["waiting"]) == (None, "1.1.0")
    assert [
        one["verb"] for one in machine("update", "--all", "--no-cooldown", "--yes")["steps"]
    ] == ["update"]
    assert "I am 1.1.0" in machine.says() and machine.installed() == ["1.1.0"]
    assert machine("rollback", NAME)["version"] == "1.0.0"
    assert "I am 1.0.0" in machine.says() and machine.installed() == ["1.0.0"]
    assert not (Path(machine.env.site) / "word_more.py").exists()
    assert machine("sync", "--locked")["same"] == 1
    assert machine("audit", "--no-python")["faults"] == []
    # The same, by the simple index that the market has for others.
    machine("uninstall", NAME)
    assert machine.installed() == []
    machine("config", "set", "--scope", "user", "market.team.url", (market / "simple").as_uri())
    machine("config", "set", "--scope", "user", "market.team.kind", "simple")
    machine("install", f"{NAME}==1.1@team", "--yes")
    assert "I am 1.1.0" in machine.says()
    assert 'market = "team"' in (machine.project / "kurt.lock").read_text()
    machine("uninstall", NAME)
    assert machine.installed() == [] and machine("list", "--all") is not None


def test_a_distribution_of_an_index_lives_its_life(machine: Machine, tmp_path: Path) -> None:
    with serving(tmp_path / "wheels") as index:
        code = CODE.replace("I am WORD", "I am WORD in {os.getpid()}.").replace(
            '"text": "', '"text": f"'
        )
        index.add(code=f"import os\n\n{code}")
        machine.asks(index.url)
        machine("install", NAME, "--yes")
        line = [machine.env.python, "-m", "kurt_ext", "run", NAME]
        with subprocess.Popen(
            line, env=machine.env.environ, cwd=machine.project, stdout=subprocess.PIPE, text=True
        ) as host:
            said = host.communicate()[0]
        # What came from an index runs apart from the host.
        assert "I am 1.0 in " in said and f" {host.pid}." not in said
        index.add(NAME, "1.1")
        machine("update", NAME, "--yes")
        assert machine.installed() == ["1.1"] and "I am 1.1" in machine.says()
        assert machine("rollback", NAME)["version"] == "1.0.0"
        (Path(machine.env.site) / "word_sayer.py").write_text("raise SystemExit\n")
        assert [one["kind"] for one in audit(machine)] == ["changed"]
        machine("sync", "--locked", "--yes", "--offline")
        assert audit(machine) == [] and "I am 1.0" in machine.says()
        machine("uninstall", NAME)
        assert machine.installed() == []


def test_what_a_distribution_needs_comes_from_its_own_index_and_is_locked(
    machine: Machine, tmp_path: Path
) -> None:
    with serving(tmp_path / "public") as pypi, serving(tmp_path / "private") as team:
        wheel(pypi.root, "tiny-lib", "9.0")  # what somebody else has put there
        wheel(team.root, "tiny-lib", "1.5")
        wheel(team.root, "tiny-lib", "0.5")
        code = CODE.replace("I am WORD", "lib {tiny_lib.VERSION}").replace(
            '"text": "', '"text": f"'
        )
        team.add(code=f"import tiny_lib\n{code}", requires=("tiny-lib>=1", "kurt-ext"))
        machine.asks(pypi.url)
        machine("config", "set", "--scope", "user", "market.team.url", team.url)
        machine("config", "set", "--scope", "user", "market.team.kind", "simple")
        asked = json.loads(machine.run("install", NAME, "--json").stdout)
        assert asked["error"]["code"] == "consent" and "tiny-lib" in asked["error"]["cause"]
        data = machine("install", NAME, "--yes")
        assert data["distributions"] == ["tiny-lib==1.5"]
        assert "lib 1.5" in machine.says()
        assert not [path for path in pypi.asked if "tiny" in path]
        text = (machine.project / "pylock.kurt.toml").read_text()
        assert f'index = "{team.url}"' in text and "[[tool.kurt.index]]" in text
        sha = hashlib.sha256((team.root / "tiny_lib-1.5-py3-none-any.whl").read_bytes())
        assert sha.hexdigest() in text
        wheel(team.root, "tiny-lib", "1.6")
        machine.env.uv("pip", "uninstall", "--quiet", "tiny-lib")
        assert machine("sync", "--locked", "--python")["distributions"] == ["tiny-lib==1.5"]
        # Elsewhere, and without a network: from a folder of wheels.
        machine.env.uv("pip", "uninstall", "--quiet", "tiny-lib", NAME)
        machine.env.environ["KURT_DATA"] = str(tmp_path / "data")
        machine("config", "set", "--scope", "user", "sandbox.wheelhouse", str(team.root))
        pypi.asked.clear()
        team.asked.clear()
        data = machine("sync", "--locked", "--offline", "--yes")
        assert data["distributions"] == ["tiny-lib==1.5"] and len(data["steps"]) == 1
        assert "lib 1.5" in machine.says()
        assert pypi.asked == team.asked == []


def test_what_cannot_be_had_leaves_everything_as_it_was(machine: Machine, tmp_path: Path) -> None:
    with serving(tmp_path / "wheels") as index:
        index.add(requires=("nobody-has-this>=1",))
        machine.asks(index.url)
        ran = machine.run("install", NAME, "--yes")
        assert ran.returncode != 0 and "nobody-has-this" in ran.stderr
        assert machine.installed() == []
        assert not list(machine.project.glob("*.lock")) + list(machine.project.glob("pylock*"))


def audit(machine: Machine) -> list[dict[str, Any]]:
    found = json.loads(machine.run("audit", "--no-python", "--json").stdout)
    return list(found["data"]["faults"])


WRAPPER = """\
#!{python}
import os, pathlib, signal, subprocess, sys, time
mode = pathlib.Path({mode!r}).read_text()
site = pathlib.Path({site!r})
changing = sys.argv[2] in ("install", "uninstall")
def kill():
    os.kill(os.getppid(), signal.SIGKILL)
if changing and mode == "before":
    kill()
    sys.exit(1)
if changing and mode == "orphan":
    kill()
    time.sleep(1.5)
code = subprocess.run([{uv!r}, *sys.argv[1:]]).returncode
if changing and mode == "torn":
    for path in site.glob("word_sayer*"):
        for one in path.glob("RECORD"):
            one.unlink()
    (site / "word_sayer.py").unlink(missing_ok=True)
if changing and mode in ("torn", "after"):
    kill()
sys.exit(code)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="there is no SIGKILL")
@pytest.mark.parametrize("mode", ["before", "orphan", "torn", "after"])
def test_killed_while_uv_works_the_next_command_mends_it(
    fresh_env: FreshEnv, project: Path, tmp_path: Path, mode: str
) -> None:
    machine = Machine(fresh_env, project, "uv")
    machine.uv.unlink()
    said = tmp_path / "mode"
    machine.uv.write_text(
        WRAPPER.format(python=sys.executable, mode=str(said), site=fresh_env.site, uv=uv())
    )
    machine.uv.chmod(0o755)
    one = skill_wheel(tmp_path, version="1.0")
    two = skill_wheel(tmp_path, version="1.1", files={"word_more.py": ""})
    for words, after in (
        (("install", str(one), "--yes"), ["1.0"]),
        (("install", str(two), "--yes", "--new-publisher", NAME), ["1.1"]),
        (("rollback", NAME), ["1.0"]),
        (("uninstall", NAME), []),
    ):
        said.write_text(mode)
        assert machine.run(*words).returncode == -9
        said.write_text("")
        rows = machine("doctor")["checks"]
        assert [row["status"] for row in rows if row["id"] == "installed"] == ["ok", "ok"]
        assert machine.installed() == after
        assert (Path(fresh_env.site) / "word_more.py").exists() == (after == ["1.1"])
        if after:
            assert f"I am {after[0]}" in machine.says()
        assert machine("sync", "--locked")["same"] == len(after)
        assert (Path(fresh_env.site) / "word_sayer.py").exists() == bool(after)
