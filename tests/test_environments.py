"""Environments of plugins' own: what they are made of, how, and what is left when it goes wrong."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import signal
import subprocess
import sys
import threading
import time
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from packaging.specifiers import SpecifierSet
from packaging.version import Version
from tiny_wheels import sdist, wheel
from trees import distribution, grow

from kurt_ext import environment_making, environments
from kurt_ext.config import Config
from kurt_ext.discovery import discover
from kurt_ext.environment_making import here, index_url, probe
from kurt_ext.environment_sources import (
    Line,
    Wanted,
    _satisfiable,
    settle,
    wanted,
    worker_requirements,
)
from kurt_ext.environment_store import Environment, leftovers, root_of
from kurt_ext.environments import (
    check_isolation,
    environment_of,
    make,
    prune,
    ready,
    sources,
)
from kurt_ext.errors import (
    ConfigError,
    LockedError,
    RequirementError,
    StorageError,
    UntrustedError,
)
from kurt_ext.places import Places

#: So that wheels of a few lines are all that an environment needs.
STANDS_FOR_PYDANTIC = "2.99"


@pytest.fixture
def wheels(tmp_path: Path) -> Path:
    folder = tmp_path / "wheels"
    wheel(folder, "demo-lib", "1.0")
    wheel(folder, "demo-lib", "2.0")
    wheel(folder, "pydantic", STANDS_FOR_PYDANTIC, requires="demo-part")
    wheel(folder, "demo-part", "1.0")
    return folder


@pytest.fixture(params=["uv", "pip"])
def by(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Have environments made by each of the two."""
    if request.param == "pip":
        monkeypatch.setattr(environment_making, "program", lambda: None)
    elif environment_making.program() is None:
        pytest.skip("uv is not there")
    return str(request.param)


def asked(*texts: str) -> Wanted:
    return Wanted([Line(text, "requires") for text in texts], skill="s")


def run(environment: Environment, code: str) -> str:
    """Run code as a worker would: isolated, with the environment's packages on the path."""
    words = [environment.python, "-I", "-S", "-B", "-c"]
    start = f"import sys; sys.path[:0] = {list(environment.site_packages)!r}; "
    return subprocess.run(
        [*words, start + code], capture_output=True, text=True, check=True
    ).stdout.strip()


VERSION = "import demo_lib; print(demo_lib.VERSION)"


class TestWhatIsAskedFor:
    def record(self, **more: object) -> dict[str, object]:
        return {"id": "s", "requires": [], "entry_point": None, "requires_python": None, **more}

    def test_nothing_is_asked_for_by_a_skill_that_says_nothing(self, tmp_path: Path) -> None:
        assert wanted(str(tmp_path), self.record()) is None
        assert wanted(None, self.record()) is None

    def test_four_places_are_united(self, tmp_path: Path) -> None:
        (tmp_path / "requirements.txt").write_text("b==1  # why\n-r more.txt\n--index-url x\n")
        (tmp_path / "more.txt").write_text("c>=2\n")
        (tmp_path / "skill.py").write_text(
            "#!/usr/bin/env python\n# /// script\n# requires-python = '>=3.11'\n"
            "# dependencies = [\n#   'd',\n# ]\n# ///\nx = 1\n"
        )
        (tmp_path / "pyproject.toml").write_text("[project]\ndependencies = ['e']\n")
        found = wanted(str(tmp_path), self.record(requires=["a<2"], requires_python=">=3.10"))
        assert found is not None
        assert [(one.text, one.at) for one in found.lines] == [
            ("a<2", "requires"),
            ("b==1", "requirements.txt:1"),
            ("c>=2", "more.txt:1"),
            ("d", "skill.py"),
            ("e", "pyproject.toml"),
        ]
        assert found.pythons == ((">=3.10", "requires_python"), (">=3.11", "skill.py"))

    def test_the_entry_module_is_where_the_manifest_says(self, tmp_path: Path) -> None:
        (tmp_path / "inner").mkdir()
        block = "# /// script\n# dependencies = ['d']\n# ///\n"
        (tmp_path / "inner" / "__init__.py").write_text(block)
        (tmp_path / "skill.py").write_text(block.replace("'d'", "'other'"))
        found = wanted(str(tmp_path), self.record(entry_point="inner:run"))
        assert found is not None and [one.text for one in found.lines] == ["d"]

    @pytest.mark.parametrize(
        "text",
        [
            "",
            "# /// script\n# dependencies = ['d']\n",
            "# /// other\n# ///\n",
            "#/// script\n# ///\n",
        ],
    )
    def test_what_is_no_block_asks_for_nothing(self, tmp_path: Path, text: str) -> None:
        (tmp_path / "skill.py").write_text(text)
        assert wanted(str(tmp_path), self.record()) is None

    @pytest.mark.parametrize(
        ("name", "text", "says"),
        [
            ("requirements.txt", "./here.whl\n", "names no distribution"),
            ("requirements.txt", "-r ../out.txt\n", "outside"),
            ("requirements.txt", "a b\n", "no requirement"),
            ("skill.py", "# /// script\n# dependencies = 'd'\n# ///\n", "array of strings"),
            ("skill.py", "# /// script\n# dependencies = [\n# ///\n", "value"),
            ("pyproject.toml", "[project]\ndynamic = ['dependencies']\n", "dynamic"),
        ],
    )
    def test_what_cannot_be_read_is_an_error_that_names_the_place(
        self, tmp_path: Path, name: str, text: str, says: str
    ) -> None:
        (tmp_path / name).write_text(text)
        with pytest.raises(RequirementError) as caught:
            wanted(str(tmp_path), self.record())
        assert says in (caught.value.cause or "").replace("Invalid", "value")
        assert (caught.value.at or "").startswith(str(tmp_path / name))

    def test_our_worker_needs_what_kurt_ext_says(self) -> None:
        assert worker_requirements() == ("pydantic<3,>=2.12",)


