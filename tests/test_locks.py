from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from kurt_ext.errors import LockedError
from kurt_ext.locks import lock

ROOT = Path(__file__).parent.parent
HOLDER = """
import sys
from kurt_ext.locks import lock
with lock(sys.argv[1]):
    print("held", flush=True)
    sys.stdin.read()
"""


def hold(path: Path) -> subprocess.Popen[str]:
    process = subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=ROOT,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "held\n"
    return process


def test_a_lock_that_another_process_holds_names_the_file_and_the_holder(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    with hold(path) as process:
        with pytest.raises(LockedError) as caught, lock(str(path), timeout=0.05):
            pytest.fail("entered a held lock")
        error = caught.value
        assert str(path) in error.message
        assert error.at == str(path)
        assert f"process {process.pid}" in (error.cause or "")
        assert f"process {process.pid}" in (error.hint or "")
        assert error.exit_code == 75
        process.communicate("")
    with lock(str(path), timeout=0):
        pass


def test_the_lock_of_a_killed_holder_is_free(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    with hold(path) as process:
        process.kill()
        process.wait()
    with lock(str(path), timeout=5):
        assert path.read_text().strip() == str(os.getpid())


def test_a_waiter_enters_when_the_holder_leaves(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    order: list[str] = []
    inside = threading.Event()

    def first() -> None:
        with lock(str(path)):
            inside.set()
            time.sleep(0.05)
            order.append("first")

    thread = threading.Thread(target=first)
    thread.start()
    inside.wait()
    with lock(str(path), timeout=10):
        order.append("second")
    thread.join()
    assert order == ["first", "second"]


def test_an_error_inside_leaves_the_lock_free(tmp_path: Path) -> None:
    path = str(tmp_path / "lock")
    with pytest.raises(KeyError), lock(path):
        raise KeyError
    with lock(path, timeout=0):
        pass


def test_a_refused_lock_keeps_no_descriptor(tmp_path: Path) -> None:
    path = str(tmp_path / "lock")
    with lock(path):
        before = len(os.listdir("/proc/self/fd")) if os.path.isdir("/proc/self/fd") else 0
        for _ in range(5):
            with pytest.raises(LockedError), lock(path, timeout=0):
                pass
        if before:
            assert len(os.listdir("/proc/self/fd")) == before


@pytest.mark.skipif(sys.platform == "win32", reason="POSIX permissions")
def test_the_file_is_the_users_alone_and_no_link_is_followed(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    with lock(str(path)):
        pass
    assert path.stat().st_mode & 0o777 == 0o600
    link = tmp_path / "link"
    link.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(OSError), lock(str(link)):
        pass
    assert not (tmp_path / "elsewhere").exists()


def test_a_missing_folder_is_an_error_of_the_system(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError), lock(str(tmp_path / "absent" / "lock")):
        pass


@pytest.mark.skipif(sys.platform == "win32", reason="held alone there")
def test_those_who_share_a_lock_hold_it_together_and_against_who_does_not(tmp_path: Path) -> None:
    path = str(tmp_path / "lock")
    with (
        lock(path, shared=True),
        lock(path, 0, shared=True),
        pytest.raises(LockedError),
        lock(path, timeout=0),
    ):
        pytest.fail("entered a held lock")
    with lock(path, timeout=0), pytest.raises(LockedError), lock(path, 0, shared=True):
        pytest.fail("entered a held lock")


@pytest.mark.skipif(not hasattr(os, "fork"), reason="the system cannot fork")
def test_a_lock_that_was_let_go_is_free_though_a_fork_lives_on(tmp_path: Path) -> None:
    path = str(tmp_path / "lock")
    ours, theirs = os.pipe()
    with lock(path):
        pid = os.fork()
        if pid == 0:
            os.close(theirs)
            os.read(ours, 1)  # until the parent closes its end
            os._exit(0)
    try:
        with lock(path, timeout=0):
            pass
    finally:
        os.close(theirs)
        os.close(ours)
        os.waitpid(pid, 0)
