"""An archive comes out as it went in, or nothing of it comes out."""

from __future__ import annotations

import io
import os
import stat
import struct
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import hostile_archives
import pytest
from hostile_archives import CASES, SKILL, member, plain, zipped
from hypothesis import given, settings
from hypothesis import strategies as st

from kurt_ext.errors import ArchiveError, IntegrityError
from kurt_ext.market import digests
from kurt_ext.market.extracting import WHEEL_BUDGET, Budget, extract, look
from kurt_ext.market.paths import clash, fault


def everything(folder: Path) -> dict[str, bytes]:
    """Return path → bytes of all files below a folder."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def test_there_are_enough_hostile_archives() -> None:
    assert len(CASES) >= 60


@pytest.mark.parametrize("name", sorted(CASES))
def test_a_hostile_archive_is_refused_and_nothing_is_written(name: str, tmp_path: Path) -> None:
    make, rule = CASES[name]
    root = tmp_path / "root"
    root.mkdir()
    before = set(tmp_path.rglob("*"))
    with pytest.raises(ArchiveError) as caught:
        extract(io.BytesIO(make()), str(root / "skill"))
    assert caught.value.rule == rule, caught.value
    assert set(tmp_path.rglob("*")) == before
    assert caught.value.message.startswith("the archive is refused")
    assert "\x1b" not in caught.value.message


FILES = {
    "SKILL.md": SKILL,
    "skill.py": b"x = 1\n",
    "data/a/b.bin": bytes(range(256)) * 40,
    "e": b"",
}


def by_library(files: dict[str, bytes], compression: int = zipfile.ZIP_DEFLATED) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", compression) as archive:
        for path, data in files.items():
            archive.writestr(path, data)
    return out.getvalue()


def streamed(files: dict[str, bytes]) -> bytes:
    """Return a zip as a program writes it that cannot go back: with sizes behind each file."""

    class Pipe(io.RawIOBase):
        def __init__(self) -> None:
            self.data = b""

        def writable(self) -> bool:
            return True

        def write(self, data: Any) -> int:
            self.data += bytes(data)
            return len(data)

    pipe = Pipe()
    with zipfile.ZipFile(pipe, "w", zipfile.ZIP_DEFLATED) as archive:  # type: ignore[arg-type]
        for path, data in files.items():
            archive.writestr(path, data)
    return pipe.data


@pytest.mark.parametrize(
    "data",
    [
        by_library(FILES),
        by_library(FILES, zipfile.ZIP_STORED),
        by_library({f"top/{path}": data for path, data in FILES.items()}),
        streamed(FILES),
        zipped([member(path, data, method=8) for path, data in FILES.items()], comment=b"0" * 40),
        zipped([member(path, data, mode=None) for path, data in reversed(FILES.items())]),
    ],
    ids=["deflated", "stored", "one folder at the top", "streamed", "with a comment", "of Windows"],
)
def test_an_honest_archive_comes_out_whole(data: bytes, tmp_path: Path) -> None:
    target = tmp_path / "skill"
    found = extract(io.BytesIO(data), str(target))
    assert everything(target) == FILES
    assert list(found.files) == sorted(FILES)
    assert found.files == {path: (digests.of_bytes(d), len(d)) for path, d in FILES.items()}
    assert look(io.BytesIO(data)) == sorted(FILES)


def test_p23_one_folder_at_the_top_is_left_away(tmp_path: Path) -> None:
    archive = by_library({"my-skill-1.0/plugin.json": b"{}", "my-skill-1.0/main.py": b""})
    found = extract(io.BytesIO(archive), str(tmp_path / "skill"))
    assert found.top == "my-skill-1.0"
    assert set(found.files) == {"plugin.json", "main.py"}


def test_p23_a_tar_gz_is_told_to_be_no_zip(tmp_path: Path) -> None:
    archive = hostile_archives.tarred("w:gz")
    with pytest.raises(ArchiveError, match="it is a gzip, no zip") as caught:
        extract(io.BytesIO(archive), str(tmp_path / "skill"))
    assert "zip is the one format" in (caught.value.hint or "")


def test_p24_a_member_called_package_zip_is_a_file_like_any_other(tmp_path: Path) -> None:
    archive = tmp_path / "package.zip"
    archive.write_bytes(plain(member("package.zip", b"mine")))
    before = archive.read_bytes()
    extract(str(archive), str(tmp_path / "skill"))
    assert (tmp_path / "skill" / "package.zip").read_bytes() == b"mine"
    assert archive.read_bytes() == before


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such rights")
def test_rights_are_ours_and_not_the_archives(tmp_path: Path) -> None:
    odd = member("run.sh", attributes=(stat.S_IFREG | 0o777) << 16)
    old = os.umask(0o077)
    try:
        extract(io.BytesIO(plain(odd)), str(tmp_path / "skill"))
    finally:
        os.umask(old)
    assert stat.S_IMODE((tmp_path / "skill" / "run.sh").stat().st_mode) == 0o644


def test_a_target_that_is_there_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "mine").write_text("mine")
    with pytest.raises(FileExistsError):
        extract(io.BytesIO(plain()), str(tmp_path))
    assert everything(tmp_path) == {"mine": b"mine"}


@pytest.mark.skipif(os.name == "nt", reason="needs links")
def test_a_target_that_is_a_link_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "skill").symlink_to("elsewhere")
    with pytest.raises(FileExistsError):
        extract(io.BytesIO(plain()), str(tmp_path / "skill"))
    assert not list((tmp_path / "elsewhere").iterdir())


PROMISED = {path: (digests.of_bytes(data), len(data)) for path, data in FILES.items()}


@pytest.mark.parametrize(
    ("promised", "words"),
    [
        ({**PROMISED, "more.py": PROMISED["e"]}, "more.py was promised"),
        ({path: row for path, row in PROMISED.items() if path != "e"}, "e is in the archive"),
        ({**PROMISED, "e": (PROMISED["e"][0], 1)}, "1 were promised"),
        ({**PROMISED, "e": (PROMISED["skill.py"][0], 0)}, "not what was promised"),
        ({}, "was not promised"),
    ],
)
def test_files_that_were_not_promised_are_refused(
    promised: dict[str, tuple[str, int]], words: str, tmp_path: Path
) -> None:
    with pytest.raises(IntegrityError, match=words):
        extract(io.BytesIO(by_library(FILES)), str(tmp_path / "skill"), expected=promised)
    assert not list(tmp_path.glob("skill*"))
    extract(io.BytesIO(by_library(FILES)), str(tmp_path / "skill"), expected=PROMISED)


@pytest.mark.parametrize(
    ("budget", "rule"),
    [
        (Budget(files=3), "too-many-files"),
        (Budget(size=1000), "too-large"),
        (Budget(archive=100), "too-large"),
    ],
)
def test_a_budget_is_configurable(budget: Budget, rule: str, tmp_path: Path) -> None:
    with pytest.raises(ArchiveError) as caught:
        extract(io.BytesIO(by_library(FILES)), str(tmp_path / "skill"), budget=budget)
    assert caught.value.rule == rule


def test_what_fits_a_larger_budget_comes_out(tmp_path: Path) -> None:
    for name in ("too many files", "a bomb"):
        data = CASES[name][0]()
        budget = Budget(files=1000, size=32 << 20, ratio=2000)
        assert extract(io.BytesIO(data), str(tmp_path / name), budget=budget).files


def test_a_wheel_needs_no_manifest_at_its_top(tmp_path: Path) -> None:
    files = {"pkg/__init__.py": b"", "pkg-1.0.dist-info/METADATA": b"Name: pkg\n"}
    data = by_library(files)
    target = tmp_path / "wheel"
    extract(io.BytesIO(data), str(target), skill=False, budget=WHEEL_BUDGET)
    assert everything(target) == files
    with pytest.raises(ArchiveError):
        look(io.BytesIO(data))


def test_a_full_disk_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from kurt_ext.market import extracting

    def full(out: Any, data: bytes) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(extracting, "_put", full)
    with pytest.raises(OSError, match="No space"):
        extract(io.BytesIO(plain()), str(tmp_path / "skill"))
    assert not (tmp_path / "skill").exists()


NAMES = st.text(
    st.sampled_from("abAB./\\: ~-_é\u0301\u200b\0ß日") | st.characters(codec="utf-8"),
    min_size=1,
    max_size=12,
)


@settings(max_examples=150, deadline=None)
@given(st.lists(st.tuples(NAMES, st.binary(max_size=40)), max_size=6), st.booleans())
def test_what_comes_out_is_what_went_in_or_nothing(
    tmp_path_factory: pytest.TempPathFactory, files: list[tuple[str, bytes]], packed: bool
) -> None:
    root = tmp_path_factory.mktemp("out")
    method = 8 if packed else 0
    folders = [name for name, _ in files if name.endswith("/")]
    data = plain(*[member(name, content, method=method, mode=None) for name, content in files])
    names = ["SKILL.md", *(name for name, _ in files)]
    fine = (
        all(fault(name) is None for name in names)
        and clash(names) is None
        and not folders
        and not any(name.lower().endswith(("skill.md", "plugin.json")) for name in names[1:])
    )
    try:
        extract(io.BytesIO(data), str(root / "skill"))
    except ArchiveError:
        assert not fine
        assert not list(root.iterdir())
    else:
        assert everything(root / "skill") == {"SKILL.md": SKILL, **dict(files)}
        assert list(root.iterdir()) == [root / "skill"]


HONEST = zipped(
    [member("SKILL.md", SKILL, method=8), member("a/b.py", b"x = 1\n" * 50, method=8), member("c")]
)


@settings(max_examples=400, deadline=None)
@given(
    st.lists(
        st.tuples(st.integers(0, len(HONEST) - 1), st.integers(0, 255)), min_size=1, max_size=4
    )
)
def test_a_byte_that_is_changed_is_found_or_changes_nothing_but_a_time(
    tmp_path_factory: pytest.TempPathFactory, edits: list[tuple[int, int]]
) -> None:
    data = bytearray(HONEST)
    for at, value in edits:
        data[at] = value
    root = tmp_path_factory.mktemp("out")
    try:
        found = extract(io.BytesIO(bytes(data)), str(root / "skill"))
    except ArchiveError:
        assert not list(root.iterdir())
    else:
        files = {
            "SKILL.md": digests.of_bytes(SKILL),
            "a/b.py": digests.of_bytes(b"x = 1\n" * 50),
            "c": digests.of_bytes(b"x\n"),
        }
        assert {digest for digest, _ in found.files.values()} == set(files.values())


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=300), st.booleans())
def test_noise_is_refused(data: bytes, begun: bool) -> None:
    noise = (b"PK\x03\x04" if begun else b"") + data
    end = struct.pack("<4s4H2LH", b"PK\x05\x06", 0, 0, 1, 1, len(data), 0, 0)
    for text in (noise, noise + end):
        with pytest.raises(ArchiveError):
            look(io.BytesIO(text))


@pytest.mark.skipif(sys.platform != "linux", reason="counts the writes of a process on Linux")
def test_nothing_is_unpacked_before_all_is_judged(tmp_path: Path) -> None:
    data = zipped(
        [member("SKILL.md", SKILL), *[member(f"f{n}") for n in range(50)], member("../x")]
    )
    (tmp_path / "evil.zip").write_bytes(data)
    script = (
        "import sys, os; from kurt_ext.errors import ArchiveError\n"
        "from kurt_ext.market.extracting import extract\n"
        "made = []; sys.addaudithook(lambda e, a: made.append(a) if e in ('os.mkdir',) else None)\n"
        "try: extract(sys.argv[1], sys.argv[2])\n"
        "except ArchiveError: print(len(made))"
    )
    command = [sys.executable, "-c", script, str(tmp_path / "evil.zip"), str(tmp_path / "out")]
    run = subprocess.run(command, capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "0"


@settings(max_examples=60, deadline=None)
@given(
    st.dictionaries(
        st.text("abcXY01_-.", min_size=1, max_size=8).filter(lambda name: fault(name) is None),
        st.binary(max_size=3000),
        max_size=8,
    )
)
def test_what_a_marketplace_packs_is_what_comes_out(
    tmp_path_factory: pytest.TempPathFactory, files: dict[str, bytes]
) -> None:
    from kurt_ext.market.collecting import archive

    whole = {**files, "SKILL.md": SKILL}
    if clash(whole) is not None or any(name.lower() == "plugin.json" for name in files):
        return
    data = archive(whole)
    assert archive(dict(reversed(whole.items()))) == data
    root = tmp_path_factory.mktemp("out")
    extract(io.BytesIO(data), str(root / "skill"))
    assert everything(root / "skill") == whole
