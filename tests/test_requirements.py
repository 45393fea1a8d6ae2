"""What a skill needs of Python is named where it is missing, with the line that installs it."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from records import record
from trees import Tree, grow

from kurt_ext import errors
from kurt_ext.requirements import Requirements, check_requirements, install_line, missing, unmet


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return grow(tmp_path / "skill", {})


@pytest.fixture(autouse=True)
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Install alpha 1.5, which needs beta 2 for its extra b and more for its extra all."""
    metadata = (
        "Metadata-Version: 2.1\nName: alpha\nVersion: 1.5\nProvides-Extra: b\n"
        "Requires-Dist: beta<2; extra == 'b'\nRequires-Dist: alpha[b]; extra == 'all'\n"
        "Requires-Dist: nowhere; extra == 'all'\nRequires-Dist: absent; extra == 'other'\n"
    )
    site = {
        "alpha-1.5.dist-info": {"METADATA": metadata},
        "beta-2.0.dist-info": {"METADATA": "Metadata-Version: 2.1\nName: beta\nVersion: 2.0\n"},
        "gamma-2.0rc1.dist-info": {
            "METADATA": "Metadata-Version: 2.1\nName: gamma\nVersion: 2.0rc1\n"
        },
        "odd-1.dist-info": {"METADATA": "Metadata-Version: 2.1\nName: odd\nVersion: not a one\n"},
    }
    monkeypatch.syspath_prepend(str(grow(tmp_path / "site", site)))


@pytest.mark.parametrize(
    ("text", "lacking"),
    [
        ("alpha", []),
        ("Alpha>=1,<2", []),
        ("alpha>=2", ["alpha>=2"]),
        ("alpha==1.*", []),
        ("gamma", []),
        ("gamma>=2.0rc1", []),
        ("nowhere", ["nowhere"]),
        ("nowhere; python_version < '3'", []),
        ("nowhere >=1 ; python_version > '3'", ["nowhere>=1"]),
        ("alpha[b]", ["beta<2"]),
        ("alpha[all]", ["beta<2", "nowhere"]),
        ("alpha[b]>=2", ["alpha[b]>=2"]),
        ("nowhere @ https://example.com/x.whl", ["nowhere @ https://example.com/x.whl"]),
        ("alpha @ https://example.com/alpha.whl", []),
        ("odd", []),
        ("odd>=1", ["odd>=1"]),
        ("not a requirement", []),
    ],
)
def test_a_requirement_is_met_or_named(folder: Path, text: str, lacking: list[str]) -> None:
    assert missing(folder, record(requires=[text])) == lacking


FILES: list[tuple[str, Tree, list[tuple[str, str]], list[tuple[str, int]]]] = [
    ("", {}, [], []),
    ("# only this\n\n   \n", {}, [], []),
    ("alpha  # why\nbeta#egg\n", {}, [("alpha", "1")], [("requirement-unreadable", 2)]),
    ("\ufeffalpha\r\nbeta\r\n", {}, [("alpha", "1"), ("beta", "2")], []),
    ("alpha \\\n  >=1\nbeta", {}, [("alpha   >=1", "1"), ("beta", "3")], []),
    ("alpha==1 --hash=sha256:aa --hash=sha256:bb", {}, [("alpha==1", "1")], []),
    ("alpha==1 \\\n    --hash=sha256:aa\n", {}, [("alpha==1", "1")], []),
    ("alpha; extra == 'x'", {}, [("alpha; extra == 'x'", "1")], []),
    ("-i https://x\n--pre\nalpha", {}, [("alpha", "3")], [("requirement-option", 1)] * 1
     + [("requirement-option", 2)]),
    ("-e .\n-c limits.txt", {}, [], [("requirement-option", 1), ("requirement-option", 2)]),
    ("./x\nhttps://x/y.whl\ngit+ssh://x\ny-1.whl", {}, [],
     [("requirement-unreadable", number) for number in (1, 2, 3, 4)]),
    ("-r gone.txt", {}, [], [("requirement-unreadable", 1)]),
    ("-r ../out.txt\n-r /etc/hosts\n-r https://x/y.txt", {}, [],
     [("requirement-outside", number) for number in (1, 2, 3)]),
    ("one two", {}, [], [("requirement-unreadable", 1)]),
]  # fmt: skip


@pytest.mark.parametrize(("text", "more", "found", "told"), FILES)
def test_a_file_is_read_as_pip_reads_it_but_for_its_options(
    folder: Path,
    text: str,
    more: Tree,
    found: list[tuple[str, str]],
    told: list[tuple[str, int]],
) -> None:
    grow(folder.parent, {"out.txt": "nowhere"})
    read = Requirements(str(grow(folder, {"requirements.txt": text.encode(), **more})))
    assert read.lines == [(line, f"requirements.txt:{number}") for line, number in found]
    assert [(finding.rule, finding.line) for finding in read.findings] == told
    assert not any(finding.fatal for finding in read.findings)


