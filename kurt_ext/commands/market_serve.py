"""Serve a marketplace over HTTP, with pages, an API and uploads."""

from __future__ import annotations

import os
import socket
from contextlib import suppress
from typing import TYPE_CHECKING

import click

from .. import cli
from ..errors import UsageError
from ..output import Answer

if TYPE_CHECKING:
    from ..session import Session

__all__ = ["command"]


@cli.command(
    "serve",
    schema="market.serve",
    short_help="Serve a marketplace over HTTP, with pages, an API and uploads.",
)
@click.argument("folder", default=".", type=click.Path(file_okay=False))
@click.option("--host", default="127.0.0.1", show_default=True, help="The address to listen at.")
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    default=8000,
    show_default=True,
    help="The port to listen at; 0 for a free one.",
)
@click.option("--url", default="", help="Where others reach it, https://…, behind a proxy.")
@click.option("--behind", metavar="ADDRESS", help="The proxy that is believed about callers.")
@click.option(
    "--rate",
    type=click.FloatRange(0),
    default=50.0,
    show_default=True,
    help="Requests a second that an address may make; 0 for any number.",
)
@click.option(
    "--database",
    metavar="ADDRESS",
    help="The Postgres that remembers tokens and limits; a file here by default.",
)
@click.option(
    "--workers",
    type=click.IntRange(1, 64),
    default=1,
    show_default=True,
    help="Processes that serve.",
)
@click.pass_obj
def command(
    session: Session,
    folder: str,
    host: str,
    port: int,
    url: str,
    behind: str | None,
    rate: float,
    database: str | None,
    workers: int,
) -> Answer:
    """Serve a marketplace over HTTP, with pages, an API and uploads.

    FOLDER is what `kurt market build` or `publish` has made. It stays the truth:
    what is published into it meanwhile is served at once, and without this
    server any file server can go on with it. It listens to this machine alone
    unless --host says otherwise; encryption is a proxy's matter.

    One machine remembers tokens, limits and downloads in a file, whatever the
    number of workers. Several machines that share the folder need a Postgres.

    \b
    Examples:
      kurt market serve market
      kurt market serve market --port 0
      kurt market serve market --url https://skills.example.org --behind 127.0.0.1
      kurt market serve market --workers 4 --database postgresql://kurt@db/kurt
    """
    from ..server.extra import need

    need()
    from ..server.database import where
    from ..server.settings import ServerSettings
    from ..server.workers import Work, run

    if url and not url.startswith(("https://", "http://")):
        raise UsageError(f"{url} is no web address", hint="--url https://skills.example.org")
    root = os.path.abspath(folder)
    settings = ServerSettings(url=url, rate=rate, burst=max(1, int(rate * 10)))
    place = where(session.places, root, database)
    work = Work(root, session.places.project, settings, place)
    with _listening(host, port) as listener:
        at = listener.getsockname()
        shown = f"[{at[0]}]" if listener.family == socket.AF_INET6 else at[0]
        address = f"http://{shown}:{at[1]}/"
        note = f"Serving {root} at {address}  (Ctrl-C ends it)"
        # Raised once the server has ended in order: nothing was cut off, so nothing failed.
        with suppress(KeyboardInterrupt):
            run(work, listener, workers, behind, ready=lambda: session.note(note))
    data = {"folder": root, "address": address}
    return Answer(data, lambda page: page.line("The server has ended."), talk=True)


def _listening(host: str, port: int) -> socket.socket:
    """Return the socket that listens.

    :raises UsageError: when it cannot be had.
    """
    try:
        family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
        # With its protocol named, asyncio sends each write at once; without, a connection that
        # stays open waits 40 ms for each answer.
        listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
        try:
            if os.name == "posix":
                listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind((host, port))
            listener.listen(512)
        except BaseException:
            listener.close()
            raise
        return listener
    except OSError as error:
        raise UsageError(
            f"nothing can listen at {host}, port {port}",
            cause=error.strerror or str(error),
            hint="--port 0 takes any that is free",
        ) from error
