"""What an isolated skill borrows, is refused and uses, through a real worker."""

from __future__ import annotations

import asyncio
import json
import sys
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from trees import grow

from kurt_ext import SkillManager
from kurt_ext.errors import CallError, KurtError
from kurt_ext.sandbox.abilities import Abilities, abilities
from kurt_ext.sandbox.auditing import entries, folder_of
from kurt_ext.sandbox.trace import report

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="workers of POSIX systems")

CODE = """\
import ast, inspect, os, sqlite3, subprocess
from kurt_tool import Tool, ToolResult


class Probe(Tool):
    name = "probe"

    async def run(self, params, context, on_progress=None):
        names = {"context": context, "os": os, "sqlite3": sqlite3, "subprocess": subprocess}
        code = params["code"]
        try:
            value = eval(compile(code, __file__, "eval", ast.PyCF_ALLOW_TOP_LEVEL_AWAIT), names)
            if inspect.isawaitable(value):
                value = await value
        except Exception as error:
            said = " ".join([str(error), *getattr(error, "__notes__", ())])
            return ToolResult(data={"raised": type(error).__name__, "said": said,
                                    "pid": os.getpid()})
        return ToolResult(data={"value": value, "pid": os.getpid()})
"""
MANIFEST = """---
name: probe
description: Runs what a test says.
permissions:
  filesystem_read: ["{data}"]
  network_hosts: ["127.0.0.1:{port}", "never.example"]
  environment_variables: ["PROBE_*"]
implements:
  - {{type: tool, class: Probe, name: probe}}
---

# Probe
"""


class Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        if self.path == "/away":
            self.send_response(302)
            self.send_header("Location", "http://127.0.0.2/x")
            self.end_headers()
            return
        body = b"x" * 700_000 if self.path == "/large" else b'{"said": "hello"}'
        self.send_response(200)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:
        pass


SETTINGS = {"process": "", "kernel": "", "strong": "[sandbox]\ntier = 'strong'\n"}


