"""A host that ends, by itself or by a signal, ends what it loaded first, and in bounded time."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from textwrap import dedent

import pytest

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="POSIX signals")

#: What a host is made of here; ``close`` is told by what it prints.
HEAD = """
import asyncio, os, signal, sys, threading, time
from kurt_ext import ending
from kurt_ext.ending import graceful, install
ending.GRACE = 0.2

def say(*words):
    print(*words, flush=True)

class Loader:
    def __init__(self, work=None):
        self.work = work
    async def close(self):
        say("closing")
        if self.work is not None:
            await self.work()
        say("closed")

async def serve():
    try:
        say("ready")
        await asyncio.sleep(60)
    finally:
        say("host cleans up")
"""

ASYNC = HEAD + dedent("""
    async def main():
        async with graceful(Loader()):
            await serve()
    asyncio.run(main())
    """)
SYNC = HEAD + dedent("""
    install(Loader())
    try:
        say("ready")
        time.sleep(60)
    finally:
        say("host cleans up")
    """)


@dataclass
class End:
    status: int
    said: list[str]
    errors: str


def run(script: str, *signals: int, after: str = "ready") -> End:
    """Run a host; send signals as soon as it says a word, the later ones when no echo."""
    said: list[str] = []
    command = [sys.executable, "-c", script]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdout=pipe, stderr=pipe, text=True) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        try:
            for number in signals:
                while after not in said:
                    line = process.stdout.readline()
                    assert line, process.stderr.read()
                    said.append(line.strip())
                if len(said) > 1:
                    time.sleep(0.3)  # a second signal sooner than 0.1 s is an echo
                process.send_signal(number)
                after = "closing"
            output, errors = process.communicate(timeout=30)
        finally:
            process.kill()
    return End(process.returncode, [*said, *output.split("\n")[:-1]], errors)


@pytest.mark.parametrize(
    ("name", "status"), [("SIGTERM", 143), ("SIGHUP", 129), ("SIGINT", -signal.SIGINT)]
)
@pytest.mark.parametrize("script", [ASYNC, SYNC], ids=["async", "sync"])
def test_a_signal_ends_the_host_first_and_then_the_plugins(
    script: str, name: str, status: int
) -> None:
    end = run(script, getattr(signal, name))
    assert end.said == ["ready", "host cleans up", "closing", "closed"]
    assert end.status == status
    assert ("KeyboardInterrupt" in end.errors) == (name == "SIGINT")
    assert "CancelledError" not in end.errors.rpartition("KeyboardInterrupt")[2]


ENDS = {
    "async returns": ("graceful", "pass", 0),
    "async raises": ("graceful", "raise ValueError('broken')", 1),
    "async exits": ("graceful", "sys.exit(7)", 7),
    "sync returns": ("install", "pass", 0),
    "sync raises": ("install", "raise ValueError('broken')", 1),
    "sync exits": ("install", "sys.exit(7)", 7),
}


@pytest.mark.parametrize("case", ENDS)
def test_a_host_that_ends_by_itself_ends_its_plugins(case: str) -> None:
    way, last, status = ENDS[case]
    if way == "graceful":
        body = f"async def main():\n    async with graceful(Loader()):\n        {last}\n"
        body += "asyncio.run(main())"
    else:
        body = f"install(Loader())\n{last}"
    end = run(HEAD + body)
    assert (end.said, end.status) == (["closing", "closed"], status)
    assert ("ValueError: broken" in end.errors) == ("broken" in last)


SLOW = "Loader(lambda: asyncio.sleep(60))"


@pytest.mark.parametrize("script", [ASYNC, SYNC], ids=["async", "sync"])
@pytest.mark.parametrize("second", [signal.SIGTERM, signal.SIGINT])
def test_a_second_signal_ends_the_process_at_once(script: str, second: signal.Signals) -> None:
    end = run(script.replace("Loader()", SLOW), signal.SIGTERM, second)
    assert "closed" not in end.said
    assert end.status == -second


@pytest.mark.parametrize("way", ["graceful", "install"])
def test_an_echo_of_the_signal_is_no_second_one(way: str) -> None:
    body = """
        def both():
            os.kill(os.getpid(), signal.SIGTERM)
            os.kill(os.getpid(), signal.SIGTERM)
    """
    if way == "graceful":
        body += """
        async def main():
            async with graceful(Loader()):
                both()
                await asyncio.sleep(60)
        asyncio.run(main())
        """
    else:
        body += """
        install(Loader())
        both()
        """
    end = run(HEAD + dedent(body))
    assert (end.said, end.status) == (["closing", "closed"], 143)


@pytest.mark.parametrize("script", [ASYNC, SYNC], ids=["async", "sync"])
def test_plugins_that_do_not_end_are_left_behind_after_the_limit(script: str) -> None:
    end = run(script.replace("Loader()", SLOW + ", limit=0.2"), signal.SIGTERM)
    assert end.status == 143
    assert "closed" not in end.said
    assert end.errors == "kurt: plugins did not end within 0.2 s\n"


STUBBORN = """
async def stubborn():
    while True:
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            pass
"""


def test_a_loop_that_the_host_blocks_is_ended_by_force_and_named() -> None:
    script = ASYNC.replace("await asyncio.sleep(60)", "time.sleep(60)")
    end = run(script.replace("Loader()", "Loader(), limit=0.2"), signal.SIGTERM)
    assert end.status == 143
    assert end.errors.startswith("kurt: the event loop is blocked at <string>:")


@pytest.mark.parametrize("way", ["graceful", "install"])
def test_a_plugin_that_blocks_the_loop_while_it_ends_is_ended_by_force(way: str) -> None:
    body = "async def block():\n    time.sleep(60)\n"
    if way == "graceful":
        body += (
            "async def main():\n    async with graceful(Loader(block), limit=0.2):\n        pass\n"
        )
        body += "asyncio.run(main())"
    else:
        body += "install(Loader(block), limit=0.2)"
    end = run(HEAD + body)
    assert end.status == 1
    assert end.errors.startswith("kurt: the event loop is blocked at <string>:")


def test_handlers_of_the_host_are_called_after_and_restored() -> None:
    body = """
        before = {n: signal.getsignal(n) for n in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)}
        def mine(number, frame):
            say("mine", number)
        signal.signal(signal.SIGTERM, mine)
        async def main():
            async with graceful(Loader()):
                assert signal.getsignal(signal.SIGTERM) is not mine
            assert signal.getsignal(signal.SIGTERM) is mine
            async with graceful(Loader()):
                os.kill(os.getpid(), signal.SIGTERM)
                await asyncio.sleep(60)
        try:
            asyncio.run(main())
        except SystemExit as exit:
            say(exit.code)
        assert signal.getsignal(signal.SIGTERM) is mine
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        install(Loader())()
        assert before == {n: signal.getsignal(n) for n in before}
    """
    end = run(HEAD + dedent(body))
    assert end.said == ["closing", "closed", "closing", "closed", "mine 15", "143"]
    assert (end.status, end.errors) == (0, "")


def test_a_sync_host_with_a_handler_of_its_own_decides_for_itself() -> None:
    body = """
        def mine(number, frame):
            say("mine", number)
        signal.signal(signal.SIGTERM, mine)
        install(Loader())
        for _ in range(2):
            os.kill(os.getpid(), signal.SIGTERM)
        say("goes on")
    """
    end = run(HEAD + dedent(body))
    assert end.said == ["mine 15", "mine 15", "goes on", "closing", "closed"]
    assert end.status == 0


@pytest.mark.parametrize("way", ["async with graceful(Loader()):", "install(Loader());\n    if 1:"])
def test_what_is_ignored_or_used_otherwise_is_left_alone(way: str) -> None:
    body = f"""
