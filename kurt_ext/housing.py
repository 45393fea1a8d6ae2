"""The worker that one generation of a plugin's code lives in, as the host sees it.

What was loaded, registered and begun is remembered here, so that a worker that
takes the place of one that crashed, or was replaced after many calls, has all
of it again. What its code kept in memory is gone with the old one.
"""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import AsyncIterator, Awaitable, Coroutine, Mapping
from contextlib import aclosing
from time import perf_counter
from typing import TYPE_CHECKING, Any

from .environments import environment_of
from .errors import KurtError
from .importer import JUDGED, code_folder, installed_digests
from .sandbox.network import Broker
from .sandbox.remote import Remote, afar, stand_in
from .sandbox.scratch import Scratch
from .sandbox.spawning import Spawner, Worker
from .sandbox.supervision import Cell
from .sandbox.telling import told

if TYPE_CHECKING:
    from collections.abc import Callable

    from .candidates import Candidate
    from .isolation import Decision, Isolation
    from .kinds import Kind
    from .life import Life
    from .places import Places
    from .sandbox.auditing import Audit
    from .sandbox.lending import Loans
    from .sandbox.policy import Policy

__all__ = ["Housing", "house"]

#: Uses that are remembered, for a trace.
_USES = 10_000
_HANDLER = "kurt_ext.sandbox.inside:Inside"
#: The hooks that a worker which takes the place of another has to be taken through again.
_PAUSE = 0.002  # seconds between two looks at whether a folder is gone
_BEGUN = ("initialize", "activate")
_ENDED = {"deactivate": ("activate",), "cleanup": _BEGUN}


