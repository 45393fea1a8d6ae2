"""What a worker serves that fetches pages, by several clients."""

from __future__ import annotations

from typing import Any


class Fetching:
    """Serves ``urllib`` and ``streams``, each called with a URL's host, port and path."""

    def __init__(self, policy: dict[str, Any]) -> None:
        from kurt_ext.sandbox import dialing, worker

        dialing.install(worker.BROKER, policy["skill"], policy["hosts"])

    def handle(self, verb: str, body: Any, call: Any) -> Any:
        return getattr(self, verb)(*body)

    def urllib(self, host: str, port: int, path: str) -> str:
        from urllib.request import urlopen

        with urlopen(f"http://{host}:{port}{path}", timeout=20) as answer:
            return str(answer.read().decode())

    async def streams(self, host: str, port: int, path: str) -> str:
        import asyncio

        reader, writer = await asyncio.open_connection(host, port)
        writer.write(f"GET {path} HTTP/1.0\r\n\r\n".encode())
        data = await reader.read()
        writer.close()
        return data.partition(b"\r\n\r\n")[2].decode()
