"""Doing attempts in a worker, and looking as the host of it does."""

from __future__ import annotations

import asyncio
import contextlib
import os
import subprocess
import sys
import threading
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from kurt_ext.confinement import python_path
from kurt_ext.errors import KurtError
from kurt_ext.grants import Grants
from kurt_ext.sandbox.failures import RemoteError
from kurt_ext.sandbox.lending import Loans
from kurt_ext.sandbox.limits import DEFAULTS
from kurt_ext.sandbox.network import Broker
from kurt_ext.sandbox.policy import Policy, compile_policy
from kurt_ext.sandbox.spawning import Spawner, Worker
from kurt_ext.sandbox.supervision import Cell

from .attempt import Attempt
from .evidence import CONNECTIONS, FILE, MEMORY
from .house import GRACE, put, say
from .naive import Vault
from .stage import Outcome, Stage, look_at, staged

#: What a call may take where the attempt does not say, and what a host may be late by.
SECONDS, LATE = 3.0, 2.0 + GRACE
#: Items of a stream after which a host has had enough of it.
MANY = 1000
LIMITS: dict[str, float] = {
    "memory_mb": MEMORY,
    "connections": CONNECTIONS,
    "file_size_mb": FILE,
    "open_files": 128,
    "processes": 8,
}


def _ordinary(arg):  # type: ignore[no-untyped-def]
    with open(arg["granted"] + "/told", "w") as file:
        file.write("x")
    with open(arg["readable"] + "/note.txt") as file:
        note = file.read()
    return [arg["token"], note, "hello you"]


#: What every plugin may do, lest nothing at all is done and all of it is held.
ORDINARY = Attempt("doing what is allowed", "held", _ordinary, lambda stage, outcome: None)


def run(wish: Mapping[str, Any], attempts: list[Attempt]) -> None:
    """Do the attempts, one after the other, with one zygote for all."""
    asyncio.run(_run(wish, attempts))


async def _run(wish: Mapping[str, Any], attempts: list[Attempt]) -> None:
    way: Any = _Plain(wish)
    if wish["configuration"] == "loader":
        from .loaded import ByLoader

        way = ByLoader(wish.get("tier", "kernel"))
    with staged("a neighbour") as place:
        neighbour = _Plain({}).cell(ORDINARY, place, put(ORDINARY, place))
        await neighbour.start(Outcome())
        await _begin(way, neighbour)
        try:
            await _all(way, neighbour, attempts)
        finally:
            await neighbour.close()


async def _all(way: Any, neighbour: Held, attempts: list[Attempt]) -> None:
    for attempt in attempts:
        say(attempt, "begins")
        missing = attempt.needs()
        if missing:
            say(attempt, "skipped", missing)
            continue
        start = time.monotonic()
        with staged(attempt.name) as place:
            outcome = Outcome()
            seen = await _once(way, neighbour, attempt, place, outcome)
        came = (outcome.unexpected or outcome.error or repr(outcome.value)).strip()
        say(
            attempt,
            _called(attempt, outcome, seen),
            seen or came,
            time.monotonic() - start,
            came=" … ".join(line.strip()[:200] for line in came.splitlines()[:2]),
            report=outcome.facts,
        )


async def _begin(way: Any, neighbour: Held) -> None:
    """See that what is allowed can be done; from then on the zygote runs."""
    with staged(ORDINARY.name) as place:
        outcome = Outcome()
        await _once(way, neighbour, ORDINARY, place, outcome)
        assert outcome.value == [place.token, "a note\n", "hello you"], (
            outcome.error,
            outcome.value,
        )


async def taken(value: Any) -> Any:
    """Return a value, and of a stream the first items."""
    if not hasattr(value, "aclose"):
        return value
    items: list[Any] = []
    async for item in value:
        items.append(item)
        if len(items) == MANY:
            await value.aclose()
            break
    return items


def _called(attempt: Attempt, outcome: Outcome, seen: str | None) -> str:
    """Return what to call it; where nothing was even tried, nothing was held."""
    if seen:
        return "escaped"
    if outcome.error.startswith("IsolationError") and (attempt.reads or attempt.writes):
        return "held"  # who asks for so much is not even started
    return "held" if outcome.pid or attempt.at != "call" else "broken"