@pytest.fixture(params=list(SETTINGS))
def tier(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Return what holds the workers of a test."""
    wanted: str = request.param
    if not abilities().reaches(wanted):
        pytest.skip(f"this machine has no tier {wanted}")
    if wanted == "process":
        monkeypatch.setattr(Abilities, "reaches", lambda self, tier: tier == "process")
    return wanted


@pytest.fixture
def server() -> Iterator[int]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as found:
        thread = threading.Thread(target=found.serve_forever, args=(0.01,))
        thread.start()
        yield found.server_address[1]
        found.shutdown()
        thread.join()


Probing = Callable[..., dict[str, Any]]


@pytest.fixture
def skills(
    project: Path, server: int, tier: str, monkeypatch: pytest.MonkeyPatch
) -> Iterator[SkillManager]:
    data = project / "data"
    data.mkdir()
    (data / "a.txt").write_text("a")
    (project / "secret").write_text("s")
    manifest = MANIFEST.format(data=data, port=server)
    grow(
        project,
        {
            "skills": {"probe": {"SKILL.md": manifest, "__init__.py": "", "skill.py": CODE}},
            "kurt.toml": f"[integration.db]\npath = 'kept.db'\n{SETTINGS[tier]}",
        },
    )
    monkeypatch.setenv("KURT_TRUST", str(project))
    monkeypatch.setenv("KURT_ISOLATION", "auto")
    monkeypatch.setenv("PROBE_LEVEL", "7")
    with SkillManager() as found:
        yield found


@pytest.fixture
def probe(skills: SkillManager) -> Probing:
    def ask(code: str) -> dict[str, Any]:
        return dict(skills.run("probe", {"code": code}).data)

    return ask


def audit_of(skills: SkillManager) -> list[dict[str, Any]]:
    return list(entries(folder_of(skills.places)))


def test_the_database_of_the_host_is_used_from_a_worker(
    probe: Probing, skills: SkillManager, project: Path
) -> None:
    import os

    first = probe("context.db.write('create table t (n, b)')")
    assert first["value"] == 0 and first["pid"] != os.getpid()
    assert probe("context.db.write('insert into t values (?, ?)', [(1, b'\\xff')])")["value"] == 1
    assert probe("context.db.query('select n, length(b) as l from t')")["value"] == [
        {"n": 1, "l": 1}
    ]
    assert (project / "kept.db").exists()
    refused = probe("context.db.query('select missing')")
    assert (refused["raised"], refused["said"]) == ("OperationalError", "no such column: missing")
    attached = probe("context.db.write(\"attach 'x.db' as x\")")
    assert attached["raised"] == "PermissionDeniedError" and "ATTACH" in attached["said"]
    assert not (project / "x.db").exists()


def test_the_client_of_the_host_is_used_from_a_worker(probe: Probing, server: int) -> None:
    pytest.importorskip("httpx2")
    base = f"http://127.0.0.1:{server}"
    read = "(lambda r: [r.status_code, len(r.content), r.text[:8]])(await context.http.get('{}'))"
    got = probe(read.format(f"{base}/"))
    assert got.get("value") == [200, 17, '{"said":'], got
    large = probe(read.format(f"{base}/large"))
    assert large.get("value") == [200, 700_000, "x" * 8], large
    for url in ("https://example.com/", f"{base}/away"):
        refused = probe(f"await context.http.get('{url}')")
        assert refused["raised"] == "PermissionDeniedError", refused
        assert "probe may not ask" in refused["said"]


def test_what_is_not_lent_says_how_it_would_be(probe: Probing) -> None:
    refused = probe("context.services['fetch']")
    assert refused["raised"] == "ServiceUnavailableError"
    assert "fetch" in refused["said"]
    assert probe("context.services.get('nothing')")["value"] is None
    assert probe("sorted(dir(context.db))[-2:]")["value"] == ["query", "write"]


def test_what_is_refused_says_why_and_is_written_down(
    probe: Probing, skills: SkillManager, project: Path, tier: str
) -> None:
    secret = project / "secret"
    refused = probe(f"open('{secret}').read()")
    # In a root of its own it is not there, which the plugin is told as the system tells it.
    assert refused["raised"] == ("FileNotFoundError" if tier == "strong" else "AccessDenied")
    assert f'write "{secret}" into filesystem_read' in refused["said"]
    assert probe(f"open('{project}/data/a.txt').read()")["value"] == "a"
    assert probe("os.environ['PROBE_LEVEL']")["value"] == "7"
    assert probe("os.getenv('OTHER')")["value"] is None
    assert probe("subprocess.run(['git'])")["raised"] == "AccessDenied"
    found = {(row["permission"], row["target"]): row for row in audit_of(skills)}
    row = found["filesystem_read", str(secret)]
    assert (row["allowed"], row["mechanism"], row["skill"]) == (False, "tripwire", "probe")
    assert row["pid"] == refused["pid"]
    assert found["filesystem_read", str(project / "data" / "a.txt")]["allowed"]
    assert found["environment_variables", "PROBE_LEVEL"]["allowed"]
    assert not found["environment_variables", "OTHER"]["allowed"]
    assert not found["processes", "git"]["allowed"]
    assert not [target for _, target in found if target.endswith((".py", ".pyc", ".so"))]


def test_a_plugin_that_blinds_the_tripwires_gains_nothing(
    probe: Probing, skills: SkillManager, project: Path, tier: str
) -> None:
    blind = (
        "[setattr(__import__('sys').modules['kurt_ext.sandbox.fences'].Fence, name, "
        "lambda self, *a: 1) for name in ('judge', 'changes', 'starts')]"
    )
    assert "value" in probe(blind)
    got = probe(f"open('{project}/secret').read()")
    if tier == "process":  # where Python alone checks, it does
        assert got["value"] == "s"
        report = skills.call("probe").extension.generation.housing.report
        assert any("a hostile plugin gets past them" in said for said in report["not_enforced"])
    else:
        assert got["raised"] in ("PermissionError", "FileNotFoundError")
        assert "may not read" not in got["said"]


def test_a_run_is_told_beside_what_is_declared(
    probe: Probing, skills: SkillManager, project: Path
) -> None:
    probe(f"open('{project}/data/a.txt').read()")
    probe(f"open('{project}/secret').read()")
    housing = skills.call("probe").extension.generation.housing
    trace = report(housing.policy.grants, housing.uses, housing.policy.folder)
    assert [(one.key, one.entry) for one in trace.used] == [
        ("filesystem_read", str(project / "data"))
    ]
    assert [one.target for one in trace.undeclared] == [str(project / "secret")]
    assert ("network_hosts", "never.example") in [(one.key, one.entry) for one in trace.unused]
    assert json.loads(json.dumps(trace.as_dict()))["permissions"]["filesystem_read"] == [
        str(project / "data"), str(project / "secret"),
    ]  # fmt: skip


def test_services_are_asked_from_many_calls_at_once(skills: SkillManager) -> None:
    skills.run("probe", {"code": "context.db.write('create table t (n)')"})

    async def main() -> None:
        call = await skills.acall("probe")
        await asyncio.gather(
            *[call({"code": f"context.db.write('insert into t values ({n})')"}) for n in range(40)]
        )
        found = await call({"code": "context.db.query('select count(*) as n from t')"})
        assert found.data["value"] == [{"n": 40}]

    asyncio.run(main())
    assert issubclass(CallError, KurtError)
