"""The tripwires of a worker: what is refused is told well, what is used is noted, and cheaply.

A hook cannot be taken away again, so each table runs in a process of its own.
"""

from __future__ import annotations

import errno
import json
import os
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any

import pytest

from kurt_ext.sandbox.fences import DENIED, FREE, GRANTED, Fence

_RUN = """
import json, os, sys
told = json.loads(sys.stdin.read())
sys.path[:] = told["path"]
from kurt_ext.sandbox import tripwire
import ctypes, sqlite3, socket, subprocess, shutil, tempfile, signal, glob, pathlib  # as a worker
os.environ.clear(); os.environ.update(told["policy"]["environment"])
os.chdir(told["policy"]["cwd"])
uses, report = [], {}
emit = lambda *use: uses.append(use)
wire = tripwire.install(told["policy"], report, emit)

def attempt(source):
    code = compile(source, os.path.join(told["policy"]["cwd"], "skill.py"), "exec")
    try:
        exec(code, {"wire": wire, "os": os, "sys": sys})
    except BaseException as error:
        return [type(error).__name__, str(error), getattr(error, "errno", None),
                getattr(error, "filename", None), getattr(error, "permission", None),
                getattr(error, "__notes__", [])]
    return None

outcomes = [attempt(source) for source in told["sources"]]
print(json.dumps({"outcomes": outcomes, "uses": uses, "report": report, "dropped": wire.dropped}))
"""