class Housing:
    """A worker, started when it is first needed, and what lives in it.

    :param policy: what it may do.
    :param decision: why it is isolated, and how.
    :param opening: what the worker is told of the skill.
    :param spawner: starts workers.
    :param place: gives where a kind is imported from.
    :param audit: told of what was allowed and refused.
    :param tell: told of events: a name, and sentences.
    :param took: told how long a step took, in milliseconds.
    :param canaries: a folder for a file that no worker may open.
    :param loans: makes what answers for the services, of grants, name, and who is told.
    :param run: runs a coroutine for somebody who cannot await it.
    :param veil: takes the plugin's secrets out of an error, in its place.
    :param python: the interpreter of the plugin's own environment; None = this one.
    """

    def __init__(
        self,
        policy: Policy,
        decision: Decision,
        opening: Mapping[str, Any],
        *,
        spawner: Spawner,
        place: Callable[[Kind[Any]], str],
        audit: Audit,
        tell: Callable[[str, list[str]], None],
        took: Callable[[str, float], None],
        canaries: str,
        loans: Callable[..., Loans],
        run: Callable[[Coroutine[Any, Any, Any]], Any],
        veil: Callable[[BaseException], BaseException],
        python: str | None = None,
    ) -> None:
        self.policy = policy
        #: Returns what a coroutine gives; an interrupt of who waits for it ends the call.
        self.run = run
        self.decision = decision
        #: How many workers there were; what one knows the next does not.
        self.born = 0
        #: What the present worker reported of its confinement; None before there is one.
        self.report: dict[str, Any] | None = None
        #: What was asked for: (permission, target) → whether it was allowed.
        self.uses: dict[tuple[str, str], bool] = {}
        self._opening = opening
        self._spawner = spawner
        self._place = place
        self._audit = audit
        self._tell = tell
        self._took = took
        self._canaries = canaries
        self._veil = veil
        self._python = python
        self._is_closed = False
        self._registered: list[str] = []
        self._loads: dict[str, dict[str, Any]] = {}
        self._hooks: list[tuple[str, str]] = []
        self._under_way: dict[str, int] = {}
        self._scratches: list[Scratch] = []
        self._loans = loans(policy.grants, policy.skill, self._seen)
        self._cell = Cell(
            policy.skill,
            self._start,
            prepare=self._prepare,
            limits=policy.limits,
            processes=policy.processes,
            event=self._hear,
        )

    @property
    def pid(self) -> int | None:
        """The number of the worker's process; None where none runs."""
        worker = self._cell.worker
        return worker.pid if worker is not None else None

    # -- its worker ----------------------------------------------------------------

    async def _start(self) -> Worker:
        """Start a worker that has nothing of the plugin yet."""
        begun = perf_counter()
        scratch = Scratch()
        self._scratches = [*(one for one in self._scratches if not one.is_gone), scratch]
        try:
            told = self.policy.wire(scratch.path, self._canary(scratch.path))
            worker = await self._spawner.spawn(
                told,
                handler=_HANDLER,
                python=self._python,
                strong=self._around(told) if self.policy.tier == "strong" else None,
                answer=self._answer,
                event=self._heard,
            )
        except BaseException:
            scratch.remove()
            raise
        broker = None
        if worker.broker_socket is not None:
            broker = Broker(
                worker.broker_socket,
                self.policy.hosts,
                skill=self.policy.skill,
                connections=int(self.policy.limits["connections"]),
                audit=self._connected,
                event=lambda name, detail: self._tell("worker-limit", [name, detail]),
            )

        def ended(_: Any) -> None:
            if broker is not None:
                broker.close()
            scratch.remove()

        worker.on_end(ended)
        self._took("worker", (perf_counter() - begun) * 1000)
        self.report = worker.report
        return worker

    async def _prepare(self, worker: Worker) -> None:
        """Let a new worker have what the one before had."""
        ask = worker.channel.request
        self.born += 1
        await ask("open", self._opening)
        for value in self._registered:
            await ask("register", {"value": value})
        for load in self._loads.values():
            await ask("load", load)
        for key, name in self._hooks:
            raised = await ask("hook", {"key": key, "name": name})
            if raised:
                raise afar(raised)

    def _canary(self, scratch: str) -> str:
        """Return a file that the worker must not be able to open, or at least not to write."""
        readable = (*self.policy.read, self.policy.folder, *self.policy.path)
        for granted in ((*readable, *self.policy.write), self.policy.write):
            for folder in (self._canaries, os.path.dirname(scratch)):
                real = os.path.realpath(folder)
                if any(one and _lies_in(real, one) for one in granted):
                    continue
                path = os.path.join(real, ".kurt-canary")
                try:
                    os.makedirs(real, mode=0o700, exist_ok=True)
                    os.close(os.open(path, os.O_CREAT | os.O_RDONLY | os.O_CLOEXEC, 0o600))
                except OSError:
                    continue
                return path
        return ""

    def _around(self, told: Mapping[str, Any]) -> list[str] | None:
        """Return the words of the program that holds the worker, where one is needed for it."""
        from .sandbox.abilities import abilities

        path = list(self._spawner.places.values())
        return abilities().around(dict(told), path=path, python=self._python)

    # -- what it is asked for --------------------------------------------------------

    async def register(self, value: str) -> list[tuple[str, str]]:
        """Run code that registers what it offers; return (namespace, name) of each."""
        rows = await self.request("register", {"value": value})
        self._registered.append(value)
        return [(str(namespace), str(name)) for namespace, name in rows]

    async def load(
        self,
        kind: Kind[Any],
        name: str,
        value: str,
        *,
        registered: bool,
        options: Mapping[str, Any],
        config: Mapping[str, Any] | None,
        shown: Mapping[str, Any],
    ) -> Remote:
        """Import one extension in the worker; return what stands for its object.

        :param shown: attributes of it that the host knows, because it gave them.
        :raises PluginLoadError: as the worker does.
        """
        key = f"{kind.namespace}:{name}"
        body = {
            "key": key,
            "kind": self._place(kind),
            "namespace": kind.namespace,
            "name": name,
            "value": value,
            "registered": registered,
            "options": dict(options),
            "config": None if config is None else dict(config),
        }
        described = await self.request("load", body)
        for phase, ms in described["ms"].items():
            self._took(str(phase), float(ms))
        self._loads[key] = body
        return stand_in(self, key, described, shown)

    async def hook(self, key: str, name: str, *, exclusive: bool) -> None:
        """Call a hook of an extension's life.

        :raises Afar: what it raised.
        """
        raised = await self.request("hook", {"key": key, "name": name}, exclusive=exclusive)
        self._hooks = [one for one in self._hooks if one not in _undone(key, name)]
        if raised:
            raise afar(raised)
        if name in _BEGUN:
            self._hooks.append((key, name))

    async def request(
        self, verb: str, body: Any, *, exclusive: bool = True, on_progress: Any = None
    ) -> Any:
        """Ask the worker, which is started where there is none.

        :param exclusive: nothing else may run in it meanwhile: its code is sync.
        :raises KurtError: what it answers, or why there is no answer.
        """
        what = str(body.get("key", verb)) if isinstance(body, Mapping) else verb
        self._under_way[what] = self._under_way.get(what, 0) + 1
        try:
            return await self._cell.request(
                verb, body, exclusive=exclusive, on_progress=on_progress
            )
        except KurtError as error:
            raise self._told(error, verb, body) from error.__cause__
        finally:
            self._under_way[what] -= 1

    async def stream(self, verb: str, body: Any) -> AsyncIterator[Any]:
        """Yield what a generator in the worker yields."""
        what = str(body.get("key", verb))
        self._under_way[what] = self._under_way.get(what, 0) + 1
        try:
            worker = await self._cell.ready()
            async with aclosing(worker.channel.stream(verb, body)) as items:  # type: ignore[type-var]
                async for item in items:
                    yield item
        except KurtError as error:
            raise self._told(error, verb, body) from error.__cause__
        finally:
            self._under_way[what] -= 1

    def _told(self, error: KurtError, verb: str, body: Any) -> KurtError:
        """Return an error of the worker's without secrets, as one that says of whom it is."""
        said = told(error, self.policy.skill, verb, body, is_closed=self._is_closed)
        veiled = self._veil(said)
        return veiled if isinstance(veiled, KurtError) else said

    def wait(self, pending: Awaitable[Any]) -> Any:
        """Return what something gives, from where nothing else may be waited for.

        It runs on a loop of its own, in a thread of its own: whoever loads code holds a lock
        that the loop of all others may be waiting for.
        """
        answer: list[Any] = []

        def run() -> None:
            try:
                answer.append(asyncio.run(_awaited(pending)))
            except BaseException as error:
                answer[:] = [None, error]

        thread = threading.Thread(target=run, name=f"kurt-{self.policy.skill}")
        thread.start()
        thread.join()
        if len(answer) > 1:
            raise answer[1]
        return answer[0]

    def lend(self) -> dict[str, Any]:
        """Return what of the host's services the plugin may use, as data."""
        return self._loans.describe()

    async def _answer(self, name: str, operation: str, args: Any, kwargs: Any) -> Any:
        """Serve a question of the worker's."""
        return await self._loans.answer(name, operation, args, kwargs)

    # -- what is seen ----------------------------------------------------------------

    def _seen(
        self,
        permission: str,
        target: str,
        allowed: bool,
        *,
        event: str = "use",
        mechanism: str = "lending",
        **more: Any,
    ) -> None:
        """Note what was asked for, and write it into the audit log."""
        is_new = (permission, target) not in self.uses
        if len(self.uses) < _USES:
            self.uses[permission, target] = allowed
        if is_new or not allowed or event != "use":
            self._audit.record(
                event,
                self.policy.skill,
                permission,
                target,
                allowed,
                mechanism=mechanism,
                pid=self.pid,
                **more,
            )

    def _connected(self, permission: str, target: str, allowed: bool, **more: Any) -> None:
        self._seen(permission, target, allowed, event="connect", mechanism="broker", **more)

    def _heard(self, name: str, detail: Any) -> None:
        """Take what the worker itself reports; a plugin can have written it."""
        if name == "limit" and isinstance(detail, Mapping):
            self._hear(name, detail)
        if name == "use" and isinstance(detail, Mapping):
            permission, target = str(detail.get("permission")), str(detail.get("target"))
            self._seen(permission, target, detail.get("allowed") is True, mechanism="tripwire")

    def _hear(self, name: str, detail: Mapping[str, Any]) -> None:
        """Tell of what happened to the worker."""
        said = [f"{key}: {value}" for key, value in detail.items() if key != "skill"]
        self._tell(f"worker-{name}", said)

    def printed(self) -> str:
        """Return the end of what its code printed, without secrets and what moves a terminal."""
        worker = self._cell.worker
        said = worker.printed() if worker is not None else ""
        return str(self._veil(RuntimeError(said)))  # a text alone has nobody who knows them

    def busy(self) -> list[str]:
        """Return what is under way in it."""
        return [what for what, count in self._under_way.items() if count]

    async def close(self) -> None:
        """End the worker; what is under way in it fails, and what it wrote for itself is gone."""
        self._is_closed = True
        await self._cell.close()
        for scratch in self._scratches:
            scratch.remove()
            while not scratch.is_gone:  # a thread of a pool may not be had while a process exits
                await asyncio.sleep(_PAUSE)
        self._scratches.clear()
        await self._loans.close()

    def kill(self) -> None:
        """End the worker at once, from where nothing can be awaited."""
        self._is_closed = True
        self._cell.kill()


