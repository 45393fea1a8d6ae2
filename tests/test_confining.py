"""A confined process does what it was granted, and nothing else, whoever runs it."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from typing import Any

import pytest
from confined import NOBODY, User, World, new_world

from kurt_ext.sandbox import syscalls
from kurt_ext.sandbox.kernel import MACHINE

USERS = {"own": User(), "nobody": User(NOBODY)}
#: Name → what confines: the version of Landlock (None = the kernel's), and the tier.
TIERS: dict[str, tuple[int | None, str]] = {
    "landlock-1": (1, "kernel"),
    "landlock-2": (2, "kernel"),
    "landlock-4": (4, "kernel"),
    "landlock": (None, "kernel"),
    "strong": (None, "strong"),
}
REFUSED = {"EPERM", "EACCES", "ENOSYS", "ENOENT", "ENOTSUP", "ENOPROTOOPT", "EXDEV"}


def raw(name: str, *arguments: object) -> str:
    """Return code that makes a system call."""
    tables = (syscalls.REFUSED, syscalls.ALLOWED, syscalls.ARGUMENTS, syscalls.NO_ATTRIBUTES)
    for table in tables:
        found = syscalls.numbers(table, MACHINE or "x86_64")
        if name in found:
            return f"call({', '.join(map(str, (found[name], *arguments)))})"
    raise LookupError(name)


#: What every process of this user may do, and no confined one.
ESCAPES: dict[str, str] = {
    # files
    "read": "open(world['secret'] + '/text').read()",
    "list": "os.listdir(world['secret'])",
    "read by dots": "open(world['readable'] + '/../secret/text').read()",
    "read by a link of its own": (
        "os.symlink(world['secret'] + '/text', world['writable'] + '/link')\n"
        "open(world['writable'] + '/link').read()"
    ),
    "read by a hard link": (
        "os.link(world['secret'] + '/text', world['writable'] + '/hard')\n"
        "open(world['writable'] + '/hard').read()"
    ),
    "write": "open(world['secret'] + '/text', 'w').write('x')",
    "create": "open(world['secret'] + '/new', 'x')",
    "make a folder": "os.mkdir(world['secret'] + '/folder')",
    "make a link": "os.symlink('x', world['secret'] + '/link')",
    "make a pipe": "os.mkfifo(world['writable'] + '/pipe')",
    "take out": "os.rename(world['secret'] + '/text', world['writable'] + '/taken')",
    "put in": "os.rename(world['writable'] + '/text', world['secret'] + '/put')",
    "remove": "v = world['secret'] + '/victim'\nopen(v, 'x').close()\nos.unlink(v)",
    "empty": "os.truncate(world['secret'] + '/text', 0)",
    "write what may be read": "open(world['readable'] + '/text', 'w')",
    "empty what may be read": ("os.open(world['readable'] + '/text', os.O_RDONLY | os.O_TRUNC)"),
    "empty with no right": "os.open(world['readable'] + '/text', 3 | os.O_TRUNC)",
    "empty by another call": raw(
        "openat2",
        -100,
        "os.fsencode(world['readable'] + '/text')",
        "(ctypes.c_uint64 * 3)(os.O_RDONLY | os.O_TRUNC, 0, 0)",
        24,
    ),
    "exchange": raw(
        "renameat2",
        -100,
        "os.fsencode(world['secret'] + '/text')",
        -100,
        "os.fsencode(world['writable'] + '/text')",
        2,
    ),
    "a file without a name": "os.open(world['secret'], os.O_TMPFILE | os.O_WRONLY, 0o600)",
    "create where it may read": "open(world['readable'] + '/new', 'x')",
    "read accounts": "open('/etc/passwd').read()",
    "read a command line": "open(f'/proc/{world[\"host\"]}/cmdline').read()",
    "look at processes": "os.listdir('/proc')",
    "read its own state": "open('/proc/self/status').read()",
    "shared memory": "open('/dev/shm/kurt-test', 'w').close()\nos.unlink('/dev/shm/kurt-test')",
    "extended attributes": "os.listxattr(world['writable'])",
    # network
    **{
        f"socket {family} {kind}": f"socket.socket(socket.{family}, socket.{kind})"
        for family, kind in (
            ("AF_INET", "SOCK_STREAM"),
            ("AF_INET", "SOCK_DGRAM"),
            ("AF_INET6", "SOCK_STREAM"),
            ("AF_UNIX", "SOCK_STREAM"),
            ("AF_UNIX", "SOCK_DGRAM"),
            ("AF_NETLINK", "SOCK_RAW"),
        )
    },
    "a pair of datagrams": "socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)",
    # processes
    "fork": "pid = os.fork()\npid or os._exit(0)\nos.waitpid(pid, 0)",
    "run": "subprocess.run(['/bin/true'], check=True)",
    "shell": "result = 'worked' if os.system('true') == 0 else 'EPERM'",
    "spawn": "os.waitpid(os.posix_spawn('/bin/true', ['true'], {}), 0)",
    "a group of its own": "os.setpgid(os.getpid(), os.getpgrp())",
    # signals and other processes
    "signal the host": "os.kill(world['host'], 0)",
    "limits of the host": raw(
        "prlimit64", "world['host']", 7, 0, "ctypes.create_string_buffer(16)"
    ),
    "own signals elsewhere": ("import fcntl\nr, w = os.pipe()\nfcntl.fcntl(r, 8, world['host'])"),
    # the kernel's wider surface
    "memory without a file": "os.memfd_create('x')",
    "watch files": raw("inotify_init1", 0),
    "ring": raw("io_uring_setup", 1, "ctypes.create_string_buffer(240)"),
    "keyring": raw("keyctl", 0, -3, 1),
    "shared segment": (
        "one = " + raw("shmget", 0, 4096, 0o1600) + "\n" + raw("shmctl", "one", 0, 0)
    ),
    "namespaces": raw("unshare", 0x10000000),
    "handle of a process": "os.close(os.pidfd_open(os.getpid()))",
    "nested filter": "libc.prctl(38, 1, 0, 0, 0)\n" + raw("landlock_create_ruleset", 0, 0, 1),
    "personality": raw("personality", 0xFFFFFFFF),
}

#: What a skill with a folder to read and one to write must be able to do.
WORKS: dict[str, str] = {
    "read": "assert open(world['readable'] + '/text').read() == 'readable'",
    "list": "assert os.listdir(world['readable']) == ['text']",
    "write": "a = world['writable'] + '/a'\nopen(a, 'w').write('x')\nos.unlink(a)",
    "rewrite": "open(world['writable'] + '/text', 'w').write('writable')",
    "folders": (
        "os.makedirs(world['writable'] + '/b/c')\n"
        "os.rename(world['writable'] + '/b/c', world['writable'] + '/b/d')\n"
        "import shutil; shutil.rmtree(world['writable'] + '/b')"
    ),
    "copies": (
        "import shutil\n"
        "shutil.copy2(world['readable'] + '/text', world['scratch'] + '/copied')\n"
        "assert open(world['scratch'] + '/copied').read() == 'readable'"
    ),
    "temporary files": (
        "import tempfile\n"
        "with tempfile.TemporaryDirectory() as folder:\n"
        "    assert folder.startswith(world['scratch'])\n"
        "    open(folder + '/x', 'w').close()"
    ),
    "threads": (
        "found = []\n"
        "threads = [threading.Thread(target=found.append, args=(n,)) for n in range(8)]\n"
        "[one.start() for one in threads]; [one.join() for one in threads]\n"
        "assert len(found) == 8"
    ),
    "asyncio": "import asyncio\nasyncio.run(asyncio.sleep(0))",
    "pairs of sockets": "a, b = socket.socketpair()\na.send(b'x')\nassert b.recv(1) == b'x'",
    "pipes": "r, w = os.pipe()\nos.write(w, b'x')\nassert os.read(r, 1) == b'x'",
    "itself by a signal": "os.kill(os.getpid(), 0)\nsignal.raise_signal(signal.SIGCHLD)",
    "its own limits": "import resource\nassert resource.getrlimit(resource.RLIMIT_NOFILE)[0] == 64",
    "randomness": "assert len(os.urandom(8)) == 8\nopen('/dev/urandom', 'rb').read(8)",
    "nothing": "open(os.devnull, 'w').write('x')",
    "certificates": "import ssl\nssl.create_default_context()",
    "a database": (
        "import sqlite3\n"
        "with sqlite3.connect(world['scratch'] + '/db') as base:\n"
        "    base.execute('pragma journal_mode = wal')\n"
        "    base.execute('create table t (x)')\n"
        "base.close()"
    ),
    "locks": (
        "import fcntl\n"
        "with open(world['scratch'] + '/lock', 'w') as lock:\n"
        "    fcntl.flock(lock, fcntl.LOCK_EX); fcntl.lockf(lock, fcntl.LOCK_EX)"
    ),
    "maps": ("import mmap\nwith mmap.mmap(-1, 4096) as one:\n    one[:1] = b'x'"),
}


@pytest.fixture(params=USERS)
def world(request: pytest.FixtureRequest) -> Iterator[World]:
    with new_world(USERS[request.param]) as made:
        yield made


@pytest.mark.parametrize("tier", TIERS)
def test_nothing_escapes(world: World, tier: str) -> None:
    capped, name = TIERS[tier]
    control = world.run(ESCAPES, confine=False)["tried"]
    alive = {piece for piece, outcome in control.items() if outcome == "worked"}
    # Some need what a machine may lack: a container without io_uring, say.
    assert len(alive) >= len(ESCAPES) - 4, {p: control[p] for p in set(ESCAPES) - alive}
    for place in ("secret", "readable", "writable"):
        shutil.rmtree(world.root / place)
        (world.root / place).mkdir()
        (world.root / place / "text").write_text(place)
        if world.user.uid is not None:
            os.chown(world.root / place, world.user.uid, world.user.uid)
            os.chown(world.root / place / "text", world.user.uid, world.user.uid)
    found = world.run(ESCAPES, capped=capped, tier=name)
    assert found["unconfined"] is None
    assert {p: o for p, o in found["tried"].items() if o not in REFUSED} == {}
    assert (world.root / "secret/text").read_text() == "secret"
    assert (world.root / "readable/text").read_text() == "readable"
    assert os.listdir(world.secret) == os.listdir(world.readable) == ["text"]


@pytest.mark.parametrize("tier", TIERS)
def test_what_was_granted_works(world: World, tier: str) -> None:
    capped, name = TIERS[tier]
    found = world.run(WORKS, capped=capped, tier=name)
    assert found["unconfined"] is None
    assert {p: o for p, o in found["tried"].items() if o != "worked"} == {}
    report = found["report"]
    assert report["landlock"] == (capped or report["landlock"])
    held = {"files", "network", "processes", "signals", "memory", "time", "environment"}
    assert set(report["enforced"]) - {"metadata"} == held
    assert ("metadata" in report["enforced"]) == (name == "strong")
    assert {"open", "socket", "kill", "fork", "execve"} <= set(report["self_test"])


GRANTS_OF_FILES = {
    "read": "assert open(world['readable'] + '/text').read() == 'readable'",
    "change": "open(world['writable'] + '/text', 'r+').write('w')",
    "empty": "open(world['writable'] + '/text', 'w').close()",
}
NOT_GRANTED_WITH_FILES = {
    "beside": "os.listdir(world['readable'])",
    "replace": (
        "open(world['scratch'] + '/new', 'w').close()\n"
        "os.replace(world['scratch'] + '/new', world['writable'] + '/text')"
    ),
    "remove": "os.unlink(world['writable'] + '/text')",
}


@pytest.mark.parametrize("tier", TIERS)
def test_single_files_may_be_granted(world: World, tier: str) -> None:
    capped, name = TIERS[tier]
    found = world.run(
        GRANTS_OF_FILES | NOT_GRANTED_WITH_FILES,
        capped=capped,
        tier=name,
        read=[world.readable + "/text"],
        write=[world.writable + "/text", world.scratch],
    )
    tried = found["tried"]
    assert {tried[piece] for piece in GRANTS_OF_FILES} == {"worked"}
    wrong = {piece: tried[piece] for piece in NOT_GRANTED_WITH_FILES}
    assert set(wrong.values()) <= {*REFUSED, "EBUSY"}, wrong


@pytest.mark.parametrize("tier", TIERS)
def test_a_folder_that_may_be_written_may_lie_in_one_that_may_be_read(
    world: World, tier: str
) -> None:
    capped, name = TIERS[tier]
    (world.root / "readable/inner").mkdir(mode=0o777)
    (world.root / "readable/inner").chmod(0o777)
    pieces = {
        "read": "open(world['readable'] + '/text').read()",
        "write": "open(world['readable'] + '/inner/new', 'w').close()",
        "not": "open(world['readable'] + '/new', 'w').close()",
    }
    write = [world.readable + "/inner", world.scratch]
    tried = world.run(pieces, capped=capped, tier=name, write=write)["tried"]
    assert tried == {"read": "worked", "write": "worked", "not": "EACCES"}


@pytest.mark.parametrize("tier", ["kernel", "strong"])
def test_many_grants_are_no_trouble(world: World, tier: str) -> None:
    places = [world.root / "secret" / str(number) for number in range(300)]
    for place in places:
        place.write_text("x")
        place.chmod(0o644)
    pieces = {
        "granted": "open(world['secret'] + '/299').read()",
        "not": "open(world['secret'] + '/text').read()",
    }
    tried = world.run(pieces, tier=tier, read=[str(place) for place in places])["tried"]
    assert tried["granted"] == "worked"
    assert tried["not"] in REFUSED


def test_all_may_be_granted_for_reading_and_is_not_hidden_then(world: World) -> None:
    pieces = {
        "read": "open(world['secret'] + '/text').read()",
        "write": "open(world['secret'] + '/text', 'w')",
    }
    for tier in ("kernel", "strong"):
        found = world.run(pieces, tier=tier, read=["/"])
        assert found["tried"] == {"read": "worked", "write": "EACCES"}
        assert "metadata" not in found["report"]["enforced"]


def test_permissions_and_times_of_files_only_seem_to_change(world: World) -> None:
    before = os.stat(world.readable + "/text")
    pieces = {
        "mode": "os.chmod(world['readable'] + '/text', 0o777)",
        "time": "os.utime(world['readable'] + '/text', (1, 1))",
    }
    assert set(world.run(pieces)["tried"].values()) == {"worked"}
    after = os.stat(world.readable + "/text")
    assert (after.st_mode, after.st_mtime) == (before.st_mode, before.st_mtime)


def test_the_stronger_tier_hides_that_files_exist(world: World) -> None:
    pieces = {
        "stat": "os.stat(world['secret'] + '/text')",
        "link": "os.readlink('/proc/self/exe')",
        "accounts": "os.stat('/etc/passwd')",
    }
    assert set(world.run(pieces)["tried"].values()) == {"worked"}
    assert set(world.run(pieces, tier="strong")["tried"].values()) == {"ENOENT"}
    name = {"name": "result = socket.gethostname()"}
    assert world.run(name, tier="strong")["tried"] == {"name": "localhost"}


# -- processes of its own ------------------------------------------------------------

PROGRAMS = [os.path.realpath(one) for one in ("/bin/sh", "/bin/cat", "/bin/sleep", "/bin/kill")]


def started(world: World, pieces: dict[str, str], **more: Any) -> dict[str, Any]:
    """Return the outcome in a process that may start a shell and some programs."""
    loaders = [
        os.path.realpath(one)
        for one in ("/lib64/ld-linux-x86-64.so.2", "/lib/ld-linux-aarch64.so.1")
        if os.path.exists(one)
    ]
    execute = [*(one for one in PROGRAMS if os.path.exists(one)), *loaders]
    return world.run(pieces, processes=4, execute=execute, **more)


STARTS = {
    "run": "assert subprocess.check_output(['/bin/sh', '-c', 'echo hi']) == b'hi\\n'",
    "fork": "pid = os.fork()\npid or os._exit(0)\nos.waitpid(pid, 0)",
}
STARTS_NOT = {
    "another program": "subprocess.run(['/usr/bin/env'], check=True, stdout=-3)",
    "read by a program": (
        "result = 'EACCES' if subprocess.run(['/bin/cat', world['secret'] + '/text'],"
        " capture_output=True).returncode else 'worked'"
    ),
    "write by a shell": (
        "result = 'EACCES' if subprocess.run(['/bin/sh', '-c', 'echo > ' + world['secret'] + '/x'],"
        " capture_output=True).returncode else 'worked'"
    ),
    "signal by a shell": (
        "result = 'EPERM' if subprocess.run(['/bin/sh', '-c', f'kill -0 {world[\"host\"]}'],"
        " capture_output=True).returncode else 'worked'"
    ),
    "signal the host": "os.kill(world['host'], 0)",
    "socket": "socket.socket()",
    "namespaces": raw("unshare", 0x10000000),
    "a session of its own": (
        "result = 'EPERM' if subprocess.run(['/bin/sh', '-c', ':'], start_new_session=True)"
        ".returncode else 'worked'"
    ),
}


@pytest.mark.parametrize("tier", TIERS)
def test_programs_are_held_as_what_starts_them(world: World, tier: str) -> None:
    capped, name = TIERS[tier]
    control = world.run(STARTS_NOT, confine=False, processes=4)["tried"]
    assert "worked" in {control["read by a program"], control["signal the host"]}
    found = started(world, STARTS | STARTS_NOT, capped=capped, tier=name)
    assert found["unconfined"] is None
    tried = found["tried"]
    assert {p: tried[p] for p in STARTS if tried[p] != "worked"} == {}
    assert {p: tried[p] for p in STARTS_NOT if tried[p] not in REFUSED} == {}
    assert any("loader of programs" in text for text in found["report"]["not_enforced"])


def test_what_was_started_can_be_ended_where_signals_are_scoped(world: World) -> None:
    piece = (
        "one = subprocess.Popen(['/bin/sleep', '60'])\none.kill()\n"
        "result = 'worked' if one.wait(10) == -9 else 'survived'"
    )
    found = started(world, {"kill": piece})
    if found["report"]["landlock"] < 6:
        pytest.skip("Landlock scopes signals from version 6 on")
    assert found["tried"]["kill"] == "worked"


def test_processes_are_counted_exactly_where_they_are_apart() -> None:
    # Of root's processes the kernel keeps no count.
    with new_world(USERS["nobody" if os.geteuid() == 0 else "own"]) as world:
        piece = (
            "pids = []\n"
            "try:\n"
            "    while len(pids) < 100:\n"
            "        pid = os.fork()\n"
            "        if pid == 0:\n"
            "            signal.pause()\n"
            "        pids.append(pid)\n"
            "except OSError:\n"
            "    pass\n"
            "result = len(pids)\n"
            "for pid in pids:\n"
            "    os.kill(pid, 9)\n"
        )
        found = started(world, {"forks": piece}, tier="strong", limits={"processes": 5})
        if found["report"]["landlock"] < 6:
            pytest.skip("Landlock scopes signals from version 6 on")
        assert found["tried"]["forks"] == 4


# -- closed when something is wrong ---------------------------------------------------


def unconfined(world: World, layer: str, text: str, **more: Any) -> None:
    found = world.run({}, **more)
    assert found["unconfined"] is not None, found["report"]
    assert found["unconfined"][1] == layer
    assert text in found["unconfined"][0]


@pytest.mark.parametrize("kind", ["read", "write"])
@pytest.mark.parametrize("tier", ["kernel", "strong"])
def test_a_grant_that_is_gone_is_refused(world: World, kind: str, tier: str) -> None:
    places = [world.root / "gone"]
    unconfined(world, "files", "cannot be granted", tier=tier, **{kind: [str(places[0])]})


@pytest.mark.parametrize("tier", ["kernel", "strong"])
def test_a_grant_that_became_a_link_is_refused(world: World, tier: str) -> None:
    (world.root / "swapped").symlink_to(world.secret)
    unconfined(
        world,
        "files",
        "a link has taken its place",
        tier=tier,
        read=[str(world.root / "swapped/text")],
    )


def test_a_canary_is_wanted_and_must_be_able_to_fail(world: World) -> None:
    unconfined(world, "files", "no file to try out", canary="")
    unconfined(world, "files", "shows nothing", canary=world.gone)
    unconfined(world, "files", "may be written", canary=world.writable + "/text")


def test_a_canary_in_a_grant_is_tried_by_writing(world: World) -> None:
    found = world.run({}, canary=world.readable + "/text")
    assert "open" in found["report"]["self_test"]


def test_what_is_required_and_not_held_is_refused(world: World) -> None:
    unconfined(world, "metadata", "can be learnt", require=["files", "metadata"])
    unconfined(world, "files", "Python only", require=["files"], tier="process")
    found = world.run({}, require=["files", "network", "memory", "metadata"], tier="strong")
    assert found["unconfined"] is None


def test_an_environment_that_holds_more_is_not_called_enforced(world: World) -> None:
    unconfined(
        world,
        "environment",
        "holds more",
        before="os.environ['EXTRA'] = '1'",
        require=["environment"],
    )


def test_a_second_thread_is_refused(world: World) -> None:
    before = "threading.Thread(target=threading.Event().wait, daemon=True).start()"
    unconfined(world, "files", "2 threads", before=before)


def test_a_kernel_without_landlock_is_refused(world: World) -> None:
    unconfined(world, "files", "no Landlock", capped=0)


def test_a_leftover_hole_is_found_by_the_self_test(world: World) -> None:
    before = "import kurt_ext.sandbox.seccomp as seccomp\nseccomp.install = lambda program: None"
    unconfined(world, "seccomp", "does not hold", before=before)
    before = "import kurt_ext.sandbox.landlock as landlock\nlandlock.restrict = lambda *_: None"
    unconfined(world, "files", "does not hold: open worked", before=before)


def test_limits_hold(world: World) -> None:
    pieces = {
        "memory": "bytearray(3 << 30)",
        "file": (
            "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
            "with open(world['scratch'] + '/big', 'wb') as file:\n"
            "    file.write(bytes(5 << 20))"
        ),
        "descriptors": "kept = [os.open('/dev/null', os.O_RDONLY) for _ in range(70)]",
        "more": "import resource\nresource.setrlimit(resource.RLIMIT_NOFILE, (128, 128))",
    }
    tried = world.run(pieces)["tried"]
    assert tried["memory"].startswith("MemoryError")
    assert (tried["file"], tried["descriptors"]) == ("EFBIG", "EMFILE")
    assert tried["more"] in ("EPERM", "ValueError: not allowed to raise maximum limit")


@pytest.mark.slow
def test_time_of_processor_is_limited(world: World) -> None:
    with pytest.raises(AssertionError, match="-24"):  # SIGXCPU
        world.run({"spin": "while True: pass"}, limits={"cpu_seconds": 1})


def test_threads_take_little_of_the_memory(world: World) -> None:
    piece = (
        "ended = threading.Event()\n"
        "threads = [threading.Thread(target=ended.wait) for _ in range(100)]\n"
        "[one.start() for one in threads]; ended.set(); [one.join() for one in threads]"
    )
    tried = world.run({"threads": piece}, limits={"memory_mb": 384})["tried"]
    assert tried == {"threads": "worked"}


def test_the_process_tier_says_what_it_does_not_hold(world: World) -> None:
    found = world.run({"read": ESCAPES["read"]}, tier="process")
    assert found["tried"] == {"read": "worked"}
    assert set(found["report"]["enforced"]) == {"time", "memory", "environment"}
    assert len(found["report"]["not_enforced"]) == 5
