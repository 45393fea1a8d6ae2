"""The program that does attempts, as any user: ``python -m escapes`` and a wish as JSON.

It prints a line of JSON for each attempt. Whoever starts it watches it, for an
attempt may end it or keep it busy for ever.
"""

from __future__ import annotations

import contextlib
import ctypes
import json
import os
import select
import shutil
import signal
import socket
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from . import naive, stage
from .attempt import ATTEMPTS, Attempt
from .evidence import ROOM
from .stage import Outcome, Stage, look_at, staged

#: Seconds that a call may take where the attempt does not say; and what is waited beyond.
SECONDS, GRACE = 3.0, 1.0


def furnish() -> None:
    """Give this process secrets of every sort, which all attempts are after."""
    token = os.environ["KURT_HOUSE_TOKEN"]
    stage.HOUSE_TOKEN = token
    home = Path(tempfile.mkdtemp(prefix="house-"))
    (home / "id_house").write_text(token)
    (home / "id_house").chmod(0o600)
    os.environ["KURT_HOUSE_SECRET"] = str(home / "id_house")
    os.environ["HOME"] = str(home)
    for number, path in enumerate((str(home / "id_house"), "/"), 100):
        os.dup2(os.open(path, os.O_RDONLY), number)
    own = ctypes.CDLL(None, use_errno=True)
    key = os.getpid() | 1 << 24
    own.shmat.restype = ctypes.c_void_p
    number = own.shmget(key, 4096, 0o1600)
    ctypes.memmove(own.shmat(number, None, 0), token.encode() + b"\0", len(token) + 1)
    queue = own.msgget(key, 0o1600)
    own.msgsnd(queue, (1).to_bytes(8, sys.byteorder) + token.encode(), len(token), 0)
    own.syscall(248, b"user", b"kurt-house", token.encode(), len(token), -4)
    FURNITURE.extend(["house-of-escape-" + token, home, number, queue, key])


FURNITURE: list[Any] = []


def clear_out() -> None:
    """Take the secrets away again."""
    own = ctypes.CDLL(None)
    _, home, number, queue, _ = FURNITURE
    own.shmctl(number, 0, None)
    own.msgctl(queue, 0, None)
    shutil.rmtree(home, ignore_errors=True)


def put(attempt: Attempt, place: Stage) -> dict[str, Any]:
    """Write the module of an attempt; return the argument of its deed."""
    argument = place.fill(attempt.source({}))
    argument["house_shm"] = FURNITURE[4]
    if attempt.theme == "held":
        argument["token"] = place.token
    if attempt.at in ("turns", "crash"):
        (place.granted / "later").mkdir()
        (place.granted / "deep" / "inner").mkdir(parents=True)
    (place.plugin / "doing.py").write_text(attempt.source(argument))
    place.snapshot = place.fingerprint()
    return argument


def control(attempt: Attempt, place: Stage) -> str | None:
    """Do an attempt in a plain child process; return the evidence that it escaped."""
    argument = put(attempt, place)
    ours, theirs = socket.socketpair()
    path = str(place.plugin / "doing.py")
    log = str(FURNITURE[1] / f"{place.mark}.log")
    host = os.fork()
    if host == 0:
        ours.close()
        turns = 2 if attempt.at in ("turns", "crash") else 1
        try:
            naive.play(
                [path] * turns,
                argument,
                place.token,
                attempt.heir,
                log,
                str(place.scratch),
                theirs.detach(),
            )
        finally:
            os._exit(70)
    theirs.close()
    outcome = Outcome(parent=host)
    try:
        return _watch(attempt, place, outcome, ours)
    finally:
        ours.close()
        for pid in (outcome.pid, host):
            with contextlib.suppress(OSError):
                os.killpg(host, signal.SIGKILL)
            with contextlib.suppress(OSError):
                os.kill(pid, signal.SIGKILL) if pid else None
        os.waitpid(host, 0)
        with contextlib.suppress(OSError):
            os.unlink(log)


def _watch(attempt: Attempt, place: Stage, outcome: Outcome, peer: socket.socket) -> str | None:
    """Follow the naive host through its steps, and look."""
    reader = peer.makefile("rb")
    place.facts["outcome"] = outcome
    seconds = attempt.limits.get("seconds", SECONDS) + GRACE
    base: dict[str, Any] = {}
    end = time.monotonic() + seconds
    while True:
        ready, _, _ = select.select([peer], [], [], 0.1)
        host = look_at(outcome.parent)
        grown = base and (_peak(host) - _peak(base)) / 1024 > 4 * ROOM
        if not ready and not grown and time.monotonic() < end:
            continue
        line = reader.readline() if ready else b""
        if base:
            outcome.grew = max(outcome.grew, (_peak(host) - _peak(base)) / 1024)
            outcome.descriptors = max(
                outcome.descriptors, host.get("fds", 0) - base.get("fds", 0) - 1
            )
        if not line:
            outcome.late = not ready and not grown
            return attempt.evidence(place, outcome)
        facts = json.loads(line)
        if facts["phase"] == "started":
            outcome.pid = facts["pid"]
            base = base or host
        elif facts["phase"] == "ready":
            outcome.before = look_at(outcome.pid)
        elif facts["phase"] == "replied":
            for name in ("value", "error", "output", "unexpected", "bystander"):
                setattr(outcome, name, facts.get(name, getattr(outcome, name)))
            outcome.report = tuple(facts.get("report", [(), ()]))
            if not attempt.after and (seen := attempt.evidence(place, outcome)):
                return seen
            end = time.monotonic() + 1.0
        else:
            return attempt.evidence(place, outcome)
        with contextlib.suppress(OSError):
            peer.send(b"x")


def _peak(facts: dict[str, Any]) -> int:
    return int(facts.get("VmHWM", "0").split()[0])


def main() -> int:
    """Do what stands in the wish, and print what was seen."""
    import escapes

    escapes.collect()
    wish = json.loads(sys.argv[1])
    furnish()
    try:
        if wish["configuration"] == "control":
            for name in wish["attempts"]:
                one(ATTEMPTS[name], control)
        else:
            from . import held

            held.run(wish, [ATTEMPTS[name] for name in wish["attempts"]])
    finally:
        clear_out()
    return 0


def one(attempt: Attempt, way: Any) -> None:
    """Do one attempt in the control, and print what was seen."""
    say(attempt, "begins")
    missing = attempt.needs()
    if missing:
        say(attempt, "skipped", missing)
        return
    start = time.monotonic()
    with staged(attempt.name) as place:
        seen = way(attempt, place)
        got = place.facts.get("outcome") or Outcome()
    came = got.unexpected or got.error or repr(got.value)
    say(
        attempt,
        "escaped" if seen else "held",
        seen or "",
        time.monotonic() - start,
        came=came[-400:],
    )


def say(attempt: Attempt, what: str, why: str = "", seconds: float = 0.0, **more: Any) -> None:
    """Print one line about an attempt."""
    line = {"attempt": attempt.name, "what": what, "why": why, "seconds": round(seconds, 2), **more}
    print(json.dumps(line), flush=True)
