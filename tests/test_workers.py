"""A worker answers, fails, streams, asks and ends; and nothing it writes harms who reads it."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any, TypeVar

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kurt_ext.contract import Progress, Result
from kurt_ext.errors import (
    CallCancelledError,
    CallTimeoutError,
    InvalidInputError,
    InvalidOutputError,
    IsolationError,
    LimitError,
    UsageError,
    WorkerCrashedError,
    WorkerError,
)
from kurt_ext.sandbox import frames, landlock
from kurt_ext.sandbox.channel import Channel
from kurt_ext.sandbox.failures import RemoteError
from kurt_ext.sandbox.frames import HEADER
from kurt_ext.sandbox.kernel import MACHINE
from kurt_ext.sandbox.limits import DEFAULTS
from kurt_ext.sandbox.spawning import Spawner, Worker

pytestmark = pytest.mark.skipif(
    not sys.platform.startswith("linux"), reason="workers are forked on Linux alone"
)
T = TypeVar("T")

SPAWNER = Spawner(packages=["workerside"])
HANDLER = "workerside.served:Handler"


def policy(folder: Path, **changed: Any) -> dict[str, Any]:
    limits = {**DEFAULTS, **changed.pop("limits", {})}
    return {
        "skill": "web-archiver",
        "read": [],
        "write": [],
        "execute": [],
        "hosts": [],
        "environment": {"LANG": "C.UTF-8", "GIVEN": "yes"},
        "processes": 1,
        "native": False,
        "cwd": str(folder),
        "scratch": str(folder),
        "limits": limits,
        "canary": "",
        "tier": "process",
        "require": [],
        "path": [],
        **changed,
    }


@contextlib.asynccontextmanager
async def working(
    folder: Path,
    *,
    python: str | None = None,
    answer: Any = None,
    event: Any = None,
    **changed: Any,
) -> AsyncIterator[Worker]:
    """Give a worker, and see that nothing of it is left."""
    worker = await SPAWNER.spawn(
        policy(folder, **changed), handler=HANDLER, python=python, answer=answer, event=event
    )
    pid = worker.pid
    try:
        yield worker
    finally:
        await worker.close()
        assert gone(pid)


def exists(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def run(body: Callable[[], Awaitable[T]]) -> T:
    async def limited() -> T:
        async with asyncio.timeout(20):
            return await body()

    return asyncio.run(limited())


# -- what it is ------------------------------------------------------------------


@pytest.mark.parametrize("python", [None, sys.executable], ids=["forked", "cold"])
def test_a_worker_has_what_it_was_given_and_nothing_of_the_host(
    tmp_path: Path, python: str | None
) -> None:
    async def body() -> None:
        async with working(tmp_path, python=python, path=["/nowhere/at/all"]) as worker:
            facts = await worker.channel.request("facts", ["kurt_ext.manager", "click"])
            assert facts["environment"] == {"LANG": "C.UTF-8", "GIVEN": "yes"}
            assert facts["cwd"] == str(tmp_path)
            assert facts["group"] is True
            assert facts["umask"] == 0o077
            assert facts["modules"] == []
            assert facts["descriptors"] == [0, 1, 2, 3, 4]
            assert facts["path"][-1] == "/nowhere/at/all"
            assert not any(path.endswith("-packages") for path in facts["path"])
            assert worker.report["tier"] == "process"
            assert await worker.channel.request("pid") == worker.pid != os.getpid()

    run(body)


def test_packages_of_ours_are_found_where_the_host_has_them(tmp_path: Path) -> None:
    async def body() -> None:
        async with working(tmp_path) as worker:
            for name in ("kurt_ext.contract", "workerside.served"):
                found = await worker.channel.request("find", name.partition(".")[0])
                file = sys.modules[name.partition(".")[0]].__file__
                assert found == os.path.realpath(str(file))  # of an editable install it is a link

    import workerside  # noqa: F401

    run(body)


def test_it_prints_into_a_bounded_place_without_what_moves_a_terminal(tmp_path: Path) -> None:
    events: list[str] = []

    async def body() -> None:
        async with working(
            tmp_path, limits={"output_kb": 100}, event=lambda name, detail: events.append(name)
        ) as worker:
            await worker.channel.request("say", b"hello \x1b[31mred\x1b[0m \xff\n")
            await until(lambda: "hello" in worker.output())
            assert worker.output() == "hello red \ufffd\n"
            assert not events
            await worker.channel.request("babble", 40)
            await until(lambda: "bytes before]" in worker.output())
            assert len(worker.output()) < 110_000
            assert events == ["limit"]

    run(body)


async def until(done: Callable[[], bool]) -> None:
    while not done():
        await asyncio.sleep(0.005)


# -- calls -------------------------------------------------------------------------


def test_values_go_both_ways(tmp_path: Path) -> None:
    blob = os.urandom(3 << 20)

    async def body() -> None:
        async with working(tmp_path) as worker:
            request = worker.channel.request
            for verb in ("echo", "aecho"):
                for value in (None, {"a": [1, "\u20ac", b"\x00"]}, blob, "x" * 1_000_000):
                    assert await request(verb, value) == value
            assert await request("add", [1, 2]) == Result(True, {"sum": 3})

    run(body)


def test_many_calls_at_once_have_each_their_own_answer(tmp_path: Path) -> None:
    async def body() -> None:
        async with working(tmp_path) as worker:
            request = worker.channel.request
            calls = [request("aecho" if n % 2 else "echo", [n, b"x" * n * 50]) for n in range(300)]
            assert await asyncio.gather(*calls) == [[n, b"x" * n * 50] for n in range(300)]

    run(body)


def test_a_failure_is_raised_as_what_it_was(tmp_path: Path) -> None:
    async def body() -> None:
        async with working(tmp_path, limits={"reply_mb": 1}) as worker:
            request = worker.channel.request
            with pytest.raises(RemoteError, match="ValueError: boom") as failed:
                await request("fail", "boom")
            assert "workerside" in failed.value.traceback
            with pytest.raises(UsageError) as usage:
                await request("usage")
            assert usage.value.hint == "so"
            with pytest.raises(RemoteError, match="SystemExit: 3"):
                await request("leave", 3)
            with pytest.raises(InvalidOutputError) as unsendable:
                await request("unsendable")
            assert "value['a'][0]" in (unsendable.value.cause or "")
            with pytest.raises(LimitError) as large:
                await request("large", 2 << 20)
            assert (large.value.limit, large.value.allowed) == ("max_reply_mb", 1)
            with pytest.raises(LimitError) as starved:
                await request("starve")
            assert starved.value.limit == "max_memory_mb"
            with pytest.raises(InvalidInputError, match="cannot be sent"):
                await request("echo", object())
            assert await request("echo", 1) == 1

    run(body)


def test_progress_comes_before_the_answer_and_in_order(tmp_path: Path) -> None:
    async def body() -> None:
        async with working(tmp_path) as worker:
            seen: list[Progress] = []
            assert await worker.channel.request("count", 500, on_progress=seen.append) == 500
            assert [progress.current for progress in seen] == list(range(500))
            assert await worker.channel.request("count", 5) == 5

            def refuse(_: Any) -> None:
                raise KeyError("enough")

            with pytest.raises(KeyError):
                await worker.channel.request("count", 5000, on_progress=refuse)
            assert await worker.channel.request("echo", 1) == 1

    run(body)


@pytest.mark.parametrize("verb", ["items", "aitems"])
def test_a_generator_comes_as_a_stream_that_waits_for_its_reader(tmp_path: Path, verb: str) -> None:
    async def body() -> None:
        async with working(tmp_path) as worker:
            channel = worker.channel
            found = [item async for item in channel.stream(verb, {"count": 100})]
            assert found == list(range(100))
            found.clear()
            with pytest.raises(RemoteError, match="no more"):
                async for item in channel.stream(verb, {"count": 20, "fail": True}):
                    found.append(item)
            assert found == list(range(20))
            stream = await channel.request(verb, {"count": 1 << 60})
            assert await anext(stream) == 0
            # Other calls are served although nobody reads on.
            assert await channel.request("echo", 1) == 1
            await stream.aclose()
            await until(lambda: channel.pending == 0)
            stream = await channel.request(verb, {"count": 1 << 60})
            await anext(stream)
            del stream
            gc.collect()
            await until(lambda: channel.pending == 0)
            assert [item async for item in channel.stream("echo", 7)] == [7]

    run(body)


def test_large_items_are_few_under_way(tmp_path: Path) -> None:
    async def body() -> None:
        async with working(tmp_path) as worker:
            stream = await worker.channel.request("items", {"count": 30, "size": 700_000})
            await asyncio.sleep(0.05)
            assert stream._flow._size <= frames.WINDOW_BYTES + 700_000 + 100
            assert [len(item) async for item in stream] == [700_000] * 30

    run(body)


# -- questions ----------------------------------------------------------------------


@pytest.mark.parametrize("verb", ["ask", "aask", "ask_in_thread", "ask_in_loop"])
def test_the_host_is_asked_while_it_waits(tmp_path: Path, verb: str) -> None:
    async def answer(name: str, operation: str, args: list[Any], kwargs: dict[str, Any]) -> Any:
        await asyncio.sleep(0.001)
        if operation == "nest":
            return await nested[0].request("echo", args)
        if operation == "refuse":
            raise UsageError("not for you")
        if operation == "break":
            raise ValueError("inside")
        return [name, operation, args, kwargs]

    async def body() -> None:
        async with working(tmp_path, answer=answer) as worker:
            nested.append(worker.channel)
            request = worker.channel.request
            told = ["http", "get", [1, b"x"], {"a": 2}]
            assert await request(verb, told) == told
            if verb != "ask_in_thread":
                with pytest.raises(UsageError, match="not for you"):
                    await request(verb, ["db", "refuse", [], {}])
                with pytest.raises(RemoteError, match="ValueError: inside"):
                    await request(verb, ["db", "break", [], {}])
            if verb == "aask":
                assert await request(verb, ["x", "nest", [3], {}]) == [3]

    nested: list[Channel] = []
    run(body)


def test_where_nothing_is_lent_a_question_is_refused(tmp_path: Path) -> None:
    async def body() -> None:
        async with working(tmp_path) as worker:
            with pytest.raises(WorkerError, match="nothing is lent"):
                await worker.channel.request("ask", ["http", "get", [], {}])

    run(body)


# -- ends -----------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.parametrize("verb", ["spin", "hang_in_c", "block", "stubborn"])
def test_a_timeout_ends_what_heeds_nothing(tmp_path: Path, verb: str) -> None:
    async def body() -> None:
        async with working(tmp_path) as worker:
            with pytest.raises(CallTimeoutError):
                await worker.channel.request(verb, timeout=0.05)
            end = await worker.ended()
            assert (end.code, end.reason) == (-9, "a call did not end when it was told to")
            with pytest.raises(WorkerCrashedError):
                await worker.channel.request("nothing")

    run(body)


@pytest.mark.parametrize(("verb", "body"), [("sleep", 60), ("heed", None)])
def test_a_call_that_heeds_its_cancellation_costs_no_worker(
    tmp_path: Path, verb: str, body: Any
) -> None:
    async def main() -> None:
        async with working(tmp_path) as worker:
            with pytest.raises(CallTimeoutError):
                await worker.channel.request(verb, body, timeout=0.02)
            task = asyncio.create_task(worker.channel.request(verb, body))
            await asyncio.sleep(0.02)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            await until(lambda: worker.channel.pending == 0)
            assert await worker.channel.request("echo", 1) == 1

    run(main)


def test_the_time_of_the_policy_is_a_limit(tmp_path: Path) -> None:
    async def body() -> None:
        async with working(tmp_path, limits={"seconds": 0.05}) as worker:
            for timeout in (None, 30):
                with pytest.raises(LimitError) as caught:
                    await worker.channel.request("sleep", 60, timeout=timeout)
                assert caught.value.limit == "max_execution_time_seconds"
            with pytest.raises(CallTimeoutError):
                await worker.channel.request("sleep", 60, timeout=0.01)

    run(body)


@pytest.mark.slow
def test_processor_time_is_a_limit(tmp_path: Path) -> None:
    async def body() -> None:
        async with working(tmp_path, limits={"cpu_seconds": 1}) as worker:
            with pytest.raises(LimitError) as caught:
                await worker.channel.request("spin")
            assert caught.value.limit == "max_cpu_seconds"

    run(body)


@pytest.mark.parametrize(
    ("verb", "body", "code"),
    [
        ("crash", signal.SIGSEGV, -signal.SIGSEGV),
        ("crash", signal.SIGKILL, -signal.SIGKILL),
        ("exit", 0, 0),
        ("exit", 3, 3),
    ],
)
def test_a_crash_fails_every_call_under_way_and_says_how(
    tmp_path: Path, verb: str, body: int, code: int
) -> None:
    async def main() -> None:
        async with working(tmp_path) as worker:
            await worker.channel.request("say", b"last words\n")
            others = [asyncio.create_task(worker.channel.request("sleep", 60)) for _ in range(3)]
            await asyncio.sleep(0.02)
            with pytest.raises(WorkerCrashedError) as caught:
                await worker.channel.request(verb, body)
            assert "last words" in (caught.value.cause or "")
            for other in others:
                with pytest.raises(WorkerCrashedError):
                    await other
            assert (await worker.ended()).code == code

    run(main)


def test_what_a_worker_started_ends_with_it_even_outside_of_its_group(tmp_path: Path) -> None:
    async def body() -> None:
        async with working(tmp_path, processes=8) as worker:
            children = await worker.channel.request("fork")
            assert all(map(exists, children))
        await until(lambda: not any(map(exists, children)))

    run(body)


def test_a_handler_that_cannot_be_made_is_an_error_with_its_reason(tmp_path: Path) -> None:
    async def body() -> None:
        with pytest.raises(RemoteError, match="AttributeError"):
            await SPAWNER.spawn(policy(tmp_path), handler="workerside.served:Nobody")

    run(body)


def test_a_worker_that_the_kernel_holds_serves_as_any_other(tmp_path: Path) -> None:
    if landlock.probe()[0] < 1 or not MACHINE:
        pytest.skip("this kernel has no Landlock, or this machine no table of calls")
    scratch, canary = tmp_path / "scratch", tmp_path / "canary"
    scratch.mkdir()
    canary.write_text("x")
    told = {"tier": "kernel", "write": [str(scratch)], "canary": str(canary)}

    async def body() -> None:
        async with working(scratch, answer=lambda *given: [*given], **told) as worker:
            assert {"files", "network", "processes"} <= set(worker.report["enforced"])
            request = worker.channel.request
            blob = os.urandom(2 << 20)
            for verb in ("echo", "aecho"):
                assert await request(verb, blob) == blob
            for verb in ("ask", "aask", "ask_in_thread", "ask_in_loop"):
                assert await request(verb, ["a", "b", [], {}]) == ["a", "b", [], {}]
            for verb in ("items", "aitems"):
                found = [item async for item in worker.channel.stream(verb, {"count": 40})]
                assert found == list(range(40))
            with pytest.raises(RemoteError, match="PermissionError"):
                await request("fork")
            with pytest.raises(CallTimeoutError):
                await request("hang_in_c", timeout=0.05)

    run(body)


def test_what_cannot_be_confined_is_refused_with_the_reason(tmp_path: Path) -> None:
    async def body() -> None:
        with pytest.raises(IsolationError, match="cannot be isolated here") as caught:
            await SPAWNER.spawn(policy(tmp_path, require=["files"]), handler=HANDLER)
        assert "files are checked in Python only" in caught.value.missing[0]

    run(body)


def test_a_python_that_is_none_is_an_error_with_its_reason(tmp_path: Path) -> None:
    async def body() -> None:
        with pytest.raises(WorkerError, match="did not start") as caught:
            await SPAWNER.spawn(policy(tmp_path), handler=HANDLER, python="/nowhere/python")
        assert "No such file" in (caught.value.cause or "")
        with pytest.raises(WorkerError, match="did not start"):
            await SPAWNER.spawn(policy(tmp_path), handler=HANDLER, python="/bin/false")

    run(body)


def test_without_a_zygote_a_worker_is_a_child_of_the_host(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("kurt_ext.sandbox.spawning.has_zygote", lambda: False)

    async def body() -> None:
        async with working(tmp_path, processes=8) as worker:
            facts = await worker.channel.request("facts", [])
            assert facts["descriptors"] == [0, 1, 2, 3, 4]
            assert facts["group"] is True
            await worker.channel.request("say", b"here")
            children = await worker.channel.request("fork")
            with pytest.raises(CallTimeoutError):
                await worker.channel.request("spin", timeout=0.05)
            assert (await worker.ended()).code == -9
            assert worker.output() == "here"
            assert gone(children[0])  # who leaves the group is not seen without a zygote
            with contextlib.suppress(ProcessLookupError):
                os.kill(children[1], signal.SIGKILL)
        async with working(tmp_path) as worker:
            with pytest.raises(WorkerCrashedError):
                await worker.channel.request("crash", signal.SIGSEGV)

    run(body)


# -- loops and threads -----------------------------------------------------------------


def test_a_worker_outlives_the_loop_it_was_started_in(tmp_path: Path) -> None:
    worker = asyncio.run(SPAWNER.spawn(policy(tmp_path), handler=HANDLER))
    for number in range(3):
        assert asyncio.run(worker.channel.request("echo", number)) == number
    with contextlib.suppress(CallTimeoutError):  # the loop is closed before its grace is over
        asyncio.run(worker.channel.request("spin", timeout=0.02))
    end = run(worker.ended)
    assert end.code == -9


def test_many_loops_call_at_once_and_none_waits_for_another(tmp_path: Path) -> None:
    worker = asyncio.run(SPAWNER.spawn(policy(tmp_path), handler=HANDLER))
    found: list[list[int]] = []

    def caller(start: int) -> None:
        async def calls() -> list[int]:
            mine = [worker.channel.request("aecho", start + n) for n in range(100)]
            seen: list[Progress] = []
            count = await worker.channel.request("count", 20, on_progress=seen.append)
            assert [p.current for p in seen] == list(range(count))
            return [*await asyncio.gather(*mine)]

        found.append(run(calls))

    async def blocked() -> None:
        await worker.channel.request("echo", 0)
        pending = asyncio.create_task(worker.channel.request("aecho", -1))
        await asyncio.sleep(0)
        threads = [threading.Thread(target=caller, args=(n * 1000,)) for n in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(30)  # this loop reads nothing meanwhile
        assert await pending == -1

    asyncio.run(blocked())
    assert sorted(map(tuple, found)) == [tuple(range(n * 1000, n * 1000 + 100)) for n in range(4)]
    run(worker.close)


def test_what_a_handler_leaves_on_its_loop_goes_on_without_a_call(tmp_path: Path) -> None:
    async def body() -> None:
        async with working(tmp_path) as worker:
            await worker.channel.request("linger")
            await until(lambda: len(worker.output().split()) == 4)
            assert sorted(worker.output().split()) == ["socket", "task", "thread", "timer"]

    run(body)


def test_quick_calls_in_a_row_leave_the_others_on_the_loop_their_turns(tmp_path: Path) -> None:
    async def body() -> None:
        async with working(tmp_path) as worker:
            turns = 0

            async def other() -> None:
                nonlocal turns
                while True:
                    turns += 1
                    await asyncio.sleep(0)

            beside = asyncio.create_task(other())
            for _ in range(200):
                await worker.channel.request("nothing")
            beside.cancel()
            assert turns > 10

    run(body)


# -- a worker that lies -----------------------------------------------------------------


def forged(kind: int, id: int, text: bytes = b"", blob: bytes = b"") -> bytes:
    return HEADER.pack(kind, id, len(text), len(blob)) + text + blob


LIES = {
    "an answer to no call": forged(frames.RESULT, 77, b"1"),
    "two answers": forged(frames.RESULT, 1, b"1") + forged(frames.RESULT, 1, b"1"),
    "an answer to the start": forged(frames.RESULT, 0, b"1"),
    "a second report": forged(frames.READY, 0, b"{}"),
    "a report to a call": forged(frames.READY, 1, b"{}"),
    "what a host says": forged(frames.REQUEST, 1, b'["a",1]'),
    "no kind": forged(255, 1, b"1"),
    "no JSON": forged(frames.RESULT, 1, b"{"),
    "too deep": forged(frames.RESULT, 1, b"[" * 1000 + b"]" * 1000),
    "too long": HEADER.pack(frames.RESULT, 1, 1 << 30, 0),
    "too many bytes": HEADER.pack(frames.RESULT, 1, 1, 1 << 30),
    "bytes to nothing": forged(frames.RESULT, 1, b"1", b"abc"),
    "an item of no stream": forged(frames.ITEM, 1, b"1"),
    "an end of no stream": forged(frames.END, 1),
    "two streams": forged(frames.STREAMING, 1) * 2,
    "a stream and an answer": forged(frames.STREAMING, 1) + forged(frames.RESULT, 1, b"1"),
    "too many items": forged(frames.STREAMING, 1) + forged(frames.ITEM, 1, b"1") * 17,
    "an error that is none": forged(frames.ERROR, 1, b"[]"),
    "a question that asks nothing": forged(frames.ASK, 1, b'["a"]'),
    "a question of other types": forged(frames.ASK, 1, b'[1,"a",[],{},0]'),
    "one question twice": forged(frames.ASK, 1, b'["a","b",[],{},0]') * 2,
    "too many questions": b"".join(forged(frames.ASK, n, b'["a","b",[],{},0]') for n in range(300)),
    "an event that says nothing": forged(frames.EVENT, 0, b"1"),
    "an event without detail": forged(frames.EVENT, 0, b'["a",1]'),
    "a progress that is none": forged(frames.PROGRESS, 1, b'{"$progress":{"message":[]}}'),
}


async def slow_answer(*_: Any) -> None:
    await asyncio.sleep(60)


@pytest.mark.parametrize("lie", LIES)
def test_a_lie_ends_the_worker_and_reaches_nobody(lie: str) -> None:
    async def body() -> None:
        ours, theirs = socket.socketpair()
        lost: list[str | None] = []
        trouble: list[Any] = []
        asyncio.get_running_loop().set_exception_handler(lambda _, c: trouble.append(c))
        channel = Channel(ours, name="liar", answer=slow_answer, lost=lost.append)
        calls = [
            asyncio.create_task(channel.request("a", on_progress=lambda _: None, timeout=20))
            for _ in range(2)
        ]
        await asyncio.sleep(0)
        theirs.sendall(LIES[lie])
        with pytest.raises(WorkerError) as caught:
            await calls[1]
        assert caught.value.cause
        await asyncio.gather(calls[0], return_exceptions=True)
        assert len(lost) == 1
        assert lost[0]
        assert not channel.is_open
        assert not trouble
        with pytest.raises(WorkerError):
            await channel.request("a")
        theirs.close()

    run(body)


real_frames = st.builds(
    forged,
    st.sampled_from(range(14, 28)),
    st.sampled_from([0, 1, 2, 3]),
    st.sampled_from(
        [b"", b"1", b"{}", b'["a",{}]', b'["a","b",[],{},1]', b"[", b'{"$b":[0,1]}', b'"x"']
    ),
    st.sampled_from([b"", b"", b"", b"z"]),
)


@settings(deadline=None, max_examples=200, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(st.one_of(real_frames, st.binary(max_size=40)), max_size=12))
def test_whatever_a_worker_writes_ends_calls_in_values_or_errors(pieces: list[bytes]) -> None:
    async def body() -> None:
        ours, theirs = socket.socketpair()
        trouble: list[Any] = []
        asyncio.get_running_loop().set_exception_handler(lambda _, c: trouble.append(c))
        channel: Channel
        channel = Channel(
            ours,
            name="liar",
            answer=lambda *_: 1,
            lost=lambda reason: channel.fail(lambda: WorkerCrashedError("gone")),
        )
        calls = [asyncio.create_task(channel.request("a", timeout=20)) for _ in range(3)]
        await asyncio.sleep(0)
        theirs.sendall(b"".join(pieces))
        theirs.shutdown(socket.SHUT_WR)
        for call in calls:
            with contextlib.suppress(WorkerError, RemoteError):
                value = await call
                if hasattr(value, "aclose"):
                    await value.aclose()
        await until(lambda: not channel.is_open)
        theirs.close()
        await asyncio.sleep(0)
        assert not trouble

    run(body)


def test_a_lie_of_a_real_worker_kills_it(tmp_path: Path) -> None:
    async def body() -> None:
        async with working(tmp_path) as worker:
            with pytest.raises(WorkerError, match="was ended"):
                await worker.channel.request("raw", LIES["an answer to no call"])
            end = await worker.ended()
            assert end.reason == "an answer came to a call that nobody has made"

    run(body)


# -- the host -----------------------------------------------------------------------------

HOST = """
import asyncio, os, sys, threading
sys.path[:0] = {path!r}
from test_workers import HANDLER, SPAWNER, policy
from pathlib import Path
async def main():
    worker = await SPAWNER.spawn(policy(Path("/")), handler=HANDLER)
    await worker.channel.request("echo", 1)
    print(worker.pid, flush=True)
    asyncio.create_task(worker.channel.request("spin"))
    await asyncio.sleep(0.1)
    {then}