async def _awaited(pending: Awaitable[Any]) -> Any:
    return await pending


def _undone(key: str, name: str) -> set[tuple[str, str]]:
    return {(key, one) for one in _ENDED.get(name, ())}


def _lies_in(path: str, folder: str) -> bool:
    return path == folder or path.startswith(folder.rstrip(os.sep) + os.sep)


def house(
    isolation: Isolation,
    decision: Decision,
    life: Life,
    candidate: Candidate,
    record: Mapping[str, Any],
) -> Housing:
    """Return the worker that a plugin's code is to live in; it is started when it is needed.

    :raises IsolationError: when a permission of it may be granted to nobody.
    :raises IntegrityError: when it was installed, and is not what was.
    :raises ConfigError: when a limit is no number.
    """
    given = life.admitted.config.sandbox_config_override if life.admitted is not None else None
    environment = environment_of(candidate, isolation.config, places=isolation.places)
    path = environment.site_packages if environment else None
    policy = isolation.confinement.policy(candidate, record, decision, given, path=path)
    for note in policy.notes:
        life.tell("isolating", detail=[note])
    places = isolation.places

    def tell(name: str, detail: list[str]) -> None:
        life.tell(name, detail=detail)

    return Housing(
        policy,
        decision,
        _opening(candidate, record, isolation.confinement.companions(record), places),
        spawner=isolation.spawner,
        place=isolation.kind_place,
        audit=isolation.audit,
        tell=tell,
        took=life.took,
        canaries=os.path.join(places.data, "canary"),
        loans=isolation.loans,
        run=isolation.run,
        veil=lambda error: isolation.veiled(life, error),
        python=environment.python if environment else None,
    )


def _opening(
    candidate: Candidate,
    record: Mapping[str, Any],
    companions: list[Candidate],
    places: Places,
) -> dict[str, Any]:
    return {
        "skill": _told(candidate, places),
        "companions": [_told(one, places) for one in companions],
        "record": dict(record),
    }


def _told(candidate: Candidate, places: Places) -> dict[str, Any]:
    folder = code_folder(candidate)
    installed = installed_digests(candidate, places)
    judged = JUDGED.of(folder) if folder else None
    return {
        "candidate": {
            "name": candidate.name,
            "title": candidate.title,
            "version": candidate.version,
            "location": candidate.location,
            "dist_info": candidate.dist_info,
            "distribution": candidate.distribution,
            "source": candidate.source,
            "offers": [list(offer) for offer in candidate.offers],
            "code": candidate.code,
        },
        "folder": folder,
        "digests": judged or (dict(installed) if installed is not None else None),
    }
