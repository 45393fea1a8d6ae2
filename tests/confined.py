"""Run pieces of code in a process that confines itself first, or, as the control, does not."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

import kurt_ext.sandbox
from kurt_ext.sandbox import landlock
from kurt_ext.sandbox.kernel import MACHINE

#: Another user, who owns nothing: nobody.
NOBODY = 65534
_SYSTEM_PYTHON = "/usr/bin/python3"
_MODULES = (
    "__init__ kernel landlock seccomp syscalls confining restraints readables selftest namespaces"
).split()

#: What the child does: confine itself, then try each piece and tell what came of it.
_CHILD = """
import sys, os, errno, json
told = json.load(sys.stdin)
sys.path[:0] = told["path"]
os.environ.clear()
os.environ.update(told["policy"]["environment"])
import ctypes, socket, subprocess, signal, threading
libc = ctypes.CDLL(None, use_errno=True)
libc.syscall.restype = ctypes.c_long
world = told["world"]
outcome = {"report": None, "unconfined": None, "tried": {}}

def call(number, *arguments):
    passed = [ctypes.c_long(one) if isinstance(one, int) else one for one in arguments]
    result = libc.syscall(ctypes.c_long(number), *passed)
    if result < 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    return result

exec(told["before"], globals())
if told["confine"]:
    from kurt_ext.sandbox.confining import Unconfined, confine
    try:
        outcome["report"] = confine(
            told["policy"], parent=told["parent"], capped=told["capped"], within=told["within"]
        )
    except Unconfined as error:
        outcome["unconfined"] = [str(error), error.layer]
if not outcome["unconfined"]:
    os.chdir(told["policy"]["scratch"])
    for name, code in told["pieces"].items():
        space = dict(globals())
        try:
            exec(code, space)
            outcome["tried"][name] = space.get("result", "worked")
        except OSError as error:
            outcome["tried"][name] = errno.errorcode.get(error.errno, str(error))
        except BaseException as error:
            outcome["tried"][name] = type(error).__name__ + ": " + str(error)
sys.stdout.write(json.dumps(outcome))
sys.stdout.flush()
os._exit(0)
"""


def available() -> str | None:
    """Return why nothing can be confined here; None where it can."""
    if not MACHINE:
        return "not Linux on x86-64 or arm64"
    return None if landlock.probe()[0] else "this kernel has no Landlock"


needs_kernel = pytest.mark.skipif(bool(available()), reason=available() or "")


class User:
    """Somebody to run children as.

    :param uid: None = whoever runs the tests.
    """

    def __init__(self, uid: int | None = None) -> None:
        self.uid = uid
        self.python = _SYSTEM_PYTHON if uid is not None else sys.executable

    def reason(self) -> str | None:
        """Return why no child can be run as this user; None where one can."""
        if self.uid is None:
            return None
        if os.geteuid() != 0:
            return "only root can run a process as another user"
        if not os.access(_SYSTEM_PYTHON, os.X_OK):
            return f"there is no {_SYSTEM_PYTHON} that another user could read"
        run = subprocess.run(
            [_SYSTEM_PYTHON, "-I", "-c", "import sys; print(sys.version_info >= (3, 11))"],
            capture_output=True,
            text=True,
            check=False,
        )
        return None if run.stdout.strip() == "True" else f"{_SYSTEM_PYTHON} is older than 3.11"


class World:
    """Folders with something in them, all of which the user of the test owns.

    ``secret`` is granted to nobody; ``readable`` and ``writable`` are granted;
    ``scratch`` is the worker's; ``canary`` is a file beside them. ``host`` is a
    process of the same user.
    """

    def __init__(self, root: Path, user: User) -> None:
        self.root = root
        self.user = user
        for name in ("secret", "readable", "writable", "scratch"):
            (root / name).mkdir()
            (root / name / "text").write_text(name)
        (root / "canary").write_text("sing")
        (root / "packages" / "kurt_ext" / "sandbox").mkdir(parents=True)
        own = Path(kurt_ext.sandbox.__file__).parent
        for name in _MODULES:
            shutil.copy(own / f"{name}.py", root / "packages/kurt_ext/sandbox")
        (root / "packages/kurt_ext/__init__.py").write_text("")
        if user.uid is not None:
            for place in [root, *root.rglob("*")]:
                os.chown(place, user.uid, user.uid)
        self.host = subprocess.Popen(
            [user.python, "-I", "-S", "-c", "import time; time.sleep(600)"], **self._who()
        )

    def _who(self) -> dict[str, Any]:
        uid = self.user.uid
        return {} if uid is None else {"user": uid, "group": uid, "extra_groups": []}

    def close(self) -> None:
        """End the process of the same user."""
        self.host.kill()
        self.host.wait()

    def __getattr__(self, name: str) -> str:
        return str(self.root / name)

    def policy(self, **changes: Any) -> dict[str, Any]:
        """Return a policy for this world."""
        return {
            "skill": "web-archiver",
            "read": [self.readable],
            "write": [self.writable, self.scratch],
            "execute": [],
            "hosts": [],
            "environment": {"LANG": "C.UTF-8", "HOME": self.scratch, "TMPDIR": self.scratch},
            "processes": 1,
            "native": True,
            "cwd": self.scratch,
            "scratch": self.scratch,
            "limits": {
                "memory_mb": 2048,
                "cpu_seconds": 60,
                "open_files": 64,
                "file_size_mb": 4,
                "processes": 16,
            },
            "canary": self.canary,
            "tier": "kernel",
            "require": [],
            "path": [],
            **changes,
        }

    def run(
        self,
        pieces: dict[str, str],
        *,
        confine: bool = True,
        capped: int | None = None,
        within: str = "",
        before: str = "",
        parent: int | None = None,
        command: Any = None,
        **changes: Any,
    ) -> dict[str, Any]:
        """Return ``report``, ``unconfined`` and what came of each piece, of one child."""
        policy = self.policy(**changes)
        told = {
            "policy": policy,
            "confine": confine,
            "capped": capped,
            "within": within,
            "before": before,
            "parent": self.host.pid if parent is None else parent,
            "pieces": pieces,
            "path": [str(self.root / "packages")],
            "world": {
                name: str(self.root / name)
                for name in ("secret", "readable", "writable", "scratch", "canary")
            }
            | {"host": self.host.pid},
        }
        words = [self.user.python, "-I", "-S", "-B", "-W", "ignore", "-c", _CHILD]
        if command is not None:
            words = command(policy, words)
        run = subprocess.run(
            words,
            input=json.dumps(told),
            capture_output=True,
            text=True,
            timeout=60,
            env={},
            cwd="/",
            process_group=0,
            check=False,
            **self._who(),
        )
        assert run.returncode == 0 and run.stdout, (run.returncode, run.stderr[-2000:])
        found: dict[str, Any] = json.loads(run.stdout)
        return found


@contextmanager
def new_world(user: User) -> Iterator[World]:
    """Make a world in a folder that every user can reach, and take it away."""
    reason = available() or user.reason()
    if reason:
        pytest.skip(reason)
    root = Path(os.path.realpath(tempfile.mkdtemp(prefix="kurt-world-")))
    root.chmod(0o755)
    world = World(root, user)
    try:
        yield world
    finally:
        world.close()
        shutil.rmtree(root)