asyncio.run(main())
"""


def host(then: str, **options: Any) -> subprocess.Popen[str]:
    path = [str(Path(__file__).parent), *[p for p in sys.path if p]]
    script = HOST.format(path=path, then=then)
    return subprocess.Popen(
        [sys.executable, "-c", script],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        **options,
    )


def gone(pid: int) -> bool:
    for _ in range(400):
        if not exists(pid):
            return True
        time.sleep(0.025)
    return False


@pytest.mark.slow
@pytest.mark.parametrize(
    "then",
    ["return", "os._exit(0)", "os.kill(os.getpid(), 9)", "raise KeyboardInterrupt"],
)
def test_no_worker_outlives_its_host(then: str) -> None:
    with host(then) as process:
        out, _ = process.communicate(timeout=60)
    assert gone(int(out))


def test_an_interrupt_of_the_terminal_reaches_the_host_alone() -> None:
    then = """
    try:
        await asyncio.sleep(60)
    except asyncio.CancelledError:
        print(os.path.exists(f"/proc/{worker.pid}"), flush=True)
        raise
"""
    with host(then, start_new_session=True) as process:
        assert process.stdout is not None
        pid = int(process.stdout.readline())
        time.sleep(0.2)
        os.killpg(process.pid, signal.SIGINT)
        out, _ = process.communicate(timeout=60)
    assert out.strip() == "True"
    assert gone(pid)


AWKWARD = {
    "without a working directory": "d = __import__('tempfile').mkdtemp(); os.chdir(d); os.rmdir(d)",
    "without standard streams": "os.closerange(0, 3)",
    "with threads": "[threading.Thread(target=threading.Event().wait, daemon=True).start() "
    "for _ in range(8)]",
    "with another path": "os.environ.update(PYTHONPATH='/nowhere', PYTHONHOME='/nowhere')",
}


@pytest.mark.parametrize("name", AWKWARD)
def test_workers_start_under_a_host(name: str, tmp_path: Path) -> None:
    out = tmp_path / "out"
    script = f"""