async def _once(
    way: Any, neighbour: Held, attempt: Attempt, place: Stage, outcome: Outcome
) -> str | None:
    argument = put(attempt, place)
    argument["second"] = True
    host = _Host()
    seen = None
    for turn in range(2 if attempt.at == "turns" else 1):
        cell = way.cell(attempt, place, argument)
        try:
            if attempt.at == "crash":
                # The host keeps the plugin, and puts a new process in the place of the old one.
                await _during(cell, attempt, outcome, {"turn": 0, "second": True})
                cell.is_started, turn = True, 1
            await _during(cell, attempt, outcome, {"turn": turn, "second": True})
            host.look(outcome)
            outcome.bystander = await _asked(neighbour)
            if not attempt.after:
                seen = seen or attempt.evidence(place, outcome)
        finally:
            await _end(cell, outcome)
    await host.settle()
    host.look(outcome, over=True)
    outcome.descriptors -= place.facts.get("guests", 0)  # the other end of what it opened
    if attempt.after:
        for _ in range(60):  # what was killed may take its time on a busy machine
            seen = attempt.evidence(place, outcome)
            if not seen:
                break
            await asyncio.sleep(0.03)
    elif outcome.descriptors > 0 or outcome.threads > 2:
        seen = seen or attempt.evidence(place, outcome)
    if outcome.bystander != "honest":
        return f"another plugin: {outcome.bystander[:200]}"
    return seen


async def _asked(neighbour: Held) -> str:
    """Return what another plugin answers now."""
    try:
        return str(await asyncio.wait_for(neighbour.honest(), LATE))
    except Exception as error:
        return f"{type(error).__name__}: {error}"


async def _during(
    cell: Held, attempt: Attempt, outcome: Outcome, argument: Mapping[str, Any]
) -> None:
    """Let the deed be done, and note everything that came of it."""
    seconds = attempt.limits.get("seconds", SECONDS) + LATE
    try:
        if not cell.is_started and not await _in_time(outcome, seconds, cell.start(outcome)):
            return
        await _in_time(outcome, seconds, cell.attempt(outcome, argument))
        outcome.report = (outcome.report[0], cell.report())
        with contextlib.suppress(KurtError, RemoteError):
            await asyncio.wait_for(cell.honest(), LATE)
    except (KurtError, RemoteError) as error:
        outcome.error = _worded(error)
    except TimeoutError:
        outcome.late = True
    except BaseException as error:
        outcome.unexpected = f"{type(error).__name__}: {error}"
    outcome.output += cell.output()


async def _in_time(outcome: Outcome, seconds: float, coroutine: Any) -> bool:
    """Wait so long and no longer; say whether it has come to a good end."""
    try:
        await asyncio.wait_for(coroutine, seconds)
    except (KurtError, RemoteError) as error:
        outcome.error = _worded(error)
        return False
    return True


def _worded(error: BaseException) -> str:
    text = error.render() if isinstance(error, KurtError) else str(error)
    notes = getattr(error, "__notes__", ())
    return "\n".join([f"{type(error).__name__}: {text}", *notes])


async def _end(cell: Held, outcome: Outcome) -> None:
    try:
        await asyncio.wait_for(cell.close(), LATE)
    except TimeoutError:
        outcome.late = True
    for _ in range(40):  # what was killed may still be on its way
        if not look_at(outcome.pid):
            break
        await asyncio.sleep(0.005)


class _Host:
    """How large this process is."""

    def __init__(self) -> None:
        with contextlib.suppress(OSError):
            Path("/proc/self/clear_refs").write_text("5")
        self.facts = look_at(os.getpid())
        self.threads = threading.active_count()
        self.open = _open()

    def look(self, outcome: Outcome, over: bool = False) -> None:
        """Note how much larger it has become."""
        now = look_at(os.getpid())
        peak, before = (int(facts["VmHWM"].split()[0]) for facts in (now, self.facts))
        outcome.grew = max(outcome.grew, (peak - before) / 1024)
        outcome.held = max(outcome.held, now["fds"] - self.facts["fds"])
        if over:
            left = _open() - self.open
            logs = sum("/audit/" in one for one in left)  # its log is opened once, and stays so
            outcome.descriptors = now["fds"] - self.facts["fds"] - logs
            outcome.facts = {**outcome.facts, "left": sorted(left)}
            outcome.threads = threading.active_count() - self.threads

    async def settle(self) -> None:
        """Wait a moment for what is still being closed."""
        for _ in range(300):
            logs = sum("/audit/" in one for one in _open() - self.open)
            if look_at(os.getpid())["fds"] - logs <= self.facts["fds"]:
                return
            await asyncio.sleep(0.01)


def _open() -> set[str]:
    """Return what this process has open."""
    found = set()
    for name in os.listdir("/proc/self/fd"):
        with contextlib.suppress(OSError):
            found.add(f"{name} {os.readlink(f'/proc/self/fd/{name}')}")
    return found


