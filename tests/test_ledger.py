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
from textwrap import dedent
from typing import Any

import pytest
from guests import Guest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kurt_ext import traces
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


def test_what_serves_the_whole_process_is_no_plugins_own(guest: Guest) -> None:
    _, ledger = guest.arrive("import atexit, weakref\natexit.register(weakref.finalize._exitfunc)")
    assert dispose(ledger) == []
    assert weakref.finalize._exitfunc in at_exit()  # type: ignore[attr-defined]


@pytest.mark.slow
@pytest.mark.parametrize("deed", DEEDS)
def test_a_plugin_that_is_disposed_of_is_dead(guest: Guest, deed: str) -> None:
    os.environ["HOST_VARIABLE"] = "the host's"
    module, ledger = guest.arrive(DEEDS[deed][0])
    kept = weakref.ref(module), weakref.ref(ledger)
    dispose(ledger)
    guest.leave()
    guest.ledger = Ledger("guest", "")
    del module, ledger
    gc.collect()
    assert [each() for each in kept] == [None, None]


# -- tasks ----------------------------------------------------------------------


async def started(guest: Guest, code: str) -> tuple[Any, Ledger]:
    module, ledger = guest.arrive(code)
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


def test_a_task_that_swallows_its_cancellation_is_named_and_holds_nobody_up(guest: Guest) -> None:
    code = """
        import asyncio
        stop = asyncio.Event()
        async def stubborn():
            while not stop.is_set():
                try:
                    await stop.wait()
                except asyncio.CancelledError:
                    pass
        async def start():
            global task
            task = asyncio.create_task(stubborn())
    """

    async def main() -> list[Left]:
        module, ledger = await started(guest, code)
        left = await ledger.dispose(timeout=0.2)
        assert not module.task.done()
        return left

    # asyncio.run cancels what still runs and waits for it, for ever if need be.
    (left,) = asyncio.run(main())
    assert not left.undone
    assert left.detail.endswith("it swallows its cancellation, and is left behind")
    gc.collect()


def test_tasks_that_tasks_have_started_are_the_plugins_too(guest: Guest) -> None:
    code = """
        import asyncio
        async def child():
            await asyncio.sleep(1000)
        async def work():
            children.append(asyncio.create_task(asyncio.sleep(1000)))
            children.append(asyncio.create_task(child()))
        children = []
        async def start():
            asyncio.create_task(work())
    """

    async def main() -> None:
        module, ledger = await started(guest, code)
        await asyncio.sleep(0)
        left = await ledger.dispose()
        assert len(left) == 2
        assert all(task.cancelled() for task in module.children)

    asyncio.run(main())


def test_a_task_that_a_call_has_started_is_cancelled_and_a_call_is_not(guest: Guest) -> None:
    code = """
        import asyncio
        async def call(kept):
            task = asyncio.create_task(background())
            kept.add(task)
            task.add_done_callback(kept.discard)
            await asyncio.sleep(0.05)
            return "answer"
        async def background():
            await asyncio.sleep(1000)
    """

    async def main() -> None:
        module, ledger = guest.arrive(code)
        kept: set[asyncio.Task[None]] = set()
        call = asyncio.create_task(module.call(kept))
        waiting = asyncio.gather(call)
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        (background,) = kept
        assert ledger.tasks() == {background}
        (left,) = await ledger.dispose()
        assert left.name.endswith(" background")
        assert await waiting == ["answer"]

    asyncio.run(main())


def test_tasks_of_another_loop_are_cancelled_there(guest: Guest) -> None:
    started_there = threading.Event()
    loop = asyncio.new_event_loop()
    module, ledger = guest.arrive(BACKGROUND)

    async def there() -> None:
        with ledger.watching():
            await module.start()
        started_there.set()
        await asyncio.wait([module.task])

    thread = threading.Thread(target=lambda: loop.run_until_complete(there()))
    thread.start()
    started_there.wait()
    (left,) = dispose(ledger)
    thread.join()
    loop.close()
    assert (left.name, left.undone) == ("poller work", True)


