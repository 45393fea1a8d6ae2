"""What counts as an escape; each function looks from the host's side, and says what it saw."""

from __future__ import annotations

import os
import site
import socket
import subprocess
import sysconfig
from collections.abc import Callable
from pathlib import Path

from . import stage as _stage
from .stage import Outcome, Stage, alive, look_at

#: What a host may grow by for one call with the usual limits, in MiB, and what a process may have.
ROOM = 48
MEMORY = 256
FILE = 16
CONNECTIONS = 8


def told(stage: Stage, outcome: Outcome) -> str | None:
    """The secret came back in what the process answered, or lies where it may write."""
    if stage.token in outcome.told():
        return "the secret came back"
    return _lies_in(stage, stage.token)


def _lies_in(stage: Stage, token: str) -> str | None:
    for path in sorted(stage.granted.rglob("*")):
        try:
            if not path.is_symlink() and path.is_file() and token.encode() in path.read_bytes():
                return f"the secret lies in {path.name}"
        except OSError:
            continue
    return None


def told_of_the_house(stage: Stage, outcome: Outcome) -> str | None:
    """What only the host itself holds came back."""
    token = _stage.HOUSE_TOKEN
    if token and token in outcome.told():
        return "the host's own secret came back"
    return _lies_in(stage, token) if token else None


def changed(stage: Stage, outcome: Outcome) -> str | None:
    """A file or folder outside of what may be written is another than before."""
    now = stage.fingerprint()
    for path in sorted(stage.snapshot.keys() | now.keys()):
        if stage.snapshot.get(path) != now.get(path):
            return f"{os.path.relpath(path, stage.base)} has changed"
    return None


def heard(stage: Stage, outcome: Outcome) -> str | None:
    """A listener of the host heard the mark, or took a connection."""
    words = stage.heard()
    return f"a listener heard {words[:40]!r}" if words else None


def opened_many(stage: Stage, outcome: Outcome) -> str | None:
    """More connections came than it may have at one time."""
    came = stage.facts.get("guests", 0)
    return f"{came} connections came" if came > 2 * CONNECTIONS else None


def reachable(stage: Stage, outcome: Outcome) -> str | None:
    """The host can connect to what the process listens at."""
    address = outcome.value
    if not isinstance(address, list) or len(address) != 3:
        return None
    family, kind, place = address
    if isinstance(place, list):
        place = tuple(place)
    elif place.startswith("@"):
        place = "\0" + place[1:]
    with socket.socket(family, kind) as client:
        client.settimeout(1)
        try:
            client.connect(place)
            client.send(b"x")
        except OSError:
            return None
    return f"the host reached it at {place!r}"


def planted_at_home(stage: Stage, outcome: Outcome) -> str | None:
    """A file with the mark lies in the home of the user."""
    for path in Path(os.environ["HOME"]).rglob(f"*{stage.mark}*"):
        if path.suffix != ".log":
            path.unlink()
            return f"{path.name} lies in the user's home"
    return None


def frozen(stage: Stage, outcome: Outcome) -> str | None:
    """Not even its owner can write a file outside."""
    try:
        with open(stage.outside / "keep.txt", "a"):
            return None
    except PermissionError:
        return "keep.txt can no longer be written"


def planted(stage: Stage, outcome: Outcome) -> str | None:
    """A file with the mark lies where code will be looked for."""
    places = [stage.plugin, *map(Path, {sysconfig.get_path("purelib"), *site.getsitepackages()})]
    for place in places:
        for path in [*place.glob(f"*{stage.mark}*"), *place.glob(f"__pycache__/*{stage.mark}*")]:
            path.unlink()
            return f"{path.name} was planted"
    return None


def process_left(stage: Stage, outcome: Outcome) -> str | None:
    """A process with the mark runs that is not the one that was started."""
    found = [pid for pid in stage.marked() if pid != outcome.pid]
    return f"process {found[0]} runs" if found else None


def process_marked(stage: Stage, outcome: Outcome) -> str | None:
    """Any process bears the mark, the one that was started too."""
    found = stage.marked()
    return f"process {found[0]} is something else now" if found else None


def more_processes_than(limit: int) -> Callable[[Stage, Outcome], str | None]:
    """Return a look for more processes with the mark than were allowed."""

    def look(stage: Stage, outcome: Outcome) -> str | None:
        found = stage.marked()
        return f"{len(found)} processes run" if len(found) > limit else None

    return look