class TestWhatFitsTogether:
    def test_markers_are_decided_and_names_are_normal(self) -> None:
        texts = ["B_c[y,x]>=1,<2", "old; python_version < '3'", "a; extra == 'x'", "b.c[x,y]<2,>=1"]
        assert settle(asked(*texts), here().markers).lines == ("b-c[x,y]<2,>=1",)

    @pytest.mark.parametrize(
        "texts",
        [("demo<1", "demo>=2"), ("Demo==1.0", "demo!=1.0"), ("demo~=1.2", "demo>=2")],
    )
    def test_two_that_exclude_each_other_are_named(self, texts: tuple[str, ...]) -> None:
        with pytest.raises(RequirementError, match="no version of demo fits everybody") as caught:
            settle(asked(*texts), here().markers)
        assert len(caught.value.missing) == 2

    def test_a_pydantic_that_our_worker_cannot_use_is_told_as_that(self) -> None:
        with pytest.raises(RequirementError, match="no version of pydantic") as caught:
            settle(asked("pydantic<2"), here().markers)
        assert "kurt's own worker" in (caught.value.cause or "")

    def test_kurt_ext_is_the_hosts_and_not_installed(self) -> None:
        assert settle(asked("kurt-ext>=0.0.1", "a"), here().markers).lines == ("a",)
        with pytest.raises(RequirementError, match="no version of kurt-ext") as caught:
            settle(asked("Kurt_Ext>=99"), here().markers)
        assert "the host" in (caught.value.cause or "")

    def test_an_address_is_refused(self) -> None:
        with pytest.raises(RequirementError, match="from an address"):
            settle(asked("a @ https://example.com/a-1-py3-none-any.whl"), here().markers)

    def test_a_python_that_does_not_fit_is_told(self) -> None:
        with pytest.raises(RequirementError, match="needs Python <3"):
            settle(Wanted((), [("<3", "skill.py")], "s"), here().markers)

    def test_a_lock_pins_and_covers_everything(self) -> None:
        pin = Line("a==1", "requirements.txt:1", ("sha256:00",))
        found = settle(Wanted([pin, Line("A<2", "requires")]), here().markers)
        assert found.hashed == (("a==1", ("sha256:00",)),)

    @pytest.mark.parametrize("text", ["b", "b==1"])
    def test_a_lock_with_a_hole_is_refused(self, text: str) -> None:
        pin = Line("a==1", "requirements.txt:1", ("sha256:00",))
        with pytest.raises(RequirementError, match="b of s is not locked"):
            settle(Wanted([pin, Line(text, "requires")], skill="s"), here().markers)

    def test_a_hash_without_a_version_is_refused(self) -> None:
        with pytest.raises(RequirementError, match="not locked"):
            settle(Wanted([Line("a>=1", "r:1", ("sha256:00",))]), here().markers)

    def test_pip_keeps_the_hashes_of_a_requirements_file(self, tmp_path: Path) -> None:
        (tmp_path / "requirements.txt").write_text(
            f"a==1 \\\n  --hash=sha256:{'0' * 64} \\\n  --hash=sha256:{'1' * 64}\n"
        )
        found = wanted(str(tmp_path), {"id": "s"})
        assert found is not None
        assert found.lines[0].hashes == ("sha256:" + "0" * 64, "sha256:" + "1" * 64)

    @given(
        st.lists(
            st.tuples(
                st.sampled_from([">=", "<=", ">", "<", "==", "!=", "~="]),
                st.tuples(st.integers(0, 3), st.integers(0, 3)),
                st.booleans(),
            ),
            min_size=1,
            max_size=4,
        )
    )
    def test_what_some_version_satisfies_is_never_refused(
        self, parts: list[tuple[str, tuple[int, int], bool]]
    ) -> None:
        texts = []
        for operator, (major, minor), wild in parts:
            star = ".*" if wild and operator in ("==", "!=") else ""
            texts.append(f"{operator}{major}.{minor}{star}")
        sets = [SpecifierSet(text) for text in texts]
        versions = [Version(f"{a}.{b}{c}") for a in range(5) for b in range(5) for c in ("", ".1")]
        if any(all(one.contains(v) for one in sets) for v in versions):
            assert _satisfiable(sets)