def test_the_one_who_disposes_is_not_cancelled(guest: Guest) -> None:
    async def main() -> None:
        _, ledger = guest.arrive("")
        with ledger.watching():
            task = asyncio.create_task(ledger.dispose())
        assert await task == []

    asyncio.run(main())


def test_a_timer_of_the_loop_is_not_called_any_more(guest: Guest) -> None:
    code = """
        import asyncio
        def tick():
            ticks.append(1)
        ticks = []
        async def start():
            asyncio.get_running_loop().call_later(0.3, tick)
    """

    async def main() -> None:
        module, ledger = await started(guest, code)
        (left,) = await ledger.dispose()
        assert (left.what, left.name, left.undone) == ("timer", "tick", True)
        await asyncio.sleep(0.35)
        assert module.ticks == []

    asyncio.run(main())


def test_a_signal_handler_of_the_loop_is_taken_back(guest: Guest) -> None:
    code = """
        import asyncio, signal
        async def start():
            asyncio.get_running_loop().add_signal_handler(signal.SIGUSR1, print)
    """
    before = signal.getsignal(signal.SIGUSR1)

    async def main() -> None:
        _, ledger = await started(guest, code)
        assert signal.getsignal(signal.SIGUSR1) != before
        left = await ledger.dispose()
        assert [each.what for each in left] == [
            "signal handler of the event loop",
            "signal handler",
        ]
        assert all(each.undone for each in left)
        assert signal.getsignal(signal.SIGUSR1) == before

    asyncio.run(main())


# -- threads ---------------------------------------------------------------------


def test_a_thread_is_named_with_its_place(guest: Guest) -> None:
    code = """
        import threading
        stop = threading.Event()
        thread = threading.Thread(target=stop.wait, name="poller")
        thread.start()
    """
    module, ledger = guest.arrive(code)
    assert ledger.threads() == [module.thread]
    (left,) = dispose(ledger, timeout=0.1)
    assert (left.what, left.name, left.undone) == ("thread", "poller", False)
    assert "it keeps the process from ending" in left.detail
    assert "threading.py:" in left.detail
    module.stop.set()
    module.thread.join()


def test_a_thread_that_is_about_to_end_is_waited_for(guest: Guest) -> None:
    code = """
        import threading, time
        stop = threading.Event()
        def work():
            stop.wait()
            time.sleep(0.05)
        threading.Thread(target=work).start()
    """
    module, ledger = guest.arrive(code)
    ledger.own("hook", "cleanup", module.stop.set)
    assert dispose(ledger) == []


def test_a_thread_that_started_while_nobody_watched_is_known_by_its_function(
    guest: Guest,
) -> None:
    code = """
        import threading
        stop = threading.Event()
        class Worker(threading.Thread):
            def run(self):
                stop.wait()
        def call():
            Worker(name="late", daemon=True).start()
    """
    module, ledger = guest.arrive(code)
    module.call()
    (left,) = dispose(ledger, timeout=0.1)
    module.stop.set()
    assert (left.name, left.undone) == ("late", False)


def test_a_timer_thread_is_cancelled(guest: Guest) -> None:
    code = """
        import threading
        threading.Timer(1000, print).start()
    """
    _, ledger = guest.arrive(code)
    (left,) = dispose(ledger)
    assert (left.what, left.undone) == ("timer", True)


# -- what the host registers ---------------------------------------------------------


def test_everything_is_undone_in_reverse_order() -> None:
    done: list[str] = []

    async def slowly() -> None:
        await asyncio.sleep(0)
        done.append("slowly")

    def fail() -> None:
        done.append("fail")
        raise ValueError("broken")

    async def never() -> None:
        done.append("never")
        await asyncio.sleep(1000)

    ledger = Ledger("guest", "kurt_skills.guest")
    ledger.own("extension", "first", lambda: done.append("first"))
    ledger.own("extension", "never", never)
    ledger.own("extension", "fail", fail)
    ledger.own("extension", "slowly", slowly)
    left = dispose(ledger, timeout=0.5)
    assert done == ["slowly", "fail", "never", "first"]
    assert left == [
        Left("extension", "fail", "ValueError: broken", undone=False),
        Left("extension", "never", "undoing it did not end in time", undone=False),
    ]
    assert str(left[0]) == "extension fail (ValueError: broken)"
    assert dispose(ledger) == []