import asyncio, os, sys, threading
sys.path[:0] = {[str(Path(__file__).parent), *[p for p in sys.path if p]]!r}
from test_workers import HANDLER, SPAWNER, policy
from pathlib import Path
{AWKWARD[name]}
async def main():
    worker = await SPAWNER.spawn(policy(Path("/")), handler=HANDLER)
    Path({str(out)!r}).write_text(str(await worker.channel.request("echo", 41)))
    await worker.close()
asyncio.run(main())
"""
    subprocess.run([sys.executable, "-c", script], timeout=60)
    assert out.read_text() == "41"


def test_a_zygote_that_dies_is_replaced(tmp_path: Path) -> None:
    async def body() -> None:
        async with working(tmp_path) as worker:
            with open(f"/proc/{worker.pid}/stat", encoding="ascii") as file:
                zygote = int(file.read().rpartition(")")[2].split()[1])
            os.kill(zygote, signal.SIGKILL)
            with pytest.raises(WorkerCrashedError):
                await worker.channel.request("sleep", 60)
        async with working(tmp_path) as worker:
            assert await worker.channel.request("echo", 1) == 1

    run(body)


def test_a_fork_of_the_host_has_workers_of_its_own(tmp_path: Path) -> None:
    script = f"""
import asyncio, os, sys
sys.path[:0] = {[str(Path(__file__).parent), *[p for p in sys.path if p]]!r}
from test_workers import HANDLER, SPAWNER, policy
from pathlib import Path
async def once():
    worker = await SPAWNER.spawn(policy(Path("/")), handler=HANDLER)
    print(await worker.channel.request("echo", 1), flush=True)
    return worker
