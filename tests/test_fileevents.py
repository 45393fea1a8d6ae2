"""Events of real files: told by the system or found by looking, whatever comes and goes."""

from __future__ import annotations

import asyncio
import os
import shutil
import sys
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import aclosing, asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from trees import grow

from kurt_ext.errors import MissingExtraError
from kurt_ext.fileevents import events

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="links and renames as on POSIX")

Next = Callable[[str], Coroutine[Any, Any, set[str]]]


@asynccontextmanager
async def watching(*roots: Path, poll: bool) -> AsyncIterator[Next]:
    """Give a function that waits for events of a path, and returns what happened to it."""
    source = events([str(root) for root in roots], debounce_ms=200, step_ms=1, poll=poll)
    seen: dict[str, set[str]] = {}
    told = asyncio.Event()

    async def collect() -> None:
        async with aclosing(source) as batches:
            async for batch in batches:
                for what, path in batch:
                    seen.setdefault(path, set()).add(what)
                told.set()

    async def happened(path: str) -> set[str]:
        async with asyncio.timeout(10):
            while path not in seen:
                told.clear()
                await told.wait()
        return seen.pop(path)

    task = asyncio.ensure_future(collect())
    await asyncio.sleep(0.3 if poll else 0.05)  # the first look has been taken
    try:
        yield happened
    finally:
        task.cancel()
        await asyncio.wait({task})


@pytest.fixture(params=[False, True], ids=["watched", "polled"])
def poll(request: pytest.FixtureRequest) -> bool:
    return bool(request.param)


def test_a_save_is_told(tmp_path: Path, poll: bool) -> None:
    root = grow(tmp_path / "r", {"a": {"x.py": "1"}})

    async def main() -> None:
        async with watching(root, poll=poll) as happened:
            for text in ("2", "3"):  # of one size, within a second
                (root / "a/x.py").write_text(text)
                assert await happened(str(root / "a/x.py")) == {"modified"}

    asyncio.run(main())


def test_folders_come_and_go(tmp_path: Path, poll: bool) -> None:
    root = grow(tmp_path / "r", {"a": {"x.py": "1"}})
    grow(tmp_path / "n", {"sub": {"y.py": "1"}})

    async def main() -> None:
        async with watching(root, poll=poll) as happened:
            os.rename(tmp_path / "n", root / "n")
            assert await happened(str(root / "n")) == {"added"}
            (root / "n/sub/y.py").write_text("22")
            await happened(str(root / "n/sub/y.py"))
            shutil.rmtree(root / "a")
            assert "deleted" in await happened(str(root / "a"))

    asyncio.run(main())


def test_a_root_may_come_later_go_and_come_back(tmp_path: Path, poll: bool) -> None:
    root, late = tmp_path / "r", tmp_path / "late"
    root.mkdir()

    async def main() -> None:
        async with watching(root, late, poll=poll) as happened:
            grow(late, {"a": {"x.py": "1"}})
            await happened(str(late))
            (late / "a/x.py").write_text("22")
            await happened(str(late / "a/x.py"))
            shutil.rmtree(root)
            await happened(str(root))
            grow(root, {"b": {"y.py": "1"}})
            await happened(str(root))
            (root / "b/y.py").write_text("22")
            await happened(str(root / "b/y.py"))

    asyncio.run(main())


def test_no_root_at_all_is_waited_for(tmp_path: Path, poll: bool) -> None:
    root = tmp_path / "deep" / "r"

    async def main() -> None:
        async with watching(root, poll=poll) as happened:
            grow(root, {"a": {"x.py": "1"}})
            await happened(str(root))

    asyncio.run(main())


def test_a_folder_that_is_linked_in_later_is_followed(tmp_path: Path, poll: bool) -> None:
    root = grow(tmp_path / "r", {})
    elsewhere = grow(tmp_path / "elsewhere", {"x.py": "1"})

    async def main() -> None:
        async with watching(root, poll=poll) as happened:
            (root / "linked").symlink_to(elsewhere)
            await happened(str(root / "linked"))
            await asyncio.sleep(0.1)
            (elsewhere / "x.py").write_text("22")
            await happened(str(root / "linked/x.py"))

    asyncio.run(main())


def test_a_link_in_a_circle_ends(tmp_path: Path) -> None:
    root = grow(tmp_path / "r", {"a": {"x.py": "1"}})
    (root / "a" / "round").symlink_to(root)

    async def main() -> None:
        async with watching(root, poll=True) as happened:
            (root / "a/x.py").write_text("22")
            await happened(str(root / "a/x.py"))

    asyncio.run(main())


@pytest.mark.parametrize("error", [OSError(28, "no watch left"), RuntimeError("too many files")])
def test_where_no_watch_is_left_the_files_are_polled(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    root = grow(tmp_path / "r", {"a": {"x.py": "1"}})
    notes: list[str] = []

    def exhausted(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr("watchfiles._rust_notify.RustNotify", exhausted)

    async def main() -> None:
        source = events([str(root)], debounce_ms=200, step_ms=1, note=notes.append)
        async with aclosing(source) as batches:
            first = asyncio.ensure_future(anext(batches))
            await asyncio.sleep(0.3)
            (root / "a/x.py").write_text("22")
            assert ("modified", str(root / "a/x.py")) in await first

    asyncio.run(main())
    assert len(notes) == 1
    assert "polled" in notes[0]


def test_without_watchfiles_the_extra_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "watchfiles", None)

    async def main() -> None:
        async for _ in events([str(tmp_path)], debounce_ms=200, step_ms=1):
            pass

    with pytest.raises(MissingExtraError) as caught:
        asyncio.run(main())
    assert "kurt-ext[watch]" in (caught.value.hint or "")
