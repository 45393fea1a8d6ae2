"""A cell starts its worker when it is needed, queues what needs it, and replaces it."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
import threading
from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from test_workers import HANDLER, SPAWNER, gone, policy, run, until

from kurt_ext.errors import (
    CallTimeoutError,
    LimitError,
    QuarantinedError,
    UsageError,
    WorkerCrashedError,
    WorkerError,
)
from kurt_ext.sandbox.spawning import Worker
from kurt_ext.sandbox.supervision import Cell, Rules

pytestmark = pytest.mark.skipif(
    not sys.platform.startswith("linux"), reason="workers are forked on Linux alone"
)


class Kept:
    """A cell, and what it tells."""

    def __init__(self, folder: Path, rules: Rules | None = None, **changed: Any) -> None:
        self.prepare: Any = None
        self.pids: list[int] = []
        self.events: list[tuple[str, dict[str, Any]]] = []
        told = policy(folder, **changed)

        async def start() -> Worker:
            worker = await SPAWNER.spawn(told, handler=HANDLER, event=self.note)
            self.pids.append(worker.pid)
            return worker

        async def prepare(worker: Worker) -> None:
            if self.prepare is not None:
                await self.prepare(worker)

        self.cell = Cell(
            "web-archiver",
            start,
            prepare=prepare,
            limits=told["limits"],
            processes=told["processes"],
            rules=rules,
            event=self.note,
        )

    def note(self, name: str, detail: Any) -> None:
        self.events.append((name, dict(detail)))

    @property
    def names(self) -> list[str]:
        return [name for name, _ in self.events]


@contextlib.asynccontextmanager
async def kept(folder: Path, rules: Rules | None = None, **changed: Any) -> AsyncIterator[Kept]:
    made = Kept(folder, rules, **changed)
    try:
        yield made
    finally:
        await made.cell.close()
        assert all(map(gone, made.pids))


def test_a_worker_is_started_by_the_first_who_needs_it_and_prepared_once(tmp_path: Path) -> None:
    async def body() -> None:
        async with kept(tmp_path) as it:
            loaded: list[int] = []

            async def prepare(worker: Worker) -> None:
                await asyncio.sleep(0.01)
                loaded.append(await worker.channel.request("pid"))

            it.prepare = prepare
            assert it.cell.worker is None
            found = await asyncio.gather(*(it.cell.request("pid") for _ in range(20)))
            assert set(found) == set(loaded) == set(it.pids)
            assert it.names == ["started", "ready"]
        assert it.names[-1] == "closed"
        with pytest.raises(WorkerError, match="closed"):
            await it.cell.request("pid")

    run(body)


def test_what_cannot_be_prepared_is_tried_again_by_the_next(tmp_path: Path) -> None:
    async def body() -> None:
        async with kept(tmp_path) as it:

            async def refuse(worker: Worker) -> None:
                raise UsageError("not today")

            it.prepare = refuse
            for _ in range(8):
                with pytest.raises(UsageError, match="not today"):
                    await it.cell.request("pid")
            it.prepare = None
            assert await it.cell.request("echo", 1) == 1
            assert not it.cell.quarantined

    run(body)


def test_sync_calls_are_one_at_a_time_and_async_ones_together(tmp_path: Path) -> None:
    async def body() -> None:
        async with kept(tmp_path) as it:
            calls = [it.cell.request("echo", n, exclusive=True) for n in range(50)]
            calls += [it.cell.request("sleep", 0.01) for _ in range(50)]
            assert await asyncio.gather(*calls) == [*range(50), *[0.01] * 50]

    run(body)


@pytest.mark.parametrize("verb", ["spin", "hang_in_c"])
def test_a_sync_call_that_does_not_end_harms_no_other_one(tmp_path: Path, verb: str) -> None:
    async def body() -> None:
        async with kept(tmp_path) as it:
            await it.cell.request("nothing")
            bad = asyncio.create_task(it.cell.request(verb, exclusive=True, timeout=0.05))
            await asyncio.sleep(0)
            good = [
                asyncio.create_task(it.cell.request("echo", n, exclusive=True)) for n in range(5)
            ]
            with pytest.raises(CallTimeoutError):
                await bad
            assert await asyncio.gather(*good) == list(range(5))
            assert len(it.pids) == 2
            # Its worker was ended by us, so that nothing of it counts as a crash.
            assert not it.cell.quarantined

    run(body)


def test_the_wait_for_a_turn_and_for_a_start_is_within_the_timeout(tmp_path: Path) -> None:
    async def body() -> None:
        async with kept(tmp_path) as it:

            async def slow(worker: Worker) -> None:
                await asyncio.sleep(60)

            it.prepare = slow
            with pytest.raises(CallTimeoutError):
                await it.cell.request("pid", timeout=0.05, exclusive=True)
            it.prepare = None
            busy = asyncio.create_task(it.cell.request("sleep", 0.3, exclusive=True))
            await asyncio.sleep(0.05)
            with pytest.raises(CallTimeoutError):
                await it.cell.request("pid", timeout=0.02, exclusive=True)
            assert await busy == 0.3
            assert await it.cell.request("echo", 1, exclusive=True) == 1

    run(body)


def test_a_cancelled_call_gives_its_turn_back(tmp_path: Path) -> None:
    async def body() -> None:
        async with kept(tmp_path) as it:
            for delay in (0.0, 0.001, 0.02):
                tasks = [
                    asyncio.create_task(it.cell.request("sleep", 60, exclusive=True))
                    for _ in range(4)
                ]
                await asyncio.sleep(delay)
                for task in tasks:
                    task.cancel()
                await asyncio.gather(*tasks, return_exceptions=True)
                assert await it.cell.request("echo", 1, exclusive=True) == 1

    run(body)


def test_a_crash_fails_its_calls_and_the_next_one_has_a_new_worker(tmp_path: Path) -> None:
    async def body() -> None:
        async with kept(tmp_path) as it:
            for n in range(25):
                await it.cell.request("echo", n)
            with pytest.raises(WorkerCrashedError):
                await it.cell.request("crash", signal.SIGSEGV)
            assert await it.cell.request("echo", 1) == 1
            await until(lambda: "crashed" in it.names)
            detail = dict(it.events)["crashed"]
            assert detail["reason"] == "it was ended by the signal SIGSEGV"
            assert it.names.count("restarted") == 1

    run(body)


def test_a_plugin_that_crashes_again_and_again_is_held_back(tmp_path: Path) -> None:
    async def body() -> None:
        async with kept(tmp_path, Rules(crashes=3)) as it:
            for _ in range(3):
                with pytest.raises(WorkerCrashedError):
                    await it.cell.request("exit", 7)
            await until(lambda: "quarantined" in it.names)
            with pytest.raises(QuarantinedError):
                await it.cell.request("echo", 1)
            assert it.cell.quarantined
            it.cell.reset()
            assert await it.cell.request("echo", 1) == 1

    run(body)


def test_a_crash_while_it_is_prepared_counts(tmp_path: Path) -> None:
    async def body() -> None:
        async with kept(tmp_path, Rules(crashes=2)) as it:

            async def prepare(worker: Worker) -> None:
                await worker.channel.request("exit", 1)

            it.prepare = prepare
            for _ in range(2):
                with pytest.raises(WorkerCrashedError):
                    await it.cell.request("echo", 1)
            await until(lambda: it.cell.quarantined)

    run(body)


def test_a_worker_is_replaced_after_so_many_calls_when_those_are_over(tmp_path: Path) -> None:
    async def body() -> None:
        async with kept(tmp_path, Rules(calls=10)) as it:
            slow = asyncio.create_task(it.cell.request("sleep", 0.2))
            pids = [await it.cell.request("pid") for _ in range(30)]
            assert Counter(pids).most_common() == [
                (pids[9], 10),
                (pids[19], 10),
                (pids[0], 9),
                (pids[29], 1),
            ]
            assert await slow == 0.2
            await until(lambda: it.names.count("recycled") == 3)
            assert "crashed" not in it.names

    run(body)


def test_a_worker_that_nobody_calls_is_ended(tmp_path: Path) -> None:
    async def body() -> None:
        async with kept(tmp_path, Rules(idle=0.05)) as it:
            first = await it.cell.request("pid")
            await until(lambda: "recycled" in it.names)
            assert gone(first)
            assert await it.cell.request("pid") != first
            assert await it.cell.request("sleep", 0.3) == 0.3  # who waits is no idler

    run(body)


def test_the_memory_of_all_its_processes_is_bounded_together(tmp_path: Path) -> None:
    async def body() -> None:
        async with kept(tmp_path, processes=8, limits={"memory_mb": 400}) as it:
            with pytest.raises(LimitError) as caught:
                await it.cell.request("hold_in_children", 150 << 20)
            assert caught.value.limit == "max_memory_mb"
            await until(lambda: "limit" in it.names)
            assert await it.cell.request("echo", 1) == 1

    run(body)


def test_a_process_that_a_plugin_has_forked_does_not_answer_for_it(tmp_path: Path) -> None:
    async def body() -> None:
        async with kept(tmp_path, processes=8) as it:
            assert await it.cell.request("fork_and_raise") == "answered by its parent"
            assert await it.cell.request("echo", 1) == 1

    run(body)


def test_a_worker_can_be_replaced_at_will(tmp_path: Path) -> None:
    async def body() -> None:
        async with kept(tmp_path) as it:
            first = await it.cell.request("pid")
            await it.cell.restart()
            assert await it.cell.request("pid") != first
            assert gone(first)

    run(body)


def test_turns_pass_between_loops_also_when_one_stands_still(tmp_path: Path) -> None:
    it = Kept(tmp_path)
    found: Counter[str] = Counter()

    async def calls(name: str) -> None:
        for n in range(30):
            assert await it.cell.request("echo", n, exclusive=True) == n
            found[name] += 1

    stopped = asyncio.new_event_loop()

    async def stand_still() -> None:
        pending.extend(
            asyncio.ensure_future(it.cell.request("echo", 0, exclusive=True)) for _ in range(3)
        )
        await asyncio.sleep(0.02)

    pending: list[asyncio.Future[Any]] = []
    stopped.run_until_complete(it.cell.request("echo", 1))
    stopped.run_until_complete(stand_still())  # and is not run on
    threads = [
        threading.Thread(target=lambda name=str(n): run(lambda: calls(name))) for n in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert found == {str(n): 30 for n in range(4)}
    for task in pending:
        task.cancel()
    stopped.run_until_complete(asyncio.sleep(0.01))
    stopped.close()
    run(it.cell.close)


def test_of_many_calls_with_crashes_none_is_lost_and_nothing_is_left(tmp_path: Path) -> None:
    async def body() -> None:
        async with kept(tmp_path) as it:
            await it.cell.request("nothing")
            before = len(os.listdir("/proc/self/fd"))
            gate = asyncio.Semaphore(10)
            seen: Counter[str] = Counter()

            async def one(n: int) -> None:
                verb = "crash" if n % 50 == 49 else "echo" if n % 2 else "aecho"
                body = signal.SIGKILL if n % 50 == 49 else n
                async with gate:
                    try:
                        value = await it.cell.request(verb, body, exclusive=verb != "aecho")
                        seen["answered" if value == n else "wrong"] += 1
                    except WorkerCrashedError:
                        seen["crashed"] += 1

            await asyncio.gather(*(one(n) for n in range(500)))
            assert sum(seen.values()) == 500
            assert seen["wrong"] == 0
            assert 10 <= seen["crashed"] <= 100
            await it.cell.close()
            await until(lambda: len(os.listdir("/proc/self/fd")) <= before)

    run(body)
