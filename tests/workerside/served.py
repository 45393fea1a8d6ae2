"""What the tests' workers serve: one verb for each thing that a plugin's code may do."""

from __future__ import annotations

import os
import sys
import threading
import time
from typing import Any

from kurt_ext.contract import Progress, Result
from kurt_ext.errors import UsageError


def _say(word: str) -> None:
    print(word, flush=True)


class Handler:
    """Serves verbs by the methods of their names."""

    def __init__(self, policy: dict[str, Any]) -> None:
        self.policy = policy

    def handle(self, verb: str, body: Any, call: Any) -> Any:
        return getattr(self, verb)(body, call)

    # -- plain ----------------------------------------------------------------

    def nothing(self, body: Any, call: Any) -> None:
        return None

    def echo(self, body: Any, call: Any) -> Any:
        return body

    async def aecho(self, body: Any, call: Any) -> Any:
        return body

    async def sleep(self, body: Any, call: Any) -> Any:
        import asyncio  # not by all: it is most of what a cold start would take

        await asyncio.sleep(body)
        return body

    async def linger(self, body: Any, call: Any) -> None:
        """Leave a timer, a task and a thread to the loop, and a socket; each prints its word."""
        import asyncio
        import socket

        loop = asyncio.get_running_loop()
        loop.call_later(0.01, _say, "timer")

        async def later() -> None:
            await asyncio.sleep(0.02)
            _say("task")

        ours, theirs = socket.socketpair()
        self.kept = (asyncio.create_task(later()), ours, theirs)

        def heard() -> None:
            _say(ours.recv(10).decode())

        loop.add_reader(ours, heard)

        def beside() -> None:
            time.sleep(0.1)
            loop.call_soon_threadsafe(_say, "thread")
            theirs.send(b"socket")

        threading.Thread(target=beside).start()

    def add(self, body: Any, call: Any) -> Any:
        return Result(True, {"sum": sum(body)})

    def pid(self, body: Any, call: Any) -> int:
        return os.getpid()

    def facts(self, body: Any, call: Any) -> dict[str, Any]:
        return {
            "environment": dict(os.environ),
            "cwd": os.getcwd(),
            "path": sys.path,
            "group": os.getpgrp() == os.getpid(),
            "umask": os.umask(0o077),
            "modules": [name for name in body if name in sys.modules],
            "descriptors": [fd for fd in range(256) if _is_open(fd)],
        }

    def find(self, body: Any, call: Any) -> Any:
        return __import__(body).__file__

    # -- failing ----------------------------------------------------------------

    def fail(self, body: Any, call: Any) -> None:
        raise ValueError(body)

    def usage(self, body: Any, call: Any) -> None:
        raise UsageError("no", hint="so")

    def leave(self, body: Any, call: Any) -> None:
        raise SystemExit(body)

    def unsendable(self, body: Any, call: Any) -> Any:
        return {"a": [object()]}

    def large(self, body: Any, call: Any) -> bytes:
        return b"x" * body

    def starve(self, body: Any, call: Any) -> None:
        raise MemoryError

    # -- hostile -----------------------------------------------------------------

    def crash(self, body: Any, call: Any) -> None:
        os.kill(os.getpid(), body)

    def exit(self, body: Any, call: Any) -> None:
        os._exit(body)

    def spin(self, body: Any, call: Any) -> None:
        while True:
            pass

    def hang_in_c(self, body: Any, call: Any) -> None:
        import signal

        signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())
        sum(range(1 << 62))

    async def block(self, body: Any, call: Any) -> None:
        time.sleep(3600)

    async def stubborn(self, body: Any, call: Any) -> None:
        import asyncio

        while True:
            try:
                await asyncio.sleep(3600)
            except asyncio.CancelledError:
                continue

    def say(self, body: Any, call: Any) -> None:
        os.write(1, body)

    def babble(self, body: Any, call: Any) -> None:
        for _ in range(body):
            os.write(2, b"z" * 65536)

    def raw(self, body: Any, call: Any) -> None:
        os.write(3, body)

    def fork(self, body: Any, call: Any) -> list[int]:
        """Start a child in the group, and one that leaves it."""
        children = []
        for leaves in (False, True):
            pid = os.fork()
            if not pid:
                if leaves:
                    os.setsid()
                time.sleep(3600)
            children.append(pid)
        return children

    def hold_in_children(self, body: Any, call: Any) -> None:
        """Have three children that each hold so many bytes."""
        for _ in range(3):
            if not os.fork():
                held = bytearray(body)
                held[::4096] = b"x" * len(held[::4096])
                time.sleep(3600)
        time.sleep(3600)

    def fork_and_raise(self, body: Any, call: Any) -> str:
        """Start a process that leaves this function by itself, and outlive it."""
        child = os.fork()
        if not child:
            raise ValueError("in a child")
        os.waitpid(child, 0)
        return "answered by its parent"

    # -- talking -------------------------------------------------------------------

    def count(self, body: Any, call: Any) -> int:
        for number in range(body):
            call.progress(Progress("counting", number, body))
        return int(body)

    def heed(self, body: Any, call: Any) -> str:
        while not call.cancelled:
            time.sleep(0.001)
        return "heeded"

    def ask(self, body: Any, call: Any) -> Any:
        return call.ask(*body)

    async def aask(self, body: Any, call: Any) -> Any:
        return await call.aask(*body)

    def ask_in_thread(self, body: Any, call: Any) -> Any:
        found: list[Any] = []
        thread = threading.Thread(target=lambda: found.append(call.ask(*body)))
        thread.start()
        thread.join()
        return found[0]

    def ask_in_loop(self, body: Any, call: Any) -> Any:
        import asyncio

        return asyncio.run(self.aask(body, call))

    def items(self, body: Any, call: Any) -> Any:
        for number in range(body["count"]):
            yield b"x" * body["size"] if "size" in body else number
        if body.get("fail"):
            raise ValueError("no more")

    async def aitems(self, body: Any, call: Any) -> Any:
        import asyncio

        for number in range(body["count"]):
            await asyncio.sleep(0)
            yield number
        if body.get("fail"):
            raise ValueError("no more")


def _is_open(fd: int) -> bool:
    try:
        os.fstat(fd)
    except OSError:
        return False
    return True
