"""What a worker may do is worked out once: real paths, names, limits, and what nobody is given."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kurt_ext.errors import IsolationError
from kurt_ext.grants import Grants
from kurt_ext.sandbox.limits import DEFAULTS, LIMITS, lowered, merged, problems
from kurt_ext.sandbox.policy import ENFORCED, Policy, compile_policy
from kurt_ext.sandbox.programs import executables


class Ground:
    """A home, a skill's folder in it, and an environment."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.home = root / "home"
        self.skill = root / "skills" / "keeper"
        self.data = root / "data"
        for folder in (self.home / "notes", self.skill, self.data):
            folder.mkdir(parents=True)
        (self.skill / "skill.py").write_text("")
        self.environ = {"HOME": str(self.home), "PATH": "/usr/bin:/bin", "KEY": "k", "OTHER": "o"}

    def policy(self, strict: bool = False, **permissions: Any) -> Policy:
        return compile_policy(
            "keeper",
            Grants.of(permissions),
            folder=str(self.skill),
            limits=DEFAULTS,
            tier="kernel",
            path=[],
            strict=strict,
            protected=[str(self.data)],
            environ=self.environ,
            home=str(self.home),
        )


@pytest.fixture
def ground(tmp_path: Path) -> Ground:
    return Ground(tmp_path)


class TestFiles:
    def test_an_entry_becomes_the_real_path_that_it_leads_to(self, ground: Ground) -> None:
        (ground.root / "link").symlink_to(ground.home / "notes")
        (ground.skill / "data").mkdir()
        policy = ground.policy(
            filesystem_read=["~/notes", str(ground.root / "link"), "./data", "$HOME/notes/"]
        )
        assert policy.read == (str(ground.home / "notes"), str(ground.skill / "data"))

    def test_a_pattern_is_what_is_there_when_the_worker_starts(self, ground: Ground) -> None:
        for name in ("a.csv", "b.csv", "c.txt"):
            (ground.home / "notes" / name).write_text("x")
        policy = ground.policy(filesystem_read=["~/notes/*.csv"])
        assert sorted(map(os.path.basename, policy.read)) == ["a.csv", "b.csv"]
        assert "starts" in policy.notes[0]
        assert ground.policy(filesystem_read=["~/notes/*"]).read == (str(ground.home / "notes"),)

    def test_what_may_be_written_and_is_not_there_is_made_empty(self, ground: Ground) -> None:
        policy = ground.policy(filesystem_write=["~/made/deep", "~/notes/log.txt"])
        assert (ground.home / "made" / "deep").is_dir()
        assert (ground.home / "notes" / "log.txt").read_bytes() == b""
        assert len(policy.write) == 2

    def test_what_may_be_read_and_is_not_there_is_left_out_with_a_note(
        self, ground: Ground
    ) -> None:
        policy = ground.policy(filesystem_read=["~/none"])
        assert policy.read == ()
        assert policy.notes == ("~/none is not there, and cannot be read before it is",)
        assert not (ground.home / "none").exists()

    def test_what_leads_through_a_link_of_the_plugins_own_making_is_refused(
        self, ground: Ground
    ) -> None:
        out = ground.home / "out"
        out.mkdir()
        (ground.home / ".aws").mkdir()
        (out / "data").symlink_to(ground.home / ".aws")
        with pytest.raises(IsolationError, match=r"~/out/data") as caught:
            ground.policy(filesystem_write=["~/out"], filesystem_read=["~/out/data"])
        assert "link" in str(caught.value.cause)

    @pytest.mark.parametrize("entry", ["./data", "data/deep"])
    def test_a_link_that_came_with_the_skill_is_not_what_the_manifest_says(
        self, ground: Ground, entry: str
    ) -> None:
        (ground.home / ".aws" / "deep").mkdir(parents=True)
        (ground.skill / "data").symlink_to("../" * 9 + str(ground.home / ".aws"))
        for permission in ("filesystem_read", "filesystem_write"):
            with pytest.raises(IsolationError, match="data") as caught:
                ground.policy(**{permission: [entry]})
            assert ".aws" in str(caught.value.cause)

    def test_what_decides_about_plugins_is_refused_alone_and_with_all_around_it(
        self, ground: Ground
    ) -> None:
        for path, said in (
            (ground.data / "trust.json", f"it lies in {ground.data}, which no plugin may change"),
            (ground.data.parent, f"{ground.data} lies in it, which no plugin may change"),
        ):
            with pytest.raises(IsolationError) as caught:
                ground.policy(filesystem_write=[str(path)])
            assert caught.value.cause == said

    @pytest.mark.parametrize("entry", ["/proc/self", "/proc/self/environ", "/proc/PID"])
    def test_what_proc_tells_of_the_host_is_nothing_for_a_plugin(
        self, ground: Ground, entry: str
    ) -> None:
        entry = entry.replace("PID", str(os.getpid()))
        if not os.path.exists(entry):
            pytest.skip("this system has no /proc")
        with pytest.raises(IsolationError, match="/proc"):
            ground.policy(filesystem_read=[entry])

    @pytest.mark.parametrize(
        "entry",
        [
            "/",
            "/etc",
            "/usr/local/x",
            "/etc/kurt-nobody-has-this.conf",
            "~",
            "~/.ssh",
            "~/.ssh/authorized_keys",
            "~/.bashrc",
            "~/.config/autostart/x.desktop",
            "~/.config",
            "~/.local",
            "~/.local/lib/python3/site-packages",
            "./__pycache__",
            "./helpers",
            "/run/kurt-nobody-has-this.sock",
            "~/.local/bin/x",
            "~/project/.git/hooks/pre-commit",
            "~/project/.git/hooks",
            ".",
            "./skill.py",
            "./plugin.json",
            "./deep.py",
            "..",
            sys.prefix,
            os.path.dirname(os.__file__) + "/site-packages/x.py",
            "DATA",
            "DATA/trust.json",
        ],
    )
    @pytest.mark.parametrize("strict", [False, True])
    def test_nobody_is_given_what_decides_about_others(
        self, ground: Ground, entry: str, strict: bool
    ) -> None:
        (ground.home / "project" / ".git" / "hooks").mkdir(parents=True)
        (ground.skill / "helpers").mkdir()
        (ground.skill / "helpers" / "a.py").touch()
        entry = entry.replace("DATA", str(ground.data))
        with pytest.raises(IsolationError) as caught:
            ground.policy(strict, filesystem_write=[entry])
        assert caught.value.skill == "keeper"
        assert not os.path.exists("/run/kurt-nobody-has-this.sock")
        assert caught.value.hint

    @pytest.mark.parametrize("entry", ["/", "~", "/etc", "/proc"])
    def test_to_read_everything_is_noted_and_in_strict_refused(
        self, ground: Ground, entry: str
    ) -> None:
        assert any("although" in note for note in ground.policy(filesystem_read=[entry]).notes)
        with pytest.raises(IsolationError):
            ground.policy(True, filesystem_read=[entry])

    def test_a_device_or_a_pipe_is_no_file_to_be_granted(self, ground: Ground) -> None:
        os.mkfifo(ground.home / "pipe")
        for entry in ("~/pipe", "/dev/tty"):
            with pytest.raises(IsolationError) as caught:
                ground.policy(filesystem_read=[entry])
            assert caught.value.cause == "it is neither a file nor a folder"
        assert ground.policy(filesystem_read=["/dev/urandom"]).read == ()  # everybody has it

    def test_an_entry_that_leads_nowhere_allows_nothing(self, ground: Ground) -> None:
        policy = ground.policy(filesystem_read=["$NOT_SET/x", "", "C:\\Data", "a\0b"])
        assert policy.read == ()
        assert len(policy.notes) >= 3

    def test_temporary_files_need_no_entry_and_make_none(self, ground: Ground) -> None:
        assert ground.policy(filesystem_write=["<temp>/x"]).write == ()


