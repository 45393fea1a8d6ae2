"""Whether code is running is seen in awaits and in stacks, of one generation and no other."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from guests import Guest

from kurt_ext.inflight import busy

CODE = """
    import asyncio, threading
    async def leaf(event):
        await event.wait()
    async def through_host(outer):
        await outer(leaf)
    async def stream(event):
        yield 1
        await event.wait()
        yield 2
    async def drain(event):
        async for _ in stream(event):
            pass
    class Awaited:
        def __init__(self, event): self.event = event
        def __await__(self): return (yield from self.event.wait().__await__())
    def spin(event):
        event.wait()
    def call(function, *args):
        return function(*args)
"""


@pytest.fixture
def guest(tmp_path: Path) -> Iterator[Guest]:
    guest = Guest(tmp_path / "guest")
    yield guest
    guest.leave_all()


def test_nothing_runs_where_nothing_was_called(guest: Guest) -> None:
    module, _ = guest.arrive(CODE)
    assert busy([module]) == []
    assert busy([]) == []


@pytest.mark.parametrize(
    ("call", "function", "line"),
    [
        ("module.leaf(event)", "leaf", 4),
        ("host(module.leaf, event)", "leaf", 4),
        ("module.drain(event)", "stream", 9),
        ("awaiting(module.Awaited(event))", "Awaited.__await__", 16),
        ("iterating(module.stream(event))", "stream", 9),
        ("module.through_host(waiting(event))", "through_host", 6),
    ],
)
def test_a_task_is_inside_wherever_it_waits(
    guest: Guest, call: str, function: str, line: int
) -> None:
    async def host(inner, event):  # type: ignore[no-untyped-def]
        await inner(event)

    async def awaiting(thing):  # type: ignore[no-untyped-def]
        await thing

    async def iterating(things):  # type: ignore[no-untyped-def]
        async for _ in things:
            pass

    def waiting(event):  # type: ignore[no-untyped-def]
        async def outer(leaf):  # type: ignore[no-untyped-def]
            await event.wait()

        return outer

    async def main() -> None:
        module, _ = guest.arrive(CODE)
        event = asyncio.Event()
        names = {"module": module, "event": event, "host": host, "awaiting": awaiting}
        coroutine = eval(call, {**names, "waiting": waiting, "iterating": iterating})
        task = asyncio.create_task(coroutine, name="caller")
        await asyncio.sleep(0)
        place = f"{guest.folder / 'guest.py'}:{line}"
        assert busy([module]) == [f"task caller in {function} at {place}"]
        assert busy([module], exclude=[task]) == []
        assert busy([json]) == []
        event.set()
        await task
        assert busy([module]) == []

    asyncio.run(main())


def test_a_task_of_another_loop_and_a_thread_are_seen(guest: Guest) -> None:
    module, _ = guest.arrive(CODE)
    ready, event = threading.Event(), threading.Event()
    loop = asyncio.new_event_loop()

    async def other() -> None:
        inner = asyncio.Event()
        task = asyncio.create_task(module.leaf(inner), name="far")
        await asyncio.sleep(0)
        ready.set()
        while not event.is_set():
            await asyncio.sleep(0.001)
        inner.set()
        await task

    far = threading.Thread(target=lambda: loop.run_until_complete(other()))
    near = threading.Thread(target=module.call, args=(event.wait,), name="near")
    far.start()
    near.start()
    try:
        ready.wait()
        place = guest.folder / "guest.py"
        assert busy([module], [loop]) == [
            f"task far in leaf at {place}:4",
            f"thread near in call at {place}:20",
        ]
        assert busy([module], [loop], exclude=[near]) == [f"task far in leaf at {place}:4"]
    finally:
        event.set()
        far.join()
        near.join()
        loop.close()


def test_the_one_who_asks_does_not_count(guest: Guest) -> None:
    module, _ = guest.arrive(CODE)
    assert module.call(busy, [module]) == []


def test_generations_are_told_apart(guest: Guest) -> None:
    async def main() -> None:
        old, _ = guest.arrive(CODE)
        event = asyncio.Event()
        task = asyncio.create_task(old.leaf(event))
        await asyncio.sleep(0)
        new, _ = guest.arrive(CODE)
        assert len(busy([old])) == 1
        assert busy([new]) == []
        event.set()
        await task

    asyncio.run(main())