@pytest.mark.parametrize("word", ["-r", "-r ", "--requirement ", "--requirement="])
def test_files_of_the_folder_are_included_once(folder: Path, word: str) -> None:
    tree = {
        "requirements.txt": f"{word}more/base.txt\nalpha\n",
        "more": {"base.txt": "-r ../requirements.txt\n-r deep.txt\nbeta", "deep.txt": "gamma"},
    }
    read = Requirements(str(grow(folder, tree)))
    assert read.lines == [
        ("gamma", "more/deep.txt:1"),
        ("beta", "more/base.txt:3"),
        ("alpha", "requirements.txt:2"),
    ]
    assert read.findings == []


def test_a_link_does_not_lead_out_of_the_folder(folder: Path) -> None:
    grow(folder.parent, {"secret.txt": "nowhere"})
    grow(folder, {"requirements.txt": "-r inner.txt"})
    (folder / "inner.txt").symlink_to(folder.parent / "secret.txt")
    read = Requirements(str(folder))
    assert read.lines == [] and read.findings[0].rule == "requirement-outside"


def test_what_is_no_file_is_a_finding(folder: Path) -> None:
    os.mkfifo(folder / "requirements.txt")
    assert [finding.rule for finding in Requirements(str(folder)).findings] == [
        "requirement-unreadable"
    ]


@given(st.text(st.sampled_from("ab-r \\\n#=<>.txt;[]@/'\""), max_size=60))
def test_no_text_breaks_the_reader(text: str) -> None:
    folder = grow(Path("hostile"), {"requirements.txt": text})
    read = Requirements(str(folder))
    assert all(finding.line <= len(text.splitlines()) for finding in read.findings)
    missing(folder, record())


def test_the_error_names_each_with_its_place_and_the_line_to_paste(folder: Path) -> None:
    grow(folder, {"requirements.txt": "alpha\nnowhere>=1,<2\n"})
    with pytest.raises(errors.RequirementError) as caught:
        check_requirements(folder, record(requires=["alpha>=9"]))
    error = caught.value
    assert error.missing == ("alpha>=9", "nowhere<2,>=1") and error.skill == "web-archiver"
    assert error.at == f"{folder}/requirements.txt:2"
    assert "alpha>=9: 1.5 is installed (requires)" in (error.cause or "")
    assert "nowhere<2,>=1: not installed (requirements.txt:2)" in (error.cause or "")
    assert shlex.split(error.hint or "")[-2:] == ["alpha>=9", "nowhere<2,>=1"]


def test_nothing_is_raised_where_everything_is_there(folder: Path) -> None:
    grow(folder, {"requirements.txt": "alpha\n"})
    check_requirements(folder, record(requires=["beta"]))
    assert unmet(folder, record()) == []


def test_where_nothing_is_asked_for_nothing_is_imported(folder: Path) -> None:
    script = (
        "import sys; from kurt_ext.requirements import missing; "
        f"print(missing({str(folder)!r}, {{'requires': []}}), 'packaging' in sys.modules, "
        "'importlib.metadata' in sys.modules)"
    )
    run = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert run.stdout.split() == ["[]", "False", "False"]


class TestInstallLine:
    @pytest.fixture
    def prefix(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
        base = grow(tmp_path / "an env", {"pyvenv.cfg": "home = /usr/bin\n"})
        monkeypatch.setattr(sys, "prefix", str(base))
        monkeypatch.setattr(sys, "executable", str(base / "bin" / "python"))
        monkeypatch.delenv("VIRTUAL_ENV", raising=False)
        return base

    def test_pip_is_that_of_this_environment(self, prefix: Path) -> None:
        line = install_line(["a>=1", "b"])
        assert shlex.split(line) == [f"{prefix}/bin/python", "-m", "pip", "install", "a>=1", "b"]

    def test_an_active_environment_is_not_named(
        self, prefix: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("VIRTUAL_ENV", str(prefix))
        assert install_line(["a"]) == "python -m pip install a"
        (prefix / "pyvenv.cfg").write_text("home = x\nuv = 0.9\n")
        assert install_line(["a>1"]) == "uv pip install 'a>1'"

    def test_uv_is_used_where_uv_made_the_environment(self, prefix: Path) -> None:
        (prefix / "pyvenv.cfg").write_text("uv = 0.9\n")
        line = shlex.split(install_line(["a"]))
        assert line == ["uv", "pip", "install", "--python", f"{prefix}/bin/python", "a"]

    def test_pipx_injects(self, prefix: Path) -> None:
        (prefix / "pipx_metadata.json").write_text("{}")
        assert install_line(["a>1"]) == "pipx inject kurt-ext 'a>1'"
