"""Starting the program that does the attempts, as this user or another, and watching it."""

from __future__ import annotations

import json
import os
import secrets
import selectors
import subprocess
import sys
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

TESTS = Path(__file__).parent.parent
TOKEN = secrets.token_hex(8)
#: Seconds after which a house that says nothing is taken for dead.
SILENCE = 25.0


@dataclass
class Verdict:
    """What became of an attempt: ``escaped``, ``held`` or ``skipped``, and why."""

    what: str
    why: str = ""
    seconds: float = 0.0
    said: Mapping[str, Any] = field(default_factory=dict)


def run(
    configuration: str,
    attempts: Sequence[tuple[str, bool]],
    *,
    python: str = sys.executable,
    environ: Mapping[str, str] | None = None,
    user: int | None = None,
    options: Mapping[str, Any] | None = None,
    busy: int = 2,
    patient: int = 6,
) -> dict[str, Verdict]:
    """Do attempts, several at a time, and return what became of each.

    :param attempts: names, and whether each is one that costs only waiting.
    """
    quick = [name for name, waits in attempts if not waits]
    slow = [name for name, waits in attempts if waits]
    shares = [quick[n::busy] for n in range(busy)] + [slow[n::patient] for n in range(patient)]
    houses = [
        House(configuration, share, python, environ or {}, user, options or {})
        for share in shares
        if share
    ]
    verdicts: dict[str, Verdict] = {}
    with selectors.DefaultSelector() as selector:
        for house in houses:
            house.open(selector)
        while selector.get_map():
            for key, _ in selector.select(0.5):
                key.data.hear(selector, verdicts)
            for house in houses:
                house.watch(selector, verdicts)
    return verdicts


class House:
    """One such program, started again with the rest when an attempt has ended it."""

    def __init__(
        self,
        configuration: str,
        attempts: Iterable[str],
        python: str,
        environ: Mapping[str, str],
        user: int | None,
        options: Mapping[str, Any],
    ) -> None:
        self.configuration = configuration
        self.left = list(attempts)
        self.python, self.environ, self.user, self.options = python, environ, user, options
        self.current = ""
        self.process: subprocess.Popen[bytes] | None = None
        self.rest = b""
        self.last = 0.0

    def open(self, selector: selectors.BaseSelector) -> None:
        """Start it with what is left."""
        wish = {"configuration": self.configuration, "attempts": self.left, **self.options}
        environ = {
            "PATH": "/usr/bin:/bin",
            "HOME": "/nonexistent",
            "PYTHONPATH": str(TESTS),
            "PYTHONDONTWRITEBYTECODE": "1",
            "KURT_HOUSE_TOKEN": TOKEN,
            **self.environ,
        }
        self.process = subprocess.Popen(
            [self.python, "-m", "escapes", json.dumps(wish), "argument-" + TOKEN],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=environ,
            user=self.user,
            group=self.user,
            extra_groups=[] if self.user else None,
            cwd="/",
            start_new_session=True,
        )
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(f"typed {TOKEN}\n".encode() * 50)
        self.process.stdin.flush()
        self.current, self.rest, self.last = "", b"", time.monotonic()
        selector.register(self.process.stdout, selectors.EVENT_READ, self)

    def hear(self, selector: selectors.BaseSelector, verdicts: dict[str, Verdict]) -> None:
        """Read what it says."""
        assert self.process is not None
        assert self.process.stdout is not None
        block = os.read(self.process.stdout.fileno(), 1 << 16)
        self.last = time.monotonic()
        if not block:
            self._ended(selector, verdicts, "the host has ended")
            return
        *lines, self.rest = (self.rest + block).split(b"\n")
        for line in lines:
            if not line.startswith(b'{"attempt"'):
                continue
            said = json.loads(line)
            name = self.current = said["attempt"]
            if said["what"] != "begins":
                if name in self.left:
                    self.left.remove(name)
                verdicts[name] = Verdict(said["what"], said["why"], said["seconds"], said)
                self.current = ""

    def watch(self, selector: selectors.BaseSelector, verdicts: dict[str, Verdict]) -> None:
        """End it when it has said nothing for too long."""
        if self.process is not None and time.monotonic() - self.last > SILENCE:
            self._ended(selector, verdicts, "the host says nothing any more")

    def _ended(
        self, selector: selectors.BaseSelector, verdicts: dict[str, Verdict], why: str
    ) -> None:
        assert self.process is not None
        assert self.process.stdout is not None
        selector.unregister(self.process.stdout)
        self.process.kill()
        self.process.wait()
        trouble = ""
        for stream in (self.process.stdin, self.process.stdout, self.process.stderr):
            if stream is not None:
                if stream is self.process.stderr:
                    os.set_blocking(stream.fileno(), False)
                    trouble = (stream.read() or b"").decode(errors="replace")[-1500:]
                try:
                    stream.close()
                except OSError:
                    pass
        self.process = None
        if not self.left:
            return
        if not self.current:
            for name in self.left:
                verdicts[name] = Verdict("broken", f"{why}: {trouble}")
            self.left = []
            return
        verdicts[self.current] = Verdict("escaped", f"{why}: {trouble}")
        self.left.remove(self.current)
        if self.left:
            self.open(selector)
