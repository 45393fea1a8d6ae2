"""What cannot be read by a person, and what is not what it is called."""

from __future__ import annotations

import bz2
import collections
import gzip
import importlib.util
import io
import lzma
import os
import pickle
import py_compile
import tarfile
import zipfile
from pathlib import Path

import pytest
from checks.conftest import skill_md
from hypothesis import given
from hypothesis import strategies as st
from trees import grow

from kurt_ext.analysis import archives, bytecode, pickles
from kurt_ext.checks import Finding, Subject
from kurt_ext.checks.opaque import check
from kurt_ext.manifest import read

SOURCE = "import re\n\ndef words(text):\n    return re.findall(r'a', text)\n"


class Runs:
    def __reduce__(self) -> object:
        return (os.system, ("true",))


class Later:
    def __reduce__(self) -> object:
        return (getattr, (1, "real"))


def ask(folder: Path, files: dict[str, object], **fields: object) -> list[Finding]:
    grow(folder, {"SKILL.md": skill_md(**fields), "skill.py": SOURCE, **files})
    return list(check(Subject(read(str(folder)))))


def said(folder: Path, files: dict[str, object], **fields: object) -> set[tuple[str, str]]:
    return {(f.rule, f.severity) for f in ask(folder, files, **fields)}


def zipped(members: dict[str, bytes]) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(zipfile.ZipInfo(name), content, zipfile.ZIP_DEFLATED)
    return stream.getvalue()


def tarred(name: str, link: str = "") -> bytes:
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w") as archive:
        info = tarfile.TarInfo(name)
        if link:
            info.type, info.linkname = tarfile.SYMTYPE, link
        archive.addfile(info)
    return stream.getvalue()


PNG = b"\x89PNG\r\n\x1a\n" + b"\0" * 20 + b"IEND\xaeB`\x82"

FINE = {
    "a.png": PNG,
    "b.zip": zipped({"a.txt": b"x", "b/c.csv": b"1,2\n" * 1000}),
    "c.tar.gz": gzip.compress(tarred("a.txt")),
    "d.docx": zipped({"word/document.xml": b"<x/>"}),
    "e.txt": b"PKs are keys\n",
    "f.bin": bytes(range(256)),
    "g.md": b"MZ is how a Windows program begins\n",
    "h.txt": b"caf\xe9 cosmos\nsystem\n",
    "i.npy": b"\x93NUMPY\x01\0v\0{'descr': '<f8', 'fortran_order': False, 'shape': (3,), }\n",
    "j.csv": b"cats\ndogs\n",
}


@pytest.mark.parametrize("name", FINE)
def test_data_that_is_what_it_is_called_is_fine(tmp_path: Path, name: str) -> None:
    assert said(tmp_path / "s", {name: FINE[name]}) == set()


CACHE = importlib.util.MAGIC_NUMBER + b"\0" * 12 + b"\xe3" + b"\0" * 80
GRAVE = [
    ("a.pyc", CACHE, "compiled-file", "critical"),
    ("a.dat", CACHE, "disguised-file", "critical"),
    ("a.txt", CACHE, "disguised-file", "critical"),
    ("a.so.1", b"x", "compiled-file", "high"),
    ("a.PYD", b"x", "compiled-file", "high"),
    ("a.png", b"\x7fELF" + b"\0" * 60, "disguised-file", "high"),
    ("a.md", b"MZ\x90\0" + b"\0" * 99, "disguised-file", "high"),
    ("a.jpg", b"#!/bin/sh\n", "disguised-file", "high"),
    ("a.png", PNG + b"import os" * 9, "disguised-file", "high"),
    ("a.png", PNG + zipped({"x.txt": b"x"}), "disguised-file", "high"),
    ("notes.docx.txt", zipped({"a.xml": b""}), "disguised-file", "high"),
    ("a.whl", zipped({"a.txt": b""}), "archive-code", "high"),
    ("a.zip", zipped({"run.sh": b"x"}), "archive-code", "high"),
    ("a.docm", zipped({"word/vbaProject.bin": b"x"}), "archive-code", "high"),
    ("a.zip", zipped({"../../x.txt": b""}), "archive-leads-out", "high"),
    ("a.zip", zipped({"C:\\x.txt": b""}), "archive-leads-out", "high"),
    ("a.tar", tarred("/etc/x"), "archive-leads-out", "high"),
    ("a.tar.xz", lzma.compress(tarred("x", "../../y")), "archive-leads-out", "high"),
    ("a.zip", zipped({"a": b"\0" * (20 << 20)}), "archive-bomb", "high"),
    ("a.gz", gzip.compress(b"\0" * (20 << 20)), "archive-bomb", "high"),
    ("a.bz2", bz2.compress(b"\0" * (20 << 20)), "archive-bomb", "high"),
    ("a.zip", b"PK\x03\x04 no more", "archive-unread", "high"),
    ("a.zip", zipped({"b.zip": b""}), "archive-unread", "medium"),
    ("a.pkl", pickle.dumps(Runs()), "pickle-file", "critical"),
    ("a.dat", pickle.dumps(Later(), 4), "pickle-file", "critical"),
    ("a.bin", pickle.dumps(Runs(), 0), "pickle-file", "critical"),
    ("a.joblib", b"cposix\nsystem\n(S'x'\ntR.", "pickle-file", "critical"),
    ("a.pkl", b"cour_models\nForest\n.", "pickle-file", "high"),
    ("a.pkl", pickle.dumps(1) + pickle.dumps(Runs()), "pickle-file", "critical"),
    ("a.pkl", pickle.dumps([1])[:-1], "pickle-file", "high"),
    ("a.pt", zipped({"m/data.pkl": pickle.dumps(Runs())}), "pickle-file", "critical"),
    ("a.npy", b"\x93NUMPY\x01\0v\0{'descr': '|O', 'shape': (3,)}\n", "pickle-file", "high"),
    ("a.pkl", pickle.dumps({"a": [1, 2]}), "pickle-file", "warning"),
]