class _Services(dict[str, Any]):
    """The services of a host: one is lent, the other to nobody."""

    def owner(self, name: str) -> tuple[str, Any] | None:
        if name == "vault":
            return ("vault", self)
        return (name, None) if name in self else None

    def lend(self, name: str, service: Any, grants: Grants, skill: str) -> dict[str, Any]:
        return {"greet": service.greet}


class _Plain:
    """Workers as they are, with a policy as a manifest gives it."""

    def __init__(self, wish: Mapping[str, Any]) -> None:
        self.tier = wish.get("tier", "kernel")
        self.spawner = Spawner(packages=("escapes",))

    def cell(self, attempt: Attempt, place: Stage, argument: Mapping[str, Any]) -> Held:
        return Held(self, attempt, place, argument)


def permissions(attempt: Attempt, place: Stage, argument: Mapping[str, Any]) -> dict[str, Any]:
    """Return the permissions that the manifest of an attempt declares."""
    reads = [str(place.readable)]
    if attempt.at in ("turns", "crash"):
        reads += [str(place.granted / "later"), str(place.granted / "deep" / "inner")]
    reads += [entry.format(other=place.other) for entry in attempt.reads]
    return {
        "filesystem_read": reads,
        "filesystem_write": [
            str(place.granted),
            *[entry.format(other=place.other) for entry in attempt.writes],
        ],
        "network_hosts": [host.format(allowed=argument.get("allowed")) for host in attempt.hosts],
        "processes": [word.format(python=sys.executable) for word in attempt.programs],
    }


class Held:
    """One attempt's worker."""

    def __init__(
        self, way: _Plain, attempt: Attempt, place: Stage, argument: Mapping[str, Any]
    ) -> None:
        self.way, self.place, self.argument_ = way, place, argument
        self.name = attempt.name
        self.limits = {**DEFAULTS, **LIMITS, "seconds": SECONDS, **attempt.limits}
        self.declared = permissions(attempt, place, argument)
        self.is_started = False
        self._cell: Cell | None = None
        self.worker: Worker | None = None
        self.loans: Loans | None = None
        self.brokers: list[Broker] = []

    async def start(self, outcome: Outcome) -> None:
        grants = Grants.of(self.declared)
        policy: Policy = compile_policy(
            "attempt",
            grants,
            folder=str(self.place.plugin),
            limits=self.limits,
            tier=self.way.tier,
            path=python_path(),
            strict=self.way.tier != "process",
            protected=[str(self.place.other)],
        )
        services = _Services(vault=Vault(self.place.token), other=Vault(self.place.token))
        loans = self.loans = Loans(services, grants, "attempt")
        canary = self.place.base / "canary"
        canary.write_text("")
        self.place.scratch.mkdir(exist_ok=True)

        async def begin() -> Worker:
            worker = await self.way.spawner.spawn(
                policy.wire(str(self.place.scratch), str(canary)),
                handler="escapes.within:Doer",
                answer=loans.answer,
                broker=bool(policy.hosts),
            )
            if worker.broker_socket is not None:
                broker = Broker(
                    worker.broker_socket, policy.hosts, skill="attempt", connections=CONNECTIONS
                )
                self.brokers.append(broker)
                worker.on_end(lambda _: broker.close())
            return worker

        async def prepare(worker: Worker) -> None:
            return None

        cell = self._cell = Cell(
            "attempt", begin, prepare=prepare, limits=policy.limits, processes=policy.processes
        )
        self.worker = await cell.ready()
        outcome.pid = self.worker.pid
        outcome.before = look_at(outcome.pid)
        outcome.parent = outcome.before["ppid"]
        outcome.report = (dict(self.worker.report), dict(self.worker.report))
        outcome.facts = dict(self.worker.report)
        self.place.snapshot = self.place.fingerprint()

    async def attempt(self, outcome: Outcome, argument: Mapping[str, Any]) -> None:
        assert self._cell is not None
        path = str(self.place.plugin / "doing.py")
        if not self.is_started or not self.worker or not self.worker.is_alive:
            await self._cell.request("load", path, on_progress=outcome.progress.append)
        value = await self._cell.request("attempt", argument, on_progress=outcome.progress.append)
        outcome.value = await taken(value)

    def report(self) -> Any:
        assert self.worker is not None
        return dict(self.worker.report)

    async def honest(self) -> Any:
        assert self._cell is not None
        return await self._cell.request("honest", None)

    def output(self) -> str:
        return self.worker.output() if self.worker is not None else ""

    async def close(self) -> None:
        if self._cell is not None:
            await self._cell.close()
        subprocess.run(["rm", "-rf", str(self.place.scratch)], check=False)
        if self.loans is not None:
            await self.loans.close()