class TestTheRest:
    def test_the_environment_is_what_is_declared_and_what_text_needs(self, ground: Ground) -> None:
        ground.environ |= {"TZ": "UTC", "LD_PRELOAD": "x", "PYTHONPATH": "y", "HTTPS_PROXY": "p"}
        assert ground.policy().environment == {"TZ": "UTC", "LANG": "C.UTF-8"}
        assert ground.policy(environment_variables=["KEY"]).environment["KEY"] == "k"
        every = ground.policy(environment_variables=["*"]).environment
        assert every["OTHER"] == "o"
        assert not {"LD_PRELOAD", "PYTHONPATH", "HTTPS_PROXY", "HOME"} & every.keys()

    def test_home_and_temporary_files_are_the_workers_own(self, ground: Ground) -> None:
        told = ground.policy(environment_variables=["*"]).wire("/scratch", "/canary")
        assert told["environment"]["HOME"] == told["environment"]["TMPDIR"] == "/scratch"
        assert told["write"] == ["/scratch"]
        assert str(ground.skill) in told["read"]
        assert told["cwd"] == str(ground.skill)

    def test_without_programs_there_is_one_process(self, ground: Ground) -> None:
        assert ground.policy().processes == 1
        policy = ground.policy(processes=["sh"])
        assert policy.processes == DEFAULTS["processes"]
        assert os.path.realpath("/bin/sh") in policy.execute

    def test_a_program_brings_what_it_is_started_by(self, tmp_path: Path) -> None:
        script = tmp_path / "run"
        script.write_text("#!/usr/bin/env -S sh -e\n")
        found = executables(str(script), "/usr/bin:/bin")
        assert os.path.realpath("/usr/bin/env") in found
        assert os.path.realpath("/bin/sh") in found
        assert any("ld-" in os.path.basename(one) for one in found)

    def test_a_program_that_is_not_there_is_noted(self, ground: Ground) -> None:
        policy = ground.policy(processes=["no-such-program"])
        assert policy.execute == ()
        assert policy.processes == 1
        assert "not on this machine" in policy.notes[0]

    def test_a_service_that_is_known_brings_its_hosts(self, ground: Ground) -> None:
        assert ground.policy(external_apis=["openai"]).hosts == ("api.openai.com",)

    def test_strict_asks_for_everything_that_can_be_enforced(self, ground: Ground) -> None:
        assert ground.policy(True).require == ENFORCED
        assert ground.policy().require == ()


class TestLimits:
    def test_each_is_named_once_and_has_a_default(self) -> None:
        assert len({limit.key for limit in LIMITS}) == len({limit.short for limit in LIMITS})
        assert all(0 < limit.default <= limit.most for limit in LIMITS)

    @given(st.sampled_from([limit.key for limit in LIMITS]), st.floats() | st.integers())
    def test_a_plugins_own_word_raises_none_but_the_time_of_a_call(
        self, key: str, value: float
    ) -> None:
        found = lowered(DEFAULTS, {key: value})
        for limit in LIMITS:
            if limit.key != "max_execution_time_seconds":
                assert found[limit.short] <= limit.default

    @given(st.dictionaries(st.sampled_from([limit.key for limit in LIMITS]), st.floats()))
    def test_an_operators_word_counts_where_it_is_a_number(self, table: dict[str, float]) -> None:
        bad = dict(problems(table))
        found = merged(DEFAULTS, table)
        for limit in LIMITS:
            said = limit.key in table and limit.key not in bad
            assert found[limit.short] == (table[limit.key] if said else limit.default)