# -- what the host has done since stays -------------------------------------------------


def test_what_somebody_else_has_set_since_stays(guest: Guest) -> None:
    code = """
        import json, os, signal, sys
        os.environ["GUEST_WAS_HERE"] = "1"
        signal.signal(signal.SIGUSR1, lambda *a: None)
        sys.excepthook = lambda *a: None
        def quick(*a): pass
        json.dumps = quick
    """
    before = signal.getsignal(signal.SIGUSR1), sys.excepthook, json.dumps
    _, ledger = guest.arrive(code)
    os.environ["GUEST_WAS_HERE"] = "2"
    signal.signal(signal.SIGUSR1, signal.SIG_IGN)
    sys.excepthook = print
    json.dumps = print  # type: ignore[assignment]
    try:
        assert dispose(ledger) == []
        assert os.environ.pop("GUEST_WAS_HERE") == "2"
        assert signal.getsignal(signal.SIGUSR1) is signal.SIG_IGN
        assert sys.excepthook is print
        assert json.dumps is print
    finally:
        sys.excepthook, json.dumps = before[1:]
        signal.signal(signal.SIGUSR1, before[0])


def test_what_the_plugin_has_undone_itself_is_not_named(guest: Guest) -> None:
    code = """
        import atexit, logging, os, sys
        def bye(): pass
        def on():
            atexit.register(bye)
            os.environ["GUEST_WAS_HERE"] = "1"
            sys.path.insert(0, "/nowhere/at/all")
            logging.getLogger().addHandler(handler)
        handler = logging.StreamHandler()
        def off():
            atexit.unregister(bye)
            del os.environ["GUEST_WAS_HERE"]
            sys.path.remove("/nowhere/at/all")
            logging.getLogger().removeHandler(handler)
    """
    module, ledger = guest.arrive(code)
    for _ in range(100):
        for hook in (module.on, module.off):
            with ledger.watching():
                hook()
    assert len(ledger._traces) <= 1  # the handler, which may be attached again
    assert dispose(ledger) == []


def test_p15_an_entry_of_the_path_that_the_host_has_too_stays(guest: Guest) -> None:
    sys.path.append("/the/host/has/it")
    try:
        before = list(sys.path)
        _, ledger = guest.arrive("import sys\nsys.path.insert(0, '/the/host/' + 'has/it')")
        dispose(ledger)
        assert sys.path == before
    finally:
        sys.path.remove("/the/host/has/it")


def test_p7_background_tasks_end_with_their_plugin(guest: Guest) -> None:
    async def main() -> None:
        module, ledger = await started(guest, BACKGROUND)
        await ledger.dispose()
        assert module.task.done()

    asyncio.run(main())


def test_handlers_that_it_took_from_the_root_logger_are_put_back(guest: Guest) -> None:
    handler = logging.NullHandler()
    logging.getLogger().addHandler(handler)
    try:
        before = list(logging.getLogger().handlers)
        _, ledger = guest.arrive("import logging\nlogging.getLogger().handlers.clear()")
        dispose(ledger)
        assert logging.getLogger().handlers == before
    finally:
        logging.getLogger().removeHandler(handler)


def test_a_handler_of_the_next_generation_on_the_same_logger_stays(guest: Guest) -> None:
    code = """
        import logging
        class Own(logging.Handler):
            def emit(self, record): pass
        handler = Own()
        logging.getLogger(__name__).addHandler(handler)
    """
    _, first = guest.arrive(code)
    module, second = guest.arrive(code)
    logger = logging.getLogger("kurt_skills.guest")
    assert len(logger.handlers) == 2
    dispose(first, heir=second, thorough=False)
    assert logger.handlers == [module.handler]
    dispose(second)
    assert logger.handlers == []


