"""A process that may open no socket reaches the hosts it declared."""

from __future__ import annotations

import asyncio
import importlib.util
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from dialers import (
    HERE,
    certified,
    dialer,
    names,
    pages,
    to_here,
)

from kurt_ext.sandbox import abilities
from kurt_ext.sandbox.limits import DEFAULTS
from kurt_ext.sandbox.network import Broker, available
from kurt_ext.sandbox.spawning import Spawner

pytestmark = pytest.mark.skipif(
    not available(), reason="this system cannot hand a connection to another process"
)


# -- clients ----------------------------------------------------------------------

CLIENTS = {
    "urllib": 'return page(f"http://api.example.com:{port}/x")',
    "http.client": """
        connection = http.client.HTTPConnection("api.example.com", port, timeout=20)
        connection.request("GET", "/x")
        return connection.getresponse().read().decode()
    """,
    "create_connection": """
        with socket.create_connection(("api.example.com", port), timeout=20) as sock:
            sock.sendall(b"GET /x HTTP/1.0\\r\\n\\r\\n")
            with sock.makefile("rb") as file:
                return file.read().partition(b"\\r\\n\\r\\n")[2].decode()
    """,
    "connect by name": """
        with socket.socket() as sock:
            sock.connect(("API.example.com", port))
            sock.sendall(b"GET /x HTTP/1.0\\r\\n\\r\\n")
            data = b""
            while more := sock.recv(3):
                data += more
            return data.partition(b"\\r\\n\\r\\n")[2].decode()
    """,
    "asyncio": """
        async def main():
            reader, writer = await asyncio.open_connection("api.example.com", port)
            writer.write(b"GET /x HTTP/1.0\\r\\n\\r\\n")
            data = await reader.read()
            writer.close()
            await writer.wait_closed()
            return data.partition(b"\\r\\n\\r\\n")[2].decode()
        return asyncio.run(main())
    """,
    "requests": """
        import requests
        with requests.Session() as session:
            return session.get(f"http://api.example.com:{port}/x", timeout=20).text
    """,
    "httpx2": """
        import httpx2
        return httpx2.get(f"http://api.example.com:{port}/x").text
    """,
    "httpx2, async": """
        import httpx2
        async def main():
            async with httpx2.AsyncClient() as client:
                return (await client.get(f"http://api.example.com:{port}/x")).text
        return asyncio.run(main())
    """,
    "aiohttp": """
        import aiohttp
        async def main():
            async with aiohttp.ClientSession() as session:
                async with session.get(f"http://api.example.com:{port}/x") as answer:
                    return await answer.text()
        return asyncio.run(main())
    """,
}


@pytest.mark.parametrize("client", CLIENTS)
def test_ordinary_clients_reach_a_host_that_is_covered(client: str, port: int) -> None:
    module = client.partition(",")[0]
    if module in ("requests", "httpx2", "aiohttp") and not importlib.util.find_spec(module):
        pytest.skip(f"{module} is not installed here")
    with to_here(port) as guest:
        assert guest.run(CLIENTS[client], port=port) == "page /x"
        assert guest.audit == [
            (f"api.example.com:{port}", True, {"address": HERE, "outcome": "connected"})
        ]


def test_ordinary_clients_are_refused_a_host_that_is_not_covered(port: int) -> None:
    for client, body in CLIENTS.items():
        module = client.partition(",")[0]
        if module in ("requests", "httpx2", "aiohttp") and not importlib.util.find_spec(module):
            continue
        with dialer(["other.example.com"]) as guest:
            lines = "\n".join(f"    {line}" for line in body.splitlines())
            found = guest.run(f"def it():\n    {lines}\nreturn told(it)", port=port)
            text = f"demo may not reach api.example.com:{port}: network_hosts does not cover"
            assert text in found["text"], client
            assert f'write "api.example.com:{port}" into network_hosts' in found["text"], client
            assert guest.outcomes == ["denied"], client


def test_a_connection_is_used_again_as_a_client_likes(port: int) -> None:
    body = """
    connection = http.client.HTTPConnection("api.example.com", port, timeout=20)
    found = []
    for number in range(5):
        connection.request("GET", f"/{number}")
        found.append(connection.getresponse().read().decode())
    return found
    """
    with to_here(port) as guest:
        assert guest.run(body, port=port) == [f"page /{number}" for number in range(5)]
        assert guest.outcomes == ["connected"]


def test_much_data_comes_through_whole(port: int) -> None:
    body = """
    with urllib.request.urlopen(f"http://api.example.com:{port}/large", timeout=20) as answer:
        return answer.read() == bytes(range(256)) * 4096
    """
    with to_here(port) as guest:
        assert guest.run(body, port=port) is True


