"""Reload plugins when their files are saved."""

from __future__ import annotations

import asyncio
import os
import sys
import time
from collections.abc import Callable
from contextlib import AsyncExitStack, contextmanager
from typing import IO, TYPE_CHECKING, Any

import click

from .. import cli, completion, jsontext
from ..errors import DisabledError, KurtError, LockedError, PolicyError
from ..listing import trust_line
from ..output import Answer, KeptStdout, Page

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ..loader import PluginLoader
    from ..session import Session
    from ..watch import Change

__all__ = ["command"]

#: Outcome → the sign before its line, the style of the sign, and what is said.
_SAID = {
    "loaded": ("+", "green", "loaded"),
    "reloaded": ("~", "cyan", "reloaded"),
    "unloaded": ("-", "yellow", "unloaded"),
    "rolled-back": ("!", "error", "does not run; the code before it still does"),
    "failed": ("!", "error", "failed"),
    "refused": ("!", "error", "is not loaded"),
}


class _Talk:
    """Where the lines go: for a reader, or one JSON object each.

    :param stream: stdout as it was before anything else could write to it.
    """

    def __init__(self, session: Session, stream: IO[str], jsonl: bool) -> None:
        self._session = session
        self._page: Page = session.page(stream)
        self._stream = stream
        self._jsonl = jsonl
        self._mute = session.json and not jsonl
        self.rows: list[dict[str, Any]] = []

    def change(self, change: Change) -> None:
        """Tell what came of a save."""
        self.tell("change", change.as_dict(), lambda page: _write(page, change))

    def tell(self, event: str, row: dict[str, Any], text: Callable[[Page], None]) -> None:
        """Tell something once, in the form that was asked for."""
        self.rows.append({"event": event, **row})
        if self._mute:
            return
        if self._jsonl:
            self._stream.write(jsontext.dumps(self.rows[-1]) + "\n")
        else:
            text(self._page)
        self._stream.flush()

    def note(self, text: str) -> None:
        """Say something on stderr, but not to a program that reads lines."""
        if not self._jsonl:
            self._session.note(text)
            sys.stderr.flush()


def _write(page: Page, change: Change) -> None:
    sign, style, said = _SAID[change.outcome]
    files = ", ".join(name for name in change.files if name != ".")
    taken = f" in {_duration(change.ms)}" if change.ok and change.outcome != "unloaded" else ""
    page.parts(
        (f"{sign} ", style),
        (change.plugin_id, "bold"),
        (f" {change.version}" if change.version else "", "dim"),
        (f"  {files}" if files else "", None),
        (f"  {said}{taken}", None if change.ok else style),
    )
    error = change.error
    if error is not None:
        texts = (error.message, error.cause, error.at, error.hint)
        labels = ("error", "cause", "at", "hint")
        page.pairs(zip(labels, (text or "" for text in texts), strict=True), indent="    ")


def _duration(ms: float) -> str:
    return f"{ms:.0f} ms" if ms < 1000 else f"{ms / 1000:.1f} s"


@contextmanager
def _stdout(kept: bool) -> Iterator[IO[str]]:
    """Give the stream for our lines; what plugins print goes to stderr where they are JSON."""
    if not kept:
        yield sys.stdout
        return
    sys.stdout.flush()
    with os.fdopen(os.dup(1), "w", encoding="utf-8") as stream, KeptStdout():
        yield stream


async def _start(
    loader: PluginLoader, names: tuple[str, ...], talk: _Talk, validate: bool
) -> tuple[int, list[str]]:
    """Load and activate what is wanted; return how much runs, and what of it is installed."""
    wanted = list(names)
    if not names:
        unusable = [
            candidate
            for candidate in loader.skills.discover().winners
            if candidate.state in ("broken", "untrusted")
        ]
        for candidate in unusable:
            if candidate.state == "broken":
                talk.note(f"{candidate.name}: {candidate.reason} (kurt explain {candidate.name})")
        if count := sum(candidate.state == "untrusted" for candidate in unusable):
            talk.note(trust_line(count, loader.skills.places.project))
        without = {candidate.name for candidate in unusable}
        found = [state.metadata.plugin_id for state in loader.list_plugins()]
        wanted = [name for name in found if name not in without]
    slots = asyncio.Semaphore(loader.concurrency)

    async def one(name: str) -> Change:
        async with slots:
            return await _load(loader, name, validate)

    running, away = 0, list[str]()
    tasks = [asyncio.ensure_future(one(name)) for name in dict.fromkeys(wanted)]
    try:
        for task in tasks:
            change = await task
            running += change.ok
            if names or not isinstance(change.error, DisabledError):
                talk.change(change)
            if change.ok and not loader.candidate(change.plugin_id).is_folder:
                away.append(change.plugin_id)
    finally:
        for task in tasks:
            task.cancel()
    return running, away


