"""Use and declaration are compared by one rule: covered, undeclared, or not to be proven."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from readings import Code, asked, judged

from kurt_ext.checks.environment import check as environment
from kurt_ext.checks.files import check as files
from kurt_ext.checks.native import check as native
from kurt_ext.checks.network import check as network
from kurt_ext.checks.processes import check as processes
from kurt_ext.checks.services import check as services

CHECKS = {
    "network": network,
    "write": files,
    "read": files,
    "environment": environment,
    "process": processes,
    "service": services,
    "native": native,
}
COVERED, OUTSIDE, UNPROVEN = "declared", "undeclared", "unproven"
HOSTS: list[tuple[str, list[str], str]] = [
    ("httpx.get('https://api.example.com/v1')", ["api.example.com"], COVERED),
    ("httpx.get('https://API.example.com/v1')", ["api.example.com"], COVERED),
    ("httpx.get('https://api.example.com:443/')", ["api.example.com"], COVERED),
    ("httpx.get('https://api.example.com/')", ["*.example.com"], COVERED),
    ("httpx.get('https://a.b.example.com/')", ["*.example.com"], COVERED),
    ("httpx.get('https://example.com/')", ["api.example.com", "example.com"], COVERED),
    ("httpx.get('https://example.com.evil.net/')", ["example.com"], OUTSIDE),
    ("httpx.get('https://example.com@evil.net/')", ["example.com"], OUTSIDE),
    ("httpx.get('https://evil.net/?example.com')", ["example.com"], OUTSIDE),
    ("httpx.get('https://evil.net/#example.com')", ["example.com"], OUTSIDE),
    ("httpx.get('https://notexample.com/')", ["*.example.com"], OUTSIDE),
    ("httpx.get('https://other.net/')", ["api.example.com"], OUTSIDE),
    ("httpx.get('https://other.net/')", [], OUTSIDE),
    ("httpx.get(f'https://api.example.com/{n}')", ["api.example.com"], UNPROVEN),
    ("httpx.get(f'https://evil.net/{n}')", ["api.example.com"], OUTSIDE),
    ("httpx.get(n)", ["api.example.com"], UNPROVEN),
    ("httpx.get(config['url'])", ["api.example.com"], UNPROVEN),
    ("httpx.get(n)", [], OUTSIDE),
    ("httpx.post(URL + '/x')", ["api.example.com"], COVERED),
    ("httpx.Client(base_url=URL).get('/x')", ["api.example.com"], COVERED),
    ("httpx.Client(base_url='https://evil.net').get('/x')", ["api.example.com"], OUTSIDE),
    ("httpx.Client().get(URL)", ["api.example.com"], COVERED),
    ("httpx.Client().get('https://evil.net')", ["api.example.com"], OUTSIDE),
    ("socket.create_connection(('api.example.com', 443))", ["api.example.com"], COVERED),
    ("socket.create_connection(('evil.net', 443))", ["api.example.com"], OUTSIDE),
    ("urllib.request.urlopen(URL)", ["api.example.com"], COVERED),
    ("urllib.request.urlopen('http://169.254.169.254/x')", ["api.example.com"], OUTSIDE),
]
WRITES: list[tuple[str, list[str], str]] = [
    ("open('/data/x', 'w')", ["/data"], COVERED),
    ("open('/data/a/b', 'w')", ["/data/"], COVERED),
    ("open('/data', 'w')", ["/data"], COVERED),
    ("open('/database', 'w')", ["/data"], OUTSIDE),
    ("open('/data/../srv/x', 'w')", ["/data"], OUTSIDE),
    ("open('/data/a/../b', 'w')", ["/data"], COVERED),
    ("open('/srv/x', 'w')", ["/data"], OUTSIDE),
    ("open('/data/x', 'w')", [], OUTSIDE),
    ("open('/data/' + n, 'w')", ["/data"], UNPROVEN),
    ("open('/srv/' + n, 'w')", ["/data"], OUTSIDE),
    ("open(n, 'w')", ["/data"], UNPROVEN),
    ("open(n, 'w')", [], OUTSIDE),
    ("Path('/data/x').write_text('')", ["/data"], COVERED),
    ("(Path('/data') / 'x' / 'y').write_bytes(b'')", ["/data"], COVERED),
    ("(Path('/data') / '..' / 'srv').write_bytes(b'')", ["/data"], OUTSIDE),
    (
        "(Path.home() / 'Documents' / 'reports' / 'x').write_text('')",
        ["~/Documents/reports"],
        COVERED,
    ),
    ("(Path.home() / 'Pictures' / 'x').write_text('')", ["~/Documents/reports"], OUTSIDE),
    ("shutil.copyfile('/data/a', '/data/b')", ["/data"], COVERED),
    ("os.makedirs('/data/x')", ["/data"], COVERED),
    ("os.remove('/srv/x')", ["/data"], OUTSIDE),
]
READS: list[tuple[str, list[str], str]] = [
    ("open('/data/x')", ["/data"], COVERED),
    ("open('/srv/x')", ["/data"], OUTSIDE),
    ("open('/srv/x')", [], OUTSIDE),
    ("Path('/data/x').read_text()", ["/data"], COVERED),
    ("open('/data/' + n)", ["/data"], UNPROVEN),
]
VARIABLES: list[tuple[str, list[str], str]] = [
    ("os.environ['TOKEN_A']", ["TOKEN_A"], COVERED),
    ("os.environ.get('TOKEN_A')", ["TOKEN_A"], COVERED),
    ("os.getenv('TOKEN_A', '')", ["TOKEN_A"], COVERED),
    ("os.environ['TOKEN_' + 'A']", ["TOKEN_A"], COVERED),
    ("os.environ['TOKEN_B']", ["TOKEN_*"], COVERED),
    ("os.environ['TOKEN_B']", ["TOKEN_A"], OUTSIDE),
    ("os.environ['TOKEN_A']", [], OUTSIDE),
    ("os.environ[n]", ["TOKEN_A"], UNPROVEN),
    ("dict(os.environ)", ["TOKEN_A"], UNPROVEN),
    ("os.environ.copy()", ["TOKEN_A"], UNPROVEN),
    ("os.environ.items()", ["TOKEN_A"], UNPROVEN),
    ("os.environ.copy()", [], OUTSIDE),
]
PROGRAMS: list[tuple[str, list[str], str]] = [
    ("subprocess.run(['ffmpeg', '-i', n])", ["ffmpeg"], COVERED),
    ("subprocess.Popen(('ffmpeg', n))", ["ffmpeg"], COVERED),
    ("subprocess.check_output(['git', 'log'])", ["ffmpeg", "git"], COVERED),
    ("subprocess.run(['curl', n])", ["ffmpeg"], OUTSIDE),
    ("subprocess.run(['ffmpeg'])", [], OUTSIDE),
    ("subprocess.run([n])", ["ffmpeg"], UNPROVEN),
    ("subprocess.run(n)", ["ffmpeg"], UNPROVEN),
    ("asyncio.create_subprocess_exec('ffmpeg', n)", ["ffmpeg"], COVERED),
    ("asyncio.create_subprocess_exec('curl', n)", ["ffmpeg"], OUTSIDE),
    ("os.system('curl x')", ["ffmpeg"], OUTSIDE),
]
SERVICES: list[tuple[str, list[str], str]] = [
    ("openai.OpenAI()", ["openai"], COVERED),
    ("openai.OpenAI()", ["stripe"], OUTSIDE),
    ("openai.OpenAI()", [], OUTSIDE),
]
NATIVE: list[tuple[str, Any, str]] = [
    ("ctypes.CDLL('x')", True, COVERED),
    ("ctypes.CDLL('x')", False, OUTSIDE),
]
TABLES: dict[str, tuple[str, list[Any]]] = {
    "network": ("network_hosts", HOSTS),
    "write": ("filesystem_write", WRITES),
    "read": ("filesystem_read", READS),
    "environment": ("environment_variables", VARIABLES),
    "process": ("processes", PROGRAMS),
    "service": ("external_apis", SERVICES),
    "native": ("native_code", NATIVE),
}
ROWS = [
    (word, key, expression, stated, verdict)
    for word, (key, rows) in TABLES.items()
    for expression, stated, verdict in rows
]


def written(expression: str) -> Code:
    return (
        "import asyncio, ctypes, os, shutil, socket, subprocess, urllib.request\n"
        "import httpx\nimport openai\nfrom pathlib import Path\n"
        f"URL = 'https://api.example.com'\ndef f(n, config):\n    return {expression}\n"
    )


@pytest.mark.parametrize(("word", "key", "expression", "stated", "verdict"), ROWS)
def test_a_use_is_judged_by_what_the_manifest_declares(
    tmp_path: Path, word: str, key: str, expression: str, stated: Any, verdict: str
) -> None:
    code = written(expression)
    found = asked(CHECKS[word], tmp_path / "com.example.judged", code, permissions={key: stated})
    relevant = {rule for rule, _ in found if rule.endswith(f"-{word}")}
    assert f"{verdict}-{word}" in relevant
    worse = {COVERED: {UNPROVEN, OUTSIDE}, UNPROVEN: {OUTSIDE}, OUTSIDE: set()}[verdict]
    assert not relevant & {f"{one}-{word}" for one in worse}


@pytest.mark.parametrize(("word", "key", "expression", "stated", "verdict"), ROWS)
def test_the_verdict_decides_whether_it_is_valid(
    tmp_path: Path, word: str, key: str, expression: str, stated: Any, verdict: str
) -> None:
    permissions = {key: stated}
    if "copyfile" in expression:
        permissions["filesystem_read"] = ["/data"]
    report = judged(tmp_path / "com.example.judged", written(expression), permissions=permissions)
    wide = any(finding.rule.startswith("wide-") for finding in report.findings)
    if not wide and verdict == OUTSIDE:
        most = 79 if word == "read" else 59
        assert report.score <= most and (word == "read" or not report.valid)
    elif verdict == UNPROVEN:
        assert report.valid and report.score <= 79
    elif verdict == COVERED:
        assert report.valid


def test_a_line_and_a_remedy_are_named(tmp_path: Path) -> None:
    report = judged(tmp_path / "com.example.judged", written("httpx.get(URL + '/x')"))
    (finding,) = [one for one in report.findings if one.rule == "undeclared-network"]
    assert (finding.path, finding.line, finding.category) == ("main.py", 7, "network")
    assert finding.fix.startswith("add api.example.com to permissions: network_hosts")
    assert "https://api.example.com/x" in finding.message


def test_what_a_test_does_that_nothing_imports_is_told_and_counts_for_nothing(
    tmp_path: Path,
) -> None:
    code = {"tests/test_x.py": "import os\ndef test_x():\n    os.system('id')\n"}
    report = judged(tmp_path / "com.example.judged", code)
    assert report.valid and report.score == 100
    imported = {**code, "main.py": "from .tests import test_x\n", "tests/__init__.py": ""}
    assert not judged(tmp_path / "x" / "com.example.judged", imported).valid


def test_a_module_that_nothing_imports_is_judged_all_the_same(tmp_path: Path) -> None:
    code = {"spare.py": "import os\ndef f():\n    os.system('id')\n"}
    assert not judged(tmp_path / "com.example.judged", code).valid