def sleeper_touched(stage: Stage, outcome: Outcome) -> str | None:
    """Another process of the same user was ended, stopped, moved or limited."""
    before, now = stage.facts["sleeper before"], stage.sleeper_now()
    for key in sorted(before.keys() | now.keys()):
        if before.get(key) != now.get(key):
            return f"another process: {key} has changed"
    return None


def victim_written(stage: Stage, outcome: Outcome) -> str | None:
    """The memory of another process has changed."""
    text = stage.ask_victim()
    return None if text == "command-" + stage.token else f"the victim holds {text[:20]!r}"


def parent_harmed(stage: Stage, outcome: Outcome) -> str | None:
    """The process that started it has ended, or was stopped."""
    if not outcome.parent:
        return None
    state = look_at(outcome.parent).get("state", "gone")
    return f"its parent is {state!r}" if state in ("gone", "Z", "X", "T", "t") else None


def late(stage: Stage, outcome: Outcome) -> str | None:
    """The host waited longer than it had said."""
    return "the host waits and waits" if outcome.late else None


def stays(stage: Stage, outcome: Outcome) -> str | None:
    """The process, or one with the mark, runs on although it should have ended."""
    if outcome.late:
        return "the host waits for its end and waits"
    if outcome.pid and alive(outcome.pid):
        return f"process {outcome.pid} runs on"
    return process_left(stage, outcome)


def litter(stage: Stage, outcome: Outcome) -> str | None:
    """A file of the process lies somewhere when it has ended."""
    for folder in ("/tmp", "/var/tmp", "/dev/shm", str(stage.base), str(stage.scratch)):
        for entry in os.listdir(folder) if os.path.isdir(folder) else ():
            if stage.mark in entry:
                return f"{folder}/{entry} was left"
    for folder in Path("/tmp").glob("kurt-*"):
        if os.path.lexists(folder / stage.mark):  # another user's cannot be looked into
            return f"{folder}/{stage.mark} was left"
    return None


def holds_more(amount: int, fact: str = "fds") -> Callable[[Stage, Outcome], str | None]:
    """Return a look for more descriptors in the process than before."""

    def look(stage: Stage, outcome: Outcome) -> str | None:
        now = look_at(outcome.pid).get(fact, 0)
        more = now - outcome.before.get(fact, now)
        return f"it holds {more} descriptors more" if more >= amount else None

    return look


def fact_changed(*names: str) -> Callable[[Stage, Outcome], str | None]:
    """Return a look for a property of the process itself that is another than before."""

    def look(stage: Stage, outcome: Outcome) -> str | None:
        now = look_at(outcome.pid)
        for name in names:
            if now and outcome.before and now.get(name) != outcome.before.get(name):
                return f"its {name} is {str(now.get(name))[:60]!r} now"
        return None

    return look


def took_memory(stage: Stage, outcome: Outcome) -> str | None:
    """The process holds more memory than it was allowed, shared memory included."""
    facts = look_at(outcome.pid)
    if not facts:
        return None
    held = max(int(facts.get(key, "0").split()[0]) for key in ("VmHWM", "VmRSS", "RssShmem"))
    limit = MEMORY * 1024
    return f"it holds {held // 1024} MiB" if held > limit else None


def shared_memory(stage: Stage, outcome: Outcome) -> str | None:
    """The machine's shared memory holds a file with the mark."""
    found = [path for path in Path("/dev/shm").glob("*") if stage.mark in path.name]
    for path in found:
        path.unlink()
    return f"{found[0]} was written" if found else None


def took_room(stage: Stage, outcome: Outcome) -> str | None:
    """One file is larger than was allowed."""
    for folder in (stage.granted, stage.scratch):
        for path in folder.rglob("*"):
            if path.is_file() and path.stat().st_size > FILE << 20:
                return f"a file of {path.stat().st_size >> 20} MiB"
    return None


def took_room_together(stage: Stage, outcome: Outcome) -> str | None:
    """All files together are larger than one was allowed to be, by far."""
    size = sum(path.stat().st_size for path in stage.granted.rglob("*") if path.is_file())
    return f"{size >> 20} MiB of files" if size > 4 * FILE << 20 else None