def test_a_reference_that_the_host_may_have_set_is_named_and_stays(guest: Guest) -> None:
    module, ledger = guest.arrive("class Plugin: pass\nplugin = Plugin()")
    json.kept = module.plugin  # type: ignore[attr-defined]
    try:
        (left,) = dispose(ledger)
        assert (left.what, left.name, left.undone) == ("reference", "json.kept", False)
        assert json.kept is module.plugin  # type: ignore[attr-defined]
    finally:
        del json.kept  # type: ignore[attr-defined]


# -- generations ------------------------------------------------------------------------

EVERYTHING = """
    import asyncio, atexit, functools, json, logging, os, signal, sys, threading, warnings
    class Own(logging.Handler):
        def emit(self, record): pass
    class Mine(UserWarning): pass
    def wrapped(function):
        @functools.wraps(function)
        def inner(*args, **kwargs): return function(*args, **kwargs)
        return inner
    def handler(*a): pass
    signal.signal(signal.SIGUSR1, handler)
    logging.getLogger("some.host").addHandler(Own())
    logging.getLogger().addHandler(logging.NullHandler())
    atexit.register(handler)
    os.environ["GUEST_WAS_HERE"] = "1"
    if "/nowhere/at/all" not in sys.path:
        sys.path.insert(0, "/nowhere/at/all")
    warnings.filterwarnings("ignore", category=Mine)
    hook = sys.excepthook
    def excepthook(*a): return hook(*a)
    sys.excepthook = excepthook
    json.dumps = wrapped(json.dumps)
    original = json.JSONDecoder.decode
    def decode(self, text): return original(self, text)
    json.JSONDecoder.decode = decode
    async def start():
        asyncio.create_task(asyncio.sleep(1000))
"""


@pytest.mark.slow
def test_generations_follow_each_other_and_none_is_kept(guest: Guest) -> None:
    before = picture()
    dumps, decode, excepthook = json.dumps, json.JSONDecoder.decode, sys.excepthook

    async def main() -> None:
        module, ledger = await started(guest, EVERYTHING)
        for number in range(1, 10):
            kept = weakref.ref(module)
            old = ledger
            module, ledger = await started(guest, EVERYTHING)
            await old.dispose(heir=ledger, thorough=False)
            del old
            guest.leave(number)
            gc.collect()
            assert kept() is None
            # The new ones are there, each over the original and not over the old one.
            assert os.environ["GUEST_WAS_HERE"] == "1"
            assert sys.path.count("/nowhere/at/all") == 1
            assert json.dumps.__closure__[0].cell_contents is dumps  # type: ignore[attr-defined]
            assert (module.original, module.hook) == (decode, excepthook)
            assert len(logging.getLogger("some.host").handlers) == 1
        await ledger.dispose()

    asyncio.run(main())
    assert picture() == before
    assert not traces._COVERS


def test_a_generation_that_fails_leaves_the_one_before_as_it_was(guest: Guest) -> None:
    before = picture()
    module, first = guest.arrive(EVERYTHING)
    during = picture()
    _, second = guest.arrive(EVERYTHING + "\n    os.environ['GUEST_WAS_HERE'] = '2'")
    assert picture() != during
    dispose(second)
    guest.go_back({"kurt_skills.guest": module})
    assert picture() == during
    dispose(first)
    assert picture() == before


def test_what_an_import_that_failed_has_left_is_undone_after_the_roll_back(
    guest: Guest,
) -> None:
    code = """
        import atexit
        @atexit.register
        def bye(): pass
    """
    module, first = guest.arrive(code)
    before = picture()
    with pytest.raises(ZeroDivisionError):
        guest.arrive(code + "    1 / 0\n")
    guest.go_back({"kurt_skills.guest": module})
    left = dispose(guest.ledger)
    assert [each.name for each in left] == ["bye"]
    assert picture() == before
    assert [each.name for each in dispose(first)] == ["bye"]


