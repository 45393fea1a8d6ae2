"""A simple index on this machine for tests: JSON or HTML, and mischief of every kind."""

from __future__ import annotations

import hashlib
import html
import json
import threading
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

__all__ = ["SimpleServer", "serving", "skill_wheel"]

JSON = "application/vnd.pypi.simple.v1+json"
OLD = "2026-01-01T00:00:00.123456Z"
CODE = '''\
"""Say a word."""

from pydantic import BaseModel

from kurt_tool import Tool, ToolResult


class In(BaseModel):
    """Nothing."""

    name: str = ""


class Say(Tool[In, None]):
    """Say a word."""

    async def run(self, params, context, on_progress=None):
        """Return the word."""
        return ToolResult(data={"text": "I am WORD"})
'''


def skill_wheel(
    folder: Path,
    name: str = "word-sayer",
    version: str = "1.0",
    *,
    requires: tuple[str, ...] = (),
    tag: str = "py3-none-any",
    code: str = CODE,
    files: dict[str, str] | None = None,
) -> Path:
    """Write a wheel that brings an extension of its distribution's name."""
    module = name.replace("-", "_")
    info = f"{module}-{version}.dist-info"
    needs = "".join(f"Requires-Dist: {one}\n" for one in requires)
    meta = f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\nSummary: Says a word.\n"
    content = {
        f"{module}.py": code.replace("WORD", version),
        f"{info}/METADATA": f"{meta}Requires-Python: >=3.11\n{needs}",
        f"{info}/WHEEL": f"Wheel-Version: 1.0\nGenerator: t\nRoot-Is-Purelib: true\nTag: {tag}\n",
        f"{info}/entry_points.txt": f"[kurt.tool]\n{name} = {module}:Say\n",
        **(files or {}),
    }
    record = "".join(f"{path},,\n" for path in content) + f"{info}/RECORD,,\n"
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{module}-{version}-{tag}.whl"
    with zipfile.ZipFile(path, "w") as archive:
        for inside, text in {**content, f"{info}/RECORD": record}.items():
            archive.writestr(zipfile.ZipInfo(inside, (2020, 1, 1, 0, 0, 0)), text)
    return path


class SimpleServer:
    """What an index has; tests change it while it runs.

    :param root: the folder of its files.
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        root.mkdir(exist_ok=True, parents=True)
        self.as_html = False
        self.metadata = True
        self.rows: dict[str, dict[str, Any]] = {}  # filename → what differs
        self.status: dict[str, dict[str, str]] = {}
        self.asked: list[str] = []
        self.authorization: list[str] = []
        #: Answers a path in its own way: (status, headers, body).
        self.instead: dict[str, tuple[int, dict[str, str], bytes]] = {}
        self.url = ""

    def add(self, *names: Any, **more: Any) -> Path:
        """Put a wheel there."""
        return skill_wheel(self.root, *names, **more)

    def files(self, project: str) -> list[dict[str, Any]]:
        """Return the rows of a project, as JSON has them."""
        found = []
        for path in sorted(self.root.iterdir()):
            if path.name.partition("-")[0].replace("_", "-") != project:
                continue
            data = path.read_bytes()
            row: dict[str, Any] = {
                "filename": path.name,
                "url": f"../../files/{path.name}",
                "hashes": {"sha256": hashlib.sha256(data).hexdigest()},
                "size": len(data),
                "upload-time": OLD,
                "yanked": False,
            }
            if self.metadata and path.suffix == ".whl":
                sha = hashlib.sha256(metadata_of(path)).hexdigest()
                row["core-metadata"] = {"sha256": sha}
            found.append(row | self.rows.get(path.name, {}))
        return found

    def answer(self, path: str) -> tuple[int, dict[str, str], bytes]:
        """Return what is at a path: status, headers, body."""
        if path in self.instead:
            return self.instead[path]
        parts = path.strip("/").split("/")
        if parts[0] == "files":
            name = parts[1].removesuffix(".metadata")
            whole = self.root / name
            if not whole.exists():
                return 404, {}, b""
            data = whole.read_bytes() if name == parts[1] else metadata_of(whole)
            return 200, {"Content-Type": "application/octet-stream"}, data
        rows = self.files(parts[1]) if len(parts) == 2 and path.endswith("/") else []
        if not rows:
            return 404, {}, b""
        status = self.status.get(parts[1], {"status": "active"})
        if self.as_html:
            return 200, {"Content-Type": "text/html; charset=utf-8"}, as_html(rows, status)
        meta = {"api-version": "1.4"}
        page = {"meta": meta, "name": parts[1], "files": rows, "project-status": status}
        return 200, {"content-type": JSON}, json.dumps(page).encode()


def metadata_of(path: Path) -> bytes:
    """Return the METADATA of a wheel."""
    stem = "-".join(path.name.split("-")[:2])
    with zipfile.ZipFile(path) as archive:
        return archive.read(f"{stem}.dist-info/METADATA")


def as_html(rows: list[dict[str, Any]], status: dict[str, str]) -> bytes:
    """Return a page after PEP 503."""
    links = []
    for row in rows:
        marks = ""
        if row.get("requires-python"):
            marks += f' data-requires-python="{html.escape(row["requires-python"])}"'
        if row["yanked"] is not False:
            marks += f' data-yanked="{html.escape(str(row["yanked"]))}"'
        if row.get("core-metadata"):
            marks += f' data-core-metadata="sha256={row["core-metadata"]["sha256"]}"'
        if row.get("provenance"):
            marks += f' data-provenance="{html.escape(row["provenance"])}"'
        sha = row["hashes"].get("sha256")
        url = row["url"] + (f"#sha256={sha}" if sha else "")
        links.append(f'<a href="{url}"{marks}>{row["filename"]}</a><br>')
    head = f'<meta name="pypi:project-status" content="{status["status"]}">'
    return f"<!DOCTYPE html><html><head>{head}</head><body>{''.join(links)}</body></html>".encode()


@contextmanager
def serving(root: Path) -> Iterator[SimpleServer]:
    """Serve an index at ``url``, on this machine alone."""
    shelf = SimpleServer(root)

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            shelf.asked.append(self.path)
            shelf.authorization.append(self.headers.get("Authorization", ""))
            status, headers, body = shelf.answer(self.path)
            self.send_response(status)
            for key, value in ({"Content-Length": str(len(body))} | headers).items():
                self.send_header(key, value)
            self.end_headers()
            self.wfile.write(body)

        def do_HEAD(self) -> None:
            self.send_response(405)
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            pass

    class Server(ThreadingHTTPServer):
        daemon_threads = True

        def handle_error(self, *_: Any) -> None:
            pass  # a client that leaves is what some tests are about

    server = Server(("127.0.0.1", 0), Handler)
    shelf.url = f"http://127.0.0.1:{server.server_port}/simple/"
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield shelf
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
