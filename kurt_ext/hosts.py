"""The host of a project, as a command meets it: is one running, and what does it say?"""

from __future__ import annotations

import os
import time
from contextlib import suppress
from dataclasses import dataclass
from shlex import quote
from typing import TYPE_CHECKING, Any

from .errors import CallTimeoutError, KurtError, NotFoundError
from .sockets import connect, is_supported, peer, run_path
from .wire import MAX_ANSWER, error_from, pack, unpack

if TYPE_CHECKING:
    import socket

    from .places import Places

__all__ = ["SCHEMA", "Host", "ask", "running"]

SCHEMA = "kurt.control/1"
_SOON = 5.0  # seconds in which a host says hello; its loop may be busy


@dataclass(frozen=True, slots=True)
class Host:
    """A process that answers for a project.

    :param started: seconds since the epoch.
    :param python: the version of its Python; ``version`` is that of kurt-ext in it,
        and ``runtime_version`` the one that plugins ask for.
    :param plugin_directory: the folder that its plugins lie in, where its program named one.
    """

    pid: int
    project: str
    version: str
    python: str
    started: float
    runtime_version: str
    plugin_directory: str | None

    def as_dict(self) -> dict[str, Any]:
        """Return the fields for JSON output."""
        return {name: getattr(self, name) for name in self.__slots__}


def running(places: Places) -> Host | None:
    """Return the host that answers for a project; None where there is none.

    :raises KurtError: when there is one, and it cannot be asked or does not answer.
    """
    found = connect(run_path(places), _SOON)
    if found is None:
        return None
    try:
        data = _converse(found, places, "hello", {}, _SOON)
    except KurtError:
        again = connect(run_path(places), _SOON)
        if again is None:
            return None  # it was just ending
        again.close()
        raise
    try:
        return Host(**data)
    except TypeError:
        raise KurtError(
            "the host of this project is of another version of kurt-ext",
            hint="restart it",
        ) from None


def ask(places: Places, verb: str, /, *, timeout: float = 120.0, **arguments: Any) -> Any:
    """Ask the running host of a project and return its answer, JSON values.

    :param verb: one of `control_verbs.VERBS`, or ``hello``.
    :param timeout: seconds for the whole of it; what was begun goes on in the host.
    :raises NotFoundError: when no host runs.
    :raises CallTimeoutError: when the answer does not come in time.
    :raises KurtError: what the host raised, as it was there.
    """
    found = connect(run_path(places), timeout)
    if found is None:
        raise NotFoundError(
            f"no host is running for the project {places.project}",
            cause=None if is_supported() else "this system has no Unix sockets to ask it by",
            hint=f"kurt --project {quote(places.project)} watch",
        )
    return _converse(found, places, verb, arguments, timeout)


def _converse(
    connection: socket.socket,
    places: Places,
    verb: str,
    arguments: dict[str, Any],
    timeout: float,
) -> Any:
    question = {
        "schema": SCHEMA,
        "project": os.path.realpath(places.project),
        "verb": verb,
        "arguments": arguments,
    }
    pid = peer(connection).pid
    name = f"the host (pid {pid})" if pid else "the host"
    try:
        with connection:
            with suppress(BrokenPipeError):  # it has answered already, with a refusal
                connection.sendall(pack(question))
            answer = unpack(_line(connection, time.monotonic() + timeout))
    except TimeoutError:
        raise CallTimeoutError(
            f"{name} did not answer within {timeout:g} seconds",
            cause=f"it was asked to {verb}, and may still be at it",
            hint="kurt plugin list",
        ) from None
    except (OSError, ValueError) as error:
        raise KurtError(
            f"{name} broke off", cause=str(error), at=run_path(places), hint="try again"
        ) from error
    if not answer.get("ok"):
        raise error_from(answer.get("error"))
    return answer.get("data")


def _line(connection: socket.socket, deadline: float) -> bytes:
    """Return one line, of a bounded size, before the deadline."""
    parts: list[bytes] = []
    size = 0
    while True:
        left = deadline - time.monotonic()
        if left <= 0:
            raise TimeoutError
        connection.settimeout(left)
        part = connection.recv(1 << 16)
        parts.append(part)
        size += len(part)
        if not part or part.endswith(b"\n"):
            return b"".join(parts)
        if size > MAX_ANSWER:
            raise ValueError(f"its answer has more than {MAX_ANSWER} bytes")