@pytest.mark.slow
def test_a_thousand_generations_leave_nothing(guest: Guest) -> None:
    code = "import atexit\n@atexit.register\ndef bye(): pass\nclass Plugin: pass"

    async def main() -> tuple[int, int]:
        _, ledger = guest.arrive(code)
        sizes = []
        for number in range(1, 1001):
            old = ledger
            _, ledger = guest.arrive(code)
            await old.dispose(heir=ledger, thorough=False)
            guest.leave(number)
            if number in (200, 1000):
                del old
                gc.collect()
                sizes.append(len(gc.get_objects()))
        await ledger.dispose()
        return sizes[0], sizes[1]

    early, late = asyncio.run(main())
    assert late - early < 100
    assert len(at_exit()) == len([f for f in at_exit() if f.__name__ != "bye"])
    assert not traces._COVERS


# -- several at once -----------------------------------------------------------------------


def test_what_is_made_by_one_of_several_is_its_alone(guest: Guest, tmp_path: Path) -> None:
    other = Guest(tmp_path / "other", "other")
    code = """
        import atexit
        @atexit.register
        def bye(): pass
    """
    try:
        _, waiting = other.arrive("")
        with waiting.watching():
            _, ledger = guest.arrive(code)
        assert dispose(waiting) == []
        assert [each.name for each in dispose(ledger)] == ["bye"]
    finally:
        other.leave_all()


def test_what_nothing_ties_to_one_of_several_goes_with_the_last(
    guest: Guest, tmp_path: Path
) -> None:
    other = Guest(tmp_path / "other", "other")
    try:
        _, waiting = other.arrive("")
        with waiting.watching():
            _, ledger = guest.arrive("import os\nos.environ['GUEST_WAS_HERE'] = '1'")
        assert dispose(ledger) == []
        assert os.environ["GUEST_WAS_HERE"] == "1"
        assert [each.name for each in dispose(waiting)] == ["GUEST_WAS_HERE"]
        assert "GUEST_WAS_HERE" not in os.environ
    finally:
        other.leave_all()


@pytest.mark.slow
def test_windows_may_be_open_in_many_threads(guest: Guest, tmp_path: Path) -> None:
    guests = [Guest(tmp_path / f"g{n}", f"g{n}") for n in range(8)]
    code = """
        import atexit, logging
        class Own(logging.Handler):
            def emit(self, record): pass
        logging.getLogger("some.host").addHandler(Own())
        @atexit.register
        def bye(): pass
    """
    before = picture()
    ledgers: list[Ledger] = []

    def live(one: Guest) -> None:
        for _ in range(4):
            ledgers.append(one.arrive(code)[1])

    threads = [threading.Thread(target=live, args=(one,)) for one in guests]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    try:
        left = [each for ledger in ledgers for each in dispose(ledger)]
        assert len(left) == 64
        assert picture() == before
    finally:
        for one in guests:
            one.leave_all()


def test_a_signal_handler_cannot_be_put_back_from_another_thread(guest: Guest) -> None:
    before = signal.getsignal(signal.SIGUSR1)
    _, ledger = guest.arrive(DEEDS["signal handler"][0])
    found: list[Left] = []
    thread = threading.Thread(target=lambda: found.extend(dispose(ledger)))
    thread.start()
    thread.join()
    signal.signal(signal.SIGUSR1, before)
    assert found == [
        Left("signal handler", "SIGUSR1", "only the main thread can set a handler", undone=False)
    ]


# -- any sequence ---------------------------------------------------------------------------

#: Deeds that any generation may do in any order, whatever others have done before.
_FREE = sorted(set(DEEDS) - {"environment"})


