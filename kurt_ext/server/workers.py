"""Run a server: in this process, or in several that take turns at one socket."""

from __future__ import annotations

import socket
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NamedTuple

from ..errors import UsageError
from .settings import ServerSettings

if TYPE_CHECKING:
    from ..places import Places
    from .buckets import Limit

__all__ = ["Work", "run"]

#: Seconds in which what was begun may end, once the server is told to.
_ENDING = 30


class Work(NamedTuple):
    """What each worker is given to make its application of; it can be pickled.

    :param root: the folder of the marketplace.
    :param project: the project, by which each finds its places.
    :param database: where the server remembers.
    :param callers: counts the requests of all workers; None where there is one alone.
    """

    root: str
    project: str
    settings: ServerSettings
    database: str
    callers: Limit | None = None

    def __call__(self) -> Any:
        """Return the application."""
        from ..places import Places
        from .application import make

        places: Places = Places(self.project)
        return make(self.root, places, self.settings, database=self.database, callers=self.callers)


def run(
    work: Work,
    listener: socket.socket,
    workers: int,
    behind: str | None,
    ready: Callable[[], None],
) -> None:
    """Serve until a signal ends it: SIGINT or SIGTERM; SIGHUP begins anew, worker by worker.

    :param workers: processes. One that dies or hangs is replaced.
    :param behind: the address of the proxy that is believed about callers.
    :param ready: is called once it is known that there is something to serve.
    :raises UsageError: for several where the system cannot share a socket.
    :raises MarketError: when there is no marketplace.
    :raises StorageError: when the database cannot be used.
    """
    if workers == 1:
        app = work()
        ready()
        _serve(app, 1, behind, listener)
        return
    if sys.platform == "win32":
        raise UsageError("several workers need a system with POSIX locks", hint="--workers 1")
    from .shared_buckets import SharedBuckets

    # What is wrong is told here, once, and not by each worker again and again. It also
    # writes the catalogue and the tables, which they then find.
    work().close()
    ready()
    chosen = work.settings
    callers = SharedBuckets(chosen.rate, chosen.burst)
    each = chosen._replace(judges=max(1, chosen.judges // workers))
    try:
        _serve(work._replace(settings=each, callers=callers), workers, behind, listener)
    finally:
        callers.close()


def _serve(app: Any, workers: int, behind: str | None, listener: socket.socket) -> None:
    import uvicorn
    from uvicorn.supervisors import Multiprocess

    config = uvicorn.Config(
        app,
        access_log=False,
        date_header=True,
        factory=workers > 1,
        forwarded_allow_ips=behind or "",
        lifespan="on",
        limit_concurrency=512,
        log_level="warning",
        proxy_headers=behind is not None,
        server_header=False,
        timeout_graceful_shutdown=_ENDING,
        timeout_keep_alive=20,
        workers=workers,
    )
    if workers == 1:
        uvicorn.Server(config).run(sockets=[listener])
    else:
        Multiprocess(config, sockets=[listener]).run()
