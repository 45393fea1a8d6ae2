"""The host of the control: it believes, keeps and waits for whatever its child sends."""

from __future__ import annotations

import array
import json
import os
import pickle
import resource
import socket
import subprocess
import sys
import threading
from typing import Any

from .plain import ANSWER, ASK, ERROR, HEADER, PROGRESS, REQUEST

PLAIN = os.path.join(os.path.dirname(__file__), "plain.py")


class RemoteFailure(Exception):
    """The child said that it failed."""


class Vault:
    """A service that is lent; only ``greet`` is meant to be."""

    def __init__(self, token: str) -> None:
        self._token = token

    def greet(self, name: str) -> str:
        return "hello " + name

    def open_all(self) -> str:
        return self._token


class Naive:
    """One child process, and the talk with it.

    :param heir: fork instead of starting a program.
    :param log: a file that every answer is written to, as people do.
    """

    def __init__(self, token: str, *, heir: bool, log: str, cwd: str) -> None:
        own, others = socket.socketpair()
        self.channel = own
        self.output: list[bytes] = []
        self.progress: list[Any] = []
        self.answers: dict[int, tuple[int, Any]] = {}
        self.lent: dict[str, Any] = {"vault": Vault(token), "other": Vault(token)}
        self.log = open(log, "w", encoding="utf-8")  # noqa: SIM115
        self.number = 0
        read, write = os.pipe()
        os.dup2(others.fileno(), 3)
        environment = {**os.environ, "TMPDIR": cwd}
        if heir:
            self.pid = os.fork()
            if self.pid == 0:
                _inherit(write, cwd, own)
        else:
            self.child = subprocess.Popen(
                [sys.executable, PLAIN],
                close_fds=False,
                stdout=write,
                stderr=write,
                env=environment,
                cwd=cwd,
                pass_fds=(),
            )
            self.pid = self.child.pid
        os.close(write)
        os.dup2(os.open("/dev/null", os.O_RDONLY), 3)  # the number is kept for the next child
        others.close()
        threading.Thread(target=self._keep, args=(read,), daemon=True).start()

    def _keep(self, descriptor: int) -> None:
        while block := os.read(descriptor, 1 << 20):
            self.output.append(block)

    def request(self, verb: str, body: Any = None) -> Any:
        """Ask the child for something, and believe what it says."""
        self.number += 1
        text = json.dumps({"verb": verb, "body": body}).encode()
        self.channel.sendall(HEADER.pack(REQUEST, self.number, len(text), 0) + text)
        while self.number not in self.answers:
            self._take_one()
        kind, value = self.answers.pop(self.number)
        print(value, file=self.log, flush=True)
        if kind == ERROR:
            if isinstance(value, BaseException):
                if isinstance(value, Exception):
                    raise RemoteFailure(f"{type(value).__name__}: {value}") from value
                raise value
            raise RemoteFailure(str(value))
        return value

    def _take_one(self) -> None:
        kind, number, text_size, blob_size = HEADER.unpack(self._read(HEADER.size))
        text, blob = self._read(text_size), self._read(blob_size)
        value = json.loads(text)
        if isinstance(value, dict) and value.get("$pickle"):
            value = pickle.loads(blob)
        value = _resolved(value, blob)
        if kind == PROGRESS:
            self.progress.append(value)
        elif kind == ASK:
            thing = self.lent.get(value["name"]) or __import__(value["name"])
            for part in value["operation"].split("."):
                thing = getattr(thing, part)
            if callable(thing):
                thing = thing(*value["args"])
            answer = json.dumps(thing, default=str).encode()
            self.channel.sendall(HEADER.pack(ANSWER, number, len(answer), 0) + answer)
        elif kind == 25:
            print(value[0], value[1]["target"], file=self.log)
        elif kind == 16:
            self.answers[-1] = (kind, value)
        else:
            self.answers[number] = (kind, value)

    def _read(self, size: int) -> bytes:
        data = bytearray()
        room = socket.CMSG_SPACE(16 * array.array("i").itemsize)
        while len(data) < size:
            block, *_ = self.channel.recvmsg(min(size - len(data), 1 << 20), room)
            if not block:
                raise EOFError("the child has closed the channel")
            data += block
        return bytes(data)

    def report(self) -> Any:
        """Return what the child says of itself."""
        return self.answers[-1] if -1 in self.answers else self.request("report")

    def close(self) -> None:
        """Close the channel, and wait until the child has ended."""
        self.channel.close()
        os.waitpid(self.pid, 0)


def _inherit(output: int, cwd: str, channel: socket.socket) -> None:
    """Be the child, with all that the host has."""
    from . import plain

    channel.close()
    os.dup2(output, 1)
    os.dup2(output, 2)
    os.chdir(cwd)
    plain.serve(3)
    os._exit(0)


def _resolved(value: Any, blob: bytes) -> Any:
    """Put the bytes where the value refers to them, a copy each time."""
    if isinstance(value, dict):
        if "$b" in value:
            start, size = value["$b"]
            return blob[start : start + size]
        return {key: _resolved(inner, blob) for key, inner in value.items()}
    if isinstance(value, list):
        return [_resolved(inner, blob) for inner in value]
    return value


def play(
    paths: list[str], argument: dict[str, Any], token: str, heir: bool, log: str, cwd: str, out: int
) -> None:
    """Run an attempt in a child process, and tell each step; wait for a byte after each.

    :param out: a socket to whoever looks.
    """
    os.setsid()
    resource.setrlimit(resource.RLIMIT_AS, (3 << 30, resource.RLIM_INFINITY))
    peer = socket.socket(fileno=out)

    def step(**facts: Any) -> None:
        peer.sendall(json.dumps(facts).encode() + b"\n")
        peer.recv(1)

    for turn, path in enumerate(paths):
        naive = Naive(token, heir=heir, log=log, cwd=cwd)
        facts: dict[str, Any] = {"phase": "replied"}
        step(phase="started", pid=naive.pid)
        try:
            before = naive.report()
            step(phase="ready")
            try:
                naive.request("load", path)
                facts["value"] = _small(naive.request("attempt", {**argument, "turn": turn}))
            except RemoteFailure as error:
                facts["error"] = _small(str(error))
            facts["report"] = [before, naive.report()]
            facts["bystander"] = _small(naive.request("honest"))
        except EOFError:
            facts.setdefault("error", "the child has ended")
        except OSError as error:
            facts.setdefault("error", str(error))
        except BaseException as error:
            facts["unexpected"] = f"{type(error).__name__}: {str(error)[:200]}"
        facts["output"] = b"".join(naive.output[:8])[:200_000].decode(errors="replace")
        try:
            step(**facts)
        except ValueError:
            step(phase="replied", unexpected="an answer that cannot be told")
        try:
            naive.close()
        except OSError:
            pass
    step(phase="closed")
    os._exit(0)


def _small(value: Any) -> Any:
    """Return a value that can be told as it is, and of any other the beginning of its text."""
    if isinstance(value, list) and len(value) < 10:
        return value
    return value[:400_000] if isinstance(value, str) else repr(value)[:400_000]