@pytest.mark.slow
@settings(
    max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    lives=st.lists(
        st.tuples(st.lists(st.sampled_from(_FREE), max_size=6), st.booleans()),
        min_size=1,
        max_size=5,
    )
)
def test_whatever_generations_do_and_whichever_fail_the_process_is_as_before(
    tmp_path: Path, lives: list[tuple[list[str], bool]]
) -> None:
    """Each life is a generation: its deeds, and whether it takes the place of the one before."""
    before = picture()
    guest = Guest(tmp_path / "any")
    module, ledger = guest.arrive("")
    current = guest.number
    try:
        for deeds, succeeds in lives:
            during = picture()
            code = "\n".join(dedent(DEEDS[deed][0]) for deed in deeds)
            arrived, its = guest.arrive(code, aside=current)
            if succeeds:
                dispose(ledger, heir=its, thorough=False)
                guest.leave(current)
                module, ledger, current = arrived, its, guest.number
            else:
                dispose(its)
                guest.go_back({guest.package: module})
                assert picture() == during
        dispose(ledger)
        assert picture() == before
        assert not traces._COVERS
    finally:
        guest.leave_all()


# -- patches: which original ------------------------------------------------------------------


@pytest.fixture
def late_module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Let there be a module that nobody has imported before the plugin."""
    (tmp_path / "late_module.py").write_text("def answer(): return 42\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    yield
    del sys.modules["late_module"]


@pytest.mark.usefixtures("late_module")
@pytest.mark.parametrize("thorough", [True, False])
def test_the_original_of_a_module_that_came_later_is_what_its_replacement_kept(
    guest: Guest, thorough: bool
) -> None:
    module, ledger = guest.arrive(
        """
        import late_module
        kept = late_module.answer
        def louder(): return kept() + 1
        late_module.answer = louder
        """
    )
    assert module.late_module.answer() == 43
    found = dispose(ledger, thorough=thorough)
    (left,) = found
    assert module.late_module.answer() == 42
    assert (left.name, left.undone) == ("late_module.answer", True)


@pytest.mark.usefixtures("late_module")
def test_an_original_that_nobody_has_kept_is_named(guest: Guest) -> None:
    _, ledger = guest.arrive(
        "import late_module\ndef other(): return 0\nlate_module.answer = other"
    )
    found = dispose(ledger)
    (left,) = found
    assert (left.name, left.undone) == ("late_module.answer", False)
    assert left.detail == "what was there before is not known"


def test_a_function_that_is_replaced_twice_has_its_original_back(guest: Guest) -> None:
    original = json.dumps
    module, ledger = guest.arrive(
        """
        import json
        def one(*a): pass
        def two(*a): pass
        def switch(): json.dumps = two
        json.dumps = one
        """
    )
    with ledger.watching():
        module.switch()
    (left,) = dispose(ledger)
    assert json.dumps is original
    assert left.detail == f"{guest.folder / 'guest.py'}:4"


def test_a_plugin_that_sets_nothing_of_others_is_not_looked_through(
    guest: Guest, monkeypatch: pytest.MonkeyPatch
) -> None:
    def never(*args: object, **options: object) -> Any:
        raise AssertionError("looked")

    monkeypatch.setattr("kurt_ext.ledger.patches", never)
    _, ledger = guest.arrive("class Plugin:\n    def __init__(self): self.x = 1")
    assert dispose(ledger, thorough=False) == []


def test_methods_of_many_forms_are_found_and_put_back(guest: Guest) -> None:
    code = """
        import functools, json
        class Helper:
            def method(self, *a): pass
        json.JSONEncoder.default = functools.partial(Helper.method, None)
        json.JSONEncoder.encode = staticmethod(lambda o: "")
        json.JSONEncoder.iterencode = property(lambda self: None)
        json.dump = Helper().method
        json.load = Helper
    """
    before = picture(), dict(vars(json.JSONEncoder))
    _, ledger = guest.arrive(code)
    assert len(dispose(ledger)) == 5
    assert (picture(), dict(vars(json.JSONEncoder))) == before