def test_many_threads_connect_at_once(port: int) -> None:
    body = """
    found = []
    def one(number):
        found.append(page(f"http://api.example.com:{port}/{number}"))
    threads = [threading.Thread(target=one, args=(number,)) for number in range(24)]
    for thread in threads: thread.start()
    for thread in threads: thread.join()
    return sorted(found)
    """
    with to_here(port) as guest:
        assert guest.run(body, port=port) == sorted(f"page /{number}" for number in range(24))


def test_many_tasks_of_a_loop_connect_at_once(port: int) -> None:
    body = """
    async def one(number):
        reader, writer = await asyncio.open_connection("api.example.com", port)
        writer.write(f"GET /{number} HTTP/1.0\\r\\n\\r\\n".encode())
        data = await reader.read()
        writer.close()
        return data.partition(b"\\r\\n\\r\\n")[2].decode()
    async def main():
        return await asyncio.gather(*[one(number) for number in range(24)])
    return asyncio.run(main())
    """
    with to_here(port) as guest:
        assert guest.run(body, port=port) == [f"page /{number}" for number in range(24)]


def test_a_confined_worker_reaches_its_hosts(port: int, tmp_path: Path) -> None:
    if not sys.platform.startswith("linux"):
        pytest.skip("workers are forked on Linux alone")
    if abilities.abilities().tier == "process":
        pytest.skip("this kernel confines nothing")
    own = tmp_path / "own"
    own.mkdir()
    canary = tmp_path / "canary"
    canary.touch()
    policy = {
        "skill": "demo",
        "read": [],
        "write": [],
        "execute": [],
        "environment": {},
        "processes": 1,
        "native": False,
        "path": [],
        "limits": DEFAULTS,
        "tier": "kernel",
        "cwd": str(own),
        "scratch": str(own),
        "canary": str(canary),
        "require": ["network"],
        "hosts": ["api.example.com", f"{HERE}:{port}"],
    }

    async def main() -> list[Any]:
        spawner = Spawner(packages=["workerside"])
        worker = await spawner.spawn(policy, handler="workerside.fetching:Fetching")
        assert worker.broker_socket is not None
        table = names({"api.example.com": [HERE]})
        hosts = policy["hosts"]
        broker = Broker(worker.broker_socket, hosts, skill="demo", resolve=table, environ={})
        found: list[Any] = []
        try:
            for verb in ("urllib", "streams"):
                for host in ("api.example.com", "other.example.com"):
                    try:
                        found.append(await worker.channel.request(verb, [host, port, "/x"]))
                    except Exception as error:
                        found.append("demo may not reach other.example.com" in str(error))
        finally:
            await worker.close()
            broker.close()
        return found

    assert asyncio.run(main()) == ["page /x", True, "page /x", True]


# -- TLS --------------------------------------------------------------------------


@pytest.fixture(scope="module")
def secure(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[int, str]]:
    context, authority = certified(tmp_path_factory.mktemp("tls"), "api.example.com")
    with pages(context=context) as found:
        yield found, str(authority)


def test_tls_is_between_the_worker_and_its_peer(secure: tuple[int, str]) -> None:
    body = """
    async def streams():
        reader, writer = await asyncio.open_connection("api.example.com", port, ssl=True)
        writer.write(b"GET /x HTTP/1.0\\r\\n\\r\\n")
        data = await reader.read()
        writer.close()
        return data.partition(b"\\r\\n\\r\\n")[2].decode()
    def wrapped_first():
        context = ssl.create_default_context()
        with context.wrap_socket(socket.socket(), server_hostname="api.example.com") as sock:
            sock.connect(("api.example.com", port))
            sock.sendall(b"GET /x HTTP/1.0\\r\\n\\r\\n")
            return sock.makefile("rb").read().partition(b"\\r\\n\\r\\n")[2].decode()
    def by_hand():
        context = ssl.create_default_context()
        with socket.create_connection(("api.example.com", port)) as plain:
            with context.wrap_socket(plain, server_hostname="api.example.com") as sock:
                return [sock.version()[:3], isinstance(sock, socket.socket)]
    return [page(f"https://api.example.com:{port}/x"), asyncio.run(streams()), wrapped_first(),
            by_hand()]
    """
    port, authority = secure
    with to_here(port) as guest:
        found = guest.run(body, port=port, env={"SSL_CERT_FILE": authority})
    assert found == ["page /x", "page /x", "page /x", ["TLS", True]]


@pytest.mark.parametrize("env", [{}, {"SSL_CERT_FILE": "authority"}], ids=["unknown", "other"])
def test_certificates_are_verified(secure: tuple[int, str], env: dict[str, str]) -> None:
    port, authority = secure
    env = dict.fromkeys(env, authority)
    host = "other.example.com" if env else "api.example.com"
    table = names({"api.example.com": [HERE], "other.example.com": [HERE]})
    with dialer(["*.example.com", HERE], resolve=table) as guest:
        found = guest.run(f'return told(page, "https://{host}:{port}/")', env=env)
        assert "CERTIFICATE_VERIFY_FAILED" in found["text"]
        assert guest.outcomes == ["connected"]