async def main():
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGHUP, lambda *_: say("reread"))
    {way}
        os.kill(os.getpid(), signal.SIGINT)
        os.kill(os.getpid(), signal.SIGHUP)
        await asyncio.sleep(0)
        say("here")
asyncio.run(main())
"""
    end = run(HEAD + body)
    assert end.said == ["reread", "here", "closing", "closed"]
    assert end.status == 0


def test_in_another_thread_signals_are_left_alone() -> None:
    body = """
        async def main():
            async with graceful(Loader()):
                say(signal.getsignal(signal.SIGTERM) is signal.SIG_DFL)
        thread = threading.Thread(target=lambda: asyncio.run(main()))
        thread.start()
        thread.join()
    """
    assert run(HEAD + dedent(body)).said == ["True", "closing", "closed"]


def test_a_cancellation_of_the_host_waits_for_the_plugins() -> None:
    body = """
        async def main():
            async with graceful(Loader(lambda: asyncio.sleep(0.1))):
                pass
        async def outer():
            task = asyncio.create_task(main())
            await asyncio.sleep(0.05)
            task.cancel()
            try:
                await task
            except asyncio.CancelledError:
                say("cancelled")
        asyncio.run(outer())
    """
    assert run(HEAD + dedent(body)).said == ["closing", "closed", "cancelled"]


def test_what_fails_while_it_ends_is_told() -> None:
    body = """
        async def fail():
            raise ValueError("broken")
        install(Loader(fail))
    """
    end = run(HEAD + dedent(body))
    assert end.errors == "kurt: plugins could not be ended: ValueError: broken\n"


# -- with the real loader ------------------------------------------------------------

PLUGIN = {
    "plugin.json": """{
        "plugin_id": "com.example.NAME", "name": "NAME", "version": "1.0.0",
        "description": "Says what happens to it", "author": "A", "license": "MIT",
        "plugin_type": "tool", "entry_point": "main",
        "capabilities": [{"name": "nothing", "description": "Does nothing", "version": "1.0.0"}]
    }""",
    "main.py": """
