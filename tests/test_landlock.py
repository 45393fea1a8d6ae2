"""Rules give the rights that they say, for every version of the interface, and no more."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pytest
from confined import needs_kernel

from kurt_ext.sandbox import landlock
from kurt_ext.sandbox.kernel import Unconfined
from kurt_ext.sandbox.landlock import EXECUTE, READ, WRITE
from kurt_ext.sandbox.readables import followed, is_beneath, note_names, outermost, own_grants

pytestmark = needs_kernel

VERSIONS = [
    version for version in range(1, landlock.KNOWN + 1) if version <= landlock.probe()[0]
] or [1]

#: Restricts itself by (grants, own, version), then tries each piece.
_CHILD = """
import ctypes, errno, json, os, shutil, signal, subprocess, sys
told = json.loads(sys.argv[1])
sys.path[:0] = told["path"]
from kurt_ext.sandbox import kernel, landlock
here = told["here"]
out = {}
if told["version"] is not None:
    kernel.libc().prctl(38, 1, 0, 0, 0)
    landlock.restrict(told["grants"], told["own"], told["version"])
for name, code in told["pieces"].items():
    try:
        exec(code)
        out[name] = "worked"
    except OSError as error:
        out[name] = errno.errorcode[error.errno]
print(json.dumps(out))
"""


@pytest.fixture
def here() -> Iterator[Path]:
    # Not beneath the home: the interpreter's own folders may lie there.
    root = Path(os.path.realpath(tempfile.mkdtemp(prefix="kurt-landlock-")))
    for name in ("read", "write", "other"):
        (root / name / "inner").mkdir(parents=True)
        (root / name / "text").write_text(name)
    (root / "single").write_text("single")
    yield root
    shutil.rmtree(root)


def tried(
    here: Path, pieces: dict[str, str], version: int | None, grants: list[tuple[str, int]]
) -> dict[str, str]:
    """Return what came of each piece in a child that holds itself to grants."""
    told = {
        "path": [str(Path(landlock.__file__).parent.parent.parent)],
        "here": str(here),
        "version": version,
        "grants": [(str(here / name), rights) for name, rights in grants],
        "own": own_grants(()),
        "pieces": pieces,
    }
    run = subprocess.run(
        [sys.executable, "-I", "-S", "-B", "-c", _CHILD, json.dumps(told)],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    found: dict[str, str] = json.loads(run.stdout)
    return found


GRANTS = [("read", READ), ("write", WRITE), ("single", READ)]
MAY = {
    "read": "open(here + '/read/text').read()",
    "list": "os.listdir(here + '/read/inner')",
    "read one": "open(here + '/single').read()",
    "write": "open(here + '/write/text', 'w').write('x')",
    "create": "open(here + '/write/new', 'x').close()",
    "rename": "os.rename(here + '/write/new', here + '/write/newer')",
    "remove": "os.unlink(here + '/write/newer')",
    "folder": "os.mkdir(here + '/write/folder')\nos.rmdir(here + '/write/folder')",
    "link": "os.symlink('x', here + '/write/link')",
    "cut": "os.truncate(here + '/write/text', 0)",
}
MAY_NOT = {
    "read": "open(here + '/other/text').read()",
    "list": "os.listdir(here + '/other')",
    "list above": "os.listdir(here)",
    "write one": "open(here + '/single', 'a')",
    "write": "open(here + '/read/text', 'a')",
    "create": "open(here + '/read/new', 'x').close()",
    "remove": "os.rmdir(here + '/read/inner')",
    "take": "os.rename(here + '/other/text', here + '/write/taken')",
    "hard link": "os.link(here + '/read/text', here + '/write/hard')",
    "socket": "import socket\nsocket.socket(socket.AF_UNIX).bind(here + '/write/socket')",
    "pipe": "os.mkfifo(here + '/write/pipe')",
    "run": "subprocess.run(['/bin/true'])",
}


@pytest.mark.parametrize("version", VERSIONS)
def test_rules_give_what_they_say(here: Path, version: int) -> None:
    assert set(tried(here, MAY, version, GRANTS).values()) == {"worked"}


@pytest.mark.parametrize("version", VERSIONS)
def test_rules_give_no_more(here: Path, version: int) -> None:
    assert set(tried(here, MAY_NOT, None, []).values()) == {"worked"}
    shutil.rmtree(here / "write")
    (here / "write").mkdir()
    (here / "read/inner").mkdir()
    (here / "read/new").unlink()
    (here / "other/text").write_text("other")
    outcomes = tried(here, MAY_NOT, version, GRANTS)
    assert set(outcomes.values()) <= {"EACCES", "EXDEV"}, outcomes


@pytest.mark.parametrize("version", VERSIONS)
def test_files_move_between_folders_from_version_2_on(here: Path, version: int) -> None:
    piece = {"move": "os.rename(here + '/write/text', here + '/write/inner/text')"}
    outcome = tried(here, piece, version, GRANTS)["move"]
    assert outcome == ("worked" if version >= 2 else "EXDEV")


@pytest.mark.parametrize("version", VERSIONS)
def test_emptying_is_held_from_version_3_on(here: Path, version: int) -> None:
    """Before, the filter of system calls refuses it (tests/test_confining.py)."""
    pieces = {
        "cut": "os.truncate(here + '/read/text', 0)",
        "open": "os.open(here + '/read/text', os.O_RDONLY | os.O_TRUNC)",
    }
    outcomes = tried(here, pieces, version, GRANTS)
    assert set(outcomes.values()) == ({"EACCES"} if version >= 3 else {"worked"})


@pytest.mark.parametrize("version", VERSIONS)
def test_signals_are_held_from_version_6_on(here: Path, version: int) -> None:
    outcome = tried(here, {"signal": "os.kill(os.getppid(), 0)"}, version, GRANTS)["signal"]
    assert outcome == ("EPERM" if version >= 6 else "worked")


@pytest.mark.parametrize("version", VERSIONS)
def test_connections_are_held_from_version_4_on(here: Path, version: int) -> None:
    piece = {"connect": "import socket\nsocket.socket().connect(('127.0.0.1', 1))"}
    outcome = tried(here, piece, version, GRANTS)["connect"]
    assert outcome == ("EACCES" if version >= 4 else "ECONNREFUSED")


def test_what_is_granted_for_running_runs(here: Path) -> None:
    shutil.copy("/bin/true", here / "read/true")
    loaders = [one for one in ("/lib64", "/lib") if os.path.isdir(one)]
    piece = {"run": "subprocess.run([here + '/read/true'], check=True)"}
    grants = [*GRANTS, *((os.path.realpath(one), EXECUTE) for one in loaders)]
    assert tried(here, piece, 1, grants)["run"] == "EACCES"
    assert tried(here, piece, 1, [*grants, ("read/true", EXECUTE)])["run"] == "worked"


# -- paths ----------------------------------------------------------------------------


def test_a_declared_path_is_opened_as_it_is(here: Path) -> None:
    os.close(landlock.open_declared(str(here / "read")))
    (here / "link").symlink_to("read")
    for path, text in (("link", "link"), ("link/text", "link"), ("gone", "No such file")):
        with pytest.raises(Unconfined, match=text) as caught:
            landlock.open_declared(str(here / path))
        assert caught.value.layer == "files"


def test_versions_handle_more_and_more() -> None:
    handled = [landlock.rights(version) for version in range(9)]
    assert handled[0] == 0
    assert handled[1] == 0x1FFF
    assert all(new & old == old for old, new in pairwise(handled))
    for right in (1 << 6, 1 << 9, 1 << 10, 1 << 11):  # devices, sockets, pipes
        assert handled[1] & right
        assert not WRITE & right
    assert not (READ | WRITE) & 1  # running
    assert EXECUTE & READ == READ


def test_own_grants_hold_nothing_of_this_user_or_machine() -> None:
    paths = {path for path, _ in own_grants(())}
    for path in ("/", "/etc", "/proc", "/home", "/root", "/var", "/tmp", "/usr", "/dev"):
        assert path not in paths
    for path in ("/etc/passwd", "/etc/hosts", "/etc/resolv.conf", "/proc/self", os.getcwd()):
        assert not is_beneath(path, paths)
        assert path not in paths
    assert {path for path, rights in own_grants(()) if rights != READ} == {"/dev/null"}
    assert "/somewhere/of/its/own" in {path for path, _ in own_grants(["/somewhere/of/its/own"])}


def test_links_are_followed_and_noted(here: Path) -> None:
    (here / "a").symlink_to("b/../c")
    (here / "c").symlink_to(here / "read")
    links: dict[str, str] = {}
    assert followed(str(here / "a/text"), links) == ""  # b is not there
    (here / "b").mkdir()
    assert followed(str(here / "a/text"), links) == str(here / "read/text")
    assert links == {str(here / "a"): "b/../c", str(here / "c"): str(here / "read")}
    (here / "round").symlink_to("round")
    assert followed(str(here / "round"), {}) == ""
    assert followed("/", {}) == "/"


def test_programs_keep_the_names_they_are_called_by(here: Path) -> None:
    (here / "read/prog").symlink_to("text")
    (here / "read/unlike").symlink_to("inner")
    links: dict[str, str] = {}
    note_names([str(here / "read/text")], links)
    assert links == {str(here / "read/prog"): "text"}


def test_only_the_outermost_paths_count() -> None:
    assert outermost(["/a/b", "/a", "/ab", "/c/d/e", "/c/d"]) == {"/a", "/ab", "/c/d"}
    assert outermost(["/", "/a"]) == {"/"}
    assert not is_beneath("/a", {"/a"})
