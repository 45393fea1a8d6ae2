"""Ask a running host what its plugins do, and have it load, reload and unload them.

A host serves while it runs::

    async with PluginLoader() as loader, serve(loader):
        ...

and a command asks it from another process::

    ask(places, "reload", plugin_id="web-archiver")

A question is one line of JSON, its answer another, on a connection of their own.
Only the user who runs the host may ask; see `sockets`.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING, Any

from .control_verbs import act, hello
from .errors import ConflictError, KurtError, LockedError, PolicyError, UsageError
from .hosts import SCHEMA, Host, ask, running
from .portal import in_thread
from .sockets import is_supported, is_welcome, listen, peer, remove, run_path
from .wire import MAX_ANSWER, MAX_REQUEST, error_to, pack, unpack

if TYPE_CHECKING:
    import socket

    from .loader import PluginLoader

__all__ = ["SCHEMA", "Host", "ask", "running", "serve"]

_TIME_TO_ASK = 10.0  # seconds from a connection to the end of its question
_TIME_TO_READ = 30.0  # seconds that one who asked has to take the answer
_MOST = 32  # questions at a time
_PAUSE = 1.0  # seconds after which a host without a free file descriptor looks again
_GRACE = 5.0  # seconds that answers under way are given when the host ends


@asynccontextmanager
async def serve(loader: PluginLoader) -> AsyncIterator[str | None]:
    """Answer for the loader's project until the block ends; gives the socket's path.

    None on a system without Unix sockets, where nobody can ask. When the block
    ends, answers under way are given five seconds.

    :raises LockedError: when another process answers for the project.
    :raises StorageError: when the socket cannot be made.
    """
    if not is_supported():
        yield None
        return
    places = loader.skills.places
    path = run_path(places)
    listening = await in_thread(listen, path)
    inode = os.lstat(path).st_ino
    desk = _Desk(loader, os.path.realpath(places.project), listening)
    try:
        desk.open()
        yield path
    finally:
        # While it listens, no other socket has its number; and without await: it must be
        # done even where we are cancelled.
        remove(path, inode)
        desk.shut()
        await desk.close()


class _Desk:
    """Where the questions come in.

    :param project: the real path of the folder that is answered for.
    :param listening: a socket that does not block.
    """

    def __init__(self, loader: PluginLoader, project: str, listening: socket.socket) -> None:
        self._loader = loader
        self._project = project
        self._listening = listening
        self._under_way: set[asyncio.Task[None]] = set()
        self._loop = asyncio.get_running_loop()

    def open(self) -> None:
        """Begin to take questions."""
        if self._listening.fileno() >= 0:
            self._loop.add_reader(self._listening, self._accept)

    def shut(self) -> None:
        """Take no more questions."""
        self._loop.remove_reader(self._listening)
        self._listening.close()

    async def close(self) -> None:
        """Wait for the answers under way, for a bounded time."""
        tasks = set(self._under_way)
        if tasks:
            _, late = await asyncio.wait(tasks, timeout=_GRACE)
            for task in late:
                task.cancel()
            if late:
                await asyncio.wait(late, timeout=1.0)

    def _accept(self) -> None:
        try:
            connection, _ = self._listening.accept()
        except (BlockingIOError, InterruptedError, ConnectionAbortedError):
            return
        except OSError:  # no file descriptor is left, mostly: it would be ready for ever
            self._loop.remove_reader(self._listening)
            self._loop.call_later(_PAUSE, self.open)
            return
        connection.setblocking(False)
        task = self._loop.create_task(self._receive(connection), name="kurt_ext-control")
        self._under_way.add(task)

        def done(task: asyncio.Task[None]) -> None:
            self._under_way.discard(task)
            connection.close()

        task.add_done_callback(done)

    async def _receive(self, connection: socket.socket) -> None:
        """Answer one question."""
        answer = await self._answer(connection)
        # One who has gone, or does not read, loses the answer and nothing else.
        with suppress(OSError, TimeoutError):
            async with asyncio.timeout(_TIME_TO_READ):
                await self._loop.sock_sendall(connection, answer)

    async def _answer(self, connection: socket.socket) -> bytes:
        try:
            self._admit(connection)
            data = await self._do(await self._question(connection))
            answer = pack({"ok": True, "data": data})
            if len(answer) > MAX_ANSWER:
                raise KurtError(f"the answer has {len(answer)} bytes, and may have {MAX_ANSWER}")
        except asyncio.CancelledError:  # the host ends; whoever asked must not wait in vain
            return pack({"ok": False, "error": error_to(KurtError("the host ended meanwhile"))})
        except Exception as error:
            return pack({"ok": False, "error": error_to(error)})
        return answer

    def _admit(self, connection: socket.socket) -> None:
        who = peer(connection)
        if not is_welcome(who):
            raise PolicyError(
                "this host answers only the user who runs it",
                cause=f"the process {who.pid} that asks runs as uid {who.uid}",
            )
        if len(self._under_way) > _MOST:
            raise LockedError(f"the host is answering {_MOST} questions", hint="try again")

    async def _question(self, connection: socket.socket) -> dict[str, Any]:
        line = b""
        try:
            async with asyncio.timeout(_TIME_TO_ASK):
                while not line.endswith(b"\n"):
                    part = await self._loop.sock_recv(connection, 1 << 16)
                    line += part
                    if not part:
                        break
                    if len(line) > MAX_REQUEST:
                        raise UsageError(f"a question may have {MAX_REQUEST} bytes")
        except TimeoutError:
            raise UsageError(f"no question came within {_TIME_TO_ASK:g} seconds") from None
        try:
            question = unpack(line)
        except ValueError as error:
            raise UsageError("that is not a question", cause=str(error)) from None
        if question.get("schema") != SCHEMA:
            raise UsageError(
                f"this host speaks {SCHEMA}, not {question.get('schema')!r}",
                hint="restart the host with the version of kurt-ext that asks",
            )
        if question.get("project") != self._project:
            raise ConflictError(
                "this host answers for another project", cause=f"it answers for {self._project}"
            )
        return question

    async def _do(self, question: dict[str, Any]) -> Any:
        verb, arguments = question.get("verb"), question.get("arguments", {})
        if not isinstance(verb, str) or not isinstance(arguments, dict):
            raise UsageError("a question is a verb and its arguments")
        if verb == "hello":
            return hello(self._loader, self._project)
        return await act(self._loader, verb, arguments)