@pytest.mark.parametrize(("name", "data", "rule", "severity"), GRAVE)
def test_what_is_opaque_is_told(
    tmp_path: Path, name: str, data: bytes, rule: str, severity: str
) -> None:
    assert (rule, severity) in said(tmp_path / "s", {name: data})


@pytest.mark.parametrize(
    "name", ["a.pyc", "a.pyd", "lib.so.1", "Setup.EXE", "a.ps1", "x.pth", "g.pyw"]
)
def test_p34_nothing_that_runs_passes_unseen(tmp_path: Path, name: str) -> None:
    from kurt_ext.checks import structure

    grow(tmp_path / "s", {"SKILL.md": skill_md(), "skill.py": "", "sub": {name: b"x"}})
    subject = Subject(read(str(tmp_path / "s")))
    assert [f.path for f in (*check(subject), *structure.check(subject))] == [f"sub/{name}"]


def test_native_code_that_is_declared_is_told_and_no_error(tmp_path: Path) -> None:
    declared = {"native_code": True}
    found = said(tmp_path / "s", {"a.so": b"\x7fELF"}, permissions=declared)
    assert found == {("native-file", "medium")}


class TestCaches:
    def make(self, folder: Path, mode: str = "TIMESTAMP", source: str = SOURCE) -> Path:
        grow(folder, {"skill.py": source})
        wanted = py_compile.PycInvalidationMode[mode]
        made = py_compile.compile(str(folder / "skill.py"), invalidation_mode=wanted, doraise=True)
        return Path(made or "")

    @pytest.mark.parametrize("mode", ["TIMESTAMP", "CHECKED_HASH"])
    def test_what_the_interpreter_made_of_the_source_is_fine(
        self, tmp_path: Path, mode: str
    ) -> None:
        self.make(tmp_path / "s", mode)
        assert said(tmp_path / "s", {}) - {("stale-cache", "low")} == set()

    def test_the_caches_of_the_standard_library_are_those_of_their_sources(self) -> None:
        folder = Path(os.__file__).parent
        seen = 0
        for source in sorted(folder.glob("*.py"))[:80]:
            data = source.read_bytes()
            code = compile(data, str(source), "exec", dont_inherit=True)
            cache = importlib._bootstrap_external._code_to_timestamp_pyc(code)  # type: ignore[attr-defined]
            assert bytecode.foreign(bytes(cache), data) == [], source
            seen += 1
        assert seen

    def test_one_that_is_never_checked_is_critical(self, tmp_path: Path) -> None:
        self.make(tmp_path / "s", "UNCHECKED_HASH")
        assert said(tmp_path / "s", {}) == {("poisoned-cache", "critical")}

    def test_one_of_other_code_that_python_would_run_is_critical(self, tmp_path: Path) -> None:
        folder = tmp_path / "s"
        evil = "import os\nos.system('x')\n#"
        made = self.make(folder, source=evil + "x" * (len(SOURCE) - len(evil)))
        status = (folder / "skill.py").stat()
        grow(folder, {"SKILL.md": skill_md(), "skill.py": SOURCE})
        os.utime(folder / "skill.py", (status.st_atime, status.st_mtime))
        assert made.exists()
        (finding,) = check(Subject(read(str(folder))))
        assert (finding.rule, finding.severity) == ("poisoned-cache", "critical")
        assert "system" in finding.evidence

    def test_one_that_python_makes_anew_is_low_and_one_without_source_medium(
        self, tmp_path: Path
    ) -> None:
        folder = tmp_path / "s"
        made = self.make(folder)
        (made.parent / "gone.cpython-311.pyc").write_bytes(made.read_bytes())
        found = said(folder, {"skill.py": SOURCE + "# more\n"})
        assert found == {("stale-cache", "low"), ("stale-cache", "medium")}

    def test_anything_else_there_is_grave(self, tmp_path: Path) -> None:
        found = said(tmp_path / "s", {"__pycache__": {"helper.py": "import os"}})
        assert found == {("poisoned-cache", "high")}


@pytest.mark.parametrize("protocol", range(6))
def test_a_pickle_imports_what_it_says_in_every_protocol(protocol: int) -> None:
    data = pickle.dumps([collections.OrderedDict(a=1), Runs(), Runs()], protocol)
    found = pickles.read(data)
    assert found.whole and found.runs
    assert {name.rpartition(".")[2] for name in found.foreign} == {"system"}


plain = st.recursive(
    st.none() | st.integers() | st.text() | st.binary() | st.dates(),
    lambda below: st.lists(below) | st.dictionaries(st.text(), below),
)


@given(plain, st.integers(0, 5))
def test_mere_data_imports_nothing_foreign(value: object, protocol: int) -> None:
    found = pickles.read(pickle.dumps(value, protocol))
    assert found.whole and not found.foreign


@given(st.binary())
def test_no_bytes_raise(data: bytes) -> None:
    pickles.read(data)
    pickles.looks_pickled(data)
    bytecode.is_code(data)
    bytecode.names(CACHE[:16] + data)
    for kind in ("zip", "tar", "gzip", "bzip2", "xz", archives.what(data)):
        archives.peek(data, kind)