mine = asyncio.run(once())
child = os.fork()
if not child:
    asyncio.run(once())
    os._exit(0)
assert os.waitpid(child, 0)[1] == 0
print(asyncio.run(mine.channel.request("echo", 2)))
"""
    done = subprocess.run(
        [sys.executable, "-c", script], timeout=60, capture_output=True, text=True
    )
    assert done.stdout.split() == ["1", "1", "2"], done.stderr


def test_nothing_stays_open(tmp_path: Path) -> None:
    async def body() -> None:
        async with working(tmp_path) as worker:
            await worker.channel.request("echo", 1)
        before = len(os.listdir("/proc/self/fd"))
        for _ in range(5):
            async with working(tmp_path) as worker:
                await worker.channel.request("aecho", 1)
        with contextlib.suppress(WorkerError):
            await SPAWNER.spawn(policy(tmp_path), handler=HANDLER, python="/bin/false")
        await until(lambda: len(os.listdir("/proc/self/fd")) <= before)

    run(body)


def test_a_cancelled_start_leaves_nothing(tmp_path: Path) -> None:
    async def body() -> None:
        async with working(tmp_path):
            pass
        before = len(os.listdir("/proc/self/fd"))
        for delay in (0.0, 0.001, 0.003):
            task = asyncio.create_task(SPAWNER.spawn(policy(tmp_path), handler=HANDLER))
            await asyncio.sleep(delay)
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await (await task).close()
        await until(lambda: len(os.listdir("/proc/self/fd")) <= before)

    run(body)


def test_a_cancelled_call_may_say_so_itself(tmp_path: Path) -> None:
    async def body() -> None:
        async with working(tmp_path) as worker:
            task = asyncio.create_task(
                worker.channel.request("count", 1 << 40, on_progress=lambda _: None)
            )
            await asyncio.sleep(0.05)
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError, CallCancelledError):
                await task
            await until(lambda: worker.channel.pending == 0)
            assert worker.is_alive

    run(body)
