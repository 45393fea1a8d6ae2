"""The place where one attempt happens, and what the host can see of it afterwards."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import re
import secrets
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

#: What the host of every attempt has in its memory, its environment, its arguments and its files.
HOUSE_TOKEN = os.environ.get("KURT_HOUSE_TOKEN", "")

#: The id of the plugin that does it.
PLUGIN = "com.example.attempt"
#: The manifest of another that lies beside it.
OTHER = {
    "plugin_id": "com.example.other",
    "name": "Another",
    "version": "1.0.0",
    "description": "Is not concerned",
    "author": "Example",
    "plugin_type": "tool",
    "entry_point": "main",
    "permissions": {},
}

_VICTIM = """
import ctypes, os, sys
held = open(sys.argv[2])
buffer = ctypes.create_string_buffer(sys.argv[1].encode())
print(ctypes.addressof(buffer), held.fileno(), flush=True)
for line in sys.stdin:
    print(buffer.value.decode(errors="replace"), flush=True)
"""


@dataclass
class Outcome:
    """What the host got and saw of one attempt."""

    value: Any = None
    error: str = ""
    output: str = ""
    progress: deque[Any] = field(default_factory=lambda: deque(maxlen=100))
    pid: int = 0
    parent: int = 0
    #: The host waited longer than it had said it would.
    late: bool = False
    #: What a host does not expect was raised in it: any but the errors that it names.
    unexpected: str = ""
    #: MiB, by which the host grew at its most; descriptors and threads that it has more.
    grew: float = 0.0
    descriptors: int = 0
    threads: int = 0
    #: Descriptors that it had more while the process lived.
    held: int = 0
    #: The host's report about the process before the attempt, and after it.
    report: tuple[Any, Any] = ((), ())
    #: What the host believes of another call, of another process, that ran meanwhile.
    bystander: str = ""
    #: Descriptors of the process, before the attempt.
    before: dict[str, Any] = field(default_factory=dict)
    #: What the host was told of the confinement.
    facts: dict[str, Any] = field(default_factory=dict)

    def told(self) -> str:
        """Return all that came back, as text."""
        return "\n".join(
            (repr(self.value), self.error, self.output, repr(list(self.progress)), self.unexpected)
        )


def look_at(pid: int) -> dict[str, Any]:
    """Return what everybody may see of a process; {} when there is none."""
    try:
        status = Path(f"/proc/{pid}/status").read_text()
        stat = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        facts: dict[str, Any] = {
            line.partition(":")[0]: line.partition(":")[2].strip() for line in status.splitlines()
        }
        facts |= {"state": stat[0], "ppid": int(stat[1]), "nice": int(stat[16])}
        facts |= {"policy": int(stat[38]), "ticks": int(stat[11]) + int(stat[12])}
        facts["limits"] = Path(f"/proc/{pid}/limits").read_text()
        facts["fds"] = os.stat(f"/proc/{pid}/fd").st_size
        with contextlib.suppress(OSError):
            facts["uids"] = Path(f"/proc/{pid}/uid_map").read_text().split()
            facts["oom"] = Path(f"/proc/{pid}/oom_score_adj").read_text().strip()
            facts["command"] = Path(f"/proc/{pid}/cmdline").read_text()
    except OSError:
        return {}
    return facts


def alive(pid: int) -> bool:
    """Say whether a process runs, or sleeps, or is stopped."""
    return look_at(pid).get("state", "Z") not in "ZX"


class Stage:
    """Files, listeners and victims for one attempt, and their traces.

    :param name: of the attempt.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self.token = secrets.token_hex(8)
        #: What a process, a file or a packet is called that the host looks for.
        self.mark = "esc" + secrets.token_hex(5)
        self.base = Path(tempfile.mkdtemp(prefix="escape-"))
        self.base.chmod(0o755)
        self.outside = self.base / "outside"
        self.readable = self.base / "readable"
        self.granted = self.base / "granted"
        self.plugin = self.base / "plugins" / PLUGIN
        self.other = self.base / "plugins" / "com.example.other"
        self.scratch = self.base / "scratch"
        for folder in (
            self.outside,
            self.readable,
            self.granted,
            self.plugin,
            self.other,
            self.scratch,
        ):
            folder.mkdir(parents=True)
        self.secret = self.outside / "secret.txt"
        self.secret.write_text(self.token + "\n")
        (self.outside / f"name-{self.token}").write_text("")
        (self.outside / "keep.txt").write_text("kept\n")
        (self.outside / "sub").mkdir()
        (self.outside / "module_outside.py").write_text(f"TOKEN = {self.token!r}\n")
        (self.outside / "link").symlink_to(f"/nowhere/{self.token}")
        (self.readable / "note.txt").write_text("a note\n")
        (self.other / "main.py").write_text("class Plugin:\n    pass\n")
        (self.other / "plugin.json").write_text(json.dumps(OTHER))
        (self.plugin / "helpers").mkdir()
        (self.plugin / "helpers" / "code.py").write_text("x = 1\n")
        (self.plugin / "data").symlink_to("../../outside")
        with contextlib.suppress(OSError):
            os.setxattr(self.secret, "user.token", self.token.encode())
        self._open: list[Any] = []
        self._heard: list[str] = []
        self._children: list[subprocess.Popen[str]] = []
        self._over = threading.Event()
        self.facts: dict[str, Any] = {}

    def argument(self) -> dict[str, Any]:
        """Return where things are; what costs something is made only when the deed names it."""
        return {
            "secret": str(self.secret),
            "outside": str(self.outside),
            "readable": str(self.readable),
            "granted": str(self.granted),
            "base": str(self.base),
            "plugin": str(self.plugin),
            "mark": self.mark,
            "python": sys.executable,
            "size": len(self.token) + 1,
            "host": os.getpid(),
            "other": str(self.other),
            "home": os.environ["HOME"],
            "house_secret": os.environ.get("KURT_HOUSE_SECRET", ""),
            "house_half": [HOUSE_TOKEN[:8], HOUSE_TOKEN[8:]],
        }

    def fill(self, source: str) -> dict[str, Any]:
        """Return the argument of a deed with what its text asks for."""
        argument = self.argument()
        wanted = set(re.findall(r"""arg\[['"](\w+)['"]\]""", source))
        for name in ("victim", "sleeper", "tcp", "tcp6", "udp", "udp6", "allowed"):
            if name in wanted or (name == "victim" and wanted & {"address", "descriptor"}):
                argument |= getattr(self, f"_{name}")
        for name in ("unix", "unix_datagram", "unix_packet", "abstract", "abstract_datagram"):
            if name in wanted:
                argument[name] = self._unix(name)
        if "database" in wanted:
            argument["database"] = self._database()
        if "visited" in wanted:
            self._visit()
            argument["visited"] = str(self.outside)
        self.snapshot = self.fingerprint()
        return argument

    # What can be attacked.

    @cached_property
    def _victim(self) -> dict[str, Any]:
        child = subprocess.Popen(
            [sys.executable, "-ISc", _VICTIM, "command-" + self.token, str(self.secret)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={"VICTIM_TOKEN": self.token},
            start_new_session=True,
        )
        self._children.append(child)
        assert child.stdout is not None
        address, descriptor = child.stdout.readline().split()
        self.facts["victim"] = child
        return {"victim": child.pid, "address": int(address), "descriptor": int(descriptor)}

    def ask_victim(self) -> str:
        """Return what stands in the victim's memory now."""
        child = self.facts["victim"]
        try:
            child.stdin.write("\n")
            child.stdin.flush()
            return str(child.stdout.readline().strip())
        except OSError:
            return "gone"

    @cached_property
    def _sleeper(self) -> dict[str, Any]:
        child = subprocess.Popen(["sleep", "600"], text=True, start_new_session=True)
        self._children.append(child)
        self.facts["sleeper"] = child
        self.facts["sleeper before"] = self.sleeper_now()
        return {"sleeper": child.pid}

    def sleeper_now(self) -> dict[str, Any]:
        """Return what can be seen of the sleeping victim."""
        child = self.facts["sleeper"]
        facts = look_at(child.pid)
        if child.poll() is not None:
            return {"state": "dead"}
        kept = {key: facts.get(key) for key in ("nice", "policy", "limits", "oom")}
        state = facts.get("state")
        return kept | {
            "stopped": state in ("T", "t", "Z"),
            "processors": sorted(os.sched_getaffinity(child.pid)),
        }

    def _listen(self, family: int, kind: int, address: Any) -> Any:
        listener = socket.socket(family, kind)
        listener.bind(address)
        if kind in (socket.SOCK_STREAM, socket.SOCK_SEQPACKET):
            listener.listen()
        listener.settimeout(0.05)
        self._open.append(listener)
        threading.Thread(target=self._hear, args=(listener, kind), daemon=True).start()
        return listener.getsockname()

    def _hear(self, listener: socket.socket, kind: int) -> None:
        while not self._over.is_set():
            try:
                if kind == socket.SOCK_DGRAM:
                    self._heard.append(listener.recv(4096).decode(errors="replace"))
                else:
                    guest, _ = listener.accept()
                    self._open.append(guest)
                    self._heard.append("a connection")
                    guest.settimeout(1)
                    self._heard.append(guest.recv(4096).decode(errors="replace"))
                    guest.sendall(b"HTTP/1.0 200 OK\r\n\r\n" + self.token.encode())
            except TimeoutError:
                continue
            except OSError:
                if listener.fileno() < 0:
                    return

    @cached_property
    def _tcp(self) -> dict[str, Any]:
        address = self._listen(socket.AF_INET, socket.SOCK_STREAM, ("127.0.0.1", 0))
        return {"tcp": address[1]}

    @cached_property
    def _tcp6(self) -> dict[str, Any]:
        address = self._listen(socket.AF_INET6, socket.SOCK_STREAM, ("::1", 0))
        return {"tcp6": address[1]}

    @cached_property
    def _udp(self) -> dict[str, Any]:
        return {"udp": self._listen(socket.AF_INET, socket.SOCK_DGRAM, ("127.0.0.1", 0))[1]}

    @cached_property
    def _udp6(self) -> dict[str, Any]:
        return {"udp6": self._listen(socket.AF_INET6, socket.SOCK_DGRAM, ("::1", 0))[1]}

    @cached_property
    def _allowed(self) -> dict[str, Any]:
        """Listen where the attempt may talk to: whoever comes is sent on to where it may not."""
        listener = socket.create_server(("127.0.0.1", 0))
        listener.settimeout(0.05)
        self._open.append(listener)
        port, there = listener.getsockname()[1], self._tcp["tcp"]

        def answer() -> None:
            while not self._over.is_set():
                try:
                    guest, _ = listener.accept()
                    self._open.append(guest)
                    self.facts["guests"] = self.facts.get("guests", 0) + 1
                    guest.settimeout(0.05)
                    guest.recv(4096)
                    line = f"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:{there}/\r\n"
                    guest.sendall(line.encode() + b"Content-Length: 0\r\n\r\n")
                except TimeoutError:
                    continue
                except OSError:
                    if listener.fileno() < 0:
                        return

        threading.Thread(target=answer, daemon=True).start()
        return {"allowed": port}

    def _unix(self, name: str) -> str:
        kind = socket.SOCK_STREAM
        if name.endswith("datagram"):
            kind = socket.SOCK_DGRAM
        elif name.endswith("packet"):
            kind = socket.SOCK_SEQPACKET
        if name.startswith("abstract"):
            self._listen(socket.AF_UNIX, kind, "\0" + self.mark + name)
            return self.mark + name
        path = str(self.outside / name)
        self._listen(socket.AF_UNIX, kind, path)
        return path

    def _database(self) -> str:
        import sqlite3

        path = self.outside / "secret.sqlite"
        with contextlib.closing(sqlite3.connect(path)) as database, database:
            database.execute("create table secrets (text)")
            database.execute("insert into secrets values (?)", (self.token,))
        return str(path)

    def _visit(self) -> None:
        """Come and go in the folder outside, as its owner would."""

        def visit() -> None:
            while not self._over.wait(0.02):
                path = self.outside / f"visit-{self.token}"
                with contextlib.suppress(OSError):
                    path.write_text("")
                    path.unlink()

        threading.Thread(target=visit, daemon=True).start()

    # What the host sees.

    def fingerprint(self) -> dict[str, tuple[Any, ...]]:
        """Return all that can be told of the files outside of what may be written."""
        found = {}
        for folder in (self.outside, self.readable, self.plugin, self.other):
            for path in [folder, *sorted(folder.rglob("*"))]:
                if "visit-" in path.name or "__pycache__" in path.parts:
                    continue
                found[str(path)] = self._facts_of(path)
        for path in self.base.iterdir():
            found[str(path)] = self._facts_of(path, shallow=True)
        return found

    @staticmethod
    def _facts_of(path: Path, shallow: bool = False) -> tuple[Any, ...]:
        with contextlib.suppress(OSError):
            seen = path.lstat()
            facts: tuple[Any, ...] = (seen.st_mode, seen.st_uid, seen.st_gid)
            if path.is_symlink():
                return (*facts, os.readlink(path))
            if not shallow and path.is_file():
                digest = hashlib.sha256(path.read_bytes()).hexdigest()[:12]
                marks = tuple(sorted(os.listxattr(path)))
                facts += (seen.st_size, seen.st_mtime_ns, seen.st_nlink, digest, marks)
            return facts
        return ("gone",)

    def heard(self) -> str:
        """Return what the listeners heard, waiting a moment for what is on its way."""
        for _ in range(8):
            if self._heard:
                break
            time.sleep(0.01)
        return " ".join(self._heard)

    def marked(self) -> list[int]:
        """Return the processes that bear the mark of this attempt."""
        found = []
        for entry in os.listdir("/proc"):
            if not entry.isdigit() or int(entry) == os.getpid():
                continue
            with contextlib.suppress(OSError):
                name = Path(f"/proc/{entry}/comm").read_text().strip()
                command = Path(f"/proc/{entry}/cmdline").read_bytes()
                is_marked = self.mark[:15] == name or self.mark.encode() in command.split(b"\0")
                if is_marked and alive(int(entry)):
                    found.append(int(entry))
        return found

    def strike(self) -> None:
        """Take everything away again."""
        self._over.set()
        for pid in self.marked():
            with contextlib.suppress(OSError):
                os.kill(pid, signal.SIGKILL)
        for child in self._children:
            child.kill()
            child.wait()
            for stream in (child.stdin, child.stdout):
                if stream is not None:
                    stream.close()
        for thing in self._open:
            thing.close()
        mounted = str(self.outside / "sub")
        if os.path.ismount(mounted):
            subprocess.run(["umount", "-l", mounted], capture_output=True, check=False)
        for path in self.outside.glob("*"):
            _unfreeze(str(path))
        # Python's own walk comes to its end where folders lie too deep.
        subprocess.run(["rm", "-rf", str(self.base)], capture_output=True, check=False)


def _unfreeze(path: str) -> None:
    """Take the flag that keeps a file from being removed, if it has one."""
    if os.geteuid() or os.path.islink(path) or not os.path.isfile(path):
        return
    import fcntl

    with contextlib.suppress(OSError), open(path, "rb") as file:
        fcntl.ioctl(file, 0x40086602, b"\0" * 8)


@contextlib.contextmanager
def staged(name: str) -> Iterator[Stage]:
    """Build a stage, and strike it."""
    stage = Stage(name)
    try:
        yield stage
    finally:
        stage.strike()