async def _load(loader: PluginLoader, name: str, validate: bool) -> Change:
    from ..watch import Change

    start = time.perf_counter()
    outcome, error, generation = "loaded", None, 0
    try:
        state = await loader.load_plugin(name, validate=validate)
        await loader.activate_plugin(name)
        generation = state.generation
    except KurtError as raised:
        error = raised
        outcome = "refused" if isinstance(raised, PolicyError) else "failed"
    ms = (time.perf_counter() - start) * 1000
    found = loader.candidate(name)
    return Change(name, found.version, found.location, (), outcome, generation, ms, error)


async def _serve(stack: AsyncExitStack, loader: PluginLoader, talk: _Talk) -> None:
    """Answer `kurt plugin`, unless somebody else does already."""
    from ..control import serve

    try:
        await stack.enter_async_context(serve(loader))
    except (LockedError, KurtError) as error:
        talk.note(f"kurt plugin does not reach this process: {error.message}")


async def _watch(
    session: Session,
    names: tuple[str, ...],
    talk: _Talk,
    *,
    once: bool,
    poll: bool,
    validate: bool,
) -> Change | None:
    """Watch until told to end, or until the first change; return that."""
    from ..ending import graceful
    from ..loader import PluginLoader
    from ..watch import watch, watched_roots

    async with session.manager() as skills:
        loader = PluginLoader(skills=skills)
        for name in names:
            loader.candidate(name)
        async with graceful(loader), AsyncExitStack() as stack:
            changes = watch(loader, names or None, validate=validate, poll=poll, note=talk.note)
            stack.push_async_callback(changes.aclose)
            # Before anything is loaded, so that no save in between is missed.
            upcoming = asyncio.ensure_future(anext(changes))
            stack.push_async_callback(_cancelled, upcoming)
            await asyncio.wait({upcoming}, timeout=0)
            if not upcoming.done():
                running, away = await _start(loader, names, talk, validate)
                await _serve(stack, loader, talk)
                _ready(talk, watched_roots(loader), running, away)
            while True:
                talk.change(change := await upcoming)
                if once:
                    return change
                upcoming = asyncio.ensure_future(anext(changes))
    return None


async def _cancelled(task: asyncio.Future[Any]) -> None:
    task.cancel()
    await asyncio.wait({task})


def _ready(talk: _Talk, roots: list[str], running: int, away: list[str]) -> None:
    there = [root for root in roots if os.path.isdir(root)] or roots[:1]
    if away:
        talk.note(
            f"installed, so not watched: {', '.join(away)}; "
            f"after a change: kurt plugin reload {away[0]}"
        )
    watched = running - len(away)
    count = f"{watched} plugin" + ("" if watched == 1 else "s")
    row = {"folders": roots, "running": running}
    talk.note(f"watching {count} in {', '.join(there)}; Ctrl-C ends")
    talk.tell("watching", row, lambda page: None)


@cli.command("watch", short_help="Reload plugins when their files are saved.")
@click.argument("names", nargs=-1, metavar="[NAME]…", shell_complete=completion.plugins)
@click.option("--jsonl", is_flag=True, help="Write one JSON object a line, as it happens.")
@click.option("--once", is_flag=True, help="End after the first change; its failure is ours.")
@click.option("--poll", is_flag=True, help="Look at the files, where the system cannot tell.")
@click.option("--no-validate", is_flag=True, help="Do not ask the validator before.")
@click.pass_obj
def command(
    session: Session, names: tuple[str, ...], jsonl: bool, once: bool, poll: bool, no_validate: bool
) -> Answer:
    """Reload plugins when their files are saved.

    Loads and activates NAME, or all that is enabled. A save becomes one reload;
    where the new code does not run, the old one goes on, and the reason is shown.
    A new folder is loaded, one that is gone unloaded. `kurt plugin` in another
    terminal acts on the plugins of this process. Ctrl-C ends all of them in order.

    \b
    Examples:
      kurt watch
      kurt watch web-archiver
      kurt watch --jsonl | jq .outcome
    """
    with _stdout(jsonl) as stream:
        talk = _Talk(session, stream, jsonl)
        work = _watch(session, names, talk, once=once, poll=poll, validate=not no_validate)
        try:
            last = asyncio.run(work)
        except (KeyboardInterrupt, SystemExit):  # a signal, which is how a watch ends
            last = None
    error = last.error if last is not None and once else None
    if session.json and not jsonl:
        return Answer(talk.rows, lambda page: None, error=error)
    if error is not None:
        raise click.exceptions.Exit(error.exit_code)
    return Answer([], lambda page: None)