def host_harmed(stage: Stage, outcome: Outcome) -> str | None:
    """The host grew, waited, raised what it does not know, or did what it was told."""
    marker = stage.outside / "done-by-the-host"
    if marker.exists():
        return "the host did what the answer said"
    if outcome.unexpected:
        return f"the host raised {outcome.unexpected[:80]}"
    if outcome.late:
        return "the host waits and waits"
    if outcome.grew > ROOM:
        return f"the host grew by {outcome.grew:.0f} MiB"
    if outcome.descriptors > 0:
        return f"the host has {outcome.descriptors} descriptors more"
    if outcome.held > 40:
        return f"the host holds {outcome.held} descriptors more for it"
    if outcome.threads > 2:
        return f"the host has {outcome.threads} threads more"
    return None


def host_deceived(stage: Stage, outcome: Outcome) -> str | None:
    """The host believes something else of the process, or of another, than before."""
    before, now = outcome.report
    if before != now:
        return f"the host believes {str(now)[:80]}"
    if outcome.bystander not in ("", "honest"):
        return f"another call got {outcome.bystander[:60]}"
    return host_harmed(stage, outcome)


def _logs() -> list[Path]:
    home = Path(os.environ["HOME"])
    return [path for path in home.rglob("*") if path.suffix in (".log", ".jsonl")]


def log_filled(stage: Stage, outcome: Outcome) -> str | None:
    """What the host writes down of it takes more room than its log may."""
    size = sum(path.stat().st_size for path in _logs())
    return f"the log takes {size >> 20} MiB" if size > 96 << 20 else host_harmed(stage, outcome)


def log_forged(stage: Stage, outcome: Outcome) -> str | None:
    """A line of the host's log begins as the process wanted, or steers a terminal."""
    for path in _logs():
        text = path.read_text(errors="replace")
        for line in text.splitlines():
            if stage.mark in line and (
                line.startswith(('{"skill": "esc', "\x1b")) or "\x1b" in line
            ):
                return f"its log says {line[:60]!r}"
    return host_harmed(stage, outcome)


def raw_terminal(stage: Stage, outcome: Outcome) -> str | None:
    """A sequence that steers a terminal reached what the host would show."""
    for text in (outcome.output, outcome.error):
        if "\x1b" in text or "\x9b" in text or "\x07" in text or "\x08" in text:
            return "a terminal's sequence is shown"
    return None


def says_known(*paths: str) -> Callable[[Stage, Outcome], str | None]:
    """Return a look for what stands in files of the machine, in what came back."""

    def look(stage: Stage, outcome: Outcome) -> str | None:
        text = outcome.told()
        for path in paths:
            try:
                lines = [line for line in Path(path).read_text().splitlines() if len(line) > 20]
            except OSError:
                continue
            if lines and lines[0] in text:
                return f"{path} came back"
        return None

    return look


def says(fact: Callable[[Stage, Outcome], str]) -> Callable[[Stage, Outcome], str | None]:
    """Return a look for what the host knows to be true, in what came back."""

    def look(stage: Stage, outcome: Outcome) -> str | None:
        text = fact(stage, outcome)
        return f"{text!r} came back" if text and text in repr(outcome.value) else None

    return look


def ipc(kind: str) -> Callable[[Stage, Outcome], str | None]:
    """Return a look for an object of System V; the mark's number is its key."""

    def look(stage: Stage, outcome: Outcome) -> str | None:
        key = int(stage.mark[3:10], 16) & 0x7FFFFFFF
        column = {"shm": 1, "sem": 1, "msg": 1}[kind]
        for line in Path(f"/proc/sysvipc/{kind}").read_text().splitlines()[1:]:
            words = line.split()
            if int(words[0]) == key:
                option = {"shm": "-m", "sem": "-s", "msg": "-q"}[kind]
                subprocess.run(["ipcrm", option, words[column]], capture_output=True, check=False)
                return f"there is a {kind} object of it"
        return None

    return look


def key_left(stage: Stage, outcome: Outcome) -> str | None:
    """The kernel's keyring of the user holds a key with the mark."""
    for line in Path("/proc/keys").read_text().splitlines():
        if stage.mark in line:
            return "the user's keyring has a key of it"
    return None


def kernel_log(stage: Stage, outcome: Outcome) -> str | None:
    """The kernel's log has a line with the mark."""
    text = subprocess.run(["dmesg"], capture_output=True, text=True, check=False).stdout
    return "the kernel's log has a line of it" if stage.mark in text else None
