"""Servers as their operators run them: processes of their own, at a port of this machine."""

from __future__ import annotations

import http.client
import json
import os
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

__all__ = ["Answered", "Server", "served"]


class Answered(NamedTuple):
    """What a server has answered."""

    status: int
    headers: Mapping[str, str]
    data: bytes

    @property
    def json(self) -> Any:
        """The body, as JSON."""
        return json.loads(self.data)


class Server:
    """A server that runs.

    :param address: where it is reached, with a slash at the end.
    """

    def __init__(self, process: subprocess.Popen[str], address: str) -> None:
        self.process = process
        self.address = address
        self._host = address.removeprefix("http://").rstrip("/")

    def ask(
        self,
        path: str,
        method: str = "GET",
        body: bytes | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Answered:
        """Return the answer to a request, over a connection of its own."""
        connection = http.client.HTTPConnection(self._host, timeout=120)
        try:
            connection.request(method, path, body, dict(headers or {}))
            answer = connection.getresponse()
            return Answered(answer.status, dict(answer.getheaders()), answer.read())
        finally:
            connection.close()

    def workers(self) -> set[int]:
        """Return the processes that serve: those of ours that the kernel says listen."""
        return {
            child
            for child in _children(self.process.pid)
            if b"spawn_main" in Path(f"/proc/{child}/cmdline").read_bytes()
        }

    def end(self, how: int = signal.SIGTERM, within: float = 60) -> int:
        """Tell it to end; return its exit code."""
        self.process.send_signal(how)
        return self.process.wait(within)


def _children(process: int) -> list[int]:
    found = []
    for task in Path(f"/proc/{process}/task").iterdir():
        found += [int(word) for word in (task / "children").read_text().split()]
    return found


@contextmanager
def served(folder: Path, *words: str, env: Mapping[str, str] | None = None) -> Iterator[Server]:
    """Run ``kurt market serve`` until the block ends; what it says is shown where a test fails."""
    process = subprocess.Popen(
        [sys.executable, "-m", "kurt_ext", "market", "serve", str(folder), "--port", "0", *words],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env={**os.environ, **(env or {})},
    )
    assert process.stdout is not None
    first = process.stdout.readline()
    found = re.search(r"http://\S+/", first)
    if found is None:
        process.kill()
        raise AssertionError(first + process.communicate()[0])
    said: list[str] = []
    reader = threading.Thread(target=lambda: said.extend(process.stdout or ()), daemon=True)
    reader.start()
    try:
        yield Server(process, found[0])
    finally:
        if process.poll() is None:
            process.terminate()
            try:
                process.wait(45)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        reader.join(10)
        process.stdout.close()
        print("".join(said))
