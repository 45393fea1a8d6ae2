"""Finding the addresses of a host and connecting to one of them, on an event loop."""

from __future__ import annotations

import asyncio
import socket
import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    #: Returns the addresses of a name, best first.
    #: :raises OSError: where there are none.
    Resolve = Callable[[str, int], Sequence[str]]

__all__ = ["Lookups", "connect", "resolve"]

#: Seconds that the next address waits for the one before (RFC 8305 §5).
_STAGGER = 0.25
_MAX_ADDRESSES = 16


def resolve(name: str, port: int) -> list[str]:
    """Return the addresses of a name, as the system orders them.

    :raises OSError: where it has none.
    """
    found = socket.getaddrinfo(name, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))


class Lookups:
    """Resolves names in threads, a few at once; whoever is slow is slow for itself alone.

    :param find: called in a thread, and left behind there if it does not end.
    """

    def __init__(self, find: Resolve, at_once: int = 4) -> None:
        self._find = find
        self._free = asyncio.Semaphore(at_once)

    async def addresses(self, name: str, port: int) -> list[str]:
        """Return the addresses of a name.

        :raises socket.gaierror: where it has none, whatever its resolver raised.
        """
        await self._free.acquire()
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[list[str]] = loop.create_future()

        def settle(found: list[str], error: BaseException | None) -> None:
            self._free.release()
            if answer.done():
                return
            if error is None:
                answer.set_result(found)
            else:
                answer.set_exception(error)

        def look() -> None:
            found: list[str] = []
            failed: BaseException | None = None
            try:
                found = list(self._find(name, port))[:_MAX_ADDRESSES]
            except socket.gaierror as error:
                failed = error
            except Exception as error:
                failed = socket.gaierror(socket.EAI_FAIL, str(error) or error.__class__.__name__)
            try:
                loop.call_soon_threadsafe(settle, found, failed)
            except RuntimeError:
                return  # the loop has been closed, and nobody waits

        try:
            threading.Thread(target=look, name="kurt-resolve", daemon=True).start()
        except RuntimeError as error:
            self._free.release()
            raise socket.gaierror(socket.EAI_AGAIN, f"nothing can look: {error}") from error
        return await answer


async def _one(address: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    sock = socket.socket(family, socket.SOCK_STREAM)
    try:
        sock.setblocking(False)
        await asyncio.get_running_loop().sock_connect(sock, (address, port))
    except BaseException:
        sock.close()
        raise
    return sock


def _interleaved(addresses: Iterable[str]) -> list[str]:
    """Return addresses so that IPv6 and IPv4 take turns, the first kind first (RFC 8305 §4)."""
    rest = list(addresses)
    turns = []
    while rest:
        six = ":" in rest[0]
        turns.append(rest.pop(0))
        other = next((one for one in rest if (":" in one) != six), None)
        if other is not None:
            rest.remove(other)
            rest.insert(0, other)
    return turns


async def connect(addresses: Sequence[str], port: int) -> tuple[socket.socket, str]:
    """Return a connection to the first address that answers, and which that was.

    To exactly these: nothing is resolved here.

    :raises OSError: what the first failed with, where all do.
    """
    waiting = _interleaved(addresses)
    if len(waiting) == 1:
        return await _one(waiting[0], port), waiting[0]
    running: dict[asyncio.Task[socket.socket], str] = {}
    failed: OSError | None = None
    try:
        while waiting or running:
            if waiting:
                task = asyncio.ensure_future(_one(waiting[0], port))
                running[task] = waiting.pop(0)
            done, _ = await asyncio.wait(
                running, timeout=_STAGGER if waiting else None, return_when=asyncio.FIRST_COMPLETED
            )
            for task in done:
                address = running.pop(task)
                error = task.exception()
                if error is None:
                    return task.result(), address
                if not isinstance(error, OSError):
                    raise error
                failed = failed or error
    finally:
        for task in running:
            task.cancel()
            task.add_done_callback(_closed)
    raise failed or OSError("no address")


def _closed(task: asyncio.Task[socket.socket]) -> None:
    """Close the connection of one who came second."""
    if not task.cancelled() and task.exception() is None:
        task.result().close()
