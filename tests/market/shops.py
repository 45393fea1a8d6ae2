"""A marketplace of plugins for a test: in a folder, and behind a server that can misbehave."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from goods import write_plugin

from kurt_ext.market.building import build
from kurt_ext.market.digests import of_bytes
from kurt_ext.places import Places


class Ran(dict[str, Any]):
    """The envelope of a command."""

    code: int
    err: str

    @property
    def data(self) -> Any:
        """The data of a success."""
        assert self["ok"], self
        return self["data"]

    @property
    def steps(self) -> list[tuple[str, str, str]]:
        """What was done: verb, name and version of each."""
        return [(step["verb"], step["name"], step["version"]) for step in self.data["steps"]]

    @property
    def rules(self) -> set[str]:
        """The rules of the warnings."""
        return {warning["rule"] for warning in self["warnings"]}

    def warning(self, rule: str) -> dict[str, Any]:
        """Return the one warning of a rule."""
        (found,) = [warning for warning in self["warnings"] if warning["rule"] == rule]
        return dict(found)


Kurt = Callable[..., Ran]
#: Answers a request in its own way; returns whether it did.
Mischief = Callable[[BaseHTTPRequestHandler, bytes], bool]


class Shop:
    """A marketplace in a folder.

    :param root: the folder.
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        (root / "skills").mkdir(parents=True)

    def sell(self, plugin_id: str, version: str = "1.0.0", **more: Any) -> None:
        """Put a version of a plugin on the shelf."""
        write_plugin(self.root / "skills", plugin_id, version, **more)

    def open(self, **options: Any) -> Any:
        """Build the index; what it refuses is an error here."""
        built = build(str(self.root), Places(), **options)
        assert not built.refused, built.refused
        return built

    @property
    def index(self) -> dict[str, Any]:
        """The index, parsed."""
        return json.loads((self.root / "kurt/v1/index.json").read_text())

    def write_index(self, index: dict[str, Any]) -> None:
        """Replace the index."""
        (self.root / "kurt/v1/index.json").write_text(json.dumps(index))

    def change(self, plugin_id: str, edit: Callable[[dict[str, Any]], None]) -> None:
        """Edit the document of a plugin, and point the index to it."""
        index = self.index
        row = next(row for row in index["skills"] if row["id"] == plugin_id)
        path = self.root / row["detail"]["url"]
        document = json.loads(path.read_text())
        edit(document)
        data = json.dumps(document).encode()
        path.write_bytes(data)
        row["detail"] |= {"digest": of_bytes(data), "size": len(data)}
        index["meta"]["snapshot"] += 1
        self.write_index(index)

    def age(self, plugin_id: str, version: str, published: str = "2026-01-01T00:00:00Z") -> None:
        """Have a release published long ago."""

        def edit(document: dict[str, Any]) -> None:
            for release in document["releases"]:
                if release["version"] == version:
                    release["published"] = published

        self.change(plugin_id, edit)


@contextmanager
def served(root: Path, mischief: Mischief | None = None) -> Iterator[Any]:
    """Serve a folder on this machine; yields the server, with ``url`` and ``asked``."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            self.server.asked.append(self.path)  # type: ignore[attr-defined]
            self.close_connection = True
            path = root / self.path.lstrip("/")
            if self.server.mischief is not None:  # type: ignore[attr-defined]
                data = path.read_bytes() if path.is_file() else b""
                if self.server.mischief(self, data):  # type: ignore[attr-defined]
                    return
            if not path.is_file():
                self.send_response(404)
                self.send_header("Content-Length", "0")
                self.end_headers()
                return
            data = path.read_bytes()
            tag = f'"{of_bytes(data)[7:23]}"'
            if self.headers.get("If-None-Match") == tag:
                self.send_response(304)
                self.end_headers()
                return
            self.send_response(200)
            self.send_header("Content-Length", str(len(data)))
            self.send_header("ETag", tag)
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, *_: Any) -> None:
            pass

    class Server(ThreadingHTTPServer):
        daemon_threads = True

        def handle_error(self, *_: Any) -> None:
            pass  # a client that leaves is what some tests are about

    server: Any = Server(("127.0.0.1", 0), Handler)
    server.mischief, server.asked = mischief, []
    server.url = f"http://127.0.0.1:{server.server_port}/"
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