class World:
    """Some folders, and a policy for them."""

    def __init__(self, base: Path) -> None:
        self.base = Path(os.path.realpath(base))
        for name in ("own", "scratch", "data", "out", "elsewhere"):
            (self.base / name).mkdir()
        (self.base / "data" / "a.txt").write_text("a")
        (self.base / "single.txt").write_text("1")
        (self.base / "elsewhere" / "secret").write_text("s")
        (self.base / "out" / "have").write_text("h")
        (self.base / "own" / "limits.json").write_text("{}")

    def __getattr__(self, name: str) -> str:
        return str(self.base / name)

    def policy(self, tier: str, **more: Any) -> dict[str, Any]:
        base: dict[str, Any] = {
            "skill": "archiver",
            "read": [self.data, f"{self.base}/single.txt", self.own],
            "write": [self.out, self.scratch],
            "execute": [],
            "hosts": [],
            "environment": {"GIVEN": "1", "TMPDIR": self.scratch},
            "processes": 1,
            "native": False,
            "cwd": self.own,
            "scratch": self.scratch,
            "limits": {},
            "canary": "",
            "tier": tier,
            "require": [],
            "path": [],
        }
        return base | more

    def run(self, tier: str, sources: list[str], **more: Any) -> dict[str, Any]:
        # Only what a worker has: with an entry of its own for the working directory, too much
        # would be free.
        path = [entry for entry in sys.path if entry and "tests" not in Path(entry).parts]
        told = {"policy": self.policy(tier, **more), "sources": sources, "path": path}
        done = subprocess.run(
            [sys.executable, "-c", _RUN],
            input=json.dumps(told),
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
        return found


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


REFUSED = [
    ("open('{elsewhere}/secret')", "filesystem_read", "{elsewhere}/secret"),
    ("open(b'{elsewhere}/secret')", "filesystem_read", "{elsewhere}/secret"),
    (
        "import pathlib; pathlib.Path('{elsewhere}', 'secret').read_text()",
        "filesystem_read",
        "{elsewhere}/secret",
    ),
    ("os.open('{elsewhere}/secret', os.O_RDONLY)", "filesystem_read", "{elsewhere}/secret"),
    ("open('{data}/../elsewhere/secret')", "filesystem_read", "{elsewhere}/secret"),
    ("os.listdir('{elsewhere}')", "filesystem_read", "{elsewhere}"),
    ("os.listdir('{data}/..')", "filesystem_read", "{base}"),
    ("list(os.scandir('{elsewhere}'))", "filesystem_read", "{elsewhere}"),
    (
        "import shutil; shutil.copy('{elsewhere}/secret', '{scratch}')",
        "filesystem_read",
        "{elsewhere}/secret",
    ),
    ("open('{elsewhere}/new', 'w')", "filesystem_write", "{elsewhere}/new"),
    ("open('{data}/a.txt', 'a')", "filesystem_write", "{data}/a.txt"),
    ("open('{data}/a.txt', 'r+')", "filesystem_write", "{data}/a.txt"),
    ("open('{own}/limits.json', 'w')", "filesystem_write", "{own}/limits.json"),
    (
        "os.open('{elsewhere}/secret', os.O_RDONLY | os.O_TRUNC)",
        "filesystem_write",
        "{elsewhere}/secret",
    ),
    ("os.truncate('{elsewhere}/secret', 0)", "filesystem_write", "{elsewhere}/secret"),
    ("os.remove('{elsewhere}/secret')", "filesystem_write", "{elsewhere}"),
    ("os.rename('{elsewhere}/secret', '{out}/s')", "filesystem_write", "{elsewhere}"),
    ("os.rename('{out}/have', '{elsewhere}/out')", "filesystem_write", "{elsewhere}"),
    ("os.replace('{data}/a.txt', '{out}/s')", "filesystem_write", "{data}"),
    ("os.link('{elsewhere}/secret', '{out}/s')", "filesystem_write", "{elsewhere}"),
    ("os.symlink('x', '{elsewhere}/link')", "filesystem_write", "{elsewhere}"),
    ("os.mkdir('{elsewhere}/new')", "filesystem_write", "{elsewhere}"),
    ("os.rmdir('{elsewhere}')", "filesystem_write", "{base}"),
    (
        "import sqlite3; sqlite3.connect('{elsewhere}/secret')",
        "filesystem_read",
        "{elsewhere}/secret",
    ),
    (
        "import sqlite3; sqlite3.connect('{elsewhere}/new.db')",
        "filesystem_write",
        "{elsewhere}/new.db",
    ),
    ("import subprocess; subprocess.run(['git', 'log'])", "processes", "git"),
    ("import subprocess; subprocess.run('git log', shell=True)", "processes", "/bin/sh"),
    ("os.system('git log')", "processes", "/bin/sh"),
    ("os.execv('/bin/ls', ['ls'])", "processes", "/bin/ls"),
    ("os.posix_spawn('/bin/ls', ['ls'], {{}})", "processes", "/bin/ls"),
    ("os.fork()", "processes", os.path.basename(sys.executable)),
    ("import pty; pty.spawn(['/bin/ls'])", "processes", "/bin/ls"),
    ("os.kill(1, 0)", "", "process 1"),
    ("import ctypes; ctypes.CDLL('libm.so.6')", "native_code", "libm.so.6"),
]

ALLOWED = [
    "open('{data}/a.txt').close()",
    "open('{base}/single.txt').close()",
    "os.listdir('{data}')",
    "open('limits.json').close()",
    "os.listdir()",
    "open('{out}/new', 'w').close()",
    "os.makedirs('{out}/a/b', exist_ok=True)",
    "os.makedirs('{out}/a/b', exist_ok=True)",
    "os.rename('{out}/new', '{out}/a/new')",
    "import shutil; shutil.rmtree('{out}/a')",
    "import tempfile; tempfile.TemporaryDirectory().cleanup()",
    "import tempfile; tempfile.TemporaryFile().close()",
    "import sqlite3; c = sqlite3.connect('{out}/x.db'); c.execute('create table t (n)'); c.close()",
    "import sqlite3; sqlite3.connect(':memory:').close()",
    "open(os.__file__).close()",
    "import wave, email.message, xml.dom.minidom",
    "open('/dev/null', 'w').close()",
    "open('/dev/urandom', 'rb').close()",
    "os.kill(os.getpid(), 0)",
    "r, w = os.pipe(); os.fdopen(r).close(); os.close(w)",
    "import threading; t = threading.Thread(target=print); t.start(); t.join()",
    "assert os.environ['GIVEN'] == '1' and 'NOT' not in os.environ",
    "assert os.getenv('NOT', 'x') == 'x' and os.environ.get('NOT') is None",
    "import socket; a, b = socket.socketpair(); a.sendall(b'x'); a.close(); b.close()",
]

MISSING = [
    ("open('{elsewhere}/nothing')", "FileNotFoundError"),
    ("open('{base}/nowhere/x', 'w')", "FileNotFoundError"),
    ("os.listdir('{elsewhere}/nothing')", "FileNotFoundError"),
    ("os.remove('{elsewhere}/nothing')", "FileNotFoundError"),
    ("os.mkdir('{elsewhere}')", "FileExistsError"),
    ("open('a\\0b')", "ValueError"),
    ("open(1.5)", "TypeError"),
]
linux = pytest.mark.skipif(sys.platform == "win32", reason="paths and processes of Windows differ")


@linux
@pytest.mark.parametrize("tier", ["kernel", "process"])
def test_what_is_refused_is_told_with_list_target_and_remedy(world: World, tier: str) -> None:
    sources = [source.format_map(Places(world)) for source, _, _ in REFUSED]
    found = world.run(tier, sources)
    for (source, permission, target), outcome in zip(REFUSED, found["outcomes"], strict=True):
        target = target.format_map(Places(world))
        assert outcome is not None, source
        kind, said, number, filename, named, _ = outcome
        assert (kind, number, named) == ("AccessDenied", errno.EACCES, permission), (source, said)
        assert "archiver may not" in said and target in said, said
        if permission.startswith("filesystem"):
            assert f'write "{target}" into {permission}, under permissions in its manifest' in said
            assert filename is not None
        if permission == "processes":
            assert f"into {permission}" in said
        assert [permission or "system_resources", target, False] in found["uses"], source
    assert (world.base / "elsewhere" / "secret").read_text() == "s"
    assert (world.base / "data" / "a.txt").read_text() == "a"


@linux
@pytest.mark.parametrize("tier", ["kernel", "strong", "process"])
def test_what_is_allowed_and_what_is_not_there_is_as_without(world: World, tier: str) -> None:
    sources = [source.format_map(Places(world)) for source in ALLOWED]
    sources += [source.format_map(Places(world)) for source, _ in MISSING]
    found = world.run(tier, sources)
    for source, outcome in zip(ALLOWED, found["outcomes"], strict=False):
        assert outcome is None, (source, outcome)
    if tier == "strong":
        return
    for (source, kind), outcome in zip(MISSING, found["outcomes"][len(ALLOWED) :], strict=True):
        assert outcome is not None and outcome[0] == kind, (source, outcome)
    assert not [use for use in found["uses"] if not use[2] and use[1] != "NOT"]


@linux
def test_uses_by_a_permission_are_noted_once_and_those_that_all_have_never(world: World) -> None:
    source = f"""
        import json, tempfile, email
        for _ in range(3):
            open('{world.data}/a.txt').close()
            open('limits.json').close()
            open(os.__file__).close()
            tempfile.TemporaryFile().close()
            os.environ['GIVEN'], os.environ.get('WANTED'), os.getenv('WANTED')
            open('{world.out}/new', 'w').close()
    """
    found = world.run("kernel", [textwrap.dedent(source)])
    assert found["outcomes"] == [None]
    assert found["uses"] == [
        ["filesystem_read", f"{world.data}/a.txt", True],
        ["environment_variables", "GIVEN", True],
        ["environment_variables", "WANTED", False],
        ["filesystem_write", f"{world.out}/new", True],
    ]


@linux
def test_a_variable_that_is_not_declared_is_a_key_error_with_a_note(world: World) -> None:
    found = world.run("kernel", ["os.environ['API_KEY']", "os.environ['GIVEN']"])
    kind, said, *_, notes = found["outcomes"][0]
    assert (kind, said) == ("KeyError", "'API_KEY'")
    assert notes == [
        'archiver does not declare it, or it is not set; write "API_KEY" into '
        "environment_variables, under permissions in its manifest"
    ]
    assert found["outcomes"][1] is None


@linux
def test_programs_that_may_be_started_are(world: World) -> None:
    true = os.path.realpath("/bin/true")
    sources = [
        "import subprocess; subprocess.run(['/bin/true'], check=True)",
        "import subprocess; subprocess.run(['true'], check=True)",
        "import subprocess; subprocess.run(['false'])",
        "import subprocess; subprocess.run(['no-such-program'])",
        "pid = os.fork()\nif not pid: os._exit(0)\nos.waitpid(pid, 0)",
    ]
    path = os.pathsep.join(["/usr/bin", "/bin"])
    found = world.run("kernel", sources, processes=4, execute=[true], environment={"PATH": path})
    kinds = [outcome and outcome[0] for outcome in found["outcomes"]]
    assert kinds == [None, None, "AccessDenied", "FileNotFoundError", None]
    assert ["processes", "/bin/true", True] in found["uses"]
    assert ["processes", "false", False] in found["uses"]


@linux
def test_links_are_followed_where_nothing_else_looks(world: World) -> None:
    sources = [
        f"os.symlink('{world.elsewhere}/secret', '{world.out}/link')",
        f"open('{world.out}/other', 'w').close(); open('{world.out}/link')",
        f"os.remove('{world.out}/link')",
        f"os.symlink('{world.elsewhere}', '{world.out}/folder')",
        f"open('{world.out}/folder/secret')",
        f"open('{world.out}/folder/../secret')",
    ]
    found = world.run("process", sources)
    kinds = [outcome and outcome[0] for outcome in found["outcomes"]]
    assert kinds == [None, "AccessDenied", None, None, "AccessDenied", "FileNotFoundError"]
    assert f"which leads to {world.elsewhere}/secret" in found["outcomes"][1][1]


@linux
def test_to_a_worker_with_a_root_of_its_own_what_it_may_not_see_is_not_there(world: World) -> None:
    found = world.run("strong", [f"open('{world.elsewhere}/nothing')"])
    kind, said, number, filename, _, notes = found["outcomes"][0]
    assert (kind, number) == ("FileNotFoundError", errno.ENOENT)
    assert filename == f"{world.elsewhere}/nothing" and said.endswith(f"'{filename}'")
    assert "archiver may not read this" in notes[0]


@linux
def test_the_number_of_noted_uses_is_bounded(world: World) -> None:
    source = f"""
        for n in range(1500):
            open('{world.out}/' + str(n), 'w').close()
            os.environ.get('V' + str(n))
    """
    found = world.run("kernel", [textwrap.dedent(source)])
    assert len(found["uses"]) == 1000 and found["dropped"] == 1000


@linux
def test_a_use_that_cannot_be_told_now_is_told_with_the_next(world: World) -> None:
    source = f"""
        taken = []
        wire._emit = lambda *use: False
        open('{world.data}/a.txt').close()
        assert wire.waiting
        wire._emit = lambda *use: taken.append(use)
        open('{world.out}/new', 'w').close()
        assert [use[0] for use in taken] == ['filesystem_read', 'filesystem_write'], taken
        assert not wire.waiting
    """
    assert world.run("kernel", [textwrap.dedent(source)])["outcomes"] == [None]


@linux
def test_where_python_alone_checks_it_says_so_and_sees_the_network(world: World) -> None:
    sources = [
        "import socket; socket.create_connection(('example.com', 80))",
        "import socket; socket.create_connection(('127.0.0.1', 9))",
        "import socket; socket.socket().bind(('127.0.0.1', 0))",
        "import socket; socket.socket(socket.AF_UNIX).connect('/run/x.sock')",
        "import socket; socket.socket(type=socket.SOCK_DGRAM).sendto(b'x', ('1.1.1.1', 53))",
        "import socket; socket.getaddrinfo('evil.example', 443)",
    ]
    found = world.run("process", sources, hosts=["*.example.org"])
    assert [outcome and outcome[0] for outcome in found["outcomes"]] == ["AccessDenied"] * 6
    assert 'network_hosts does not cover it; write "example.com"' in found["outcomes"][0][1]
    assert any("tripwires in Python are all" in line for line in found["report"]["not_enforced"])
    assert world.run("kernel", [])["report"] == {}


@linux
def test_a_host_that_is_declared_is_reached_by_its_name(world: World) -> None:
    sources = [
        "import socket\ntry: socket.create_connection(('localhost', 9), 2)\n"
        "except ConnectionRefusedError: pass",
        "import socket\ntry: socket.create_connection(('127.0.0.1', 9), 2)\n"
        "except ConnectionRefusedError: pass",
    ]
    found = world.run("process", sources, hosts=["localhost"])
    kinds = [outcome and outcome[0] for outcome in found["outcomes"]]
    assert kinds == [None, "AccessDenied"], found["outcomes"]


def test_answers_of_a_fence(tmp_path: Path) -> None:
    base = Path(os.path.realpath(tmp_path))
    for name in ("free", "own", "read", "write"):
        (base / name / "deep").mkdir(parents=True)
    (base / "file").write_text("")
    (base / "read" / "out").symlink_to(base)
    (base / "read" / "in").symlink_to(base / "write")
    fence = Fence(
        [str(base / "free")],
        [str(base / "own")],
        [str(base / "read"), str(base / "file")],
        [str(base / "write")],
        links=True,
    )
    table = {
        "free/x": (FREE, DENIED),
        "free": (FREE, DENIED),
        "freed": (DENIED, DENIED),
        "own/deep/x": (FREE, FREE),
        "read/x": (GRANTED, DENIED),
        "read/deep/../x": (GRANTED, DENIED),
        "read/deep/../../x": (DENIED, DENIED),
        "read/..": (DENIED, DENIED),
        "read/out/file": (GRANTED, DENIED),
        "read/out/other": (DENIED, DENIED),
        "read/out": (DENIED, DENIED),
        "read/in/x": (GRANTED, GRANTED),
        "write//deep/./x": (GRANTED, GRANTED),
        "file": (GRANTED, DENIED),
        "file2": (DENIED, DENIED),
        ".": (DENIED, DENIED),
    }
    for _ in range(2):  # from what is kept, too
        for name, answers in table.items():
            path = f"{base}/{name}"
            assert (fence.judge(path, False), fence.judge(path, True)) == answers, name


class Places(dict[str, str]):
    """Fills ``{name}`` with a place of the world."""

    def __init__(self, world: World) -> None:
        super().__init__()
        self._world = world

    def __missing__(self, name: str) -> str:
        return str(self._world.base) if name == "base" else str(self._world.base / name)
