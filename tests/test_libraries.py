"""Popular libraries work in a worker as they do elsewhere, within what a manifest declares."""

from __future__ import annotations

import hashlib
import inspect
import json
import shutil
import sys
import threading
from collections.abc import AsyncIterator, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from libraries import LIBRARIES, Library
from venvs import PLACE, CommandError, call, clean_environment, uv

from kurt_ext.grants import Grants
from kurt_ext.locks import lock
from kurt_ext.sandbox.abilities import abilities
from kurt_ext.sandbox.limits import DEFAULTS
from kurt_ext.sandbox.network import Broker
from kurt_ext.sandbox.policy import compile_policy
from kurt_ext.sandbox.spawning import Spawner

pytestmark = [
    pytest.mark.venv,
    pytest.mark.slow,
    pytest.mark.anyio,
    pytest.mark.skipif(
        abilities().tier not in ("kernel", "strong"),
        reason="this machine has neither Landlock nor seccomp",
    ),
]
#: What the worker itself imports, beside the libraries.
OUR_OWN = ("pydantic",)


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(scope="module")
def python() -> Path:
    """Return the interpreter of an environment with all of the libraries, made once and kept."""
    wanted = sorted({one.name for one in LIBRARIES if one.name} | set(OUR_OWN))
    key = hashlib.sha256(repr((sys.version_info[:2], wanted)).encode()).hexdigest()[:12]
    place = PLACE / f"libraries-{key}"
    with lock(str(place) + ".lock", timeout=900):
        if not (place / "whole").exists():
            shutil.rmtree(place, ignore_errors=True)
            environ = clean_environment()
            call([uv(), "venv", "--quiet", "--python", sys.executable, str(place)], environ)
            command = [uv(), "pip", "install", "--quiet", "--python", str(place / "bin/python")]
            try:
                call([*command, "--only-binary", ":all:", *wanted], environ)
            except CommandError as error:
                pytest.skip(f"the libraries cannot be installed: {str(error)[-500:]}")
            (place / "whole").touch()
    return place / "bin" / "python"


class _Page(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self._answer({"path": self.path})

    def do_POST(self) -> None:
        size = int(self.headers["Content-Length"])
        self._answer({"body": self.rfile.read(size).decode()})

    def _answer(self, value: Any) -> None:
        text = json.dumps(value).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def log_message(self, *words: Any) -> None:
        pass


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), _Page) as pages:
        thread = threading.Thread(target=pages.serve_forever, daemon=True)
        thread.start()
        yield f"127.0.0.1:{pages.server_address[1]}"
        pages.shutdown()
        thread.join()


@pytest.fixture
async def ask(tmp_path: Path, python: Path, server: str) -> AsyncIterator[Any]:
    """Return what runs a library's use in a worker of that interpreter."""
    plugin, granted, readable, scratch = (
        tmp_path / name for name in ("plugin", "granted", "readable", "scratch")
    )
    for folder in (plugin, granted, readable, scratch):
        folder.mkdir()
    (readable / "t.csv").write_text("k,v\na,1\na,2\nb,7\n")
    (tmp_path / "canary").touch()
    workers: list[Any] = []

    async def use(library: Library) -> Any:
        source = inspect.getsource(library.use).partition("\n")[2]
        given = {"granted": str(granted), "readable": str(readable), "url": f"http://{server}"}
        (plugin / "doing.py").write_text(
            f"{source}\n\ndef attempt(given):\n    return {library.use.__name__}(given)\n"
        )
        policy = compile_policy(
            library.use.__name__,
            Grants.of(
                {
                    "filesystem_read": [str(readable)],
                    "filesystem_write": [str(granted)],
                    "network_hosts": [server] if library.online else [],
                }
            ),
            folder=str(plugin),
            limits=DEFAULTS,
            tier="kernel",
            path=[str(next((python.parent.parent / "lib").glob("python*/site-packages")))],
            strict=True,
        )
        worker = await Spawner(packages=("escapes",)).spawn(
            policy.wire(str(scratch), str(tmp_path / "canary")),
            handler="escapes.within:Doer",
            python=str(python),
            broker=bool(policy.hosts),
        )
        workers.append(worker)
        if worker.broker_socket is not None:
            broker = Broker(worker.broker_socket, policy.hosts, skill="library", connections=8)
            worker.on_end(lambda _: broker.close())
        assert worker.report["seccomp"]
        await worker.channel.request("load", str(plugin / "doing.py"), timeout=60)
        return await worker.channel.request("attempt", given, timeout=60)

    yield use
    for worker in workers:
        await worker.close()


@pytest.mark.parametrize("library", LIBRARIES, ids=lambda one: one.name or one.use.__name__)
async def test_it_works_within_what_is_declared(library: Library, ask: Any) -> None:
    assert await ask(library) == library.result


def test_there_are_thirty_of_them() -> None:
    assert len({one.name for one in LIBRARIES if one.name}) >= 30
