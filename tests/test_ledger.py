"""What a generation of a plugin leaves in the process is undone, the last first, or named."""

from __future__ import annotations

import asyncio
import gc
import json
import logging
import os
import signal
import sys
import threading
import warnings
import weakref
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from guests import Guest

from kurt_ext.ledger import Ledger, Left
from kurt_ext.members import at_exit


@pytest.fixture
def guest(tmp_path: Path) -> Iterator[Guest]:
    guest = Guest(tmp_path / "guest")
    yield guest
    guest.leave_all()


def dispose(ledger: Ledger, **options: Any) -> list[Left]:
    return asyncio.run(ledger.dispose(**options))


def picture() -> dict[str, Any]:
    """Return what a plugin can change, by name."""
    root = logging.getLogger()
    logger = logging.getLogger("some.host")
    return {
        "signals": {n: signal.getsignal(n) for n in signal.valid_signals()},
        "root": (list(root.handlers), list(root.filters), root.level),
        "logger": (list(logger.handlers), list(logger.filters)),
        "environ": dict(os.environ),
        "path": list(sys.path),
        "meta_path": list(sys.meta_path),
        "path_hooks": list(sys.path_hooks),
        "filters": list(warnings.filters),
        "callbacks": list(gc.callbacks),
        "hooks": (sys.excepthook, sys.unraisablehook, sys.displayhook, threading.excepthook),
        "at_exit": at_exit(),
        "json": dict(vars(json)),
        "decoder": dict(vars(json.JSONDecoder)),
    }


#: What a plugin does at import, and what the report calls it.
DEEDS: dict[str, tuple[str, list[tuple[str, str]]]] = {
    "signal handler": (
        "import signal\nsignal.signal(signal.SIGUSR1, lambda *a: None)",
        [("signal handler", "SIGUSR1")],
    ),
    "signal ignored": (
        "import signal\nsignal.signal(signal.SIGUSR2, signal.SIG_IGN)",
        [("signal handler", "SIGUSR2")],
    ),
    "own handler": (
        """
        import logging
        class Own(logging.Handler):
            def emit(self, record): pass
        logging.getLogger("some.host").addHandler(Own())
        """,
        [("logging handler", "Own")],
    ),
    "stdlib handler on the root": (
        "import logging\nlogging.getLogger().addHandler(logging.StreamHandler())",
        [("logging handler", "StreamHandler")],
    ),
    "filter": (
        """
        import logging
        logging.getLogger("some.host").addFilter(lambda record: True)
        """,
        [("logging filter", "<lambda>")],
    ),
    "level of the root": (
        "import logging\nlogging.getLogger().setLevel(3)",
        [("logging level", "the root logger")],
    ),
    "atexit": (
        "import atexit\n@atexit.register\ndef bye(): pass",
        [("atexit callback", "bye")],
    ),
    "atexit of a foreign object": (
        "import atexit, io\natexit.register(io.StringIO().close)",
        [("atexit callback", "StringIO.close")],
    ),
    "sys.path": (
        "import sys\nsys.path.insert(0, '/nowhere/at/all')",
        [("sys.path entry", "/nowhere/at/all")],
    ),
    "sys.meta_path": (
        """
        import sys
        class Finder:
            def find_spec(self, *a): return None
        sys.meta_path.insert(0, Finder())
        """,
        [("sys.meta_path finder", "Finder")],
    ),
    "sys.path_hooks": (
        """
        import sys
        def hook(path): raise ImportError
        sys.path_hooks.insert(0, hook)
        """,
        [("sys.path_hooks entry", "hook")],
    ),
    "warnings filter": (
        """
        import warnings
        class Mine(UserWarning): pass
        warnings.filterwarnings("ignore", category=Mine)
        """,
        [("warnings filter", "ignore Mine")],
    ),
    "environment": (
        "import os\nos.environ['GUEST_WAS_HERE'] = '1'\nos.environ.pop('HOST_VARIABLE')",
        [
            ("environment variable", "GUEST_WAS_HERE"),
            ("environment variable", "HOST_VARIABLE"),
        ],
    ),
    "hooks": (
        """
        import sys, threading
        sys.excepthook = lambda *a: None
        threading.excepthook = print
        """,
        [("hook", "threading.excepthook"), ("hook", "sys.excepthook")],
    ),
    "gc callback": (
        "import gc\ndef on(phase, info): pass\ngc.callbacks.append(on)",
        [("gc callback", "on")],
    ),
    "function of a module": (
        "import json\ndef quick(*a, **k): return ''\njson.dumps = quick",
        [("monkeypatch", "json.dumps")],
    ),
    "wrapped function of a module": (
        """
        import functools, json
        def wrapped(function):
            @functools.wraps(function)
            def inner(*args, **kwargs): return function(*args, **kwargs)
            return inner
        json.dumps = wrapped(json.dumps)
        """,
        [("monkeypatch", "json.dumps")],
    ),
    "method of a class": (
        "import json\njson.JSONDecoder.decode = lambda self, text: None",
        [("monkeypatch", "json.decoder.JSONDecoder.decode")],
    ),
}


@pytest.mark.parametrize("deed", DEEDS)
def test_what_a_plugin_does_to_the_process_is_undone_and_named(
    guest: Guest, deed: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOST_VARIABLE", "the host's")
    code, expected = DEEDS[deed]
    before = picture()
    _, ledger = guest.arrive(code)
    assert picture() != before
    left = dispose(ledger)
    assert picture() == before
    assert [(each.what, each.name) for each in left] == expected
    assert all(each.undone for each in left)


@pytest.mark.parametrize("deed", DEEDS)
def test_a_plugin_that_is_disposed_of_is_dead(guest: Guest, deed: str) -> None:
    os.environ["HOST_VARIABLE"] = "the host's"
    module, ledger = guest.arrive(DEEDS[deed][0])
    kept = weakref.ref(module), weakref.ref(ledger)
    dispose(ledger)
    guest.leave()
    del module, ledger
    gc.collect()
    assert [each() for each in kept] == [None, None]


# -- tasks ----------------------------------------------------------------------


async def started(guest: Guest, code: str, **names: Any) -> tuple[Any, Ledger]:
    module, ledger = guest.arrive(code, **names)
    with ledger.watching():
        await module.start()
    await asyncio.sleep(0)
    return module, ledger


BACKGROUND = """
    import asyncio
    async def work():
        await asyncio.sleep(1000)
    async def start():
        global task
        task = asyncio.create_task(work(), name="poller")
"""


def test_a_task_that_a_plugin_started_is_cancelled_and_named(guest: Guest) -> None:
    async def main() -> None:
        module, ledger = await started(guest, BACKGROUND)
        assert ledger.tasks() == {module.task}
        (left,) = await ledger.dispose()
        assert module.task.cancelled()
        assert (left.what, left.name, left.undone) == ("task", "poller work", True)
        assert left.detail == f"{guest.folder / 'guest.py'}:3"
        assert await ledger.dispose() == []

    asyncio.run(main())