@pytest.mark.venv
class TestMaking:
    def test_two_versions_of_one_library_side_by_side(self, wheels: Path, by: str) -> None:
        places = Places()
        made = [
            make(asked(f"demo-lib=={version}"), places, wheelhouse=str(wheels))
            for version in ("1.0", "2.0")
        ]
        assert [run(one, VERSION) for one in made] == ["1.0", "2.0"]
        assert made[0].packages == ("demo-lib==1.0", "demo-part==1.0", "pydantic==2.99")
        assert made[0].path != made[1].path
        for one in made:
            assert os.path.dirname(one.path) == os.path.join(places.cache, "environments")
            assert one.size > 0 and one.created <= time.time()
            # The place where it was made is gone, and nothing that is used names it.
            assert run(one, "print(sys.executable)") == one.python
            cached = run(one, "import demo_lib; print(demo_lib.__cached__)")
            assert os.path.isfile(cached) and b".new" not in Path(cached).read_bytes()
        assert not list(leftovers(root_of(places), made[0].digest))

    def test_what_is_asked_for_again_is_there(
        self, wheels: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        first = make(asked("demo-lib<2", "demo-lib>=1"), Places(), wheelhouse=str(wheels))
        monkeypatch.setattr(environments, "fill", None)
        again = make(asked("Demo_Lib>=1", "demo-lib<2"), Places(), wheelhouse=str(wheels))
        assert again.digest == first.digest and again.created == first.created
        found = ready(asked("demo-lib>=1", "demo-lib<2"), Places(), wheelhouse=str(wheels))
        assert found is not None and found.path == first.path
        assert ready(asked("demo-lib<2"), Places(), wheelhouse=str(wheels)) is None
        assert ready(asked("demo-lib>=1", "demo-lib<2"), Places()) is None

    def test_afresh_it_is_made_again(self, wheels: Path) -> None:
        first = make(asked("demo-lib"), Places(), wheelhouse=str(wheels))
        wheel(wheels, "demo-lib", "3.0")
        again = make(asked("demo-lib"), Places(), wheelhouse=str(wheels), fresh=True)
        assert (again.path, run(again, VERSION)) == (first.path, "3.0")

    def test_an_own_environment_of_a_plugin_without_requirements(self, wheels: Path) -> None:
        made = make(Wanted(skill="s"), Places(), wheelhouse=str(wheels))
        assert made.packages == ("demo-part==1.0", "pydantic==2.99")

    def test_kurt_ext_is_taken_out_again(self, wheels: Path, by: str) -> None:
        wheel(wheels, "kurt-ext", "0.0.1")
        wheel(wheels, "demo-host", "1.0", requires="kurt-ext")
        made = make(asked("demo-host"), Places(), wheelhouse=str(wheels))
        assert "kurt-ext" not in " ".join(made.packages)
        assert not os.path.exists(os.path.join(made.site_packages[0], "kurt_ext", "__init__.py"))

    def test_a_file_that_python_runs_at_its_start_is_not_run(
        self, wheels: Path, by: str, tmp_path: Path
    ) -> None:
        path = wheel(wheels, "demo-start", "1.0")
        trace = tmp_path / "trace"
        with zipfile.ZipFile(path, "a") as archive:
            archive.writestr("demo.pth", f"import os; open({str(trace)!r}, 'w').close()\n")
        made = make(asked("demo-start"), Places(), wheelhouse=str(wheels))
        assert os.path.exists(os.path.join(made.site_packages[0], "demo.pth"))
        assert run(made, "import demo_start; print(1)") == "1"
        assert not trace.exists()

    def test_hashes_are_held(self, wheels: Path, by: str) -> None:
        path = wheels / "demo_lib-1.0-py3-none-any.whl"
        good = "sha256:" + hashlib.sha256(path.read_bytes()).hexdigest()
        lock = Wanted([Line("demo-lib==1.0", "requirements.txt:1", (good,))], skill="s")
        made = make(lock, Places(), wheelhouse=str(wheels))
        assert run(made, VERSION) == "1.0" and "pydantic==2.99" in made.packages
        bad = Wanted([Line("demo-lib==1.0", "requirements.txt:1", ("sha256:" + "0" * 64,))])
        with pytest.raises(RequirementError, match="cannot be made") as caught:
            make(bad, Places(), wheelhouse=str(wheels))
        assert "hash" in (caught.value.cause or "").lower()

    def test_a_lock_is_not_undone_by_what_our_worker_needs(self, wheels: Path, by: str) -> None:
        path = wheels / "demo_lib-1.0-py3-none-any.whl"
        good = "sha256:" + hashlib.sha256(path.read_bytes()).hexdigest()
        wheel(wheels, "pydantic", "2.100", requires="demo-lib>=2")
        lock = Wanted([Line("demo-lib==1.0", "requirements.txt:1", (good,))], skill="s")
        made = make(lock, Places(), wheelhouse=str(wheels))
        assert run(made, VERSION) == "1.0" and "pydantic==2.99" in made.packages

    @pytest.mark.parametrize("command", ["--index-url https://evil.example", ""])
    def test_nobody_adds_an_index(
        self, wheels: Path, by: str, monkeypatch: pytest.MonkeyPatch, command: str, tmp_path: Path
    ) -> None:
        other = tmp_path / "other"
        wheel(other, "demo-lib", "9.0")
        monkeypatch.setenv("PIP_FIND_LINKS", str(other))
        monkeypatch.setenv("UV_FIND_LINKS", str(other))
        (tmp_path / "project" / "uv.toml").write_text(f"find-links = ['{other}']\n")
        (tmp_path / "s").mkdir()
        (tmp_path / "s" / "requirements.txt").write_text(f"demo-lib\n{command}\n")
        found = wanted(str(tmp_path / "s"), {"id": "s"})
        assert found is not None
        assert run(make(found, Places(), wheelhouse=str(wheels)), VERSION) == "2.0"

    @pytest.mark.slow
    def test_another_python_is_another_environment(self, wheels: Path, by: str) -> None:
        other = _other_python()
        if other is None:
            pytest.skip("no other Python of at least 3.11 is there")
        said: list[str] = []
        made = make(
            asked("demo-lib; python_version >= '3.11'"),
            Places(),
            wheelhouse=str(wheels),
            python=other,
            echo=said.append,
        )
        assert made.version == probe(other).version != here().version
        assert run(made, VERSION) == "2.0"
        assert made.version.startswith(run(made, "print('%d.%d' % sys.version_info[:2])"))
        assert made.version in said[0]


def _other_python() -> str | None:
    """Return another Python that runs here; pyenv's shims do not, HOME being another."""
    for folder in map(Path, os.environ["PATH"].split(os.pathsep)):
        for name in ("python3.13", "python3.12", "python3.11"):
            for path in (folder / name, *folder.glob(f"../versions/{name[6:]}*/bin/{name}")):
                with contextlib.suppress(RequirementError):
                    if probe(str(path)).version != here().version:
                        return str(path)
    return None


@pytest.mark.venv
class TestWhatGoesWrong:
    def test_a_wheel_that_is_missing_is_told_with_what_to_do(self, wheels: Path, by: str) -> None:
        with pytest.raises(RequirementError, match="the environment of s cannot be made") as caught:
            make(asked("demo-lib==3.0"), Places(), wheelhouse=str(wheels))
        assert "demo-lib" in (caught.value.cause or "")
        assert f"--dest {wheels}" in (caught.value.hint or "")
        assert os.listdir(root_of(Places())) == [
            name for name in os.listdir(root_of(Places())) if name.endswith(".lock")
        ]

    def test_a_build_is_refused_and_the_switch_named(self, wheels: Path, by: str) -> None:
        sdist(wheels, "demo-source", "1.0")
        with pytest.raises(RequirementError, match="would need a build, which runs") as caught:
            make(asked("demo-source"), Places(), wheelhouse=str(wheels))
        assert "sandbox.allow_source true" in (caught.value.hint or "")
        assert not (wheels / "built").exists()
        made = make(asked("demo-source"), Places(), wheelhouse=str(wheels), allow_source=True)
        assert run(made, "import demo_source; print(1)") == "1" and (wheels / "built").exists()

    def test_what_our_worker_needs_and_misses_is_told_as_that(self, wheels: Path, by: str) -> None:
        (wheels / "pydantic-2.99-py3-none-any.whl").unlink()
        with pytest.raises(RequirementError) as caught:
            make(asked("demo-lib"), Places(), wheelhouse=str(wheels))
        assert "kurt's own worker" in (caught.value.cause or "")

    def test_a_dependency_that_our_worker_cannot_live_with_is_told_as_that(
        self, wheels: Path, by: str
    ) -> None:
        wheel(wheels, "demo-old", "1.0", requires="pydantic<2")
        wheel(wheels, "pydantic", "1.10")
        with pytest.raises(RequirementError) as caught:
            make(asked("demo-old"), Places(), wheelhouse=str(wheels))
        assert "kurt's own worker" in (caught.value.cause or "")

    def test_a_folder_of_wheels_that_is_not_there_is_told(self, tmp_path: Path) -> None:
        with pytest.raises(RequirementError, match="is not there") as caught:
            make(asked("demo-lib"), Places(), wheelhouse=str(tmp_path / "none"))
        assert caught.value.at == str(tmp_path / "none")

    @pytest.mark.slow
    def test_without_pip_one_is_borrowed(
        self, wheels: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        pytest.importorskip("ensurepip")
        monkeypatch.setattr(environment_making, "program", lambda: None)
        monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
        made = make(asked("demo-lib"), Places(), wheelhouse=str(wheels))
        assert run(made, VERSION) == "2.0" and "pip" not in " ".join(made.packages)
        assert not list(leftovers(root_of(Places()), made.digest))

    def test_offline_without_wheels_only_the_cache_is_asked(self) -> None:
        if environment_making.program() is None:
            pytest.skip("uv is not there")
        with pytest.raises(RequirementError, match="cannot be made") as caught:
            make(asked("demo-lib"), Places(), offline=True)
        assert "sandbox.wheelhouse" in (caught.value.hint or "")

    def test_pip_offline_without_wheels_is_told(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(environment_making, "program", lambda: None)
        with pytest.raises(RequirementError, match="offline"):
            make(asked("demo-lib"), Places(), offline=True)

    @pytest.mark.parametrize(
        "content",
        [b"", b"{", b"[]", b'{"schema": "kurt.environment/1"}', b"[" * 100_000, b"\xff"],
    )
    def test_a_damaged_marker_means_that_there_is_none(self, wheels: Path, content: bytes) -> None:
        made = make(asked("demo-lib==1.0"), Places(), wheelhouse=str(wheels))
        Path(made.path, "kurt.json").write_bytes(content)
        Path(made.path, "half").touch()
        assert ready(asked("demo-lib==1.0"), Places(), wheelhouse=str(wheels)) is None
        again = make(asked("demo-lib==1.0"), Places(), wheelhouse=str(wheels))
        assert run(again, VERSION) == "1.0" and not Path(made.path, "half").exists()

    @pytest.mark.parametrize("lost", ["bin/python", "lib"])
    def test_an_environment_that_lost_a_part_is_made_again(self, wheels: Path, lost: str) -> None:
        if os.name == "nt":
            pytest.skip("the parts lie elsewhere")
        made = make(asked("demo-lib==1.0"), Places(), wheelhouse=str(wheels))
        Path(made.path, lost).rename(Path(made.path, "lost"))
        assert ready(asked("demo-lib==1.0"), Places(), wheelhouse=str(wheels)) is None
        assert run(make(asked("demo-lib==1.0"), Places(), wheelhouse=str(wheels)), VERSION) == "1.0"

    def test_a_folder_that_others_may_write_into_is_refused(self, wheels: Path) -> None:
        if os.name == "nt":
            pytest.skip("Windows has no such bits")
        root = Path(root_of(Places()))
        root.mkdir(parents=True)
        root.chmod(0o777)
        with pytest.raises(StorageError, match="not safe to use"):
            make(asked("demo-lib"), Places(), wheelhouse=str(wheels))

    def test_a_program_that_cannot_be_started_is_told(
        self, wheels: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(environment_making, "program", lambda: "/nowhere/uv")
        with pytest.raises(RequirementError, match="cannot be made") as caught:
            make(asked("demo-lib"), Places(), wheelhouse=str(wheels))
        assert "/nowhere/uv" in (caught.value.cause or "")


#: Makes an environment in a process of its own, and says its digest.
MAKER = """
import sys
from kurt_ext.environment_sources import Line, Wanted
from kurt_ext.environments import make
from kurt_ext.places import Places
made = make(Wanted([Line("demo-lib==1.0", "requires")]), Places(), wheelhouse=sys.argv[1],
            echo=lambda line: print(line, flush=True))
print("digest", made.digest, made.created, flush=True)
"""


@pytest.mark.venv
class TestSeveralProcesses:
    @pytest.fixture
    def start(self, wheels: Path) -> Iterator[object]:
        started = []

        def begin() -> subprocess.Popen[str]:
            process = subprocess.Popen(
                [sys.executable, "-c", MAKER, str(wheels)], stdout=subprocess.PIPE, text=True
            )
            started.append(process)
            return process

        yield begin
        for process in started:
            process.kill()
            process.communicate()

    def test_two_at_once_make_one(self, start: object) -> None:
        both = [start(), start(), start()]  # type: ignore[operator]
        said = [process.communicate(timeout=120)[0] for process in both]
        results = {text.splitlines()[-1] for text in said}
        assert len(results) == 1 and results.pop().startswith("digest ")
        assert sum("making the environment" in text for text in said) == 1
        assert len(environments.environments(Places())) == 1

    def test_two_threads_at_once_make_one(self, wheels: Path) -> None:
        made: list[Environment] = []

        def work() -> None:
            made.append(make(asked("demo-lib==1.0"), Places(), wheelhouse=str(wheels)))

        threads = [threading.Thread(target=work) for _ in range(3)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len({one.created for one in made}) == 1 and len(made) == 3

    def test_one_that_is_killed_in_the_middle_leaves_nothing_that_is_used(
        self, start: object, wheels: Path
    ) -> None:
        places = Places()
        killed = 0
        for stage in ("making the environment", " + demo-lib==1.0", " + pydantic"):
            process = start()  # type: ignore[operator]
            for line in process.stdout:
                if line.startswith(stage):
                    break
            os.kill(process.pid, signal.SIGKILL)
            process.wait()
            found = ready(asked("demo-lib==1.0"), places, wheelhouse=str(wheels))
            if found is not None:  # it was quicker than the kill
                prune(places, days=0)
                continue
            killed += 1
        assert killed
        made = make(asked("demo-lib==1.0"), places, wheelhouse=str(wheels))
        assert run(made, VERSION) == "1.0"

    def test_what_a_crash_left_is_removed_by_the_next(self, wheels: Path) -> None:
        made = make(asked("demo-lib==1.0"), Places(), wheelhouse=str(wheels))
        left = Path(root_of(Places()), f".{made.digest}.0123abcd.new")
        os.rename(made.path, left)
        (left / "kurt.json").unlink()
        assert ready(asked("demo-lib==1.0"), Places(), wheelhouse=str(wheels)) is None
        again = make(asked("demo-lib==1.0"), Places(), wheelhouse=str(wheels))
        assert not left.exists() and run(again, VERSION) == "1.0"


@pytest.mark.venv
class TestPruning:
    def test_what_was_not_used_for_long_goes_and_the_rest_stays(self, wheels: Path) -> None:
        places = Places()
        old, kept, used = (
            make(asked("demo-lib", f"demo-lib!={n}"), places, wheelhouse=str(wheels))
            for n in (7, 8, 9)
        )
        left = Path(root_of(places), f".{'0' * 32}.0123abcd.new")
        left.mkdir()
        (left / "x").write_text("12345")
        for one in (old, kept):
            os.utime(os.path.join(one.path, "used"), (1, 1))
        gone = prune(places, keep=[kept.digest[:8]])
        assert sorted(gone) == sorted([(left.name, 5), (old.digest, gone_size(gone, old.digest))])
        assert {one.digest for one in environments.environments(places)} == {
            kept.digest, used.digest,
        }  # fmt: skip
        assert not os.path.exists(old.path) and not left.exists()

    def test_a_use_keeps_it(self, wheels: Path) -> None:
        made = make(asked("demo-lib"), Places(), wheelhouse=str(wheels))
        os.utime(os.path.join(made.path, "used"), (1, 1))
        made = make(asked("demo-lib"), Places(), wheelhouse=str(wheels))
        assert made.used > 1 and prune(Places()) == []

    def test_what_is_being_made_is_left_alone(self, wheels: Path) -> None:
        from kurt_ext.locks import lock

        made = make(asked("demo-lib"), Places(), wheelhouse=str(wheels))
        with lock(f"{made.path}.lock"):
            assert prune(Places(), days=0) == []
        assert [name for name, _ in prune(Places(), days=0)] == [made.digest]

    def test_what_a_host_runs_workers_from_is_left_alone(self, wheels: Path) -> None:
        if os.name == "nt":
            pytest.skip("Windows keeps open files by itself")
        made = make(asked("demo-lib"), Places(), wheelhouse=str(wheels))
        code = (
            "import sys; from kurt_ext.environment_store import load; "
            "load(sys.argv[1]).hold(); print('held', flush=True); sys.stdin.read()"
        )
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
        with subprocess.Popen([sys.executable, "-c", code, made.path], **pipes) as host:  # type: ignore[call-overload]
            host.stdout.readline()
            assert prune(Places(), days=0) == []
            with pytest.raises(LockedError, match="in use"):
                make(asked("demo-lib"), Places(), wheelhouse=str(wheels), fresh=True)
        assert [name for name, _ in prune(Places(), days=0)] == [made.digest]

    def test_where_nothing_was_ever_made_nothing_is_removed(self) -> None:
        assert prune(Places(), days=0) == [] and environments.environments(Places()) == []


def gone_size(gone: list[tuple[str, int]], name: str) -> int:
    size = dict(gone)[name]
    assert size > 0
    return size


SKILL = "---\nname: {name}\nversion: 1.0.0\ndescription: A skill of a test. Use in tests.\n---\n"


class TestConfigured:
    def skills(self, project: Path, toml: str) -> None:
        for name, version in (("one", "1.0"), ("two", "2.0")):
            folder = project / "skills" / name
            folder.mkdir(parents=True)
            (folder / "SKILL.md").write_text(SKILL.format(name=name))
            (folder / "skill.py").write_text("")
            (folder / "requirements.txt").write_text(f"demo-lib=={version}\n")
        (project / "kurt.toml").write_text(toml)

    @pytest.mark.venv
    def test_two_skills_that_need_different_versions(
        self, project: Path, wheels: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        self.skills(
            project,
            f"[sandbox]\nwheelhouse = '{wheels}'\n[plugin.one]\nenvironment = 'own'\n"
            "[plugin.two]\nenvironment = 'own'\n",
        )
        monkeypatch.setenv("KURT_TRUST", str(project))
        found = discover(Places())
        made = [
            environment_of(found.skill(name), found.config, places=Places())
            for name in ("one", "two")
        ]
        assert [run(one, VERSION) for one in made if one] == ["1.0", "2.0"]

    @pytest.mark.venv
    def test_of_an_installed_skill_itself_with_all_that_it_needs(
        self, project: Path, wheels: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        wheel(wheels, "demo-skill", "1.0", requires="demo-lib<2")
        tree = distribution("demo-skill", "[kurt.custom]\nx = demo_skill:x\n", version="1.0")
        grow(tmp_path / "site", tree)
        monkeypatch.syspath_prepend(str(tmp_path / "site"))
        toml = f"[sandbox]\nwheelhouse = '{wheels}'\n[plugin.demo-skill]\nenvironment = 'own'\n"
        (project / "kurt.toml").write_text(toml)
        monkeypatch.setenv("KURT_TRUST", str(project))
        found = discover(Places())
        made = environment_of(found.skill("demo-skill"), found.config, places=Places())
        assert made is not None and made.requires == ("demo-skill==1.0",)
        assert run(made, "import demo_skill, demo_lib; print(demo_lib.VERSION)") == "1.0"

    def test_a_skill_that_shares_has_none(
        self, project: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        self.skills(project, "[plugin.one]\nenvironment = 'shared'\n")
        monkeypatch.setenv("KURT_TRUST", str(project))
        found = discover(Places())
        assert environment_of(found.skill("one"), found.config) is None
        assert environment_of(found.skill("two"), found.config) is None

    def test_for_a_skill_that_is_not_trusted_nothing_is_fetched(self, project: Path) -> None:
        self.skills(project, "")
        own = Path(Places().user_config)
        own.parent.mkdir(parents=True)
        own.write_text("[plugin.one]\nenvironment = 'own'\n")
        found = discover(Places())
        with pytest.raises(UntrustedError):
            environment_of(found.skill("one"), found.config)

    def test_an_own_environment_without_isolation_is_an_error_with_its_place(
        self, project: Path
    ) -> None:
        (project / "kurt.toml").write_text("[plugin.one]\nenvironment = 'own'\n")
        config = Config.load(Places(), trusted=True)
        for isolation in ("strict", "auto"):
            check_isolation(config, "one", isolation)
        check_isolation(config, "two", "none")
        with pytest.raises(ConfigError, match="cannot run without isolation") as caught:
            check_isolation(config, "one", "none")
        assert (caught.value.at or "").endswith("kurt.toml:2:1")

    @pytest.mark.parametrize("value", ["offline = 1", "wheelhouse = 2", "allow_source = 'x'"])
    def test_a_key_that_cannot_be_understood_stops_what_depends_on_it(
        self, project: Path, value: str
    ) -> None:
        (project / "kurt.toml").write_text(f"[sandbox]\n{value}\n")
        with pytest.raises(ConfigError, match="cannot be understood") as caught:
            sources(Config.load(Places(), trusted=True))
        assert (caught.value.at or "").endswith("kurt.toml:2:1")

    def test_a_table_that_is_none_stops_it_too(self, project: Path) -> None:
        (project / "kurt.toml").write_text("sandbox = 1\n")
        with pytest.raises(ConfigError, match="sandbox cannot be understood"):
            sources(Config.load(Places(), trusted=True))

    def test_the_table_says_where_distributions_come_from(self, project: Path) -> None:
        (project / "kurt.toml").write_text("[sandbox]\nwheelhouse = 'w'\noffline = true\n")
        found = sources(Config.load(Places(), trusted=True))
        assert found == (str(project / "w"), True, False)


def test_the_index_is_the_one_that_a_variable_names() -> None:
    assert index_url({}) == ""
    assert index_url({"PIP_INDEX_URL": "p", "UV_DEFAULT_INDEX": "u"}) == "u"
    assert index_url({"PIP_INDEX_URL": "p", "PIP_EXTRA_INDEX_URL": "e"}) == "p"


def test_a_password_of_the_index_is_not_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PIP_INDEX_URL", "https://me:s3cret@example.com/simple")
    said = environment_making._clean("looking in https://me:s3cret@example.com/simple \x1b[31m\n")
    assert "s3cret" not in said and "\x1b" not in said


def test_what_is_no_python_is_told(tmp_path: Path) -> None:
    with pytest.raises(RequirementError, match="no Python"):
        probe(str(tmp_path / "python"))
    fake = tmp_path / "fake"
    fake.write_text("#!/bin/sh\necho {}\n")
    fake.chmod(0o755)
    with pytest.raises(RequirementError, match="no Python"):
        probe(str(fake))


def test_the_probe_says_of_this_python_what_it_says_of_itself() -> None:
    if sys.platform == "win32":
        pytest.skip("a virtual environment's launcher is another file")
    mine, probed = here(), probe(sys.executable)
    assert (probed.version, probed.tag, probed.platform) == (mine.version, mine.tag, mine.platform)
    assert os.path.realpath(probed.path) == os.path.realpath(mine.path)
    assert json.loads(json.dumps(probed.markers)) == dict(mine.markers)