import asyncio

class Plugin:
    def __init__(self, metadata, config):
        pass
    async def initialize(self):
        async def tick():
            while True:
                await asyncio.sleep(1)
        self.task = asyncio.create_task(tick())
    def deactivate(self):
        print("deactivate NAME", flush=True)
    async def cleanup(self):
        print("cleanup NAME", flush=True)
    async def nothing(self):
        return None
""",
}
NAMES = ("com.example.one", "com.example.two")


@pytest.fixture
def plugins(tmp_path: Path) -> Path:
    for name in ("one", "two"):
        for file, text in PLUGIN.items():
            path = tmp_path / "plugins" / name / file
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text.replace("NAME", name), encoding="utf-8")
    return tmp_path / "plugins"


REAL = f"""
from kurt_ext.loader import PluginLoader
async def load(loader):
    for name in {NAMES}:
        await loader.load_plugin(name)
        await loader.activate_plugin(name)
"""


@pytest.mark.parametrize(("signals", "status"), [((), 0), ((signal.SIGTERM,), 143)])
@pytest.mark.parametrize("way", ["async", "sync", "portal"])
def test_plugins_are_ended_in_reverse_order(
    plugins: Path, way: str, signals: tuple[int, ...], status: int
) -> None:
    nap = 60 if signals else 0
    body = {
        "async": f"""
async def main():
    loader = PluginLoader({str(plugins)!r})
    async with graceful(loader):
        await load(loader)
        say("ready")
        await asyncio.sleep({nap})
asyncio.run(main())
""",
        "sync": f"""
loader = PluginLoader({str(plugins)!r})
install(loader)
asyncio.run(load(loader))
say("ready")
time.sleep({nap})
""",
        "portal": f"""
loader = PluginLoader({str(plugins)!r})
install(loader)
loader.skills._portal.run(load(loader))
say("ready")
time.sleep({nap})
""",
    }[way]
    end = run(HEAD + REAL + body, *signals)
    assert end.said == [
        "ready",
        "deactivate two",
        "cleanup two",
        "deactivate one",
        "cleanup one",
    ]
    assert (end.status, end.errors) == (status, "")


@pytest.mark.parametrize("way", ["install", "graceful"])
def test_a_manager_is_ended_as_a_loader_is(plugins: Path, way: str) -> None:
    body = {
        "install": """
install(skills)
say("ready")
time.sleep(60)
""",
        "graceful": """
async def main():
    async with graceful(skills):
        say("ready")
        await asyncio.sleep(60)
asyncio.run(main())
""",
    }[way]
    head = "from kurt_ext import SkillManager\nskills = SkillManager()\n"
    end = run(HEAD + head + body, signal.SIGTERM)
    assert (end.said, end.status, end.errors) == (["ready"], 143, "")
